"""The price method on the real file: how far colluders move it, beside the usual averages, and how long it takes.

The attack is ``tests.vouchers.prices.attack``; all figures are of the project's own code.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.benchmarks.figures import Figure

SHANGHAI = ZoneInfo("Asia/Shanghai")
ATTACK_DAY = date(2026, 7, 15)


def run() -> list[Figure]:
    """The attack table, the time of all cells of the real file, of the pages over two years of it, and of a million observations."""
    from vouchers.actions.prices import import_prices
    from vouchers.context import Actor, acting

    with acting(Actor.service("bench"), "price.import"):
        started = time.perf_counter()
        report = import_prices()
        import_seconds = time.perf_counter() - started
    print(
        f"import: {report.read} rows, {report.admitted} admitted, {report.quarantined} quarantined, {import_seconds:.1f} s\n"
    )
    return [*_attack(), *_index_of_the_file(), *_pages(), *_million()]


def _observations(day: date):
    from vouchers.actions.price_sightings import observations_between
    from vouchers.policy.fair_price import REFERENCE_V2

    known = datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
    return observations_between("reference", as_of=day, known_at=known, method=REFERENCE_V2), known


def _attack() -> list[Figure]:
    from tests.vouchers.prices.attack import attacks, honest_among, priced, table

    every, _known = _observations(ATTACK_DAY)
    honest = honest_among(every)
    before = priced(honest)
    found = attacks(honest)
    print(
        f"attack: {before.n_groups} groups, {before.n_observations} quotes, base {before.base} USD; rule waived: market age"
    )
    print(table(found) + "\n")
    return [
        Figure(
            f"price moved by {row.groups} colluding groups",
            float(abs(row.moved)),
            "share",
            reference="mean",
            reference_value=float(row.averages["mean"]),
            goal=0.1 if row.groups == 3 else None,
            better="less",
        )
        for row in found
    ]


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


def _pages() -> list[Figure]:
    """Two years of the real file published month by month, then the pages that people open, each as it is opened first."""
    from django.db import connection
    from django.db.models import Count
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from tests.cast import build
    from vouchers import dates
    from vouchers.actions import prices
    from vouchers.context import Actor, acting
    from vouchers.models import PriceIndexIssue, PriceIndexRow

    today = ATTACK_DAY
    months = [date(today.year - 2 + n // 12, n % 12 + 1, 1) for n in range(today.month, today.month + 24)]
    started = time.perf_counter()
    with acting(Actor.service("bench"), "price.publish"):
        cast = build()
        for month in months:
            with dates.fixed(month):
                issue = prices.compute_index(month, by=cast.policy_editor, market="reference")
                prices.propose_index(issue, by=cast.policy_editor, jump_text="标价变动已核对。")
                prices.publish_index(issue, by=cast.price_publisher, confirmation="已核对。")
    spent = time.perf_counter() - started
    issues = PriceIndexIssue.objects.filter(market="reference", state="published").order_by("-month")
    rows = PriceIndexRow.objects.filter(issue__in=issues)
    widest = (
        rows.filter(level="L0")
        .values("cell", "accelerator")
        .annotate(n=Count("pk"))
        .order_by("-n", "cell")[0]
    )
    last = issues[0]
    print(
        f"pages: {len(months)} months, {rows.count()} rows published in {spent:.1f} s; cell {widest['cell']}"
    )
    client = Client()
    client.force_login(cast.price_publisher)
    explorer = reverse("admin:vouchers_priceindexrow_explore")
    asked = {
        "explorer of a cell as of today": (
            explorer,
            {"cell": widest["cell"], "as_of": f"{today}", "known_on": f"{today}"},
        ),
        "explorer of an issue's row": (explorer, {"cell": widest["cell"], "issue": last.issue_no}),
        "what an issue changes": (
            reverse("admin:vouchers_priceindexissue_changes", args=[last.issue_no]),
            {},
        ),
        "a chip's page": (
            reverse("public:price_chip", args=[widest["accelerator"]]),
            {"market": "reference"},
        ),
    }
    figures = []
    with dates.fixed(today):
        client.get(reverse("public:prices"))  # the code is loaded, the templates are read
        for name, (address, given) in asked.items():
            with CaptureQueriesContext(connection) as statements:
                started = time.perf_counter()
                answer = client.get(address, given)
                seconds = time.perf_counter() - started
            assert answer.status_code == 200, (name, answer.status_code)
            figures.append(Figure(f"{name}, two years published", seconds, "s", goal=1, better="less"))
            figures.append(
                Figure(f"{name}: statements", len(statements), "statements", goal=40, better="less")
            )
    print()
    return figures


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
