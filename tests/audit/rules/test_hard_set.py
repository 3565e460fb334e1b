"""F05, F07, F08, F18, F19, F27, F28: the rest of the hard set."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.audit.rules.rows import (
    FAR,
    LESSEE,
    LESSOR,
    OTHER,
    THIRD,
    D,
    answer,
    claim,
    flagged,
    invoice,
    item,
    lease,
    let,
    only,
    party,
    run,
)

DAY = timedelta(days=1)
MARCH, MAY = date(2025, 3, 1), date(2025, 5, 31)
TWO_PROGRAMS = [claim(1, program="A", on=date(2025, 6, 2)), claim(2, program="B", on=date(2025, 6, 3))]


# ---- F05 跨专项重复享受


def test_f05_the_later_claim_on_one_contract_under_another_programme():
    found = run("F05", claims=TWO_PROGRAMS, items=[item(1), item(2)])
    assert flagged(found) == [2] and "同一份算力租用合同" in only(found).sentence


def test_f05_one_text_filed_as_two_contracts():
    leases = [lease(1, document="sha"), lease(2, document="sha")]
    claims = [TWO_PROGRAMS[0], {**TWO_PROGRAMS[1], "lease": 2}]
    assert flagged(run("F05", claims=claims, leases=leases, items=[item(1), item(2)])) == [2]
    assert not run("F05", claims=claims, leases=[lease(1), lease(2)], items=[item(1), item(2)]).hits


def test_f05_one_programme_or_a_rejected_claim_is_honest():
    assert not run(
        "F05", claims=[claim(1, program="A"), claim(2, program="A")], items=[item(1), item(2)]
    ).hits
    assert not run("F05", claims=[{**TWO_PROGRAMS[0], "live": False}, TWO_PROGRAMS[1]]).hits


def test_f05_programmes_that_may_be_stacked():
    from audit.rules.facts import Facts, RowSource

    rows = {"claims": TWO_PROGRAMS, "leases": [lease()], "items": []}
    words = {"claim": {1: ("C-1", "EX-A", "", ""), 2: ("C-2", "B", "", "")}}
    facts = Facts(RowSource(rows, words))
    assert flagged(answer("F05", facts)) == [2]
    assert not answer("F05", facts, {"stackable": [["A", "B"]]}).hits


def test_f05_the_same_machine_in_the_same_time_and_not_for_some_days_of_renewal():
    leases, claims = [lease(1), lease(2)], [TWO_PROGRAMS[0], {**TWO_PROGRAMS[1], "lease": 2}]

    def times(start: date, share: str = "1") -> list[dict]:
        return [let(1, 1, "A", MARCH, MAY, share), let(2, 2, "A", start, start + 91 * DAY, share)]

    given = {"claims": claims, "leases": leases, "items": [item(1), item(2)]}
    half = MARCH + 46 * DAY  # 46 of 92 days
    assert flagged(run("F05", lease_devices=times(half), **given)) == [2]
    assert not run("F05", lease_devices=times(half + DAY), **given).hits
    assert not run("F05", lease_devices=times(MARCH, "0.5"), **given).hits


def test_f05_parts_of_one_invoice_under_two_programmes_are_soft():
    leases, claims = [lease(1), lease(2)], [TWO_PROGRAMS[0], {**TWO_PROGRAMS[1], "lease": 2}]
    parts = [item(1, net=D("40000")), item(2, no=1, net=D("60000"))]
    found = run("F05", claims=claims, leases=leases, items=parts)
    assert (flagged(found), flagged(found, "soft"), only(found).points) == ([], [2], 5)


# ---- F07 红冲或作废后仍兑付

RED_ON = date(2025, 7, 1)


def red(**more) -> list[dict]:
    return [
        invoice(1, status=1, changed_on=RED_ON, period_from=MARCH, **more),
        invoice(9, net=D("-100000"), red_of="no1", issued_on=RED_ON),
    ]


def reissue(on: date, net: str = "100000", period: date = MARCH, **more) -> list[dict]:
    return [invoice(2, issued_on=on, net=D(net), period_from=period, **more)]


def test_f07_a_red_lettered_invoice_is_hard_before_and_after_payment():
    assert flagged(run("F07", invoices=red())) == [1]
    paid = run("F07", invoices=red(), claims=[claim(1, paid_on=date(2025, 6, 20))])
    assert "后第 11 天" in only(paid).sentence
    assert flagged(run("F07", invoices=[invoice(1, status=2)])) == [1]


def test_f07_a_red_letter_that_leaves_enough_is_honest():
    part = [invoice(1, status=1), invoice(9, net=D("-40000"), red_of="no1")]
    assert flagged(run("F07", invoices=part)) == [1]
    assert not run("F07", invoices=part, items=[item(1, net=D("60000"))]).hits
    assert flagged(run("F07", invoices=part, items=[item(1, net=D("60000.02"))])) == [1]


def test_f07_a_reissue_within_15_days_is_soft():
    found = run("F07", invoices=red() + reissue(RED_ON + 15 * DAY))
    assert (flagged(found), flagged(found, "soft"), only(found).points) == ([], [1], 2)
    assert flagged(run("F07", invoices=red() + reissue(RED_ON + 16 * DAY))) == [1]
    assert flagged(run("F07", {"reissue_days": 16}, invoices=red() + reissue(RED_ON + 16 * DAY))) == []


def test_f07_a_reissue_has_the_same_parties_amount_and_period():
    on = RED_ON + DAY
    assert flagged(run("F07", invoices=red() + reissue(on, "101000"))) == []
    assert flagged(run("F07", invoices=red() + reissue(on, "101001"))) == [1]
    assert flagged(run("F07", invoices=red() + reissue(on, buyer=f"USCC{OTHER}"))) == [1]
    assert flagged(run("F07", invoices=red() + reissue(on, period=date(2025, 4, 1)))) == [
        1
    ]  # next month's bill


def test_f07_a_rejected_claim_is_not_tested_and_a_missing_invoice_not_testable():
    assert not run("F07", invoices=red(), claims=[claim(1, live=False)]).hits
    assert run("F07", invoices=[]).untestable_claims == {1}


# ---- F08 发票号码结构


def numbered(**more) -> list[dict]:
    sound = {"number_length": 20, "code_length": 0, "number_year": 25, "number_province": 11}
    return [invoice(1, **{**sound, **more})]


def home(province: int | None) -> list[dict]:
    return [party(LESSEE), party(LESSOR, province=province)]


def test_f08_a_sound_number_passes():
    assert not run("F08", invoices=numbered(), parties=home(11)).hits


@pytest.mark.parametrize(
    "fault",
    [
        {"number_length": 19},
        {"number_length": -1},
        {"code_length": 12},
        {"number_year": 24},
        {"number_province": 31},
    ],
)
def test_f08_an_impossible_digital_number_is_hard(fault: dict):
    assert flagged(run("F08", invoices=numbered(**fault), parties=home(11))) == [1]


def test_f08_older_invoices_have_code_and_number():
    def old(code: int, digits: int) -> list[dict]:
        return numbered(digital=False, code_length=code, number_length=digits)

    for code, digits, sound in ((12, 8, True), (10, 8, True), (11, 8, False), (12, 7, False), (0, 8, False)):
        assert bool(run("F08", invoices=old(code, digits), parties=home(11)).hits) is not sound


def test_f08_an_unknown_seller_is_not_tested_for_its_province_and_exceptions_are_data():
    assert not run("F08", invoices=numbered(number_province=31), parties=home(None)).hits
    exception = {"province_exceptions": [["11", "31"]]}
    assert not run("F08", exception, invoices=numbered(number_province=31), parties=home(11)).hits


# ---- F18 超卖


def capacity(cards: int, starts: date = date(2024, 1, 1), ends: date = FAR) -> list[dict]:
    return [
        {"id": 1, "provider": LESSOR, "accelerator": "H800", "cards": cards, "starts": starts, "ends": ends}
    ]


def sold(*cards: int, **more) -> list[dict]:
    return [
        lease(n, lessee=OTHER + n, accelerator="H800", cards=count, **more)
        for n, count in enumerate(cards, 1)
    ]


def test_f18_as_much_as_registered_is_honest_and_one_card_more_is_soft():
    assert not run("F18", leases=sold(60, 40), capacity=capacity(100), claims=[]).hits
    found = run("F18", leases=sold(61, 40), capacity=capacity(100), claims=[])
    assert [hit.severity for hit in found.hits] == ["soft", "soft"] and found.hits[0].value == "101.0%"


def test_f18_more_than_130_percent_is_hard():
    assert run("F18", leases=sold(90, 40), capacity=capacity(100), claims=[]).hits[0].severity == "soft"
    assert run("F18", leases=sold(91, 40), capacity=capacity(100), claims=[]).hits[0].severity == "hard"


def test_f18_leases_one_after_another_and_a_handover_day_are_honest():
    turns = [
        *sold(100),
        lease(2, lessee=9, accelerator="H800", cards=100, starts_on=MAY, ends_before=date(2025, 8, 1)),
    ]
    assert not run("F18", leases=turns, capacity=capacity(100), claims=[]).hits
    turns[1]["starts_on"] = MAY - DAY
    assert run("F18", leases=turns, capacity=capacity(100), claims=[]).hits


def test_f18_slices_count_with_their_share():
    slices = [let(1, 1, "A", MARCH, MAY, "0.5"), let(2, 2, "A", MARCH, MAY, "0.5")]
    assert not run("F18", leases=sold(100, 100), capacity=capacity(100), lease_devices=slices, claims=[]).hits


def test_f18_capacity_registered_within_the_grace_counts():
    late = [*capacity(60), {**capacity(40, starts=MARCH + 60 * DAY)[0], "id": 2}]
    assert not run("F18", leases=sold(100), capacity=late, claims=[]).hits
    too_late = [*capacity(60), {**capacity(40, starts=MARCH + 61 * DAY)[0], "id": 2}]
    assert run("F18", leases=sold(100), capacity=too_late, claims=[]).hits


def test_f18_without_registration_it_is_not_testable():
    found = run("F18", leases=sold(100), capacity=[], claims=[claim(1)])
    assert (found.hits, found.untestable_claims) == ([], {1})


# ---- F19 零用量


def metered(days: int, hours: int) -> list[dict]:
    return [{"id": 1, "lease": 1, "platform_days": days, "platform_hours": hours}]


def test_f19_metered_whole_and_never_used_is_hard():
    assert flagged(run("F19", metering=metered(92, 0))) == [1]
    assert not run("F19", metering=metered(92, 1)).hits


def test_f19_90_percent_of_the_days_are_enough_and_less_is_not_testable():
    assert flagged(run("F19", metering=metered(83, 0))) == [1]
    found = run("F19", metering=metered(82, 0))
    assert (found.hits, found.untestable_claims) == ([], {1})
    assert run("F19", metering=[]).untestable_claims == {1}


# ---- F27 回单复用


def transfer(identity: int = 1, amount: str = "106000", **more) -> dict:
    return {
        "id": identity,
        "payer": LESSEE,
        "payee": LESSOR,
        "paid_on": date(2025, 4, 1),
        "amount": D(amount),
        **more,
    }


def citing(second: str) -> dict[str, list[dict]]:
    return {
        "claims": [claim(1, on=date(2025, 6, 2)), claim(2, on=date(2025, 6, 3))],
        "items": [item(1, transfer=1, net=D("60000")), item(2, transfer=1, net=D(second))],
        "transfers": [transfer()],
    }


def test_f27_a_transfer_proves_no_more_than_its_amount():
    assert not run("F27", **citing("46001")).hits
    found = run("F27", **citing("46001.01"))
    assert flagged(found) == [2]
    assert not run("F27", {"tolerance_fen": 101}, **citing("46001.01")).hits


def test_f27_a_rejected_claim_does_not_count():
    given = citing("60000")
    given["claims"][0]["live"] = False
    assert not run("F27", **given).hits


def test_f27_one_receipt_for_two_different_transfers_is_soft():
    given = citing("10")
    given["items"][1]["transfer"] = 2
    given["transfers"] = [
        transfer(1, receipt="x"),
        transfer(2, "5000", receipt="x", paid_on=date(2025, 4, 2)),
    ]
    assert flagged(run("F27", **given), "soft") == [2]
    given["transfers"][1]["receipt"] = "y"
    assert not run("F27", **given).hits


def test_f27_without_a_transfer_it_is_not_testable():
    assert run("F27").untestable_claims == {1}


# ---- F28 失信主体及承继


def listed(who: int, starts: date, ends: date = FAR) -> list[dict]:
    return [{"id": 1, "party": who, "kind": 2, "starts": starts, "ends": ends}]


@pytest.mark.parametrize("who", [LESSEE, LESSOR])
def test_f28_a_party_listed_on_the_day_of_signing_filing_or_payment(who: int):
    signed, filed, paid = date(2025, 2, 20), date(2025, 6, 2), date(2025, 7, 1)
    claims = [claim(1, paid_on=paid)]
    for day in (signed, filed, paid):
        assert flagged(run("F28", listings=listed(who, day, day + DAY), claims=claims)) == [1]
    assert not run("F28", listings=listed(who, signed + DAY, filed), claims=claims).hits
    assert not run("F28", listings=listed(who, date(2020, 1, 1), signed), claims=claims).hits
    assert not run("F28", listings=listed(who, paid + DAY), claims=claims).hits


def test_f28_without_any_list_it_is_not_testable():
    assert run("F28").untestable_claims == {1}
    assert not run("F28", listings=listed(THIRD, date(2020, 1, 1))).untestable_claims


def test_f28_a_neighbour_of_a_listed_party_is_not_its_successor():
    at_one_address = [
        party(LESSEE, address="x", registered_on=date(2024, 6, 1)),
        party(LESSOR),
        party(THIRD, address="x"),
    ]
    assert not run("F28", listings=listed(THIRD, date(2024, 1, 1)), parties=at_one_address).hits


def test_f28_two_traits_and_a_birth_near_the_listing_make_a_successor():
    def founded(on: date) -> list[dict]:
        same = {"address": "x", "legal_rep": "r"}
        return [party(LESSEE, registered_on=on, **same), party(LESSOR), party(THIRD, **same)]

    entry = listed(THIRD, date(2024, 1, 1))
    assert flagged(run("F28", listings=entry, parties=founded(date(2024, 6, 1))), "soft") == [1]
    assert flagged(run("F28", listings=entry, parties=founded(date(2024, 1, 1) + 720 * DAY)), "soft") == [1]
    assert not run("F28", listings=entry, parties=founded(date(2024, 1, 1) + 721 * DAY)).hits
