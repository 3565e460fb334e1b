"""The public surface: pre-check, objections by anybody, verification that cannot be tried out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from applications.models import Application, Objection
from tests import casework
from tests.applications.web.portal.conftest import beijing  # noqa: F401 - a fixture
from vouchers import dates
from vouchers.context import acting

pytestmark = pytest.mark.django_db


def test_the_precheck_computes_without_signing_in_and_keeps_nothing(client, cast, beijing):  # noqa: F811
    here = reverse("public:precheck")
    page = client.get(here, {"program": "BJ-AIQ"})
    assert page.status_code == 200
    typed = {
        "program": "BJ-AIQ",
        "amount": "15,000,000",
        "signed_on": "2025-03-01",
        "region_code": "110108",
        "industry_code": "6513",
        "purpose": "training",
        "is_affiliated": "no",
        "other_amount": "0",
    }
    page = client.get(here, typed)
    assert page.status_code == 200
    assert "2,000,000.00" in page.text
    assert not Application.objects.exists()
    page = client.get(here, typed | {"region_code": "440305"})
    assert "不符合条件" in page.text
    page = client.get(here, typed | {"amount": "很多"})
    assert page.status_code == 422
    assert "不是金额" in page.text
    assert 'value="很多"' in page.text


def test_the_precheck_asks_for_what_the_scheme_rests_on(client, cast):
    deployed = casework.published(cast, "SH-BSJL-DEMO").program.code
    here = reverse("public:precheck")
    page = client.get(here, {"program": deployed})
    assert "算力规模（PFLOPS）" in page.text and "合同签订日" not in page.text
    page = client.get(here, {"program": deployed, "scale": "100", "deployed_on": "2024-11-30"})
    assert "3,000,000.00" in page.text  # 100 PFLOPS at up to 30,000 yuan
    page = client.get(here, {"program": deployed, "scale": "100", "deployed_on": "2025-01-01"})
    assert "不符合条件" in page.text
    invested = casework.published(cast, "QH-DDPT-DEMO").program.code
    page = client.get(here, {"program": invested, "amount": "1,000,000"})
    assert "实际投资额（不含税）" in page.text
    assert "300,000.00" in page.text


def test_the_precheck_tells_no_cure_for_what_it_merely_cannot_judge(client, cast, beijing):  # noqa: F811
    page = client.get(reverse("public:precheck"), {"program": "BJ-AIQ", "amount": "1,000,000"})
    findings = {row["outcome"]: row for row in page.context["findings"]}
    assert "not_testable" in findings and not findings["not_testable"]["cure"]
    assert "如何补正" not in page.text and "部分条件尚不能判定" in page.text
    page = client.get(
        reverse("public:precheck"), {"program": "BJ-AIQ", "amount": "1,000,000", "is_affiliated": "yes"}
    )
    assert page.text.count("如何补正") == 1


def test_every_shipped_scheme_can_be_read_and_prechecked(client, cast, beijing):  # noqa: F811
    for name in (
        "SZ-XLQ",
        "BDA-SLQ-v1",
        "BDA-SLQ-v2",
        "GZ-SLQ-DEMO",
        "GZ-SLQ",
        "SH-ZLBT",
        "QH-DDPT",
        "CD-SLQ",
        "QH-DDPT-DEMO",
        "CD-SLQ-DEMO",
        "SH-BSJL-DEMO",
        "NM-JS",
    ):
        publication = casework.published(cast, name)
        code = publication.program.code
        page = client.get(reverse("public:program", args=[code]))
        assert page.status_code == 200, name
        page = client.get(reverse("public:precheck"), {"program": code, "amount": "1000000"})
        assert page.status_code in (200, 422), name
    page = client.get(reverse("public:home"))
    assert "未公布" in page.text


@pytest.fixture
def notice(cast, beijing):  # noqa: F811
    from applications.actions.applications import (
        accept_application,
        approve_application,
        recommend_application,
    )
    from applications.actions.issuing import publish_notice

    application = casework.submitted(cast, beijing, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"):
        recommend_application(application, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(application, by=cast.approver)
        return publish_notice(application, by=cast.approver)


def test_anybody_may_object_while_the_notice_runs(client, notice):
    here = reverse("public:notice", args=[notice.notice_no])
    page = client.post(here, {"filer_name": "群众", "text": "该单位并未使用算力。"})
    assert page.status_code == 422
    assert "请留下联系方式" in page.text
    assert "该单位并未使用算力。" in page.text
    answer = client.post(
        here, {"filer_name": "群众", "contact": "13800000000", "text": "该单位并未使用算力。"}
    )
    objection = Objection.objects.get()
    assert objection.filer_name == "群众"
    assert objection.objection_no in client.get(answer.url).text


def test_after_the_notice_no_objection_is_taken(client, notice):
    with dates.fixed(notice.closes_on + timedelta(days=1)):
        page = client.post(
            reverse("public:notice", args=[notice.notice_no]),
            {"filer_name": "群众", "contact": "1", "text": "太晚了。"},
        )
    assert page.status_code == 422
    assert not Objection.objects.exists()


def test_numbers_cannot_be_tried_out(client, cast):
    address = reverse("public:verify")
    for _number in range(20):
        assert client.get(address, {"voucher_no": "V-2025-000001", "code": "AAAAAAAAAA"}).status_code == 404
    assert client.get(address, {"voucher_no": "V-2025-000001", "code": "AAAAAAAAAA"}).status_code == 429
