"""What a draft's rows have room for: a scheme from a file is held to the columns before any of it is written.

Nothing is rounded, cut off or left to the database's own refusal: lengths, digits and places, ranges and patterns are those
of the columns that people fill in on the version's pages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from vouchers.actions.policy_drafts import LISTS, OWN_FIELDS, SINGLES, field_names
from vouchers.models import PolicyCap, PolicyDocument, PolicyExample, PolicyVersion
from vouchers.policy import rules
from vouchers.policy.examples import Example
from vouchers.policy.plain import Problem, decimal_text

_CITED = {"document_no": "cite_document", "article": "cite_article", "note": "cite_note"}
_MOST_ROWS = 500
"""Of one kind; a version has some ten."""


def without_room(scheme: rules.Scheme, examples: Sequence[Example] = ()) -> list[Problem]:
    """Every value that its column cannot take as it is written."""
    return [*_of_scheme(scheme), *_of_examples(examples)]


def _of_scheme(scheme: rules.Scheme) -> Iterator[Problem]:
    yield from _values(PolicyVersion, scheme, OWN_FIELDS, "")
    yield from _citations(scheme, "")
    for place, row in enumerate(scheme.documents, start=1):
        names = [field.name for field in dataclasses.fields(rules.Document)]
        yield from _values(PolicyDocument, row, names, f"documents.{place}.")
    for name, (model, part) in LISTS.items():
        rows = getattr(scheme, name)
        if len(rows) > _MOST_ROWS:
            yield Problem(name, f"共 {len(rows)} 行，超过 {_MOST_ROWS} 行")
        for row in rows[:_MOST_ROWS]:
            path = f"{name}.{row.code}."
            yield from _values(model, row, field_names(part), path)
            yield from _citations(row, path)
    for name, (single, part) in SINGLES.items():
        row = getattr(scheme, name)
        yield from _values(single, row, field_names(part), f"{name}.")
        yield from _citations(row, f"{name}.")


def _of_examples(examples: Sequence[Example]) -> Iterator[Problem]:
    columns = {field.name for field in PolicyExample._meta.concrete_fields}
    for example in examples:
        names = [field.name for field in dataclasses.fields(example) if field.name in columns]
        yield from _values(PolicyExample, example, names, f"examples.{example.code}.")


def _values(model: type[models.Model], part: Any, names: Sequence[str], path: str) -> Iterator[Problem]:
    for name in names:
        yield from _value(model._meta.get_field(name), getattr(part, name), f"{path}{name}")


def _citations(part: Any, path: str) -> Iterator[Problem]:
    found = {"cite": part.cite, **{f"cites.{name}": one for name, one in part.cites.items()}}
    for where, citation in found.items():
        for name, column in _CITED.items():
            yield from _value(
                PolicyCap._meta.get_field(column), getattr(citation, name), f"{path}{where}.{name}"
            )


def _value(field: Any, value: Any, path: str) -> Iterator[Problem]:
    if isinstance(field, models.JSONField):
        return
    try:
        field.run_validators(_as_entered(value))
    except ValidationError as error:
        for message in dict.fromkeys(error.messages):
            yield Problem(path, message)


def _as_entered(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return Decimal(decimal_text(value))  # zeros at the end are no places
    if isinstance(value, tuple):
        return [_as_entered(one) for one in value]
    return value
