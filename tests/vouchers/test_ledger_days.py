"""Every day closes with a trial balance of what was recorded on it, and no close ever changes."""

from __future__ import annotations

import threading
import time as clock
from datetime import date, timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.vouchers.ledger_moves import BUDGET, ON, fund, new, reserve, voucher_of, yuan
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.ledger_days import close_day, close_due_days, due_days, keep_check
from vouchers.models import DayClose, DayCloseLine, LedgerCheck
from vouchers.tasks import check_ledger_nightly, close_days

DAY = date(2025, 7, 15)


def closed(day: date = DAY) -> DayClose:
    made = close_day(day, timezone.now())
    assert made is not None
    return made


def lines(row: DayClose) -> dict[str, tuple[str, str]]:
    """Net of the money lines: (moved on the day, standing since the beginning), credits less debits."""
    return {
        line.kind: (
            f"{line.moved_credits_posted - line.moved_debits_posted:.2f}",
            f"{line.credits_posted - line.debits_posted:.2f}",
        )
        for line in row.lines.filter(ledger="money")
    }


@pytest.mark.django_db
class TestATrialBalance:
    def test_it_says_what_moved_on_the_day_and_what_stands_and_balances(self):
        voucher_of(600, budget=1000)
        first = closed()
        reserve(100)
        ledger.issue(BUDGET, "V-2", yuan(50), on=ON, id=new()).demand()
        second = closed(DAY + timedelta(days=1))
        assert (first.transfers, second.transfers) == (2, 2)
        assert lines(first) == {
            "budget": ("400.00", "400.00"),
            "treasury": ("-1000.00", "-1000.00"),
            "voucher": ("600.00", "600.00"),
        }
        assert lines(second) == {
            "budget": ("-50.00", "350.00"),
            "payable": ("0.00", "0.00"),
            "treasury": ("0.00", "-1000.00"),
            "voucher": ("50.00", "650.00"),
        }
        assert (second.debits_pending, second.credits_pending) == (100, 100)
        assert first.balanced and second.balanced
        assert second.debits_posted == second.credits_posted == 1650
        assert check_ledger(business_rows=False) == []

    def test_a_late_transfer_of_a_past_business_day_lands_in_the_day_on_which_it_is_recorded(self):
        fund(1000)
        first = closed()
        before = (first.transfers, first.sha256)
        ledger.issue(BUDGET, "V-1", yuan(5), on=date(2025, 1, 2), id=new()).demand()
        second = closed(DAY + timedelta(days=1))
        first.refresh_from_db()
        assert (first.transfers, first.sha256) == before
        assert second.transfers == 1

    def test_a_day_without_transfers_closes_as_well_and_carries_the_hash_of_the_one_before(self):
        fund(1000)
        first, second = closed(), closed(DAY + timedelta(days=1))
        assert (second.transfers, second.previous_sha256) == (0, first.sha256)
        assert lines(second)["budget"] == ("0.00", "1000.00")

    def test_a_day_closes_once_and_none_before_it_afterwards(self):
        closed()
        assert close_day(DAY, timezone.now()) is None
        assert close_day(DAY - timedelta(days=1), timezone.now()) is None

    def test_a_day_that_is_not_over_is_not_closed(self):
        with pytest.raises(DatabaseError, match="not over"), transaction.atomic():
            close_day(DAY, timezone.now() + timedelta(hours=1))

    def test_neither_today_nor_a_day_to_come_is_closed_though_the_instant_is_past(self):
        """Or every close until then would be refused, as lying before one that is closed."""
        fund()
        today = timezone.now().astimezone(dates.SHANGHAI).date()
        for day in (today, today + timedelta(days=1), date(2099, 12, 31)):
            with pytest.raises(DatabaseError, match="not over"), transaction.atomic():
                close_day(day, timezone.now() - timedelta(seconds=1))
        with dates.fixed(date(2099, 12, 31)):
            assert close_due_days("test") == []
        assert not DayClose.objects.exists()
        assert close_day(today - timedelta(days=1), timezone.now() - timedelta(days=1)) is not None

    def test_caps_have_lines_of_their_own_outside_of_the_balance(self):
        voucher_of(600, budget=1000)
        cap = ledger.Cap("0f" * 32, "enterprise_year", "X", "2025", yuan(500))
        reserve(100, caps=[cap])
        row = closed()
        assert set(row.lines.values_list("ledger", "kind")) >= {
            ("entitlement", "cap"),
            ("entitlement", "cap_source"),
        }
        assert row.balanced

    @pytest.mark.parametrize(
        "deed", ["UPDATE {} SET id = id", "DELETE FROM {}", "INSERT INTO {} SELECT * FROM {}"]
    )
    @pytest.mark.parametrize("table", ["vouchers_dayclose", "vouchers_daycloseline"])
    def test_the_application_cannot_write_it(self, table, deed):
        fund()
        closed()
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(deed.replace("{}", table))


def test_nor_can_its_owner_change_what_a_close_says(committed_db):
    fund()
    closed()
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        for deed in ("UPDATE vouchers_dayclose SET transfers = 9", "DELETE FROM vouchers_daycloseline"):
            with pytest.raises(psycopg.errors.RestrictViolation, match="只增不改"), owner.transaction():
                owner.execute(deed)


def test_who_is_writing_at_the_instant_is_waited_for(committed_db):
    """A transfer that was recorded before the instant and commits after it is in the day, not between two."""
    fund(1000)
    body = ledger.issue_chain(BUDGET, "V-1", yuan(5), on=ON, id=new()).body()
    written, told = threading.Event(), []

    def write() -> None:
        import json

        from django.db import connection as own

        with psycopg.connect(committed_db.dsn) as slow:
            slow.execute("SELECT ledger_post(%s::jsonb)", [json.dumps(body)])
            written.set()
            clock.sleep(1)
            told.append("committed")
        own.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(20)
    row = closed()
    assert told == ["committed"]
    thread.join()
    assert row.transfers == 2
    assert check_ledger(business_rows=False) == []


@pytest.mark.django_db
class TestTheClock:
    def test_while_the_business_date_stands_still_its_day_closes_once_with_all_until_now(self):
        fund()
        with dates.fixed(DAY):
            assert [row.day for row in close_due_days("test")] == [DAY]
            assert close_due_days("test") == []

    def test_days_that_were_missed_are_closed_one_by_one_at_their_midnights(self):
        today = timezone.now().astimezone(dates.SHANGHAI).date()
        fund()
        close_day(today - timedelta(days=3), timezone.now() - timedelta(days=2))
        with dates.fixed(timezone.now()):
            due = due_days()
        assert [day for day, _before in due] == [today - timedelta(days=2), today - timedelta(days=1)]
        assert all(before.astimezone(dates.SHANGHAI).hour == 0 for _day, before in due)
        assert all(before.astimezone(dates.SHANGHAI).date() == day + timedelta(days=1) for day, before in due)

    def test_the_command_prints_the_days_and_whether_they_balance(self):
        fund()
        out = StringIO()
        with dates.fixed(DAY):
            call_command("close_day", stdout=out)
            call_command("close_day", stdout=out)
        assert "2025-07-15\t1 笔" in out.getvalue() and "\t平\t" in out.getvalue()
        assert "没有待日结的日子" in out.getvalue()

    def test_the_nightly_tasks_leave_their_rows(self):
        fund()
        with dates.fixed(DAY):
            assert close_days() == ["2025-07-15"]
        assert check_ledger_nightly() == 1  # these moves have no appropriation document
        kept = LedgerCheck.objects.get()
        assert kept.findings[0]["invariant"] == "appropriations_are_booked"
        assert kept.findings[0]["row"] == BUDGET.code
        assert kept.invariants > 20


FORGERIES = [
    ("UPDATE vouchers_dayclose SET transfers = transfers + 1", "a_day_is_its_transfers"),
    ("UPDATE vouchers_ledgertransfer SET subject_no = 'X' WHERE code = 'issue'", "a_day_is_its_transfers"),
    ("UPDATE vouchers_dayclose SET transfers_sha256 = repeat('0', 64)", "a_day_is_its_transfers"),
    ("UPDATE vouchers_dayclose SET sha256 = repeat('0', 64) WHERE previous_sha256 = ''", "a_day_follows_the_one_before"),
    ("UPDATE vouchers_dayclose SET previous_sha256 = 'x' WHERE previous_sha256 <> ''", "a_day_follows_the_one_before"),
    ("DELETE FROM vouchers_daycloseline WHERE kind = 'voucher'", "a_day_line_is_what_moved"),
    ("UPDATE vouchers_daycloseline SET moved_debits_posted = 7 WHERE kind = 'voucher'", "a_day_line_is_what_moved"),
    ("UPDATE vouchers_daycloseline SET credits_posted = 7 WHERE kind = 'voucher'", "a_day_balances"),
    ("UPDATE vouchers_dayclose SET balanced = false", "a_day_balances"),
]  # fmt: skip


@pytest.mark.parametrize(("deed", "invariant"), FORGERIES)
def test_a_forged_day_is_found_and_named(committed_db, deed, invariant):
    voucher_of(600, budget=1000)
    closed()
    closed(DAY + timedelta(days=1))
    assert check_ledger(business_rows=False) == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for table in ("dayclose", "daycloseline", "ledgertransfer"):
            hand.execute(f"ALTER TABLE vouchers_{table} DISABLE TRIGGER USER")
        hand.execute(deed)
    found = [one for one in check_ledger(business_rows=False) if one.invariant == invariant]
    assert found and found[0].row.startswith("2025-07-1")


@pytest.mark.django_db
def test_a_check_that_finds_nothing_is_kept_too():
    kept = keep_check("test")
    assert (kept.count, kept.findings) == (0, [])
    assert DayCloseLine.objects.count() == 0
