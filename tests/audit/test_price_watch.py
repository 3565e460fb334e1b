"""A seller raises its quotes, its contract is redeemed within a month: the page on which prices are published says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.urls import reverse

from applications.actions.basis_items import ItemFields
from applications.actions.claims import withdraw_claim
from audit.price_watch import redemptions
from tests import casework
from tests.applications.test_lease_splits import beijing, contract  # noqa: F401 - a fixture
from tests.vouchers.prices.feeds import row
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.price_watch import signs_of
from vouchers.context import Actor, acting

CLAIMED = date(2025, 7, 25)


def redeemed(cast, publication):
    """A claim of 2025-07-25 on a contract with the cast's provider, whose scheme has no window for claims."""
    application = casework.submitted(cast, publication, contract(cast, bundled=False))
    voucher = casework.issued(cast, application)
    application.lease.refresh_from_db()
    invoice = casework.invoice(application.lease, "1000000.00")
    with dates.fixed(CLAIMED):
        item = ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=invoice)
        return casework.claimed(cast, voucher, application.lease, [item])


def test_the_publisher_sees_who_raised_its_quotes_before_its_contracts_were_redeemed(client, cast, beijing):  # noqa: F811
    with acting(Actor.service("test"), "test"):
        seller = cast.provider.uscc
        prices.load_observations(
            [row(seller, "19", date(2025, 6, 10)), row(seller, "22", date(2025, 7, 10), reference="later")]
        )
        with dates.fixed(date(2025, 8, 1)):
            issue = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert [one.kind for one in signs_of(issue)] == []
    claim = redeemed(cast, beijing)
    (sign,) = signs_of(issue)
    assert (sign.kind, sign.groups) == ("raised", (seller,))
    assert sign.sentence == (
        "丙算力服务有限公司 在兑付前 30 日内提高报价（2025-07-10 由 19.00 提至 22.00 元/卡时），自 2025-07-25 起有 1 件以其合同申请的兑付。"
    )
    client.force_login(cast.price_publisher)
    page = client.get(reverse("admin:vouchers_priceindexissue_change", args=[issue.issue_no]))
    assert "兑付前提价" in page.text and "丙算力服务有限公司" in page.text
    assert claim.claim_no not in page.text  # whose case it is, is not the publisher's to know
    assert prices.verify_issue(issue)


def test_only_live_claims_of_those_sellers_in_those_days_are_told(cast, beijing):  # noqa: F811
    claim = redeemed(cast, beijing)
    seller = cast.provider.uscc
    (told,) = redemptions([seller], date(2025, 7, 1), CLAIMED)
    assert (told.source, told.accelerator, told.claim_no, told.opens_on) == (
        seller,
        "H800",
        claim.claim_no,
        CLAIMED,
    )
    assert redemptions([seller], date(2025, 7, 1), date(2025, 7, 24)) == []
    assert redemptions([cast.alpha.uscc], date(2025, 7, 1), CLAIMED) == []
    with acting(cast.filer, "test"):
        withdraw_claim(claim, by=cast.filer)
    assert redemptions([seller], date(2025, 7, 1), CLAIMED) == []
