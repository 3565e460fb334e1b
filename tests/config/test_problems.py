"""Every problem of the interface is explained at the address that its answers name as their type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils.html import escape

from vouchers.actions.ledger_chains import NOT_NOW
from vouchers.api.problem_types import KNOWN, TITLES

ROOT = Path(__file__).resolve().parents[2]
SAID = re.compile(
    r'(?:Invalid|NotNow|NotFound|Forbidden|InFlight|TryLater|problem|problem_response)\(\s*(?:\d+,\s*)?"([a-z_]+\.[a-z_]+)"'
)
FILES = (
    *sorted((ROOT / "applications" / "api").glob("*.py")),
    *sorted((ROOT / "vouchers" / "api").glob("*.py")),
    *sorted((ROOT / "applications" / "actions").glob("settlement*.py")),
    ROOT / "applications" / "actions" / "platform_feed.py",
)


@pytest.fixture(autouse=True)
def the_interface_is_there():
    """Each part of it brings its explanations when the addresses are read, as the server does when it starts."""
    assert get_resolver().url_patterns


def test_every_code_that_the_interface_says_by_itself_is_explained():
    said = {code for file in FILES for code in SAID.findall(file.read_text(encoding="utf-8"))}
    assert len(said) > 25
    # A line's own faults are told as the interface's field faults are.
    assert {code for code in said if not code.startswith("input.")} - set(KNOWN) == set()


def test_what_the_ledger_may_refuse_for_now_to_a_platform_is_explained():
    of_settlements = NOT_NOW - {"not_yet_expired", "pending_open"}
    assert {f"ledger.{code}" for code in of_settlements} - set(KNOWN) == set()


def test_a_problem_says_retry_exactly_where_the_same_request_may_succeed():
    for known in KNOWN.values():
        assert known.status in TITLES and known.meaning and known.cure
        assert known.retry == (known.status in (429, 503) or known.code.endswith(".in_flight")), known.code


def test_each_has_a_page_for_everybody(db):
    visitor = Client()
    page = visitor.get("/api/problems/").content.decode()
    for code, known in KNOWN.items():
        assert f"/api/problems/{code}" in page
        assert escape(known.cure) in visitor.get(f"/api/problems/{code}").content.decode()
    assert visitor.get("/api/problems/no.such").status_code == 404
