"""Prices in the configuration: the quarantine to work off, the monthly issue and its verbs, and the versioned tables."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, has_role
from vouchers.actions import prices
from vouchers.actions.price_watch import signs_of
from vouchers.admin.acts import DAY, Act, ActingAdmin, ReasonForm
from vouchers.admin.price_tables import MAKERS, PRICE_PUBLISHER, PRICE_READERS, ReadOnlyAdmin
from vouchers.errors import DomainError
from vouchers.middleware import note_refusal
from vouchers.models import PriceIndexIssue, PriceIndexRow, PriceObservation
from vouchers.models.parties import Tier
from vouchers.models.prices import Market, ObservationState, PriceUnit
from vouchers.policy.fair_price import REASONS
from vouchers.policy.prices.regions import region_label
from vouchers.policy.prices.watch import KINDS

# -- observations ---------------------------------------------------------------------------------------------------


class SettleForm(forms.Form):
    """What the person found out; what is left empty stays as it was handed in."""

    unit = forms.ChoiceField(label=_("计价单位"), required=False, choices=[("", "—"), *PriceUnit.choices])
    cards = forms.IntegerField(label=_("每单位卡数"), required=False, min_value=1, max_value=1024)
    unit_price = forms.CharField(label=_("单价"), required=False, max_length=30)
    accelerator = forms.CharField(label=_("加速卡"), required=False, max_length=40)
    form_factor = forms.CharField(label=_("形态"), required=False, max_length=12)
    tier = forms.ChoiceField(label=_("供应方类别"), required=False, choices=[("", "—"), *Tier.choices])
    precision = forms.CharField(label=_("精度"), required=False, max_length=10)
    vat_rate = forms.CharField(label=_("税率（如 0.06）"), required=False, max_length=8)
    note = forms.CharField(label=_("核对依据"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


class AsideForm(forms.Form):
    """Why it no longer counts."""

    reason = forms.ChoiceField(
        label=_("原因"),
        choices=[(code, f"{word}（{code}）") for code, word in sorted(REASONS.items())],
        initial="withdrawn",
    )
    note = forms.CharField(label=_("说明"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


def _settle(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    note = given.pop("note")
    corrections = {name: str(value) for name, value in given.items() if value not in (None, "")}
    settled = prices.admit_observation(observation, by=request.user, corrections=corrections, note=note)  # type: ignore[arg-type]
    return f"{settled.observation_no} 已采用，折算 {settled.normalised_price} {settled.currency}/卡时。"


def _set_aside(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    prices.set_aside_observations(by=request.user, observation_no=observation.observation_no, **given)  # type: ignore[arg-type]
    return f"{observation.observation_no} 自此不再进入测算；此前的认定不变。"


@admin.register(PriceObservation)
class PriceObservationAdmin(ActingAdmin, ReadOnlyAdmin):
    """价格采集; filter by 待人工核对 to work the quarantine off."""

    public_key_fields = ("observation_no",)

    acts = (
        Act(
            "settle",
            _("核对后采用"),
            _("填写核实后的内容并采用；原始记录保留不变。自此刻起参与测算，不影响此前的认定。"),
            PRICE_PUBLISHER,
            _settle,
            lambda item: item.state == ObservationState.QUARANTINED,
            SettleForm,
        ),
        Act(
            "set-aside",
            _("剔除"),
            _("自此刻起不再参与测算；此前已公布的价格与已作出的认定不变。"),
            (Role.PRICE_PUBLISHER, Role.INVESTIGATOR),
            _set_aside,
            lambda item: item.state == ObservationState.ADMITTED and item.set_aside_at is None,
            AsideForm,
        ),
    )
    list_display = (
        "observation_no", "observed_on", "source", "accelerator", "form_factor", "normalised_price", "state", "reason_word",
    )  # fmt: skip
    list_filter = ("state", "market", "kind", "reason", "tier", "accelerator")
    search_fields = ("observation_no", "source", "reference", "note")
    show_full_result_count = False
    exclude = ("digest", "original", "party", "region", "decided_by")
    readonly_fields = ("handed_in",)

    @admin.display(description=_("原因"))
    def reason_word(self, observation: PriceObservation) -> str:
        """The reason in words."""
        reason = observation.set_aside_reason or observation.reason
        return REASONS.get(reason, reason) if reason else "—"

    @admin.display(description=_("原始记录"))
    def handed_in(self, observation: PriceObservation) -> str:
        """What was handed in, to the letter."""
        return format_html_join("\n", "<div><code>{}</code>：{}</div>", sorted(observation.original.items()))


# -- issues ---------------------------------------------------------------------------------------------------------


class ComputeForm(forms.Form):
    """Which month of which market."""

    month = forms.DateField(label=_("适用月份（该月任一日）"), widget=DAY)
    market = forms.ChoiceField(label=_("市场"), choices=Market.choices)


class JumpForm(forms.Form):
    """The text that jumps need."""

    jump_text = forms.CharField(
        label=_("变动说明"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("有单元较上期变动超过阈值时必填：说明原因和核实情况。"),
    )


def _propose(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.propose_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已提请发布，请另一位价格发布人员核对后发布。"


def _publish(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.publish_index(issue, by=request.user)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已发布。"


def _send_back(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.send_back_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已退回。"


def _discard(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.discard_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已弃用。"


def _verify(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    if prices.verify_issue(issue):
        return f"{issue.issue_no}：由快照逐行复算，{issue.rows.count()} 行全部一致。"
    return f"{issue.issue_no}：由快照复算的结果与所存不一致，请报告审计管理人员。"


def _allowed(verb: str) -> Any:
    return lambda issue: issue.lifecycle.find(verb, issue.state) is not None


COMPUTE = Act(
    "compute",
    _("测算"),
    _("以该月开始时已知的数据测算，存为草稿；同样的数据得出同一期。"),
    MAKERS,
    lambda request, obj, given: prices.compute_index(by=request.user, **given),  # type: ignore[arg-type]
    form=ComputeForm,
)


@admin.register(PriceIndexIssue)
class PriceIndexIssueAdmin(ActingAdmin, ReadOnlyAdmin):
    """公允价格指数: computed, proposed, published by another."""

    public_key_fields = ("issue_no",)

    acts = (
        Act(
            "propose",
            _("提请发布"),
            _("提请后由另一位价格发布人员核对发布。"),
            MAKERS,
            _propose,
            _allowed("propose"),
            JumpForm,
        ),
        Act(
            "publish",
            _("发布"),
            _("发布前由快照逐行复算；发布后对外公布。同月已发布的一期由本期取代，已作出的认定不变。"),
            PRICE_PUBLISHER,
            _publish,
            _allowed("publish"),
        ),
        Act(
            "send-back",
            _("退回重算"),
            _("退回草稿，须重新提请。"),
            PRICE_PUBLISHER,
            _send_back,
            _allowed("send_back"),
            ReasonForm,
        ),
        Act(
            "discard",
            _("弃用"),
            _("本期作废，可另行测算。"),
            MAKERS,
            _discard,
            _allowed("discard"),
            ReasonForm,
        ),
        Act(
            "verify", _("由快照复算"), _("按所存快照逐行重新计算并与公布的结果比对。"), PRICE_READERS, _verify
        ),
    )
    list_display = (
        "issue_no",
        "market",
        "month",
        "state",
        "jump_count",
        "proposer",
        "publisher",
        "published_at",
    )
    list_filter = ("state", "market")
    change_list_template = "admin/vouchers/price_issues.html"
    fields = (
        ("issue_no", "state"), ("market", "month", "revision"), ("as_of", "known_at", "method"), "rows_link", "changes",
        "signs", "jump_text", ("proposer", "proposed_at"), ("publisher", "published_at"), "rows_hash", "snapshot_hash", "factors",
    )  # fmt: skip
    readonly_fields = ("rows_link", "changes", "signs", "snapshot_hash")

    @admin.display(description=_("变动超阈值"))
    def jump_count(self, issue: PriceIndexIssue) -> int:
        """How many cells moved by more than the limit."""
        return len(issue.jumps)

    @admin.display(description=_("各单元"))
    def rows_link(self, issue: PriceIndexIssue) -> str:
        """The way to the rows."""
        address = f"{reverse('admin:vouchers_priceindexrow_changelist')}?issue__issue_no={issue.issue_no}"
        return format_html('<a href="{}">{}</a>', address, f"{issue.rows.count()} 个单元")

    @admin.display(description=_("较上月变动超过阈值的单元"))
    def changes(self, issue: PriceIndexIssue) -> str:
        """From, to, and by how much."""
        if not issue.jumps:
            return "无"
        return format_html_join(
            "\n", "<div>{}：{} → {}</div>", ((jump["cell"], jump["from"], jump["to"]) for jump in issue.jumps)
        )

    @admin.display(description=_("报价异常迹象（供核查，不影响价格）"))
    def signs(self, issue: PriceIndexIssue) -> str:
        """What in the inputs a person should look into before publishing."""
        found = signs_of(issue)
        if not found:
            return "无"
        return format_html_join(
            "\n",
            "<div>{}｜{}：{}</div>",
            (
                (
                    KINDS[one.kind],
                    one.cell.label(region_label(one.cell.market, one.cell.region_group)),
                    one.sentence,
                )
                for one in found
            ),
        )

    @admin.display(description=_("快照摘要"))
    def snapshot_hash(self, issue: PriceIndexIssue) -> str:
        """The hash under which the input is kept."""
        return issue.snapshot.sha256

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "compute/",
                self.admin_site.admin_view(self.compute_view),
                name="vouchers_priceindexissue_compute",
            )
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may = has_role(request.user, *MAKERS)
        return super().changelist_view(request, {"may_compute": may} | (extra_context or {}))

    def compute_view(self, request: HttpRequest) -> HttpResponse:
        """Compute the issue of a month."""
        if not has_role(request.user, *MAKERS):
            raise PermissionDenied
        form = ComputeForm(request.POST if request.method == "POST" else None)
        problems: list[DomainError] = []
        status = 200
        if request.method == "POST" and form.is_valid():
            try:
                issue = COMPUTE.do(request, None, form.cleaned_data)
            except DomainError as refusal:
                note_refusal(request, refusal)
                problems, status = [refusal], refusal.status
            else:
                messages.success(request, f"{issue.issue_no} 已测算，共 {issue.rows.count()} 个单元。")
                return HttpResponseRedirect(self.address("change", issue))
        context = {
            **self.admin_site.each_context(request),
            "title": COMPUTE.label,
            "opts": self.opts,
            "original": COMPUTE.label,
            "act": COMPUTE,
            "form": form,
            "problems": problems,
            "back": self.address("changelist"),
        }
        return TemplateResponse(request, "admin/vouchers/act.html", context, status=status)


@admin.register(PriceIndexRow)
class PriceIndexRowAdmin(ReadOnlyAdmin):
    """A cell of an issue, with its sentence, its exclusions and its hashes."""

    public_key_fields = ("issue__issue_no", "cell")

    list_display = ("cell", "issue", "grade", "level", "n_groups", "lower", "base", "upper")
    list_filter = (
        "grade",
        "level",
        "tier",
        "term_bucket",
        "region_group",
        "issue__month",
        "issue__state",
        "accelerator",
    )
    search_fields = ("cell",)
    list_select_related = ("issue",)
    exclude = ("record",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "issue__issue_no" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
