"""专项 and its yearly budgets."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role
from vouchers.actions import programs
from vouchers.admin.acts import Act, ActingAdmin
from vouchers.admin.scoped import PartInline, ScopedAdmin
from vouchers.models import Program, ProgramBudget
from vouchers.money import thousands


class BudgetForm(forms.Form):
    """An appropriation document."""

    year = forms.IntegerField(
        label=_("预算年度"), min_value=2000, max_value=2100, initial=lambda: dates.today().year
    )
    document_no = forms.CharField(label=_("指标文号"), max_length=100)
    amount = forms.DecimalField(label=_("下达金额（元）"), max_digits=18, decimal_places=2, min_value=0)


def _appropriate(request: HttpRequest, program: Program, given: dict[str, Any]) -> str:
    done = programs.appropriate_budget(
        program,
        given["year"],
        given["amount"],
        document_no=given["document_no"],
        by=request.user,  # type: ignore[arg-type]
    )
    return (
        f"已下达 {program.code} {given['year']} 年度预算 {thousands(done.amount)} 元（{done.document_no}）。"
    )


class ProgramBudgetInline(PartInline):
    """Read here; money comes by appropriation documents."""

    model = ProgramBudget
    fields = (("year", "amount"),)

    def _editable(self, request: HttpRequest, obj: Any) -> bool:
        return False


@admin.register(Program)
class ProgramAdmin(ActingAdmin, ScopedAdmin):
    """A program as a lasting thing; its rules are its versions."""

    public_key_field = "code"

    write_roles = (Role.POLICY_EDITOR,)
    acts = (
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
    readonly_fields = ("origin",)
    inlines = (ProgramBudgetInline,)
    fields = (
        ("code", "name"),
        ("region", "office"),
        ("side", "listed_publicly", "is_demonstration"),
        "summary",
        "origin",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "code", "region") if obj is not None else self.readonly_fields
