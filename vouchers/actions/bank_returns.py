"""银行回执: what the bank answers, line by line; each instruction has one effect, however often and in whatever order it is told.

============  ==========================================================================================================
the line is   the bank says
============  ==========================================================================================================
sent          confirmed → paid · returned → owed again, its account put out of use · unknown → to be asked after
unknown       confirmed, returned → as above · unknown → nothing new
confirmed     confirmed → nothing new · returned → owed again (退汇) · confirmed under another reference → refused, held
returned      returned → nothing new · confirmed → refused, held: it may have been paid twice
============  ==========================================================================================================

An answer that is older by the bank's own clock than the one taken in is nothing new, whatever it says. A faulty line is refused
with its place and what is wrong there, and kept with the file; the others are taken in, each whole. A file that does not agree
with its own totals, or cannot be read, is refused as a whole: what was cut off or altered proves nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils import timezone

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions import ledger
from vouchers.actions.bank_files import OUTCOMES, BankFile, BankLine, LineFault
from vouchers.actions.clawbacks import DEMANDED
from vouchers.actions.holds import place_hold
from vouchers.actions.ledger_chains import Budget, Chain, event_id, post_all
from vouchers.actions.outbox import enqueue
from vouchers.actions.payment_caps import give_room_back
from vouchers.actions.payment_corrections import correct_if_possible
from vouchers.actions.payment_lists import lines_of, lock_payments
from vouchers.actions.treasury_parts import paid_by_treasury
from vouchers.actions.vouchers import budgets_of
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import BankAccount, BankReturn, PaymentBatch, PaymentLine, User
from vouchers.models.payment_lines import PaymentLineState
from vouchers.models.payments import PaymentBatchState
from vouchers.money import ZERO, thousands
from vouchers.numbers import next_no
from vouchers.states import advance, not_now

LONGEST_REFERENCE, LONGEST_REASON = 60, 200
FORMULA = ("=", "+", "-", "@")
#: the ground of the hold on a payment of which the bank said two things
CONTRADICTED = "bank_contradiction"
VERBS = {"confirmed": "confirm", "returned": "return", "unknown": "doubt"}


@dataclass(frozen=True)
class Step:
    """What one line of the answer does: nothing new when ``verb`` is empty."""

    line: PaymentLine
    said: BankLine
    verb: str


@dataclass
class _Counts:
    told: dict[str, int] = field(default_factory=dict)

    def of(self, verb: str) -> int:
        return self.told.get(verb, 0)


def settle_batch(batch: PaymentBatch, file: BankFile, *, by: User) -> BankReturn:
    """Take a file of answers in. A faulty line is refused and kept in ``refused_lines``; the others have their effect. Where no line is
    good, the first fault is raised and nothing is taken in.

    Each confirmed or returned line tells the casework by an outbox message. Raises ``NotNow`` (``payment_batch.not_now``) and
    ``Invalid`` (``bank_return.empty``, ``.count``, ``.total``; of lines ``.unknown_line``, ``.duplicate``, ``.amount``, ``.outcome``,
    ``.later``, ``.too_long``, ``.reference``, ``.contradiction``, and ``payment.clawed_back``)."""
    announce("payment_batch.settle")
    require_role(by, Role.FINANCE, region=batch.region)
    batch.refresh_from_db(from_queryset=PaymentBatch.objects.select_for_update(no_key=True))
    if batch.state not in (PaymentBatchState.EXPORTED, PaymentBatchState.SETTLED):
        raise not_now(batch, "settle")
    _require_whole(file)
    steps, refused = _read(batch, file)
    if not steps:
        raise next((one for one in refused if one.keep), refused[0])
    counts = _Counts()
    for step in steps:
        counts.told[step.verb] = counts.of(step.verb) + 1
    faults = [*file.faults, *(one.fault for one in refused)]
    kept = BankReturn.objects.create(
        return_no=next_no("BR", dates.today()),
        batch=batch,
        filename=file.filename[:200],
        content=file.content,
        sha256=hashlib.sha256(file.content).hexdigest(),
        line_count=file.count,
        line_sum=file.total,
        confirmed_count=counts.of("confirm"),
        returned_count=counts.of("return"),
        unknown_count=counts.of("doubt"),
        repeated_count=counts.of(""),
        refused_lines=[fault.told() for fault in sorted(faults, key=lambda one: one.row)],
        taken_in_by=by,
        taken_in_at=dates.now(),
    )
    take_in(batch, [step for step in steps if step.verb], by, kept)
    return kept


# -- reading ---------------------------------------------------------------------------------------------------------


class _Refused(Invalid):
    """One line's fault: raised inside the reading of that line; of the file only where no line is good."""

    fault: LineFault


def _refused(code: str, said: BankLine, what: str, *, hint: str = "", keep: bool = False) -> _Refused:
    message = f"银行回执第 {said.row} 行{what}，该行未入账。"
    refusal = _Refused(code, message, field="file", hint=hint, keep=keep)
    refusal.fault = LineFault(said.row, code, message, said.instruction_no, said.amount)
    return refusal


def _require_whole(file: BankFile) -> None:
    """The file agrees with what it states of itself."""
    if not file.lines and not file.faults:
        raise Invalid("bank_return.empty", "银行回执中没有明细行。", field="file")
    count = len(file.lines) + len(file.faults)
    if file.count != count:
        raise Invalid(
            "bank_return.count",
            f"银行回执载明 {file.count} 笔，明细为 {count} 笔，整份回执未入账。",
            field="file",
            hint="文件可能不完整，请向银行重新索取。",
        )
    amounts = [*(line.amount for line in file.lines), *(fault.amount for fault in file.faults)]
    total = sum(amounts, ZERO)
    if total != file.total:
        raise Invalid(
            "bank_return.total",
            f"银行回执载明合计 {thousands(file.total)} 元，明细合计 {thousands(total)} 元，整份回执未入账。",
            field="file",
            hint="文件可能不完整或被改动，请向银行重新索取。",
        )
    if not file.lines:
        first = file.faults[0]
        raise Invalid(first.code, first.message, field="file")


def _read(batch: PaymentBatch, file: BankFile) -> tuple[list[Step], list[_Refused]]:
    """What each line does, and the refusals of those that are faulty. The payments that it names are held from here on: what is
    demanded back of one, or set off against it, waits."""
    lines = [said if said.row else replace(said, row=place) for place, said in enumerate(file.lines, start=1)]
    sent = {line.instruction_no: line for line in lines_of(batch) if line.state != PaymentLineState.LISTED}
    lock_payments([sent[said.instruction_no] for said in lines if said.instruction_no in sent])
    times = Counter(said.instruction_no for said in lines)
    steps: list[Step] = []
    refused: list[_Refused] = []
    for said in lines:
        line = sent.get(said.instruction_no)
        try:
            if line is None:
                raise _unknown(batch, said)
            if times[said.instruction_no] > 1:
                raise _refused(
                    "bank_return.duplicate",
                    said,
                    f"的指令号 {said.instruction_no} 在文件中重复出现，以哪一行为准不明",
                    hint="请向银行核实后另附回执导入。",
                )
            _check_line(said, line)
            steps.append(Step(line, said, _verb_of(said, line)))
        except _Refused as refusal:
            refused.append(refusal)
    return steps, refused


def _unknown(batch: PaymentBatch, said: BankLine) -> _Refused:
    rows = PaymentLine.objects.filter(instruction_no=said.instruction_no, batch__region=batch.region_id)
    other = rows.select_related("batch").first()
    where = f"（属于批次 {other.batch.batch_no}）" if other else ""
    return _refused(
        "bank_return.unknown_line",
        said,
        f"的指令号 {said.instruction_no[:40]} 不在本批次已报送的清单中{where}",
        hint="请核对回执是否属于本批次。",
    )


def _check_line(said: BankLine, line: PaymentLine) -> None:
    today = dates.today()
    if said.outcome not in OUTCOMES:
        raise _refused("bank_return.outcome", said, f"的结果应为 {'、'.join(OUTCOMES)} 之一")
    if said.amount != line.amount:
        told = f"金额 {thousands(said.amount)} 元与指令金额 {thousands(line.amount)} 元不一致"
        raise _refused("bank_return.amount", said, told)
    if said.paid_on is not None and said.paid_on > today:
        raise _refused("bank_return.later", said, f"的日期 {said.paid_on} 晚于今天")
    if said.answered_at is not None and timezone.localtime(said.answered_at).date() > today:
        raise _refused(
            "bank_return.later", said, f"的银行处理时间 {said.answered_at:%Y-%m-%d %H:%M} 晚于今天"
        )
    if len(said.bank_reference) > LONGEST_REFERENCE or len(said.reason) > LONGEST_REASON:
        limits = f"分别不超过 {LONGEST_REFERENCE} 字、{LONGEST_REASON} 字"
        raise _refused("bank_return.too_long", said, f"的流水号或退票原因过长（{limits}）")
    if said.bank_reference[:1] in FORMULA:
        raise _refused(
            "bank_return.reference", said, f"的流水号以“{said.bank_reference[:1]}”开头，不是银行流水号"
        )


def _verb_of(said: BankLine, line: PaymentLine) -> str:
    if said.answered_at and line.bank_answered_at and said.answered_at < line.bank_answered_at:
        return ""
    again = said.outcome == line.state or (said.outcome == "unknown" and line.state != PaymentLineState.SENT)
    other_reference = (
        said.outcome == line.state == PaymentLineState.CONFIRMED
        and bool(said.bank_reference and line.bank_reference)
        and said.bank_reference != line.bank_reference
    )
    paid_after_return = line.state == PaymentLineState.RETURNED and said.outcome == "confirmed"
    if other_reference or paid_after_return:
        raise _contradicted(said, line)
    if again:
        return ""
    if line.state == PaymentLineState.CONFIRMED:
        _require_not_clawed_back(said, line)
    return VERBS[said.outcome]


def _contradicted(said: BankLine, line: PaymentLine) -> _Refused:
    payment = line.payment
    before = (
        f"{line.get_state_display()}（流水号 {line.bank_reference or '无'}）"
        if line.state == PaymentLineState.CONFIRMED
        else line.get_state_display()
    )
    place_hold(
        "payment",
        payment.payment_no,
        ground=CONTRADICTED,
        sentence=f"银行对拨付指令 {line.instruction_no} 先后答复不一，是否重复到账须向银行核实。",
        evidence=[f"payment:{payment.payment_no}", f"payment_batch:{line.batch.batch_no}"],
        region_code=payment.program.region.code,
        party=payment.payee,
        by=None,
    )
    return _refused(
        "bank_return.contradiction",
        said,
        f"称 {said.instruction_no} 已到账（流水号 {said.bank_reference or '无'}），此前的回执为{before}",
        hint="该笔已暂缓，请向银行查询是否重复到账。",
        keep=True,
    )


def _require_not_clawed_back(said: BankLine, line: PaymentLine) -> None:
    demanded = line.payment.clawbacks.filter(state__in=DEMANDED).first()
    if demanded is not None:
        raise _refused(
            "payment.clawed_back",
            said,
            f"的 {line.instruction_no} 已在追回 {demanded.clawback_no} 中要求退回，不能登记退票",
            hint="请先由核准人撤销该追回，再登记退票。",
        )


# -- taking in -------------------------------------------------------------------------------------------------------


def take_in(batch: PaymentBatch, steps: Sequence[Step], by: User, kept: BankReturn | None) -> None:
    """Move lines and payments, then the ledger, last and in one call."""
    budgets = budgets_of([step.line.payment for step in steps])
    chains: list[Chain] = []
    for step in steps:
        line, said, payment = step.line, step.said, step.line.payment
        was_paid = line.state == PaymentLineState.CONFIRMED
        on = said.paid_on or dates.today()
        answered = {
            "answered_at": dates.now(),
            "bank_answered_at": said.answered_at or line.bank_answered_at,
            "bank_return": kept or line.bank_return,
        }
        budget = budgets[payment.voucher_no]
        if step.verb == "confirm":
            paid = {"paid_on": on, "bank_reference": said.bank_reference}
            advance(line, "confirm", by=by, region=batch.region, update=answered | paid)
            advance(payment, "confirm", by=by, region=batch.region, update=paid)
            chains.append(
                ledger.mark_paid_chain(
                    budget,
                    payment.payment_no,
                    line.amount,
                    on=on,
                    id=event_id("pay", line.instruction_no),
                )
            )
            _tell("applications.payment_confirmed", line, paid_on=on.isoformat())
        elif step.verb == "return":
            reason = {"returned_reason": said.reason}
            advance(line, "return", by=by, region=batch.region, update=answered | reason)
            advance(payment, "return", by=by, region=batch.region, update={**reason, "paid_on": None})
            if line.account is not None:  # once: another line of the file may have put it out of use
                BankAccount.objects.filter(pk=line.account.pk, superseded_at=None).update(
                    superseded_at=dates.now()
                )
            correct_if_possible(payment, by=by)
            back = ledger.returned_chain(
                budget,
                payment.payment_no,
                line.amount,
                payee_uscc=line.payee_uscc,
                on=on,
                id=event_id("return", line.instruction_no),
                after_paid=was_paid,
                borne=_borne_before(line, budget) if was_paid else None,
            )
            chains.append(give_room_back(back, line))
            _tell("applications.payment_returned", line, reason=said.reason, after_paid=was_paid)
        else:
            advance(line, "doubt", by=by, region=batch.region, update=answered)
            advance(payment, "doubt", by=by, region=batch.region)
    _close(batch, by)
    for result in post_all(chains):
        result.demand()


def _borne_before(line: PaymentLine, budget: Budget) -> dict[str, Decimal] | None:
    """What each treasury paid of a line that had arrived; None where one bears all."""
    if not budget.bearers:
        return None
    return paid_by_treasury(line.payment.payment_no)


def _tell(task: str, line: PaymentLine, **more: Any) -> None:
    payload = {"claim_no": line.payment.claim_no, "payment_no": line.payment.payment_no, **more}
    enqueue(task, payload, key=line.instruction_no)


def _close(batch: PaymentBatch, by: User) -> None:
    """The batch is done once every instruction has its outcome."""
    waiting = batch.lines.filter(state__in=(PaymentLineState.SENT, PaymentLineState.UNKNOWN))
    if batch.state == PaymentBatchState.EXPORTED and not waiting.exists():
        advance(batch, "settle", by=by, region=batch.region, update={"settled_at": dates.now()})
