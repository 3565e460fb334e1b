"""`assess(scheme, facts)`: conditions, base, rates, caps, rounding; findings, working lines and the amount.

Pure: the same facts under the same scheme give the same answer, for ever. The order of items and contracts cannot matter,
as both are taken in the order of their numbers.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal, localcontext

from vouchers.policy.assessment import Assessment, CapKey, Counterfactual, Finding, Operand
from vouchers.policy.canonical import digest
from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_0_0 import caps as cap_rules
from vouchers.policy.past.engine_1_0_0 import conditions
from vouchers.policy.past.engine_1_0_0.basis import count_items
from vouchers.policy.past.engine_1_0_0.caps import cap_keys
from vouchers.policy.past.engine_1_0_0.gates import check_gates
from vouchers.policy.past.engine_1_0_0.rates import TrackAmount, apply_rates
from vouchers.policy.past.engine_1_0_0.tracks import chosen_tracks
from vouchers.policy.past.engine_1_0_0.working import ZERO, Sum, Working, money, rounded
from vouchers.policy.rules import Rounding, Scheme, Track, render
from vouchers.policy.terms import FindingResult, GateEffect, Outcome, RoundUnit, RoundWhen, Stage, TrackChoice

ENGINE_VERSION = "1.0.0"

_PRECISION = Context(prec=50)
"""Enough for every exact product of amounts and rates; quotients are rounded to the fen at once."""

__all__ = ["ENGINE_VERSION", "Assessment", "CapKey", "assess", "cap_keys"]


def assess(scheme: Scheme, facts: Facts, *, with_lines: bool = True, scheme_sha256: str = "") -> Assessment:
    """Hold the facts against the scheme.

    `scheme_sha256` is the publication's hash, when the caller has it; else it is computed. Without lines the amount and
    the findings are the same. Raises KeyError when the facts name a track that the scheme does not have.
    """
    with localcontext(_PRECISION):
        return _assess(scheme, facts, with_lines, scheme_sha256)


def _assess(scheme: Scheme, facts: Facts, with_lines: bool, scheme_sha256: str) -> Assessment:
    tracks = chosen_tracks(scheme, facts)
    codes = [track.code for track in tracks]
    working = Working(on=with_lines)
    counterfactuals: list[Counterfactual] = []
    findings = [
        *conditions.check_in_force(scheme, facts),
        *conditions.check_windows(scheme, facts),
        *check_gates(scheme, facts, codes),
        *conditions.check_prices(scheme, facts, counterfactuals),
        *conditions.check_other_money(scheme, facts),
        *conditions.check_papers(scheme, facts),
        *conditions.check_voucher(scheme, facts),
    ]
    excluded = _excluded_contracts(findings, facts)
    base = _combine(scheme, facts, tracks, excluded, working, findings, counterfactuals)
    amount = conditions.deduct_other_money(scheme, facts, base.basis, base.amount, working)
    amount = _not_negative(amount, working)
    general = [cap for cap in scheme.caps if not cap.tracks and cap_rules.concerns(scheme, cap, facts, codes)]
    amount = cap_rules.apply_caps(scheme, general, facts, base, amount, working, findings, counterfactuals)
    amount = _within_request(facts, amount, working)
    amount = _within_voucher(facts, amount, working)
    amount = _round(scheme.rounding, amount, working)
    if base.basis <= 0:
        findings.append(_no_basis(tracks[0]))
    findings += conditions.check_floors(scheme, facts, codes, base.basis, amount.value, counterfactuals)
    outcome = _outcome(findings)
    computed = amount.value
    if outcome is Outcome.REFUSED and computed:
        amount = working.add(
            "refused",
            "zero",
            [amount.operand("核算金额")],
            ZERO,
            lambda: "因有不符合的条件，本次不予支持，计 0.00 元。",
        )
    granted = ZERO if outcome is Outcome.REFUSED else amount.value
    return Assessment(
        engine_version=ENGINE_VERSION,
        scheme_sha256=scheme_sha256 or digest(render(scheme)),
        facts_sha256=digest(facts),
        stage=facts.stage,
        track=codes[0] if len(codes) == 1 else base.track.code,
        outcome=outcome,
        amount=granted,
        computed_amount=computed,
        basis_amount=base.basis,
        findings=tuple(findings),
        lines=tuple(working.lines),
        counterfactuals=(*counterfactuals, *_cures(findings)),
        cap_uses=cap_rules.uses(
            scheme, replace(facts, track=codes[0]) if len(codes) == 1 else facts, base, granted
        ),
    )


def _excluded_contracts(findings: list[Finding], facts: Facts) -> set[str]:
    numbers = {contract.contract_no for contract in facts.contracts}
    return {
        finding.subject
        for finding in findings
        if finding.effect is GateEffect.EXCLUDE
        and finding.result is FindingResult.NOT_MET
        and finding.code != "fair_price"  # a price above the band is cut, not left out
        and finding.subject in numbers
    }


def _combine(
    scheme: Scheme,
    facts: Facts,
    tracks: tuple[Track, ...],
    excluded: set[str],
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    """Each track's amount under its own caps; then the one, the highest, or the sum."""
    results = []
    for track in tracks:
        items = count_items(scheme, track, facts, excluded, working, findings)
        one = apply_rates(scheme, track, facts, items, working, findings)
        amount = one.amount
        if scheme.rounding.when is RoundWhen.EACH:
            amount = _round(scheme.rounding, amount, working)
        own = [
            cap for cap in scheme.caps if cap.tracks and cap_rules.concerns(scheme, cap, facts, [track.code])
        ]
        amount = cap_rules.apply_caps(scheme, own, facts, one, amount, working, findings, counterfactuals)
        results.append(replace(one, amount=amount))
    if len(results) == 1:
        return results[0]
    operands = [one.amount.operand(one.track.name) for one in results]
    names = "、".join(f"{one.track.name} {money(one.amount.value)}" for one in results)
    if scheme.track_choice is TrackChoice.HIGHER_OF:
        best = max(results, key=lambda one: one.amount.value)
        amount = working.add(
            "tracks",
            "maximum",
            operands,
            best.amount.value,
            lambda: f"各方向就高：{names}，取 {money(best.amount.value)}。",
            scheme.source("track_choice"),
        )
        return replace(best, amount=amount)
    total = sum((one.amount.value for one in results), ZERO)
    amount = working.add(
        "tracks",
        "sum",
        operands,
        total,
        lambda: f"各方向相加：{names}，共 {money(total)}。",
        scheme.source("track_choice"),
    )
    by_contract: dict[str, Decimal] = {}
    for one in results:
        for contract_no, value in one.by_contract.items():
            by_contract[contract_no] = by_contract.get(contract_no, ZERO) + value
    basis = sum((one.basis for one in results), ZERO)
    return TrackAmount(results[0].track, basis, amount, by_contract)


def _not_negative(amount: Sum, working: Working) -> Sum:
    if amount.value >= 0:
        return amount
    operands = [amount.operand("核算金额"), Operand(name="零", value=ZERO)]
    return working.add(
        "not_negative", "maximum", operands, ZERO, lambda: "冲红金额大于其余明细，计 0.00 元。"
    )


def _within_request(facts: Facts, amount: Sum, working: Working) -> Sum:
    asked = facts.requested_amount
    if asked is None or asked >= amount.value:
        return amount
    result = max(asked, ZERO)
    return working.add(
        "requested",
        "minimum",
        [amount.operand("核算金额"), Operand(name="申请金额", value=result)],
        result,
        lambda: f"申请金额为 {money(asked)}，按申请金额计 {money(result)}。",
    )


def _within_voucher(facts: Facts, amount: Sum, working: Working) -> Sum:
    voucher = facts.voucher
    if facts.stage is Stage.APPLICATION or voucher is None:
        return amount
    balance = max(voucher.balance, ZERO)
    result = min(amount.value, balance)

    def sentence() -> str:
        verdict = f"以余额为限，计 {money(result)}" if result < amount.value else "余额足够"
        return f"券 {voucher.voucher_no} 可用余额 {money(balance)}：{money(amount.value)}，{verdict}。"

    operands = [amount.operand("核算金额"), Operand(name="券面可用余额", value=balance)]
    return working.add("voucher_balance", "minimum", operands, result, sentence)


_UNITS = {RoundUnit.FEN: Decimal("0.01"), RoundUnit.YUAN: Decimal(1)}


def _round(rounding: Rounding, amount: Sum, working: Working) -> Sum:
    result = rounded(amount.value, rounding.mode, rounding.unit)
    if result == amount.value:
        return Sum(result, amount.line)
    return working.add(
        "rounding",
        f"round_{rounding.mode.value}",
        [amount.operand("核算金额"), Operand(name="舍入到", value=_UNITS[rounding.unit])],
        result,
        lambda: (
            f"保留到{rounding.unit.label}，{rounding.mode.label}：{money(amount.value)} → {money(result)}。"
        ),
        rounding.source("mode"),
    )


def _no_basis(track: Track) -> Finding:
    return Finding(
        code="basis",
        result=FindingResult.NOT_MET,
        fact="没有可计入补贴基数的金额",
        sentence=f"没有可计入“{track.name}”补贴基数的金额。",
        article=track.cite.words,
        confidence=track.cite.confidence,
        cure=f"请提交：{'、'.join(kind.label for kind in track.basis_kinds)}。",
    )


def _outcome(findings: list[Finding]) -> Outcome:
    if any(finding.refuses for finding in findings):
        return Outcome.REFUSED
    if any(finding.asks_for_a_person for finding in findings):
        return Outcome.REVIEW
    return Outcome.ELIGIBLE


def _cures(findings: list[Finding]) -> list[Counterfactual]:
    told = {"fair_price"}
    cures = []
    for finding in findings:
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
