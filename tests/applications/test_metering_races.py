"""A figure is corrected while a deduction that rests on it is decided, on connections of their own: who comes second sees the first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from applications.actions.basis_items import ItemFields
from applications.actions.leases import void_lease
from applications.actions.metering import DayUse, report_days
from applications.actions.settlements import (
    EVERYWHERE,
    SettlementRequest,
    confirm_settlement,
    reserve_settlement,
)
from applications.models import Claim, Lease, MeteringDay
from tests import casework
from tests.applications.test_metering_api import day, push
from tests.applications.test_settlements import DAY, body, etown, send
from tests.cast import Cast
from tests.meanwhile import Meanwhile
from vouchers.context import acting
from vouchers.models import ApiCredential, LedgerTransfer, Voucher
from vouchers.models.holds import Screening

__all__ = ["etown"]

FIRST = date(2024, 5, 1)


def correct(lease_no: str) -> str:
    """Says of the first day 90 for 100; how the day was answered."""
    credential = ApiCredential.objects.get()
    use = DayUse(day=FIRST, card_hours=Decimal(90), replaces=Decimal(100), reason="漏记")
    answer, _new = report_days(lease_no, [use], credential=credential, reach=EVERYWHERE, key="meter-race")
    told: dict[str, str] = answer["days"][0]
    return told["code"] or told["outcome"]


def corrected(lease_no: str) -> str:
    with acting(ApiCredential.objects.get().user, "test"):
        return correct(lease_no)


def confirmed(claim_no: str) -> str:
    by = ApiCredential.objects.get().user
    with acting(by, "test"):
        return confirm_settlement(Claim.objects.get(claim_no=claim_no), by=by).state


@pytest.fixture
def lease(committed_db: Any, etown: Any) -> Lease:
    return Lease.objects.get()


def test_a_correction_waits_for_the_decision_that_rests_on_the_day_and_is_then_refused(
    committed_db: Any, api: Any, cast: Cast, etown: Any, lease: Lease
):
    push(api, cast, lease.lease_no, day("2024-05-01"))
    made = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    with acting(ApiCredential.objects.get().user, "test"):
        confirm_settlement(Claim.objects.get(claim_no=made), by=ApiCredential.objects.get().user)
        other = Meanwhile(committed_db.dsn, DAY, lambda: corrected(lease.lease_no))
        other.start()
        assert other.waits()
    assert other.told() == "metering.decided"
    assert MeteringDay.objects.get().card_hours == 100


def test_a_correction_waits_for_a_deduction_that_is_being_reserved_and_is_then_refused(
    committed_db: Any, api: Any, cast: Cast, etown: Any, lease: Lease
):
    """Else the deduction would rest on a figure that is another one before anybody could release it."""
    push(api, cast, lease.lease_no, day("2024-05-01"))
    platform = ApiCredential.objects.get()
    with acting(platform.user, "test"):
        request = SettlementRequest(
            voucher_no=etown.voucher_no,
            lease_no=lease.lease_no,
            net_amount=Decimal(1000000),
            reference="ST-1",
            period_from=FIRST,
            period_to=date(2024, 5, 31),
        )
        reserve_settlement(request, provider=platform.provider, key="key-000001", by=platform.user)
        other = Meanwhile(committed_db.dsn, DAY, lambda: corrected(lease.lease_no))
        other.start()
        assert other.waits()
    assert other.told() == "metering.claimed"
    assert MeteringDay.objects.get().card_hours == 100


def test_a_correction_waits_for_a_claim_that_is_being_filed_and_is_then_refused(
    committed_db: Any, api: Any, cast: Cast, etown: Any, lease: Lease
):
    push(api, cast, lease.lease_no, day("2024-05-01"))
    item = ItemFields(
        kind="settlement_line",
        net_amount=Decimal(1000000),
        reference="JS-1",
        period_from=FIRST,
        period_to=date(2024, 5, 31),
    )
    with acting(cast.filer, "test"):
        claim = casework.claimed(cast, Voucher.objects.get(), lease, [item])
        assert claim.state == "submitted"
        other = Meanwhile(committed_db.dsn, DAY, lambda: corrected(lease.lease_no))
        other.start()
        assert other.waits()
    assert other.told() == "metering.claimed"
    assert MeteringDay.objects.get().card_hours == 100


def test_deductions_on_one_contract_do_not_wait_for_each_other_there(
    committed_db: Any, api: Any, cast: Cast, etown: Any, lease: Lease
):
    with acting(ApiCredential.objects.get().user, "test"), connection.cursor() as cursor:
        cursor.execute("SELECT FROM applications_lease WHERE id = %s FOR SHARE", [lease.pk])
        other = Meanwhile(
            committed_db.dsn, DAY, lambda: send(api, cast, body(etown), "key-000001").status_code
        )
        other.start()
        assert other.told() == "201"


def test_a_deduction_waits_for_a_correction_that_is_under_way_and_is_screened_with_it(
    committed_db: Any, api: Any, cast: Cast, etown: Any, lease: Lease
):
    """Neither reserved nor confirmed while the correction, which saw neither, has not committed yet."""
    push(api, cast, lease.lease_no, day("2024-05-01"))
    with acting(ApiCredential.objects.get().user, "test"):
        assert correct(lease.lease_no) == "corrected"

        def reserved_and_confirmed() -> str:
            made = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
            return confirmed(made)

        other = Meanwhile(committed_db.dsn, DAY, reserved_and_confirmed)
        other.start()
        assert other.waits()
        assert not Claim.objects.exists()
        assert MeteringDay.objects.get().card_hours == 90
    assert other.told() == "approved"
    assert Screening.objects.filter(subject_kind="claim", moment="approval").exists()


def test_a_contract_is_not_voided_while_a_claim_on_it_is_decided_nor_a_claim_decided_on_a_voided_one(
    committed_db: Any, api: Any, cast: Cast, etown: Any, lease: Lease
):
    """The contract is taken back before the deduction is seen: nothing is reserved on it."""
    with acting(cast.handler, "test"):
        void_lease(lease, by=cast.handler, reason="重复备案。")

        def reserved_and_confirmed() -> str:
            answer = send(api, cast, body(etown), "key-000001").json()
            return confirmed(answer["settlement_no"]) if "settlement_no" in answer else answer["code"]

        other = Meanwhile(committed_db.dsn, DAY, reserved_and_confirmed)
        other.start()
        assert other.waits()
    assert other.told() == "claim.lease_not_filed"
    assert not Claim.objects.exists()
    assert not LedgerTransfer.objects.filter(kind="pending").exists()
