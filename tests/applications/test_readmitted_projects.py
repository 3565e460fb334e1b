"""A number is one project's: also for an application that comes back after another has taken the number it left behind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
    reject_application,
)
from applications.actions.cases import checks_of
from applications.actions.issuing import issue_application, publish_notice
from applications.models import Application, Review, Undertaking, UndertakingKey
from applications.models.reviews import CheckResult
from applications.undertakings import doubled_numbers
from tests import casework
from tests.applications.batch_office import decided, filed, issued, noticed, shared_out, with_pool
from tests.applications.project_cases import Filing, as_computed, capped_publication, filing, with_project_cap
from tests.applications.test_readmissions import upheld
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import NotNow
from vouchers.models import Party, Publication, Voucher
from vouchers.policy.terms import Shortage

D = Decimal
NUMBER = "京发改备〔2025〕7号"


@pytest.fixture
def publication(cast: Cast) -> Publication:
    return capped_publication(cast)


@pytest.fixture
def file(cast: Cast, publication: Publication) -> Filing:
    return filing(cast, publication)


def rejected(cast: Cast, case: Application, answered: bool = True) -> Application:
    with acting(cast.handler, "test"):
        if answered:
            accept_application(case, by=cast.handler)
            casework.answer_all(cast, case)
        return reject_application(case, by=cast.handler, reason="合同无效。")


def redecided(cast: Cast, case: Application) -> None:
    casework.answer_all(cast, case)
    with acting(cast.second_handler, "test"):
        recommend_application(case, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(case, by=cast.approver)
        notice = publish_notice(case, by=cast.approver)
    with dates.fixed(notice.closes_on), acting(cast.approver, "test"):
        issue_application(case, by=cast.approver)


def project_check(case: Application) -> tuple[str, str, list[str]]:
    (check,) = (one for one in checks_of(case) if one.code.startswith("project."))
    return check.code, check.result, check.evidence


@pytest.mark.parametrize("answered", (True, False))
def test_the_first_is_held_to_the_cap_of_the_project_that_bears_its_number_now(
    cast: Cast, file: Filing, answered: bool
):
    first = rejected(cast, file("大模型平台", NUMBER), answered)
    second = file("大模型平台", NUMBER)
    assert second.undertaking != first.undertaking
    casework.issued(cast, second)
    upheld(first, cast)
    assert (first.state, first.undertaking) == ("accepted", second.undertaking)
    assert D(first.assessment["amount"]) == D(200000)  # of 1,200,000 a project
    assert "限额与其合并计算" in Review.objects.get(subject_no=first.application_no, verb="readmit").reason
    redecided(cast, first)
    assert Voucher.objects.aggregate(total=Sum("face_value"))["total"] == D(1200000)
    assert check_ledger() == [] and doubled_numbers() == []


def test_whoever_comes_back_is_asked_about_its_project_anew(cast: Cast, file: Filing):
    """The answer of before was given when nothing else bore the number, and the others' when this one was turned down."""
    first = file("大模型平台", NUMBER)
    rejected(cast, first)
    before = project_check(first)
    other = file("训练集群")
    assert not project_check(other)[2]
    upheld(first, cast)
    code, result, evidence = project_check(first)
    assert before[1] == CheckResult.PASSED and before[0] != code
    assert result == CheckResult.WAITING and other.application_no in evidence[0]
    with pytest.raises(NotNow) as unanswered, acting(cast.second_handler, "test"):
        recommend_application(first, by=cast.second_handler)
    assert unanswered.value.code == "check.waiting"


def test_a_name_that_stands_for_several_by_now_does_not_keep_it_from_coming_back(cast: Cast, file: Filing):
    first = rejected(cast, file("大模型平台"))
    others = [file("大模型平台", f"京发改备〔2025〕{number}号") for number in (1, 2)]
    assert others[0].undertaking != others[1].undertaking
    upheld(first, cast)
    assert first.state == "accepted" and first.undertaking not in {one.undertaking for one in others}
    _code, result, evidence = project_check(first)
    assert result == CheckResult.WAITING and len(evidence) == 2


def test_the_database_refuses_a_second_project_under_a_number_whatever_way_it_comes(cast: Cast, file: Filing):
    first = rejected(cast, file("大模型平台", NUMBER))
    second = file("大模型平台", NUMBER)
    with pytest.raises(IntegrityError, match="number of another project"), transaction.atomic():
        Application.objects.filter(pk=first.pk).update(state="accepted")
    third = file("训练集群")
    key = UndertakingKey.objects.get(application=second, key__startswith="registration:")
    with pytest.raises(IntegrityError, match="number of another project"), transaction.atomic():
        UndertakingKey.objects.create(
            application=third, undertaking=third.undertaking, key=key.key, stated=NUMBER
        )
    with pytest.raises(IntegrityError, match="number of another project"), transaction.atomic():
        UndertakingKey.objects.filter(application=third).update(key=key.key)
    gone = Undertaking.objects.create(
        name="并入", declared_by=third.enterprise, merged_into=second.undertaking
    )
    with pytest.raises(IntegrityError, match="merged into another"), transaction.atomic():
        UndertakingKey.objects.filter(application=third).update(undertaking=gone)
    assert doubled_numbers() == []


@pytest.fixture
def unfunded(cast: Cast) -> tuple[Publication, Application]:
    """Of two projects, by score, the second got nothing of the pool."""
    publication = casework.published(
        cast,
        "BJ-AIQ",
        lambda scheme: with_project_cap(with_pool(scheme, Shortage.BY_SCORE, amount="2000000.00")),
        lambda example: as_computed(replace(example, facts=replace(example.facts, batch_no="2025-1"))),
    )
    casework.funded(cast, publication.program)
    Party.objects.filter(pk=cast.beta.pk).update(region_code="110108")
    for party in (cast.alpha, cast.beta):
        casework.fit_for_beijing(party)
    beta = {"party": cast.beta, "by": cast.other_filer}
    high = [
        filed(cast, publication, "5000000.00", f"HT-{number}", facts={"project_name": name}, **beta)
        for number, name in enumerate(("甲集群", "乙集群"))
    ]
    low = filed(cast, publication, "5000000.00", "HT-9", facts=_stated("大模型平台"))
    for case in high:
        decided(cast, case, score="90")
    decided(cast, low, score="60")
    issued(cast, noticed(cast, shared_out(cast, publication)))
    low.refresh_from_db()
    assert low.state == "rejected"
    return publication, low


def _stated(name: str) -> dict[str, str]:
    return {"project_name": name, "project_registration": NUMBER}


def test_left_with_nothing_it_waits_for_the_next_batch_where_nothing_else_was_filed(
    cast: Cast, unfunded: tuple[Publication, Application]
):
    _publication, low = unfunded
    keys, check = list(low.undertaking_keys.values_list("pk", flat=True)), project_check(low)
    upheld(low, cast)
    assert (low.state, low.awaits_batch) == ("approved", True)
    assert list(low.undertaking_keys.values_list("pk", flat=True)) == keys and project_check(low) == check


@pytest.mark.parametrize("name, number, same", (("平台", NUMBER, True), ("另一集群", "", False)))
def test_left_with_nothing_it_is_examined_anew_where_its_number_or_its_neighbours_are_others_now(
    cast: Cast, unfunded: tuple[Publication, Application], name: str, number: str, same: bool
):
    publication, low = unfunded
    stated = {"project_name": name, "project_registration": number}
    later = filed(cast, publication, "5000000.00", "HT-10", facts=stated)
    assert later.undertaking != low.undertaking
    upheld(low, cast)
    assert (low.state, low.awaits_batch, low.undertaking == later.undertaking) == ("accepted", False, same)
    assert project_check(low)[1] == CheckResult.WAITING
