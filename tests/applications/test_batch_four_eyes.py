"""整批核定由几个人办: who had a hand in it does not approve it; who only sent it back or published its notice may."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from applications.actions.batch_issue import issue_batch
from applications.actions.batch_members import set_aside, take_back, unlist
from applications.actions.batches import (
    approve_batch,
    cancel_batch,
    notice_batch,
    open_batch,
    reopen_batch,
    share_out_batch,
)
from applications.models import Application, IssueBatch, Review
from tests.applications.batch_office import batched, decided, filed, issued, noticed, shared_out
from tests.applications.test_batch_lists import listed, reviewed, row
from tests.applications.test_batch_lists import settled as settled
from tests.cast import Cast
from vouchers.context import acting
from vouchers.errors import Forbidden
from vouchers.models import Publication
from vouchers.policy.terms import Shortage


def shared(cast: Cast, batch: IssueBatch) -> IssueBatch:
    with acting(cast.handler, "test"):
        return share_out_batch(batch, by=cast.handler)


@pytest.fixture
def pair(cast: Cast) -> tuple[Publication, Application, Application]:
    publication = batched(cast, Shortage.PRO_RATA)
    one = decided(cast, filed(cast, publication, "5000000.00", "HT-1"))
    beta = {"party": cast.beta, "by": cast.other_filer}
    return publication, one, decided(cast, filed(cast, publication, "5000000.00", "HT-2", **beta))


def test_whoever_shared_it_out_or_had_a_hand_in_a_case_does_not_approve_it(
    cast: Cast, pair: tuple[Publication, Application, Application]
):
    batch = shared_out(cast, pair[0])
    for person in (cast.approver, cast.handler):
        with pytest.raises(Forbidden), acting(person, "test"):
            approve_batch(batch, by=person)
    with acting(cast.second_approver, "test"):
        assert approve_batch(batch, by=cast.second_approver).state == "approved"


def test_an_approver_who_shared_it_out_does_not_approve_it(
    cast: Cast, pair: tuple[Publication, Application, Application]
):
    with acting(cast.second_approver, "test"):
        batch = open_batch(pair[0].program, by=cast.second_approver)
        share_out_batch(batch, by=cast.second_approver)
    with pytest.raises(Forbidden) as refusal, acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    assert refusal.value.code == "access.same_person"
    with pytest.raises(IntegrityError), transaction.atomic():
        IssueBatch.objects.filter(pk=batch.pk).update(approved_by=cast.second_approver)


@pytest.mark.parametrize("person", ["other_approver", "finance", "filer", "stranger", "auditor"])
def test_nobody_else_may_do_anything_with_it(
    cast: Cast, pair: tuple[Publication, Application, Application], person: str
):
    batch = shared_out(cast, pair[0])
    by = getattr(cast, person)
    for deed in (approve_batch, notice_batch, issue_batch):
        with pytest.raises(Forbidden), acting(by, "test"):
            deed(batch, by=by)
    for deed in (reopen_batch, cancel_batch):
        with pytest.raises(Forbidden), acting(by, "test"):
            deed(batch, by=by, reason="试")
    if person not in ("auditor", "finance"):
        assert not IssueBatch.objects.visible_to(by).exists()


@pytest.mark.parametrize("taken_back", [False, True])
def test_whoever_set_a_competitor_aside_does_not_approve_the_batch(
    cast: Cast, pair: tuple[Publication, Application, Application], taken_back: bool
):
    publication, _one, other = pair
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
    with acting(cast.second_approver, "test"):
        set_aside(batch, other, by=cast.second_approver, reason="暂缓。")
    if taken_back:
        with acting(cast.handler, "test"):
            take_back(batch, other, by=cast.handler, reason="核查完毕。")
    shared(cast, batch)
    with pytest.raises(Forbidden) as refusal, acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    assert refusal.value.code == "access.same_person"


def test_whoever_opened_the_batch_and_so_chose_what_it_gathers_does_not_approve_it(
    cast: Cast, pair: tuple[Publication, Application, Application]
):
    publication, _one, _other = pair
    with acting(cast.second_approver, "test"):
        batch = open_batch(publication.program, by=cast.second_approver)
    shared(cast, batch)
    with pytest.raises(Forbidden) as refusal, acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    assert refusal.value.code == "access.same_person"


def test_whoever_approved_it_before_it_was_sent_back_may_approve_it_anew(
    cast: Cast, pair: tuple[Publication, Application, Application]
):
    publication, _one, _other = pair
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
    shared(cast, batch)
    with acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    with acting(cast.handler, "test"):
        reopen_batch(batch, by=cast.handler, reason="漏列一件。")
    shared(cast, batch)
    with acting(cast.second_approver, "test"):
        assert approve_batch(batch, by=cast.second_approver).state == "approved"


def test_whoever_only_sent_it_back_or_published_its_notice_may_approve_it_anew(
    cast: Cast, pair: tuple[Publication, Application, Application]
):
    batch = shared_out(cast, pair[0])
    with acting(cast.second_approver, "test"):
        reopen_batch(batch, by=cast.second_approver, reason="漏列一件。")
    shared(cast, batch)
    noticed(cast, batch)  # approved and noticed by the same person
    with acting(cast.second_approver, "test"):
        reopen_batch(batch, by=cast.second_approver, reason="公示内容有误。")
    shared(cast, batch)
    assert noticed(cast, batch).state == "noticed"


def test_whoever_takes_a_row_of_an_earlier_list_off_has_a_hand_in_the_batch_that_would_have_gathered_it(
    cast: Cast, settled: Publication
):
    first = reviewed(
        cast, listed(cast, settled, row(cast.alpha, "20000.00"), row(cast.beta, "20000.00", number="JS-2"))
    )
    carried, _other = (one.application for one in first.members.order_by("listed_row"))
    with acting(cast.handler, "test"):
        set_aside(first, carried, by=cast.handler, reason="暂缓核查。")
    issued(cast, noticed(cast, shared(cast, first)))
    later = reviewed(cast, listed(cast, settled, row(cast.beta, "1000.00", number="JS-3")))
    assert not later.members.filter(application=carried).exists()
    with acting(cast.second_approver, "test"):
        unlist(carried, by=cast.second_approver, reason="单位已注销。")
    (deed,) = Review.objects.filter(subject_kind="issue_batch", subject_no=later.batch_no, verb="unlist")
    assert deed.reason == f"{carried.application_no}：单位已注销。" and deed.actor == cast.second_approver
    shared(cast, later)
    with pytest.raises(Forbidden) as refusal, acting(cast.second_approver, "test"):
        approve_batch(later, by=cast.second_approver)
    assert refusal.value.code == "access.same_person"


def test_a_list_that_is_cancelled_as_a_whole_is_one_deed_in_its_time_line(cast: Cast, settled: Publication):
    batch = listed(cast, settled, row(cast.alpha, "20000.00"), row(cast.beta, "20000.00", number="JS-2"))
    with acting(cast.handler, "test"):
        cancel_batch(batch, by=cast.handler, reason="名单作废。")
    deeds = Review.objects.filter(subject_kind="issue_batch", subject_no=batch.batch_no)
    assert [one.verb for one in deeds.order_by("pk")] == ["open", "cancel"]
