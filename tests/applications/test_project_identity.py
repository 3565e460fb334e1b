"""项目认定: a project stays the same when its number is left out or given later; what no machine can tell, a person is asked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Sum

from applications.actions.applications import (
    accept_application,
    recommend_application,
    reject_application,
    return_application,
    submit_application,
)
from applications.actions.cases import checks_of
from applications.models import Application, Check, Undertaking, UndertakingKey
from applications.undertakings import must_name_project, undertaking_of
from tests import casework
from tests.applications.project_cases import Filing, capped_publication, filing, with_project_cap
from vouchers.context import acting
from vouchers.errors import Invalid, NotNow
from vouchers.models import Party, Publication, Voucher
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.rules import ApplicantClass

D = Decimal


@pytest.fixture
def publication(cast) -> Publication:
    return capped_publication(cast)


@pytest.fixture
def file(cast, publication) -> Filing:
    return filing(cast, publication)


def project_check(case: Application) -> Check:
    (found,) = (one for one in checks_of(case) if one.code.startswith("project."))
    return found


def told(case: Application) -> str:
    """What the check asks, and what it shows to speak against the project."""
    check = project_check(case)
    return "；".join([check.sentence, *check.evidence])


def test_leaving_the_number_out_of_the_second_contract_stays_with_the_project(cast, file):
    first = file("大模型平台", "京发改备2025-1")
    casework.issued(cast, first)
    second = file("大模型平台")
    assert second.undertaking == first.undertaking
    assert D(second.assessment["amount"]) == D(200000)
    casework.issued(cast, second)
    assert Voucher.objects.aggregate(total=Sum("face_value"))["total"] == D(1200000)


def test_a_number_that_is_given_later_belongs_to_the_project_of_that_name(cast, file):
    first = file("大模型平台")
    casework.issued(cast, first)
    second = file("大模型平台", "京发改备2025-1")
    assert second.undertaking == first.undertaking
    assert D(second.assessment["amount"]) == D(200000)
    third = file("另一个写法", "京发改备2025-1")
    assert third.undertaking == first.undertaking


def test_two_numbers_are_two_projects_even_under_one_name_and_the_name_alone_is_asked_back(cast, file):
    first, second = file("平台", "备案1"), file("平台", "备案2")
    assert first.undertaking != second.undertaking
    assert first.application_no in told(second)
    with pytest.raises(Invalid) as refusal:
        file("平台")
    assert refusal.value.code == "application.which_project"


def test_a_person_looks_at_the_enterprises_other_projects_before_approval(cast, file):
    first = file("平台")
    assert project_check(first).result == "passed"
    casework.issued(cast, first)
    other = file("训练集群")
    check = project_check(other)
    assert check.result == "waiting"
    assert first.application_no in told(other)
    assert "1,000,000.00" in told(other)
    with acting(cast.handler, "test"):
        accept_application(other, by=cast.handler)
    with acting(cast.second_handler, "test"), pytest.raises(NotNow) as refusal:
        recommend_application(other, by=cast.second_handler)
    assert refusal.value.code == "check.waiting"


def test_a_number_is_held_against_its_document_and_against_who_else_states_it(cast, file):
    theirs = file("平台", "京发改备2025-1")
    assert "京发改备2025-1" in project_check(theirs).sentence
    assert project_check(theirs).result == "waiting"
    Party.objects.filter(pk=cast.beta.pk).update(region_code=cast.alpha.region_code)
    casework.fit_for_beijing(cast.beta)
    ours = file("平台", "京发改备2025-1", party=cast.beta, by=cast.other_filer)
    assert ours.undertaking == theirs.undertaking
    assert cast.alpha.name in told(ours)


def test_who_is_refused_leaves_no_claim_on_anothers_number(cast, file):
    own = file("平台")
    casework.issued(cast, own)
    foreign = file("平台", "别人的编号")
    with acting(cast.handler, "test"):
        accept_application(foreign, by=cast.handler)
        reject_application(foreign, by=cast.handler, reason="编号不属于本单位的项目。")
    casework.fit_for_beijing(cast.beta)
    ours = file("平台", "别人的编号", party=cast.beta, by=cast.other_filer)
    assert ours.undertaking != own.undertaking


def test_an_answer_about_one_project_does_not_stand_for_another(cast, file):
    first = file("平台", "备案1")
    with acting(cast.handler, "test"):
        accept_application(first, by=cast.handler)
        casework.answer_all(cast, first)
        assert project_check(first).result == "passed"
        return_application(first, by=cast.handler, reason="请核对项目编号。")
    first.facts = {**first.facts, "project_registration": "备案2"}
    first.save(update_fields=["facts"])
    with acting(cast.filer, "test"):
        submit_application(first, by=cast.filer)
    assert project_check(first).result == "waiting"
    assert "备案2" in project_check(first).sentence
    assert Undertaking.objects.count() == 1


def test_an_answer_about_one_name_does_not_stand_for_another(cast, file):
    """The same project by its row, returned and filed anew under another name: what was looked at was the first name."""
    casework.issued(cast, file("训练集群"))
    second = file("平台")
    with acting(cast.handler, "test"):
        accept_application(second, by=cast.handler)
        casework.answer_all(cast, second)
        assert project_check(second).result == "passed"
        return_application(second, by=cast.handler, reason="请写明项目全称。")
    own = second.undertaking
    second.facts = {**second.facts, "project_name": "训练集群二期"}
    second.save(update_fields=["facts"])
    with acting(cast.filer, "test"):
        submit_application(second, by=cast.filer)
    assert second.undertaking == own
    assert second.undertaking.name == "训练集群二期"
    assert project_check(second).result == "waiting"


def test_a_case_that_is_changed_is_told_the_project_that_filing_it_will_find(cast, file):
    """A name that stands for two: the one that the case was filed for, not the older one, both before and after filing."""
    older = file("平台", "备案1")
    own = file("平台", "备案2")
    with acting(cast.handler, "test"):
        return_application(own, by=cast.handler, reason="请核对编号。")
    third = file("平台", "备案2")
    assert third.undertaking == own.undertaking != older.undertaking
    own.facts = {**own.facts, "project_registration": ""}
    own.save(update_fields=["facts"])
    assert undertaking_of(own) == third.undertaking
    with acting(cast.filer, "test"):
        submit_application(own, by=cast.filer)
    assert own.undertaking == third.undertaking


def test_a_case_filed_before_projects_were_asked_for_is_asked_for_its_project(cast, file):
    case = file("平台")
    Application.objects.filter(pk=case.pk).update(undertaking=None)
    case.refresh_from_db()
    with acting(cast.handler, "test"):
        accept_application(case, by=cast.handler)
    with acting(cast.second_handler, "test"), pytest.raises(NotNow) as refusal:
        recommend_application(case, by=cast.second_handler)
    assert refusal.value.code == "check.waiting"
    other = file("训练集群")
    assert f"{case.application_no} 未登记项目" in told(other)
    assert "本页“所属项目”" in told(other)
    bare = file("")
    assert other.application_no in told(bare)
    assert "本页“所属项目”" not in told(bare), "a case without a project has none that could be merged"


def test_projects_of_before_are_found_by_what_their_applications_state(cast, file):
    first = file("大模型平台", "京发改备2025-1")
    before = set(UndertakingKey.objects.values_list("undertaking", "application", "key", "stated"))
    UndertakingKey.objects.all().delete()
    take_over = import_module("applications.migrations.0010_undertaking_keys").take_over
    with connection.schema_editor(atomic=False) as editor:
        take_over(apps, editor)
    assert set(UndertakingKey.objects.values_list("undertaking", "application", "key", "stated")) == before
    assert file("大模型平台").undertaking == first.undertaking


def test_a_cap_of_a_class_that_is_told_by_size_or_age_asks_everybody_for_the_project():
    scheme = with_project_cap(shipped_scheme("BJ-AIQ"))
    (*others, project) = scheme.caps
    of_class = replace(scheme, caps=(*others, replace(project, classes=("some",))))
    stated = ApplicantClass(code="some", name="某类", cite=scheme.cite)
    assert must_name_project(replace(of_class, classes=(stated,))) is False
    assert must_name_project(replace(of_class, classes=(stated,)), ("some",)) is True
    for tested in (replace(stated, sizes=("micro",)), replace(stated, registered_within_months=36)):
        assert must_name_project(replace(of_class, classes=(tested,))) is True
