"""Do the lines of payment batches and the clawbacks agree with the payments and the ledger? Part of ``check_ledger``.

Each is a query of two columns, the row's name and a sentence; empty when the invariant holds.
"""

from __future__ import annotations

INVARIANTS: tuple[tuple[str, str], ...] = (
    (
        "a_payment_is_its_line",
        """
        SELECT p.payment_no, format('状态为 %s，批次明细为 %s，金额 %s 与 %s', p.state, coalesce(l.state, '无'),
               p.amount - p.offset_amount, coalesce(l.amount, 0))
          FROM vouchers_payment AS p
          LEFT JOIN vouchers_paymentline AS l
                 ON l.payment_id = p.id AND l.state IN ('listed', 'sent', 'unknown', 'confirmed')
         WHERE coalesce(l.state, '') IS DISTINCT FROM CASE p.state
                   WHEN 'batched' THEN 'listed' WHEN 'instructed' THEN 'sent' WHEN 'unknown' THEN 'unknown'
                   WHEN 'confirmed' THEN 'confirmed' ELSE '' END
            OR l.state IN ('sent', 'unknown', 'confirmed') AND l.amount <> p.amount - p.offset_amount
        """,
    ),
    (
        # Each cap that binds a line is one reservation of its whole amount, from the proposal until it is sent.
        "a_list_holds_its_room",
        """
        SELECT coalesce(l.instruction_no, held.no), format('拨付限额预占：清单应占 %s 项各 %s，台账预占 %s 项各 %s',
               coalesce(l.terms, 0), coalesce(l.amount, 0), coalesce(held.terms, 0), coalesce(held.amount, 0))
          FROM (SELECT line.instruction_no, line.cap_chain, line.amount, jsonb_array_length(p.cap_terms) AS terms
                  FROM vouchers_paymentline AS line JOIN vouchers_paymentbatch AS b ON b.id = line.batch_id
                  JOIN vouchers_payment AS p ON p.id = line.payment_id
                 WHERE p.cap_terms <> '[]' AND line.state = 'listed' AND b.state IN ('proposed', 'approved')) AS l
          FULL JOIN (SELECT t.chain_id, count(*) AS terms, min(t.subject_no) AS no, min(t.amount) AS amount, max(t.amount) AS most
                       FROM vouchers_ledgertransfer AS t JOIN vouchers_ledgeraccount AS d ON d.id = t.debit_id
                      WHERE t.kind = 'pending' AND t.subject_kind = 'payment' AND d.kind = 'cap'
                        AND NOT EXISTS (SELECT FROM vouchers_ledgertransfer AS r WHERE r.pending_id = t.id)
                      GROUP BY t.chain_id) AS held ON held.chain_id = l.cap_chain
         WHERE (coalesce(l.terms, 0), coalesce(l.amount, 0), coalesce(l.amount, 0))
            <> (coalesce(held.terms, 0), coalesce(held.amount, 0), coalesce(held.most, 0))
        """,
    ),
    (
        # What was sent or set off used each cap that binds it once; what came back used none. In all its years together.
        "a_payment_used_its_room",
        """
        SELECT p.payment_no, format('拨付限额：%s 项各应占用 %s，台账合计 %s', jsonb_array_length(p.cap_terms), due.amount, coalesce(used.amount, 0))
          FROM vouchers_payment AS p
         CROSS JOIN LATERAL (
              SELECT p.offset_amount + CASE WHEN p.state IN ('instructed', 'unknown', 'confirmed')
                                            THEN p.amount - p.offset_amount ELSE 0 END AS amount) AS due
          LEFT JOIN LATERAL (
              SELECT sum(CASE WHEN d.kind = 'cap' THEN t.amount ELSE -t.amount END) AS amount
                FROM vouchers_ledgertransfer AS t
                JOIN vouchers_ledgeraccount AS d ON d.id = t.debit_id
                JOIN vouchers_ledgeraccount AS c ON c.id = t.credit_id
               WHERE t.subject_kind = 'payment' AND t.subject_no = p.payment_no AND t.kind IN ('single', 'post')
                 AND (d.kind = 'cap' AND c.kind = 'cap_used' OR d.kind = 'cap_used' AND c.kind = 'cap')) AS used ON true
         WHERE jsonb_array_length(p.cap_terms) * due.amount <> coalesce(used.amount, 0)
        """,
    ),
    (
        "a_batch_keeps_its_totals",
        """
        SELECT b.batch_no, format('控制数 %s 笔 %s 元，明细 %s 笔 %s 元', b.control_count, b.control_sum, count(l.id),
               coalesce(sum(l.amount), 0))
          FROM vouchers_paymentbatch AS b
          LEFT JOIN vouchers_paymentline AS l ON l.batch_id = b.id AND l.state <> 'removed'
         WHERE b.state IN ('proposed', 'approved', 'exported', 'settled')
         GROUP BY b.id HAVING (count(l.id), coalesce(sum(l.amount), 0)) <> (b.control_count, b.control_sum)
        """,
    ),
    (
        "a_batch_is_approved_by_enough",
        """
        SELECT b.batch_no, format('须 %s 人批准，实有 %s 人', b.approvals_needed, count(DISTINCT a.approved_by_id))
          FROM vouchers_paymentbatch AS b
          LEFT JOIN vouchers_paymentapproval AS a
                 ON a.batch_id = b.id AND a.withdrawn_at IS NULL AND a.control_hash = b.control_hash
         WHERE b.state IN ('approved', 'exported', 'settled')
         GROUP BY b.id HAVING count(DISTINCT a.approved_by_id) < b.approvals_needed
        """,
    ),
    (
        "receivables_are_demanded",
        """
        SELECT c.clawback_no, format('状态为 %s，应收余额应为 %s，台账为 %s', c.state, due.amount, coalesce(held.amount, 0))
          FROM vouchers_clawback AS c
         CROSS JOIN LATERAL (
              SELECT CASE WHEN c.state IN ('noticed', 'write_off_proposed')
                          THEN c.principal_amount + c.interest_amount + c.penalty_amount
                               - coalesce((SELECT sum(r.amount - r.excess_amount) FROM vouchers_clawbackreceipt AS r WHERE r.clawback_id = c.id), 0)
                          ELSE 0 END AS amount) AS due
          LEFT JOIN LATERAL (
              SELECT sum(a.credits_posted - a.debits_posted) AS amount FROM vouchers_ledgeraccount AS a
               WHERE a.kind = 'receivable' AND (a.code = 'receivable:' || c.clawback_no
                                                OR a.code LIKE 'receivable:' || c.clawback_no || ':%')) AS held ON true
         WHERE due.amount <> coalesce(held.amount, 0)
        """,
    ),
    (
        "refundables_are_owed",
        """
        SELECT c.clawback_no, format('应退还登记 %s，台账 %s', owed.amount, coalesce(held.amount, 0))
          FROM vouchers_clawback AS c
         CROSS JOIN LATERAL (
              SELECT coalesce(sum(r.amount), 0) AS amount FROM vouchers_refund AS r
               WHERE r.clawback_id = c.id AND r.state <> 'paid') AS owed
          LEFT JOIN LATERAL (
              SELECT sum(a.credits_posted - a.debits_posted) AS amount FROM vouchers_ledgeraccount AS a
               WHERE a.kind = 'refundable' AND (a.code = 'refundable:' || c.clawback_no
                                                OR a.code LIKE 'refundable:' || c.clawback_no || ':%')) AS held ON true
         WHERE owed.amount <> coalesce(held.amount, 0)
        """,
    ),
    (
        "each_treasury_owes_its_parts",
        """
        SELECT coalesce(owed.code, a.code), format('各笔尚应承担合计 %s，台账应付 %s', coalesce(owed.amount, 0), coalesce(a.held, 0))
          FROM (SELECT d.code, sum(part.amount) AS amount
                  FROM vouchers_payment AS p
                 CROSS JOIN LATERAL (
                      SELECT t.credit_id AS account, t.amount FROM vouchers_ledgertransfer AS t
                       WHERE t.subject_kind = 'claim' AND t.subject_no = p.claim_no AND t.kind = 'post'
                         AND NOT EXISTS (SELECT FROM vouchers_ledgertransfer AS r WHERE r.reverses_id = t.id)
                       UNION ALL
                      SELECT t.debit_id, -t.amount FROM vouchers_ledgertransfer AS t
                       WHERE t.subject_kind = 'payment' AND t.subject_no = p.payment_no AND t.code = 'offset') AS part
                  JOIN vouchers_ledgeraccount AS d ON d.id = part.account AND d.kind = 'payable'
                 WHERE p.state IN ('payable', 'batched', 'returned') GROUP BY d.code) AS owed
          FULL JOIN (SELECT code::text AS code, credits_posted - debits_posted AS held
                       FROM vouchers_ledgeraccount WHERE kind = 'payable') AS a ON a.code = owed.code
         WHERE coalesce(owed.amount, 0) <> coalesce(a.held, 0)
        """,
    ),
    (
        "what_was_set_off_is_received",
        """
        SELECT p.payment_no, format('已抵扣 %s，收款登记 %s', p.offset_amount, coalesce(sum(r.amount), 0))
          FROM vouchers_payment AS p LEFT JOIN vouchers_clawbackreceipt AS r ON r.payment_id = p.id
         GROUP BY p.id HAVING p.offset_amount <> coalesce(sum(r.amount), 0)
        """,
    ),
    (
        # Each by its amount: those of one demand on one payment side by side, in the order of their amounts.
        "set_offs_are_booked",
        """
        WITH decided AS (
            SELECT clawback_id, payment_id, array_agg(amount ORDER BY amount) AS amounts
              FROM vouchers_setoff WHERE state = 'booked' GROUP BY 1, 2
        ), received AS (
            SELECT clawback_id, payment_id, array_agg(amount ORDER BY amount) AS amounts
              FROM vouchers_clawbackreceipt WHERE kind = 'offset' GROUP BY 1, 2
        ), given AS (
            SELECT chain_id, subject_no, sum(amount) AS amount
              FROM vouchers_ledgertransfer WHERE code = 'offset' GROUP BY 1, 2
        ), taken AS (
            SELECT g.chain_id, g.subject_no, g.amount, min(split_part(a.code, ':', 2)) AS clawback_no,
                   coalesce(sum(t.amount), 0) AS recovered
              FROM given AS g
              LEFT JOIN (vouchers_ledgertransfer AS t JOIN vouchers_ledgeraccount AS a ON a.id = t.debit_id AND a.kind = 'receivable')
                     ON t.chain_id = g.chain_id AND t.code = 'recover'
             GROUP BY 1, 2, 3
        ), booked AS (
            SELECT c.id AS clawback_id, p.id AS payment_id, array_agg(k.amount ORDER BY k.amount) AS amounts,
                   bool_and(k.amount = k.recovered) AS whole
              FROM taken AS k
              LEFT JOIN vouchers_clawback AS c ON c.clawback_no = k.clawback_no
              LEFT JOIN vouchers_payment AS p ON p.payment_no = k.subject_no GROUP BY 1, 2
        )
        SELECT coalesce(c.clawback_no, '？'), format('以 %s 抵扣：已确认 %s，收款登记 %s，台账抵扣 %s%s', coalesce(p.payment_no, '？'),
                   coalesce(d.amounts, '{}'), coalesce(r.amounts, '{}'), coalesce(b.amounts, '{}'),
                   CASE WHEN b.whole THEN '' ELSE '，台账抵扣与收回不等' END)
          FROM decided AS d
          FULL JOIN received AS r ON (r.clawback_id, r.payment_id) = (d.clawback_id, d.payment_id)
          FULL JOIN booked AS b ON (b.clawback_id, b.payment_id)
                                   = (coalesce(d.clawback_id, r.clawback_id), coalesce(d.payment_id, r.payment_id))
          LEFT JOIN vouchers_clawback AS c ON c.id = coalesce(d.clawback_id, r.clawback_id, b.clawback_id)
          LEFT JOIN vouchers_payment AS p ON p.id = coalesce(d.payment_id, r.payment_id, b.payment_id)
         WHERE d.amounts IS DISTINCT FROM r.amounts OR d.amounts IS DISTINCT FROM b.amounts OR b.whole IS NOT TRUE
        """,
    ),
    (
        "no_more_is_clawed_back_than_was_paid",
        """
        SELECT p.payment_no, format('已拨付 %s，追回合计 %s', p.amount, sum(c.principal_amount))
          FROM vouchers_payment AS p JOIN vouchers_clawback AS c ON c.payment_id = p.id
         WHERE c.state IN ('noticed', 'write_off_proposed', 'settled', 'written_off')
         GROUP BY p.id HAVING sum(c.principal_amount) > p.amount
        """,
    ),
)
