"""What an assessment writes down, and how numbers are written in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vouchers import money as yuan
from vouchers.money import round_fen, round_yuan, thousands
from vouchers.policy.assessment import Counterfactual, Finding, Line, Operand
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import Citation, Rounding
from vouchers.policy.terms import (
    Confidence,
    FindingResult,
    GateEffect,
    RoundMode,
    RoundUnit,
    RoundWhen,
    Untestable,
)

_DOWN = RoundMode.DOWN
_YUAN = RoundUnit.YUAN
_EACH = RoundWhen.EACH
_REFUSE = GateEffect.REFUSE
_NOT_MET = FindingResult.NOT_MET
_NOT_TESTABLE = FindingResult.NOT_TESTABLE

ZERO = Decimal("0.00")


_MODES: dict[RoundMode, yuan.Rounding] = {
    RoundMode.DOWN: "down",
    RoundMode.HALF_UP: "half_up",
    RoundMode.HALF_EVEN: "half_even",
}


def rounded(value: Decimal, mode: RoundMode, unit: RoundUnit = RoundUnit.FEN) -> Decimal:
    """The value to the fen or the yuan, as the scheme rounds."""
    return round_yuan(value, _MODES[mode]) if unit is _YUAN else round_fen(value, _MODES[mode])


@dataclass(slots=True)
class Sum:
    """A number on its way through the working, and the line that gave it."""

    value: Decimal
    line: int = 0

    def operand(self, name: str, unit: str = "元") -> Operand:
        """The number as an operand of the next line."""
        return Operand(name=name, value=self.value, unit=unit, line=self.line)


Step = tuple[Sequence[Operand], str]
"""The operands of a line, and its sentence."""
Words = tuple[str, str, str]
"""A finding in words: the fact, the sentence, the cure."""


class Working:
    """All that an assessment writes down: findings, lines, and what would change it, each in order.

    Which conditions refuse and which a person has to settle is always kept, as codes. Sentences are asked for only when
    `told`, lines only when `lines_on` too: who replays a million cases wants the amounts. The arithmetic is the same.
    """

    __slots__ = (
        "capped_by",
        "counterfactuals",
        "failed",
        "findings",
        "lines",
        "lines_on",
        "open",
        "told",
    )

    def __init__(
        self,
        *,
        lines_on: bool = True,
        told: bool = True,
        failed: Iterable[str] = (),
        open_: Iterable[str] = (),
    ) -> None:
        self.told = told
        self.lines_on = lines_on and told
        self.lines: list[Line] = []
        self.findings: list[Finding] = []
        self.counterfactuals: list[Counterfactual] = []
        self.failed: list[str] = [*failed]
        """Codes of findings that refuse the case."""
        self.open: list[str] = [*open_]
        """Codes of findings that a person has to settle."""
        self.capped_by: list[str] = []
        """Codes of caps that left less than was computed."""

    def add(
        self,
        code: str,
        operator: str,
        result: Decimal,
        tell: Callable[[], Step],
        cite: Citation | None = None,
    ) -> Sum:
        """Write a line (when lines are kept) and give its result."""
        if not self.lines_on:
            return Sum(result)
        number = len(self.lines) + 1
        operands, sentence = tell()
        self.lines.append(
            Line(
                number=number,
                code=code,
                operator=operator,
                operands=tuple(operands),
                result=result,
                sentence=sentence,
                article=cite.words if cite else "",
                confidence=cite.confidence if cite else Confidence.TEXT,
            )
        )
        return Sum(result, number)

    def find(
        self,
        code: str,
        result: FindingResult,
        cite: Citation,
        tell: Callable[[], Words],
        *,
        subject: str = "",
        effect: GateEffect = GateEffect.REFUSE,
        if_untestable: Untestable = Untestable.REVIEW,
    ) -> None:
        """Hold a condition to be met, not met or not testable."""
        if result is _NOT_MET:
            if effect is _REFUSE:
                self.failed.append(code)
            elif effect is GateEffect.REVIEW:
                self.open.append(code)
        elif result is _NOT_TESTABLE:
            (self.failed if if_untestable is Untestable.REFUSE else self.open).append(code)
        if not self.told:
            return
        fact, sentence, cure = tell()
        self.findings.append(
            Finding(
                code=code,
                result=result,
                sentence=sentence,
                fact=fact,
                subject=subject,
                article=cite.words,
                confidence=cite.confidence,
                cure=cure,
                effect=effect,
                if_untestable=if_untestable,
            )
        )

    def refuse(self, code: str) -> None:
        """What `find` keeps of a condition that is not met and refuses, where nobody wants to be told."""
        self.failed.append(code)

    def hint(self, code: str, tell: Callable[[], str], amount: Decimal | None = None) -> None:
        """Say what would change the outcome."""
        if self.told:
            self.counterfactuals.append(Counterfactual(code=code, sentence=tell(), amount=amount))

    def cap(self, code: str) -> None:
        """Keep that a cap left less than was computed."""
        self.capped_by.append(code)


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
    """An amount, or a scale in its unit: `1,234.50 元`, `1,012.736 PFLOPS`."""
    return money(value) if unit == "元" else f"{Decimal(decimal_text(value)):,f} {unit}"


def pro_rata(mode: RoundMode) -> str:
    """The operator of first × second ÷ third: its name tells how the quotient is rounded to the fen."""
    return "pro_rata" if mode is _DOWN else f"pro_rata_{mode.value}"


_UNITS = {RoundUnit.FEN: Decimal("0.01"), _YUAN: Decimal(1)}


def round_amount(rounding: Rounding, amount: Sum, working: Working, bound: Decimal | None = None) -> Sum:
    """The amount as the scheme rounds; what rounding up would lift above `bound` (a cap's rest, a balance) is truncated."""
    value, mode, unit = amount.value, rounding.mode, rounding.unit
    result = round_yuan(value, _MODES[mode]) if unit is _YUAN else round_fen(value, _MODES[mode])
    if bound is not None and result > bound:
        mode = _DOWN
        result = rounded(value, mode, unit)
    if working.lines_on and result != value:
        return _tell_rounded(rounding, mode, amount, result, working)
    return Sum(result, amount.line)


def _tell_rounded(rounding: Rounding, mode: RoundMode, amount: Sum, result: Decimal, working: Working) -> Sum:
    why = "，以免超过限额或余额" if mode is not rounding.mode else ""
    return working.add(
        "rounding",
        f"round_{mode.value}",
        result,
        lambda: (
            [amount.operand("核算金额"), Operand(name="舍入到", value=_UNITS[rounding.unit])],
            f"保留到{rounding.unit.label}，{mode.label}{why}：{money(amount.value)} → {money(result)}。",
        ),
        rounding.source("mode"),
    )


def round_step(rounding: Rounding, amount: Sum, working: Working) -> Sum:
    """A step's result rounded, where the scheme rounds each step."""
    return round_amount(rounding, amount, working) if rounding.when is _EACH else amount
