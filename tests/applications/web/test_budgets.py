"""预算指标 and 台账日结 on the desk: what finance reads there, does there, and what others are refused."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.vouchers.test_budgets import NEXT_YEAR, approved, closed, given, proposed
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.ledger_days import close_day, keep_check
from vouchers.models import CarryOver, LedgerAccount, Program

PAGE, DAYS = "/desk/budgets/", "/desk/ledger/"


@pytest.fixture
def program(cast) -> Program:
    return Program.objects.create(code="BJ-AIQ", name="北京算力券", region=cast.beijing)


def page(client, person, address: str = PAGE) -> str:
    client.force_login(person)
    return client.get(address).content.decode()


def test_a_year_is_closed_and_its_surplus_carried_over_by_two_persons_on_the_page(cast, client, program):
    given(cast, program)
    with dates.fixed(NEXT_YEAR):
        assert "年终结账" in page(client, cast.finance)
        client.post(f"{PAGE}BJ-AIQ/2025/close/")
        assert "已结账" in page(client, cast.finance) and "提请结转" in page(client, cast.finance)
        client.post(
            f"{PAGE}BJ-AIQ/2025/carry-over/",
            {"amount": "300,00.5", "document_no": "京财结1号", "reason": "已发券"},
        )
        assert not CarryOver.objects.exists()  # 30,000.50 is more than there is
        client.post(
            f"{PAGE}BJ-AIQ/2025/carry-over/",
            {"amount": "300.50", "document_no": "京财结1号", "reason": "已发券"},
        )
        row = CarryOver.objects.get()
        own = page(client, cast.finance)
        assert f"withdraw-{row.carry_over_no}" in own and f"approve-{row.carry_over_no}" not in own
        client.post(f"{PAGE}carry-overs/{row.carry_over_no}/approve/")
        row.refresh_from_db()
        assert row.state == "proposed"  # not by who proposed it
        assert f"approve-{row.carry_over_no}" in page(client, cast.second_finance)
        client.post(f"{PAGE}carry-overs/{row.carry_over_no}/approve/")
    assert LedgerAccount.objects.get(code="budget:BJ-AIQ:2026").available == Decimal("300.50")


def test_a_running_year_has_no_button_and_closing_it_by_hand_is_refused(cast, client, program):
    given(cast, program)
    assert "年终结账" not in page(client, cast.finance)
    client.post(f"{PAGE}BJ-AIQ/2025/close/")
    assert "尚未结束" in page(client, cast.finance)


@pytest.mark.parametrize(("who", "status"), [("other_finance", 404), ("handler", 404), ("stranger", 403)])
def test_others_neither_close_nor_carry_over(cast, client, program, who, status):
    given(cast, program)
    client.force_login(getattr(cast, who))
    with dates.fixed(NEXT_YEAR):
        assert client.post(f"{PAGE}BJ-AIQ/2025/close/").status_code == status
        assert client.post(f"{PAGE}BJ-AIQ/2025/carry-over/").status_code == status


def test_another_regions_finance_sees_none_of_it(cast, client, program):
    given(cast, program)
    shown = page(client, cast.other_finance, f"{PAGE}?program=BJ-AIQ")
    assert "BJ-AIQ" not in shown and "还没有专项" in shown
    client.force_login(cast.other_finance)
    assert client.post(f"{PAGE}BJ-AIQ/appropriate/").status_code == 404


def test_finance_gives_a_budget_its_money_by_a_document_once(cast, client, program):
    shown = page(client, cast.finance)
    assert "还没有预算指标" in shown and "由哪级财政下达" not in shown
    typed = {"year": "2025", "document_no": "京财指1号", "amount": "50,000,000.00"}
    for _twice in range(2):
        client.post(f"{PAGE}BJ-AIQ/appropriate/", typed)
    assert LedgerAccount.objects.get(code="budget:BJ-AIQ:2025").available == Decimal("50000000.00")
    assert "50,000,000.00" in page(client, cast.finance)


@pytest.mark.parametrize(
    "wrong",
    [
        {"year": ""},
        {"year": "20256"},
        {"year": "1999"},
        {"year": "二〇二五"},
        {"amount": ""},
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "1.001"},
        {"amount": "1e30"},
        {"amount": "NaN"},
        {"amount": "很多"},
        {"document_no": " "},
        {"treasury": "province"},
    ],
)
def test_what_is_typed_wrongly_gives_nothing(cast, client, program, wrong):
    client.force_login(cast.finance)
    typed = {"year": "2025", "document_no": "京财指1号", "amount": "5.00"} | wrong
    assert client.post(f"{PAGE}BJ-AIQ/appropriate/", typed).status_code == 302
    assert not LedgerAccount.objects.exists()


def test_a_handler_is_not_shown_the_money(cast, client, program):
    client.force_login(cast.handler)
    assert client.get(PAGE).status_code == client.get(DAYS).status_code == 403


def test_the_days_and_the_last_check_are_shown_to_finance_and_to_auditors(cast, client, program):
    given(cast, program)
    closing = close_day(date(2025, 7, 15), timezone.now())
    assert closing is not None
    keep_check("test")
    for person, surface in ((cast.finance, "desk"), (cast.auditor, "audit")):
        shown = page(client, person, f"/{surface}/ledger/")
        assert "未发现问题" in shown and closing.sha256[:16] in shown
        shown = page(client, person, f"/{surface}/ledger/2025-07-15/")
        assert closing.transfers_sha256 in shown and "预算指标" in shown and "1,000.00" in shown
        assert client.get(f"/{surface}/ledger/2025-07-16/").status_code == 404
        assert client.get(f"/{surface}/ledger/none/").status_code == 404


def test_a_check_with_findings_says_where(cast, client, program):
    ledger.appropriate(
        ledger.Budget("BJ-AIQ", 2025, "110000"),
        Decimal("1.00"),
        document_no="无文件",
        on=dates.today(),
        id=ledger.event_id("loose"),
    ).demand()
    keep_check("test")
    shown = page(client, cast.auditor, "/audit/ledger/")
    assert "发现 1 处问题" in shown and "budget:BJ-AIQ:2025" in shown


def test_lines_of_programs_elsewhere_are_summed_up_not_named(cast, client, program):
    given(cast, program)
    elsewhere = Program.objects.create(code="SZ-XLQ", name="深圳训力券", region=cast.shenzhen)
    ledger.appropriate(
        ledger.Budget(elsewhere.code, 2025, "440300"),
        Decimal("7.00"),
        document_no="深财",
        on=dates.today(),
        id=ledger.event_id("elsewhere"),
    ).demand()
    close_day(date(2025, 7, 15), timezone.now() + timedelta(0))
    shown = page(client, cast.finance, "/desk/ledger/2025-07-15/")
    assert "其他专项合计" in shown and "SZ-XLQ" not in shown


def test_the_page_says_what_came_in_by_which_document(cast, client, program):
    given(cast, program)
    closed(cast, program)
    approved(cast, proposed(cast, program))
    shown = page(client, cast.finance)
    assert "京财指〔2025〕1号" in shown and "京财结〔2026〕2号" in shown
    assert "2026 年度" in shown and "上年结转转入" in shown
