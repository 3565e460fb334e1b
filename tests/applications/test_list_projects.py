"""免申即享 under a cap per project: the list says which project a row serves, and the rows of one project share its cap."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from applications.actions.batch_jobs import order_deed
from applications.actions.batch_lists import review_list
from applications.actions.batch_projects import is_plain, project_checks
from applications.actions.batches import share_out_batch
from applications.actions.cases import checks_of
from applications.batch_lists import columns_of
from applications.models import IssueBatch, Review, Undertaking
from tests import casework
from tests.applications.batch_office import issued, noticed
from tests.applications.kinds import connect, placed
from tests.applications.test_batch_lists import listed, reviewed, row, without_application
from tests.cast import SINCE, Cast
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Publication, RoleGrant, Voucher
from vouchers.policy import assess
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import Example, Expected
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject

D = Decimal


def capped(scheme: Scheme) -> Scheme:
    """内蒙古's reward by list, at most 50,000 a project."""
    listed_scheme = without_application(scheme)
    cap = Cap(
        cite=scheme.cite,
        code="project",
        name="单个项目限额",
        subject=CapSubject.PROJECT,
        amount=D(50000),
        period=CapPeriod.TOTAL,
    )
    return dataclasses.replace(listed_scheme, caps=(*listed_scheme.caps, cap))


def as_computed(example: Example) -> Example:
    facts = dataclasses.replace(example.facts, project_no="P")
    answer = assess(capped(shipped_scheme("NM-JS")), facts)
    return dataclasses.replace(
        example, facts=facts, expected=Expected(amount=answer.amount, outcome=answer.outcome)
    )


@pytest.fixture
def program(cast: Cast) -> Publication:
    publication = casework.published(cast, "NM-JS", capped, as_computed)
    casework.funded(cast, publication.program)
    for party in (cast.alpha, cast.beta):
        placed(party, "150100")
        connect(cast, party, publication, dates.today().replace(year=2024))
    RoleGrant.objects.get_or_create(
        user=cast.second_approver,
        role=Role.APPROVER,
        region=publication.program.region,
        defaults={"effective_from": SINCE},
    )
    return publication


def project_row(cast: Cast, amount: str, number: str, name: str, **more: Any) -> dict[str, Any]:
    return row(cast.alpha, amount, number=number, **{"立项项目": name} | more)


def test_rows_of_one_project_share_its_cap(cast: Cast, program: Publication):
    batch = listed(
        cast,
        program,
        project_row(cast, "50000.00", "JS-1", "算力平台", 立项或备案编号="蒙发改备1"),
        project_row(cast, "50000.00", "JS-2", "算力 平台"),
    )
    cases = [one.application for one in batch.members.order_by("listed_row")]
    assert cases[0].undertaking is not None
    assert cases[0].undertaking == cases[1].undertaking
    reviewed(cast, batch)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    assert batch.allotted_amount == D(50000)
    issued(cast, noticed(cast, batch))
    assert Voucher.objects.aggregate(total=Sum("face_value"))["total"] == D(50000)
    assert check_ledger() == []
    with pytest.raises(Problems) as refusal:
        listed(cast, program, project_row(cast, "50000.00", "JS-3", "算力平台"))
    assert "第 2 行" in refusal.value.problems[0].message


def test_a_row_that_names_no_project_is_told_by_its_cell(cast: Cast, program: Publication):
    with pytest.raises(Problems) as refusal:
        listed(cast, program, row(cast.alpha, "50000.00"))
    (fault,) = refusal.value.problems
    assert "“立项项目”" in fault.message
    assert not Undertaking.objects.exists()


def test_two_projects_of_one_enterprise_on_a_list_are_looked_at(cast: Cast, program: Publication):
    batch = listed(
        cast,
        program,
        project_row(cast, "50000.00", "JS-1", "算力平台"),
        project_row(cast, "50000.00", "JS-2", "训练集群"),
    )
    first, second = (one.application for one in batch.members.order_by("listed_row"))
    (check,) = (one for one in checks_of(second) if one.code.startswith("project."))
    assert check.result == "waiting"
    assert first.application_no in "；".join(check.evidence)
    assert "移出名单" in check.sentence
    reviewed(
        cast, batch
    )  # each pair is looked at once, with the later row: nothing new is asked at the review
    assert {one.application.state for one in batch.members.all()} == {"approved"}


def numbered(cast: Cast, program: Publication) -> IssueBatch:
    """甲 serves one project with a number; 乙 two, each with one."""
    return listed(
        cast,
        program,
        project_row(cast, "50000.00", "JS-1", "算力平台", 立项或备案编号="蒙发改备1"),
        row(cast.beta, "50000.00", number="JS-2", 立项项目="训练集群", 立项或备案编号="蒙发改备2"),
        row(cast.beta, "50000.00", number="JS-3", 立项项目="推理集群", 立项或备案编号="蒙发改备3"),
    )


def test_what_nothing_speaks_against_is_answered_in_one_act_and_the_rest_singly(
    cast: Cast, program: Publication
):
    batch = numbered(cast, program)
    first, second, third = (one.application for one in batch.members.order_by("listed_row"))
    assert [is_plain(one) for one in project_checks(batch)] == [True, True, False]
    with acting(cast.second_handler, "test"), pytest.raises(Invalid):
        order_deed(batch, "answer_projects", by=cast.second_handler, reason=" ")
    with acting(cast.second_handler, "test"):
        order_deed(batch, "answer_projects", by=cast.second_handler, reason="已对照备案汇总表逐件核对。")
    for case in (first, second):
        (check,) = (one for one in checks_of(case) if one.code.startswith("project."))
        assert (check.result, check.sentence) == ("passed", "已对照备案汇总表逐件核对。")
        assert check.checked_by == cast.second_handler
        review = Review.objects.get(subject_no=case.application_no, verb="answer_check")
        assert "已对照备案汇总表" in review.reason
    (left,) = project_checks(batch)
    assert left.subject_no == third.application_no
    assert second.application_no in left.evidence[0]
    with acting(cast.approver, "test"), pytest.raises(NotNow) as refusal:
        review_list(batch, by=cast.approver)
    assert refusal.value.code == "check.waiting"
    with acting(cast.second_handler, "test"), pytest.raises(NotNow) as nothing:
        order_deed(batch, "answer_projects", by=cast.second_handler, reason="再核。")
    assert nothing.value.code == "issue_list.no_projects"


def test_only_a_handler_of_the_region_answers_for_a_list(cast: Cast, program: Publication):
    batch = numbered(cast, program)
    for stranger in (cast.approver, cast.other_handler):
        with acting(stranger, "test"), pytest.raises(Forbidden):
            order_deed(batch, "answer_projects", by=stranger, reason="已核对。")


def test_the_page_of_a_list_says_how_many_can_be_answered_for_at_once_and_names_the_rest(
    cast: Cast, program: Publication, client: Client
):
    batch = numbered(cast, program)
    third = batch.members.get(listed_row=4).application
    client.force_login(cast.second_handler)
    page = client.get(f"/desk/issue-batches/{batch.batch_no}/").content.decode()
    assert "2 件只需核对立项或备案编号" in page
    assert "1 件须逐件核对" in page and third.application_no in page
    answer = client.post(
        f"/desk/issue-batches/{batch.batch_no}/answer_projects/", {"reason": "已对照备案汇总表逐件核对。"}
    )
    assert answer.status_code == 302
    page = client.get(f"/desk/issue-batches/{batch.batch_no}/").content.decode()
    assert "件只需核对立项或备案编号" not in page
    assert "认定所属项目" in page


def test_a_version_without_such_a_cap_does_not_ask_for_projects():
    plain = {one.heading for one in columns_of(without_application(shipped_scheme("NM-JS")))}
    asked = {one.heading for one in columns_of(capped(shipped_scheme("NM-JS")))}
    assert asked - plain == {"立项项目", "立项或备案编号"}
