"""One way to write an amount, wherever it comes in: by a form, a file, an import or the API. What can be read in two ways is refused."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.db import models
from django.test import RequestFactory
from rest_framework import serializers

import applications
import audit
import vouchers
from applications.actions.imports import cells
from applications.actions.invoices import record_invoice  # noqa: F401 - the module is one of those looked through
from applications.actions.settlement_lines import _amount as settlement_amount
from applications.bank_return_files import _amount as bank_amount
from applications.einvoice.xml import amount_of
from tests.cast import Cast
from vouchers.admin.policy_fields import AmountField as PolicyAmountField
from vouchers.api import fields as api
from vouchers.money import number_written, unit_price, yuan
from vouchers.policy.example_cells import CellError, _counted
from vouchers.policy.plain import SchemeError, from_plain
from vouchers.policy.rules import Cap
from vouchers.web.fields import MoneyField, PlainDecimalField, UnitPriceField, typed_number, typed_yuan

#: what Python's ``Decimal`` takes, and no person or bank means as an amount
TWO_WAYS = [
    "1_000",
    "1e3",
    "1E+3",
    "Infinity",
    "NaN",
    "-NaN",
    "١٢٣",  # digits of another script
    "12,34",  # a comma that may be a point
    "1,0000",
    "1,,000",
    ",100",
    "0x10",
    "1 2 3 元 5",
    "①",
    "1²",
    "--5",
    "",
]
FULL_WIDTH = "１０００．５"


def _serialized(text: str) -> Any:
    return api.AmountField().run_validation(text)


def _cap(text: str) -> Any:
    return from_plain(
        Cap,
        {
            "code": "a",
            "name": "甲",
            "subject": "pool",
            "amount": text,
            "cite": {"document_no": "号", "article": "条"},
        },
    ).amount


READERS: dict[str, Callable[[str], Any]] = {
    "money.yuan": yuan,
    "money.unit_price": unit_price,
    "money.number_written": number_written,
    "forms, typed": typed_yuan,
    "forms, a percentage or points": typed_number,
    "MoneyField": MoneyField().clean,
    "UnitPriceField": UnitPriceField().clean,
    "PlainDecimalField": PlainDecimalField().clean,
    "the policy page": PolicyAmountField(max_digits=18, decimal_places=2).clean,
    "the API": _serialized,
    "a list of settlements": lambda text: settlement_amount(
        {"amount": text}, "amount", least=Decimal("0.01")
    ),
    "a bank's file": lambda text: bank_amount(text, 1),
    "an e-invoice": lambda text: amount_of(text, "金额") or _refuse(),
    "an import of history": cells.money(),
    "a worked example": _counted,
    "a scheme's file": _cap,
}
#: typed by people on a Chinese keyboard, so full-width digits are read as what they are, as the page shows them back
TYPED = {
    "forms, typed",
    "forms, a percentage or points",
    "MoneyField",
    "UnitPriceField",
    "PlainDecimalField",
    "the policy page",
    "a worked example",
}
REFUSALS = (
    ValueError,
    forms.ValidationError,
    serializers.ValidationError,
    CellError,
    SchemeError,
    cells.Wrong,
)


def _refuse() -> None:
    raise ValueError("empty")


def refused(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except REFUSALS:
        return True
    except Exception as fault:
        return type(fault).__name__ in ("Invalid", "Unread")
    return False


# In an import of history an empty cell is an empty cell.
@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name in READERS for text in TWO_WAYS if text or name != "an import of history"],
)
def test_what_could_be_read_in_two_ways_is_refused(name: str, text: str):
    assert refused(READERS[name], text)


@pytest.mark.parametrize("name", READERS)
def test_full_width_digits_are_read_where_people_type_and_refused_in_what_machines_send(name: str):
    assert refused(READERS[name], FULL_WIDTH) is (name not in TYPED)


@pytest.mark.parametrize("name", READERS)
def test_an_amount_as_everybody_writes_it_is_taken(name: str):
    value = READERS[name]("1000.50")
    assert Decimal(value) == Decimal("1000.50")


@pytest.mark.parametrize("written", ["1,000.50", "1,234,567.89", "12,345", " 1,000 "])
def test_separators_between_thousands_are_taken(written: str):
    assert yuan(written) == Decimal(written.replace(",", ""))
    assert typed_yuan(written) == Decimal(written.replace(",", ""))


@pytest.mark.parametrize("written", ["１，０００．５０", "￥1,000.50", "1 000.50 元", "1000.50元"])
def test_what_a_chinese_keyboard_makes_of_it_is_taken_in_forms(written: str):
    assert typed_yuan(written) == Decimal("1000.50")


def _modules() -> Iterator[Any]:
    for package in (vouchers, applications, audit):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in found.name and ".past" not in found.name:
                yield importlib.import_module(found.name)


def _forms() -> Iterator[type[forms.BaseForm]]:
    seen: set[type] = set()
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, forms.BaseForm) and value not in seen:
                seen.add(value)
                yield value


def test_no_form_of_ours_has_a_number_field_that_takes_what_python_takes():
    loose = [
        f"{form.__module__}.{form.__name__}.{name}"
        for form in _forms()
        for name, field in getattr(form, "base_fields", {}).items()
        if type(field) in (forms.DecimalField, forms.FloatField)
        and form.__module__.split(".")[0] in ("vouchers", "applications", "audit")
    ]
    assert loose == []


def test_nor_has_a_page_of_the_configuration(db: Any, cast: Cast):
    request = RequestFactory().get("/")
    request.user = cast.policy_editor
    loose = []
    for model, page in admin.site._registry.items():
        for field in model._meta.get_fields():
            if isinstance(field, models.DecimalField) and field.editable:
                made = page.formfield_for_dbfield(field, request)
                if type(made) in (forms.DecimalField, forms.FloatField):
                    loose.append(f"{model.__name__}.{field.name}")
    assert loose == []
