"""The working re-added by other hands: a few lines that know the operators' names and nothing of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext

from vouchers.policy.assessment import Assessment

Values = Sequence[Decimal]
FEN = Decimal("0.01")


def to(unit: str | Decimal, rounding: str) -> Callable[[Decimal], Decimal]:
    return lambda value: value.quantize(Decimal(unit), rounding)


def quotient(values: Values) -> Decimal:
    return values[0] * values[1] / values[2] if values[2] else Decimal(0)


OPERATORS: dict[str, Callable[[Values], Decimal]] = {
    "sum": lambda values: sum(values, Decimal(0)),
    "difference": lambda values: values[0] - sum(values[1:], Decimal(0)),
    "product": lambda values: values[0] * values[1],
    "tier": lambda values: max(sum(values[:-1], Decimal(0)), Decimal(0)),
    "minimum": min,
    "maximum": max,
    "pro_rata": lambda values: to(FEN, ROUND_DOWN)(quotient(values)),
    "pro_rata_half_up": lambda values: to(FEN, ROUND_HALF_UP)(quotient(values)),
    "pro_rata_half_even": lambda values: to(FEN, ROUND_HALF_EVEN)(quotient(values)),
    "pro_rata_scale": lambda values: to("0.000001", ROUND_DOWN)(quotient(values)),
    "round_down": lambda values: to(values[1], ROUND_DOWN)(values[0]),
    "round_half_up": lambda values: to(values[1], ROUND_HALF_UP)(values[0]),
    "round_half_even": lambda values: to(values[1], ROUND_HALF_EVEN)(values[0]),
    "exclude": lambda values: Decimal(0),
    "zero": lambda values: Decimal(0),
}


def re_add(answer: Assessment) -> Decimal:
    """Each line again from its operands alone, which must be facts, rules or results of earlier lines; the last result."""
    results: dict[int, Decimal] = {}
    with localcontext(Context(prec=60)):
        for line in answer.lines:
            for operand in line.operands:
                assert not operand.line or results[operand.line] == operand.value, line
            results[line.number] = OPERATORS[line.operator]([operand.value for operand in line.operands])
            assert results[line.number] == line.result, line
    return answer.lines[-1].result if answer.lines else Decimal(0)
