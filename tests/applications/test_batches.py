"""整批核定: what the text shares out over a batch is granted together, to the fen, by several persons, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from applications.actions.applications import start_application
from applications.actions.assessments import kept, recompute
from applications.actions.batch_issue import issue_batch
from applications.actions.batch_members import set_aside
from applications.actions.batches import (
    cancel_batch,
    open_batch,
    reopen_batch,
    share_out_batch,
)
from applications.actions.issuing import issue_application, publish_notice
from applications.actions.objections import answer_objection, file_objection
from applications.models import Application, BatchMember, IssueBatch, PublicNotice, Review
from tests import casework
from tests.applications.batch_office import batched, decided, filed, issued, noticed, shared_out
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.budget_withdrawals import available_of
from vouchers.actions.holds import place_hold
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import Invalid, NotNow
from vouchers.models import LedgerAccount, OutboxMessage, Publication, Voucher
from vouchers.policy.terms import CapSubject, CountsAt, Shortage

D = Decimal


@pytest.fixture(autouse=True)
def the_ledger_holds_afterwards(cast):
    yield
    assert check_ledger() == []


@pytest.fixture
def pro_rata(cast: Cast) -> Publication:
    return batched(cast, Shortage.PRO_RATA)


@pytest.fixture
def three(cast: Cast, pro_rata: Publication) -> list[Application]:
    """Approved for 2,000,000, 1,000,000 and 1,000,000.01 yuan, of which the pool has 2,500,000."""
    beta = {"party": cast.beta, "by": cast.other_filer}
    cases = [
        filed(cast, pro_rata, "10000000.00", "HT-1"),
        filed(cast, pro_rata, "5000000.00", "HT-2", **beta),
        filed(cast, pro_rata, "5000000.05", "HT-3", **beta),
    ]
    assert [one.requested_amount for one in cases] == [D("2000000.00"), D("1000000.00"), D("1000000.01")]
    # 乙公司 may have 2,000,000 a year: its second case has a fen less.
    return [decided(cast, one) for one in cases]


def used_of(code: str) -> Decimal:
    account = LedgerAccount.objects.get(code__contains=f":{code}.issue:*:")
    return account.used


# ---- before the batch


def test_an_application_is_approved_in_full_whatever_is_left_and_waits(cast: Cast, three: list[Application]):
    for one in three:
        assert one.state == "approved" and one.awaits_batch
        assert one.get_state_display() == "待整批核定"
        assert one.approved_amount == one.requested_amount
        # 15 working days from the decision: sharing out in 10, approval in 5.
        assert one.due_on == dates.add_working_days(dates.today(), 15)


def test_nothing_of_it_is_noticed_or_issued_alone(cast: Cast, three: list[Application]):
    for deed in (publish_notice, issue_application):
        with pytest.raises(NotNow) as refusal, acting(cast.approver, "test"):
            deed(three[0], by=cast.approver)
        assert refusal.value.code == "application.in_batch"
    assert not Voucher.objects.exists()


def test_a_version_that_grants_singly_has_no_batches(cast: Cast):
    from tests import casework

    publication = casework.published(cast, "BJ-AIQ")
    with pytest.raises(Invalid) as refusal, acting(cast.handler, "test"):
        open_batch(publication.program, by=cast.handler)
    assert refusal.value.code == "issue_batch.single"


# ---- sharing out


def test_what_is_left_is_shared_in_one_proportion_to_the_fen(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    batch = shared_out(cast, pro_rata)
    members = {one.application.application_no: one for one in batch.members.all()}
    asked = [members[one.application_no].asked_amount for one in three]
    # 乙公司's two together stay within its 2,000,000 of the year.
    assert asked == [D("2000000.00"), D("1000000.00"), D("1000000.00")]
    allotted = [members[one.application_no].allotted_amount for one in three]
    assert allotted == [D("1250000.00"), D("625000.00"), D("625000.00")]
    assert (batch.asked_amount, batch.allotted_amount) == (D("4000000.00"), D("2500000.00"))
    assert batch.state == "shared_out" and batch.shared_by == cast.handler
    first = members[three[0].application_no]
    assert "2,000,000.00 元 × 2,500,000.00 元 ÷ 4,000,000.00 元" in first.working[0]["sentence"]
    assert {room["name"]: room["left"] for room in batch.rooms} == {
        "2025 年度预算": "100000000.00",
        "年度资金总量": "2500000.00",
    }


def test_the_fen_that_truncation_leaves_go_to_the_largest_remainders(cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA, amount="2000000.00")
    beta = {"party": cast.beta, "by": cast.other_filer}
    cases = [
        filed(cast, publication, "5000000.00", "HT-1"),
        filed(cast, publication, "5000000.00", "HT-2", **beta),
        filed(cast, publication, "5000000.00", "HT-3", **beta),
    ]
    for one in cases:
        decided(cast, one)
    batch = shared_out(cast, publication)
    amounts = list(batch.members.order_by("place").values_list("allotted_amount", flat=True))
    assert amounts == [D("666666.67"), D("666666.67"), D("666666.66")]
    assert "最大余数" in batch.members.order_by("place").first().working[0]["sentence"]


def test_by_score_the_highest_are_paid_in_full_and_the_last_gets_the_rest_or_nothing(cast: Cast):
    publication = batched(cast, Shortage.BY_SCORE)
    beta = {"party": cast.beta, "by": cast.other_filer}
    low = filed(cast, publication, "5000000.00", "HT-1")
    high = filed(cast, publication, "10000000.00", "HT-2", **beta)
    middle = filed(cast, publication, "4000000.00", "HT-3")
    for case, score in ((low, "60"), (high, "92.5"), (middle, "80")):
        decided(cast, case, score=score)
    batch = shared_out(cast, publication)
    rows = [(one.application_id, one.score, one.allotted_amount) for one in batch.members.order_by("place")]
    assert rows == [
        (high.pk, D("92.5"), D("2000000.00")),
        (middle.pk, D("80"), D("500000.00")),
        (low.pk, D("60"), D("0.00")),
    ]
    issued(cast, noticed(cast, batch))
    low.refresh_from_db()
    assert low.state == "rejected" and "列第 3 位" in low.decision_reason
    told = OutboxMessage.objects.filter(payload__application_no=low.application_no)
    assert "application_unfunded" in {row.payload["message"] for row in told}
    assert not PublicNotice.objects.filter(application=low).exists()


def test_where_it_goes_by_score_nobody_is_recommended_without_one(cast: Cast):
    publication = batched(cast, Shortage.BY_SCORE)
    case = filed(cast, publication, "5000000.00", "HT-1")
    with pytest.raises(Invalid) as refusal:
        decided(cast, case)
    assert [one.code for one in refusal.value.problems] == ["review.score_missing"]


def test_a_batchs_own_cap_holds_for_the_batch_and_begins_anew_with_the_next(cast: Cast):
    publication = batched(cast, Shortage.FIRST_COME, subject=CapSubject.BATCH)
    beta = {"party": cast.beta, "by": cast.other_filer}
    first = decided(cast, filed(cast, publication, "7500000.00", "HT-1"))
    second = decided(cast, filed(cast, publication, "6000000.00", "HT-2", **beta))
    batch = issued(cast, noticed(cast, shared_out(cast, publication)))
    assert list(batch.members.order_by("place").values_list("allotted_amount", flat=True)) == [
        D("1500000.00"),
        D("1000000.00"),
    ]
    for case in (first, second):
        case.refresh_from_db()
        assert case.facts["assessed"]["batch_no"] == batch.batch_no
        assert recompute(case) == kept(case)
    account = LedgerAccount.objects.get(code__contains=f":pool.issue:{batch.batch_no}:")
    assert (account.used, account.limit_amount) == (D("2500000.00"), D("2500000.00"))
    later = decided(cast, filed(cast, publication, "1000000.00", "HT-3"))
    other = shared_out(cast, publication)
    assert other.members.get(application=later).allotted_amount == D("200000.00")


def test_the_years_budget_binds_where_it_is_less_than_the_pool(cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA, budget="900000.00")
    for number in ("HT-1", "HT-2"):
        decided(cast, filed(cast, publication, "5000000.00", number))
    batch = shared_out(cast, publication)
    assert batch.allotted_amount == D("900000.00")
    assert issued(cast, noticed(cast, batch)).state == "issued"
    assert LedgerAccount.objects.get(kind="budget").available == 0


def test_what_is_not_decided_yet_is_not_passed_over_without_a_reason(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    late = filed(cast, pro_rata, "1000000.00", "HT-9")
    with pytest.raises(NotNow) as refusal:
        shared_out(cast, pro_rata)
    assert refusal.value.code == "issue_batch.pending" and "1 件" in refusal.value.message
    batch = IssueBatch.objects.get()
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler, waived_reason="材料尚在补正，转入下一批。")
    assert batch.waived_reason and not batch.members.filter(application=late).exists()


def test_a_program_shares_its_money_out_in_one_batch_at_a_time(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    batch = shared_out(cast, pro_rata)
    with pytest.raises(NotNow) as refusal, acting(cast.handler, "test"):
        open_batch(pro_rata.program, by=cast.handler)
    assert refusal.value.code == "issue_batch.unfinished" and batch.batch_no in refusal.value.message


def test_one_that_is_set_aside_waits_for_a_later_batch(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    with acting(cast.handler, "test"):
        batch = open_batch(pro_rata.program, by=cast.handler)
        set_aside(batch, three[1], by=cast.handler, reason="核查未结束。")
        share_out_batch(batch, by=cast.handler)
    assert batch.asked_amount == D("3000000.01")
    issued(cast, noticed(cast, batch))
    three[1].refresh_from_db()
    assert three[1].state == "approved" and three[1].batch is None
    # The pool is spent: the next batch has nothing for it.
    assert shared_out(cast, pro_rata).members.get().allotted_amount == 0


# ---- notice and issue


def test_it_is_noticed_and_issued_whole_and_takes_exactly_what_was_left(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    batch = noticed(cast, shared_out(cast, pro_rata))
    assert PublicNotice.objects.filter(batch=batch).count() == 3
    with pytest.raises(NotNow) as refusal, acting(cast.approver, "test"):
        issue_batch(batch, by=cast.approver)
    assert refusal.value.code == "notice.running"
    issued(cast, batch)
    assert batch.state == "issued"
    vouchers = {one.application_no: one.face_value for one in Voucher.objects.all()}
    assert [vouchers[one.application_no] for one in three] == [
        D("1250000.00"),
        D("625000.00"),
        D("625000.00"),
    ]
    assert used_of("pool") == D("2500000.00")
    for one in three:
        one.refresh_from_db()
        assert one.state == "issued" and one.issue_id == batch.issue_id
        assert one.approved_amount == vouchers[one.application_no]
        assert recompute(one) == kept(one)
    verbs = Review.objects.filter(subject_kind="issue_batch", subject_no=batch.batch_no)
    assert [row.verb for row in verbs] == ["open", "share_out", "approve", "publish_notice", "issue"]


def test_when_the_ledger_refuses_one_nobody_is_issued_anything(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    batch = noticed(cast, shared_out(cast, pro_rata))
    program = pro_rata.program
    casework.taken_back(cast, program, available_of(program, 2025) - D("2499999.99"))
    with pytest.raises(NotNow) as refusal:
        issued(cast, batch)
    assert refusal.value.code == "ledger.insufficient_funds"
    batch.refresh_from_db()
    assert batch.state == "noticed"
    assert not Voucher.objects.exists()
    assert {one.state for one in Application.objects.all()} == {"noticed"}
    assert not LedgerAccount.objects.filter(kind="voucher", credits_posted__gt=0).exists()


def test_a_hold_on_one_stops_the_whole_and_tells_which(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    batch = noticed(cast, shared_out(cast, pro_rata))
    with acting(cast.investigator, "test"):
        place_hold(
            "application",
            three[2].application_no,
            ground="manual",
            sentence="正在核查合同。",
            evidence=[],
            region_code="110000",
            party=cast.beta,
            by=cast.investigator,
        )
    with pytest.raises(NotNow) as refusal:
        issued(cast, batch)
    assert refusal.value.code == "hold.open" and three[2].application_no in refusal.value.message
    assert not Voucher.objects.exists()


def test_an_objection_stops_it_and_one_that_is_upheld_has_it_shared_out_anew(
    cast: Cast, three: list[Application], pro_rata: Publication
):
    batch = noticed(cast, shared_out(cast, pro_rata))
    with acting(cast.filer, "test"):
        objection = file_objection(
            three[1], text="合同不实。", by=None, filer_name="张三", contact="13800000000"
        )
    with pytest.raises(NotNow) as refusal:
        issued(cast, batch)
    assert refusal.value.code == "objection.open"
    with acting(cast.investigator, "test"):
        answer_objection(objection, uphold=True, answer="查明属实。", by=cast.investigator)
    with pytest.raises(NotNow) as refusal:
        issued(cast, batch)
    assert refusal.value.code == "issue_batch.changed"
    with pytest.raises(Invalid), acting(cast.approver, "test"):
        reopen_batch(batch, by=cast.approver, reason=" ")
    with acting(cast.approver, "test"):
        reopen_batch(batch, by=cast.approver, reason="异议成立，重新分配。")
    for one in three:
        one.refresh_from_db()
    assert [one.state for one in three] == ["approved", "recommended", "approved"]
    assert all(one.batch is None for one in three)
    assert set(PublicNotice.objects.values_list("recalled_on", flat=True)) == {dates.today()}
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler, waived_reason="异议成立的件重新审查，转入下一批。")
    assert batch.members.filter(set_aside_reason="", allotted_amount__gt=0).count() == 2
    assert batch.allotted_amount == D("2500000.00")


def test_what_was_approved_is_what_is_issued(cast: Cast, three: list[Application], pro_rata: Publication):
    batch = noticed(cast, shared_out(cast, pro_rata))
    BatchMember.objects.filter(application=three[0]).update(allotted_amount=D("1250000.01"))
    with pytest.raises(NotNow) as refusal:
        issued(cast, batch)
    assert refusal.value.code == "issue_batch.changed" and "校验值" in refusal.value.message


def test_an_empty_batch_is_not_shared_out_and_may_be_cancelled(cast: Cast, pro_rata: Publication):
    with pytest.raises(NotNow) as refusal:
        shared_out(cast, pro_rata)
    assert refusal.value.code == "issue_batch.empty"
    batch = IssueBatch.objects.get()
    with acting(cast.handler, "test"):
        assert cancel_batch(batch, by=cast.handler, reason="误建。").state == "cancelled"
        assert open_batch(pro_rata.program, by=cast.handler).state == "open"


def test_a_claim_is_counted_under_its_batch_where_the_batchs_cap_counts_at_claims(cast: Cast):
    from applications.actions.claims import start_claim
    from applications.facts import claim_facts

    publication = batched(cast, Shortage.FIRST_COME, subject=CapSubject.BATCH, counts_at=CountsAt.CLAIM)
    case = decided(cast, filed(cast, publication, "1500000.00", "HT-1"))
    batch = issued(cast, noticed(cast, shared_out(cast, publication)))
    voucher = Voucher.objects.get(application_no=case.application_no)
    with acting(cast.filer, "test"):
        claim = start_claim(voucher, case.lease, by=cast.filer)
    assert claim_facts(claim, publication.scheme, on=dates.today()).batch_no == batch.batch_no


def test_new_applications_are_taken_in_as_long_as_the_version_is_open(cast: Cast, pro_rata: Publication):
    assert pro_rata.accepts_applications
    with acting(cast.filer, "test"):
        assert start_application(pro_rata.program, cast.alpha, by=cast.filer).state == "draft"
