"""METHOD v1 on cells small enough to be worked out by hand."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.vouchers.prices.makers import AS_OF, CELL, KNOWN_AT, SHANGHAI, old, seen
from vouchers.policy.fair_price import (
    METHOD_V1,
    Carry,
    Factors,
    Market,
    Method,
    Observation,
    PriceRow,
    Sources,
    affiliated_groups,
    fair_price,
    known_sources,
    recompute,
    snapshot_text,
)
from vouchers.policy.prices.factors import fit_factors

FIVE = [("a", "20"), ("b", "21"), ("c", "22"), ("d", "24"), ("e", "26")]


def five(**more) -> list[Observation]:
    return [seen(name, price, **more) for name, price in FIVE]


def price(observations, **more) -> PriceRow:
    more.setdefault("as_of", AS_OF)
    more.setdefault("known_at", KNOWN_AT)
    return fair_price(more.pop("cell", CELL), observations, **more)


def test_five_groups_worked_by_hand():
    row = price(five())
    # lower median = 3rd of 5 = 22; q25 = ceil(1.25) = 2nd = 21; q75 = ceil(3.75) = 4th = 24
    assert (row.base, row.q25, row.q75) == (Decimal(22), Decimal(21), Decimal(24))
    # D = (24 - 21) / 44 = 0.068182; k for C = 1.5: 0.102273; B(1 ± phi) = 19.749994 and 24.250006
    assert row.dispersion == Decimal("0.068182")
    assert row.phi == Decimal("0.102273")
    assert (row.lower, row.upper) == (Decimal("19.749994"), Decimal("24.250006"))
    # leaving one out the lower median of four is the 2nd: 21 or 22; leaving two out the 2nd of three: 21, 22 or 24
    assert row.delta1 == Decimal("0.045455")
    assert row.delta2 == Decimal("0.090909")
    assert (row.grade, row.level, row.n_groups, row.n_t, row.n_q, row.breakdown) == ("C", "L0", 5, 0, 5, 3)


def test_the_band_is_never_narrower_than_the_floor_nor_wider_than_the_ceiling():
    tight = price([seen(name, "20") for name in "abcde"])
    assert (tight.phi, tight.lower, tight.upper) == (Decimal("0.10"), Decimal(18), Decimal(22))
    wide = price([seen(name, str(p)) for name, p in zip("abcde", (10, 11, 20, 38, 40), strict=True)])
    assert wide.phi == Decimal("0.30")


def test_a_group_votes_once_however_often_it_quotes():
    alone = price(five())
    shouting = price(five() + [seen("e", "26", sku=f"offer {n}") for n in range(50)])
    assert (shouting.base, shouting.lower, shouting.upper, shouting.grade) == (
        alone.base, alone.lower, alone.upper, alone.grade,
    )  # fmt: skip


def test_doubling_all_quotes_of_one_source_changes_nothing():
    for name, _price in FIVE:
        observations = five()
        doubled = observations + [
            Observation.from_record([f"{o.observation_no}-again", *o.record()[1:]])
            for o in observations
            if o.source == name
        ]
        first, second = price(observations), price(doubled)
        assert (first.base, first.lower, first.upper, first.n_groups) == (
            second.base, second.lower, second.upper, second.n_groups,
        )  # fmt: skip


def test_shuffled_observations_give_the_same_bytes():
    observations = (
        five() + [seen("f", "23", kind="transaction", sku=str(n), days_ago=n) for n in range(9)] + old("f")
    )
    first = price(observations).record()
    for seed in range(20):
        random.Random(seed).shuffle(observations)
        assert price(observations).record() == first


def test_affiliated_sources_share_one_vote():
    groups = affiliated_groups([("d", "e"), ("e", "x"), ("b", "a")])
    assert groups == {"a": "a", "b": "a", "d": "d", "e": "d", "x": "d"}
    observations = [*five(), seen("f", "19"), seen("g", "27")]
    sources = known_sources(observations, known_at=KNOWN_AT, links=[("d", "e")])
    row = price(observations, sources=sources)
    # votes: f 19, a 20, b 21, c 22, {d,e} lower median of 24 and 26 = 24, g 27
    assert row.n_groups == 6
    assert row.base == Decimal(21)


def test_one_colluding_group_is_bounded_by_the_next_order_statistic():
    honest = five()
    before = price(honest)
    after = price([*honest, *(seen("shill", "1000", sku=str(n)) for n in range(50))])
    assert before.base == Decimal(22)
    assert after.base == Decimal(22)  # six votes: the 3rd
    down = price([*honest, *(seen("shill", "0.01", sku=str(n)) for n in range(50))])
    assert down.base == Decimal(21)


def test_the_parties_own_group_does_not_vote_on_their_lease():
    observations = [*five(), seen("f", "23"), seen("g", "25")]
    sources = known_sources(observations, known_at=KNOWN_AT, links=[("d", "lessor")])
    row = price(observations, sources=sources, left_out=["lessor"])
    assert row.left_out == ("d",)
    assert row.exclusions["group.own"] == 1
    assert row.n_groups == 6


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (seen("z", "20", days_ago=31), "stale"),
        (seen("z", "20", kind="transaction", days_ago=91), "stale"),
        (seen("z", "20", up_days=13), "quote.too_new"),
        (seen("z", "20", kind="transaction", evidence="declared"), "transaction.unverified"),
        (seen("z", "20", kind="transaction", days_ago=59), "group.too_new"),
        (seen("z", "20", state="quarantined", reason="unit.missing"), "unit.missing"),
        (seen("z", "20", set_aside_at=KNOWN_AT - timedelta(days=1), reason="lease.false"), "lease.false"),
        (seen("z", "20", carried_from=AS_OF - timedelta(days=40)), "stale"),
        (seen("z", "20", days_ago=40, carried_from=AS_OF + timedelta(days=40)), "stale"),
        (seen("z", "20", kind="expert"), "expert"),
    ],
)
def test_what_is_not_eligible_is_counted_with_its_reason(observation, reason):
    row = price([*five(), observation])
    assert dict(row.exclusions) == {reason: 1}
    assert row.n_groups == 5


def test_a_quote_without_a_day_since_which_it_is_bookable_does_not_vote():
    bare = seen("z", "20")
    bare = Observation.from_record([*bare.record()[:10], None, *bare.record()[11:]])
    assert price([*five(), *old("z"), bare]).exclusions["quote.not_bookable"] == 1


def test_what_was_not_known_then_does_not_exist():
    later = seen("z", "10", known_at=KNOWN_AT + timedelta(seconds=1))
    future = seen("y", "10", days_ago=-1)
    row = price([*five(), later, future])
    assert (row.n_groups, dict(row.exclusions)) == (5, {})


def test_setting_aside_later_leaves_an_earlier_decision_as_it_was():
    observations = five()
    struck = Observation.from_record(
        [*observations[4].record()[:-1], (KNOWN_AT + timedelta(days=9)).isoformat()]
    )
    assert price([*observations[:4], struck]).n_groups == 5


def test_transactions_alone_decide_when_enough_groups_have_one():
    deals = [seen(name, p, kind="transaction", days_ago=80) for name, p in FIVE]
    quotes = [seen(name, "40") for name in "fghijk"]
    row = price([*deals, *quotes, *old(*"abcde")])
    assert (row.basis, row.n_groups, row.n_t, row.base) == ("transactions", 5, 5, Decimal(22))


def test_with_too_few_transactions_each_group_votes_with_its_best_evidence():
    deals = [seen(name, p, kind="transaction", days_ago=80) for name, p in FIVE[:3]]
    quotes = [seen(name, "40") for name in "abcfg"]
    row = price([*deals, *quotes])
    assert (row.basis, row.n_t, row.n_q) == ("mixed", 3, 2)
    assert row.base == Decimal(22)  # 20 21 22 | 40 40: a, b, c vote with their deals, not with 40


def test_only_the_latest_price_of_a_product_counts():
    row = price([*five(), seen("a", "5", days_ago=20)])
    assert row.q25 == Decimal(21)
    assert row.exclusions["superseded"] == 1


def test_one_bounded_outlier_pass_and_none_below_seven_groups():
    six = [seen(name, str(p)) for name, p in zip("abcdef", (20, 20, 21, 21, 22, 100), strict=True)]
    assert price(six).n_groups == 6
    seven = price([*six, seen("g", "22")])
    assert (seven.n_groups, seven.exclusions["outlier"]) == (6, 1)


def test_when_more_than_a_fifth_would_be_dropped_none_is_and_the_cell_waits_for_confirmation():
    values = (20, 20, 21, 21, 22, 100, 110)
    row = price([seen(name, str(p)) for name, p in zip("abcdefg", values, strict=True)])
    assert row.under_confirmation
    assert row.n_groups == 7
    assert not row.decides


@pytest.mark.parametrize(
    ("quotes", "deals", "grade"),
    [(5, 0, "C"), (6, 0, "C"), (7, 0, "B"), (9, 0, "B"), (10, 0, "B"), (6, 4, "B"), (0, 10, "A")],
)
def test_grades_follow_the_number_of_groups_and_of_transactions(quotes, deals, grade):
    observations = [seen(f"q{n}", "20") for n in range(quotes)]
    for n in range(deals):
        observations += [seen(f"t{n}", "20", kind="transaction", days_ago=70)]
    assert price(observations).grade == grade


def test_a_cell_that_two_groups_can_move_by_more_than_a_tenth_loses_a_grade():
    values = (10, 12, 15, 20, 25, 30, 36)
    row = price([seen(name, str(p)) for name, p in zip("abcdefg", values, strict=True)])
    assert row.delta2 == Decimal("0.25")
    assert row.grade == "C"


def elsewhere(region_group: str = "west", term: str = "1_6m"):
    return CELL._replace(region_group=region_group, term=term)


def test_regions_are_pooled_after_dividing_by_their_factor():
    factors = Factors(region={"east": Decimal(1), "west": Decimal("0.9")})
    observations = [seen("a", "20"), seen("b", "21")]
    observations += [
        seen(name, p, cell=elsewhere()) for name, p in (("c", "18"), ("d", "19.8"), ("e", "22.5"))
    ]
    row = price(observations, factors=factors)
    assert (row.level, row.grade, row.steps) == ("L1", "D", (("L0", 2), ("L1", 5)))
    assert row.base == Decimal(21)  # 20, 20, 21, 22, 25 → the 3rd
    assert not row.decides
    assert price(observations).level == "none"  # no factor, no pooling


def test_terms_are_pooled_when_regions_do_not_suffice():
    factors = Factors(
        region={"east": Decimal(1), "west": Decimal("0.9")},
        term={"1_6m": Decimal(1), "6_24m": Decimal("0.8")},
    )
    observations = [
        seen("a", "20"),
        seen("b", "18", cell=elsewhere()),
        seen("c", "16", cell=elsewhere("east", "6_24m")),
        seen("d", "17.6", cell=elsewhere("east", "6_24m")),
        seen("e", "14.4", cell=elsewhere("west", "6_24m")),
    ]
    row = price(observations, factors=factors)
    assert (row.level, row.base) == ("L2", Decimal(20))
    assert row.steps == (("L0", 1), ("L1", 2), ("L2", 5))


def test_the_last_price_is_carried_for_six_months_at_most():
    carry = Carry(base=Decimal(20), months=6, sibling_ratio=Decimal("0.95"), from_issue="PI")
    row = price(five()[:2], carry=carry)
    assert (row.level, row.base, row.grade) == ("L5", Decimal(19), "D")
    too_old = Carry(base=Decimal(20), months=7, sibling_ratio=Decimal(1))
    assert price(five()[:2], carry=too_old).level == "none"


def test_three_independent_experts_are_the_last_resort():
    opinions = [
        seen(name, p, kind="expert", days_ago=100) for name, p in (("x", "19"), ("y", "20"), ("z", "25"))
    ]
    row = price(opinions)
    assert (row.level, row.grade, row.base) == ("L7", "E", Decimal(20))
    assert price(opinions[:2]).level == "none"


def test_without_enough_prices_there_is_no_price_rather_than_a_guess():
    row = price(five()[:4])
    assert (row.level, row.base, row.upper, row.grade) == ("none", None, None, "")
    assert row.steps == (("L0", 4),)


def test_spot_prices_and_foreign_lists_never_enter():
    spot = seen("s", "1", cell=CELL._replace(term="spot"))
    foreign = seen("u", "1", cell=CELL._replace(market="reference"))
    assert price([*five(), spot, foreign]).base == Decimal(22)


def test_a_row_is_recomputed_byte_for_byte_from_its_snapshot():
    observations = [
        *five(),
        *(seen(name, p, cell=elsewhere()) for name, p in FIVE),
        seen("k", "22", kind="expert"),
    ]
    market = Market(
        observations,
        as_of=AS_OF,
        known_at=KNOWN_AT,
        method=METHOD_V1,
        sources=known_sources(observations, known_at=KNOWN_AT, links=[("a", "b")]),
        factors=Factors(region={"east": Decimal(1), "west": Decimal("0.9")}),
        left_out=["e"],
    )
    rows = [market.price(cell) for cell in market.cells()]
    assert [row.record() for row in recompute(snapshot_text(market))] == [row.record() for row in rows]
    (one,) = recompute(snapshot_text(market, CELL), CELL)
    assert one.record() == market.price(CELL).record()
    assert one.computed_hash() == one.output_hash
    assert PriceRow.from_record(one.record()) == one


def test_a_tampered_snapshot_gives_another_hash():
    market = Market(five(), as_of=AS_OF, known_at=KNOWN_AT, method=METHOD_V1)
    text = snapshot_text(market)
    assert recompute(text.replace('"22"', '"23"'))[0].output_hash != recompute(text)[0].output_hash


def test_factors_rest_on_matched_pairs_and_never_on_few():
    observations = []
    for n in range(8):
        for group, factor in (("east", Decimal(1)), ("west", Decimal("0.9"))):
            cell = CELL._replace(accelerator=f"chip {n}", region_group=group)
            observations += [seen(f"{name}{group}", str(factor * (10 + n)), cell=cell) for name in "ab"]
    market = Market(observations, as_of=AS_OF, known_at=KNOWN_AT, method=METHOD_V1)
    assert fit_factors(market).region == {"east": Decimal(1), "west": Decimal("0.9")}
    few = [o for o in observations if o.cell.accelerator != "chip 0"]
    assert fit_factors(Market(few, as_of=AS_OF, known_at=KNOWN_AT, method=METHOD_V1)).region == {}


def test_a_version_of_the_method_is_its_parameters():
    assert Method.from_params(METHOD_V1.params()) == METHOD_V1
    with pytest.raises(ValueError, match="没有这些参数"):
        Method.from_params({"n_mni": 5})


def test_naive_instants_are_refused():
    with pytest.raises(ValueError, match="时区"):
        seen("a", "1", known_at=datetime(2025, 1, 1)).record()


def test_the_clock_of_the_sources_is_what_was_known():
    observations = [seen("a", "20", days_ago=100), seen("b", "20")]
    known = known_sources(observations, known_at=datetime(2025, 4, 1, tzinfo=SHANGHAI))
    assert known.since == {"a": date(2024, 12, 22)}


def test_the_line_that_is_hashed_tells_what_the_record_tells():
    item = seen("a", "20", kind="transaction", carried_from=AS_OF, set_aside_at=KNOWN_AT)
    assert item.line() == "|".join("" if value is None else str(value) for value in item.record())
    assert Observation.from_record(item.record()) == item


def test_a_market_without_some_sources_is_as_one_made_without_them():
    sources = Sources(group_of={"b": "a"}, since=dict.fromkeys("abcdefgh", date(2024, 1, 1)))
    observations = [seen(name, str(20 + place)) for place, name in enumerate("abcdefgh")]
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V1, "sources": sources}
    whole = Market(observations, **given)
    before = whole.price(CELL)
    own = Market(observations, **given, left_out=["b", "h"])
    assert whole.without(["b", "h"]).price(CELL) == own.price(CELL)
    assert own.price(CELL).n_groups == before.n_groups - 2  # a and b are one group
    assert whole.without(["b"]).without(["h"]).price(CELL) == own.price(CELL)
    assert whole.price(CELL) == before

    quick = Market(observations, **given, hashed=False).price(CELL)
    assert (quick.base, quick.lower, quick.upper, quick.grade) == (
        before.base,
        before.lower,
        before.upper,
        before.grade,
    )
    assert (quick.input_set_hash, quick.output_hash) == ("", "")
