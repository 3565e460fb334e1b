"""F02, F12, F26, F31: they rank the queue and refuse nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from audit.rules.f31_fast_lane import tail
from audit.rules.facts import RELATIONS
from tests.audit.rules.rows import (
    LESSEE,
    LESSOR,
    OTHER,
    THIRD,
    D,
    answer,
    claim,
    flagged,
    holding,
    instant,
    invoice,
    item,
    lease,
    let,
    only,
    party,
    run,
)

DAY = timedelta(days=1)
TWO = [claim(1), claim(2)]
ITEMS = [item(1), item(2)]


# ---- F02 变体重复


def numbered(one: str, other: str, **second) -> object:
    """The rule over two invoices with these numbers."""
    from audit.rules.facts import Facts, RowSource

    rows = {
        "claims": TWO,
        "items": ITEMS,
        "invoices": [invoice(1, key=one), invoice(2, **{"key": other, **second})],
        "parties": [],
    }
    words = {"invoice": {1: (one, one, "", ""), 2: (other, other, "", "")}}
    return answer("F02", Facts(RowSource(rows, words)))


def test_f02_one_or_two_changed_digits_between_the_same_parties_on_one_day():
    assert flagged(numbered("25112000001855305311", "25112000001055305311"), "soft") == [1, 2]
    assert flagged(numbered("25312000001529538453", "25312000001522535453"), "soft") == [1, 2]
    assert not numbered("25312000001529538453", "25312000001522535493").hits  # three
    assert flagged(numbered("25112000001855305311", "25112000001853505311"), "soft") == [1, 2]  # two swapped


@pytest.mark.parametrize(
    "other",
    [
        {"issued_on": date(2025, 4, 30)},
        {"gross": D("106000.01")},
        {"seller": "STRANGE"},
        {"buyer": "STRANGE"},
    ],
)
def test_f02_another_day_amount_or_party_is_another_bill(other: dict):
    assert not numbered("25112000001855305311", "25112000001855305312", **other).hits


def test_f02_a_batch_of_one_day_for_several_periods_is_honest():
    periods = [
        invoice(1, key="100", period_from=date(2025, 3, 1)),
        invoice(2, key="101", period_from=date(2025, 4, 1)),
    ]
    assert not run("F02", invoices=periods, claims=TWO, items=ITEMS).hits


def test_f02_one_file_for_two_invoices():
    same = [invoice(1, key="100", file="sha"), invoice(2, key="90000", gross=D("1"), file="sha")]
    assert flagged(run("F02", invoices=same, claims=TWO, items=ITEMS), "soft") == [1, 2]


def test_f02_a_rejected_claim_does_not_count():
    same = [invoice(1, key="100", file="sha"), invoice(2, key="90000", file="sha")]
    assert not run("F02", invoices=same, claims=[claim(1), claim(2, live=False)], items=ITEMS).hits


# ---- F12 拆分规避


def split(*amounts: str, gap: int = 9, program: str = "EX-SZ-XLQ", **second) -> object:
    from audit.rules.facts import Facts, RowSource

    signed = date(2025, 3, 12)
    leases = [
        lease(
            n,
            amount=D(amount),
            signed_on=signed + (n - 1) * gap * DAY,
            **({"accelerator": "H800"} | (second if n > 1 else {})),
        )
        for n, amount in enumerate(amounts, 1)
    ]
    rows = {
        "leases": leases,
        "claims": [claim(n, lease=n) for n in range(1, len(amounts) + 1)],
        "parties": [party(LESSEE, phone="1"), party(LESSOR), party(OTHER, phone="1"), party(THIRD)],
    }
    words = {"lease": {n: (f"L-{n}", program, "") for n in range(1, len(amounts) + 1)}}
    return answer("F12", Facts(RowSource(rows, words)))


def test_f12_two_leases_below_the_threshold_that_reach_it_together():
    assert flagged(split("932921", "917226"), "soft") == [1, 2]
    assert flagged(split("999999.99", "800000"), "soft") == [1, 2]


def test_f12_at_the_threshold_or_far_below_it_is_no_split():
    assert not split("1000000", "917226").hits
    assert not split("999999", "799999.99").hits


def test_f12_30_days_apart_is_near_and_31_is_not():
    assert split("932921", "917226", gap=30).hits
    assert not split("932921", "917226", gap=31).hits


def test_f12_another_kind_of_card_is_a_phase_and_another_enterprise_a_stranger():
    assert not split("932921", "917226", accelerator="H20").hits
    assert not split("932921", "917226", lessee=THIRD).hits
    assert split("932921", "917226", lessee=OTHER).hits  # linked by its telephone


def test_f12_a_programme_without_a_threshold_is_not_testable():
    assert run("F12").untestable_claims == {1}


# ---- F26 资金回流

PAID = date(2025, 3, 2)


def transfer(identity: int, payer: int, payee: int, amount: str, after: int = 0) -> dict:
    return {
        "id": identity,
        "payer": payer,
        "payee": payee,
        "paid_on": PAID + after * DAY,
        "amount": D(amount),
    }


def trip(*way: dict, **more) -> object:
    given = {
        "items": [item(1, transfer=1)],
        "transfers": [transfer(1, LESSEE, LESSOR, "100000"), *way],
        "invoices": [],
    }
    return run("F26", **{**given, **more})


def test_f26_rent_that_comes_back_over_a_third_party():
    found = trip(transfer(2, LESSOR, OTHER, "98000", 3), transfer(3, OTHER, LESSEE, "95000", 7))
    assert flagged(found, "soft") == [1] and only(found).value == "95%"


def test_f26_less_than_40_percent_or_after_60_days_is_not_the_rent():
    assert trip(transfer(2, LESSOR, LESSEE, "40000", 3)).hits
    assert not trip(transfer(2, LESSOR, LESSEE, "39999.99", 3)).hits
    assert trip(transfer(2, LESSOR, LESSEE, "90000", 60)).hits
    assert not trip(transfer(2, LESSOR, LESSEE, "90000", 61)).hits
    assert not trip(transfer(2, LESSOR, LESSEE, "90000", -1)).hits


def test_f26_a_step_carries_no_more_than_the_one_before():
    assert trip(transfer(2, LESSOR, OTHER, "60000", 3), transfer(3, OTHER, LESSEE, "63000", 7)).hits
    assert not trip(transfer(2, LESSOR, OTHER, "60000", 3), transfer(3, OTHER, LESSEE, "63001", 7)).hits


def test_f26_at_most_four_hops():
    chain = [
        transfer(2, LESSOR, 11, "90000", 1),
        transfer(3, 11, 12, "90000", 2),
        transfer(4, 12, 13, "90000", 3),
    ]
    assert trip(*chain, transfer(5, 13, LESSEE, "90000", 4)).hits
    assert not trip(*chain, transfer(5, 13, 14, "90000", 4), transfer(6, 14, LESSEE, "90000", 5)).hits


def test_f26_split_payments_within_a_week_are_taken_together():
    parts = [transfer(n, LESSOR, LESSEE, "15000", n) for n in range(2, 6)]
    assert trip(*parts).hits
    assert not trip(*parts[:2]).hits


def test_f26_to_a_company_that_holds_the_lessee():
    way = [transfer(2, LESSOR, THIRD, "90000", 3)]
    assert not trip(*way).hits
    assert trip(*way, shareholdings=[holding(1, LESSEE, f"USCC{THIRD}", "25")]).hits


def test_f26_refunds_with_a_red_letter_and_real_trade_are_honest():
    back = [transfer(2, LESSOR, LESSEE, "60000", 3)]
    refund = [invoice(9, net=D("-60000"), gross=D("-63600"), issued_on=PAID + 2 * DAY)]
    assert not trip(*back, invoices=refund).hits
    sale = [invoice(9, seller=f"USCC{LESSEE}", buyer=f"USCC{LESSOR}", gross=D("30000"), issued_on=PAID)]
    assert not trip(*back, invoices=sale).hits
    assert trip(*back, invoices=[{**sale[0], "gross": D("29999.99")}]).hits


def test_f26_an_invoice_for_one_step_does_not_explain_the_whole_way():
    way = [transfer(2, LESSOR, OTHER, "90000", 3), transfer(3, OTHER, LESSEE, "85000", 7)]
    bill = invoice(8, seller=f"USCC{OTHER}", buyer=f"USCC{LESSOR}", gross=D("90000"), issued_on=PAID)
    assert trip(*way, invoices=[bill]).hits
    other = invoice(9, seller=f"USCC{LESSEE}", buyer=f"USCC{OTHER}", gross=D("85000"), issued_on=PAID)
    assert not trip(*way, invoices=[bill, other]).hits


def test_f26_without_a_transfer_or_a_statement_of_the_lessor_it_is_not_testable():
    assert run("F26").untestable_claims == {1}
    assert trip().untestable_claims == {1}


# ---- F31 审核集中或畸快


def decided(identity: int, hours: float, reviewer: str = "R1", provider: int = LESSOR, **more) -> dict:
    filed = instant(date(2025, 6, 2))
    return claim(
        identity, program="P", submitted_at=filed, decided_at=filed + int(hours * 3_600_000_000), reviewer=reviewer,
        approved=True, lease=provider, enterprise=1000 + identity, **more,
    )  # fmt: skip


def office(*special: dict, others: int = 120) -> object:
    usual = [decided(100 + n, 200 + n, f"R{n % 4}", provider=20 + n % 10) for n in range(others)]
    leases = [lease(n, lessor=n) for n in [LESSOR, *range(20, 30)]]
    return run("F31", claims=[*usual, *special], leases=leases, items=[])


def test_f31_five_claims_on_one_provider_cleared_in_hours():
    found = office(*(decided(n, 2 + n) for n in range(1, 6)))
    assert flagged(found, "soft") == [1, 2, 3, 4, 5]
    assert not office(*(decided(n, 2 + n) for n in range(1, 5))).hits


def test_f31_quick_small_claims_on_various_providers_are_honest():
    assert not office(*(decided(n, 2 + n, f"R{n % 4}", provider=20 + n) for n in range(1, 6))).hits


def test_f31_a_specialised_reviewer_in_the_usual_time_is_honest():
    assert not office(*(decided(n, 220 + n, "R1") for n in range(1, 16))).hits
    assert office(*(decided(n, 60 + n, "R1") for n in range(1, 16))).hits  # the same in a quarter of the time


def test_f31_few_claims_in_a_programme_or_no_reviewer_are_not_testable():
    found = run("F31", claims=[decided(n, 1) for n in range(1, 10)], items=[])
    assert (found.hits, found.untestable_claims) == ([], set(range(1, 10)))
    assert run("F31").untestable_claims == {1}


def test_the_tail_of_the_binomial():
    assert tail(10, 0, 0.3) == pytest.approx(1)
    assert tail(2, 2, 0.5) == pytest.approx(0.25)


# ---- F21 设备身份异常


def registered(serial: str, kind: str = "H800", provider: int = LESSOR, identity: int = 1) -> dict:
    return {"id": identity, "serial": serial, "accelerator": kind, "provider": provider}


def housed(*devices: dict, **more) -> object:
    times = [let(n, 1, serial, date(2025, 3, 1), date(2025, 5, 31)) for n, serial in enumerate("AB", 1)]
    return run(
        "F21",
        **{"leases": [lease(accelerator="H800")], "lease_devices": times, "devices": list(devices), **more},
    )


def test_f21_another_kind_of_card_or_another_owner():
    assert flagged(housed(registered("A", "RTX 4090")), "soft") == [1]
    assert flagged(housed(registered("A", provider=OTHER)), "soft") == [1]
    assert not housed(registered("A"), registered("B", identity=2)).hits


def test_f21_a_branch_or_a_company_of_the_group_may_own_it():
    branch = [
        {
            "id": 1,
            "party": OTHER,
            "other": LESSOR,
            "relation": RELATIONS["branch"],
            "declared_on": date(2024, 1, 1),
        }
    ]
    assert not housed(registered("A", provider=OTHER), declared=branch).hits


def test_f21_a_serial_that_no_register_knows_is_not_testable():
    found = housed(registered("Z"))
    assert (found.hits, found.untestable_claims) == ([], {1})


def test_f21_fewer_devices_than_asked_for():
    two = {"least_devices": 2}
    times = [let(n, 1, serial, date(2025, 3, 1), date(2025, 5, 31)) for n, serial in enumerate("AB", 1)]
    given = {"leases": [lease(accelerator="H800")], "lease_devices": times}
    one_wrong = [registered("A", "H20"), registered("B", identity=2)]
    assert not run("F21", two, devices=one_wrong, **given).hits
    assert run("F21", two, devices=[registered("A", "H20"), registered("B", "H20", identity=2)], **given).hits


# ---- F14 价格离群


def priced(**more) -> list[dict]:
    sound = {
        "id": 1, "lease": 1, "above": True, "grade": 1, "unit_price": D("31.20"), "base": D("23"), "upper": D("25.31"),
        "excess": 3501, "groups": 7,
    }  # fmt: skip
    return [{**sound, **more}]


def test_f14_far_above_a_well_founded_band():
    hit = only(run("F14", price_checks=priced()))
    assert (hit.severity, hit.points, hit.claim) == ("soft", 5, 1)
    assert "31.20" in hit.sentence and "25.31" in hit.counterfactual


def test_f14_at_the_threshold_or_within_the_band_is_honest():
    assert not run("F14", price_checks=priced(excess=3500)).hits
    assert run("F14", {"excess_from": "3.499"}, price_checks=priced(excess=3500)).hits
    assert not run("F14", price_checks=priced(above=False)).hits


def test_f14_a_thin_price_or_none_is_not_testable():
    assert run("F14", price_checks=priced(grade=2)).hits
    for checks in (priced(grade=3), priced(excess=None), []):
        found = run("F14", price_checks=checks)
        assert (found.hits, found.untestable_claims) == ([], {1})
