-- The plainest run of issues: each chain opens one voucher and moves one amount to it, out of the budget that it returns to. No caps
-- and no shared cost, so everything that decides stands in the request and in the budget's row: nothing is looked up for each of them.

-- Books them as one set, and answers as ledger_post would; or null without having done anything, where a chain says anything else or the
-- budget has not enough for all: then ledger_book_run and ledger_book judge. Called with the locks of all ids held.
CREATE OR REPLACE FUNCTION ledger_book_issues(chains jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    c record;  -- one place a chain
    b record;  -- the budgets, one place each
    stem text := left(uuidv7()::text, 24);  -- one draw of random bits for the ids of all accounts
    answers jsonb[];
    changed integer;
BEGIN
    IF jsonb_array_length(chains) = 0 OR (jsonb_array_length(chains #> '{0,open}') = 1 AND chains #>> '{0,open,0,kind}' = 'voucher') IS NOT TRUE THEN
        RETURN NULL;  -- the first one tells most of them
    END IF;
    SELECT array_agg(x.id ORDER BY x.nr) AS id, array_agg(x.body ORDER BY x.nr) AS body, array_agg(x.booked ORDER BY x.nr) AS booked, array_agg(x.kind ORDER BY x.nr) AS kind, array_agg(x.no ORDER BY x.nr) AS no,
           array_agg(coalesce(x.account, (stem || lpad(to_hex(x.nr), 12, '0'))::uuid) ORDER BY x.nr) AS account, array_agg(x.code ORDER BY x.nr) AS code, array_agg(x.debit ORDER BY x.nr) AS debit,
           array_agg(x.amount ORDER BY x.nr) AS amount, count(*) AS number,
           bool_and(coalesce(x.plain AND x.open_kind = 'voucher' AND x.returns_to = x.debit AND x.credit = x.code AND x.amount IS NOT NULL
                             AND num_nulls(x.id, x.booked, x.kind, x.no, x.code, x.debit) = 0, false)) AS regular
      INTO c
      FROM (SELECT t.nr, (t.c ->> 'id')::uuid AS id, encode(sha256(convert_to(t.c::text, 'UTF8')), 'hex') AS body, (t.c ->> 'on')::date AS booked,
                   t.c ->> 'subject_kind' AS kind, t.c ->> 'subject_no' AS no, (t.o ->> 'id')::uuid AS account, t.o ->> 'code' AS code,
                   t.o ->> 'kind' AS open_kind, t.o ->> 'returns_to' AS returns_to, t.l ->> 'debit' AS debit, t.l ->> 'credit' AS credit,
                   ledger_amount(t.l ->> 'amount') AS amount,
                   jsonb_typeof(t.c -> 'open') = 'array' AND jsonb_typeof(t.c -> 'transfers') = 'array' AND t.c #> '{open,1}' IS NULL
                   AND t.c #> '{transfers,1}' IS NULL AND t.c - '{id,on,subject_kind,subject_no,open,transfers}'::text[] = '{}'
                   AND t.o - '{code,kind,returns_to,id}'::text[] = '{}' AND t.l - '{debit,credit,amount}'::text[] = '{"kind": "single", "code": "issue"}' AS plain
              FROM (SELECT e.c, e.nr, e.c #> '{open,0}' AS o, e.c #> '{transfers,0}' AS l
                      FROM jsonb_array_elements(chains) WITH ORDINALITY AS e (c, nr) OFFSET 0) AS t) AS x;
    IF NOT c.regular OR c.number > (SELECT count(DISTINCT i) FROM unnest(c.id) AS i) OR EXISTS (SELECT FROM vouchers_ledgerattempt AS a WHERE a.id = ANY (c.id)) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(a.id) AS id, array_agg(a.code::text) AS code, array_agg(a.region_code::text) AS region, array_agg(s.amount) AS amount,
           bool_and(coalesce(a.kind = 'budget' AND a.hot AND a.counted, false)) AS regular
      INTO b
      FROM (SELECT x.debit, sum(x.amount) AS amount FROM unnest(c.debit, c.amount) AS x (debit, amount) GROUP BY x.debit) AS s
      LEFT JOIN vouchers_ledgeraccount AS a ON a.code = s.debit;
    IF NOT b.regular OR 'issue single budget voucher' <> ALL (ledger_routes()) THEN
        RETURN NULL;
    END IF;

    BEGIN
        INSERT INTO vouchers_ledgeraccount (
            id, ledger, kind, code, region_code, returns_to_id, debits_pending, debits_posted, credits_pending, credits_posted,
            debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
        SELECT x.account, k.ledger, k.kind, x.code, p.region, p.id, 0, 0, 0, x.amount, k.debit_limited, k.credit_limited, k.hot, k.counted, x.booked
          FROM (SELECT * FROM ledger_account_kinds() AS every WHERE every.kind = 'voucher' OFFSET 0) AS k
         CROSS JOIN unnest(b.id, b.code, b.region) AS p (id, code, region)
          JOIN unnest(c.account, c.code, c.debit, c.amount, c.booked) AS x (account, code, debit, amount, booked) ON x.debit = p.code
         ORDER BY x.code
            ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed < c.number THEN
            RAISE EXCEPTION 'an account is there already' USING ERRCODE = 'LG001';
        END IF;
        INSERT INTO vouchers_ledgertransfer (
            id, chain_id, position, kind, code, debit_id, credit_id, amount, subject_kind, subject_no, booked_on, recorded_at)
        SELECT ledger_transfer_id(x.id, 1), x.id, 1, 'single', 'issue', p.id, x.account, x.amount, x.kind, x.no, x.booked, clock_timestamp()
          FROM unnest(b.id, b.code) AS p (id, code)
          JOIN unnest(c.id, c.account, c.debit, c.amount, c.kind, c.no, c.booked) AS x (id, account, debit, amount, kind, no, booked) ON x.debit = p.code;
        SELECT array_agg(jsonb_build_object('id', x.id, 'accepted', true, 'code', 'accepted', 'transfers', jsonb_build_array(jsonb_build_object(
                   'id', ledger_transfer_id(x.id, 1), 'position', 1, 'kind', 'single', 'code', 'issue',
                   'debit', x.debit, 'credit', x.code, 'amount', x.amount::numeric(18, 2)::text))) ORDER BY x.nr) INTO answers
          FROM unnest(c.id, c.debit, c.code, c.amount) WITH ORDINALITY AS x (id, debit, code, amount, nr);
        INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
        SELECT x.id, x.body, true, 'accepted', x.answer, clock_timestamp() FROM unnest(c.id, c.body, answers) AS x (id, body, answer);
        PERFORM ledger_queue(b.id);
        UPDATE vouchers_ledgeraccount AS a SET debits_posted = a.debits_posted + x.amount
          FROM unnest(b.id, b.amount) AS x (id, amount)
         WHERE a.id = x.id AND a.closed_on IS NULL AND a.debits_must_not_exceed_credits
           AND a.debits_pending + a.debits_posted + x.amount <= a.credits_posted;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed < cardinality(b.id) THEN
            RAISE EXCEPTION 'not enough for all' USING ERRCODE = 'LG001';
        END IF;
    EXCEPTION WHEN SQLSTATE 'LG001' THEN
        RETURN NULL;
    END;
    RETURN to_jsonb(answers);
END $$;
