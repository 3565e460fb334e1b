"""`assess(scheme, facts)`: conditions, base, rates, caps, rounding; findings, working lines and the amount.

Pure: the same facts under the same scheme give the same answer, for ever. The order of items and contracts cannot matter,
as both are taken in the order of their numbers.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext

from vouchers.policy.assessment import ENGINE_VERSION, Assessment, CapKey, Counterfactual
from vouchers.policy.basis import items_of
from vouchers.policy.canonical import digest
from vouchers.policy.cap_limits import uses
from vouchers.policy.caps import cap_keys
from vouchers.policy.compiled import Plan, compiled
from vouchers.policy.conditions import check_voucher
from vouchers.policy.engines import engine_of_the_past, year_keys
from vouchers.policy.facts import Facts
from vouchers.policy.rules import Scheme
from vouchers.policy.settling import Before, Settled, Settling
from vouchers.policy.shares import split_over_treasuries
from vouchers.policy.terms import FindingResult, Outcome
from vouchers.policy.weighing import weigh_case, weigh_track
from vouchers.policy.working import ZERO, Working
from vouchers.policy.year_so_far import YearKeys, written_keys

PRECISION = Context(prec=50)
"""Enough for every exact product of amounts and rates; quotients are rounded to the fen at once."""

__all__ = ["ENGINE_VERSION", "PRECISION", "Assessment", "CapKey", "assess", "cap_keys"]


def assess(
    scheme: Scheme,
    facts: Facts,
    *,
    with_lines: bool = True,
    scheme_sha256: str = "",
    engine_version: str = ENGINE_VERSION,
) -> Assessment:
    """Hold the facts against the scheme.

    `scheme_sha256` is the publication's hash, when the caller has it; else it is computed. Without lines the amount and
    the findings are the same. `engine_version` is that of a case which an earlier engine decided: it is answered as that
    engine did (`engines`). Raises KeyError when the facts name a track that the scheme does not have, ValueError for an engine that
    never was.
    """
    past = engine_of_the_past(engine_version)
    if past is not None:
        return past(scheme, facts, with_lines=with_lines, scheme_sha256=scheme_sha256)
    with localcontext(PRECISION):
        return _assess(scheme, facts, Working(lines_on=with_lines), scheme_sha256, engine_version)


def _assess(
    scheme: Scheme, facts: Facts, working: Working, scheme_sha256: str, engine_version: str
) -> Assessment:
    ready = compiled(scheme)
    weighed, held = weigh_case(ready, facts, working)
    plan = weighed.plan
    check_voucher(scheme.voucher, facts.stage, weighed.used_on, facts.voucher, working)
    before = Before(facts.used.of, facts.used.year_basis, year_keys(engine_version))
    settling = Settling(weighed, before, working)
    items = items_of(facts)
    for place in range(
        len(plan.tracks)
    ):  # a track is settled before the next is weighed: lines stand by track
        weigh_track(weighed, place, facts, held, items, working)
        settling.settle_track()
    settled = settling.settle(facts.voucher)
    amount = settled.amount
    if settled.outcome is Outcome.REFUSED and amount.value:
        refused = amount
        amount = working.add(
            "refused",
            "zero",
            ZERO,
            lambda: ([refused.operand("核算金额")], "因有不符合的条件，本次不予支持，计 0.00 元。"),
        )
    granted = settled.granted
    treasury_parts, _ = split_over_treasuries(scheme, amount, working) if granted else ((), amount)
    track = plan.codes[0] if len(plan.codes) == 1 else settled.base.track.code
    return Assessment(
        engine_version=engine_version,
        scheme_sha256=scheme_sha256 or ready.sha256,
        facts_sha256=digest(facts),
        stage=facts.stage,
        track=track,
        outcome=settled.outcome,
        amount=granted,
        computed_amount=settled.amount.value,
        basis_amount=settled.base.basis,
        findings=tuple(working.findings),
        lines=tuple(working.lines),
        counterfactuals=(*working.counterfactuals, *_cures(working)),
        cap_uses=uses(weighed.caps.values(), settled.base, granted),
        basis_quantity=settled.base.quantity,
        treasury_parts=treasury_parts,
        year_basis=_year_basis(settled, track, before.keys, plan),
    )


def _year_basis(settled: Settled, track: str, keys: YearKeys, plan: Plan) -> dict[str, Decimal]:
    """What the case adds to the year's base, where more is to be said than the base of its one track."""
    parts = {key: value for key, value in settled.year_basis if value}
    if keys is YearKeys.AS_WRITTEN:
        written = {key: name for rates in plan.rates for key, name in written_keys(rates).items()}
        parts = {written.get(key, key): value for key, value in parts.items()}
    return {} if parts.keys() <= {track} else parts


def _cures(working: Working) -> list[Counterfactual]:
    told = {"fair_price"}
    cures = []
    for finding in working.findings:
        if (
            finding.result is FindingResult.MET
            or not finding.cure
            or finding.code in told
            or finding.code.startswith("floor.")
        ):
            continue
        told.add(finding.code)
        cures.append(Counterfactual(code=finding.code, sentence=finding.cure))
    return cures
