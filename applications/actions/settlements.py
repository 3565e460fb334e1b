"""即时抵扣: a provider's platform deducts at settlement, in two calls: reserve with the working, then confirm or release."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import settle_instantly, start_claim, submit_claim, withdraw_claim
from applications.models import Claim, Lease
from applications.models.claims import ClaimKind, ClaimState
from vouchers.access import Role, require_role
from vouchers.errors import Invalid, NotFound, NotNow
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
    request: SettlementRequest, *, provider: Party, key: str, by: User
) -> tuple[Claim, bool]:
    """Deduct and reserve. Answers the claim, and whether it is new: the same key with the same body is the first answer again.

    Raises ``Invalid`` (``settlement.key_reused``) for another body under a known key.
    """
    require_role(by, Role.PLATFORM, party=provider)
    known = Claim.objects.filter(provider=provider, idempotency_key=key).first()
    if known is not None:
        if known.facts.get("request_sha256") != request.digest():
            raise Invalid(
                "settlement.key_reused",
                "该幂等键已用于另一笔内容不同的抵扣，本次未予受理。",
                field="Idempotency-Key",
                hint="新的业务请使用新的幂等键；重发同一笔业务须保持内容一致。",
            )
        return known, False
    lease = (
        Lease.objects.filter(lease_no=request.lease_no, lessor=provider)
        .select_related("lessor", "lessee")
        .first()
    )
    if lease is None:
        raise NotFound("settlement.lease", "未找到贵方名下的该合同备案号。", field="lease_no")
    voucher = (
        Voucher.objects.filter(voucher_no=request.voucher_no, enterprise=lease.lessee, origin="live")
        .select_related("program__region", "publication", "enterprise")
        .first()
    )
    if voucher is None:
        raise NotFound("settlement.voucher", "未找到该合同承租方持有的这张算力券。", field="voucher_no")
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


def confirm_settlement(claim: Claim, *, by: User) -> Claim:
    """The usage is billed: the deduction stands. Confirmed twice is confirmed once."""
    require_role(by, Role.PLATFORM, party=claim.provider)
    if claim.state in (ClaimState.APPROVED, ClaimState.PAID):
        return claim
    return settle_instantly(claim)


def release_settlement(claim: Claim, *, by: User) -> Claim:
    """The usage was not billed after all: what was reserved is free again. Released twice is released once."""
    if claim.state == ClaimState.WITHDRAWN:
        return claim
    if claim.state not in (ClaimState.SUBMITTED, ClaimState.DRAFT):
        raise NotNow("settlement.not_releasable", "该笔抵扣已确认，不能释放；如需更正请联系经办部门。")
    return withdraw_claim(claim, by=by, reason="平台释放")


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
