"""失信限制 and 信用修复 at the desk: what waits, one act with all that belongs to it, and its verbs."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from applications.models import Paper
from audit.web import credit_forms
from audit.web.credit import READERS, asked, credit_view, regions_of
from vouchers import dates
from vouchers.access import Role, has_role
from vouchers.actions.credit_repairs import decide_repair, examine_repair, propose_revocation
from vouchers.actions.debarments import (
    decide_debarment,
    drop_debarment,
    last_day,
    notify_debarment,
    record_hearing,
    stands,
)
from vouchers.models import CreditRepair, Debarment
from vouchers.models.credit_repairs import RepairKind
from vouchers.models.debarments import DebarmentState
from vouchers.web.wording import date_text

PAGE = 50
OPEN = (DebarmentState.PROPOSED, DebarmentState.NOTICED)


def waiting(user: Any) -> int | None:
    """For the menu: restrictions whose time to answer is over, and repairs, that this person could decide now."""
    if not has_role(user, Role.INVESTIGATOR):
        return None
    today = dates.today()
    acts = Debarment.objects.all().visible_to(user, Role.INVESTIGATOR)
    due = acts.filter(state=DebarmentState.NOTICED, respond_until__lt=today)
    due = due.exclude(proposed_by=user).exclude(noticed_by=user)
    repairs = CreditRepair.objects.all().visible_to(user, Role.INVESTIGATOR).open().exclude(examined_by=user)
    return due.count() + repairs.count()


@credit_view
def debarments(request: HttpRequest) -> HttpResponse:
    """The acts of the reader's regions: under way, in force, all; and the repairs that wait."""
    mine = Debarment.objects.all().visible_to(request.user, *READERS)
    view = request.GET.get("view", "open")
    today = dates.today()
    standing = mine.filter(listing__effective_from__lte=today, listing__effective_to__gt=today)
    chosen = {"open": mine.filter(state__in=OPEN), "standing": standing, "all": mine}
    if view not in chosen:
        view = "open"
    named = {"open": _("办理中"), "standing": _("限制中"), "all": _("全部")}
    rows = chosen[view].select_related("party", "region", "listing").order_by("-pk")
    repairs = CreditRepair.objects.all().visible_to(request.user, *READERS).open().select_related("party")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "views": [
            {"label": label, "url": f"?view={name}", "count": chosen[name].count(), "current": name == view}
            for name, label in named.items()
        ],
        "repairs": repairs.order_by("due_on", "pk")[:200],
        "today": today,
    }
    return render(request, "audit/debarments.html", context)


def _act(request: HttpRequest, debarment_no: str) -> Debarment:
    rows = Debarment.objects.filter(region__code__in=regions_of(request))
    return get_object_or_404(
        rows.select_related("party", "region", "program", "proposed_by", "noticed_by", "decided_by"),
        debarment_no=debarment_no,
    )


def stands_or_will(row: Debarment, on: date) -> bool:
    """Whether its entry on the list is not over yet."""
    end = row.listing.effective_to
    return end is None or on < end


def _verbs(row: Debarment, user: Any) -> list[tuple[str, str]]:
    """What this person may do now, with its word."""
    if not has_role(user, Role.INVESTIGATOR, region=row.region):
        return []
    verbs: list[tuple[str, str]] = []
    hands = {row.proposed_by_id, row.noticed_by_id}
    if row.state == DebarmentState.PROPOSED:
        verbs.append(("notify", _("告知")))
    if row.state == DebarmentState.NOTICED:
        over = row.respond_until is not None and dates.today() > row.respond_until
        heard = not row.hearing_asked or row.heard_on is not None
        if user.pk not in hands and over and heard:
            verbs.append(("list", _("决定列入")))
        if row.heard_on is None and row.hearing_asked and user.pk != row.proposed_by_id:
            verbs.append(("hear", _("登记听证")))
    if row.state in OPEN:
        verbs.append(("drop", _("不予列入")))
    if (
        row.state == DebarmentState.LISTED
        and stands_or_will(row, dates.today())
        and not row.repairs.open().exists()
    ):
        verbs.append(("revoke", _("提请撤销")))
    return verbs


@credit_view
def debarment(request: HttpRequest, debarment_no: str) -> HttpResponse:
    """One act: grounds, law, what the party said, what was decided, and what may be done."""
    row = _act(request, debarment_no)
    listing = getattr(row, "listing", None)
    context = {
        "act": row,
        "listing": listing,
        "stands": stands(row, dates.today()),
        "verbs": _verbs(row, request.user),
        "timeline": _timeline(row),
        "repairs": row.repairs.order_by("-pk"),
        "facts": _facts(row),
        "crumbs": [
            (_("失信限制"), reverse("audit:debarments")),
            (row.party.name, reverse("audit:credit-file", args=[row.party.uscc])),
        ],
    }
    return render(request, "audit/debarment.html", context)


def _facts(row: Debarment) -> list[tuple[str, str]]:
    facts = [
        (_("单位"), f"{row.party.name}（{row.party.uscc}）"),
        (_("事由"), f"{row.get_ground_display()}：{row.facts}"),
        (_("依据"), f"{row.basis}{row.article}"),
        (_("核查案件"), row.case_no or "—"),
        (_("专项"), row.program.name if row.program else _("本地区全部专项")),
        (_("拟限制期"), span_text(row.proposed_from, row.proposed_to)),
        (_("修复"), _("自 %(day)s 起可申请：%(terms)s") % {"day": date_text(row.repair_from), "terms": row.repair_terms}),
    ]  # fmt: skip
    if row.effective_from and row.effective_to:
        facts += [
            (_("决定的限制期"), span_text(row.effective_from, row.effective_to)),
            (_("决定书"), row.document_no),
        ]
    return facts


def span_text(start: Any, end: Any) -> str:
    """A half-open span as people say it: from its first to its last day."""
    return f"{date_text(start)}至{date_text(last_day(end))}"


def _timeline(row: Debarment) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {"title": _("提出"), "state": "done", "who": str(row.proposed_by), "at": row.proposed_on}
    ]
    if row.notice_on:
        until = row.respond_until if row.state == DebarmentState.NOTICED else None
        entries.append(
            {
                "title": _("告知"),
                "state": "done",
                "who": str(row.noticed_by),
                "at": row.notice_on,
                "until": until,
                "note": row.notice_document_no,
            }
        )
    if row.stated_at:
        title = _("陈述申辩，要求听证") if row.hearing_asked else _("陈述申辩")
        entries.append(
            {
                "title": title,
                "state": "done",
                "who": str(row.stated_by),
                "at": row.stated_at,
                "note": row.statement,
            }
        )
    if row.heard_on:
        entries.append(
            {
                "title": _("听证"),
                "state": "done",
                "who": str(row.heard_by),
                "at": row.heard_on,
                "note": row.hearing_record,
            }
        )
    if row.decided_on:
        title = _("不予列入") if row.state == DebarmentState.DROPPED else _("决定列入")
        entries.append(
            {
                "title": title,
                "state": "done",
                "who": str(row.decided_by or ""),
                "at": row.decided_on,
                "note": row.decision_reason,
            }
        )
    if row.state in (DebarmentState.REPAIRED, DebarmentState.REVOKED):
        entries.append(
            {
                "title": row.get_state_display(),
                "state": "done",
                "tone": "granted",
                "at": row.listing.effective_to,
            }
        )
    return entries


@credit_view
def decide(request: HttpRequest, debarment_no: str, verb: str) -> HttpResponse:
    """The page of one verb of an act."""
    row = _act(request, debarment_no)
    by: Any = request.user
    typed = request.POST if request.method == "POST" else None
    start = max(row.proposed_from, dates.today())
    verbs: dict[str, tuple[Any, Any, str, str]] = {
        "notify": (
            credit_forms.NotifyForm(typed),
            lambda given: notify_debarment(row, by=by, **given),
            _("告知"),
            _("该单位将在企业端看到拟限制的事由、依据和期间，并可在期限内陈述申辩或要求听证。"),
        ),
        "hear": (
            credit_forms.HearingForm(typed),
            lambda given: record_hearing(row, by=by, **given),
            _("登记听证"),
            _("由未参与本案提出的人员主持。登记后不能改写。"),
        ),
        "list": (
            credit_forms.ListForm(
                typed,
                initial={
                    "effective_from": start,
                    "effective_to": start + (row.proposed_to - row.proposed_from),
                },
            ),
            lambda given: decide_debarment(row, by=by, **given),
            _("决定列入"),
            _("自列入日起，该单位的申领、兑付和拨付都将被拒绝。期限公布后不能改写，只能因信用修复或撤销提前结束。"),
        ),
        "drop": (
            credit_forms.WhyForm(typed),
            lambda given: drop_debarment(row, by=by, **given),
            _("不予列入"),
            _("已告知的，该单位会收到通知。"),
        ),
        "revoke": (
            credit_forms.WhyForm(typed),
            lambda given: propose_revocation(row, by=by, **given),
            _("提请撤销"),
            _("由另一名核查人员决定；撤销后自决定的日期起不再限制。"),
        ),
    }  # fmt: skip
    if verb not in verbs:
        raise Http404
    form, deed, title, lead = verbs[verb]
    return asked(
        request,
        form,
        deed,
        title=f"{title} · {row.debarment_no}",
        lead=f"{row.party.name}：{lead}",
        button=title,
        back=reverse("audit:debarment", args=[debarment_no]),
        done=lambda made: _("%(no)s：已办理“%(what)s”。") % {"no": row.debarment_no, "what": title},
        to=lambda made: (
            reverse("audit:repair", args=[made.repair_no])
            if isinstance(made, CreditRepair)
            else reverse("audit:debarment", args=[debarment_no])
        ),
    )


# -- repairs ---------------------------------------------------------------------------------------------------------


def _repair(request: HttpRequest, repair_no: str) -> CreditRepair:
    rows = CreditRepair.objects.filter(region__code__in=regions_of(request))
    return get_object_or_404(
        rows.select_related("party", "region", "debarment", "entry", "filed_by", "examined_by", "decided_by"),
        repair_no=repair_no,
    )


@credit_view
def repair(request: HttpRequest, repair_no: str) -> HttpResponse:
    """One request: what is asked, the papers, what was found, what was decided."""
    row = _repair(request, repair_no)
    user: Any = request.user
    may = has_role(user, Role.INVESTIGATOR, region=row.region)
    verbs: list[tuple[str, str]] = []
    if may and row.state == "filed":
        verbs = [("examine", _("审查"))]
    elif may and row.state == "examined" and user.pk not in (row.examined_by_id, row.filed_by_id):
        verbs = [("grant", _("准予")), ("refuse", _("不予"))]
    papers = Paper.objects.filter(subject_kind="repair", subject_no=row.repair_no, removed_at=None).order_by(
        "pk"
    )
    context = {
        "repair": row,
        "subject": row.debarment or row.entry,
        "verbs": verbs,
        "papers": papers,
        "crumbs": [
            (_("失信限制"), reverse("audit:debarments")),
            (row.party.name, reverse("audit:credit-file", args=[row.party.uscc])),
        ],
    }
    return render(request, "audit/repair.html", context)


@credit_view
def decide_on_repair(request: HttpRequest, repair_no: str, verb: str) -> HttpResponse:
    """The page of one verb of a repair."""
    row = _repair(request, repair_no)
    by: Any = request.user
    typed = request.POST if request.method == "POST" else None
    grant = credit_forms.GrantForm if row.debarment else credit_forms.GrantEntryForm
    word = row.get_kind_display()
    verbs: dict[str, tuple[Any, Any, str, str]] = {
        "examine": (
            credit_forms.ExaminationForm(typed),
            lambda given: examine_repair(row, by=by, **given),
            _("审查"),
            _("审查后由另一名核查人员决定。"),
        ),
        "grant": (
            grant(typed),
            lambda given: decide_repair(row, granted=True, by=by, **given),
            _("准予"),
            _("准予后，自所填日期起不再限制，公开名单随即移出。")
            if row.debarment
            else _("准予后，该记载标为已修复。"),
        ),
        "refuse": (
            credit_forms.WhyForm(typed),
            lambda given: decide_repair(row, granted=False, document_no="", by=by, **given),
            _("不予"),
            _("该单位会看到理由，并可在条件具备后再次申请。")
            if row.kind == RepairKind.REPAIR
            else _("限制继续。"),
        ),
    }
    if verb not in verbs:
        raise Http404
    form, deed, title, lead = verbs[verb]
    return asked(
        request,
        form,
        deed,
        title=f"{word}：{title}",
        lead=f"{row.party.name}：{lead}",
        button=title,
        back=reverse("audit:repair", args=[repair_no]),
        done=lambda made: _("%(no)s：已办理“%(what)s”。") % {"no": row.repair_no, "what": title},
    )
