"""Years that the rules were not written by: other frauds, other honest look-alikes, drawn from a seed."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from applications.actions.imports import import_folder
from applications.models import Claim
from tests import invented_years
from tests.suspects import above_pass, quality, wrong

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "seed", [7, pytest.param(8, marks=pytest.mark.long), pytest.param(9, marks=pytest.mark.long)]
)
def test_frauds_of_other_kinds_come_first_and_honest_look_alikes_stay_below(tmp_path, seed):
    year = invented_years.invent(seed, claims=700, prevalence=0.04)
    report = import_folder(invented_years.write(year, tmp_path / "year"), out=tmp_path / "refused")
    assert report.refused == 0
    out = tmp_path / "scan.jsonl"
    call_command("scan_claims", out=str(out), no_record=True)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {line["claim_no"] for line in lines} == set(year.labels)

    frauds = {no for no, row in year.labels.items() if row["is_fraud"]}
    expected = {no: set(filter(None, row["hard_expected"].split(";"))) for no, row in year.labels.items()}
    assert wrong(lines, expected, lambda no: no not in frauds) == []
    alike = above_pass(lines, {no: row["lookalike"] for no, row in year.labels.items()})
    assert set(alike) == set(invented_years.LOOKALIKES) and max(alike.values()) <= 0.03
    scan, *others = quality(lines, frauds, dict(Claim.objects.values_list("claim_no", "claimed_amount")))
    assert (
        scan.recall >= 0.9
    )  # fewer than fifty cases are fraud: nearly all of them are among the first fifty
    assert all(scan.found > other.found or other.found == scan.fraud_cases for other in others), (
        scan,
        others,
    )
