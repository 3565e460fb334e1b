-- Tills of a hot account, so that those who take from it at the same time need not wait for each other's COMMIT.
--
-- Whoever finds the account's queue taken draws from a till that is free instead; each is a row of its own, locked by one at a
-- time. What a till may give out was taken from the account before, under its queue: it stands in debits_posted there, so the
-- account's own CHECK holds for all tills together, and the till's CHECK for what is drawn. Nothing is guessed and nothing
-- reconciled later: account and tills together are always what the transfers say.
--
-- Tills hold money only where it abounds and many queue: who had to wait fills those that run low, from a part of what is free. Whoever
-- needs the whole (a refusal, a limit, a closing, a withdrawal, an amount that comes back) goes the general way, which takes
-- the queue and then gathers: what the tills were given goes back to the account, what was drawn is counted there. So what is
-- refused is refused against every fen that is left.
--
-- In the order of locks a till stands where its account's queue stands. Drawers hold a key of the account together, and try for it only;
-- who gathers holds the queue of that account, waits for that key alone, and takes the next queue afterwards. Nobody waits for a till's row:
-- it is locked two subtransactions deep, and who waits for such a row waits for the whole transaction, even when the row is free again.

-- Whoever draws from a till of the account holds this key together with the others who do; who gathers, alone.
CREATE OR REPLACE FUNCTION ledger_drawing(account uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(account::text, 7) $$;

-- Counts for the account what its tills gave out, and takes back the rest. Called with its queue held.
CREATE OR REPLACE FUNCTION ledger_gather(account uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM vouchers_ledgertill AS t WHERE t.account_id = account) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(ledger_drawing(account));
    UPDATE vouchers_ledgeraccount AS b
       SET debits_posted = b.debits_posted + s.posted - s.allotted, debits_pending = b.debits_pending + s.pending
      FROM (SELECT sum(t.allotted) AS allotted, sum(t.posted) AS posted, sum(t.pending) AS pending
              FROM vouchers_ledgertill AS t WHERE t.account_id = account) AS s
     WHERE b.id = account AND s.allotted > 0;
    UPDATE vouchers_ledgertill AS t SET allotted = 0, posted = 0, pending = 0 WHERE t.account_id = account AND t.allotted > 0;
END $$;

-- Makes one move of a chain on a hot account: on the account when its queue is free, else at a till, else after waiting.
-- False when the account as it is now does not allow it. stated is the limit that the chain states of a cap.
CREATE OR REPLACE FUNCTION ledger_take(move ledger_move, stated numeric) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    tills CONSTANT integer := 8;
    needed numeric := move.debits_pending + move.debits_posted;
    waited boolean := false;
    share numeric;
    lent numeric := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(move.queue) THEN
        BEGIN
            IF NOT pg_try_advisory_xact_lock_shared(ledger_drawing(move.id)) THEN
                RAISE EXCEPTION 'they are being gathered' USING ERRCODE = 'LG002';
            END IF;
            UPDATE vouchers_ledgertill AS t
               SET posted = t.posted + move.debits_posted, pending = t.pending + move.debits_pending
             WHERE t.id = (SELECT f.id FROM vouchers_ledgertill AS f
                            WHERE f.account_id = move.id AND f.allotted - f.posted - f.pending >= needed
                              AND (stated IS NULL OR f.limit_amount = stated)
                            ORDER BY (f.place + pg_backend_pid()) % tills  -- not all at the same one first
                            LIMIT 1 FOR UPDATE SKIP LOCKED);
            IF FOUND THEN
                RETURN true;
            END IF;
            -- A till that was gathered after this statement began to look is locked all the same. It must be let go, by undoing
            -- this block: else who has the queue and gathers waits for it, while its holder waits for the queue.
            RAISE EXCEPTION 'no till has enough' USING ERRCODE = 'LG002';
        EXCEPTION WHEN SQLSTATE 'LG002' THEN
            NULL;
        END;
        PERFORM pg_advisory_xact_lock(move.queue);
        waited := true;
    END IF;
    IF waited THEN
        SELECT trunc((b.credits_posted - b.debits_posted - b.debits_pending) / (4 * tills), 2) INTO share
          FROM vouchers_ledgeraccount AS b
         WHERE b.id = move.id AND b.closed_on IS NULL AND b.debits_must_not_exceed_credits FOR NO KEY UPDATE;
        IF share >= 8 * needed THEN
            INSERT INTO vouchers_ledgertill (account_id, place, allotted, posted, pending)
            SELECT move.id, n, 0, 0, 0 FROM generate_series(1, tills) AS n
             WHERE NOT EXISTS (SELECT FROM vouchers_ledgertill AS t WHERE t.account_id = move.id);
            WITH low AS (
                SELECT t.id, share - (t.allotted - t.posted - t.pending) AS more FROM vouchers_ledgertill AS t
                 WHERE t.account_id = move.id AND t.allotted - t.posted - t.pending < share / 4 FOR UPDATE SKIP LOCKED
            ), filled AS (
                UPDATE vouchers_ledgertill AS t SET allotted = t.allotted + low.more, limit_amount = b.limit_amount
                  FROM low, vouchers_ledgeraccount AS b WHERE t.id = low.id AND b.id = move.id
                RETURNING low.more
            )
            SELECT coalesce(sum(f.more), 0) INTO lent FROM filled AS f;
        END IF;
    END IF;
    UPDATE vouchers_ledgeraccount AS b
       SET debits_pending = b.debits_pending + move.debits_pending, debits_posted = b.debits_posted + move.debits_posted + lent
     WHERE b.id = move.id AND b.closed_on IS NULL
       AND (NOT b.debits_must_not_exceed_credits OR b.debits_pending + b.debits_posted + needed + lent <= b.credits_posted)
       AND (stated IS NULL OR b.limit_amount = stated);
    RETURN FOUND;
END $$;
