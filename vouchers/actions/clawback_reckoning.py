"""What is due back of a payment, with its working: principal, and interest and penalty where a document lays them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from vouchers import dates
from vouchers.errors import Invalid
from vouchers.models import Clawback, Payment, Program, RecoveryTerm
from vouchers.models.clawbacks import ClawbackGround, ClawbackState
from vouchers.models.recovery_terms import RecoveryKind
from vouchers.money import ZERO, round_fen, thousands, yuan


@dataclass(frozen=True)
class Reassessed:
    """What a payment should have been: ``founded_amount`` in yuan, and the lines that lead to it, each with ``label``, ``amount``,
    ``article`` and ``sentence``."""

    founded_amount: Decimal
    lines: Sequence[dict[str, str]] = ()


def line(label: str, amount: Decimal, sentence: str = "", article: str = "") -> dict[str, str]:
    """One line of the working."""
    return {"label": label, "amount": f"{amount:.2f}", "article": article, "sentence": sentence}


def term_for(program: Program, kind: str, on: date) -> RecoveryTerm | None:
    """The rate that a document lays down on a day; None where none does."""
    term: RecoveryTerm | None = (
        RecoveryTerm.objects.filter(
            program=program, kind=kind, confirmed_by__isnull=False, effective_from__lte=on
        )
        .filter(Q(effective_to=None) | Q(effective_to__gt=on))
        .order_by("-effective_from")
        .first()
    )
    return term


def taken_before(payment: Payment, but: Clawback | None = None) -> Decimal:
    """What other clawbacks take of the payment, in yuan."""
    rows = Clawback.objects.filter(payment=payment).exclude(state=ClawbackState.WITHDRAWN)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    return rows.aggregate(total=Sum("principal_amount"))["total"] or ZERO


def amount_in(amount: Any, field: str) -> Decimal:
    try:
        return yuan(amount)
    except ValueError as error:
        raise Invalid(f"clawback.{field}", f"{error}。", field=field) from error


def reckon(clawback: Clawback, reassessed: Reassessed, *, penalty_rate: Decimal | None) -> None:
    """The amounts and their working. Raises ``Invalid`` (``clawback.founded``, ``.nothing``, ``.penalty``)."""
    on, payment = dates.today(), clawback.payment
    founded = amount_in(reassessed.founded_amount, "founded")
    before = taken_before(payment, clawback if clawback.pk else None)
    if founded < 0 or founded > payment.amount:
        raise Invalid(
            "clawback.founded",
            f"重新核定金额应在 0 至 {thousands(payment.amount)} 元之间。",
            field="founded_amount",
        )
    principal = payment.amount - founded - before
    if principal <= 0:
        raise Invalid(
            "clawback.nothing",
            "重新核定后没有应退回的金额。",
            field="founded_amount",
            hint=f"已拨付 {thousands(payment.amount)} 元，重新核定 {thousands(founded)} 元，此前已要求退回 {thousands(before)} 元。",
        )
    working = [
        line(
            "已拨付", payment.amount, f"{payment.payment_no}，到账日 {payment.paid_on or payment.payable_on}"
        )
    ]
    working += list(reassessed.lines)
    working.append(line("重新核定应拨付", founded))
    if before:
        working.append(line("此前已要求退回", before))
    working.append(line("应退回补贴", principal, "已拨付 − 重新核定 − 此前已要求退回"))
    interest, told = _interest(clawback, principal, on)
    working.append(told)
    penalty, told = _penalty(clawback, principal, penalty_rate, on)
    working.append(told)
    working.append(line("合计", principal + interest + penalty))
    clawback.founded_amount = founded
    clawback.principal_amount, clawback.interest_amount, clawback.penalty_amount = (
        principal,
        interest,
        penalty,
    )
    clawback.working = working


def _interest(clawback: Clawback, principal: Decimal, on: date) -> tuple[Decimal, dict[str, str]]:
    term = term_for(clawback.program, RecoveryKind.INTEREST, on)
    since = clawback.payment.paid_on
    if term is None or since is None:
        return ZERO, line("资金占用费", ZERO, "没有载明计收依据，不计收。")
    days = max((on - since).days, 0)
    interest = round_fen(principal * term.rate_low * days / 365)
    sentence = f"本金 {thousands(principal)} 元 × 年利率 {term.rate_low:%} × {days} 天 ÷ 365"
    return interest, line("资金占用费", interest, sentence, str(term))


def _penalty(
    clawback: Clawback, principal: Decimal, rate: Decimal | None, on: date
) -> tuple[Decimal, dict[str, str]]:
    term = term_for(clawback.program, RecoveryKind.PENALTY, on)
    if term is None:
        if rate:
            raise Invalid(
                "clawback.penalty",
                "没有载明罚款的依据，不能计收罚款。",
                field="penalty_rate",
                hint="须先录入法规依据，并由另一人确认。",
            )
        return ZERO, line("罚款", ZERO, "没有载明计收依据，不计收。")
    limits = f"{term.rate_low:.0%} 至 {term.rate_high:.0%}"
    if not rate:
        return ZERO, line("罚款", ZERO, f"依据所定幅度为 {limits}，本次不计收。", str(term))
    if clawback.ground != ClawbackGround.FINDING:
        raise Invalid("clawback.penalty", "只有核查结论认定的事项可以计收罚款。", field="penalty_rate")
    if not term.rate_low <= rate <= term.rate_high:
        raise Invalid("clawback.penalty", f"罚款比例应在 {limits} 之间。", field="penalty_rate")
    penalty = round_fen(principal * rate)
    return penalty, line("罚款", penalty, f"应退回补贴 × {rate:.2%}（幅度 {limits}）", str(term))
