"""停止受理: from the first application that the pool cannot grant in full, nobody behind it is taken in or granted."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
    reject_application,
    start_application,
    withdraw_application,
)
from applications.actions.basis_items import ItemFields
from applications.actions.claims import reject_claim, withdraw_claim
from applications.models import Application, Claim
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import NotNow
from vouchers.models import Party, Publication, Voucher
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.rules import Scheme


def with_pool(scheme: Scheme, shortage: t.Shortage, counts_at: t.CountsAt = t.CountsAt.ISSUE) -> Scheme:
    """A pool of 2,500,000 yuan beside the enterprise's 2,000,000; a case is granted 20 % of its rent."""
    pool = r.Cap(
        cite=scheme.caps[0].cite,
        code="pool",
        name="年度资金总量",
        subject=t.CapSubject.POOL,
        amount=Decimal(2500000),
        period=t.CapPeriod.CALENDAR_YEAR,
        counts_at=counts_at,
    )
    issue = dataclasses.replace(scheme.issue, shortage=shortage)
    return dataclasses.replace(scheme, caps=(*scheme.caps, pool), issue=issue)


@pytest.fixture
def stopping(cast: Cast) -> Publication:
    publication = casework.published(cast, "BJ-AIQ", lambda scheme: with_pool(scheme, t.Shortage.STOP))
    casework.funded(cast, publication.program)
    Party.objects.filter(pk=cast.beta.pk).update(region_code="110108")
    casework.fit_for_beijing(cast.alpha)
    casework.fit_for_beijing(cast.beta)
    return publication


def filed(cast: Cast, publication: Publication, amount: str, number: str, **how: Any) -> Application:
    fields = casework.lease_fields(cast.provider, amount, contract_no=number)
    return casework.submitted(cast, publication, fields, **how)


def recommended(cast: Cast, application: Application) -> Application:
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"):
        return recommend_application(application, by=cast.second_handler)


def approve(cast: Cast, application: Application) -> Application:
    with acting(cast.approver, "test"):
        return approve_application(application, by=cast.approver)


@dataclasses.dataclass
class Filed:
    """Filed in this order: 1,500,000 and 100,000, which fit together; 1,500,000, which then does not; 100,000, which would."""

    large: Application
    early: Application
    short: Application
    late: Application


@pytest.fixture
def four(cast: Cast, stopping: Publication) -> Filed:
    beta = {"party": cast.beta, "by": cast.other_filer}
    cases = Filed(
        large=filed(cast, stopping, "7500000.00", "HT-1"),
        early=filed(cast, stopping, "500000.00", "HT-2"),
        short=filed(cast, stopping, "7500000.00", "HT-3", **beta),
        late=filed(cast, stopping, "500000.00", "HT-4"),
    )
    assert casework.issued(cast, cases.large).face_value == Decimal("1500000.00")
    return cases


def test_who_does_not_fit_is_refused_and_not_cut_and_who_filed_before_is_granted(cast: Cast, four: Filed):
    with pytest.raises(NotNow) as refusal:
        recommended(cast, four.short)
    assert refusal.value.code == "check.failed"
    assert "不足以全额支持" in refusal.value.message
    recommended(cast, four.early)
    assert approve(cast, four.early).approved_amount == Decimal("100000.00")


def test_who_stands_behind_is_not_granted_though_the_rest_would_do(cast: Cast, four: Filed):
    recommended(cast, four.late)
    with pytest.raises(NotNow) as refusal:
        approve(cast, four.late)
    assert refusal.value.code == "program.stopped"


def test_it_stays_so_when_the_one_that_did_not_fit_is_turned_down(cast: Cast, four: Filed):
    with acting(cast.handler, "test"):
        reject_application(four.short, by=cast.handler, reason="资金不足以全额支持，按规定停止受理。")
    recommended(cast, four.late)
    with pytest.raises(NotNow) as refusal:
        approve(cast, four.late)
    assert refusal.value.code == "program.stopped"


def test_nobody_else_is_taken_in_and_the_portal_says_why(
    client: Any, cast: Cast, four: Filed, stopping: Publication
):
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        start_application(stopping.program, cast.alpha, by=cast.filer)
    assert refusal.value.code == "program.stopped"
    client.force_login(cast.filer)
    page = client.post(reverse("portal:application_new"), {"program": stopping.program.code})
    assert "停止受理" in page.text


def test_when_the_one_that_did_not_fit_takes_its_application_back_the_next_is_granted(
    cast: Cast, four: Filed
):
    with acting(cast.other_filer, "test"):
        withdraw_application(four.short, by=cast.other_filer)
    recommended(cast, four.late)
    assert approve(cast, four.late).approved_amount == Decimal("100000.00")


@pytest.fixture
def at_claims(cast: Cast) -> Publication:
    """The pool is counted when claims are made, and stops there."""

    def change(scheme: Scheme) -> Scheme:
        return with_pool(scheme, t.Shortage.STOP, t.CountsAt.CLAIM)

    publication = casework.published(cast, "BJ-AIQ", change)
    casework.funded(cast, publication.program)
    Party.objects.filter(pk=cast.beta.pk).update(region_code="110108")
    casework.fit_for_beijing(cast.alpha)
    casework.fit_for_beijing(cast.beta)
    return publication


def claimed(cast: Cast, application: Application, net: str, number: str, **how: Any) -> Claim:
    voucher = Voucher.objects.get(application_no=application.application_no)
    invoice = casework.invoice(application.lease, net, number=number)
    item = ItemFields(kind="invoice_line", net_amount=Decimal(net), invoice=invoice)
    return casework.claimed(cast, voucher, application.lease, [item], **how)


def test_where_the_pool_counts_at_claims_the_first_that_does_not_fit_stops_those_behind_it(
    cast: Cast, at_claims: Publication
):
    beta = {"party": cast.beta, "by": cast.other_filer}
    first = filed(cast, at_claims, "8000000.00", "HT-1")
    second = filed(cast, at_claims, "8000000.00", "HT-2", **beta)
    for case in (first, second):
        casework.issued(cast, case)
    with dates.fixed(date(2025, 8, 1)):
        large = claimed(cast, first, "8000000.00", "25112000000000000001")
        assert large.claimed_amount == Decimal("1600000.00")
        # 900,000 are left: a claim for 1,000,000 is refused whole, and may be filed for a decision that can be objected to.
        short = claimed(cast, second, "5000000.00", "25112000000000000002", by=cast.other_filer)
        assert short.claimed_amount == 0 and "不足以全额支持" in str(short.assessment)
        with pytest.raises(NotNow) as refusal:
            claimed(cast, second, "500000.00", "25112000000000000003", by=cast.other_filer)
        assert refusal.value.code == "program.stopped" and "兑付" in refusal.value.message
        with pytest.raises(NotNow), acting(cast.filer, "test"):
            start_application(at_claims.program, cast.alpha, by=cast.filer)
        with acting(cast.handler, "test"):
            reject_claim(short, by=cast.handler, reason="资金不足以全额支持，按规定停止受理。")
        with pytest.raises(NotNow):
            claimed(cast, second, "500000.00", "25112000000000000004", by=cast.other_filer)


def test_when_room_comes_back_claims_are_taken_again(cast: Cast, at_claims: Publication):
    beta = {"party": cast.beta, "by": cast.other_filer}
    first = filed(cast, at_claims, "8000000.00", "HT-1")
    second = filed(cast, at_claims, "8000000.00", "HT-2", **beta)
    for case in (first, second):
        casework.issued(cast, case)
    with dates.fixed(date(2025, 8, 1)):
        large = claimed(cast, first, "8000000.00", "25112000000000000001")
        claimed(cast, second, "5000000.00", "25112000000000000002", by=cast.other_filer)
        with acting(cast.filer, "test"):
            withdraw_claim(large, by=cast.filer)
        again = claimed(cast, second, "500000.00", "25112000000000000003", by=cast.other_filer)
        assert again.claimed_amount == Decimal("100000.00")
