"""抵扣批次: a file of settlements, each line by itself and under a key of its own.

What is wrong with a line is answered with its number, its code and its field, and the rest is done. Every line is a transaction:
what it did and that it was done are written together, so that a file that was broken off goes on where it stopped, and a line
that is sent again, alone or in another file, is done once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from applications.actions.settlement_files import MOST_LINES, SentLine, read_lines
from applications.actions.settlement_lines import invoice_of, request_of
from applications.actions.settlements import (
    EVERYWHERE,
    Reach,
    confirm_settlement,
    find_settlement,
    release_settlement,
    reserve_settlement,
)
from applications.models import Claim, SettlementBatch, SettlementBatchLine
from applications.models.claims import DEAD_STATES, ClaimState
from applications.models.settlements import LineOutcome
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.job_runs import Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import Actor, acting, announce
from vouchers.errors import DomainError, Invalid, NotNow, Problems
from vouchers.models import ApiCredential, Voucher
from vouchers.money import ZERO
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
    """One line: its deed and that it was done in one transaction, in which the ledger's call comes last.

    ``settle`` is two deeds with a commit between them, as the platform's own two calls are: what many settle on is not held
    locked while the second one is prepared. Both or neither: a reservation that cannot be confirmed is given back, unless it
    stays for the office to look at. What is refused only for now leaves it standing until its day: the line that is sent again
    meets it under its key and confirms it.
    """
    made: Claim | None = None
    try:
        with acting(sender.actor, "settlement_batch.take"):
            sent = _waiting(pk)
            if sent is None:
                return
            if sent.get("action") != "settle":
                with _kept(pk):
                    _do(sent, sender, pk)
                return
            with _kept(pk):
                made = _reserved(sent, sender, line=None)
        if made is None:
            return
        with acting(sender.actor, "settlement_batch.take"):
            if _waiting(pk) is not None:
                with _kept(pk):
                    confirm_settlement(made, by=sender.credential.user, also=partial(_note, pk))
        return
    except DomainError as refusal:
        found = refusal
    with acting(sender.actor, "settlement_batch.take"):
        if made is None or made.state != ClaimState.SUBMITTED or found.retry:
            _refuse(pk, found)
        else:
            release_settlement(made, by=sender.credential.user, also=lambda _made: _refuse(pk, found))


def _waiting(pk: int) -> dict[str, str] | None:
    """What the line says, held until its transaction ends; None when it was done meanwhile."""
    line = SettlementBatchLine.objects.select_for_update(of=("self",)).get(pk=pk)
    sent: dict[str, str] = line.sent
    return sent if line.outcome == LineOutcome.WAITING else None


@contextmanager
def _kept(pk: int) -> Iterator[None]:
    """What was written before a refusal that is kept (a refused try at the ledger, a hold) is committed with it."""
    try:
        yield
    except DomainError as refusal:
        if not refusal.keep:
            raise
        announce(
            "settlement_batch.take"
        )  # the line's own deed again: the refused one named itself to the trail
        _refuse(pk, refusal)


def _note(pk: int, claim: Claim) -> None:
    """The line was done: what is deducted now by its claim, which is nothing where that was given back."""
    over = claim.state in DEAD_STATES
    SettlementBatchLine.objects.filter(pk=pk).update(
        outcome=LineOutcome.DONE,
        claim=claim,
        deducted_amount=ZERO if over else claim.approved_amount or claim.claimed_amount,
    )


def _refuse(pk: int, refusal: DomainError) -> None:
    first = refusal.problems[0] if isinstance(refusal, Problems) and refusal.problems else refusal
    SettlementBatchLine.objects.filter(pk=pk, outcome=LineOutcome.WAITING).update(
        outcome=LineOutcome.REFUSED,
        code=first.code,
        field=first.field or "",
        message=first.message,
        retry=refusal.retry,
    )


def _do(sent: dict[str, str], sender: Sender, pk: int) -> None:
    """One line's deed, noted with it."""
    by = sender.credential.user
    action = sent.get("action") or "reserve"
    if action not in ACTIONS:
        raise Invalid("settlement_batch.action", f"办理事项应为 {'、'.join(ACTIONS)} 之一。", field="action")
    if action == "reserve":
        _reserved(sent, sender, line=pk)
        return
    claim = find_settlement(
        provider=sender.credential.provider,
        reach=sender.reach,
        settlement_no=sent.get("settlement_no", ""),
        key=sent.get("idempotency_key", ""),
    )
    note = partial(_note, pk)
    if action == "release":
        release_settlement(claim, by=by, also=note)
    else:
        confirm_settlement(claim, by=by, invoice=invoice_of(sent), also=note)


def _reserved(sent: dict[str, str], sender: Sender, *, line: int | None) -> Claim:
    key = sent.get("idempotency_key", "")
    if _KEY.fullmatch(key) is None:
        raise Invalid(
            "settlement.key",
            "每行须有 idempotency_key（8 至 100 个可见的 ASCII 字符）。",
            field="idempotency_key",
        )
    made = reserve_settlement(
        request_of(sent),
        provider=sender.credential.provider,
        key=key,
        by=sender.credential.user,
        reach=sender.reach,
        line=line,
    )
    if not made.fresh:
        if made.claim.state in DEAD_STATES:
            raise NotNow(
                "settlement.over",
                f"该幂等键下的抵扣 {made.claim.claim_no} 已办结（{made.claim.get_state_display()}），本行未再抵扣。",
                field="idempotency_key",
                hint="如使用确已发生，请以新的幂等键重新提交。",
            )
        if line is not None:
            _note(line, made.claim)
    return made.claim


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
