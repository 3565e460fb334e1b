"""公允价格指数 in the configuration: the monthly issue with its verbs, what it changes beside another one, and its rows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from vouchers.access import has_role
from vouchers.actions import prices
from vouchers.actions.price_changes import compared_with
from vouchers.actions.price_explorer import PRICE_READERS
from vouchers.actions.price_watch import signs_of
from vouchers.admin.acts import DAY, Act, ActingAdmin, ReasonForm
from vouchers.admin.price_changes import changes_view, headline
from vouchers.admin.price_explorer import explorer_view
from vouchers.admin.price_tables import MAKERS, PRICE_PUBLISHER, ReadOnlyAdmin
from vouchers.errors import DomainError
from vouchers.middleware import note_refusal
from vouchers.models import PriceIndexIssue, PriceIndexRow
from vouchers.models.prices import IssueState, Market
from vouchers.policy.prices.regions import region_label
from vouchers.policy.prices.watch import KINDS


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


class ConfirmForm(forms.Form):
    """What the second person says of the jumps."""

    confirmation = forms.CharField(
        label=_("复核意见"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("有单元较上期变动超过阈值时必填：逐项核对了什么、为何属实。与变动说明一并公布。"),
    )


def _propose(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.propose_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已提请发布，请另一位价格发布人员核对后发布。"


def _publish(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.publish_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已发布。"


def _send_back(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.send_back_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已退回。"


def _discard(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    prices.discard_index(issue, by=request.user, **given)  # type: ignore[arg-type]
    return f"{issue.issue_no} 已弃用。"


def _correct(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> PriceIndexIssue:
    return prices.correct_index(issue, by=request.user, **given)  # type: ignore[arg-type]


def _verify(request: HttpRequest, issue: PriceIndexIssue, given: dict[str, Any]) -> str:
    if prices.verify_issue(issue):
        return f"{issue.issue_no}：由快照逐行复算，{issue.rows.count()} 行全部一致。"
    return f"{issue.issue_no}：由快照复算的结果与所存不一致，请报告审计管理人员。"


def _allowed(verb: str) -> Any:
    return lambda issue: issue.lifecycle.find(verb, issue.state) is not None


def _jumps_beside(request: HttpRequest, issue: PriceIndexIssue) -> dict[str, Any] | None:
    """What changes beside the issue before, with the first person's text, to be read before deciding."""
    against = next(iter(compared_with(issue)), None)
    if against is None:
        return None
    return {
        "title": _("较上月的变动"),
        "template": "admin/vouchers/parts/price_headline.html",
        "styles": ("css/components.css", "css/charts.css", "css/price-pages.css"),
        "panel": headline(issue, against),
    }


FACTOR_SIDES = {"region": _("区域"), "term": _("租期"), "form": _("形态"), "tier": _("供应方类别")}

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
            beside=_jumps_beside,
        ),
        Act(
            "publish",
            _("发布"),
            _("发布前由快照逐行复算；发布后对外公布。同月已发布的一期由本期取代，已作出的认定不变。"),
            PRICE_PUBLISHER,
            _publish,
            _allowed("publish"),
            ConfirmForm,
            beside=_jumps_beside,
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
            "correct",
            _("测算更正"),
            _(
                "以目前已知的数据重新测算该月，另存为下一版草稿；经提请、由另一人发布后取代本期，已作出的认定不变。"
            ),
            MAKERS,
            _correct,
            lambda issue: issue.state == IssueState.PUBLISHED,
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
        "signs", "jump_text", ("proposer", "proposed_at"), "jump_confirmation", ("publisher", "published_at"), "rows_hash", "snapshot_hash", "factors_told",
    )  # fmt: skip
    readonly_fields = ("rows_link", "changes", "signs", "snapshot_hash", "factors_told")

    class Media:
        css = {"all": ("css/price-lists.css",)}

    @admin.display(description=_("变动超阈值"))
    def jump_count(self, issue: PriceIndexIssue) -> int:
        """How many cells moved by more than the limit."""
        return len(issue.jumps)

    @admin.display(description=_("各单元"))
    def rows_link(self, issue: PriceIndexIssue) -> str:
        """The way to the rows."""
        address = f"{reverse('admin:vouchers_priceindexrow_changelist')}?issue__issue_no={issue.issue_no}"
        return format_html('<a href="{}">{}</a>', address, f"{issue.rows.count()} 个单元")

    @admin.display(description=_("较上月的变动"))
    def changes(self, issue: PriceIndexIssue) -> str:
        """How many cells moved, and the way to each with what moved it."""
        against = next(iter(compared_with(issue)), None)
        if against is None:
            return str(_("此前没有已发布的一期可比。"))
        counts = "，".join(f"{one['word']} {one['count']}" for one in headline(issue, against)["counts"])
        return format_html(
            '<a href="{}">{}（与 {} 比较）</a>', self.address("changes", issue), counts, against
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

    @admin.display(description=_("折算系数"))
    def factors_told(self, issue: PriceIndexIssue) -> str:
        """Each factor with what it is of; they are relative to the reference of their side."""
        told = [
            (word, "，".join(f"{key} × {value}" for key, value in sorted(issue.factors[side].items())))
            for side, word in FACTOR_SIDES.items()
            if issue.factors.get(side)
        ]
        if not told:
            return str(_("本期没有足够的同品比较得出系数。"))
        return format_html_join("\n", "<div>{}：{}</div>", told)

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
            ),
            path(
                "<path:object_id>/changes/",
                self.admin_site.admin_view(self.changes_page),
                name="vouchers_priceindexissue_changes",
            ),
        ]
        return own + super().get_urls()

    def changes_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the issue changes beside another one."""
        issue = self.get_object(request, unquote(object_id))
        if issue is None:
            raise Http404
        if not has_role(request.user, *PRICE_READERS):
            raise PermissionDenied
        return changes_view(request, issue, back=self.address("change", issue))

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

    change_list_template = "admin/vouchers/price_rows.html"
    readonly_fields = ("explored",)

    @admin.display(description=_("测算过程"))
    def explored(self, row: PriceIndexRow) -> str:
        """The way to the row's working."""
        address = reverse("admin:vouchers_priceindexrow_explore")
        query = urlencode({"cell": row.cell, "issue": row.issue.issue_no})
        return format_html('<a href="{}?{}">{}</a>', address, query, _("由快照逐步展开"))

    def get_urls(self) -> list[Any]:
        own = [
            path("explore/", self.admin_site.admin_view(explorer_view), name="vouchers_priceindexrow_explore")
        ]
        return own + super().get_urls()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "issue__issue_no" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
