"""METHOD v2: the whole ladder. Other forms, the tiers next door and chips of the same generation, each worked by hand."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.vouchers.prices.makers import AS_OF, CELL, KNOWN_AT, seen
from vouchers.policy.fair_price import (
    METHOD_V1,
    METHOD_V2,
    Carry,
    Factors,
    Market,
    Method,
    Observation,
    PriceRow,
    auditor_sentence,
    fair_price,
    reach_of,
    recompute,
    snapshot_text,
    verdict,
)
from vouchers.policy.prices.factors import fit_factors
from vouchers.policy.prices.ladder import adjacent_tiers, shipped_generations
from vouchers.policy.prices.prose import prose_of

FORMS = {"SXM": Decimal(1), "PCIe": Decimal("0.8")}
TIERS = {"specialist": Decimal(1), "cloud": Decimal(2), "marketplace": Decimal("0.5")}
PCIE = CELL._replace(form_factor="PCIe")
CLOUD, MARKET = CELL._replace(tier="cloud"), CELL._replace(tier="marketplace")
H20 = CELL._replace(accelerator="H20")
H800 = CELL._replace(accelerator="H800")
TWO = [("a", "20"), ("b", "21")]


def price(observations: list[Observation], *, method: Method = METHOD_V2, **more) -> PriceRow:
    cell = more.pop("cell", CELL)
    return fair_price(cell, observations, as_of=AS_OF, known_at=KNOWN_AT, method=method, **more)


def two() -> list[Observation]:
    return [seen(name, p) for name, p in TWO]


def test_other_forms_are_pooled_by_their_factor_when_regions_and_terms_do_not_suffice():
    observations = two() + [seen(name, p, cell=PCIE) for name, p in (("c", "16"), ("d", "17.6"), ("e", "20"))]
    row = price(observations, factors=Factors(form=FORMS))
    assert (row.level, row.grade, row.steps) == ("L3", "D", (("L0", 2), ("L3", 5)))
    assert row.base == Decimal(21)  # 20, 20, 21, 22, 25: the 3rd
    assert "合并其他形态" in auditor_sentence(row)
    assert price(observations).level == "L6"  # no factor, no pooling of forms: then by what the cards compute


def test_a_form_that_nobody_stated_is_pooled_with_none():
    unsaid = CELL._replace(form_factor="")
    observations = two() + [seen(name, "20", cell=unsaid) for name in "cde"]
    assert price(observations, factors=Factors(form=FORMS)).level == "none"


def test_the_tier_next_door_is_borrowed_last_and_only_next_door():
    cloud = [seen(name, p, cell=CLOUD) for name, p in (("c", "40"), ("d", "44"), ("e", "50"))]
    row = price(two() + cloud, factors=Factors(form=FORMS, tier=TIERS))
    assert (row.level, row.grade, row.base) == ("L4", "D", Decimal(21))
    assert row.steps == (("L0", 2), ("L4", 5))
    assert adjacent_tiers("cloud") == ("specialist",)
    assert adjacent_tiers("specialist") == ("cloud", "marketplace")
    far = [replace(one, cell=MARKET) for one in two()] + cloud
    assert price(far, cell=MARKET, factors=Factors(tier=TIERS)).level == "none"  # two tiers away


def test_each_step_adds_to_the_one_before_and_is_recorded():
    west = CELL._replace(region_group="west")
    factors = Factors(
        region={"east": Decimal(1), "west": Decimal("0.9")},
        term={"1_6m": Decimal(1), "6_24m": Decimal("0.8")},
        form=FORMS,
        tier=TIERS,
    )
    observations = [
        seen("a", "20"),
        seen("b", "18", cell=west),
        seen("c", "16", cell=CELL._replace(term="6_24m")),
        seen("d", "16", cell=PCIE),
        seen("e", "23.04", cell=PCIE._replace(tier="cloud", region_group="west", term="6_24m")),
    ]
    row = price(observations, factors=factors)
    assert row.steps == (("L0", 1), ("L1", 2), ("L2", 3), ("L3", 4), ("L4", 5))
    assert (row.base, row.level) == (Decimal(20), "L4")  # 23.04 / 0.9 / 0.8 / 0.8 / 2 is 20 as well


def test_chips_of_the_same_generation_are_compared_by_what_they_compute():
    # Hopper at FP16 dense: H100 SXM and H800 0.989 PFLOPS, H20 0.148
    hopper = shipped_generations(METHOD_V2)
    assert (hopper["H100", "SXM"].pflops, hopper["H20", "SXM"].pflops) == (Decimal("0.989"), Decimal("0.148"))
    h800 = [seen(name, p, cell=H800) for name, p in (("c", "19"), ("d", "22"))]
    row = price(two() + h800 + [seen("e", "2.96", cell=H20)])
    assert (row.level, row.grade, row.steps) == ("L6", "D", (("L0", 2), ("L6", 5)))
    assert row.base == Decimal(20)  # 19, 19.78 (2.96 × 0.989 ÷ 0.148), 20, 21, 22: the 3rd
    assert (row.q25, row.q75) == (Decimal("19.78"), Decimal(21))
    assert "同代芯片" in auditor_sentence(row)


def test_another_generation_another_tier_and_chips_without_a_figure_do_not_enter():
    others = [
        seen("c", "20", cell=CELL._replace(accelerator="B200")),
        seen("d", "20", cell=H800._replace(tier="cloud")),
        seen("e", "20", cell=CELL._replace(accelerator="BR106", form_factor="PCIe")),
    ]
    assert price(two() + others).level == "none"
    lone = CELL._replace(accelerator="BR106", form_factor="PCIe")
    assert price([seen("a", "5", cell=lone)], cell=lone).steps == (("L0", 1),)


def test_another_term_enters_the_generation_by_its_factor_only():
    long = H800._replace(term="6_24m")
    observations = two() + [seen(name, "16", cell=long) for name in "cde"]
    assert price(observations).level == "none"
    row = price(observations, factors=Factors(term={"1_6m": Decimal(1), "6_24m": Decimal("0.8")}))
    assert (row.level, row.base) == ("L6", Decimal(20))


def test_the_last_price_goes_before_the_generation_and_the_experts_after_it():
    h800 = [seen(name, "22", cell=H800) for name in "cde"]
    carry = Carry(base=Decimal(19), months=6, sibling_ratio=Decimal(1), from_issue="PI")
    assert price(two() + h800, carry=carry).level == "L5"
    worn = replace(carry, months=7)
    assert price(two() + h800, carry=worn).steps == (("L0", 2), ("L5", 7), ("L6", 5))
    opinions = [seen(name, "20", kind="expert") for name in "xyz"]
    row = price(two() + h800[:1] + opinions)
    assert (row.level, row.grade, row.steps) == ("L7", "E", (("L0", 2), ("L6", 3), ("L7", 3)))


@pytest.mark.parametrize("above_band", ["refuse", "cut", "review"])
def test_what_falls_back_never_decides(above_band):
    row = price(two() + [seen(name, "22", cell=H800) for name in "cde"])
    assert verdict(Decimal(99), row, above_band).consequence == "review"


def everywhere() -> list[Observation]:
    cells = (CELL, PCIE, CLOUD, H20, H800, CELL._replace(region_group="west"), CELL._replace(term="6_24m"))
    return [
        seen(f"{name}{place % 3}", str(18 + place + len(name)), cell=cell)
        for place, cell in enumerate(cells)
        for name in ("k", "ll")
    ]


FACTORS = Factors(
    region={"east": Decimal(1), "west": Decimal("0.913")},
    term={"1_6m": Decimal(1), "6_24m": Decimal("0.817")},
    form=FORMS,
    tier=TIERS,
)


def test_rows_of_every_step_are_recomputed_byte_for_byte_also_from_a_cells_own_snapshot():
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V2, "factors": FACTORS}
    market = Market(everywhere(), **given)
    rows = {row.cell: row.record() for row in map(market.price, market.cells())}
    assert {row["level"] for row in rows.values()} & {"L3", "L4", "L6"}
    assert {row.cell: row.record() for row in recompute(snapshot_text(market))} == rows
    for cell in market.cells():
        (one,) = recompute(snapshot_text(market, cell), cell)
        assert one.record() == rows[cell]
        assert fair_price(cell, everywhere_as(market), **given).record() == rows[cell]


def everywhere_as(market: Market) -> list[Observation]:
    """The same observations in another order."""
    shuffled = market.observations()
    random.Random(7).shuffle(shuffled)
    return shuffled


def test_doubling_the_quotes_of_one_source_changes_no_price_of_any_step():
    observations = everywhere()
    doubled = observations + [
        replace(one, observation_no=f"{one.observation_no}-again")
        for one in observations
        if one.source == "k1"
    ]
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V2, "factors": FACTORS}
    one, other = Market(observations, **given), Market(doubled, **given)
    for cell in one.cells():
        before, after = one.price(cell), other.price(cell)
        assert (before.base, before.upper, before.n_groups) == (after.base, after.upper, after.n_groups)


def test_the_reach_of_a_cell_is_what_its_price_can_rest_on():
    chips = shipped_generations(METHOD_V2)
    near = reach_of(METHOD_V2, CELL, chips)
    assert H20.family in near and PCIE.family in near and PCIE._replace(tier="cloud").family in near
    assert H20._replace(tier="cloud").family not in near
    assert CELL._replace(accelerator="B200").family not in near
    assert near.accelerators >= {"H100", "H20", "H800"} and near.tiers == {
        "specialist",
        "cloud",
        "marketplace",
    }
    first = reach_of(METHOD_V1, CELL, shipped_generations(METHOD_V1))
    assert CELL.family in first and PCIE.family not in first and H20.family not in first


def test_the_first_version_stays_what_it_was():
    observations = two() + [seen(name, "22", cell=H800) for name in "cde"]
    row = price(observations, method=METHOD_V1, factors=Factors(form=FORMS, tier=TIERS))
    assert (row.level, row.steps) == ("none", (("L0", 2),))
    assert (
        "ladder" not in METHOD_V1.params()
    )  # its parameters, and so its hash, are those that were published
    assert METHOD_V1.params_hash == "2c2d87ba7eb5c7eab8fc27a4bc7723f2eec32c591c2458cd4a48c67e91d02508"
    assert Method.from_params(METHOD_V2.params()) == METHOD_V2
    assert Factors().plain() == {"region": {}, "term": {}, "source": ""}
    assert Factors.from_plain(FACTORS.plain()) == FACTORS
    assert "L3" not in prose_of(METHOD_V1) and "相邻类别供应方（L4）" in prose_of(METHOD_V2)


def test_factors_of_forms_and_tiers_come_from_matched_pairs_and_from_enough_of_them():
    terms = ("to_1m", "1_6m", "6_24m", "over_24m")
    quotes = [
        seen(name, str(Decimal(price_) * factor), cell=cell._replace(term=term, region_group=region))
        for term in terms
        for region in ("east", "west")
        for cell, factor in ((CELL, Decimal(1)), (PCIE, Decimal("0.8")), (CLOUD, Decimal(2)))
        for name, price_ in TWO
    ]
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V2}
    fitted = fit_factors(Market(quotes, **given))
    assert fitted.form == {"SXM": Decimal(1), "PCIe": Decimal("0.800000")}
    assert fitted.tier == {"specialist": Decimal(1), "cloud": Decimal("2.000000")}
    few = fit_factors(Market([one for one in quotes if one.cell.term != "to_1m"], **given))
    assert (few.form, few.tier) == ({}, {})  # six pairs of eight
    assert fit_factors(Market(quotes, as_of=AS_OF, known_at=KNOWN_AT, method=METHOD_V1)).form == {}


def test_a_market_by_other_factors_is_as_one_made_so():
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V2}
    observations = everywhere()
    carry = {CELL.code: Carry(base=Decimal(19), months=1, sibling_ratio=Decimal(1))}
    plain = Market(observations, **given)
    bare = [plain.price(cell).record() for cell in plain.cells()]
    by, made = plain.by(FACTORS, carry), Market(observations, factors=FACTORS, carries=carry, **given)
    assert [by.price(cell).record() for cell in by.cells()] == [
        made.price(cell).record() for cell in made.cells()
    ]
    assert snapshot_text(by) == snapshot_text(made)
    assert (
        [plain.price(cell).record() for cell in plain.cells()]
        == bare
        != [by.price(c).record() for c in by.cells()]
    )
