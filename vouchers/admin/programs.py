"""专项 and its yearly budgets."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role
from vouchers.actions import policies, policy_editing, programs
from vouchers.actions.treasury_parts import treasuries_of
from vouchers.admin.acts import Act, ActingAdmin
from vouchers.admin.policy_acts import BeginForm, CloneForm
from vouchers.admin.scoped import PartInline, ScopedAdmin, admin_address
from vouchers.models import PolicyVersion, Program, ProgramBudget
from vouchers.money import thousands
from vouchers.web import wording
from vouchers.web.fields import PlainDecimalField

EDITOR = (Role.POLICY_EDITOR,)
HELP: dict[str, Any] = {
    "code": _(
        "对外编号，保存后不能更改：大写字母、数字和连字符，例如 BJ-AIQ（地区简称-政策简称）。各版本的编号由它加序号组成。"
    ),
    "name": _("例如“例示市算力券”。公开目录和各类文书中显示的名称。"),
    "region": _(
        "由哪个地区的机关办理。只列出您有权限的地区；没有列出的，请系统管理员先登记行政区划、安全管理员授权。"
    ),
    "office": _("受理和解释本政策的部门，例如“例示市经济和信息化局”。"),
    "side": _("主要支持谁。一个专项有几类补贴的，在政策版本中分别填写。"),
    "listed_publicly": _("勾选后，公开目录中可以查到本专项；没有已发布的版本时，只显示“尚未发布”。"),
    "is_demonstration": _("含有并非政府公布的数值的，必须勾选；各处都会标注“演示”。"),
    "summary": _("公开目录中给企业看的一段话：支持什么、大致多少、怎么申领。"),
}


class BudgetForm(forms.Form):
    """An appropriation document."""

    year = forms.IntegerField(
        label=_("预算年度"), min_value=2000, max_value=2100, initial=lambda: dates.today().year
    )
    document_no = forms.CharField(label=_("指标文号"), max_length=100)
    treasury = forms.ChoiceField(
        label=_("由哪级财政下达"), help_text=_("本专项的资金由几级财政分担，各级分别下达。")
    )
    amount = PlainDecimalField(label=_("下达金额（元）"), max_digits=18, decimal_places=2, min_value=0)

    def for_row(self, program: Program) -> None:
        """The treasuries that bear the program's cost; not asked where there is only one."""
        names = treasuries_of(program)
        if list(names) == [""]:
            del self.fields["treasury"]
        else:
            choices = [(code, name or _("不分担的版本")) for code, name in names.items()]
            self.fields["treasury"].choices = choices  # type: ignore[attr-defined]
            self.fields["treasury"].required = "" not in names


def _appropriate(request: HttpRequest, program: Program, given: dict[str, Any]) -> str:
    done = programs.appropriate_budget(
        program,
        given["year"],
        given["amount"],
        document_no=given["document_no"],
        by=request.user,  # type: ignore[arg-type]
        treasury=given.get("treasury", ""),
    )
    return (
        f"已下达 {program.code} {given['year']} 年度预算 {thousands(done.amount)} 元（{done.document_no}）。"
    )


class ProgramBeginForm(BeginForm):
    """A new version of the program whose page it is."""

    program = None  # type: ignore[assignment]

    def for_person(self, request: HttpRequest) -> None:
        """The program is known."""


class FromVersionForm(CloneForm):
    """Which version the new one begins with."""

    version = forms.ModelChoiceField(
        PolicyVersion.objects.none(), label=_("以哪个版本为底稿"), empty_label=None
    )
    field_order = ("version", "label")

    def for_row(self, program: Program) -> None:
        """The program's versions, the newest first."""
        self.fields["version"].queryset = program.versions.order_by("-number")  # type: ignore[attr-defined]


def _begin(request: HttpRequest, program: Program, given: dict[str, Any]) -> PolicyVersion:
    return policy_editing.begin_draft(program, by=request.user, **given)  # type: ignore[arg-type]


def _from_version(request: HttpRequest, program: Program, given: dict[str, Any]) -> PolicyVersion:
    return policies.clone_version(given["version"], by=request.user, label=given["label"])  # type: ignore[arg-type]


class ProgramBudgetInline(PartInline):
    """Read here; money comes by appropriation documents."""

    model = ProgramBudget
    fields = (("year", "amount"),)

    def _editable(self, request: HttpRequest, obj: Any) -> bool:
        return False


@admin.register(Program)
class ProgramAdmin(ActingAdmin, ScopedAdmin):
    """A program as a lasting thing; its rules are its versions."""

    public_key_fields = ("code",)

    write_roles = EDITOR
    acts = (
        Act(
            "new-version",
            _("新建政策版本"),
            _(
                "回答以下几项后即建立草稿，随后在一页中逐节填写。草稿可以随时保存、分几次写完，提请发布前不产生任何效力。"
            ),
            EDITOR,
            _begin,
            form=ProgramBeginForm,
            initial=lambda program: {"title": program.name},
        ),
        Act(
            "from-version",
            _("以现有版本为底稿"),
            _("把所选版本的内容和算例全部复制为新的草稿，再在其上修改；原版本不受影响。"),
            EDITOR,
            _from_version,
            lambda program: program.versions.exists(),
            form=FromVersionForm,
        ),
        Act(
            "appropriate",
            _("下达预算"),
            _("按指标文件向该专项的年度预算下达资金，记入台账。同一文号重复提交不会重复下达。"),
            (Role.FINANCE,),
            _appropriate,
            form=BudgetForm,
        ),
    )
    list_display = ("code", "name", "region", "side", "is_demonstration", "listed_publicly", "origin")
    list_filter = ("side", "is_demonstration", "origin")
    list_select_related = ("region",)
    search_fields = ("code", "name")
    readonly_fields = ("origin", "versions")
    inlines = (ProgramBudgetInline,)
    fields = (
        ("code", "name"),
        ("region", "office"),
        ("side", "listed_publicly", "is_demonstration"),
        "summary",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else (*self.fields, "versions", "origin")

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        """No heading over nothing: a new program has no budget yet."""
        return self.inlines if obj is not None and obj.budgets.exists() else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in HELP:
            field.help_text = HELP[db_field.name]
        return field

    @admin.display(description=_("政策版本"))
    def versions(self, program: Program) -> Any:
        """The program's versions with their states, the newest first."""
        rows = [
            (
                admin_address(version),
                version.version_no,
                version.label,
                version.get_state_display(),
                _("自 %(day)s 起施行") % {"day": wording.date_text(version.effective_from)}
                if version.effective_from
                else _("施行日期未填"),
            )
            for version in program.versions.order_by("-number")
        ]
        if not rows:
            return _("还没有政策版本。请点右上方“新建政策版本”。")
        return format_html_join("", '<div><a href="{}">{} {}</a> · {} · {}</div>', rows)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "code", "region") if obj is not None else self.readonly_fields
