"""Sharing out an amount: over contracts and tracks where a cap concerns one of them, and over the treasuries that bear it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vouchers.money import round_fen
from vouchers.policy.assessment import Operand, TreasuryPart
from vouchers.policy.past.engine_1_1_0.working import ZERO, Sum, Working, money, percent
from vouchers.policy.rules import Scheme, TreasuryShare

Share = tuple[str, str]
"""A track's code and a contract's number ("" where an item has no contract)."""

FEN = Decimal("0.01")


def share_out(weights: Mapping[Share, Decimal], amount: Decimal) -> dict[Share, Decimal]:
    """The amount shared out by weights, exactly: to the fen, and what truncation leaves a fen each to the largest remainders.

    Weights of zero and below take nothing. Where the amount is the weights' own sum each keeps its weight, so that a
    contract's part is what its own rate gave. No part exceeds its weight (rounded up to the fen) unless all do.
    """
    if len(weights) == 1:
        return {key: amount for key, weight in weights.items() if weight > 0}
    positive = {key: weight for key, weight in sorted(weights.items()) if weight > 0}
    total = sum(positive.values(), ZERO)
    if amount == total or len(positive) < 2:
        return positive if amount == total else dict.fromkeys(positive, amount)
    exact = {key: amount * weight / total for key, weight in positive.items()}
    parts = {key: round_fen(value, "down") for key, value in exact.items()}
    rest = amount - sum(parts.values(), ZERO)
    for key in sorted(parts, key=lambda one: parts[one] - exact[one]):
        step = min(rest, FEN)
        parts[key] += step
        rest -= step
    return parts


def split_over_treasuries(
    scheme: Scheme, amount: Sum, working: Working
) -> tuple[tuple[TreasuryPart, ...], Sum]:
    """What each treasury bears, in the scheme's order, with its lines; the last line's result is the amount again.

    Each treasury in turn takes its share of what the ones before it left, truncated to the fen; the one that takes the rest
    bears what remains. So the parts add up to the fen, and none falls when the amount grows.
    """
    rows = scheme.treasury_shares
    if not rows:
        return (), amount
    taker = next((row for row in rows if row.takes_rest), rows[-1])
    bears: dict[str, Sum] = {}
    left, open_share = amount, Decimal(1)
    others = [row for row in rows if row is not taker]
    for place, row in enumerate(others, start=1):
        part = _bear(row, left, open_share, working)
        bears[row.code] = part
        open_share -= row.share
        if place < len(others):
            left = _leave(left, part, row, working)
    bears[taker.code] = _bear_rest(taker, left, bears.get(others[-1].code) if others else None, working)
    parts = tuple(
        TreasuryPart(code=row.code, treasury=row.treasury, share=row.share, amount=bears[row.code].value)
        for row in rows
    )
    words = "，".join(f"{part.treasury} {money(part.amount)}" for part in parts)
    total = working.add(
        "treasury",
        "sum",
        amount.value,
        lambda: (
            [bears[row.code].operand(row.treasury) for row in rows],
            f"由各级财政分担：{words}，合计 {money(amount.value)}。",
        ),
    )
    return parts, total


def _bear(row: TreasuryShare, left: Sum, open_share: Decimal, working: Working) -> Sum:
    """The row's part of what the rows before it left."""
    value = round_fen(left.value * row.share / open_share, "down") if open_share > 0 else ZERO
    return working.add(
        f"treasury.{row.code}",
        "pro_rata" if open_share > 0 else "zero",
        value,
        lambda: (
            [
                left.operand("尚待分担"),
                Operand(name="负担比例", value=row.share, unit=""),
                Operand(name="尚待分担的比例", value=open_share, unit=""),
            ],
            f"{row.treasury}负担 {percent(row.share)}：{money(left.value)} × {percent(row.share)}"
            f"{'' if open_share == 1 else f' ÷ {percent(open_share)}'}，舍去分以下，计 {money(value)}。",
        ),
        row.source("share"),
    )


def _leave(left: Sum, part: Sum, row: TreasuryShare, working: Working) -> Sum:
    rest = left.value - part.value
    return working.add(
        "treasury.left",
        "difference",
        rest,
        lambda: (
            [left.operand("尚待分担"), part.operand(row.treasury)],
            f"其余 {money(rest)}由其他财政负担。",
        ),
    )


def _bear_rest(row: TreasuryShare, left: Sum, part: Sum | None, working: Working) -> Sum:
    """The rest, with the fen that truncation left."""
    rest = left.value - (part.value if part else ZERO)
    return working.add(
        f"treasury.{row.code}",
        "difference",
        rest,
        lambda: (
            [left.operand("尚待分担"), *([part.operand("已分担")] if part else [])],
            f"{row.treasury}负担 {percent(row.share)}及尾数：{money(rest)}。",
        ),
        row.source("share"),
    )
