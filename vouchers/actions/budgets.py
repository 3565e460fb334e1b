"""预算指标: what a program's budget of a year has room for; the closing of a year, and what is carried over to another."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import connection

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger
from vouchers.actions.ledger_chains import Budget, event_id
from vouchers.actions.programs import require_treasury
from vouchers.actions.treasury_parts import bearers_of, borne_by, treasuries_of
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import CarryOver, LedgerAccount, Program, ProgramBudget, User
from vouchers.models.ledger import AccountKind
from vouchers.money import ZERO, thousands, yuan
from vouchers.numbers import next_no
from vouchers.policy.rules import Scheme
from vouchers.states import advance


def budget_for(program: Program, year: int, scheme: Scheme | None) -> Budget:
    """The year's budget as a version has it: with the treasuries that share its cost."""
    return Budget(program.code, year, program.region.code, bearers_of(scheme) if scheme else ())


def room_of(program: Program, year: int, scheme: Scheme | None) -> Decimal | None:
    """The most that a new voucher under the version can still take of the year's budget, in yuan; None when nothing was
    appropriated to it. Where treasuries share the cost, the one with the least for its share decides."""
    parts = budget_for(program, year, scheme).parts
    left = {
        account.code: ZERO if account.closed else account.available
        for account in LedgerAccount.objects.filter(code__in=[part.code for part in parts])
    }
    if not left:
        return None
    if scheme is None or len(parts) == 1:
        return left[parts[0].code]
    has = {part.bearer: left.get(part.code, ZERO) for part in parts}

    def fits(fen: int) -> bool:
        return all(share <= has[code] for code, share in borne_by(scheme, Decimal(fen) / 100).items())

    # What each bears never falls when the amount grows: the last amount that fits is found by halving.
    least, most = 0, int(sum(has.values(), ZERO) * 100)
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return Decimal(least) / 100


# -- the year's end ----------------------------------------------------------------------------------------------------


def parts_in_ledger(program: Program, year: int) -> list[Budget]:
    """The year's budget as the ledger has it: one, or one for each treasury that ever gave to it."""
    whole = Budget(program.code, year, program.region.code)
    codes = LedgerAccount.objects.filter(kind=AccountKind.BUDGET, code__startswith=whole.code)
    bearers = [
        code.removeprefix(whole.code).removeprefix(":")
        for code in codes.order_by("code").values_list("code", flat=True)
        if code == whole.code or code.startswith(f"{whole.code}:")
    ]
    return [Budget(program.code, year, program.region.code, bearer=bearer) for bearer in bearers]


def close_year(budget: ProgramBudget, *, by: User, reason: str = "") -> ProgramBudget:
    """年终结账: what is available goes back as the year's surplus, and so will what is released later. Vouchers still valid,
    claims on their way and what is owed go on. Raises NotNow: `budget.year_running`, `budget.closed`, `budget.nothing`.
    """
    announce("program_budget.close", reason)
    program = budget.program
    require_role(by, Role.FINANCE, region=program.region)
    budget = ProgramBudget.objects.select_for_update().select_related("program__region").get(pk=budget.pk)
    if budget.closed_on is not None:
        raise NotNow("budget.closed", f"{budget.year} 年度已于 {budget.closed_on} 结账。")
    on = dates.today()
    if on.year <= budget.year:
        raise NotNow(
            "budget.year_running",
            f"{budget.year} 预算年度尚未结束，不能结账。",
            hint=f"请在 {budget.year + 1} 年 1 月 1 日以后办理。",
        )
    parts = parts_in_ledger(program, budget.year)
    if not parts:
        raise NotNow("budget.nothing", f"{budget.year} 年度没有下达过预算，无须结账。")
    budget.closed_on, budget.closed_by = on, by
    budget.save(update_fields=["closed_on", "closed_by"])
    whole = Budget(program.code, budget.year, program.region.code)
    chain = ledger.Chain(event_id("close_budget", whole.code), on, "budget", whole.code)
    for part in parts:
        chain.close(part.code)
    chain.post().demand()
    return budget


def surplus_of(budget: ProgramBudget) -> dict[str, Decimal]:
    """What a closed year has left to be carried over, in yuan by the treasury's code."""
    program = budget.program
    parts = {part.surplus: part.bearer for part in parts_in_ledger(program, budget.year)}
    accounts = LedgerAccount.objects.filter(code__in=parts)
    return {parts[account.code]: account.available for account in accounts}


def propose_carry_over(
    budget: ProgramBudget,
    *,
    amount: Decimal,
    document_no: str,
    reason: str,
    by: User,
    to_year: int | None = None,
    treasury: str = "",
) -> CarryOver:
    """提请结转: part of a closed year's surplus to a later year (the next one), on the treasury's document.

    Raises Invalid (`budget.amount`, `budget.document_missing`, `budget.treasury`, `carry_over.year`, `carry_over.reason`,
    `carry_over.document_reused`) and NotNow (`budget.not_closed`, `budget.closed`, `carry_over.too_much`).
    """
    announce("carry_over.propose", reason)
    program = budget.program
    require_role(by, Role.FINANCE, region=program.region)
    budget = ProgramBudget.objects.select_for_update().select_related("program__region").get(pk=budget.pk)
    to_year = budget.year + 1 if to_year is None else to_year
    try:
        amount = yuan(amount)
    except ValueError as error:
        raise Invalid("budget.amount", f"{error}。", field="amount") from None
    if amount <= 0:
        raise Invalid("budget.amount", "结转金额应大于零。", field="amount")
    document_no = document_no.strip()
    if not document_no:
        raise Invalid("budget.document_missing", "请填写财政部门同意结转的文号。", field="document_no")
    if not reason.strip():
        raise Invalid("carry_over.reason", "请写明结转的事由和用途。", field="reason")
    if to_year <= budget.year:
        raise Invalid("carry_over.year", f"只能结转到 {budget.year} 年以后的年度。", field="to_year")
    if budget.closed_on is None:
        raise NotNow(
            "budget.not_closed", f"{budget.year} 年度尚未结账，不能结转。", hint="请先办理年终结账。"
        )
    _require_open(program, to_year)
    name = require_treasury(program, treasury)
    standing = CarryOver.objects.filter(
        budget=budget, treasury_code=treasury, state__in=("proposed", "approved")
    )
    if standing.filter(document_no=document_no).exists():
        raise Invalid(
            "carry_over.document_reused",
            f"文件“{document_no}”已用于另一笔结转。",
            field="document_no",
            hint="请核对文号；同一文件的结转请合并为一笔。",
        )
    waiting = sum((row.amount for row in standing.filter(state="proposed")), ZERO)
    left = surplus_of(budget).get(treasury, ZERO) - waiting
    if amount > left:
        raise NotNow(
            "carry_over.too_much",
            f"{budget.year} 年度结余中尚可结转 {thousands(max(left, ZERO))} 元，不足 {thousands(amount)} 元。",
        )
    on = dates.today()
    return CarryOver.objects.create(
        carry_over_no=next_no("CO", on),
        budget=budget,
        to_year=to_year,
        treasury_code=treasury,
        treasury=name,
        amount=amount,
        document_no=document_no,
        reason=reason.strip(),
        proposed_by=by,
        proposed_on=on,
    )


def _require_open(program: Program, year: int) -> None:
    closed = ProgramBudget.objects.filter(program=program, year=year, closed_on__isnull=False).first()
    if closed is not None:
        raise NotNow("budget.closed", f"{year} 年度已结账，不能转入。", hint="请结转到未结账的年度。")


def approve_carry_over(row: CarryOver, *, by: User, reason: str = "") -> CarryOver:
    """批准结转: by another finance officer; booked in the same transaction, the ledger last. Never more than the surplus."""
    announce("carry_over.approve", reason)
    program = row.budget.program
    require_role(by, Role.FINANCE, region=program.region)
    require_other_person(by, {row.proposed_by_id}, "批准结转")
    _require_open(program, row.to_year)
    on = dates.today()
    advance(
        row,
        "approve",
        by=by,
        region=program.region,
        update={"decided_by": by, "decided_on": on, "decision_reason": reason},
    )
    ProgramBudget.objects.get_or_create(program=program, year=row.to_year, defaults={"amount": ZERO})
    budget = Budget(program.code, row.budget.year, program.region.code, bearer=row.treasury_code)
    to = Budget(program.code, row.to_year, program.region.code, bearer=row.treasury_code)
    ledger.carry_over(
        budget,
        to,
        row.amount,
        document_no=row.document_no,
        on=on,
        id=event_id("carry_over", row.carry_over_no),
    ).demand()
    return row


def refuse_carry_over(row: CarryOver, *, by: User, reason: str) -> CarryOver:
    """不予批准: by another finance officer, with the reason."""
    announce("carry_over.refuse", reason)
    region = row.budget.program.region
    require_role(by, Role.FINANCE, region=region)
    require_other_person(by, {row.proposed_by_id}, "审批结转")
    if not reason.strip():
        raise Invalid("carry_over.reason", "请写明不予批准的理由。", field="reason")
    update = {"decided_by": by, "decided_on": dates.today(), "decision_reason": reason}
    advance(row, "refuse", by=by, region=region, update=update)
    return row


def withdraw_carry_over(row: CarryOver, *, by: User) -> CarryOver:
    """撤回: by who proposed it, while nobody has decided."""
    announce("carry_over.withdraw")
    if by.pk != row.proposed_by_id:
        raise Forbidden("carry_over.not_yours", "只有提请人可以撤回。")
    advance(row, "withdraw", by=by, region=row.budget.program.region)
    return row


# -- what a year's budget has become ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BudgetLine:
    """One year's budget, or one treasury's part of it, as the ledger has it, in yuan.

    What came in (`appropriated`, less what was withdrawn, and `carried_in`) is what lies on the accounts: `available`,
    `committed` (on vouchers), `reserved` (by claims), `payable`, `instructed`, `paid`, `clawed_back` and `surplus`;
    of the surplus, `carried_out` went over to another year.
    """

    year: int
    treasury_code: str
    treasury: str
    appropriated: Decimal
    carried_in: Decimal
    available: Decimal
    committed: Decimal
    reserved: Decimal
    payable: Decimal
    instructed: Decimal
    paid: Decimal
    clawed_back: Decimal
    surplus: Decimal
    carried_out: Decimal
    closed: bool = False

    @property
    def came_in(self) -> Decimal:
        return self.appropriated + self.carried_in

    @property
    def accounted(self) -> Decimal:
        """The sum of where it lies: always what came in."""
        return sum(
            (self.available, self.committed, self.reserved, self.payable, self.instructed, self.paid),
            self.clawed_back + self.surplus,
        )

    @property
    def surplus_left(self) -> Decimal:
        """Of the surplus, what has not been carried over."""
        return self.surplus - self.carried_out


_SHEET = """
    WITH part AS (
        SELECT b.id, substr(b.code, 8) AS name, b.credits_posted - b.debits_posted - b.debits_pending + coalesce((
                   SELECT sum(w.allotted - w.posted - w.pending) FROM vouchers_ledgertill AS w WHERE w.account_id = b.id), 0) AS available,
               b.closed_on, s.id AS surplus_id, coalesce(s.credits_posted, 0) AS surplus, p.id AS paid_id,
               coalesce(p.credits_posted - p.debits_posted, 0) AS paid
          FROM vouchers_ledgeraccount AS b
          LEFT JOIN vouchers_ledgeraccount AS s ON s.code = 'surplus:' || substr(b.code, 8)
          LEFT JOIN vouchers_ledgeraccount AS p ON p.code = 'paid:' || substr(b.code, 8)
         WHERE b.kind = 'budget' AND starts_with(b.code, 'budget:' || %(program)s || ':')
    )
    SELECT split_part(part.name, ':', 2)::integer, split_part(part.name, ':', 3),
           coalesce((SELECT sum(t.amount) FROM vouchers_ledgertransfer AS t
                      WHERE t.credit_id = part.id AND t.code = 'appropriate'), 0)
             - coalesce((SELECT sum(t.amount) FROM vouchers_ledgertransfer AS t WHERE t.debit_id = part.id AND t.code = 'withdraw'), 0),
           coalesce((SELECT sum(t.amount) FROM vouchers_ledgertransfer AS t
                      WHERE t.credit_id = part.id AND t.code = 'carry_over'), 0),
           part.available, v.committed, v.reserved, y.payable, y.instructed,
           part.paid, coalesce((SELECT sum(t.amount) FROM vouchers_ledgertransfer AS t
                                 WHERE t.debit_id = part.paid_id AND t.code = 'claw_back' AND NOT EXISTS (
                                       SELECT FROM vouchers_ledgertransfer AS r WHERE r.reverses_id = t.id)), 0)
             - coalesce((SELECT sum(t.amount) FROM vouchers_ledgertransfer AS t
                          WHERE t.credit_id = part.paid_id AND t.code IN ('waive', 'refund')), 0),
           part.surplus, coalesce((SELECT sum(t.amount) FROM vouchers_ledgertransfer AS t
                                    WHERE t.debit_id = part.surplus_id AND t.code = 'carry_over'), 0),
           part.closed_on IS NOT NULL
      FROM part
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(a.credits_posted - a.debits_posted - a.debits_pending), 0) AS committed,
                  coalesce(sum(a.debits_pending), 0) AS reserved
             FROM vouchers_ledgeraccount AS a WHERE a.returns_to_id = part.id AND a.kind = 'voucher') AS v
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(a.credits_posted - a.debits_posted), 0) AS payable,
                  coalesce(sum((SELECT sum(i.credits_posted - i.debits_posted) FROM vouchers_ledgeraccount AS i
                                 WHERE i.returns_to_id = a.id AND i.kind = 'instructed')), 0) AS instructed
             FROM vouchers_ledgeraccount AS a WHERE a.returns_to_id = part.id AND a.kind = 'payable') AS y
     ORDER BY 1 DESC, part.name
"""


def budget_sheet(program: Program) -> list[BudgetLine]:
    """Every year's budget of the program as the ledger has it, the latest first; a line a treasury where several share."""
    names = treasuries_of(program)
    with connection.cursor() as cursor:
        cursor.execute(_SHEET, {"program": program.code})
        rows = cursor.fetchall()
    lines = [BudgetLine(year, code, names.get(code, code), *rest) for year, code, *rest in rows]
    place = {code: position for position, code in enumerate(names)}
    return sorted(
        lines, key=lambda line: (-line.year, place.get(line.treasury_code, len(place)), line.treasury_code)
    )


def total_line(lines: list[BudgetLine]) -> BudgetLine | None:
    """The sum of the lines of one year; None of none."""
    if not lines:
        return None
    summed: dict[str, Any] = {
        one.name: sum((getattr(line, one.name) for line in lines), ZERO)
        for one in fields(BudgetLine)
        if one.name not in ("year", "treasury_code", "treasury", "closed")
    }
    summed["closed"] = all(line.closed for line in lines)
    return BudgetLine(year=lines[0].year, treasury_code="", treasury="", **summed)
