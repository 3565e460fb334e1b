"""What an upheld objection does to an application that was turned down: it comes back to where it was turned down.

Refused by a person, it is examined anew. One that its batch left with nothing waits for the next batch, which shares in what the
pools have left by then, by the version's rule; what is left now is told at once. A refused application left its project's number
behind: another may bear it now, so what project it belongs to is found anew, and is asked about anew before it is approved. A batch of the program that is shared out and
not issued stands no more: it would have shared with this one, and is to be shared out anew.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from applications.actions import cases
from applications.actions.assessments import facts_of, reassess, scheme_of
from applications.actions.batch_members import was_filed_for
from applications.actions.batch_rows import note, require_idle
from applications.actions.batch_rules import waits_for_batch
from applications.evidence import hold_document
from applications.models import Application, IssueBatch, Review
from applications.models.batches import UNFINISHED, IssueBatchState
from applications.undertakings import counts_projects, hold_undertaking, stands_as_answered
from vouchers import dates
from vouchers.actions.budgets import room_of
from vouchers.actions.caps import used_amounts
from vouchers.errors import NotNow
from vouchers.models import User
from vouchers.money import ZERO, thousands
from vouchers.policy.batching import grants_by_batch
from vouchers.policy.caps import cap_keys
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject


def readmit(application: Application, *, by: User, reason: str) -> str:
    """Bring a rejected application back; what happens next, as the office and the enterprise read it.

    Raises ``NotNow`` (``objection.document_used``) when its statement was filed with another application meanwhile."""
    cases.as_it_stands(application)
    if application.lifecycle.find("readmit", application.state) is None or application.origin != "live":
        return ""
    _publication, scheme = scheme_of(application)
    unfunded = _was_left_unfunded(application)
    if not hold_document(application):
        assert application.project is not None
        raise NotNow(
            "objection.document_used",
            f"{application.application_no} 所用的结算单 {application.project.document_no} 已在其他申领中使用，不能同时恢复本件。",
            hint="请该单位先撤回另一件申领，再认定异议成立；或在答复中说明按另一件办理。",
        )
    fresh: dict[str, Any] = {"batch": None, "decision_reason": ""}
    project = ""
    if counts_projects(scheme) and not (unfunded and stands_as_answered(application, scheme)):
        project = _hold_project_anew(application, fresh)
        unfunded = False
    if unfunded:
        verb, more = "share_again", waits_for_batch(scheme, application)
        told = f"恢复参加资金分配，由下一批按“{scheme.issue.shortage.label}”办理。{room_words(application)}"
    else:
        verb, more = "readmit", {"awaits_batch": False, "decided_on": None}
        told = f"恢复审查，重新初审、核准。{project}"
        if grants_by_batch(scheme):
            told += "核准后参加整批分配。"
    cases.move(application, verb, by=by, reason=f"{reason} {told}", update={**fresh, **more})
    if counts_projects(scheme) and verb == "readmit":
        reassess(application)  # with the check of the project as it is held now
    _note(application, by=by)
    return told


def _hold_project_anew(application: Application, fresh: dict[str, Any]) -> str:
    """Find its project as if it were filed now; what is to be said of it where it is another than before."""
    before = application.undertaking
    application.undertaking = fresh["undertaking"] = hold_undertaking(application, asks=False)
    if before is None or application.undertaking in (None, before):
        return ""
    return "本件填报的项目已由其他申领申报，限额与其合并计算；所属项目须重新核对。"


def _was_left_unfunded(application: Application) -> bool:
    last = (
        Review.objects.filter(
            subject_kind="application",
            subject_no=application.application_no,
            verb__in=("reject", "leave_unfunded"),
        )
        .order_by("-pk")
        .first()
    )
    return last is not None and last.verb == "leave_unfunded"


def room_words(application: Application) -> str:
    """What the year's budget and the pools have left for it, and what is to be done where that is nothing."""
    _publication, scheme = scheme_of(application)
    assert application.program is not None
    year = dates.today().year
    left = {f"{year} 年度预算": room_of(application.program, year, scheme) or ZERO}
    left |= _pools(application, scheme)
    least = min(left.values())
    told = "、".join(f"{name}尚余 {thousands(max(amount, ZERO))} 元" for name, amount in left.items())
    if least > 0:
        return f"目前{told}，可即建立批次分配。"
    short = "、".join(f"“{name}”" for name, amount in left.items() if amount <= 0)
    return f"目前{told}；{short}已无剩余，须先追加预算、调整限额，或待其他件退回资金后，再建立批次分配。"


def _pools(application: Application, scheme: Scheme) -> dict[str, Decimal]:
    facts = replace(facts_of(application), batch_no="")
    used = used_amounts(scheme, facts)
    return {
        key.name: key.limit - used.of(key.key)
        for key in cap_keys(scheme, facts)
        if key.subject_kind == CapSubject.POOL.value
    }


def _note(application: Application, *, by: User) -> None:
    """Into the unfinished batch that it would have shared with: what was shared out without it does not stand.

    Whoever shares it out at this moment is waited for, so that the note comes after that sharing out and is seen; while the
    worker does it, 409 (``issue_batch.under_way``). One that is being issued is not waited for: this one is the next batch's."""
    batch = IssueBatch.objects.filter(program=application.program, state__in=UNFINISHED).first()
    if batch is not None and was_filed_for(batch, application):
        if batch.state != IssueBatchState.ISSUING:
            require_idle(batch)
            batch.refresh_from_db(from_queryset=IssueBatch.objects.select_for_update(no_key=True))
        note(batch, "readmit", by=by, before=batch.state, reason=f"{application.application_no}：异议成立")
