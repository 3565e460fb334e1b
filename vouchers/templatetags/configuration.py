"""``{% load configuration %}``: how the configuration's pages show fields that are only read, and the rows of a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.contrib.admin.helpers import AdminReadonlyField
from django.core.exceptions import FieldDoesNotExist
from django.utils.html import format_html

from vouchers.admin.quick_widgets import editable_cell
from vouchers.admin.shown import shown

register = template.Library()


@register.filter
def wants_a_person(fieldset: Any) -> bool:
    """Whether something in a folded group of fields is wrong: then it stands open."""
    return any(
        not field.is_readonly and (field.field.errors or getattr(field.field, "notes", None))
        for line in fieldset
        for field in line
    )


@register.filter
def in_words(field: AdminReadonlyField, codes: Mapping[str, str] | None = None) -> Any:
    """The value of a field that is only read: labels, per cent, thousands, dates in Chinese, links by number."""
    row: Any = field.form.instance
    name: Any = field.field["field"]
    try:
        column = row._meta.get_field(name)
    except (FieldDoesNotExist, TypeError):
        return field.contents()
    if column.many_to_many or column.one_to_many:
        return field.contents()
    return shown(row, name, codes)


@register.simple_tag
def cell(field: Any, codes: Mapping[str, str] | None = None) -> Any:
    """A field of a version's page, to edit or to read. Drawn without a template: a page has some thousand of them."""
    if not field.is_readonly:
        return editable_cell(field)
    return format_html(
        '<div class="cell cell--{}"><span class="cell__label">{}</span><span class="cell__value">{}</span></div>',
        field.field["name"],
        field.field["label"],
        in_words(field, codes),
    )
