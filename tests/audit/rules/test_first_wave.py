"""F11, F16, F20, F22, F23, F25, F29: what they see, what they leave alone, and that every threshold is where it is said to be."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from audit.rules import RULES
from audit.rules.base import Found
from audit.rules.f11_copied_contract import shingles, similarity
from audit.rules.facts import RELATIONS, Facts, RowSource
from tests.audit.rules.rows import (
    LESSEE,
    LESSOR,
    OTHER,
    THIRD,
    D,
    claim,
    facts,
    flagged,
    instant,
    invoice,
    lease,
    only,
    party,
    run,
)

DAY = timedelta(days=1)
SIGNED = date(2025, 2, 20)


# ---- F22 新设主体


def founded(before: int, **more: Any) -> Found:
    return run("F22", parties=[party(LESSEE, registered_on=SIGNED - before * DAY), party(LESSOR)], **more)


def test_f22_founded_180_days_before_signing_is_new_and_181_is_not():
    assert flagged(founded(180), "soft") == [1]
    assert flagged(founded(0), "soft") == [1]
    assert not founded(181).hits


def test_f22_founded_after_signing_is_another_matter():
    assert not founded(-1).hits


def test_f22_shortly_before_the_voucher_counts_as_well():
    late = [claim(voucher_on=SIGNED + 30 * DAY)]
    assert flagged(founded(-30, claims=late), "soft") == [1]
    assert not founded(-31, claims=late).hits


def test_f22_points_are_doubled_for_a_lessor_with_no_other_business():
    parties = [party(LESSEE), party(LESSOR, registered_on=SIGNED - 10 * DAY)]
    under = [lease(program="GZ"), lease(2, program="GZ", lessee=OTHER), lease(3, program="SZ")]
    three = [invoice(n) for n in (1, 2, 3)]
    assert only(run("F22", parties=parties, leases=under, invoices=three)).points == 4
    assert only(run("F22", parties=parties, leases=under, invoices=three[:2])).points == 2  # too few to say
    elsewhere = [*three[:2], invoice(3, lease=3)]
    assert only(run("F22", parties=parties, leases=under, invoices=elsewhere)).points == 2
    without = [*three[:2], invoice(3, lease=None)]
    assert only(run("F22", parties=parties, leases=under, invoices=without)).points == 2


def test_f22_never_goes_beyond_pass_by_itself_and_is_untestable_without_a_day():
    assert founded(1).hits[0].points < 5
    assert run("F22").untestable_claims == {1}


# ---- F23 单一客户供应商


def sales(*amounts: tuple[int, str], gap: int = 36, **more: Any) -> Found:
    """Invoices of the lessor to these buyers, ``gap`` days apart; only lease 1 is claimed on."""
    rows = [
        invoice(
            n, net=D(net), buyer=f"USCC{buyer}", lease=2, issued_on=date(2025, 1, 1) + (n - 1) * gap * DAY
        )
        for n, (buyer, net) in enumerate(amounts, 1)
    ]
    leases = [lease(), lease(2, lessee=THIRD)]
    return run("F23", **{"invoices": rows, "leases": leases, **more})


MOSTLY = [(LESSEE, "80"), (OTHER, "5"), (OTHER, "5"), (OTHER, "5"), (OTHER, "5"), (LESSEE, "0.01")]


def test_f23_four_fifths_from_one_customer():
    assert flagged(sales(*MOSTLY), "soft") == [1]
    less = [(LESSEE, "79.98"), *MOSTLY[1:-1], (OTHER, "0.02")]
    assert not sales(*less).hits


def test_f23_customers_of_one_group_are_one_customer():
    half = [(LESSEE, "40"), (OTHER, "40"), (THIRD, "7"), (THIRD, "7"), (THIRD, "6"), (THIRD, "0")]
    linked = [party(LESSEE, phone="1"), party(LESSOR), party(OTHER, phone="1"), party(THIRD)]
    assert not sales(*half[:5], gap=45).hits
    assert flagged(sales(*half[:5], gap=45, parties=linked), "soft") == [1]


def test_f23_five_invoices_over_180_days_are_needed():
    five = [(LESSEE, "80"), (OTHER, "5"), (OTHER, "5"), (OTHER, "5"), (OTHER, "5")]
    assert sales(*five, gap=45).hits  # 180 days from the first to the last
    short = sales(*five, gap=44)
    assert not short.hits
    assert short.untestable_claims == {1}
    assert sales(*five[:4], gap=90).untestable_claims == {1}


def test_f23_a_declared_branch_is_a_regional_centre():
    centre = [
        {"id": 1, "party": LESSOR, "other": THIRD, "relation": RELATIONS["branch"], "declared_on": SIGNED}
    ]
    assert not sales(*MOSTLY, declared=centre).hits
    other = [{**centre[0], "relation": RELATIONS["agent"]}]
    assert sales(*MOSTLY, declared=other).hits


def test_f23_living_on_the_subsidy():
    def spread(subsidised: str, rest: str) -> Found:
        nets = [subsidised, rest, "0.01", "0.01", "0.01"]
        buyers = [LESSEE, OTHER, LESSEE, OTHER, LESSEE]
        rows = [
            invoice(
                n,
                net=D(net),
                buyer=f"USCC{buyer}",
                lease=1 if n == 1 else None,
                issued_on=date(2025, 1, 1) + n * 45 * DAY,
            )
            for n, (net, buyer) in enumerate(zip(nets, buyers, strict=True), 1)
        ]
        return run("F23", {"customer_percent": 100}, invoices=rows)

    assert flagged(spread("95.03", "4.97"), "soft") == [1]
    assert not spread("94.97", "5.03").hits


def test_f23_red_letters_are_no_revenue():
    rows = [
        invoice(n, net=D("10"), issued_on=date(2025, 1, 1) + n * 50 * DAY, status=1 if n > 4 else 0)
        for n in range(1, 6)
    ]
    assert run("F23", invoices=rows).untestable_claims == {1}


# ---- F25 发票环


def ring(*edges: tuple[int, int, str, int], parameters: dict[str, Any] | None = None, **more: Any) -> Found:
    """Invoices (seller, buyer, net, days after 1 March); leases from 1 to its lessor as in the honest case."""
    rows = [
        invoice(
            n,
            seller=f"USCC{seller}",
            buyer=f"USCC{buyer}",
            net=D(net),
            issued_on=date(2025, 3, 1) + after * DAY,
            compute=True,
            lease=1 if (seller, buyer) == (LESSOR, LESSEE) else None,
            **more,
        )
        for n, (seller, buyer, net, after) in enumerate(edges, 1)
    ]
    return run("F25", parameters, invoices=rows)


ROUND = [(LESSOR, LESSEE, "100000", 0), (LESSEE, OTHER, "95000", 20), (OTHER, LESSOR, "98000", 50)]


def test_f25_invoices_that_come_back_to_where_they_began():
    hit = only(ring(*ROUND))
    assert hit.claim == 1
    assert sorted(hit.ties) == [LESSEE, LESSOR, OTHER]
    assert not ring(*ROUND[:2]).hits


def test_f25_the_smallest_is_half_of_the_largest_and_50000_yuan():
    def three(largest: str, smallest: str) -> Found:
        return ring((LESSOR, LESSEE, largest, 0), (LESSEE, OTHER, "95000", 20), (OTHER, LESSOR, smallest, 50))

    assert three("100000", "50000").hits
    assert not three("100000", "49999.99").hits
    assert not three("100000.02", "50000").hits
    assert not three("95000", "49999.99").hits  # more than half, and less than 50,000 yuan


def test_f25_two_peers_are_a_ring_only_when_the_sums_are_all_but_the_same():
    assert flagged(ring(ROUND[0], (LESSEE, LESSOR, "80000", 9)), "soft") == [1]
    assert not ring(ROUND[0], (LESSEE, LESSOR, "79999.99", 9)).hits


def test_f25_within_120_days():
    assert ring(*ROUND[:2], (OTHER, LESSOR, "98000", 120)).hits
    assert not ring(*ROUND[:2], (OTHER, LESSOR, "98000", 121)).hits


def test_f25_five_parties_and_no_more():
    def chain(length: int) -> Found:
        members = [LESSOR, LESSEE, *range(10, 10 + length - 2)]
        rows = [
            invoice(
                n,
                seller=f"USCC{one}",
                buyer=f"USCC{members[n % length]}",
                compute=True,
                lease=1 if n == 1 else None,
            )
            for n, one in enumerate(members, 1)
        ]
        return run("F25", invoices=rows, parties=[party(one) for one in members])

    assert flagged(chain(5), "soft") == [1]
    assert not chain(6).hits


@pytest.mark.parametrize("bend", [{"status": 1}, {"status": 2}, {"red_of": "no9"}])
def test_f25_red_and_voided_invoices_close_no_ring(bend: dict[str, Any]):
    assert not ring(*ROUND, **bend).hits


def test_f25_electricity_and_software_are_no_computing_power():
    rows = [
        invoice(1, compute=True),
        invoice(2, seller=f"USCC{LESSEE}", buyer=f"USCC{LESSOR}", compute=False, lease=None),
    ]
    assert not run("F25", invoices=rows).hits


def test_f25_without_an_invoice_nothing_can_be_said():
    assert run("F25", invoices=[]).untestable_claims == {1}


# ---- F29 申报终端同源


def filed(*hours: float, traces: dict[int, str] | None = None, **more: Any) -> Found:
    """One claim of each of so many enterprises, from one device, so many hours after the first."""
    start = instant(date(2025, 6, 2))
    filings = [
        {
            "id": n,
            "enterprise": n,
            "filed_at": start + int(after * 3_600_000_000),
            "device": (traces or {}).get(n, "laptop"),
            "claim": n,
            "program": "GZ",
        }
        for n, after in enumerate(hours, 1)
    ]
    count = range(1, len(hours) + 1)
    return run(
        "F29",
        **{
            "filings": filings,
            "claims": [claim(n, enterprise=n) for n in count],
            "parties": [party(n) for n in count],
            **more,
        },
    )


def test_f29_four_strangers_from_one_device_within_72_hours():
    assert flagged(filed(0, 10, 20, 72), "soft") == [1, 2, 3, 4]
    assert not filed(0, 10, 20, 72.01).hits
    assert not filed(0, 10, 20).hits


def test_f29_what_lies_outside_the_window_is_not_flagged():
    assert flagged(filed(0, 10, 20, 30, 500), "soft") == [1, 2, 3, 4]


def test_f29_a_group_that_files_from_one_desk_is_one():
    linked = [party(1, phone="1"), party(2, phone="1"), party(3), party(4)]
    assert not filed(0, 1, 2, 3, parties=linked).hits


def test_f29_a_registered_agency_is_no_common_hand():
    agent = [{"id": 1, "party": 1, "other": 9, "relation": RELATIONS["agent"], "declared_on": SIGNED}]
    assert not filed(0, 1, 2, 3, declared=agent).hits


def test_f29_a_public_terminal_is_a_hub():
    assert len(filed(*range(8)).hits) == 8
    assert not filed(*range(9)).hits


def test_f29_one_phone_on_the_applications_tells_of_the_claims():
    start = instant(date(2025, 1, 2))
    applied = [
        {"id": -n, "enterprise": n, "filed_at": start, "phone": "139", "program": "GZ"} for n in (1, 2, 3, 4)
    ]
    claims = [claim(1, enterprise=1, program="GZ"), claim(2, enterprise=2, program="SZ")]
    assert flagged(run("F29", filings=applied, claims=claims), "soft") == [1]


def test_f29_without_device_and_phone_nothing_can_be_said():
    assert run("F29").untestable_claims == {1}
    assert filed(0, 1, 2, 3, traces={1: ""}).untestable_claims == {1}


# ---- F20 用量造假

START = date(2025, 3, 3)  # a Monday


def metered(values: list[float], lease_id: int = 1, start: date = START) -> list[dict[str, Any]]:
    return [
        {"id": lease_id * 1000 + n, "lease": lease_id, "day": start + n * DAY, "hours": round(value * 10_000)}
        for n, value in enumerate(values)
    ]


def use(*series: list[dict[str, Any]], parameters: dict[str, Any] | None = None, **more: Any) -> Found:
    leases = [lease(n, cards=8, lessee=n, **more) for n in range(1, len(series) + 1)]
    claims = [claim(n, lease=n) for n in range(1, len(series) + 1)]
    return run(
        "F20", parameters, leases=leases, claims=claims, daily=[row for some in series for row in some]
    )


def worked(days: int, seed: int = 1) -> list[float]:
    """Honest use of eight cards: less at weekends, never twice the same."""
    drawn = np.random.default_rng(seed).uniform(0.5, 0.9, days)
    return [round(192 * u * (0.6 if n % 7 >= 5 else 1), 4) for n, u in enumerate(drawn)]


def test_f20_honest_use_shows_no_sign():
    assert not use(metered(worked(60)), parameters={"least_signs": 1}).hits


def test_f20_ten_days_alike_are_one_sign_and_nine_are_none():
    one = {"least_signs": 1}
    assert only(use(metered([*worked(30), *[101.1234] * 10]), parameters=one)).value == "1 种"
    assert not use(metered([*worked(30), *[101.1234] * 9]), parameters=one).hits
    assert not use(metered([*worked(30), *[101.1234] * 10])).hits  # one sign is not enough


def test_f20_another_lessees_curve_shifted_in_time():
    copied = metered(worked(40), 2, START + 17 * DAY)
    assert flagged(use(metered(worked(40)), copied, parameters={"least_signs": 1}), "soft") == [1, 2]
    assert not use(metered(worked(40)), metered(worked(40, 2), 2), parameters={"least_signs": 1}).hits
    own = [lease(1, cards=8), lease(2, cards=8)]
    again = [*metered(worked(40)), *copied]
    assert not run("F20", {"least_signs": 1}, leases=own, daily=again).hits  # a renewal of one's own


def test_f20_two_signs_flag():
    flat = [101.1234] * 40  # all alike, and no weekend
    hit = only(use(metered(flat)))
    assert hit.claim == 1
    assert hit.value == "2 种"
    assert not use(metered(flat), parameters={"least_signs": 3}).hits


def test_f20_a_saturated_training_job_shows_one_sign_only():
    busy = [round(192 * (0.992 + (n * 7 % 11) / 5000), 4) for n in range(60)]
    assert not use(metered(busy)).hits
    assert only(use(metered(busy), parameters={"least_signs": 1})).value == "1 种"


def test_f20_metering_by_allocation_is_no_use():
    assert not use(metered([192.0] * 60), parameters={"least_signs": 1}).hits


def test_f20_use_before_the_lease_begins():
    early = metered(worked(30), start=date(2025, 2, 28))
    assert only(use(early, parameters={"least_signs": 1})).value == "1 种"
    assert not use(metered(worked(30), start=date(2025, 3, 1)), parameters={"least_signs": 1}).hits


def test_f20_ten_days_are_needed():
    assert use(metered([101.1234] * 9)).untestable_claims == {1}
    assert not use(metered([101.1234] * 10)).untestable_claims
    assert run("F20").untestable_claims == {1}


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
    return RULES["F16"].run(Facts(RowSource(rows, {"document": {1: (text,)}})))


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
    return RULES["F11"].run(Facts(RowSource(rows, words)), parameters)


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
    assert RULES["F11"].run(
        Facts(RowSource({"leases": [lease()], "claims": [claim()]}, words))
    ).untestable_claims == {1}


# ---- all of them


@pytest.mark.parametrize("rule", ["F11", "F16", "F20", "F22", "F23", "F25", "F29"])
def test_a_contract_that_is_no_lease_of_computing_power_is_not_testable(rule: str):
    """A data product, a deployment or an investment is claimed without a lease, as the facts have it."""
    found = run(rule, claims=[claim(lease=None)], leases=[], invoices=[])
    assert found.untestable_claims == {1}
    assert not found.hits


@pytest.mark.parametrize("rule", ["F11", "F16", "F20", "F23", "F25", "F29"])
def test_what_needs_everything_is_not_testable_beside_one_case(rule: str):
    near = facts()
    near.whole = False
    assert RULES[rule].run(near).untestable_claims == {1}
