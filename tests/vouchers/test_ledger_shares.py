"""A budget that two treasuries share: every fen is known by whose it is, and none is lost or stuck on the way."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest

from tests.vouchers.ledger_moves import LATER, ON, PAYEE, account, available, new, yuan
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.treasury_parts import borne_by_claims, paid_by_treasury
from vouchers.models import LedgerAccount

BUDGET = ledger.Budget("NM-JS", 2025, "150000", ("province", "city"))
PROVINCE, CITY = BUDGET.parts
SIXTY = {"province": yuan("60.00"), "city": yuan("40.00")}


@pytest.fixture(autouse=True)
def invariants_hold_afterwards(request):
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    yield
    assert check_ledger(business_rows=False) == []


def funded(province: int | str = 600, city: int | str = 400) -> None:
    ledger.appropriate(PROVINCE, yuan(province), document_no="省财指1号", on=ON, id=new()).demand()
    ledger.appropriate(CITY, yuan(city), document_no="市财指1号", on=ON, id=new()).demand()


def issued(
    amount: int | str = 100, no: str = "V-1", borne: dict[str, Decimal] | None = None
) -> ledger.LedgerResult:
    return ledger.issue(BUDGET, no, yuan(amount), on=ON, id=new(), borne=SIXTY if borne is None else borne)


def reserved(amount: int | str, claim: str = "C-1", id=None, **more) -> ledger.LedgerResult:
    return ledger.reserve(
        BUDGET, "V-1", yuan(amount), payee_uscc=PAYEE, claim_no=claim, on=ON, id=id or new(), **more
    )


def of(kind: str) -> dict[str, Decimal]:
    """What each treasury has available on its accounts of a kind."""
    found: dict[str, Decimal] = {}
    for row in LedgerAccount.objects.filter(kind=kind):
        bearer = row.code.rpartition(":")[2]
        found[bearer] = found.get(bearer, Decimal(0)) + row.available
    return found


def both(province: str, city: str) -> dict[str, Decimal]:
    return {"province": yuan(province), "city": yuan(city)}


class TestEachTreasuryGivesItsPart:
    def test_an_issue_takes_its_share_from_each_budget_in_one_chain(self):
        funded()
        booked = issued().demand()
        assert [(t.debit, t.credit, t.amount) for t in booked.transfers] == [
            ("budget:NM-JS:2025:province", "voucher:V-1:province", yuan(60)),
            ("budget:NM-JS:2025:city", "voucher:V-1:city", yuan(40)),
        ]

    def test_when_one_treasury_has_too_little_neither_gives(self):
        funded(city=39)
        refused = issued()
        assert (refused.code, refused.account) == ("insufficient_funds", CITY.code)
        assert of("budget") == both("600.00", "39.00")

    def test_parts_that_do_not_add_up_are_never_sent(self):
        funded()
        with pytest.raises(ValueError, match="do not add up"):
            issued(borne=both("60.00", "40.01"))
        with pytest.raises(ValueError, match="what does each"):
            ledger.issue(BUDGET, "V-1", yuan(100), on=ON, id=new())

    def test_money_is_appropriated_to_one_of_the_parts(self):
        with pytest.raises(ValueError):
            ledger.appropriate(BUDGET, yuan(1), document_no="不明", on=ON, id=new())


class TestClaims:
    def test_a_claim_takes_from_both_and_the_last_bears_what_truncation_leaves(self):
        funded()
        issued().demand()
        held = reserved("33.33").demand()
        assert [(t.debit, t.amount) for t in held.transfers] == [
            ("voucher:V-1:province", yuan("19.99")),
            ("voucher:V-1:city", yuan("13.34")),
        ]

    def test_part_of_it_is_confirmed_and_each_gets_its_own_rest_back(self):
        funded()
        issued().demand()
        held = reserved(50).demand()
        ledger.confirm(held.id, claim_no="C-1", on=ON, id=new(), amount=yuan("0.01")).demand()
        assert of("payable") == both("0.00", "0.01")
        assert of("voucher") == both("60.00", "39.99")
        assert borne_by_claims(["C-1"]) == {"C-1": {"city": yuan("0.01")}}

    def test_more_than_was_reserved_is_not_confirmed(self):
        funded()
        issued().demand()
        held = reserved(50).demand()
        assert (
            ledger.confirm(held.id, claim_no="C-1", on=ON, id=new(), amount=yuan("50.01")).code
            == "exceeds_pending"
        )

    def test_the_refusal_speaks_of_the_voucher_as_a_whole(self):
        funded()
        issued().demand()
        refused = reserved("100.01")
        assert (refused.code, refused.account) == ("insufficient_funds", "voucher:V-1")
        assert (refused.available, refused.needed) == (yuan(100), yuan("100.01"))

    def test_the_last_claim_takes_all_that_is_left_wherever_it_lies(self):
        funded()
        issued().demand()
        for n in range(9):
            ledger.confirm(reserved("0.03", f"C-{n}").id, claim_no=f"C-{n}", on=ON, id=new()).demand()
        reserved("99.73", "C-last").demand()
        assert of("voucher") == both("0.00", "0.00")

    def test_a_reservation_is_replaced_by_one_of_the_whole_voucher(self):
        funded()
        issued().demand()
        first = reserved(100).demand()
        reserved(100, replacing=first.id).demand()
        assert of("voucher") == both("0.00", "0.00")

    def test_the_same_id_gives_the_same_parts_again_though_the_voucher_has_less_left(self):
        funded()
        issued().demand()
        id = new()
        first = reserved("33.33", id=id)
        reserved("20.00", "C-2").demand()
        assert reserved("33.33", id=id) == first
        assert reserved("33.34", id=id).code == "id_reused"

    def test_what_was_confirmed_is_reversed_to_each(self):
        funded()
        issued().demand()
        confirmed = ledger.confirm(reserved("33.33").id, claim_no="C-1", on=ON, id=new()).demand()
        ledger.reverse(confirmed.id, subject_kind="claim", subject_no="C-1", on=ON, id=new()).demand()
        assert of("voucher") == both("60.00", "40.00")

    def test_a_closed_voucher_gives_nothing(self):
        funded()
        issued().demand()
        ledger.expire_voucher("V-1", on=LATER, id=new(), bearers=BUDGET.bearers).demand()
        assert reserved(1).code == "account_closed"

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1e30", "x"])
    def test_what_is_no_amount_is_refused(self, amount):
        funded()
        issued().demand()
        held = (
            ledger.reserve(
                BUDGET,
                "V-1",
                amount,
                payee_uscc=PAYEE,
                claim_no="C-1",
                on=ON,
                id=new(),  # type: ignore[arg-type]
            )
            if amount == "x"
            else ledger.reserve(
                BUDGET, "V-1", Decimal(amount), payee_uscc=PAYEE, claim_no="C-1", on=ON, id=new()
            )
        )
        assert held.code == "invalid_amount"


class TestBackAndOn:
    def test_expiry_and_a_later_release_give_each_its_own_back(self):
        funded()
        issued().demand()
        held = reserved("33.33").demand()
        ledger.expire_voucher("V-1", on=LATER, id=new(), bearers=BUDGET.bearers).demand()
        assert of("budget") == both("580.01", "386.66")
        ledger.release(held.id, claim_no="C-1", on=LATER, id=new()).demand()
        assert of("budget") == both("600.00", "400.00")

    def test_a_closed_year_leaves_each_its_own_surplus(self):
        funded()
        issued().demand()
        ledger.close_budget(BUDGET, on=LATER, id=new()).demand()
        assert of("surplus") == both("540.00", "360.00")
        ledger.expire_voucher("V-1", on=LATER, id=new(), bearers=BUDGET.bearers).demand()
        assert of("surplus") == both("600.00", "400.00")

    def test_a_payment_is_paid_from_both_and_comes_back_to_both(self):
        funded()
        issued().demand()
        ledger.confirm(reserved("33.33").id, claim_no="C-1", on=ON, id=new()).demand()
        borne = borne_by_claims(["C-1"])["C-1"]
        assert borne == both("19.99", "13.34")
        pay = {"payee_uscc": PAYEE, "on": ON}
        ledger.instruct(BUDGET, "P-1", yuan("33.33"), id=new(), borne=borne, **pay).demand()
        ledger.returned(BUDGET, "P-1", yuan("33.33"), id=new(), **pay).demand()
        assert of("payable") == borne
        ledger.instruct(BUDGET, "P-1", yuan("33.33"), id=new(), borne=borne, **pay).demand()
        ledger.mark_paid(BUDGET, "P-1", yuan("33.33"), on=ON, id=new()).demand()
        assert of("paid") == borne == paid_by_treasury("P-1")
        ledger.returned(BUDGET, "P-1", yuan("33.33"), id=new(), after_paid=True, **pay).demand()
        assert (of("payable"), of("paid")) == (borne, both("0.00", "0.00"))
        assert available(BUDGET.parts[0].payment("P-1")) == 0

    def test_who_does_not_say_what_each_bears_pays_in_the_measure_of_what_each_owes(self):
        funded()
        issued().demand()
        ledger.confirm(reserved("33.33").id, claim_no="C-1", on=ON, id=new()).demand()
        ledger.instruct(BUDGET, "P-1", yuan("33.33"), payee_uscc=PAYEE, on=ON, id=new()).demand()
        assert of("payable") == both("0.00", "0.00")


@pytest.mark.parametrize("seed", range(12))
def test_no_fen_is_lost_or_stuck_whatever_is_claimed_confirmed_in_part_and_released(seed):
    """Small amounts in odd shares, until the voucher is empty: the parts always add up, and the last claim fits."""
    chance = random.Random(seed)
    face = Decimal(chance.randint(50, 400)) / 100
    province = (face * chance.choice([Decimal("0.333"), Decimal("0.5"), Decimal("0.7")])).quantize(
        Decimal("0.01")
    )
    funded(5, 5)
    issued(face, borne={"province": province, "city": face - province}).demand()
    left, open_ones = face, []
    for n in range(25):
        if open_ones and chance.random() < 0.6:
            held, amount = open_ones.pop(chance.randrange(len(open_ones)))
            confirmed = chance.choice(
                [Decimal(0), amount, Decimal(chance.randint(1, int(amount * 100))) / 100]
            )
            if confirmed:
                ledger.confirm(held, claim_no=f"C-{n}", on=ON, id=new(), amount=confirmed).demand()
            else:
                ledger.release(held, claim_no=f"C-{n}", on=ON, id=new()).demand()
            left += amount - confirmed
        elif left:
            amount = min(left, Decimal(chance.randint(1, 40)) / 100)
            held = reserved(amount, f"C-{n}").demand()
            assert sum(t.amount for t in held.transfers) == amount
            open_ones.append((held.id, amount))
            left -= amount
        assert sum(of("voucher").values()) == left
    if left:
        reserved(left, "C-last").demand()
    assert of("voucher") == both("0.00", "0.00")
    assert account(PROVINCE.code).balance == 5 - province
    borne = of("payable")
    assert all(
        borne.get(code, Decimal(0)) <= part
        for code, part in (("province", province), ("city", face - province))
    )


def test_of_eight_claims_at_once_on_one_voucher_exactly_those_fit_that_it_has_room_for(committed_db):
    funded()
    issued().demand()

    def claim(n: int) -> str:
        body = ledger_body(n)
        with psycopg.connect(committed_db.dsn) as connection:
            row = connection.execute("SELECT ledger_post(%s::jsonb) ->> 'code'", [body]).fetchone()
            assert row is not None
            return str(row[0])

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(claim, range(8)))
    assert sorted(codes) == ["accepted"] * 3 + ["insufficient_funds"] * 5
    assert sum(of("voucher").values()) == yuan("0.01")


def ledger_body(n: int) -> str:
    chain = ledger.Chain(new(), ON, "claim", f"C-{n}")
    for part in BUDGET.parts:
        chain.open(part.payable(PAYEE), "payable", returns_to=part.code)
    sides = [(part.voucher("V-1"), part.payable(PAYEE)) for part in BUDGET.parts]
    chain.shared("pending", "reserve", "voucher:V-1", sides, yuan("33.33"))
    return json.dumps(chain.body())


def test_a_batch_of_chains_splits_each_by_what_the_one_before_it_left():
    funded()
    issued(borne={"province": yuan("0.00"), "city": yuan(100)}).demand()
    issued(no="V-2").demand()
    held = [reserved(30, f"C-{n}").id for n in range(3)]
    chains = [
        ledger.Chain(new(), ON, "claim", f"C-{n}").resolve("post", "confirm", id) for n, id in enumerate(held)
    ]
    assert [result.code for result in ledger.post_all(chains)] == ["accepted"] * 3
    paid = []
    for n in range(3):
        ledger.instruct(BUDGET, f"P-{n}", yuan(30), payee_uscc=PAYEE, on=ON, id=new()).demand()
        paid.append(ledger.mark_paid_chain(BUDGET, f"P-{n}", yuan(30), on=ON, id=new()))
    assert [result.code for result in ledger.post_all(paid)] == ["accepted"] * 3
    assert of("paid") == both("0.00", "90.00")
