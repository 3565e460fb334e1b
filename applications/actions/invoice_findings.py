"""What is remarkable about one invoice when it is filed, for the enterprise and for the handler: number, parties, dates, state.

The checks of a whole claim are in ``applications.invoice_checks``; the fraud rules (F03, F04, F08) decide what blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from applications.einvoice.numbers import number_faults
from applications.models import Invoice


@dataclass(frozen=True)
class InvoiceFinding:
    """审查意见 on one condition of an invoice. ``result`` is met, not_met or not_testable; ``fact`` what it rests on."""

    code: str
    label: str
    result: str
    fact: str
    cure: str = ""


def invoice_findings(invoice: Invoice) -> list[InvoiceFinding]:
    """Number, arithmetic, dates and parties against the lease. Pure over the row and its lease; nothing is stored."""
    findings = [_number_finding(invoice), *_lease_findings(invoice)]
    if invoice.status != "normal":
        changed = invoice.status_changed_on
        findings.append(
            InvoiceFinding(
                "invoice.status",
                "票面状态",
                "not_met",
                f"发票{invoice.get_status_display()}{f'（{changed}）' if changed else ''}。",
                "请提交有效的发票。",
            )
        )
    return findings


def _number_finding(invoice: Invoice) -> InvoiceFinding:
    faults = number_faults(
        invoice.invoice_code,
        invoice.invoice_no,
        issued_on=invoice.issued_on,
        seller_region=invoice.seller_uscc[2:8],
    )
    return InvoiceFinding(
        "invoice.number",
        "发票号码",
        "not_met" if faults else "met",
        "".join(fault.message for fault in faults) or f"号码 {invoice.number_key} 的位数、年份和省份相符。",
        faults[0].hint if faults else "",
    )


def _lease_findings(invoice: Invoice) -> list[InvoiceFinding]:
    lease = invoice.lease
    if lease is None:
        return [
            InvoiceFinding(
                "invoice.lease", "对应合同", "not_testable", "发票未注明对应的合同。", "请选择对应的合同。"
            )
        ]
    findings = [
        InvoiceFinding(
            "invoice.buyer",
            "购买方与承租方",
            "met" if invoice.buyer_uscc == lease.lessee.uscc else "not_met",
            f"购买方为 {invoice.buyer_name}（{invoice.buyer_uscc}），承租方为 {lease.lessee.name}（{lease.lessee.uscc}）。",
            "由分支机构或代理方结算的，请提交登记的关系证明。",
        ),
        InvoiceFinding(
            "invoice.seller",
            "销售方与出租方",
            "met" if invoice.seller_uscc == lease.lessor.uscc else "not_met",
            f"销售方为 {invoice.seller_name}（{invoice.seller_uscc}），出租方为 {lease.lessor.name}（{lease.lessor.uscc}）。",
            "由分支机构或代理方开票的，请提交登记的关系证明。",
        ),
        InvoiceFinding(
            "invoice.issued",
            "开票日与合同",
            "met" if invoice.issued_on >= lease.signed_on else "not_met",
            f"开票日 {invoice.issued_on}，合同签订日 {lease.signed_on}。",
            "框架合同后补签的，请提交框架合同。",
        ),
    ]
    if invoice.period_from is None or invoice.period_to is None:
        findings.append(
            InvoiceFinding(
                "invoice.period", "服务期与合同期", "not_testable", "发票未注明服务期。", "请补充服务期。"
            )
        )
    else:
        inside = invoice.period_from < lease.ends_before and invoice.period_to > lease.starts_on
        findings.append(
            InvoiceFinding(
                "invoice.period",
                "服务期与合同期",
                "met" if inside else "not_met",
                f"服务期 {invoice.period_from} 起，合同期 {lease.starts_on} 起。",
                "请核对服务期与合同。",
            )
        )
    return findings
