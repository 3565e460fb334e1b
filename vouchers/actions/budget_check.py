"""Invariants of budgets, of what treasuries share, and of day closes, for ``ledger_check``: each finds nothing, or names the row."""

from __future__ import annotations

#: name and query of two columns (the row's name and a sentence)
LEDGER: tuple[tuple[str, str], ...] = (
    (
        "a_day_is_its_transfers",
        """
        SELECT d.day::text, format('日结记 %s 笔、摘要 %s…，台账实有 %s 笔、摘要 %s…', d.transfers, left(d.transfers_sha256, 12),
                                   h.transfers, left(h.sha256, 12))
          FROM (SELECT *, coalesce(lag(before_at) OVER (ORDER BY day), '-infinity') AS since FROM vouchers_dayclose) AS d
         CROSS JOIN LATERAL ledger_day_hash(d.since, d.before_at) AS h
         WHERE (d.transfers, d.transfers_sha256) <> (h.transfers, h.sha256)
        """,
    ),
    (
        "a_day_follows_the_one_before",
        """
        SELECT day::text, '日结本身的摘要与其内容不符' FROM vouchers_dayclose WHERE sha256 <> ledger_day_sha256(id)
        UNION ALL
        SELECT day::text, format('所记上一日结摘要 %s…，上一日结为 %s…', left(previous_sha256, 12), left(before, 12))
          FROM (SELECT *, coalesce(lag(sha256) OVER (ORDER BY day), '') AS before FROM vouchers_dayclose) AS d
         WHERE previous_sha256 <> before
        UNION ALL
        SELECT day::text, '截止时刻早于上一日结'
          FROM (SELECT *, lag(before_at) OVER (ORDER BY day) AS before FROM vouchers_dayclose) AS d WHERE before_at < before
        """,
    ),
    (
        "a_day_balances",
        """
        SELECT day::text, format('借方 %s，贷方 %s；借方预占 %s，贷方预占 %s', debits_posted, credits_posted, debits_pending, credits_pending)
          FROM vouchers_dayclose
         WHERE NOT balanced OR debits_posted <> credits_posted OR debits_pending <> credits_pending
        UNION ALL
        SELECT d.day::text, format('合计与明细不符：%s/%s/%s/%s', d.debits_pending, d.debits_posted, d.credits_pending, d.credits_posted)
          FROM vouchers_dayclose AS d LEFT JOIN vouchers_daycloseline AS l ON l.day_close_id = d.id AND l.ledger = 'money'
         GROUP BY d.id
        HAVING (d.debits_pending, d.debits_posted, d.credits_pending, d.credits_posted)
               <> (coalesce(sum(l.debits_pending), 0), coalesce(sum(l.debits_posted), 0),
                   coalesce(sum(l.credits_pending), 0), coalesce(sum(l.credits_posted), 0))
        """,
    ),
    (
        "a_day_line_is_what_moved",
        """
        WITH day AS (
            SELECT id, day, before_at, coalesce(lag(before_at) OVER w, '-infinity') AS since, lag(id) OVER w AS before
              FROM vouchers_dayclose WINDOW w AS (ORDER BY day)
        ), told AS (
            SELECT d.day, l.ledger, l.kind, l.program_code AS program, l.moved_debits_pending AS dp, l.moved_debits_posted AS dd,
                   l.moved_credits_pending AS cp, l.moved_credits_posted AS cc
              FROM day AS d JOIN vouchers_daycloseline AS l ON l.day_close_id = d.id
        ), moved AS (
            SELECT d.day, m.* FROM day AS d CROSS JOIN LATERAL ledger_day_lines(d.since, d.before_at) AS m
        )
        SELECT coalesce(t.day, m.day)::text, format('%s %s：日结记借 %s、贷 %s，台账为借 %s、贷 %s', coalesce(t.kind, m.kind),
                   coalesce(t.program, m.program), t.dd, t.cc, m.debits_posted, m.credits_posted)
          FROM told AS t FULL JOIN moved AS m ON (m.day, m.ledger, m.kind, m.program) = (t.day, t.ledger, t.kind, t.program)
         WHERE (coalesce(t.dp, 0), coalesce(t.dd, 0), coalesce(t.cp, 0), coalesce(t.cc, 0))
               <> (coalesce(m.debits_pending, 0), coalesce(m.debits_posted, 0), coalesce(m.credits_pending, 0), coalesce(m.credits_posted, 0))
        UNION ALL
        SELECT d.day::text, format('%s %s：累计不是上日累计加本日发生', l.kind, l.program_code)
          FROM day AS d JOIN vouchers_daycloseline AS l ON l.day_close_id = d.id
          LEFT JOIN vouchers_daycloseline AS b
            ON (b.day_close_id, b.ledger, b.kind, b.program_code) = (d.before, l.ledger, l.kind, l.program_code)
         WHERE (l.debits_pending, l.debits_posted, l.credits_pending, l.credits_posted)
               <> (coalesce(b.debits_pending, 0) + l.moved_debits_pending, coalesce(b.debits_posted, 0) + l.moved_debits_posted,
                   coalesce(b.credits_pending, 0) + l.moved_credits_pending, coalesce(b.credits_posted, 0) + l.moved_credits_posted)
        UNION ALL
        SELECT d.day::text, format('%s %s：上日有累计，本日没有', b.kind, b.program_code)
          FROM day AS d JOIN vouchers_daycloseline AS b ON b.day_close_id = d.before
         WHERE NOT EXISTS (SELECT FROM vouchers_daycloseline AS l WHERE l.day_close_id = d.id
                              AND (l.ledger, l.kind, l.program_code) = (b.ledger, b.kind, b.program_code))
        """,
    ),
    (
        "parts_are_of_one_program_and_year",
        """
        SELECT v.code, format('返还到 %s', b.code)
          FROM vouchers_ledgeraccount AS v JOIN vouchers_ledgeraccount AS b ON b.id = v.returns_to_id
         WHERE v.kind IN ('voucher', 'payable') AND b.kind = 'budget'
           AND split_part(v.code, ':', CASE v.kind WHEN 'voucher' THEN 3 ELSE 5 END) <> split_part(b.code, ':', 4)
        UNION ALL
        SELECT b.code, format('返还到 %s', coalesce(s.code, '？'))
          FROM vouchers_ledgeraccount AS b LEFT JOIN vouchers_ledgeraccount AS s ON s.id = b.returns_to_id
         WHERE b.kind = 'budget' AND s.kind IS DISTINCT FROM 'treasury' AND s.code IS DISTINCT FROM 'surplus:' || substr(b.code, 8)
        """,
    ),
)

BUSINESS: tuple[tuple[str, str], ...] = (
    (
        "appropriations_are_booked",
        """
        WITH told AS (
            SELECT concat_ws(':', 'budget', g.code, y.year, nullif(a.treasury_code, '')) AS code, sum(a.amount) AS amount
              FROM vouchers_appropriation AS a
              JOIN vouchers_programbudget AS y ON y.id = a.budget_id
              JOIN vouchers_program AS g ON g.id = y.program_id GROUP BY 1
        ), booked AS (
            SELECT b.code, sum(t.amount) AS amount FROM vouchers_ledgertransfer AS t
              JOIN vouchers_ledgeraccount AS b ON b.id = t.credit_id WHERE t.code = 'appropriate' GROUP BY 1
        )
        SELECT coalesce(t.code, b.code), format('指标文件合计 %s，台账下达 %s', coalesce(t.amount, 0), coalesce(b.amount, 0))
          FROM told AS t FULL JOIN booked AS b ON b.code = t.code WHERE coalesce(t.amount, 0) <> coalesce(b.amount, 0)
        UNION ALL
        SELECT g.code || ' ' || y.year, format('年度预算 %s，指标文件合计 %s', y.amount, coalesce(sum(a.amount), 0))
          FROM vouchers_programbudget AS y JOIN vouchers_program AS g ON g.id = y.program_id
          LEFT JOIN vouchers_appropriation AS a ON a.budget_id = y.id
         GROUP BY y.id, g.code HAVING y.amount <> coalesce(sum(a.amount), 0)
        """,
    ),
    (
        "carry_overs_are_booked",
        """
        WITH told AS (
            SELECT concat_ws(':', 'surplus', g.code, y.year, nullif(c.treasury_code, '')) AS source,
                   concat_ws(':', 'budget', g.code, c.to_year, nullif(c.treasury_code, '')) AS target, sum(c.amount) AS amount
              FROM vouchers_carryover AS c
              JOIN vouchers_programbudget AS y ON y.id = c.budget_id
              JOIN vouchers_program AS g ON g.id = y.program_id WHERE c.state = 'approved' GROUP BY 1, 2
        ), booked AS (
            SELECT s.code AS source, b.code AS target, sum(t.amount) AS amount FROM vouchers_ledgertransfer AS t
              JOIN vouchers_ledgeraccount AS s ON s.id = t.debit_id
              JOIN vouchers_ledgeraccount AS b ON b.id = t.credit_id WHERE t.code = 'carry_over' GROUP BY 1, 2
        )
        SELECT coalesce(t.source, b.source), format('已批准结转到 %s 合计 %s，台账结转 %s', coalesce(t.target, b.target),
                                                    coalesce(t.amount, 0), coalesce(b.amount, 0))
          FROM told AS t FULL JOIN booked AS b ON (b.source, b.target) = (t.source, t.target)
         WHERE coalesce(t.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
    (
        "withdrawals_are_booked",
        """
        WITH told AS (
            SELECT concat_ws(':', 'budget', g.code, y.year, nullif(w.treasury_code, '')) AS code, sum(w.amount) AS amount
              FROM vouchers_budgetwithdrawal AS w
              JOIN vouchers_programbudget AS y ON y.id = w.budget_id
              JOIN vouchers_program AS g ON g.id = y.program_id WHERE w.state = 'approved' GROUP BY 1
        ), booked AS (
            SELECT b.code, sum(t.amount) AS amount FROM vouchers_ledgertransfer AS t
              JOIN vouchers_ledgeraccount AS b ON b.id = t.debit_id WHERE t.code = 'withdraw' GROUP BY 1
        )
        SELECT coalesce(t.code, b.code), format('已批准收回合计 %s，台账收回 %s', coalesce(t.amount, 0), coalesce(b.amount, 0))
          FROM told AS t FULL JOIN booked AS b ON b.code = t.code WHERE coalesce(t.amount, 0) <> coalesce(b.amount, 0)
        """,
    ),
    (
        "a_closed_year_is_closed",
        """
        SELECT b.code, format('年度%s结账，台账科目%s', CASE WHEN y.closed_on IS NULL THEN '未' ELSE '已' END,
                              CASE WHEN b.closed_on IS NULL THEN '未关闭' ELSE '已关闭' END)
          FROM vouchers_ledgeraccount AS b
          JOIN vouchers_program AS g ON g.code = split_part(b.code, ':', 2)
          JOIN vouchers_programbudget AS y ON y.program_id = g.id AND y.year::text = split_part(b.code, ':', 3)
         WHERE b.kind = 'budget' AND (b.closed_on IS NULL) <> (y.closed_on IS NULL)
        """,
    ),
    (
        "a_voucher_has_a_part_for_each_treasury",
        """
        SELECT v.voucher_no, format('应有科目 %s，实有 %s', told.codes, coalesce(there.codes, '无'))
          FROM vouchers_voucher AS v
         CROSS JOIN LATERAL (
              SELECT string_agg(concat_ws(':', 'voucher', v.voucher_no, nullif(b.code, '')), '、' ORDER BY b.code) AS codes
                FROM unnest(CASE WHEN v.bearers = '{}' THEN ARRAY['']::varchar[] ELSE v.bearers END) AS b (code)) AS told
          LEFT JOIN (SELECT split_part(a.code, ':', 2) AS no, string_agg(a.code, '、' ORDER BY split_part(a.code, ':', 3)) AS codes
                       FROM vouchers_ledgeraccount AS a WHERE a.kind = 'voucher' GROUP BY 1) AS there ON there.no = v.voucher_no
         WHERE v.origin = 'live' AND there.codes IS DISTINCT FROM told.codes
        """,
    ),
)
