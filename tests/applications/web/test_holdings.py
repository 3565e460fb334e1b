"""算力券与合同 at the desk: found, shown, frozen, taken back, verified, ended; each deed with its reason, money by two persons."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from applications.actions.basis_items import ItemFields
from applications.models import Lease
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import (
    balance_of,
    freed_by_voiding,
    freeze_voucher,
    mark_if_exhausted,
    unfreeze_voucher,
    void_voucher,
)
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import User, Voucher
from vouchers.money import thousands
from vouchers.states import advance


@pytest.fixture
def voucher(cast: Cast) -> Voucher:
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    fields = casework.lease_fields(cast.provider, "3000000.00", contract_no="HT-1")
    return casework.issued(cast, casework.submitted(cast, publication, fields))


def at(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(person: User, name: str, *args: str) -> str:
    answer = at(person).get(reverse(name, args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def does(person: User, name: str, *args: str, reason: str = "企业书面申请。") -> Any:
    return at(person).post(reverse(name, args=args), {"reason": reason}, follow=True)


class TestAVoucher:
    def test_it_is_frozen_by_one_and_voided_by_another_and_what_is_left_goes_back(
        self, cast: Cast, voucher: Voucher
    ):
        number = voucher.voucher_no
        assert "deed-freeze" in page(cast.handler, "desk:voucher", number)
        does(cast.handler, "desk:decide_voucher", number, "freeze", reason="企业已注销。")
        seen = page(cast.approver, "desk:voucher", number)
        assert "企业已注销。" in seen
        assert "deed-void" in seen
        does(cast.approver, "desk:decide_voucher", number, "void", reason="企业已注销，收回。")
        voucher.refresh_from_db()
        assert voucher.state == "voided"
        step = voucher.steps.get(verb="void")
        assert (step.decided_by, freed_by_voiding(voucher)) == (cast.approver, voucher.face_value)
        assert (
            thousands(voucher.face_value) in page(cast.approver, "desk:voucher", number).split("处置</h2>")[1]
        )
        assert balance_of(voucher).available == 0
        assert check_ledger() == []

    def test_one_that_is_in_use_is_not_voided_before_it_is_frozen(self, cast: Cast, voucher: Voucher):
        with pytest.raises(NotNow), acting(cast.approver, "test"):
            void_voucher(voucher, by=cast.approver, reason="收回。")
        assert "deed-void" not in page(cast.approver, "desk:voucher", voucher.voucher_no)

    @pytest.mark.parametrize("deed", [unfreeze_voucher, void_voucher])
    def test_who_froze_it_decides_on_nothing_more(self, cast: Cast, voucher: Voucher, deed: Any):
        cast.handler.grants.create(
            role="approver", region=voucher.program.region, effective_from=date(2020, 1, 1)
        )
        cast.handler.__dict__.pop("_grants_now", None)
        with acting(cast.handler, "test"):
            freeze_voucher(voucher, by=cast.handler, reason="核查。")
        with pytest.raises(Forbidden) as refused, acting(cast.handler, "test"):
            deed(voucher, by=cast.handler, reason="同一人。")
        assert refused.value.code == "access.same_person"

    @pytest.mark.parametrize("deed", [unfreeze_voucher, void_voucher])
    def test_one_that_nobody_is_on_record_to_have_frozen_is_not_decided_on(
        self, cast: Cast, voucher: Voucher, deed: Any
    ):
        with acting(cast.handler, "test"):
            advance(voucher, "freeze", by=cast.handler, region=voucher.program.region)
        with pytest.raises(NotNow) as refused, acting(cast.approver, "test"):
            deed(voucher, by=cast.approver, reason="不知由谁冻结。")
        assert (refused.value.code, refused.value.status) == ("voucher.freezer_unknown", 409)
        assert voucher.steps.count() == 0 and Voucher.objects.get(pk=voucher.pk).state == "frozen"

    def test_a_deed_without_a_reason_is_refused(self, cast: Cast, voucher: Voucher):
        with pytest.raises(Invalid) as refused, acting(cast.handler, "test"):
            freeze_voucher(voucher, by=cast.handler, reason=" ")
        assert refused.value.code == "voucher.reason"

    def test_what_a_reversal_brings_back_is_there_to_be_used_again(self, cast: Cast, voucher: Voucher):
        held = ledger.reserve(
            ledger.Budget(voucher.program.code, voucher.budget_year, voucher.program.region.code),
            voucher.voucher_no,
            voucher.face_value,
            payee_uscc=cast.alpha.uscc,
            claim_no="C-X",
            on=dates.today(),
            id=uuid.uuid4(),
        )
        confirmed = ledger.confirm(held.id, claim_no="C-X", on=dates.today(), id=uuid.uuid4()).demand()
        mark_if_exhausted(voucher)
        assert voucher.state == "exhausted"
        ledger.reverse(
            confirmed.id, subject_kind="claim", subject_no="C-X", on=dates.today(), id=uuid.uuid4()
        ).demand()
        mark_if_exhausted(voucher)
        assert voucher.state == "active"

    def test_lists_find_it_by_number_and_by_name_and_another_region_sees_nothing(
        self, cast: Cast, voucher: Voucher
    ):
        for wanted in (voucher.voucher_no[-6:], "甲智能"):
            found = at(cast.handler).get(reverse("desk:vouchers"), {"q": wanted}).content.decode()
            assert voucher.voucher_no in found
        assert voucher.voucher_no not in page(cast.other_handler, "desk:vouchers")
        assert (
            at(cast.other_handler).get(reverse("desk:voucher", args=[voucher.voucher_no])).status_code == 404
        )


class TestAContract:
    def test_a_handler_verifies_it_and_ends_it_with_a_reason(self, cast: Cast, voucher: Voucher):
        lease = Lease.objects.get()
        does(cast.handler, "desk:decide_contract", lease.lease_no, "verify")
        lease.refresh_from_db()
        assert lease.state == "verified"
        does(cast.handler, "desk:decide_contract", lease.lease_no, "end", reason="双方协议终止。")
        lease.refresh_from_db()
        assert lease.state == "ended"

    def test_one_that_a_claim_rests_on_is_not_voided(self, cast: Cast, voucher: Voucher):
        lease = Lease.objects.get()
        with dates.fixed(date(2025, 8, 1)):
            invoice = casework.invoice(lease, "3000000.00", number="25112000000000000001")
            item = ItemFields(kind="invoice_line", net_amount=Decimal("3000000.00"), invoice=invoice)
            casework.claimed(cast, voucher, lease, [item])
            seen = does(cast.handler, "desk:decide_contract", lease.lease_no, "void").content.decode()
        lease.refresh_from_db()
        assert lease.state == "filed"
        assert "不能作废" in seen

    def test_the_page_shows_what_it_is_and_a_deed_without_a_reason_does_nothing(
        self, cast: Cast, voucher: Voucher
    ):
        lease = Lease.objects.get()
        assert "HT-1" in page(cast.handler, "desk:contract", lease.lease_no)
        assert lease.lease_no in page(cast.handler, "desk:contracts")
        does(cast.handler, "desk:decide_contract", lease.lease_no, "end", reason="")
        lease.refresh_from_db()
        assert lease.state == "filed"


def test_a_platforms_reservation_stands_as_long_as_the_version_says(cast: Cast, api: Any):
    from tests.applications.test_settlements import DAY, body, send

    def longer(scheme: Any) -> Any:
        return dataclasses.replace(scheme, voucher=dataclasses.replace(scheme.voucher, reservation_days=10))

    with dates.fixed(DAY):
        publication = casework.published(cast, "BDA-SLQ-v1", longer)
        casework.funded(cast, publication.program)
        fields = casework.lease_fields(
            cast.provider,
            "2000000.00",
            region_code="110115",
            signed_on=date(2024, 5, 1),
            starts_on=date(2024, 5, 1),
            ends_on=date(2025, 4, 30),
        )
        application = casework.submitted(cast, publication, fields)
        told = send(api, cast, body(application), "key-000001").json()
        assert told["expires_on"] == dates.add_working_days(DAY, 10).isoformat()
        assert Decimal(told["deducted_amount"]) > 0
