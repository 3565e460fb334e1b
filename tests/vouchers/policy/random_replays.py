"""Random replays (hypothesis): cases of a few enterprises that share groups, contracts, projects, batches, vouchers and pools."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.vouchers.policy import random_schemes as rs
from vouchers.policy import assess, cap_keys
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.caps import rolling_from
from vouchers.policy.replay import ReplayCase


@st.composite
def schemes(draw: st.DrawFn, shortages: tuple[t.Shortage, ...] = (t.Shortage.FIRST_COME,)) -> r.Scheme:
    """Any scheme, with a pool that runs short more often than not.

    Where tracks are added up nothing is counted over the year: an assessment tells the base of all its tracks together.
    """
    scheme = draw(rs.schemes())
    if scheme.track_choice is t.TrackChoice.SUM:
        tracks = tuple(replace(one, tier_measure=t.TierMeasure.CASE) for one in scheme.tracks)
        floors = tuple(one for one in scheme.floors if one.measure is not t.FloorMeasure.YEAR_BASIS)
        scheme = replace(scheme, tracks=tracks, floors=floors)
    pool = r.Cap(
        cite=rs.CITE,
        code="pool",
        name="资金总量",
        subject=t.CapSubject.POOL,
        amount=draw(rs.thresholds) * 4,
        period=draw(st.sampled_from([t.CapPeriod.CALENDAR_YEAR, t.CapPeriod.TOTAL])),
        counts_at=draw(st.sampled_from(list(t.CountsAt))),
    )
    issue = r.WayOfIssue(cite=rs.CITE, shortage=draw(st.sampled_from(shortages)))
    voucher = replace(
        scheme.voucher,
        issues_voucher=draw(st.integers(0, 4)) > 0,
        validity_months=draw(st.sampled_from([None, 3, 12])),
    )
    return replace(scheme, caps=(*scheme.caps, pool), issue=issue, voucher=voucher)


@st.composite
def cases_for(draw: st.DrawFn, scheme: r.Scheme, most: int = 12) -> list[ReplayCase]:
    """Some cases for the scheme, in no order."""
    made: list[ReplayCase] = []
    for number in range(draw(st.integers(1, most))):
        facts = draw(rs.facts_for(scheme, unspent=True))
        who = draw(st.integers(1, 3))
        party = replace(facts.applicant, uscc=f"U{who}", group_no=draw(st.sampled_from(["", "G"])))
        applications = [one.case_no for one in made if one.facts.stage is t.Stage.APPLICATION]
        known = draw(st.sampled_from([*applications, "A-unknown", ""]))
        on = draw(st.dates(date(2024, 11, 1), date(2026, 1, 31)))
        numbers = {one.contract_no: f"{one.contract_no}-{draw(st.integers(1, 2))}" for one in facts.contracts}
        facts = replace(
            facts,
            on=on,
            applicant=party,
            contracts=tuple(replace(one, contract_no=numbers[one.contract_no]) for one in facts.contracts),
            items=tuple(replace(one, contract_no=numbers.get(one.contract_no, "")) for one in facts.items),
            voucher=draw(st.none() | st.just(facts.voucher)),
        )
        made.append(
            ReplayCase(
                case_no=f"{'A' if facts.stage is t.Stage.APPLICATION else 'C'}{number:02}",
                on=on,
                facts=facts,
                application_no="" if facts.stage is t.Stage.APPLICATION else known,
                granted=draw(st.none() | rs.fen),
                source=draw(st.sampled_from(["cases", "sample"])),
            )
        )
    return made


def many(cases: list[ReplayCase], count: int) -> list[ReplayCase]:
    """So many cases at least: the same ones over and over, each time with numbers of their own, on the same caps and pools."""
    own = {one.case_no for one in cases}
    return [
        replace(
            one,
            case_no=f"{one.case_no}-{turn:03}",
            application_no=f"{one.application_no}-{turn:03}"
            if one.application_no in own
            else one.application_no,
        )
        for turn in range(-(-count // len(cases)))
        for one in cases
    ]


def naive(scheme: r.Scheme, cases: list[ReplayCase]) -> list[tuple[Any, ...]]:
    """One case after the other through the public `assess` alone, every sum added up anew from all that came before."""
    taken: list[tuple[str, date, Any]] = []
    bases: list[tuple[tuple[str, bool, int], str, Any]] = []
    vouchers: dict[str, f.VoucherFacts] = {}
    out: list[tuple[Any, ...]] = []
    for case in sorted(cases, key=lambda one: (one.on, one.case_no)):
        facts = case.facts
        year = (facts.applicant.uscc, facts.stage is t.Stage.APPLICATION, facts.on.year)
        used = {
            key.key: sum(
                (
                    amount
                    for name, on, amount in taken
                    if name == key.key
                    and (key.period != "rolling" or rolling_from(facts.on) <= on <= facts.on)
                ),
                rs.D(0),
            )
            for key in cap_keys(scheme, facts)
        }
        base: dict[str, Any] = {}
        for of_year, key, basis in bases:
            if of_year == year:
                base[key] = base.get(key, rs.D(0)) + basis
        held = ""
        voucher = None
        if facts.stage is not t.Stage.APPLICATION:
            held = case.application_no if case.application_no in vouchers else ""
            if not held and facts.voucher is not None:
                held = facts.voucher.voucher_no
                vouchers.setdefault(held, facts.voucher)
            voucher = vouchers.get(held)
        facts = replace(facts, used=f.UsedAmounts(caps=used, year_basis=base), voucher=voucher)
        answer = assess(scheme, facts)
        if facts.stage is t.Stage.APPLICATION:
            vouchers[case.case_no] = f.VoucherFacts(
                voucher_no=case.case_no,
                face_value=answer.amount,
                balance=answer.amount,
                expires_on=_expiry(scheme.voucher, facts.on),
            )
        if answer.amount > 0:
            taken += [(use.key, facts.on, use.amount) for use in answer.cap_uses]
            bases += [(year, key, basis) for key, basis in answer.added_to_year.items()]
            if voucher is not None:
                vouchers[held] = replace(
                    voucher, balance=voucher.balance - answer.amount, uses=voucher.uses + 1
                )
        out.append(
            (
                case.case_no,
                answer.outcome,
                answer.amount,
                answer.computed_amount,
                answer.basis_amount,
                {one.code for one in answer.refusals},
                {one.code for one in answer.open_points},
            )
        )
    return out


def _expiry(kind: r.VoucherKind, on: date) -> date:
    if kind.validity_months is None:
        return date(on.year + 1, 1, 1)
    month = on.month - 1 + kind.validity_months
    for day in (on.day, 30, 29, 28):
        try:
            return date(on.year + month // 12, month % 12 + 1, min(day, on.day))
        except ValueError:
            continue
    raise AssertionError
