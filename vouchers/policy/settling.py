"""The second half of an assessment: what a weighed case gets beside what was used before it.

Bands of the year, caps, what was asked for, the voucher's balance, rounding, minimums, and the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.cap_limits import UsedOf, apply_cap, lower
from vouchers.policy.conditions import (
    FloorHeld,
    VoucherNow,
    check_floors,
    check_voucher,
    find_floors,
    year_basis_of,
)
from vouchers.policy.other_money import deduct_other_money
from vouchers.policy.rates import TrackAmount, rate_groups
from vouchers.policy.rules import Track
from vouchers.policy.shares import Share, share_out
from vouchers.policy.terms import FindingResult, GateEffect, Outcome, Stage, TrackChoice
from vouchers.policy.weighing import Weighed
from vouchers.policy.working import ZERO, Sum, Working, money, round_amount
from vouchers.policy.year_so_far import YearKeys, year_so_far

_APPLICATION = Stage.APPLICATION
_REFUSED = Outcome.REFUSED
_REVIEW = Outcome.REVIEW
_ELIGIBLE = Outcome.ELIGIBLE


@dataclass(slots=True)
class Before:
    """What was taken before the case: of each cap by its key, and the year's base by track and ladder; `keys` says how a
    ladder's is found there."""

    used: UsedOf
    year_basis: Mapping[str, Decimal]
    keys: YearKeys = YearKeys.SORTED


@dataclass(slots=True)
class Settled:
    """What came out. `amount` is what the arithmetic gave, on its last line; `granted` what may be granted. `year_basis` is
    what the case adds to the year's base when it is granted, by track: that of the tracks that took part."""

    base: TrackAmount
    amount: Sum
    granted: Decimal
    outcome: Outcome
    year_basis: list[tuple[str, Decimal]]


class Settling:
    """One case on its way: its tracks one after the other, then the case as a whole."""

    __slots__ = ("_below", "_taking_part", "before", "results", "weighed", "working")

    def __init__(self, weighed: Weighed, before: Before, working: Working) -> None:
        self.weighed = weighed
        self.before = before
        self.working = working
        self.results: list[TrackAmount] = []
        self._below: dict[str, list[FloorHeld]] = {}
        self._taking_part: list[TrackAmount] = self.results

    def settle_track(self) -> None:
        """The next track's amount under its own caps and floors."""
        weighed, plan, working = self.weighed, self.weighed.plan, self.working
        place = len(self.results)
        before, rates = self.before, plan.rates[place]
        earlier = year_so_far(rates, before.year_basis, before.keys)
        one = rate_groups(plan.scheme.rounding, rates, plan.stage, earlier, weighed.groups[place], working)
        for cap in plan.track_caps[place]:
            bound = weighed.caps.get(cap)
            if bound is not None:
                apply_cap(bound, before.used, one, working)
        self.results.append(one)
        if floors := plan.track_floors[place]:
            track = plan.tracks[place]
            year = before.year_basis.get(track.code, ZERO)
            self._below[track.code] = check_floors(floors, year, one, one.amount.value, working)

    def settle(self, voucher: VoucherNow | None) -> Settled:
        """The whole case, once all its tracks are settled."""
        weighed, working = self.weighed, self.working
        plan, caps = weighed.plan, weighed.caps
        scheme, used = plan.scheme, self.before.used
        base = self.results[0] if len(self.results) == 1 else self._combined()
        if plan.other_money:
            limit = caps.get(plan.shared_limit) if plan.shared_limit is not None else None
            deduct_other_money(scheme.other_money, weighed.other, limit, used, base, working)
        if base.amount.value < ZERO:
            base.amount = _not_negative(base.amount, working)
        for cap in plan.case_caps:
            bound = caps.get(cap)
            if bound is not None:
                apply_cap(bound, used, base, working)
        if weighed.requested is not None:
            _within_request(weighed.requested, base, working)
        if voucher is not None and plan.stage is not _APPLICATION:
            _within_voucher(voucher, base, working)
        amount = round_amount(scheme.rounding, base.amount, working, base.bound)
        if base.basis <= ZERO and base.quantity <= ZERO:
            _find_no_basis(plan.tracks[0], working)
        if plan.floors:
            year = year_basis_of(plan.codes, self.before.year_basis)
            find_floors(check_floors(plan.floors, year, base, amount.value, working), working)
        if working.failed:
            return Settled(base, amount, ZERO, _REFUSED, [])
        bases = [(one.track.code, one.basis or one.quantity) for one in self._taking_part]
        for one in self._taking_part:
            bases += one.by_ladder
        outcome = _REVIEW if working.open else _ELIGIBLE
        return Settled(base, amount, amount.value, outcome, bases)

    def _combined(self) -> TrackAmount:
        """Of several tracks: the highest, or the sum. Where several stand, one below a floor that names it takes no part
        as long as another reaches its own."""
        results = self.results
        reached = [one for one in results if not self._below.get(one.track.code)]
        effect = GateEffect.EXCLUDE if 0 < len(reached) < len(results) else GateEffect.REFUSE
        for missed in self._below.values():
            find_floors(missed, self.working, effect=effect)
        results = reached or results
        base = results[0] if len(results) == 1 else _put_together(self.weighed, results, self.working)
        highest = self.weighed.plan.scheme.track_choice is TrackChoice.HIGHER_OF
        self._taking_part = [base] if highest else results
        return base


def settle(weighed: Weighed, before: Before, voucher: VoucherNow | None, working: Working) -> Settled:
    """The whole second half, for a case that was weighed whole."""
    plan = weighed.plan
    if plan.stage is not _APPLICATION:
        check_voucher(plan.scheme.voucher, plan.stage, weighed.used_on, voucher, working)
    settling = Settling(weighed, before, working)
    for _track in plan.tracks:
        settling.settle_track()
    return settling.settle(voucher)


def _put_together(weighed: Weighed, results: list[TrackAmount], working: Working) -> TrackAmount:
    scheme = weighed.plan.scheme

    def operands() -> list[Operand]:
        return [one.amount.operand(one.track.name) for one in results]

    def names() -> str:
        return "、".join(f"{one.track.name} {money(one.amount.value)}" for one in results)

    if scheme.track_choice is TrackChoice.HIGHER_OF:
        best = max(results, key=lambda one: one.amount.value)
        highest = best.amount.value
        best.amount = working.add(
            "tracks",
            "maximum",
            highest,
            lambda: (operands(), f"各方向就高：{names()}，取 {money(highest)}。"),
            scheme.source("track_choice"),
        )
        return best
    total = sum((one.amount.value for one in results), ZERO)
    amount = working.add(
        "tracks",
        "sum",
        total,
        lambda: (operands(), f"各方向相加：{names()}，共 {money(total)}。"),
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
    return working.add(
        "not_negative",
        "maximum",
        ZERO,
        lambda: (
            [amount.operand("核算金额"), Operand(name="零", value=ZERO)],
            "冲红金额大于其余明细，计 0.00 元。",
        ),
    )


def _within_request(asked: Decimal, base: TrackAmount, working: Working) -> None:
    amount, result = base.amount, max(asked, ZERO)
    base.bound = lower(base.bound, result)
    if asked >= amount.value:
        return
    base.amount = working.add(
        "requested",
        "minimum",
        result,
        lambda: (
            [amount.operand("核算金额"), Operand(name="申请金额", value=result)],
            f"申请金额为 {money(asked)}，按申请金额计 {money(result)}。",
        ),
    )


def _within_voucher(voucher: VoucherNow, base: TrackAmount, working: Working) -> None:
    balance = voucher.balance
    if balance < ZERO:
        balance = ZERO
    if working.told:
        base.amount = _tell_voucher(voucher, base.amount, balance, working)
    elif balance < base.amount.value:
        base.amount = Sum(balance)
    base.bound = lower(base.bound, balance)


def _tell_voucher(voucher: VoucherNow, amount: Sum, balance: Decimal, working: Working) -> Sum:
    """The line of what the voucher still holds, and what it leaves of the amount."""
    result = min(amount.value, balance)
    # A subsidy that is paid without a voucher draws on an entitlement, whose numbers begin with E (decision 0010).
    direct = voucher.voucher_no.startswith("E-")
    if ZERO < result < amount.value:
        short = amount.value - result
        working.hint(
            "voucher_balance",
            lambda: (
                f"核定额度不足，尚有 {money(short)}不能拨付。"
                if direct
                else f"券面余额不足，尚有 {money(short)}未能抵扣，可用于另一张券。"
            ),
            short,
        )

    def sentence() -> str:
        verdict = f"以余额为限，计 {money(result)}" if result < amount.value else "余额足够"
        noun = "核定额度" if direct else "券"
        return f"{noun} {voucher.voucher_no} 可用余额 {money(balance)}：{money(amount.value)}，{verdict}。"

    return working.add(
        "voucher_balance",
        "minimum",
        result,
        lambda: (
            [
                amount.operand("核算金额"),
                Operand(name="额度余额" if direct else "券面可用余额", value=balance),
            ],
            sentence(),
        ),
    )


def _find_no_basis(track: Track, working: Working) -> None:
    working.find(
        "basis",
        FindingResult.NOT_MET,
        track.cite,
        lambda: (
            "没有可计入补贴基数的金额",
            f"没有可计入“{track.name}”补贴基数的金额。",
            f"请提交：{'、'.join(kind.label for kind in track.basis_kinds)}。",
        ),
    )
