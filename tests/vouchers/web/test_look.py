"""The look: contrast of the tokens, tones of the states, the price scale, fields that say what is wrong."""

from __future__ import annotations

import re
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template import engines

from vouchers.errors import Invalid, Problems
from vouchers.states import REGISTRY
from vouchers.web.fields import DayField, MoneyField, UnitPriceField
from vouchers.web.scales import price_scale
from vouchers.web.tones import TONES, shown_state

TOKENS = (settings.BASE_DIR / "static/css/tokens.css").read_text()


def palette(selector: str) -> dict[str, str]:
    block = TOKENS.split(selector + " {", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


LIGHT, DARK = palette(':root[data-theme="light"]'), palette(':root[data-theme="dark"]')
GROUNDS = ("surface", "ground", "sunken")
PAIRS = [
    *[(text, ground) for text in ("ink", "muted", "accent", "accent-hover", "red") for ground in GROUNDS],
    *[(text, ground) for text in ("amber", "green", "violet") for ground in ("surface", "ground")],
    *[(tone, f"{tone}-soft") for tone in ("accent", "red", "amber", "green", "violet")],
    *[("ink", f"{tone}-soft") for tone in ("accent", "red", "amber", "green", "violet")],
    ("accent", "amber-soft"),
    ("accent", "violet-soft"),
    ("accent", "red-soft"),
    ("muted", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-red", "red"),
    ("on-red", "red-hover"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS, ids=lambda name: name)
def test_every_text_stands_out_from_its_ground_by_four_and_a_half(colours, text, ground):
    high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_the_dark_colours_are_the_same_whether_the_system_or_the_person_chose_them():
    assert palette(':root:not([data-theme="light"])') == DARK
    assert LIGHT.keys() == DARK.keys()


def test_no_sheet_but_the_tokens_names_a_colour_or_a_size_of_type():
    for sheet in (settings.BASE_DIR / "static/css").glob("*.css"):
        if sheet.name in ("tokens.css", "print.css"):
            continue
        css = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.S)
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", css), sheet.name
        assert not re.findall(r"font-size:\s*\d", css), sheet.name


def test_no_template_of_a_page_carries_an_inline_style_or_script():
    for page in (settings.BASE_DIR / "templates").rglob("*.html"):
        if {"documents", "emails"} & set(page.parts):
            continue
        html = page.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|<script(?![^>]*\ssrc=)", html), page


def test_every_state_of_every_lifecycle_has_a_word_and_a_tone():
    for lifecycle in REGISTRY.values():
        for state in lifecycle.states:
            shown = shown_state(SimpleNamespace(state=state, lifecycle=lifecycle), label=state.label)
            assert shown.label
            assert shown.tone in TONES


def test_the_scale_has_air_on_both_ends_and_no_band_without_a_width():
    scale = price_scale(lower=Decimal("18.72"), upper=Decimal("25.31"), price=Decimal("31.20"))
    assert scale is not None
    at = {name: Decimal(getattr(scale, name).removesuffix("%")) for name in ("band_from", "band_to", "mark")}
    assert 15 < at["band_from"] < at["band_to"] < at["mark"] < 85
    assert price_scale(lower=Decimal(20), upper=Decimal(20)) is None


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1,234,567.89", "1234567.89"), ("１２３４.５０ 元", "1234.50"), ("￥100", "100.00"), ("0.01", "0.01")],
)
def test_an_amount_may_be_typed_as_people_type_it(typed, amount):
    assert MoneyField().clean(typed) == Decimal(amount)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("一千万", "invalid"),
        ("12.345", "fen"),
        ("0", "minimum"),
        ("-5", "minimum"),
        ("NaN", "invalid"),
        ("9" * 20, "invalid"),
        ("", "required"),
    ],
)
def test_a_wrong_amount_is_refused_with_what_was_typed(typed, code):
    with pytest.raises(ValidationError) as refusal:
        MoneyField().clean(typed)
    assert refusal.value.code == code
    if code in ("invalid", "fen"):
        assert typed in refusal.value.messages[0]


def test_unit_prices_have_at_most_six_places_and_dates_are_of_this_age():
    assert UnitPriceField().clean("21.35") == Decimal("21.350000")
    with pytest.raises(ValidationError):
        UnitPriceField().clean("0.1234567")
    assert DayField().clean("2025年10月21日").isoformat() == "2025-10-21"
    with pytest.raises(ValidationError):
        DayField().clean("0205-10-21")


def drawn(source: str, **context) -> str:
    return engines["django"].from_string("{% load look %}" + source).render(context)


def test_the_total_of_a_working_is_added_again_and_a_difference_is_said():
    lines = [
        {"step": "甲", "result": Decimal("10.10"), "counts": True},
        {"step": "乙", "result": Decimal("0.20"), "counts": True},
    ]
    assert "与合计一致" in drawn("{% working_table lines total=total %}", lines=lines, total="10.30")
    assert "与合计不一致" in drawn("{% working_table lines total=total %}", lines=lines, total="10.31")


def test_what_people_typed_is_escaped_everywhere():
    evil = "<script>alert(1)</script>"
    html = drawn(
        "{% page_header title=evil party=evil next=evil %}<b>ok</b>{% endpage_header %}{% facts_table facts %}"
        "{% notice_band evil %}{% empty_state evil text=evil %}",
        evil=evil,
        facts=[(evil, evil)],
    )
    assert "<script>" not in html
    assert "<b>ok</b>" in html


def test_the_error_summary_shows_every_problem_of_a_refusal_linked_to_its_field():
    problems = Problems(
        [Invalid("invoice.number", "号码应为 20 位。", field="invoice_no"), Invalid("x.y", "另一处。")]
    )
    html = drawn("{% error_summary errors=errors %}", errors=[problems])
    assert 'href="#id_invoice_no"' in html
    assert "有 2 处需要更正" in html
    assert drawn("{% error_summary errors=errors %}", errors=[]).strip() == ""
