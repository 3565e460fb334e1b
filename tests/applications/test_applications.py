"""申领: what a correction keeps, and what cannot be changed behind a submission."""

from __future__ import annotations

from datetime import date

import pytest

from applications.actions.applications import (
    accept_application,
    accept_statement,
    approve_application,
    recommend_application,
    reject_application,
    return_application,
    submit_application,
    update_draft,
)
from applications.actions.issuing import issue_application, publish_notice
from applications.actions.messages import tell_about_application
from applications.actions.objections import answer_objection, file_objection
from applications.models import Application, PublicNotice
from tests import casework
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import Listing, Voucher
from vouchers.models.credit import ListingKind


@pytest.fixture
def beijing(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return publication


def test_a_correction_keeps_the_day_of_the_first_filing(cast, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        return_application(application, by=cast.handler, reason="请补充合同附件。")
    with dates.fixed(date(2025, 7, 18)), acting(cast.filer, "test"):
        mended = submit_application(Application.objects.get(), by=cast.filer)
    assert mended.submitted_at.astimezone(dates.SHANGHAI).date() == date(2025, 7, 15)
    assert mended.facts["assessed"]["applied_on"] == "2025-07-15"
    assert "2025年7月15日" in mended.pinned_reason


def test_a_submitted_application_is_not_changed_from_an_older_screen(cast, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        return_application(application, by=cast.handler, reason="请补充合同附件。")
    stale = Application.objects.get()
    with acting(cast.filer, "test"):
        submit_application(Application.objects.get(), by=cast.filer)
        filed = Application.objects.get().facts
        for change in (
            lambda: update_draft(stale, {"classes": ["startup"]}, by=cast.filer),
            lambda: accept_statement(stale, by=cast.filer),
        ):
            with pytest.raises(NotNow) as refused:
                change()
            assert refused.value.code == "application.not_editable"
    assert Application.objects.get().facts == filed


def test_after_an_objection_was_upheld_a_second_notice_is_published(cast, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"):
        recommend_application(application, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(application, by=cast.approver)
        first = publish_notice(application, by=cast.approver)
    with acting(cast.filer, "test"):
        objection = file_objection(application, text="金额有误。", by=cast.filer, party=cast.alpha)
    with acting(cast.investigator, "test"):
        answer_objection(objection, uphold=True, answer="金额须重新核定。", by=cast.investigator)
    application = Application.objects.get()
    assert application.state == "recommended"
    with dates.fixed(date(2025, 7, 21)), acting(cast.second_approver, "test"):
        approve_application(application, by=cast.second_approver)
        second = publish_notice(application, by=cast.second_approver)
        assert (second.opens_on, second.published_by) == (date(2025, 7, 21), cast.second_approver)
        with pytest.raises(NotNow) as refused:
            issue_application(application, by=cast.second_approver)
        assert refused.value.code == "notice.running"
    assert second.closes_on > first.closes_on
    assert PublicNotice.objects.count() == 1
    with dates.fixed(second.closes_on), acting(cast.second_approver, "test"):
        issue_application(Application.objects.get(), by=cast.second_approver)


def test_where_the_version_asks_for_experts_a_handlers_word_does_not_stand_for_theirs(cast):
    publication = casework.published(cast, "BDA-SLQ-v2")
    casework.funded(cast, publication.program)
    fields = casework.lease_fields(
        cast.provider, "2000000.00", region_code="110115", accelerator="Ascend 910B"
    )
    application = casework.submitted(cast, publication, fields)
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"), pytest.raises(Forbidden) as refused:
        recommend_application(application, by=cast.second_handler, passed=True)
    assert refused.value.code == "access.role"
    with acting(cast.expert, "test"):
        assert recommend_application(application, by=cast.expert, passed=True).state == "recommended"


def test_what_officers_write_to_each_other_is_not_shown_to_the_enterprise(cast, client, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler, reason="请重点核对付款。")
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"):
        recommend_application(application, by=cast.second_handler, reason="疑似拆分合同，建议从严。")
    with acting(cast.approver, "test"):
        reject_application(application, by=cast.approver, reason="合同要件不全。")
    client.force_login(cast.filer)
    page = client.get(f"/portal/applications/{application.application_no}/").content.decode()
    assert "合同要件不全" in page
    assert "疑似拆分合同" not in page
    assert "请重点核对付款" not in page
    client.force_login(cast.handler)
    page = client.get(f"/desk/applications/{application.application_no}/").content.decode()
    assert "疑似拆分合同" in page
    assert tell_about_application("application_rejected", application).text.count("合同要件不全") == 1


def test_an_enterprise_that_was_debarred_since_it_filed_is_issued_nothing_while_it_is(cast, beijing):
    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    entry = Listing.objects.create(
        party=cast.alpha,
        kind=ListingKind.SERIOUS_DISHONESTY,
        effective_from=date(2025, 7, 16),
        document_no="京经信罚〔2025〕7号",
    )
    with pytest.raises(NotNow) as refused:
        casework.issued(cast, application)
    assert refused.value.code == "application.listed" and "京经信罚〔2025〕7号" in refused.value.message
    assert Application.objects.get().state == "noticed" and not Voucher.objects.exists()
    notice = PublicNotice.objects.get()
    Listing.objects.filter(pk=entry.pk).update(effective_to=notice.closes_on)
    with dates.fixed(notice.closes_on), acting(cast.approver, "test"):
        voucher = issue_application(Application.objects.get(), by=cast.approver)
    assert voucher.application_no == application.application_no
