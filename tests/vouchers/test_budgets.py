"""Budgets of a year: given by documents, closed at its end, carried over by two persons; and the sheet of what became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from tests import casework
from tests.cast import build
from vouchers import dates
from vouchers.actions import budgets, ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.programs import appropriate_budget
from vouchers.actions.treasury_parts import bearers_of, borne_by, treasuries_of
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import CarryOver, LedgerAccount, Program, ProgramBudget
from vouchers.policy.rules import TreasuryShare

D = Decimal
NEXT_YEAR = date(2026, 1, 8)


@pytest.fixture
def program(cast) -> Program:
    return Program.objects.create(code="BJ-AIQ", name="北京算力券", region=cast.beijing)


def given(cast, program, amount="1000.00", document="京财指〔2025〕1号", year=2025, **more):
    with acting(cast.finance, "test"):
        return appropriate_budget(program, year, D(amount), document_no=document, by=cast.finance, **more)


def year_of(program, year=2025) -> ProgramBudget:
    return ProgramBudget.objects.get(program=program, year=year)


def closed(cast, program) -> ProgramBudget:
    with dates.fixed(NEXT_YEAR), acting(cast.finance, "test"):
        return budgets.close_year(year_of(program), by=cast.finance)


def proposed(cast, program, amount="300.00", document="京财结〔2026〕2号", **more) -> CarryOver:
    with dates.fixed(NEXT_YEAR), acting(cast.finance, "test"):
        return budgets.propose_carry_over(
            year_of(program),
            amount=D(amount),
            document_no=document,
            reason="已发券尚未兑付",
            by=cast.finance,
            **more,
        )


def approved(cast, row: CarryOver) -> CarryOver:
    with dates.fixed(NEXT_YEAR), acting(cast.second_finance, "test"):
        return budgets.approve_carry_over(row, by=cast.second_finance)


def booked(program, year=2025) -> ledger.Budget:
    return ledger.Budget(program.code, year, program.region.code)


def available(code: str) -> Decimal:
    return LedgerAccount.objects.get(code=code).available


class TestClosing:
    def test_what_is_available_becomes_the_years_surplus_and_nothing_is_given_or_issued_any_more(
        self, cast, program
    ):
        given(cast, program)
        closed(cast, program)
        assert available("surplus:BJ-AIQ:2025") == D("1000.00")
        with pytest.raises(NotNow, match="已结账") as refused:
            given(cast, program, document="京财指〔2025〕9号")
        assert refused.value.code == "budget.closed"
        issue = ledger.issue(booked(program), "V-1", D("1.00"), on=NEXT_YEAR, id=ledger.event_id("x"))
        assert issue.code == "account_closed"
        assert check_ledger() == []

    def test_what_is_issued_and_reserved_goes_on_and_flows_into_the_surplus_when_it_lapses(
        self, cast, program
    ):
        given(cast, program)
        budget = booked(program)
        ledger.issue(budget, "V-1", D("100.00"), on=dates.today(), id=ledger.event_id(1)).demand()
        held = ledger.reserve(
            budget, "V-1", D("60.00"), payee_uscc="P", claim_no="C-1", on=dates.today(), id=ledger.event_id(2)
        ).demand()
        closed(cast, program)
        assert available(budget.surplus) == D("900.00")
        ledger.expire_voucher("V-1", on=NEXT_YEAR, id=ledger.event_id(3)).demand()
        assert available(budget.surplus) == D("940.00")
        ledger.confirm(
            held.id, claim_no="C-1", on=NEXT_YEAR, id=ledger.event_id(4), amount=D("50.00")
        ).demand()
        assert available(budget.surplus) == D("950.00")
        assert available(budget.payable("P")) == D("50.00")

    def test_a_running_year_is_not_closed(self, cast, program):
        given(cast, program)
        with pytest.raises(NotNow) as refused, acting(cast.finance, "test"):
            budgets.close_year(year_of(program), by=cast.finance)
        assert refused.value.code == "budget.year_running"

    def test_a_year_closes_once(self, cast, program):
        given(cast, program)
        closed(cast, program)
        with pytest.raises(NotNow) as refused:
            closed(cast, program)
        assert refused.value.code == "budget.closed"

    @pytest.mark.parametrize("who", ["approver", "other_finance", "auditor", "stranger"])
    def test_only_the_regions_finance_closes(self, cast, program, who):
        given(cast, program)
        person = getattr(cast, who)
        with dates.fixed(NEXT_YEAR), pytest.raises(Forbidden), acting(person, "test"):
            budgets.close_year(year_of(program), by=person)


class TestCarryingOver:
    def test_an_approved_amount_goes_over_to_the_next_year(self, cast, program):
        given(cast, program)
        closed(cast, program)
        row = approved(cast, proposed(cast, program))
        assert (row.state, row.to_year, row.decided_by) == ("approved", 2026, cast.second_finance)
        assert available("budget:BJ-AIQ:2026") == D("300.00")
        assert available("surplus:BJ-AIQ:2025") == D("700.00")
        assert check_ledger() == []

    def test_who_proposes_does_not_approve_or_refuse(self, cast, program):
        given(cast, program)
        closed(cast, program)
        row = proposed(cast, program)
        with dates.fixed(NEXT_YEAR), acting(cast.finance, "test"):
            for deed in (
                lambda: budgets.approve_carry_over(row, by=cast.finance),
                lambda: budgets.refuse_carry_over(row, by=cast.finance, reason="不"),
            ):
                with pytest.raises(Forbidden) as refused:
                    deed()
                assert refused.value.code == "access.same_person"

    def test_never_more_than_the_surplus_counting_what_waits(self, cast, program):
        given(cast, program)
        closed(cast, program)
        proposed(cast, program, "700.00")
        with pytest.raises(NotNow) as refused:
            proposed(cast, program, "300.01", "京财结〔2026〕3号")
        assert refused.value.code == "carry_over.too_much"

    def test_the_database_itself_refuses_more_than_the_surplus(self, cast, program):
        given(cast, program)
        closed(cast, program)
        answer = ledger.carry_over(
            booked(program),
            booked(program, 2026),
            D("1000.01"),
            document_no="X",
            on=NEXT_YEAR,
            id=ledger.event_id(9),
        )
        assert (answer.code, answer.account) == ("insufficient_funds", "surplus:BJ-AIQ:2025")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"amount": "0"}, "budget.amount"),
            ({"amount": "-1"}, "budget.amount"),
            ({"amount": "1.001"}, "budget.amount"),
            ({"document": " "}, "budget.document_missing"),
            ({"to_year": 2025}, "carry_over.year"),
            ({"treasury": "province"}, "budget.treasury"),
        ],
    )
    def test_bad_input_is_refused_with_its_place(self, cast, program, change, code):
        given(cast, program)
        closed(cast, program)
        with pytest.raises(Invalid) as refused:
            proposed(cast, program, **change)
        assert refused.value.code == code and refused.value.field
        assert not CarryOver.objects.exists()

    def test_nothing_is_carried_over_from_an_open_year_or_into_a_closed_one(self, cast, program):
        given(cast, program)
        with pytest.raises(NotNow) as refused:
            proposed(cast, program)
        assert refused.value.code == "budget.not_closed"
        closed(cast, program)
        ProgramBudget.objects.create(program=program, year=2026, amount=0, closed_on=NEXT_YEAR)
        with pytest.raises(NotNow) as refused:
            proposed(cast, program)
        assert refused.value.code == "budget.closed"

    def test_one_document_carries_over_once_until_it_was_refused(self, cast, program):
        given(cast, program)
        closed(cast, program)
        row = proposed(cast, program)
        with pytest.raises(Invalid) as refused:
            proposed(cast, program, "1.00")
        assert refused.value.code == "carry_over.document_reused"
        with dates.fixed(NEXT_YEAR), acting(cast.second_finance, "test"):
            budgets.refuse_carry_over(row, by=cast.second_finance, reason="金额与文件不符")
        assert proposed(cast, program, "1.00").state == "proposed"

    def test_only_who_proposed_withdraws(self, cast, program):
        given(cast, program)
        closed(cast, program)
        row = proposed(cast, program)
        with pytest.raises(Forbidden), acting(cast.second_finance, "test"):
            budgets.withdraw_carry_over(row, by=cast.second_finance)
        with acting(cast.finance, "test"):
            assert budgets.withdraw_carry_over(row, by=cast.finance).state == "withdrawn"
        assert "budget:BJ-AIQ:2026" not in LedgerAccount.objects.values_list("code", flat=True)


def shared(scheme):
    """Sixty to forty; the city takes what truncation leaves."""
    rows = (("province", "省财政", "0.6", False), ("city", "市财政", "0.4", True))
    return replace(
        scheme,
        treasury_shares=tuple(
            TreasuryShare(cite=scheme.cite, code=code, treasury=name, share=D(share), takes_rest=rest)
            for code, name, share, rest in rows
        ),
    )


class TestTreasuries:
    @pytest.fixture
    def publication(self, cast):
        return casework.published(cast, "BJ-AIQ", change=shared)

    def test_each_gives_by_its_own_document_to_its_own_part(self, cast, publication):
        program = publication.program
        assert treasuries_of(program) == {"province": "省财政", "city": "市财政"}
        first = given(cast, program, "600.00", treasury="province")
        given(cast, program, "400.00", treasury="city")
        assert first.treasury == "省财政"
        assert available("budget:BJ-AIQ:2025:province") == D("600.00")
        assert year_of(program).amount == D("1000.00")
        for wrong in ("", "county"):
            with pytest.raises(Invalid) as refused:
                given(cast, program, document="另一文", treasury=wrong)
            assert refused.value.code == "budget.treasury"
        assert check_ledger() == []

    def test_what_each_bears_is_the_versions_own_rule(self, publication):
        assert bearers_of(publication.scheme) == ("province", "city")
        assert borne_by(publication.scheme, D("100.01")) == {"province": D("60.00"), "city": D("40.01")}

    def test_the_room_for_a_voucher_is_what_the_poorer_treasury_can_bear(self, cast, publication):
        program, scheme = publication.program, publication.scheme
        assert budgets.room_of(program, 2025, scheme) is None
        given(cast, program, "600.00", treasury="province")
        given(cast, program, "100.00", treasury="city")
        room = budgets.room_of(program, 2025, scheme)
        assert room is not None
        borne = borne_by(scheme, room)
        assert borne["city"] <= 100 and borne["province"] <= 600
        assert borne_by(scheme, room + D("0.01"))["city"] > 100

    def test_each_closes_and_carries_over_its_own(self, cast, publication):
        program = publication.program
        given(cast, program, "600.00", treasury="province")
        given(cast, program, "400.00", treasury="city")
        closed(cast, program)
        assert budgets.surplus_of(year_of(program)) == {"province": D("600.00"), "city": D("400.00")}
        approved(cast, proposed(cast, program, "250.00", treasury="city"))
        assert available("budget:BJ-AIQ:2026:city") == D("250.00")
        with pytest.raises(NotNow):
            proposed(cast, program, "150.01", "又一文", treasury="city")
        assert check_ledger() == []


class TestTheSheet:
    def test_what_came_in_is_always_somewhere(self, cast, program):
        given(cast, program)
        budget = booked(program)
        on = dates.today()
        ledger.issue(budget, "V-1", D("400.00"), on=on, id=ledger.event_id(1)).demand()
        for n, amount in enumerate(("100.00", "50.00", "30.00"), start=2):
            ledger.reserve(
                budget, "V-1", D(amount), payee_uscc="P", claim_no=f"C-{n}", on=on, id=ledger.event_id(n)
            ).demand()
        ledger.confirm(ledger.event_id(2), claim_no="C-2", on=on, id=ledger.event_id(12)).demand()
        ledger.confirm(ledger.event_id(3), claim_no="C-3", on=on, id=ledger.event_id(13)).demand()
        ledger.instruct(budget, "P-1", D("70.00"), payee_uscc="P", on=on, id=ledger.event_id(14)).demand()
        ledger.mark_paid(budget, "P-1", D("45.00"), on=on, id=ledger.event_id(15)).demand()
        (line,) = budgets.budget_sheet(program)
        assert line.came_in == line.accounted == D("1000.00")
        assert (line.available, line.committed, line.reserved) == (D("600.00"), D("220.00"), D("30.00"))
        assert (line.payable, line.instructed, line.paid) == (D("80.00"), D("25.00"), D("45.00"))
        closed(cast, program)
        approved(cast, proposed(cast, program))
        later, line = budgets.budget_sheet(program)
        assert (later.year, later.carried_in, later.came_in, later.accounted) == (2026, 300, 300, 300)
        assert (line.surplus, line.carried_out, line.surplus_left) == (600, 300, 300)
        assert line.came_in == line.accounted == D("1000.00") and line.closed


FORGERIES = [
    ("UPDATE vouchers_appropriation SET amount = 1", "appropriations_are_booked"),
    ("UPDATE vouchers_programbudget SET amount = 1", "appropriations_are_booked"),
    ("UPDATE vouchers_carryover SET amount = 1", "carry_overs_are_booked"),
    ("DELETE FROM vouchers_carryover", "carry_overs_are_booked"),
    ("UPDATE vouchers_programbudget SET closed_on = NULL", "a_closed_year_is_closed"),
    (
        "UPDATE vouchers_ledgeraccount SET returns_to_id = (SELECT id FROM vouchers_ledgeraccount WHERE code = 'surplus:BJ-AIQ:2026')"
        " WHERE code = 'budget:BJ-AIQ:2025'",
        "parts_are_of_one_program_and_year",
    ),
]


@pytest.mark.parametrize(("deed", "invariant"), FORGERIES)
def test_a_budget_that_was_changed_by_hand_is_found_and_named(committed_db, deed, invariant):
    cast = build()
    program = Program.objects.create(code="BJ-AIQ", name="北京算力券", region=cast.beijing)
    given(cast, program)
    closed(cast, program)
    approved(cast, proposed(cast, program))
    assert check_ledger() == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for table in ("appropriation", "programbudget", "carryover", "ledgeraccount"):
            hand.execute(f"ALTER TABLE vouchers_{table} DISABLE TRIGGER USER")
        hand.execute(deed)
    found = [one for one in check_ledger() if one.invariant == invariant]
    assert found and "BJ-AIQ" in found[0].row
