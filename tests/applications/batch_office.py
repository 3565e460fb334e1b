"""How an office works through a batch in tests: who files, who decides each case, who shares out, who approves."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from applications.actions.applications import accept_application, approve_application, recommend_application
from applications.actions.batch_issue import issue_batch
from applications.actions.batches import approve_batch, notice_batch, open_batch, share_out_batch
from applications.models import Application, IssueBatch
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.context import acting
from vouchers.models import Party, Publication
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.rules import Scheme


def with_pool(
    scheme: Scheme,
    shortage: t.Shortage,
    amount: str = "2500000",
    subject: t.CapSubject = t.CapSubject.POOL,
    **changes: Any,
) -> Scheme:
    """A pool beside the enterprise's 2,000,000 yuan a year; a case is granted 20 % of its rent."""
    values: dict[str, Any] = {
        "cite": scheme.caps[0].cite,
        "code": "pool",
        "name": "年度资金总量" if subject is t.CapSubject.POOL else "单批限额",
        "subject": subject,
        "amount": Decimal(amount),
        "period": t.CapPeriod.CALENDAR_YEAR if subject is t.CapSubject.POOL else t.CapPeriod.NONE,
        "counts_at": t.CountsAt.ISSUE,
    }
    issue = dataclasses.replace(scheme.issue, shortage=shortage)
    return dataclasses.replace(scheme, caps=(*scheme.caps, r.Cap(**(values | changes))), issue=issue)


def batched(cast: Cast, shortage: t.Shortage, budget: str = "100000000.00", **pool: Any) -> Publication:
    """北京's scheme with such a pool, and the parties that it asks for."""
    publication = casework.published(
        cast,
        "BJ-AIQ",
        lambda scheme: with_pool(scheme, shortage, **pool),
        lambda example: dataclasses.replace(
            example, facts=dataclasses.replace(example.facts, batch_no="2025-1")
        ),
    )
    casework.funded(cast, publication.program, budget)
    Party.objects.filter(pk=cast.beta.pk).update(region_code="110108")
    casework.fit_for_beijing(cast.alpha)
    casework.fit_for_beijing(cast.beta)
    return publication


def filed(cast: Cast, publication: Publication, rent: str, number: str, **how: Any) -> Application:
    """An application on a lease of that rent."""
    fields = casework.lease_fields(cast.provider, rent, contract_no=number)
    return casework.submitted(cast, publication, fields, **how)


def decided(
    cast: Cast, application: Application, *, score: str | None = None, amount: str | None = None
) -> Application:
    """Accepted, recommended and approved by three persons."""
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    points = Decimal(score) if score is not None else None
    with acting(cast.second_handler, "test"):
        recommend_application(
            application, by=cast.second_handler, score=points, reason="按评审细则打分。" if score else ""
        )
    with acting(cast.approver, "test"):
        return approve_application(
            application, by=cast.approver, amount=Decimal(amount) if amount is not None else None
        )


def shared_out(cast: Cast, publication: Publication, **how: Any) -> IssueBatch:
    """A batch of what is approved by now, shared out by the handler."""
    with acting(cast.handler, "test"):
        batch = open_batch(publication.program, by=cast.handler)
    with acting(cast.handler, "test"):
        return share_out_batch(batch, by=cast.handler, **how)


def noticed(cast: Cast, batch: IssueBatch) -> IssueBatch:
    """Approved by the second approver, and noticed."""
    with acting(cast.second_approver, "test"):
        approve_batch(batch, by=cast.second_approver)
        return notice_batch(batch, by=cast.second_approver)


def issued(cast: Cast, batch: IssueBatch) -> IssueBatch:
    """Issued once the notice has run its days."""
    assert batch.notice_closes_on is not None
    with dates.fixed(batch.notice_closes_on), acting(cast.approver, "test"):
        return issue_batch(batch, by=cast.approver)
