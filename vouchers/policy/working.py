"""The collector of working lines, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers import money as yuan
from vouchers.money import round_fen, round_yuan, thousands
from vouchers.policy.assessment import Line, Operand
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import Citation, Rounding
from vouchers.policy.terms import Confidence, RoundMode, RoundUnit, RoundWhen

ZERO = Decimal("0.00")


_MODES: dict[RoundMode, yuan.Rounding] = {
    RoundMode.DOWN: "down",
    RoundMode.HALF_UP: "half_up",
    RoundMode.HALF_EVEN: "half_even",
}


def rounded(value: Decimal, mode: RoundMode, unit: RoundUnit = RoundUnit.FEN) -> Decimal:
    """The value to the fen or the yuan, as the scheme rounds."""
    return round_yuan(value, _MODES[mode]) if unit is RoundUnit.YUAN else round_fen(value, _MODES[mode])


@dataclass(frozen=True)
class Sum:
    """A number on its way through the working, and the line that gave it."""

    value: Decimal
    line: int = 0

    def operand(self, name: str, unit: str = "元") -> Operand:
        """The number as an operand of the next line."""
        return Operand(name=name, value=self.value, unit=unit, line=self.line)


class Working:
    """Lines in order. With `on` false it keeps none, and the arithmetic is the same."""

    def __init__(self, *, on: bool = True) -> None:
        self.on = on
        self.lines: list[Line] = []

    def add(
        self,
        code: str,
        operator: str,
        operands: Sequence[Operand],
        result: Decimal,
        sentence: Callable[[], str],
        cite: Citation | None = None,
    ) -> Sum:
        """Write a line (when lines are kept) and give its result."""
        if not self.on:
            return Sum(result)
        number = len(self.lines) + 1
        self.lines.append(
            Line(
                number=number,
                code=code,
                operator=operator,
                operands=tuple(operands),
                result=result,
                sentence=sentence(),
                article=cite.words if cite else "",
                confidence=cite.confidence if cite else Confidence.TEXT,
            )
        )
        return Sum(result, number)


def money(value: Decimal) -> str:
    """`1,234.50 元`; an exact amount finer than a fen keeps its places."""
    exact = decimal_text(value)
    if len(exact.partition(".")[2]) > 2:
        return f"{value:,f} 元"
    return f"{thousands(value)} 元"


def percent(rate: Decimal) -> str:
    """`0.2` as `20%`."""
    return f"{decimal_text(rate * 100)}%"


def figure(value: Decimal, unit: str = "元") -> str:
    """An amount, or a scale in its unit: `1,234.50 元`, `12.5 PFLOPS`."""
    return money(value) if unit == "元" else f"{decimal_text(value)} {unit}"


def pro_rata(mode: RoundMode) -> str:
    """The operator of first × second ÷ third: its name tells how the quotient is rounded to the fen."""
    return "pro_rata" if mode is RoundMode.DOWN else f"pro_rata_{mode.value}"


_UNITS = {RoundUnit.FEN: Decimal("0.01"), RoundUnit.YUAN: Decimal(1)}


def round_amount(rounding: Rounding, amount: Sum, working: Working, bound: Decimal | None = None) -> Sum:
    """The amount as the scheme rounds; what rounding up would lift above `bound` (a cap's rest, a balance) is truncated."""
    result = rounded(amount.value, rounding.mode, rounding.unit)
    mode = rounding.mode
    if bound is not None and result > bound:
        mode = RoundMode.DOWN
        result = rounded(amount.value, mode, rounding.unit)
    if result == amount.value:
        return Sum(result, amount.line)
    why = "，以免超过限额或余额" if mode is not rounding.mode else ""
    return working.add(
        "rounding",
        f"round_{mode.value}",
        [amount.operand("核算金额"), Operand(name="舍入到", value=_UNITS[rounding.unit])],
        result,
        lambda: f"保留到{rounding.unit.label}，{mode.label}{why}：{money(amount.value)} → {money(result)}。",
        rounding.source("mode"),
    )


def round_step(rounding: Rounding, amount: Sum, working: Working) -> Sum:
    """A step's result rounded, where the scheme rounds each step."""
    return round_amount(rounding, amount, working) if rounding.when is RoundWhen.EACH else amount
