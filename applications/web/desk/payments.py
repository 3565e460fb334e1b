"""Payment batches: payables chosen, frozen with control totals, approved, exported, and the bank's answers taken in."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.bank_return_files import BANK_COLUMNS, read_bank_return
from applications.payment_files import export_files, inquiry_list, payment_instructions, payment_workbook
from applications.treasuries import parts_of, totals_of
from applications.web.desk.access import act, desk_view
from applications.web.downloads import attachment
from vouchers.access import Role, has_role, require_role
from vouchers.actions.bank_inquiries import confirm_finding, finding_digest, inquire, record_finding
from vouchers.actions.bank_returns import settle_batch
from vouchers.actions.payment_lists import control_totals, exported_file, lines_of
from vouchers.actions.payments import (
    approve_batch,
    cancel_batch,
    create_batch,
    mark_exported,
    propose_batch,
    reopen_batch,
    take_out,
)
from vouchers.errors import DomainError, Invalid
from vouchers.middleware import note_refusal
from vouchers.models import (
    BankAccount,
    Clawback,
    Hold,
    Payment,
    PaymentBatch,
    PaymentLine,
    Program,
    SetOff,
)
from vouchers.models.clawbacks import ClawbackState
from vouchers.models.payment_lines import FileForm, PaymentLineState
from vouchers.models.payments import PaymentBatchState, PaymentState
from vouchers.money import ZERO
from vouchers.states import verbs_for

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
_WAITING = (PaymentState.PAYABLE, PaymentState.RETURNED)
_SENT = (PaymentBatchState.EXPORTED, PaymentBatchState.SETTLED)
# Rows on a page; what is decided or added up is so over all of them.
PAYABLES, LINES, FINDINGS = 200, 100, 20


@desk_view
def payables(request: HttpRequest) -> HttpResponse:
    """What is owed, a program at a time; choosing rows makes a batch."""
    rows = Payment.objects.visible_to(request.user, Role.FINANCE).filter(state__in=_WAITING)
    programs = Program.objects.filter(pk__in=rows.values("program")).order_by("code")
    chosen = programs.filter(code=request.GET.get("program", "")).first() or programs.first()
    shown = (
        rows.filter(program=chosen).select_related("payee", "account").order_by("pk")
        if chosen
        else rows.none()
    )
    page = Paginator(shown, PAYABLES).get_page(request.GET.get("page"))
    payments = list(page.object_list)
    _note_demands(payments)
    _note_accounts(payments)
    context = {
        "programs": programs,
        "program": chosen,
        "payments": payments,
        "page": page,
        "total": shown.aggregate(total=Sum(F("amount") - F("offset_amount")))["total"],
        "batches": PaymentBatch.objects.visible_to(request.user)
        .select_related("program")
        .order_by("-pk")[:20],
    }
    return render(request, "desk/payables.html", context)


def _note_demands(payments: list[Payment]) -> None:
    """Beside each payment what its payee owes back: it may be set off before the payment is listed."""
    demands: dict[int, Clawback] = {}
    for one in Clawback.objects.filter(
        party__in={payment.payee_id for payment in payments}, state=ClawbackState.NOTICED
    ).order_by("-pk"):
        demands[one.party_id] = one
    for payment in payments:
        payment.demand = demands.get(payment.payee_id)  # type: ignore[attr-defined]


def _note_accounts(payments: list[Payment]) -> None:
    """Beside each payment the account in use, and whether it may be listed: a returned one once its payee has a verified account
    that is newer than the failed one, none that is about to be set off."""
    in_use: dict[int, BankAccount] = {}
    accounts = BankAccount.objects.filter(party__in={one.payee_id for one in payments}, superseded_at=None)
    for account in accounts.filter(Q(entered_by=None) | Q(confirmed_by__isnull=False)).order_by("pk"):
        in_use[account.party_id] = account
    returned = [one for one in payments if one.state == PaymentState.RETURNED]
    lines = PaymentLine.objects.filter(payment__in=returned, state=PaymentLineState.RETURNED).order_by("pk")
    failed = dict(lines.values_list("payment_id", "account_id"))
    waiting = {
        row.payment_id: row
        for row in SetOff.objects.filter(payment__in=payments, state="proposed").select_related("clawback")
    }
    for payment in payments:
        account = in_use.get(payment.payee_id)
        payment.in_use = account  # type: ignore[attr-defined]
        payment.set_off = waiting.get(payment.pk)  # type: ignore[attr-defined]
        newer = payment.pk not in failed or (account is not None and account.pk > (failed[payment.pk] or 0))
        payment.may_list = newer and payment.pk not in waiting  # type: ignore[attr-defined]


@require_POST
@desk_view
def create(request: HttpRequest) -> HttpResponse:
    """A draft batch of the chosen payables."""
    program = get_object_or_404(
        Program.objects.visible_to(request.user, Role.FINANCE), code=request.POST.get("program", "")
    )
    rows = Payment.objects.visible_to(request.user, Role.FINANCE).filter(program=program)
    if request.POST.get("every") == "yes":  # also those on the other pages, as far as they may be listed
        chosen = list(rows.filter(state__in=_WAITING).select_related("payee").order_by("pk"))
        _note_accounts(chosen)
        chosen = [payment for payment in chosen if payment.may_list]
    else:
        wanted = request.POST.getlist("chosen")
        chosen = list(rows.filter(payment_no__in=wanted).select_related("payee"))
    try:
        batch = create_batch(program, chosen, by=request.user)  # type: ignore[arg-type]
    except DomainError as refusal:
        note_refusal(request, refusal)
        return redirect("desk:payables")
    return redirect("desk:batch", batch.batch_no)


def _batch(request: HttpRequest, batch_no: str) -> PaymentBatch:
    rows = PaymentBatch.objects.visible_to(request.user).select_related(
        "program", "region", "created_by", "proposed_by", "approved_by"
    )
    return get_object_or_404(rows, batch_no=batch_no)


@desk_view
def batch(request: HttpRequest, batch_no: str) -> HttpResponse:
    """The list, its control totals, and the next deed."""
    row = _batch(request, batch_no)
    lines = lines_of(row)
    totals = control_totals(lines)
    finance = has_role(request.user, Role.FINANCE, region=row.region)
    held = {
        hold.subject_no: hold
        for hold in Hold.objects.open().filter(
            subject_kind="payment", subject_no__in=[line.payment.payment_no for line in lines]
        )
    }
    for line in lines:
        line.hold = held.get(line.payment.payment_no)  # type: ignore[attr-defined]
    shown = _asked_lines(request, lines)
    unknown = [line for line in lines if line.state == PaymentLineState.UNKNOWN]
    findings = Paginator(unknown, FINDINGS).get_page(request.GET.get("findings"))
    for line in findings:
        line.digest = finding_digest(line)  # type: ignore[attr-defined]
    given = list(row.approvals.filter(withdrawn_at=None).select_related("approved_by"))
    verbs = [
        verb
        for verb in verbs_for(row, request.user, region=row.region)  # type: ignore[arg-type]
        if verb.verb != "approve" or all(one.approved_by != request.user for one in given)
    ]
    context = {
        "batch": row,
        "lines": Paginator(shown, LINES).get_page(request.GET.get("page")),
        "shown_total": sum((line.amount for line in shown), ZERO),
        "findings": findings,
        "views": _line_views(request, lines),
        "q": request.GET.get("q", "").strip()[:100],
        "state": request.GET.get("state", ""),
        "totals": totals,
        "treasuries": totals_of(parts_of([line.payment for line in lines])),
        "agrees": not row.control_hash or row.control_hash == totals.sha256,
        "approvals": given,
        "verbs": verbs,
        "may_remove": row.state == PaymentBatchState.DRAFT and finance,
        "finance": finance,
        "sent": row.state in _SENT,
        "downloadable": finance and row.state in (PaymentBatchState.APPROVED, *_SENT),
        "waiting": [line for line in lines if line.state == PaymentLineState.SENT],
        "unknown": unknown,
        "returns": row.returns.select_related("taken_in_by").order_by("-pk"),
        "files": row.files.order_by("form"),
        "columns": "、".join(BANK_COLUMNS),
    }
    return render(request, "desk/batch.html", context)


def _asked_lines(request: HttpRequest, lines: list[PaymentLine]) -> list[PaymentLine]:
    """The lines of one state, or those that a number or a payee's name is in; held ones by ``held``."""
    state, wanted = request.GET.get("state", ""), request.GET.get("q", "").strip()[:100].casefold()
    shown = lines
    if state == "held":
        shown = [line for line in lines if line.hold]  # type: ignore[attr-defined]
    elif state in PaymentLineState.values:
        shown = [line for line in lines if line.state == state]
    if wanted:
        shown = [
            line
            for line in shown
            if wanted in line.payee_name.casefold()
            or wanted in (line.instruction_no.casefold(), line.payment.claim_no.casefold())
            or wanted in (line.payment.payment_no.casefold(), line.payee_uscc.casefold())
        ]
    return shown


def _line_views(request: HttpRequest, lines: list[PaymentLine]) -> list[dict[str, Any]]:
    """How many lines are in each state; only states that there are."""
    asked = request.GET.get("state", "")
    named = [("", _("全部"), len(lines))]
    for state, label in PaymentLineState.choices:
        named.append((state, str(label), sum(line.state == state for line in lines)))
    named.append(("held", _("暂缓"), len([line for line in lines if line.hold])))  # type: ignore[attr-defined]
    return [
        {
            "label": label,
            "url": f"?state={state}#lines" if state else "?#lines",
            "count": count,
            "current": asked == state,
        }
        for state, label, count in named
        if count or state == asked
    ]


@require_POST
@desk_view
def decide(request: HttpRequest, batch_no: str, verb: str) -> HttpResponse:
    """One verb on a batch."""
    row = _batch(request, batch_no)

    def deed() -> Any:
        by: Any = request.user
        match verb:
            case "propose":
                return propose_batch(row, by=by)
            case "approve":
                return approve_batch(row, by=by, seen=request.POST.get("control_hash"))
            case "reopen":
                return reopen_batch(row, by=by, reason=request.POST.get("reason", ""))
            case "cancel":
                return cancel_batch(row, by=by, reason=request.POST.get("reason", ""))
            case "export":
                return mark_exported(row, by=by, files=export_files)
            case "inquire":
                return inquire(row, by=by)
            case "settle":
                file = request.FILES.get("file")
                if file is None:
                    raise Invalid("bank_return.missing", "请选择银行回执文件。", field="file")
                kept = settle_batch(row, read_bank_return(file.read(), file.name or ""), by=by)
                if kept.refused_lines:
                    messages.warning(
                        request,
                        _("%(number)s 有 %(count)s 行未入账，逐行原因见“已导入的回执”。")
                        % {"number": kept.return_no, "count": len(kept.refused_lines)},
                    )
                return kept
        raise Invalid("payment_batch.verb", "没有这个操作。")

    more = max(row.approvals_needed - row.approvals.filter(withdrawn_at=None).count() - 1, 0)
    told = {
        "settle": _("批次 %(number)s：银行回执已入账。"),
        "inquire": _("批次 %(number)s：已登记查询，请下载查询清单送银行。"),
        "approve": _("批次 %(number)s：已记录您的批准，还须 %(more)s 人批准。")
        if more
        else _("批次 %(number)s：已批准。"),
    }.get(verb, _("批次 %(number)s：已%(verb)s。"))
    return act(
        request,
        deed,
        told % {"number": batch_no, "verb": row.lifecycle.label_of(verb), "more": more},
        "desk:batch",
        batch_no,
    )


@require_POST
@desk_view
def remove(request: HttpRequest, batch_no: str, payment_no: str) -> HttpResponse:
    """One line out of a draft batch."""
    row = _batch(request, batch_no)
    return act(
        request,
        lambda: take_out(row, payment_no, by=request.user),  # type: ignore[arg-type]
        _("%(number)s 已移出批次，恢复为应付。") % {"number": payment_no},
        "desk:batch",
        batch_no,
    )


@desk_view
def workbook(request: HttpRequest, batch_no: str) -> HttpResponse:
    """The list as Excel, for the treasury."""
    return _list(request, batch_no, FileForm.WORKBOOK)


@desk_view
def instructions(request: HttpRequest, batch_no: str) -> HttpResponse:
    """The instructions as CSV, for the bank."""
    return _list(request, batch_no, FileForm.INSTRUCTIONS)


def _list(request: HttpRequest, batch_no: str, form: FileForm) -> HttpResponse:
    """The bytes that the batch was exported with; before that, the ones that it would be exported with."""
    row = _batch(request, batch_no)
    require_role(request.user, Role.FINANCE, region=row.region)
    if row.state not in (PaymentBatchState.APPROVED, *_SENT):
        raise Invalid("payment_batch.not_approved", "批次批准后才能导出清单。")
    kept = exported_file(row, form)
    if kept is not None:
        content = bytes(kept.content)
    elif form == FileForm.WORKBOOK:
        content = payment_workbook(row, lines_of(row))
    else:
        content = payment_instructions(lines_of(row))
    content_type = XLSX if form == FileForm.WORKBOOK else CSV
    return attachment(request, content, f"{row.batch_no}.{form}", content_type, "payment_list", row.batch_no)


@desk_view
def inquiry(request: HttpRequest, batch_no: str) -> HttpResponse:
    """查询清单: the instructions that the bank is asked after."""
    row = _batch(request, batch_no)
    require_role(request.user, Role.FINANCE, region=row.region)
    lines = [line for line in lines_of(row) if line.state == PaymentLineState.UNKNOWN]
    if not lines:
        raise Invalid("payment_batch.nothing_waits", "本批次没有待查的指令。")
    return attachment(
        request, inquiry_list(lines), f"{row.batch_no}-查询.csv", CSV, "payment_inquiry", row.batch_no
    )


def _line(request: HttpRequest, batch_no: str, instruction_no: str) -> PaymentLine:
    rows = PaymentLine.objects.visible_to(request.user).select_related("batch__region", "payment__payee")
    return get_object_or_404(rows, batch__batch_no=batch_no, instruction_no=instruction_no)


@require_POST
@desk_view
def find(request: HttpRequest, batch_no: str, instruction_no: str) -> HttpResponse:
    """登记查复, or another person's confirmation of it."""
    line = _line(request, batch_no, instruction_no)
    by: Any = request.user

    def deed() -> Any:
        if request.POST.get("deed") == "confirm":
            return confirm_finding(line, by=by, seen=request.POST.get("seen", ""))
        day = request.POST.get("found_on", "").strip()
        try:
            found_on = date.fromisoformat(day) if day else None
        except ValueError as error:
            raise Invalid("finding.date", f"“{day}”不是日期。", field="found_on") from error
        return record_finding(
            line,
            outcome=request.POST.get("outcome", ""),
            document_no=request.POST.get("document_no", ""),
            bank_reference=request.POST.get("bank_reference", ""),
            found_on=found_on,
            by=by,
        )

    done = (
        _("%(number)s 的查复已确认。")
        if request.POST.get("deed") == "confirm"
        else _("%(number)s 的查复已登记，待另一人确认。")
    )
    return act(request, deed, done % {"number": instruction_no}, "desk:batch", batch_no)
