"""异议成立以后: an application that was turned down comes back to where it was turned down, and shares in what is shared out then."""

from __future__ import annotations

from decimal import Decimal

import pytest

from applications.actions.applications import (
    approve_application,
    recommend_application,
    reject_application,
)
from applications.actions.batch_members import candidates, pending
from applications.actions.batches import (
    approve_batch,
    notice_batch,
    open_batch,
    reopen_batch,
    share_out_batch,
    waiting_programs,
)
from applications.actions.objections import answer_objection, file_objection
from applications.models import Application, Message, Objection, Review
from applications.tasks import notify
from tests import casework
from tests.applications.batch_office import batched, decided, filed, issued, noticed, shared_out
from tests.cast import Cast
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import OutboxMessage, Publication, Voucher
from vouchers.policy.terms import CapSubject, Shortage

D = Decimal


@pytest.fixture(autouse=True)
def the_ledger_holds_afterwards(cast: Cast):
    yield
    assert check_ledger() == []


def objected(case: Application, cast: Cast) -> Objection:
    with acting(cast.filer, "test"):
        return file_objection(case, text="材料齐全，理由不成立。", by=cast.filer, party=case.enterprise)


def upheld(case: Application, cast: Cast) -> Application:
    objection = objected(case, cast)
    with acting(cast.investigator, "test"):
        answer_objection(objection, uphold=True, answer="经查理由成立。", by=cast.investigator)
    case.refresh_from_db()
    return case


def rejected(cast: Cast, publication: Publication, number: str = "HT-9") -> Application:
    case = filed(cast, publication, "5000000.00", number)
    with acting(cast.handler, "test"):
        return reject_application(case, by=cast.handler, reason="合同无效。")


def redecided(cast: Cast, case: Application) -> Application:
    casework.answer_all(cast, case)
    with acting(cast.second_handler, "test"):
        recommend_application(case, by=cast.second_handler)
    with acting(cast.approver, "test"):
        return approve_application(case, by=cast.approver)


def test_before_the_sharing_out_it_is_examined_anew_and_gathered(cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)
    case = rejected(cast, publication)
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
    assert case not in pending(batch)
    upheld(case, cast)
    assert (case.state, case.decided_on, case.decision_reason) == ("accepted", None, "")
    assert case in pending(batch)
    redecided(cast, case)
    assert case in candidates(batch)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    issued(cast, noticed(cast, batch))
    assert Voucher.objects.get().application_no == case.application_no


def test_what_was_shared_out_without_it_is_neither_approved_nor_noticed_but_shared_out_anew(cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA, amount="2000000.00")
    case = rejected(cast, publication)
    beta = {"party": cast.beta, "by": cast.other_filer}
    decided(cast, filed(cast, publication, "10000000.00", "HT-1", **beta))
    batch = shared_out(cast, publication)
    assert batch.allotted_amount == D("2000000.00")
    upheld(case, cast)
    with pytest.raises(NotNow) as refusal, acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    assert refusal.value.code == "issue_batch.readmitted" and case.application_no in refusal.value.message
    with acting(cast.handler, "test"):
        reopen_batch(batch, by=cast.handler, reason="异议成立，重新分配。")
    redecided(cast, case)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    assert batch.members.get(application=case).allotted_amount == D("666666.67")
    # Who found for the objector has a hand in it.
    assert cast.investigator.pk in set(
        Review.objects.filter(subject_no=batch.batch_no).values_list("actor", flat=True)
    )
    issued(cast, noticed(cast, batch))


def test_one_upheld_while_the_notice_runs_stops_notice_and_issue_as_well(cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)
    case = rejected(cast, publication)
    beta = {"party": cast.beta, "by": cast.other_filer}
    decided(cast, filed(cast, publication, "10000000.00", "HT-1", **beta))
    batch = shared_out(cast, publication)
    with acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    upheld(case, cast)
    with pytest.raises(NotNow) as refusal, acting(cast.second_approver, "test"):
        notice_batch(batch, by=cast.second_approver)
    assert refusal.value.code == "issue_batch.readmitted"


@pytest.fixture
def unfunded(cast: Cast) -> tuple[Publication, Application]:
    """By score: of two, the second got nothing."""
    publication = batched(cast, Shortage.BY_SCORE, amount="2000000.00")
    beta = {"party": cast.beta, "by": cast.other_filer}
    high = filed(cast, publication, "10000000.00", "HT-1", **beta)
    low = filed(cast, publication, "5000000.00", "HT-2")
    decided(cast, high, score="90")
    decided(cast, low, score="60")
    issued(cast, noticed(cast, shared_out(cast, publication)))
    low.refresh_from_db()
    assert low.state == "rejected"
    return publication, low


def test_after_the_issue_it_waits_for_the_next_batch_and_is_told_what_is_left(
    cast: Cast, unfunded: tuple[Publication, Application]
):
    publication, low = unfunded
    upheld(low, cast)
    assert (low.state, low.awaits_batch, low.batch, low.approved_amount) == (
        "approved",
        True,
        None,
        D("1000000.00"),
    )
    assert [count for found, count in waiting_programs(cast.handler) if found == publication] == [1]
    told = Review.objects.filter(subject_no=low.application_no, verb="share_again").get()
    assert "年度资金总量尚余 0.00 元" in told.reason and "须先追加预算、调整限额" in told.reason
    for message in OutboxMessage.objects.filter(payload__message="application_readmitted"):
        notify.run(**message.payload)
    assert "经查理由成立" in Message.objects.get(title="异议成立，申领恢复办理").text
    # The pool is spent: the next batch says so in its working, and gives what there is.
    again = shared_out(cast, publication)
    assert again.members.get(application=low).allotted_amount == 0


def test_where_the_next_batch_has_money_it_is_issued_with_it(cast: Cast):
    publication = batched(cast, Shortage.FIRST_COME, amount="2000000.00", subject=CapSubject.BATCH)
    beta = {"party": cast.beta, "by": cast.other_filer}
    decided(cast, filed(cast, publication, "10000000.00", "HT-1", **beta))
    low = decided(cast, filed(cast, publication, "5000000.00", "HT-2"))
    issued(cast, noticed(cast, shared_out(cast, publication)))
    low.refresh_from_db()
    assert low.state == "rejected"
    upheld(low, cast)
    told = Review.objects.get(subject_no=low.application_no, verb="share_again")
    assert "可即建立批次分配" in told.reason
    again = issued(cast, noticed(cast, shared_out(cast, publication)))
    assert again.members.get(application=low).allotted_amount == D("1000000.00")
    low.refresh_from_db()
    assert low.state == "issued"


def test_whoever_turned_it_down_does_not_answer_and_a_dismissed_objection_moves_nothing(
    cast: Cast, unfunded: tuple[Publication, Application]
):
    _publication, low = unfunded
    objection = objected(low, cast)
    with pytest.raises(Forbidden), acting(cast.approver, "test"):
        answer_objection(objection, uphold=True, answer="成立。", by=cast.approver)
    with acting(cast.investigator, "test"):
        answer_objection(objection, uphold=False, answer="资金已分配完毕。", by=cast.investigator)
    low.refresh_from_db()
    assert low.state == "rejected"


def test_where_cases_are_granted_singly_it_is_examined_anew(cast: Cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    case = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    with acting(cast.handler, "test"):
        reject_application(case, by=cast.handler, reason="合同无效。")
    upheld(case, cast)
    assert (case.state, case.awaits_batch) == ("accepted", False)
    assert redecided(cast, case).state == "approved"
