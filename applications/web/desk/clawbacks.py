"""追回: the list with its totals, and everything of one on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.clawback_cases import mark_invoice, reassess_without
from applications.clawback_notices import notice_of
from applications.models import Claim, Invoice, Objection
from applications.models.invoices import InvoiceStatus
from applications.web.desk.access import act, desk_view
from applications.web.desk.recoveries import shown_refunds, shown_set_offs
from applications.web.downloads import attachment
from vouchers import dates
from vouchers.access import Role, has_role, roles_of
from vouchers.actions import clawbacks, recoveries
from vouchers.actions.clawback_reckoning import Reassessed, line, taken_before, term_for
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.receiving_accounts import account_of
from vouchers.actions.set_offs import propose_set_off
from vouchers.errors import DomainError, Invalid
from vouchers.middleware import note_refusal
from vouchers.models import Clawback, ClawbackReceipt, CreditRecord, Payment
from vouchers.models.clawbacks import OFFICE, ClawbackGround, ClawbackState, ReceiptKind
from vouchers.models.payments import PaymentState
from vouchers.models.recovery_terms import RecoveryKind
from vouchers.money import ZERO, yuan
from vouchers.states import verbs_for
from vouchers.web.fields import typed_number, typed_yuan

PAGE = 50
OPEN = (
    ClawbackState.DRAFTED,
    ClawbackState.PROPOSED,
    ClawbackState.APPROVED,
    ClawbackState.NOTICED,
    ClawbackState.WRITE_OFF_PROPOSED,
)
_TOTAL = F("principal_amount") + F("interest_amount") + F("penalty_amount")


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("input.date", f"“{text}”不是日期，请按 2025-07-01 填写。", field=field) from error


def _yuan(text: str, field: str) -> Decimal:
    try:
        return typed_yuan(text)
    except ValueError as error:
        raise Invalid("input.amount", f"{error}。", field=field) from error


def _percent(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        rate = typed_number(text.strip().rstrip("%％"))
    except ValueError as error:
        raise Invalid("clawback.penalty", f"“{text}”不是比例。", field="penalty_rate") from error
    return rate / 100


_WORK: dict[str, tuple[str, ...]] = {
    Role.HANDLER: (ClawbackState.DRAFTED, ClawbackState.APPROVED),
    Role.INVESTIGATOR: (ClawbackState.DRAFTED,),
    Role.FINANCE: (ClawbackState.DRAFTED, ClawbackState.APPROVED),
    Role.APPROVER: (ClawbackState.PROPOSED, ClawbackState.WRITE_OFF_PROPOSED),
}


def waiting_clawbacks(user: Any) -> Any:
    """Those that this person could move now."""
    states = {state for grant in roles_of(user) for state in _WORK.get(grant.role, ())}
    return Clawback.objects.visible_to(user, *_WORK).filter(state__in=states)


@desk_view
def listed(request: HttpRequest) -> HttpResponse:
    """All of my regions; by default those that are open."""
    mine = Clawback.objects.visible_to(request.user)
    view = request.GET.get("view", "open")
    rows = mine.filter(state__in=OPEN) if view == "open" else mine
    if view == "overdue":
        rows = mine.filter(credit_records__repaired_on__isnull=True, credit_records__isnull=False)
    wanted = request.GET.get("q", "").strip()[:100]
    if wanted:
        rows = rows.filter(
            Q(clawback_no__icontains=wanted)
            | Q(claim_no__icontains=wanted)
            | Q(party__name__icontains=wanted)
        )
    demanded = mine.filter(state__in=clawbacks.DEMANDED)
    receipts = ClawbackReceipt.objects.filter(clawback__in=demanded)

    def total(query: Any, what: Any = "amount") -> Decimal:
        return query.aggregate(total=Sum(what))["total"] or ZERO

    counted = F("amount") - F("excess_amount")

    due = demanded.filter(state__in=(ClawbackState.NOTICED, ClawbackState.WRITE_OFF_PROPOSED))
    came = total(receipts.filter(clawback__in=due), counted)
    context = {
        "page": Paginator(rows.select_related("party", "program").order_by("-pk"), PAGE).get_page(
            request.GET.get("page")
        ),
        "view": view,
        "q": wanted,
        "finance": has_role(request.user, Role.FINANCE),
        "amounts": [
            {"label": _("已要求退回"), "amount": total(demanded, _TOTAL)},
            {"label": _("已收回"), "amount": total(receipts, counted)},
            {"label": _("其中抵扣"), "amount": total(receipts.filter(kind=ReceiptKind.OFFSET))},
            {"label": _("尚应退回"), "amount": total(due, _TOTAL) - came},
        ],
    }
    return render(request, "desk/clawbacks.html", context)


def _clawback(request: HttpRequest, clawback_no: str) -> Clawback:
    rows = Clawback.objects.visible_to(request.user).select_related(
        "region",
        "program__region",
        "party",
        "payment__payee",
        "payment__program__region",
        "drafted_by",
        "proposed_by",
        "approved_by",
        "noticed_by",
        "write_off_by",
        "written_off_by",
    )
    return get_object_or_404(rows, clawback_no=clawback_no)


@desk_view
def clawback(request: HttpRequest, clawback_no: str) -> HttpResponse:
    """Facts, working, what came in, and the next deed."""
    row = _clawback(request, clawback_no)
    user: Any = request.user
    left = outstanding(row)
    finance = has_role(user, Role.FINANCE, region=row.region)
    plans = list(row.plans.prefetch_related("instalments").order_by("-pk"))
    payables = Payment.objects.filter(payee=row.party, program__region=row.region, state=PaymentState.PAYABLE)
    may_withdraw = row.state != ClawbackState.NOTICED or has_role(user, Role.APPROVER, region=row.region)
    context = {
        "case": row,
        "left": left,
        "received": sum((one.counted_amount for one in row.receipts.all()), ZERO),
        "due_on": row.due_on if row.state == ClawbackState.NOTICED else None,
        "overdue": recoveries.overdue_of(row, dates.today(), left)
        if row.state in (ClawbackState.NOTICED, ClawbackState.WRITE_OFF_PROPOSED)
        else ZERO,
        "working": [one | {"amount": yuan(one["amount"])} for one in row.working],
        "receipts": row.receipts.select_related("payment", "recorded_by"),
        "plans": plans,
        "plan_asked": next((plan for plan in plans if plan.state == "asked"), None)
        if row.state == ClawbackState.NOTICED
        else None,
        "may_decide_plan": has_role(user, Role.FINANCE, Role.APPROVER, region=row.region),
        "finance": finance,
        "payables": payables.exclude(set_offs__state="proposed").order_by("pk")
        if finance and row.state == ClawbackState.NOTICED
        else [],
        "receiving": row.receiving_account or account_of(row.region),
        "set_offs": shown_set_offs(row, user, finance=finance),
        "refunds": shown_refunds(row, user, finance=finance),
        "may_receive": finance
        and row.noticed_at is not None
        and row.state in (ClawbackState.NOTICED, ClawbackState.SETTLED, ClawbackState.WITHDRAWN),
        "penalty_term": term_for(row.program, RecoveryKind.PENALTY, dates.today()),
        "may_revise": row.state == ClawbackState.DRAFTED and has_role(user, *OFFICE, region=row.region),
        "objections": Objection.objects.filter(subject_kind="clawback", subject_no=row.clawback_no).order_by(
            "-pk"
        ),
        "credit": CreditRecord.objects.filter(clawback=row),
        "verbs": [
            verb
            for verb in verbs_for(row, user, region=row.region)
            if verb.verb != "withdraw" or may_withdraw
        ],
    }
    return render(request, "desk/clawback.html", context)


@require_POST
@desk_view
def decide(request: HttpRequest, clawback_no: str, verb: str) -> HttpResponse:
    """One verb on a clawback."""
    row = _clawback(request, clawback_no)
    by: Any = request.user
    given = request.POST

    def deed() -> Any:
        reason = given.get("reason", "")[:5000]
        match verb:
            case "revise":
                return clawbacks.revise_clawback(
                    row,
                    founded_amount=_yuan(given.get("founded_amount", ""), "founded_amount"),
                    reason=reason,
                    ground_no=given.get("ground_no", ""),
                    penalty_rate=_percent(given.get("penalty_rate", "")),
                    pay_within_days=_whole(given.get("pay_within_days", "")),
                    by=by,
                )
            case "propose":
                return clawbacks.propose_clawback(row, by=by)
            case "send_back":
                return clawbacks.send_back(row, by=by, reason=reason)
            case "approve":
                return clawbacks.approve_clawback(row, by=by)
            case "notice":
                return clawbacks.notice_clawback(row, by=by)
            case "withdraw":
                return clawbacks.withdraw_clawback(row, by=by, reason=reason)
            case "receive":
                return recoveries.record_receipt(
                    row,
                    amount=_yuan(given.get("amount", ""), "amount"),
                    received_on=_day(given.get("received_on", ""), "received_on"),
                    bank_reference=given.get("bank_reference", ""),
                    keep_excess=given.get("keep_excess") == "yes",
                    by=by,
                )
            case "set_off":
                payment = get_object_or_404(
                    Payment.objects.visible_to(by, Role.FINANCE), payment_no=given.get("payment_no", "")
                )
                text = given.get("amount", "")
                return propose_set_off(
                    row, payment, by=by, amount=_yuan(text, "amount") if text.strip() else None
                )
            case "agree_plan" | "refuse_plan":
                plan = row.plans.filter(state="asked").first()
                if plan is None:
                    raise Invalid("instalments.none", "没有待答复的分期申请。")
                return recoveries.decide_instalments(plan, agree=verb == "agree_plan", answer=reason, by=by)
            case "propose_write_off":
                return recoveries.propose_write_off(
                    row, reason=reason, document_no=given.get("document_no", ""), by=by
                )
            case "refuse_write_off":
                return recoveries.refuse_write_off(row, reason=reason, by=by)
            case "write_off":
                return recoveries.write_off(row, by=by)
        raise Http404

    labels = {
        "revise": _("修改草稿"),
        "receive": _("登记收款"),
        "set_off": _("提请抵扣，待另一人确认"),
        "agree_plan": _("同意分期"),
        "refuse_plan": _("答复分期申请"),
    }
    label = labels.get(verb) or row.lifecycle.label_of(verb)
    done = _("追回 %(number)s：已%(verb)s。") % {"number": clawback_no, "verb": label}
    return act(request, deed, done, "desk:clawback", clawback_no)


def _whole(text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise Invalid("clawback.days", "退回期限应为整数个工作日。", field="pay_within_days")
    return int(text.strip()[:4])


@desk_view
def notice(request: HttpRequest, clawback_no: str) -> HttpResponse:
    """通知书 as PDF."""
    row = _clawback(request, clawback_no)
    return attachment(
        request, notice_of(row), f"{clawback_no}.pdf", "application/pdf", "clawback_notice", clawback_no
    )


def _claim(request: HttpRequest, claim_no: str) -> Claim:
    rows = Claim.objects.visible_to(request.user, *OFFICE).exclude(state="draft")
    return get_object_or_404(
        rows.select_related("publication", "voucher__program__region", "enterprise"), claim_no=claim_no
    )


@desk_view
def start(request: HttpRequest, claim_no: str) -> HttpResponse:
    """启动追回: on a claim whose money arrived; and the invoices that it rests on, whose state may be registered."""
    case = _claim(request, claim_no)
    payment = Payment.objects.filter(
        claim_no=claim_no, state__in=(PaymentState.CONFIRMED, PaymentState.OFFSET)
    ).first()
    if request.method == "POST" and payment is not None:
        return _started(request, case, payment)
    items = list(case.items.select_related("invoice").order_by("position"))
    context = {
        "case": case,
        "payment": payment,
        "items": items,
        "grounds": [one for one in ClawbackGround.choices if one[0] != ClawbackGround.VOLUNTARY],
        "statuses": [one for one in InvoiceStatus.choices if one[0] != InvoiceStatus.NORMAL],
        "clawbacks": payment.clawbacks.order_by("-pk") if payment else [],
        "taken": taken_before(payment) if payment else ZERO,
        "today": dates.today(),
    }
    return render(request, "desk/clawback_start.html", context)


def _started(request: HttpRequest, case: Claim, payment: Payment) -> HttpResponse:
    given = request.POST
    try:
        without = {key for key in given.getlist("without") if key}
        if without:
            reassessed = reassess_without(case, without)
        else:
            founded = _yuan(given.get("founded_amount", ""), "founded_amount")
            reassessed = Reassessed(founded, (line(_("人工核定"), founded),))
        made = clawbacks.draft_clawback(
            payment,
            reassessed,
            ground=given.get("ground", ""),
            ground_no=given.get("ground_no", ""),
            reason=given.get("reason", "")[:5000],
            by=request.user,  # type: ignore[arg-type]
        )
    except DomainError as refusal:
        note_refusal(request, refusal)
        return redirect("desk:clawback_start", case.claim_no)
    return redirect("desk:clawback", made.clawback_no)


@require_POST
@desk_view
def invoice(request: HttpRequest, claim_no: str, number_key: str) -> HttpResponse:
    """登记红冲或作废 of an invoice that the claim rests on."""
    case = _claim(request, claim_no)
    row = get_object_or_404(Invoice, basis_items__claim=case, number_key=number_key)
    given = request.POST

    def deed() -> Any:
        return mark_invoice(
            row,
            status=given.get("status", ""),
            changed_on=_day(given.get("changed_on", ""), "changed_on"),
            document_no=given.get("document_no", "")[:100],
            by=request.user,  # type: ignore[arg-type]
        )

    done = _("发票 %(number)s 的状态已登记；已到账的兑付将自动草拟追回。") % {"number": row.invoice_no}
    return act(request, deed, done, "desk:clawback_start", claim_no)
