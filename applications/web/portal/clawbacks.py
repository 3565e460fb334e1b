"""追回: what my party has to pay back, until when and how; instalments, objections, and an offer to return."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.clawback_cases import file_clawback_objection
from applications.clawback_notices import notice_of
from applications.models import Objection
from applications.web.downloads import attachment
from applications.web.portal.access import act, portal_view
from vouchers import dates
from vouchers.access import PARTY_ROLES, Role, has_role
from vouchers.actions.clawbacks import offer_return
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.recoveries import agreed_plan, ask_instalments, overdue_of
from vouchers.errors import Invalid
from vouchers.models import Clawback, Payment
from vouchers.models.clawbacks import ClawbackState
from vouchers.money import ZERO, yuan
from vouchers.web.fields import typed_yuan

PAGE = 20
PEOPLE = (Role.FILER, Role.ENTERPRISE_APPROVER)


def _mine(request: HttpRequest) -> Any:
    return Clawback.objects.told().visible_to(request.user, *PARTY_ROLES)


@portal_view
def clawbacks(request: HttpRequest) -> HttpResponse:
    """All that was demanded of my party, or offered by it; the latest first."""
    rows = _mine(request).select_related("party", "program").order_by("-pk")
    return render(
        request,
        "portal/clawbacks.html",
        {"page": Paginator(rows, PAGE).get_page(request.GET.get("page"))},
    )


def _clawback(request: HttpRequest, clawback_no: str) -> Clawback:
    rows = _mine(request).select_related("party", "program", "region", "payment__payee", "receiving_account")
    return get_object_or_404(rows, clawback_no=clawback_no)


@portal_view
def clawback(request: HttpRequest, clawback_no: str) -> HttpResponse:
    """What is due, why, until when, how to pay, and what can be asked."""
    row = _clawback(request, clawback_no)
    noticed = row.noticed_at is not None
    left = outstanding(row)
    plan = agreed_plan(row)
    waiting = row.state in (ClawbackState.NOTICED, ClawbackState.WRITE_OFF_PROPOSED)
    objections = Objection.objects.filter(
        subject_kind="clawback", subject_no=row.clawback_no, filed_by_party=row.party
    ).order_by("-pk")
    may = has_role(request.user, *PEOPLE, party=row.party)
    still_due = row.state == ClawbackState.NOTICED
    asked = row.plans.filter(state="asked").prefetch_related("instalments").first() if still_due else None
    context = {
        "case": row,
        "noticed": noticed,
        "left": left,
        "received": sum((one.counted_amount for one in row.receipts.all()), ZERO),
        "due_on": row.due_on if row.state == ClawbackState.NOTICED else None,
        "overdue": overdue_of(row, dates.today(), left) if waiting else ZERO,
        "working": [one | {"amount": yuan(one["amount"])} for one in row.working],
        "receipts": row.receipts.select_related("payment"),
        "set_offs": row.set_offs.filter(state="proposed").select_related("payment"),
        "refunds": row.refunds.select_related("account").order_by("pk"),
        "plan": plan,
        "asked": asked,
        "refused": row.plans.filter(state="refused").order_by("-pk").first() if asked is None else None,
        "may_ask": may and row.state == ClawbackState.NOTICED and asked is None,
        "may_file": may,
        "objections": objections,
        "may_object": may
        and row.state == ClawbackState.NOTICED
        and not objections.filter(state="filed").exists(),
        "crumbs": [(_("追回"), reverse("portal:clawbacks"))],
    }
    return render(request, "portal/clawback.html", context)


@portal_view
def notice(request: HttpRequest, clawback_no: str) -> HttpResponse:
    """通知书 as PDF."""
    row = _clawback(request, clawback_no)
    return attachment(
        request, notice_of(row), f"{clawback_no}.pdf", "application/pdf", "clawback_notice", clawback_no
    )


def _parts(request: HttpRequest) -> list[tuple[date, Decimal]]:
    """The rows that were filled in; empty ones are left out."""
    parts = []
    days, amounts = request.POST.getlist("due_on"), request.POST.getlist("amount")
    for number, (day, amount) in enumerate(zip(days, amounts, strict=False), start=1):
        if not day.strip() and not amount.strip():
            continue
        try:
            parts.append((date.fromisoformat(day.strip()), typed_yuan(amount)))
        except ValueError as error:
            raise Invalid(
                "instalments.part", f"第 {number} 期请填写日期和金额（元，最多两位小数）。", field="parts"
            ) from error
    return parts


@require_POST
@portal_view
def instalments(request: HttpRequest, clawback_no: str) -> HttpResponse:
    """申请分期."""
    row = _clawback(request, clawback_no)
    by: Any = request.user
    return act(
        request,
        lambda: ask_instalments(row, _parts(request), reason=request.POST.get("reason", "")[:2000], by=by),
        _("分期申请已提交，答复前请仍按原期限准备。"),
        "portal:clawback",
        clawback_no,
    )


@require_POST
@portal_view
def object_to(request: HttpRequest, clawback_no: str) -> HttpResponse:
    """异议 to the demand."""
    row = _clawback(request, clawback_no)
    by: Any = request.user
    return act(
        request,
        lambda: file_clawback_objection(row, text=request.POST.get("text", "")[:5000], by=by),
        _("异议已提交，将由未参与本件的人员在 15 个工作日内答复。"),
        "portal:clawback",
        clawback_no,
    )


@require_POST
@portal_view
def offer(request: HttpRequest, payment_no: str) -> HttpResponse:
    """主动退回: an amount of a payment that arrived."""
    rows = Payment.objects.visible_to(request.user, *PARTY_ROLES).select_related("payee", "program__region")
    payment = get_object_or_404(rows, payment_no=payment_no)
    by: Any = request.user
    made: list[Clawback] = []

    def deed() -> None:
        try:
            amount = typed_yuan(request.POST.get("amount", ""))
        except ValueError as error:
            raise Invalid("clawback.amount", f"{error}。", field="amount") from error
        made.append(offer_return(payment, amount, reason=request.POST.get("reason", "")[:2000], by=by))

    answer = act(
        request,
        deed,
        _("退回申请已提交。本机关核对后发出通知书，请按通知书退回。"),
        "portal:claim",
        payment.claim_no,
    )
    return redirect("portal:clawback", made[0].clawback_no) if made else answer
