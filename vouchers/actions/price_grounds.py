"""What a contract's price is held against, asked of the database for one contract: tier, method, tables, the market then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from vouchers.actions.price_carries import carried
from vouchers.actions.price_published import factors_for, issue_known_at
from vouchers.actions.price_reading import start_of
from vouchers.actions.price_sightings import observations_between
from vouchers.actions.price_sources import sources_at
from vouchers.actions.price_tables import chip_table, method_on, rate_table
from vouchers.actions.price_ties import Ties, links_of
from vouchers.models import PriceMethod, ProviderAdmission
from vouchers.models.prices import Market
from vouchers.models.recorded import Origin
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.chips import ChipTable
from vouchers.policy.prices.normalise import RateTable

DAY = timedelta(days=1)


class TierSpan(NamedTuple):
    """A tier as the regulator registered it for a provider and a program; ``to_on`` is the day after the last. ``recorded_at``:
    when this office took it in; None for what is known since it holds (history brought along, a data set's own)."""

    program_code: str
    from_on: date
    to_on: date | None
    tier: str
    recorded_at: datetime | None = None


def tier_among(spans: Iterable[TierSpan], on: date, program_code: str = "") -> str:
    """The tier that holds on the day, of the spans in the order of their beginning: of that program first; one that begins
    later where none holds yet; empty when there is none.

    By what was recorded until the end of the day. A provider of whom nothing was recorded by then has what was recorded first:
    whatever is recorded after that, with effect from whenever, changes nothing.
    """
    ahead = [span for span in spans if span.tier and (span.to_on is None or on < span.to_on)]
    then = [span for span in ahead if span.recorded_at is None or span.recorded_at < start_of(on + DAY)]
    if not then and ahead:
        first = min(span.recorded_at for span in ahead if span.recorded_at is not None)
        then = [span for span in ahead if span.recorded_at == first]
    in_force = [span for span in then if span.from_on <= on] or then
    own = [span for span in in_force if span.program_code == program_code]
    chosen = own or in_force
    return chosen[0].tier if chosen else ""


def registered_spans(uscc: str | None = None) -> Iterator[tuple[str, TierSpan]]:
    """Every registered tier with its provider's number, in the order of their beginning; of one provider, or of all."""
    rows = ProviderAdmission.objects.exclude(tier="").order_by("effective_from", "pk")
    if uscc is not None:
        rows = rows.filter(provider__uscc=uscc)
    columns = (
        "provider__uscc", "program_code", "effective_from", "effective_to", "tier", "recorded_at", "origin",
    )  # fmt: skip
    for whose, program_code, from_on, to_on, tier, recorded_at, origin in rows.values_list(
        *columns
    ).iterator():
        known = recorded_at if origin == Origin.LIVE else None
        yield whose, TierSpan(program_code, from_on, to_on, tier, known)


def registered_tier(uscc: str, on: date, program_code: str = "") -> str:
    """The tier that the regulator registered for the provider on the day, of that program first, by what was recorded by then;
    empty when there is none."""
    return tier_among((span for _whose, span in registered_spans(uscc)), on, program_code)


class PriceGrounds:
    """The grounds of one contract's finding, each read when it is asked for."""

    def __init__(self, market: str = Market.CHINA) -> None:
        self.market = market

    def tier(self, uscc: str, on: date, program_code: str) -> str:
        """The provider's tier on the day; empty when none is registered."""
        return registered_tier(uscc, on, program_code)

    def method(self, day: date) -> tuple[PriceMethod, fp.Method]:
        """The method in force on the day. Raises ``Invalid`` (``price.no_method``)."""
        return method_on(self.market, day)

    def chips(self, version: int) -> ChipTable:
        """The chip table of that version."""
        return chip_table(version)

    def rates(self) -> RateTable:
        """All exchange rates."""
        return rate_table()

    def priced(
        self, cell: fp.Cell, *, as_of: date, known_at: datetime, method: fp.Method, left_out: Collection[str]
    ) -> tuple[fp.Market | None, fp.PriceRow]:
        """The cell's row as it was known then, without the groups of some sources, and the market it is computed of (None
        where the row is not to be kept). Who votes together is as of the day; whom to leave out, by what is declared until today too."""
        issue = issue_known_at(self.market, as_of, known_at)
        chips = fp.generations_of(method, self.chips(method.chip_table))
        reach = fp.reach_of(method, cell, chips)
        seen = observations_between(self.market, as_of=as_of, known_at=known_at, method=method, reach=reach)
        then = fp.Market(
            seen,
            as_of=as_of,
            known_at=known_at,
            method=method,
            sources=sources_at(
                self.market, as_of=as_of, known_at=known_at, names={item.source for item in seen}
            ),
            factors=factors_for(issue, as_of, method),
            left_out=Ties(links_of(self.market), as_of).of(left_out),
            chips=chips,
        )
        return carried(then, then.price(cell), issue, as_of=as_of)
