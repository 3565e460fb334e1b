"""A case's whole story on one page: everything that happened to it and to what belongs to it, and who has read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.account_words import account_words
from audit.actions.trail import log_read
from audit.case_parts import Part, parts_of
from audit.models import AuditEvent
from audit.models.trail import Operation
from audit.trail.stories import Story, covering, story_of
from audit.web.access import audit_view
from audit.web.event_words import ACCOUNT, Told, kind_label, tell
from audit.web.trail import leaves_of
from vouchers.access import AUDIT_ROLES, scope_of
from vouchers.web.case_links import case_links

PAGE = 200
READINGS = 200
NEWEST = "newest"


@dataclass
class Deed:
    """What one person did at one go: the events of one transaction under one verb."""

    head: Told
    parts: list[Told] = field(default_factory=list)
    checkpoint: int | None = None

    @property
    def places(self) -> tuple[int, int] | None:
        """First and last place in the sealed log, counted from one; None when some of it waits."""
        leaves = [part.leaf for part in self.parts]
        sealed = [leaf for leaf in leaves if leaf is not None]
        return (min(sealed) + 1, max(sealed) + 1) if sealed and len(sealed) == len(leaves) else None


@dataclass(frozen=True)
class ShownPart:
    """A part of the case as the page names it: with its business page where the reader may open it, and its own story."""

    label: str
    number: str
    url: str = ""
    story: str = ""


def _elsewhere(regions: frozenset[str], kind: str, number: str) -> bool:
    """Whether the case has a region and none of the reader's: then what of it has no region is not shown either."""
    placed = AuditEvent.objects.all().story_of(kind, number).exclude(region_code="")
    return placed.exists() and not placed.filter(region_code__in=regions).exists()


def open_story(reader: Any, kind: str, number: str) -> tuple[list[Part], Story]:
    """The parts of the case and its events, for a reader who may see it. Raises ``Http404`` for a case that is elsewhere or nowhere."""
    regions = scope_of(reader, *AUDIT_ROLES).regions
    if _elsewhere(regions, kind, number):
        raise Http404
    parts = parts_of(kind, number)
    found = story_of(parts, regions)
    if not found.deeds and not found.readings:
        raise Http404
    return parts, found


@audit_view
def story(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """Everything that happened to one case, in the order of time; opening it is itself an event."""
    parts, found = open_story(request.user, kind, number)
    newest_first = request.GET.get("order") == NEWEST
    ids = found.deeds[::-1] if newest_first else found.deeds
    page = Paginator(ids, PAGE).get_page(request.GET.get("page"))
    deeds = _deeds(list(page.object_list), newest_first=newest_first)
    readings = _told(found.readings[-READINGS:])[::-1]
    log_read("trail.story", kind, number, region=found.region)
    return render(
        request,
        "audit/trail_story.html",
        {
            "kind": kind,
            "kind_label": kind_label(kind),
            "number": account_words(number).text if kind == ACCOUNT else number,
            "raw_number": number,
            "address": reverse("audit:trail-story", args=[kind, number]),
            "parts": shown_parts(request, parts),
            "deeds": deeds,
            "page": page,
            "newest_first": newest_first,
            "events": len(found.deeds),
            "readings": readings,
            "more_readings": max(len(found.readings) - READINGS, 0),
            "people": found.people,
            "unannounced": found.unannounced,
            "refused": found.refused,
            "cut": found.cut,
            "unsealed": found.unsealed,
            "crumbs": [(_("审计留痕"), reverse("audit:trail"))],
        },
    )


def _told(ids: list[int]) -> list[Told]:
    events = list(AuditEvent.objects.filter(pk__in=ids).order_by("pk"))
    return tell(events, leaves_of(events))


def _deeds(ids: list[int], *, newest_first: bool) -> list[Deed]:
    deeds: list[Deed] = []
    told = _told(ids)
    for one in told:
        if not (deeds and _same_deed(deeds[-1].head.event, one.event)):
            deeds.append(Deed(one))
        deeds[-1].parts.append(one)
    sizes = covering([one.leaf for one in told if one.leaf is not None])
    for deed in deeds:
        places = deed.places
        deed.checkpoint = sizes.get(places[1] - 1) if places is not None else None
    return deeds[::-1] if newest_first else deeds


def _same_deed(one: AuditEvent, other: AuditEvent) -> bool:
    return (
        one.transaction == other.transaction
        and one.verb == other.verb
        and Operation.REFUSAL not in (one.operation, other.operation)
    )


def shown_parts(request: HttpRequest, parts: list[Part]) -> list[ShownPart]:
    """The parts that people know by name; accounts and lines of batches are told in the story alone."""
    named = [part for part in parts if part.kind not in (ACCOUNT, "payment_line")]
    links: dict[str, str] = case_links(request.user, [part.number for part in named])
    shown: list[ShownPart] = []
    for part in named[:60]:
        own: Any = reverse("audit:trail-story", args=[part.kind, part.number])
        url = links.get(part.number, "")
        shown.append(ShownPart(kind_label(part.kind), part.number, url if url != own else "", own))
    return shown
