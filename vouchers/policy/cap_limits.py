"""What caps leave of an amount, and what the granted amount takes from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import partial

from vouchers.policy.assessment import CapUse, Operand
from vouchers.policy.caps import Account, BoundCap, next_period, period_of
from vouchers.policy.rates import TrackAmount
from vouchers.policy.rules import Cap, Citation
from vouchers.policy.shares import Share, share_out
from vouchers.policy.terms import CapPeriod, CapSubject, FindingResult
from vouchers.policy.words import day_words
from vouchers.policy.working import ZERO, Step, Sum, Words, Working, money, percent

_CONTRACT = CapSubject.CONTRACT
_NUMBERED = (CapSubject.PROJECT, CapSubject.BATCH)

UsedOf = Callable[[str], Decimal]
"""What is used of a cap before the case, by its key."""


def apply_cap(bound: BoundCap, used: UsedOf, base: TrackAmount, working: Working) -> None:
    """The amount and its parts under one cap after the other. Caps of a contract go first (`in_turn`), so that the order in
    which the scheme names them cannot matter."""
    if bound.cap.subject is _CONTRACT:
        per_contract(bound, used, base, working)
    else:
        _once(bound, used, base, working)


def lower(bound: Decimal | None, limit: Decimal) -> Decimal:
    """The tighter of two bounds."""
    return limit if bound is None or limit < bound else bound


def _once(bound: BoundCap, used_of: UsedOf, base: TrackAmount, working: Working) -> None:
    cap, limit, accounts, amount = bound.cap, bound.limit, bound.accounts, base.amount
    if limit is None:
        return
    if not accounts and cap.subject in _NUMBERED:
        _find_unnumbered(cap, working)
        return
    used = ZERO
    for account in accounts:
        used += used_of(account.key)
    left = rest = limit - used if used < limit else ZERO
    is_cut = left < amount.value
    is_short = is_cut and bound.in_full_only and left > ZERO
    if is_short:
        left = ZERO
        working.cap(cap.code)
        _find_short(cap, rest, amount.value, working)
    elif not left:
        working.cap(cap.code)
        if working.told:
            _find_spent(cap, bound.on, partial(_spent_fact, limit, used), working)
        else:
            working.refuse(f"cap.{cap.code}")
    elif is_cut:
        working.cap(cap.code)
        if working.told:
            working.hint(f"cap.{cap.code}", partial(_reached, bound, limit), left)
    if base.bound is None or left < base.bound:
        base.bound = left
    if working.lines_on:
        base.amount = _tell_once(bound, limit, used, rest, amount, working, is_short=is_short)
    elif is_cut:
        base.amount = Sum(left)


def _spent_fact(limit: Decimal, used: Decimal) -> str:
    return f"限额 {money(limit)}，已用 {money(used)}"


def _reached(bound: BoundCap, limit: Decimal) -> str:
    cap = bound.cap
    return f"已达到{cap.name} {money(limit)}，在此期间内再增加基数不会增加补贴。{_renewal(cap, bound.on)}"


def _tell_once(
    bound: BoundCap,
    limit: Decimal,
    used: Decimal,
    rest: Decimal,
    amount: Sum,
    working: Working,
    *,
    is_short: bool,
) -> Sum:
    """The line of a cap, and what it leaves of the amount. `rest` is what was left of the cap."""
    cap = bound.cap
    left = ZERO if is_short else rest
    result = min(amount.value, left)

    def tell() -> Step:
        share = f"（合同额的 {percent(cap.share)}）" if cap.share is not None else ""
        spent = f"，{_period_words(cap, bound.on)}已用 {money(used)}，尚余 {money(left)}" if used else ""
        if is_short:
            spent, verdict = (
                f"{spent.partition('，尚余')[0]}，尚余 {money(rest)}",
                "，不足全额，停止受理，计 0.00 元",
            )
            return (
                [amount.operand("核算金额"), Operand(name=f"{cap.name}可全额核定的余额", value=left)],
                f"{cap.name}不超过 {money(limit)}{share}{spent}：{money(amount.value)}{verdict}。",
            )
        verdict = f"，核减为 {money(result)}" if result < amount.value else "，未超过，不作核减"
        return (
            [amount.operand("核算金额"), Operand(name=f"{cap.name}余额", value=left)],
            f"{cap.name}不超过 {money(limit)}{share}{spent}：{money(amount.value)}{verdict}。",
        )

    return working.add(f"cap.{cap.code}", "minimum", result, tell, _cite(cap))


def _cite(cap: Cap) -> Citation:
    return cap.source("amount" if cap.amount is not None else "share")


def _find_spent(cap: Cap, on: date, fact: Callable[[], str], working: Working) -> None:
    def tell() -> Words:
        limit = (
            money(cap.amount) if cap.amount is not None else f"合同额的 {percent(cap.share or Decimal(0))}"
        )
        sentence = f"{cap.name}为 {limit}，{_period_words(cap, on)}已全部用完。"
        return fact(), sentence, _renewal(cap, on)

    working.find(f"cap.{cap.code}", FindingResult.NOT_MET, _cite(cap), tell)


def _find_short(cap: Cap, left: Decimal, wanted: Decimal, working: Working) -> None:
    """Where the text stops at the first case that does not fit, nobody is granted a part."""

    def tell() -> Words:
        return (
            f"尚余 {money(left)}，本件核算 {money(wanted)}",
            f"{cap.name}所余不足以全额支持本件，按政策规定停止受理，不作部分核定。",
            "",
        )

    working.find(f"cap.{cap.code}", FindingResult.NOT_MET, _cite(cap), tell)


def _find_unnumbered(cap: Cap, working: Working) -> None:
    """Which project or batch the case belongs to is not known, so nobody can say what is left for it."""

    def tell() -> Words:
        unit = cap.subject.label.removeprefix("单个")
        number = f"{unit}编号"
        return (
            f"没有{number}",
            f"{cap.name}按{unit}累计，缺少{number}，无法判定尚余多少，须由工作人员核定。",
            f"请补充{number}。",
        )

    working.find(f"cap.{cap.code}", FindingResult.NOT_TESTABLE, _cite(cap), tell)


def _renewal(cap: Cap, on: date) -> str:
    """When there will be room again."""
    begins = next_period(cap, on)
    if begins is not None:
        return f"自{day_words(begins)}起按下一年度的限额另行计算。"
    if cap.period is CapPeriod.ROLLING_YEAR:
        return "满十二个月的金额移出后，额度相应恢复。"
    return ""


def per_contract(bound: BoundCap, used_of: UsedOf, base: TrackAmount, working: Working) -> None:
    """Each contract's part of the amount under a cap of its own; what is cut from one helps no other."""
    cap = bound.cap
    shares = share_out(base.parts, base.amount.value)
    parts = _by_contract(shares)
    operands, words = [], []
    kept_parts: dict[Share, Decimal] = {}
    kept_total, room = ZERO, None
    for contract_no, part in parts.items():
        account = bound.account(contract_no)
        limit = account.limit
        if limit is None:
            return
        left = max(limit - used_of(account.key), ZERO)
        kept = min(part, left)
        kept_total += kept
        room = lower(room, left - kept)
        kept_parts |= share_out({key: shares[key] for key in shares if key[1] == contract_no}, kept)
        if kept < part:
            working.cap(cap.code)
        if not working.told:
            continue
        operands.append(Operand(name=f"合同 {contract_no}", value=kept))
        words.append(f"合同 {contract_no}：{money(part)}，限额尚余 {money(left)}，计 {money(kept)}")
        if kept < part and left:
            sentence = (
                f"合同 {contract_no} 已达到{cap.name} {money(limit)}，该合同再增加基数不会增加补贴。"
                f"{_renewal(cap, bound.on)}"
            )
            working.hint(f"cap.{cap.code}", sentence.__str__, left)
    if room is None:
        return
    if kept_total == 0 and base.amount.value > 0:
        _find_spent(cap, bound.on, lambda: "；".join(words), working)
    base.amount = working.add(
        f"cap.{cap.code}",
        "sum",
        kept_total,
        lambda: (operands, f"{cap.name}：{'；'.join(words)}。"),
        _cite(cap),
    )
    base.parts = kept_parts
    base.bound = lower(base.bound, kept_total + room)


def _by_contract(shares: dict[Share, Decimal]) -> dict[str, Decimal]:
    parts: dict[str, Decimal] = {}
    for contract_no in sorted({key[1] for key in shares}):
        parts[contract_no] = sum((value for key, value in shares.items() if key[1] == contract_no), ZERO)
    return parts


def _period_words(cap: Cap, on: date) -> str:
    match cap.period:
        case CapPeriod.CALENDAR_YEAR:
            return f"{on.year} 年度"
        case CapPeriod.PROGRAMME_YEAR:
            return f"自 {period_of(cap, on)} 起的政策年度"
        case CapPeriod.ROLLING_YEAR:
            return "近十二个月"
        case _:
            return "累计"


def takes(
    caps: Iterable[BoundCap], base: TrackAmount, amount: Decimal
) -> list[tuple[BoundCap, Account, Decimal]]:
    """What the granted amount takes from each account: of a cap of some tracks or of a contract, only their part."""
    taken: list[tuple[BoundCap, Account, Decimal]] = []
    if amount <= ZERO:
        return taken
    for weight in base.parts.values():
        if weight > ZERO:
            break
    else:
        return taken
    parts: dict[Share, Decimal] | None = None
    for bound in caps:
        tracks, is_per_contract = bound.cap.tracks, bound.cap.subject is _CONTRACT
        for account in bound.accounts:
            if account.limit is None or not account.counted:
                continue
            if not tracks and not is_per_contract:
                taken.append((bound, account, amount))  # all parts together
                continue
            if parts is None:
                parts = share_out(base.parts, amount)
            part = ZERO
            for (track, contract_no), value in parts.items():
                if (not tracks or track in tracks) and (
                    not is_per_contract or contract_no == account.subject
                ):
                    part += value
            if part > 0:
                taken.append((bound, account, part))
    return taken


def uses(caps: Iterable[BoundCap], base: TrackAmount, amount: Decimal) -> tuple[CapUse, ...]:
    """`takes`, as an assessment tells it."""
    return tuple(
        CapUse(key=account.key, limit=account.limit, amount=part)
        for _bound, account, part in takes(caps, base, amount)
        if account.limit is not None
    )
