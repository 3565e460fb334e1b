"""What an application that is granted by batch may not do alone, and until when its batch is due."""

from __future__ import annotations

from datetime import date
from typing import Any

from applications.models import Application
from vouchers import dates
from vouchers.errors import NotNow
from vouchers.policy.batching import filing_window, grants_by_batch
from vouchers.policy.opening import not_carried_out
from vouchers.policy.rules import Scheme

BATCH_WORKING_DAYS = 15
"""Sharing out and approval together (docs/lifecycles.md), from the end of filing or from the decision, whichever is later."""


def waits_for_batch(scheme: Scheme, application: Application) -> dict[str, Any]:
    """What an approved application of a version that grants by batch carries: it waits for its batch until then, and what it
    was approved for is a ceiling. Empty for any other version."""
    if not grants_by_batch(scheme):
        return {}
    return {"awaits_batch": True, "batch": None, "due_on": batch_due_on(scheme, application)}


def batch_due_on(scheme: Scheme, application: Application) -> date:
    """By when its batch is to be shared out and approved."""
    filed_at = application.submitted_at or dates.now()
    window = filing_window(scheme, filed_at)
    begins = dates.today()
    if window is not None:
        begins = max(begins, window.closes_at.astimezone(dates.SHANGHAI).date())
    return dates.add_working_days(begins, BATCH_WORKING_DAYS)


def require_carried_out(scheme: Scheme) -> None:
    """Refuse (409 ``program.not_carried_out``) to share out or issue what its version's text says otherwise than casework can do:
    it was published before this was asked at publication."""
    reasons = not_carried_out(scheme)
    if reasons:
        raise NotNow(
            "program.not_carried_out",
            "".join(reasons),
            hint="本版发布时尚未核对此项。请修订并发布新版；已受理的申领可退回，由申领单位在新版施行后重新提交。",
        )


def require_single(application: Application) -> None:
    """Refuse (409 ``application.in_batch``) to notice or issue alone what is granted only with its batch."""
    if application.awaits_batch:
        raise NotNow(
            "application.in_batch",
            f"{application.application_no} 按政策规定整批核定，不能单件公示或发放。",
            hint="请在“审定批次”中归集、分配、批准后整批办理。",
        )
