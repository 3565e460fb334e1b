"""合并项目: two projects that a person finds to be one count as one from then on, and nothing that was decided changes."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.test import Client

from applications.actions.applications import accept_application
from applications.actions.assessments import recompute
from applications.actions.cases import checks_of
from applications.actions.undertaking_merges import (
    confirm_merge,
    decline_merge,
    merge_undertakings,
    mergeable,
    open_merges,
)
from applications.models import Application, Review, UndertakingMerge
from tests import casework
from tests.applications.project_cases import Filing, capped_publication, filing
from tests.cast import Cast
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Publication, Voucher

D = Decimal


@pytest.fixture
def publication(cast: Cast) -> Publication:
    return capped_publication(cast)


@pytest.fixture
def file(cast: Cast, publication: Publication) -> Filing:
    return filing(cast, publication)


def merged(cast: Cast, first: Application, second: Application) -> UndertakingMerge:
    """Proposed by one handler, confirmed by another where that is asked for."""
    assert first.undertaking is not None and second.undertaking is not None
    with acting(cast.handler, "test"):
        merge = merge_undertakings(
            second.undertaking, first.undertaking, by=cast.handler, reason="批复文件显示为同一项目。"
        )
    if merge.state == "proposed":
        with acting(cast.second_handler, "test"):
            confirm_merge(merge, by=cast.second_handler)
    for case in (first, second):
        case.refresh_from_db()
    return merge


def amount_of(case: Application) -> Decimal:
    case.refresh_from_db()
    return D(case.assessment["amount"])


def test_what_was_counted_for_either_counts_for_both_afterwards(cast: Cast, file: Filing):
    first, second = file("大模型平台"), file("训练集群")
    casework.issued(cast, first)
    assert amount_of(second) == D(1000000)
    merge = merged(cast, first, second)
    assert merge.state == "merged" and merge.moves_money
    assert first.undertaking == second.undertaking == merge.survivor
    assert amount_of(second) == D(200000)  # of 1,200,000 a project
    casework.issued(cast, second)
    assert Voucher.objects.aggregate(total=Sum("face_value"))["total"] == D(1200000)
    assert check_ledger() == []


def test_the_accounts_of_both_are_added_up_and_a_cap_that_is_passed_already_leaves_nothing(
    cast: Cast, file: Filing
):
    """Two vouchers of a million under two projects; merged, 800,000 more than one may have: nothing is left, nothing is taken."""
    first, second = file("大模型平台"), file("训练集群")
    vouchers = [casework.issued(cast, one) for one in (first, second)]
    before = [(one.assessment, one.approved_amount, one.facts) for one in (first, second)]
    before = deepcopy(before)
    merged(cast, first, second)
    for case, (assessment, approved, facts) in zip((first, second), before, strict=True):
        assert (case.assessment, case.approved_amount, case.facts) == (assessment, approved, facts)
        assert recompute(case).amount == D(1000000)
    for voucher in vouchers:
        voucher.refresh_from_db()
        assert (voucher.face_value, voucher.state) == (D(1000000), "active")
    third = file("大模型平台")
    assert third.undertaking == first.undertaking
    assert amount_of(third) == D(0)
    other_name = file("训练集群")
    assert other_name.undertaking == first.undertaking
    assert check_ledger() == []


def test_who_proposed_it_does_not_confirm_it_where_something_was_granted(cast: Cast, file: Filing):
    first, second = file("大模型平台"), file("训练集群")
    casework.issued(cast, first)
    with acting(cast.handler, "test"):
        merge = merge_undertakings(
            first.undertaking, second.undertaking, by=cast.handler, reason="同一批复文件。"
        )
        assert merge.state == "proposed"
        with pytest.raises(Forbidden) as refusal:
            confirm_merge(merge, by=cast.handler)
    assert refusal.value.code == "access.same_person"
    second.refresh_from_db()
    assert second.undertaking != first.undertaking
    assert amount_of(second) == D(1000000)
    with pytest.raises(IntegrityError), transaction.atomic():
        UndertakingMerge.objects.filter(pk=merge.pk).update(state="merged", decided_by=cast.handler)
    with pytest.raises(IntegrityError), transaction.atomic():
        UndertakingMerge.objects.filter(pk=merge.pk).update(state="merged")  # and by nobody


def test_two_of_which_nothing_was_granted_are_one_at_once_and_are_asked_about_anew(cast: Cast, file: Filing):
    first, second = file("大模型平台"), file("训练集群")
    with acting(cast.handler, "test"):
        accept_application(second, by=cast.handler)
        casework.answer_all(cast, second)
    assert [one.undertaking_no for one in mergeable(second)] == [first.undertaking.undertaking_no]
    merge = merged(cast, first, second)
    assert (merge.state, merge.moves_money) == ("merged", False)
    (check,) = (one for one in checks_of(second) if one.code.startswith("project."))
    assert merge.survivor.undertaking_no in check.code
    assert not check.evidence  # of one project, nothing else speaks against it
    told = Review.objects.filter(verb="merge_undertakings").values_list("subject_no", flat=True)
    assert set(told) == {first.application_no, second.application_no}
    assert mergeable(second) == [] and open_merges(second) == []


def test_a_reason_another_project_and_the_region_are_asked_for(cast: Cast, file: Filing):
    first, second = file("大模型平台"), file("训练集群")
    one, other = first.undertaking, second.undertaking
    with acting(cast.handler, "test"):
        with pytest.raises(Invalid) as silent:
            merge_undertakings(one, other, by=cast.handler, reason=" ")
        with pytest.raises(Invalid) as same:
            merge_undertakings(one, one, by=cast.handler, reason="同一批复文件。")
    assert (silent.value.code, same.value.code) == ("undertaking.reason", "undertaking.same")
    for stranger in (cast.other_handler, cast.filer):
        with acting(stranger, "test"), pytest.raises(Forbidden):
            merge_undertakings(one, other, by=stranger, reason="同一批复文件。")
    merged(cast, first, second)
    with acting(cast.handler, "test"), pytest.raises(NotNow) as gone:
        merge_undertakings(one, other, by=cast.handler, reason="再次合并。")
    assert gone.value.code == "undertaking.merged"


def test_declined_they_stay_two(cast: Cast, file: Filing):
    first, second = file("大模型平台"), file("训练集群")
    casework.issued(cast, first)
    with acting(cast.handler, "test"):
        merge = merge_undertakings(
            first.undertaking, second.undertaking, by=cast.handler, reason="疑为同一项目。"
        )
        assert open_merges(second) == [merge]
        with pytest.raises(NotNow):
            merge_undertakings(first.undertaking, second.undertaking, by=cast.handler, reason="再提。")
    with acting(cast.second_handler, "test"):
        decline_merge(merge, by=cast.second_handler, reason="批复文件不同。")
    assert merge.state == "declined" and open_merges(second) == []
    assert amount_of(second) == D(1000000)


def test_what_was_merged_into_one_that_is_merged_itself_counts_with_the_last(cast: Cast, file: Filing):
    cases = [file(name) for name in ("甲项目", "乙项目", "丙项目")]
    casework.issued(cast, cases[2])
    merged(cast, cases[1], cases[2])
    merged(cast, cases[0], cases[1])
    assert {one.undertaking for one in Application.objects.all()} == {cases[0].undertaking}
    assert amount_of(cases[0]) == D(200000)


def test_at_the_desk_one_proposes_at_the_case_and_another_confirms_on_the_list(
    cast: Cast, file: Filing, client: Client
):
    first, second = file("大模型平台"), file("训练集群")
    casework.issued(cast, first)
    client.force_login(cast.handler)
    page = client.get(f"/desk/applications/{second.application_no}/").content.decode()
    assert "与另一项目为同一项目" in page and first.undertaking.undertaking_no in page
    where = f"/desk/projects/of/{second.application_no}/merge/"
    client.post(where, {"with": "PJ-99999999", "reason": "同一批复文件。"})
    assert not UndertakingMerge.objects.exists()
    client.post(where, {"with": first.undertaking.undertaking_no, "reason": "同一批复文件。"})
    merge = UndertakingMerge.objects.get()
    assert merge.state == "proposed"
    for person, state in ((cast.handler, "proposed"), (cast.second_handler, "merged")):
        client.force_login(person)
        assert merge.merge_no in client.get("/desk/projects/merges/").content.decode()
        client.post(f"/desk/projects/merges/{merge.merge_no}/confirm/", {"reason": ""})
        merge.refresh_from_db()
        assert merge.state == state
    page = client.get(f"/desk/applications/{second.application_no}/").content.decode()
    assert "经认定合并计算" in page and "认定为同一项目" in page
    client.force_login(cast.other_handler)
    assert merge.merge_no not in client.get("/desk/projects/merges/").content.decode()
