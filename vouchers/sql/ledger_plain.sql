-- The plain way to book: most chains only move and reserve, between accounts that are there and open, within limits that stay as
-- they are. For them five statements do, whatever the number of legs. Nothing is refused here: a chain that is out of
-- the ordinary in any way is undone and answered with null, and ledger_book judges it with every lock held before the first write.
--
-- The queue in front of a hot account moves only while nobody has its lock. So all else is done first, the transfers with
-- their trail and the attempt included; the hot accounts are locked and changed last, if they still allow it.
CREATE OR REPLACE FUNCTION ledger_book_plainly(chain jsonb, body text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    chain_no uuid := (chain ->> 'id')::uuid;
    p record;  -- the chain looked up: its legs, the accounts of either side, the answer
    these uuid[];
    expected integer;
    changed integer;
BEGIN
    IF jsonb_typeof(chain -> 'transfers') IS DISTINCT FROM 'array' OR chain ? 'sums' THEN
        RETURN NULL;
    END IF;
    SELECT legs.*, opened.*, (chain ->> 'on')::date AS booked, chain ->> 'subject_kind' AS subject_kind, chain ->> 'subject_no' AS subject_no INTO p
      FROM (SELECT bool_and(coalesce(
                       l.amount > 0 AND l.kind IN ('single', 'pending') AND NOT c.hot
                       AND concat_ws(' ', l.code, l.kind, d.kind, c.kind) = ANY (ledger_routes())
                       AND ledger_turn(d.kind, d.hot) = d.hot::integer + 1 AND ledger_turn(c.kind, c.hot) = 1, false)) AS plain,
                   array_agg(l.nr ORDER BY l.nr) AS nr, array_agg(l.kind ORDER BY l.nr) AS kind, array_agg(l.code ORDER BY l.nr) AS code,
                   array_agg(d.id ORDER BY l.nr) AS debit, array_agg(c.id ORDER BY l.nr) AS credit, array_agg(l.amount ORDER BY l.nr) AS amount,
                   array_agg(CASE l.kind WHEN 'pending' THEN l.expires_on END ORDER BY l.nr) AS expires,
                   array_agg(d.id) FILTER (WHERE d.hot) AS hot, count(DISTINCT d.id) FILTER (WHERE d.hot) AS hots,
                   array_agg(d.id) FILTER (WHERE d.counted AND NOT d.hot) || array_agg(c.id) FILTER (WHERE c.counted) AS cool,
                   jsonb_agg(jsonb_build_object('id', ledger_transfer_id(chain_no, l.nr), 'position', l.nr, 'kind', l.kind, 'code', l.code,
                             'debit', d.code, 'credit', c.code, 'amount', l.amount::text) ORDER BY l.nr) AS transfers
              FROM (SELECT t.kind, t.code, t.debit, t.credit, ledger_amount(t.amount) AS amount, t.expires_on, t.nr
                      FROM ROWS FROM (jsonb_to_recordset(chain -> 'transfers')
                           AS (kind text, code text, debit text, credit text, amount text, expires_on date)) WITH ORDINALITY
                           AS t (kind, code, debit, credit, amount, expires_on, nr)) AS l
              LEFT JOIN vouchers_ledgeraccount AS d ON d.code = l.debit
              LEFT JOIN vouchers_ledgeraccount AS c ON c.code = l.credit) AS legs,
           (SELECT bool_and(coalesce(a.kind = w.kind AND (w.limit IS NULL OR a.kind = 'cap' AND a.limit_amount = w.limit), false)) AS there,
                   array_agg(a.id) FILTER (WHERE w.limit IS NOT NULL) AS capped, array_agg(w.limit) FILTER (WHERE w.limit IS NOT NULL) AS stated
              FROM jsonb_to_recordset(chain -> 'open') AS w (code text, kind text, "limit" numeric)
              LEFT JOIN vouchers_ledgeraccount AS a ON a.code = w.code) AS opened;
    IF NOT coalesce(p.plain AND p.there IS NOT FALSE AND cardinality(p.nr) <= 5000
                    AND p.booked IS NOT NULL AND p.subject_kind IS NOT NULL AND p.subject_no IS NOT NULL, false) THEN
        RETURN NULL;
    END IF;
    p.transfers := jsonb_build_object('id', chain_no, 'accepted', true, 'code', 'accepted', 'transfers', p.transfers);
    BEGIN
        these := p.cool;
        SELECT count(*) INTO expected
          FROM (SELECT FROM vouchers_ledgeraccount AS a WHERE a.id = ANY (these) ORDER BY a.id FOR NO KEY UPDATE) AS locked;
        FOR turn IN 1 .. 2 LOOP
            IF turn = 2 THEN
                INSERT INTO vouchers_ledgertransfer (
                    id, chain_id, position, kind, code, debit_id, credit_id, amount, expires_on, subject_kind, subject_no, booked_on, recorded_at)
                SELECT ledger_transfer_id(chain_no, l.nr), chain_no, l.nr, l.kind, l.code, l.debit, l.credit, l.amount, l.expires,
                       p.subject_kind, p.subject_no, p.booked, clock_timestamp()
                  FROM unnest(p.nr, p.kind, p.code, p.debit, p.credit, p.amount, p.expires) AS l (nr, kind, code, debit, credit, amount, expires);
                INSERT INTO vouchers_ledgerattempt (id, body_sha256, accepted, code, answer, recorded_at)
                VALUES (chain_no, body, true, 'accepted', p.transfers, clock_timestamp());
                EXIT WHEN p.hot IS NULL;
                PERFORM ledger_queue(p.hot);
                these := p.hot; expected := p.hots;
            END IF;
            UPDATE vouchers_ledgeraccount AS b
               SET debits_pending = b.debits_pending + d.dp, debits_posted = b.debits_posted + d.dd,
                   credits_pending = b.credits_pending + d.cp, credits_posted = b.credits_posted + d.cc
              FROM (SELECT s.id, sum(s.dp) AS dp, sum(s.dd) AS dd, sum(s.cp) AS cp, sum(s.cc) AS cc
                      FROM unnest(p.kind, p.debit, p.credit, p.amount) AS l (kind, debit, credit, amount)
                     CROSS JOIN LATERAL (VALUES
                           (l.debit, CASE l.kind WHEN 'pending' THEN l.amount ELSE 0 END, CASE l.kind WHEN 'single' THEN l.amount ELSE 0 END, 0.00, 0.00),
                           (l.credit, 0.00, 0.00, CASE l.kind WHEN 'pending' THEN l.amount ELSE 0 END, CASE l.kind WHEN 'single' THEN l.amount ELSE 0 END)
                           ) AS s (id, dp, dd, cp, cc)
                     WHERE s.id = ANY (these) GROUP BY s.id) AS d
             WHERE b.id = d.id AND b.closed_on IS NULL
               AND (NOT b.debits_must_not_exceed_credits OR b.debits_pending + d.dp + b.debits_posted + d.dd <= b.credits_posted + d.cc)
               AND (NOT b.credits_must_not_exceed_debits OR b.credits_pending + d.cp + b.credits_posted + d.cc <= b.debits_posted + d.dd)
               AND coalesce(p.stated[array_position(p.capped, b.id)] = b.limit_amount, true);
            GET DIAGNOSTICS changed = ROW_COUNT;
            IF changed < expected THEN
                RAISE EXCEPTION 'not as plain as it seemed' USING ERRCODE = 'LG001';
            END IF;
        END LOOP;
    EXCEPTION WHEN SQLSTATE 'LG001' THEN
        RETURN NULL;
    END;
    RETURN p.transfers;
END $$;
