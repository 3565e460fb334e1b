"""A row that was made but not saved, as it is sent to a statement that writes several at once."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.db.models.expressions import DatabaseDefault


def row_of(made: Model) -> dict[str, Any]:
    """The row by its columns; what the database fills in is left to it."""
    values = made.__dict__
    return {
        column: values[name]
        for name, column in columns_of(type(made))
        if name in values and not isinstance(values[name], DatabaseDefault)
    }


@cache
def columns_of(model: type[Model]) -> tuple[tuple[str, str], ...]:
    """The model's own names of its columns, and the columns."""
    return tuple((field.attname, str(field.column)) for field in model._meta.concrete_fields)


def as_json(value: Any) -> str:
    """As text: days and instants in ISO form, amounts to the digit."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no plain form")
