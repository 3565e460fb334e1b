"""申领: from the first draft to the decision. One verb, one function, for portal, desk, API, command and test."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from applications.actions import cases
from applications.actions.assessments import (
    assessed,
    columns,
    facts_of,
    reassess,
    scheme_of,
)
from applications.actions.batch_rules import waits_for_batch
from applications.actions.issuing import grant_instantly, granted_amount, tell
from applications.actions.leases import check_lease_price, file_lease, return_lease
from applications.actions.reviews import ReviewerOpinion, reviewed
from applications.evidence import free_evidence, hold_document, keep_document, require_document
from applications.gaps import missing
from applications.grounds import first_track, ground_kinds
from applications.models import Application, Lease, Project
from applications.models.applications import ApplicationState
from applications.models.leases import LeaseState
from applications.own_checks import own_checks, stop_instantly
from applications.stopping import require_not_stopped
from applications.undertakings import counts_projects, hold_undertaking
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.holds import require_clear, screen
from vouchers.actions.policies import publication_in_force
from vouchers.actions.policy_reach import publication_applying
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Party, Program, Publication, User
from vouchers.models.holds import ScreeningMoment
from vouchers.money import thousands
from vouchers.numbers import next_no
from vouchers.policy.opening import closed_reasons
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import InForceBy, IssueWay, Outcome, Shortage, Stage
from vouchers.policy.words import day_words
from vouchers.states import not_now


def start_application(program: Program, enterprise: Party, *, by: User, track: str = "") -> Application:
    """A draft for the enterprise under the version in force, for one of its tracks if that is chosen already.

    Refused while the scheme is closed, with the reason (``program.closed``); ``Invalid`` (``application.no_track``)."""
    announce("application.start")
    require_role(by, Role.FILER, party=enterprise)
    publication = publication_in_force(program, dates.today())
    require_open(publication)
    require_not_stopped(program, publication.scheme)
    return Application.objects.create(
        application_no=next_no("A", dates.today()),
        program=program,
        program_code=program.code,
        publication=publication,
        enterprise=enterprise,
        filer=by,
        facts={"track": require_track(publication.scheme, track)} if track else {},
        state_since=dates.now(),
    )


def require_track(scheme: Scheme, track: str) -> str:
    """The code, if the scheme has a track of it."""
    if track not in {one.code for one in scheme.tracks}:
        raise Invalid("application.no_track", "请选择要申领的补贴方向。", field="track")
    return track


def choose_track(application: Application, track: str, *, by: User) -> Application:
    """Which of the scheme's ways of support is asked for. What was filled in for another one no longer stands with it."""
    announce("application.choose_track")
    _publication, scheme = scheme_of(application)
    require_track(scheme, track)
    before = first_track(scheme, application.facts).code if application.facts.get("track") else ""
    update_draft(application, {"track": track}, by=by)
    kept_kind = application.lease.kind if application.lease else ""
    kept_kind = application.project.kind if application.project else kept_kind
    if before != track and kept_kind and kept_kind not in ground_kinds(scheme, application.facts):
        application.lease, application.project = None, None
        application.save(update_fields=["lease", "project"])
    return application


def require_open(publication: Publication) -> None:
    """Refuse a version that cannot take applications: its rate is not published, or it is suspended."""
    if not publication.takes_applications:
        raise NotNow(
            "program.closed",
            "".join(closed_reasons(publication.scheme)) or "该专项暂不受理申领。",
            hint="您可以先了解政策条件，待主管部门开放后再申领。",
        )


def update_draft(
    application: Application,
    changes: dict[str, Any],
    *,
    by: User,
    lease: Lease | None = None,
    project: Project | None = None,
) -> Application:
    """Keep what was typed; a draft may be incomplete."""
    announce("application.save")
    require_role(by, Role.FILER, party=application.enterprise)
    cases.as_it_stands(application)
    if application.state not in (ApplicationState.DRAFT, ApplicationState.RETURNED):
        raise NotNow("application.not_editable", "申领提交后不能修改，如需更正请联系经办部门退回补正。")
    application.facts = {**application.facts, **changes}
    if lease is not None:
        application.lease, application.project = lease, None
    if project is not None:
        application.lease, application.project = None, project
    if (
        application.state == ApplicationState.DRAFT
    ):  # a submitted one keeps the statement that it was filed with
        application.statement_accepted = False
    # What an earlier submission came to does not cap the corrected one.
    application.requested_amount = None
    application.save(update_fields=["facts", "lease", "project", "statement_accepted", "requested_amount"])
    return application


def accept_statement(application: Application, *, by: User) -> Application:
    """真实性承诺: the filer vouches for what was filled in. A later change to a draft asks for it again."""
    announce("application.accept_statement")
    require_role(by, Role.FILER, party=application.enterprise)
    cases.as_it_stands(application)
    if application.state not in (ApplicationState.DRAFT, ApplicationState.RETURNED):
        raise NotNow("application.not_editable", "申领提交后不能修改，如需更正请联系经办部门退回补正。")
    application.statement_accepted = True
    application.save(update_fields=["statement_accepted"])
    return application


def _pin(application: Application, *, recognised_on: date | None = None) -> None:
    """Which version decides the case: the program's own rule, kept with its reason. Where that is the day of recognition, it is
    pinned anew by the decision."""
    assert application.program is not None
    _publication, scheme = scheme_of(application)
    # A returned application keeps the day on which it was first filed.
    filed_at = application.submitted_at or dates.now()
    on, reason = filed_at.astimezone(dates.SHANGHAI).date(), "按申领日适用"
    if scheme.in_force_by is InForceBy.SIGNING and application.lease is not None:
        on, reason = application.lease.signed_on, "按合同签订日适用"
    elif scheme.in_force_by is InForceBy.RECOGNITION:
        on = recognised_on or on
        reason = "按认定日适用" if recognised_on else "按认定日适用，认定前暂按申领日"
    publication, reaches_back = publication_applying(application.program, on)
    require_open(publication)
    application.publication = publication
    held = "依其溯及适用规定适用" if reaches_back else "施行中的"
    application.pinned_reason = f"{reason}：{day_words(on)}{held}“{publication.label}”"


def submit_application(
    application: Application, *, by: User, filer_ip: str = "", filer_device: str = "", filer_phone: str = ""
) -> Application:
    """File it. The facts are screened and assessed; the working is kept; an instant scheme issues the voucher at once."""
    announce("application.submit")
    require_role(by, Role.FILER, party=application.enterprise)
    cases.as_it_stands(application)
    if application.lifecycle.find("submit", application.state) is None:
        raise not_now(application, "submit")
    problems = missing(application)
    if problems:
        raise Problems(problems, code="application.incomplete", message="申领内容尚不完整，请补齐后提交。")
    _pin(application)
    publication, scheme = scheme_of(application)
    if application.lease is not None:
        if application.lease.state in (LeaseState.DRAFT, LeaseState.RETURNED):
            keep_document(application)
            file_lease(application.lease, by=by)
        check_lease_price(application.lease, scheme)
        screen("lease", application.lease.lease_no, ScreeningMoment.FILING)
    elif application.project is not None:
        application.project.filed_at = dates.now()
        application.project.save(update_fields=["filed_at"])
    assert application.program is not None
    require_not_stopped(application.program, scheme, application)
    application.submitted_at = application.submitted_at or dates.now()
    application.undertaking = hold_undertaking(application) if counts_projects(scheme) else None
    facts = facts_of(application)
    assessment = assessed(application, facts)
    cases.move(
        application,
        "submit",
        by=by,
        party=application.enterprise,
        acting_as_staff=False,
        amount=assessment.amount,
        update={
            "publication": publication,
            "pinned_reason": application.pinned_reason,
            "submitted_at": application.submitted_at,
            "requested_amount": assessment.computed_amount,
            "undertaking": application.undertaking,
            **columns(application, facts, assessment),
            "band": band_of(scheme, assessment.amount),
            "filer": by,
            "filer_ip": filer_ip,
            "filer_device": filer_device,
            "filer_phone": filer_phone,
        },
    )
    hold_document(application)
    own = own_checks(application)
    cases.write_checks(application, assessment, own)
    screen("application", application.application_no, ScreeningMoment.FILING)
    instant = scheme.issue.way is IssueWay.INSTANT and assessment.outcome is Outcome.ELIGIBLE
    if instant and not stop_instantly(own):
        grant_instantly(application)
    return application


def band_of(scheme: Scheme, amount: Decimal) -> dict[str, Any]:
    """The review steps that an amount needs, copied to the case when it is submitted."""
    return {
        "steps": [
            {"code": step.code, "name": step.name, "role": step.role, "working_days": step.working_days}
            for step in scheme.review_steps
            if step.stage is Stage.APPLICATION and (step.amount_from is None or amount >= step.amount_from)
        ]
    }


def withdraw_application(application: Application, *, by: User, reason: str = "") -> Application:
    """The enterprise takes it back before a decision."""
    announce("application.withdraw", reason)
    require_role(by, Role.FILER, party=application.enterprise)
    cases.move(
        application, "withdraw", by=by, party=application.enterprise, acting_as_staff=False, reason=reason
    )
    free_evidence(application)
    return application


def accept_application(application: Application, *, by: User, reason: str = "") -> Application:
    """受理: complete and within the office's competence. Not yet a decision."""
    announce("application.accept", reason)
    cases.move(application, "accept", by=by, reason=reason)
    tell(application, "application_accepted")
    return application


def return_application(application: Application, *, by: User, reason: str) -> Application:
    """退回补正: everything that is to be mended, told at once."""
    announce("application.return", reason)
    _require_reason(reason, "请一次性写明需要补正的全部内容。")
    cases.move(application, "return", by=by, reason=reason)
    lease = application.lease
    if lease is not None and lease.lifecycle.find("return", lease.state) and not lease.claims.exists():
        # What is to be mended is most often in the contract: it comes back with the application that filed it.
        return_lease(lease, by=by, reason=reason)
    tell(application, "application_returned")
    return application


def recommend_application(
    application: Application,
    *,
    by: User,
    reason: str = "",
    passed: bool | None = None,
    rates: dict[str, Decimal] | None = None,
    score: Decimal | None = None,
    scores: dict[str, Decimal] | None = None,
) -> Application:
    """初审: by another person than the one who accepted; where the version asks, with the reviewers' rate or score, within
    what the text allows and with their reason (``reviews.reviewed``)."""
    announce("application.recommend", reason)
    require_role(by, Role.HANDLER, Role.EXPERT, region=cases.region_of(application))
    cases.as_it_stands(application)
    if any(step["role"] == Role.EXPERT for step in application.band.get("steps", ())):
        # The version gives this step to reviewers: a handler's word does not stand for theirs.
        require_role(by, Role.EXPERT, region=cases.region_of(application))
    if application.lifecycle.find("recommend", application.state) is None:
        raise not_now(application, "recommend")
    require_other_person(by, cases.hands(application, "submit", "accept"), "初审")
    _publication, scheme = scheme_of(application)
    opinion = ReviewerOpinion(
        passed=passed, rates=rates or {}, score=score, scores=scores or {}, reason=reason
    )
    review = reviewed(scheme, application.facts, opinion, by=by, on=dates.today())
    if review:
        review["opinion_no"] = f"{application.application_no}-{by.username}"
        application.facts = {**application.facts, "review": review}
        application.save(update_fields=["facts"])
    reassess(application)
    cases.require_answered(application)
    cases.move(application, "recommend", by=by, reason=reason, amount=granted_amount(application))
    return application


def approve_application(
    application: Application, *, by: User, reason: str = "", amount: Decimal | None = None
) -> Application:
    """核准: by a third person, on a fresh screening; at most what the working gives."""
    announce("application.approve", reason)
    require_role(by, Role.APPROVER, region=cases.region_of(application))
    cases.as_it_stands(application)
    if application.lifecycle.find("approve", application.state) is None:
        raise not_now(application, "approve")
    require_other_person(by, cases.hands(application), "核准")
    screen("application", application.application_no, ScreeningMoment.APPROVAL)
    require_clear("application", application.application_no)
    _publication, scheme = scheme_of(application)
    if scheme.in_force_by is InForceBy.RECOGNITION:
        _pin(application, recognised_on=dates.today())
        application.save(update_fields=["publication", "pinned_reason"])
    assessment = reassess(application)
    cases.require_answered(application)
    require_document(application)
    if assessment.outcome is Outcome.REFUSED:
        raise NotNow(
            "application.refused_by_rules",
            "按政策规定本件不符合条件，不能核准：" + "；".join(f.sentence for f in assessment.refusals),
        )
    assert application.program is not None
    require_not_stopped(application.program, scheme, application)
    granted = assessment.amount if amount is None else amount
    if granted <= 0 or granted > assessment.amount:
        raise Invalid(
            "application.amount",
            f"核准金额应大于 0 且不超过测算金额 {thousands(assessment.amount)} 元。",
            field="amount",
        )
    cases.move(
        application,
        "approve",
        by=by,
        reason=reason,
        amount=granted,
        update={
            "approved_amount": granted,
            "decided_on": dates.today(),
            "decision_reason": reason,
            **waits_for_batch(scheme_of(application)[1], application),
        },
    )
    return application


def reject_application(application: Application, *, by: User, reason: str) -> Application:
    """不予支持: with the condition, the fact and the cure, as the enterprise will read it."""
    announce("application.reject", reason)
    _require_reason(reason, "请写明不予支持的条件、事实和救济途径，企业将看到这段话。")
    cases.as_it_stands(application)
    if _stops(application) and application.lifecycle.find("reject", application.state):
        reassess(
            application
        )  # whether the pool could not grant it in full is kept: nobody behind it is taken in
    cases.move(
        application,
        "reject",
        by=by,
        reason=reason,
        update={"decided_on": dates.today(), "decision_reason": reason},
    )
    free_evidence(application)
    tell(application, "application_rejected")
    return application


def _stops(application: Application) -> bool:
    if application.publication is None:  # imported history, which is read and not decided
        return False
    return scheme_of(application)[1].issue.shortage is Shortage.STOP


def _require_reason(reason: str, message: str) -> None:
    if not reason.strip():
        raise Invalid("case.reason", message, field="reason")
