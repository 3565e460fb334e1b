"""Breaking a contract's price down: what the contract says beside what is typed, and what a unit of compute then costs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from applications.actions.lease_splits import SPLITTABLE, splits_of
from applications.actions.lease_splitting import split_lease
from applications.facts import latest_price_check
from applications.lease_prices import split_of
from applications.models import Application, Claim, Lease, Paper
from applications.models.leases import LeaseState
from applications.web.desk.access import attempt, desk_view
from applications.web.portal.access import refused
from applications.web.portal.contract_form import QuantityField, short_number
from applications.web.price_parts import PART_FIELDS, PartsForm
from applications.web.shown import lease_facts, shown_price
from vouchers.access import Role, has_role
from vouchers.errors import DomainError
from vouchers.models import User
from vouchers.policy.terms import ContractKind


class SplitForm(PartsForm):
    """The parts, the units of compute, and why."""

    quantity = QuantityField(
        label=_lazy("算力数量"), help_text=_lazy("与计价单位对应；算力金额 ÷ 数量即算力单价。")
    )
    reason = forms.CharField(
        label=_lazy("拆分依据"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_lazy("写明所依据的合同条款或报价清单，随件留存，审计时会查看。"),
        error_messages={"required": _lazy("请写明拆分所依据的合同条款或报价清单。")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[PART_FIELDS[0]].help_text = _("各项合计等于合同金额。")
        self.order_fields([*PART_FIELDS, "quantity", "reason"])


def split_url(request: HttpRequest, case: Application | Claim, number: str) -> str:
    """Where the price of the case's contract is broken down; empty for who may not, or where there is nothing to split."""
    lease = case.lease
    if lease is None or case.origin != "live" or lease.kind != ContractKind.LEASE.value:
        return ""
    if lease.state not in SPLITTABLE:
        return ""
    if not has_role(request.user, Role.HANDLER, region=lease.program_region_code):
        return ""
    return reverse("desk:split_lease", args=[lease.lease_no]) + "?" + urlencode({"case": number})


def _case_of(request: HttpRequest, lease: Lease) -> Application | Claim | None:
    """The case that one came from and goes back to, if it is one on this contract; otherwise the contract's last one."""
    number = request.GET.get("case", "")
    claims = Claim.objects.visible_to(request.user).filter(lease=lease).exclude(state="draft").order_by("-pk")
    applications = (
        Application.objects.visible_to(request.user)
        .filter(lease=lease)
        .exclude(state="draft")
        .order_by("-pk")
    )
    return (
        claims.filter(claim_no=number).first()
        or applications.filter(application_no=number).first()
        or claims.first()
        or applications.first()
    )


@desk_view
def split(request: HttpRequest, lease_no: str) -> HttpResponse:
    """The contract, its papers, how it was broken down so far, and the form."""
    rows = Lease.objects.visible_to(request.user).exclude(state=LeaseState.DRAFT)
    lease = get_object_or_404(rows.select_related("lessee", "lessor"), lease_no=lease_no)
    case = _case_of(request, lease)
    by = request.user
    assert isinstance(by, User)
    held = split_of(lease)  # the second handler looks at what the first one wrote
    quantity = held.compute.quantity if held is not None else lease.quantity
    initial = {"quantity": short_number(quantity), **PartsForm.initial_parts(lease)}
    posted = request.POST if request.method == "POST" else None
    form = SplitForm(posted, initial=initial)
    refusals: list[DomainError] = []
    if posted is not None and form.is_valid():
        given = form.cleaned_data
        try:
            attempt(
                lambda: split_lease(
                    lease, form.parts(), by=by, reason=given["reason"], quantity=given["quantity"]
                )
            )
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            if isinstance(case, Claim):
                return redirect("desk:claim", case.claim_no)
            if case is not None:
                return redirect("desk:application", case.application_no)
            return redirect("desk:split_lease", lease_no)
    context = {
        "lease": lease,
        "lease_facts": lease_facts(lease),
        "form": form,
        "part_fields": [form[name] for name in PART_FIELDS],
        "splits": splits_of(lease),
        "price": shown_price(latest_price_check(lease)),
        "papers": _papers(lease),
        "may_split": lease.state in SPLITTABLE
        and has_role(by, Role.HANDLER, region=lease.program_region_code),
        "refusals": refusals,
        "faults": refusals or bool(form.errors),
        "crumbs": _crumbs(case),
    }
    return render(request, "desk/lease_split.html", context, status=422 if refusals or form.errors else 200)


def _papers(lease: Lease) -> list[Paper]:
    """What was filed with the applications on the contract."""
    numbers = list(lease.applications.values_list("application_no", flat=True))
    return list(
        Paper.objects.filter(subject_kind="application", subject_no__in=numbers, removed_at=None).order_by(
            "pk"
        )[:20]
    )


def _crumbs(case: Application | Claim | None) -> list[tuple[str, str]]:
    if isinstance(case, Claim):
        return [
            (_("兑付"), reverse("desk:claims")),
            (case.claim_no, reverse("desk:claim", args=[case.claim_no])),
        ]
    if case is None:
        return [(_("申领"), reverse("desk:applications"))]
    here = reverse("desk:application", args=[case.application_no])
    return [(_("申领"), reverse("desk:applications")), (case.application_no, here)]
