"""The form of a basis item that is no invoice: each kind asks for what its own document says, in that document's words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from applications.models import Claim, Project
from applications.web.portal.claim_forms import PaidForm, check_period
from applications.web.portal.contract_form import short_number
from applications.web.portal.project_form import ScaleField
from vouchers.money import ZERO
from vouchers.policy.terms import BasisKind, Component, Precision, ScaleUnit
from vouchers.web.fields import DayField, MoneyField

_PERIOD = ("period_from", "period_to")
# kind → the fields that are asked, in their order.
ASKED: dict[BasisKind, tuple[str, ...]] = {
    BasisKind.CONTRACT_AMOUNT: ("reference", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.CONTRACT_PART: ("reference", "description", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.PAYMENT: ("reference", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.METERED_USE: ("reference", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.SETTLEMENT_LINE: ("reference", "description", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.DATA_PRODUCT_LINE: ("reference", "description", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.PROJECT_COST: ("reference", "description", "net_amount", "tax_amount", *_PERIOD),
    BasisKind.INVESTMENT_DOCUMENT: ("reference", "description", "net_amount", "tax_amount"),
    BasisKind.DEPLOYED_CAPACITY: ("reference", "accelerator", "quantity", "precision", "net_amount"),
}
REQUIRED: dict[BasisKind, tuple[str, ...]] = {
    BasisKind.CONTRACT_PART: ("description", *_PERIOD),
    BasisKind.METERED_USE: _PERIOD,
    BasisKind.SETTLEMENT_LINE: _PERIOD,
    BasisKind.DATA_PRODUCT_LINE: ("description",),
    BasisKind.PROJECT_COST: ("description",),
    BasisKind.INVESTMENT_DOCUMENT: ("description",),
    BasisKind.DEPLOYED_CAPACITY: ("accelerator", "quantity", "precision"),
}
# kind → the words of its fields: label, hint.
WORDS: dict[BasisKind, dict[str, tuple[Any, Any]]] = {
    BasisKind.CONTRACT_AMOUNT: {
        "reference": (_("合同编号"), ""),
        "net_amount": (_("合同金额（不含税）"), ""),
    },
    BasisKind.CONTRACT_PART: {
        "reference": (_("验收或结算文件编号"), ""),
        "description": (_("已发生的内容"), _("例如“第二季度服务，已验收”。")),
        "net_amount": (_("已发生金额（不含税）"), ""),
    },
    BasisKind.PAYMENT: {"reference": (_("付款凭证编号"), ""), "net_amount": (_("实付金额（不含税）"), "")},
    BasisKind.METERED_USE: {
        "reference": (_("用量账单编号"), _("平台出具的用量账单。")),
        "net_amount": (_("账单金额（不含税）"), ""),
    },
    BasisKind.SETTLEMENT_LINE: {
        "reference": (_("平台结算单号"), _("以平台出具的结算单为准。")),
        "description": (_("结算对方单位"), ""),
        "net_amount": (_("结算金额（不含税）"), ""),
        "period_from": (_("结算期间自"), ""),
        "period_to": (_("结算期间至"), _("含当日。")),
    },
    BasisKind.DATA_PRODUCT_LINE: {
        "reference": (_("平台订单号"), _("在数据交易平台成交的订单编号。")),
        "description": (_("数据产品名称"), ""),
        "net_amount": (_("本次计入金额（不含税）"), _("已交付并付款的部分。")),
        "period_from": (_("交付或使用期间自"), ""),
        "period_to": (_("交付或使用期间至"), ""),
    },
    BasisKind.PROJECT_COST: {
        "reference": (_("凭证编号"), ""),
        "description": (_("成本内容"), ""),
        "net_amount": (_("算力成本（不含税）"), ""),
    },
    BasisKind.INVESTMENT_DOCUMENT: {
        "reference": (_("凭证编号"), _("发票号码、验收单号或资产入账凭证号；一张凭证列一项。")),
        "description": (_("投资内容"), _("例如“调度平台软件开发”“交换机采购”。")),
        "net_amount": (_("投资金额（不含税）"), _("已付款的部分。")),
    },
    BasisKind.DEPLOYED_CAPACITY: {
        "reference": (_("规模核验文件编号"), _("第三方或平台出具的核验报告。")),
        "net_amount": (_("部署投入金额（不含税）"), _("按规模计算奖励的，可不填。")),
        "accelerator": (_("加速卡型号"), ""),
    },
}
DOCUMENTS: dict[BasisKind, Any] = {
    BasisKind.SETTLEMENT_LINE: _("平台出具的结算单，单个不超过 20 MB。"),
    BasisKind.DATA_PRODUCT_LINE: _("平台订单和交付记录，单个不超过 20 MB。"),
    BasisKind.INVESTMENT_DOCUMENT: _("发票、验收单或资产入账凭证，单个不超过 20 MB。"),
    BasisKind.DEPLOYED_CAPACITY: _("算力规模核验报告，单个不超过 20 MB。"),
}
"""Kinds that a document has to show, and which one it is."""
_UNPAID = frozenset({BasisKind.SETTLEMENT_LINE, BasisKind.DEPLOYED_CAPACITY})


class ItemForm(PaidForm):
    """One item of one kind."""

    kind = forms.CharField(widget=forms.HiddenInput)
    reference = forms.CharField(
        label=_("凭证号"), max_length=60, error_messages={"required": _("请填写凭证编号。")}
    )
    description = forms.CharField(
        label=_("说明"), max_length=200, error_messages={"required": _("请填写这一项的内容。")}
    )
    component = forms.ChoiceField(label=_("费用种类"), choices=Component.pairs())
    accelerator = forms.CharField(
        label=_("加速卡型号"), max_length=60, error_messages={"required": _("请填写加速卡型号。")}
    )
    quantity = ScaleField(label=_("算力规模"), help_text=_("经核验的规模，单位为 PFLOPS。"))
    precision = forms.ChoiceField(
        label=_("规模所按精度"),
        choices=[("", _("请选择")), *Precision.pairs()],
        error_messages={"required": _("请选择规模所按的精度。")},
    )
    net_amount = MoneyField(label=_("计入金额（不含税）"))
    tax_amount = MoneyField(label=_("税额"), minimum=ZERO)
    period_from = DayField(label=_("期间自"))
    period_to = DayField(label=_("期间至"))
    document = forms.FileField(
        label=_("凭证文件"), required=False, error_messages={"required": _("请选择凭证文件。")}
    )

    def __init__(
        self, *args: Any, kind: BasisKind, by_scale: bool = False, components: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.basis = kind
        self.initial["kind"] = kind.value
        names = list(ASKED.get(kind, ASKED[BasisKind.CONTRACT_AMOUNT]))
        if components and kind is not BasisKind.DEPLOYED_CAPACITY:
            names.insert(names.index("net_amount"), "component")
        self.asked = tuple(names)
        kept = {*names, "kind", "document", *(self.PAID if self.asks_paid else ()), "proof"}
        for name in set(self.fields) - kept:
            del self.fields[name]
        for name, (label, hint) in WORDS.get(kind, {}).items():
            self.fields[name].label, self.fields[name].help_text = label, hint
        required = {"reference", "net_amount", "component", *REQUIRED.get(kind, ())}
        if kind is BasisKind.DEPLOYED_CAPACITY and by_scale:
            required.discard("net_amount")
        for name in names:
            self.fields[name].required = name in required
        self.fields["document"].required = kind in DOCUMENTS

    @property
    def asks_paid(self) -> bool:
        """Whether the item was paid by the applicant; a supplier's settlements and a deployed scale were not."""
        return self.basis not in _UNPAID

    @property
    def document_hint(self) -> Any:
        """Which document shows it."""
        return DOCUMENTS.get(self.basis, _("合同、结算单等，单个不超过 20 MB。"))

    def item_fields(self) -> list[forms.BoundField]:
        """The item's own fields."""
        return [self[name] for name in self.asked]

    def clean(self) -> dict[str, Any]:
        """The period in order; what was not asked or left empty is nothing."""
        given = super().clean()
        check_period(self, given)
        for name in ("net_amount", "tax_amount"):
            if given.get(name) is None and name not in self.errors:
                given[name] = Decimal("0.00")
        return given

    @staticmethod
    def initial_of(kind: BasisKind, claim: Claim, project: Project | None) -> dict[str, Any]:
        """What the contract or the project says already."""
        lease = claim.lease
        if project is not None:
            return {
                "reference": "" if kind is BasisKind.INVESTMENT_DOCUMENT else project.document_no[:60],
                "net_amount": None if kind is BasisKind.INVESTMENT_DOCUMENT else project.amount or None,
                "period_from": project.period_from,
                "period_to": project.period_to - timedelta(days=1) if project.period_to else None,
                "accelerator": project.accelerator,
                "quantity": short_number(project.scale),
                "precision": project.precision,
            }
        known: dict[str, Any] = {"component": Component.COMPUTE.value}
        if lease is None:
            return known
        known["accelerator"] = lease.accelerator
        if kind is BasisKind.DATA_PRODUCT_LINE:
            known |= {
                "reference": lease.contract_no,
                "description": lease.product,
                "net_amount": lease.amount,
            }
            known["component"] = Component.DATA.value
        if kind is BasisKind.CONTRACT_AMOUNT:
            known |= {
                "reference": lease.contract_no or lease.lease_no,
                "net_amount": lease.amount,
                "period_from": lease.starts_on,
                "period_to": lease.ends_before - timedelta(days=1),
            }
        return known

    def scale_unit(self) -> str:
        """The unit of its scale; empty for an item that has none."""
        return ScaleUnit.PFLOPS.value if self.cleaned_data.get("quantity") is not None else ""
