"""What was known of the market's prices at an instant.

Three facts of a price have an instant each, and nothing that comes later changes what held before it: when it became known
(``known_at``), when it was judged (``PriceJudgement.judged_at``), when it was taken out (``set_aside_at``). A price as of an
instant is the row as it stands now with every later judgement undone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from vouchers.models import PriceJudgement, PriceObservation
from vouchers.models.prices import ObservationState
from vouchers.policy import fair_price as fp

SET_ASIDE = "set_aside"


class KeptObservation(NamedTuple):
    """A price as it stands now, and as it stood before each judgement, the latest first: (the judgement's instant, the price
    before it). None where it had no cell then, so that no question could find it."""

    now: fp.Observation
    before: tuple[tuple[datetime, fp.Observation | None], ...] = ()

    def at(self, known_at: datetime) -> fp.Observation | None:
        """As it was known at the instant; whether it was known at all by then is ``Observation.known_at``."""
        found: fp.Observation | None = self.now
        for judged_at, stood in self.before:
            if judged_at <= known_at:
                break
            found = stood
        return found

    def cells(self) -> set[fp.Cell]:
        """Every cell that it was ever in."""
        return {one.cell for one in (self.now, *(stood for _at, stood in self.before)) if one is not None}


class Judged(NamedTuple):
    """A judgement: the revision that it made, what it was, [before, after] by column, and since when it holds."""

    revision: int
    verb: str
    changes: Mapping[str, list[Any]]
    judged_at: datetime


Judgements = Mapping[int, list[Judged]]
"""By the observation's key, the latest first."""


def observations_between(
    market: str, *, as_of: date, known_at: datetime, method: fp.Method, reach: fp.Reach | None = None
) -> list[fp.Observation]:
    """The market's observations that a price as of the date may count, as they stood at the instant.

    ``reach`` narrows to the cells that one cell's ladder can look into.
    """
    since = as_of - timedelta(days=method.candidate_days)
    judged_later = PriceJudgement.objects.filter(
        observation__market=market,
        observation__observed_on__gt=since,
        observation__observed_on__lte=as_of,
        observation__known_at__lte=known_at,
        judged_at__gt=known_at,
    )
    every = PriceObservation.objects.filter(
        market=market, observed_on__gt=since, observed_on__lte=as_of, known_at__lte=known_at
    )
    rows = _placed(every)
    if reach is not None:
        accelerators, tiers = sorted(reach.accelerators), sorted(reach.tiers)
        rows = rows.filter(accelerator__in=accelerators, tier__in=tiers)
        judged_later = judged_later.filter(
            ~Q(verb=SET_ASIDE) | Q(observation__accelerator__in=accelerators, observation__tier__in=tiers)
        )
    later = _by_observation(judged_later)
    found = list(_kept(market, rows, later))
    if reach is not None and later:  # one that was moved to another cell since
        found += _kept(market, _placed(every).filter(pk__in=later).exclude(pk__in=rows.values("pk")), later)
    return [
        then
        for kept in found
        if (then := kept.at(known_at)) is not None and (reach is None or then.cell.family in reach)
    ]


def judgements_of(market: str) -> Judgements:
    """Every judgement of the market's prices, for questions of many days."""
    return _by_observation(PriceJudgement.objects.filter(observation__market=market))


def observations_of(market: str, accelerator: str, judgements: Judgements) -> list[KeptObservation]:
    """All observations that are or were an accelerator's, in the order of their days, for questions of many days."""
    moved = [
        observation
        for observation, judged in judgements.items()
        if any(one.changes.get("accelerator", ("",))[0] == accelerator for one in judged)
    ]
    rows = _placed(PriceObservation.objects.filter(market=market, known_at__isnull=False)).filter(
        Q(accelerator=accelerator) | Q(pk__in=moved)
    )
    return list(_kept(market, rows.order_by("observed_on", "pk"), judgements))


def admitted_by(known_at: datetime) -> Q:
    """Which observations counted at the instant: known, admitted by then, and not taken out by then."""
    judged_later = PriceJudgement.objects.filter(observation=OuterRef("pk"), judged_at__gt=known_at).exclude(
        verb=SET_ASIDE
    )
    return Q(
        Q(set_aside_at=None) | Q(set_aside_at__gt=known_at),
        Q(revision=1) | ~Q(Exists(judged_later)),
        state=ObservationState.ADMITTED,
        known_at__lte=known_at,
    )


# -- the row and its past ---------------------------------------------------------------------------------------------

_COLUMNS = (
    "pk", "observation_no", "revision", "source_key", "kind", "accelerator", "form_factor", "tier", "region_group", "term_bucket",
    "region_code", "sku", "normalised_price", "observed_on", "known_at", "bookable_since", "carried_from", "evidence", "state",
    "reason", "set_aside_at", "set_aside_reason",
)  # fmt: skip
_CELL = {
    "accelerator": "accelerator",
    "form_factor": "form_factor",
    "tier": "tier",
    "region_group": "region_group",
    "term_bucket": "term",
}
_READ: dict[str, tuple[str, Callable[[str], Any]]] = {
    "state": ("state", str),
    "reason": ("reason", str),
    "region_code": ("region", str),
    "sku": ("sku", str),
    "normalised_price": ("unit_price", Decimal),
    "bookable_since": ("bookable_since", date.fromisoformat),
    "carried_from": ("carried_from", date.fromisoformat),
}
"""Columns that a judgement may change and a price rests on: the field, and how its text is read."""


def _placed(rows: QuerySet[PriceObservation]) -> QuerySet[PriceObservation]:
    """Those that have a cell: without one no question finds them. (What has one never loses it.)"""
    return rows.filter(observed_on__isnull=False).exclude(Q(region_group="") | Q(term_bucket=""))


def _by_observation(rows: QuerySet[PriceJudgement]) -> Judgements:
    found: dict[int, list[Judged]] = defaultdict(list)
    for observation, *judged in rows.order_by("-revision").values_list(
        "observation_id", "revision", "verb", "changes", "judged_at"
    ):
        found[observation].append(Judged(*judged))
    return found


def _kept(market: str, rows: QuerySet[PriceObservation], judgements: Judgements) -> Iterator[KeptObservation]:
    if not rows.query.order_by:
        rows = rows.order_by()
    return _read(market, rows.values_list(*_COLUMNS).iterator(chunk_size=5000), judgements)


def _read(market: str, rows: Iterable[tuple[Any, ...]], judgements: Judgements) -> Iterator[KeptObservation]:
    cells: dict[tuple[str, ...], fp.Cell] = {}
    for (
        pk, no, revision, source, kind, accelerator, form, tier, group, term, region, sku, price, observed, known, since, carried,
        evidence, state, reason, aside, aside_reason,
    ) in rows:  # fmt: skip
        key = (accelerator, form, tier, group, term)
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = fp.Cell(market, *key)
        one = fp.Observation(
            no, source, kind, cell, region, sku, price, observed, known, since, carried, evidence, state, reason, None, revision
        )  # fmt: skip
        if aside is None and (revision == 1 or pk not in judgements):
            yield KeptObservation(one)
        else:
            yield _with_past(one, aside, aside_reason, judgements.get(pk, ()))


def _with_past(
    one: fp.Observation, aside: datetime | None, aside_reason: str, judgements: Iterable[Judged]
) -> KeptObservation:
    """Undo one judgement after the other, from the latest."""
    before: list[tuple[datetime, fp.Observation | None]] = []
    now = one
    if aside is not None:  # to be set aside was its last revision
        now = replace(one, reason=aside_reason, set_aside_at=aside)
        one = replace(one, revision=max(one.revision - 1, 1))
        before.append((aside, one))
    for judged in judgements:
        if judged.verb != SET_ASIDE:
            one = _undone(one, judged)
            placed = one.cell.region_group and one.cell.term
            before.append((judged.judged_at, one if placed else None))
    return KeptObservation(now, tuple(before))


def _undone(one: fp.Observation, judged: Judged) -> fp.Observation:
    old = {name: pair[0] for name, pair in judged.changes.items()}
    cell = one.cell._replace(**{field: old[name] or "" for name, field in _CELL.items() if name in old})
    fields: dict[str, Any] = {
        field: None if old[name] is None else read(old[name])
        for name, (field, read) in _READ.items()
        if name in old
    }
    return replace(one, cell=cell, revision=judged.revision - 1, **fields)
