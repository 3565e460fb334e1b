"""F11, F16: texts and prices of contracts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from audit.rules.base import Found
from audit.rules.f11_copied_contract import shingles, similarity
from audit.rules.facts import Facts, RowSource
from tests.audit.rules.rows import (
    LESSOR,
    D,
    answer,
    claim,
    flagged,
    lease,
    party,
)

DAY = timedelta(days=1)
SIGNED = date(2025, 2, 20)


# ---- F16 价期错配

CLAUSES = "本合同期限内双方均不得单方解除。"


def offered(short: str = "20", long: str = "15", sources: int = 5, **bend: Any) -> list[dict[str, Any]]:
    """Prices of others: on demand, and for twelve months."""
    return [
        {
            "id": n,
            "party": 50 + n % 10,
            "source": f"S{n % 10}",
            "seen_on": SIGNED,
            "accelerator": "H20",
            "tier": "cloud",
            "months": months,
            "price": D(price),
            **bend,
        }
        for first, months, price in ((0, 0, short), (10, 12, long))
        for n in range(first, first + sources)
    ]


def long_lease(
    price: str = "18.01",
    *,
    text: str = CLAUSES,
    ends: date = date(2026, 3, 1),
    offers: list[dict[str, Any]] | None = None,
    tier: str = "cloud",
    **more: Any,
) -> Found:
    fields = {"accelerator": "H20", "unit_price": D(price), "by_card_hour": True, "cards": 8, **more}
    rows = {
        "leases": [lease(ends_before=ends, **fields)],
        "claims": [claim()],
        "offers": offered() if offers is None else offers,
        "tiers": [{"id": LESSOR, "provider": LESSOR, "tier": tier}],
    }
    return answer("F16", Facts(RowSource(rows, {"document": {1: (text,)}})))


def test_f16_a_year_at_more_than_nine_tenths_of_the_short_price():
    assert flagged(long_lease(), "soft") == [1]
    assert not long_lease("18").hits


def test_f16_what_is_not_let_by_the_hour_is_counted_by_its_hours():
    hours = 8 * 24 * 365
    assert long_lease(by_card_hour=False, amount=D(hours) * D("18.01")).hits
    assert not long_lease(by_card_hour=False, amount=D(hours) * D("18")).hits


def test_f16_twelve_months_are_long_and_a_day_less_is_not():
    assert not long_lease(ends=date(2026, 2, 28)).hits  # 364 days
    assert long_lease(ends=date(2026, 3, 1)).hits


def test_f16_where_long_terms_are_not_cheaper_there_is_nothing_to_give():
    assert not long_lease(offers=offered(long="15.01")).hits


@pytest.mark.parametrize(
    "clause", ["甲方可提前三十日通知解除本合同，不承担违约责任。", "甲方可随时解除合同。", "甲方可随时退租。"]
)
def test_f16_a_lease_that_may_be_cancelled_at_will_is_a_short_one(clause: str):
    found = long_lease(text=CLAUSES + clause)
    assert not found.hits
    assert not found.untestable_claims


def test_f16_five_sources_within_180_days_of_the_same_tier():
    assert long_lease(offers=offered(sources=4)).untestable_claims == {1}
    assert long_lease(offers=offered(seen_on=SIGNED - 179 * DAY)).hits
    assert long_lease(offers=offered(seen_on=SIGNED - 180 * DAY)).untestable_claims == {1}
    assert long_lease(offers=offered(seen_on=SIGNED + DAY)).untestable_claims == {1}
    assert long_lease(tier="specialist").untestable_claims == {1}
    assert long_lease(offers=offered(party=LESSOR)).untestable_claims == {1}  # its own prices say nothing
    assert long_lease(offers=offered(source="one")).untestable_claims == {1}


def test_f16_without_a_text_nobody_knows_whether_it_may_be_cancelled():
    assert long_lease(text="").untestable_claims == {1}


# ---- F11 近似合同文本

CHARACTERS = [chr(0x4E00 + n) for n in range(3000)]


def prose(seed: int, length: int = 200) -> str:
    """A text of its own."""
    return "".join(np.random.default_rng(seed).choice(CHARACTERS, length))


def contracts(
    texts: dict[int, str], *, same_lessor: bool = False, parameters: dict[str, Any] | None = None
) -> Found:
    """Leases between strangers, with these texts."""
    leases = [lease(n, lessee=100 + n, lessor=999 if same_lessor else 200 + n) for n in texts]
    everyone = sorted({one[side] for one in leases for side in ("lessee", "lessor")})
    rows = {
        "leases": leases,
        "claims": [claim(n, lease=n) for n in texts],
        "parties": [party(n) for n in everyone],
    }
    words = {
        "document": {n: (text,) for n, text in texts.items()},
        "party": {n: (f"USCC{n}", f"第{chr(0x5000 + n)}公司") for n in everyone},
    }
    return answer("F11", Facts(RowSource(rows, words)), parameters)


OTHERS = {n: prose(n) for n in range(3, 21)}


def test_f11_one_text_under_two_pairs_of_strangers():
    assert flagged(contracts({1: prose(1), 2: prose(1), **OTHERS}), "soft") == [1, 2]
    assert not contracts({1: prose(1), 2: prose(2), **OTHERS}).hits


def test_f11_names_numbers_and_dates_do_not_hide_a_copy():
    def bent(n: int) -> str:
        return f"甲方第{chr(0x5000 + 100 + n)}公司，编号L-{n}，自2025-0{n}-01起，共{n}8卡。{prose(1)}"

    hit = contracts({1: bent(1), 2: bent(2), **OTHERS}).hits[0]
    assert hit.value == "100.0%"


def test_f11_nine_tenths_are_alike_and_less_is_not():
    whole = prose(1, 400)
    # A changed tail of n characters changes n shingles of either side.
    near, far = whole[:380] + prose(77, 20), whole[:379] + prose(77, 21)
    assert (
        similarity(shingles(whole), shingles(near)) >= D("0.9") > similarity(shingles(whole), shingles(far))
    )
    assert contracts({1: whole, 2: near, **OTHERS}).hits
    assert not contracts({1: whole, 2: far, **OTHERS}).hits


def test_f11_a_template_is_nobodys_own():
    template = prose(50, 300)
    filled = {n: template + prose(n) for n in range(1, 21)}
    assert not contracts(filled).hits  # what many have is a clause, though nobody registered it
    twins = {1: template + prose(1, 60), 2: template + prose(2, 60)}
    assert not contracts(twins, parameters={"templates": [template]}).hits
    only_template = contracts({1: template, 2: template}, parameters={"templates": [template]})
    assert only_template.untestable_claims == {1, 2}


def test_f11_a_house_form_of_one_lessor_is_honest():
    assert not contracts({1: prose(1), 2: prose(1), **OTHERS}, same_lessor=True).hits


def test_f11_40_pieces_and_20_texts_are_needed():
    short = {1: prose(1, 44), 2: prose(1, 44), **OTHERS}  # 40 pieces each
    assert contracts(short).hits
    shorter = contracts({1: prose(1, 43), 2: prose(1, 43), **OTHERS})
    assert not shorter.hits
    assert shorter.untestable_claims == {1, 2}
    few = {n: text for n, text in {1: prose(1), 2: prose(1), **OTHERS}.items() if n < 20}
    assert contracts(few).untestable_claims == set(few)


def test_f11_without_a_text_nothing_can_be_said():
    words = {"document": {1: ("",)}}
    assert answer(
        "F11", Facts(RowSource({"leases": [lease()], "claims": [claim()]}, words))
    ).untestable_claims == {1}
