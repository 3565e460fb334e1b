"""What people have to look at before it counts: who an intermediary is, and the rate that experts set."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.applications import (
    accept_application,
    recommend_application,
)
from applications.actions.basis_items import ItemFields
from tests import casework
from tests.applications import kinds
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import Problems

TODAY = date(2025, 7, 15)


@pytest.fixture(autouse=True)
def mid_year():
    with dates.fixed(TODAY):
        yield


def test_an_intermediary_is_looked_at_before_it_counts_as_one(cast):
    publication = kinds.opened(cast, "CD-SLQ-DEMO")
    casework.admitted(cast.provider, publication.program.code, "超算服务")
    application = casework.submitted(
        cast,
        publication,
        casework.lease_fields(cast.provider, "1000000.00", region_code="510100"),
        facts={"party_kind": "intermediary"},
    )
    assert kinds.check_of(application, "stated.party_kind").result == "waiting"
    voucher = kinds.granted(cast, application)
    invoice = casework.invoice(application.lease, "1000000.00")
    item = ItemFields(kind="invoice_line", net_amount=invoice.net_amount, invoice=invoice)
    claim = kinds.redeemed(cast, kinds.claimed(cast, voucher, [item], lease=application.lease))
    assert claim.approved_amount == voucher.face_value > 0


def shanghai_rent(cast, since: date = date(2024, 1, 1)):
    publication = kinds.opened(cast, "SH-ZLBT")
    kinds.placed(cast.alpha, "310115")
    kinds.connect(cast, cast.provider, publication, since)
    return casework.submitted(
        cast, publication, casework.lease_fields(cast.provider, "5000000.00", region_code="310000")
    )


def test_an_assessed_rent_is_paid_at_the_rate_that_experts_set(cast):
    application = shanghai_rent(cast)
    assert kinds.check_of(application, "provider_dispatched").result == "passed"
    voucher = kinds.granted(
        cast, application, expert=True, rates={"rent": Decimal("0.08")}, reason="集群规模二档，成果水平一档。"
    )
    assert voucher.face_value == Decimal("400000.00")
    invoice = casework.invoice(application.lease, "5000000.00")
    item = ItemFields(kind="invoice_line", net_amount=invoice.net_amount, invoice=invoice)
    claim = kinds.redeemed(cast, kinds.claimed(cast, voucher, [item], lease=application.lease))
    assert claim.approved_amount == Decimal("400000.00")


def test_a_provider_that_was_connected_only_after_the_lease_began_does_not_do(cast):
    application = shanghai_rent(cast, since=date(2025, 4, 1))
    assert application.assessment["outcome"] == "refused"


@pytest.mark.parametrize(
    ("opinion", "code"),
    [
        ({"rates": {"rent": Decimal("0.11")}, "reason": "规模大"}, "review.above_ceiling"),
        ({"rates": {"rent": Decimal("0.08")}}, "review.reason"),
        ({"score": Decimal("80"), "reason": "规模大"}, "review.no_table"),
        ({"rates": {"other": Decimal("0.08")}, "reason": "规模大"}, "review.not_theirs"),
    ],
)
def test_experts_stay_within_what_the_text_leaves_to_them(cast, opinion, code):
    application = shanghai_rent(cast)
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    with pytest.raises(Problems) as refusal, acting(cast.expert, "test"):
        recommend_application(application, by=cast.expert, **opinion)
    assert [one.code for one in refusal.value.problems] == [code]
