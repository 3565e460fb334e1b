"""F22, F23, F25, F29: parties and their links: what they see, what they leave alone, where every threshold is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from audit.rules.base import Found
from audit.rules.facts import RELATIONS
from tests.audit.rules.rows import (
    LESSEE,
    LESSOR,
    OTHER,
    THIRD,
    D,
    claim,
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
