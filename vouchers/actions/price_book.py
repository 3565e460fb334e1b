"""The grounds of many contracts' findings: what ``PriceGrounds`` asks for each, read once and remembered.

The same answers, from a number of queries that rests on how many chips the contracts are of, not on how many they are. For
one run: what is recorded meanwhile is not seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple, TypeAlias, TypeVar

from vouchers.actions.price_carries import Bases, bases_of, carried
from vouchers.actions.price_grounds import PriceGrounds, TierSpan, registered_spans, tier_among
from vouchers.actions.price_inquiries import Inquiry, inquiries, under_inquiry
from vouchers.actions.price_published import Published, all_published, factors_for, held_among
from vouchers.actions.price_sightings import Judgements, KeptObservation, judgements_of, observations_of
from vouchers.actions.price_sources import FirstDays, first_admissions, links_on, with_admissions
from vouchers.actions.price_ties import Link, Ties, links_of
from vouchers.errors import Invalid
from vouchers.models import PriceIndexIssue, PriceMethod
from vouchers.models.prices import Market
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.chips import ChipTable
from vouchers.policy.prices.normalise import RateTable

Part: TypeAlias = tuple[str, ...]
"""A cell; a family of them; or, with a word behind the family, all that its cells' ladders can look into."""
K = TypeVar("K")
V = TypeVar("V")
HELD_MARKETS = 64
"""Markets of (part, day) kept at a time; contracts come roughly in the order of their days."""
HELD_ROWS = 20_000
FAMILY = len(fp.Cell("", "", "", "", "", "").family)


class Seen(NamedTuple):
    """The observations of a family, or of one cell, in the order of their days, and whose they are."""

    days: list[date]
    kept: list[KeptObservation]
    sources: set[str]


class PriceBook(PriceGrounds):
    """``tiers``: what a data set tells of its providers, by their number; who is not in it is looked for in the register."""

    def __init__(
        self, market: str = Market.CHINA, *, tiers: Mapping[str, Sequence[TierSpan]] | None = None
    ) -> None:
        super().__init__(market)
        self._told = tiers or {}
        self._methods: dict[date, tuple[PriceMethod, fp.Method]] = {}
        self._chips: dict[int, ChipTable] = {}
        self._seen: dict[Part, Seen] = {}
        self._reaches: dict[Part, fp.Reach] = {}
        self._of_accelerator: dict[str, dict[Part, list[KeptObservation]]] = {}
        self._bases: dict[int, Bases] = {}
        self._factors: dict[tuple[int, date, str], fp.Factors | None] = {}
        self._generations: dict[int, fp.Generations] = {}
        self._present: dict[tuple[Part, int], set[str]] = {}
        self._groups: dict[int, tuple[dict[str, str], dict[str, list[str]]]] = {}
        self._ties: dict[int, Ties] = {}
        self._markets: OrderedDict[tuple[Part, date, datetime, str], fp.Market] = OrderedDict()
        self._rows: OrderedDict[tuple[object, ...], fp.PriceRow] = OrderedDict()

    # -- the port ---------------------------------------------------------------------------------------------------

    def tier(self, uscc: str, on: date, program_code: str) -> str:
        spans = self._told.get(uscc) or self._registered.get(uscc) or ()
        return tier_among(spans, on, program_code)

    def method(self, day: date) -> tuple[PriceMethod, fp.Method]:
        if day not in self._methods:
            for row, method in self._all_methods:
                if row.effective_from <= day and (row.effective_to is None or day < row.effective_to):
                    self._methods[day] = row, method
                    break
            else:
                raise Invalid("price.no_method", f"{day} 没有生效的公允价格方法。")
        return self._methods[day]

    def chips(self, version: int) -> ChipTable:
        if version not in self._chips:
            self._chips[version] = super().chips(version)
        return self._chips[version]

    def rates(self) -> RateTable:
        return self._rates

    def priced(
        self, cell: fp.Cell, *, as_of: date, known_at: datetime, method: fp.Method, left_out: Collection[str]
    ) -> tuple[None, fp.PriceRow]:
        group_of, _members = self._groups_on(as_of)
        around = self._around(cell, method)
        here = self._groups_of(around, as_of)
        own = frozenset(
            group for name in self._tied(left_out, as_of) if (group := group_of.get(name, name)) in here
        )

        def price_in(part: Part) -> tuple[fp.Market, fp.PriceRow]:
            whole = self._market_of(part, as_of, known_at, method)
            market = whole.without(own) if own else whole
            return market, market.price(cell)

        def price() -> fp.PriceRow:
            market, row = price_in(cell)
            if row.level == "L0":
                return row
            issue = self._issue_on(as_of, known_at)
            before = self._bases_of(issue) if issue is not None else {}
            if market.looks_beyond(cell) or cell.code in before:  # else the ladder looks into no other cell
                market, row = price_in(around)
            return carried(market, row, issue, as_of=as_of, bases=before)[1]

        return None, _held(self._rows, (cell, as_of, known_at, method.name, own), price, HELD_ROWS)

    # -- what is read once ------------------------------------------------------------------------------------------

    @cached_property
    def _registered(self) -> dict[str, list[TierSpan]]:
        spans: dict[str, list[TierSpan]] = defaultdict(list)
        for uscc, span in registered_spans():
            spans[uscc].append(span)
        return dict(spans)

    @cached_property
    def _all_methods(self) -> list[tuple[PriceMethod, fp.Method]]:
        rows = PriceMethod.objects.filter(market=self.market).order_by("-version")
        return [(row, fp.Method.from_params(row.params)) for row in rows]

    @cached_property
    def _rates(self) -> RateTable:
        return super().rates()

    @cached_property
    def _issues(self) -> list[Published]:
        return all_published(self.market)

    def _issue_on(self, day: date, known_at: datetime) -> PriceIndexIssue | None:
        """The one that held for the day, as known at the instant."""
        return held_among(self._issues, day, known_at)

    def _bases_of(self, issue: PriceIndexIssue) -> Bases:
        if issue.pk not in self._bases:
            self._bases[issue.pk] = bases_of(issue)
        return self._bases[issue.pk]

    @cached_property
    def _judgements(self) -> Judgements:
        return judgements_of(self.market)

    @cached_property
    def _first_days(self) -> FirstDays:
        return FirstDays(self.market)

    @cached_property
    def _first_admitted(self) -> dict[str, date]:
        return first_admissions(self.market)

    @cached_property
    def _inquiries(self) -> list[Inquiry]:
        return inquiries() if self.market == Market.CHINA else []

    @cached_property
    def _links(self) -> list[Link]:
        return links_of(self.market)

    @cached_property
    def _turns(self) -> list[date]:
        """The days on which an affiliation begins or ends: between two of them the groups are the same."""
        return sorted({day for link in self._links for day in (link.from_on, link.to_on) if day is not None})

    def _groups_on(self, as_of: date) -> tuple[dict[str, str], dict[str, list[str]]]:
        """The group of each affiliated source on the day, and the members of each group."""
        turn = bisect_right(self._turns, as_of)
        if turn not in self._groups:
            group_of = fp.affiliated_groups(links_on(self._links, as_of))
            members: dict[str, list[str]] = defaultdict(list)
            for name, group in group_of.items():
                members[group].append(name)
            self._groups[turn] = group_of, dict(members)
        return self._groups[turn]

    def _tied(self, names: Collection[str], as_of: date) -> set[str]:
        """The names, and whoever is in a group with one of them, by what is declared until today too."""
        turn = bisect_right(self._turns, as_of)
        if turn not in self._ties:
            self._ties[turn] = Ties(self._links, as_of)
        return self._ties[turn].of(names)

    def _sources_at(self, names: set[str], as_of: date, known_at: datetime) -> fp.Sources:
        """What was known of these sources and of who is in a group with them: more the family's prices do not rest on."""
        group_of, members = self._groups_on(as_of)
        wanted = names.union(*(members[group_of[name]] for name in names if name in group_of))
        first = self._first_days.at(wanted, known_at)
        since = with_admissions(first, self._first_admitted, wanted, as_of)
        barred = under_inquiry(known_at, self._inquiries) & wanted
        return fp.Sources(group_of=group_of, since=since, under_inquiry=barred)

    def _kept_of(self, accelerator: str) -> dict[Part, list[KeptObservation]]:
        """An accelerator's observations by the cells and families that they are or were in, each in the order of their days."""
        if accelerator not in self._of_accelerator:
            found: dict[Part, list[KeptObservation]] = defaultdict(list)
            for one in observations_of(self.market, accelerator, self._judgements):
                cells = one.cells()
                for part in (*cells, *{cell.family for cell in cells}):
                    found[part].append(one)
            self._of_accelerator[accelerator] = dict(found)
        return self._of_accelerator[accelerator]

    def _around(self, cell: fp.Cell, method: fp.Method) -> Part:
        """The part that the cell's ladder can look into, read when it is first asked for."""
        part = (*cell.family, method.name)
        if part not in self._seen:
            reach = fp.reach_of(method, cell, self._chips_of(method))
            kept = {
                one.now.observation_no: one
                for accelerator in sorted(reach.accelerators)
                for key, found in self._kept_of(accelerator).items()
                if len(key) == FAMILY and key[1] == accelerator and _family(key) in reach
                for one in found
            }
            self._reaches[part] = reach
            self._seen[part] = _seen(sorted(kept.values(), key=_day))
        return part

    def _chips_of(self, method: fp.Method) -> fp.Generations:
        if method.version not in self._generations:
            self._generations[method.version] = fp.generations_of(method, self.chips(method.chip_table))
        return self._generations[method.version]

    def _seen_of(self, part: Part) -> Seen:
        if part not in self._seen:
            self._seen[part] = _seen(self._kept_of(part[1]).get(part, []))
        return self._seen[part]

    def _groups_of(self, part: Part, as_of: date) -> set[str]:
        """The groups that the part's sources are in on the day."""
        key = part, bisect_right(self._turns, as_of)
        if key not in self._present:
            group_of, _members = self._groups_on(as_of)
            self._present[key] = {group_of.get(name, name) for name in self._seen_of(part).sources}
        return self._present[key]

    def _factors_of(self, issue: PriceIndexIssue | None, day: date, method: fp.Method) -> fp.Factors | None:
        key = (issue.pk if issue is not None else 0, day.replace(day=1), method.name)
        if key not in self._factors:
            self._factors[key] = factors_for(issue, day, method)
        return self._factors[key]

    def _market_of(self, part: Part, as_of: date, known_at: datetime, method: fp.Method) -> fp.Market:
        """The market of a family or cell on the day, with every group in it."""

        def make() -> fp.Market:
            seen = self._seen_of(part)
            since = as_of - timedelta(days=method.candidate_days)
            first, last = bisect_right(seen.days, since), bisect_right(seen.days, as_of)
            reach = self._reaches.get(part)
            then = [
                one
                for kept in seen.kept[first:last]
                if (one := kept.at(known_at)) is not None
                and (one.cell == part if reach is None else one.cell.family in reach)
            ]
            return fp.Market(
                then,
                as_of=as_of,
                known_at=known_at,
                method=method,
                sources=self._sources_at({one.source for one in then}, as_of, known_at),
                factors=self._factors_of(self._issue_on(as_of, known_at), as_of, method),
                chips=self._chips_of(method),
                hashed=False,
            )

        return _held(self._markets, (part, as_of, known_at, method.name), make, HELD_MARKETS)


def _seen(kept: list[KeptObservation]) -> Seen:
    return Seen([_day(one) for one in kept], kept, {one.now.source for one in kept})


def _day(kept: KeptObservation) -> date:
    """No judgement changes the day."""
    return kept.now.observed_on


def _family(key: Part) -> tuple[str, str, str, str]:
    market, accelerator, form_factor, tier = key
    return market, accelerator, form_factor, tier


def _held(kept: OrderedDict[K, V], key: K, make: Callable[[], V], most: int) -> V:
    """What is kept under the key, made where it is not there; the oldest go when there are too many."""
    if key not in kept:
        kept[key] = make()
        if len(kept) > most:
            kept.popitem(last=False)
    return kept[key]
