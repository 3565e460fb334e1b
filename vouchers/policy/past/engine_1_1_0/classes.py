"""Applicant classes: who belongs to which, by age, size, ownership, or a person's word."""

from __future__ import annotations

from collections.abc import Collection

from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.gates import months_after, reference_day
from vouchers.policy.rules import ApplicantClass, Scheme


def in_class(one: ApplicantClass, facts: Facts) -> bool | None:
    """Whether the applicant belongs to the class; None when the facts do not say."""
    party = facts.applicant
    if one.code in party.classes:
        return True
    tests: list[bool | None] = []
    if one.registered_within_months is not None:
        born = party.registered_on
        limit = months_after(born, one.registered_within_months) if born else None
        tests.append(None if limit is None else limit > reference_day(facts))
    if one.sizes:
        tests.append(party.size in one.sizes if party.size else None)
    if one.ownerships:
        tests.append(party.ownership in one.ownerships if party.ownership else None)
    if not tests:
        return False  # a class without tests holds only for those to whom a person attested it
    if False in tests:
        return False
    return None if None in tests else True


def membership(scheme: Scheme, codes: Collection[str], facts: Facts) -> bool | None:
    """Whether the applicant is in any of the classes."""
    answers = [in_class(one, facts) for one in scheme.classes if one.code in codes]
    if True in answers:
        return True
    return None if None in answers else False
