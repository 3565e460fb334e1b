"""A cap of a rolling year in the ledger: what was taken twelve months ago frees room, and nobody gets more than the cap."""

from __future__ import annotations

import dataclasses
import json
import uuid
from datetime import date
from decimal import Decimal

from tests.vouchers.policy.tiny import application, cap, claim, contract, party, scheme
from tests.vouchers.storm import storm
from vouchers.actions import ledger
from vouchers.actions.caps import caps_of, used_amounts
from vouchers.actions.ledger_check import check_ledger
from vouchers.policy import assess
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t

BUDGET = ledger.Budget("BJ-AIQ", 2025, "110000")
PAYEE = "91350100M000100Y43"
CITE = r.Citation("测试文件", "第一条")
START = date(2025, 7, 15)


def rolling(limit: str = "300") -> r.Scheme:
    """30 % and a cap of an enterprise in any twelve months, of applications and claims each."""
    return scheme(
        program="BJ-AIQ",
        caps=(
            cap(limit, code="enterprise_year", period=t.CapPeriod.ROLLING_YEAR, counts_at=t.CountsAt.BOTH),
        ),
        voucher=r.VoucherKind(cite=CITE),
    )


def case(on: date, amount: str = "1000", stage: t.Stage = t.Stage.APPLICATION) -> f.Facts:
    who = party(uscc=PAYEE)
    if stage is t.Stage.APPLICATION:
        facts = application(contract(net_amount=Decimal(amount)), on=on, applicant=who)
    else:
        held = f.VoucherFacts(voucher_no="V", face_value=Decimal(9000), balance=Decimal(9000))
        facts = claim(amount, on=on, applicant=who, voucher=held)
    return dataclasses.replace(facts, used=used_amounts(rolling(), facts))


def fund() -> None:
    ledger.appropriate(BUDGET, Decimal("100000.00"), document_no="号", on=START, id=uuid.uuid4()).demand()


def issued(on: date, no: str, amount: str = "1000") -> ledger.LedgerResult:
    facts = case(on, amount)
    answer = assess(rolling(), facts)
    caps = caps_of(rolling(), facts, answer)
    return ledger.issue(BUDGET, no, answer.amount, on=on, id=uuid.uuid4(), caps=caps)


def left(on: date, stage: t.Stage = t.Stage.APPLICATION) -> Decimal:
    return assess(rolling(), case(on, stage=stage)).amount


def reserved(on: date, amount: str = "1000") -> ledger.LedgerResult:
    facts = case(on, amount, t.Stage.CLAIM)
    answer = assess(rolling(), facts)
    return ledger.reserve(
        BUDGET,
        "V",
        answer.amount,
        payee_uscc=PAYEE,
        claim_no=f"C-{on}",
        on=on,
        id=uuid.uuid4(),
        caps=caps_of(rolling(), facts, answer),
    )


def test_what_was_taken_a_year_ago_is_free_again_and_can_be_taken_again_and_again(db):
    fund()
    assert issued(START, "V1").accepted
    assert left(date(2026, 7, 14)) == 0  # the last day of the twelve months
    for place, day in enumerate((date(2026, 7, 15), date(2027, 7, 15), date(2028, 9, 1)), start=2):
        assert left(day) == Decimal(300)
        assert issued(day, f"V{place}").accepted
        assert left(day) == 0
    assert check_ledger(business_rows=False) == []


def test_only_what_has_left_the_window_is_free(db):
    fund()
    issued(START, "V1", "600").demand()  # 180
    issued(date(2026, 1, 10), "V2").demand()  # the 120 that are left
    assert left(date(2026, 7, 15)) == Decimal(180)
    issued(date(2026, 7, 15), "V3").demand()
    assert left(date(2027, 1, 9)) == 0
    assert left(date(2027, 1, 10)) == Decimal(120)


def test_a_reservation_counts_until_it_is_released_and_once_confirmed_by_the_day_it_was_made(db):
    fund()
    ledger.issue(BUDGET, "V", Decimal("9000.00"), on=START, id=uuid.uuid4()).demand()
    first = reserved(START)
    later = date(2026, 9, 1)
    assert left(later, t.Stage.CLAIM) == 0  # it may yet be paid
    ledger.confirm(
        first.id, claim_no="C-1", amount=Decimal("200.00"), on=date(2025, 8, 1), id=uuid.uuid4()
    ).demand()
    assert left(date(2026, 7, 14), t.Stage.CLAIM) == Decimal(100)  # the rest was released
    assert left(date(2026, 7, 15), t.Stage.CLAIM) == Decimal(
        300
    )  # a year from the reservation, not from August
    second = reserved(later)
    assert second.accepted and left(later, t.Stage.CLAIM) == 0
    ledger.release(second.id, claim_no="C-2", on=later, id=uuid.uuid4()).demand()
    assert left(later, t.Stage.CLAIM) == Decimal(300)


def test_what_was_reversed_was_not_taken(db):
    fund()
    taken = issued(START, "V1")
    ledger.reverse(
        taken.id, on=date(2025, 9, 1), id=uuid.uuid4(), subject_kind="voucher", subject_no="V1"
    ).demand()
    assert left(date(2025, 9, 1)) == Decimal(300)
    assert left(date(2026, 9, 1)) == Decimal(300)
    issued(date(2026, 9, 1), "V2").demand()
    assert left(date(2026, 9, 1)) == 0


def test_many_who_ask_at_once_get_no_more_than_the_cap_in_the_twelve_months(committed_db):
    fund()
    issued(START, "V0").demand()
    on = date(2026, 8, 1)
    facts = case(on, "400")  # each would get 120 of the 300 that are free again
    answer = assess(rolling(), facts)
    caps = caps_of(rolling(), facts, answer)
    bodies = [
        [ledger.issue_chain(BUDGET, f"V{n}", answer.amount, on=on, id=uuid.uuid4(), caps=caps).body()]
        for n in range(1, 7)
    ]
    outcome = storm(committed_db.dsn, [[json.dumps(one) for one in mine] for mine in bodies])
    assert outcome.errors == []
    assert outcome.codes == {"accepted": 2, "cap_exceeded": 4}
    assert left(on) == Decimal(60)
