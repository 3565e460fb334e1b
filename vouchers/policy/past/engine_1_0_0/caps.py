"""Caps: which concern a case, by which key the ledger counts them, and what they leave of an amount."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from vouchers.money import round_fen
from vouchers.policy.assessment import CapKey, CapUse, Counterfactual, Finding, Operand
from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_0_0.rates import TrackAmount, membership
from vouchers.policy.past.engine_1_0_0.tracks import chosen_tracks
from vouchers.policy.past.engine_1_0_0.working import ZERO, Sum, Working, money, percent
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt, FindingResult, Stage

PER_CONTRACT = frozenset({CapSubject.CONTRACT})


def event_of(stage: Stage) -> str:
    """`issue` for applications, `claim` for claims and settlements."""
    return "issue" if stage is Stage.APPLICATION else "claim"


def period_of(cap: Cap, on: date) -> str:
    """The period that `on` lies in: `2025`, `2025-04-01` (a programme's year, by its first day), `rolling` or `total`."""
    if cap.period is CapPeriod.CALENDAR_YEAR:
        return str(on.year)
    if cap.period is CapPeriod.PROGRAMME_YEAR:
        first = f"{on.year}-{cap.year_starts}"
        return first if on.isoformat() >= first else f"{on.year - 1}-{cap.year_starts}"
    return "rolling" if cap.period is CapPeriod.ROLLING_YEAR else "total"


def concerns(scheme: Scheme, cap: Cap, facts: Facts, tracks: Collection[str]) -> bool:
    """Whether the cap binds this case at its stage."""
    event = event_of(facts.stage)
    if not cap.switched_on or (cap.counts_at is not CountsAt.BOTH and cap.counts_at.value != event):
        return False
    if cap.tracks and not set(cap.tracks) & set(tracks):
        return False
    if cap.classes and membership(scheme, cap.classes, facts) is False:
        return False
    return membership(scheme, cap.waived_for, facts) is not True if cap.waived_for else True


def _subjects(cap: Cap, facts: Facts) -> list[str]:
    match cap.subject:
        case CapSubject.ENTERPRISE:
            return [facts.applicant.uscc]
        case CapSubject.GROUP:
            return [facts.applicant.group_no or facts.applicant.uscc]
        case CapSubject.CONTRACT:
            return sorted({contract.contract_no for contract in facts.contracts})
        case CapSubject.PROJECT:
            return [facts.project_no] if facts.project_no else []
        case CapSubject.BATCH:
            return [facts.batch_no] if facts.batch_no else []
        case CapSubject.POOL:
            return ["*"]
        case _:
            return []


def limit_of(cap: Cap, facts: Facts, contract_no: str = "") -> Decimal | None:
    """The cap in yuan: its amount, or its share of the contract's (or all contracts') net amount."""
    if cap.amount is not None:
        return cap.amount
    if cap.share is None:
        return None
    contracts = [one for one in facts.contracts if not contract_no or one.contract_no == contract_no]
    return round_fen(cap.share * sum((one.net_amount for one in contracts), ZERO), "down")


def key_of(scheme: Scheme, cap: Cap, facts: Facts, subject: str) -> str:
    """`program:cap:event:subject:period`."""
    return f"{scheme.program}:{cap.code}:{event_of(facts.stage)}:{subject}:{period_of(cap, facts.on)}"


def cap_keys(scheme: Scheme, facts: Facts) -> list[CapKey]:
    """Every cap that counts up over cases and binds this one: an account each for the ledger.

    Caps of a single use have no account. The ledger must hold an account of that key with that limit, and take the
    assessment's `cap_uses` from it in the same chain as the voucher's or the claim's amount.
    """
    tracks = [track.code for track in chosen_tracks(scheme, facts)]
    keys = []
    for cap in scheme.caps:
        if not concerns(scheme, cap, facts, tracks):
            continue
        for subject in _subjects(cap, facts):
            limit = limit_of(cap, facts, subject if cap.subject in PER_CONTRACT else "")
            if limit is not None:
                keys.append(
                    CapKey(
                        key=key_of(scheme, cap, facts, subject),
                        code=cap.code,
                        name=cap.name,
                        subject_kind=cap.subject.value,
                        subject=subject,
                        period=period_of(cap, facts.on),
                        event=event_of(facts.stage),
                        limit=limit,
                    )
                )
    return keys


def apply_caps(
    scheme: Scheme,
    caps: Collection[Cap],
    facts: Facts,
    base: TrackAmount,
    amount: Sum,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> Sum:
    """The amount under each cap in turn; the order cannot matter, as the least wins."""
    for cap in caps:
        if cap.subject in PER_CONTRACT:
            amount = _per_contract(scheme, cap, facts, base, amount, working)
        else:
            amount = _once(scheme, cap, facts, amount, working, findings, counterfactuals)
    return amount


def _used(scheme: Scheme, cap: Cap, facts: Facts, subject: str) -> Decimal:
    return facts.used.of(key_of(scheme, cap, facts, subject))


def _once(
    scheme: Scheme,
    cap: Cap,
    facts: Facts,
    amount: Sum,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> Sum:
    limit = limit_of(cap, facts)
    if limit is None:
        return amount
    subjects = _subjects(cap, facts)
    used = sum((_used(scheme, cap, facts, subject) for subject in subjects), ZERO)
    left = max(limit - used, ZERO)
    result = min(amount.value, left)
    cite = cap.source("amount" if cap.amount is not None else "share")
    if left == 0:
        findings.append(
            Finding(
                code=f"cap.{cap.code}",
                result=FindingResult.NOT_MET,
                fact=f"限额 {money(limit)}，已用 {money(used)}",
                sentence=f"{cap.name}为 {money(limit)}，{_period_words(cap, facts)}已全部用完。",
                article=cite.words,
                confidence=cite.confidence,
                cure="可在下一期间额度更新后再行申请。" if cap.period is not CapPeriod.TOTAL else "",
            )
        )
    elif result < amount.value:
        counterfactuals.append(
            Counterfactual(
                code=f"cap.{cap.code}",
                sentence=f"已达到{cap.name} {money(limit)}，在此期间内再增加基数不会增加补贴。",
                amount=left,
            )
        )

    def sentence() -> str:
        share = f"（合同额的 {percent(cap.share)}）" if cap.share is not None else ""
        spent = f"，{_period_words(cap, facts)}已用 {money(used)}，尚余 {money(left)}" if used else ""
        verdict = f"，核减为 {money(result)}" if result < amount.value else "，未超过，不作核减"
        return f"{cap.name}不超过 {money(limit)}{share}{spent}：{money(amount.value)}{verdict}。"

    operands = [amount.operand("核算金额"), Operand(name=f"{cap.name}余额", value=left)]
    return working.add(f"cap.{cap.code}", "minimum", operands, result, sentence, cite)


def _per_contract(
    scheme: Scheme, cap: Cap, facts: Facts, base: TrackAmount, amount: Sum, working: Working
) -> Sum:
    parts = share_out(base, amount.value)
    operands, kept_total, words = [], ZERO, []
    for contract_no, part in parts.items():
        limit = limit_of(cap, facts, contract_no)
        if limit is None:
            return amount
        left = max(limit - _used(scheme, cap, facts, contract_no), ZERO)
        kept = min(part, left)
        kept_total += kept
        operands.append(Operand(name=f"合同 {contract_no}", value=kept))
        words.append(f"合同 {contract_no}：{money(part)}，限额尚余 {money(left)}，计 {money(kept)}")
    if not parts:
        return amount
    cite = cap.source("amount" if cap.amount is not None else "share")
    return working.add(
        f"cap.{cap.code}", "sum", operands, kept_total, lambda: f"{cap.name}：{'；'.join(words)}。", cite
    )


def share_out(base: TrackAmount, amount: Decimal) -> dict[str, Decimal]:
    """An amount shared out over contracts by their base, to the fen; what rounding leaves goes to the last."""
    shares = {no: value for no, value in sorted(base.by_contract.items()) if value > 0}
    total = sum(shares.values(), ZERO)
    out: dict[str, Decimal] = {}
    left = amount
    for place, (contract_no, value) in enumerate(shares.items(), start=1):
        part = left if place == len(shares) else round_fen(amount * value / total, "down")
        out[contract_no] = part
        left -= part
    return out


def _period_words(cap: Cap, facts: Facts) -> str:
    match cap.period:
        case CapPeriod.CALENDAR_YEAR:
            return f"{facts.on.year} 年度"
        case CapPeriod.PROGRAMME_YEAR:
            return f"自 {period_of(cap, facts.on)} 起的政策年度"
        case CapPeriod.ROLLING_YEAR:
            return "近十二个月"
        case _:
            return "累计"


def uses(scheme: Scheme, facts: Facts, base: TrackAmount, amount: Decimal) -> tuple[CapUse, ...]:
    """What the granted amount takes from each cap's account."""
    if amount <= 0:
        return ()
    parts = share_out(base, amount)
    out = []
    for key in cap_keys(scheme, facts):
        per_contract = key.subject_kind == CapSubject.CONTRACT.value
        part = parts.get(key.subject, ZERO) if per_contract else amount
        if part > 0:
            out.append(CapUse(key=key.key, limit=key.limit, amount=part))
    return tuple(out)
