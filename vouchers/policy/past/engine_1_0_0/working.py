"""The collector of working lines, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers.money import Rounding, round_fen, round_yuan, thousands
from vouchers.policy.assessment import Line, Operand
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import Citation
from vouchers.policy.terms import Confidence, RoundMode, RoundUnit

ZERO = Decimal("0.00")


_MODES: dict[RoundMode, Rounding] = {
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
