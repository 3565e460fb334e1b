"""本政策说明: the whole version is told, nothing stored is shown, and no value can change without the text changing."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.policy.mutations import mutations, whole_scheme
from tests.vouchers.policy.random_schemes import schemes as random_schemes
from vouchers.policy import names, rules, words
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.prose import describe
from vouchers.policy.rules import Scheme

SHIPPED = [path.stem for path in shipped_files()]
STORED = re.compile(r"(?<![A-Za-z])[a-z]+_[a-z_]+")
"""A stored word: lower snake."""


def text_of(scheme: Scheme) -> str:
    return "\n".join(
        f"{section.title}\n" + "\n".join(f"{one.text}〔{one.source}〕" for one in section.sentences)
        for section in describe(scheme)
    )


def schemes() -> list[tuple[str, Scheme]]:
    return [(name, shipped_scheme(name)) for name in SHIPPED] + [("whole", whole_scheme())]


@pytest.mark.parametrize(("name", "scheme"), schemes())
def test_no_value_changes_without_the_text(name: str, scheme: Scheme):
    told = text_of(scheme)
    silent = [
        one.path
        for one in mutations(scheme)
        if text_of(one.scheme) == told and not one.path.endswith((".code", ".track"))
    ]
    # The code of a part is the system's own; what is named by a code is told by its name.
    assert silent == []


@settings(max_examples=60, deadline=None)
@given(random_schemes(), st.data())
def test_of_a_random_version_no_value_changes_without_the_text(scheme: Scheme, data: st.DataObject):
    one = data.draw(st.sampled_from(list(mutations(scheme))))
    if not one.path.endswith((".code", ".track")):
        assert text_of(one.scheme) != text_of(scheme), one.path


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_version_is_told_without_a_stored_word(name: str):
    assert STORED.findall(text_of(shipped_scheme(name))) == []


def test_the_sections_follow_the_ordinance():
    titles = [section.title for section in describe(whole_scheme())]
    order = [group.title for group in names.GROUPS]
    assert [title for title in order if title in titles] == titles
    assert len(titles) >= 15


def test_a_rate_that_no_text_publishes_is_told_as_such():
    assert "补贴比例未公布，在公布以前不受理申领" in text_of(shipped_scheme("GZ-SLQ"))


def test_what_nobody_verified_is_marked_wherever_it_stands():
    scheme = shipped_scheme("SZ-XLQ")
    off = [one for section in describe(scheme) for one in section.sentences if one.switched_off]
    assert off
    assert all("第三方转述，未核实" in one.source for one in off)
    assert all("未启用" in one.text for one in off)
    assert not any(one.is_published for one in off)


def test_every_field_of_the_rule_model_has_a_name_that_people_read():
    parts = [
        one
        for one in vars(rules).values()
        if dataclasses.is_dataclass(one) and isinstance(one, type) and one is not rules.Part
    ]
    unnamed = [
        f"{kind.__name__}.{field}"
        for kind in parts
        for field in words.field_names(kind)
        if words.field_name(kind, field) == field and field not in names.GROUP_BY_NAME
    ]
    assert unnamed == [], "name them in vouchers/policy/names.py"
