-- What several accounts bear together: a voucher whose cost two treasuries share has an account for the part of each, and
-- so have its payables and payments. A leg that says "shared" (a list of debit and credit, the one that takes the rest last)
-- is split here, under a lock, in the measure of what each of the accounts has left; called by ledger.sql.
--
-- Parts always add up to the fen, no part is more than its account has while the sum is not, and who takes all leaves
-- nothing behind anywhere. So no fen is stuck on one side after however many claims, parts of claims and releases.

-- Of an amount taken from places that hold "each" yuan, what falls to the place that ends at "upto" of "whole": the amount's
-- truncated share up to and with the place, less that before it. The last place gets what truncation left.
CREATE OR REPLACE FUNCTION ledger_part(amount numeric, each numeric, upto numeric, whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (div(amount * upto * 100, whole) - div(amount * (upto - each) * 100, whole)) / 100  -- exact: whole fen
$$;

-- Of an amount that is posted on a reservation of several accounts, the part of one of its transfers; the whole amount when it
-- is more than was reserved, which is then refused. Reservations never change: no lock is needed.
CREATE OR REPLACE FUNCTION ledger_part_of(reservation uuid, transfer uuid, posted numeric) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
DECLARE
    part numeric;
BEGIN
    SELECT CASE WHEN posted > w.whole THEN posted ELSE ledger_part(posted, w.amount, w.upto, w.whole) END INTO part
      FROM (SELECT t.id, t.amount, sum(t.amount) OVER (ORDER BY t.position) AS upto, sum(t.amount) OVER () AS whole
              FROM vouchers_ledgertransfer AS t JOIN vouchers_ledgeraccount AS d ON d.id = t.debit_id
             WHERE t.chain_id = reservation AND t.kind = 'pending' AND d.ledger = 'money') AS w
     WHERE w.id = transfer;
    RETURN part;
END $$;

-- The chain with its shared legs split. What is read of the accounts without their rows' locks can only be too low: under the
-- lock of the split nobody else takes from them, all others give back, and what is closed stays closed. So what is split
-- here is there when it is booked; the accounts' own CHECKs hold whatever this says.
CREATE OR REPLACE FUNCTION ledger_split(chain jsonb, OUT split jsonb, OUT refusal jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    leg jsonb;
    legs jsonb := '[]';
    place record;
    sides jsonb[];
    has numeric[];
    amount numeric;
    whole numeric;
    upto numeric;
    part numeric;
BEGIN
    FOR leg IN SELECT value FROM jsonb_array_elements(chain -> 'transfers') LOOP
        IF NOT leg ? 'shared' THEN
            legs := legs || leg;
            CONTINUE;
        END IF;
        amount := ledger_amount(leg ->> 'amount');
        IF amount IS NULL THEN
            refusal := ledger_refusal((chain ->> 'id')::uuid, 'invalid_amount', chain ->> 'split');
            RETURN;
        END IF;
        sides := '{}'; has := '{}'; whole := 0; upto := 0;
        FOR place IN  -- what the chain itself gives back to an account counts
            SELECT s.value AS side, a.id, a.closed_on, a.credits_posted - a.debits_posted - a.debits_pending + coalesce((
                       SELECT sum(t.allotted - t.posted - t.pending) FROM vouchers_ledgertill AS t WHERE t.account_id = a.id), 0) + coalesce((
                       SELECT sum(t.amount) FROM jsonb_array_elements(chain -> 'transfers') AS e
                         JOIN vouchers_ledgertransfer AS t ON t.chain_id = (e.value ->> 'pending_chain')::uuid AND t.kind = 'pending'
                        WHERE e.value ->> 'kind' IN ('void', 'expire') AND t.debit_id = a.id
                          AND NOT EXISTS (SELECT FROM vouchers_ledgertransfer AS r WHERE r.pending_id = t.id)), 0) AS available
              FROM jsonb_array_elements(leg -> 'shared') WITH ORDINALITY AS s (value, nr)
              LEFT JOIN vouchers_ledgeraccount AS a ON a.code = s.value ->> 'debit'
             ORDER BY s.nr
        LOOP
            IF place.id IS NULL OR place.closed_on IS NOT NULL THEN
                refusal := ledger_refusal((chain ->> 'id')::uuid, CASE WHEN place.id IS NULL THEN 'account_unknown' ELSE 'account_closed' END,
                                          place.side ->> 'debit');
                RETURN;
            END IF;
            sides := sides || place.side; has := has || place.available; whole := whole + place.available;
        END LOOP;
        IF whole < amount THEN
            refusal := ledger_refusal((chain ->> 'id')::uuid, 'insufficient_funds', chain ->> 'split', whole, amount);
            RETURN;
        END IF;
        FOR i IN 1 .. cardinality(sides) LOOP
            upto := upto + has[i];
            part := ledger_part(amount, has[i], upto, whole);
            CONTINUE WHEN part = 0;
            legs := legs || (leg - 'shared' || sides[i] || jsonb_build_object('amount', part::numeric(18, 2)::text));
        END LOOP;
    END LOOP;
    split := jsonb_set(chain - 'split', '{transfers}', legs);
END $$;

DROP FUNCTION IF EXISTS ledger_book_split(jsonb);  -- ledger_post splits

-- The chain with a leg on every account that may bear a part of it: all that a batch has to lock before it begins.
CREATE OR REPLACE FUNCTION ledger_split_widely(chain jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_set(chain - 'split', '{transfers}', jsonb_agg(
               CASE WHEN leg.value ? 'shared' THEN (leg.value - 'shared') || s.value || '{"amount": "0.01"}' ELSE leg.value END
               ORDER BY leg.nr, s.nr))
      FROM jsonb_array_elements(chain -> 'transfers') WITH ORDINALITY AS leg (value, nr)
      LEFT JOIN LATERAL jsonb_array_elements(leg.value -> 'shared') WITH ORDINALITY AS s (value, nr) ON true
$$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc
                 WHERE proname IN ('ledger_part', 'ledger_part_of', 'ledger_split', 'ledger_split_widely')
                   AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
END $$;
