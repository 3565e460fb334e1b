-- The ledger: accounts, transfers, chains. Owned by voucher_owner, executed by the application, which may not write here.
--
--   ledger_post(chain)         books one chain of transfers, whole or not at all, and answers; never raises for business
--   ledger_post_batch(chains)  several chains in one round trip, each by itself
--
-- Order of locks, the same for everybody, so that no two can wait for each other in a ring:
--   0  the chain's id (advisory): the second sender of an id waits for the first, then gets the first answer
--   1  rows that are opened, roots first, then by code
--   2  an advisory lock for each hot account, by key: thousands queue here cheaply, not on the row
--   3  rows of all touched accounts, by id
-- Nothing is decided before all locks are held. A chain is judged by where it leads: limits hold at its end.
-- READ COMMITTED is expected; under a stricter level the functions fail with a serialization error rather than err.

-- What an account of each kind is. debit_limited: available may not fall below zero. hot: queue in front of the row.
-- counted: false for the far side of entitlements, which is never locked and has no counters.
CREATE OR REPLACE FUNCTION ledger_account_kinds()
RETURNS TABLE (kind text, ledger text, debit_limited boolean, credit_limited boolean, hot boolean, counted boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
        ('treasury',   'money',       false, true,  false, true),
        ('budget',     'money',       true,  false, true,  true),
        ('voucher',    'money',       true,  false, false, true),
        ('payable',    'money',       true,  false, false, true),
        ('instructed', 'money',       true,  false, false, true),
        ('paid',       'money',       true,  false, false, true),
        ('cap_source', 'entitlement', false, false, false, false),
        ('cap',        'entitlement', true,  false, false, true),
        ('cap_used',   'entitlement', false, false, false, false)
$$;

-- Which code may move what between which kinds of account: the account map as a table.
CREATE OR REPLACE FUNCTION ledger_routes()
RETURNS TABLE (code text, kind text, debit_kind text, credit_kind text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
        ('appropriate', 'single',  'treasury',   'budget'),
        ('withdraw',    'single',  'budget',     'treasury'),
        ('issue',       'single',  'budget',     'voucher'),
        ('issue',       'single',  'cap',        'cap_used'),
        ('reserve',     'pending', 'voucher',    'payable'),
        ('reserve',     'pending', 'cap',        'cap_used'),
        ('confirm',     'post',    'voucher',    'payable'),
        ('confirm',     'post',    'cap',        'cap_used'),
        ('release',     'void',    'voucher',    'payable'),
        ('release',     'void',    'cap',        'cap_used'),
        ('time_out',    'expire',  'voucher',    'payable'),
        ('time_out',    'expire',  'cap',        'cap_used'),
        ('close',       'single',  'voucher',    'budget'),
        ('close',       'single',  'voucher',    'treasury'),
        ('close',       'single',  'budget',     'treasury'),
        ('lapse',       'single',  'voucher',    'budget'),
        ('lapse',       'single',  'voucher',    'treasury'),
        ('lapse',       'single',  'budget',     'treasury'),
        ('instruct',    'single',  'payable',    'instructed'),
        ('pay',         'single',  'instructed', 'paid'),
        ('return',      'single',  'instructed', 'payable'),
        ('return',      'single',  'paid',       'payable'),
        ('grant',       'single',  'cap_source', 'cap'),
        ('curtail',     'single',  'cap',        'cap_source')
$$;

-- A transfer in the making; pending_amount is what the resolved reservation held.
DROP TYPE IF EXISTS ledger_leg;
CREATE TYPE ledger_leg AS (
    position integer, kind text, code text, debit uuid, credit uuid, amount numeric, pending uuid, pending_amount numeric,
    reverses uuid, expires_on date
);
-- What a chain does to one account's counters; at is the first leg that touches it.
DROP TYPE IF EXISTS ledger_delta;
CREATE TYPE ledger_delta AS (
    account uuid, at integer, debits_pending numeric, debits_posted numeric, credits_pending numeric, credits_posted numeric
);

-- The amount written in the request, or null when it is none: digits, at most two decimals, above zero.
CREATE OR REPLACE FUNCTION ledger_amount(written text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN written ~ '^[0-9]{1,16}(\.[0-9]{1,2})?$' THEN nullif(written::numeric(18, 2), 0) END
$$;

CREATE OR REPLACE FUNCTION ledger_refusal(id uuid, code text, account text = NULL, available numeric = NULL, needed numeric = NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'accepted', false, 'code', code, 'account', account,
        'available', available::numeric(18, 2)::text, 'needed', needed::numeric(18, 2)::text))
$$;

-- Opens the accounts that are not there yet. An account that a refused chain has opened stays, empty.
CREATE OR REPLACE FUNCTION ledger_open(wanted jsonb, opened date) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    FOR depth IN 0..1 LOOP  -- those that return nowhere, then those that return to them
        INSERT INTO vouchers_ledgeraccount (
            id, ledger, kind, code, region_code, returns_to_id, debits_pending, debits_posted, credits_pending,
            credits_posted, debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
        SELECT coalesce((w ->> 'id')::uuid, uuidv7()), k.ledger, k.kind, w ->> 'code',
               coalesce(w ->> 'region_code', parent.region_code, ''), parent.id, 0, 0, 0,
               0, k.debit_limited, k.credit_limited, coalesce((w ->> 'hot')::boolean, k.hot), k.counted, opened
          FROM jsonb_array_elements(wanted) AS w
          JOIN ledger_account_kinds() AS k ON k.kind = w ->> 'kind'
          LEFT JOIN vouchers_ledgeraccount AS parent ON parent.code = w ->> 'returns_to'
         WHERE ((w ->> 'returns_to') IS NOT NULL)::integer = depth
           AND (depth = 0 OR parent.id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM vouchers_ledgeraccount AS there WHERE there.code = w ->> 'code')
         ORDER BY w ->> 'code'
            ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

-- The legs that a request asks for. What cannot be found stays null and is refused after the locks.
CREATE OR REPLACE FUNCTION ledger_legs(chain jsonb) RETURNS ledger_leg[]
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH asked AS MATERIALIZED (
        SELECT nr, leg, leg ->> 'kind' AS kind FROM jsonb_array_elements(chain -> 'transfers') WITH ORDINALITY AS t (leg, nr)
    ), found AS (
        SELECT nr, 0 AS part, asked.kind, leg ->> 'code' AS code, d.id AS debit, c.id AS credit,
               ledger_amount(leg ->> 'amount') AS amount, NULL::uuid AS pending, NULL::numeric AS pending_amount,
               NULL::uuid AS reverses, (leg ->> 'expires_on')::date AS expires_on
          FROM asked
          LEFT JOIN vouchers_ledgeraccount AS d ON d.code = leg ->> 'debit'
          LEFT JOIN vouchers_ledgeraccount AS c ON c.code = leg ->> 'credit'
         WHERE asked.kind NOT IN ('post', 'void', 'expire', 'reverse', 'close', 'set_limit')
        UNION ALL
        SELECT nr, p.position, asked.kind, leg ->> 'code', p.debit_id, p.credit_id,
               CASE WHEN asked.kind = 'post' AND leg ? 'amount'
                    THEN CASE WHEN p.debit_kind = 'cap' THEN least(ledger_amount(leg ->> 'amount'), p.amount)
                              ELSE ledger_amount(leg ->> 'amount') END
                    ELSE p.amount END,
               p.id, p.amount, NULL, p.expires_on
          FROM asked
          LEFT JOIN LATERAL (
              SELECT t.*, a.kind AS debit_kind
                FROM vouchers_ledgertransfer AS t
                JOIN vouchers_ledgeraccount AS a ON a.id = t.debit_id
               WHERE t.kind = 'pending'
                 AND t.chain_id = (leg ->> 'pending_chain')::uuid
                 AND t.id = coalesce((leg ->> 'pending')::uuid, t.id)
          ) AS p ON true
         WHERE asked.kind IN ('post', 'void', 'expire')
        UNION ALL
        SELECT nr, o.position, 'single', 'reverse', o.credit_id, o.debit_id, o.amount, NULL, NULL, o.id, NULL
          FROM asked
          LEFT JOIN vouchers_ledgertransfer AS o
                 ON o.chain_id = (leg ->> 'reverses_chain')::uuid AND o.kind IN ('single', 'post')
                AND o.code NOT IN ('grant', 'curtail', 'close', 'lapse')  -- consequences, not deeds
         WHERE asked.kind = 'reverse'
    )
    SELECT array_agg((place, kind, code, debit, credit, amount, pending, pending_amount, reverses, expires_on)::ledger_leg
                     ORDER BY place)
      FROM (SELECT row_number() OVER (ORDER BY nr, part)::integer AS place, * FROM found) AS numbered
$$;

-- Every account that a chain may touch: its legs', those it opens, closes or limits, and, where something may be
-- released, those that the released amount may flow on to.
CREATE OR REPLACE FUNCTION ledger_touched(chain jsonb, legs ledger_leg[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    touched uuid[];
BEGIN
    SELECT array_agg(id) INTO touched FROM (
        SELECT debit AS id FROM unnest(legs) WHERE debit IS NOT NULL
        UNION SELECT credit FROM unnest(legs) WHERE credit IS NOT NULL
        UNION SELECT a.id FROM jsonb_array_elements(chain -> 'open') AS w JOIN vouchers_ledgeraccount AS a ON a.code = w ->> 'code'
        UNION SELECT a.id FROM jsonb_array_elements(chain -> 'transfers') AS t
                          JOIN vouchers_ledgeraccount AS a ON a.code = t ->> 'account'
    ) AS named;
    IF ledger_may_release(chain, legs) THEN
        WITH RECURSIVE way AS (
            SELECT a.id, a.returns_to_id FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (touched)
            UNION SELECT a.id, a.returns_to_id FROM way JOIN vouchers_ledgeraccount AS a ON a.id = way.returns_to_id
        )
        SELECT array_agg(id) INTO touched FROM way;
    END IF;
    RETURN touched;
END $$;

CREATE OR REPLACE FUNCTION ledger_may_release(chain jsonb, legs ledger_leg[]) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT EXISTS (SELECT FROM unnest(legs) AS l
                    WHERE l.kind IN ('void', 'expire') OR l.reverses IS NOT NULL OR l.amount < l.pending_amount)
        OR chain -> 'transfers' @? '$[*].kind ? (@ == "close")'
$$;

-- Steps 2 and 3 of the order of locks.
CREATE OR REPLACE FUNCTION ledger_lock(touched uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    key bigint;
BEGIN
    FOR key IN SELECT hashtextextended(id::text, 2) AS k FROM vouchers_ledgeraccount WHERE id = ANY (touched) AND hot ORDER BY k LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
    PERFORM FROM vouchers_ledgeraccount WHERE id = ANY (touched) AND counted ORDER BY id FOR NO KEY UPDATE;
END $$;

-- Sums of legs by account.
CREATE OR REPLACE FUNCTION ledger_deltas(legs ledger_leg[]) RETURNS ledger_delta[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((account, at, dp, dd, cp, cc)::ledger_delta) FROM (
        SELECT account, min(at) AS at, sum(dp) AS dp, sum(dd) AS dd, sum(cp) AS cp, sum(cc) AS cc
          FROM unnest(legs) AS l
         CROSS JOIN LATERAL (
            SELECT CASE l.kind WHEN 'pending' THEN l.amount WHEN 'single' THEN 0 ELSE -l.pending_amount END AS held,
                   CASE WHEN l.kind IN ('single', 'post') THEN l.amount ELSE 0 END AS moved
         ) AS what
         CROSS JOIN LATERAL (VALUES (l.debit, l.position, held, moved, 0, 0), (l.credit, l.position, 0, 0, held, moved))
            AS side (account, at, dp, dd, cp, cc)
         GROUP BY account
    ) AS summed
$$;

-- Books one chain under its locks and answers; what it refuses it leaves undone. Only ledger_post calls it.
CREATE OR REPLACE FUNCTION ledger_book(chain jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    chain_no uuid := (chain ->> 'id')::uuid;
    booked date := (chain ->> 'on')::date;
    legs ledger_leg[];
    touched uuid[];
    accounts vouchers_ledgeraccount[];
    closing uuid[] := '{}';
    limits jsonb := '{}';
    deltas ledger_delta[];
    may_release boolean;
    place integer;
    wrong record;
    item record;
BEGIN
    IF booked IS NULL OR chain ->> 'subject_kind' IS NULL OR chain ->> 'subject_no' IS NULL
       OR jsonb_typeof(chain -> 'transfers') IS DISTINCT FROM 'array' OR jsonb_array_length(chain -> 'transfers') = 0 THEN
        RETURN ledger_refusal(chain_no, 'invalid_chain');
    END IF;
    IF jsonb_array_length(chain -> 'open') > 0 THEN
        PERFORM ledger_open(chain -> 'open', booked);
    END IF;

    legs := coalesce(ledger_legs(chain), '{}');
    touched := ledger_touched(chain, legs);
    may_release := ledger_may_release(chain, legs);
    PERFORM ledger_lock(touched);
    SELECT array_agg(a) INTO accounts FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (touched);

    -- Each leg by itself.
    SELECT l.position, refused.code, coalesce(d.code, c.code) AS account, l.pending_amount, l.amount INTO wrong
      FROM unnest(legs) AS l
      LEFT JOIN unnest(accounts) AS d ON d.id = l.debit
      LEFT JOIN unnest(accounts) AS c ON c.id = l.credit
     CROSS JOIN LATERAL (SELECT CASE
        WHEN l.kind IN ('post', 'void', 'expire') AND l.pending IS NULL THEN 'pending_unknown'
        WHEN l.code = 'reverse' AND l.reverses IS NULL THEN 'not_reversible'
        WHEN l.amount IS NULL THEN 'invalid_amount'
        WHEN d.id IS NULL OR c.id IS NULL THEN 'account_unknown'
        WHEN l.reverses IS NULL AND (l.code, l.kind, d.kind, c.kind) NOT IN (SELECT r.code, r.kind, r.debit_kind, r.credit_kind FROM ledger_routes() AS r)
            THEN 'route_unknown'
        WHEN l.pending IS NOT NULL AND EXISTS (SELECT FROM vouchers_ledgertransfer AS t WHERE t.pending_id = l.pending)
            THEN 'pending_resolved'
        WHEN l.kind = 'post' AND booked >= l.expires_on THEN 'pending_expired'
        WHEN l.kind = 'expire' AND (l.expires_on IS NULL OR booked < l.expires_on) THEN 'not_yet_expired'
        WHEN l.kind = 'post' AND l.amount > l.pending_amount THEN 'exceeds_pending'
        WHEN l.reverses IS NOT NULL AND EXISTS (SELECT FROM vouchers_ledgertransfer AS t WHERE t.reverses_id = l.reverses)
            THEN 'not_reversible'
        WHEN l.kind IN ('single', 'pending') AND l.reverses IS NULL AND (d.closed_on IS NOT NULL OR c.closed_on IS NOT NULL)
            THEN 'account_closed'
        WHEN l.kind = 'post' AND c.closed_on IS NOT NULL THEN 'account_closed'
     END AS code) AS refused
     WHERE refused.code IS NOT NULL ORDER BY l.position LIMIT 1;
    IF FOUND THEN
        RETURN CASE WHEN wrong.code = 'exceeds_pending'
            THEN ledger_refusal(chain_no, wrong.code, wrong.account, wrong.pending_amount, wrong.amount)
            ELSE ledger_refusal(chain_no, wrong.code, wrong.account) END;
    END IF;
    place := cardinality(legs);

    -- Accounts that should exist by now and be of the kind that the request says; limits that it states.
    FOR item IN
        SELECT w ->> 'code' AS code, w ->> 'limit' AS stated, a.id, a.limit_amount, a.region_code, a.kind = w ->> 'kind' AS as_stated
          FROM jsonb_array_elements(chain -> 'open') AS w
          LEFT JOIN unnest(accounts) AS a ON a.code = w ->> 'code'
         WHERE a.id IS NULL OR a.kind <> w ->> 'kind' OR (w ->> 'limit')::numeric IS DISTINCT FROM a.limit_amount AND w ? 'limit'
    LOOP
        IF item.id IS NULL THEN RETURN ledger_refusal(chain_no, 'account_unknown', item.code); END IF;
        IF NOT item.as_stated THEN RETURN ledger_refusal(chain_no, 'account_mismatch', item.code); END IF;
        IF item.limit_amount IS NOT NULL THEN
            RETURN ledger_refusal(chain_no, 'cap_mismatch', item.code, item.limit_amount, item.stated::numeric);
        END IF;
        limits := limits || jsonb_build_object(item.id::text, item.stated);
    END LOOP;
    FOR item IN
        SELECT a.id, a.code, a.kind, a.closed_on, a.credits_pending, t ->> 'kind' AS asked, t ->> 'amount' AS stated
          FROM jsonb_array_elements(chain -> 'transfers') AS t
          LEFT JOIN unnest(accounts) AS a ON a.code = t ->> 'account'
         WHERE t ->> 'kind' IN ('close', 'set_limit')
    LOOP
        IF item.id IS NULL THEN RETURN ledger_refusal(chain_no, 'account_unknown'); END IF;
        IF item.closed_on IS NOT NULL THEN RETURN ledger_refusal(chain_no, 'account_closed', item.code); END IF;
        IF item.asked = 'close' THEN
            IF item.kind NOT IN ('voucher', 'budget') THEN RETURN ledger_refusal(chain_no, 'route_unknown', item.code); END IF;
            IF item.credits_pending > 0 THEN RETURN ledger_refusal(chain_no, 'pending_open', item.code); END IF;
            closing := closing || item.id;
        ELSIF item.kind <> 'cap' THEN RETURN ledger_refusal(chain_no, 'route_unknown', item.code);
        ELSIF ledger_amount(item.stated) IS NULL THEN RETURN ledger_refusal(chain_no, 'invalid_amount', item.code);
        ELSE limits := limits || jsonb_build_object(item.id::text, item.stated);
        END IF;
    END LOOP;
    IF limits <> '{}' THEN
        FOR item IN
            SELECT a.id, s.id AS source, l.value::numeric - coalesce(a.limit_amount, 0) AS more
              FROM jsonb_each_text(limits) AS l
              JOIN unnest(accounts) AS a ON a.id = l.key::uuid
              LEFT JOIN unnest(accounts) AS s ON s.code = 'cap_source:' || a.region_code
        LOOP
            IF item.source IS NULL THEN RETURN ledger_refusal(chain_no, 'account_unknown', 'cap_source'); END IF;
            CONTINUE WHEN item.more = 0;
            place := place + 1;
            legs := legs || CASE WHEN item.more > 0
                THEN (place, 'single', 'grant', item.source, item.id, item.more, NULL, NULL, NULL, NULL)::ledger_leg
                ELSE (place, 'single', 'curtail', item.id, item.source, -item.more, NULL, NULL, NULL, NULL)::ledger_leg END;
        END LOOP;
    END IF;

    -- What a closed account is left with flows on to the first open account on its way back.
    deltas := ledger_deltas(legs);
    IF may_release THEN
        FOR item IN
            WITH RECURSIVE state AS (
                SELECT a.id, a.code, a.returns_to_id, a.closed_on IS NOT NULL OR a.id = ANY (closing) AS closed,
                       a.id = ANY (closing) AS closing, a.debits_must_not_exceed_credits AS limited,
                       a.credits_posted + coalesce(d.credits_posted, 0) - a.debits_posted - coalesce(d.debits_posted, 0)
                           - a.debits_pending - coalesce(d.debits_pending, 0) AS left_over
                  FROM unnest(accounts) AS a LEFT JOIN unnest(deltas) AS d ON d.account = a.id
            ), way AS (
                SELECT s.id, s.code, s.left_over, s.closing, s.returns_to_id AS target, 1 AS steps
                  FROM state AS s WHERE s.closed AND s.limited AND s.left_over > 0
                UNION ALL
                SELECT way.id, way.code, way.left_over, way.closing, s.returns_to_id, way.steps + 1
                  FROM way JOIN state AS s ON s.id = way.target WHERE s.closed
            )
            SELECT DISTINCT ON (id) * FROM way ORDER BY id, steps DESC
        LOOP
            IF item.target IS NULL THEN RETURN ledger_refusal(chain_no, 'nowhere_to_return', item.code, item.left_over); END IF;
            place := place + 1;
            legs := legs || (place, 'single', CASE WHEN item.closing THEN 'close' ELSE 'lapse' END, item.id, item.target,
                             item.left_over, NULL, NULL, NULL, NULL)::ledger_leg;
        END LOOP;
        deltas := ledger_deltas(legs);
    END IF;

    -- The limits, at the end of the chain.
    SELECT a.code, a.ledger, a.available, d.debits_pending + d.debits_posted - d.credits_posted AS needed INTO wrong
      FROM unnest(deltas) AS d
      JOIN (SELECT s.*, CASE WHEN s.debits_must_not_exceed_credits THEN s.credits_posted - s.debits_posted - s.debits_pending
                             ELSE s.debits_posted - s.credits_posted - s.credits_pending END AS available
              FROM unnest(accounts) AS s) AS a ON a.id = d.account
     WHERE (a.debits_must_not_exceed_credits AND d.debits_pending + d.debits_posted - d.credits_posted > a.available)
        OR (a.credits_must_not_exceed_debits AND d.credits_pending + d.credits_posted - d.debits_posted > a.available)
     ORDER BY d.at LIMIT 1;
    IF FOUND THEN
        RETURN ledger_refusal(chain_no, CASE wrong.ledger WHEN 'entitlement' THEN 'cap_exceeded' ELSE 'insufficient_funds' END,
                              wrong.code, wrong.available, wrong.needed);
    END IF;

    UPDATE vouchers_ledgeraccount AS a
       SET debits_pending = a.debits_pending + d.debits_pending,
           debits_posted = a.debits_posted + d.debits_posted,
           credits_pending = a.credits_pending + d.credits_pending,
           credits_posted = a.credits_posted + d.credits_posted,
           closed_on = CASE WHEN a.id = ANY (closing) THEN booked ELSE a.closed_on END,
           limit_amount = coalesce((limits ->> a.id::text)::numeric, a.limit_amount)
      FROM unnest(deltas) AS d
     WHERE a.id = d.account AND a.counted;
    IF closing <> '{}' THEN  -- also where there was nothing left to move
        UPDATE vouchers_ledgeraccount SET closed_on = booked WHERE id = ANY (closing) AND closed_on IS NULL;
    END IF;
    IF limits <> '{}' THEN
        UPDATE vouchers_ledgeraccount SET limit_amount = (limits ->> id::text)::numeric
         WHERE limits ? id::text AND limit_amount IS DISTINCT FROM (limits ->> id::text)::numeric AND id = ANY (touched);
    END IF;

    INSERT INTO vouchers_ledgertransfer (
        id, chain_id, position, kind, code, debit_id, credit_id, amount, pending_id, reverses_id, expires_on,
        subject_kind, subject_no, booked_on, recorded_at)
    SELECT ledger_transfer_id(chain_no, l.position), chain_no, l.position, l.kind, l.code, l.debit, l.credit, l.amount, l.pending,
           l.reverses, CASE WHEN l.kind = 'pending' THEN l.expires_on END,
           chain ->> 'subject_kind', chain ->> 'subject_no', booked, clock_timestamp()
      FROM unnest(legs) AS l;

    RETURN jsonb_build_object('id', chain_no, 'accepted', true, 'code', 'accepted', 'transfers', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'id', ledger_transfer_id(chain_no, l.position), 'position', l.position, 'kind', l.kind, 'code', l.code,
                   'debit', d.code, 'credit', c.code, 'amount', l.amount::numeric(18, 2)::text) ORDER BY l.position), '[]')
          FROM unnest(legs) AS l
          JOIN unnest(accounts) AS d ON d.id = l.debit
          JOIN unnest(accounts) AS c ON c.id = l.credit));
END $$;

-- A transfer's id follows from the chain's, which the caller chose.
CREATE OR REPLACE FUNCTION ledger_transfer_id(chain_no uuid, place integer) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT md5(chain_no::text || '/' || place)::uuid $$;

CREATE OR REPLACE FUNCTION ledger_post(chain jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    chain_no uuid := (chain ->> 'id')::uuid;
    body text := encode(sha256(convert_to(chain::text, 'UTF8')), 'hex');
    first record;
    answer jsonb;
BEGIN
    IF chain_no IS NULL THEN
        RAISE EXCEPTION 'a chain needs an id that its sender made before the first send' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(chain_no::text, 1));
    SELECT a.body_sha256, a.answer INTO first FROM vouchers_ledgerattempt AS a WHERE a.id = chain_no;
    IF FOUND THEN
        RETURN CASE WHEN first.body_sha256 = body THEN first.answer ELSE ledger_refusal(chain_no, 'id_reused') END;
    END IF;
    answer := ledger_book(chain);
    INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
    VALUES (chain_no, body, (answer ->> 'accepted')::boolean, answer ->> 'code', answer, clock_timestamp());
    RETURN answer;
END $$;

-- All locks of all chains first, in the one order; then each chain by itself.
CREATE OR REPLACE FUNCTION ledger_post_batch(chains jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    key bigint;
    chain jsonb;
    touched uuid[] := '{}';
    answers jsonb[] := '{}';
BEGIN
    FOR key IN SELECT hashtextextended((c ->> 'id')::uuid::text, 1) AS k FROM jsonb_array_elements(chains) AS c ORDER BY k LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
    PERFORM ledger_open(jsonb_agg(DISTINCT w), min((c ->> 'on')::date))
       FROM jsonb_array_elements(chains) AS c, jsonb_array_elements(c -> 'open') AS w;
    SELECT array_agg(DISTINCT id) INTO touched
      FROM jsonb_array_elements(chains) AS c, unnest(ledger_touched(c, ledger_legs(c))) AS id;
    PERFORM ledger_lock(touched);
    FOR chain IN SELECT c FROM jsonb_array_elements(chains) WITH ORDINALITY AS t (c, nr) ORDER BY nr LOOP
        answers := answers || ledger_post(chain);
    END LOOP;
    RETURN to_jsonb(answers);
END $$;

-- What is booked stays as it is, for everybody: the owner's own hand is refused as well.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '台账只增不改：% 上的 % 被拒绝。更正请作冲正。', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER ledger_transfer_unchanged BEFORE UPDATE OR DELETE ON vouchers_ledgertransfer
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_transfer_not_truncated BEFORE TRUNCATE ON vouchers_ledgertransfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_attempt_unchanged BEFORE UPDATE OR DELETE ON vouchers_ledgerattempt
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_attempt_not_truncated BEFORE TRUNCATE ON vouchers_ledgerattempt
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_kept BEFORE DELETE ON vouchers_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_not_truncated BEFORE TRUNCATE ON vouchers_ledgeraccount
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
-- Of an account only the counters, the limit and the closing change; cumulative posted counters never fall.
CREATE OR REPLACE TRIGGER ledger_account_identity_unchanged BEFORE UPDATE ON vouchers_ledgeraccount
    FOR EACH ROW WHEN (
        (OLD.id, OLD.ledger, OLD.kind, OLD.code, OLD.region_code, OLD.debits_must_not_exceed_credits,
         OLD.credits_must_not_exceed_debits, OLD.hot, OLD.counted, OLD.opened_on, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.ledger, NEW.kind, NEW.code, NEW.region_code, NEW.debits_must_not_exceed_credits,
         NEW.credits_must_not_exceed_debits, NEW.hot, NEW.counted, NEW.opened_on, NEW.recorded_at)
        OR OLD.returns_to_id IS DISTINCT FROM NEW.returns_to_id
        OR OLD.closed_on IS NOT NULL AND NEW.closed_on IS DISTINCT FROM OLD.closed_on
        OR NEW.debits_posted < OLD.debits_posted OR NEW.credits_posted < OLD.credits_posted)
    EXECUTE FUNCTION ledger_refuse_change();
-- Room on the page for the next version of a hot row.
ALTER TABLE vouchers_ledgeraccount SET (fillfactor = 50);

-- Only the two verbs are for the application; what they are made of is the owner's.
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'ledger\_%' AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
    GRANT EXECUTE ON FUNCTION ledger_post(jsonb), ledger_post_batch(jsonb) TO voucher_app;
END $$;
