"""拨付: payables into batches, batches to the bank, and the bank's answers back, line by line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger
from vouchers.actions.holds import require_clear, screen
from vouchers.actions.ledger_chains import Budget, Chain, event_id, post_all
from vouchers.actions.outbox import enqueue
from vouchers.actions.vouchers import budget_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Party, Payment, PaymentBatch, Program, User, Voucher
from vouchers.models.holds import ScreeningMoment
from vouchers.models.payments import PaymentBatchState, PaymentState
from vouchers.money import ZERO, capital
from vouchers.numbers import next_no
from vouchers.states import advance, not_now


@dataclass(frozen=True)
class ControlTotals:
    """Count, sum and hash of a batch: what two systems compare."""

    count: int
    total: Decimal
    sha256: str

    @property
    def in_words(self) -> str:
        """The sum in financial capitals."""
        return capital(self.total)


def add_payable(
    *, claim_no: str, voucher: Voucher, payee: Party, amount: Decimal, participants: Iterable[int], on: date
) -> Payment:
    """A confirmed claim becomes a payable. ``participants`` are the persons who had a hand in it."""
    assert voucher.program is not None
    return Payment.objects.create(
        payment_no=next_no("P", on),
        claim_no=claim_no,
        voucher_no=voucher.voucher_no,
        region=voucher.program.region,
        program=voucher.program,
        payee=payee,
        account=payee.current_account,
        amount=amount,
        participants=sorted(set(participants)),
        payable_on=on,
    )


def control_totals(payments: Sequence[Payment]) -> ControlTotals:
    """The totals over the lines in their order; the hash is over number, payee, account and amount of each."""
    lines = [
        [p.payment_no, p.payee.uscc, p.account.account_no if p.account else "", f"{p.amount:.2f}"]
        for p in payments
    ]
    digest = hashlib.sha256(json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    return ControlTotals(len(payments), sum((p.amount for p in payments), ZERO), digest)


def lines_of(batch: PaymentBatch) -> list[Payment]:
    """The batch's payments in the order of the list."""
    return list(
        batch.payments.select_related("payee", "account", "program__region").order_by("line_no", "pk")
    )


def create_batch(program: Program, payments: Sequence[Payment], *, by: User, title: str = "") -> PaymentBatch:
    """A draft batch of payables of one program. A payment that another batch took is refused by its number."""
    announce("payment_batch.create")
    require_role(by, Role.FINANCE, region=program.region)
    if not payments:
        raise Invalid("payment_batch.empty", "请至少选择一笔应付款项。", field="payments")
    on = dates.today()
    batch = PaymentBatch.objects.create(
        batch_no=next_no("PB", on),
        region=program.region,
        program=program,
        title=title or f"{program.name} {on.year}年{on.month}月拨付",
        created_by=by,
        created_on=on,
    )
    for position, payment in enumerate(sorted(payments, key=lambda p: p.payment_no), start=1):
        if payment.program_id != program.pk:
            raise Invalid(
                "payment_batch.other_program", f"{payment.payment_no} 不属于本专项，不能列入本批次。"
            )
        advance(
            payment,
            "batch",
            by=by,
            region=program.region,
            update={"batch": batch, "line_no": position, "account": payment.payee.current_account},
        )
    return batch


def propose_batch(batch: PaymentBatch, *, by: User) -> PaymentBatch:
    """Freeze the list with its control totals. Every line must have a confirmed account and be clear of holds."""
    announce("payment_batch.propose")
    require_role(by, Role.FINANCE, region=batch.region)
    payments = lines_of(batch)
    for payment in payments:
        account = payment.payee.current_account
        if payment.account_id != (account.pk if account else None):
            payment.account = account
            payment.save(update_fields=["account"])
        if payment.account is None:
            raise NotNow(
                "payment.no_account",
                f"{payment.payee.name} 尚无已确认的收款账户，{payment.payment_no} 不能报批。",
                hint="请企业在“单位资料”中填写账户，并由另一人确认。",
            )
        _require_payable(payment)
    totals = control_totals(payments)
    advance(
        batch,
        "propose",
        by=by,
        region=batch.region,
        update={
            "proposed_by": by,
            "control_count": totals.count,
            "control_sum": totals.total,
            "control_hash": totals.sha256,
        },
    )
    return batch


def _require_payable(payment: Payment) -> None:
    """Look again at this moment: the account is still the payee's own, the screening is of the same facts, and nothing is
    held: payment, payee, claim and all that lies beneath it."""
    account = payment.payee.current_account
    if account is None or account.pk != payment.account_id:
        raise NotNow(
            "payment.account_changed",
            f"{payment.payee.name} 的收款账户在编制之后已变更，{payment.payment_no} 不能按原账户拨付。",
            hint="请将批次退回编制并重新报批，系统将改用最新确认的账户。",
        )
    screen("claim", payment.claim_no, ScreeningMoment.PAYMENT)
    require_clear(
        "claim",
        payment.claim_no,
        also=(("payment", payment.payment_no), ("party", payment.payee.uscc)),
    )


def approve_batch(batch: PaymentBatch, *, by: User) -> PaymentBatch:
    """By a finance officer who neither made the batch nor had a hand in any of its claims."""
    announce("payment_batch.approve")
    require_role(by, Role.FINANCE, region=batch.region)
    require_other_person(by, {batch.created_by_id, batch.proposed_by_id}, "批准拨付批次")
    payments = lines_of(batch)
    for payment in payments:
        require_other_person(by, set(payment.participants), f"批准拨付批次（含 {payment.claim_no}）")
    _require_unchanged(batch, payments)
    for payment in payments:
        _require_payable(payment)
    advance(
        batch, "approve", by=by, region=batch.region, update={"approved_by": by, "approved_at": dates.now()}
    )
    return batch


def _require_unchanged(batch: PaymentBatch, payments: Sequence[Payment]) -> None:
    if control_totals(payments).sha256 != batch.control_hash:
        raise NotNow(
            "payment_batch.changed",
            "批次内容与报批时的校验值不一致，不能继续办理。",
            hint="请退回编制并重新报批。",
        )


def reopen_batch(batch: PaymentBatch, *, by: User, reason: str) -> PaymentBatch:
    """Back to the draft, with the reason; what was proposed and approved counts no longer."""
    announce("payment_batch.reopen", reason)
    advance(
        batch,
        "reopen",
        by=by,
        region=batch.region,
        update={"control_hash": "", "proposed_by": None, "approved_by": None, "approved_at": None},
    )
    return batch


def take_out(batch: PaymentBatch, payment_no: str, *, by: User, reason: str = "") -> Payment:
    """移出批次: a line of a draft batch is payable again, so that a hold on one does not keep the others waiting."""
    announce("payment_batch.take_out", reason)
    require_role(by, Role.FINANCE, region=batch.region)
    batch.refresh_from_db(fields=["state"], from_queryset=PaymentBatch.objects.select_for_update())
    if batch.state != PaymentBatchState.DRAFT:
        raise NotNow(
            "payment_batch.not_draft", "批次编制中才能移出款项。", hint="如已报批或批准，请先退回编制。"
        )
    payment: Payment | None = batch.payments.filter(payment_no=payment_no).first()
    if payment is None:
        raise Invalid("payment_batch.unknown_line", f"{payment_no} 不在本批次中。", field="payment_no")
    advance(payment, "unbatch", by=by, region=batch.region, update={"batch": None, "line_no": None})
    return payment


def cancel_batch(batch: PaymentBatch, *, by: User, reason: str) -> PaymentBatch:
    """撤销: before it goes to the bank; each of its payments is payable again."""
    announce("payment_batch.cancel", reason)
    if not reason.strip():
        raise Invalid("payment_batch.reason", "请写明撤销的理由。", field="reason")
    advance(batch, "cancel", by=by, region=batch.region)
    for payment in lines_of(batch):
        advance(payment, "unbatch", by=by, region=batch.region, update={"batch": None, "line_no": None})
    return batch


def mark_exported(batch: PaymentBatch, *, by: User, export_sha256: str) -> PaymentBatch:
    """The list goes to the treasury: each payable becomes an instruction. The ledger last, all lines in one call.

    What was held after the approval stops it here, the last moment at which it can.
    """
    announce("payment_batch.export")
    require_role(by, Role.FINANCE, region=batch.region)
    if batch.lifecycle.find("export", batch.state) is None:
        raise not_now(batch, "export")
    payments = lines_of(batch)
    _require_unchanged(batch, payments)
    for payment in payments:
        _require_payable(payment)
    on = dates.today()
    advance(
        batch,
        "export",
        by=by,
        region=batch.region,
        update={"exported_at": dates.now(), "export_sha256": export_sha256},
    )
    budgets = _budgets(payments)
    chains = []
    for payment in payments:
        advance(payment, "instruct", by=by, region=batch.region)
        chains.append(
            ledger.instruct_chain(
                budgets[payment.voucher_no],
                payment.payment_no,
                payment.amount,
                payee_uscc=payment.payee.uscc,
                on=on,
                id=event_id("instruct", payment.payment_no, batch.batch_no),
            )
        )
    for result in post_all(chains):
        result.demand()
    return batch


def _budgets(payments: Sequence[Payment]) -> dict[str, Budget]:
    vouchers = Voucher.objects.filter(voucher_no__in={p.voucher_no for p in payments}).select_related(
        "program__region"
    )
    return {voucher.voucher_no: budget_of(voucher) for voucher in vouchers}


LONGEST_REFERENCE, LONGEST_REASON = 60, 200


@dataclass(frozen=True)
class BankLine:
    """One line of the bank's answer."""

    payment_no: str
    succeeded: bool
    amount: Decimal
    bank_reference: str = ""
    reason: str = ""
    paid_on: date | None = None


def settle_batch(batch: PaymentBatch, lines: Sequence[BankLine], *, by: User) -> PaymentBatch:
    """Take in the bank's answer. A line that is unknown, double or of another amount refuses the whole answer.

    Each confirmed line tells the casework by an outbox message; a returned one is payable again once its account is mended.
    """
    announce("payment_batch.settle")
    require_role(by, Role.FINANCE, region=batch.region)
    if batch.state != PaymentBatchState.EXPORTED:
        advance(batch, "settle", by=by, region=batch.region)
    waiting = {p.payment_no: p for p in lines_of(batch) if p.state == PaymentState.INSTRUCTED}
    _check_bank_lines(waiting, lines)
    budgets = _budgets(list(waiting.values()))
    chains = []
    for line in lines:
        payment = waiting.pop(line.payment_no)
        on = line.paid_on or dates.today()
        if line.succeeded:
            advance(
                payment,
                "confirm",
                by=by,
                region=batch.region,
                update={"paid_on": on, "bank_reference": line.bank_reference},
            )
            chains.append(
                ledger.mark_paid_chain(
                    budgets[payment.voucher_no],
                    payment.payment_no,
                    payment.amount,
                    on=on,
                    id=event_id("pay", payment.payment_no, batch.batch_no),
                )
            )
            enqueue(
                "applications.payment_confirmed",
                {"claim_no": payment.claim_no, "payment_no": payment.payment_no, "paid_on": on.isoformat()},
                key=payment.payment_no,
            )
        else:
            advance(payment, "return", by=by, region=batch.region, update={"returned_reason": line.reason})
            chains.append(
                Chain(
                    event_id("return", payment.payment_no, batch.batch_no), on, "payment", payment.payment_no
                ).single(
                    "return",
                    ledger.payment_account(payment.payment_no),
                    budgets[payment.voucher_no].payable(payment.payee.uscc),
                    payment.amount,
                )
            )
    if not waiting:
        advance(batch, "settle", by=by, region=batch.region, update={"settled_at": dates.now()})
    for result in post_all(chains):
        result.demand()
    return batch


def _check_bank_lines(waiting: dict[str, Payment], lines: Sequence[BankLine]) -> None:
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        payment = waiting.get(line.payment_no)
        if payment is None:
            raise Invalid(
                "bank_return.unknown_line",
                f"银行回执第 {number} 行的拨付编号 {line.payment_no} 不在本批次待确认的清单中，整份回执未入账。",
                hint="请核对回执是否属于本批次，或该笔是否已经确认。",
            )
        if line.payment_no in seen:
            raise Invalid(
                "bank_return.duplicate",
                f"银行回执第 {number} 行与前面的行重复（{line.payment_no}），整份回执未入账。",
            )
        if line.paid_on is not None and line.paid_on > dates.today():
            raise Invalid(
                "bank_return.later",
                f"银行回执第 {number} 行的到账日 {line.paid_on} 晚于今天，整份回执未入账。",
            )
        if len(line.bank_reference) > LONGEST_REFERENCE or len(line.reason) > LONGEST_REASON:
            raise Invalid(
                "bank_return.too_long",
                f"银行回执第 {number} 行的流水号或退票原因过长（分别不超过 {LONGEST_REFERENCE} 字、{LONGEST_REASON} 字），"
                "整份回执未入账。",
            )
        if line.amount != payment.amount:
            raise Invalid(
                "bank_return.amount",
                f"银行回执第 {number} 行金额 {line.amount} 元与应付金额 {payment.amount} 元不一致，整份回执未入账。",
            )
        seen.add(line.payment_no)


def payable_total(region_code: str) -> Decimal:
    """What waits to be paid in a region, in yuan."""
    total = Payment.objects.filter(region__code=region_code, state=PaymentState.PAYABLE).aggregate(
        total=Sum("amount")
    )
    return total["total"] or ZERO
