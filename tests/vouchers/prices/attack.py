"""Colluders against the price method, on the real file: the honest cell, what they post, and the averages beside it.

2026-07-15, H100 on demand outside the three hyperscalers, every form and both tiers in one cell, quotes of 30 days, aliases
merged, the market-age rule waived (the file does not say since when a source quotes). Each colluding group posts 50 quotes at
10.00 USD. The averages are over all quotes, each source's latest per product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from vouchers.policy.fair_price import REFERENCE_V2, Cell, Observation, PriceRow, fair_price

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 7, 15)
KNOWN_AT = datetime.combine(DAY + timedelta(days=1), datetime.min.time(), SHANGHAI)
HYPERSCALERS = {"aws", "azure", "gcp"}
COLLUDERS = (1, 2, 3, 5, 8)
POSTED = Decimal("10.00")
QUOTES_EACH = 50
CELL = Cell("reference", "H100", "", "specialist", "global", "on_demand")


def honest_among(observations: Iterable[Observation]) -> list[Observation]:
    """The admitted quotes of the cell that is attacked."""
    return [
        replace(item, cell=CELL, sku=f"{item.cell.form_factor}|{item.sku}")
        for item in observations
        if item.cell.accelerator == "H100"
        and item.cell.term == "on_demand"
        and item.source not in HYPERSCALERS
        and item.state == "admitted"
        and item.observed_on > DAY - timedelta(days=30)
    ]


def shills(like: Observation, groups: int) -> list[Observation]:
    """What so many colluding groups post."""
    return [
        replace(
            like, observation_no=f"X-{group}-{n}", source=f"shill {group}", sku=str(n), unit_price=POSTED, observed_on=DAY
        )
        for group in range(groups)
        for n in range(QUOTES_EACH)
    ]  # fmt: skip


def priced(observations: Iterable[Observation]) -> PriceRow:
    """By the project's own code."""
    return fair_price(CELL, observations, as_of=DAY, known_at=KNOWN_AT, method=REFERENCE_V2)


@dataclass(frozen=True)
class Attack:
    """By how much so many colluding groups move the price, and each average beside it: fractions of what it was."""

    groups: int
    moved: Decimal
    averages: dict[str, Decimal]


def attacks(honest: list[Observation]) -> list[Attack]:
    """A row for each number of colluders."""
    before, plain = priced(honest), latest(honest)
    assert before.base is not None
    found = []
    for count in COLLUDERS:
        attacked = [*honest, *shills(honest[0], count)]
        mine = priced(attacked)
        assert mine.base is not None
        others = {name: rule(latest(attacked)) / rule(plain) - 1 for name, rule in AVERAGES.items()}
        found.append(Attack(count, mine.base / before.base - 1, others))
    return found


def table(rows: Iterable[Attack]) -> str:
    """As it is printed."""
    lines = ["  colluders   one group one vote   " + "   ".join(AVERAGES)]
    for row in rows:
        cells = "   ".join(f"{float(row.averages[name]):>+{len(name)}.0%}" for name in AVERAGES)
        lines.append(f"  {row.groups:>2} × {QUOTES_EACH}     {float(row.moved):>+18.1%}   {cells}")
    return "\n".join(lines)


def latest(observations: Sequence) -> list[tuple[str, Decimal]]:
    """Each source's latest price of each product: what an average would be taken of."""
    latest: dict[tuple[str, str, str], object] = {}
    for item in sorted(observations, key=lambda item: (item.observed_on, item.observation_no)):
        latest[item.source, item.sku, item.region] = item
    return [(item.source, item.unit_price) for item in latest.values()]


def _mean(quotes: list[tuple[str, Decimal]]) -> Decimal:
    return sum((price for _source, price in quotes), Decimal(0)) / len(quotes)


def _trimmed(quotes: list[tuple[str, Decimal]]) -> Decimal:
    prices = sorted(price for _source, price in quotes)
    cut = len(prices) // 10
    kept = prices[cut : len(prices) - cut]
    return sum(kept, Decimal(0)) / len(kept)


def _median(quotes: list[tuple[str, Decimal]]) -> Decimal:
    prices = sorted(price for _source, price in quotes)
    return prices[(len(prices) - 1) // 2]


def _capped(quotes: list[tuple[str, Decimal]]) -> Decimal:
    """The weighted median by number of quotes, no source above a fifth of all."""
    counts: dict[str, int] = defaultdict(int)
    for source, _price in quotes:
        counts[source] += 1
    most = Decimal(len(quotes)) / 5
    weighted = sorted(
        (price, min(Decimal(counts[source]), most) / counts[source]) for source, price in quotes
    )
    half = sum(weight for _price, weight in weighted) / 2
    reached = Decimal(0)
    for price, weight in weighted:
        reached += weight
        if reached >= half:
            return price
    return weighted[-1][0]


AVERAGES: dict[str, Callable[[list[tuple[str, Decimal]]], Decimal]] = {
    "mean": _mean,
    "10 % trimmed": _trimmed,
    "quote median": _median,
    "20 %-capped weighted median": _capped,
}
