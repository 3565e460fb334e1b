"""What was known of the sources at an instant: who votes together, since when each is on the market, who was under inquiry.

How long a seller has been on the market is what keeps new ones out, so it is told only by prices that counted at the instant
(``admitted_by``): what waits for a person, was put away or was taken out tells nothing. And what an admitted provider's own
quote says of itself (``bookable_since``) reaches back no further than its admission.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Max, Min, Q

from vouchers.actions.price_inquiries import under_inquiry
from vouchers.actions.price_sightings import SET_ASIDE, admitted_by
from vouchers.actions.price_ties import Link, links_of
from vouchers.models import PriceObservation, ProviderAdmission
from vouchers.models.prices import Market, ObservationState
from vouchers.models.recorded import Origin
from vouchers.policy import fair_price as fp


def sources_at(market: str, *, as_of: date, known_at: datetime, names: Collection[str]) -> fp.Sources:
    """What was known of these sources and of who is in a group with them: more a price of theirs does not rest on."""
    group_of = fp.affiliated_groups(links_on(links_of(market), as_of))
    wanted = with_groups(names, group_of)
    return fp.Sources(
        group_of=group_of,
        since=with_admissions(
            _first_days_at(market, wanted, known_at), first_admissions(market, wanted), wanted, as_of
        ),
        under_inquiry=under_inquiry(known_at) & wanted if market == Market.CHINA else frozenset(),
    )


def links_on(links: Iterable[Link], as_of: date) -> Iterable[tuple[str, str]]:
    """The affiliations in force on the day."""
    return (
        (link.one, link.other)
        for link in links
        if link.from_on <= as_of and (link.to_on is None or as_of < link.to_on)
    )


def with_groups(names: Iterable[str], group_of: Mapping[str, str]) -> set[str]:
    """The names, and whoever is in a group with one of them."""
    wanted = set(names)
    groups = {group_of[name] for name in wanted if name in group_of}
    return wanted | {name for name, group in group_of.items() if group in groups}


def first_admissions(market: str, names: Collection[str] | None = None) -> dict[str, date]:
    """The first day on which each of these was admitted as a provider; of every one without ``names``."""
    if market != Market.CHINA:
        return {}
    rows = ProviderAdmission.objects.order_by()
    if names is not None:
        rows = rows.filter(provider__uscc__in=names)
    return dict(rows.values_list("provider__uscc").annotate(first=Min("effective_from")))


class FirstDay(NamedTuple):
    """The first day that a source's prices tell of it: ``sure``, and ``claimed`` by its own quotes since when they are bookable."""

    sure: date | None
    claimed: date | None = None

    def beside(self, other: FirstDay) -> FirstDay:
        """The earlier of both."""
        return FirstDay(earlier(self.sure, other.sure), earlier(self.claimed, other.claimed))

    def on_the_market(self, admitted: date | None) -> date | None:
        """What an admitted provider claims of itself counts from its admission on."""
        claimed = self.claimed
        if claimed is not None and admitted is not None:
            claimed = max(claimed, admitted)
        return earlier(self.sure, claimed)


def told(origin: str, seen: date | None, bookable: date | None) -> FirstDay:
    """What prices tell: those that came in live say of themselves since when they are bookable; the office's own history is
    looked at by two persons."""
    return FirstDay(seen, bookable) if origin == Origin.LIVE else FirstDay(earlier(seen, bookable))


def earlier(one: date | None, other: date | None) -> date | None:
    """The earlier day; one of them where the other is not known."""
    return min((day for day in (one, other) if day is not None), default=None)


def with_admissions(
    first: Mapping[str, FirstDay], admissions: Mapping[str, date], names: Iterable[str], as_of: date
) -> dict[str, date]:
    """Since when each of the names is on the market as of the day: by its prices, or since its admission."""
    since: dict[str, date] = {}
    for name in names:
        admitted = admissions.get(name)
        day = first.get(name, FirstDay(None)).on_the_market(admitted)
        if admitted is not None and admitted <= as_of:
            day = earlier(day, admitted)
        if day is not None:
            since[name] = day
    return since


def _first_days_at(market: str, names: Collection[str], known_at: datetime) -> dict[str, FirstDay]:
    rows = (
        PriceObservation.objects.filter(admitted_by(known_at), market=market, source_key__in=names)
        .order_by()
        .values_list("source_key", "origin")
        .annotate(seen=Min("observed_on"), bookable=Min("bookable_since"))
    )
    found: dict[str, FirstDay] = {}
    for source, origin, seen, bookable in rows:
        found[source] = told(origin, seen, bookable).beside(found.get(source, FirstDay(None)))
    return found


class FirstDays:
    """The first days of all sources at any instant, read once: the same answers as for one question."""

    def __init__(self, market: str) -> None:
        self._steps: dict[str, tuple[list[datetime], list[FirstDay]]] = {}
        self._passing: dict[str, list[tuple[datetime, datetime, FirstDay]]] = defaultdict(list)
        counted = PriceObservation.objects.filter(
            market=market, state=ObservationState.ADMITTED, known_at__isnull=False
        ).order_by()
        first = {"seen": Min("observed_on"), "bookable": Min("bookable_since")}
        of = ("source_key", "origin", "known_at", "set_aside_at")
        stood: list[tuple[datetime, str, FirstDay]] = []
        judged_at = Max("judgements__judged_at", filter=~Q(judgements__verb=SET_ASIDE))
        as_they_came = (
            (*row, None) for row in counted.filter(revision=1).values_list(*of).annotate(**first).iterator()
        )
        judged = counted.filter(revision__gt=1).values_list("pk", *of).annotate(**first, judged=judged_at)
        for source, origin, known_at, until, seen, bookable, since in (
            *as_they_came,
            *(row[1:] for row in judged.iterator()),
        ):
            since = max(known_at, since) if since is not None else known_at
            one = told(origin, seen, bookable)
            if until is None:
                stood.append((since, source, one))
            else:
                self._passing[source].append((since, until, one))
        for since, source, one in sorted(stood, key=lambda step: step[:2]):
            instants, days = self._steps.setdefault(source, ([], []))
            both = one.beside(days[-1]) if days else one
            if not days or both != days[-1]:
                instants.append(since)
                days.append(both)

    def at(self, names: Iterable[str], known_at: datetime) -> dict[str, FirstDay]:
        """Of those of the names of which something counted at the instant."""
        found: dict[str, FirstDay] = {}
        for name in names:
            instants, days = self._steps.get(name, ((), ()))
            known = bisect_right(instants, known_at)
            one = days[known - 1] if known else None
            for since, until, day in self._passing.get(name, ()):
                if since <= known_at < until:
                    one = day if one is None else day.beside(one)
            if one is not None:
                found[name] = one
        return found
