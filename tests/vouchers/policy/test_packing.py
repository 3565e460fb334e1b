"""What travels between the processes of a dry run arrives as it was, whatever the case's facts are."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.policy import random_replays as rr
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.assess import PRECISION
from vouchers.policy.entered import Entered, Half, Weigher
from vouchers.policy.packing import Packer, Unpacker
from vouchers.policy.replay import HANDFUL, ReplayCase

D = Decimal
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
amounts = st.sampled_from([None, D(0), D("-0.00"), D("-12.30"), D("1E+9"), D("1E-9"), D(10) ** 24])


@st.composite
def sent(draw: st.DrawFn) -> tuple[r.Scheme, list[ReplayCase]]:
    """Cases with amounts of every shape, and limits that a contract, a share or a batch sets."""
    scheme = draw(rr.schemes(shortages=tuple(t.Shortage)))
    cases = [
        replace(one, granted=draw(amounts), facts=replace(one.facts, requested_amount=draw(amounts)))
        for one in draw(rr.cases_for(scheme, 4))
    ]
    return scheme, cases


def as_settled(case: Entered) -> Entered:
    """The case without what settling does not ask for: the subject of an account that is a cap's only one, and remarks, which
    are words of the working."""
    return replace(case, halves=[_half(half) for half in case.halves])


def _half(half: Half) -> Half:
    caps: dict[int, Any] = {
        place: bound
        if bound.limit is None
        else replace(bound, accounts=[replace(one, subject="") for one in bound.accounts])
        for place, bound in half.weighed.caps.items()
    }
    groups = [[replace(one, remark="") for one in of_track] for of_track in half.weighed.groups]
    return replace(half, weighed=replace(half.weighed, caps=caps, groups=groups))


@given(sent())
@settings(QUICK, max_examples=5)
def test_a_chunk_travels_by_the_handful_and_one_with_a_strange_word_takes_only_its_own_along(
    drawn: tuple[r.Scheme, list[ReplayCase]],
):
    scheme, cases = drawn
    many = [replace(cases[place % len(cases)], case_no=f"{place:05d}") for place in range(2 * HANDFUL + 3)]
    strange = replace(
        many[HANDFUL].facts.applicant, size=t.Purpose.TRAINING
    )  # more than text: marshal refuses it
    many[HANDFUL] = replace(many[HANDFUL], facts=replace(many[HANDFUL].facts, applicant=strange))
    weigher = Weigher([scheme], None, None)
    packed = Packer(weigher)(many)
    arrived = list(Unpacker(weigher)(packed))
    assert [len(some) for some in arrived] == [HANDFUL, HANDFUL, 3]
    assert [one.case_no for some in arrived for one in some] == [one.case_no for one in many]
    assert [some.startswith(b"\x80") for some in packed] == [False, True, False]  # \x80 is how pickle begins


@given(sent(), st.sampled_from([{}, {2025: D(300000)}]))
@QUICK
def test_a_case_arrives_as_it_was_weighed(drawn: tuple[r.Scheme, list[ReplayCase]], budgets: dict[int, D]):
    scheme, cases = drawn
    before = replace(
        scheme, caps=tuple(replace(one, amount=one.amount and one.amount * 2) for one in scheme.caps)
    )
    weigher = Weigher([before, scheme], budgets, None)
    arrived = [one for some in Unpacker(weigher)(Packer(weigher)(cases)) for one in some]
    with localcontext(PRECISION):
        entered = [weigher.enter(one) for one in cases]
    for one, other in zip(arrived, entered, strict=True):
        assert as_settled(one) == as_settled(other)
