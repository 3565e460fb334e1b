"""What only reviewers decide at the desk: the rate, or the points that make it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from applications.actions.applications import accept_application
from applications.actions.cases import answer_check
from applications.actions.projects import ProjectFields
from applications.models import Application, Check
from tests import casework
from tests.applications import kinds
from vouchers.context import acting
from vouchers.policy.rules import ScoreRate


@pytest.fixture
def assessed_rent(cast) -> Application:
    """A rent in Shanghai, whose rate an assessment sets; accepted."""
    publication = casework.published(cast, "SH-ZLBT")
    casework.funded(cast, publication.program)
    cast.alpha.region_code = "310115"
    cast.alpha.save()
    application = casework.submitted(
        cast, publication, casework.lease_fields(cast.provider, "5000000.00", region_code="310000")
    )
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    return application


def test_a_rate_that_reviewers_set_is_not_ticked_off_by_a_handler(client, cast, assessed_rent):
    check = Check.objects.get(subject_no=assessed_rent.application_no, code="rate_reviewed:assessed")
    client.force_login(cast.handler)
    address = reverse("desk:answer_check", args=["application", assessed_rent.application_no, check.code])
    assert (
        f'action="{address}"'
        not in client.get(reverse("desk:application", args=[assessed_rent.application_no])).content.decode()
    )
    answer = client.post(address, {"result": "passed", "sentence": "相符"}, follow=True)
    assert "由评审环节确定" in answer.content.decode()
    check.refresh_from_db()
    assert check.result == "waiting"


def test_experts_set_the_rate_under_the_ceiling(client, cast, assessed_rent):
    for check in Check.objects.filter(subject_no=assessed_rent.application_no, result="waiting"):
        if not check.is_for_reviewers:
            with acting(cast.handler, "test"):
                answer_check(check, assessed_rent, result="passed", sentence="已核对", by=cast.handler)
    client.force_login(cast.expert)
    address = reverse("desk:decide_application", args=[assessed_rent.application_no, "recommend"])
    client.post(address, {})
    assessed_rent.refresh_from_db()
    assert assessed_rent.state == "accepted"  # no rate yet
    client.post(address, {"rate-rent": "8", "reason": "集群规模与成果水平良好"})
    assessed_rent.refresh_from_db()
    assert assessed_rent.state == "recommended"
    assert Decimal(assessed_rent.assessment["amount"]) == Decimal("400000.00")


@pytest.mark.parametrize("score", ["NaN", "-1", "八十"])
def test_a_score_that_is_none_is_refused_with_a_sentence(cast, client, assessed_rent, score):
    client.force_login(cast.expert)
    address = reverse("desk:decide_application", args=[assessed_rent.application_no, "recommend"])
    answer = client.post(address, {"score": score}, follow=True)
    assert "得分" in answer.content.decode()


def test_experts_set_yuan_a_unit_where_the_base_is_a_scale(client, cast):
    publication = kinds.opened(cast, "SH-BSJL-DEMO")
    kinds.connect(cast, cast.alpha, publication, date(2024, 12, 20))
    application = kinds.project_application(
        cast,
        publication,
        ProjectFields(
            kind="deployment",
            name="临港智算中心一期",
            region_code="310115",
            site="临港数据中心 A 栋",
            accelerator="Ascend 910B",
            cards=375,
            scale=Decimal("120"),
            precision="fp16",
            completed_on=date(2024, 11, 20),
            dispatchable_since=date(2024, 12, 20),
        ),
    )
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    for check in Check.objects.filter(subject_no=application.application_no, result="waiting"):
        if not check.is_for_reviewers:
            with acting(cast.handler, "test"):
                answer_check(check, application, result="passed", sentence="已核对", by=cast.handler)
    client.force_login(cast.expert)
    page = client.get(reverse("desk:application", args=[application.application_no])).content.decode()
    assert "元/PFLOPS" in page
    address = reverse("desk:decide_application", args=[application.application_no, "recommend"])
    for wrong, told in (("30000.01", "超过文件规定的上限"), ("-1", "不能小于零"), ("1.005", "三位小数")):
        answer = client.post(address, {"rate-deployment": wrong, "reason": "规模核实"}, follow=True)
        assert told in answer.content.decode()
    client.post(address, {"rate-deployment": "25,000", "reason": "规模核实"})
    application.refresh_from_db()
    assert application.state == "recommended"
    assert Decimal(application.assessment["amount"]) == Decimal("3000000.00")


def scored(scheme):
    """Shanghai's rent with a table of points: 60 make 5 %, 85 make 8 %."""
    cite = scheme.cite
    rows = (("passed", "60", "0.05"), ("good", "85", "0.08"))
    return replace(
        scheme,
        score_rates=tuple(
            ScoreRate(cite=cite, code=code, track="rent", score_from=Decimal(points), rate=Decimal(rate))
            for code, points, rate in rows
        ),
    )


def test_points_are_given_by_the_criteria_that_the_step_names_and_kept_with_their_reason(client, cast):
    publication = kinds.opened(cast, "SH-ZLBT", change=scored)
    kinds.placed(cast.alpha, "310115")
    kinds.connect(cast, cast.provider, publication, date(2024, 1, 1))
    fields = casework.lease_fields(cast.provider, "5000000.00", region_code="310000")
    application = casework.submitted(cast, publication, fields)
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    client.force_login(cast.expert)
    page = client.get(reverse("desk:application", args=[application.application_no]))
    assert "集群规模得分" in page.text and "成果水平得分" in page.text
    address = reverse("desk:decide_application", args=[application.application_no, "recommend"])
    client.post(address, {"score-1": "50", "score-2": "36", "reason": "千卡集群，成果居前。"})
    application.refresh_from_db()
    assert application.state == "recommended"
    assert application.assessment["amount"] == "400000"  # 86 points: 8 %
    client.force_login(cast.approver)
    page = client.get(reverse("desk:application", args=[application.application_no]))
    for words in ("评审意见", "集群规模得分", "千卡集群，成果居前。", cast.expert.display_name):
        assert words in page.text
