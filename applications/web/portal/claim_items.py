"""The basis of a claim, item by item: an invoice dropped as a file and read, one that was filed before, or another kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.bank_transfers import record_bank_transfer
from applications.actions.basis_items import ItemFields, add_item, remove_item
from applications.actions.invoice_uses import already_claimed
from applications.actions.invoices import keyed, record_invoice
from applications.actions.papers import open_paper, receive_paper
from applications.einvoice import EInvoice, read_einvoice
from applications.einvoice.document import SIGNED
from applications.facts import chip_origin
from applications.models import BankTransfer, Claim, Invoice, Paper
from applications.web.portal.access import act, portal_view, refused
from applications.web.portal.claim_forms import InvoiceItemForm, ItemForm, PaidForm
from applications.web.portal.claim_steps import editable_claim, shown_claim_steps
from applications.web.portal.estimates import shown_estimate
from vouchers.errors import DomainError, Invalid
from vouchers.models import User
from vouchers.policy.facts import BasisItemFacts
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import BasisKind
from vouchers.web.fields import DayField, MoneyField
from vouchers.web.wording import date_text, rate_text


@dataclass
class ReadInvoice:
    """A file that was handed over, and what was read from it; ``einvoice`` None for one that holds no readable invoice."""

    paper: Paper
    einvoice: EInvoice | None
    sentence: str = ""


def admitted_kinds(claim: Claim, scheme: Scheme) -> list[BasisKind]:
    """The kinds of basis that the claim's track admits."""
    track = claim.facts.get("stated", {}).get("track")
    tracks = [one for one in scheme.tracks if not track or one.code == track]
    return list(dict.fromkeys(kind for one in tracks for kind in one.basis_kinds))


def _page(request: HttpRequest, claim: Claim, template: str, **context: Any) -> HttpResponse:
    shown = {
        "claim": claim,
        "voucher": claim.voucher,
        "lease": claim.lease,
        "crumbs": [
            (_("兑付申请"), reverse("portal:claims")),
            (claim.claim_no, reverse("portal:claim", args=[claim.claim_no])),
        ],
        "steps": shown_claim_steps(claim, "items"),
        **context,
    }
    return render(request, template, shown, status=422 if context.get("faults") else 200)


@portal_view
def items(request: HttpRequest, claim_no: str) -> HttpResponse:
    """What the claim rests on so far, and what it comes to."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    scheme = claim.publication.scheme  # type: ignore[union-attr]
    kinds = admitted_kinds(claim, scheme)
    listed = list(claim.items.select_related("invoice", "bank_transfer"))
    used = [item.invoice_id for item in listed if item.invoice_id]
    context: dict[str, Any] = {
        "items": listed,
        "kinds": [kind for kind in kinds if kind is not BasisKind.INVOICE_LINE],
        "takes_invoices": BasisKind.INVOICE_LINE in kinds,
        "filed_invoices": Invoice.objects.filter(owner=claim.enterprise, lease=claim.lease, origin="live")
        .exclude(pk__in=used)
        .order_by("-issued_on", "-pk")[:20]
        if claim.lease
        else [],
        **(shown_estimate(claim) if listed else {"assessment": None}),
    }
    return _page(request, claim, "portal/claim_items.html", **context)


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
            return _page(
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
    return _page(request, claim, "portal/claim_invoice.html", **context)


def _used(request: HttpRequest, einvoice: EInvoice | None, filed: Invoice | None, claim: Claim) -> str:
    from applications.einvoice import norm_inv

    key = filed.number_key if filed else ""
    if einvoice is not None:
        key = norm_inv(einvoice.invoice_code, einvoice.invoice_no)
    if not key or request.method == "POST":
        return ""
    by = request.user
    assert isinstance(by, User)
    known = already_claimed(key, viewer=by, except_claim_no=claim.claim_no)
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
            period_to=_day_after(end),
        )
    share = given["net_amount"] / filed.net_amount if filed.net_amount else 0
    add_item(
        claim,
        ItemFields(
            kind=BasisKind.INVOICE_LINE.value,
            net_amount=given["net_amount"],
            tax_amount=(filed.tax_amount * share).quantize(filed.tax_amount),
            invoice=filed,
            period_from=given["period_from"],
            period_to=end,
            bank_transfer=_paid(claim, form, by),
            paper=reading.paper if reading else filed.paper,
        ),
        by=by,
    )


def _map_amounts(form: InvoiceItemForm) -> dict[str, Any]:
    """What was keyed, without the fields that are signed (they are not asked)."""
    asked = {form.NAMES.get(field.name, field.name) for field in form.keyed_fields()}
    return {name: value for name, value in form.keyed().items() if name in asked}


def _paid(claim: Claim, form: PaidForm, by: User) -> BankTransfer | None:
    """The payment behind an item, with its slip."""
    given = form.cleaned_data
    paper = None
    if given.get("proof"):
        paper = receive_paper(
            given["proof"],
            kind="payment_proof",
            subject_kind="claim",
            subject_no=claim.claim_no,
            owner=claim.enterprise,
            region_code=claim.program_region_code,
            by=by,
        )
    if not given.get("bank_ref"):
        return None
    return record_bank_transfer(
        bank_ref=given["bank_ref"],
        paid_on=given["paid_on"],
        amount=given["paid_amount"],
        payer=claim.enterprise,
        payee=claim.lease.lessor if claim.lease else None,
        by=by,
        paper=paper,
    )


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
        rows.append({"label": _("项目 %(n)s") % {"n": line.line_no}, "value": f"{line.description}{rate}"})
    return rows


@portal_view
def item(request: HttpRequest, claim_no: str) -> HttpResponse:
    """An item of another kind than an invoice."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    by = request.user
    assert isinstance(by, User)
    scheme = claim.publication.scheme  # type: ignore[union-attr]
    kinds = [kind for kind in admitted_kinds(claim, scheme) if kind is not BasisKind.INVOICE_LINE]
    if not kinds:
        return redirect("portal:claim_invoice", claim_no)
    refusals: list[DomainError] = []
    posted = request.method == "POST"
    form = ItemForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        kinds=kinds,
        initial=_first_values(claim, request.GET.get("kind", "")),
    )
    if posted and form.is_valid():
        try:
            with transaction.atomic():
                _add_other(claim, form, by)
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            return redirect("portal:claim_items", claim_no)
    return _page(
        request,
        claim,
        "portal/claim_item.html",
        form=form,
        refusals=refusals,
        faults=refusals or bool(form.errors),
    )


def _first_values(claim: Claim, kind: str) -> dict[str, Any]:
    known: dict[str, Any] = {"kind": kind} if kind else {}
    lease = claim.lease
    if lease is not None:
        known["accelerator"] = lease.accelerator
        if kind == BasisKind.CONTRACT_AMOUNT.value:
            known |= {
                "reference": lease.contract_no or lease.lease_no,
                "net_amount": lease.amount,
                "period_from": lease.starts_on,
                "period_to": lease.ends_before.fromordinal(lease.ends_before.toordinal() - 1),
            }
    return known


def _add_other(claim: Claim, form: ItemForm, by: User) -> None:
    given = form.cleaned_data
    paper = None
    if given.get("document"):
        paper = receive_paper(
            given["document"],
            kind=given["kind"],
            subject_kind="claim",
            subject_no=claim.claim_no,
            owner=claim.enterprise,
            region_code=claim.program_region_code,
            by=by,
        )
    add_item(
        claim,
        ItemFields(
            kind=given["kind"],
            net_amount=given["net_amount"],
            tax_amount=given["tax_amount"],
            reference=given["reference"].strip(),
            description=given["description"].strip(),
            period_from=given["period_from"],
            period_to=given["period_to"],
            accelerator=given["accelerator"].strip(),
            bank_transfer=_paid(claim, form, by),
            paper=paper,
        ),
        by=by,
    )


@require_POST
@portal_view
def preview(request: HttpRequest, claim_no: str) -> HttpResponse:
    """What the claim would come to with the item that is being typed; nothing is written."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return HttpResponse(status=204)
    typed = _typed_item(request, claim)
    if typed is None:
        return render(request, "portal/parts/preview.html", {"assessment": None})
    return render(request, "portal/parts/preview.html", shown_estimate(claim, typed))


def _typed_item(request: HttpRequest, claim: Claim) -> BasisItemFacts | None:
    """Half-typed figures are no news: then there is nothing to show."""
    kind = request.POST.get("kind") or BasisKind.INVOICE_LINE.value
    day = DayField(required=False)
    try:
        return BasisItemFacts(
            item_no="9999",
            kind=BasisKind(kind),
            net_amount=MoneyField().clean(request.POST.get("net_amount", "")),
            contract_no=claim.lease.lease_no if claim.lease else "",
            period_from=day.clean(request.POST.get("period_from", "")),
            period_to=_day_after(day.clean(request.POST.get("period_to", ""))),
            chip_origin=chip_origin(request.POST.get("accelerator", ""))
            if request.POST.get("accelerator")
            else None,
            evidence_no="",
        )
    except (ValidationError, ValueError):
        return None


def _day_after(day: date | None) -> date | None:
    return None if day is None else date.fromordinal(day.toordinal() + 1)


@require_POST
@portal_view
def remove(request: HttpRequest, claim_no: str, position: int) -> HttpResponse:
    """Take an item out of the claim; the file of its invoice goes with it."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    by = request.user
    assert isinstance(by, User)

    return act(
        request,
        lambda: remove_item(claim, position, by=by),
        _("已移除。"),
        "portal:claim_items",
        claim_no,
    )
