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
from applications.web.places import place_choices
from applications.web.price_parts import PART_FIELDS, PartsForm
from vouchers.actions.parties import counterparty
from vouchers.models import ChipModel, Party, ProviderAdmission, User
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import ContractKind
from vouchers.web.fields import DayField, MoneyField, UnitPriceField

VAT_RATES = (
    ("0.06", "6%"),
    ("0.13", "13%"),
    ("0.09", "9%"),
    ("0.03", "3%"),
    ("0.01", "1%"),
    ("0", _("免税或零税率")),
)


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


# Under which headings a contract of each kind is asked for; what is not named is not asked.
_CONTRACT_GROUPS = (
    (_("合同双方"), ("lessor_uscc", "lessor_name", "contract_no")),
    (_("期限与地点"), ("signed_on", "starts_on", "ends_on", "region_code")),
    (_("算力与用途"), ("accelerator", "form_factor", "cards", "purpose", "exclusive", "serials")),
    (_("价格"), ("unit", "unit_price", "quantity", "amount", "vat_rate", "bundled")),
)
_LEASE_GROUPS = (*_CONTRACT_GROUPS, (_("价款构成（单价含其他服务的填写）"), PART_FIELDS))
GROUPS: dict[str, tuple[tuple[Any, tuple[str, ...]], ...]] = {
    ContractKind.DATA_PRODUCT.value: (
        (_("平台订单"), ("contract_no", "product", "signed_on")),
        (_("数据产品提供方"), ("lessor_uscc", "lessor_name")),
        (_("使用期限与价款"), ("starts_on", "ends_on", "amount", "vat_rate")),
    ),
    ContractKind.PLATFORM_SERVICE.value: _CONTRACT_GROUPS,
    ContractKind.PURCHASE.value: (
        (_("合同双方"), ("lessor_uscc", "lessor_name", "contract_no")),
        (_("期限与地点"), ("signed_on", "starts_on", "ends_on", "region_code")),
        (_("所购算力"), ("accelerator", "cards")),
        (_("价款"), ("amount", "vat_rate")),
    ),
}
# field → label, hint; in the words of that kind of contract.
WORDS: dict[str, dict[str, tuple[Any, Any]]] = {
    ContractKind.DATA_PRODUCT.value: {
        "contract_no": (_("平台订单号"), _("在数据交易平台成交的订单编号。")),
        "signed_on": (_("成交日"), ""),
        "lessor_uscc": (_("提供方统一社会信用代码"), _("18 位，见平台订单或对方营业执照。")),
        "lessor_name": (_("提供方名称"), _("已登记的单位可不填，以登记为准。")),
        "starts_on": (_("使用开始日"), ""),
        "ends_on": (_("使用结束日"), _("订单写明的最后一天；一次性交付的填交付日。")),
        "amount": (_("成交金额（不含税）"), ""),
    },
    ContractKind.PURCHASE.value: {
        "lessor_uscc": (_("供应商统一社会信用代码"), _("18 位，见合同或对方营业执照。")),
        "lessor_name": (_("供应商名称"), _("已登记的单位可不填，以登记为准。")),
        "contract_no": (_("采购合同编号"), ""),
        "starts_on": (_("供货开始日"), ""),
        "ends_on": (_("供货截止日"), _("合同写明的最后一天。")),
        "region_code": (_("算力部署地"), ""),
        "cards": (_("卡数"), ""),
        "amount": (_("采购金额（不含税）"), _("只填所列型号部分的金额；一份合同有多个型号的，分别申领。")),
    },
    ContractKind.PLATFORM_SERVICE.value: {
        "lessor_uscc": (_("平台上的服务商统一社会信用代码"), _("18 位，见平台订单。")),
        "contract_no": (_("平台订单号"), ""),
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {
    ContractKind.LEASE.value: ("quantity",),
    ContractKind.DATA_PRODUCT.value: ("product",),
    ContractKind.PURCHASE.value: ("accelerator",),
}


class LeaseForm(PartsForm):
    """The contract that an application rests on."""

    kind = forms.CharField(widget=forms.HiddenInput, required=False)
    lessor_uscc = forms.CharField(
        label=_("出租方（服务商）统一社会信用代码"),
        max_length=40,
        help_text=_("18 位，见合同或对方营业执照。"),
        widget=forms.TextInput(attrs={"list": "providers", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请填写对方的统一社会信用代码。")},
    )
    lessor_name = forms.CharField(
        label=_("出租方名称"), max_length=200, required=False, help_text=_("已登记的单位可不填，以登记为准。")
    )
    contract_no = forms.CharField(
        label=_("合同编号"),
        max_length=60,
        error_messages={"required": _("请填写编号，没有编号的填“无”。")},
    )
    product = forms.CharField(
        label=_("数据产品名称"),
        max_length=200,
        required=False,
        help_text=_("以平台订单所写为准。"),
        error_messages={"required": _("请填写所购数据产品的名称。")},
    )
    signed_on = DayField(label=_("签订日"))
    starts_on = DayField(label=_("服务开始日"))
    ends_on = DayField(label=_("服务结束日"), help_text=_("合同写明的最后一天。"))
    region_code = forms.ChoiceField(
        label=_("算力所在地"),
        help_text=_("提供算力的机房所在地。"),
        error_messages={"required": _("请选择所在地。")},
    )
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
        help_text=_("同时租用的卡数；按 P·天计价、合同没有写明的，可以不填。"),
        error_messages={
            "required": _("请填写合同约定的卡数，用来核对数量。"),
            "invalid": _("卡数应为整数。"),
            "min_value": _("卡数应大于 0。"),
            "max_value": _("卡数过大，请核对。"),
        },
    )
    unit = forms.ChoiceField(
        label=_("计价单位"), required=False, choices=[("", _("请选择")), *PriceUnit.choices]
    )
    unit_price = UnitPriceField(label=_("单价（不含税）"), required=False)
    quantity = QuantityField(
        label=_("数量"),
        required=False,
        help_text=_(
            "合同约定的总数量，与计价单位对应：总卡时数、卡数×月数或台数×月数。单价 × 数量应等于合同金额，且不多于所列卡数在服务期内所能提供的。"
        ),
        error_messages={"required": _("请填写合同约定的数量，用来核对单价与合同金额是否相符。")},
    )
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

    def __init__(self, *args: Any, scheme: Scheme, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.only_kind = kind
        self.initial["kind"] = kind
        self.asked = GROUPS.get(kind, _LEASE_GROUPS)
        wanted = {name for _title, names in self.asked for name in names} | {"kind"}
        for name, (label, hint) in WORDS.get(kind, {}).items():
            self.fields[name].label, self.fields[name].help_text = label, hint
        for name in REQUIRED.get(kind, ()):
            self.fields[name].required = True
        if kind == ContractKind.LEASE.value:
            # What cards can run bounds a quantity; a contract by power alone may name none.
            told = self.data.get("unit") if self.is_bound else self.initial.get("unit")
            self.fields["cards"].required = told != PriceUnit.PFLOPS_DAY.value
        self.fields["accelerator"].error_messages["required"] = _("请填写加速卡型号。")
        for name in set(self.fields) - wanted:
            del self.fields[name]
        self._fill_choices(scheme)

    def _fill_choices(self, scheme: Scheme) -> None:
        if "region_code" in self.fields:
            self.fields["region_code"].choices = place_choices()  # type: ignore[attr-defined]
        if "form_factor" in self.fields:
            factors = ChipModel.objects.order_by("form_factor").values_list("form_factor", flat=True)
            self.fields["form_factor"].choices = [  # type: ignore[attr-defined]
                ("", _("未注明")),
                *((one, one) for one in factors.distinct() if one),
            ]
        self.chips = known_chips() if "accelerator" in self.fields else []
        self.providers = list(
            Party.objects.filter(
                pk__in=ProviderAdmission.objects.filter(program_code=scheme.program).values("provider")
            ).order_by("name")[:200]
        )

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The visible fields under their headings."""
        return [(str(title), [self[name] for name in names]) for title, names in self.asked]

    def lease_fields(self, by: User) -> LeaseFields:
        """What the action takes; names the other side in the register if it is new there. What was not asked stays empty; the
        place of a data product is its provider's."""
        given = self.cleaned_data
        lessor = counterparty(uscc=given["lessor_uscc"], name=given["lessor_name"], by=by)
        return LeaseFields(
            lessor=lessor,
            kind=self.only_kind,
            contract_no=given["contract_no"],
            product=given.get("product", "").strip(),
            region_code=given.get("region_code", lessor.region_code),
            signed_on=given["signed_on"],
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            accelerator=given.get("accelerator", "").strip(),
            form_factor=given.get("form_factor", ""),
            cards=given.get("cards"),
            unit=given.get("unit", ""),
            quantity=given.get("quantity"),
            unit_price=given.get("unit_price"),
            vat_rate=Decimal(given["vat_rate"]),
            amount=given["amount"],
            purpose=given.get("purpose", ""),
            exclusive=given.get("exclusive", False),
            bundled=given.get("bundled", False),
            parts=self.parts(),
        )

    def serial_list(self) -> list[str]:
        """The serials, a line or a comma each."""
        text = self.cleaned_data.get("serials", "")
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
            "product": lease.product,
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
            **PartsForm.initial_parts(lease),
        }


def short_number(number: Decimal | None) -> str:
    """A number without the zeros that carry nothing, as a person would type it."""
    return "" if number is None else f"{number.normalize():f}"


def known_chips() -> list[str]:
    """The models of the chip table, for the list under the field."""
    rows = ChipModel.objects.order_by("accelerator").values_list("accelerator", flat=True)
    return list(rows.distinct())
