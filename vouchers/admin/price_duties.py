"""The duty to report prices in the configuration: opened, followed, each report looked at line by line and decided."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from vouchers.access import scope_of
from vouchers.actions import price_duties, price_reports
from vouchers.admin.acts import DAY, Act, ActingAdmin, ActionOnlyAdmin, ReasonForm
from vouchers.admin.price_intake import OUTCOMES, allowed
from vouchers.admin.price_tables import PRICE_PUBLISHER, PRICE_READERS
from vouchers.admin.scoped import admin_address
from vouchers.errors import DomainError
from vouchers.models import PriceReport, Program, Region, ReportingDuty
from vouchers.models.price_reports import CHECKERS

# -- the duty ---------------------------------------------------------------------------------------------------------


class DutyForm(forms.Form):
    """What is asked of whom until when."""

    region = forms.ModelChoiceField(label=_("地区"), queryset=Region.objects.none())
    program = forms.ModelChoiceField(
        label=_("专项"),
        queryset=Program.objects.none(),
        required=False,
        empty_label=_("本地区各专项入库的服务商"),
    )
    title = forms.CharField(
        label=_("名称"), max_length=120, help_text=_("如“2025年第二季度价格与成本报送”。")
    )
    document_no = forms.CharField(label=_("依据文号"), max_length=60)
    period_from = forms.DateField(label=_("所属期自"), widget=DAY)
    period_to = forms.DateField(label=_("所属期至（不含）"), widget=DAY)
    due_on = forms.DateField(label=_("报送期限"), widget=DAY)
    remind_days = forms.CharField(
        label=_("期限前几个工作日提醒"), initial="5、1", help_text=_("可写几个，如“5、1”；期限当日总会提醒。")
    )
    instructions = forms.CharField(
        label=_("报送要求"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def clean_remind_days(self) -> list[int]:
        """Whole numbers."""
        words = (
            self.cleaned_data["remind_days"].replace("，", " ").replace("、", " ").replace(",", " ").split()
        )
        if not all(word.isascii() and word.isdigit() and len(word) < 4 for word in words):
            raise forms.ValidationError(_("请填写整数，如“5、1”。"))
        return [int(word) for word in words]

    def for_person(self, request: HttpRequest) -> None:
        """The regions whose prices the person looks after, and their programs."""
        regions = scope_of(request.user, *PRICE_PUBLISHER).regions
        region, program = self.fields["region"], self.fields["program"]
        assert isinstance(region, forms.ModelChoiceField) and isinstance(program, forms.ModelChoiceField)
        region.queryset = Region.objects.filter(code__in=regions).order_by("code")
        program.queryset = Program.objects.filter(region__code__in=regions).order_by("code")


def _open(request: HttpRequest, nothing: Any, given: dict[str, Any]) -> ReportingDuty:
    return price_duties.open_duty(by=request.user, **given)  # type: ignore[arg-type]


def _newcomers(request: HttpRequest, duty: ReportingDuty, given: dict[str, Any]) -> str:
    count = price_duties.ask_newcomers(duty, by=request.user)  # type: ignore[arg-type]
    return f"已补充 {count} 家新入库的服务商。" if count else "没有新入库的服务商。"


def _close(request: HttpRequest, duty: ReportingDuty, given: dict[str, Any]) -> str:
    price_duties.close_duty(duty, by=request.user)  # type: ignore[arg-type]
    return f"{duty.duty_no} 已结束。"


@admin.register(ReportingDuty)
class ReportingDutyAdmin(ActionOnlyAdmin):
    """报送任务, with who has reported and who has not."""

    public_key_fields = ("duty_no",)
    read_roles = (*PRICE_READERS,)
    adding = Act(
        "add",
        _("发起报送"),
        _("发起后，当前在库的每家服务商各得一份报送表并收到消息；到期未报由系统记为逾期。"),
        PRICE_PUBLISHER,
        _open,
        form=DutyForm,
    )
    acts = (
        Act(
            "newcomers",
            _("补充报送单位"),
            _("发起之后入库的服务商也须报送。"),
            PRICE_PUBLISHER,
            _newcomers,
            allowed("close"),
        ),
        Act(
            "close",
            _("结束"),
            _("不再接收报送。还有待报送或待核对的，不能结束。"),
            PRICE_PUBLISHER,
            _close,
            allowed("close"),
        ),
    )
    list_display = ("duty_no", "title", "region", "program", "period", "due_on", "state", "progress")
    list_filter = ("state", "region")
    search_fields = ("duty_no", "title", "document_no")
    list_select_related = ("region", "program")
    fields = (
        ("duty_no", "state"), "title", "document_no", ("region", "program"), "period", ("due_on", "remind_days"),
        "instructions", "progress", "reports", ("opened_by", "opened_at"),
    )  # fmt: skip
    readonly_fields = ("period", "progress", "reports")

    @admin.display(description=_("所属期"))
    def period(self, duty: ReportingDuty) -> str:
        """From, to."""
        return f"{duty.period_from} 至 {duty.period_to}（不含）"

    @admin.display(description=_("进度"))
    def progress(self, duty: ReportingDuty) -> str:
        """How many of each state."""
        states: dict[str, int] = {}
        for report in duty.reports.all():
            word = str(report.get_state_display())
            states[word] = states.get(word, 0) + 1
        return "，".join(f"{word} {count}" for word, count in states.items()) or "—"

    @admin.display(description=_("各单位"))
    def reports(self, duty: ReportingDuty) -> str:
        """One line a provider."""
        rows = duty.reports.select_related("party", "submitted_by").order_by("state", "party__name")
        return render_to_string(
            "admin/vouchers/price_report_list.html",
            {"rows": [(row, admin_address(row)) for row in rows]},
        )


# -- reports ----------------------------------------------------------------------------------------------------------


class ReturnForm(ReasonForm):
    """Why, and until when."""

    due_on = forms.DateField(label=_("补正期限"), widget=DAY)


class RemarkForm(forms.Form):
    """A remark."""

    note = forms.CharField(
        label=_("核对意见"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


def _accept(request: HttpRequest, report: PriceReport, given: dict[str, Any]) -> str:
    taken = price_reports.accept_report(report, by=request.user, **given)  # type: ignore[arg-type]
    counts = {code: sum(one.outcome == code for one in taken) for code in OUTCOMES}
    return f"{report.report_no} 已采纳：" + "，".join(
        f"{OUTCOMES[code]} {n}" for code, n in counts.items() if n
    )


def _by_reason(deed: Any, done: str) -> Any:
    def perform(request: HttpRequest, report: PriceReport, given: dict[str, Any]) -> str:
        deed(report, by=request.user, **given)
        return f"{report.report_no} {done}"

    return perform


@admin.register(PriceReport)
class PriceReportAdmin(ActingAdmin):
    """价格报送表: looked at line by line, accepted or returned; refusals and falsehoods on record."""

    public_key_fields = ("report_no",)
    read_roles = PRICE_READERS
    acts = (
        Act(
            "accept",
            _("采纳"),
            _("各行成为价格采集：合格的进入测算，可疑的待人工核对，成本仅供核对。"),
            CHECKERS,
            _accept,
            allowed("accept"),
            RemarkForm,
        ),
        Act(
            "return",
            _("退回补正"),
            _("报送单位将收到消息，看到这里写的理由。"),
            CHECKERS,
            _by_reason(price_reports.return_report, "已退回补正。"),
            allowed("return"),
            ReturnForm,
        ),
        Act(
            "excuse",
            _("免报"),
            _("确无业务等情形免予报送；已记的逾期、拒报随即修复。"),
            CHECKERS,
            _by_reason(price_reports.excuse_report, "已免报。"),
            allowed("excuse"),
            ReasonForm,
        ),
        Act(
            "refusal",
            _("记为拒报"),
            _("记入该单位信用记录；其后补报的随即修复。"),
            CHECKERS,
            _by_reason(price_reports.note_refusal, "已记为拒报。"),
            allowed("note_refusal"),
            ReasonForm,
        ),
        Act(
            "suspect",
            _("提出疑似虚假"),
            _("写明与所报内容不符的事实，由另一人认定或排除。"),
            CHECKERS,
            _by_reason(price_reports.suspect_report, "已提出，待另一人认定。"),
            allowed("suspect"),
            ReasonForm,
        ),
        Act(
            "clear",
            _("排除虚假"),
            _("事实不成立的，恢复核对。"),
            CHECKERS,
            _by_reason(price_reports.clear_report, "已恢复核对。"),
            allowed("clear"),
            ReasonForm,
        ),
        Act(
            "find-false",
            _("认定虚假"),
            _("所报价格自此不再参与测算，记入该单位信用记录，不因补报而修复；此前的认定不变。"),
            CHECKERS,
            _by_reason(price_reports.find_false, "已认定为虚假报送。"),
            allowed("find_false"),
            ReasonForm,
        ),
    )
    list_display = ("report_no", "party", "duty", "state", "due_on", "submitted_at", "late", "submission")
    list_filter = ("state", "late", "duty")
    search_fields = ("report_no", "party__name", "party__uscc")
    list_select_related = ("party", "duty")
    fields = (
        ("report_no", "state"), "duty", "party", ("due_on", "late"), ("submission", "submitted_by", "submitted_at"),
        "statement", "lines", ("checked_by", "checked_at"), "answer", ("suspected_by", "found_by"), "suspicion", "records",
    )  # fmt: skip
    readonly_fields = ("lines", "records")

    def region_of(self, obj: Any) -> Region:
        region: Region = obj.duty.region
        return region

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("所报内容"))
    def lines(self, report: PriceReport) -> str:
        """Every line as written, as read, and what stands in its way."""
        lines = price_reports.lines_of(report)
        try:
            read = {one.line.pk: one for one in price_reports.read_lines(report, lines)}
        except DomainError as refusal:
            return format_html("<div>{}</div>", refusal.message)
        rows = [(line, read[line.pk]) for line in lines]
        return render_to_string("admin/vouchers/price_report_lines.html", {"rows": rows})

    @admin.display(description=_("信用记录"))
    def records(self, report: PriceReport) -> str:
        """What the party's credit record says of it."""
        rows = report.credit_records.all()
        return (
            "；".join(
                f"{row.opened_on} {row.get_ground_display()}"
                + (f"（{row.repaired_on} 修复）" if row.repaired_on else "")
                for row in rows
            )
            or "—"
        )
