"""暂缓: what is stopped, on what ground; placed by an investigator, lifted by two."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.models import Claim, Lease, Objection
from audit.evidence import resolve
from audit.rules import RULES
from audit.web.access import audit_view
from audit.web.charts import overlaps
from vouchers.access import AUDIT_ROLES, Role, has_role, scope_of
from vouchers.actions import holds as actions
from vouchers.errors import Invalid
from vouchers.models import Hold
from vouchers.models.holds import HoldState
from vouchers.states import verbs_for

PAGE = 50
BY_HAND = "manual"


def _visible(request: HttpRequest) -> Any:
    return Hold.objects.all().visible_to(request.user, *AUDIT_ROLES).select_related("party", "placed_by")


def ground_label(ground: str) -> str:
    """The rule's name, or that a person placed it."""
    rule = RULES.get(ground)
    return f"{rule.id} {rule.title}" if rule else _("人工暂缓")


@audit_view
def holds(request: HttpRequest) -> HttpResponse:
    """The holds of the reader's regions; the open ones first."""
    chosen = request.GET.get("state", "")
    rows = _visible(request)
    views = [
        {"label": _("未解除"), "url": "?", "count": rows.open().count(), "current": not chosen},
        {
            "label": _("待复核解除"),
            "url": "?state=lift_requested",
            "count": rows.filter(state=HoldState.LIFT_REQUESTED).count(),
            "current": chosen == HoldState.LIFT_REQUESTED,
        },
        {"label": _("全部"), "url": "?state=all", "count": rows.count(), "current": chosen == "all"},
    ]
    if not chosen:
        rows = rows.open()
    elif chosen in HoldState.values:
        rows = rows.filter(state=chosen)
    page = Paginator(rows.order_by("-placed_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.ground_label = ground_label(row.ground)
    return render(request, "audit/holds.html", {"page": page, "views": views})


def _found(request: HttpRequest, hold_no: str) -> Hold:
    hold: Hold | None = _visible(request).filter(hold_no=hold_no).first()
    if hold is None:
        raise Http404
    return hold


@audit_view
def hold(request: HttpRequest, hold_no: str) -> HttpResponse:
    """One hold: the sentence, the evidence, who asked for what, and what the reader may do."""
    row = _found(request, hold_no)
    reader: Any = request.user
    evidence = resolve(list(row.evidence), scope_of(request.user, *AUDIT_ROLES).regions)
    verbs = {transition.verb for transition in verbs_for(row, reader, region=row.region_code)}
    if row.lift_requested_by_id == request.user.pk or row.placed_by_id == request.user.pk:
        verbs.discard("lift")
    if row.lift_requested_by_id == request.user.pk:
        verbs.discard("refuse_lift")
    return render(
        request,
        "audit/hold.html",
        {
            "hold": row,
            "ground": ground_label(row.ground),
            "evidence": evidence,
            "chart": overlaps(evidence.lets),
            "verbs": verbs,
            "timeline": _timeline(row),
            "objections": Objection.objects.filter(subject_kind="hold", subject_no=row.hold_no).order_by(
                "-pk"
            ),
            "crumbs": [(_("暂缓"), reverse("audit:holds"))],
        },
    )


def _timeline(row: Hold) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {
            "title": _("暂缓"),
            "state": "done",
            "tone": "held",
            "who": str(row.placed_by or _("规则筛查")),
            "at": row.placed_at,
            "note": row.sentence,
        }
    ]
    if row.lift_requested_by:
        entries.append(
            {
                "title": _("提请解除"),
                "state": "done",
                "who": str(row.lift_requested_by),
                "at": row.lift_requested_at,
                "note": row.lift_reason,
            }
        )
    if row.lifted_by:
        entries.append(
            {
                "title": _("解除"),
                "state": "done",
                "tone": "granted",
                "who": str(row.lifted_by),
                "at": row.lifted_at,
            }
        )
    return entries


@audit_view
@require_POST
def place(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """An investigator stops a live claim or lease by hand, with the sentence that the enterprise will read."""
    model: Any
    model, key = {"claim": (Claim, "claim_no"), "lease": (Lease, "lease_no")}.get(kind, (None, ""))
    regions = scope_of(request.user, *AUDIT_ROLES).regions
    subject = (
        model.objects.filter(**{key: number}, program_region_code__in=regions).first() if model else None
    )
    if subject is None:
        raise Http404
    if subject.origin != "live":
        raise Invalid("hold.imported", "历史导入的事项不再拨付，无须暂缓。")
    party = subject.enterprise if isinstance(subject, Claim) else subject.lessee
    row = actions.place_hold(
        kind,
        number,
        ground=BY_HAND,
        sentence=request.POST.get("reason", "").strip(),
        evidence=[],
        region_code=subject.program_region_code,
        party=party,
        by=request.user,  # type: ignore[arg-type]
    )
    messages.success(
        request,
        _("已暂缓 %(number)s，编号 %(hold)s。企业将看到您写的理由。")
        % {"number": number, "hold": row.hold_no},
    )
    return redirect("audit:hold", row.hold_no)


@audit_view
@require_POST
def decide(request: HttpRequest, hold_no: str, verb: str) -> HttpResponse:
    """Ask to lift, lift, or refuse to lift."""
    row, reason = _found(request, hold_no), request.POST.get("reason", "")
    by: Any = request.user
    if verb == "request-lift":
        actions.request_lift(row, by=by, reason=reason)
        told = _("已提请解除 %(hold)s，须由另一名核查人员复核。")
    elif verb == "lift":
        actions.lift_hold(row, by=by)
        told = _("%(hold)s 已解除，本件可以继续办理。")
    elif verb == "refuse-lift":
        actions.refuse_lift(row, by=by, reason=reason)
        told = _("未同意解除 %(hold)s，暂缓继续。")
    else:
        raise Http404
    messages.success(request, told % {"hold": row.hold_no})
    return redirect("audit:hold", row.hold_no)


def waiting(user: Any) -> int | None:
    """For the menu: how many lifts wait for a second person."""
    if not has_role(user, Role.INVESTIGATOR):
        return None
    rows = Hold.objects.all().visible_to(user, Role.INVESTIGATOR).filter(state=HoldState.LIFT_REQUESTED)
    return rows.exclude(lift_requested_by=user).count()
