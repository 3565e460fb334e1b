-- The plain way to book: most chains only move and reserve, between accounts that are there and open, within limits that stay as
-- they are. For them four statements do, whatever the number of legs. Nothing is refused here: a chain that is out of
-- the ordinary in any way is undone and answered with null, and ledger_book judges it with every lock held before the first write.
--
-- The queue in front of a hot account moves only while nobody has its lock. So all else is done first, the transfers with
-- their trail and the attempt included; the accounts are changed last, the hot ones at the end: in the same statement when their
-- queue is free, at one of their tills otherwise (ledger_tills.sql).
--
-- What a statement costs here is not its rows but what it is made of: every aggregate, join and check is made ready anew
-- each time. So the legs travel in one array of records, not in one array a column (docs/decisions/0022).
DROP FUNCTION IF EXISTS ledger_book_plainly(jsonb, text);
DROP TYPE IF EXISTS ledger_leg, ledger_move CASCADE;
CREATE TYPE ledger_leg AS (nr bigint, kind text, code text, debit uuid, credit uuid, amount numeric, expires_on date);
-- What a chain does to the counters of one account; queue is the key of the advisory lock in front of a hot one.
CREATE TYPE ledger_move AS (
    id uuid, queue bigint, debits_pending numeric, debits_posted numeric, credits_pending numeric, credits_posted numeric);

CREATE OR REPLACE FUNCTION ledger_book_plainly(chain jsonb, chain_no uuid, body text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    legs ledger_leg[];
    moves ledger_move[];  -- in the order of locks
    answer jsonb;
    cool integer;  -- how many of the moves are of accounts without a queue; they come first
    changed uuid[];
    move ledger_move;
BEGIN
    IF jsonb_typeof(chain -> 'transfers') IS DISTINCT FROM 'array' OR chain ? 'sums' THEN
        RETURN NULL;
    END IF;
    WITH leg AS MATERIALIZED (
        SELECT l.nr, l.kind, l.code, d.id AS debit, c.id AS credit, l.debit_code, l.credit_code, l.amount,
               CASE l.kind WHEN 'pending' THEN l.expires_on END AS expires_on,
               CASE l.kind WHEN 'pending' THEN l.amount ELSE 0 END AS held, CASE l.kind WHEN 'pending' THEN 0 ELSE l.amount END AS moved,
               d.hot, d.counted AS debit_counted, c.counted AS credit_counted,
               (l.amount > 0 AND l.kind IN ('single', 'pending') AND NOT c.hot
                AND l.code || ' ' || l.kind || ' ' || d.kind || ' ' || c.kind = ANY (ledger_routes())
                AND ledger_turn(d.kind, d.hot) = d.hot::integer + 1 AND ledger_turn(c.kind, c.hot) = 1
                -- as it looks; the UPDATE decides. Who comes too late shall not write first and be undone.
                AND (NOT d.debits_must_not_exceed_credits OR d.kind = 'voucher' AND l.nr > 1
                     OR l.amount <= d.credits_posted - d.debits_posted - d.debits_pending)) IS TRUE AS plain
          FROM (SELECT t.kind, t.code, t.debit AS debit_code, t.credit AS credit_code, ledger_amount(t.amount) AS amount, t.expires_on, t.nr
                  FROM ROWS FROM (jsonb_to_recordset(chain -> 'transfers')
                       AS (kind text, code text, debit text, credit text, amount text, expires_on date)) WITH ORDINALITY
                       AS t (kind, code, debit, credit, amount, expires_on, nr) OFFSET 0) AS l
          LEFT JOIN vouchers_ledgeraccount AS d ON d.code = l.debit_code
          LEFT JOIN vouchers_ledgeraccount AS c ON c.code = l.credit_code
    )
    SELECT a.legs, m.moves, m.cool, a.answer INTO legs, moves, cool, answer
      FROM (SELECT bool_and(l.plain) AS plain,
                   array_agg(ROW(l.nr, l.kind, l.code, l.debit, l.credit, l.amount, l.expires_on)::ledger_leg) AS legs,
                   jsonb_build_object('id', chain_no, 'accepted', true, 'code', 'accepted', 'transfers', jsonb_agg(jsonb_build_object(
                       'id', ledger_transfer_id(chain_no, l.nr), 'position', l.nr, 'kind', l.kind, 'code', l.code,
                       'debit', l.debit_code, 'credit', l.credit_code, 'amount', l.amount::text) ORDER BY l.nr)) AS answer
              FROM leg AS l) AS a,
           (SELECT array_agg(ROW(s.*)::ledger_move) AS moves, count(*) FILTER (WHERE s.queue IS NULL) AS cool
              FROM (SELECT s.id, CASE WHEN s.hot THEN hashtextextended(s.id::text, 2) END AS queue, sum(s.dp), sum(s.dd), sum(s.cp), sum(s.cc)
                      FROM (SELECT l.debit AS id, l.hot, l.held AS dp, l.moved AS dd, 0 AS cp, 0 AS cc FROM leg AS l WHERE l.debit_counted
                             UNION ALL
                            SELECT l.credit, false, 0, 0, l.held, l.moved FROM leg AS l WHERE l.credit_counted) AS s
                     GROUP BY s.id, s.hot ORDER BY 2 NULLS FIRST, 1) AS s) AS m
     WHERE a.plain AND cardinality(a.legs) <= 5000 AND num_nulls(chain ->> 'on', chain ->> 'subject_kind', chain ->> 'subject_no') = 0
       AND NOT EXISTS (SELECT FROM vouchers_ledgerattempt AS t WHERE t.id = chain_no)
       AND NOT EXISTS (
           SELECT FROM jsonb_to_recordset(chain -> 'open') AS w (code text, kind text, "limit" numeric)
             LEFT JOIN vouchers_ledgeraccount AS o ON o.code = w.code
            WHERE (o.kind = w.kind AND (w.limit IS NULL OR o.kind = 'cap' AND o.limit_amount = w.limit)) IS NOT TRUE);
    IF legs IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO vouchers_ledgertransfer (
        id, chain_id, position, kind, code, debit_id, credit_id, amount, expires_on, subject_kind, subject_no, booked_on, recorded_at)
    SELECT ledger_transfer_id(chain_no, l.nr), chain_no, l.nr, l.kind, l.code, l.debit, l.credit, l.amount, l.expires_on,
           chain ->> 'subject_kind', chain ->> 'subject_no', (chain ->> 'on')::date, clock_timestamp()
      FROM unnest(legs) AS l;
    INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
    VALUES (chain_no, body, true, 'accepted', answer, clock_timestamp());
    -- Row after row in the order of moves. What changed while we waited is read again by the UPDATE itself, limits included, as it
    -- always is at this level of isolation. The first hot account is a part of it where nobody is in its queue.
    WITH done AS (
        UPDATE vouchers_ledgeraccount AS b
           SET debits_pending = b.debits_pending + m.debits_pending, debits_posted = b.debits_posted + m.debits_posted,
               credits_pending = b.credits_pending + m.credits_pending, credits_posted = b.credits_posted + m.credits_posted
          FROM unnest(moves) AS m
         WHERE (m.queue IS NULL OR m.queue = moves[cool + 1].queue AND pg_try_advisory_xact_lock(m.queue))
           AND b.id = m.id AND b.closed_on IS NULL
           AND (NOT b.debits_must_not_exceed_credits
                OR b.debits_pending + m.debits_pending + b.debits_posted + m.debits_posted <= b.credits_posted + m.credits_posted)
           AND (NOT b.credits_must_not_exceed_debits
                OR b.credits_pending + m.credits_pending + b.credits_posted + m.credits_posted <= b.debits_posted + m.debits_posted)
           AND (b.kind <> 'cap' OR NOT EXISTS (
               SELECT FROM jsonb_to_recordset(chain -> 'open') AS w (code text, "limit" numeric)
                WHERE w.code = b.code AND w.limit <> b.limit_amount))
        RETURNING b.id)
    SELECT array_agg(d.id) INTO changed FROM done AS d;
    IF coalesce(cardinality(changed), 0) < cardinality(moves) THEN
        FOREACH move IN ARRAY moves LOOP
            CONTINUE WHEN move.id = ANY (changed);
            IF move.queue IS NULL OR NOT ledger_take(move, (
                   SELECT min(w.limit) FROM jsonb_to_recordset(chain -> 'open') AS w (code text, "limit" numeric)
                     JOIN vouchers_ledgeraccount AS b ON b.code = w.code WHERE b.id = move.id)) THEN
                RAISE EXCEPTION 'not as plain as it seemed' USING ERRCODE = 'LG001';
            END IF;
        END LOOP;
    END IF;
    RETURN answer;
EXCEPTION WHEN SQLSTATE 'LG001' THEN
    RETURN NULL;
END $$;
