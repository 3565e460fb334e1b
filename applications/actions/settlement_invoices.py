"""The invoice of a settlement: cited by the platform when it reserves or when it confirms, and never for more than it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q, Sum

from applications.einvoice.numbers import norm_inv, number_faults
from applications.models import BasisItem, Claim, Invoice
from applications.models.claims import DEAD_STATES
from vouchers.errors import Invalid
from vouchers.money import ZERO, thousands


@dataclass(frozen=True, kw_only=True)
class InvoiceCited:
    """An invoice as the platform names it. ``net_amount`` in yuan without tax, of the whole invoice."""

    invoice_no: str
    net_amount: Decimal
    issued_on: date
    invoice_code: str = ""

    @property
    def key(self) -> str:
        """The number under which it is one invoice, however it is spelled."""
        return norm_inv(self.invoice_code, self.invoice_no)

    def as_kept(self) -> dict[str, str]:
        """As it stands in the claim's facts."""
        return {
            "number_key": self.key,
            "invoice_code": self.invoice_code,
            "invoice_no": self.invoice_no,
            "issued_on": self.issued_on.isoformat(),
            "net_amount": f"{self.net_amount:.2f}",
        }


def cite_invoice(claim: Claim, cited: InvoiceCited) -> None:
    """The claim rests on this invoice too (``check_invoice``), and keeps it."""
    own = sum((item.net_amount for item in claim.items.all()), ZERO)
    if not check_invoice(claim, cited, own=own):
        return
    claim.items.update(number_key=cited.key)
    claim.facts = {**claim.facts, "invoice": cited.as_kept()}
    claim.save(update_fields=["facts"])


def check_invoice(claim: Claim, cited: InvoiceCited, *, own: Decimal) -> bool:
    """Whether the claim may rest on this invoice too with ``own`` yuan; False when it does already. All live claims on it, of
    every kind and program, stay within its net amount; whoever cites it at the same time waits until the transaction ends.

    Raises ``Invalid``: ``settlement.invoice_no`` for a number that can be none, ``settlement.invoice_differs`` when the invoice
    is known with other parties or another amount, or the claim cites another one already, ``settlement.invoice_used_up``.
    """
    for fault in number_faults(cited.invoice_code, cited.invoice_no, issued_on=cited.issued_on):
        raise Invalid(
            "settlement.invoice_no", fault.message, field=f"invoice.{fault.field}", hint=fault.hint or None
        )
    kept = claim.facts.get("invoice")
    if kept is not None:
        if kept == cited.as_kept():
            return False
        raise _differs("本笔抵扣已登记另一张发票")
    with connection.cursor() as cursor:
        # Of several claims on one invoice at once, one at a time until its transaction ends.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4))", [f"invoice:{cited.key}"])
    _require_same(claim, cited)
    _require_room(claim, cited, own)
    return True


def _differs(what: str, **detail: Any) -> Invalid:
    return Invalid(
        "settlement.invoice_differs",
        f"{what}，与本次所报不一致。",
        field="invoice.invoice_no",
        hint="请对照发票核对号码、双方和不含税金额。",
        detail=detail,
    )


def _require_same(claim: Claim, cited: InvoiceCited) -> None:
    """The same number is the same paper wherever the office has met it."""
    assert claim.provider is not None
    for known in Invoice.objects.filter(number_key=cited.key):
        if (known.seller_uscc, known.buyer_uscc) != (claim.provider.uscc, claim.enterprise.uscc):
            raise _differs("该发票的销售方或购买方不是本合同的双方")
        if known.net_amount != cited.net_amount:
            raise _differs(f"该发票登记的不含税金额为 {thousands(known.net_amount)} 元")
    told = (
        Claim.objects.filter(facts__invoice__number_key=cited.key, items__number_key=cited.key)
        .exclude(pk=claim.pk or 0)
        .order_by("pk")
        .first()
    )
    if told is None:
        return
    if (told.provider_id, told.enterprise_id) != (claim.provider_id, claim.enterprise_id):
        raise _differs("该发票已用于其他双方的抵扣")
    if told.facts["invoice"]["net_amount"] != f"{cited.net_amount:.2f}":
        raise _differs(f"该发票此前登记的不含税金额为 {told.facts['invoice']['net_amount']} 元")


def _require_room(claim: Claim, cited: InvoiceCited, own: Decimal) -> None:
    rows = (
        BasisItem.objects.filter(Q(number_key=cited.key) | Q(invoice__number_key=cited.key))
        .exclude(claim__state__in=DEAD_STATES)
        .exclude(claim_id=claim.pk or 0)
    )
    used = rows.aggregate(total=Sum("net_amount"))["total"] or ZERO
    if used + own > cited.net_amount:
        raise Invalid(
            "settlement.invoice_used_up",
            f"该发票不含税 {thousands(cited.net_amount)} 元，其他兑付已计入 {thousands(used)} 元，不足以计入本笔 {thousands(own)} 元。",
            field="invoice.invoice_no",
            detail={
                "invoice_net_amount": f"{cited.net_amount:.2f}",
                "used": f"{used:.2f}",
                "wanted": f"{own:.2f}",
            },
        )
