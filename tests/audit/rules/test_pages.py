"""Every rule has its page, and the page tells of every parameter."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from audit.actions.rules import check_parameters
from audit.management.commands.rule_pages import document
from audit.rules import RULES
from audit.rules.base import FAMILIES, HARD
from config.embedded import REPOSITORY

PARTS = ("方法", "例", "缘由", "排除", "假设", "参数")
FIRST_WAVE = {
    "F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "F11", "F12", "F14", "F16", "F17", "F18", "F19", "F20", "F21", "F22",
    "F23", "F24", "F25", "F26", "F27", "F28", "F29", "F31",
}  # fmt: skip


def test_the_first_wave_is_whole():
    assert set(RULES) >= FIRST_WAVE


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_page_has_its_parts_in_their_order(rule):
    lead, *parts = rule.page.strip().split("\n\n")
    assert lead.startswith(f"{rule.id} ")
    assert [part.partition("：")[0] for part in parts] == list(PARTS)
    assert all(part.partition("：")[2].strip() for part in parts)
    assert rule.legal_basis
    assert rule.family in FAMILIES


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_parameter_is_told_and_its_default_is_in_its_range(rule):
    told = set(re.findall(r"[a-z_]{3,}", rule.page.partition("参数：")[2]))
    named = {parameter.name for parameter in rule.parameters}
    assert named - {"points"} <= told
    check_parameters(rule, rule.defaults)
    for parameter in rule.parameters:
        if not isinstance(parameter.default, list | dict):
            assert parameter.low is not None, parameter.name
            assert parameter.high is not None, parameter.name
    assert rule.points is not None or rule.severity == HARD
    if not isinstance(rule.defaults.get("points", {}), dict):
        assert Decimal(str(rule.defaults["points"])) == rule.points


def test_the_document_is_what_the_rules_say():
    written = (REPOSITORY / "docs" / "fraud-rules.md").read_text(encoding="utf-8")
    assert written == document(), "bin/manage rule_pages --out docs/fraud-rules.md"
