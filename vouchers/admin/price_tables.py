"""The versioned tables of the prices, and what all pages of prices share: they are no region's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.actions import price_explorer, price_tables
from vouchers.admin.scoped import ScopedAdmin
from vouchers.errors import DomainError
from vouchers.models import ChipModel, FxRate, PriceMethod

PRICE_PUBLISHER = (Role.PRICE_PUBLISHER,)
MAKERS = (Role.PRICE_PUBLISHER, Role.POLICY_EDITOR)
PRICE_READERS = price_explorer.PRICE_READERS


class NationalAdmin(ScopedAdmin):
    """Prices are not a region's own: the role counts wherever it is held."""

    read_roles: tuple[str, ...] = PRICE_READERS

    def region_of(self, obj: Any) -> None:
        """No region in particular."""


class ReadOnlyAdmin(NationalAdmin):
    """Rows that only actions write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TableAdmin(NationalAdmin):
    """Versioned tables: rows are added, and those that prices were computed with are never changed."""

    write_roles = PRICE_PUBLISHER

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ChipForm(forms.ModelForm):
    """A row of the chip table, refused before it is kept where the table is closed."""

    def clean_table_version(self) -> int:
        """Only a version that no method names yet."""
        version: int = self.cleaned_data["table_version"]
        _told_in_form(price_tables.require_open_chip_table, version)
        return version


class RateForm(forms.ModelForm):
    """An exchange rate, refused before it is kept where it would reach back."""

    def clean_effective_from(self) -> date:
        """Not before today."""
        day: date = self.cleaned_data["effective_from"]
        _told_in_form(price_tables.require_rate_ahead, day)
        return day


def _told_in_form(check: Callable[[Any], None], value: Any) -> None:
    try:
        check(value)
    except DomainError as refusal:
        raise forms.ValidationError(refusal.message, code=refusal.code) from refusal


@admin.register(ChipModel)
class ChipModelAdmin(TableAdmin):
    """芯片表: a correction is a row of a new table version."""

    form = ChipForm
    public_key_fields = ("accelerator", "form_factor", "table_version")

    list_display = (
        "accelerator",
        "form_factor",
        "memory_gb",
        "fp16_tflops",
        "origin",
        "confidence",
        "citation",
        "table_version",
    )
    list_filter = ("table_version", "origin", "confidence", "vendor")
    search_fields = ("accelerator", "aliases")

    def save_model(self, request: HttpRequest, obj: ChipModel, form: Any, change: bool) -> None:
        price_tables.add_chip(obj, by=request.user)  # type: ignore[arg-type]


@admin.register(FxRate)
class FxRateAdmin(TableAdmin):
    """汇率, dated."""

    form = RateForm
    public_key_fields = ("currency", "effective_from")

    list_display = ("currency", "effective_from", "effective_to", "cny_per_unit", "source")
    list_filter = ("currency",)

    def save_model(self, request: HttpRequest, obj: FxRate, form: Any, change: bool) -> None:
        price_tables.add_rate(obj, by=request.user)  # type: ignore[arg-type]


@admin.register(PriceMethod)
class PriceMethodAdmin(ReadOnlyAdmin):
    """The method's versions, in words and in parameters."""

    public_key_fields = ("market", "version")

    list_display = ("market", "version", "effective_from", "effective_to", "params_hash")
    exclude = ("params", "prose")
    readonly_fields = ("in_words", "parameters")

    @admin.display(description=_("方法说明"))
    def in_words(self, method: PriceMethod) -> str:
        """A paragraph a step."""
        return format_html_join("\n", "<p>{}</p>", ((line,) for line in method.prose.splitlines()))

    @admin.display(description=_("参数"))
    def parameters(self, method: PriceMethod) -> str:
        """As they are hashed."""
        return format_html(
            "<pre>{}</pre>", json.dumps(method.params, ensure_ascii=False, indent=1, sort_keys=True)
        )
