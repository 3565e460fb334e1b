"""From the decision to the voucher: public notice, objections waited for, issue; or at once where the scheme says so."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from applications.actions import cases
from applications.actions.assessments import assessed, facts_of, kept, scheme_of
from applications.actions.batch_rules import require_carried_out, require_single
from applications.grounds import first_track
from applications.models import Application, Objection, PublicNotice
from applications.models.notices import ObjectionState
from applications.stopping import require_not_stopped
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.caps import caps_of
from vouchers.actions.holds import require_clear, require_clear_for_party, screen
from vouchers.actions.ledger_chains import Cap
from vouchers.actions.outbox import enqueue
from vouchers.actions.payment_grounds import listed_today
from vouchers.actions.spending import spend
from vouchers.actions.vouchers import commit_voucher, make_voucher
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User, Voucher
from vouchers.models.holds import ScreeningMoment
from vouchers.money import ZERO
from vouchers.numbers import next_no
from vouchers.policy.assessment import Assessment
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import PayTo
from vouchers.policy.words import day_words
from vouchers.states import not_now

DEFAULT_NOTICE_DAYS = (
    5  # common, published nowhere that was read (policies.md section 3); a version may state its own
)


def grant_instantly(application: Application) -> Voucher:
    """即领即享: no reviewer's step; the voucher comes at once if the screening is clear."""
    require_clear_for_party("application", application.application_no)
    announce("application.grant_instantly")
    return _issue(application, verb="grant_instantly", by=None, amount=granted_amount(application))


def granted_amount(application: Application) -> Decimal:
    """What the kept working grants, in yuan."""
    assessment = kept(application)
    return assessment.amount if assessment else ZERO


def publish_notice(application: Application, *, by: User) -> PublicNotice:
    """公示: after the decision, before the voucher; as many working days as the version says."""
    announce("application.publish_notice")
    cases.as_it_stands(application)
    require_single(application)
    if application.lifecycle.find("publish_notice", application.state) is None:
        raise not_now(application, "publish_notice")
    _publication, scheme = scheme_of(application)
    days = scheme.issue.notice_working_days
    days = DEFAULT_NOTICE_DAYS if days is None else days
    opens = dates.today()
    cases.move(application, "publish_notice", by=by, amount=application.approved_amount)
    assert application.approved_amount is not None
    # After an objection was upheld the case is decided and noticed anew: the new notice takes the place of the old one.
    notice, _new = PublicNotice.objects.update_or_create(
        application=application,
        defaults={
            "notice_no": next_no("N", opens),
            "amount": application.approved_amount,
            "opens_on": opens,
            "closes_on": dates.add_working_days(opens, days + 1) if days else opens,
            "working_days": days,
            "published_by": by,
            "batch": None,
            "recalled_on": None,
        },
    )
    return notice


def issue_application(application: Application, *, by: User) -> Voucher:
    """发券: when the notice has run its days without an open objection. Where the way of support pays without a voucher, the
    amount is set apart for the applicant, who then asks for its payment with evidence."""
    announce("application.issue")
    region = cases.region_of(application)
    require_role(by, Role.APPROVER, Role.HANDLER, region=region)
    cases.as_it_stands(application)
    require_single(application)
    if application.lifecycle.find("issue", application.state) is None:
        raise not_now(application, "issue")
    notice = PublicNotice.objects.filter(application=application).first()
    if notice is not None and notice.closes_on > dates.today():
        raise NotNow(
            "notice.running",
            f"公示至 {day_words(notice.closes_on)} 期满，期满前不能{_deed(application)}。",
        )
    if Objection.objects.filter(
        subject_kind="application", subject_no=application.application_no, state=ObjectionState.FILED
    ).exists():
        raise NotNow(
            "objection.open",
            f"公示期间收到的异议尚未答复，不能{_deed(application)}。",
            hint="请先在“异议”中作出答复。",
        )
    screen("application", application.application_no, ScreeningMoment.APPROVAL)
    require_clear("application", application.application_no)
    assert application.approved_amount is not None
    return _issue(application, verb="issue", by=by, amount=application.approved_amount)


def _deed(application: Application) -> str:
    _publication, scheme = scheme_of(application)
    return "核定" if pays_without_voucher(scheme, application.facts) else "发券"


def pays_without_voucher(scheme: Scheme, facts: dict[str, Any]) -> bool:
    """Whether the case's way of support pays a subsidy for which no voucher is issued (decision 0010)."""
    return not scheme.voucher.issues_voucher or first_track(scheme, facts).pay_to is PayTo.DIRECT_SUBSIDY


def _issue(application: Application, *, verb: str, by: User | None, amount: Decimal) -> Voucher:
    publication, scheme = scheme_of(application)
    require_carried_out(scheme)
    on = dates.today()
    facts = facts_of(application, on=on)
    assessment = assessed(application, facts)
    granted = min(amount, assessment.amount)
    assert application.program is not None
    require_not_stopped(application.program, scheme, application)
    require_unlisted(application)
    direct = pays_without_voucher(scheme, application.facts)
    if granted <= 0:
        raise NotNow(
            "application.nothing_left",
            f"可用额度已不足，目前不能{'核定' if direct else '发券'}。",
            hint="请查看测算过程中的限额一行。",
        )
    caps = cut_caps(scheme, facts, assessment, granted)
    issue_id = uuid.uuid4()

    def change() -> Voucher:
        voucher = make_voucher(
            publication=publication,
            enterprise=application.enterprise,
            application_no=application.application_no,
            amount=granted,
            on=on,
            is_entitlement=direct,
        )
        cases.move(
            application,
            verb,
            by=by,
            amount=granted,
            acting_as_staff=by is not None,
            update={
                "approved_amount": granted,
                "decided_on": application.decided_on or on,
                "voucher_no": voucher.voucher_no,
                "issue_id": issue_id,
            },
        )
        tell(application, "entitlement_granted" if direct else "voucher_issued")
        return voucher

    try:
        voucher, _result = spend(change, lambda made: commit_voucher(made, issue_id=issue_id, caps=caps))
    except (NotNow, Invalid):
        application.refresh_from_db()
        raise
    return voucher


def require_unlisted(application: Application) -> None:
    """Raise ``NotNow`` (``application.listed``) while the enterprise is on a list of dishonesty or debarment: the version's
    conditions are read as of the filing, and who was listed since is issued nothing that could not be paid."""
    entry = listed_today(application.enterprise)
    if entry is not None:
        raise NotNow(
            "application.listed",
            f"{application.enterprise.name} 目前列入{entry.get_kind_display()}（{entry.document_no or '无文号'}），不能发放。",
            hint="移出名单或完成信用修复后可以继续办理。",
        )


def cut_caps(scheme: Scheme, facts: Facts, assessment: Assessment, granted: Decimal) -> Sequence[Cap]:
    """The caps in the measure of what was granted, where less than the assessed amount is."""
    uses = tuple(replace(use, amount=min(use.amount, granted)) for use in assessment.cap_uses)
    return caps_of(scheme, facts, replace(assessment, cap_uses=uses))


def tell(application: Application, message: str) -> None:
    """Let the enterprise know, once this transaction commits."""
    enqueue("applications.notify", {"message": message, "application_no": application.application_no})
