"""Versions that were published before casework's limits were asked for: they take nothing in and issue nothing any more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
    require_open,
)
from applications.actions.batch_rules import require_carried_out
from applications.actions.issuing import issue_application, publish_notice
from applications.models import Application
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import NotNow
from vouchers.models import Publication, Voucher
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt, IssueWay, Shortage


def shared_at_claims(scheme: Scheme) -> Scheme:
    """Beijing's scheme with a pool that only claims draw on, and a short pool shared out in proportion."""
    pool = Cap(
        cite=scheme.cite,
        code="paid",
        name="年度兑付资金",
        subject=CapSubject.POOL,
        amount=Decimal(50_000_000),
        period=CapPeriod.CALENDAR_YEAR,
        counts_at=CountsAt.CLAIM,
    )
    return replace(scheme, caps=(*scheme.caps, pool), issue=replace(scheme.issue, shortage=Shortage.PRO_RATA))


@pytest.fixture
def of_before(cast: Cast) -> Publication:
    """As it was left by a release that let it open."""
    made = casework.published(cast, "BJ-AIQ", shared_at_claims)
    made.accepts_applications = True
    return made


def test_it_takes_no_applications_although_it_was_published_as_one_that_does(of_before: Publication):
    assert not of_before.takes_applications
    with pytest.raises(NotNow) as refusal:
        require_open(of_before)
    assert "没有整批" in refusal.value.message


def test_what_was_approved_under_it_is_not_issued(cast: Cast):
    good = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, good.program)
    casework.fit_for_beijing(cast.alpha)
    case = casework.submitted(cast, good, casework.lease_fields(cast.provider, "5000000.00"))
    bad = casework.published(cast, "SZ-XLQ", shared_at_claims)
    with acting(cast.handler, "test"):
        accept_application(case, by=cast.handler)
        casework.answer_all(cast, case)
    with acting(cast.second_handler, "test"):
        recommend_application(case, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(case, by=cast.approver)
        publish_notice(case, by=cast.approver)
    Application.objects.filter(pk=case.pk).update(publication=bad)
    later = dates.add_working_days(dates.today(), 10)
    with (
        dates.fixed(later),
        acting(cast.approver, "test"),
        pytest.raises(NotNow) as refusal,
    ):
        issue_application(case, by=cast.approver)
    assert refusal.value.code == "program.not_carried_out"
    assert "兑付时计入" in refusal.value.message
    assert not Voucher.objects.exists()


def test_a_list_without_scores_is_not_shared_out_by_them():
    scheme = shipped_scheme("BJ-AIQ")
    listed = replace(scheme.issue, way=IssueWay.WITHOUT_APPLICATION, shortage=Shortage.BY_SCORE)
    with pytest.raises(NotNow) as refusal:
        require_carried_out(replace(scheme, issue=listed))
    assert "没有得分" in refusal.value.message
    require_carried_out(scheme)


def test_the_doctor_names_it(of_before: Publication):
    told = StringIO()
    with suppress(SystemExit):  # what it says of the trail is another matter
        call_command("doctor", stdout=told)
    assert of_before.publication_no in told.getvalue()
    assert "已停止受理和发放" in told.getvalue()
