"""Moves on one budget, one voucher and one enterprise, in few words: what the ledger's tests are written with."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

from vouchers.actions import ledger
from vouchers.models import LedgerAccount

ON = date(2025, 7, 15)
LATER = date(2026, 1, 5)
BUDGET = ledger.Budget("BJ-AIQ", 2025, "110000")
PAYEE = "91350100M000100Y43"
VOUCHER = "V-2025-000001"


def yuan(amount: int | str) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"))


def new() -> uuid.UUID:
    return uuid.uuid4()


def account(code: str) -> LedgerAccount:
    return LedgerAccount.objects.get(code=code)


def available(code: str) -> Decimal:
    return account(code).available


def fund(amount: int | str = 10_000) -> None:
    ledger.appropriate(BUDGET, yuan(amount), document_no="京财指〔2025〕1号", on=ON, id=new()).demand()


def voucher_of(amount: int | str, budget: int | str = 10_000, no: str = VOUCHER) -> str:
    fund(budget)
    ledger.issue(BUDGET, no, yuan(amount), on=ON, id=new()).demand()
    return no


def reserve(
    amount: int | str, *, claim: str = "C-1", id: uuid.UUID | None = None, **more
) -> ledger.LedgerResult:
    return ledger.reserve(
        BUDGET, VOUCHER, yuan(amount), payee_uscc=PAYEE, claim_no=claim, on=ON, id=id or new(), **more
    )


def cap(limit: int | str, **more) -> ledger.Cap:
    return ledger.Cap("0f" * 32, "enterprise_year", PAYEE, "2025", yuan(limit), **more)
