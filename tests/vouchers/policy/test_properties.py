"""What holds for any sound scheme and any facts. The schemes are random (`random_schemes`), not the shipped ones."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.policy.random_schemes import cases, facts_for, fen, schemes
from tests.vouchers.policy.re_add import re_add
from vouchers.policy import assess, cap_keys, from_plain, to_plain
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.assessment import Assessment
from vouchers.policy.checks import check

D = Decimal
FEN = D("0.01")
TRY = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
Case = tuple[r.Scheme, f.Facts]


@given(cases())
@TRY
def test_the_random_schemes_are_sound_and_travel_as_plain_documents(case: Case):
    scheme, facts = case
    assert check(scheme) == []
    assert r.parse(r.render(scheme)) == scheme
    assert from_plain(f.Facts, to_plain(facts)) == facts


@given(cases())
@TRY
def test_an_amount_is_never_negative_and_is_whole_fen(case: Case):
    scheme, facts = case
    answer = assess(scheme, facts)
    assert answer.amount >= 0
    assert answer.computed_amount >= 0
    unit = D(1) if scheme.rounding.unit is t.RoundUnit.YUAN else FEN
    assert answer.amount == answer.amount.quantize(unit)


@given(cases())
@TRY
def test_an_amount_is_never_above_a_cap_the_balance_or_what_was_asked(case: Case):
    scheme, facts = case
    answer = assess(scheme, facts)
    limits = {key.key: key.limit for key in cap_keys(scheme, facts)}
    for use in answer.cap_uses:
        assert 0 < use.amount <= max(limits[use.key] - facts.used.of(use.key), D(0))
    for cap in scheme.caps:
        if cap.subject is t.CapSubject.USE and not cap.tracks and not cap.classes and not cap.waived_for:
            event = "issue" if facts.stage is t.Stage.APPLICATION else "claim"
            if cap.counts_at.value in ("both", event) and cap.amount is not None:
                assert answer.amount <= cap.amount
    if facts.voucher is not None and facts.stage is not t.Stage.APPLICATION:
        assert answer.amount <= facts.voucher.balance
    if facts.requested_amount is not None:
        assert answer.amount <= facts.requested_amount


@given(cases())
@TRY
def test_a_cap_of_the_whole_case_is_used_by_the_whole_amount(case: Case):
    """A cap of some tracks, or of one contract, is used only by what those gave."""
    scheme, facts = case
    answer = assess(scheme, facts)
    whole = {cap.code for cap in scheme.caps if not cap.tracks and cap.subject is not t.CapSubject.CONTRACT}
    for use in answer.cap_uses:
        assert use.amount <= answer.amount
        if use.key.split(":")[1] in whole:
            assert use.amount == answer.amount


@given(cases(), st.randoms(use_true_random=False))
@TRY
def test_the_order_of_items_contracts_and_caps_does_not_matter(case: Case, random: Random):
    scheme, facts = case
    items, contracts, caps = list(facts.items), list(facts.contracts), list(scheme.caps)
    for rows in (items, contracts, caps):
        random.shuffle(rows)  # type: ignore[arg-type]
    one = assess(scheme, facts, scheme_sha256="x")
    shuffled = replace(facts, items=tuple(items), contracts=tuple(contracts))
    other = assess(scheme, shuffled, scheme_sha256="x")
    assert replace(one, facts_sha256="") == replace(other, facts_sha256="")
    assert assess(replace(scheme, caps=tuple(caps)), facts).amount == one.amount


@given(cases())
@TRY
def test_with_and_without_lines_the_answer_is_the_same(case: Case):
    scheme, facts = case
    full, bare = assess(scheme, facts), assess(scheme, facts, with_lines=False)
    assert bare.lines == ()
    assert replace(full, lines=()) == bare


@given(cases())
@TRY
def test_the_working_re_added_by_other_hands_gives_the_amount(case: Case):
    scheme, facts = case
    answer = assess(scheme, facts)
    assert re_add(answer) == answer.amount


@given(cases())
@TRY
def test_an_assessment_is_kept_as_plain_values_and_read_back_whole(case: Case):
    answer = assess(*case)
    assert from_plain(Assessment, to_plain(answer)) == answer


# ---- more base never gives less


@given(st.data(), fen, st.integers(0, 10**6).map(lambda number: D(number).scaleb(-3)))
@TRY
def test_more_base_never_gives_less(data: st.DataObject, more: Decimal, scale: Decimal):
    """Where a scheme has no whole bands whose rate falls, and no band that several rates share. A year's bands take off what
    the year gave before, so a falling marginal band is monotone too; but more base at a low rate may take from a band what
    had a high one."""
    scheme = data.draw(schemes(bands=(t.TierMode.NONE, t.TierMode.MARGINAL), joint=False))
    facts = data.draw(facts_for(scheme, red=False))
    greater = replace(
        facts,
        items=tuple(
            replace(
                one,
                net_amount=one.net_amount + more,
                quantity=None if one.quantity is None else one.quantity + scale,
            )
            for one in facts.items
        ),
        contracts=tuple(
            replace(
                one,
                net_amount=one.net_amount + more,
                quantity=None if one.quantity is None else one.quantity + scale,
            )
            for one in facts.contracts
        ),
    )
    assert assess(scheme, greater).amount >= assess(scheme, facts).amount


@given(st.data(), fen)
@TRY
def test_more_base_never_gives_less_under_whole_bands_whose_rates_rise(data: st.DataObject, more: Decimal):
    scheme = data.draw(schemes(bands=(t.TierMode.WHOLE,), rising_bands=True, scale=False, joint=False))
    facts = data.draw(facts_for(scheme, red=False))
    items = tuple(replace(one, net_amount=one.net_amount + more) for one in facts.items)
    contracts = tuple(replace(one, net_amount=one.net_amount + more) for one in facts.contracts)
    greater = replace(facts, items=items, contracts=contracts)
    assert assess(scheme, greater).amount >= assess(scheme, facts).amount


# ---- partial claims


@given(st.data())
@TRY
def test_partial_claims_never_add_up_to_more_than_the_claim_in_one(data: st.DataObject):
    """Held by schemes that truncate, whose caps count up over cases, and whose bands are of the year (of rising rates where
    they hold for the whole). Not by others, for these reasons:

    - rounding half up gives a fen for each half that is claimed apart;
    - a cap of a single use is meant to be had again at the next use;
    - falling bands of a single case give the low bands' rate anew in each part; whole bands of a year whose rate falls would
      have to take back what earlier claims were granted;
    - a request is made anew with each claim;
    - where several rates share the bands of one base, what is claimed first stands in the low bands, whatever its rate.

    Floors, gates and other public money can only lessen the parts.
    """
    scheme = data.draw(
        schemes(
            modes=(t.RoundMode.DOWN,),
            rising_bands=True,
            joint=False,
            cap_subjects=[one for one in t.CapSubject if one is not t.CapSubject.USE],
        )
    )
    facts = data.draw(facts_for(scheme, stages=(t.Stage.CLAIM, t.Stage.SETTLEMENT), red=False, unspent=True))
    facts = replace(facts, requested_amount=None, track=facts.track or scheme.tracks[0].code)
    whole = assess(scheme, facts)
    given_, used, balance = D(0), dict(facts.used.caps), facts.voucher
    year: dict[str, Decimal] = {}
    for item in facts.items:
        part = replace(
            facts,
            items=(item,),
            voucher=balance,
            used=f.UsedAmounts(caps=used, year_basis=dict(year)),
        )
        answer = assess(scheme, part)
        given_ += answer.amount
        for key, basis in answer.added_to_year.items():
            year[key] = year.get(key, D(0)) + basis
        for use in answer.cap_uses:
            used[use.key] = used.get(use.key, D(0)) + use.amount
        if balance is not None:
            balance = replace(balance, balance=balance.balance - answer.amount)
    assert given_ <= whole.amount


# ---- treasuries


@given(cases())
@TRY
def test_what_the_treasuries_bear_adds_up_to_the_amount(case: Case):
    scheme, facts = case
    answer = assess(scheme, facts)
    if scheme.treasury_shares and answer.amount:
        assert sum((part.amount for part in answer.treasury_parts), D(0)) == answer.amount
        assert all(part.amount >= 0 for part in answer.treasury_parts)
        assert answer.lines[-1].code == "treasury"
    else:
        assert answer.treasury_parts == ()
