"""`assess(scheme, facts)`: conditions, base, rates, caps, rounding; findings, working lines and the amount.

Pure: the same facts under the same scheme give the same answer, for ever. The order of items and contracts cannot matter,
as both are taken in the order of their numbers.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal, localcontext

from vouchers.policy import caps as cap_rules
from vouchers.policy import conditions, other_money
from vouchers.policy.assessment import ENGINE_VERSION, Assessment, CapKey, Counterfactual, Finding, Operand
from vouchers.policy.basis import count_items
from vouchers.policy.canonical import digest
from vouchers.policy.caps import cap_keys
from vouchers.policy.facts import Facts
from vouchers.policy.gates import check_gates
from vouchers.policy.rates import TrackAmount, apply_rates
from vouchers.policy.rules import Scheme, Track, render
from vouchers.policy.shares import Share, share_out, split_over_treasuries
from vouchers.policy.terms import FindingResult, GateEffect, Outcome, Stage, TrackChoice
from vouchers.policy.tracks import chosen_tracks, standing_tracks
from vouchers.policy.working import ZERO, Sum, Working, money, round_amount

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
    working = Working(on=with_lines)
    counterfactuals: list[Counterfactual] = []
    tracks = chosen_tracks(scheme, facts)
    tracks, gates = standing_tracks(
        scheme, tracks, check_gates(scheme, facts, [track.code for track in tracks])
    )
    codes = [track.code for track in tracks]
    findings = [
        *conditions.check_in_force(scheme, facts),
        *conditions.check_windows(scheme, facts),
        *gates,
        *conditions.check_prices(scheme, facts, counterfactuals),
        *other_money.check_other_money(scheme, facts),
        *conditions.check_papers(scheme, facts),
        *conditions.check_voucher(scheme, facts),
    ]
    base = _combine(scheme, facts, tracks, working, findings, counterfactuals)
    base = other_money.deduct_other_money(scheme, facts, base, working, findings, counterfactuals)
    base = replace(base, amount=_not_negative(base.amount, working))
    general = [cap for cap in scheme.caps if not cap.tracks and cap_rules.concerns(scheme, cap, facts, codes)]
    base = cap_rules.apply_caps(scheme, general, facts, base, working, findings, counterfactuals)
    base = _within_request(facts, base, working)
    base = _within_voucher(facts, base, working, counterfactuals)
    amount = round_amount(scheme.rounding, base.amount, working, base.bound)
    if base.basis <= 0 and base.quantity <= 0:
        findings.append(_no_basis(tracks[0]))
    floors = scheme.floors if len(tracks) == 1 else tuple(one for one in scheme.floors if not one.tracks)
    findings += conditions.check_floors(floors, facts, codes, base, amount.value, counterfactuals)
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
    treasury_parts, _ = split_over_treasuries(scheme, amount, working) if granted else ((), amount)
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
        basis_quantity=base.quantity,
        treasury_parts=treasury_parts,
    )


def _excluded_contracts(scheme: Scheme, track: Track, findings: list[Finding], facts: Facts) -> set[str]:
    """Contracts that a condition of the whole scheme or of this track leaves out of the base."""
    numbers = {contract.contract_no for contract in facts.contracts}
    elsewhere = {gate.code for gate in scheme.gates if gate.tracks and track.code not in gate.tracks}
    return {
        finding.subject
        for finding in findings
        if finding.effect is GateEffect.EXCLUDE
        and finding.result is FindingResult.NOT_MET
        and finding.code != "fair_price"  # a price above the band is cut, not left out
        and finding.code not in elsewhere
        and finding.subject in numbers
    }


def _combine(
    scheme: Scheme,
    facts: Facts,
    tracks: tuple[Track, ...],
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    """Each track's amount under its own caps and floors; then the one, the highest, or the sum.

    Where several tracks stand, one below a floor that names it takes no part as long as another reaches its own.
    """
    results: list[TrackAmount] = []
    below: dict[str, list[Finding]] = {}
    kinds = frozenset(kind for track in tracks for kind in track.basis_kinds)
    for track in tracks:
        excluded = _excluded_contracts(scheme, track, findings, facts)
        items = count_items(scheme, track, facts, excluded, kinds, working, findings)
        one = apply_rates(scheme, track, facts, items, working, findings, counterfactuals)
        own = [
            cap for cap in scheme.caps if cap.tracks and cap_rules.concerns(scheme, cap, facts, [track.code])
        ]
        one = cap_rules.apply_caps(scheme, own, facts, one, working, findings, counterfactuals)
        results.append(one)
        if len(tracks) > 1:
            named = tuple(floor for floor in scheme.floors if track.code in floor.tracks)
            held = conditions.check_floors(named, facts, [track.code], one, one.amount.value, counterfactuals)
            findings += [finding for finding in held if not finding.refuses]
            below[track.code] = [finding for finding in held if finding.refuses]
    reached = [one for one in results if not below.get(one.track.code)]
    spared = bool(reached) and len(reached) < len(results)
    for failed in below.values():
        findings += [replace(one, effect=GateEffect.EXCLUDE) if spared else one for one in failed]
    results = reached or results
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
    shares: dict[Share, Decimal] = {}
    for one in results:
        shares |= share_out(one.parts, one.amount.value)
    rooms = [one.bound - one.amount.value for one in results if one.bound is not None]
    return TrackAmount(
        track=results[0].track,
        basis=sum((one.basis for one in results), ZERO),
        quantity=sum((one.quantity for one in results), ZERO),
        amount=amount,
        parts=shares,
        bound=total + min(rooms) if rooms else None,
    )


def _not_negative(amount: Sum, working: Working) -> Sum:
    if amount.value >= 0:
        return amount
    operands = [amount.operand("核算金额"), Operand(name="零", value=ZERO)]
    return working.add(
        "not_negative", "maximum", operands, ZERO, lambda: "冲红金额大于其余明细，计 0.00 元。"
    )


def _within_request(facts: Facts, base: TrackAmount, working: Working) -> TrackAmount:
    asked, amount = facts.requested_amount, base.amount
    if asked is None:
        return base
    bound = cap_rules.lower(base.bound, max(asked, ZERO))
    if asked >= amount.value:
        return replace(base, bound=bound)
    result = max(asked, ZERO)
    cut = working.add(
        "requested",
        "minimum",
        [amount.operand("核算金额"), Operand(name="申请金额", value=result)],
        result,
        lambda: f"申请金额为 {money(asked)}，按申请金额计 {money(result)}。",
    )
    return replace(base, amount=cut, bound=bound)


def _within_voucher(
    facts: Facts, base: TrackAmount, working: Working, counterfactuals: list[Counterfactual]
) -> TrackAmount:
    voucher, amount = facts.voucher, base.amount
    if facts.stage is Stage.APPLICATION or voucher is None:
        return base
    balance = max(voucher.balance, ZERO)
    result = min(amount.value, balance)
    if ZERO < result < amount.value:
        short = amount.value - result
        counterfactuals.append(
            Counterfactual(
                code="voucher_balance",
                sentence=f"券面余额不足，尚有 {money(short)}未能抵扣，可用于另一张券。",
                amount=short,
            )
        )

    def sentence() -> str:
        verdict = f"以余额为限，计 {money(result)}" if result < amount.value else "余额足够"
        return f"券 {voucher.voucher_no} 可用余额 {money(balance)}：{money(amount.value)}，{verdict}。"

    operands = [amount.operand("核算金额"), Operand(name="券面可用余额", value=balance)]
    cut = working.add("voucher_balance", "minimum", operands, result, sentence)
    return replace(base, amount=cut, bound=cap_rules.lower(base.bound, balance))


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
