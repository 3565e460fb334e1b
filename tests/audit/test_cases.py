"""核查案件: what a scan makes of linked parties, who works it, and what two persons make of its flags."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction

from audit.actions.case_work import (
    add_step,
    assign_case,
    close_case,
    conclude_flag,
    flags_of_case,
    precision_of,
    precision_words,
    propose_conclusion,
    return_case,
)
from audit.actions.cases import Gathered, gather_cases
from audit.actions.scans import run_scan
from audit.models import Case, CaseConclusion, CaseStep, CaseSubject, Flag, ScanRun, Suspicion
from tests.audit import scenes
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(cast):
    return scenes.build(cast)


@pytest.fixture
def twice(scene, cast):
    """A machine let in 北京 and, at the same time, in 深圳; each with a claim."""
    first = scene.lease(serials=("NVA1",))
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1), region="440300")
    claims = (
        scene.claim(first, [(scene.invoice(first, "25112000000000000001"), "100000.00")]),
        scene.claim(second, [(scene.invoice(second, "25112000000000000002"), "100000.00")], region="440300"),
    )
    run_scan()
    return claims


@pytest.fixture
def case(twice) -> Case:
    return Case.objects.get(region_code="110000")


def deed(by, do, *given, **more):
    with transaction.atomic(), acting(by, "test"):
        return do(*given, by=by, **more)


def worked(case: Case, cast) -> Case:
    return deed(cast.investigator, assign_case, case, cast.investigator)


def concluded(case: Case, cast, result: str = "confirmed") -> Case:
    """Worked, concluded on every flag and put before another."""
    worked(case, cast)
    for flag in flags_of_case(case):
        deed(cast.investigator, conclude_flag, case, flag, result, reason="现场核对设备序列号。")
    return deed(cast.investigator, propose_conclusion, case, summary="一机两租属实，建议追回。")


def test_a_scan_opens_a_case_a_region_and_the_next_one_opens_none(twice):
    found = {one.region_code: one for one in Case.objects.all()}
    assert set(found) == {"110000", "440300"}
    assert found["110000"].outcome == "block" and found["110000"].rank is not None
    assert [one.subject_no for one in found["110000"].subjects.all()] == [twice[0].claim_no]
    assert found["110000"].amount == found["110000"].subjects.get().amount > 0
    before = list(Case.objects.order_by("pk").values())
    run_scan()
    assert list(Case.objects.order_by("pk").values()) == before
    assert CaseSubject.objects.count() == 2


def queued(run: ScanRun, number: int, group: str, outcome: str = "review") -> Suspicion:
    """A row of the queue of ``run``."""
    return Suspicion.objects.create(
        subject_kind="claim",
        subject_no=f"C-2025-{number:08d}",
        lease_no=f"L-2025-{number:08d}",
        region_code="110000",
        amount=Decimal("100.00"),
        case_no=group,
        outcome=outcome,
        score=5,
        weight=number,
        rank=number,
        scan_run=run,
    )


def test_two_cases_that_grow_together_are_the_older_one_and_what_was_written_stays_where_it_was(cast):
    run = ScanRun.objects.create(kind="nightly", known_at=dates.now(), started_at=dates.now())
    first, second = queued(run, 1, "G-1"), queued(run, 2, "G-2")
    assert gather_cases(run) == Gathered(opened=2, joined=0, merged=0)
    older, younger = Case.objects.order_by("pk")
    deed(cast.investigator, assign_case, younger, cast.investigator)
    deed(cast.investigator, add_step, younger, "note", "已约谈。", done_on=date(2025, 7, 1))
    Suspicion.objects.filter(pk=second.pk).update(case_no="G-1")
    third = queued(run, 3, "G-1", "pass")
    assert gather_cases(run) == Gathered(opened=0, joined=1, merged=1)
    older.refresh_from_db()
    younger.refresh_from_db()
    assert (younger.state, younger.merged_into) == ("merged", older)
    assert list(younger.steps.values_list("words", flat=True)) == ["已约谈。"]
    assert set(older.subjects.values_list("subject_no", flat=True)) == {
        first.subject_no,
        second.subject_no,
        third.subject_no,
    }
    assert (older.amount, older.rank, older.weight) == (Decimal("300.00"), 1, Decimal(3))
    with pytest.raises(NotNow):
        deed(cast.investigator, add_step, younger, "note", "再记", done_on=date(2025, 7, 1))


def test_what_all_passed_is_no_case(cast):
    run = ScanRun.objects.create(kind="nightly", known_at=dates.now(), started_at=dates.now())
    queued(run, 1, "G-1", "pass")
    assert gather_cases(run) == Gathered(0, 0, 0)


def test_what_is_no_longer_raised_stays_in_its_case_and_says_so(case):
    device = case.subjects.get()
    from applications.models import LeaseDevice

    LeaseDevice.objects.filter(lease__program_region_code="440300").update(serial="NVA2")
    run_scan()
    case.refresh_from_db()
    device.refresh_from_db()
    assert (device.outcome, device.rank) == ("", None)
    assert (case.outcome, case.rank) == ("", None)


def test_a_case_is_concluded_by_one_and_closed_by_another(case, cast):
    concluded(case, cast)
    with pytest.raises(Forbidden, match="前序环节"):
        deed(cast.investigator, close_case, case)
    done = deed(cast.second_investigator, close_case, case)
    assert (done.state, done.proposed_by, done.closed_by) == (
        "closed",
        cast.investigator,
        cast.second_investigator,
    )
    assert set(done.subjects.values_list("frozen", flat=True)) == {True}


def test_nothing_is_proposed_while_a_flag_has_no_conclusion(case, cast):
    worked(case, cast)
    with pytest.raises(NotNow) as refused:
        deed(cast.investigator, propose_conclusion, case, summary="属实")
    assert refused.value.code == "case.flags_open"
    assert "没有结论" in refused.value.message


def test_only_its_own_investigator_concludes_and_only_investigators_of_the_region_touch_it(case, cast):
    flag = flags_of_case(case).first()
    with pytest.raises(NotNow):
        deed(cast.investigator, conclude_flag, case, flag, "confirmed", reason="x")
    worked(case, cast)
    with pytest.raises(Forbidden) as refused:
        deed(cast.second_investigator, conclude_flag, case, flag, "confirmed", reason="x")
    assert refused.value.code == "case.not_mine"
    for person in (cast.auditor, cast.handler, cast.filer, cast.approver, cast.other_auditor):
        for do, given in (
            (assign_case, (cast.investigator,)),
            (conclude_flag, (flag, "confirmed")),
            (add_step, ("note", "看过")),
        ):
            more = {"reason": "x"} if do is conclude_flag else {}
            more = {"done_on": date(2025, 7, 1)} if do is add_step else more
            with pytest.raises(Forbidden):
                deed(person, do, case, *given, **more)
    with pytest.raises(Invalid) as refused:
        deed(cast.investigator, assign_case, case, cast.handler)
    assert refused.value.code == "case.assignee"


def test_a_conclusion_needs_a_result_a_reason_and_a_flag_of_the_case(case, cast):
    worked(case, cast)
    flag = flags_of_case(case).first()
    strange = Flag.objects.exclude(pk__in=flags_of_case(case)).first()
    for one, result, reason, code in (
        (strange, "confirmed", "x", "case.flag"),
        (flag, "maybe", "x", "case.result"),
        (flag, "unfounded", "  ", "case.reason"),
    ):
        with pytest.raises(Invalid) as refused:
            deed(cast.investigator, conclude_flag, case, one, result, reason=reason)
        assert refused.value.code == code
    deed(cast.investigator, conclude_flag, case, flag, "confirmed", reason="初步核对")
    deed(cast.investigator, conclude_flag, case, flag, "unfounded", reason="设备已更换，有出库单")
    assert CaseConclusion.objects.get().result == "unfounded"


def test_a_case_that_is_returned_is_worked_again_with_what_is_missing(case, cast):
    concluded(case, cast)
    with pytest.raises(Forbidden):
        deed(cast.investigator, return_case, case, reason="请补现场照片")
    back = deed(cast.second_investigator, return_case, case, reason="请补现场照片")
    assert (back.state, back.proposed_by) == ("working", None)
    assert CaseStep.objects.get().words == "退回再查：请补现场照片"


def test_what_was_proposed_or_closed_cannot_be_changed_not_even_past_the_application(case, cast):
    concluded(case, cast)
    for change in (
        lambda: CaseConclusion.objects.update(result="unfounded"),
        lambda: CaseStep.objects.update(words="x"),
        lambda: CaseConclusion.objects.all().delete(),
        lambda: CaseStep.objects.all().delete(),
    ):
        if change.__code__.co_names[0] == "CaseStep" and not CaseStep.objects.exists():
            deed(cast.investigator, add_step, case, "note", "看过", done_on=date(2025, 7, 1))
        with pytest.raises((IntegrityError, ProgrammingError, InternalError)), transaction.atomic():
            change()
    deed(cast.second_investigator, close_case, case)
    with pytest.raises((IntegrityError, ProgrammingError, InternalError)), transaction.atomic():
        CaseSubject.objects.filter(case=case).update(amount=1)


def test_a_closed_case_is_not_taken_up_again_but_what_is_raised_later_follows_it(case, cast, scene, twice):
    concluded(case, cast, "unfounded")
    deed(cast.second_investigator, close_case, case)
    run_scan()
    assert Case.objects.filter(region_code="110000").count() == 1
    # The same invoice is used again: another fact, another case on the same claim.
    from applications.models import Invoice

    lease = Invoice.objects.get(invoice_no="25112000000000000001").lease
    scene.claim(lease, [(Invoice.objects.get(invoice_no="25112000000000000001"), "100000.00")])
    run_scan()
    case.refresh_from_db()
    (later,) = Case.objects.filter(region_code="110000").exclude(pk=case.pk)
    assert later.follows == case and case.state == "closed"
    assert set(later.subjects.values_list("lease_no", flat=True)) == {lease.lease_no}


def test_the_precision_of_a_rule_is_counted_from_closed_cases_only(case, cast):
    assert precision_of("F17") == ({"confirmed": 0, "paper_defect": 0, "unfounded": 0}, None)
    assert precision_words("F17") == ""
    concluded(case, cast)
    assert precision_of("F17")[1] is None
    deed(cast.second_investigator, close_case, case)
    found, share = precision_of("F17")
    assert (found["confirmed"], share) == (1, Decimal("100.0"))
    assert (
        precision_words("F17")
        == "已办结案件中核查 1 条：属实 1 条、材料瑕疵 0 条、不成立 0 条；属实的占 100.0 %。"
    )


def test_what_follows_is_kept_with_the_case_after_it_was_closed_and_nothing_else_is(case, cast):
    concluded(case, cast)
    deed(cast.second_investigator, close_case, case)
    kept = deed(
        cast.investigator,
        add_step,
        case,
        "consequence",
        "已发起追回。",
        done_on=date(2025, 7, 15),
        reference="R-2025-00000001",
    )
    assert kept.reference == "R-2025-00000001"
    with pytest.raises(NotNow) as refused:
        deed(cast.investigator, add_step, case, "note", "补记", done_on=date(2025, 7, 15))
    assert refused.value.code == "case.closed"
