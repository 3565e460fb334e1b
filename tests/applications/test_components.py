"""Components of an invoice: what a scheme leaves out does not come in beside compute on the same invoice (BJ-AIQ)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from tests import casework
from tests.applications import kinds
from vouchers import dates
from vouchers.errors import Problems


@pytest.fixture(autouse=True)
def mid_year():
    with dates.fixed(date(2025, 7, 15)):
        yield


def billed(lease, lines: dict[str, str]):
    """An invoice of these lines."""
    net = sum((Decimal(amount) for amount in lines.values()), Decimal(0))
    invoice = casework.invoice(lease, str(net))
    for number, (description, amount) in enumerate(lines.items(), 1):
        invoice.lines.create(
            line_no=number,
            description=description,
            net_amount=Decimal(amount),
            tax_amount=(Decimal(amount) * Decimal("0.06")).quantize(Decimal("0.01")),
        )
    return invoice


@pytest.fixture
def rent(cast):
    publication = kinds.opened(cast, "BJ-AIQ")
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(
        cast, publication, casework.lease_fields(cast.provider, "5000000.00"), facts={"other_money": []}
    )
    return kinds.granted(cast, application), application.lease


def test_storage_on_the_same_invoice_does_not_count(cast, rent):
    voucher, lease = rent
    invoice = billed(
        lease, {"*信息技术服务*算力租赁费": "800000.00", "*信息技术服务*云存储服务费": "200000.00"}
    )
    items = [
        ItemFields(
            kind="invoice_line", net_amount=Decimal("800000.00"), invoice=invoice, component="compute"
        ),
        ItemFields(
            kind="invoice_line", net_amount=Decimal("200000.00"), invoice=invoice, component="storage"
        ),
    ]
    claim = kinds.claimed(cast, voucher, items, lease=lease)
    assert claim.claimed_amount == Decimal("160000.00")
    assert kinds.check_of(claim, "item_component").result == "passed"  # each line says what it is claimed as


def test_storage_claimed_as_compute_waits_for_a_person(cast, rent):
    voucher, lease = rent
    invoice = billed(lease, {"算力租赁费": "800000.00", "云存储服务费": "200000.00"})
    item = ItemFields(
        kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=invoice, component="compute"
    )
    claim = kinds.claimed(cast, voucher, [item], lease=lease)
    check = kinds.check_of(claim, "item_component")
    assert check.result == "waiting"
    assert "另有存储" in check.sentence


def test_the_components_of_an_invoice_do_not_add_up_to_more_than_it(cast, rent):
    voucher, lease = rent
    invoice = casework.invoice(lease, "1000000.00")
    items = [
        ItemFields(
            kind="invoice_line", net_amount=Decimal("800000.00"), invoice=invoice, component="compute"
        ),
        ItemFields(
            kind="invoice_line", net_amount=Decimal("200000.01"), invoice=invoice, component="storage"
        ),
    ]
    with pytest.raises(Problems) as refusal:
        kinds.claimed(cast, voucher, items, lease=lease)
    assert refusal.value.problems[0].code == "claim.item_over_invoice"
