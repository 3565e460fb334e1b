"""Stored values as people read them: labels for words, “20%” for rates, thousands for amounts, dates in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import NoReverseMatch
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.admin.policy_fields import percent
from vouchers.admin.scoped import admin_address
from vouchers.models import User
from vouchers.models.parties import Ownership, Size
from vouchers.money import thousands
from vouchers.policy import terms
from vouchers.policy.plain import decimal_text
from vouchers.web import wording

LEVELS = (
    ("national", _("国家级")),
    ("provincial", _("省级")),
    ("municipal", _("市级")),
    ("district", _("区县级")),
)
GATE_WORDS: dict[str, tuple[tuple[str, Any], ...]] = {
    terms.GateKind.PARTY_KIND.value: tuple(terms.PartyKind.pairs()),
    terms.GateKind.OWNERSHIP.value: tuple(Ownership.choices),
    terms.GateKind.SIZE.value: tuple(Size.choices),
    terms.GateKind.PURPOSE.value: tuple(terms.Purpose.pairs()),
    terms.GateKind.CONTRACT_KIND.value: tuple(terms.ContractKind.pairs()),
    terms.GateKind.PROVIDER_ADMITTED.value: (("service_item", _("合同所购的服务项目也须在入库名单内")),),
}
"""The words that a condition of each kind may name."""

_WORDS: dict[str, Mapping[str, Any]] = {
    "policyreviewstep.role": {role.value: role.label for role in Role},
    "policyothermoney.level": dict(LEVELS),
    "policyapplicantclass.sizes": dict(Size.choices),
    "policyapplicantclass.ownerships": dict(Ownership.choices),
    "policygate.values": {word: label for words in GATE_WORDS.values() for word, label in words},
}
NOTHING = "—"


def is_rate(column: Any) -> bool:
    """Whether a column holds a fraction 0 to 1."""
    return isinstance(column, models.DecimalField) and (column.max_digits, column.decimal_places) == (9, 6)


def is_amount(column: Any) -> bool:
    """Whether a column holds yuan."""
    return isinstance(column, models.DecimalField) and (column.max_digits, column.decimal_places) == (18, 2)


def shown(row: Any, name: str, codes: Mapping[str, str] | None = None) -> Any:
    """The value of a row's column in words. `codes` names what codes of the same version stand for."""
    column = row._meta.get_field(name)
    value = getattr(row, name)
    if value is None or value == "" or value == []:
        return NOTHING
    words = _WORDS.get(f"{row._meta.model_name}.{name}") or {}
    if isinstance(column, ArrayField):
        labels = dict(column.base_field.flatchoices) or words or codes or {}
        if row._meta.model_name == "policygate" and name == "values":
            labels = dict(GATE_WORDS.get(row.kind, ())) or words
        return "、".join(str(labels.get(word, word)) for word in value)
    if column.is_relation:
        return _linked(value)
    if column.flatchoices:
        return str(dict(column.flatchoices).get(value, value))
    if name == "track" and codes:
        return codes.get(value, value)
    if isinstance(value, bool):
        return str(_("是")) if value else str(_("否"))
    if isinstance(value, Decimal):
        if is_rate(column):
            return percent(value)
        return f"{thousands(value)} 元" if is_amount(column) else decimal_text(value)
    if isinstance(value, datetime):
        return wording.instant_text(value)
    if isinstance(value, date):
        return wording.date_text(value)
    return str(words.get(value, value)) if isinstance(value, str) else str(value)


def _linked(row: Any) -> Any:
    keeper = admin.site._registry.get(type(row))
    if keeper is None or isinstance(row, User):  # accounts are read by the security administrators alone
        return str(row)
    try:
        return format_html('<a href="{}">{}</a>', admin_address(row), row)
    except NoReverseMatch:
        return str(row)
