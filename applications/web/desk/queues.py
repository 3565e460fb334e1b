"""The queues: what waits for my role, in my region, the most urgent first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from applications.models import Application, Claim, Objection
from applications.models.applications import ApplicationState
from applications.models.claims import ClaimState
from applications.models.notices import ObjectionState
from applications.web.desk.access import desk_view
from vouchers import dates
from vouchers.access import Role, roles_of
from vouchers.models import Hold, Payment, PaymentBatch
from vouchers.models.payments import PaymentBatchState, PaymentState

# Which states wait for which role.
APPLICATION_WORK: dict[str, tuple[str, ...]] = {
    Role.HANDLER: (
        ApplicationState.SUBMITTED,
        ApplicationState.ACCEPTED,
        ApplicationState.APPROVED,
        ApplicationState.NOTICED,
    ),
    Role.EXPERT: (ApplicationState.ACCEPTED,),
    Role.APPROVER: (ApplicationState.RECOMMENDED, ApplicationState.APPROVED, ApplicationState.NOTICED),
}
CLAIM_WORK: dict[str, tuple[str, ...]] = {
    Role.HANDLER: (ClaimState.SUBMITTED,),
    Role.APPROVER: (ClaimState.VERIFIED,),
}
PAGE = 50


def _states(user: Any, work: dict[str, tuple[str, ...]]) -> set[str]:
    return {state for grant in roles_of(user) for state in work.get(grant.role, ())}


def waiting_applications(user: Any) -> QuerySet[Application]:
    """Applications that this person could move now."""
    return (
        Application.objects.visible_to(user, *APPLICATION_WORK)
        .filter(origin="live", state__in=_states(user, APPLICATION_WORK))
        # What is granted by batch moves with its batch.
        .exclude(awaits_batch=True, state__in=(ApplicationState.APPROVED, ApplicationState.NOTICED))
        .select_related("enterprise", "program")
        .order_by("due_on", "pk")
    )


def waiting_claims(user: Any) -> QuerySet[Claim]:
    """Claims that this person could move now."""
    return (
        Claim.objects.visible_to(user, *CLAIM_WORK)
        .filter(origin="live", state__in=_states(user, CLAIM_WORK))
        # An instant deduction waits for the platform's confirmation, not for the office.
        .exclude(band__instant=True)
        .select_related("enterprise", "voucher__program", "lease")
        .order_by("due_on", "pk")
    )


class QueueFilter(forms.Form):
    """What a queue can be narrowed to, within the view that is looked at."""

    q = forms.CharField(label=_("编号或单位"), required=False, max_length=100)
    program = forms.CharField(label=_("专项代码"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("状态"), required=False)
    overdue = forms.BooleanField(label=_("只看已超期"), required=False)
    view = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)

    def __init__(self, *args: Any, states: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", _("全部")), *states]  # type: ignore[attr-defined]

    def narrow(self, rows: QuerySet[Any], number: str) -> QuerySet[Any]:
        """The rows that the filter leaves."""
        if not self.is_valid():
            return rows
        given = self.cleaned_data
        if given["q"]:
            rows = rows.filter(
                Q(**{f"{number}__icontains": given["q"]}) | Q(enterprise__name__icontains=given["q"])
            )
        if given["program"]:
            rows = rows.filter(program_code__iexact=given["program"])
        if given["state"]:
            rows = rows.filter(state=given["state"])
        if given["overdue"]:
            rows = rows.filter(due_on__lt=dates.today())
        return rows


@desk_view
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me, over all queues."""
    user = request.user
    held = {grant.role for grant in roles_of(user)}
    applications = waiting_applications(user)
    claims = waiting_claims(user)
    finance = Role.FINANCE in held
    context = {
        "applications": applications[:10],
        "claims": claims[:10],
        "amounts": [
            {"label": _("待办申领"), "text": str(applications.count())},
            {"label": _("待办兑付"), "text": str(claims.count())},
            {
                "label": _("已超期"),
                "text": str(
                    applications.filter(due_on__lt=dates.today()).count()
                    + claims.filter(due_on__lt=dates.today()).count()
                ),
            },
        ],
        "finance": finance,
        "payables": Payment.objects.visible_to(user, Role.FINANCE)
        .filter(state__in=(PaymentState.PAYABLE, PaymentState.RETURNED))
        .count()
        if finance
        else 0,
        "batches": PaymentBatch.objects.visible_to(user, Role.FINANCE)
        .exclude(state__in=(PaymentBatchState.SETTLED, PaymentBatchState.CANCELLED))
        .order_by("-pk")[:5]
        if finance
        else [],
        "holds": Hold.objects.visible_to(user).open().count() if Role.INVESTIGATOR in held else 0,
        "investigator": Role.INVESTIGATOR in held,
        "awaiting_batch": Application.objects.visible_to(user, Role.HANDLER, Role.APPROVER)
        .filter(state=ApplicationState.APPROVED, awaits_batch=True, batch=None)
        .count(),
        "objections": Objection.objects.visible_to(user).filter(state=ObjectionState.FILED).count(),
    }
    return render(request, "desk/home.html", context)


@desk_view
def applications(request: HttpRequest) -> HttpResponse:
    """All applications of my regions; by default those that wait for me."""
    mine = request.GET.get("view", "mine") == "mine"
    rows: QuerySet[Any] = (
        waiting_applications(request.user)
        if mine
        else Application.objects.visible_to(request.user)
        .exclude(state=ApplicationState.DRAFT)
        .select_related("enterprise", "program")
        .order_by("-pk")
    )
    bound = QueueFilter(request.GET or None, states=ApplicationState.choices)
    rows = bound.narrow(rows, "application_no")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "desk/applications.html", {"page": page, "filter": bound, "mine": mine})


@desk_view
def claims(request: HttpRequest) -> HttpResponse:
    """All claims of my regions; by default those that wait for me."""
    mine = request.GET.get("view", "mine") == "mine"
    rows: QuerySet[Any] = (
        waiting_claims(request.user)
        if mine
        else Claim.objects.visible_to(request.user)
        .exclude(state=ClaimState.DRAFT)
        .select_related("enterprise", "voucher__program", "lease")
        .order_by("-pk")
    )
    bound = QueueFilter(request.GET or None, states=ClaimState.choices)
    rows = bound.narrow(rows, "claim_no")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "desk/claims.html", {"page": page, "filter": bound, "mine": mine})
