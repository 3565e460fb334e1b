"""拨付: payables into batches, batches approved, frozen and sent to the bank. What the bank answers: ``bank_returns``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import F, Sum

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions import ledger
from vouchers.actions.ledger_chains import Budget, event_id, post_all
from vouchers.actions.payment_bands import band_for
from vouchers.actions.payment_caps import (
    demand_all,
    hold_room,
    kept_terms,
    let_room_go,
    mark_for_room,
    use_room,
)
from vouchers.actions.payment_corrections import correct_if_possible
from vouchers.actions.payment_grounds import require_payable
from vouchers.actions.payment_lists import control_totals, lines_of, lock_payments
from vouchers.actions.treasury_parts import owed_by_treasury
from vouchers.actions.vouchers import budgets_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import (
    BankAccount,
    Party,
    Payment,
    PaymentApproval,
    PaymentBatch,
    PaymentFile,
    PaymentLine,
    Program,
    User,
    Voucher,
)
from vouchers.models.payment_lines import FileForm
from vouchers.models.payments import PaymentBatchState, PaymentState
from vouchers.models.set_offs import SetOffState
from vouchers.money import ZERO
from vouchers.numbers import next_no
from vouchers.policy.payment_caps import PaymentTerm
from vouchers.states import advance, not_now

Render = Callable[[PaymentBatch, Sequence[PaymentLine]], Mapping[str, bytes]]
"""Makes the files of a list, by form."""


def add_payable(
    *,
    claim_no: str,
    voucher: Voucher,
    payee: Party,
    amount: Decimal,
    participants: Iterable[int],
    on: date,
    terms: Iterable[PaymentTerm] = (),
) -> Payment:
    """A confirmed claim becomes a payable. ``participants`` are the persons who had a hand in it, ``terms`` the caps of its version
    that count at payment."""
    account = payee.current_account
    row = payable_of(
        next_no("P", on), account.pk if account else None, claim_no=claim_no, voucher=voucher, payee=payee, amount=amount,
        participants=participants, on=on, terms=terms,
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def payable_of(
    payment_no: str,
    account: int | None,
    *,
    claim_no: str,
    voucher: Voucher,
    payee: Party,
    amount: Decimal,
    participants: Iterable[int],
    on: date,
    terms: Iterable[PaymentTerm] = (),
) -> Payment:
    """The payable of ``add_payable``, not saved, for whoever writes it together with the case's own rows. ``account`` is the
    payee's current one."""
    assert voucher.program is not None
    return Payment(
        payment_no=payment_no,
        claim_no=claim_no,
        voucher_no=voucher.voucher_no,
        region=voucher.program.region,
        program=voucher.program,
        payee=payee,
        account_id=account,
        amount=amount,
        participants=sorted(set(participants)),
        cap_terms=kept_terms(terms),
        payable_on=on,
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
        account = payment.payee.current_account
        correct_if_possible(payment, by=by)
        advance(payment, "batch", by=by, region=program.region, update={"batch": batch, "account": account})
        _require_no_set_off(payment)
        PaymentLine.objects.create(
            batch=batch,
            line_no=position,
            payment=payment,
            instruction_no=f"{payment.payment_no}-{payment.lines.count() + 1}",
            amount=payment.bank_amount,
            **_of_payee(payment.payee, account),
        )
    return batch


def _require_no_set_off(payment: Payment) -> None:
    waiting = payment.set_offs.filter(state=SetOffState.PROPOSED).first()
    if waiting is not None:
        raise NotNow(
            "payment.set_off_waits",
            f"{payment.payment_no} 已提请抵扣（{waiting.set_off_no}），尚待确认，不能列入批次。",
            hint="请先由另一位财务人员确认或不同意该抵扣，或由提请人撤回。",
        )


def _of_payee(payee: Party, account: BankAccount | None) -> dict[str, object]:
    return {
        "payee_name": payee.name,
        "payee_uscc": payee.uscc,
        "account": account,
        "account_no": account.account_no if account else "",
        "account_name": (account.account_name or payee.name) if account else "",
        "bank_name": account.bank_name if account else "",
    }


def propose_batch(batch: PaymentBatch, *, by: User) -> PaymentBatch:
    """Freeze the list with its control totals. Every line must have a confirmed account, be clear of holds and have room under the
    caps that count at payment, which is held for it from now on (409 ``payment.cap_exceeded``); how many must approve follows from
    the band of its sum."""
    announce("payment_batch.propose")
    require_role(by, Role.FINANCE, region=batch.region)
    _as_it_stands(batch)  # a line that is being taken out is out, or the list is proposed with it
    if batch.lifecycle.find("propose", batch.state) is None:
        raise not_now(batch, "propose")
    lines = lines_of(batch)
    if not lines:
        raise Invalid("payment_batch.empty", "批次中已没有款项，不能报批。", hint="可以撤销本批次。")
    for line in lines:
        mark_for_room(line)
        _freeze(line)
        require_payable(line)
    totals = control_totals(lines)
    band = band_for(batch.program, totals.total, dates.today())
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
            "approvals_needed": band.approvers if band else 1,
            "band_document_no": band.document_no if band else "",
        },
    )
    hold_room(lines, dates.today())
    return batch


def _freeze(line: PaymentLine) -> None:
    """The payee's account of this moment becomes the line's. Raises ``NotNow`` (``payment.no_account``)."""
    payment = line.payment
    account = payment.payee.current_account
    if account is None:
        raise NotNow(
            "payment.no_account",
            f"{payment.payee.name} 尚无已确认的收款账户，{payment.payment_no} 不能报批。",
            hint="请企业在“单位资料”中填写账户，并由另一人确认；或由财务两人登记、确认。",
        )
    room = {name: getattr(line, name) for name in ("cap_chain", "cap_members", "cap_register")}
    frozen = _of_payee(payment.payee, account) | {"amount": payment.bank_amount} | room
    if line.cap_chain is not None or any(getattr(line, name) != value for name, value in frozen.items()):
        for name, value in frozen.items():
            setattr(line, name, value)
        line.save(update_fields=list(frozen))
    if payment.account_id != account.pk:
        payment.account = account
        payment.save(update_fields=["account"])


def approve_batch(batch: PaymentBatch, *, by: User, seen: str | None = None) -> PaymentBatch:
    """By a finance officer who neither made the batch nor had a hand in any of its claims; as many of them as its band asks
    for. With the last one the batch is approved. ``seen`` is the control hash of the list that was looked at: where somebody has
    proposed another since, ``NotNow`` (``payment_batch.changed``)."""
    announce("payment_batch.approve")
    require_role(by, Role.FINANCE, region=batch.region)
    _as_it_stands(batch)
    require_other_person(by, {batch.created_by_id, batch.proposed_by_id}, "批准拨付批次")
    lines = lines_of(batch)
    for line in lines:
        require_other_person(
            by, set(line.payment.participants), f"批准拨付批次（含 {line.payment.claim_no}）"
        )
        if line.account is not None:
            wrote = {line.account.entered_by_id, line.account.confirmed_by_id}
            require_other_person(by, wrote, f"批准拨付批次（登记或确认过 {line.payee_name} 的账户）")
    if batch.lifecycle.find("approve", batch.state) is None:
        raise not_now(batch, "approve")
    _require_unchanged(batch, lines)
    if seen is not None and seen != batch.control_hash:
        raise NotNow(
            "payment_batch.changed",
            "您打开页面后，批次已退回编制并重新报批，本次未予批准。",
            hint="请刷新页面，核对现在的清单后再批准。",
        )
    given = batch.approvals.filter(withdrawn_at=None)
    if given.filter(approved_by=by).exists():
        raise NotNow("payment_batch.approved_by_you", "您已批准本批次，尚待其他人批准。")
    for line in lines:
        require_payable(line)
    PaymentApproval.objects.create(
        batch=batch, approved_by=by, approved_at=dates.now(), control_hash=batch.control_hash
    )
    if given.count() >= batch.approvals_needed:
        advance(
            batch,
            "approve",
            by=by,
            region=batch.region,
            update={"approved_by": by, "approved_at": dates.now()},
        )
    return batch


def _as_it_stands(batch: PaymentBatch) -> None:
    """Wait for whoever else acts on the batch, and go on with it as it stands then."""
    batch.refresh_from_db(from_queryset=PaymentBatch.objects.select_for_update(no_key=True))


def _require_unchanged(batch: PaymentBatch, lines: Sequence[PaymentLine]) -> None:
    if control_totals(lines).sha256 != batch.control_hash:
        raise NotNow(
            "payment_batch.changed",
            "批次内容与报批时的校验值不一致，不能继续办理。",
            hint="请退回编制并重新报批。",
        )


def reopen_batch(batch: PaymentBatch, *, by: User, reason: str) -> PaymentBatch:
    """Back to the draft, with the reason; what was proposed and approved counts no longer, and the caps' room that it held is
    free."""
    announce("payment_batch.reopen", reason)
    advance(
        batch,
        "reopen",
        by=by,
        region=batch.region,
        update={"control_hash": "", "proposed_by": None, "approved_by": None, "approved_at": None},
    )
    batch.approvals.filter(withdrawn_at=None).update(withdrawn_at=dates.now())
    let_room_go(lines_of(batch), dates.today())
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
    line = next((one for one in lines_of(batch) if one.payment.payment_no == payment_no), None)
    if line is None:
        raise Invalid("payment_batch.unknown_line", f"{payment_no} 不在本批次中。", field="payment_no")
    return _give_back(line, by)


def _give_back(line: PaymentLine, by: User) -> Payment:
    region = line.payment.program.region
    advance(line, "remove", by=by, region=region)
    advance(line.payment, "unbatch", by=by, region=region, update={"batch": None})
    return line.payment


def cancel_batch(batch: PaymentBatch, *, by: User, reason: str) -> PaymentBatch:
    """撤销: before it goes to the bank; each of its payments is payable again."""
    announce("payment_batch.cancel", reason)
    if not reason.strip():
        raise Invalid("payment_batch.reason", "请写明撤销的理由。", field="reason")
    advance(batch, "cancel", by=by, region=batch.region)
    lines = lines_of(batch)
    for line in lines:
        _give_back(line, by)
    let_room_go(lines, dates.today())
    return batch


def mark_exported(batch: PaymentBatch, *, by: User, files: Render) -> PaymentBatch:
    """报送: the list goes to the treasury, each payable becomes an instruction. The ledger last, all lines in one call.

    ``files`` makes the bytes by form (``FileForm``) of the list as it stands under the lock, so that what the bank gets is what was
    approved; they are kept, and whoever downloads the list later gets the same ones. What was held or changed after the approval
    stops it here, the last moment at which it can."""
    announce("payment_batch.export")
    require_role(by, Role.FINANCE, region=batch.region)
    _as_it_stands(batch)
    if batch.lifecycle.find("export", batch.state) is None:
        raise not_now(batch, "export")
    lines = lines_of(batch)
    _require_unchanged(batch, lines)
    lock_payments(lines)
    for line in lines:
        require_payable(line, approved=True)
    on = dates.today()
    made = files(batch, lines)
    digests = {form: hashlib.sha256(content).hexdigest() for form, content in made.items()}
    advance(
        batch,
        "export",
        by=by,
        region=batch.region,
        update={
            "exported_at": dates.now(),
            "exported_by": by,
            "export_sha256": digests.get(FileForm.WORKBOOK, ""),
        },
    )
    PaymentFile.objects.bulk_create(
        PaymentFile(batch=batch, form=form, content=content, sha256=digests[form])
        for form, content in made.items()
    )
    budgets = budgets_of([line.payment for line in lines])
    owed = owed_by_treasury(line.payment for line in lines)
    chains = []
    for line in lines:
        advance(line, "send", by=by, region=batch.region)
        advance(line.payment, "instruct", by=by, region=batch.region)
        chain = ledger.instruct_chain(
            budgets[line.payment.voucher_no],
            line.payment.payment_no,
            line.amount,
            payee_uscc=line.payee_uscc,
            on=on,
            id=event_id("instruct", line.instruction_no),
            borne=shares_of(line, budgets[line.payment.voucher_no], owed),
        )
        chains.append(use_room(chain, line, on))
    demand_all(lines, post_all(chains), on)
    return batch


def shares_of(
    line: PaymentLine, budget: Budget, owed: Mapping[str, Mapping[str, Decimal]]
) -> dict[str, Decimal] | None:
    """What each treasury bears of a line: all that it still owes of the claim (``owed_by_treasury``); None where one bears all.

    The parts are the line's amount, or the ledger refuses the line (``ValueError``): no fen is left behind or taken twice."""
    if not budget.bearers:
        return None
    of_payment = owed.get(line.payment.payment_no, {})
    return {code: of_payment.get(code, ZERO) for code in budget.bearers}


def payable_total(region_code: str) -> Decimal:
    """What waits to be paid in a region, in yuan."""
    total = Payment.objects.filter(region__code=region_code, state=PaymentState.PAYABLE).aggregate(
        total=Sum(F("amount") - F("offset_amount"))
    )
    return total["total"] or ZERO
