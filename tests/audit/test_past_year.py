"""The demonstration's past year, which has labels: what the rules must find there, and what they must leave alone."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from applications.actions.imports import import_folder
from audit.screener import screen
from tests.applications.test_demo_year import DATASET, labels
from vouchers.models import Hold

pytestmark = pytest.mark.django_db

# Rules that answer the same over one case as over everything, with the same evidence.
ABOUT_RECORDS = {"F01", "F03", "F04", "F05", "F06", "F07", "F08", "F17", "F18", "F19", "F27", "F28"}


def by_rule(flags: list[dict], key: str, rules: set[str]) -> dict[str, list[str]]:
    """Rule → evidence, of these rules and of every hard flag."""
    return {f[key]: sorted(f["evidence"]) for f in flags if f[key] in rules or f["class"] == "hard"}


def test_every_expected_hard_flag_is_found_and_none_on_an_honest_claim(tmp_path):
    import_folder(DATASET, out=tmp_path)
    out = tmp_path / "scan.jsonl"
    call_command("scan_claims", out=str(out))
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    told = {row["claim_no"]: row for row in labels()}
    assert {line["claim_no"] for line in lines} == set(told)

    for line in lines:
        label = told[line["claim_no"]]
        hard = {flag["id"] for flag in line["flags"] if flag["class"] == "hard"}
        expected = set(filter(None, label["hard_expected"].split(";")))
        assert expected <= hard, line["claim_no"]
        if label["is_fraud"] == "0":
            assert not hard, (line["claim_no"], label["lookalike"])
            assert line["outcome"] == "pass", (line["claim_no"], label["lookalike"], line["flags"])
    order = ["block", "hold", "review", "pass"]
    assert [order.index(line["outcome"]) for line in lines] == sorted(
        order.index(line["outcome"]) for line in lines
    )
    assert not Hold.objects.exists()  # history is never payable: nothing to hold

    # The screening of one case answers as the scan of everything does.
    flagged = [line for line in lines if line["flags"]]
    for line in flagged + lines[-20:]:
        alone = screen("claim", line["claim_no"], "nightly")
        assert by_rule(list(alone.flags), "rule", ABOUT_RECORDS) == by_rule(
            line["flags"], "id", ABOUT_RECORDS
        )
