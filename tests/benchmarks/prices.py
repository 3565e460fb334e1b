"""The price method on the real file: how far colluders move it, beside the usual averages, and how long it takes.

Attack: 2026-07-15, H100 on demand outside the three hyperscalers, every form and both tiers in one cell, quotes of 30 days,
aliases merged, the market-age rule waived (the file does not say since when a source quotes). Colluding groups post 50
quotes each at 10.00 USD. All figures are of the project's own code; the averages beside it are over all quotes, each
source's latest per product.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.benchmarks.figures import Figure

SHANGHAI = ZoneInfo("Asia/Shanghai")
ATTACK_DAY = date(2026, 7, 15)
HYPERSCALERS = {"aws", "azure", "gcp"}
COLLUDERS = (1, 2, 3, 5, 8)
POSTED = Decimal("10.00")
QUOTES_EACH = 50


def run() -> list[Figure]:
    """The attack table, the time of all cells of the real file, and of a million observations."""
    from vouchers.actions.prices import import_prices
    from vouchers.context import Actor, acting

    with acting(Actor.service("bench"), "price.import"):
        started = time.perf_counter()
        report = import_prices()
        import_seconds = time.perf_counter() - started
    print(
        f"import: {report.read} rows, {report.admitted} admitted, {report.quarantined} quarantined, {import_seconds:.1f} s\n"
    )
    return [*_attack(), *_index_of_the_file(), *_million()]


def _observations(day: date):
    from vouchers.actions.price_issues import observations_between
    from vouchers.policy.fair_price import REFERENCE_V2

    known = datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
    return observations_between("reference", as_of=day, known_at=known, method=REFERENCE_V2), known


def _attack() -> list[Figure]:
    from vouchers.policy.fair_price import REFERENCE_V2, Cell, Observation, fair_price

    every, known = _observations(ATTACK_DAY)
    cell = Cell("reference", "H100", "", "specialist", "global", "on_demand")
    honest = [
        replace(item, cell=cell, sku=f"{item.cell.form_factor}|{item.sku}")
        for item in every
        if item.cell.accelerator == "H100"
        and item.cell.term == "on_demand"
        and item.source not in HYPERSCALERS
        and item.state == "admitted"
        and item.observed_on > ATTACK_DAY - timedelta(days=30)
    ]

    def shills(count: int) -> list[Observation]:
        return [
            replace(honest[0], observation_no=f"X-{group}-{n}", source=f"shill {group}", sku=str(n), unit_price=POSTED, observed_on=ATTACK_DAY)
            for group in range(count)
            for n in range(QUOTES_EACH)
        ]  # fmt: skip

    def priced(observations: list[Observation]):
        return fair_price(cell, observations, as_of=ATTACK_DAY, known_at=known, method=REFERENCE_V2)

    before = priced(honest)
    assert before.base is not None
    plain = {name: rule(_latest(honest)) for name, rule in AVERAGES.items()}
    print(
        f"attack: {before.n_groups} groups, {before.n_observations} quotes, base {before.base} USD; rule waived: market age"
    )
    print("  colluders   one group one vote   " + "   ".join(AVERAGES))
    figures = []
    for count in COLLUDERS:
        attacked = [*honest, *shills(count)]
        mine = priced(attacked)
        assert mine.base is not None
        moved = mine.base / before.base - 1
        others = {name: rule(_latest(attacked)) / plain[name] - 1 for name, rule in AVERAGES.items()}
        cells = "   ".join(f"{float(others[name]):>+{len(name)}.0%}" for name in AVERAGES)
        print(f"  {count:>2} × {QUOTES_EACH}     {float(moved):>+18.1%}   {cells}")
        mean = others["mean"]
        figures.append(
            Figure(
                f"price moved by {count} colluding groups",
                float(abs(moved)),
                "share",
                reference="mean",
                reference_value=float(mean),
                goal=0.1 if count == 3 else None,
                better="less",
            )
        )
    print()
    return figures


def _latest(observations: Sequence) -> list[tuple[str, Decimal]]:
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


def _index_of_the_file() -> list[Figure]:
    """Every month of the file, every cell, as an issue is computed: read from the database, factors fitted, all rows by the
    whole ladder. Then each month again from its snapshot, and with its observations in another order."""
    from vouchers.models import PriceObservation
    from vouchers.policy.fair_price import REFERENCE_V2, Market, recompute, snapshot_text
    from vouchers.policy.prices.factors import fit_factors

    months = sorted(
        {
            (day.year, day.month)
            for day in PriceObservation.objects.values_list("observed_on", flat=True)
            if day
        }
    )
    chance = random.Random(20260715)
    seconds = again = used = 0.0
    differing = 0
    levels: Counter[str] = Counter()
    for year, month in months:
        day = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        started, begun = time.perf_counter(), time.process_time()
        observations, known = _observations(day)
        given = {"as_of": day, "known_at": known, "method": REFERENCE_V2}
        plain = Market(observations, **given)
        factors = fit_factors(plain)
        market = plain.by(factors)
        rows = [market.price(cell) for cell in market.cells()]
        seconds += time.perf_counter() - started
        used += time.process_time() - begun
        levels.update(row.level for row in rows)
        started = time.perf_counter()
        kept = [row.record() for row in rows]
        differing += kept != [row.record() for row in recompute(snapshot_text(market))]
        again += time.perf_counter() - started
        chance.shuffle(observations)
        shuffled = Market(observations, factors=factors, **given)
        differing += kept != [shuffled.price(cell).record() for cell in shuffled.cells()]
    steps = ", ".join(f"{level} {levels[level]}" for level in sorted(levels))
    print(
        f"index: {len(months)} months, {levels.total()} cells of the real file in {seconds:.1f} s; by step: {steps}"
    )
    print(
        f"recomputed from the snapshots in {again:.1f} s; months that differ, or differ when shuffled: {differing}\n"
    )
    return [
        Figure("index of all cells of the real file, every month", seconds, "s", goal=10, better="less"),
        Figure("processor time of the index of the real file", used, "s", goal=10, better="less"),
        Figure("months not recomputed byte for byte", differing, "months", goal=0, better="less"),
    ]


def _million() -> list[Figure]:
    """A million observations made from the real ones of one day: other sources, prices within a tenth."""
    from vouchers.policy.fair_price import REFERENCE_V2, Market
    from vouchers.policy.prices.factors import fit_factors

    every, known = _observations(ATTACK_DAY + timedelta(days=30))
    day = ATTACK_DAY + timedelta(days=30)
    real = [item for item in every if item.state == "admitted"]
    chance = random.Random(20260715)
    many = []
    for n in range(1_000_000):
        item = real[n % len(real)]
        price = item.unit_price * (Decimal(1) + Decimal(chance.randrange(-100, 101)) / 1000)
        many.append(
            replace(item, observation_no=f"M-{n}", source=f"{item.source} {n % 400}", unit_price=price)
        )
    started, begun = time.perf_counter(), time.process_time()
    market = Market(many, as_of=day, known_at=known, method=REFERENCE_V2)
    market = market.by(fit_factors(market))
    cells = len([market.price(cell) for cell in market.cells()])
    seconds, used = time.perf_counter() - started, time.process_time() - begun
    print(f"million: {len(many)} observations, {cells} cells in {seconds:.1f} s\n")
    return [
        Figure("index of a million observations", seconds, "s", goal=60, better="less"),
        Figure("processor time of the index of a million", used, "s", goal=60, better="less"),
    ]
