"""Two persons issue one batch at the same moment, in processes of their own: it is issued once."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import traceback
from typing import Any

import pytest
from django.db import connection, connections

from applications.actions.batch_issue import issue_batch
from applications.actions.batches import approve_batch, open_batch, share_out_batch
from applications.actions.objections import answer_objection
from applications.models import Application, IssueBatch, Review
from tests.applications.batch_office import batched, decided, filed, noticed, shared_out
from tests.applications.test_readmissions import objected, rejected
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import DomainError, NotNow
from vouchers.models import LedgerAccount, LedgerTransfer, User, Voucher
from vouchers.policy.terms import Shortage


def _child(batch_no: str, account: str, barrier: Any, sending: Any) -> None:
    try:
        batch = IssueBatch.objects.select_related("program__region", "publication").get(batch_no=batch_no)
        by = User.objects.get(username=account)
        assert batch.notice_closes_on is not None
        with dates.fixed(batch.notice_closes_on), acting(by, "test"):
            barrier.wait(30)
            issue_batch(batch, by=by)
        answer = "issued"
    except DomainError as refusal:
        answer = refusal.code
    except BaseException:
        answer = traceback.format_exc()
    sending.send_bytes(json.dumps(answer).encode())
    sending.close()
    connections.close_all()
    os._exit(0)


def at_once(batch_no: str, *accounts: str) -> list[str]:
    """What each person's attempt came to."""
    connections.close_all()  # a child must not share its parent's connection
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(accounts))
    running = []
    for account in accounts:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(batch_no, account, barrier, sending), daemon=True)
        process.start()
        sending.close()
        running.append((process, receiving))
    answers = []
    for process, receiving in running:
        assert receiving.poll(60), "a process said nothing"
        answers.append(json.loads(receiving.recv_bytes()))
        process.join(10)
    return answers


def test_of_two_who_issue_one_batch_at_once_one_does_and_the_other_is_told_so(committed_db: Any, cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)
    beta = {"party": cast.beta, "by": cast.other_filer}
    for rent, number, who in (("10000000.00", "HT-1", {}), ("5000000.00", "HT-2", beta)):
        decided(cast, filed(cast, publication, rent, number, **who))
    batch = noticed(cast, shared_out(cast, publication))
    answers = at_once(batch.batch_no, "approver", "second-approver", "second-handler")
    assert sorted(answers) == ["issue_batch.not_now", "issue_batch.not_now", "issued"]
    batch.refresh_from_db()
    assert batch.state == "issued"
    assert Voucher.objects.count() == 2
    assert {one.state for one in Application.objects.all()} == {"issued"}
    assert sum(one.face_value for one in Voucher.objects.all()) == batch.allotted_amount
    pool = LedgerAccount.objects.get(code__contains=":pool.issue:*:")
    assert pool.used == batch.allotted_amount
    chains = LedgerTransfer.objects.filter(subject_kind="issue_batch").values_list("chain_id", flat=True)
    assert len(set(chains)) == 1
    assert Review.objects.filter(subject_kind="issue_batch", verb="issue").count() == 1
    assert check_ledger() == []


def test_an_objection_upheld_while_somebody_shares_out_is_seen_by_whoever_goes_on_with_it(
    committed_db: Any, cast: Cast
):
    publication = batched(cast, Shortage.PRO_RATA, amount="2000000.00")
    case = rejected(cast, publication)
    beta = {"party": cast.beta, "by": cast.other_filer}
    decided(cast, filed(cast, publication, "10000000.00", "HT-1", **beta))
    objection = objected(case, cast)
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
    refusals: list[BaseException] = []

    def uphold() -> None:
        try:
            with acting(cast.investigator, "test"):
                answer_objection(objection, uphold=True, answer="经查理由成立。", by=cast.investigator)
        except BaseException as refusal:
            refusals.append(refusal)
        finally:
            connections.close_all()

    other = threading.Thread(target=uphold)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)  # has read who takes part, and is not committed yet
        other.start()
        _until_somebody_waits()
    other.join(30)
    assert refusals == []
    case.refresh_from_db()
    batch.refresh_from_db()
    assert (case.state, batch.state) == ("accepted", "shared_out")
    with pytest.raises(NotNow) as refusal, acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
    assert refusal.value.code == "issue_batch.readmitted" and case.application_no in refusal.value.message


def _until_somebody_waits() -> None:
    """For a lock, within this database."""
    waiting = threading.Event()
    for _attempt in range(300):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database OR l.database IS NULL "
                "WHERE NOT l.granted AND d.datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
        waiting.wait(0.1)
    raise AssertionError("nobody waits")
