"""What the fair price has to show: any input in any order gives the same bytes, a snapshot gives the row again, repetition and a
few colluders move nothing, and no arithmetic hangs on whatever context is about."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_UP, Decimal, localcontext

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.vouchers.prices import attack
from tests.vouchers.prices.makers import AS_OF, CELL, KNOWN_AT, seen
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.price_sightings import observations_between
from vouchers.context import Actor, acting
from vouchers.models import PriceIndexIssue, PriceIndexRow
from vouchers.policy.fair_price import (
    METHOD_V2,
    REFERENCE_V2,
    Factors,
    Market,
    Observation,
    known_sources,
    recompute,
    snapshot_text,
)
from vouchers.policy.prices.factors import fit_factors

FACTORS = Factors(
    region={"east": Decimal(1), "west": Decimal("0.913")},
    term={"1_6m": Decimal(1), "6_24m": Decimal("0.817")},
    form={"SXM": Decimal(1), "PCIe": Decimal("0.8")},
    tier={"specialist": Decimal(1), "cloud": Decimal("1.9")},
)
CELLS = (
    CELL,
    CELL._replace(region_group="west"),
    CELL._replace(term="6_24m"),
    CELL._replace(form_factor="PCIe"),
    CELL._replace(tier="cloud"),
    CELL._replace(accelerator="H800"),
)
SOURCES = tuple("abcdefghijkl")


@st.composite
def observed(draw) -> Observation:
    """A price of any kind, age, cell and state that a market may hold."""
    kind = draw(st.sampled_from(("quote", "quote", "quote", "transaction", "expert")))
    price = Decimal(draw(st.integers(1, 60_000_000))) / 1_000_000
    return seen(
        draw(st.sampled_from(SOURCES)),
        str(price),
        kind=kind,
        days_ago=draw(st.integers(0, 120)),
        cell=draw(st.sampled_from(CELLS)),
        sku=draw(st.sampled_from(("3m", "6m"))),
        up_days=draw(st.integers(0, 90)),
        evidence=draw(st.sampled_from(("verified", "declared"))),
        state=draw(st.sampled_from(("admitted", "admitted", "admitted", "quarantined"))),
    )


LINKS = st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(SOURCES)), max_size=4)
MARKETS = st.lists(observed(), min_size=1, max_size=60)


def market_of(observations: list[Observation], links=(), **more) -> Market:
    sources = known_sources(
        observations, known_at=KNOWN_AT, links=links, under_inquiry=more.pop("barred", ())
    )
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V2, "factors": FACTORS, **more}
    return Market(observations, sources=sources, **given)


def rows_of(market: Market) -> list[dict[str, object]]:
    return [market.price(cell).record() for cell in market.cells()]


@given(observations=MARKETS, links=LINKS, seed=st.integers(0, 2**32), own=st.sampled_from(SOURCES))
@settings(deadline=None, max_examples=60)
def test_any_market_in_any_order_and_again_from_its_snapshot_gives_the_same_bytes(
    observations, links, seed, own
):
    market = market_of(observations, links, left_out=[own])
    rows = rows_of(market)
    shuffled = list(observations)
    random.Random(seed).shuffle(shuffled)
    again = market_of(shuffled, links, left_out=[own])
    assert rows_of(again) == rows
    assert snapshot_text(again) == snapshot_text(market)
    assert [row.record() for row in recompute(snapshot_text(market))] == rows


def doubled(observations: list[Observation], whose: set[str]) -> list[Observation]:
    """Every quote of these sources once more, as another product in another region: so that none supersedes the first."""
    return observations + [
        replace(
            one, observation_no=f"{one.observation_no}-again", sku=f"{one.sku}-again", region=f"{one.region}-again"
        )
        for one in observations
        if one.source in whose and one.kind == "quote"
    ]  # fmt: skip


def test_doubling_all_quotes_of_any_source_moves_no_price_band_or_grade():
    """Of a source with all that belong to it: within a group each price of each member counts."""
    tried: Counter[str] = Counter()

    @given(observations=st.lists(observed(), min_size=30, max_size=60), links=LINKS, rank=st.integers(0, 2))
    @settings(deadline=None, max_examples=60)
    def holds(observations, links, rank):
        quoting = Counter(one.source for one in observations if one.kind == "quote").most_common()
        assume(len(quoting) > rank)
        whose = quoting[rank][0]
        before = market_of(observations, links)
        group = {name for name in SOURCES if before.sources.group(name) == before.sources.group(whose)}
        after = market_of(doubled(observations, group), links)
        for cell in before.cells():
            one, other = before.price(cell), after.price(cell)
            assert (one.base, one.lower, one.upper, one.grade, one.level, one.n_groups, one.delta1, one.delta2) == (
                other.base, other.lower, other.upper, other.grade, other.level, other.n_groups, other.delta1, other.delta2,
            )  # fmt: skip
            assert [vote.price for vote in before.votes(cell)] == [vote.price for vote in after.votes(cell)]
            counted = sum(vote.count for vote in after.votes(cell))
            tried["counted twice"] += counted > sum(vote.count for vote in before.votes(cell))

    holds()
    assert tried["counted twice"] >= 20  # the doubles were there to be counted, not superseded


PANELS = st.lists(st.integers(10_000, 24_000), min_size=5, max_size=12)
"""Prices in thousandths of five to twelve groups in one cell, none of them so far from another that it could be an outlier."""


def test_one_more_group_moves_the_price_no_further_than_to_its_neighbour():
    """Whatever it asks, and in however many quotes; where it lies too far it is dropped, and nothing moves at all."""
    tried: Counter[str] = Counter()

    @given(panel=PANELS, price=st.integers(1, 10**9), quotes=st.integers(1, 50))
    @settings(deadline=None, max_examples=60)
    def holds(panel, price, quotes):
        honest = [seen(SOURCES[place], str(Decimal(one) / 1000)) for place, one in enumerate(panel)]
        row = market_of(honest).price(CELL)
        assert (row.level, row.n_groups) == ("L0", len(panel))
        shill = [
            seen("zz", str(Decimal(price) / 1000), sku=str(n), days_ago=1, no=f"X-{n}") for n in range(quotes)
        ] + [seen("zz", "1", days_ago=150, no="X-old")]
        after = market_of([*honest, *shill]).price(CELL)
        assert after.n_groups + ("outlier" in after.exclusions) == len(panel) + 1
        ordered = sorted(Decimal(one) / 1000 for one in panel)
        place = (len(ordered) - 1) // 2
        assert ordered[place] == row.base
        neighbours = ordered[max(place - 1, 0) : place + 2]
        assert min(neighbours) <= after.base <= max(neighbours)
        tried["dropped" if "outlier" in after.exclusions else "voted"] += 1

    holds()
    assert tried["voted"] >= 10 and tried["dropped"] >= 5, tried


def test_the_bytes_do_not_hang_on_the_context_of_whoever_asks():
    observations = [seen(name, str(Decimal(19) + place / Decimal(7))) for place, name in enumerate(SOURCES)]
    observations += [seen(name, "17.123457", cell=CELLS[1]) for name in "abc"]
    rows = rows_of(market_of(observations))
    fitted = fit_factors(market_of(observations)).plain()
    with localcontext(prec=3, rounding=ROUND_UP):
        assert rows_of(market_of(observations)) == rows
        assert fit_factors(market_of(observations)).plain() == fitted


def test_a_group_with_a_member_under_inquiry_does_not_vote_whichever_member_it_is():
    observations = [seen(name, "20") for name in "abcdefg"]
    links = [("a", "b")]
    for member in ("a", "b"):
        row = market_of(observations, links, barred=[member]).price(CELL)
        assert (row.n_groups, dict(row.exclusions)) == (5, {"source.under_inquiry": 2})
    assert market_of(observations, links, barred=["zz"]).price(CELL).n_groups == 6


@pytest.mark.django_db
def test_the_shipped_file_is_priced_recomputed_and_withstands_three_colluders(capsys):
    """28,000 real rows: read once, as ``manage.py import_prices`` reads them; a second time changes nothing."""
    with acting(Actor.service("test"), "test"):
        report = prices.import_prices()
        assert (report.read, report.admitted, report.quarantined) == (27913, 27821, 92)
        second = prices.import_prices()
        assert (second.admitted, second.quarantined) == (0, 0)

    every = observations_between("reference", as_of=attack.DAY, known_at=attack.KNOWN_AT, method=REFERENCE_V2)
    honest = attack.honest_among(every)
    before = attack.priced(honest)
    assert 14 <= before.n_groups <= 18
    found = {row.groups: row for row in attack.attacks(honest)}
    with capsys.disabled():
        print("\n" + attack.table(found.values()))
    for groups in (1, 2, 3):
        assert abs(found[groups].moved) < found[groups].averages["mean"] / 10
    assert found[3].averages["mean"] > 1  # the same three groups more than double the mean
    loudest, rows_of_it = Counter(one.source for one in honest).most_common(1)[0]
    loud = attack.priced(doubled(honest, {loudest}))
    assert rows_of_it > 3 and loud.n_observations > before.n_observations
    assert (loud.base, loud.lower, loud.upper) == (before.base, before.lower, before.upper)

    market = Market(every, as_of=attack.DAY, known_at=attack.KNOWN_AT, method=REFERENCE_V2)
    market = market.by(fit_factors(market))
    rows = rows_of(market)
    assert len(rows) > 20
    assert [row.record() for row in recompute(snapshot_text(market))] == rows
    random.Random(1).shuffle(every)
    again = Market(
        every, as_of=attack.DAY, known_at=attack.KNOWN_AT, method=REFERENCE_V2, factors=market.factors
    )
    assert rows_of(again) == rows


@pytest.mark.django_db
def test_every_published_row_follows_from_the_stored_snapshot_byte_for_byte(cast):
    """Six months of the shipped file, published one after another, with what each carries from the one before."""
    months = [attack.DAY.replace(day=1) - timedelta(days=31 * back) for back in range(5, -1, -1)]
    with acting(Actor.service("test"), "test"):
        prices.import_prices()
        for month in months:
            with dates.fixed(month):
                issue = prices.compute_index(month, by=cast.policy_editor, market="reference")
                prices.propose_index(issue, by=cast.policy_editor, jump_text="标价变动已核对。")
                prices.publish_index(issue, by=cast.price_publisher, confirmation="已核对。")
    issues = PriceIndexIssue.objects.filter(market="reference", state="published")
    assert issues.count() == 6
    looked_at = 0
    for issue in issues:
        again = {row.cell.code: row for row in recompute(issue.snapshot.content)}
        for kept in PriceIndexRow.objects.filter(issue=issue):
            row = again[kept.cell]
            assert (row.record(), row.output_hash, row.computed_hash()) == (
                kept.record,
                kept.output_hash,
                kept.output_hash,
            )
            assert (row.base, row.lower, row.upper, row.grade) == (
                kept.base,
                kept.lower,
                kept.upper,
                kept.grade,
            )
            looked_at += 1
        assert len(again) == issue.rows.count()
    assert looked_at > 50
