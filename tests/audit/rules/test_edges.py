"""The edges that the tests of each rule leave out: its points as it ships, and both sides of every threshold."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from audit.rules.f12_split_contracts import THRESHOLDS
from audit.rules.f24_affiliated_parties import POINTS
from tests.audit.rules.rows import (
    LESSEE,
    LESSOR,
    OTHER,
    THIRD,
    D,
    claim,
    flagged,
    holding,
    invoice,
    item,
    lease,
    let,
    only,
    party,
    run,
)
from tests.audit.rules.test_contracts import OTHERS, contracts, long_lease, prose
from tests.audit.rules.test_f24 import parties
from tests.audit.rules.test_hard_set import TWO_PROGRAMS, capacity, citing, listed, sold
from tests.audit.rules.test_hard_set import metered as metered_by_platform
from tests.audit.rules.test_hard_set import transfer as cited_transfer
from tests.audit.rules.test_metering import metered, use
from tests.audit.rules.test_parties import MOSTLY, ROUND, filed, ring, sales
from tests.audit.rules.test_soft_set import (
    decided,
    housed,
    numbered,
    office,
    registered,
    split,
    transfer,
    trip,
)

DAY = timedelta(days=1)
MARCH = date(2025, 3, 1)


def points(found: Any) -> set[Decimal | None]:
    """The points of its soft hits."""
    return {hit.points for hit in found.hits if hit.severity == "soft"}


def test_f02_eight_points():
    assert points(numbered("25112000001855305311", "25112000001055305311")) == {8}


def test_f05_half_of_the_shorter_time_to_the_day():
    leases, claims = [lease(1), lease(2)], [TWO_PROGRAMS[0], {**TWO_PROGRAMS[1], "lease": 2}]

    def overlapping(days: int) -> Any:
        start = MARCH + (100 - days) * DAY
        times = [let(1, 1, "A", MARCH, MARCH + 99 * DAY), let(2, 2, "A", start, start + 99 * DAY)]
        return run("F05", claims=claims, leases=leases, items=[item(1), item(2)], lease_devices=times)

    assert flagged(overlapping(50)) == [2]
    assert not overlapping(49).hits


def test_f11_four_points():
    assert points(contracts({1: prose(1), 2: prose(1), **OTHERS})) == {4}


def test_f11_what_five_of_a_hundred_have_is_their_own_and_what_six_have_is_common():
    def shared_by(count: int) -> Any:
        texts = {n: prose(n, 120) for n in range(1, 101)}
        texts |= {n: prose(500, 200) for n in (1, 2)}
        texts |= {n: prose(500, 200) + prose(n, 400) for n in range(3, count + 1)}
        return contracts(texts)

    assert flagged(shared_by(5), "soft")[:2] == [1, 2]
    assert not shared_by(6).hits


def test_f12_six_points():
    assert points(split("932921", "917226")) == {6}


@pytest.mark.parametrize("program", THRESHOLDS)
def test_f12_the_threshold_of_each_programme(program: str):
    least = D(THRESHOLDS[program])
    assert split(str(least - D("0.01")), str(least * 9 / 10), program=f"EX-{program}").hits
    assert not split(str(least), str(least * 9 / 10), program=f"EX-{program}").hits


def test_f16_five_points():
    assert points(long_lease()) == {5}


def test_f18_five_points():
    assert points(run("F18", leases=sold(61, 40), capacity=capacity(100), claims=[])) == {5}


def test_f19_thirty_days_of_metering_are_needed():
    def term(days: int, seen: int) -> Any:
        leases = [lease(starts_on=MARCH, ends_before=MARCH + days * DAY)]
        return run("F19", leases=leases, metering=metered_by_platform(seen, 0))

    assert flagged(term(33, 30)) == [1]
    assert term(32, 29).untestable_claims == {1}
    assert flagged(term(20, 20)) == [1]  # all of a shorter term


def test_f20_five_points():
    assert points(use(metered([101.1234] * 40))) == {5}


def test_f21_four_points_for_one_wrong_device_beside_a_right_one():
    found = housed(registered("A", "RTX 4090"), registered("B", identity=2))
    assert points(found) == {4}


def test_f23_four_points():
    assert points(sales(*MOSTLY)) == {4}


def test_f23_one_hundred_and_eighty_days_to_the_day():
    def over(days: int) -> Any:
        on = [0, 45, 90, 135, days]
        rows = [
            invoice(n, lease=2, net=D("80" if n == 1 else "5"), buyer=f"USCC{LESSEE if n == 1 else OTHER}",
                    issued_on=date(2025, 1, 1) + after * DAY)
            for n, after in enumerate(on, 1)
        ]  # fmt: skip
        return sales(invoices=rows)

    assert over(180).hits
    assert over(179).untestable_claims == {1}


def weight(sharing: int = 2, count: int = 34) -> float:
    """What a link counts that so many of so many parties share."""
    return math.log(count / sharing) / math.log(count)


def near(found: Any, expected: float) -> bool:
    return abs(float(only(found).points) - expected) < 0.05


ACCOUNT = [{"id": n, "party": who, "account": "6222"} for n, who in ((1, LESSEE), (2, LESSOR))]
SHE = [party(LESSEE), party(LESSOR), party(OTHER, legal_rep="she"), *(party(n) for n in range(10, 41))]


@pytest.mark.parametrize(
    "shared,plain,tables",
    [
        (8, 0, {"parties": parties(), "accounts": ACCOUNT}),
        (8, 0, {"parties": parties(phone="1", email="a@b")}),
        (4, 4, {"parties": parties(phone="1"), "shareholdings": [holding(1, LESSEE, f"USCC{LESSOR}", "10")]}),
        (8, 0, {"parties": parties(email="a@b"), "shareholdings": [holding(1, LESSEE, "p", "10"), holding(2, LESSOR, "p", "10")]}),
        (11, 0, {"parties": parties(phone="1", email="a@b", address="5-501")}),
        (8, 0, {"parties": SHE, "shareholdings": [holding(1, LESSEE, f"USCC{OTHER}", "35"), holding(2, LESSOR, "she", "100")]}),
    ],
    ids=["account", "phone and email", "minor holding", "common holder", "address", "representative"],
)  # fmt: skip
def test_f24_each_link_counts_what_the_page_says_by_how_rare_it_is(
    shared: int, plain: int, tables: dict[str, Any]
):
    """A direct holding is shared with nobody: it is not weighed."""
    assert near(run("F24", **tables), shared * weight() + plain)


def test_f24_four_steps_are_too_far():
    chain = [
        holding(1, LESSEE, "USCC10", "50"),
        holding(2, 10, "USCC11", "50"),
        holding(3, 11, "USCC12", "50"),
        holding(4, 12, f"USCC{LESSOR}", "50"),
    ]
    assert not flagged(run("F24", parties=parties(), shareholdings=chain))
    assert flagged(
        run("F24", parties=parties(), shareholdings=[*chain[:2], holding(3, 11, f"USCC{LESSOR}", "50")])
    ) == [1]


def test_f25_seven_points():
    assert points(ring(*ROUND)) == {7}


def test_f26_eight_points():
    assert points(trip(transfer(2, LESSOR, LESSEE, "90000", 3))) == {8}


def test_f27_six_points_for_one_receipt():
    given = citing("10")
    given["items"][1]["transfer"] = 2
    given["transfers"] = [
        cited_transfer(1, receipt="x"),
        cited_transfer(2, "5000", receipt="x", paid_on=date(2025, 4, 2)),
    ]
    assert points(run("F27", **given)) == {6}


def test_f28_six_points_and_an_address_that_nine_share_is_no_trait():
    def crowded(others: int) -> Any:
        same = {"address": "x", "legal_rep": "r"}
        known = [
            party(LESSEE, registered_on=date(2024, 6, 1), **same),
            party(LESSOR),
            party(THIRD, **same),
            *(party(20 + n, address="x") for n in range(others)),
        ]
        return run("F28", listings=listed(THIRD, date(2024, 1, 1)), parties=known)

    assert points(crowded(0)) == {6}
    assert points(crowded(6)) == {6}  # eight of them
    assert not crowded(7).hits


def test_f29_three_points():
    assert points(filed(0, 10, 20, 72)) == {3}


def test_f31_five_points():
    assert points(office(*(decided(n, 2 + n) for n in range(1, 6)))) == {5}


def test_f31_the_fastest_twentieth_of_a_programme():
    five = [decided(n, 2 + n) for n in range(1, 6)]
    assert office(*five, others=96).hits  # the fifth of 101 is among them
    assert not office(*five, others=76).hits  # of 81 it is not


def test_f31_ten_claims_of_one_party_are_many():
    def quick(count: int) -> Any:
        return office(*(decided(n, 40 + n, "R1") for n in range(1, count + 1)), others=60)

    assert quick(10).hits
    assert not quick(9).hits


def test_f31_six_of_ten_by_one_reviewer():
    def cleared(count: int) -> Any:
        own = [decided(n, 40 + n / 100, "R1") for n in range(1, count + 1)]
        rest = [decided(n, 220 + n, f"S{n % 7}") for n in range(count + 1, 101)]
        quick = [decided(200 + n, 1 + n / 100, f"S{n % 7}", provider=20 + n % 10) for n in range(70)]
        usual = [decided(300 + n, 200 + n % 50, f"S{n % 7}", provider=20 + n % 10) for n in range(330)]
        leases = [lease(n, lessor=n) for n in [LESSOR, *range(20, 30)]]
        return run("F31", claims=[*own, *rest, *quick, *usual], leases=leases, items=[])

    assert len(cleared(60).hits) == 60
    assert not cleared(59).hits


def test_every_kind_of_link_has_points():
    assert set(POINTS) == {
        "account",
        "representative",
        "common_holder",
        "minor_holding",
        "phone",
        "email",
        "address",
        "third",
    }
    assert claim()["live"]
