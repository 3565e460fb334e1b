"""即时抵扣: a provider's platform deducts at settlement, in two calls: reserve with the working, then confirm or release."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import settle_instantly, start_claim, submit_claim, withdraw_claim
from applications.evidence import likeness, number_as_meant
from applications.models import BasisItem, Claim, Lease
from applications.models.claims import DEAD_STATES, ClaimKind, ClaimState
from vouchers.access import Role, require_role
from vouchers.errors import Forbidden, Invalid, NotFound, NotNow
from vouchers.models import Party, User, Voucher
from vouchers.money import ZERO
from vouchers.policy.terms import BasisKind


@dataclass(frozen=True, kw_only=True)
class SettlementRequest:
    """What the platform sends. Amounts in yuan without tax; both days of the period count."""

    voucher_no: str
    lease_no: str
    reference: str
    net_amount: Decimal
    tax_amount: Decimal = ZERO
    period_from: date | None = None
    period_to: date | None = None
    accelerator: str = ""

    def digest(self) -> str:
        """Whether two requests under one key are the same."""
        body = {name: str(value) for name, value in sorted(vars(self).items())}
        return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def reserve_settlement(
    request: SettlementRequest, *, provider: Party, key: str, by: User, programs: Collection[str] = ()
) -> tuple[Claim, bool]:
    """Deduct and reserve. Answers the claim, and whether it is new: the same key with the same body is the first answer again.

    A second sender of a key waits for the first. What the ledger refused may be sent again under its key. ``programs`` bounds
    what the credential may do; none means all. Raises ``Invalid`` (``settlement.key_reused`` for another body under a known
    key, ``settlement.reference_used`` for a line that is deducted already) and ``Forbidden`` (``settlement.program``).
    """
    require_role(by, Role.PLATFORM, party=provider)
    _wait_for_others("key", provider, key)
    known = Claim.objects.filter(provider=provider, idempotency_key=key).first()
    if known is not None:
        if known.facts.get("request_sha256") != request.digest():
            raise Invalid(
                "settlement.key_reused",
                "该幂等键已用于另一笔内容不同的抵扣，本次未予受理。",
                field="Idempotency-Key",
                hint="新的业务请使用新的幂等键；重发同一笔业务须保持内容一致。",
            )
        require_program(known.program_code, programs)
        if known.state != ClaimState.DRAFT:
            return known, False
        _require_unused(request.reference, provider)
        return submit_claim(known, by=by), True
    lease = (
        Lease.objects.filter(lease_no=request.lease_no, lessor=provider)
        .select_related("lessor", "lessee")
        .first()
    )
    if lease is None:
        raise NotFound("settlement.lease", "未找到贵方名下的该合同备案号。", field="lease_no")
    voucher = (
        Voucher.objects.filter(
            voucher_no=request.voucher_no, enterprise=lease.lessee, origin="live", is_entitlement=False
        )
        .select_related("program__region", "publication", "enterprise")
        .first()
    )
    if voucher is None:
        raise NotFound("settlement.voucher", "未找到该合同承租方持有的这张算力券。", field="voucher_no")
    assert voucher.program is not None
    require_program(voucher.program.code, programs)
    _require_unused(request.reference, provider)
    claim = start_claim(voucher, lease, by=by, kind=ClaimKind.SETTLEMENT, provider=provider, key=key)
    claim.facts = {"request_sha256": request.digest()}
    claim.save(update_fields=["facts"])
    item = ItemFields(
        kind=BasisKind.SETTLEMENT_LINE.value,
        net_amount=request.net_amount,
        tax_amount=request.tax_amount,
        reference=request.reference,
        period_from=request.period_from,
        period_to=request.period_to,
        accelerator=request.accelerator or lease.accelerator,
    )
    set_items(claim, [item], by=by)
    submit_claim(claim, by=by)
    return claim, True


def _wait_for_others(what: str, provider: Party, text: str) -> None:
    """Of several requests at once about the same thing, one at a time until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))",
            [f"settlement:{what}:{provider.uscc}:{text}"],
        )


def _require_unused(reference: str, provider: Party) -> None:
    """A line of the platform's statement is deducted once, whatever the key that it comes under."""
    number = number_as_meant(reference)
    _wait_for_others("reference", provider, number)
    alike = (
        BasisItem.objects.filter(
            Q(reference_key=likeness(reference)) | Q(reference=reference),
            claim__provider=provider,
            claim__kind=ClaimKind.SETTLEMENT,
        )
        .exclude(claim__state__in=DEAD_STATES)
        .select_related("claim")
    )
    used = next((item for item in alike if number_as_meant(item.reference) == number), None)
    if used is not None:
        raise Invalid(
            "settlement.reference_used",
            f"结算单行号 {reference} 已在抵扣 {used.claim.claim_no} 中使用，不能重复抵扣。",
            field="reference",
            hint="如原抵扣有误，请先释放后再提交。",
            detail={"settlement_no": used.claim.claim_no},
        )


def require_program(program_code: str, programs: Collection[str]) -> None:
    """Refuse (403) what lies outside of the programs that a credential is bound to."""
    if programs and program_code not in programs:
        raise Forbidden("settlement.program", "该平台凭据未获授权办理本专项。")


def confirm_settlement(claim: Claim, *, by: User) -> Claim:
    """The usage is billed: the deduction stands. Confirmed twice, also at once, is confirmed once."""
    require_role(by, Role.PLATFORM, party=claim.provider)
    _as_it_stands(claim)
    if claim.state in (ClaimState.APPROVED, ClaimState.PAID):
        return claim
    return settle_instantly(claim)


def release_settlement(claim: Claim, *, by: User) -> Claim:
    """The usage was not billed after all: what was reserved is free again. Released twice is released once."""
    require_role(by, Role.PLATFORM, party=claim.provider)
    _as_it_stands(claim)
    if claim.state == ClaimState.WITHDRAWN:
        return claim
    if claim.state not in (ClaimState.SUBMITTED, ClaimState.DRAFT):
        raise NotNow("settlement.not_releasable", "该笔抵扣已确认，不能释放；如需更正请联系经办部门。")
    return withdraw_claim(claim, by=by, reason="平台释放")


def _as_it_stands(claim: Claim) -> None:
    """Wait for whoever else acts on it, and look again."""
    claim.refresh_from_db(from_queryset=Claim.objects.select_for_update(of=("self",)))


def answer(claim: Claim) -> dict[str, Any]:
    """What the platform is told: the deduction, its working, its state; in one order, so that a replay is the same bytes."""
    assessment = json.loads(json.dumps(claim.assessment, sort_keys=True))
    return {
        "settlement_no": claim.claim_no,
        "state": claim.state,
        "voucher_no": claim.voucher.voucher_no,
        "deducted_amount": f"{claim.claimed_amount or ZERO:.2f}",
        "outcome": assessment.get("outcome", ""),
        "lines": assessment.get("lines", []),
        "findings": [one for one in assessment.get("findings", []) if one.get("result") != "met"],
    }
