-- Limits on a sum: a cap of a group (同一集团) holds over what its members have used together, whoever they are at the time. Each
-- member has an account of the cap; a chain that uses one names all of them ("sums": limit, accounts) and opens those that
-- are not there yet. All of them are locked with the chain's own accounts (step 2 of the order of locks), before
-- anything is added up: two members cannot pass each other, and nothing is kept that a change of membership would make wrong.

-- A chain that sends what was reserved earlier states the sum with "recount": others may have joined the group since, and then
-- what all of them use is held to the limit though this chain adds nothing to it.

-- The refusal of the chain for a sum that it would raise above its limit; null when there is none. a_code are the accounts, a_used
-- what is used of each before this chain, a_more what the chain uses.
CREATE OR REPLACE FUNCTION ledger_sum_exceeded(chain jsonb, a_code text[], a_used numeric[], a_more numeric[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT ledger_refusal((chain ->> 'id')::uuid, 'cap_exceeded', s.stated ->> 'code',
                          greatest((s.stated ->> 'limit')::numeric - t.used + t.own, 0), t.more + t.own)
      FROM jsonb_array_elements(chain -> 'sums') WITH ORDINALITY AS s (stated, nr)
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.used), 0) AS used, coalesce(sum(a.more), 0) AS more,
                                coalesce((s.stated ->> 'recount')::numeric, 0) AS own  -- of what is used, what this chain reserved before
                           FROM unnest(a_code, a_used, a_more) AS a (code, used, more) WHERE s.stated -> 'accounts' ? a.code) AS t
     WHERE t.more + t.own > 0 AND t.used + t.more > (s.stated ->> 'limit')::numeric
     ORDER BY s.nr LIMIT 1
$$;

DROP FUNCTION IF EXISTS ledger_sum_exceeded(jsonb, uuid[], vouchers_ledgeraccount[], numeric[], numeric[], numeric[], jsonb);
REVOKE ALL ON FUNCTION ledger_sum_exceeded(jsonb, text[], numeric[], numeric[]) FROM PUBLIC;
