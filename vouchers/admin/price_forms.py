"""What is asked for of an observed price: to settle it, to put it away, and to enter one."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.admin.acts import DAY
from vouchers.models.parties import Tier
from vouchers.models.prices import PriceKind, PriceUnit
from vouchers.policy.fair_price import REASONS


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
    currency = forms.CharField(label=_("币种"), required=False, max_length=3)
    region_code = forms.CharField(label=_("算力所在地"), required=False, max_length=6)
    vcpus_per_card = forms.IntegerField(
        label=_("每卡 vCPU（个）"), required=False, min_value=0, max_value=4096
    )
    memory_gb_per_card = forms.IntegerField(
        label=_("每卡内存（GB）"), required=False, min_value=0, max_value=100_000
    )
    carried_from = forms.DateField(
        label=_("价格最后真实出现日"),
        required=False,
        widget=DAY,
        help_text=_("沿用的旧报价经核实仍有效的，填采集日。"),
    )
    bookable_since = forms.DateField(
        label=_("可订购自"),
        required=False,
        widget=DAY,
        help_text=_(
            "自称的起始日未能证实的，填有据可查的日期。供应方自报的起始日早于其入库日的部分不计入入市时间。"
        ),
    )
    note = forms.CharField(label=_("核对依据"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


class AsideForm(forms.Form):
    """Why it no longer counts."""

    reason = forms.ChoiceField(
        label=_("原因"),
        choices=[(code, f"{word}（{code}）") for code, word in sorted(REASONS.items())],
        initial="withdrawn",
    )
    note = forms.CharField(label=_("说明"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(label=_("说明"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


class EntryForm(forms.Form):
    """What an expert thinks, or what the office saw published. An expert speaks for himself alone."""

    kind = forms.ChoiceField(
        label=_("种类"),
        choices=[
            (PriceKind.EXPERT.value, PriceKind.EXPERT.label),
            (PriceKind.QUOTE.value, PriceKind.QUOTE.label),
        ],
        initial=PriceKind.EXPERT.value,
    )
    source = forms.CharField(
        label=_("来源"),
        max_length=120,
        required=False,
        help_text=_("报价写供应方的统一社会信用代码；代录专家意见的写专家姓名，专家本人录入的记为本人。"),
    )
    employer = forms.CharField(
        label=_("专家所在单位"),
        max_length=120,
        required=False,
        help_text=_(
            "专家意见必填：统一社会信用代码，没有的写单位全称。同一单位及其关联单位的专家合计为一家。"
        ),
    )
    observed_on = forms.DateField(label=_("采集日"), initial=dates.today, widget=DAY)
    region_code = forms.CharField(label=_("算力所在地"), max_length=6)
    tier = forms.ChoiceField(label=_("供应方类别"), choices=Tier.choices)
    accelerator = forms.CharField(label=_("加速卡"), max_length=40)
    form_factor = forms.CharField(label=_("形态"), max_length=12, required=False)
    term_months = forms.CharField(label=_("租期（月，按需填 0）"), max_length=4)
    unit = forms.ChoiceField(label=_("计价单位"), required=False, choices=[("", "—"), *PriceUnit.choices])
    cards = forms.CharField(label=_("每单位卡数"), required=False, max_length=6)
    precision = forms.CharField(label=_("精度"), required=False, max_length=10)
    unit_price = forms.CharField(label=_("单价"), max_length=30)
    currency = forms.CharField(label=_("币种"), max_length=3, initial="CNY")
    vat_rate = forms.CharField(label=_("税率（如 0.06）"), required=False, max_length=8)
    tax_included = forms.BooleanField(label=_("含税"), required=False)
    vcpus_per_card = forms.IntegerField(
        label=_("每卡 vCPU（个）"), required=False, min_value=0, max_value=4096
    )
    memory_gb_per_card = forms.IntegerField(
        label=_("每卡内存（GB）"), required=False, min_value=0, max_value=100_000
    )
    bookable_since = forms.DateField(label=_("可订购自"), required=False, widget=DAY)
    reference = forms.CharField(
        label=_("依据编号"), max_length=60, help_text=_("意见书、网页存档或询价函的编号。")
    )
