"""单个项目限额: a cap per project binds across the contracts, the applications and the enterprises of one project."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from applications.actions.applications import submit_application
from applications.facts import application_facts
from applications.models import Undertaking
from applications.undertakings import undertaking_keys, undertaking_of
from applications.web.portal.statement_form import StatementForm
from tests import casework
from tests.applications.project_cases import Filing, capped_publication, filing
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import LedgerAccount, Publication
from vouchers.policy import cap_keys
from vouchers.policy.documents import shipped_scheme

D = Decimal


@pytest.fixture
def publication(cast) -> Publication:
    return capped_publication(cast)


@pytest.fixture
def file(cast, publication) -> Filing:
    return filing(cast, publication)


def test_two_contracts_of_one_project_share_its_cap(cast, file):
    first = file("大模型训练平台一期")
    casework.issued(cast, first)
    second = file("大模型 训练平台（一期）")  # the same name, otherwise written
    assert first.undertaking == second.undertaking
    assert D(second.assessment["amount"]) == D(200000)
    voucher = casework.issued(cast, second)
    assert voucher.face_value == D(200000)
    account = LedgerAccount.objects.get(kind="cap", code__contains=first.undertaking.undertaking_no)
    assert account.available == 0


def test_a_third_contract_of_a_project_whose_cap_is_spent_is_refused_and_told_so(cast, file):
    casework.issued(cast, file("平台"))
    casework.issued(cast, file("平台"))
    third = file("平台")
    refusing = [one for one in third.assessment["findings"] if one["code"] == "cap.project"]
    assert [one["result"] for one in refusing] == ["not_met"]


def test_another_project_of_the_same_enterprise_has_its_own(cast, file):
    casework.issued(cast, file("平台"))
    other = file("平台二期")
    assert D(other.assessment["amount"]) == D(1000000)
    assert Undertaking.objects.count() == 2


def test_a_registration_number_is_one_project_whatever_it_is_called_and_by_whom(cast, publication, file):
    casework.issued(cast, file("平台", "京发改备〔2025〕12号"))
    again = file("训练平台", "京发改备[2025]12 号")
    assert D(again.assessment["amount"]) == D(200000)
    ours = undertaking_keys(
        {"project_registration": "京发改备〔2025〕12号", "project_name": "平台"}, cast.alpha
    )
    theirs = undertaking_keys(
        {"project_registration": "京发改备[2025]12 号", "project_name": "平台"}, cast.beta
    )
    assert len(set(ours) & set(theirs)) == 1  # the number; a name is only the enterprise's own


def test_the_estimate_before_filing_knows_what_the_project_has_used(cast, publication, file):
    casework.issued(cast, file("平台"))
    draft = file("平台", submit=False)
    scheme = publication.scheme
    facts = application_facts(draft, scheme, on=date(2025, 7, 15))
    assert draft.undertaking is None
    found = undertaking_of(draft)
    assert found is not None
    assert facts.project_no == found.undertaking_no
    keys = {key.code: key.key for key in cap_keys(scheme, facts)}
    assert facts.used.of(keys["project"]) == D(1000000)


def test_a_project_that_nobody_has_named_before_is_made_by_filing_alone(cast, publication, file):
    draft = file("平台", submit=False)
    assert not Undertaking.objects.exists()
    with acting(cast.filer, "test"):
        submit_application(draft, by=cast.filer)
    assert draft.undertaking is not None
    assert draft.undertaking.declared_by == cast.alpha
    assert draft.undertaking.undertaking_no.startswith("PJ-")


def test_the_form_asks_for_the_project_only_where_a_cap_counts_projects(publication):
    scheme = publication.scheme
    assert "project_name" in StatementForm(scheme=scheme).fields
    off = replace(scheme, caps=tuple(replace(cap, switched_on=False) for cap in scheme.caps))
    assert "project_name" not in StatementForm(scheme=off).fields
    form = StatementForm(scheme=scheme)
    assert not form.answered({})
    known = form.initial_of({"project_name": "平台", "project_registration": ""})
    assert known["project_name"] == "平台"


def test_a_scheme_without_such_a_cap_makes_no_project(cast):
    plain = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, plain.program)
    casework.fit_for_beijing(cast.alpha)
    filed = casework.submitted(
        cast, plain, casework.lease_fields(cast.provider, "5000000.00"), facts={"project_name": "平台"}
    )
    assert filed.undertaking is None
    assert not Undertaking.objects.exists()


def test_what_the_ledger_would_go_beyond_is_refused_even_where_both_were_assessed_before(cast, file):
    first, second = file("平台"), file("平台")  # each was promised 1 million while nothing was used
    casework.issued(cast, first)
    try:
        voucher = casework.issued(cast, second)
    except DomainError:
        return
    assert voucher.face_value <= D(200000)


def test_where_a_cap_counts_the_projects_of_one_class_only_that_class_must_name_its_project():
    scheme = shipped_scheme("CD-SLQ-DEMO")
    for classes, asked in ((["national_project"], True), ([], False)):
        form = StatementForm({"classes": classes, "project_name": ""}, scheme=scheme)
        form.is_valid()
        assert ("project_name" in form.errors) is asked
