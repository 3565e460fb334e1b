"""免申即享: the office lists whom the version supports, each row is assessed, another person reviews the list; then it goes the
way of every batch. The enterprise confirms its wish and its account before it draws on what it was granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from applications.actions import cases
from applications.actions.assessments import assessed, columns, facts_of, reassess
from applications.actions.batch_members import pending
from applications.actions.batch_rows import as_it_stands, note
from applications.actions.batch_rules import waits_for_batch
from applications.actions.batch_sharing import unheard
from applications.actions.batches import make_batch
from applications.actions.leases import check_lease_price
from applications.actions.projects import project_columns
from applications.batch_lists import AMOUNT, LEASE, NAME, REGISTRATION, USCC, ListedRow, read_list
from applications.evidence import hold_document, require_document
from applications.models import Application, BatchMember, IssueBatch, Lease, Project
from applications.models.applications import ApplicationState
from applications.own_checks import own_checks
from applications.undertakings import counts_projects, hold_undertaking
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.holds import require_clear, screen
from vouchers.actions.policies import publication_in_force
from vouchers.context import announce
from vouchers.errors import DomainError, Invalid, NotNow, Problems
from vouchers.models import Party, Program, Publication, User
from vouchers.models.holds import ScreeningMoment
from vouchers.money import thousands
from vouchers.numbers import next_no
from vouchers.policy.assessment import Assessment
from vouchers.policy.opening import cannot_be_granted
from vouchers.policy.terms import IssueWay, Outcome

_CLAIMABLE = ("filed", "verified", "ended")


def make_list(program: Program, content: bytes, *, by: User, title: str = "") -> IssueBatch:
    """上传名单: each row becomes an application of the enterprise's, assessed on what the office knows of it.

    A row that does not meet a condition, or asks for more than the rules give, is told by its cell, and nothing is taken in.
    Raises ``Problems`` (``issue_list.*``), ``Invalid`` and ``NotNow`` (``issue_batch.unfinished``, ``program.closed``)."""
    publication = listing_version(program, by=by)
    scheme = publication.scheme
    rows = read_list(content, scheme)
    batch = make_batch(
        publication,
        by=by,
        filed_before=dates.now(),
        title=list_title(program, title),
        is_listed=True,
    )
    problems: list[Invalid] = []
    for row in rows:
        try:
            take_in(batch, publication, row, by=by)
        except Problems as faults:
            problems += faults.problems
        except Invalid as fault:
            problems.append(fault)
    if problems:
        raise Problems(
            problems, code="issue_list.faulty", message=f"名单有 {len(problems)} 处需要更正，整份未载入。"
        )
    for member in batch.members.select_related("application"):
        screen("application", member.application.application_no, ScreeningMoment.FILING)
    return batch


def listing_version(program: Program, *, by: User) -> Publication:
    """The version under which the office may list whom it supports today.

    Raises ``Forbidden`` (``access.role``), ``Invalid`` (``issue_list.way``) and ``NotNow`` (``program.closed``)."""
    announce("issue_batch.list")
    require_role(by, Role.HANDLER, region=program.region)
    publication = publication_in_force(program, dates.today())
    if publication.scheme.issue.way is not IssueWay.WITHOUT_APPLICATION:
        raise Invalid("issue_list.way", "本版政策由企业申报，不能以名单发放。", field="file")
    reasons = cannot_be_granted(publication.scheme)
    if reasons:
        raise NotNow("program.closed", "".join(reasons))
    return publication


def list_title(program: Program, title: str = "") -> str:
    """What a list's batch is called."""
    today = dates.today()
    return title.strip() or f"{program.name} {today.year}年{today.month}月免申即享名单"


def take_in(batch: IssueBatch, publication: Publication, row: ListedRow, *, by: User) -> Application:
    """One row as an application of the enterprise's, and a member of the batch. Raises ``Problems`` and ``Invalid`` (``issue_list.*``)."""
    enterprise = Party.objects.filter(uscc=row.uscc).first()
    if enterprise is None:
        raise row.fault("unknown_party", USCC, f"没有登记代码为 {row.uscc} 的单位。")
    if enterprise.name != row.name:
        raise row.fault("party_name", NAME, f"登记的名称为“{enterprise.name}”，请核对代码和名称。")
    lease = _lease(row, enterprise)
    project = _project(row, enterprise, publication.program, by)
    now = dates.now()
    application = Application.objects.create(
        application_no=next_no("A", dates.today()),
        program=publication.program,
        program_code=publication.program.code,
        publication=publication,
        pinned_reason="免申即享，按列入名单之日施行的版本",
        enterprise=enterprise,
        lease=lease,
        project=project,
        facts=_stated(row),
        is_listed=True,
        submitted_at=now,
        state_since=now,
    )
    _hold_project(row, application, publication)
    facts = facts_of(application)
    assessment = assessed(application, facts)
    _require_granted(row, assessment)
    facts = replace(facts, requested_amount=row.amount)
    assessment = assessed(application, facts)
    cases.move(
        application,
        "list",
        by=by,
        amount=row.amount,
        update={
            "requested_amount": row.amount,
            "undertaking": application.undertaking,
            **columns(application, facts, assessment),
        },
    )
    hold_document(application)
    cases.write_checks(application, assessment, own_checks(application))
    BatchMember.objects.create(batch=batch, application=application, listed_row=row.number, row_key=row.key)
    return application


def _stated(row: ListedRow) -> dict[str, str]:
    """What the row says of the case, as an enterprise would state it."""
    stated = {
        "track": row.track,
        "project_name": row.undertaking,
        "project_registration": row.registration,
    }
    return {name: value for name, value in stated.items() if value}


def _hold_project(row: ListedRow, application: Application, publication: Publication) -> None:
    """The project whose cap the row counts towards."""
    if not counts_projects(publication.scheme):
        return
    try:
        application.undertaking = hold_undertaking(application)
    except Invalid as fault:
        raise row.fault("which_project", REGISTRATION, fault.message) from None


def _require_granted(row: ListedRow, assessment: Assessment) -> None:
    if assessment.outcome is Outcome.REFUSED:
        raise Problems(
            [
                row.fault(
                    "refused", USCC, finding.sentence + (f"（{finding.article}）" if finding.article else "")
                )
                for finding in assessment.refusals
            ]
        )
    if row.amount > assessment.amount:
        raise row.fault(
            "amount",
            AMOUNT,
            f"填写 {thousands(row.amount)} 元，按政策测算为 {thousands(assessment.amount)} 元，不得超过。",
        )


def _lease(row: ListedRow, enterprise: Party) -> Lease | None:
    if not row.lease_no:
        return None
    lease = (
        Lease.objects.select_related("lessor", "lessee").filter(lease_no=row.lease_no, origin="live").first()
    )
    if lease is None or lease.lessee_id != enterprise.pk:
        raise row.fault("lease", LEASE, f"该单位没有备案号为 {row.lease_no} 的合同。")
    if lease.state not in _CLAIMABLE:
        raise row.fault("lease_state", LEASE, f"合同目前为“{lease.get_state_display()}”，尚不能据以发放。")
    return lease


def _project(row: ListedRow, enterprise: Party, program: Program, by: User) -> Project | None:
    if row.project is None:
        return None
    try:
        values = project_columns(row.project)
    except Problems as faults:
        told = [
            row.fault("project", _COLUMN.get(one.field or "", USCC), one.message) for one in faults.problems
        ]
        raise Problems(told) from None
    return Project.objects.create(
        project_no=next_no("X", dates.today()),
        owner=enterprise,
        program_code=program.code,
        program_region_code=program.region.code,
        filer=by,
        filed_at=dates.now(),
        **values,
    )


_COLUMN = {
    "name": "项目名称",
    "amount": "依据金额（不含税，元）",
    "period_from": "期间起",
    "period_to": "期间止",
    "document_no": "文号或结算单号",
    "scale": "算力规模（PFLOPS）",
    "precision": "精度",
    "completed_on": "部署完成日",
}


def review_list(
    batch: IssueBatch, *, by: User, reason: str = "", step: Callable[[int], None] = unheard
) -> IssueBatch:
    """审核名单: by an approver who did not make it; each row on a fresh screening and assessment, all of them or none.

    Raises ``NotNow`` naming the row that cannot be approved: it may be turned down by itself, and the list reviewed again."""
    announce("issue_batch.review_list", reason)
    require_role(by, Role.APPROVER, region=batch.program.region)
    as_it_stands(batch, "share_out")
    rows = list(
        pending(batch)
        .filter(
            state=ApplicationState.ACCEPTED
        )  # one that an upheld objection sent back is decided by itself
        .select_related("program__region", "publication", "lease__lessor", "project", "batch")
    )
    if not batch.is_listed or not rows:
        raise NotNow("issue_list.nothing", "名单中没有待审核的件。")
    require_other_person(by, {batch.opened_by_id}, "审核名单")
    for place, application in enumerate(rows):
        step(place)
        try:
            _approve(application, by=by, reason=reason)
        except DomainError as refusal:
            raise type(refusal)(
                refusal.code,
                f"{application.application_no}（{application.enterprise.name}）：{refusal.message}",
                hint=refusal.hint or "可在该件页面作出不予支持的决定后，再审核其余各件。",
                detail=refusal.detail,
                keep=False,
            ) from refusal
    note(batch, "review_list", by=by, before=batch.state, reason=reason)
    return batch


def _approve(application: Application, *, by: User, reason: str) -> None:
    cases.as_it_stands(application)
    require_other_person(by, cases.hands(application), "审核名单")
    if application.lease is not None:
        check_lease_price(application.lease, application.publication.scheme)  # type: ignore[union-attr]
    screen("application", application.application_no, ScreeningMoment.APPROVAL)
    require_clear("application", application.application_no)
    assessment = reassess(application)
    cases.require_answered(application)
    require_document(application)
    if assessment.amount <= 0:
        raise NotNow(
            "application.refused_by_rules",
            "按政策规定不符合条件：" + "；".join(one.sentence for one in assessment.refusals),
        )
    assert application.publication is not None
    cases.move(
        application,
        "approve_listed",
        by=by,
        reason=reason,
        amount=assessment.amount,
        update={
            "approved_amount": assessment.amount,
            "decided_on": dates.today(),
            "decision_reason": reason,
            **waits_for_batch(application.publication.scheme, application),
        },
    )


def confirm_listed(application: Application, *, by: User, accepted: bool) -> Application:
    """意愿确认: the enterprise accepts, vouches for what the list says of it, and has an account to be paid to.

    Raises ``Invalid`` (``application.statement``) and ``NotNow`` (``application.not_listed``, ``application.no_account``)."""
    announce("application.consent")
    require_role(by, Role.FILER, party=application.enterprise)
    cases.as_it_stands(application)
    if not application.is_listed or application.state != ApplicationState.ISSUED:
        raise NotNow("application.not_listed", "本件目前不需要确认意愿。")
    if application.consented_at is not None:
        return application
    if not accepted:
        raise Invalid("application.statement", "请阅读并勾选确认内容。", field="accepted")
    if application.enterprise.current_account is None:
        raise NotNow(
            "application.no_account",
            "贵单位尚无已确认的收款账户，暂不能确认。",
            hint="请先在“单位信息”中填写账户，并由另一人确认。",
        )
    application.consented_at, application.consented_by = dates.now(), by
    application.statement_accepted = True
    application.save(update_fields=["consented_at", "consented_by", "statement_accepted"])
    cases.record(application, "consent", by=by, before=application.state, after=application.state)
    return application
