"""The basis of a claim, item by item: what is listed, another kind than an invoice, and what a typed item would add."""

from __future__ import annotations

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
from applications.actions.papers import receive_paper
from applications.facts import chip_origin
from applications.models import BankTransfer, Claim, Invoice
from applications.web.portal.access import act, portal_view, refused
from applications.web.portal.claim_forms import ItemForm, PaidForm
from applications.web.portal.claim_steps import editable_claim, shown_claim_steps
from applications.web.portal.estimates import shown_estimate
from vouchers.errors import DomainError
from vouchers.models import User
from vouchers.policy.facts import BasisItemFacts
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import BasisKind
from vouchers.web.fields import DayField, MoneyField


def admitted_kinds(claim: Claim, scheme: Scheme) -> list[BasisKind]:
    """The kinds of basis that the claim's track admits."""
    track = claim.facts.get("stated", {}).get("track")
    tracks = [one for one in scheme.tracks if not track or one.code == track]
    return list(dict.fromkeys(kind for one in tracks for kind in one.basis_kinds))


def item_page(request: HttpRequest, claim: Claim, template: str, **context: Any) -> HttpResponse:
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
    return item_page(request, claim, "portal/claim_items.html", **context)


def paid_transfer(claim: Claim, form: PaidForm, by: User) -> BankTransfer | None:
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


@portal_view
def item(request: HttpRequest, claim_no: str) -> HttpResponse:
    """An item of another kind than an invoice."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    by = request.user
    assert isinstance(by, User)
    scheme = claim.publication.scheme  # type: ignore[union-attr]
    kinds: list[BasisKind] = [
        kind for kind in admitted_kinds(claim, scheme) if kind is not BasisKind.INVOICE_LINE
    ]
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
    return item_page(
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
            bank_transfer=paid_transfer(claim, form, by),
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
            period_to=day_after(day.clean(request.POST.get("period_to", ""))),
            chip_origin=chip_origin(request.POST.get("accelerator", ""))
            if request.POST.get("accelerator")
            else None,
            evidence_no="",
        )
    except (ValidationError, ValueError):
        return None


def day_after(day: date | None) -> date | None:
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
