"""From a subject's kind and number, as events name it, to the row in its table; and whose region it is."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models

from audit.trail import registry


@cache
def models_by_kind() -> dict[str, type[models.Model]]:
    """Subject kind → model."""
    return {registry.noun(model): model for model in registry.models_of_apps()}


def rows_of(kind: str, number: str) -> models.QuerySet[Any] | None:
    """The rows that bear this number (one, or none); None when rows of this kind have no number."""
    model = models_by_kind().get(kind)
    column = registry.number_column(model) if model is not None else None
    if model is None or column is None:
        return None
    return model._default_manager.filter(**{column: number})


def region_of(kind: str, number: str) -> str:
    """The code of the subject's region; an empty text when it has none or is not there."""
    rows = rows_of(kind, number)
    path = registry.region_path(models_by_kind()[kind]) if rows is not None else None
    if rows is None or path is None:
        return ""
    return str(rows.values_list(path, flat=True).first() or "")
