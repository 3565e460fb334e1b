"""The ledger: accounts, transfers and chains, in the database's own hands."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from vouchers.actions import ledger
from vouchers.models import LedgerAccount, LedgerAttempt, LedgerTransfer

pytestmark = pytest.mark.django_db

ON = date(2025, 7, 15)
BUDGET = ledger.Budget("BJ-AIQ", 2025, "110000")
PAYEE = "91350100M000100Y43"


def yuan(amount: int | str) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"))


def new() -> uuid.UUID:
    return uuid.uuid4()


def account(code: str) -> LedgerAccount:
    return LedgerAccount.objects.get(code=code)


def voucher_of(amount: int | str, no: str = "V-2025-000001", budget: int | str = 10_000) -> str:
    ledger.appropriate(BUDGET, yuan(budget), document_no="京财指〔2025〕1号", on=ON, id=new()).demand()
    ledger.issue(BUDGET, no, yuan(amount), on=ON, id=new()).demand()
    return no


def test_the_whole_way_from_treasury_to_paid():
    voucher = voucher_of("600.00", budget="1000.00")
    reservation = new()
    held = ledger.reserve(BUDGET, voucher, yuan("400.10"), payee_uscc=PAYEE, claim_no="C-1", on=ON, id=reservation)
    assert held.accepted
    assert [(t.kind, t.debit, t.credit, t.amount) for t in held.transfers] == [
        ("pending", "voucher:V-2025-000001", f"payable:BJ-AIQ:2025:{PAYEE}", yuan("400.10"))
    ]
    assert account("voucher:V-2025-000001").available == yuan("199.90")
    assert ledger.confirm(reservation, claim_no="C-1", on=ON, id=new()).accepted
    assert ledger.instruct(BUDGET, "P-1", yuan("400.10"), payee_uscc=PAYEE, on=ON, id=new()).accepted
    assert ledger.mark_paid(BUDGET, "P-1", yuan("400.10"), on=ON, id=new()).accepted
    assert account("budget:BJ-AIQ:2025").available == yuan("400.00")
    assert account("paid:BJ-AIQ:2025").balance == yuan("400.10")
    assert account(f"payable:BJ-AIQ:2025:{PAYEE}").available == 0
    assert LedgerAttempt.objects.filter(accepted=True).count() == LedgerTransfer.objects.count() == 6
    assert connection.vendor == "postgresql"
