"""Nothing that a batch or a list goes on without is lost: it is gathered later, or leaves with a reason and frees its document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.applications import approve_application, recommend_application
from applications.actions.batch_members import candidates, pending, set_aside, take_back, unlist
from applications.actions.batches import (
    cancel_batch,
    open_batch,
    reopen_batch,
    share_out_batch,
    waiting_programs,
)
from applications.models import Application, IssueBatch, Review
from tests.applications import kinds
from tests.applications.batch_office import batched, decided, filed, issued, noticed
from tests.applications.test_batch_lists import answered, listed, reviewed, row, without_application
from tests.applications.test_batch_lists import settled as settled
from tests.applications.test_kinds_of_basis import shared_by_two
from tests.cast import Cast
from vouchers.actions.budgets import room_of
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import DomainError, Forbidden, Invalid, NotNow
from vouchers.models import Publication, Voucher
from vouchers.policy.terms import Shortage

D = Decimal


@pytest.fixture(autouse=True)
def the_ledger_holds_afterwards(cast):
    yield
    assert check_ledger() == []


@pytest.fixture
def two(cast: Cast, settled: Publication) -> IssueBatch:
    """A list of two rows that is reviewed."""
    return reviewed(
        cast,
        listed(cast, settled, row(cast.alpha, "20000.00"), row(cast.beta, "20000.00", number="JS-2")),
    )


def rows_of(batch: IssueBatch) -> list[Application]:
    return [one.application for one in batch.members.order_by("listed_row")]


def shared(cast: Cast, batch: IssueBatch, reason: str = "") -> IssueBatch:
    with acting(cast.handler, "test"):
        return share_out_batch(batch, by=cast.handler, waived_reason=reason)


# ---- lists


def test_a_row_that_is_set_aside_is_gathered_by_the_next_list_and_paid(
    cast: Cast, settled: Publication, two: IssueBatch
):
    aside, other = rows_of(two)
    with acting(cast.handler, "test"):
        set_aside(two, aside, by=cast.handler, reason="暂缓核查。")
    issued(cast, noticed(cast, shared(cast, two)))
    assert [one.application_no for one in Voucher.objects.all()] == [other.application_no]
    later = reviewed(cast, listed(cast, settled, row(cast.alpha, "1000.00", number="JS-3")))
    assert aside in candidates(later)
    issued(cast, noticed(cast, shared(cast, later)))
    aside.refresh_from_db()
    assert aside.state == "issued" and later.allotted_amount == D("21000.00")


def test_a_row_that_was_not_decided_in_time_is_reviewed_with_the_next_list(cast: Cast, settled: Publication):
    batch = listed(cast, settled, row(cast.alpha, "20000.00"), row(cast.beta, "20000.00", number="JS-2"))
    answered(cast, batch)
    late, other = rows_of(batch)
    with acting(cast.second_handler, "test"):
        recommend_application(other, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(other, by=cast.approver)
    issued(cast, noticed(cast, shared(cast, batch, "其余未审核的件转入下一批。")))
    later = listed(cast, settled, row(cast.alpha, "1000.00", number="JS-3"))
    assert late in pending(later)
    reviewed(cast, later)
    issued(cast, noticed(cast, shared(cast, later)))
    late.refresh_from_db()
    assert late.state == "issued"


def test_rows_that_a_list_went_on_without_are_waited_for_and_may_have_a_batch_of_their_own(
    cast: Cast, settled: Publication, two: IssueBatch
):
    def waited_for() -> list[tuple[Publication, int]]:
        return waiting_programs(cast.handler)

    aside, _other = rows_of(two)
    with acting(cast.handler, "test"):
        set_aside(two, aside, by=cast.handler, reason="暂缓核查。")
    assert waited_for() == []  # their own list's batch is at work
    issued(cast, noticed(cast, shared(cast, two)))
    assert waited_for() == [(settled, 1)]
    with acting(cast.handler, "test"):
        rest = open_batch(settled.program, by=cast.handler)
    assert rest.is_listed and list(candidates(rest)) == [aside]
    issued(cast, noticed(cast, shared(cast, rest)))
    aside.refresh_from_db()
    assert aside.state == "issued" and waited_for() == []
    with pytest.raises(Invalid) as refusal, acting(cast.handler, "test"):
        open_batch(settled.program, by=cast.handler)
    assert refusal.value.code == "issue_batch.listed"


def test_the_rows_of_a_cancelled_list_leave_and_the_corrected_list_takes_their_documents(
    cast: Cast, settled: Publication
):
    batch = listed(cast, settled, row(cast.alpha, "20000.00"))
    with acting(cast.handler, "test"):
        cancel_batch(batch, by=cast.handler, reason="金额写错。")
    (gone,) = rows_of(batch)
    assert (gone.state, gone.decision_reason, gone.evidence_key) == ("withdrawn", "金额写错。", "")
    corrected = reviewed(cast, listed(cast, settled, row(cast.alpha, "18000.00")))
    issued(cast, noticed(cast, shared(cast, corrected)))
    assert [one.face_value for one in Voucher.objects.all()] == [D("18000.00")]


def test_a_cancelled_list_that_was_reviewed_leaves_nothing_approved_behind(
    cast: Cast, settled: Publication, two: IssueBatch
):
    with acting(cast.handler, "test"):
        cancel_batch(two, by=cast.handler, reason="名单作废。")
    assert {one.state for one in rows_of(two)} == {"withdrawn"}


def test_one_row_may_be_taken_off_the_list_by_itself_with_a_reason(
    cast: Cast, settled: Publication, two: IssueBatch
):
    first, second = rows_of(two)
    with pytest.raises(Invalid), acting(cast.handler, "test"):
        unlist(first, by=cast.handler, reason=" ")
    for person in (cast.filer, cast.finance, cast.other_approver):
        with pytest.raises(Forbidden), acting(person, "test"):
            unlist(first, by=person, reason="试")
    with acting(cast.handler, "test"):
        unlist(first, by=cast.handler, reason="单位已注销。")
    shared(cast, two)
    assert [one.application for one in two.members.exclude(place=None)] == [second]
    with pytest.raises(NotNow) as refusal, acting(cast.handler, "test"):
        unlist(second, by=cast.handler, reason="试")
    assert refusal.value.code == "application.in_batch"
    assert listed_again(cast, settled, two)


def listed_again(cast: Cast, settled: Publication, batch: IssueBatch) -> bool:
    """What left the list stands in the next one, with the same document."""
    issued(cast, noticed(cast, batch))
    again = reviewed(cast, listed(cast, settled, row(cast.alpha, "20000.00")))
    return bool(candidates(again).count() == 1)


def test_what_was_applied_for_is_not_taken_off_by_the_office(cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)
    case = decided(cast, filed(cast, publication, "1000000.00", "HT-1"))
    with pytest.raises(NotNow) as refusal, acting(cast.handler, "test"):
        unlist(case, by=cast.handler, reason="试")
    assert refusal.value.code == "application.not_listed"


@pytest.fixture
def pair(cast: Cast) -> tuple[Publication, Application, Application]:
    publication = batched(cast, Shortage.PRO_RATA)
    one = decided(cast, filed(cast, publication, "5000000.00", "HT-1"))
    beta = {"party": cast.beta, "by": cast.other_filer}
    return publication, one, decided(cast, filed(cast, publication, "5000000.00", "HT-2", **beta))


# ---- set aside, and taken back


def test_one_that_was_set_aside_is_taken_back_before_the_sharing_out(
    cast: Cast, pair: tuple[Publication, Application, Application]
):
    publication, one, other = pair
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
        set_aside(batch, other, by=cast.handler, reason="核查未结束。")
    shared(cast, batch)
    assert batch.asked_amount == D("1000000.00")
    with pytest.raises(DomainError), acting(cast.handler, "test"):
        take_back(batch, other, by=cast.handler, reason="核查完毕。")  # it is shared out already
    with acting(cast.handler, "test"):
        reopen_batch(batch, by=cast.handler, reason="核查完毕，重新分配。")
        with pytest.raises(Invalid):
            take_back(batch, one, by=cast.handler, reason="它没有暂缓。")
        take_back(batch, other, by=cast.handler, reason="核查完毕。")
    assert set(candidates(batch)) == {one, other}
    shared(cast, batch)
    assert batch.asked_amount == D("2000000.00")
    deeds = Review.objects.filter(subject_kind="issue_batch", subject_no=batch.batch_no)
    assert [one.verb for one in deeds] == [
        "open",
        "set_aside",
        "share_out",
        "reopen",
        "take_back",
        "share_out",
    ]


# ---- the fen of several treasuries


def test_where_two_treasuries_share_the_cost_the_fen_that_is_kept_back_is_named(cast: Cast):
    publication = kinds.opened(
        cast, "NM-JS", change=lambda scheme: without_application(shared_by_two(scheme))
    )
    for party in (cast.alpha, cast.beta):
        kinds.placed(party, "150100")
        kinds.connect(cast, party, publication, date(2024, 1, 1))
    batch = reviewed(
        cast,
        listed(cast, publication, row(cast.alpha, "20000.00"), row(cast.beta, "20000.00", number="JS-2")),
    )
    shared(cast, batch)
    budget = batch.rooms[0]
    assert budget["name"] == "2025 年度预算（另留 0.02 元备各级财政分担的尾差）"
    whole = room_of(publication.program, 2025, publication.scheme)
    assert whole is not None and D(budget["left"]) == whole - D("0.02")
