"""Conditions on a version's page: which values belong to which kind of condition, and what a condition says in short."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from vouchers.admin.policy_fields import IndustriesField, OpenWordChoicesField, RegionsField
from vouchers.admin.policy_forms import PartForm
from vouchers.admin.policy_rows import VersionPart
from vouchers.admin.shown import GATE_WORDS, shown
from vouchers.models import PolicyGate
from vouchers.policy.terms import Border, GateEffect, GateKind

GATE_FIELDS: dict[str, tuple[str, ...]] = {
    "registered_in": ("regions",),
    "provider_registered_in": ("regions",),
    "sector": ("industries",),
    "party_kind": ("values",),
    "ownership": ("values",),
    "size": ("values",),
    "purpose": ("values",),
    "contract_kind": ("values",),
    "provider_admitted": ("values", "batches"),
    "age_at_least": ("months", "border"),
    "age_at_most": ("months", "border"),
    "no_dishonesty": ("years",),
    "consecutive_years": ("years",),
    "signed_between": ("from_on", "to_on"),
    "deployed_by": ("from_on", "to_on"),
    "provider_scale": ("scale_from", "scale_unit", "scale_precision"),
    "attested": ("question",),
}
"""The fields that a kind of condition uses; the others need none."""

GATE_GUIDE: dict[str, Any] = {
    "registered_in": _("按申领单位登记的住所核对，填写行政区划。"),
    "sector": _("按申领单位登记的行业代码核对，填写行业。"),
    "party_kind": _("企业、高校、科研机构等，勾选符合的几种。"),
    "ownership": _("按登记的所有制核对，勾选符合的几种。"),
    "size": _("按登记的企业规模核对，勾选符合的几种。"),
    "age_at_least": _("按成立日期和申领日核对，填写月数。"),
    "age_at_most": _("按成立日期和申领日核对，填写月数。"),
    "no_dishonesty": _("按失信名单核对，填写回看几年。"),
    "non_affiliated": _("按股权、任职和申报的关联关系核对申领单位与服务商，不需要填写其他数值。"),
    "not_a_provider": _("按入库名单核对申领单位本身，不需要填写其他数值。"),
    "not_own_built": _("按合同所载算力来源核对，不需要填写其他数值。"),
    "provider_admitted": _("按入库名单核对服务商；按服务项目入库的，勾选下面的一项。"),
    "provider_registered_in": _("按服务商登记的住所核对，填写行政区划；须记载公平竞争审查文号。"),
    "provider_scale": _("按服务商登记的算力规模核对，填写最低规模和单位。"),
    "platform_traded": _("按平台交易记录核对，不需要填写其他数值。"),
    "platform_metered": _("按平台计量记录核对，不需要填写其他数值。"),
    "provider_connected": _("按接入名单核对服务商，不需要填写其他数值。"),
    "applicant_connected": _("按接入名单核对申领单位，不需要填写其他数值。"),
    "purpose": _("按合同所载用途核对，勾选符合的几种。"),
    "contract_kind": _("按合同类型核对，勾选符合的几种。"),
    "signed_between": _("按合同签订日期核对，起止日至少填一项。"),
    "deployed_by": _("按部署日期核对，填写截止日。"),
    "model_filed": _("按模型备案情况核对，不需要填写其他数值。"),
    "consecutive_years": _("按以往享受支持的年数核对，填写年数。"),
    "expert_review": _("由专家评审后认定，不需要填写其他数值。"),
    "attested": _("机器判断不了的，由办件人员回答一个问题。"),
}
"""How each kind is tested, in a sentence."""


class GateForm(PartForm):
    """A condition. Its `values` are stored as words; on the page each carries its kind, so that no two are confused."""

    listed_otherwise = ("values",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.values and "values" in self.fields:
            self.initial["values"] = [f"{self.instance.kind}:{word}" for word in self.instance.values]
            known = {f"{kind}:{word}" for kind, words in GATE_WORDS.items() for word, _label in words}
            strange = [word for word in self.initial["values"] if word not in known]
            field: Any = self.fields["values"]
            field.choices = [*field.choices, *((word, word.partition(":")[2]) for word in strange)]

    @staticmethod
    def values_field(common: dict[str, Any]) -> OpenWordChoicesField:
        """The words of every kind, by kind."""
        labels = dict(GateKind.pairs())
        choices = [
            (labels[kind], [(f"{kind}:{word}", label) for word, label in words])
            for kind, words in GATE_WORDS.items()
        ]
        return OpenWordChoicesField(choices=choices, **common)

    def clean(self) -> dict[str, Any]:
        kind = self.cleaned_data.get("kind") or ""
        if "values" in self.cleaned_data:
            chosen = [word.split(":", 1) for word in self.cleaned_data["values"] if ":" in word]
            self.cleaned_data["values"] = [word for of, word in chosen if of == kind]
        return super().clean()


class GatePart(VersionPart):
    model = PolicyGate
    form = GateForm
    section = "who"
    stem = "gate"
    intro = _("谁、什么合同可以申领，一个条件一条。先照原文写出条件，再选本机关怎么核对它。")
    what = (
        "text",
        ("kind",),
        ("regions", "industries"),
        "values",
        "batches",
        ("months", "border", "years"),
        ("from_on", "to_on"),
        ("scale_from", "scale_unit", "scale_precision"),
        "question",
        ("effect", "if_untestable"),
        "cure",
    )
    more = (
        "stages",
        "tracks",
        "sides",
        "for_kinds",
        "not_for_kinds",
        "classes",
        "waived_for",
        ("review_reference", "switched_on"),
        ("code", "position"),
    )
    gist = ("kind", "regions", "values", "question", "sides")

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        words = [super().in_short(row, codes)]
        if row.from_on is not None:
            words.append(str(_("%(day)s 起") % {"day": shown(row, "from_on")}))
        if row.to_on is not None:
            words.append(str(_("%(day)s 前") % {"day": shown(row, "to_on")}))
        if row.months is not None:
            edge = "" if row.border == Border.INCLUDED.value else row.get_border_display()
            words.append(str(_("%(months)s 个月") % {"months": row.months}) + str(edge))
        if row.years is not None:
            words.append(str(_("%(years)s 年") % {"years": row.years}))
        if row.for_kinds:
            words.append(str(_("只适用于%(who)s") % {"who": shown(row, "for_kinds")}))
        if row.not_for_kinds:
            words.append(str(_("不适用于%(who)s") % {"who": shown(row, "not_for_kinds")}))
        if row.classes:
            words.append(str(_("只适用于%(who)s") % {"who": shown(row, "classes", codes)}))
        if row.waived_for:
            words.append(str(_("%(who)s不受此限") % {"who": shown(row, "waived_for", codes)}))
        if row.effect != GateEffect.REFUSE.value:
            words.append(str(_("不符合时%(effect)s") % {"effect": row.get_effect_display()}))
        if not row.switched_on:
            words.append(str(_("未启用")))
        return " · ".join(words)

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        if db_field.name == "regions":
            return RegionsField(required=False, **common)
        if db_field.name == "industries":
            return IndustriesField(required=False, **common)
        if db_field.name == "text":
            return forms.CharField(
                max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), **common
            )
        if db_field.name == "values":
            return GateForm.values_field(common)
        return None
