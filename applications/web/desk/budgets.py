"""预算指标: what became of each year's money, the documents behind it, closing and carrying over; and the ledger's days."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.web.desk.access import act, desk_view
from vouchers import dates
from vouchers.access import Role, has_role, require_role
from vouchers.actions import budget_withdrawals as withdrawals
from vouchers.actions import budgets as actions
from vouchers.actions.programs import appropriate_budget
from vouchers.actions.treasury_parts import treasuries_of
from vouchers.errors import Invalid
from vouchers.models import Appropriation, BudgetWithdrawal, CarryOver, LedgerCheck, Program, ProgramBudget
from vouchers.models.budgets import CarryOverState, WithdrawalState
from vouchers.web import ledger_days
from vouchers.web.fields import typed_yuan


@desk_view
def budgets(request: HttpRequest) -> HttpResponse:
    """The programs of the finance officer's regions; one of them with its years."""
    require_role(request.user, Role.FINANCE)
    rows = Program.objects.visible_to(request.user, Role.FINANCE).filter(origin=Program.Origin.LIVE)
    programs = list(rows.order_by("code"))
    chosen = next((one for one in programs if one.code == request.GET.get("program")), None)
    chosen = chosen or next(iter(programs), None)
    context: dict[str, Any] = {"programs": programs, "program": chosen, "today": dates.today()}
    if chosen is not None:
        context |= _of(chosen, request.user)
    return render(request, "desk/budgets.html", context)


def _of(program: Program, user: Any) -> dict[str, Any]:
    budgets = {
        row.year: row for row in ProgramBudget.objects.filter(program=program).select_related("closed_by")
    }
    lines = {
        year: list(rows) for year, rows in groupby(actions.budget_sheet(program), key=lambda one: one.year)
    }
    today = dates.today()
    years = []
    for year in sorted(budgets, reverse=True):
        row, parts = budgets[year], lines.get(year, [])
        total = actions.total_line(parts)
        years.append(
            {
                "row": row,
                "parts": parts if len(parts) > 1 or any(part.treasury_code for part in parts) else [],
                "total": total,
                "may_close": row.closed_on is None and year < today.year and total is not None,
                "may_withdraw": row.closed_on is None and total is not None and total.available > 0,
                "may_carry": row.closed_on is not None and total is not None and total.surplus_left > 0,
                "treasuries": [part for part in parts if part.treasury_code and part.surplus_left > 0],
                "free": [part for part in parts if part.treasury_code and part.available > 0],
            }
        )
    documents = Appropriation.objects.filter(budget__program=program).select_related(
        "budget", "appropriated_by"
    )
    carried = CarryOver.objects.filter(budget__program=program).select_related(
        "budget", "proposed_by", "decided_by"
    )
    withdrawn = BudgetWithdrawal.objects.filter(budget__program=program).select_related(
        "budget", "proposed_by", "decided_by"
    )
    return {
        "years": years,
        "withdrawn": [
            {
                "row": row,
                "waits": row.state == WithdrawalState.PROPOSED,
                "mine": row.proposed_by_id == user.pk,
            }
            for row in withdrawn.order_by("-pk")
        ],
        "documents": documents.order_by("-budget__year", "appropriated_on", "pk"),
        "carried": [
            {
                "row": row,
                "waits": row.state == CarryOverState.PROPOSED,
                "mine": row.proposed_by_id == user.pk,
            }
            for row in carried.order_by("-pk")
        ],
        "may": has_role(user, Role.FINANCE, region=program.region),
        "gives": [(code, name) for code, name in treasuries_of(program).items() if code],
        "check": LedgerCheck.objects.order_by("-pk").first(),
    }


def _budget(request: HttpRequest, code: str, year: int) -> ProgramBudget:
    rows = ProgramBudget.objects.visible_to(request.user, Role.FINANCE).select_related("program__region")
    return get_object_or_404(rows, program__code=code, year=year)


def _page(code: str) -> str:
    return f"{reverse('desk:budgets')}?{urlencode({'program': code})}"


def _amount(request: HttpRequest) -> Decimal:
    """The typed amount; what is none is refused with its place."""
    try:
        return typed_yuan(request.POST.get("amount", ""))
    except ValueError:
        raise Invalid("budget.amount", "金额应为大于零、至多两位小数的数。", field="amount") from None


@require_POST
@desk_view
def appropriate(request: HttpRequest, code: str) -> HttpResponse:
    """Money by a document of the treasury."""
    program = get_object_or_404(Program.objects.visible_to(request.user, Role.FINANCE), code=code)

    def deed() -> Appropriation:
        year = request.POST.get("year", "").strip()
        if not (year.isascii() and year.isdigit() and 2000 <= int(year[:5]) <= 2100):
            raise Invalid("budget.year", "预算年度应为 2000 至 2100 之间的年份。", field="year")
        return appropriate_budget(
            program,
            int(year),
            _amount(request),
            document_no=request.POST.get("document_no", "").strip()[:100],
            treasury=request.POST.get("treasury", ""),
            by=request.user,  # type: ignore[arg-type]
        )

    return act(request, deed, _("已按指标文件下达预算，记入台账。"), _page(program.code))


@require_POST
@desk_view
def close(request: HttpRequest, code: str, year: int) -> HttpResponse:
    """Close a year that is over."""
    row = _budget(request, code, year)
    return act(
        request,
        lambda: actions.close_year(row, by=request.user, reason=request.POST.get("reason", "")),  # type: ignore[arg-type]
        _("%(code)s %(year)s 年度已结账，可用金额已转为年终结余。") % {"code": code, "year": year},
        _page(code),
    )


@require_POST
@desk_view
def carry_over(request: HttpRequest, code: str, year: int) -> HttpResponse:
    """Propose to carry part of the surplus over."""
    row = _budget(request, code, year)

    def deed() -> CarryOver:
        return actions.propose_carry_over(
            row,
            amount=_amount(request),
            document_no=request.POST.get("document_no", ""),
            reason=request.POST.get("reason", ""),
            treasury=request.POST.get("treasury", ""),
            by=request.user,  # type: ignore[arg-type]
        )

    return act(request, deed, _("已提请结转，由另一位财务人员审批。"), _page(code))


@require_POST
@desk_view
def decide_carry_over(request: HttpRequest, carry_over_no: str, verb: str) -> HttpResponse:
    """Approve, refuse or withdraw."""
    rows = CarryOver.objects.visible_to(request.user, Role.FINANCE).select_related("budget__program__region")
    row = get_object_or_404(rows, carry_over_no=carry_over_no)
    by: Any = request.user
    reason = request.POST.get("reason", "")

    def deed() -> CarryOver:
        match verb:
            case "approve":
                return actions.approve_carry_over(row, by=by, reason=reason)
            case "refuse":
                return actions.refuse_carry_over(row, by=by, reason=reason)
            case "withdraw":
                return actions.withdraw_carry_over(row, by=by)
        raise Invalid("carry_over.verb", "没有这个操作。")

    done = _("%(number)s：已%(verb)s。") % {"number": carry_over_no, "verb": row.lifecycle.label_of(verb)}
    return act(request, deed, done, _page(row.budget.program.code))


@require_POST
@desk_view
def withdraw(request: HttpRequest, code: str, year: int) -> HttpResponse:
    """Propose to take part of what is free back."""
    row = _budget(request, code, year)

    def deed() -> BudgetWithdrawal:
        return withdrawals.propose_withdrawal(
            row,
            amount=_amount(request),
            document_no=request.POST.get("document_no", ""),
            reason=request.POST.get("reason", ""),
            treasury=request.POST.get("treasury", ""),
            by=request.user,  # type: ignore[arg-type]
        )

    return act(request, deed, _("已提请收回预算，由另一位财务人员审批。"), _page(code))


@require_POST
@desk_view
def decide_withdrawal(request: HttpRequest, budget_withdrawal_no: str, verb: str) -> HttpResponse:
    """Approve, refuse or take back."""
    rows = BudgetWithdrawal.objects.visible_to(request.user, Role.FINANCE).select_related(
        "budget__program__region"
    )
    row = get_object_or_404(rows, budget_withdrawal_no=budget_withdrawal_no)
    by: Any = request.user
    reason = request.POST.get("reason", "")

    def deed() -> BudgetWithdrawal:
        match verb:
            case "approve":
                return withdrawals.approve_withdrawal(row, by=by, reason=reason)
            case "refuse":
                return withdrawals.refuse_withdrawal(row, by=by, reason=reason)
            case "withdraw":
                return withdrawals.take_back_withdrawal(row, by=by)
        raise Invalid("budget_withdrawal.verb", "没有这个操作。")

    done = _("%(number)s：已%(verb)s。") % {
        "number": budget_withdrawal_no,
        "verb": row.lifecycle.label_of(verb),
    }
    return act(request, deed, done, _page(row.budget.program.code))


@desk_view
def days(request: HttpRequest) -> HttpResponse:
    """Every day's trial balance."""
    require_role(request.user, Role.FINANCE)
    return ledger_days.days(request, "desk")


@desk_view
def day(request: HttpRequest, day: str) -> HttpResponse:
    """One day's."""
    require_role(request.user, Role.FINANCE)
    return ledger_days.day(request, "desk", day)
