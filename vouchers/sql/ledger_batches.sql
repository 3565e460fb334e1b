-- Several chains in one round trip, each by itself. A run of issues, chain after chain of the same form, is booked as one set.

-- Locks accounts by turn, and with them, where something may be released, what the closed ones return to.
CREATE OR REPLACE FUNCTION ledger_hold(accounts uuid[], closing uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    these uuid[];
    hot uuid[];
BEGIN
    FOR turn IN 1 .. 4 LOOP
        SELECT array_agg(a.id), array_agg(a.id) FILTER (WHERE a.hot) INTO these, hot
          FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (accounts) AND ledger_turn(a.kind, a.hot) = turn;
        CONTINUE WHEN these IS NULL;
        IF hot IS NOT NULL THEN
            PERFORM ledger_queue(hot);
        END IF;
        PERFORM FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (these) ORDER BY a.id FOR NO KEY UPDATE;
        IF closing IS NOT NULL THEN
            accounts := accounts || ARRAY(SELECT a.returns_to_id FROM vouchers_ledgeraccount AS a
                                           WHERE a.id = ANY (these) AND (a.closed_on IS NOT NULL OR a.id = ANY (closing)) AND a.returns_to_id IS NOT NULL);
        END IF;
    END LOOP;
END $$;

-- Books chains that each open one voucher and only move amounts to it and away from caps, all from accounts that have enough
-- for all of them together: then each of them alone would be accepted, whatever their order. Caps of one subject that are not
-- there yet are opened with it, and granted what is stated by the first that names them. Answers as ledger_post would, or null
-- without having done anything; called with the locks of all ids held.
CREATE OR REPLACE FUNCTION ledger_book_run(chains jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    c record;  -- one place a chain: ids, hashes
    o record;  -- one place a chain: the account that it opens
    n record;  -- one place a cap that is opened: the chain that names it first, and where its grant stands in it
    l record;  -- one place a leg, with what it needs of its chain: a place of a text array is found by walking to it
    stem text := left(uuidv7()::text, 24);  -- one draw of random bits for the ids of all accounts
    these uuid[];
    expected integer;
    changed integer;
    answers jsonb[];
BEGIN
    SELECT array_agg((t.c ->> 'id')::uuid ORDER BY t.nr) AS id, array_agg(encode(sha256(convert_to(t.c::text, 'UTF8')), 'hex') ORDER BY t.nr) AS body,
           bool_and(num_nulls(t.c ->> 'id', t.c ->> 'on', t.c ->> 'subject_kind', t.c ->> 'subject_no') = 0 AND NOT t.c ?| ARRAY['split', 'sums']
                    AND (jsonb_typeof(t.c -> 'open') = 'array' AND jsonb_typeof(t.c -> 'transfers') = 'array') IS TRUE) AS regular,
           count(*) AS number, count(DISTINCT (t.c ->> 'id')::uuid) AS ids
      INTO c FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr);
    IF NOT c.regular OR c.ids < c.number OR EXISTS (SELECT FROM vouchers_ledgerattempt AS a WHERE a.id = ANY (c.id)) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(w.code ORDER BY t.nr) FILTER (WHERE w.new) AS code, array_agg(w.returns_to ORDER BY t.nr) FILTER (WHERE w.new) AS returns_to,
           array_agg(coalesce(w.id, (stem || lpad(to_hex(t.nr), 12, '0'))::uuid) ORDER BY t.nr) FILTER (WHERE w.new) AS id,
           array_agg((t.c ->> 'on')::date ORDER BY t.nr) FILTER (WHERE w.new) AS booked,
           array_agg((SELECT sum(ledger_amount(e.amount)) FROM jsonb_to_recordset(t.c -> 'transfers') AS e (credit text, amount text)
                       WHERE e.credit = w.code) ORDER BY t.nr) FILTER (WHERE w.new) AS amount,
           count(DISTINCT w.code) FILTER (WHERE w.new) AS codes, count(DISTINCT t.nr) FILTER (WHERE w.new) AS chains,
           count(*) FILTER (WHERE w.new) AS number, coalesce(bool_or(w.capped), false) AS capping,
           bool_and(coalesce(CASE WHEN w.new THEN w.limit IS NULL AND w.hot IS NULL AND w.region_code IS NULL
                                  WHEN w.capped THEN w.limit IS NOT NULL AND w.hot IS NOT TRUE AND w.id IS NULL AND w.returns_to IS NULL
                                  ELSE w.there = w.kind AND (w.limit IS NULL OR w.kind = 'cap' AND w.granted = w.limit) END, false)) AS regular
      INTO o
      FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr)
     CROSS JOIN LATERAL (
           SELECT w.*, a.kind AS there, a.limit_amount AS granted, a.id IS NULL AND w.kind = 'voucher' AS new, a.id IS NULL AND w.kind = 'cap' AS capped
             FROM jsonb_to_recordset(t.c -> 'open') AS w (code text, kind text, returns_to text, id uuid, "limit" numeric, hot boolean, region_code text)
             LEFT JOIN vouchers_ledgeraccount AS a ON a.code = w.code) AS w;
    IF NOT coalesce(o.regular, false) OR o.number <> c.number OR o.codes <> c.number OR o.chains <> c.number THEN
        RETURN NULL;
    END IF;

    BEGIN
        IF o.capping THEN
            SELECT array_agg(k.code) AS code, array_agg(k.region) AS region, array_agg(k.limit) AS granted, array_agg(k.nr) AS nr,
                   array_agg(k.legs + k.place) AS pos, array_agg(uuidv7()) AS id, array_agg(k.booked) AS booked, array_agg(s.id) AS source,
                   array_agg(s.code::text) AS source_code, array_agg(k.kind) AS kind, array_agg(k.no) AS no,
                   bool_and(k.alike AND k.used AND s.id IS NOT NULL) AS regular
              INTO n
              FROM (SELECT f.*, row_number() OVER (PARTITION BY f.nr ORDER BY f.named) AS place
                      FROM (SELECT DISTINCT ON (w.code) w.code, w.limit, coalesce(w.region_code, '') AS region, t.nr, w.nr AS named,
                                   jsonb_array_length(t.c -> 'transfers') AS legs, (t.c ->> 'on')::date AS booked,
                                   t.c ->> 'subject_kind' AS kind, t.c ->> 'subject_no' AS no,
                                   min(w.limit) OVER same = max(w.limit) OVER same AS alike,
                                   EXISTS (SELECT FROM jsonb_to_recordset(t.c -> 'transfers') AS e (debit text) WHERE e.debit = w.code) AS used
                              FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr)
                             CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(t.c -> 'open') AS (code text, kind text, "limit" numeric, region_code text))
                                   WITH ORDINALITY AS w (code, kind, "limit", region_code, nr)
                              LEFT JOIN vouchers_ledgeraccount AS a ON a.code = w.code
                             WHERE w.kind = 'cap' AND a.id IS NULL
                            WINDOW same AS (PARTITION BY w.code)
                             ORDER BY w.code, t.nr) AS f) AS k
              LEFT JOIN vouchers_ledgeraccount AS s ON s.code = 'cap_source:' || k.region;
            INSERT INTO vouchers_ledgeraccount (
                id, ledger, kind, code, region_code, limit_amount, debits_pending, debits_posted, credits_pending, credits_posted,
                debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
            SELECT m.id, k.ledger, k.kind, m.code, m.region, m.granted, 0, 0, 0, m.granted, k.debit_limited, k.credit_limited, k.hot, k.counted, m.booked
              FROM unnest(n.id, n.code, n.region, n.granted, n.booked) AS m (id, code, region, granted, booked)
             CROSS JOIN (SELECT * FROM ledger_account_kinds() AS every WHERE every.kind = 'cap') AS k
             ORDER BY m.code
                ON CONFLICT DO NOTHING;
            GET DIAGNOSTICS changed = ROW_COUNT;
            IF NOT n.regular OR changed < cardinality(n.id) THEN
                RAISE EXCEPTION 'a cap is not as plain as it seemed' USING ERRCODE = 'LG001';
            END IF;
        END IF;

        SELECT array_agg(t.nr ORDER BY t.nr, e.pos) AS nr, array_agg(e.pos ORDER BY t.nr, e.pos) AS pos, array_agg(e.code ORDER BY t.nr, e.pos) AS code,
               array_agg(d.id ORDER BY t.nr, e.pos) AS debit, array_agg(d.code::text ORDER BY t.nr, e.pos) AS debit_code,
               array_agg(coalesce(far.id, o.id[t.nr]) ORDER BY t.nr, e.pos) AS credit, array_agg(e.credit ORDER BY t.nr, e.pos) AS credit_code,
               array_agg(ledger_amount(e.amount) ORDER BY t.nr, e.pos) AS amount, array_agg((t.c ->> 'on')::date ORDER BY t.nr, e.pos) AS booked,
               array_agg(t.c ->> 'subject_kind' ORDER BY t.nr, e.pos) AS kind, array_agg(t.c ->> 'subject_no' ORDER BY t.nr, e.pos) AS no,
               array_agg(CASE d.kind WHEN 'cap' THEN (SELECT min(w.limit) FROM jsonb_to_recordset(t.c -> 'open') AS w (code text, "limit" numeric)
                                                       WHERE w.code = e.debit) END ORDER BY t.nr, e.pos) AS stated,
               bool_and(coalesce(e.kind = 'single' AND d.counted AND ledger_amount(e.amount) > 0 AND ledger_turn(d.kind, d.hot) = d.hot::integer + 1
                                 AND CASE WHEN far.id IS NULL THEN EXISTS (SELECT FROM jsonb_to_recordset(t.c -> 'open') AS w (code text, returns_to text)
                                                                            WHERE w.code = e.credit AND w.returns_to = e.debit)
                                          ELSE NOT far.counted END
                                 AND concat_ws(' ', e.code, 'single', d.kind, coalesce(far.kind, 'voucher')) = ANY (ledger_routes()), false)) AS regular,
               count(DISTINCT t.nr) AS chains, array_agg(DISTINCT d.id) FILTER (WHERE NOT d.hot) AS cool, array_agg(DISTINCT d.id) FILTER (WHERE d.hot) AS hot
          INTO l
          FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr)
         CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(t.c -> 'transfers') AS (kind text, code text, debit text, credit text, amount text)) WITH ORDINALITY
               AS e (kind, code, debit, credit, amount, pos)
          LEFT JOIN vouchers_ledgeraccount AS d ON d.code = e.debit
          LEFT JOIN vouchers_ledgeraccount AS far ON far.code = e.credit;
        IF NOT coalesce(l.regular, false) OR l.chains <> c.number THEN
            RAISE EXCEPTION 'a leg is not as plain as it seemed' USING ERRCODE = 'LG001';
        END IF;

        INSERT INTO vouchers_ledgeraccount (
            id, ledger, kind, code, region_code, returns_to_id, debits_pending, debits_posted, credits_pending, credits_posted,
            debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
        SELECT m.id, k.ledger, k.kind, m.code, p.region_code, p.id, 0, 0, 0, coalesce(m.amount, 0),
               k.debit_limited, k.credit_limited, k.hot, k.counted, m.booked
          FROM unnest(o.id, o.code, o.returns_to, o.booked, o.amount) AS m (id, code, returns_to, booked, amount)
          JOIN vouchers_ledgeraccount AS p ON p.code = m.returns_to
         CROSS JOIN (SELECT * FROM ledger_account_kinds() AS every WHERE every.kind = 'voucher') AS k
         ORDER BY m.code
            ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed < c.number THEN
            RAISE EXCEPTION 'an account was opened meanwhile' USING ERRCODE = 'LG001';
        END IF;
        these := l.cool; expected := coalesce(cardinality(l.cool), 0);
        PERFORM FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (these) ORDER BY a.id FOR NO KEY UPDATE;
        FOR turn IN 1 .. 2 LOOP
            IF turn = 2 THEN
                IF o.capping THEN  -- the grants stand behind the legs of their chains, as ledger_book puts them
                    l.nr := l.nr || n.nr; l.pos := l.pos || n.pos; l.code := l.code || array_fill('grant'::text, ARRAY[cardinality(n.id)]);
                    l.debit := l.debit || n.source; l.debit_code := l.debit_code || n.source_code; l.credit := l.credit || n.id;
                    l.credit_code := l.credit_code || n.code; l.amount := l.amount || n.granted; l.kind := l.kind || n.kind; l.no := l.no || n.no;
                    l.booked := l.booked || n.booked; l.stated := l.stated || array_fill(NULL::numeric, ARRAY[cardinality(n.id)]);
                END IF;
                INSERT INTO vouchers_ledgertransfer (
                    id, chain_id, position, kind, code, debit_id, credit_id, amount, subject_kind, subject_no, booked_on, recorded_at)
                SELECT ledger_transfer_id(c.id[x.nr], x.pos), c.id[x.nr], x.pos, 'single', x.code, x.debit, x.credit, x.amount,
                       x.kind, x.no, x.booked, clock_timestamp()
                  FROM unnest(l.nr, l.pos, l.code, l.debit, l.credit, l.amount, l.kind, l.no, l.booked)
                       AS x (nr, pos, code, debit, credit, amount, kind, no, booked);
                SELECT array_agg(one.answer ORDER BY one.nr) INTO answers
                  FROM (SELECT x.nr, jsonb_build_object('id', c.id[x.nr], 'accepted', true, 'code', 'accepted', 'transfers', jsonb_agg(jsonb_build_object(
                                   'id', ledger_transfer_id(c.id[x.nr], x.pos), 'position', x.pos, 'kind', 'single', 'code', x.code,
                                   'debit', x.debit_code, 'credit', x.credit_code, 'amount', x.amount::numeric(18, 2)::text) ORDER BY x.pos)) AS answer
                          FROM unnest(l.nr, l.pos, l.code, l.debit_code, l.credit_code, l.amount) AS x (nr, pos, code, debit_code, credit_code, amount)
                         GROUP BY x.nr) AS one;
                INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
                SELECT x.id, x.body, true, 'accepted', x.answer, clock_timestamp() FROM unnest(c.id, c.body, answers) AS x (id, body, answer);
                EXIT WHEN l.hot IS NULL;
                PERFORM ledger_queue(l.hot);
                these := l.hot; expected := cardinality(l.hot);
            END IF;
            UPDATE vouchers_ledgeraccount AS b SET debits_posted = b.debits_posted + x.amount
              FROM (SELECT y.debit, sum(y.amount) AS amount, min(y.stated) AS least, max(y.stated) AS most
                      FROM unnest(l.debit, l.amount, l.stated) AS y (debit, amount, stated) GROUP BY y.debit) AS x
             WHERE b.id = x.debit AND b.id = ANY (these) AND b.closed_on IS NULL
               AND b.debits_must_not_exceed_credits AND b.debits_pending + b.debits_posted + x.amount <= b.credits_posted
               AND (x.least IS NULL OR x.least = b.limit_amount AND x.most = b.limit_amount);
            GET DIAGNOSTICS changed = ROW_COUNT;
            IF changed < expected THEN
                RAISE EXCEPTION 'not enough for all' USING ERRCODE = 'LG001';
            END IF;
        END LOOP;
    EXCEPTION WHEN SQLSTATE 'LG001' THEN
        RETURN NULL;
    END;
    RETURN to_jsonb(answers);
END $$;

-- All locks of all chains first, in the one order; then each chain by itself.
CREATE OR REPLACE FUNCTION ledger_post_batch(chains jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    chain jsonb;
    whole jsonb;  -- those that have all their parts; the others touch nothing
    opened jsonb;
    ids uuid[];
    closing uuid[];
    answer jsonb;
    answers jsonb[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(o.key)
       FROM (SELECT hashtextextended((c ->> 'id')::uuid::text, 1) AS key FROM jsonb_array_elements(chains) AS c ORDER BY 1 OFFSET 0) AS o;
    answer := coalesce(ledger_book_issues(chains), ledger_book_run(chains));
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM pg_advisory_xact_lock(o.key)
       FROM (SELECT DISTINCT hashtextextended(c ->> 'split', 3) AS key FROM jsonb_array_elements(chains) AS c WHERE c ? 'split' ORDER BY 1 OFFSET 0) AS o;
    SELECT coalesce(jsonb_agg(c ORDER BY nr), '[]') INTO whole FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr)
     WHERE jsonb_typeof(c -> 'transfers') = 'array' AND num_nulls(c ->> 'on', c ->> 'subject_kind', c ->> 'subject_no') = 0;
    SELECT jsonb_agg(DISTINCT w) INTO opened FROM jsonb_array_elements(whole) AS c, jsonb_array_elements(c -> 'open') AS w;
    IF opened IS NOT NULL THEN
        PERFORM ledger_open(opened, (whole -> 0 ->> 'on')::date);
    END IF;
    SELECT array_agg(DISTINCT i.id) FILTER (WHERE i.at IS NOT NULL),
           array_agg(DISTINCT i.id) FILTER (WHERE EXISTS (
               SELECT FROM jsonb_array_elements(c -> 'transfers') AS e WHERE e ->> 'kind' = 'close' AND e ->> 'account' = i.code))
           || CASE WHEN bool_or(p.releasing) THEN '{}'::uuid[] END
      INTO ids, closing
      FROM jsonb_array_elements(whole) AS c
     CROSS JOIN LATERAL ledger_prepare(CASE WHEN c ? 'split' THEN ledger_split_widely(c) ELSE c END) AS p
      LEFT JOIN LATERAL unnest(p.a_id, p.a_code, p.a_at) AS i (id, code, at) ON true;
    PERFORM ledger_hold(ids, closing);
    FOR chain IN SELECT c FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr) ORDER BY nr LOOP
        answers := answers || ledger_post(chain);
    END LOOP;
    RETURN to_jsonb(answers);
END $$;
