-- A request looked up, before anything is locked: what it asks for, which accounts that touches, what is wrong with it.
-- Every array l_* has one place a leg, every array a_* one place an account. What an account has (h_*) is as it was read here:
-- ledger_book reads it again under the locks.
DROP TYPE IF EXISTS ledger_request CASCADE;
CREATE TYPE ledger_request AS (
    l_kind text[], l_code text[], l_debit uuid[], l_credit uuid[], l_debit_code text[], l_credit_code text[], l_debit_at integer[],
    l_credit_at integer[], l_amount numeric[], l_pending uuid[], l_reverses uuid[], l_expires date[],
    a_id uuid[], a_code text[], a_kind text[], a_hot boolean[], a_turn integer[], a_returns uuid[], a_debit_limited boolean[], a_credit_limited boolean[],
    a_at integer[],  -- the first leg that touches it; null when it is only named, and not locked
    a_dp numeric[], a_dd numeric[], a_cp numeric[], a_cc numeric[],  -- what the chain does to its counters
    h_dp numeric[], h_dd numeric[], h_cp numeric[], h_cc numeric[], h_limit numeric[], h_closed date[],
    o_at integer[], o_limit numeric[],  -- the caps whose limit it states
    last_turn integer, releasing boolean, resolving boolean, special boolean, refusal text, refused_account text, refused_amount numeric, refused_of numeric
);

CREATE OR REPLACE FUNCTION ledger_prepare(chain jsonb) RETURNS ledger_request
LANGUAGE plpgsql AS $$
DECLARE
    r ledger_request;
    l_kind text[]; l_code text[]; l_debit uuid[]; l_credit uuid[]; l_debit_code text[]; l_credit_code text[]; l_debit_at integer[];
    l_credit_at integer[]; l_amount numeric[]; l_pending uuid[]; l_reverses uuid[]; l_expires date[];
    l_held numeric[];  -- of a leg that resolves: what was reserved
    l_until date[];  -- and the day from which it cannot be posted
    l_wrong text[];  -- of a leg that found nothing to resolve or reverse: why not
    a_id uuid[]; a_code text[]; a_kind text[]; a_hot boolean[]; a_counted boolean[]; a_turn integer[]; a_returns uuid[];
    a_debit_limited boolean[]; a_credit_limited boolean[]; a_at integer[]; a_dp numeric[]; a_dd numeric[]; a_cp numeric[]; a_cc numeric[];
    h_dp numeric[]; h_dd numeric[]; h_cp numeric[]; h_cc numeric[]; h_limit numeric[]; h_closed date[];
    o_at integer[]; o_limit numeric[];
    booked date := (chain ->> 'on')::date;
    wanted jsonb := chain -> 'open';
    legs jsonb := chain -> 'transfers';
    opening integer := coalesce(jsonb_array_length(wanted), 0);
    named text[];
    also text[];  -- named for another reason than a leg: to be closed, limited or added up
    missing text;
    leg jsonb;
    how text;
    amount numeric;
    held numeric;
    moved numeric;
    p record;
    n integer := 0;
    before integer;
    i integer;
    j integer;
BEGIN
    r.releasing := false; r.resolving := false; r.special := false; r.last_turn := 0;

    -- What is named, and the legs; those that resolve or reverse are found by the chain that they point to.
    FOR k IN 0 .. opening - 1 LOOP
        named[k + 1] := wanted -> k ->> 'code';
    END LOOP;
    FOR k IN 0 .. jsonb_array_length(legs) - 1 LOOP
        leg := legs -> k;
        how := leg ->> 'kind';
        IF how IN ('close', 'set_limit') THEN
            r.special := true;
            r.releasing := r.releasing OR how = 'close';
            also := also || (leg ->> 'account');
            CONTINUE;
        ELSIF how IN ('post', 'void', 'expire', 'reverse') THEN
            r.resolving := true;
            r.releasing := r.releasing OR how <> 'post';
            before := n;
            FOR p IN  -- what closing or granting added to a chain that is reversed was a consequence, not a deed
                SELECT t.id, t.amount, t.expires_on, d.code::text AS debit_code, d.kind AS debit_kind, c.code::text AS credit_code
                  FROM vouchers_ledgertransfer AS t
                  JOIN vouchers_ledgeraccount AS d ON d.id = CASE how WHEN 'reverse' THEN t.credit_id ELSE t.debit_id END
                  JOIN vouchers_ledgeraccount AS c ON c.id = CASE how WHEN 'reverse' THEN t.debit_id ELSE t.credit_id END
                 WHERE t.chain_id = (CASE how WHEN 'reverse' THEN leg ->> 'reverses_chain' ELSE leg ->> 'pending_chain' END)::uuid
                   AND CASE how WHEN 'reverse' THEN t.kind IN ('single', 'post') AND t.code NOT IN ('grant', 'curtail', 'close', 'lapse')
                                 ELSE t.kind = 'pending' END
                 ORDER BY t.position
            LOOP
                n := n + 1;
                l_kind[n] := how; l_code[n] := leg ->> 'code'; l_wrong[n] := NULL;
                l_debit_code[n] := p.debit_code; l_credit_code[n] := p.credit_code; l_amount[n] := p.amount;
                IF how = 'reverse' THEN
                    l_pending[n] := NULL; l_reverses[n] := p.id; l_held[n] := NULL; l_until[n] := NULL;
                ELSE
                    l_pending[n] := p.id; l_reverses[n] := NULL; l_held[n] := p.amount; l_until[n] := p.expires_on;
                    IF how = 'post' AND leg ? 'amount' THEN
                        amount := ledger_amount(leg ->> 'amount');
                        IF p.debit_kind = 'cap' THEN
                            amount := least(amount, p.amount);
                        ELSIF p.debit_code LIKE '%:%:%' THEN  -- one of several that bear the reservation
                            amount := ledger_part_of((leg ->> 'pending_chain')::uuid, p.id, amount);
                            IF amount = 0 THEN l_kind[n] := 'void'; l_code[n] := 'release'; amount := p.amount; END IF;
                        END IF;
                        l_amount[n] := amount;
                    END IF;
                END IF;
                l_expires[n] := NULL;
                named := named || p.debit_code || p.credit_code;
            END LOOP;
            CONTINUE WHEN n > before;
            n := n + 1;
            l_wrong[n] := CASE how WHEN 'reverse' THEN 'not_reversible' ELSE 'pending_unknown' END;
        ELSE
            n := n + 1;
            l_kind[n] := how; l_code[n] := leg ->> 'code'; l_wrong[n] := NULL;
            l_debit_code[n] := leg ->> 'debit'; l_credit_code[n] := leg ->> 'credit'; l_amount[n] := ledger_amount(leg ->> 'amount');
            l_pending[n] := NULL; l_reverses[n] := NULL; l_held[n] := NULL; l_until[n] := NULL;
            l_expires[n] := CASE how WHEN 'pending' THEN (leg ->> 'expires_on')::date END;
            named := named || l_debit_code[n] || l_credit_code[n];
        END IF;
    END LOOP;
    IF chain ? 'sums' THEN
        also := also || ARRAY(SELECT c.value FROM jsonb_array_elements(chain -> 'sums') AS s, jsonb_array_elements_text(s -> 'accounts') AS c);
    END IF;

    named := named || also;

    -- The accounts, in one look; twice if one has to be opened first.
    FOR look IN 1 .. 2 LOOP
        SELECT array_agg(a.id), array_agg(a.code::text), array_agg(a.kind::text), array_agg(a.hot), array_agg(a.counted),
               array_agg(ledger_turn(a.kind, a.hot)), array_agg(a.returns_to_id), array_agg(a.debits_must_not_exceed_credits), array_agg(a.credits_must_not_exceed_debits), array_agg(a.debits_pending),
               array_agg(a.debits_posted), array_agg(a.credits_pending), array_agg(a.credits_posted), array_agg(a.limit_amount), array_agg(a.closed_on)
          INTO a_id, a_code, a_kind, a_hot, a_counted, a_turn, a_returns, a_debit_limited, a_credit_limited, h_dp, h_dd, h_cp, h_cc, h_limit, h_closed
          FROM vouchers_ledgeraccount AS a WHERE a.code = ANY (named);
        missing := NULL;
        FOR k IN 0 .. opening - 1 LOOP
            i := array_position(a_code, named[k + 1]);
            IF i IS NULL THEN
                missing := named[k + 1];
            ELSIF wanted -> k ->> 'kind' <> a_kind[i] OR wanted -> k ? 'limit' AND a_kind[i] <> 'cap' THEN
                r.refusal := 'account_mismatch'; r.refused_account := named[k + 1];
            ELSIF wanted -> k ? 'limit' THEN
                o_at := o_at || i; o_limit := o_limit || (wanted -> k ->> 'limit')::numeric;
            END IF;
        END LOOP;
        EXIT WHEN missing IS NULL;
        IF look = 2 THEN
            r.refusal := 'account_unknown'; r.refused_account := missing;
        ELSE
            PERFORM ledger_open(wanted, booked);
            o_at := NULL; o_limit := NULL;
        END IF;
    END LOOP;

    -- What each leg does to the two accounts that it joins.
    a_at := array_fill(NULL::integer, ARRAY[coalesce(cardinality(a_id), 0)]);
    a_dp := array_fill(0.00, ARRAY[coalesce(cardinality(a_id), 0)]); a_dd := a_dp; a_cp := a_dp; a_cc := a_dp;
    FOR leg_no IN 1 .. n LOOP
        i := array_position(a_code, l_debit_code[leg_no]);
        j := array_position(a_code, l_credit_code[leg_no]);
        how := l_kind[leg_no];
        amount := l_amount[leg_no];
        IF l_wrong[leg_no] IS NOT NULL OR i IS NULL OR j IS NULL THEN
            IF r.refusal IS NULL THEN
                r.refusal := CASE WHEN l_wrong[leg_no] IS NOT NULL THEN l_wrong[leg_no] WHEN amount IS NULL THEN 'invalid_amount' ELSE 'account_unknown' END;
                IF r.refusal = 'account_unknown' THEN
                    r.refused_account := CASE WHEN i IS NULL THEN l_debit_code[leg_no] ELSE l_credit_code[leg_no] END;
                END IF;
            END IF;
            CONTINUE;
        END IF;
        IF r.refusal IS NULL THEN
            r.refusal := CASE
                WHEN amount IS NULL THEN 'invalid_amount'
                WHEN how <> 'reverse' AND concat_ws(' ', l_code[leg_no], how, a_kind[i], a_kind[j]) <> ALL (ledger_routes()) THEN 'route_unknown'
                WHEN how = 'post' AND booked >= l_until[leg_no] THEN 'pending_expired'
                WHEN how = 'expire' AND (l_until[leg_no] IS NULL OR booked < l_until[leg_no]) THEN 'not_yet_expired'
                WHEN amount > l_held[leg_no] THEN 'exceeds_pending' END;
            IF r.refusal IS NOT NULL THEN
                r.refused_account := l_debit_code[leg_no];
                IF r.refusal = 'exceeds_pending' THEN r.refused_amount := amount; r.refused_of := l_held[leg_no]; END IF;
            END IF;
        END IF;
        IF how = 'reverse' THEN
            how := 'single'; l_code[leg_no] := 'reverse';
        END IF;
        r.releasing := r.releasing OR how = 'void' OR amount < l_held[leg_no];
        held := CASE how WHEN 'pending' THEN amount ELSE -coalesce(l_held[leg_no], 0) END;
        moved := CASE WHEN how IN ('single', 'post') THEN amount ELSE 0 END;
        l_kind[leg_no] := how; l_amount[leg_no] := amount;
        l_debit[leg_no] := a_id[i]; l_credit[leg_no] := a_id[j]; l_debit_at[leg_no] := i; l_credit_at[leg_no] := j;
        IF a_counted[i] THEN
            IF a_at[i] IS NULL THEN a_at[i] := leg_no; r.last_turn := greatest(r.last_turn, a_turn[i]); END IF;
            a_dp[i] := a_dp[i] + held; a_dd[i] := a_dd[i] + moved;
        END IF;
        IF a_counted[j] THEN
            IF a_at[j] IS NULL THEN a_at[j] := leg_no; r.last_turn := greatest(r.last_turn, a_turn[j]); END IF;
            a_cp[j] := a_cp[j] + held; a_cc[j] := a_cc[j] + moved;
        END IF;
    END LOOP;
    FOR k IN 1 .. coalesce(cardinality(also), 0) LOOP
        i := array_position(a_code, also[k]);
        CONTINUE WHEN i IS NULL OR NOT a_counted[i];
        IF a_at[i] IS NULL THEN a_at[i] := n + 1; r.last_turn := greatest(r.last_turn, a_turn[i]); END IF;
    END LOOP;

    r.l_kind := l_kind; r.l_code := l_code; r.l_debit := l_debit; r.l_credit := l_credit; r.l_debit_code := l_debit_code;
    r.l_credit_code := l_credit_code; r.l_debit_at := l_debit_at; r.l_credit_at := l_credit_at; r.l_amount := l_amount;
    r.l_pending := l_pending; r.l_reverses := l_reverses; r.l_expires := l_expires;
    r.a_id := a_id; r.a_code := a_code; r.a_kind := a_kind; r.a_hot := a_hot; r.a_turn := a_turn; r.a_returns := a_returns;
    r.a_debit_limited := a_debit_limited; r.a_credit_limited := a_credit_limited; r.a_at := a_at;
    r.a_dp := a_dp; r.a_dd := a_dd; r.a_cp := a_cp; r.a_cc := a_cc;
    r.h_dp := h_dp; r.h_dd := h_dd; r.h_cp := h_cp; r.h_cc := h_cc; r.h_limit := h_limit; r.h_closed := h_closed;
    r.o_at := o_at; r.o_limit := o_limit;
    RETURN r;
END $$;
