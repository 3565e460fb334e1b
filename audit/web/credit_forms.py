"""What is asked when something is put into a party's file, and when a restriction is proposed, told, heard and decided."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import scope_of
from vouchers.actions.debarments import RESPONSE_WORKING_DAYS
from vouchers.actions.leniencies import ARTICLE, BASIS
from vouchers.models import Program, Region
from vouchers.models.credit_entries import CreditAspect, CreditBearing
from vouchers.models.debarments import DebarmentGround
from vouchers.models.leniencies import BreachKind
from vouchers.web.fields import DayField

LONG = forms.Textarea(attrs={"rows": 4})
SHORT = forms.Textarea(attrs={"rows": 2})


class InRegion(forms.Form):
    """A form about one of the person's regions and, if one wants, one of its schemes."""

    region = forms.ModelChoiceField(
        Region.objects.none(), label=_("地区"), to_field_name="code", empty_label=None
    )
    program = forms.ModelChoiceField(
        Program.objects.none(), label=_("专项"), to_field_name="code", required=False, empty_label=_("不限")
    )
    field_order: tuple[str, ...] = ("region", "program")

    def __init__(self, *args: Any, user: Any, roles: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        regions = Region.objects.filter(code__in=scope_of(user, *roles).regions).order_by("code")
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]
        self.fields["program"].queryset = Program.objects.filter(region__in=regions, origin="live").order_by(  # type: ignore[attr-defined]
            "code"
        )


class Grounded(forms.Form):
    """The document, the law and its article."""

    document_no = forms.CharField(label=_("文号"), max_length=60)
    basis = forms.CharField(
        label=_("依据文件"), max_length=200, help_text=_("法律、法规、规章或本地区办法的名称。")
    )
    article = forms.CharField(label=_("条款"), max_length=60, help_text=_("例如“第十四条第一款”。"))


class EntryForm(InRegion, Grounded):
    """One finding."""

    aspect = forms.ChoiceField(label=_("类别"), choices=CreditAspect)
    bearing = forms.ChoiceField(label=_("性质"), choices=CreditBearing)
    found_on = DayField(label=_("认定日"), initial=dates.today)
    sentence = forms.CharField(
        label=_("事实"), max_length=500, widget=LONG, help_text=_("该单位将看到这段文字。")
    )
    source_no = forms.CharField(
        label=_("来源编号"), max_length=40, required=False, help_text=_("案件、兑付、合同等的编号。")
    )
    field_order = (
        "region", "program", "aspect", "bearing", "found_on", "sentence", "document_no", "basis", "article", "source_no",
    )  # fmt: skip


class CorrectionForm(Grounded):
    """The second entry."""

    taken_back = forms.BooleanField(label=_("撤回原记载，不另作记载"), required=False)
    bearing = forms.ChoiceField(label=_("更正后的性质"), choices=CreditBearing)
    sentence = forms.CharField(label=_("更正后的事实，或撤回的理由"), max_length=500, widget=LONG)
    field_order = ("taken_back", "bearing", "sentence", "document_no", "basis", "article")


class DebarmentForm(InRegion):
    """The proposal of a restriction."""

    case_no = forms.CharField(label=_("核查案件编号"), max_length=40, required=False)
    ground = forms.ChoiceField(label=_("事由类别"), choices=DebarmentGround)
    facts = forms.CharField(label=_("事实"), max_length=1000, widget=LONG)
    basis = forms.CharField(label=_("依据文件"), max_length=200)
    article = forms.CharField(label=_("条款"), max_length=60)
    proposed_from = DayField(label=_("拟列入日"))
    proposed_to = DayField(label=_("拟移出日"), help_text=_("自该日起不再限制。"))
    repair_from = DayField(label=_("可申请修复之日"))
    repair_terms = forms.CharField(label=_("修复条件"), max_length=500, widget=SHORT)
    field_order = ("region", "program", "case_no")


class LeniencyForm(InRegion):
    """首违轻微不罚: the conditions of the law, each with what was found."""

    case_no = forms.CharField(label=_("核查案件编号"), max_length=40, required=False)
    breach = forms.ChoiceField(label=_("违法行为种类"), choices=BreachKind)
    breached_on = DayField(label=_("行为发生日"))
    facts = forms.CharField(label=_("事实"), max_length=500, widget=SHORT)
    slightness = forms.CharField(label=_("危害后果轻微的认定"), max_length=500, widget=SHORT)
    corrected_on = DayField(label=_("改正日"))
    correction = forms.CharField(label=_("改正情况"), max_length=500, widget=SHORT)
    document_no = forms.CharField(label=_("文号"), max_length=60)
    basis = forms.CharField(label=_("依据文件"), max_length=200, initial=BASIS)
    article = forms.CharField(label=_("条款"), max_length=60, initial=ARTICLE)
    field_order = ("region", "program", "case_no")


class NotifyForm(forms.Form):
    """告知."""

    document_no = forms.CharField(label=_("告知书文号"), max_length=60)
    respond_until = DayField(
        label=_("陈述申辩和要求听证的最后一日"),
        initial=lambda: dates.add_working_days(dates.today(), RESPONSE_WORKING_DAYS),
        help_text=_("不少于 5 个工作日（《行政处罚法》第六十四条、第八十五条）。"),
    )


class HearingForm(forms.Form):
    """听证."""

    heard_on = DayField(label=_("听证日"), initial=dates.today)
    record = forms.CharField(label=_("听证笔录"), max_length=10000, widget=forms.Textarea(attrs={"rows": 10}))


class ListForm(forms.Form):
    """列入."""

    document_no = forms.CharField(label=_("决定书文号"), max_length=60)
    effective_from = DayField(label=_("列入日"))
    effective_to = DayField(label=_("移出日"), help_text=_("自该日起不再限制；限制期不得长于告知的。"))
    reason = forms.CharField(
        label=_("决定理由"), max_length=1000, widget=LONG, help_text=_("对陈述申辩意见是否采纳，请一并写明。")
    )


class WhyForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=_("理由"), max_length=1000, widget=LONG)


class ExaminationForm(forms.Form):
    """审查."""

    examination = forms.CharField(
        label=_("审查意见"), max_length=5000, widget=LONG, help_text=_("逐项写明整改是否到位、依据哪些材料。")
    )


class GrantForm(WhyForm):
    """准予."""

    document_no = forms.CharField(label=_("决定文号"), max_length=60)
    ends_on = DayField(label=_("自何日起不再限制"), initial=dates.today)
    field_order = ("document_no", "ends_on", "reason")


class GrantEntryForm(WhyForm):
    """准予, of an entry: it counts as repaired from the decision on."""

    document_no = forms.CharField(label=_("决定文号"), max_length=60)
    field_order = ("document_no", "reason")
