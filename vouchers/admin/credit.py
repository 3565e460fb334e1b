"""分级监管标准 and 失信名单公布: what a region publishes about credit, each by two persons or by a publisher's own hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role, scope_of
from vouchers.actions import supervision
from vouchers.actions.debarment_lists import issue_list, standing_entries
from vouchers.admin.acts import DAY, Act, ActionOnlyAdmin, ReasonForm
from vouchers.models import DebarmentList, Region, SupervisionTable
from vouchers.models.credit_entries import CreditAspect

EDITOR = (Role.POLICY_EDITOR,)
PUBLISHER = (Role.PUBLISHER,)
READERS = (
    Role.POLICY_EDITOR,
    Role.PUBLISHER,
    Role.INVESTIGATOR,
    Role.AUDITOR,
    Role.HANDLER,
    Role.APPROVER,
)


def in_state(*states: str) -> Any:
    """Whether the row stands in one of the states."""
    return lambda row: row.state in states


class TableForm(forms.Form):
    """The document that the table is taken from."""

    region = forms.ModelChoiceField(Region.objects.none(), label=_("地区"))
    document_no = forms.CharField(
        label=_("依据文件"),
        max_length=200,
        help_text=_("名称与文号，例如《XX市信用分级监管办法》（X信〔2025〕1号）。"),
    )
    article = forms.CharField(label=_("条款"), max_length=60)
    effective_from = forms.DateField(label=_("施行日"), initial=dates.today, widget=DAY)

    def for_person(self, request: HttpRequest) -> None:
        """The own regions."""
        regions = Region.objects.filter(code__in=scope_of(request.user, *EDITOR).regions)
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]


class TierForm(forms.Form):
    """One row of the table. Every filled condition counts; one of them is enough."""

    position = forms.IntegerField(
        label=_("次序"), min_value=1, max_value=20, help_text=_("从严到宽。填已有的次序即替换那一级。")
    )
    name = forms.CharField(label=_("等级"), max_length=30, help_text=_("例如：重点监管、一般监管。"))
    months = forms.IntegerField(
        label=_("追溯月数"),
        required=False,
        min_value=1,
        max_value=240,
        help_text=_("只计这段时间内的；留空即不限。"),
    )
    adverse_count = forms.IntegerField(
        label=_("不良记载达到（条）"), required=False, min_value=1, max_value=1000,
        help_text=_("未更正、未修复的不良记载；不作条件的留空。"),
    )  # fmt: skip
    aspect = forms.ChoiceField(
        label=_("只计何类记载"), required=False, choices=[("", _("各类")), *CreditAspect.choices]
    )
    overdue_count = forms.IntegerField(
        label=_("逾期未了结达到（项）"), required=False, min_value=1, max_value=1000,
        help_text=_("追回、价格报送的逾期，尚未修复的；不作条件的留空。"),
    )  # fmt: skip
    debarred = forms.BooleanField(
        label=_("列入过失信限制"), required=False, help_text=_("追溯期内曾列入的；撤销的不计。")
    )
    measures = forms.CharField(
        label=_("监管措施"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("照文件原文，显示在信用档案中。"),
    )  # fmt: skip


class PositionForm(forms.Form):
    """Which row."""

    position = forms.IntegerField(label=_("次序"), min_value=1, max_value=20)


def _draft(request: HttpRequest, obj: Any, given: dict[str, Any]) -> SupervisionTable:
    return supervision.draft_table(given.pop("region"), by=request.user, **given)  # type: ignore[arg-type]


def _tier(request: HttpRequest, table: SupervisionTable, given: dict[str, Any]) -> str:
    row = supervision.put_tier(table, by=request.user, **given)  # type: ignore[arg-type]
    return f"已登记等级“{row.name}”。"


def _drop(request: HttpRequest, table: SupervisionTable, given: dict[str, Any]) -> str:
    supervision.drop_tier(table, by=request.user, **given)  # type: ignore[arg-type]
    return f"已删去次序 {given['position']} 的等级。"


def _does(deed: Any, done: str) -> Any:
    def perform(request: HttpRequest, table: SupervisionTable, given: dict[str, Any]) -> str:
        deed(table, by=request.user, **given)
        return f"{table.table_no} {done}"

    return perform


@admin.register(SupervisionTable)
class SupervisionTableAdmin(ActionOnlyAdmin):
    """分级监管标准, by region."""

    public_key_fields = ("table_no",)
    read_roles = READERS
    adding = Act(
        "add",
        _("草拟分级标准"),
        _("照本地区文件录入。另一人公布之前不产生任何影响；公布之后，也只产生各等级所写明的影响。"),
        EDITOR,
        _draft,
        form=TableForm,
    )
    acts = (
        Act(
            "tier",
            _("登记等级"),
            _("等级从严到宽排列；单位归入第一个符合任一条件的等级，最后一级不设条件。"),
            EDITOR,
            _tier,
            in_state("draft"),
            TierForm,
            initial=lambda table: {"position": table.tiers.count() + 1},
        ),
        Act(
            "drop",
            _("删去等级"),
            _("只能在草拟时删去。"),
            EDITOR,
            _drop,
            lambda table: table.state == "draft" and table.tiers.exists(),
            PositionForm,
        ),
        Act(
            "propose",
            _("提请公布"),
            _("提请后不能改动，由另一人公布或退回。"),
            EDITOR,
            _does(supervision.propose_table, "已提请公布。"),
            in_state("draft"),
        ),
        Act(
            "publish",
            _("公布"),
            _("自施行日起适用，此前的标准同日停止施行。请与文件逐项核对。"),
            PUBLISHER,
            _does(supervision.publish_table, "已公布。"),
            in_state("proposed"),
        ),
        Act(
            "return",
            _("退回修改"),
            _("退回后可以修改等级并再次提请。"),
            (*EDITOR, *PUBLISHER),
            _does(supervision.return_table, "已退回修改。"),
            in_state("proposed"),
            ReasonForm,
        ),
        Act(
            "discard",
            _("作废"),
            _("作废后不能恢复；须另行草拟。"),
            (*EDITOR, *PUBLISHER),
            _does(supervision.discard_table, "已作废。"),
            in_state("draft", "proposed"),
            ReasonForm,
        ),
    )
    list_display = ("table_no", "region", "document_no", "state", "effective_from", "effective_to")
    list_filter = ("state",)
    list_select_related = ("region",)
    search_fields = ("=table_no", "document_no")
    fields = (
        ("table_no", "region", "state"),
        ("document_no", "article"),
        ("effective_from", "effective_to"),
        "rows",
        ("drafted_by", "proposed_by", "published_by", "published_on"),
    )
    readonly_fields = ("table_no", "rows")

    @admin.display(description=_("等级"))
    def rows(self, table: SupervisionTable) -> str:
        """The rows in their order."""
        return render_to_string(
            "admin/vouchers/supervision_tiers.html", {"tiers": table.tiers.order_by("position")}
        )


class IssueForm(forms.Form):
    """Whose list."""

    region = forms.ModelChoiceField(Region.objects.none(), label=_("地区"))

    def for_person(self, request: HttpRequest) -> None:
        """The own regions."""
        regions = Region.objects.filter(code__in=scope_of(request.user, *PUBLISHER).regions)
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]


def _issue(request: HttpRequest, obj: Any, given: dict[str, Any]) -> DebarmentList:
    return issue_list(given["region"], by=request.user)  # type: ignore[arg-type]


@admin.register(DebarmentList)
class DebarmentListAdmin(ActionOnlyAdmin):
    """失信名单公布: every issue as it was frozen."""

    public_key_fields = ("list_no",)
    read_roles = READERS
    adding = Act(
        "add",
        _("公布失信名单"),
        _(
            "将本地区目前执行中的失信限制公布为新的一期。公布后不能改动；到期、修复或撤销的随即从公开页面移出。每月 1 日也会自动公布。"
        ),
        PUBLISHER,
        _issue,
        form=IssueForm,
    )
    list_display = ("list_no", "region", "number", "issued_on", "issued_by", "rows_published")
    list_select_related = ("region", "issued_by")
    search_fields = ("=list_no",)
    fields = (("list_no", "region", "number"), ("issued_on", "issued_by"), "sha256", "as_published")
    readonly_fields = ("list_no", "as_published")

    @admin.display(description=_("条数"))
    def rows_published(self, issue: DebarmentList) -> int:
        """How many rows it had when it was published."""
        return len(issue.entries)

    @admin.display(description=_("名单"))
    def as_published(self, issue: DebarmentList) -> str:
        """The rows as published, and which of them stand today."""
        standing = {entry["debarment_no"] for entry in standing_entries(issue, dates.today())}
        rows = [(entry, entry["debarment_no"] in standing) for entry in issue.entries]
        return render_to_string("admin/vouchers/debarment_list.html", {"rows": rows})
