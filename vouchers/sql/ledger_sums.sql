-- Limits on a sum: a cap of a group (同一集团) holds over what its members have used together, whoever they are at the time. Each
-- member has an account of the cap; a chain that uses one names all of them ("sums": limit, accounts) and opens those that
-- are not there yet. All of them are locked with the chain's own accounts, by id (step 3 of the order of locks), before
-- anything is added up: two members cannot pass each other, and nothing is kept that a change of membership would make wrong.

-- The refusal of the chain for a sum that it would raise above its limit; null when there is none. a_id are the touched accounts,
-- a_row their rows under the locks, a_dp, a_dd and a_cc what the chain does to them; limits the limits that it raises.
CREATE OR REPLACE FUNCTION ledger_sum_exceeded(
    chain jsonb, a_id uuid[], a_row vouchers_ledgeraccount[], a_dp numeric[], a_dd numeric[], a_cc numeric[], limits jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    stated jsonb;
    a vouchers_ledgeraccount;
    used numeric;  -- by all of them, before this chain
    more numeric;  -- by this chain
BEGIN
    FOR stated IN SELECT value FROM jsonb_array_elements(chain -> 'sums') LOOP
        used := 0; more := 0;
        FOR i IN 1 .. coalesce(cardinality(a_id), 0) LOOP
            a := a_row[i];
            CONTINUE WHEN NOT stated -> 'accounts' ? a.code;
            used := used + coalesce(a.limit_amount, 0) - a.credits_posted + a.debits_posted + a.debits_pending;
            more := more + coalesce((limits ->> a.id::text)::numeric, a.limit_amount, 0) - coalesce(a.limit_amount, 0)
                    - a_cc[i] + a_dd[i] + a_dp[i];
        END LOOP;
        IF more > 0 AND used + more > (stated ->> 'limit')::numeric THEN
            RETURN ledger_refusal((chain ->> 'id')::uuid, 'cap_exceeded', stated ->> 'code',
                                  greatest((stated ->> 'limit')::numeric - used, 0), more);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION ledger_sum_exceeded(jsonb, uuid[], vouchers_ledgeraccount[], numeric[], numeric[], numeric[], jsonb) FROM PUBLIC;
