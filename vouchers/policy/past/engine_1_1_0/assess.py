"""`assess(scheme, facts)`: conditions, base, rates, caps, rounding; findings, working lines and the amount.

Pure: the same facts under the same scheme give the same answer, for ever. The order of items and contracts cannot matter,
as both are taken in the order of their numbers.
"""

from __future__ import annotations

from decimal import Context, localcontext

from vouchers.policy.assessment import Assessment, CapKey, Counterfactual
from vouchers.policy.canonical import digest
from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_1_0.basis import items_of
from vouchers.policy.past.engine_1_1_0.cap_limits import uses
from vouchers.policy.past.engine_1_1_0.caps import cap_keys
from vouchers.policy.past.engine_1_1_0.compiled import compiled
from vouchers.policy.past.engine_1_1_0.conditions import check_voucher
from vouchers.policy.past.engine_1_1_0.settling import Before, Settling
from vouchers.policy.past.engine_1_1_0.shares import split_over_treasuries
from vouchers.policy.past.engine_1_1_0.weighing import weigh_case, weigh_track
from vouchers.policy.past.engine_1_1_0.working import ZERO, Working
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import FindingResult, Outcome

ENGINE_VERSION = "1.1.0"

PRECISION = Context(prec=50)
"""Enough for every exact product of amounts and rates; quotients are rounded to the fen at once."""

__all__ = ["ENGINE_VERSION", "PRECISION", "Assessment", "CapKey", "assess", "cap_keys"]


def assess(scheme: Scheme, facts: Facts, *, with_lines: bool = True, scheme_sha256: str = "") -> Assessment:
    """Hold the facts against the scheme.

    `scheme_sha256` is the publication's hash, when the caller has it; else it is computed. Without lines the amount and
    the findings are the same. Raises KeyError when the facts name a track that the scheme does not have.
    """
    with localcontext(PRECISION):
        return _assess(scheme, facts, Working(lines_on=with_lines), scheme_sha256)


def _assess(scheme: Scheme, facts: Facts, working: Working, scheme_sha256: str) -> Assessment:
    ready = compiled(scheme)
    weighed, held = weigh_case(ready, facts, working)
    plan = weighed.plan
    check_voucher(scheme.voucher, facts.stage, weighed.used_on, facts.voucher, working)
    settling = Settling(weighed, Before(facts.used.of, facts.used.year_basis), working)
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
    return Assessment(
        engine_version=ENGINE_VERSION,
        scheme_sha256=scheme_sha256 or ready.sha256,
        facts_sha256=digest(facts),
        stage=facts.stage,
        track=plan.codes[0] if len(plan.codes) == 1 else settled.base.track.code,
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
    )


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
