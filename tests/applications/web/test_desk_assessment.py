"""What only reviewers decide at the desk: the rate, or the points that make it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from applications.actions.applications import accept_application
from applications.actions.cases import answer_check
from applications.models import Application, Check
from tests import casework
from vouchers.context import acting


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
    address = reverse("desk:answer_check", args=["application", assessed_rent.application_no, check.pk])
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
