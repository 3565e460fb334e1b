"""即领即享: what nobody has looked at counts against the applicant or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from applications.actions.assessments import facts_of
from applications.models import Application, Check
from tests import casework
from tests.applications.batch_office import with_pool
from tests.cast import Cast
from vouchers import dates
from vouchers.errors import Problems
from vouchers.models import Party
from vouchers.policy.rules import ApplicantClass, Scheme
from vouchers.policy.terms import IssueWay, PartyKind, Shortage


@pytest.fixture(autouse=True)
def first_summer():
    with dates.fixed(date(2024, 6, 3)):
        yield


def with_classes(scheme: Scheme) -> Scheme:
    """Start-ups are paid more than the text gives everyone, traders less."""
    classes = tuple(
        ApplicantClass(cite=scheme.cite, code=code, name=name)
        for code, name in (("startup", "初创企业"), ("trader", "贸易企业"))
    )
    more = tuple(
        replace(rate, code=f"{rate.code}_{code}", classes=(code,), rate=value)
        for rate in scheme.rates
        for code, value in (("trader", Decimal("0.1")), ("startup", Decimal("0.9")))
    )
    return replace(scheme, classes=classes, rates=more + scheme.rates)


@pytest.fixture
def publication(cast):
    made = casework.published(cast, "BDA-SLQ-v1", change=with_classes)
    casework.funded(cast, made.program)
    casework.fit_for_beijing(cast.alpha)
    return made


def asked(cast, publication, facts) -> Application:
    fields = casework.lease_fields(
        cast.provider,
        "1000000.00",
        signed_on=date(2024, 5, 1),
        starts_on=date(2024, 5, 1),
        ends_on=date(2025, 4, 30),
    )
    application = casework.submitted(cast, publication, fields, facts=facts)
    application.refresh_from_db()
    return application


def test_a_class_that_is_only_stated_gives_no_better_rate(cast, publication):
    application = asked(cast, publication, {"classes": ["startup"]})
    assert application.state == "issued"
    assert application.approved_amount == Decimal("300000.00")  # as for everyone, not 900,000
    check = Check.objects.get(subject_no=application.application_no, code="class.startup")
    assert check.result == "waiting"
    application.facts["attestations"] = {"class.startup": True}
    assert facts_of(application).applicant.classes == ("startup",)  # seen by a person, it counts


def test_a_class_stated_to_ones_own_disadvantage_counts(cast, publication):
    assert asked(cast, publication, {"classes": ["trader"]}).approved_amount == Decimal("100000.00")


def test_a_kind_or_a_degree_that_is_only_stated_does_not_count(cast, publication):
    application = asked(cast, publication, {"party_kind": "intermediary", "completion": "0.95"})
    facts = facts_of(application)
    assert (facts.applicant.kind, facts.completion) == (PartyKind.ENTERPRISE, None)
    assert application.approved_amount == Decimal("300000.00")
    application.facts["attestations"] = {"stated.party_kind": True, "stated.completion": True}
    facts = facts_of(application)
    assert (facts.applicant.kind, facts.completion) == (PartyKind.INTERMEDIARY, Decimal("0.95"))
    Party.objects.filter(pk=cast.alpha.pk).update(ownership="public_institution")
    application.enterprise.refresh_from_db()
    application.facts |= {"party_kind": "enterprise", "attestations": {}}
    assert facts_of(application).applicant.kind is PartyKind.INSTITUTE  # the register's word, not its own


@pytest.mark.parametrize("rule", [Shortage.PRO_RATA, Shortage.BY_SCORE])
def test_what_is_granted_at_once_cannot_be_proposed_to_share_out_a_pool_and_the_field_says_what_to_choose(
    cast: Cast, rule: Shortage
):
    """At proposing, beside the field, and not at the first case."""

    def at_once_in_batches(scheme: Scheme) -> Scheme:
        shared = with_pool(scheme, rule)
        return replace(shared, issue=replace(shared.issue, way=IssueWay.INSTANT, notice_working_days=None))

    with pytest.raises(Problems) as refusal:
        casework.published(cast, "BJ-AIQ", at_once_in_batches)
    (fault,) = [one for one in refusal.value.problems if one.field == "issue.shortage"]
    assert rule.label in fault.message and "请改为“先到先得，额满即止”或“停止受理”" in fault.message
