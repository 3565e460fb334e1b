"""Between the rule model and the rows that people edit nothing is lost: every field of every part has its column."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from tests.cast import Cast
from tests.vouchers.policy import tiny
from tests.vouchers.policy.mutations import whole_scheme
from vouchers.actions import policies
from vouchers.actions.policy_drafts import LISTS, SINGLES, field_names, scheme_of, write_rows
from vouchers.models import PolicyVersion, Program, Region
from vouchers.policy import rules
from vouchers.policy.canonical import canonical_bytes
from vouchers.policy.rules import Scheme, render

pytestmark = pytest.mark.django_db


def draft(cast: Cast, scheme: Scheme) -> PolicyVersion:
    region, _ = Region.objects.get_or_create(code=scheme.region, defaults={"name": "某地"})
    program = Program.objects.create(code=scheme.program, name=scheme.title, region=region)
    return policies._new_version(program, by=cast.policy_editor, title="t", label="l")


def everything() -> Scheme:
    """Each field of each part says something that is not its default; days stand as columns hold them."""
    whole = whole_scheme()
    return dataclasses.replace(
        whole,
        program="WHOLE",
        region="110000",
        format=rules.FORMAT,
        effective_to=date(2026, 1, 1),
        caps=tuple(dataclasses.replace(one, year_starts="04-01") for one in whole.caps),
    )


def hardly_any() -> Scheme:
    return dataclasses.replace(tiny.scheme(), program="WHOLE")


@pytest.mark.parametrize("scheme", [everything(), hardly_any()], ids=["every field", "hardly any"])
def test_a_scheme_with_every_field_goes_into_rows_and_comes_back_byte_for_byte(cast: Cast, scheme: Scheme):
    version = draft(cast, scheme)
    write_rows(version, scheme)
    assert scheme_of(version) == scheme
    assert canonical_bytes(render(scheme_of(version))) == canonical_bytes(render(scheme))


def test_what_is_written_over_a_draft_leaves_nothing_of_what_was_there(cast: Cast):
    version = draft(cast, everything())
    write_rows(version, everything())
    write_rows(version, hardly_any())
    assert scheme_of(version) == hardly_any()


@pytest.mark.parametrize("name", [*LISTS, *SINGLES])
def test_each_field_of_a_part_is_a_column_and_can_be_edited(name: str):
    model, part = (LISTS | SINGLES)[name]  # type: ignore[operator]
    columns = {field.name for field in model._meta.get_fields() if getattr(field, "editable", False)}
    assert set(field_names(part)) <= columns
