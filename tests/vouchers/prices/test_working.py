"""The working of a price: the same row, every candidate's fate, every group's weight; by no second computation."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from tests.vouchers.prices.makers import AS_OF, CELL, KNOWN_AT, old, seen
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.market import Market
from vouchers.policy.prices.working import working_of

NAMES = ("a", "b", "c", "d", "e", "f", "g")


def market(observations, **more):
    sources = more.pop("sources", None) or fp.known_sources(
        observations, known_at=KNOWN_AT, links=more.pop("links", ())
    )
    return Market(observations, as_of=AS_OF, known_at=KNOWN_AT, method=fp.METHOD_V2, sources=sources, **more)


def seven(*more):
    prices = ("10", "11", "12", "13", "14", "15", "16")
    return [*old(*NAMES), *(seen(name, price) for name, price in zip(NAMES, prices, strict=True)), *more]


def test_the_working_ends_in_the_row_of_the_price_itself():
    there = market(seven())
    assert working_of(there, CELL).row == there.price(CELL)
    assert [step.level for step in working_of(there, CELL).steps] == ["L0"]


def test_every_candidate_has_one_fate_and_the_counts_are_the_rows():
    there = market(
        seven(
            seen("a", "9.5", days_ago=9),  # replaced by a's later one
            seen("h", "12", up_days=3),  # not bookable for long enough
            seen("b", "11.2", kind="transaction", sku="x"),  # b votes by its transaction
        )
    )
    working = working_of(there, CELL)
    counts = Counter(fate.outcome for fate in working.fates)
    assert len(working.fates) == len(there.observations())
    assert counts["votes"] == working.row.n_observations == 7
    assert counts["superseded"] == working.row.exclusions["superseded"] == 1
    assert counts["kind.passed_over"] == 1
    assert counts["stale"] == working.row.exclusions["stale"] == 7
    assert counts["quote.too_new"] == working.row.exclusions["quote.too_new"] == 1


def test_what_changes_without_a_group_is_the_price_of_the_market_without_it():
    observations = seven()
    working = working_of(market(observations), CELL)
    assert working.row.base == Decimal(13)
    for group in working.groups:
        assert group.without == market(observations, left_out=[group.group]).price(CELL)
    changes = {group.group: group.change for group in working.groups}
    assert changes["g"] == Decimal("-0.076923")  # without the dearest the middle is 12
    assert max(abs(change) for change in changes.values()) == working.row.delta1


def test_affiliated_sources_are_told_as_one_group_with_its_members():
    working = working_of(market(seven(), links=[("a", "b")]), CELL)
    assert [(group.group, group.members) for group in working.merged] == [("a", ("a", "b"))]
    assert len(working.groups) == 6


def test_a_group_that_the_outlier_pass_dropped_is_told_with_how_far_it_was():
    working = working_of(market(seven(seen("h", "200"), *old("h"))), CELL)
    (odd,) = [group for group in working.groups if group.dropped]
    assert odd.group == "h"
    assert odd.deviation > working.limit
    assert [fate.outcome for fate in odd.fates] == ["outlier"]
    assert odd.without.base == working.row.base  # it did not vote


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_are_told_without_a_price(count):
    working = working_of(market([*old(*NAMES), *(seen(name, "10") for name in NAMES[:count])]), CELL)
    assert working.row.level == "none"
    assert len(working.groups) == count
    assert all(group.without is None for group in working.groups)


def test_pooled_regions_are_told_with_their_factors():
    south = CELL._replace(region_group="south")
    factors = fp.Factors(region={"east": Decimal(1), "south": Decimal("0.5")})
    there = market(
        [
            *old(*NAMES),
            *(seen(name, "10") for name in NAMES[:3]),
            *(seen(name, "5", cell=south) for name in NAMES[3:]),
        ],
        factors=factors,
    )
    working = working_of(there, CELL)
    assert working.row.level == "L1"
    assert [(step.level, step.groups) for step in working.steps] == [("L0", 3), ("L1", 7)]
    assert dict(working.steps[1].pool) == {CELL: Decimal(1), south: Decimal(2)}
    assert {fate.price for group in working.groups for fate in group.fates} == {Decimal(10)}


def test_experts_vote_last():
    there = market(
        [
            *old(*NAMES),
            *(seen(name, price, kind="expert") for name, price in (("a", "9"), ("b", "10"), ("c", "12"))),
        ]
    )
    working = working_of(there, CELL)
    assert (working.row.level, [group.vote.kind for group in working.groups]) == ("L7", ["expert"] * 3)
    assert {fate.outcome for group in working.groups for fate in group.fates} == {"votes"}


def test_the_file_of_the_working_is_plain():
    plain = working_of(market(seven()), CELL).plain()
    assert plain["row"]["output_hash"]
    assert plain["groups"][0]["without_it"]["base"] == "13"
    assert {entry["outcome_word"] for entry in plain["observations"]} == {"采用", "已过期"}
