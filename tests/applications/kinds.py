"""Cases of every kind of basis, through the actions: who applies, with what, and how far the office goes with it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
    start_application,
    submit_application,
    update_draft,
)
from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import approve_claim, start_claim, submit_claim, verify_claim
from applications.actions.issuing import issue_application, publish_notice
from applications.actions.projects import ProjectFields, draft_project
from applications.models import Application, Check, Claim
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.register import connect_platform
from vouchers.context import acting
from vouchers.models import Party, Publication, Voucher
from vouchers.policy.terms import Stage


def opened(cast: Cast, name: str, **how: Any) -> Publication:
    """The scheme in force, with this year's money."""
    publication = casework.published(cast, name, **how)
    casework.funded(cast, publication.program)
    return publication


def placed(party: Party, region_code: str) -> Party:
    """Where the party is registered."""
    Party.objects.filter(pk=party.pk).update(region_code=region_code)
    party.refresh_from_db()
    return party


def connect(cast: Cast, party: Party, publication: Publication, since: date, **more: Any) -> None:
    """The office records the connection to the scheme's platform."""
    with acting(cast.handler, "test"):
        connect_platform(
            party,
            platform="监测调度平台",
            region=publication.program.region,
            program=publication.program,
            effective_from=since,
            document_no="接入通知〔2025〕1号",
            by=cast.handler,
            **more,
        )


def project_application(
    cast: Cast, publication: Publication, fields: ProjectFields, *, facts: dict[str, Any] | None = None
) -> Application:
    """甲公司 applies with a project of its own; submitted."""
    by, party = cast.filer, cast.alpha
    with acting(by, "test"):
        application = start_application(publication.program, party, by=by)
        project = draft_project(publication.program, party, fields, by=by)
        update_draft(application, facts or {}, by=by, project=project)
        file_papers(application, publication, by)
        return submit_application(application, by=by, filer_ip="198.51.100.7")


def file_papers(application: Application, publication: Publication, by: Any) -> None:
    """What the scheme asks for, and the statement."""
    for one in publication.scheme.papers:
        if one.stage is Stage.APPLICATION and one.required:
            casework.paper(
                application.enterprise,
                one.code,
                "application",
                application.application_no,
                by,
                publication.program.region.code,
            )
    application.statement_accepted = True
    application.save(update_fields=["statement_accepted"])


def granted(cast: Cast, application: Application, *, expert: bool = False, **opinion: Any) -> Voucher:
    """From acceptance to the voucher or the entitlement, each step by another person."""
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    for check in application_waiting(application):
        with acting(cast.handler, "test"):
            casework.cases.answer_check(
                check, application, result="passed", sentence="已核对平台记录和材料原件。", by=cast.handler
            )
    reviewer = cast.expert if expert else cast.second_handler
    with acting(reviewer, "test"):
        recommend_application(application, by=reviewer, **opinion)
    with acting(cast.approver, "test"):
        approve_application(application, by=cast.approver)
        notice = publish_notice(application, by=cast.approver)
    with dates.fixed(max(notice.closes_on, dates.today())), acting(cast.approver, "test"):
        return issue_application(application, by=cast.approver)


def application_waiting(application: Application) -> list[Any]:
    """The checks that a handler answers: not those that only reviewers do."""
    return [
        check
        for check in casework.cases.checks_of(application)
        if check.result == "waiting" and not check.code.startswith(("rate_reviewed", "expert_review"))
    ]


def claimed(cast: Cast, voucher: Voucher, items: list[ItemFields], *, lease: Any = None) -> Claim:
    """A claim with the papers that the scheme asks for; submitted."""
    by = cast.filer
    assert voucher.publication is not None
    with acting(by, "test"):
        claim = start_claim(voucher, lease, by=by)
        set_items(claim, items, by=by)
        for one in voucher.publication.scheme.papers:
            if one.stage is Stage.CLAIM and one.required:
                casework.paper(
                    voucher.enterprise, one.code, "claim", claim.claim_no, by, claim.program_region_code
                )
        return submit_claim(claim, by=by)


def redeemed(cast: Cast, claim: Claim) -> Claim:
    """Verified by one, approved by another: payable."""
    casework_answers(cast, claim)
    with acting(cast.second_handler, "test"):
        verify_claim(claim, by=cast.second_handler)
    with acting(cast.approver, "test"):
        return approve_claim(claim, by=cast.approver)


def casework_answers(cast: Cast, claim: Claim) -> None:
    """A handler answers what waits."""
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)


def yuan(text: str) -> Decimal:
    """An amount."""
    return Decimal(text)


def check_of(case: Application | Claim, prefix: str) -> Check:
    """The case's one check whose code begins so."""
    number = case.application_no if isinstance(case, Application) else case.claim_no
    return Check.objects.get(subject_no=number, code__startswith=prefix)
