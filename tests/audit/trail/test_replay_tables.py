"""Replay holds every watched table to its history: whichever row is changed around the application, it is named with its column."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from django.db import connections, models

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from audit.trail.registry import Tracked, tracked_tables
from audit.trail.replay import replay
from tests import banking, casework
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting

MUST = {
    "ledger_transfer", "ledger_account", "voucher", "claim", "basis_item", "application", "lease", "invoice", "publication", "publication_validity",
    "policy_version", "payment", "payment_line", "payment_batch", "bank_account", "party", "screening",
}  # fmt: skip


@pytest.fixture
def paid(committed_db, cast) -> psycopg.Connection:
    """A claim that went from the application to the bank, and the superuser's connection."""
    publication = casework.published(cast, "BJ-AIQ")
    with dates.fixed(date(2025, 7, 1)):
        casework.funded(cast, publication.program)
        casework.fit_for_beijing(cast.alpha)
        application = casework.submitted(
            cast, publication, casework.lease_fields(cast.provider, "5000000.00")
        )
        voucher = casework.issued(cast, application)
    bill = casework.invoice(application.lease, "1000000.00")
    item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=bill)
    claim = casework.claimed(cast, voucher, application.lease, [item])
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
        verify_claim(claim, by=cast.handler)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    banking.paid(cast)
    connections.close_all()
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        yield superuser


def ways(tracked: Tracked) -> list[tuple[str, str]]:
    """(column, another value of it) in SQL: amounts first, then states and texts, then days."""
    fields = {field.column: field for field in tracked.model._meta.local_fields}
    first: list[tuple[str, str]] = []
    later: list[tuple[str, str]] = []
    for column in tracked.watched:
        field = fields.get(column)
        if field is None or field.primary_key or isinstance(field, models.ForeignKey):
            continue
        if isinstance(field, models.DecimalField | models.IntegerField):
            first.append((column, f'"{column}" + 1'))
        elif isinstance(field, models.BooleanField):
            first.append((column, f'NOT "{column}"'))
        elif isinstance(field, models.CharField | models.TextField) and column != tracked.number:
            states = [value for value, _label in field.flatchoices]
            later += [(column, f"'{state}'") for state in states] or [
                (column, f"left(\"{column}\" || 'X', 200)")
            ]
        elif isinstance(field, models.DateTimeField | models.DateField):
            later.append((column, f"\"{column}\" + interval '1 day'"))
    return first + later


def altered(superuser: psycopg.Connection, tracked: Tracked) -> str | None:
    """Change one column of one row that was made while the table was watched; the column, or None when there is no such row or none of its columns lets itself be changed alone."""
    row = superuser.execute(
        f'SELECT "{tracked.key}" FROM "{tracked.table}" WHERE "{tracked.key}"::text IN (SELECT subject_pk FROM audit_auditevent'
        " WHERE subject_kind = %s AND operation = 'insert') ORDER BY 1 DESC LIMIT 1",
        [tracked.kind],
    ).fetchone()
    if row is None:
        return None
    superuser.execute(f'ALTER TABLE "{tracked.table}" DISABLE TRIGGER ALL')
    for column, value in ways(tracked):
        try:
            done = superuser.execute(
                f'UPDATE "{tracked.table}" SET "{column}" = {value} WHERE "{tracked.key}" = %s AND "{column}" IS DISTINCT FROM {value}',
                row,
            )
        except psycopg.Error:
            continue  # a check of the table stands in the way: another column
        if done.rowcount == 1:
            return column
    return None


def test_a_row_of_any_table_changed_around_the_application_is_named_with_its_column(paid):
    assert list(replay()) == []
    expected: dict[str, str] = {}
    for tracked in tracked_tables():
        column = altered(paid, tracked)
        if column is not None:
            expected[tracked.kind] = column
    assert expected.keys() >= MUST, MUST - expected.keys()
    connections.close_all()
    found: dict[str, list[str]] = {}
    for tracked in tracked_tables():
        if tracked.kind in expected:
            label = str(tracked.model._meta.verbose_name)
            found[tracked.kind] = [one.sentence for one in replay(kinds=frozenset({tracked.kind}))]
            sentences = found[tracked.kind]
            assert len(sentences) == 1, (tracked.kind, expected[tracked.kind], sentences)
            assert label in sentences[0], sentences
            assert expected[tracked.kind] in sentences[0] or "导入" in sentences[0], sentences


def test_a_balance_changed_around_the_application_is_named_by_the_ledger_check(paid):
    assert list(check_ledger()) == []
    paid.execute("ALTER TABLE vouchers_ledgeraccount DISABLE TRIGGER ALL")
    (code,) = paid.execute(
        "UPDATE vouchers_ledgeraccount SET credits_posted = credits_posted + 1 WHERE code LIKE 'voucher:%' RETURNING code"
    ).fetchone()
    connections.close_all()
    told = [(one.row, one.sentence) for one in check_ledger()]
    assert any(code in row or code in sentence for row, sentence in told), told
