"""A document that is still being written: every gap and every contradiction at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.rules import render
from vouchers.policy.unfinished import problems_of


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(render(shipped_scheme("BJ-AIQ")))


def paths(document: dict[str, Any]) -> set[str]:
    return {problem.path for problem in problems_of(document)}


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_what_is_shipped_has_none(name: str):
    assert problems_of(render(shipped_scheme(name))) == []


def test_a_gap_does_not_hide_a_contradiction_elsewhere(document: dict[str, Any]):
    del document["title"]
    document["caps"].append({"code": "new", "amount": "-5", "cite": {"document_no": "甲"}})
    document["effective_to"] = "2020-01-01"
    assert paths(document) == {
        "title",
        "caps.new.name",
        "caps.new.subject",
        "caps.new.amount",
        "effective_to",
    }


def test_a_condition_whose_kind_is_open_is_not_told_what_it_needs(document: dict[str, Any]):
    document["gates"].append({"code": "new", "text": "条件", "cite": {"document_no": "甲"}})
    assert paths(document) == {"gates.new.kind"}


def test_what_is_no_value_at_all_is_told_and_the_rest_is_read_on(document: dict[str, Any]):
    document["rates"][0]["rate"] = "两成"
    document["rates"].append({"code": "other", "track": "none", "cite": {"document_no": "甲"}})
    assert {"rates.standard.rate", "rates.other.track"} <= paths(document)


def test_an_empty_document_names_what_a_version_needs():
    assert {"title", "label", "tracks", "rates", "cite", "effective_from", "documents"} <= paths({})
