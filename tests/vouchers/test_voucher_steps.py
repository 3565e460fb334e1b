"""What a voided voucher gave back is what the ledger booked, whatever happened while the decision was made."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests import casework
from tests.cast import Cast
from tests.conftest import TODAY
from tests.meanwhile import Meanwhile
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import budget_of, freed_by_voiding, freeze_voucher, void_voucher
from vouchers.context import acting
from vouchers.models import LedgerTransfer, User, Voucher


def voided() -> str:
    by = User.objects.get(username="approver")
    with acting(by, "test"):
        return str(
            freed_by_voiding(void_voucher(Voucher.objects.get(), by=by, reason="企业主动放弃").voucher)
        )


def test_what_is_released_while_a_voucher_is_voided_is_told_to_have_gone_back(committed_db: Any, cast: Cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    voucher = casework.issued(
        cast, casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    )
    part = Decimal("600.00")
    reservation = ledger.reserve(
        budget_of(voucher),
        voucher.voucher_no,
        part,
        payee_uscc=cast.alpha.uscc,
        claim_no="C-1",
        on=TODAY,
        id=ledger.event_id("test", "reserve"),
    ).demand()
    with acting(cast.handler, "test"):
        freeze_voucher(voucher, by=cast.handler, reason="企业申请放弃")
    with acting(cast.handler, "test"):
        # Given back, and not committed when the voiding reads what is left.
        ledger.release(
            reservation.id, claim_no="C-1", on=TODAY, id=ledger.event_id("test", "release")
        ).demand()
        other = Meanwhile(committed_db.dsn, TODAY, voided)
        other.start()
        assert other.waits()
    assert other.told() == str(voucher.face_value)
    (went_back,) = LedgerTransfer.objects.filter(code="close")
    assert went_back.amount == voucher.face_value
    assert check_ledger(business_rows=False) == []
