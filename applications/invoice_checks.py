"""The named machine checks of the invoices behind a claim: arithmetic, state, parties, dates, and use elsewhere."""

from __future__ import annotations

from django.db.models import Count, Sum

from applications.models import BasisItem, Check, Claim, Invoice
from applications.models.claims import DEAD_STATES
from applications.models.invoices import InvoiceStatus
from applications.models.reviews import CheckResult
from vouchers.money import FEN, ZERO, thousands
from vouchers.policy.words import day_words


def invoice_checks(claim: Claim) -> list[Check]:
    """One check a kind over all invoices of the claim; each says which invoice, what was expected, what stands there."""
    invoices = [item.invoice for item in claim.items.select_related("invoice") if item.invoice is not None]
    if not invoices:
        return []
    return [
        _check(
            claim,
            "invoice_arithmetic",
            "发票金额、税额、价税合计相符",
            [_arithmetic(one) for one in invoices],
        ),
        _check(claim, "invoice_status", "发票状态正常", [_status(one) for one in invoices]),
        _check(
            claim, "invoice_parties", "发票购销双方与合同一致", [_parties(one, claim) for one in invoices]
        ),
        _check(claim, "invoice_dates", "开票日期不早于合同签订日", [_dates(one, claim) for one in invoices]),
        _check(
            claim, "invoice_unused", "发票未在其他兑付中超额使用", [_unused(one, claim) for one in invoices]
        ),
        _check(claim, "claimed_within_contract", "累计申报不超过合同金额", [_within_contract(claim)]),
    ]


def _check(claim: Claim, code: str, label: str, faults: list[str]) -> Check:
    found = [fault for fault in faults if fault]
    return Check(
        subject_kind="claim",
        subject_no=claim.claim_no,
        code=code,
        label=label,
        by_machine=True,
        result=CheckResult.FAILED if found else CheckResult.PASSED,
        sentence="；".join(found) if found else label + "。",
    )


def _arithmetic(invoice: Invoice) -> str:
    # A fen a line is the rounding of the one who wrote it; filing takes such an invoice, so the check does too.
    lines = invoice.lines.aggregate(net=Sum("net_amount"), count=Count("pk"))
    if lines["net"] is not None and abs(lines["net"] - invoice.net_amount) > FEN * lines["count"]:
        return f"发票 {invoice.invoice_no} 明细合计 {thousands(lines['net'])} 元，与票面金额 {thousands(invoice.net_amount)} 元不符"
    return ""


def _status(invoice: Invoice) -> str:
    if invoice.status == InvoiceStatus.NORMAL:
        return ""
    return f"发票 {invoice.invoice_no} 目前为“{invoice.get_status_display()}”"


def _parties(invoice: Invoice, claim: Claim) -> str:
    if claim.lease is None:
        return ""
    if invoice.buyer_uscc != claim.lease.lessee.uscc:
        return f"发票 {invoice.invoice_no} 的购方 {invoice.buyer_name or invoice.buyer_uscc} 不是合同承租方"
    if invoice.seller_uscc != claim.lease.lessor.uscc:
        return f"发票 {invoice.invoice_no} 的销方 {invoice.seller_name or invoice.seller_uscc} 不是合同出租方"
    return ""


def _dates(invoice: Invoice, claim: Claim) -> str:
    if claim.lease is None or invoice.issued_on >= claim.lease.signed_on:
        return ""
    return (
        f"发票 {invoice.invoice_no} 开具于 {day_words(invoice.issued_on)}，早于合同签订日 "
        f"{day_words(claim.lease.signed_on)}"
    )


def _unused(invoice: Invoice, claim: Claim) -> str:
    elsewhere = (
        (
            BasisItem.objects.filter(number_key=invoice.number_key)
            .exclude(claim=claim)
            .exclude(claim__state__in=DEAD_STATES)
            .aggregate(total=Sum("net_amount"))["total"]
        )
        or ZERO
    )
    here = (
        claim.items.filter(number_key=invoice.number_key).aggregate(total=Sum("net_amount"))["total"] or ZERO
    )
    if elsewhere + here > invoice.net_amount:
        return f"发票 {invoice.invoice_no} 已在其他兑付中使用，剩余可用金额不足"
    return ""


def _within_contract(claim: Claim) -> str:
    if claim.lease is None:
        return ""
    total = (
        (
            BasisItem.objects.filter(claim__lease=claim.lease)
            .exclude(claim__state__in=DEAD_STATES - {claim.state})
            .aggregate(total=Sum("net_amount"))["total"]
        )
        or ZERO
    )
    if total > claim.lease.amount:
        return f"累计申报 {thousands(total)} 元，超过合同金额 {thousands(claim.lease.amount)} 元"
    return ""
