"""A decided case is computed again years later: its stored facts, its stored version, and the engine that decided it."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from applications.actions.assessments import assessed, facts_of, kept, reassess, recompute
from applications.models import Application
from tests import casework
from tests.cast import Cast
from vouchers.context import acting
from vouchers.models import Party, Publication
from vouchers.policy import ENGINE_VERSION, cap_keys
from vouchers.policy.facts import UsedAmounts
from vouchers.policy.plain import to_plain
from vouchers.policy.rules import ApplicantClass, Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, Shortage

D = Decimal


def with_young_ones(scheme: Scheme) -> Scheme:
    """Beijing's rule, with 30 % of the rent for an enterprise founded no more than 12 months ago."""
    (rate,) = scheme.rates
    young = ApplicantClass(
        cite=rate.cite, code="young", name="成立不超过 12 个月的企业", registered_within_months=12
    )
    more = dataclasses.replace(rate, code="young", rate=D("0.3"), classes=("young",))
    return dataclasses.replace(scheme, classes=(*scheme.classes, young), rates=(more, rate))


@pytest.fixture
def on_the_day(cast: Cast) -> Application:
    """Filed on 15 July 2025 by an enterprise that was founded on 15 July 2024: 1,000,000.00 yuan of rent."""
    publication: Publication = casework.published(cast, "BJ-AIQ", with_young_ones)
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    Party.objects.filter(pk=cast.alpha.pk).update(registered_on=date(2024, 7, 15))
    cast.alpha.refresh_from_db()
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "1000000.00"))
    with acting(cast.handler, "test"):
        reassess(application)
    return application


def test_a_case_of_this_engine_is_computed_again_to_the_byte(on_the_day: Application):
    assert on_the_day.engine_version == ENGINE_VERSION
    assert recompute(on_the_day) == kept(on_the_day)
    assert recompute(on_the_day).amount == D("300000.00")


def test_a_case_that_an_earlier_engine_decided_on_the_very_day_keeps_its_fen(on_the_day: Application):
    """Engines up to 1.1.0 left out who is exactly 12 months old: 20 %, and 20 % it stays."""
    facts = facts_of(on_the_day)
    then = assessed(on_the_day, facts, engine_version="1.1.0")
    assert then.amount == D("200000.00")
    on_the_day.facts = {**on_the_day.facts, "assessed": to_plain(facts)}
    on_the_day.assessment, on_the_day.engine_version = to_plain(then), then.engine_version
    on_the_day.save(update_fields=["facts", "assessment", "engine_version"])
    again = recompute(Application.objects.get(pk=on_the_day.pk))
    assert again == kept(on_the_day) == then
    assert on_the_day.publication is not None
    assert again.scheme_sha256 == on_the_day.publication.sha256


def shared_out(scheme: Scheme) -> Scheme:
    """Beijing's rule, with a pool of fifteen million a year, shared out in proportion."""
    (rate,) = scheme.rates
    pool = Cap(
        cite=rate.cite,
        code="pool",
        name="年度资金",
        subject=CapSubject.POOL,
        amount=D("15000000"),
        period=CapPeriod.CALENDAR_YEAR,
    )
    return dataclasses.replace(
        scheme, caps=(*scheme.caps, pool), issue=dataclasses.replace(scheme.issue, shortage=Shortage.PRO_RATA)
    )


def test_what_was_decided_before_there_were_batches_is_held_against_the_whole_version(cast: Cast):
    """Of 200,000.00 engine 1.1.0 left what was in the pool; today the pool is for the batch to share out."""
    publication = casework.published(cast, "BJ-AIQ", shared_out)
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "1000000.00"))
    facts = facts_of(application)
    (pool,) = (key for key in cap_keys(publication.scheme, facts) if key.code == "pool")
    spent = dataclasses.replace(facts, used=UsedAmounts(caps={pool.key: D("14850000")}))
    assert assessed(application, spent).amount == D("200000.00")
    assert assessed(application, spent, engine_version="1.1.0").amount == D("150000.00")
