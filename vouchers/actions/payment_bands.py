"""拨付审批权限: how many must approve a batch, by its sum, as a document lays it down."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import Q

from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import PaymentBand, Program, User
from vouchers.money import yuan

MOST_APPROVERS = 5


def band_for(program: Program, total: Decimal, on: date) -> PaymentBand | None:
    """The band that a batch of this sum falls into on a day; None where no document asks for more than one approver."""
    band: PaymentBand | None = (
        PaymentBand.objects.filter(
            program=program, confirmed_by__isnull=False, amount_from__lte=total, effective_from__lte=on
        )
        .filter(Q(effective_to=None) | Q(effective_to__gt=on))
        .order_by("-amount_from", "-effective_from", "-pk")
        .first()
    )
    return band


def enter_band(
    program: Program,
    *,
    amount_from: Decimal,
    approvers: int,
    document_no: str,
    effective_from: date,
    by: User,
) -> PaymentBand:
    """A band as its document says; it counts once another person confirmed it. An earlier one of the same sum ends that day.

    Raises ``Forbidden`` (``access.role``) and ``Problems`` (``payment_band.amount``, ``.approvers``, ``.document``, ``.known``)."""
    announce("payment_band.enter")
    require_role(by, Role.POLICY_EDITOR, region=program.region)
    faults: list[Invalid] = []
    try:
        amount_from = yuan(amount_from)
    except ValueError as error:
        faults.append(Invalid("payment_band.amount", f"{error}。", field="amount_from"))
    else:
        if amount_from < 0:
            faults.append(Invalid("payment_band.amount", "起始金额不能小于零。", field="amount_from"))
    if not 1 <= approvers <= MOST_APPROVERS:
        faults.append(
            Invalid("payment_band.approvers", f"批准人数应为 1 至 {MOST_APPROVERS}。", field="approvers")
        )
    if not document_no.strip():
        faults.append(Invalid("payment_band.document", "请填写依据文号。", field="document_no"))
    if (
        not faults
        and program.payment_bands.filter(amount_from=amount_from, effective_from=effective_from).exists()
    ):
        faults.append(Invalid("payment_band.known", "同一起始金额在同一天已有一档。", field="effective_from"))
    if faults:
        raise Problems(faults)
    return PaymentBand.objects.create(
        program=program,
        amount_from=amount_from,
        approvers=approvers,
        document_no=document_no.strip()[:100],
        effective_from=effective_from,
        entered_by=by,
    )


def confirm_band(band: PaymentBand, *, by: User) -> PaymentBand:
    """Another person has compared it with the document. The earlier one of the same sum ends the day before.

    Raises ``NotNow`` (``payment_band.confirmed``) and ``Forbidden`` (``access.same_person``)."""
    announce("payment_band.confirm")
    require_role(by, Role.PUBLISHER, region=band.program.region)
    if band.confirmed_by_id is not None:
        raise NotNow("payment_band.confirmed", "这一档已经确认。")
    require_other_person(by, {band.entered_by_id}, "确认拨付审批权限")
    earlier = band.program.payment_bands.filter(
        amount_from=band.amount_from, effective_from__lt=band.effective_from, confirmed_by__isnull=False
    ).filter(Q(effective_to=None) | Q(effective_to__gt=band.effective_from))
    earlier.update(effective_to=band.effective_from)
    band.confirmed_by = by
    band.save(update_fields=["confirmed_by"])
    return band
