-- The ledger: accounts, transfers, chains. Owned by voucher_owner, executed by the application, which may not write here.
--
--   ledger_post(chain)         books one chain of transfers, whole or not at all, and answers; never raises for business
--   ledger_post_batch(chains)  several chains in one round trip, each by itself
--
-- Order of locks, the same for everybody, so that no two can wait for each other in a ring:
--   0  the chain's id (advisory): the second sender of an id waits for the first, then gets the first answer
--   1  what is borne by several accounts (advisory; ledger_shares.sql); rows that are opened, roots first, then by code
--   2  an advisory lock for each hot account, by key: thousands queue here cheaply, not on the row
--   3  rows of all touched accounts, by id
-- Nothing that can change is decided before all locks are held. A chain is judged by where it leads: limits hold at its end.
-- READ COMMITTED is expected; under a stricter level the functions fail with a serialization error rather than err.
--
-- Every second of a hot account is spent here: few statements, each planned once a session (generic plans, by index whatever
-- the statistics say), everything else in plain arrays. In them one place is one leg, or one touched account.

-- What an account of each kind is. debit_limited: available may not fall below zero. hot: queue in front of the row.
-- counted: false for the far side of entitlements, which is never locked and has no counters.
CREATE OR REPLACE FUNCTION ledger_account_kinds()
RETURNS TABLE (kind text, ledger text, debit_limited boolean, credit_limited boolean, hot boolean, counted boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
        ('treasury',   'money',       false, true,  false, true),
        ('surplus',    'money',       true,  false, false, true),
        ('budget',     'money',       true,  false, true,  true),
        ('voucher',    'money',       true,  false, false, true),
        ('payable',    'money',       true,  false, false, true),
        ('instructed', 'money',       true,  false, false, true),
        ('paid',       'money',       true,  false, false, true),
        ('cap_source', 'entitlement', false, false, false, false),
        ('levied',     'money',       false, true,  false, true),
        ('receivable', 'money',       true,  false, false, true),
        ('recovered',  'money',       true,  false, false, true),
        ('written_off', 'money',      true,  false, false, true),
        ('cap',        'entitlement', true,  false, false, true),
        ('cap_used',   'entitlement', false, false, false, false)
$$;

-- Which code may move what between which kinds of account: "code kind debit-kind credit-kind", the account map as a list.
CREATE OR REPLACE FUNCTION ledger_routes() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[
        'appropriate single treasury budget',
        'withdraw single budget treasury',
        'carry_over single surplus budget',
        'issue single budget voucher',
        'issue single cap cap_used',
        'instruct single cap cap_used',
        'return single cap_used cap',
        'reserve pending voucher payable',
        'reserve pending cap cap_used',
        'confirm post voucher payable',
        'confirm post cap cap_used',
        'release void voucher payable',
        'release void cap cap_used',
        'time_out expire voucher payable',
        'time_out expire cap cap_used',
        'close single voucher budget',
        'close single voucher surplus',
        'close single voucher treasury',
        'close single budget surplus',
        'close single budget treasury',
        'lapse single voucher budget',
        'lapse single voucher surplus',
        'lapse single voucher treasury',
        'lapse single budget surplus',
        'lapse single budget treasury',
        'instruct single payable instructed',
        'pay single instructed paid',
        'return single instructed payable',
        'return single paid payable',
        'claw_back single paid receivable',
        'levy single levied receivable',
        'recover single receivable recovered',
        'offset single payable paid',
        'write_off single receivable written_off',
        'grant single cap_source cap',
        'curtail single cap cap_source'
    ]
$$;

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
LANGUAGE plpgsql AS $$
BEGIN
    FOR depth IN 0..2 LOOP  -- those that return nowhere, those that return to them, those that return to these
        INSERT INTO vouchers_ledgeraccount (
            id, ledger, kind, code, region_code, returns_to_id, debits_pending, debits_posted, credits_pending,
            credits_posted, debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
        SELECT coalesce((w ->> 'id')::uuid, uuidv7()), k.ledger, k.kind, w ->> 'code',
               coalesce(w ->> 'region_code', parent.region_code, ''), parent.id, 0, 0, 0,
               0, k.debit_limited, k.credit_limited, coalesce((w ->> 'hot')::boolean, k.hot), k.counted, opened
          FROM jsonb_array_elements(wanted) AS w
          JOIN ledger_account_kinds() AS k ON k.kind = w ->> 'kind'
          LEFT JOIN vouchers_ledgeraccount AS parent ON parent.code = w ->> 'returns_to'
         WHERE ((w ->> 'returns_to') IS NOT NULL)::integer = least(depth, 1)
           AND (depth = 0 OR parent.id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM vouchers_ledgeraccount AS there WHERE there.code = w ->> 'code')
         ORDER BY w ->> 'code'
            ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

-- A request looked up: the legs it asks for (l_*), the counted accounts that they touch with what they do to each (a_*; a_at is
-- the first leg that touches it), the limits that it states (o_*), and what is wrong with the request itself.
DROP TYPE IF EXISTS ledger_request CASCADE;
CREATE TYPE ledger_request AS (
    l_kind text[], l_code text[], l_debit uuid[], l_credit uuid[], l_amount numeric[], l_pending uuid[], l_reverses uuid[],
    l_expires date[], l_debit_code text[], l_credit_code text[],
    a_id uuid[], a_key bigint[], a_at integer[], a_dp numeric[], a_dd numeric[], a_cp numeric[], a_cc numeric[],
    o_id uuid[], o_limit numeric[],
    releasing boolean, resolving boolean, special boolean, refusal text, refused_account text, refused_amount numeric, refused_of numeric
);

-- Looks a request up; nothing is locked yet, and nothing that is read here ever changes.
CREATE OR REPLACE FUNCTION ledger_prepare(chain jsonb) RETURNS ledger_request
LANGUAGE plpgsql AS $$
DECLARE
    r ledger_request;
    l_kind text[]; l_code text[]; l_debit uuid[]; l_credit uuid[]; l_amount numeric[]; l_pending uuid[]; l_reverses uuid[];
    l_expires date[]; l_debit_code text[]; l_credit_code text[];
    a_id uuid[]; a_key bigint[]; a_at integer[]; a_dp numeric[]; a_dd numeric[]; a_cp numeric[]; a_cc numeric[];
    booked date := (chain ->> 'on')::date;
    leg jsonb;
    kind text;
    how text;  -- of a leg that is found: its kind and code, if not the request's
    why text;
    found_legs refcursor;
    p record;
    amount numeric;
    held numeric;
    moved numeric;
    n integer := 0;
    before integer;
    i integer;
    there boolean;
    missing text;
    opened boolean := false;
    o_id uuid[]; o_limit numeric[];
BEGIN
    r.releasing := false; r.resolving := false; r.special := false;
    IF jsonb_array_length(chain -> 'open') > 0 THEN
        LOOP
            missing := NULL; o_id := NULL; o_limit := NULL;
            FOR p IN SELECT w ->> 'code' AS code, w ->> 'kind' AS kind, (w ->> 'limit')::numeric AS stated, a.id, a.kind AS is
                       FROM jsonb_array_elements(chain -> 'open') AS w LEFT JOIN vouchers_ledgeraccount AS a ON a.code = w ->> 'code'
            LOOP
                IF p.id IS NULL THEN
                    missing := p.code;
                ELSIF p.kind <> p.is OR p.stated IS NOT NULL AND p.is <> 'cap' THEN
                    r.refusal := 'account_mismatch'; r.refused_account := p.code;
                ELSIF p.stated IS NOT NULL THEN
                    o_id := o_id || p.id; o_limit := o_limit || p.stated;
                END IF;
            END LOOP;
            EXIT WHEN missing IS NULL;
            IF opened THEN
                r.refusal := 'account_unknown'; r.refused_account := missing;
                EXIT;
            END IF;
            PERFORM ledger_open(chain -> 'open', booked);
            opened := true;
        END LOOP;
        r.o_id := o_id; r.o_limit := o_limit;
    END IF;

    FOR leg IN SELECT value FROM jsonb_array_elements(chain -> 'transfers') LOOP
        kind := leg ->> 'kind';
        before := n;
        IF kind IN ('close', 'set_limit') THEN
            r.special := true;
            r.releasing := r.releasing OR kind = 'close';
            CONTINUE;
        ELSIF kind IN ('post', 'void', 'expire') THEN
            r.resolving := true;
            OPEN found_legs FOR
                SELECT t.id AS pending, NULL::uuid AS reverses, t.amount AS held, t.amount, t.expires_on,
                       d.id AS debit, d.code AS debit_code, d.kind AS debit_kind, d.hot AS debit_hot, d.counted AS debit_counted,
                       c.id AS credit, c.code AS credit_code, c.kind AS credit_kind, c.hot AS credit_hot, c.counted AS credit_counted
                  FROM vouchers_ledgertransfer AS t
                  JOIN vouchers_ledgeraccount AS d ON d.id = t.debit_id
                  JOIN vouchers_ledgeraccount AS c ON c.id = t.credit_id
                 WHERE t.chain_id = (leg ->> 'pending_chain')::uuid AND t.kind = 'pending' ORDER BY t.position;
        ELSIF kind = 'reverse' THEN  -- what closing or granting added to that chain was a consequence, not a deed
            r.resolving := true; r.releasing := true;
            OPEN found_legs FOR
                SELECT NULL::uuid AS pending, t.id AS reverses, NULL::numeric AS held, t.amount, NULL::date AS expires_on,
                       d.id AS debit, d.code AS debit_code, d.kind AS debit_kind, d.hot AS debit_hot, d.counted AS debit_counted,
                       c.id AS credit, c.code AS credit_code, c.kind AS credit_kind, c.hot AS credit_hot, c.counted AS credit_counted
                  FROM vouchers_ledgertransfer AS t
                  JOIN vouchers_ledgeraccount AS d ON d.id = t.credit_id
                  JOIN vouchers_ledgeraccount AS c ON c.id = t.debit_id
                 WHERE t.chain_id = (leg ->> 'reverses_chain')::uuid AND t.kind IN ('single', 'post')
                   AND t.code NOT IN ('grant', 'curtail', 'close', 'lapse') ORDER BY t.position;
        ELSE
            SELECT NULL::uuid AS pending, NULL::uuid AS reverses, NULL::numeric AS held, ledger_amount(leg ->> 'amount') AS amount,
                   (leg ->> 'expires_on')::date AS expires_on,
                   d.id AS debit, d.code AS debit_code, d.kind AS debit_kind, d.hot AS debit_hot, d.counted AS debit_counted,
                   c.id AS credit, c.code AS credit_code, c.kind AS credit_kind, c.hot AS credit_hot, c.counted AS credit_counted
              INTO p
              FROM vouchers_ledgeraccount AS d, vouchers_ledgeraccount AS c
             WHERE d.code = leg ->> 'debit' AND c.code = leg ->> 'credit';
            there := FOUND;
        END IF;

        LOOP
            IF found_legs IS NOT NULL THEN
                FETCH found_legs INTO p;
                there := FOUND;
            END IF;
            EXIT WHEN NOT there;
            n := n + 1;
            amount := p.amount;
            how := kind; why := leg ->> 'code';
            IF kind = 'post' AND leg ? 'amount' THEN
                amount := ledger_amount(leg ->> 'amount');
                IF p.debit_kind = 'cap' THEN amount := least(amount, p.amount);
                ELSIF p.debit_code LIKE '%:%:%' THEN  -- one of several that bear the reservation
                    amount := ledger_part_of((leg ->> 'pending_chain')::uuid, p.pending, amount);
                    IF amount = 0 THEN how := 'void'; why := 'release'; amount := p.amount; END IF;
                END IF;
            END IF;
            IF r.refusal IS NULL THEN
                r.refusal := CASE
                    WHEN amount IS NULL THEN 'invalid_amount'
                    WHEN kind <> 'reverse'
                         AND concat_ws(' ', why, how, p.debit_kind, p.credit_kind) <> ALL (ledger_routes()) THEN 'route_unknown'
                    WHEN kind = 'post' AND booked >= p.expires_on THEN 'pending_expired'
                    WHEN kind = 'expire' AND (p.expires_on IS NULL OR booked < p.expires_on) THEN 'not_yet_expired'
                    WHEN amount > p.held THEN 'exceeds_pending' END;
                IF r.refusal IS NOT NULL THEN
                    r.refused_account := p.debit_code;
                    IF r.refusal = 'exceeds_pending' THEN r.refused_amount := amount; r.refused_of := p.held; END IF;
                END IF;
            END IF;
            l_kind := l_kind || CASE how WHEN 'reverse' THEN 'single' ELSE how END;
            l_code := l_code || CASE how WHEN 'reverse' THEN 'reverse' ELSE why END;
            l_debit := l_debit || p.debit; l_debit_code := l_debit_code || p.debit_code::text;
            l_credit := l_credit || p.credit; l_credit_code := l_credit_code || p.credit_code::text;
            l_amount := l_amount || amount;
            l_pending := l_pending || p.pending;
            l_reverses := l_reverses || p.reverses;
            l_expires := l_expires || CASE kind WHEN 'pending' THEN p.expires_on END;
            r.releasing := r.releasing OR how IN ('void', 'expire') OR amount < p.held;
            held := CASE how WHEN 'pending' THEN amount ELSE -coalesce(p.held, 0) END;
            moved := CASE WHEN how IN ('void', 'expire', 'pending') THEN 0 ELSE amount END;
            IF p.debit_counted THEN
                i := array_position(a_id, p.debit);
                IF i IS NULL THEN
                    a_id := a_id || p.debit; a_at := a_at || n;
                    a_dp := a_dp || held; a_dd := a_dd || moved; a_cp := a_cp || 0.00; a_cc := a_cc || 0.00;
                    IF p.debit_hot THEN a_key := a_key || hashtextextended(p.debit::text, 2); END IF;
                ELSE
                    a_dp[i] := a_dp[i] + held; a_dd[i] := a_dd[i] + moved;
                END IF;
            END IF;
            IF p.credit_counted THEN
                i := array_position(a_id, p.credit);
                IF i IS NULL THEN
                    a_id := a_id || p.credit; a_at := a_at || n;
                    a_dp := a_dp || 0.00; a_dd := a_dd || 0.00; a_cp := a_cp || held; a_cc := a_cc || moved;
                    IF p.credit_hot THEN a_key := a_key || hashtextextended(p.credit::text, 2); END IF;
                ELSE
                    a_cp[i] := a_cp[i] + held; a_cc[i] := a_cc[i] + moved;
                END IF;
            END IF;
            EXIT WHEN found_legs IS NULL;
        END LOOP;
        IF found_legs IS NOT NULL THEN
            CLOSE found_legs;
            found_legs := NULL;
        END IF;
        IF n = before AND r.refusal IS NULL THEN
            r.refusal := CASE WHEN kind = 'reverse' THEN 'not_reversible' WHEN kind IN ('post', 'void', 'expire') THEN 'pending_unknown'
                              WHEN ledger_amount(leg ->> 'amount') IS NULL THEN 'invalid_amount' ELSE 'account_unknown' END;
            IF r.refusal = 'account_unknown' THEN
                r.refused_account := CASE WHEN EXISTS (SELECT FROM vouchers_ledgeraccount AS a WHERE a.code = leg ->> 'debit')
                                          THEN leg ->> 'credit' ELSE leg ->> 'debit' END;
            END IF;
        END IF;
    END LOOP;

    IF r.releasing OR r.special THEN  -- also what it closes or limits, and the accounts that a released amount may flow on to
        FOR p IN
            WITH RECURSIVE way AS (
                SELECT a.id, a.returns_to_id, a.hot FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (a_id)
                UNION SELECT a.id, a.returns_to_id, a.hot
                  FROM jsonb_array_elements(chain -> 'transfers') AS e JOIN vouchers_ledgeraccount AS a ON a.code = e ->> 'account'
                UNION SELECT a.id, a.returns_to_id, a.hot FROM way JOIN vouchers_ledgeraccount AS a ON a.id = way.returns_to_id
            )
            SELECT way.id, way.hot FROM way WHERE way.id <> ALL (coalesce(a_id, '{}'))
        LOOP
            a_id := a_id || p.id; a_at := a_at || n + 1;
            a_dp := a_dp || 0.00; a_dd := a_dd || 0.00; a_cp := a_cp || 0.00; a_cc := a_cc || 0.00;
            IF p.hot THEN a_key := a_key || hashtextextended(p.id::text, 2); END IF;
        END LOOP;
    END IF;
    IF chain ? 'sums' THEN  -- and the accounts that a limit on their sum counts
        FOR p IN SELECT DISTINCT a.id, a.hot
                   FROM jsonb_array_elements(chain -> 'sums') AS s, jsonb_array_elements_text(s -> 'accounts') AS c
                   JOIN vouchers_ledgeraccount AS a ON a.code = c.value
                  WHERE a.id <> ALL (coalesce(a_id, '{}'))
        LOOP
            a_id := a_id || p.id; a_at := a_at || n + 1;
            a_dp := a_dp || 0.00; a_dd := a_dd || 0.00; a_cp := a_cp || 0.00; a_cc := a_cc || 0.00;
            IF p.hot THEN a_key := a_key || hashtextextended(p.id::text, 2); END IF;
        END LOOP;
    END IF;
    r.l_kind := l_kind; r.l_code := l_code; r.l_debit := l_debit; r.l_credit := l_credit; r.l_amount := l_amount;
    r.l_pending := l_pending; r.l_reverses := l_reverses; r.l_expires := l_expires;
    r.l_debit_code := l_debit_code; r.l_credit_code := l_credit_code;
    r.a_id := a_id; r.a_key := a_key; r.a_at := a_at; r.a_dp := a_dp; r.a_dd := a_dd; r.a_cp := a_cp; r.a_cc := a_cc;
    RETURN r;
END $$;

-- Step 2 of the order of locks.
CREATE OR REPLACE FUNCTION ledger_queue(keys bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    key bigint;
BEGIN
    IF cardinality(keys) > 1 THEN
        SELECT array_agg(DISTINCT k ORDER BY k) INTO keys FROM unnest(keys) AS k;
    END IF;
    FOREACH key IN ARRAY keys LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
END $$;

-- Books one chain under its locks and answers; what it refuses it leaves undone. Only ledger_post calls it.
CREATE OR REPLACE FUNCTION ledger_book(chain jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    chain_no uuid := (chain ->> 'id')::uuid;
    booked date := (chain ->> 'on')::date;
    r ledger_request;
    l_kind text[]; l_code text[]; l_debit uuid[]; l_credit uuid[]; l_amount numeric[]; l_debit_code text[]; l_credit_code text[];
    a_dp numeric[]; a_dd numeric[]; a_cp numeric[]; a_cc numeric[];
    a_row vouchers_ledgeraccount[];  -- each touched account as it stands under its lock
    a vouchers_ledgeraccount;
    some_closed boolean := false;
    closing uuid[] := '{}';
    limits jsonb := '{}';
    own numeric[];  -- of each touched cap, the lower limit that this chain alone is held to
    granted numeric[];  -- of each touched cap, what this chain is granted
    item record;
    target uuid;
    amount numeric;
    worst integer;
    answer jsonb;
    i integer;
    j integer;
BEGIN
    IF booked IS NULL OR chain ->> 'subject_kind' IS NULL OR chain ->> 'subject_no' IS NULL
       OR jsonb_typeof(chain -> 'transfers') IS DISTINCT FROM 'array'
       OR jsonb_array_length(chain -> 'transfers') NOT BETWEEN 1 AND 5000 THEN
        RETURN ledger_refusal(chain_no, 'invalid_chain');
    END IF;
    r := ledger_prepare(chain);
    IF r.refusal IN ('exceeds_pending', 'pending_expired', 'not_yet_expired')
       AND EXISTS (SELECT FROM vouchers_ledgertransfer AS t WHERE t.pending_id = ANY (r.l_pending)) THEN
        RETURN ledger_refusal(chain_no, 'pending_resolved', r.refused_account);  -- the stronger reason, which no waiting cures
    ELSIF r.refusal IS NOT NULL THEN
        RETURN ledger_refusal(chain_no, r.refusal, r.refused_account, r.refused_of, r.refused_amount);
    END IF;
    a_dp := r.a_dp; a_dd := r.a_dd; a_cp := r.a_cp; a_cc := r.a_cc;
    l_kind := r.l_kind; l_code := r.l_code; l_debit := r.l_debit; l_credit := r.l_credit; l_amount := r.l_amount;
    l_debit_code := r.l_debit_code; l_credit_code := r.l_credit_code;

    IF r.a_key IS NOT NULL THEN
        PERFORM ledger_queue(r.a_key);
    END IF;
    a_row := array_fill(NULL::vouchers_ledgeraccount, ARRAY[coalesce(cardinality(r.a_id), 0)]);
    FOR a IN SELECT * FROM vouchers_ledgeraccount WHERE id = ANY (r.a_id) ORDER BY id FOR NO KEY UPDATE LOOP
        a_row[array_position(r.a_id, a.id)] := a;
        some_closed := some_closed OR a.closed_on IS NOT NULL;
    END LOOP;

    -- All locks are held. Too late for a leg that resolves or reverses what is resolved already, or begins on a closed account.
    IF r.resolving THEN
        IF EXISTS (SELECT FROM vouchers_ledgertransfer AS t WHERE t.pending_id = ANY (r.l_pending)) THEN
            RETURN ledger_refusal(chain_no, 'pending_resolved', l_debit_code[1]);
        ELSIF EXISTS (SELECT FROM vouchers_ledgertransfer AS t WHERE t.reverses_id = ANY (r.l_reverses)) THEN
            RETURN ledger_refusal(chain_no, 'not_reversible', l_debit_code[1]);
        END IF;
    END IF;
    IF some_closed THEN
        FOR i IN 1 .. coalesce(cardinality(l_kind), 0) LOOP
            CONTINUE WHEN r.l_reverses[i] IS NOT NULL OR l_kind[i] IN ('void', 'expire');
            IF (a_row[array_position(r.a_id, l_credit[i])]).closed_on IS NOT NULL THEN
                RETURN ledger_refusal(chain_no, 'account_closed', l_credit_code[i]);
            ELSIF l_kind[i] <> 'post' AND (a_row[array_position(r.a_id, l_debit[i])]).closed_on IS NOT NULL THEN
                RETURN ledger_refusal(chain_no, 'account_closed', l_debit_code[i]);
            END IF;
        END LOOP;
    END IF;

    -- A limit is that of the version under which a case is decided, and cases of two versions use one cap. A chain that states
    -- more than was granted so far is granted the difference; one that states less is held to its own limit, and no other is.
    FOR i IN 1 .. coalesce(cardinality(r.o_id), 0) LOOP
        j := array_position(r.a_id, r.o_id[i]);
        CONTINUE WHEN j IS NULL OR (a_row[j]).limit_amount = r.o_limit[i];
        IF (a_row[j]).limit_amount > r.o_limit[i] THEN
            own[j] := r.o_limit[i];
        ELSE
            limits := limits || jsonb_build_object(r.o_id[i]::text, r.o_limit[i]);
        END IF;
    END LOOP;
    IF r.special THEN
        FOR item IN SELECT e ->> 'kind' AS asked, e ->> 'amount' AS stated, b.*
                      FROM jsonb_array_elements(chain -> 'transfers') AS e
                      LEFT JOIN vouchers_ledgeraccount AS b ON b.code = e ->> 'account'
                     WHERE e ->> 'kind' IN ('close', 'set_limit')
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
    END IF;
    IF limits <> '{}' THEN
        FOR item IN
            SELECT b.id, b.code, s.id AS source, s.code AS source_code, l.value::numeric - coalesce(b.limit_amount, 0) AS more
              FROM jsonb_each_text(limits) AS l
              JOIN vouchers_ledgeraccount AS b ON b.id = l.key::uuid
              LEFT JOIN vouchers_ledgeraccount AS s ON s.code = 'cap_source:' || b.region_code
        LOOP
            IF item.source IS NULL THEN RETURN ledger_refusal(chain_no, 'account_unknown', 'cap_source'); END IF;
            CONTINUE WHEN item.more = 0;
            i := array_position(r.a_id, item.id);
            l_kind := l_kind || 'single'::text; l_amount := l_amount || abs(item.more);
            IF item.more > 0 THEN
                l_code := l_code || 'grant'::text; l_debit := l_debit || item.source; l_credit := l_credit || item.id;
                l_debit_code := l_debit_code || item.source_code::text; l_credit_code := l_credit_code || item.code::text;
                a_cc[i] := a_cc[i] + item.more; granted[i] := item.more;
            ELSE
                l_code := l_code || 'curtail'::text; l_debit := l_debit || item.id; l_credit := l_credit || item.source;
                l_debit_code := l_debit_code || item.code::text; l_credit_code := l_credit_code || item.source_code::text;
                a_dd[i] := a_dd[i] - item.more;
            END IF;
        END LOOP;
    END IF;

    -- What a closed account is left with flows on to the first open account on its way back.
    IF r.releasing THEN
        FOR i IN 1 .. coalesce(cardinality(r.a_id), 0) LOOP
            a := a_row[i];
            CONTINUE WHEN a.closed_on IS NULL AND a.id <> ALL (closing) OR NOT a.debits_must_not_exceed_credits;
            amount := a.credits_posted + a_cc[i] - a.debits_posted - a_dd[i] - a.debits_pending - a_dp[i];
            CONTINUE WHEN amount <= 0;
            target := a.returns_to_id;
            LOOP
                j := array_position(r.a_id, target);
                EXIT WHEN j IS NULL OR (a_row[j]).closed_on IS NULL AND target <> ALL (closing);
                target := (a_row[j]).returns_to_id;
            END LOOP;
            IF j IS NULL THEN RETURN ledger_refusal(chain_no, 'nowhere_to_return', a.code, amount); END IF;
            l_kind := l_kind || 'single'::text; l_code := l_code || CASE WHEN a.id = ANY (closing) THEN 'close' ELSE 'lapse' END;
            l_debit := l_debit || a.id; l_debit_code := l_debit_code || a.code::text; a_dd[i] := a_dd[i] + amount;
            l_credit := l_credit || target; l_credit_code := l_credit_code || (a_row[j]).code::text; a_cc[j] := a_cc[j] + amount;
            l_amount := l_amount || amount;
        END LOOP;
    END IF;

    -- The limits, at the end of the chain; of several that would break, the one that the first leg touches.
    FOR i IN 1 .. coalesce(cardinality(r.a_id), 0) LOOP
        a := a_row[i];
        IF a.debits_must_not_exceed_credits AND a.debits_pending + a_dp[i] + a.debits_posted + a_dd[i] > a.credits_posted + a_cc[i]
           OR own[i] IS NOT NULL AND a_dp[i] + a_dd[i] > a_cc[i]
              AND a.limit_amount - a.credits_posted - a_cc[i] + a.debits_pending + a_dp[i] + a.debits_posted + a_dd[i] > own[i]
           OR a.credits_must_not_exceed_debits AND a.credits_pending + a_cp[i] + a.credits_posted + a_cc[i] > a.debits_posted + a_dd[i] THEN
            IF worst IS NULL OR r.a_at[i] < r.a_at[worst] THEN worst := i; END IF;
        END IF;
    END LOOP;
    IF worst IS NOT NULL THEN
        a := a_row[worst];
        RETURN ledger_refusal(
            chain_no, CASE a.ledger WHEN 'entitlement' THEN 'cap_exceeded' ELSE 'insufficient_funds' END, a.code,
            CASE WHEN own[worst] IS NOT NULL
                 THEN greatest(own[worst] - a.limit_amount + a.credits_posted - a.debits_posted - a.debits_pending, 0)
                 WHEN a.debits_must_not_exceed_credits
                 THEN a.credits_posted + coalesce(granted[worst], 0) - a.debits_posted - a.debits_pending
                 ELSE a.debits_posted - a.credits_posted - a.credits_pending END,
            CASE WHEN a.debits_must_not_exceed_credits THEN a_dp[worst] + a_dd[worst] - a_cc[worst] + coalesce(granted[worst], 0)
                 ELSE a_cp[worst] + a_cc[worst] - a_dd[worst] END);
    END IF;

    IF chain ? 'sums' THEN
        answer := ledger_sum_exceeded(chain, r.a_id, a_row, a_dp, a_dd, a_cc, limits);
        IF answer IS NOT NULL THEN RETURN answer; END IF;
    END IF;

    UPDATE vouchers_ledgeraccount AS b
       SET debits_pending = b.debits_pending + d.dp, debits_posted = b.debits_posted + d.dd,
           credits_pending = b.credits_pending + d.cp, credits_posted = b.credits_posted + d.cc
      FROM unnest(r.a_id, a_dp, a_dd, a_cp, a_cc) AS d (id, dp, dd, cp, cc)
     WHERE b.id = d.id;
    IF closing <> '{}' THEN
        UPDATE vouchers_ledgeraccount SET closed_on = booked WHERE id = ANY (closing);
    END IF;
    IF limits <> '{}' THEN
        UPDATE vouchers_ledgeraccount AS b SET limit_amount = l.value::numeric
          FROM jsonb_each_text(limits) AS l WHERE b.id = l.key::uuid AND b.id = ANY (r.a_id);
    END IF;

    INSERT INTO vouchers_ledgertransfer (
        id, chain_id, position, kind, code, debit_id, credit_id, amount, pending_id, reverses_id, expires_on,
        subject_kind, subject_no, booked_on, recorded_at)
    SELECT ledger_transfer_id(chain_no, l.nr), chain_no, l.nr, l.kind, l.code, l.debit, l.credit,
           l.amount, l.pending, l.reverses, l.expires, chain ->> 'subject_kind', chain ->> 'subject_no', booked, clock_timestamp()
      FROM unnest(l_kind, l_code, l_debit, l_credit, l_amount, r.l_pending, r.l_reverses, r.l_expires)
           WITH ORDINALITY AS l (kind, code, debit, credit, amount, pending, reverses, expires, nr);

    answer := '[]';
    FOR i IN 1 .. coalesce(cardinality(l_kind), 0) LOOP
        answer := answer || jsonb_build_object('id', ledger_transfer_id(chain_no, i), 'position', i, 'kind', l_kind[i], 'code', l_code[i],
            'debit', l_debit_code[i], 'credit', l_credit_code[i], 'amount', l_amount[i]::numeric(18, 2)::text);
    END LOOP;
    RETURN jsonb_build_object('id', chain_no, 'accepted', true, 'code', 'accepted', 'transfers', answer);
END $$;

-- A transfer's id follows from the chain's, which the caller chose.
CREATE OR REPLACE FUNCTION ledger_transfer_id(chain_no uuid, place bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT md5(chain_no::text || '/' || place)::uuid $$;

CREATE OR REPLACE FUNCTION ledger_post(chain jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
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
    answer := CASE WHEN chain ? 'split' THEN ledger_book_split(chain) ELSE ledger_book(chain) END;
    INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
    VALUES (chain_no, body, (answer ->> 'accepted')::boolean, answer ->> 'code', answer, clock_timestamp());
    RETURN answer;
END $$;

-- All locks of all chains first, in the one order; then each chain by itself.
CREATE OR REPLACE FUNCTION ledger_post_batch(chains jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    key bigint;
    chain jsonb;
    opened jsonb;
    ids uuid[];
    keys bigint[];
    answers jsonb[] := '{}';
BEGIN
    FOR key IN SELECT hashtextextended((c ->> 'id')::uuid::text, 1) AS k FROM jsonb_array_elements(chains) AS c ORDER BY k LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
    FOR key IN SELECT DISTINCT hashtextextended(c ->> 'split', 3) AS k FROM jsonb_array_elements(chains) AS c WHERE c ? 'split' ORDER BY k LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
    SELECT jsonb_agg(DISTINCT w) INTO opened FROM jsonb_array_elements(chains) AS c, jsonb_array_elements(c -> 'open') AS w;
    IF opened IS NOT NULL THEN
        PERFORM ledger_open(opened, (chains -> 0 ->> 'on')::date);
    END IF;
    SELECT array_agg(DISTINCT i.id), array_agg(DISTINCT k.key) FILTER (WHERE k.key IS NOT NULL) INTO ids, keys
      FROM jsonb_array_elements(chains) AS c
     CROSS JOIN LATERAL ledger_prepare(CASE WHEN c ? 'split' THEN ledger_split_widely(c) ELSE c END) AS p
      LEFT JOIN LATERAL unnest(p.a_id) AS i (id) ON true
      LEFT JOIN LATERAL unnest(p.a_key) AS k (key) ON true;
    IF keys IS NOT NULL THEN
        PERFORM ledger_queue(keys);
    END IF;
    PERFORM FROM vouchers_ledgeraccount WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
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
-- Of an account only the counters, the limit and, once, the closing change.
CREATE OR REPLACE TRIGGER ledger_account_identity_unchanged
    BEFORE UPDATE OF id, ledger, kind, code, region_code, returns_to_id, debits_must_not_exceed_credits,
        credits_must_not_exceed_debits, hot, counted, opened_on, recorded_at ON vouchers_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_stays_closed BEFORE UPDATE OF closed_on ON vouchers_ledgeraccount
    FOR EACH ROW WHEN (OLD.closed_on IS NOT NULL) EXECUTE FUNCTION ledger_refuse_change();
-- Also for a session that sets session_replication_role, which silences ordinary triggers.
DO $$
DECLARE
    guard record;
BEGIN
    FOR guard IN SELECT tgrelid::regclass AS of, tgname FROM pg_trigger
                  WHERE tgfoid = 'ledger_refuse_change'::regproc AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', guard.of, guard.tgname);
    END LOOP;
END $$;
-- Room on the page for the next version of a hot row.
ALTER TABLE vouchers_ledgeraccount SET (fillfactor = 50);

-- Only the two verbs, and the account map for check_ledger, are for the application; what they are made of is the owner's.
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'ledger\_%' AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
    GRANT EXECUTE ON FUNCTION ledger_post(jsonb), ledger_post_batch(jsonb), ledger_account_kinds(), ledger_routes() TO voucher_app;
END $$;
