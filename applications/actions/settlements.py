"""即时抵扣: a provider's platform deducts at settlement, in two calls: reserve with the working, then confirm or release."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from applications.actions.basis_items import ItemFields
from applications.actions.claims import Also, withdraw_claim
from applications.actions.settlement_confirmation import settle_instantly
from applications.actions.settlement_filing import begun, file_at_once, with_item
from applications.actions.settlement_invoices import InvoiceCited, check_invoice, cite_invoice
from applications.confirmation_reads import Standing, hold_standing
from applications.evidence import likeness, number_as_meant
from applications.models import Claim, Lease, SettlementAnswer
from applications.models.claims import ClaimKind, ClaimState
from applications.settlement_reads import Ground, read_ground
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import tell_with
from vouchers.errors import DomainError, Forbidden, InFlight, Invalid, NotFound, NotNow, Problems
from vouchers.models import Party, User
from vouchers.money import ZERO
from vouchers.policy.terms import BasisKind
from vouchers.policy.words import day_words
from vouchers.states import not_now


@dataclass(frozen=True)
class Reach:
    """What a credential is bound to: programs (none: all), and a region with all below it (none: all)."""

    programs: frozenset[str] = frozenset()
    region_code: str = ""

    def admits(self, program_code: str, region_code: str) -> bool:
        """Whether a program lies within."""
        return self._program(program_code) and self._region(region_code)

    def require(self, program_code: str, region_code: str) -> None:
        """Refuse (403) what lies outside."""
        if not self._program(program_code):
            raise Forbidden("settlement.program", "该平台凭据未获授权办理本专项。", field="voucher_no")
        if not self._region(region_code):
            raise Forbidden("settlement.region", "该平台凭据不适用于本专项所在地区。", field="voucher_no")

    def _program(self, program_code: str) -> bool:
        return not self.programs or program_code in self.programs

    def _region(self, region_code: str) -> bool:
        return region_code.startswith(self.region_stem)

    @property
    def region_stem(self) -> str:
        """What the codes of the region and of all below it begin with: 110000 → 11; empty for all."""
        stem = self.region_code
        while stem.endswith("00"):
            stem = stem[:-2]
        return stem


EVERYWHERE = Reach()


@dataclass(frozen=True, kw_only=True)
class SettlementRequest:
    """What the platform sends. Amounts in yuan without tax; both days of the period count. It rests on a line of the
    platform's statement (``reference``), on an invoice, or on both."""

    voucher_no: str
    lease_no: str
    net_amount: Decimal
    reference: str = ""
    tax_amount: Decimal = ZERO
    period_from: date
    period_to: date
    accelerator: str = ""
    invoice: InvoiceCited | None = None

    def digest(self) -> str:
        """Whether two requests under one key are the same."""
        body = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def line(self) -> str:
        """The number under which it is deducted once."""
        return self.reference or (self.invoice.invoice_no if self.invoice else "")


@dataclass(frozen=True)
class Reserved:
    """The answer to a reservation: its claim, its text to the byte, and whether it was made now."""

    claim: Claim
    body: str
    fresh: bool


def reserve_settlement(
    request: SettlementRequest,
    *,
    provider: Party,
    key: str,
    by: User,
    reach: Reach = EVERYWHERE,
    line: int | None = None,
) -> Reserved:
    """Deduct and reserve. The same key with the same body is the first answer again, to the byte, whatever happened since.
    ``line`` is the line of a batch that it is done for, told to be done in the same call.

    What the ledger refused may be sent again under its key. Raises ``InFlight`` (``settlement.in_flight``) while the same key
    or line is worked on, ``Invalid`` (``settlement.key_reused`` for another body under a known key,
    ``settlement.reference_used`` for a line that is deducted already, ``settlement.period``, ``settlement.period_outside_lease``),
    ``NotFound`` (``settlement.lease``, ``settlement.voucher``) and ``Forbidden`` (``settlement.program``, ``settlement.region``).
    """
    require_role(by, Role.PLATFORM, party=provider)
    _alone(provider, key, request.line)
    digest = request.digest()
    ground = read_ground(
        provider=provider,
        key=key,
        lease_no=request.lease_no,
        voucher_no=request.voucher_no,
        line=request.line,
        likeness=likeness(request.line),
        today=dates.today(),
    )
    if ground.known is not None:
        return _again(ground.known, digest, reach)
    if ground.lease is None:
        raise NotFound("settlement.lease", "未找到贵方名下的该合同备案号。", field="lease_no")
    voucher = ground.voucher
    if voucher is None:
        raise NotFound("settlement.voucher", "未找到该合同承租方持有的这张算力券。", field="voucher_no")
    assert voucher.program is not None
    reach.require(voucher.program.code, voucher.program.region.code)
    _require_period(request, ground.lease)
    _require_unused(request.line, ground)
    try:
        claim = begun(ground, provider=provider, key=key, facts={"request_sha256": digest}, by=by)
        _rest_on(claim, request, ground)
        body = file_at_once(claim, ground, by=by, answer=lambda made: written(answer(made)), line=line)
    except (NotNow, Forbidden) as refusal:
        raise _placed(refusal) from None
    return Reserved(claim, body, fresh=True)


def _again(known: int, digest: str, reach: Reach) -> Reserved:
    """The first answer under a key that is known."""
    claim = Claim.objects.select_related("first_answer", "voucher").get(pk=known)
    reach.require(claim.program_code, claim.program_region_code)
    if claim.facts.get("request_sha256") != digest:
        raise Invalid(
            "settlement.key_reused",
            "该幂等键已用于另一笔内容不同的抵扣，本次未予受理。",
            field="Idempotency-Key",
            hint="新的业务请使用新的幂等键；重发同一笔业务须保持内容一致。",
        )
    first: SettlementAnswer | None = getattr(claim, "first_answer", None)
    return Reserved(claim, first.body if first else written(answer(claim)), fresh=False)


def _alone(provider: Party, key: str, line: str) -> None:
    """Whoever sends the same key or the same line meanwhile is told to come again: nobody waits in a queue for an answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            # What follows is planned once a connection, whatever it is asked for: planning costs ten times what running it does. By
            # then the tables may be empty or without statistics, and all is looked up by key: no plan shall read a provider's every claim.
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 3)), pg_try_advisory_xact_lock(hashtextextended(%s, 3)),"
            " set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_bitmapscan', 'off', true),"
            " set_config('enable_seqscan', 'off', true),"
            " set_config(%s, %s, true)",
            [
                f"settlement:key:{provider.uscc}:{key}",
                f"settlement:reference:{provider.uscc}:{number_as_meant(line)}",
                *tell_with(),
            ],
        )
        row = cursor.fetchone()
        if row is None or not (row[0] and row[1]):
            raise InFlight(
                "settlement.in_flight",
                "同一幂等键或同一结算单行正在办理，请稍后用原幂等键重发以取得结果。",
                field="Idempotency-Key",
            )


def _require_period(request: SettlementRequest, lease: Lease) -> None:
    if request.period_to < request.period_from:
        raise Invalid("settlement.period", "使用期间的结束日早于开始日。", field="period_to")
    inside = lease.starts_on <= request.period_from and request.period_to < lease.ends_before
    if not inside:
        last = date.fromordinal(lease.ends_before.toordinal() - 1)
        raise Invalid(
            "settlement.period_outside_lease",
            f"使用期间不在合同期 {day_words(lease.starts_on)}至{day_words(last)}之内。",
            field="period_from" if request.period_from < lease.starts_on else "period_to",
            detail={"starts_on": lease.starts_on.isoformat(), "ends_on": last.isoformat()},
        )


def _rest_on(claim: Claim, request: SettlementRequest, ground: Ground) -> None:
    """The one item that it rests on, and the invoice where one is cited."""
    item = ItemFields(
        kind=BasisKind.SETTLEMENT_LINE.value,
        net_amount=request.net_amount,
        tax_amount=request.tax_amount,
        reference=request.line,
        period_from=request.period_from,
        period_to=request.period_to,
        accelerator=request.accelerator or (claim.lease.accelerator if claim.lease else ""),
    )
    cited = request.invoice
    try:
        with_item(claim, item, ground, number_key=cited.key if cited else "")
    except Problems as refusal:
        raise Problems(
            [Invalid(one.code, one.message, field="net_amount") for one in refusal.problems],
            code=refusal.code,
            message=refusal.message,
        ) from None
    if cited is not None and check_invoice(claim, cited, own=request.net_amount):
        claim.facts = {**claim.facts, "invoice": cited.as_kept()}


def _placed(refusal: DomainError) -> DomainError:
    """The refusal with the field of the request that it speaks of."""
    if refusal.field is None and refusal.code.startswith("voucher."):
        refusal.field = "voucher_no"
    if refusal.field is None and refusal.code.startswith("claim.lease"):
        refusal.field = "lease_no"
    return refusal


def _require_unused(reference: str, ground: Ground) -> None:
    """A line of the platform's statement is deducted once, whatever the key that it comes under."""
    assert ground.reads is not None
    number = number_as_meant(reference)
    used = next(
        (one for one in ground.reads.used_already() if number_as_meant(one.reference) == number), None
    )
    if used is not None:
        raise Invalid(
            "settlement.reference_used",
            f"结算单行号 {reference} 已在抵扣 {used.claim_no} 中使用，不能重复抵扣。",
            field="reference",
            hint="如原抵扣有误，请先释放后再提交。",
            detail={"settlement_no": used.claim_no},
        )


def find_settlement(
    *, provider: Party, reach: Reach = EVERYWHERE, settlement_no: str = "", key: str = ""
) -> Claim:
    """One of the provider's settlements, by its number or by the key it was sent under (404 ``settlement.unknown``)."""
    wanted = {"claim_no": settlement_no} if settlement_no else {"idempotency_key": key}
    claim = (
        Claim.objects.filter(provider=provider, kind=ClaimKind.SETTLEMENT, **wanted)
        .select_related(
            "voucher__program__region",
            "voucher__publication",
            "publication",
            "provider",
            "payee",
            "lease",
            "enterprise",
        )
        .first()
    )
    if claim is None or claim.state == ClaimState.DRAFT:
        raise NotFound(
            "settlement.unknown", "未找到该笔抵扣。", field="settlement_no" if settlement_no else "key"
        )
    reach.require(claim.program_code, claim.program_region_code)
    return claim


def confirm_settlement(
    claim: Claim, *, by: User, invoice: InvoiceCited | None = None, also: Also | None = None
) -> Claim:
    """The usage is billed: the deduction stands. Confirmed twice, also at once, is confirmed once.

    ``invoice`` is the one that bills it; it may be told at the reservation already, and then stays the same. Once confirmed, none
    is added. ``also`` is written with it, before the ledger is called.
    """
    require_role(by, Role.PLATFORM, party=claim.provider)
    assert claim.provider is not None
    standing = hold_standing(claim.provider, claim.claim_no, into=claim)
    if standing is None:
        raise not_now(claim, "settle_instantly")
    return _confirmed(standing, invoice, also)


def confirm_settlement_no(
    settlement_no: str, *, provider: Party, by: User, reach: Reach, invoice: InvoiceCited | None = None
) -> Claim:
    """``confirm_settlement`` of the provider's own, by its number (404 ``settlement.unknown``)."""
    require_role(by, Role.PLATFORM, party=provider)
    standing = hold_standing(provider, settlement_no)
    if standing is None:
        raise not_now(
            find_settlement(provider=provider, reach=reach, settlement_no=settlement_no), "settle_instantly"
        )
    reach.require(standing.claim.program_code, standing.claim.program_region_code)
    return _confirmed(standing, invoice, None)


def _confirmed(standing: Standing, invoice: InvoiceCited | None, also: Also | None) -> Claim:
    claim = standing.claim
    if claim.state in (ClaimState.APPROVED, ClaimState.PAID):
        if invoice is not None:
            _require_known_invoice(claim, invoice)
        if also is not None:
            also(claim)
        return claim
    if invoice is not None:
        cite_invoice(claim, invoice)
    return settle_instantly(standing, also)


def _require_known_invoice(claim: Claim, invoice: InvoiceCited) -> None:
    """What was approved was screened and approved on what it rested on then: an invoice that comes later was looked at by nobody.

    The one that it rests on may be told again; another is ``settlement.invoice_differs``, a first one ``settlement.invoice_late``.
    """
    if claim.facts.get("invoice") is None:
        raise NotNow(
            "settlement.invoice_late",
            "该笔抵扣已经确认，不能再补登发票：确认时未据以核验。",
            field="invoice.invoice_no",
            hint="请在确认时一并提供发票；确需补登的，请联系经办部门。",
        )
    cite_invoice(claim, invoice)


def release_settlement(claim: Claim, *, by: User, also: Also | None = None) -> Claim:
    """The usage was not billed after all: what was reserved is free again. Released twice is released once."""
    require_role(by, Role.PLATFORM, party=claim.provider)
    _as_it_stands(claim)
    if claim.state in (ClaimState.WITHDRAWN, ClaimState.LAPSED):
        if also is not None:
            also(claim)
        return claim
    if claim.state not in (ClaimState.SUBMITTED, ClaimState.DRAFT):
        raise NotNow("settlement.not_releasable", "该笔抵扣已确认，不能释放；如需更正请联系经办部门。")
    return withdraw_claim(claim, by=by, reason="平台释放", also=also)


def _as_it_stands(claim: Claim) -> None:
    """Wait for whoever else acts on it, and look again."""
    claim.refresh_from_db(from_queryset=Claim.objects.select_for_update(of=("self",)))


def answer(claim: Claim) -> dict[str, Any]:
    """What the platform is told: the deduction, its working, its state, until when it is reserved."""
    assessment = claim.assessment
    instant = bool(claim.band.get("instant"))
    waiting = claim.state == ClaimState.SUBMITTED
    return {
        "settlement_no": claim.claim_no,
        "idempotency_key": claim.idempotency_key,
        "state": claim.state,
        "voucher_no": claim.voucher.voucher_no,
        "deducted_amount": f"{claim.claimed_amount or ZERO:.2f}",
        "confirmed_amount": None if claim.approved_amount is None else f"{claim.approved_amount:.2f}",
        "expires_on": claim.due_on.isoformat() if waiting and instant and claim.due_on else None,
        "needs_review": waiting and not instant,
        "invoice_no": claim.facts.get("invoice", {}).get("invoice_no"),
        "outcome": assessment.get("outcome", ""),
        "lines": assessment.get("lines", []),
        "findings": [one for one in assessment.get("findings", []) if one.get("result") != "met"],
    }


def written(body: dict[str, Any]) -> str:
    """The answer as text, in one order."""
    parts = (
        f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(',', ':'))}"
        for name, value in body.items()
    )
    return "{" + ",".join(parts) + "}"
