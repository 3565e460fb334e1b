"""审计抽样 at the desk: the samples of the reader's regions, drawing a new one, and one with what it drew."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.models import Claim
from audit.actions.samples import MOST_SIZE, STATES, Population, draw_sample, drawn_of
from audit.models import AuditSample
from audit.web.access import audit_view
from vouchers.access import AUDIT_ROLES, Role, has_role, scope_of
from vouchers.errors import DomainError, Forbidden
from vouchers.models import Region, User
from vouchers.web.fields import DayField, MoneyField

PAGE = 50
DRAWERS = (Role.AUDITOR, Role.INVESTIGATOR)


class SampleForm(forms.Form):
    """What is drawn from, and how much."""

    region = forms.ChoiceField(label=gettext_lazy("地区"))
    program = forms.CharField(label=gettext_lazy("专项代码"), required=False, max_length=30)
    state = forms.ChoiceField(label=gettext_lazy("状态"), required=False)
    since = DayField(label=gettext_lazy("提交日自"), required=False)
    until = DayField(label=gettext_lazy("至"), required=False)
    size = forms.IntegerField(label=gettext_lazy("抽取件数"), min_value=1, max_value=MOST_SIZE, initial=25)
    whole_from = MoneyField(
        label=gettext_lazy("必查金额起点"),
        required=False,
        help_text=gettext_lazy("达到这个金额的每件都查，不占抽取件数。"),
    )
    reason = forms.CharField(label=gettext_lazy("目的"), max_length=300)

    def __init__(self, *args: Any, regions: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = Region.objects.filter(code__in=regions).order_by("code").values_list("code", "name")
        self.fields["region"].choices = list(named)  # type: ignore[attr-defined]
        self.fields["state"].choices = [("", _("全部（草稿除外）")), *STATES.items()]  # type: ignore[attr-defined]


@audit_view
def samples(request: HttpRequest) -> HttpResponse:
    """The samples, the newest first."""
    rows = AuditSample.objects.all().visible_to(request.user, *AUDIT_ROLES).select_related("drawn_by")
    page = Paginator(rows.defer("lot").order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    return render(request, "audit/samples.html", {"page": page, "may_draw": has_role(request.user, *DRAWERS)})


@audit_view
def draw(request: HttpRequest) -> HttpResponse:
    """Ask what is drawn from; draw."""
    if not has_role(request.user, *DRAWERS):
        raise Forbidden("audit.drawers_only", "审计抽样由审计、核查人员抽取。")
    regions = scope_of(request.user, *DRAWERS).regions
    form = SampleForm(request.POST or None, regions=regions)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        population = Population(
            asked["region"], asked["program"].strip(), asked["state"], asked["since"], asked["until"]
        )
        try:
            sample = draw_sample(
                population,
                size=asked["size"],
                whole_from=asked["whole_from"],
                reason=asked["reason"],
                by=cast(User, request.user),
            )
        except DomainError as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(
                request,
                _("%(no)s 已抽取，种子与名单已留存。") % {"no": sample.sample_no},
            )
            return redirect("audit:sample", sample.sample_no)
    return render(
        request,
        "audit/sample_form.html",
        {"form": form, "crumbs": [(_("审计抽样"), reverse("audit:samples"))]},
        status=422 if form.is_bound else 200,
    )


@audit_view
def sample(request: HttpRequest, sample_no: str) -> HttpResponse:
    """One sample: its terms, its seed, and the claims that they draw."""
    rows = AuditSample.objects.all().visible_to(request.user, *AUDIT_ROLES).select_related("drawn_by")
    row = rows.filter(sample_no=sample_no).first()
    if row is None:
        raise Http404
    page = Paginator(drawn_of(row), PAGE).get_page(request.GET.get("page"))
    claims = {
        claim.claim_no: claim
        for claim in Claim.objects.filter(
            claim_no__in=[one.claim_no for one in page.object_list]
        ).select_related("enterprise")
    }
    return render(
        request,
        "audit/sample.html",
        {
            "sample": row,
            "page": page,
            "rows": [(one, claims.get(one.claim_no)) for one in page.object_list],
            "facts": [
                {"label": _("范围"), "value": row.covers},
                {"label": _("目的"), "value": row.reason},
                {"label": _("名单"), "value": _("%(n)s 件") % {"n": f"{row.lot_size:,}"}},
                {"label": _("名单金额"), "amount": row.lot_amount},
                {"label": _("抽取"), "value": _("%(n)s 件") % {"n": row.size}},
                *([{"label": _("必查金额起点"), "amount": row.whole_from}] if row.whole_from is not None else []),
                {"label": _("抽取人"), "value": str(row.drawn_by)},
            ],
            "crumbs": [(_("审计抽样"), reverse("audit:samples"))],
        },
    )  # fmt: skip
