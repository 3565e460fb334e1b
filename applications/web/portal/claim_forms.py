"""The forms of a claim's basis items: an invoice as read or keyed, and everything else that the scheme admits."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from applications.components import by_component
from applications.einvoice.document import SIGNED, EInvoice
from applications.models import Claim, Invoice
from applications.models.invoices import InvoiceKind
from vouchers.money import ZERO
from vouchers.policy.terms import Component
from vouchers.web.fields import DayField, MoneyField


class PaidForm(forms.Form):
    """The lessee's own payment to the lessor, as on the bank's slip; left empty when there is none yet."""

    bank_ref = forms.CharField(
        label=_("银行流水号"), max_length=60, required=False, help_text=_("见银行回单；尚未付款的留空。")
    )
    paid_on = DayField(label=_("付款日"), required=False)
    paid_amount = MoneyField(label=_("付款金额（含税）"), required=False)
    proof = forms.FileField(label=_("银行付款凭证"), required=False)

    def clean(self) -> dict[str, Any]:
        """A payment is named whole or not at all."""
        given = super().clean() or {}
        if given.get("bank_ref") or given.get("paid_amount") or given.get("paid_on"):
            for name, message in (
                ("bank_ref", _("请填写银行流水号。")),
                ("paid_on", _("请填写付款日。")),
                ("paid_amount", _("请填写付款金额。")),
            ):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, message)
        return given

    PAID = ("bank_ref", "paid_on", "paid_amount")

    def paid_fields(self) -> list[forms.BoundField]:
        """The payment's fields."""
        return [self[name] for name in self.PAID]


def check_period(form: forms.Form, given: dict[str, Any]) -> None:
    start, end = given.get("period_from"), given.get("period_to")
    if start and end and end < start:
        crossed = forms.ValidationError(_("服务期结束日早于开始日，请核对。"), "crossed")
        form.add_error("period_to", crossed)


def _first_component(source: Any) -> dict[str, Any]:
    """What an invoice bills first of all, and how much of it: compute if a line says so, else its largest part. An invoice
    whose lines are not known, or do not add up, counts whole until a person says otherwise."""
    lines = source.lines.all() if hasattr(source.lines, "all") else source.lines
    parts = by_component(lines)
    if not parts or sum(parts.values()) != source.net_amount:
        return {"net_amount": source.net_amount, "component": Component.COMPUTE.value}
    first = Component.COMPUTE if Component.COMPUTE in parts else next(iter(parts))
    return {"net_amount": parts[first], "component": first.value}


class InvoiceItemForm(PaidForm):
    """An invoice and how much of it counts in this claim. What the tax bureau signed is shown and cannot be changed."""

    invoice_no = forms.CharField(label=_("发票号码"), max_length=40)
    invoice_code = forms.CharField(
        label=_("发票代码"), max_length=20, required=False, help_text=_("数电票没有发票代码，留空。")
    )
    invoice_kind = forms.ChoiceField(label=_("票种"), choices=InvoiceKind.choices)
    issued_on = DayField(label=_("开票日期"))
    seller_uscc = forms.CharField(label=_("销售方代码"), max_length=20)
    seller_name = forms.CharField(label=_("销售方名称"), max_length=200)
    buyer_uscc = forms.CharField(label=_("购买方代码"), max_length=20)
    buyer_name = forms.CharField(label=_("购买方名称"), max_length=200)
    invoice_net = MoneyField(label=_("不含税金额"))
    invoice_tax = MoneyField(label=_("税额"), minimum=ZERO)
    invoice_gross = MoneyField(label=_("价税合计"))
    net_amount = MoneyField(
        label=_("本次计入金额（不含税）"), help_text=_("同一张发票可以分次申请，累计不超过票面不含税金额。")
    )
    component = forms.ChoiceField(
        label=_("费用种类"),
        required=False,
        choices=Component.pairs(),
        help_text=_("一张发票有几种费用的，每种列一项；不在支持范围的种类不计入。"),
    )
    period_from = DayField(label=_("服务期自"))
    period_to = DayField(label=_("服务期至"))

    KEYED = (
        "invoice_no", "invoice_code", "invoice_kind", "issued_on", "seller_uscc", "seller_name", "buyer_uscc",
        "buyer_name", "invoice_net", "invoice_tax", "invoice_gross",
    )  # fmt: skip
    # the form's name → the e-invoice's
    NAMES = {
        "invoice_kind": "kind",
        "invoice_net": "net_amount",
        "invoice_tax": "tax_amount",
        "invoice_gross": "gross_amount",
    }

    def __init__(
        self,
        *args: Any,
        read: EInvoice | None = None,
        filed: Invoice | None = None,
        components: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.read, self.filed = read, filed
        if not components:
            del self.fields["component"]
        for name in self.KEYED:
            signed = read is not None and read.source in SIGNED
            if filed is not None or (
                signed and (name == "invoice_code" or self._read(name) not in (None, ""))
            ):
                # Not asked again: it stands in signed data, or with the invoice that was filed before.
                self.fields[name].required = False
                self.fields[name].disabled = True
                self.fields[name].widget = forms.HiddenInput()

    def _read(self, name: str) -> Any:
        return getattr(self.read, self.NAMES.get(name, name), None)

    @staticmethod
    def initial_of(read: EInvoice | None, filed: Invoice | None, claim: Claim) -> dict[str, Any]:
        """From the file, the invoice filed before, or what the contract says."""
        lease = claim.lease
        known: dict[str, Any] = {"invoice_kind": InvoiceKind.DIGITAL_SPECIAL}
        if lease is not None:
            known |= {
                "seller_uscc": lease.lessor.uscc,
                "seller_name": lease.lessor.name,
                "buyer_uscc": lease.lessee.uscc,
                "buyer_name": lease.lessee.name,
            }
        source: Any = read or filed
        if source is not None:
            for name in InvoiceItemForm.KEYED:
                value = getattr(source, InvoiceItemForm.NAMES.get(name, name), None)
                if value not in (None, ""):
                    known[name] = value
            known |= _first_component(source)
        if filed is not None:
            known["period_from"] = filed.period_from
            known["period_to"] = (
                date.fromordinal(filed.period_to.toordinal() - 1) if filed.period_to else None
            )
        return known

    def keyed(self) -> dict[str, Any]:
        """What a person keyed, by the e-invoice's names."""
        return {self.NAMES.get(name, name): self.cleaned_data.get(name) for name in self.KEYED}

    def keyed_fields(self) -> list[forms.BoundField]:
        """The fields of the invoice itself that a person fills in."""
        return [self[name] for name in self.KEYED if not self[name].is_hidden]

    def item_fields(self) -> list[forms.BoundField]:
        """The fields of this claim's use."""
        names = ("component", "net_amount", "period_from", "period_to")
        return [self[name] for name in names if name in self.fields]

    def clean(self) -> dict[str, Any]:
        """The period in order."""
        given = super().clean()
        check_period(self, given)
        return given
