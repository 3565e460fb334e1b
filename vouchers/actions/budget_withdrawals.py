"""收回预算: the treasury takes back what a running year has free, proposed by one finance officer and approved by another."""

from __future__ import annotations

from decimal import Decimal

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger
from vouchers.actions.ledger_chains import Budget, event_id
from vouchers.actions.programs import require_treasury
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import BudgetWithdrawal, LedgerAccount, Program, ProgramBudget, User
from vouchers.money import ZERO, thousands, yuan
from vouchers.numbers import next_no
from vouchers.states import advance


def available_of(program: Program, year: int, treasury: str = "") -> Decimal:
    """What a year's budget, or one treasury's part of it, has free, in yuan."""
    budget = Budget(program.code, year, program.region.code, bearer=treasury)
    account = LedgerAccount.objects.filter(code=budget.code).first()
    return ZERO if account is None or account.closed else account.available


def propose_withdrawal(
    budget: ProgramBudget, *, amount: Decimal, document_no: str, reason: str, by: User, treasury: str = ""
) -> BudgetWithdrawal:
    """提请收回: on the treasury's document. Nothing is held for it until it is approved.

    Raises Invalid (`budget.amount`, `budget.document_missing`, `budget.treasury`, `budget_withdrawal.reason`,
    `budget_withdrawal.document_reused`) and NotNow (`budget.closed`, `budget_withdrawal.too_much`).
    """
    announce("budget_withdrawal.propose", reason)
    program = budget.program
    require_role(by, Role.FINANCE, region=program.region)
    budget = ProgramBudget.objects.select_for_update().select_related("program__region").get(pk=budget.pk)
    try:
        amount = yuan(amount)
    except ValueError as error:
        raise Invalid("budget.amount", f"{error}。", field="amount") from None
    if amount <= 0:
        raise Invalid("budget.amount", "收回金额应大于零。", field="amount")
    document_no = document_no.strip()[:100]
    if not document_no:
        raise Invalid("budget.document_missing", "请填写财政部门收回指标的文号。", field="document_no")
    if not reason.strip():
        raise Invalid("budget_withdrawal.reason", "请写明收回的事由。", field="reason")
    _require_open(budget)
    name = require_treasury(program, treasury)
    standing = BudgetWithdrawal.objects.filter(
        budget=budget, treasury_code=treasury, state__in=("proposed", "approved")
    )
    if standing.filter(document_no=document_no).exists():
        raise Invalid(
            "budget_withdrawal.document_reused",
            f"文件“{document_no}”已用于另一笔收回。",
            field="document_no",
            hint="请核对文号；同一文件的收回请合并为一笔。",
        )
    waiting = sum((row.amount for row in standing.filter(state="proposed")), ZERO)
    left = available_of(program, budget.year, treasury) - waiting
    if amount > left:
        raise NotNow(
            "budget_withdrawal.too_much",
            f"{budget.year} 年度尚可收回 {thousands(max(left, ZERO))} 元，不足 {thousands(amount)} 元。",
            hint="已发放、已预占和应付的资金不能收回。",
        )
    on = dates.today()
    return BudgetWithdrawal.objects.create(
        budget_withdrawal_no=next_no("BW", on),
        budget=budget,
        treasury_code=treasury,
        treasury=name,
        amount=amount,
        document_no=document_no,
        reason=reason.strip()[:500],
        proposed_by=by,
        proposed_on=on,
    )


def _require_open(budget: ProgramBudget) -> None:
    if budget.closed_on is not None:
        raise NotNow(
            "budget.closed",
            f"{budget.year} 年度已结账，结余已在财政，无须收回。",
            hint="结余可以提请结转。",
        )


def approve_withdrawal(row: BudgetWithdrawal, *, by: User, reason: str = "") -> BudgetWithdrawal:
    """批准收回: by another finance officer; booked in the same transaction, the ledger last. What has been issued in the
    meantime is not available any more: the ledger refuses more than is. The year's own amount stays the sum of its documents."""
    announce("budget_withdrawal.approve", reason)
    program = row.budget.program
    require_role(by, Role.FINANCE, region=program.region)
    require_other_person(by, {row.proposed_by_id}, "批准收回预算")
    budget = ProgramBudget.objects.select_for_update().get(pk=row.budget_id)
    _require_open(budget)
    on = dates.today()
    update = {"decided_by": by, "decided_on": on, "decision_reason": reason.strip()[:500]}
    advance(row, "approve", by=by, region=program.region, update=update)
    part = Budget(program.code, budget.year, program.region.code, bearer=row.treasury_code)
    ledger.withdraw(
        part,
        row.amount,
        document_no=row.document_no,
        on=on,
        id=event_id("withdraw_budget", row.budget_withdrawal_no),
    ).demand()
    return row


def refuse_withdrawal(row: BudgetWithdrawal, *, by: User, reason: str) -> BudgetWithdrawal:
    """不予批准: by another finance officer, with the reason."""
    announce("budget_withdrawal.refuse", reason)
    region = row.budget.program.region
    require_role(by, Role.FINANCE, region=region)
    require_other_person(by, {row.proposed_by_id}, "审批收回预算")
    if not reason.strip():
        raise Invalid("budget_withdrawal.reason", "请写明不予批准的理由。", field="reason")
    update = {"decided_by": by, "decided_on": dates.today(), "decision_reason": reason.strip()[:500]}
    advance(row, "refuse", by=by, region=region, update=update)
    return row


def take_back_withdrawal(row: BudgetWithdrawal, *, by: User) -> BudgetWithdrawal:
    """撤回: by who proposed it, while nobody has decided."""
    announce("budget_withdrawal.withdraw")
    if by.pk != row.proposed_by_id:
        raise Forbidden("budget_withdrawal.not_yours", "只有提请人可以撤回。")
    advance(row, "withdraw", by=by, region=row.budget.program.region)
    return row
