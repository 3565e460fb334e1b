"""The basis of a claim, item by item: what is listed, another kind than an invoice, and what a typed item would add."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
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
from applications.grounds import counted_kinds, tracks_of
from applications.models import BankTransfer, Claim, Invoice
from applications.own_checks import asks_component
from applications.web.portal.access import act, portal_view, refused
from applications.web.portal.claim_forms import PaidForm
from applications.web.portal.claim_steps import editable_claim, shown_claim_steps
from applications.web.portal.estimates import shown_estimate
from applications.web.portal.item_form import ItemForm
from applications.web.portal.project_form import ScaleField
from applications.web.shown import application_of, noted
from vouchers.errors import DomainError
from vouchers.models import User
from vouchers.money import ZERO
from vouchers.policy.facts import BasisItemFacts
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import BasisKind, Component, ContractKind, Precision, ScaleUnit
from vouchers.web.fields import DayField, MoneyField


def admitted_kinds(claim: Claim, scheme: Scheme) -> list[BasisKind]:
    """The kinds of basis that the claim's track admits, and for a contract of another kind only those that fit it."""
    application = application_of(claim)
    kinds = counted_kinds(scheme, application.facts if application else {})
    if claim.lease is None:
        return kinds
    data = claim.lease.kind == ContractKind.DATA_PRODUCT.value
    fitting = [kind for kind in kinds if (kind is BasisKind.DATA_PRODUCT_LINE) is data]
    return fitting or kinds


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
    listed = noted(claim)
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
    kinds = [kind for kind in admitted_kinds(claim, scheme) if kind is not BasisKind.INVOICE_LINE]
    if not kinds:
        return redirect("portal:claim_invoice", claim_no)
    posted = request.method == "POST"
    wanted = (request.POST if posted else request.GET).get("kind", "") or (
        kinds[0] if len(kinds) == 1 else ""
    )
    if wanted not in {kind.value for kind in kinds}:
        messages.info(request, _("请从下列种类中选择要添加的依据。"))
        return redirect("portal:claim_items", claim_no)
    kind = BasisKind(wanted)
    application = application_of(claim)
    tracks = tracks_of(scheme, application.facts if application else {}) or scheme.tracks
    refusals: list[DomainError] = []
    form = ItemForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        kind=kind,
        by_scale=all(track.scale_unit is not None for track in tracks),
        components=asks_component(claim),
        initial=ItemForm.initial_of(kind, claim, application.project if application else None),
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
        basis=kind,
        refusals=refusals,
        faults=refusals or bool(form.errors),
    )


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
            tax_amount=given.get("tax_amount") or ZERO,
            reference=given["reference"].strip(),
            description=given.get("description", "").strip(),
            period_from=given.get("period_from"),
            period_to=given.get("period_to"),
            accelerator=given.get("accelerator", "").strip(),
            component=given.get("component", ""),
            quantity=given.get("quantity"),
            scale_unit=form.scale_unit(),
            precision=given.get("precision", ""),
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
        quantity = ScaleField(required=False).clean(request.POST.get("quantity", ""))
        amount = MoneyField(required=quantity is None).clean(request.POST.get("net_amount", ""))
        return BasisItemFacts(
            item_no="9999",
            kind=BasisKind(kind),
            net_amount=amount or ZERO,
            contract_no=_ground_no(claim),
            component=Component(request.POST["component"]) if request.POST.get("component") else None,
            quantity=quantity,
            unit=ScaleUnit.PFLOPS if quantity is not None else None,
            precision=Precision(request.POST["precision"]) if request.POST.get("precision") else None,
            period_from=day.clean(request.POST.get("period_from", "")),
            period_to=day_after(day.clean(request.POST.get("period_to", ""))),
            chip_origin=chip_origin(request.POST.get("accelerator", ""))
            if request.POST.get("accelerator")
            else None,
            evidence_no="",
        )
    except (ValidationError, ValueError):
        return None


def _ground_no(claim: Claim) -> str:
    """The number of the contract or project that the claim rests on."""
    if claim.lease is not None:
        return claim.lease.lease_no
    application = application_of(claim)
    return application.project.project_no if application and application.project else ""


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
