"""A contract's price against the row: the verdict, and the sentence that an auditor and the enterprise read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from vouchers.policy.prices.cells import UNIT_LABEL
from vouchers.policy.prices.eligibility import ALIASES, REASONS, SILENT
from vouchers.policy.prices.figures import CONTEXT, divide, ln, multiply, six, text_of
from vouchers.policy.prices.rows import LEVELS, PriceRow
from vouchers.policy.prices.votes import MAD_TO_SIGMA

ABOVE_BAND = ("refuse", "cut", "review", "none")
CONSEQUENCE_LABELS = {"passed": "通过", "refused": "不予支持", "cut": "按上限认定", "review": "转人工复核"}


@dataclass(frozen=True)
class PriceVerdict:
    """``position``: within, above, below or unknown. ``consequence``: passed, refused, cut or review.

    ``recognised_price`` is what a subsidy may rest on: the contract's price, the upper bound when cut, None when refused or
    not decided. ``excess_z`` is the robust z of the logarithm (grades A and B only), for rule F14.
    """

    position: str
    consequence: str
    unit_price: Decimal
    recognised_price: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    grade: str
    sentence: str
    reason: str = ""
    excess_z: Decimal | None = None

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "position": self.position,
            "consequence": self.consequence,
            "unit_price": text_of(self.unit_price),
            "recognised_price": text_of(self.recognised_price),
            "lower": text_of(self.lower),
            "upper": text_of(self.upper),
            "grade": self.grade,
            "sentence": self.sentence,
            "reason": self.reason,
            "excess_z": text_of(self.excess_z),
        }


def price_text(value: Decimal, places: int = 2) -> str:
    """A price for reading, half up."""
    return str(value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=CONTEXT))


def percent_text(value: Decimal) -> str:
    """A fraction in per cent with one decimal at most."""
    text = format(
        multiply(value, Decimal(100)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP, context=CONTEXT), "f"
    )
    return text.removesuffix(".0") + "%"


def date_text(row: PriceRow) -> str:
    """The day of the row as it is written in Chinese."""
    return f"{row.as_of.year}年{row.as_of.month}月{row.as_of.day}日"


def exclusions_text(row: PriceRow) -> str:
    """What was left out and why: ``剔除 3 条（单位不明 2、关联方 1）``; empty when nothing was."""
    counts: dict[str, int] = {}
    for reason, count in row.exclusions.items():
        if reason not in SILENT:
            key = ALIASES.get(reason, reason)
            counts[key] = counts.get(key, 0) + count
    if not counts:
        return "未剔除数据"
    parts = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    inner = "、".join(f"{REASONS.get(reason, reason)} {count}" for reason, count in parts)
    return f"剔除 {sum(counts.values())} 条（{inner}）"


TRANSACTIONS = ("经核验或移交的成交价", "已核验成交价")
"""What transactions are called: the word of today, then those of rows published before. The votes rest on contracts that the
casework verified, and on the past years that an office handed over with their papers; a row does not tell them apart."""


def _basis_text(row: PriceRow, word: str) -> str:
    transaction, quote = row.windows
    if row.basis == "transactions":
        return f"近 {transaction} 日{word}"
    if row.basis == "mixed":
        return f"近 {transaction} 日{word}（{row.n_t} 家）与近 {quote} 日公开报价（{row.n_q} 家）"
    return f"近 {quote} 日公开报价"


def sentences_told(row: PriceRow) -> tuple[str, ...]:
    """The row's sentence as it is told today, and as it was told when rows were published earlier."""
    return tuple(auditor_sentence(row, word) for word in TRANSACTIONS)


def auditor_sentence(row: PriceRow, transactions: str = TRANSACTIONS[0]) -> str:
    """The row in one sentence: date, cell, n, median, quartiles, band, grade, exclusions, sensitivity, level."""
    unit = UNIT_LABEL[row.cell.market]
    head = f"{date_text(row)}，{row.label}："
    if row.base is None or row.lower is None or row.upper is None:
        tried = "、".join(f"{LEVELS[level]} {count} 家" for level, count in row.steps)
        return f"{head}互不关联的供应方不足，无法得出公允价格（{tried}）；{exclusions_text(row)}。"
    assert row.phi is not None
    if row.level == "L7":
        body = f"{row.n_groups} 位独立专家意见，中位数 {price_text(row.base)} {unit}"
    elif row.level == "L5":
        body = f"本期可比价格不足，沿用上期并按同类芯片变动调整为 {price_text(row.base)} {unit}"
    else:
        assert row.q25 is not None and row.q75 is not None
        body = (
            f"{row.n_groups} 个互不关联的供应方{_basis_text(row, transactions)}，中位数 {price_text(row.base)} {unit}，"
            f"四分位 {price_text(row.q25)}—{price_text(row.q75)}"
        )
    parts = [
        body,
        f"浮动 ±{percent_text(row.phi)}，区间 {price_text(row.lower)}—{price_text(row.upper)}",
        f"评级 {row.grade}",
    ]
    text = head + "，".join(parts)
    if row.level not in ("L0", "L5", "L7"):
        text += f"（本单元不足，{LEVELS[row.level]}）"
    text += f"；{exclusions_text(row)}"
    if row.delta2 is not None and row.level not in ("L5", "L7"):
        text += f"；去掉任意两家变化不超过 {percent_text(row.delta2)}"
    if row.under_confirmation:
        text += "；离群比例过高，待确认"
    return text + "。"


def _compare_text(price: Decimal, bound: Decimal) -> tuple[str, str]:
    """Two prices that differ must also look different: two places, or six when two would hide the difference."""
    one, other = price_text(price), price_text(bound)
    if one == other and price != bound:
        return price_text(price, 6), price_text(bound, 6)
    return one, other


def excess_z(unit_price: Decimal, row: PriceRow) -> Decimal | None:
    """(ln p − ln B) / (1.4826·MAD), None below grade B or without spread."""
    if row.grade not in ("A", "B") or row.base is None or not row.mad:
        return None
    return six(divide(CONTEXT.subtract(ln(unit_price), ln(row.base)), multiply(MAD_TO_SIGMA, row.mad)))


def verdict(unit_price: Decimal, row: PriceRow, above_band: str) -> PriceVerdict:
    """Hold a normalised contract price against the row.

    ``above_band`` is the scheme's parameter: ``refuse``, ``cut``, ``review`` or ``none`` (told, but without effect). Grades D and E, rows under confirmation and
    missing prices never cut or refuse: they go to review. Raises ``ValueError`` for another ``above_band`` or a price that is
    not positive.
    """
    if above_band not in ABOVE_BAND:
        raise ValueError(f"超出区间的处理方式“{above_band}”不在可选范围内")
    if not unit_price.is_finite() or unit_price <= 0:
        raise ValueError("单价须大于零")
    unit = UNIT_LABEL[row.cell.market]
    told = auditor_sentence(row)

    def answer(
        position: str, consequence: str, recognised: Decimal | None, text: str, reason: str
    ) -> PriceVerdict:
        return PriceVerdict(
            position,
            consequence,
            unit_price,
            recognised,
            row.lower,
            row.upper,
            row.grade,
            f"{text}{told}",
            reason,
            excess_z(unit_price, row),
        )

    mine = price_text(unit_price)
    if row.base is None or row.lower is None or row.upper is None:
        text = f"合同签订价 {mine} {unit}（不含税）暂无可比的公允价格，转人工复核。"
        return answer("unknown", "review", None, text, "price.not_testable")
    if unit_price > row.upper:
        mine, bound = _compare_text(unit_price, row.upper)
        text = f"合同签订价 {mine} {unit}（不含税），高于签订日公允价格区间上限 {bound} {unit}"
        if above_band == "none":
            return answer("above", "passed", unit_price, f"{text}；本方案不与公允价格挂钩。", "")
        if not row.decides:
            why = "数据待确认" if row.under_confirmation else f"评级为 {row.grade}"
            return answer(
                "above",
                "review",
                None,
                f"{text}；因{why}，不直接认定，转人工复核。",
                "price.above_band_review",
            )
        if above_band == "refuse":
            return answer("above", "refused", None, f"{text}，不予支持。", "price.above_band")
        if above_band == "cut":
            return answer(
                "above", "cut", row.upper, f"{text}，按上限 {bound} {unit} 认定。", "price.above_band_cut"
            )
        return answer("above", "review", None, f"{text}，转人工复核。", "price.above_band_review")
    if unit_price < row.lower:
        mine, bound = _compare_text(unit_price, row.lower)
        text = (
            f"合同签订价 {mine} {unit}（不含税），低于签订日公允价格区间下限 {bound} {unit}，按合同价认定。"
        )
        return answer("below", "passed", unit_price, text, "price.below_band")
    text = (
        f"合同签订价 {mine} {unit}（不含税），在签订日公允价格区间 {price_text(row.lower)}—{price_text(row.upper)} "
        f"{unit} 之内。"
    )
    return answer("within", "passed", unit_price, text, "")
