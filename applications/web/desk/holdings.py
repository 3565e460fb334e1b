"""算力券与合同 on the desk: to find one, to see how it stands, and what the office may do with it, each deed with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.leases import end_lease, return_lease, verify_lease, void_lease
from applications.models import Claim, Lease
from applications.models.leases import LeaseState
from applications.web.desk.access import act, desk_view
from applications.web.shown import lease_facts
from vouchers.access import DESK_ROLES
from vouchers.actions.vouchers import (
    balance_of,
    freed_by_voiding,
    freeze_voucher,
    unfreeze_voucher,
    void_voucher,
)
from vouchers.models import Voucher
from vouchers.models.vouchers import VoucherState
from vouchers.states import verbs_for

PAGE = 50
VOUCHER_DEEDS: dict[str, Callable[..., Any]] = {
    "freeze": freeze_voucher,
    "unfreeze": unfreeze_voucher,
    "void": void_voucher,
}
LEASE_DEEDS: dict[str, Callable[..., Any]] = {
    "verify": lambda lease, by, reason: verify_lease(lease, by=by),
    "return": return_lease,
    "end": end_lease,
    "void": void_lease,
}


def _consequences() -> dict[str, str]:
    return {
        "voucher.freeze": _("冻结后不能再申请兑付或即时抵扣；已预占的继续办理。由另一人解冻或作废。"),
        "voucher.unfreeze": _("恢复使用。须由冻结人以外的人办理。"),
        "voucher.void": _("未用、未预占的余额退回预算，不能恢复；已预占的继续办理。须由冻结人以外的人办理。"),
        "lease.verify": _("已核对合同原件，与备案内容一致。"),
        "lease.return": _("退回企业补正后重新备案。"),
        "lease.end": _("记为双方已终止履行：终止之前的使用仍可申请兑付。"),
        "lease.void": _("作废后不能恢复，平台也不能再上报用量。已有办理中或已核准兑付的不能作废。"),
    }


def _deeds(row: Voucher | Lease, kind: str, user: Any, region: Any) -> list[dict[str, Any]]:
    """The verbs that the person may do now, with what each brings about."""
    told = _consequences()
    known = VOUCHER_DEEDS if kind == "voucher" else LEASE_DEEDS
    return [
        {
            "verb": one.verb,
            "label": one.label,
            "name": f"deed-{one.verb}",
            "consequence": told[f"{kind}.{one.verb}"],
            "reason": one.verb != "verify",
            "danger": one.verb == "void",
        }
        for one in verbs_for(row, user, region=region)
        if one.verb in known
    ]


def _searched(request: HttpRequest, rows: Any, *fields: str) -> tuple[Any, str]:
    wanted = request.GET.get("q", "").strip()[:100]
    if wanted:
        sought = Q()
        for field in fields:
            sought |= Q(**{f"{field}__icontains": wanted})
        rows = rows.filter(sought)
    return rows, wanted


def _chosen(request: HttpRequest, rows: Any, states: Any) -> tuple[Any, str]:
    state = request.GET.get("state", "")
    return (rows.filter(state=state), state) if state in states.values else (rows, "")


@desk_view
def vouchers(request: HttpRequest) -> HttpResponse:
    """The vouchers of the office's programs, the latest first."""
    rows = Voucher.objects.visible_to(request.user, *DESK_ROLES).select_related("enterprise", "program")
    rows, wanted = _searched(request, rows, "voucher_no", "enterprise__name", "enterprise__uscc")
    rows, state = _chosen(request, rows, VoucherState)
    page = Paginator(rows.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "q": wanted, "state": state, "states": VoucherState.choices}
    return render(request, "desk/vouchers.html", context)


def _voucher(request: HttpRequest, voucher_no: str) -> Voucher:
    rows = Voucher.objects.visible_to(request.user, *DESK_ROLES)
    return get_object_or_404(rows.select_related("enterprise", "program__region"), voucher_no=voucher_no)


@desk_view
def voucher(request: HttpRequest, voucher_no: str) -> HttpResponse:
    """One voucher: what is left of it, what was decided about it, and its claims."""
    row = _voucher(request, voucher_no)
    live = row.origin == "live" and row.program is not None
    context = {
        "row": row,
        "balance": balance_of(row) if live else None,
        "freed": freed_by_voiding(row) if live else None,
        "steps": row.steps.select_related("decided_by").order_by("-pk"),
        "claims": Claim.objects.visible_to(request.user, *DESK_ROLES)
        .filter(voucher=row)
        .exclude(state="draft")
        .order_by("-pk")[:PAGE],
        "deeds": _deeds(row, "voucher", request.user, row.program.region) if live and row.program else [],
    }
    return render(request, "desk/voucher.html", context)


@require_POST
@desk_view
def decide_voucher(request: HttpRequest, voucher_no: str, verb: str) -> HttpResponse:
    """冻结、解冻、作废."""
    row = _voucher(request, voucher_no)
    deed = VOUCHER_DEEDS.get(verb)
    if deed is None or row.program is None or row.origin != "live":
        raise Http404
    reason = request.POST.get("reason", "")
    done = _("已办理，理由已记录。")
    return act(request, lambda: deed(row, by=request.user, reason=reason), done, "desk:voucher", voucher_no)


@desk_view
def contracts(request: HttpRequest) -> HttpResponse:
    """The contracts of the office's programs, the latest first."""
    rows = Lease.objects.visible_to(request.user, *DESK_ROLES).exclude(state=LeaseState.DRAFT)
    rows, wanted = _searched(
        request,
        rows.select_related("lessee", "lessor"),
        "lease_no",
        "contract_no",
        "lessee__name",
        "lessor__name",
    )
    rows, state = _chosen(request, rows, LeaseState)
    page = Paginator(rows.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    states = [one for one in LeaseState.choices if one[0] != LeaseState.DRAFT]
    context = {"page": page, "q": wanted, "state": state, "states": states}
    return render(request, "desk/contracts.html", context)


def _lease(request: HttpRequest, lease_no: str) -> Lease:
    rows = Lease.objects.visible_to(request.user, *DESK_ROLES).exclude(state=LeaseState.DRAFT)
    return get_object_or_404(rows.select_related("lessee", "lessor"), lease_no=lease_no)


@desk_view
def contract(request: HttpRequest, lease_no: str) -> HttpResponse:
    """One contract: its facts, its use as platforms reported it, and its claims."""
    row = _lease(request, lease_no)
    metered = row.metering.order_by("-day")
    context = {
        "row": row,
        "facts": lease_facts(row),
        "metered": metered.select_related("report")[:31],
        "metered_count": metered.count(),
        "claims": Claim.objects.visible_to(request.user, *DESK_ROLES)
        .filter(lease=row)
        .exclude(state="draft")
        .order_by("-pk")[:PAGE],
        "deeds": _deeds(row, "lease", request.user, row.program_region_code) if row.origin == "live" else [],
    }
    return render(request, "desk/contract.html", context)


@require_POST
@desk_view
def decide_contract(request: HttpRequest, lease_no: str, verb: str) -> HttpResponse:
    """核验、退回补正、终止、作废."""
    row = _lease(request, lease_no)
    deed = LEASE_DEEDS.get(verb)
    if deed is None or row.origin != "live":
        raise Http404
    reason = request.POST.get("reason", "")
    done = _("已办理，理由已记录。")
    return act(request, lambda: deed(row, by=request.user, reason=reason), done, "desk:contract", lease_no)
