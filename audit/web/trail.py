"""审计留痕 for people: the explorer with its filters, kept ones too, and one event with its place in the sealed log."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from audit.actions.saved_filters import remove_filter, save_filter
from audit.models import AuditEvent, Checkpoint, PendingEvent, SavedFilter, TrailLeaf
from audit.models.trail import ActorKind, AuditEventQuerySet, Operation
from audit.trail.search import Asked, search
from audit.trail.subjects import models_by_kind
from audit.web.access import audit_view
from audit.web.event_words import kind_label, tell, verbs_called
from vouchers.access import AUDIT_ROLES, scope_of
from vouchers.dates import SHANGHAI
from vouchers.errors import DomainError
from vouchers.middleware import note_refusal
from vouchers.models import Region, User
from vouchers.web.fields import DayField

PAGE = 50
LIST = "trail"
# What an auditor looks at first: label, query.
VIEWS: tuple[tuple[Any, str], ...] = (
    (gettext_lazy("全部"), ""),
    (gettext_lazy("未经系统"), "source=unannounced"),
    (gettext_lazy("拒绝"), "operation=refusal"),
    (gettext_lazy("查阅"), "operation=read"),
    (gettext_lazy("导出"), "operation=export"),
    (gettext_lazy("登录"), "operation=sign_in"),
)


class TrailFilter(forms.Form):
    """What a reader may ask for: a number, a person, a deed, an object, a region, a period."""

    q = forms.CharField(label=gettext_lazy("业务编号"), required=False, max_length=80)
    person = forms.CharField(label=gettext_lazy("办理人"), required=False, max_length=60)
    verb = forms.CharField(label=gettext_lazy("事项"), required=False, max_length=80)
    kind = forms.ChoiceField(label=gettext_lazy("对象"), required=False)
    operation = forms.ChoiceField(label=gettext_lazy("操作"), required=False)
    source = forms.ChoiceField(label=gettext_lazy("来源"), required=False)
    region = forms.ChoiceField(label=gettext_lazy("地区"), required=False)
    since = DayField(label=gettext_lazy("自"), required=False)
    until = DayField(label=gettext_lazy("至"), required=False)

    def __init__(self, *args: Any, regions: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regions = regions
        kinds = sorted(((kind, kind_label(kind)) for kind in models_by_kind()), key=lambda pair: pair[1])
        everything = ("", _("全部"))
        self.fields["kind"].choices = [everything, *kinds]  # type: ignore[attr-defined]
        self.fields["operation"].choices = [everything, *Operation.choices]  # type: ignore[attr-defined]
        self.fields["source"].choices = [everything, *ActorKind.choices]  # type: ignore[attr-defined]
        named = Region.objects.filter(code__in=regions).values_list("code", "name")
        self.fields["region"].choices = [everything, *named]  # type: ignore[attr-defined]

    def asked(self) -> Asked:
        """What to look for; a field that could not be read narrows nothing and says so itself."""
        if not self.is_bound:
            return Asked(self.regions)
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        number = given.get("q", "").strip()
        event_no = _event_no(number)
        until = given.get("until")
        verbs, ends = verbs_called(given.get("verb", "").strip())
        return Asked(
            self.regions,
            number="" if event_no else number,
            event_no=event_no,
            kind=given.get("kind", ""),
            actors=_actors(given["person"].strip()) if given.get("person") else None,
            verbs=verbs,
            verb_ends=ends,
            verb_text="" if verbs or ends else given.get("verb", "").strip(),
            operations=(given["operation"],) if given.get("operation") else (),
            actor_kind=given.get("source", ""),
            region=given.get("region", ""),
            since=_midnight(given["since"]) if given.get("since") else None,
            before=_midnight(until + timedelta(days=1)) if until else None,
        )


def _event_no(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def _actors(person: str) -> tuple[str, ...]:
    """The accounts that are meant: by account, by name, or by a part of the name of at least two characters."""
    named = Q(username=person) | Q(display_name=person)
    if len(person) > 1:
        named |= Q(display_name__contains=person)
    found = User.objects.filter(named).values_list("username", flat=True)
    return tuple(dict.fromkeys([person, *found[:200]]))


def leaves_of(events: list[AuditEvent]) -> dict[int, int]:
    """Event → its place in the sealed log."""
    return dict(
        TrailLeaf.objects.filter(event_id__in=[event.pk for event in events]).values_list("event_id", "index")
    )


def visible_events(request: HttpRequest) -> AuditEventQuerySet:
    """The events that the reader may see."""
    events: AuditEventQuerySet = AuditEvent.objects.all().visible_to(request.user)
    return events


@audit_view
def explorer(request: HttpRequest) -> HttpResponse:
    """The newest events first, 50 a page; pages go on by ``before`` so that none needs counting."""
    form = TrailFilter(request.GET or None, regions=scope_of(request.user, *AUDIT_ROLES).regions)
    before = request.GET.get("before", "")
    found = search(form.asked(), size=PAGE, before=int(before) if before.isdecimal() else None)
    query = kept_query(request)
    saved = list(SavedFilter.objects.filter(owner=request.user, page=LIST))  # type: ignore[misc]
    return render(
        request,
        "audit/trail.html",
        {
            "form": form,
            "rows": tell(found.events, leaves_of(found.events)),
            "older": found.older,
            "stopped": found.stopped,
            "newest": bool(before),
            "kept": query,
            "views": [
                {"label": label, "url": f"?{asked}", "current": query == asked} for label, asked in VIEWS
            ]
            + [{"label": one.name, "url": f"?{one.query}", "current": query == one.query} for one in saved],
            "own": next((one for one in saved if one.query == query), None),
            "may_save": bool(query) and not form.errors and query not in {asked for _label, asked in VIEWS},
            "last": Checkpoint.objects.order_by("-size").first(),
            "waiting": PendingEvent.objects.count(),
        },
    )


def kept_query(request: HttpRequest) -> str:
    """What was asked for, without the page and without what was left empty."""
    given = request.POST if request.method == "POST" else request.GET
    return urlencode([(name, given[name]) for name in TrailFilter.base_fields if given.get(name)])


@require_POST
@audit_view
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what is asked for under a name, or give one up; back to the list."""
    query, by = kept_query(request), request.user
    try:
        if request.POST.get("deed") == "remove":
            remove_filter(LIST, request.POST.get("name", ""), by=by)  # type: ignore[arg-type]
            messages.success(request, _("已移除这组常用筛选。"))
            return redirect("audit:trail")
        kept = save_filter(LIST, request.POST.get("name", ""), query, by=by)  # type: ignore[arg-type]
        messages.success(request, _("已保存为“%(name)s”。") % {"name": kept.name})
    except DomainError as refusal:
        note_refusal(request, refusal)
    return redirect(f"{reverse('audit:trail')}?{query}")


@audit_view
def event(request: HttpRequest, event_no: uuid.UUID) -> HttpResponse:
    """One event, whole: who, why, from where, what changed, and its place in the sealed log."""
    found = visible_events(request).filter(event_no=event_no).first()
    if found is None:
        raise Http404
    (told,) = tell([found], leaves_of([found]))
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
    crumbs = [(_("审计留痕"), reverse("audit:trail"))]
    shown = {"told": told, "facts": facts, "checkpoint": checkpoint, "when": when, "crumbs": crumbs}
    return render(request, "audit/trail_event.html", shown)
