"""Does the ledger hold? Every invariant as one query that finds nothing, or names the rows that break it.

The database refuses most of this already; the check is for what no constraint can say (counters equal sums, business
rows agree with transfers) and for hands that went around the functions with the owner's or the superuser's rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from vouchers.actions import budget_check
from vouchers.actions.payment_check import INVARIANTS as PAYMENTS


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that breaks one invariant. ``row`` names it (account code, transfer or chain id, business number)."""

    invariant: str
    row: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant}\t{self.row}\t{self.sentence}"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A query of two columns, the row's name and a sentence; empty when the invariant holds."""

    name: str
    query: str


_LEDGER: tuple[Invariant, ...] = (
    Invariant(
        "counters_are_sums",
        """
        WITH moved AS (
            SELECT t.*, p.amount AS held FROM vouchers_ledgertransfer AS t
              LEFT JOIN vouchers_ledgertransfer AS p ON p.id = t.pending_id
        ), summed AS (
            SELECT account, sum(dp) AS dp, sum(dd) AS dd, sum(cp) AS cp, sum(cc) AS cc FROM moved
            CROSS JOIN LATERAL (
                SELECT CASE kind WHEN 'pending' THEN amount WHEN 'single' THEN 0 ELSE -coalesce(held, 0) END AS pending,
                       CASE WHEN kind IN ('single', 'post') THEN amount ELSE 0 END AS posted) AS w
            CROSS JOIN LATERAL (VALUES (debit_id, pending, posted, 0, 0), (credit_id, 0, 0, pending, posted))
                AS side (account, dp, dd, cp, cc)
            GROUP BY account
        ), told AS (  -- an account with its tills
            SELECT a.id, a.code, a.counted, a.debits_pending + coalesce(w.pending, 0) AS debits_pending,
                   a.debits_posted + coalesce(w.posted - w.allotted, 0) AS debits_posted, a.credits_pending, a.credits_posted
              FROM vouchers_ledgeraccount AS a
              LEFT JOIN (SELECT account_id, sum(allotted) AS allotted, sum(posted) AS posted, sum(pending) AS pending
                           FROM vouchers_ledgertill GROUP BY account_id) AS w ON w.account_id = a.id
        )
        SELECT a.code, format('账户计数 %s/%s/%s/%s，转账合计 %s/%s/%s/%s（借方预占/借方/贷方预占/贷方）',
               a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted,
               coalesce(s.dp, 0), coalesce(s.dd, 0), coalesce(s.cp, 0), coalesce(s.cc, 0))
          FROM told AS a LEFT JOIN summed AS s ON s.account = a.id
         WHERE a.counted AND (a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted)
               <> (coalesce(s.dp, 0), coalesce(s.dd, 0), coalesce(s.cp, 0), coalesce(s.cc, 0))
        """,
    ),
    Invariant(
        "debits_are_credits",
        """
        SELECT '资金账', format('借方 %s，贷方 %s；借方预占 %s，贷方预占 %s', sum(debits_posted), sum(credits_posted),
                               sum(debits_pending), sum(credits_pending))
          FROM (SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM vouchers_ledgeraccount WHERE ledger = 'money'
                 UNION ALL
                SELECT w.posted - w.allotted, 0, w.pending, 0 FROM vouchers_ledgertill AS w
                  JOIN vouchers_ledgeraccount AS a ON a.id = w.account_id AND a.ledger = 'money') AS every
        HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending)
        """,
    ),
    Invariant(
        "no_limit_broken",
        """
        SELECT code, format('可用余额为 %s', credits_posted - debits_posted - debits_pending)
          FROM vouchers_ledgeraccount
         WHERE debits_must_not_exceed_credits AND debits_pending + debits_posted > credits_posted
        UNION ALL
        SELECT code, format('收回多于拨入：%s', credits_pending + credits_posted - debits_posted)
          FROM vouchers_ledgeraccount
         WHERE credits_must_not_exceed_debits AND credits_pending + credits_posted > debits_posted
        UNION ALL
        SELECT code, format('已关闭，但仍有可用余额 %s', credits_posted - debits_posted - debits_pending)
          FROM vouchers_ledgeraccount
         WHERE closed_on IS NOT NULL AND debits_must_not_exceed_credits
           AND credits_posted - debits_posted <> debits_pending
        UNION ALL
        SELECT coalesce(a.code, w.account_id::text), format('分户 %s：分得 %s，已用 %s，预占 %s', w.place, w.allotted, w.posted, w.pending)
          FROM vouchers_ledgertill AS w LEFT JOIN vouchers_ledgeraccount AS a ON a.id = w.account_id
         WHERE w.posted < 0 OR w.pending < 0 OR w.posted + w.pending > w.allotted
            OR w.allotted > 0 AND (a.hot AND a.closed_on IS NULL AND a.limit_amount IS NOT DISTINCT FROM w.limit_amount) IS NOT TRUE
        """,
    ),
    Invariant(
        "accounts_are_of_their_kind",
        """
        SELECT a.code, format('科目类别 %s 的限制或账别与规定不符', a.kind)
          FROM vouchers_ledgeraccount AS a LEFT JOIN ledger_account_kinds() AS k ON k.kind = a.kind
         WHERE (a.ledger, a.debits_must_not_exceed_credits, a.credits_must_not_exceed_debits, a.counted)
               IS DISTINCT FROM (k.ledger, k.debit_limited, k.credit_limited, k.counted)
        UNION ALL
        SELECT code, '不计数的科目却有计数' FROM vouchers_ledgeraccount
         WHERE NOT counted AND debits_pending + debits_posted + credits_pending + credits_posted <> 0
        UNION ALL
        SELECT a.code, format('回流科目 %s 不存在，或不在同一套账', a.returns_to_id)
          FROM vouchers_ledgeraccount AS a LEFT JOIN vouchers_ledgeraccount AS r ON r.id = a.returns_to_id
         WHERE a.returns_to_id IS NOT NULL AND r.ledger IS DISTINCT FROM a.ledger
        """,
    ),
    Invariant(
        "a_post_has_one_pending",
        """
        SELECT t.id::text, format('%s 所指的预占 %s 不存在、科目不同、金额不符或已过期', t.kind, t.pending_id)
          FROM vouchers_ledgertransfer AS t
          LEFT JOIN vouchers_ledgertransfer AS p ON p.id = t.pending_id AND p.kind = 'pending'
         WHERE t.kind IN ('post', 'void', 'expire') AND (
               p.id IS NULL OR (p.debit_id, p.credit_id) <> (t.debit_id, t.credit_id) OR t.amount > p.amount
               OR t.kind <> 'post' AND t.amount <> p.amount
               OR t.kind = 'post' AND t.booked_on >= p.expires_on
               OR t.kind = 'expire' AND t.booked_on < coalesce(p.expires_on, 'infinity'))
        UNION ALL
        SELECT min(pending_id::text), format('预占被办结 %s 次', count(*))
          FROM vouchers_ledgertransfer WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "a_reversal_is_the_opposite",
        """
        SELECT r.id::text, format('冲正与原转账 %s 不是反向同额', r.reverses_id)
          FROM vouchers_ledgertransfer AS r LEFT JOIN vouchers_ledgertransfer AS o ON o.id = r.reverses_id
         WHERE r.reverses_id IS NOT NULL
           AND (o.id IS NULL OR (o.debit_id, o.credit_id, o.amount) <> (r.credit_id, r.debit_id, r.amount))
        UNION ALL
        SELECT min(reverses_id::text), format('被冲正 %s 次', count(*))
          FROM vouchers_ledgertransfer WHERE reverses_id IS NOT NULL GROUP BY reverses_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "transfers_follow_the_map",
        """
        SELECT t.id::text, format('%s（%s）不得由 %s 到 %s', t.code, t.kind, d.code, c.code)
          FROM vouchers_ledgertransfer AS t
          JOIN vouchers_ledgeraccount AS d ON d.id = t.debit_id
          JOIN vouchers_ledgeraccount AS c ON c.id = t.credit_id
         WHERE t.reverses_id IS NULL AND concat_ws(' ', t.code, t.kind, d.kind, c.kind) <> ALL (ledger_routes())
        """,
    ),
    Invariant(
        "one_ledger_per_transfer",
        """
        SELECT t.id::text, format('%s 与 %s 不在同一套账', coalesce(d.code, '？'), coalesce(c.code, '？'))
          FROM vouchers_ledgertransfer AS t
          LEFT JOIN vouchers_ledgeraccount AS d ON d.id = t.debit_id
          LEFT JOIN vouchers_ledgeraccount AS c ON c.id = t.credit_id
         WHERE d.ledger IS DISTINCT FROM c.ledger
        """,
    ),
    Invariant(
        "chains_are_whole",
        """
        SELECT chain.id::text, format('应有 %s 笔转账，实有 %s 笔', chain.told, chain.there) FROM (
            SELECT coalesce(a.id, t.chain_id) AS id,
                   CASE WHEN a.accepted THEN jsonb_array_length(a.answer -> 'transfers')
                        ELSE 0 END AS told,
                   coalesce(t.there, 0) AS there, t.last
              FROM vouchers_ledgerattempt AS a
              FULL JOIN (SELECT chain_id, count(*) AS there, max(position) AS last
                           FROM vouchers_ledgertransfer GROUP BY chain_id) AS t ON t.chain_id = a.id
        ) AS chain
         WHERE chain.told <> chain.there OR chain.last <> chain.there
        """,
    ),
    Invariant(
        "a_limit_is_what_was_granted",
        """
        SELECT a.code, format('核定限额 %s，授予净额 %s', a.limit_amount, coalesce(g.granted, 0))
          FROM vouchers_ledgeraccount AS a
          LEFT JOIN (
              SELECT account, sum(amount) AS granted FROM (
                  SELECT credit_id AS account, amount FROM vouchers_ledgertransfer WHERE code = 'grant'
                  UNION ALL SELECT debit_id, -amount FROM vouchers_ledgertransfer WHERE code = 'curtail') AS both_ways
               GROUP BY account) AS g ON g.account = a.id
         WHERE a.kind = 'cap' AND coalesce(a.limit_amount, 0) <> coalesce(g.granted, 0)
        """,
    ),
)

_BUSINESS: tuple[Invariant, ...] = (
    Invariant(
        "a_voucher_is_what_was_issued",
        """
        SELECT v.voucher_no, format('券面额 %s，台账发放 %s', v.face_value, coalesce(sum(t.amount), 0))
          FROM vouchers_voucher AS v
          LEFT JOIN vouchers_ledgeraccount AS a ON a.kind = 'voucher' AND split_part(a.code, ':', 2) = v.voucher_no
                    AND EXISTS (SELECT FROM vouchers_ledgeraccount AS own WHERE own.id = v.account_id AND own.kind = 'voucher'
                                   AND split_part(own.code, ':', 2) = v.voucher_no)
          LEFT JOIN vouchers_ledgertransfer AS t ON t.credit_id = a.id AND t.code = 'issue'
         WHERE v.origin = 'live'
         GROUP BY v.id HAVING coalesce(sum(t.amount), 0) <> v.face_value
        """,
    ),
    Invariant(
        "a_voucher_state_follows_the_ledger",
        """
        SELECT v.voucher_no, format('状态为 %s，科目%s，余额 %s', v.state, CASE WHEN a.open THEN '未关闭' ELSE '已关闭' END, a.held)
          FROM vouchers_voucher AS v
          JOIN (SELECT split_part(code, ':', 2) AS no, bool_or(closed_on IS NULL) AS open, bool_and(closed_on IS NULL) AS all_open,
                       sum(credits_posted - debits_posted) AS held
                  FROM vouchers_ledgeraccount WHERE kind = 'voucher' GROUP BY 1) AS a ON a.no = v.voucher_no
         WHERE v.origin = 'live' AND (
               (v.state IN ('expired', 'voided')) <> (NOT a.open) OR a.open <> a.all_open
               OR v.state = 'exhausted' AND a.held <> 0)
        """,
    ),
    Invariant(
        "payments_are_bank_lines",
        """
        SELECT p.payment_no, format('状态为 %s，金额 %s；台账在途 %s，已拨付 %s', p.state, p.amount - p.offset_amount,
               coalesce(a.held, 0), paid.net)
          FROM vouchers_payment AS p
          LEFT JOIN (SELECT split_part(code, ':', 2) AS no, sum(credits_posted - debits_posted) AS held
                       FROM vouchers_ledgeraccount WHERE kind = 'instructed' GROUP BY 1) AS a ON a.no = p.payment_no
         CROSS JOIN LATERAL (
              SELECT coalesce(sum(CASE t.code WHEN 'pay' THEN t.amount ELSE -t.amount END), 0) AS net
                FROM vouchers_ledgertransfer AS t
                JOIN vouchers_ledgeraccount AS s ON s.id = CASE t.code WHEN 'pay' THEN t.credit_id ELSE t.debit_id END
               WHERE t.subject_kind = 'payment' AND t.subject_no = p.payment_no AND t.code IN ('pay', 'return')
                 AND s.kind = 'paid') AS paid
         WHERE (coalesce(a.held, 0), paid.net)
               <> (CASE WHEN p.state IN ('instructed', 'unknown') THEN p.amount - p.offset_amount ELSE 0 END,
                   CASE p.state WHEN 'confirmed' THEN p.amount - p.offset_amount ELSE 0 END)
        """,
    ),
    Invariant(
        "payables_are_owed",
        """
        SELECT coalesce(owed.code, a.code), format('待拨付合计 %s，台账应付 %s', coalesce(owed.amount, 0), coalesce(a.held, 0))
          FROM (SELECT format('payable:%s:%s:%s', g.code, v.budget_year, y.uscc) AS code, sum(p.amount - p.offset_amount) AS amount
                  FROM vouchers_payment AS p
                  JOIN vouchers_voucher AS v ON v.voucher_no = p.voucher_no
                  JOIN vouchers_program AS g ON g.id = p.program_id
                  JOIN vouchers_party AS y ON y.id = p.payee_id
                 WHERE p.state IN ('payable', 'batched', 'returned') GROUP BY 1) AS owed
          FULL JOIN (SELECT array_to_string((string_to_array(code, ':'))[1:4], ':') AS code, sum(credits_posted - debits_posted) AS held
                       FROM vouchers_ledgeraccount WHERE kind = 'payable' GROUP BY 1) AS a ON a.code = owed.code
         WHERE coalesce(owed.amount, 0) <> coalesce(a.held, 0)
        """,
    ),
)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """One line of the trial balance (试算平衡): the money accounts of one kind, in yuan."""

    kind: str
    accounts: int
    debits_pending: Decimal
    debits_posted: Decimal
    credits_pending: Decimal
    credits_posted: Decimal


_REGISTERED: dict[str, Invariant] = {}


def register_invariant(name: str, query: str) -> None:
    """An upper floor's rows that rest on what is booked are looked at with the business rows; once, when the app is ready."""
    _REGISTERED[name] = Invariant(name, query)


def invariants(*, business_rows: bool = True) -> tuple[Invariant, ...]:
    """All that is looked at; without ``business_rows`` the ledger's own alone."""
    more = budget_check.LEDGER + ((*budget_check.BUSINESS, *PAYMENTS) if business_rows else ())
    own = _LEDGER + (_BUSINESS if business_rows else ())
    registered = tuple(_REGISTERED.values()) if business_rows else ()
    return own + tuple(Invariant(name, query) for name, query in more) + registered


def check_ledger(*, business_rows: bool = True) -> list[Finding]:
    """All findings, none when the ledger holds; ``business_rows`` also compares vouchers and payments with it.

    Reads one snapshot when it is not called inside a transaction of the caller's.
    """
    findings: list[Finding] = []
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for invariant in invariants(business_rows=business_rows):
            cursor.execute(invariant.query)
            findings += [
                Finding(invariant.name, str(row), str(sentence)) for row, sentence in cursor.fetchall()
            ]
    return findings


def trial_balance() -> list[TrialBalance]:
    """The money ledger by kind of account."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, count(*), sum(debits_pending + coalesce(w.pending, 0)), sum(debits_posted + coalesce(w.posted - w.allotted, 0)),
                   sum(credits_pending), sum(credits_posted)
              FROM vouchers_ledgeraccount AS a
              LEFT JOIN (SELECT account_id, sum(allotted) AS allotted, sum(posted) AS posted, sum(pending) AS pending
                           FROM vouchers_ledgertill GROUP BY account_id) AS w ON w.account_id = a.id
             WHERE ledger = 'money' GROUP BY kind
             ORDER BY array_position(ARRAY['treasury', 'surplus', 'budget', 'voucher', 'payable', 'instructed', 'paid',
                                           'levied', 'receivable', 'recovered', 'written_off', 'received', 'refundable'], kind::text)
            """
        )
        return [TrialBalance(*row) for row in cursor.fetchall()]
