"""The form of the contract that an application rests on. It asks for nothing that the system knows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from applications.actions.leases import LeaseFields
from applications.models import Lease
from applications.models.leases import PriceUnit, Purpose
from vouchers.actions.parties import counterparty
from vouchers.models import ChipModel, Party, ProviderAdmission, Region, User
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import (
    BasisKind,
    ContractKind,
    GateKind,
)
from vouchers.web.fields import DayField, MoneyField, UnitPriceField

VAT_RATES = (
    ("0.06", "6%"),
    ("0.13", "13%"),
    ("0.09", "9%"),
    ("0.03", "3%"),
    ("0.01", "1%"),
    ("0", _("免税或零税率")),
)
PROVINCES = (
    ("110000", "北京"), ("120000", "天津"), ("130000", "河北"), ("140000", "山西"), ("150000", "内蒙古"),
    ("210000", "辽宁"), ("220000", "吉林"), ("230000", "黑龙江"), ("310000", "上海"), ("320000", "江苏"),
    ("330000", "浙江"), ("340000", "安徽"), ("350000", "福建"), ("360000", "江西"), ("370000", "山东"),
    ("410000", "河南"), ("420000", "湖北"), ("430000", "湖南"), ("440000", "广东"), ("450000", "广西"),
    ("460000", "海南"), ("500000", "重庆"), ("510000", "四川"), ("520000", "贵州"), ("530000", "云南"),
    ("540000", "西藏"), ("610000", "陕西"), ("620000", "甘肃"), ("630000", "青海"), ("640000", "宁夏"),
    ("650000", "新疆"), ("710000", "台湾"), ("810000", "香港"), ("820000", "澳门"),
)  # fmt: skip


class QuantityField(UnitPriceField):
    """A quantity to at most four places."""

    default_error_messages = {
        "required": _("请填写数量。"),
        "invalid": _("“%(typed)s”不是数量，请填写数字。"),
        "fen": _("“%(typed)s”的小数超过四位，请核对后填写。"),
        "minimum": _("数量应大于零，您填写了 %(typed)s。"),
    }

    def to_python(self, value: Any) -> Decimal | None:
        """Four places, as the column holds."""
        number = super().to_python(value)
        if number is not None and number != round(number, 4):
            raise forms.ValidationError(self.error_messages["fen"], "fen", {"typed": str(value)[:40]})
        return number


def contract_kinds(scheme: Scheme) -> list[ContractKind]:
    """The kinds of contract that the scheme can be applied for with."""
    named = [
        ContractKind(value)
        for gate in scheme.gates
        if gate.kind is GateKind.CONTRACT_KIND and gate.switched_on
        for value in gate.values
    ]
    if named:
        return list(dict.fromkeys(named))
    bases = {kind for track in scheme.tracks for kind in track.basis_kinds}
    kinds = []
    if bases & {BasisKind.INVOICE_LINE, BasisKind.SETTLEMENT_LINE, BasisKind.CONTRACT_AMOUNT}:
        kinds.append(ContractKind.LEASE)
    if BasisKind.DATA_PRODUCT_LINE in bases:
        kinds.append(ContractKind.DATA_PRODUCT)
    if bases & {BasisKind.INVESTMENT_DOCUMENT, BasisKind.DEPLOYED_CAPACITY}:
        kinds.append(ContractKind.INVESTMENT)
    return kinds or [ContractKind.LEASE]


class LeaseForm(forms.Form):
    """The contract that an application rests on."""

    kind = forms.ChoiceField(label=_("合同种类"), widget=forms.RadioSelect)
    lessor_uscc = forms.CharField(
        label=_("出租方（服务商）统一社会信用代码"),
        max_length=40,
        help_text=_("18 位，见合同或对方营业执照。"),
        widget=forms.TextInput(attrs={"list": "providers", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请填写出租方的统一社会信用代码。")},
    )
    lessor_name = forms.CharField(
        label=_("出租方名称"), max_length=200, required=False, help_text=_("已登记的单位可不填，以登记为准。")
    )
    contract_no = forms.CharField(
        label=_("合同编号"),
        max_length=60,
        error_messages={"required": _("请填写合同编号，没有编号的填“无”。")},
    )
    signed_on = DayField(label=_("签订日"))
    starts_on = DayField(label=_("服务开始日"))
    ends_on = DayField(label=_("服务结束日"), help_text=_("合同写明的最后一天。"))
    region_code = forms.ChoiceField(label=_("算力所在地"), help_text=_("提供算力的机房所在地。"))
    accelerator = forms.CharField(
        label=_("加速卡型号"),
        max_length=60,
        required=False,
        help_text=_("例如 H800、昇腾910B，以合同所写为准。"),
        widget=forms.TextInput(attrs={"list": "accelerators", "autocomplete": "off"}),
    )
    form_factor = forms.ChoiceField(label=_("形态"), required=False)
    cards = forms.IntegerField(
        label=_("卡数"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": _("卡数应为整数。")},
    )
    unit = forms.ChoiceField(
        label=_("计价单位"), required=False, choices=[("", _("请选择")), *PriceUnit.choices]
    )
    unit_price = UnitPriceField(label=_("单价（不含税）"), required=False)
    quantity = QuantityField(label=_("数量"), required=False, help_text=_("与计价单位对应，例如总卡时数。"))
    amount = MoneyField(label=_("合同金额（不含税）"))
    vat_rate = forms.ChoiceField(label=_("税率"), choices=VAT_RATES)
    purpose = forms.ChoiceField(
        label=_("算力用途"), required=False, choices=[("", _("请选择")), *Purpose.choices]
    )
    exclusive = forms.BooleanField(label=_("独占使用所列设备"), required=False)
    bundled = forms.BooleanField(label=_("合同单价含存储、网络等其他服务"), required=False)
    serials = forms.CharField(
        label=_("设备序列号"),
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("每行一个。有序列号的请填写，同一设备同一时间只能出租给一家。"),
    )

    # One heading each on the page.
    GROUPS = (
        (_("合同双方"), ("kind", "lessor_uscc", "lessor_name", "contract_no")),
        (_("期限与地点"), ("signed_on", "starts_on", "ends_on", "region_code")),
        (_("算力与用途"), ("accelerator", "form_factor", "cards", "purpose", "exclusive", "serials")),
        (_("价格"), ("unit", "unit_price", "quantity", "amount", "vat_rate", "bundled")),
    )

    def __init__(self, *args: Any, scheme: Scheme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = contract_kinds(scheme)
        self.fields["kind"].choices = [(str(kind.value), kind.label) for kind in kinds]  # type: ignore[attr-defined]
        if len(kinds) == 1:
            self.fields["kind"].required = False
            self.fields["kind"].widget = forms.HiddenInput()
            self.initial.setdefault("kind", kinds[0].value)
        self.only_kind = kinds[0].value if len(kinds) == 1 else ""
        known = dict(PROVINCES) | dict(Region.objects.values_list("code", "name"))
        self.fields["region_code"].choices = [  # type: ignore[attr-defined]
            ("", _("请选择")),
            *((code, name) for code, name in sorted(known.items())),
        ]
        factors = ChipModel.objects.order_by("form_factor").values_list("form_factor", flat=True).distinct()
        self.fields["form_factor"].choices = [("", _("未注明")), *((one, one) for one in factors if one)]  # type: ignore[attr-defined]
        self.chips = list(
            ChipModel.objects.order_by("accelerator").values_list("accelerator", flat=True).distinct()
        )
        self.providers = list(
            Party.objects.filter(
                pk__in=ProviderAdmission.objects.filter(program_code=scheme.program).values("provider")
            ).order_by("name")[:200]
        )

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The visible fields under their headings."""
        return [
            (str(title), [self[name] for name in names if not self[name].is_hidden])
            for title, names in self.GROUPS
        ]

    def lease_fields(self, by: User) -> LeaseFields:
        """What the action takes; names the lessor in the register if it is new there."""
        given = self.cleaned_data
        lessor = counterparty(uscc=given["lessor_uscc"], name=given["lessor_name"], by=by)
        return LeaseFields(
            lessor=lessor,
            kind=given["kind"] or self.only_kind,
            contract_no=given["contract_no"],
            region_code=given["region_code"],
            signed_on=given["signed_on"],
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            accelerator=given["accelerator"].strip(),
            form_factor=given["form_factor"],
            cards=given["cards"],
            unit=given["unit"],
            quantity=given["quantity"],
            unit_price=given["unit_price"],
            vat_rate=Decimal(given["vat_rate"]),
            amount=given["amount"],
            purpose=given["purpose"],
            exclusive=given["exclusive"],
            bundled=given["bundled"],
        )

    def serial_list(self) -> list[str]:
        """The serials, a line or a comma each."""
        text = self.cleaned_data["serials"]
        for sign in ("，", "、", "；", ";", "\t", " "):
            text = text.replace(sign, ",")
        return [part for line in text.splitlines() for part in line.split(",") if part.strip()]

    def clean_serials(self) -> str:
        """A serial is at most 60 signs long."""
        text: str = self.cleaned_data["serials"]
        self.cleaned_data["serials"] = text
        for serial in self.serial_list():
            if len(serial.strip()) > 60:
                raise forms.ValidationError(
                    _("序列号“%(serial)s…”超过 60 字，请每行填写一个。"), "too_long", {"serial": serial[:20]}
                )
        return text

    @staticmethod
    def initial_of(lease: Lease) -> dict[str, Any]:
        """A contract as it was filled in."""
        rate = next((code for code, _name in VAT_RATES if Decimal(code) == lease.vat_rate), "0.06")
        return {
            "kind": lease.kind,
            "lessor_uscc": lease.lessor.uscc,
            "lessor_name": lease.lessor.name,
            "contract_no": lease.contract_no,
            "region_code": lease.region_code,
            "signed_on": lease.signed_on,
            "starts_on": lease.starts_on,
            "ends_on": lease.ends_before - timedelta(days=1),
            "accelerator": lease.accelerator,
            "form_factor": lease.form_factor,
            "cards": lease.cards,
            "unit": lease.unit,
            "quantity": short_number(lease.quantity),
            "unit_price": short_number(lease.unit_price),
            "vat_rate": rate,
            "amount": lease.amount,
            "purpose": lease.purpose,
            "exclusive": lease.exclusive,
            "bundled": lease.bundled,
            "serials": "\n".join(lease.devices.order_by("serial").values_list("serial", flat=True)),
        }


def short_number(number: Decimal | None) -> str:
    """A number without the zeros that carry nothing, as a person would type it."""
    return "" if number is None else f"{number.normalize():f}"
