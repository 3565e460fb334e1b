"""审计留痕 for people: the explorer with its filters, one event, and a case's whole story on one page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.actions.trail import log_read
from audit.models import AuditEvent, Checkpoint, PendingEvent, TrailLeaf
from audit.models.trail import AuditEventQuerySet, Operation
from audit.web.access import audit_view
from audit.web.event_words import Told, kind_label, models_by_kind, tell
from vouchers.access import AUDIT_ROLES, scope_of
from vouchers.dates import SHANGHAI
from vouchers.models import Region, User
from vouchers.web.fields import DayField

PAGE = 50
STORY = 1_000


class TrailFilter(forms.Form):
    """What a reader may ask for: a number, a person, a deed, a region, a period."""

    q = forms.CharField(label=gettext_lazy("业务编号"), required=False, max_length=80)
    person = forms.CharField(label=gettext_lazy("办理人"), required=False, max_length=60)
    verb = forms.CharField(label=gettext_lazy("事项"), required=False, max_length=80)
    kind = forms.ChoiceField(label=gettext_lazy("对象"), required=False)
    operation = forms.ChoiceField(label=gettext_lazy("操作"), required=False)
    region = forms.ChoiceField(label=gettext_lazy("地区"), required=False)
    since = DayField(label=gettext_lazy("自"), required=False)
    until = DayField(label=gettext_lazy("至"), required=False)

    def __init__(self, *args: Any, regions: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = sorted(((kind, kind_label(kind)) for kind in models_by_kind()), key=lambda pair: pair[1])
        everything = ("", _("全部"))
        self.fields["kind"].choices = [everything, *kinds]  # type: ignore[attr-defined]
        self.fields["operation"].choices = [everything, *Operation.choices]  # type: ignore[attr-defined]
        named = Region.objects.filter(code__in=regions).values_list("code", "name")
        self.fields["region"].choices = [everything, *named]  # type: ignore[attr-defined]

    def apply(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        """The events that were asked for; a field that could not be read narrows nothing and says so itself."""
        asked = self.cleaned_data if self.is_valid() else {k: v for k, v in self.cleaned_data.items() if v}
        if number := (asked.get("q") or "").strip():
            try:
                events = events.filter(event_no=uuid.UUID(number))
            except ValueError:
                events = events.filter(Q(subject_no=number) | Q(case_no=number))
        if person := (asked.get("person") or "").strip():
            named = list(User.objects.filter(display_name=person).values_list("username", flat=True))
            events = events.filter(actor__in=[person, *named])
        if verb := (asked.get("verb") or "").strip():
            events = (
                events.filter(verb__in=_verbs(verb)) if _verbs(verb) else events.filter(verb__icontains=verb)
            )
        for name, column in (("kind", "subject_kind"), ("operation", "operation"), ("region", "region_code")):
            if asked.get(name):
                events = events.filter(**{column: asked[name]})
        if since := asked.get("since"):
            events = events.filter(recorded_at__gte=datetime.combine(since, time.min, SHANGHAI))
        if until := asked.get("until"):
            events = events.filter(
                recorded_at__lt=datetime.combine(until + timedelta(days=1), time.min, SHANGHAI)
            )
        return events


def _verbs(word: str) -> list[str]:
    """The verbs whose Chinese word this is: 核准 → application.approve, claim.approve …"""
    from vouchers.states import REGISTRY

    return [
        f"{lifecycle.name}.{transition.verb}"
        for lifecycle in REGISTRY.values()
        for transition in lifecycle.transitions
        if word in (transition.label, transition.verb)
    ]


def _leaves(events: list[AuditEvent]) -> dict[int, int]:
    return dict(
        TrailLeaf.objects.filter(event_id__in=[event.pk for event in events]).values_list("event_id", "index")
    )


def _visible(request: HttpRequest) -> AuditEventQuerySet:
    events: AuditEventQuerySet = AuditEvent.objects.all().visible_to(request.user)
    return events


@audit_view
def explorer(request: HttpRequest) -> HttpResponse:
    """The newest events first, 50 a page; pages go on by ``before`` so that none needs counting."""
    form = TrailFilter(request.GET or None, regions=scope_of(request.user, *AUDIT_ROLES).regions)
    events = _visible(request)
    if form.is_bound:
        form.is_valid()
        events = form.apply(events)
    before = request.GET.get("before", "")
    if before.isdecimal():
        events = events.filter(pk__lt=int(before))
    rows = list(events.order_by("-pk")[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    kept = request.GET.copy()
    kept.pop("before", None)
    return render(
        request,
        "audit/trail.html",
        {
            "form": form,
            "rows": tell(rows, _leaves(rows)),
            "older": rows[-1].pk if more else None,
            "newest": bool(before),
            "kept": kept.urlencode(),
            "last": Checkpoint.objects.order_by("-size").first(),
            "waiting": PendingEvent.objects.count(),
        },
    )


@audit_view
def event(request: HttpRequest, event_no: uuid.UUID) -> HttpResponse:
    """One event, whole: who, why, from where, what changed, and its place in the sealed log."""
    found = _visible(request).filter(event_no=event_no).first()
    if found is None:
        raise Http404
    (told,) = tell([found], _leaves([found]))
    checkpoint = None
    if told.leaf is not None:
        checkpoint = Checkpoint.objects.filter(size__gt=told.leaf).order_by("size").first()
    address = found.address or "—"
    facts = [
        {"label": _("事件编号"), "value": str(found.event_no)},
        {"label": _("办理人"), "value": told.who},
        {"label": _("账号"), "value": found.actor},
        {
            "label": _("事项"),
            "value": told.title if told.title == found.verb else f"{told.title}（{found.verb}）",
        },
        {"label": _("理由"), "value": found.reason or "—"},
        {"label": _("来自"), "value": address},
        {"label": _("请求编号"), "value": found.request_id or "—"},
        {"label": _("数据库登录"), "value": "{user}（{address}）".format(**found.document["database"])},
    ]
    when = f"{found.recorded_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S.%f}"
    shown = {"told": told, "facts": facts, "checkpoint": checkpoint, "when": when}
    return render(request, "audit/trail_event.html", shown)


@dataclass
class Deed:
    """What one person did at one go: the events of one transaction under one verb."""

    head: Told
    parts: list[Told]


def _elsewhere(request: HttpRequest, kind: str, number: str) -> bool:
    """Whether the case has a region and none of the reader's: then what of it has no region is not shown either."""
    regions = scope_of(request.user, *AUDIT_ROLES).regions
    placed = AuditEvent.objects.all().story_of(kind, number).exclude(region_code="")
    return placed.exists() and not placed.filter(region_code__in=regions).exists()


@audit_view
def story(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """Everything that happened to one case, in order; opening it is itself an event."""
    visible = _visible(request).story_of(kind, number)
    newest = list(visible.order_by("-pk")[:STORY])
    if not newest or _elsewhere(request, kind, number):
        raise Http404
    events = newest[::-1]
    told = tell(events, _leaves(events))
    deeds: list[Deed] = []
    readings: list[Told] = []
    for one in told:
        if one.event.operation in (Operation.READ, Operation.EXPORT):
            readings.append(one)
        elif deeds and _same_deed(deeds[-1].head.event, one.event):
            deeds[-1].parts.append(one)
        else:
            deeds.append(Deed(one, [one]))
    region = next((one.region_code for one in newest if one.region_code), "")
    log_read("trail.story", kind, number, region=region)
    changes = [deed for deed in deeds if deed.head.event.operation != Operation.REFUSAL]
    return render(
        request,
        "audit/trail_story.html",
        {
            "kind": kind,
            "kind_label": kind_label(kind),
            "number": number,
            "deeds": deeds[::-1],
            "readings": readings[::-1],
            "people": len({deed.head.event.actor for deed in changes}),
            "unannounced": sum(deed.head.event.actor_kind == "unannounced" for deed in changes),
            "refused": len(deeds) - len(changes),
            "cut": len(newest) == STORY,
            "limit": STORY,
            "unsealed": sum(one.leaf is None for one in told),
            "crumbs": [(_("审计留痕"), _trail_url())],
        },
    )


def _trail_url() -> str:
    from django.urls import reverse

    return reverse("audit:trail")


def _same_deed(one: AuditEvent, other: AuditEvent) -> bool:
    return (
        one.transaction == other.transaction and one.verb == other.verb and one.operation != Operation.REFUSAL
    )
