"""The list of clauses names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_clause_of_the_method_names_a_test_that_there_is():
    page = (ROOT / "docs" / "price-method.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 30
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= there, row


def test_every_piece_of_code_that_a_clause_names_is_there():
    page = (ROOT / "docs" / "price-method.md").read_text(encoding="utf-8")
    for row in (line for line in page.splitlines() if line.startswith("| ") and "`" in line):
        for name in re.findall(r"`([\w/]+\.py)`", row.split("|")[2]):
            place = ROOT / name if "/" in name else ROOT / "vouchers" / "policy" / "prices" / name
            assert place.exists(), name
