-- One chain booked under its locks, and the verb that does it. ledger_requests.sql has looked it up.

-- Queues in front of hot accounts: an advisory lock each, by key, and then the account's tills, before the next queue.
CREATE OR REPLACE FUNCTION ledger_queue(accounts uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT DISTINCT a.id, hashtextextended(a.id::text, 2) AS key FROM unnest(accounts) AS a (id) ORDER BY key LOOP
        PERFORM pg_advisory_xact_lock(one.key);
        PERFORM ledger_gather(one.id);
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
    h_dp numeric[]; h_dd numeric[]; h_cp numeric[]; h_cc numeric[]; h_limit numeric[]; h_closed date[];
    k_id uuid[]; k_dp numeric[]; k_dd numeric[]; k_cp numeric[]; k_cc numeric[]; k_limit numeric[]; k_closed date[];
    u_id uuid[]; u_dp numeric[]; u_dd numeric[]; u_cp numeric[]; u_cc numeric[];  -- the accounts that it changes
    hot uuid[];
    some_closed boolean := false;
    closing uuid[] := '{}';
    own numeric[];  -- of each touched cap, the lower limit that this chain alone is held to
    granted numeric[];  -- of each touched cap, what this chain is granted
    g_at integer[]; g_limit numeric[];  -- limits that it changes
    item record;
    target uuid;
    amount numeric;
    worst integer;
    accounts integer;
    refused jsonb;
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

    l_kind := r.l_kind; l_code := r.l_code; l_debit := r.l_debit; l_credit := r.l_credit; l_amount := r.l_amount;
    l_debit_code := r.l_debit_code; l_credit_code := r.l_credit_code;
    a_dp := r.a_dp; a_dd := r.a_dd; a_cp := r.a_cp; a_cc := r.a_cc;
    h_dp := r.h_dp; h_dd := r.h_dd; h_cp := r.h_cp; h_cc := r.h_cc; h_limit := r.h_limit; h_closed := r.h_closed;
    IF r.special THEN
        SELECT coalesce(array_agg(a.id), '{}') INTO closing
          FROM jsonb_array_elements(chain -> 'transfers') AS e JOIN vouchers_ledgeraccount AS a ON a.code = e ->> 'account'
         WHERE e ->> 'kind' = 'close';
    END IF;
    FOR turn IN 0 .. 4 LOOP
        k_id := NULL; hot := NULL;
        FOR i IN 1 .. coalesce(cardinality(r.a_id), 0) LOOP
            IF r.a_turn[i] = turn AND r.a_at[i] IS NOT NULL THEN
                k_id := k_id || r.a_id[i];
                IF r.a_hot[i] THEN hot := hot || r.a_id[i]; END IF;
            END IF;
        END LOOP;
        IF k_id IS NOT NULL THEN
            IF hot IS NOT NULL THEN
                PERFORM ledger_queue(hot);
            END IF;
            SELECT array_agg(s.id), array_agg(s.debits_pending), array_agg(s.debits_posted), array_agg(s.credits_pending),
                   array_agg(s.credits_posted), array_agg(s.limit_amount), array_agg(s.closed_on)
              INTO k_id, k_dp, k_dd, k_cp, k_cc, k_limit, k_closed
              FROM (SELECT * FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (k_id) ORDER BY a.id FOR NO KEY UPDATE) AS s;
            FOR k IN 1 .. cardinality(k_id) LOOP
                i := array_position(r.a_id, k_id[k]);
                h_dp[i] := k_dp[k]; h_dd[i] := k_dd[k]; h_cp[i] := k_cp[k]; h_cc[i] := k_cc[k];
                h_limit[i] := k_limit[k]; h_closed[i] := k_closed[k];
                some_closed := some_closed OR k_closed[k] IS NOT NULL;
            END LOOP;
        END IF;
        IF r.releasing AND (some_closed OR closing <> '{}') THEN  -- where a closed one returns to is of a later turn, and locked then
            FOR item IN SELECT b.*, ledger_turn(b.kind, b.hot) AS turn
                          FROM vouchers_ledgeraccount AS a JOIN vouchers_ledgeraccount AS b ON b.id = a.returns_to_id
                         WHERE a.id = ANY (CASE turn WHEN 0 THEN closing ELSE k_id END) AND (a.closed_on IS NOT NULL OR a.id = ANY (closing))
            LOOP
                i := array_position(r.a_id, item.id);
                IF i IS NULL THEN
                    r.a_id := r.a_id || item.id; i := cardinality(r.a_id);
                    r.a_code[i] := item.code; r.a_kind[i] := item.kind; r.a_hot[i] := item.hot; r.a_turn[i] := item.turn;
                    r.a_returns[i] := item.returns_to_id; r.a_debit_limited[i] := item.debits_must_not_exceed_credits;
                    r.a_credit_limited[i] := item.credits_must_not_exceed_debits; r.a_at[i] := NULL;
                    a_dp[i] := 0.00; a_dd[i] := 0.00; a_cp[i] := 0.00; a_cc[i] := 0.00;
                    r.a_dp := a_dp; r.a_dd := a_dd; r.a_cp := a_cp; r.a_cc := a_cc;
                END IF;
                IF r.a_at[i] IS NULL AND item.turn > turn THEN
                    r.a_at[i] := 9999;
                END IF;
            END LOOP;
        END IF;
    END LOOP;
    accounts := coalesce(cardinality(r.a_id), 0);

    -- Too late for a leg that resolves or reverses what is resolved already, or begins on a closed account.
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
            IF h_closed[r.l_credit_at[i]] IS NOT NULL THEN
                RETURN ledger_refusal(chain_no, 'account_closed', l_credit_code[i]);
            ELSIF l_kind[i] <> 'post' AND h_closed[r.l_debit_at[i]] IS NOT NULL THEN
                RETURN ledger_refusal(chain_no, 'account_closed', l_debit_code[i]);
            END IF;
        END LOOP;
    END IF;

    -- A limit is that of the version under which a case is decided, and cases of two versions use one cap. A chain that states
    -- more than was granted so far is granted the difference; one that states less is held to its own limit, and no other is.
    FOR i IN 1 .. coalesce(cardinality(r.o_at), 0) LOOP
        j := r.o_at[i];
        CONTINUE WHEN r.a_at[j] IS NULL OR h_limit[j] = r.o_limit[i];
        IF h_limit[j] > r.o_limit[i] THEN
            own[j] := r.o_limit[i];
        ELSE
            g_at := g_at || j; g_limit := g_limit || r.o_limit[i];
        END IF;
    END LOOP;
    IF r.special THEN
        FOR item IN SELECT e ->> 'kind' AS asked, e ->> 'amount' AS stated, array_position(r.a_code, e ->> 'account') AS at
                      FROM jsonb_array_elements(chain -> 'transfers') AS e
                     WHERE e ->> 'kind' IN ('close', 'set_limit')
        LOOP
            i := item.at;
            refused := CASE
                WHEN i IS NULL THEN ledger_refusal(chain_no, 'account_unknown')
                WHEN h_closed[i] IS NOT NULL THEN ledger_refusal(chain_no, 'account_closed', r.a_code[i])
                WHEN item.asked = 'close' AND r.a_kind[i] NOT IN ('voucher', 'budget') OR item.asked <> 'close' AND r.a_kind[i] <> 'cap'
                    THEN ledger_refusal(chain_no, 'route_unknown', r.a_code[i])
                WHEN item.asked = 'close' AND h_cp[i] > 0 THEN ledger_refusal(chain_no, 'pending_open', r.a_code[i])
                WHEN item.asked <> 'close' AND ledger_amount(item.stated) IS NULL THEN ledger_refusal(chain_no, 'invalid_amount', r.a_code[i])
                END;
            IF refused IS NOT NULL THEN RETURN refused; END IF;
            IF item.asked <> 'close' THEN
                g_at := g_at || i; g_limit := g_limit || item.stated::numeric;
            END IF;
        END LOOP;
    END IF;
    IF g_at IS NOT NULL THEN
        FOR item IN
            SELECT l.at, b.id, b.code, s.id AS source, s.code AS source_code, l.stated - coalesce(b.limit_amount, 0) AS more
              FROM unnest(g_at, g_limit) WITH ORDINALITY AS l (at, stated, nr)
              JOIN vouchers_ledgeraccount AS b ON b.id = r.a_id[l.at]
              LEFT JOIN vouchers_ledgeraccount AS s ON s.code = 'cap_source:' || b.region_code
             ORDER BY l.nr
        LOOP
            IF item.source IS NULL THEN
                RETURN ledger_refusal(chain_no, 'account_unknown', 'cap_source');
            END IF;
            CONTINUE WHEN item.more = 0;
            i := item.at;
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
        FOR i IN 1 .. accounts LOOP
            CONTINUE WHEN r.a_at[i] IS NULL OR h_closed[i] IS NULL AND r.a_id[i] <> ALL (closing) OR NOT r.a_debit_limited[i];
            amount := h_cc[i] + a_cc[i] - h_dd[i] - a_dd[i] - h_dp[i] - a_dp[i];
            CONTINUE WHEN amount <= 0;
            target := r.a_returns[i];
            LOOP
                j := array_position(r.a_id, target);
                EXIT WHEN j IS NULL OR r.a_at[j] IS NOT NULL AND h_closed[j] IS NULL AND target <> ALL (closing);
                target := r.a_returns[j];
            END LOOP;
            IF j IS NULL THEN
                RETURN ledger_refusal(chain_no, 'nowhere_to_return', r.a_code[i], amount);
            END IF;
            l_kind := l_kind || 'single'::text; l_code := l_code || CASE WHEN r.a_id[i] = ANY (closing) THEN 'close' ELSE 'lapse' END;
            l_debit := l_debit || r.a_id[i]; l_debit_code := l_debit_code || r.a_code[i]; a_dd[i] := a_dd[i] + amount;
            l_credit := l_credit || target; l_credit_code := l_credit_code || r.a_code[j]; a_cc[j] := a_cc[j] + amount;
            l_amount := l_amount || amount;
        END LOOP;
    END IF;

    -- The limits, at the end of the chain; of several that would break, the one that the first leg touches.
    FOR i IN 1 .. accounts LOOP
        CONTINUE WHEN r.a_at[i] IS NULL;
        IF r.a_debit_limited[i] AND h_dp[i] + a_dp[i] + h_dd[i] + a_dd[i] > h_cc[i] + a_cc[i]
           OR own[i] IS NOT NULL AND a_dp[i] + a_dd[i] > a_cc[i]
              AND h_limit[i] - h_cc[i] - a_cc[i] + h_dp[i] + a_dp[i] + h_dd[i] + a_dd[i] > own[i]
           OR r.a_credit_limited[i] AND h_cp[i] + a_cp[i] + h_cc[i] + a_cc[i] > h_dd[i] + a_dd[i] THEN
            IF worst IS NULL OR r.a_at[i] < r.a_at[worst] THEN worst := i; END IF;
        END IF;
        u_id := u_id || r.a_id[i]; u_dp := u_dp || a_dp[i]; u_dd := u_dd || a_dd[i]; u_cp := u_cp || a_cp[i]; u_cc := u_cc || a_cc[i];
    END LOOP;
    IF worst IS NOT NULL THEN
        i := worst;
        RETURN ledger_refusal(
            chain_no, CASE r.a_kind[i] WHEN 'cap' THEN 'cap_exceeded' ELSE 'insufficient_funds' END, r.a_code[i],
            CASE WHEN own[i] IS NOT NULL THEN greatest(own[i] - h_limit[i] + h_cc[i] - h_dd[i] - h_dp[i], 0)
                 WHEN r.a_debit_limited[i] THEN h_cc[i] + coalesce(granted[i], 0) - h_dd[i] - h_dp[i]
                 ELSE h_dd[i] - h_cc[i] - h_cp[i] END,
            CASE WHEN r.a_debit_limited[i] THEN a_dp[i] + a_dd[i] - a_cc[i] + coalesce(granted[i], 0)
                 ELSE a_cp[i] + a_cc[i] - a_dd[i] END);
    END IF;
    IF chain ? 'sums' THEN
        answer := ledger_sum_exceeded(chain, r.a_code, ARRAY(
            SELECT CASE WHEN r.a_at[n] IS NULL THEN 0 ELSE coalesce(h_limit[n], 0) - h_cc[n] + h_dd[n] + h_dp[n] END
              FROM generate_series(1, accounts) AS n ORDER BY n), ARRAY(
            SELECT coalesce(granted[n], 0) - a_cc[n] + a_dd[n] + a_dp[n] FROM generate_series(1, accounts) AS n ORDER BY n));
        IF answer IS NOT NULL THEN RETURN answer; END IF;
    END IF;

    UPDATE vouchers_ledgeraccount AS b
       SET debits_pending = b.debits_pending + d.dp, debits_posted = b.debits_posted + d.dd,
           credits_pending = b.credits_pending + d.cp, credits_posted = b.credits_posted + d.cc
      FROM unnest(u_id, u_dp, u_dd, u_cp, u_cc) AS d (id, dp, dd, cp, cc)
     WHERE b.id = d.id;
    IF closing <> '{}' THEN
        UPDATE vouchers_ledgeraccount SET closed_on = booked WHERE id = ANY (closing);
    END IF;
    IF g_at IS NOT NULL THEN
        UPDATE vouchers_ledgeraccount AS b SET limit_amount = l.stated FROM unnest(g_at, g_limit) AS l (at, stated) WHERE b.id = r.a_id[l.at];
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
    answer := jsonb_build_object('id', chain_no, 'accepted', true, 'code', 'accepted', 'transfers', answer);
    RETURN answer;
END $$;

CREATE OR REPLACE FUNCTION ledger_post(chain jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    chain_no uuid := (chain ->> 'id')::uuid;
    body text := encode(sha256(convert_to(chain::text, 'UTF8')), 'hex');
    first record;
    made record;
    answer jsonb;
BEGIN
    IF chain_no IS NULL THEN
        RAISE EXCEPTION 'a chain needs an id that its sender made before the first send' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(chain_no::text, 1));
    IF NOT chain ? 'split' THEN
        answer := ledger_book_plainly(chain, chain_no, body);
        IF answer IS NOT NULL THEN
            RETURN answer;  -- with its attempt
        END IF;
    END IF;
    SELECT a.body_sha256, a.answer INTO first FROM vouchers_ledgerattempt AS a WHERE a.id = chain_no;
    IF FOUND THEN
        RETURN CASE WHEN first.body_sha256 = body THEN first.answer ELSE ledger_refusal(chain_no, 'id_reused') END;
    END IF;
    IF chain ? 'split' THEN  -- what is borne by several accounts: ledger_shares.sql
        PERFORM pg_advisory_xact_lock(hashtextextended(chain ->> 'split', 3));
        made := ledger_split(chain);
        answer := made.refusal;
        chain := made.split;
        IF answer IS NULL THEN
            answer := ledger_book_plainly(chain, chain_no, body);
            IF answer IS NOT NULL THEN
                RETURN answer;
            END IF;
        END IF;
    END IF;
    IF answer IS NULL THEN
        answer := ledger_book(chain);
    END IF;
    INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
    VALUES (chain_no, body, (answer ->> 'accepted')::boolean, answer ->> 'code', answer, clock_timestamp());
    RETURN answer;
END $$;
