"""The form of a project of the applicant's own: an investment, deployed compute, or its own settlements on a platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from applications.actions.projects import ProjectFields
from applications.models import Project
from applications.models.projects import ProjectKind
from applications.web.places import place_choices
from applications.web.portal.contract_form import QuantityField, known_chips, short_number
from vouchers.money import ZERO
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Precision, Side
from vouchers.web.fields import DayField, MoneyField

GROUPS: dict[str, tuple[tuple[Any, tuple[str, ...]], ...]] = {
    ProjectKind.INVESTMENT.value: (
        (_("项目"), ("name", "document_no", "region_code")),
        (_("建设情况"), ("completed_on", "dispatchable_since", "amount")),
    ),
    ProjectKind.DEPLOYMENT.value: (
        (_("项目与机房"), ("name", "region_code", "site")),
        (_("算力规模"), ("accelerator", "cards", "scale", "precision")),
        (_("部署与调度"), ("completed_on", "dispatchable_since", "amount")),
    ),
    ProjectKind.SETTLEMENT.value: (
        (_("平台与结算单"), ("site", "document_no", "period_from", "period_to")),
        (_("往来与金额"), ("counterparties", "amount")),
    ),
}
WORDS: dict[str, dict[str, tuple[Any, Any]]] = {
    ProjectKind.INVESTMENT.value: {
        "name": (_("项目名称"), _("与立项或备案文件一致。")),
        "document_no": (_("立项或备案文号"), _("没有立项文件的留空。")),
        "region_code": (_("项目所在地"), ""),
        "completed_on": (_("建成投用日"), ""),
        "dispatchable_since": (_("开始调度算力的日期"), _("还没有开展调度的留空。")),
        "amount": (_("实际投资额（不含税）"), _("只计已付款并取得凭证的投资；申请拨付时逐张列出凭证。")),
    },
    ProjectKind.DEPLOYMENT.value: {
        "name": (_("项目名称"), _("例如“临港智算中心一期”。")),
        "region_code": (_("算力所在地"), ""),
        "site": (_("机房名称及地址"), ""),
        "completed_on": (_("部署完成日"), _("设备全部上架并可运行的日期，由工作人员核验。")),
        "dispatchable_since": (_("可调度起始日"), _("接入统筹调度并可以接受任务的日期。")),
        "amount": (_("部署投入金额（不含税）"), _("按规模计算奖励的，可不填。")),
    },
    ProjectKind.SETTLEMENT.value: {
        "site": (_("平台名称"), _("出具结算单的监测调度平台。")),
        "document_no": (_("平台结算单号"), _("一份结算单一个编号；多份的填汇总单号。")),
        "period_from": (_("结算期间自"), ""),
        "period_to": (_("结算期间至"), _("含当日。")),
        "counterparties": (_("结算对方单位"), _("每行一个，写单位全称；以平台结算单为准。")),
        "amount": (_("结算金额（不含税）"), _("本单位作为供给方在平台上的结算额。")),
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {
    ProjectKind.INVESTMENT.value: ("name", "region_code", "completed_on", "amount"),
    ProjectKind.DEPLOYMENT.value: (
        "name",
        "region_code",
        "site",
        "accelerator",
        "cards",
        "scale",
        "precision",
        "completed_on",
        "dispatchable_since",
    ),
    ProjectKind.SETTLEMENT.value: (
        "site",
        "document_no",
        "period_from",
        "period_to",
        "counterparties",
        "amount",
    ),
}


class ScaleField(QuantityField):
    """A scale to at most four places."""

    default_error_messages = {
        "required": _("请填写算力规模。"),
        "invalid": _("“%(typed)s”不是规模，请填写数字，单位为 PFLOPS。"),
        "minimum": _("算力规模应大于零，您填写了 %(typed)s。"),
    }


class ProjectForm(forms.Form):
    """A project, in the words of its kind. A settlement is named by its platform and period, not by the applicant."""

    kind = forms.CharField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(
        label=_("项目名称"), max_length=200, error_messages={"required": _("请填写项目名称。")}
    )
    document_no = forms.CharField(
        label=_("文号"), max_length=100, error_messages={"required": _("请填写平台结算单号。")}
    )
    region_code = forms.ChoiceField(label=_("所在地"), error_messages={"required": _("请选择所在地。")})
    site = forms.CharField(label=_("机房"), max_length=120, error_messages={"required": _("请填写名称。")})
    counterparties = forms.CharField(
        label=_("结算对方单位"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        error_messages={"required": _("请填写结算对方单位，每行一个。")},
    )
    accelerator = forms.CharField(
        label=_("加速卡型号"),
        max_length=60,
        help_text=_("例如 H800、昇腾910B。"),
        widget=forms.TextInput(attrs={"list": "accelerators", "autocomplete": "off"}),
        error_messages={"required": _("请填写加速卡型号。")},
    )
    cards = forms.IntegerField(
        label=_("卡数"),
        min_value=1,
        max_value=10_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "invalid": _("卡数应为整数。"),
            "min_value": _("卡数应大于 0。"),
            "max_value": _("卡数过大，请核对。"),
            "required": _("请填写卡数。"),
        },
    )
    scale = ScaleField(label=_("算力规模"), help_text=_("按所选精度的稠密峰值合计，单位为 PFLOPS。"))
    precision = forms.ChoiceField(
        label=_("规模所按精度"),
        choices=[("", _("请选择")), *Precision.pairs()],
        error_messages={"required": _("请选择规模所按的精度。")},
    )
    completed_on = DayField(label=_("建成日"))
    dispatchable_since = DayField(label=_("可调度起始日"))
    period_from = DayField(label=_("期间自"))
    period_to = DayField(label=_("期间至"))
    amount = MoneyField(label=_("金额（不含税）"))

    def __init__(self, *args: Any, scheme: Scheme, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.only_kind = kind
        self.initial["kind"] = kind
        self.asked = GROUPS[kind]
        for name, (label, hint) in WORDS[kind].items():
            self.fields[name].label, self.fields[name].help_text = label, hint
        wanted = {name for _title, names in self.asked for name in names} | {"kind"}
        for name in set(self.fields) - wanted:
            del self.fields[name]
        required = set(REQUIRED[kind])
        if kind == ProjectKind.INVESTMENT.value and any(one.side is Side.PLATFORM for one in scheme.tracks):
            self.fields["dispatchable_since"].help_text = _(
                "平台开始实际调度智能算力的日期；尚未开展的留空。"
            )
        if kind == ProjectKind.DEPLOYMENT.value and any(one.scale_unit is None for one in scheme.tracks):
            required.add("amount")
            self.fields["amount"].help_text = _("已付款并取得凭证的投入。")
        for name, field in self.fields.items():
            field.required = name in required
        if "region_code" in self.fields:
            self.fields["region_code"].choices = place_choices()  # type: ignore[attr-defined]
        self.chips = known_chips() if "accelerator" in self.fields else []
        self.providers: list[Any] = []

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The visible fields under their headings."""
        return [(str(title), [self[name] for name in names]) for title, names in self.asked]

    def project_fields(self) -> ProjectFields:
        """What the action takes. What was not asked stays empty."""
        given = self.cleaned_data
        values = {name: value for name, value in given.items() if name != "kind" and value not in (None, "")}
        values["amount"] = given.get("amount") or ZERO
        if self.only_kind == ProjectKind.SETTLEMENT.value:
            period = f"{given['period_from']:%Y年%-m月%-d日}—{given['period_to']:%Y年%-m月%-d日}"
            values["name"] = f"{given['site']} {period}结算"[:200]
        for name in ("name", "document_no", "site", "accelerator", "counterparties"):
            if name in values:
                values[name] = values[name].strip()
        return ProjectFields(kind=self.only_kind, **values)

    @staticmethod
    def initial_of(project: Project) -> dict[str, Any]:
        """A project as it was filled in."""
        names = (
            "kind",
            "name",
            "document_no",
            "region_code",
            "site",
            "counterparties",
            "accelerator",
            "cards",
            "precision",
            "completed_on",
            "dispatchable_since",
            "period_from",
        )
        known = {name: getattr(project, name) for name in names}
        known["scale"] = short_number(project.scale)
        known["period_to"] = project.period_to - timedelta(days=1) if project.period_to else None
        known["amount"] = project.amount or None
        return known
