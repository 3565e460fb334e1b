"""Money that comes back: refund, set-off, write-off and instalments replayed from their events; a changed row of any of them is named."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from audit.models import AuditEvent
from audit.trail.registry import tracked_tables
from audit.trail.replay import replay
from audit.trail.sealer import seal_all
from tests.audit.trail.test_replay_tables import altered
from tests.vouchers.clawing import HUNDRED, first, noticed, second, set_off  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims  # noqa: F401 - fixtures
from vouchers import dates
from vouchers.actions.clawbacks import withdraw_clawback
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.recoveries import (
    ask_instalments,
    decide_instalments,
    propose_write_off,
    record_overdue,
    record_receipt,
    refuse_write_off,
    write_off,
)
from vouchers.actions.refunds import approve_refund, pay_refund, send_back_refund
from vouchers.context import acting
from vouchers.models import Refund

BACK = {
    "clawback", "clawback_receipt", "refund", "set_off", "instalment_plan", "instalment", "receiving_account", "credit_record", "ledger_transfer",
    "ledger_account",
}  # fmt: skip


def received(cast, clawback, amount: str, reference: str) -> None:
    with acting(cast.finance, "test"):
        record_receipt(
            clawback, amount=Decimal(amount), received_on=dates.today(), bank_reference=reference, keep_excess=True, by=cast.finance
        )  # fmt: skip
    clawback.refresh_from_db()


def refunded(cast, refund: Refund) -> None:
    """Approved, sent back because the account was wrong, approved again, and paid by another."""
    with acting(cast.second_finance, "test"):
        approve_refund(refund, by=cast.second_finance)
    with acting(cast.finance, "test"):
        send_back_refund(refund, by=cast.finance, reason="账户有误。")
    with acting(cast.second_finance, "test"):
        approve_refund(refund, by=cast.second_finance)
    with acting(cast.finance, "test"):
        pay_refund(refund, paid_on=dates.today(), bank_reference=f"OUT-{refund.pk}", by=cast.finance)


@pytest.fixture
def back(committed_db, cast, first, second) -> Iterator[psycopg.Connection]:
    """Three demands on one payment: paid in instalments with too much, withdrawn after a set-off, written off; and the superuser's connection."""
    whole = noticed(cast, first, ground_no="K-1")
    with acting(cast.filer, "test"):
        plan = ask_instalments(
            whole,
            [(date(2025, 9, 1), Decimal("50000.00")), (date(2025, 10, 1), Decimal("50000.00"))],
            reason="资金周转困难。",
            by=cast.filer,
        )
    with acting(cast.finance, "test"):
        decide_instalments(plan, agree=True, answer="", by=cast.finance)
        record_overdue(date(2025, 9, 2))
    whole.refresh_from_db()
    received(cast, whole, "50000.00", "IN-1")
    received(cast, whole, "50000.50", "IN-2")
    refunded(cast, Refund.objects.get())

    withdrawn = noticed(cast, first, amount=HUNDRED * 2, ground_no="K-2")
    received(cast, withdrawn, "30000.00", "IN-3")
    set_off(cast, withdrawn, second, "20000.00")
    with acting(cast.approver, "test"):
        withdraw_clawback(withdrawn, by=cast.approver, reason="异议成立。")
    refunded(cast, Refund.objects.get(kind="withdrawn"))

    lost = noticed(cast, first, amount=HUNDRED * 2, ground_no="K-3")
    received(cast, lost, "30000.00", "IN-4")
    for settled in (refuse_write_off, write_off):
        with acting(cast.finance, "test"):
            propose_write_off(lost, reason="企业破产终结。", document_no="（2025）京01破1号", by=cast.finance)
        with acting(cast.approver, "test"):
            settled(
                lost, by=cast.approver, **({"reason": "尚有财产。"} if settled is refuse_write_off else {})
            )
    assert (whole.state, withdrawn.state, lost.state) == ("settled", "withdrawn", "written_off")
    connections.close_all()
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        yield superuser


def test_what_came_back_is_in_its_events_and_a_changed_row_of_any_table_is_named(back):
    seal_all()
    assert list(replay()) == []
    assert check_ledger() == []
    said = StringIO()
    call_command("verify_trail", stdout=said)
    assert "✓ 各表现状与留痕一致" in said.getvalue()
    kinds = set(AuditEvent.objects.values_list("subject_kind", flat=True))
    assert kinds >= BACK, BACK - kinds
    for tracked in tracked_tables():
        if tracked.kind in BACK:
            column = altered(back, tracked)
            assert column is not None, tracked.kind
            connections.close_all()
            sentences = [one.sentence for one in replay(kinds=frozenset({tracked.kind}))]
            assert len(sentences) == 1, (tracked.kind, sentences)
            assert str(tracked.model._meta.verbose_name) in sentences[0]
            assert f"的 {column} 现为" in sentences[0]


def test_the_command_names_the_refund_whose_amount_was_raised(back):
    seal_all()
    back.execute("ALTER TABLE vouchers_refund DISABLE TRIGGER ALL")
    number = back.execute(
        "UPDATE vouchers_refund SET amount = amount + 1000 WHERE kind = 'excess' RETURNING refund_no"
    ).fetchone()
    assert number is not None
    connections.close_all()
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_trail", stdout=said)
    assert ended.value.code == 1
    told = said.getvalue()
    assert (
        f"退还 {number[0]} 的 amount 现为 1000.50，留痕记载为 0.50：被绕过系统改动。（row.altered）" in told
    )
