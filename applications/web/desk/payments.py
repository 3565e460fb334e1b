"""Payment batches: payables chosen, frozen with control totals, approved, exported, and the bank's answer taken in."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.payment_files import payment_workbook, read_bank_return
from applications.treasuries import parts_of, totals_of
from applications.web.desk.access import act, desk_view
from applications.web.downloads import attachment
from vouchers.access import Role, has_role, require_role
from vouchers.actions.payments import (
    approve_batch,
    cancel_batch,
    control_totals,
    create_batch,
    lines_of,
    mark_exported,
    propose_batch,
    reopen_batch,
    settle_batch,
    take_out,
)
from vouchers.errors import DomainError, Invalid
from vouchers.middleware import note_refusal
from vouchers.models import Payment, PaymentBatch, Program
from vouchers.models.payments import PaymentBatchState, PaymentState
from vouchers.states import verbs_for

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OPEN = (PaymentState.PAYABLE, PaymentState.RETURNED)


@desk_view
def payables(request: HttpRequest) -> HttpResponse:
    """What is owed, a program at a time; choosing rows makes a batch."""
    rows = Payment.objects.visible_to(request.user, Role.FINANCE).filter(state__in=_OPEN)
    programs = Program.objects.filter(pk__in=rows.values("program")).order_by("code")
    chosen = programs.filter(code=request.GET.get("program", "")).first() or programs.first()
    shown = (
        rows.filter(program=chosen).select_related("payee", "account").order_by("pk")
        if chosen
        else rows.none()
    )
    context = {
        "programs": programs,
        "program": chosen,
        "payments": shown,
        "total": shown.aggregate(total=Sum("amount"))["total"],
        "batches": PaymentBatch.objects.visible_to(request.user)
        .select_related("program")
        .order_by("-pk")[:20],
    }
    return render(request, "desk/payables.html", context)


@require_POST
@desk_view
def create(request: HttpRequest) -> HttpResponse:
    """A draft batch of the chosen payables."""
    program = get_object_or_404(
        Program.objects.visible_to(request.user, Role.FINANCE), code=request.POST.get("program", "")
    )
    chosen = list(
        Payment.objects.visible_to(request.user, Role.FINANCE)
        .filter(program=program, payment_no__in=request.POST.getlist("chosen"))
        .select_related("payee")
    )
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
    payments = lines_of(row)
    totals = control_totals(payments)
    context = {
        "batch": row,
        "payments": payments,
        "totals": totals,
        "treasuries": totals_of(parts_of(payments)),
        "agrees": not row.control_hash or row.control_hash == totals.sha256,
        "verbs": verbs_for(row, request.user, region=row.region),  # type: ignore[arg-type]
        "may_remove": row.state == PaymentBatchState.DRAFT
        and has_role(request.user, Role.FINANCE, region=row.region),
    }
    return render(request, "desk/batch.html", context)


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
                return approve_batch(row, by=by)
            case "reopen":
                return reopen_batch(row, by=by, reason=request.POST.get("reason", ""))
            case "cancel":
                return cancel_batch(row, by=by, reason=request.POST.get("reason", ""))
            case "export":
                content = payment_workbook(row, lines_of(row))
                return mark_exported(row, by=by, export_sha256=hashlib.sha256(content).hexdigest())
            case "settle":
                file = request.FILES.get("file")
                if file is None:
                    raise Invalid("bank_return.missing", "请选择银行回执文件。", field="file")
                return settle_batch(row, read_bank_return(file.read()), by=by)
        raise Invalid("payment_batch.verb", "没有这个操作。")

    label = row.lifecycle.label_of(verb)
    return act(
        request,
        deed,
        _("批次 %(number)s：已%(verb)s。") % {"number": batch_no, "verb": label},
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
    row = _batch(request, batch_no)
    require_role(request.user, Role.FINANCE, region=row.region)
    if row.state not in (PaymentBatchState.APPROVED, PaymentBatchState.EXPORTED, PaymentBatchState.SETTLED):
        raise Invalid("payment_batch.not_approved", "批次批准后才能导出清单。")
    return attachment(
        request,
        payment_workbook(row, lines_of(row)),
        f"{row.batch_no}.xlsx",
        XLSX,
        "payment_list",
        row.batch_no,
    )
