"""An invoice as the basis of a claim: dropped as a file and read, filed before, or keyed; how much of it counts; how it was paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from applications.actions.basis_items import ItemFields, add_item
from applications.actions.invoice_uses import already_claimed
from applications.actions.invoices import keyed, record_invoice
from applications.actions.papers import open_paper, receive_paper
from applications.components import suggested
from applications.einvoice import EInvoice, norm_inv, read_einvoice
from applications.einvoice.document import SIGNED
from applications.models import Claim, Invoice, Paper
from applications.own_checks import asks_component
from applications.web.portal.access import portal_view, refused
from applications.web.portal.claim_forms import InvoiceItemForm
from applications.web.portal.claim_items import day_after, item_page, paid_transfer
from applications.web.portal.claim_steps import editable_claim
from vouchers.errors import DomainError, Invalid, TooMany
from vouchers.models import User
from vouchers.policy.terms import BasisKind, Component
from vouchers.web.wording import date_text, rate_text


@dataclass
class ReadInvoice:
    """A file that was handed over, and what was read from it; ``einvoice`` None for one that holds no readable invoice."""

    paper: Paper
    einvoice: EInvoice | None
    sentence: str = ""


def _read(request: HttpRequest, paper: Paper) -> ReadInvoice:
    by = request.user
    assert isinstance(by, User)
    try:
        with open_paper(paper, by=by) as file:
            return ReadInvoice(paper, read_einvoice(file))  # type: ignore[arg-type]
    except DomainError as unread:
        return ReadInvoice(paper, None, f"{unread.message}{unread.hint or ''}")


@portal_view
def invoice(request: HttpRequest, claim_no: str) -> HttpResponse:
    """Drop the invoice's file; see what was read beside it; say how much of it counts; add it.

    POST with ``file`` takes the file in and comes back with ``?paper=``; POST with ``net_amount`` adds the item.
    """
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    by = request.user
    assert isinstance(by, User)
    here = reverse("portal:claim_invoice", args=[claim_no])
    refusals: list[DomainError] = []
    if request.method == "POST" and "net_amount" not in request.POST:
        try:
            paper = _take_file(request, claim, by)
        except DomainError as refusal:
            refusals = refused(request, refusal)
            return item_page(
                request, claim, "portal/claim_invoice.html", refusals=refusals, faults=refusals, reading=None
            )
        return redirect(f"{here}?paper={paper.paper_no}")
    number = request.POST.get("paper") or request.GET.get("paper", "")
    paper_row = Paper.objects.filter(
        owner=claim.enterprise, subject_kind="claim", subject_no=claim_no, paper_no=number, removed_at=None
    ).first()
    wanted = request.POST.get("invoice") or request.GET.get("invoice", "")
    filed = (
        Invoice.objects.filter(
            owner=claim.enterprise, lease=claim.lease, number_key=wanted, origin="live"
        ).first()
        if wanted
        else None
    )
    reading = _read(request, paper_row) if paper_row is not None else None
    einvoice = reading.einvoice if reading else None
    form = InvoiceItemForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        read=einvoice,
        filed=filed,
        components=asks_component(claim),
        initial=InvoiceItemForm.initial_of(einvoice, filed, claim),
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                _add_invoice(claim, form, reading, filed, by)
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            return redirect("portal:claim_items", claim_no)
    context = {
        "form": form,
        "reading": reading,
        "filed": filed,
        "keying": "key" in request.GET or (request.method == "POST" and not paper_row and not filed),
        "read_facts": _read_facts(einvoice) if einvoice else [],
        "signed": einvoice is not None and einvoice.source in SIGNED,
        "used": _used(request, einvoice, filed, claim),
        "refusals": refusals,
        "faults": refusals or bool(form.errors),
    }
    return item_page(request, claim, "portal/claim_invoice.html", **context)


def _used(request: HttpRequest, einvoice: EInvoice | None, filed: Invoice | None, claim: Claim) -> str:
    key = filed.number_key if filed else ""
    if einvoice is not None:
        key = norm_inv(einvoice.invoice_code, einvoice.invoice_no)
    if not key or request.method == "POST":
        return ""
    by = request.user
    assert isinstance(by, User)
    try:
        known = already_claimed(key, viewer=by, except_claim_no=claim.claim_no)
    except TooMany:
        return ""  # asked too often: the claim is checked again when it is submitted
    return known.sentence if known else ""


def _take_file(request: HttpRequest, claim: Claim, by: User) -> Paper:
    file = request.FILES.get("file")
    if file is None:
        raise Invalid(
            "invoice.no_file", _("请选择发票文件。"), field="file", hint=_("没有电子文件的，可以手工填写。")
        )
    return receive_paper(
        file,
        kind="invoice",
        subject_kind="claim",
        subject_no=claim.claim_no,
        owner=claim.enterprise,
        region_code=claim.program_region_code,
        by=by,
    )


def _add_invoice(
    claim: Claim, form: InvoiceItemForm, reading: ReadInvoice | None, filed: Invoice | None, by: User
) -> None:
    given = form.cleaned_data
    end = given["period_to"]
    if filed is None:
        values = _map_amounts(form)
        filed = record_invoice(
            keyed(values, reading.einvoice if reading else None),
            owner=claim.enterprise,
            lease=claim.lease,
            by=by,
            paper=reading.paper if reading else None,
            period_from=given["period_from"],
            period_to=day_after(end),
        )
    share = given["net_amount"] / filed.net_amount if filed.net_amount else 0
    add_item(
        claim,
        ItemFields(
            kind=BasisKind.INVOICE_LINE.value,
            net_amount=given["net_amount"],
            tax_amount=(filed.tax_amount * share).quantize(filed.tax_amount),
            invoice=filed,
            component=given.get("component", ""),
            period_from=given["period_from"],
            period_to=end,
            bank_transfer=paid_transfer(claim, form, by),
            paper=reading.paper if reading else filed.paper,
        ),
        by=by,
    )


def _map_amounts(form: InvoiceItemForm) -> dict[str, Any]:
    """What was keyed, without the fields that are signed (they are not asked)."""
    asked = {form.NAMES.get(field.name, field.name) for field in form.keyed_fields()}
    return {name: value for name, value in form.keyed().items() if name in asked}


def _read_facts(read: EInvoice) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"label": _("发票号码"), "value": read.invoice_no},
        {"label": _("开票日期"), "value": date_text(read.issued_on) if read.issued_on else ""},
        {
            "label": _("销售方"),
            "value": " ".join(part for part in (read.seller_name, read.seller_uscc) if part),
        },
        {
            "label": _("购买方"),
            "value": " ".join(part for part in (read.buyer_name, read.buyer_uscc) if part),
        },
        {"label": _("不含税金额"), "amount": read.net_amount},
        {"label": _("税额"), "amount": read.tax_amount},
        {"label": _("价税合计"), "amount": read.gross_amount},
    ]
    for line in read.lines[:10]:
        rate = f"，税率 {rate_text(line.tax_rate)}" if line.tax_rate is not None else ""
        kind = suggested(line.description)
        rows.append(
            {
                "label": _("项目 %(n)s") % {"n": line.line_no},
                "value": f"{line.description}{rate}"
                + (f"（{kind.label}）" if kind is not Component.OTHER else ""),
            }
        )
    return rows
