"""Years in which fraud hides from the sample's form of each rule: what is a fact is found to the last, and nobody honest is touched."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from applications.actions.imports import import_folder
from applications.models import Claim
from tests import harder_years
from tests.suspects import above_pass, quality, wrong

pytestmark = pytest.mark.django_db

# What by itself is for the order only (F29 with F22, F11: less than a review), as the catalogue has it.
ONLY_ORDERED = {"one_hand_for_five", "text_retyped"}


@pytest.mark.parametrize(
    ("seed", "start"),
    [
        (23, 0),
        pytest.param(21, 7, marks=pytest.mark.long),
        pytest.param(22, 14, marks=pytest.mark.long),
        pytest.param(24, 3, marks=pytest.mark.long),
    ],
)
def test_hidden_frauds_are_found_and_what_only_looks_like_them_stays_below(tmp_path, seed, start):
    year = harder_years.invent(seed, claims=900, prevalence=0.09, start=start)
    report = import_folder(harder_years.write(year, tmp_path / "year"), out=tmp_path / "refused")
    assert report.refused == 0
    out = tmp_path / "scan.jsonl"
    call_command("scan_claims", out=str(out), no_record=True)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {line["claim_no"] for line in lines} == set(year.labels)

    frauds = {no for no, row in year.labels.items() if row["is_fraud"]}
    expected = {no: set(filter(None, row["hard_expected"].split(";"))) for no, row in year.labels.items()}
    assert wrong(lines, expected, lambda no: no not in frauds) == []
    alike = above_pass(lines, {no: row["lookalike"] for no, row in year.labels.items()})
    assert set(alike) == set(harder_years.LOOKALIKES) and max(alike.values()) <= 0.03
    passed = {
        year.labels[line["claim_no"]]["typology"]
        for line in lines
        if line["claim_no"] in frauds and line["outcome"] == "pass"
    }
    assert passed <= ONLY_ORDERED
    scan, *_others = quality(lines, frauds, dict(Claim.objects.values_list("claim_no", "claimed_amount")))
    assert scan.found >= 0.9 * min(50, scan.fraud_cases), scan
