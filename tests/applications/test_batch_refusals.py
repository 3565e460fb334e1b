"""What stands in the way of one member of a batch is that one's own: the others are issued, and the batch comes to an end."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from applications.actions.batch_endings import close_issue
from applications.actions.batch_issue import issue_batch
from applications.actions.batch_parts import issued_so_far
from applications.actions.batches import open_batch, reopen_batch, share_out_batch
from applications.actions.undertaking_merges import confirm_merge, merge_undertakings
from applications.models import Application, IssueBatch, Review, Undertaking
from tests import casework
from tests.applications.batch_office import decided, filed, issued, noticed, shared_out, with_pool
from tests.applications.crowd import a_city
from tests.applications.project_cases import with_project_cap
from tests.applications.test_batch_parts import (
    after_notice,
    done,
    noticed_city,
    ordered,
)
from tests.applications.test_batch_parts import plainly_screened as plainly_screened
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.job_runs import run_waiting
from vouchers.actions.ledger_chains import Cap, Chain, event_id
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import NotNow
from vouchers.models import LedgerAccount, LedgerAttempt, Publication, RoleGrant, User, Voucher
from vouchers.policy import assess
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import Example, Expected
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Shortage

D = Decimal


def per_project(scheme: Scheme) -> Scheme:
    """At most 1.2 million a project, and a pool that is large enough for everybody."""
    return with_pool(with_project_cap(scheme), Shortage.PRO_RATA, "100000000")


def as_computed(example: Example) -> Example:
    facts = replace(example.facts, project_no="P", batch_no="2025-1")
    answer = assess(per_project(shipped_scheme("BJ-AIQ")), facts)
    return replace(example, facts=facts, expected=Expected(amount=answer.amount, outcome=answer.outcome))


def two_projects(cast: Cast) -> tuple[Publication, Application, Application]:
    """Two approved cases of 700,000 yuan each, of two projects of 甲公司."""
    publication = casework.published(cast, "BJ-AIQ", per_project, as_computed)
    casework.funded(cast, publication.program, "100000000.00")
    casework.fit_for_beijing(cast.alpha)
    first, second = (
        decided(cast, filed(cast, publication, "3500000.00", number, facts={"project_name": name}))
        for number, name in (("HT-1", "大模型平台"), ("HT-2", "训练集群"))
    )
    assert first.undertaking != second.undertaking
    return publication, first, second


def found_to_be_one(first: Application, second: Application) -> None:
    """As two stand that were merged after their notice, before that was refused."""
    assert first.undertaking is not None and second.undertaking is not None
    Undertaking.objects.filter(pk=second.undertaking.pk).update(merged_into=first.undertaking)
    Application.objects.filter(pk=second.pk).update(undertaking=first.undertaking)


def deeds(case: Application | IssueBatch, verb: str) -> list[str]:
    number = case.application_no if isinstance(case, Application) else case.batch_no
    rows = Review.objects.filter(subject_no=number, verb=verb).order_by("pk")
    return list(rows.values_list("reason", flat=True))


def test_of_two_that_fit_alone_and_not_together_the_first_filed_is_issued_and_the_issue_can_be_ended(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    publication, first, second = two_projects(cast)
    pattern = decided(cast, filed(cast, publication, "500000.00", "HT-3"))
    a_city(publication, pattern, 101)
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
    assert done(batch, "share_out", cast.handler).state == "done"
    assert set(batch.members.values_list("allotted_amount", flat=True)) == {D(700000), D(100000)}
    assert ordered(batch, "approve", cast.second_approver) is None
    assert done(batch, "publish_notice", cast.second_approver).state == "done"
    found_to_be_one(first, second)
    with after_notice(batch):
        job = done(batch, "issue", cast.approver)
        assert (job.state, job.result["issued"], batch.state) == ("done", 102, "issuing"), job.message
        (told,) = job.result["passed"]
        assert second.application_no in told and "500,000.00 元" in told
        (on_case,), (on_batch,) = deeds(second, "pass_over"), deeds(batch, "pass_over")
        assert told in on_case and batch.batch_no in on_case and "结束发放" in on_case
        assert told in on_batch and "结束发放" in on_batch
        # Asked for once more nothing changes, and nothing is said twice.
        assert done(batch, "issue", cast.handler).state == "done"
        assert (len(deeds(second, "pass_over")), len(deeds(batch, "pass_over"))) == (1, 1)
        with acting(cast.second_approver, "test"):
            close_issue(batch, by=cast.second_approver, reason="两项目限额合并计算，转入下一批。")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (batch.state, first.state, second.state, second.batch) == ("issued", "issued", "approved", None)
    assert Voucher.objects.count() == 102 and check_ledger() == []
    assert batch.notice_closes_on is not None
    with dates.fixed(batch.notice_closes_on), acting(cast.handler, "test"):
        later = open_batch(publication.program, by=cast.handler)
        share_out_batch(later, by=cast.handler)
    assert list(later.members.values_list("application", "allotted_amount")) == [(second.pk, D(500000))]


def test_whom_only_the_ledger_refuses_is_passed_over_alone_and_leaves_no_try_behind(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 103, amount="100000000")
    refused = Application.objects.filter(batch=batch).order_by("submitted_at", "pk")[50]
    # An account of another kind bears the name of its yearly limit: the rules see nothing used of it, the ledger does not take it.
    with acting(cast.handler, "test"):
        cap = cap_of_the_year(batch, refused)
        chain = Chain(uuid.uuid4(), dates.today(), "t", "t").open(
            cap.code, "receivable", region_code="110000"
        )
        chain.use([replace(cap, subject="T")], "110000", D("0.01")).post().demand()
    with after_notice(batch):
        job = done(batch, "issue", cast.approver)
        assert (job.state, job.result["issued"], batch.state) == ("done", 102, "issuing"), job.message
        (told,) = job.result["passed"]
        assert refused.application_no in told and "性质" in told
        assert len(deeds(refused, "pass_over")) == len(deeds(batch, "pass_over")) == 1
        own = event_id("issue_batch", str(batch.issue_id), refused.application_no)
        assert not LedgerAttempt.objects.filter(pk=own).exists()
        assert done(batch, "issue", cast.approver).result["issued"] == 102
        with acting(cast.second_approver, "test"):
            close_issue(batch, by=cast.second_approver, reason="账务科目待更正。")
    refused.refresh_from_db()
    assert (batch.state, refused.state, refused.batch) == ("issued", "approved", None)
    assert not Voucher.objects.filter(application_no=refused.application_no).exists()
    assert Voucher.objects.count() == 102


def cap_of_the_year(batch: IssueBatch, case: Application) -> Cap:
    """The first cap that is the enterprise's own, as issuing the case names it."""
    from applications.actions.assessments import assessed, facts_of
    from vouchers.actions.caps import caps_of

    facts = facts_of(case)
    caps = caps_of(batch.publication.scheme, facts, assessed(case, facts))
    cap = next(one for one in caps if not one.shared)
    assert not LedgerAccount.objects.filter(code=cap.code).exists()
    return replace(cap, amount=None)


@contextmanager
def once_begun(batch: IssueBatch, deed: Any) -> Iterator[None]:
    """Somebody does something while the first part is at work."""
    over = threading.Event()

    def watch() -> None:
        try:
            while not over.wait(0.01):
                if IssueBatch.objects.filter(pk=batch.pk, state="issuing").exists():
                    deed()
                    return
        finally:
            connections.close_all()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def over_for(person: User, on: date | None) -> None:
    RoleGrant.objects.filter(user=person).update(effective_to=on)


def test_whose_role_is_withdrawn_issues_no_further_part_and_another_goes_on(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 205)
    on = batch.notice_closes_on  # whoever withdraws it does so in a thread, which has its own today
    with after_notice(batch), once_begun(batch, lambda: over_for(cast.approver, on)):
        job = done(batch, "issue", cast.approver)
    assert (job.state, job.outcome_code) == ("failed", "access.role"), job.message
    assert "京核准" in job.message and "继续发放" in job.message
    assert batch.state == "issuing" and issued_so_far(batch)[0] in (0, 100)
    assert "已发放的各件有效" in deeds(batch, "pause_issue")[-1]
    with after_notice(batch):
        assert done(batch, "issue", cast.handler).state == "done"
    assert batch.state == "issued" and Voucher.objects.count() == 205 and check_ledger() == []


def test_whose_role_is_withdrawn_before_the_worker_begins_issues_nothing(
    committed_db: Any, cast: Cast, plainly_screened: None
):
    batch = noticed_city(cast, 101)
    with after_notice(batch):
        job = ordered(batch, "issue", cast.approver)
        assert job is not None
        over_for(cast.approver, dates.today())
        assert run_waiting() == 1
    job.refresh_from_db()
    batch.refresh_from_db()
    assert (job.state, job.outcome_code, batch.state) == ("failed", "access.role", "noticed")
    assert not Voucher.objects.exists()


def test_a_small_batch_says_which_no_longer_fits_beside_the_others_and_is_shared_out_anew(cast: Cast):
    publication, first, second = two_projects(cast)
    batch = noticed(cast, shared_out(cast, publication))
    found_to_be_one(first, second)
    assert batch.notice_closes_on is not None
    with dates.fixed(batch.notice_closes_on), acting(cast.approver, "test"):
        with pytest.raises(NotNow) as refusal:
            issue_batch(batch, by=cast.approver)
        assert refusal.value.code == "issue_batch.changed" and second.application_no in refusal.value.message
        assert not Voucher.objects.exists()
    with acting(cast.approver, "test"):
        reopen_batch(batch, by=cast.approver, reason="两项目为同一项目。")
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    amounts = dict(batch.members.values_list("application", "allotted_amount"))
    assert amounts == {first.pk: D(700000), second.pk: D(500000)}


def test_projects_are_not_merged_while_a_batch_has_allotted_to_one_and_is_not_issued(cast: Cast):
    publication, first, second = two_projects(cast)
    assert first.undertaking is not None and second.undertaking is not None
    pair = (first.undertaking, second.undertaking)
    with acting(cast.handler, "test"):
        proposed = merge_undertakings(*pair, by=cast.handler, reason="同一批复文件。")
    batch = shared_out(cast, publication)

    def refused() -> None:
        with pytest.raises(NotNow) as refusal, acting(cast.second_handler, "test"):
            confirm_merge(proposed, by=cast.second_handler)
        assert refusal.value.code == "undertaking.in_batch" and batch.batch_no in refusal.value.message
        with pytest.raises(NotNow) as refusal, acting(cast.handler, "test"):
            merge_undertakings(*pair, by=cast.handler, reason="同一批复文件。")
        assert refusal.value.code == "undertaking.in_batch"

    refused()
    noticed(cast, batch)
    refused()
    issued(cast, batch)
    with acting(cast.second_handler, "test"):
        confirm_merge(proposed, by=cast.second_handler)
    assert proposed.state == "merged"
