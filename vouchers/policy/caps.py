"""Caps: which concern a case, by which key the ledger counts them, and what they leave of an amount."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from vouchers.money import round_fen
from vouchers.policy.assessment import CapKey, CapUse, Counterfactual, Finding, Operand
from vouchers.policy.facts import Facts
from vouchers.policy.gates import months_after
from vouchers.policy.rates import TrackAmount, membership
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.shares import Share, share_out
from vouchers.policy.terms import (
    CapPeriod,
    CapSubject,
    CountsAt,
    FindingResult,
    OtherMoneyMode,
    Stage,
    TaxMode,
)
from vouchers.policy.tracks import chosen_tracks
from vouchers.policy.working import ZERO, Working, money, percent

PER_CONTRACT = frozenset({CapSubject.CONTRACT})
ALL_PUBLIC_MONEY = "other_money"
"""The code of the cap that SHARE_LIMIT makes: no cap of a text may have it."""


@dataclass(frozen=True, kw_only=True)
class SharedLimit(Cap):
    """All public money on one contract, as a cap of it: what others gave is taken off its share first."""


def caps_in(scheme: Scheme) -> tuple[Cap, ...]:
    """The scheme's caps, and the one that it makes of its limit on all public money of a contract."""
    limit = shared_limit(scheme)
    return scheme.caps if limit is None else (*scheme.caps, limit)


def shared_limit(scheme: Scheme) -> SharedLimit | None:
    """The limit on all public money of a contract, where the scheme has one switched on."""
    rule = scheme.other_money
    if not rule.switched_on or rule.mode is not OtherMoneyMode.SHARE_LIMIT:
        return None
    return SharedLimit(
        cite=rule.source("share"),
        code=ALL_PUBLIC_MONEY,
        name="财政资金合计限额",
        subject=CapSubject.CONTRACT,
        share=rule.share or Decimal(0),
        period=CapPeriod.TOTAL,
    )


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


def limit_of(scheme: Scheme, cap: Cap, facts: Facts, contract_no: str = "") -> Decimal | None:
    """The cap in yuan: its amount, or its share of the contract's (or all contracts') amount, less what others gave on it
    where it limits all public money. The contract counts with tax where the base of the cap's tracks does."""
    if cap.amount is not None:
        return cap.amount
    if cap.share is None:
        return None
    contracts = [one for one in facts.contracts if not contract_no or one.contract_no == contract_no]
    whole = sum((one.net_amount for one in contracts), ZERO)
    if all(
        one.tax_mode is TaxMode.GROSS for one in scheme.tracks if not cap.tracks or one.code in cap.tracks
    ):
        whole += sum((one.tax_amount for one in contracts), ZERO)
    limit = round_fen(cap.share * whole, "down")
    if isinstance(cap, SharedLimit):
        limit -= sum((row.amount for one in contracts for row in one.other_money or ()), ZERO)
    return max(limit, ZERO)


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
    for cap in caps_in(scheme):
        if not concerns(scheme, cap, facts, tracks):
            continue
        for subject in _subjects(cap, facts):
            limit = limit_of(scheme, cap, facts, subject if cap.subject in PER_CONTRACT else "")
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


def rolling_from(on: date) -> date:
    """The first day that a rolling year ending with `on` counts: the day after the same day a year before."""
    return months_after(on, -12) + timedelta(days=1)


def next_period(cap: Cap, on: date) -> date | None:
    """The first day of the cap's next period; None where it has none, or (a rolling year) none that is known."""
    if cap.period is CapPeriod.CALENDAR_YEAR:
        return date(on.year + 1, 1, 1)
    if cap.period is CapPeriod.PROGRAMME_YEAR:
        year, month, day = (int(word) for word in period_of(cap, on).split("-"))
        return date(year + 1, month, 1) + timedelta(days=day - 1)
    return None


def apply_caps(
    scheme: Scheme,
    caps: Collection[Cap],
    facts: Facts,
    base: TrackAmount,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    """The amount and its parts under each cap in turn; caps of a contract go first, so that the caps' order cannot matter."""
    for cap in sorted(caps, key=lambda one: one.subject not in PER_CONTRACT):
        if cap.subject in PER_CONTRACT:
            base = per_contract(scheme, cap, facts, base, working, findings, counterfactuals)
        else:
            base = _once(scheme, cap, facts, base, working, findings, counterfactuals)
    return base


def _used(scheme: Scheme, cap: Cap, facts: Facts, subject: str) -> Decimal:
    return facts.used.of(key_of(scheme, cap, facts, subject))


def lower(bound: Decimal | None, limit: Decimal) -> Decimal:
    """The tighter of two bounds."""
    return limit if bound is None else min(bound, limit)


def _once(
    scheme: Scheme,
    cap: Cap,
    facts: Facts,
    base: TrackAmount,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    limit, amount = limit_of(scheme, cap, facts), base.amount
    if limit is None:
        return base
    subjects = _subjects(cap, facts)
    used = sum((_used(scheme, cap, facts, subject) for subject in subjects), ZERO)
    left = max(limit - used, ZERO)
    result = min(amount.value, left)
    cite = cap.source("amount" if cap.amount is not None else "share")
    if left == 0:
        findings.append(_spent(cap, facts, f"限额 {money(limit)}，已用 {money(used)}"))
    elif result < amount.value:
        counterfactuals.append(
            Counterfactual(
                code=f"cap.{cap.code}",
                sentence=f"已达到{cap.name} {money(limit)}，在此期间内再增加基数不会增加补贴。{_renewal(cap, facts.on)}",
                amount=left,
            )
        )

    def sentence() -> str:
        share = f"（合同额的 {percent(cap.share)}）" if cap.share is not None else ""
        spent = f"，{_period_words(cap, facts)}已用 {money(used)}，尚余 {money(left)}" if used else ""
        verdict = f"，核减为 {money(result)}" if result < amount.value else "，未超过，不作核减"
        return f"{cap.name}不超过 {money(limit)}{share}{spent}：{money(amount.value)}{verdict}。"

    operands = [amount.operand("核算金额"), Operand(name=f"{cap.name}余额", value=left)]
    capped = working.add(f"cap.{cap.code}", "minimum", operands, result, sentence, cite)
    return replace(base, amount=capped, bound=lower(base.bound, left))


def _spent(cap: Cap, facts: Facts, fact: str) -> Finding:
    cite = cap.source("amount" if cap.amount is not None else "share")
    limit = money(cap.amount) if cap.amount is not None else f"合同额的 {percent(cap.share or Decimal(0))}"
    return Finding(
        code=f"cap.{cap.code}",
        result=FindingResult.NOT_MET,
        fact=fact,
        sentence=f"{cap.name}为 {limit}，{_period_words(cap, facts)}已全部用完。",
        article=cite.words,
        confidence=cite.confidence,
        cure=_renewal(cap, facts.on),
    )


def _renewal(cap: Cap, on: date) -> str:
    """When there will be room again."""
    begins = next_period(cap, on)
    if begins is not None:
        return f"自 {begins} 起按下一年度的限额另行计算。"
    if cap.period is CapPeriod.ROLLING_YEAR:
        return "满十二个月的金额移出后，额度相应恢复。"
    return ""


def per_contract(
    scheme: Scheme,
    cap: Cap,
    facts: Facts,
    base: TrackAmount,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    """Each contract's part of the amount under a cap of its own; what is cut from one helps no other."""
    shares = share_out(base.parts, base.amount.value)
    parts = _by_contract(shares)
    operands, words = [], []
    kept_parts: dict[Share, Decimal] = {}
    kept_total, room = ZERO, None
    for contract_no, part in parts.items():
        limit = limit_of(scheme, cap, facts, contract_no)
        if limit is None:
            return base
        left = max(limit - _used(scheme, cap, facts, contract_no), ZERO)
        kept = min(part, left)
        kept_total += kept
        room = lower(room, left - kept)
        kept_parts |= share_out({key: shares[key] for key in shares if key[1] == contract_no}, kept)
        operands.append(Operand(name=f"合同 {contract_no}", value=kept))
        words.append(f"合同 {contract_no}：{money(part)}，限额尚余 {money(left)}，计 {money(kept)}")
        if kept < part and left:
            counterfactuals.append(
                Counterfactual(
                    code=f"cap.{cap.code}",
                    sentence=f"合同 {contract_no} 已达到{cap.name} {money(limit)}，该合同再增加基数不会增加补贴。{_renewal(cap, facts.on)}",
                    amount=left,
                )
            )
    if room is None:
        return base
    if kept_total == 0 and base.amount.value > 0:
        findings.append(_spent(cap, facts, "；".join(words)))
    cite = cap.source("amount" if cap.amount is not None else "share")
    capped = working.add(
        f"cap.{cap.code}", "sum", operands, kept_total, lambda: f"{cap.name}：{'；'.join(words)}。", cite
    )
    return replace(base, amount=capped, parts=kept_parts, bound=lower(base.bound, kept_total + room))


def _by_contract(shares: dict[Share, Decimal]) -> dict[str, Decimal]:
    parts: dict[str, Decimal] = {}
    for contract_no in sorted({key[1] for key in shares}):
        parts[contract_no] = sum((value for key, value in shares.items() if key[1] == contract_no), ZERO)
    return parts


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
    """What the granted amount takes from each cap's account: of a cap of some tracks or of a contract, only their part."""
    if amount <= 0:
        return ()
    parts = share_out(base.parts, amount)
    tracks = {cap.code: cap.tracks for cap in caps_in(scheme)}
    out = []
    for key in cap_keys(scheme, facts):
        contract_no = key.subject if key.subject_kind == CapSubject.CONTRACT.value else None
        part = sum(
            (
                value
                for (track, contract), value in parts.items()
                if (not tracks[key.code] or track in tracks[key.code]) and contract_no in (None, contract)
            ),
            ZERO,
        )
        if part > 0:
            out.append(CapUse(key=key.key, limit=key.limit, amount=part))
    return tuple(out)
