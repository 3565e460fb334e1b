"""抵扣批次: a file of settlements, each line by itself and under a key of its own.

What is wrong with a line is answered with its number, its code and its field, and the rest is done. Every line is a transaction:
what it did and that it was done are written together, so that a file that was broken off goes on where it stopped, and a line
that is sent again, alone or in another file, is done once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from applications.actions.settlement_files import MOST_LINES, SentLine, read_lines
from applications.actions.settlement_invoices import InvoiceCited
from applications.actions.settlements import (
    EVERYWHERE,
    Reach,
    SettlementRequest,
    confirm_settlement,
    find_settlement,
    release_settlement,
    reserve_settlement,
)
from applications.models import Claim, SettlementBatch, SettlementBatchLine
from applications.models.settlements import LineOutcome
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.job_runs import Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import Actor, acting, announce
from vouchers.errors import DomainError, Invalid, Problems
from vouchers.models import ApiCredential, Voucher
from vouchers.money import is_written_plainly
from vouchers.numbers import next_no

#: Files up to so many lines are done while the platform waits; longer ones by the worker.
AT_ONCE = 50
ACTIONS = ("reserve", "settle", "confirm", "release")
_KEY = re.compile(r"[\x21-\x7e]{8,100}")


@dataclass(frozen=True)
class Sender:
    """Whose file it is, and what the credential is bound to."""

    credential: ApiCredential
    reach: Reach
    actor: Actor


def receive_batch(content: bytes, *, filename: str, key: str, sender: Sender) -> tuple[SettlementBatch, bool]:
    """Take a file in, its lines waiting; a long one asks for the worker. The same key with the same file is the same batch.

    Raises ``Problems`` or ``Invalid`` (``settlement_batch.…``) for a file that cannot be read as a whole, and ``Invalid``
    (``settlement_batch.key_reused``) for another file under a known key.
    """
    announce("settlement_batch.receive", filename)
    credential = sender.credential
    require_role(credential.user, Role.PLATFORM, party=credential.provider)
    digest = hashlib.sha256(content).hexdigest()
    known = SettlementBatch.objects.filter(provider=credential.provider, idempotency_key=key).first()
    if known is not None:
        if known.file_sha256 != digest:
            raise Invalid(
                "settlement_batch.key_reused",
                "该幂等键已用于另一个内容不同的批次文件，本次未予受理。",
                field="Idempotency-Key",
            )
        if (
            known.job is not None
            and known.job.over
            and known.lines.filter(outcome=LineOutcome.WAITING).exists()
        ):
            _ask_worker(known, sender)  # it was broken off: the same file goes on where it stopped
        return known, False
    lines = read_lines(content, filename)
    batch: SettlementBatch = SettlementBatch.objects.create(
        batch_no=next_no("SB", dates.today()),
        provider=credential.provider,
        idempotency_key=key,
        credential=credential,
        filename=filename[:120],
        file_sha256=digest,
        line_count=len(lines),
    )
    SettlementBatchLine.objects.bulk_create(
        [
            SettlementBatchLine(
                batch=batch,
                line_no=line.line_no,
                idempotency_key=line.fields.get("idempotency_key", "")[:100],
                sent=line.fields,
                **_wrong(line),
            )
            for line in lines
        ],
        batch_size=1000,
    )
    if len(lines) > AT_ONCE:
        _ask_worker(batch, sender)
    return batch, True


def _ask_worker(batch: SettlementBatch, sender: Sender) -> None:
    batch.job = ask_job(
        SETTLEMENT_BATCHES.code,
        label=f"抵扣批次 {batch.batch_no}",
        params={
            "batch_no": batch.batch_no,
            "programs": sorted(sender.reach.programs),
            "region": sender.reach.region_code,
        },
        by=sender.credential.user,
        key=batch.batch_no,
        unit="行",
    )
    batch.save(update_fields=["job"])


def _wrong(line: SentLine) -> dict[str, Any]:
    """A line that could not even be read is refused when it comes in."""
    if line.problem is None:
        return {}
    return {
        "outcome": LineOutcome.REFUSED,
        "code": line.problem.code,
        "field": line.problem.field or "",
        "message": line.problem.message,
    }


def take_lines(
    batch: SettlementBatch, *, sender: Sender, step: Callable[[int], None] = lambda done: None
) -> None:
    """Do what waits, line by line, each in a transaction of its own. For a caller that stands in none."""
    done = batch.line_count - batch.lines.filter(outcome=LineOutcome.WAITING).count()
    for pk in list(
        batch.lines.filter(outcome=LineOutcome.WAITING).order_by("line_no").values_list("pk", flat=True)
    ):
        _take(pk, sender)
        done += 1
        step(done)


def _take(pk: int, sender: Sender) -> None:
    try:
        with acting(sender.actor, "settlement_batch.take"):
            line = SettlementBatchLine.objects.select_for_update(of=("self",)).get(pk=pk)
            if line.outcome != LineOutcome.WAITING:
                return
            try:
                claim = _done(line.sent, sender)
            except DomainError as refusal:
                if not refusal.keep:
                    raise
                # What was written before (a refused try at the ledger, a hold) is kept with the refusal.
                _refuse(pk, refusal)
                return
            line.outcome, line.claim = LineOutcome.DONE, claim
            line.deducted_amount = claim.approved_amount or claim.claimed_amount
            line.save(update_fields=["outcome", "claim", "deducted_amount"])
        return
    except DomainError as refusal:
        found = refusal
    with acting(sender.actor, "settlement_batch.take"):
        _refuse(pk, found)


def _refuse(pk: int, refusal: DomainError) -> None:
    first = refusal.problems[0] if isinstance(refusal, Problems) and refusal.problems else refusal
    SettlementBatchLine.objects.filter(pk=pk, outcome=LineOutcome.WAITING).update(
        outcome=LineOutcome.REFUSED,
        code=first.code,
        field=first.field or "",
        message=first.message,
        retry=refusal.retry,
    )


def _done(sent: dict[str, str], sender: Sender) -> Claim:
    """One line's deed. ``settle`` is to reserve and confirm at once: both or neither."""
    provider, by = sender.credential.provider, sender.credential.user
    action = sent.get("action") or "reserve"
    if action not in ACTIONS:
        raise Invalid("settlement_batch.action", f"办理事项应为 {'、'.join(ACTIONS)} 之一。", field="action")
    if action in ("reserve", "settle"):
        key = sent.get("idempotency_key", "")
        if _KEY.fullmatch(key) is None:
            raise Invalid(
                "settlement.key",
                "每行须有 idempotency_key（8 至 100 个可见的 ASCII 字符）。",
                field="idempotency_key",
            )
        request = request_of(sent)
        made = reserve_settlement(request, provider=provider, key=key, by=by, reach=sender.reach)
        return made.claim if action == "reserve" else confirm_settlement(made.claim, by=by)
    claim = find_settlement(
        provider=provider,
        reach=sender.reach,
        settlement_no=sent.get("settlement_no", ""),
        key=sent.get("idempotency_key", ""),
    )
    if action == "release":
        return release_settlement(claim, by=by)
    return confirm_settlement(claim, by=by, invoice=_invoice(sent))


def request_of(sent: dict[str, str]) -> SettlementRequest:
    """A line's words as a request. Raises ``Invalid`` (``input.…``) with the field that is wrong."""
    for name in ("voucher_no", "lease_no"):
        _text(sent, name, 24, required=True)
    invoice = _invoice(sent)
    reference = _text(sent, "reference", 60, required=invoice is None)
    return SettlementRequest(
        voucher_no=sent["voucher_no"],
        lease_no=sent["lease_no"],
        reference=reference,
        net_amount=_amount(sent, "net_amount", least=Decimal("0.01")),
        tax_amount=_amount(sent, "tax_amount", least=Decimal(0), otherwise=Decimal("0.00")),
        period_from=_day(sent, "period_from"),
        period_to=_day(sent, "period_to"),
        accelerator=_text(sent, "accelerator", 60),
        invoice=invoice,
    )


def _text(sent: dict[str, str], name: str, longest: int, *, required: bool = False) -> str:
    value = sent.get(name, "")
    if required and not value:
        raise Invalid("input.required", "该字段是必填项。", field=name)
    if len(value) > longest:
        raise Invalid("input.max_length", f"不能超过 {longest} 个字符。", field=name)
    return value


def _amount(sent: dict[str, str], name: str, *, least: Decimal, otherwise: Decimal | None = None) -> Decimal:
    text = sent.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    if not text:
        raise Invalid("input.required", "该字段是必填项。", field=name)
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or len(text) > 40 or not is_written_plainly(text):
        raise Invalid("input.invalid", "请填写金额，如 1000.00。", field=name)
    if value < least:
        raise Invalid("input.min_value", f"不能小于 {least}。", field=name)
    if value >= Decimal(10) ** 16:
        raise Invalid("input.max_digits", "金额过大。", field=name)
    if value != value.quantize(Decimal("0.01")):
        raise Invalid("input.max_decimal_places", "金额至多两位小数。", field=name)
    return value.quantize(Decimal("0.01"))


def _day(sent: dict[str, str], name: str) -> date:
    text = sent.get(name, "")
    if not text:
        raise Invalid("input.required", "该字段是必填项。", field=name)
    try:
        return date.fromisoformat(text[:10] if text[10:] in ("", " 00:00:00", "T00:00:00") else text)
    except ValueError:
        raise Invalid("input.invalid", "请填写日期，如 2025-06-30。", field=name) from None


def _invoice(sent: dict[str, str]) -> InvoiceCited | None:
    if not sent.get("invoice_no"):
        return None
    return InvoiceCited(
        invoice_no=_text(sent, "invoice_no", 40),
        invoice_code=_text(sent, "invoice_code", 20),
        issued_on=_day(sent, "invoice_issued_on"),
        net_amount=_amount(sent, "invoice_net_amount", least=Decimal("0.01")),
    )


def _run(run: Run) -> JobResult:
    """The worker's part: as if the platform had sent the lines one after the other."""
    params = run.job.params
    batch = SettlementBatch.objects.select_related("credential__user", "credential__provider").get(
        batch_no=params["batch_no"]
    )
    credential = batch.credential
    sender = Sender(
        credential,
        Reach(frozenset(params["programs"]), params["region"]),
        Actor(
            kind="platform",
            name=credential.user.username,
            display_name=credential.user.display_name,
            roles=(Role.PLATFORM.value,),
            organisation=credential.provider.name,
        ),
    )
    take_lines(batch, sender=sender, step=lambda done: run.progress(done, batch.line_count, "行"))
    totals = totals_of(batch.lines.all())
    return JobResult(result=totals, message=f"{totals['done']} 行已办理，{totals['refused']} 行未受理。")


def shown_lines(batch: SettlementBatch, *, sender: Sender) -> QuerySet[SettlementBatchLine]:
    """The lines that a credential may see: of its programs and region only, also where another credential of the same provider
    sent the file. A line that came to nothing is shown to whoever sent it, and to whoever may use the voucher that it names."""
    reach = sender.reach
    deducted = Q(claim__program_region_code__startswith=reach.region_stem)
    vouchers = Voucher.objects.filter(
        voucher_no=KeyTextTransform("voucher_no", OuterRef("sent")),
        program__region__code__startswith=reach.region_stem,
    )
    if reach.programs:
        deducted &= Q(claim__program_code__in=reach.programs)
        vouchers = vouchers.filter(program__code__in=reach.programs)
    refused = Q(claim=None)
    if batch.credential_id != sender.credential.pk and reach != EVERYWHERE:
        refused &= Q(Exists(vouchers))
    lines: QuerySet[SettlementBatchLine] = batch.lines.filter(deducted | refused).order_by("line_no")
    return lines


def totals_of(lines: QuerySet[SettlementBatchLine]) -> dict[str, Any]:
    """How many lines came to what, and the sum of those that were done."""
    counts = dict.fromkeys(LineOutcome.values, 0)
    total = Decimal("0.00")
    for outcome, amount in lines.values_list("outcome", "deducted_amount"):
        counts[outcome] += 1
        total += amount or 0
    return {**counts, "sum": f"{total:.2f}"}


SETTLEMENT_BATCHES = JobKind("settlement_batch", "抵扣批次", _run)

__all__ = [
    "AT_ONCE",
    "MOST_LINES",
    "SETTLEMENT_BATCHES",
    "Sender",
    "receive_batch",
    "request_of",
    "shown_lines",
    "take_lines",
    "totals_of",
]
