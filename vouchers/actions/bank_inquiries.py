"""查询: instructions whose outcome is not known are asked after under their own number, never sent anew."""

from __future__ import annotations

import hashlib
import json
from datetime import date

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.bank_files import BankLine
from vouchers.actions.bank_returns import LONGEST_REFERENCE, VERBS, Step, take_in
from vouchers.actions.payment_lists import lines_of, lock_payments
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import PaymentBatch, PaymentLine, User
from vouchers.models.payment_lines import PaymentLineState
from vouchers.states import advance


def inquire(batch: PaymentBatch, *, by: User) -> list[PaymentLine]:
    """查询: ask the bank after every instruction without an outcome, under its own number. None is sent anew: what was not
    answered is unknown until the bank says what became of it. Raises ``NotNow`` (``payment_batch.nothing_waits``)."""
    announce("payment_batch.inquire")
    require_role(by, Role.FINANCE, region=batch.region)
    batch.refresh_from_db(from_queryset=PaymentBatch.objects.select_for_update(no_key=True))
    lines = [
        line for line in lines_of(batch) if line.state in (PaymentLineState.SENT, PaymentLineState.UNKNOWN)
    ]
    if not lines:
        raise NotNow("payment_batch.nothing_waits", "本批次没有待查的指令。")
    for line in lines:
        if line.state == PaymentLineState.SENT:
            advance(line, "doubt", by=by, region=batch.region)
            advance(line.payment, "doubt", by=by, region=batch.region)
        line.inquiries += 1
        line.inquired_at = dates.now()
        line.save(update_fields=["inquiries", "inquired_at"])
    return lines


def record_finding(
    line: PaymentLine,
    *,
    outcome: str,
    document_no: str,
    by: User,
    bank_reference: str = "",
    found_on: date | None = None,
) -> PaymentLine:
    """登记查复: what the bank's letter says of an unknown instruction. It counts once another person has confirmed it.

    Raises ``NotNow`` (``payment_line.not_unknown``) and ``Invalid`` (``finding.outcome``, ``.document``, ``.date``, ``.too_long``)."""
    announce("payment_line.record_finding")
    require_role(by, Role.FINANCE, region=line.batch.region)
    line.refresh_from_db(from_queryset=PaymentLine.objects.select_for_update(of=("self",), no_key=True))
    if line.state != PaymentLineState.UNKNOWN:
        raise NotNow(
            "payment_line.not_unknown",
            f"{line.instruction_no} 目前为“{line.get_state_display()}”，不需查复。",
        )
    if outcome not in ("confirmed", "returned"):
        raise Invalid("finding.outcome", "请选择查明的结果：已到账或退票。", field="outcome")
    if not document_no.strip():
        raise Invalid("finding.document", "请填写银行查复书的文号。", field="document_no")
    if found_on is not None and found_on > dates.today():
        raise Invalid("finding.date", "到账或退票的日期不能晚于今天。", field="found_on")
    if len(bank_reference) > LONGEST_REFERENCE:
        raise Invalid("finding.too_long", f"流水号不超过 {LONGEST_REFERENCE} 字。", field="bank_reference")
    line.found_outcome = outcome
    line.found_document = document_no.strip()[:100]
    line.found_reference = bank_reference.strip()
    line.found_on = found_on
    line.found_by = by
    line.save(update_fields=["found_outcome", "found_document", "found_reference", "found_on", "found_by"])
    return line


def finding_digest(line: PaymentLine) -> str:
    """What stands registered of an unknown instruction, as a hash: who confirms says with it what they have read."""
    told = (
        line.instruction_no,
        line.found_outcome,
        line.found_document,
        line.found_reference,
        line.found_on.isoformat() if line.found_on else "",
        line.found_by_id,
    )
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def confirm_finding(line: PaymentLine, *, by: User, seen: str | None = None) -> PaymentLine:
    """Another person has compared it with the letter: the instruction has that outcome. ``seen`` is the ``finding_digest`` of what they
    compared; it is refused where somebody has written another finding since.

    Raises ``NotNow`` (``payment_line.no_finding``, ``finding.changed``) and ``Forbidden`` (``access.same_person``)."""
    announce("payment_line.confirm_finding", line.found_document)
    require_role(by, Role.FINANCE, region=line.batch.region)
    seen = finding_digest(line) if seen is None else seen
    batch = PaymentBatch.objects.select_for_update(no_key=True).get(pk=line.batch_id)
    lock_payments([line])
    line = next(one for one in lines_of(batch) if one.pk == line.pk)
    if line.state != PaymentLineState.UNKNOWN or not line.found_outcome:
        raise NotNow("payment_line.no_finding", f"{line.instruction_no} 没有待确认的查复。")
    if seen != finding_digest(line):
        raise NotNow(
            "finding.changed",
            f"{line.instruction_no} 的查复登记在您核对之后已被更正，尚未确认。",
            hint="请刷新后按最新的登记与查复书核对。",
        )
    require_other_person(by, {line.found_by_id}, "确认银行查复")
    said = BankLine(
        line.instruction_no,
        line.found_outcome,
        line.amount,
        line.found_reference,
        f"银行查复 {line.found_document}",
        line.found_on,
    )
    take_in(batch, [Step(line, said, VERBS[line.found_outcome])], by, None)
    return line
