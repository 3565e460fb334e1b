"""本政策说明: the whole version is told, nothing stored is shown, and no value can change without the text changing."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.policy import tiny
from tests.vouchers.policy.mutations import mutations, whole_scheme
from tests.vouchers.policy.random_schemes import schemes as random_schemes
from vouchers.policy import names, rules, words
from vouchers.policy.citations import Citation
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.prose import describe
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import TierMeasure, TierMode

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


def banded(mode: TierMode, measure: TierMeasure = TierMeasure.CASE) -> str:
    low = tiny.rate("0.3", "low", band_to=Decimal(1_000_000))
    high = tiny.rate("0.1", "high", band_from=Decimal(1_000_000))
    return text_of(tiny.scheme(tracks=(tiny.track(tier_mode=mode, tier_measure=measure),), rates=(low, high)))


def test_a_band_that_holds_for_its_margin_is_told_of_that_part_alone():
    assert "基数 1,000,000.00 元以上（含）的部分，按该部分的 10% 支持" in banded(TierMode.MARGINAL)
    assert "基数 1,000,000.00 元以上（含）的，按基数的 10% 支持" in banded(TierMode.WHOLE)
    assert "年度累计基数不足 1,000,000.00 元的部分" in banded(TierMode.MARGINAL, TierMeasure.YEAR)


def test_a_document_is_named_by_its_number_as_it_stands_and_by_its_title_in_marks():
    assert Citation("例政发〔2025〕8号", "第三条").printed == "例政发〔2025〕8号第三条"
    assert (
        Citation("例示市算力券管理办法(2023—2025年)", "第三条").words
        == "《例示市算力券管理办法(2023—2025年)》第三条"
    )


def test_a_voucher_without_a_term_is_told_to_lapse_with_the_year():
    lapses = "至发放当年 12 月 31 日止有效"
    assert lapses in text_of(tiny.scheme(voucher=rules.VoucherKind(cite=tiny.CITE)))
    assert lapses not in text_of(tiny.scheme(voucher=rules.VoucherKind(cite=tiny.CITE, validity_months=12)))


def test_a_step_that_is_named_as_its_role_is_named_once():
    named = rules.ReviewStep(cite=tiny.CITE, code="approve", name="核准", role="approver", working_days=5)
    other = dataclasses.replace(named, code="check", name="初审", role="handler", working_days=None)
    bare = dataclasses.replace(named, code="last", working_days=None)
    told = text_of(tiny.scheme(review_steps=(named, other, bare)))
    assert "核准（5 个工作日） → 初审（受理审查） → 核准。" in told
