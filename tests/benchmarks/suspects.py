"""How good the order of suspicion is on a year that the rules were not written by: precision and recall of the first fifty cases.

``SUSPECT_SEED`` and ``SUSPECT_CLAIMS`` (environment) choose an invented year (``tests/invented_years.py``), ``SUSPECT_FOLDER`` and
``SUSPECT_LABELS`` a folder of the bulk format with its labels.
"""

from __future__ import annotations

import csv
import json
import os
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import invented_years
from tests.benchmarks.figures import Figure
from tests.suspects import above_pass, quality, wrong


def run() -> list[Figure]:
    """Precision and recall at fifty, beside the three simpler orders; hard flags at fault; look-alikes above pass."""
    from django.core.management import call_command

    from applications.actions.imports import import_folder
    from applications.models import Claim
    from audit.actions.rules import load_rules
    from vouchers.context import Actor, acting

    with TemporaryDirectory() as where:
        folder, labels = _year(Path(where))
        with acting(Actor.service("bench"), "import_dataset"):
            import_folder(folder, out=Path(where, "refused"))
            load_rules()
        out = Path(where, "scan.jsonl")
        call_command("scan_claims", out=str(out), no_record=True, stderr=StringIO())
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    frauds = {no for no, row in labels.items() if str(row["is_fraud"]) == "1"}
    amounts = dict(Claim.objects.values_list("claim_no", "claimed_amount"))
    faults = wrong(
        lines,
        {no: set(filter(None, row["hard_expected"].split(";"))) for no, row in labels.items()},
        lambda no: no not in frauds,
    )
    for fault in faults:
        print("  ", fault)
    scan, *others = quality(lines, frauds, amounts)
    alike = above_pass(lines, {no: row["lookalike"] for no, row in labels.items()})
    best = max(others, key=lambda one: one.found)
    print(f"   {len(lines):,} claims, {len(frauds)} of them fraud in {scan.fraud_cases} cases")
    for one in (scan, *others):
        print(f"   {one.order:<24} precision@50 {one.precision:.2f}  recall@50 {one.recall:.2f}")
    return [
        Figure(
            "precision@50 over cases",
            scan.precision,
            "",
            f"best of the rest: {best.order}",
            best.precision,
            0.6,
        ),
        Figure("recall@50 over cases", scan.recall, "", f"best of the rest: {best.order}", best.recall, 0.5),
        Figure("most that precision@50 can be", min(1.0, scan.fraud_cases / 50), ""),
        Figure("hard flags missing or on honest claims", len(faults), "", goal=0, better="less"),
        Figure(
            "look-alikes above pass, worst kind",
            max(alike.values(), default=0.0),
            "",
            goal=0.03,
            better="less",
        ),
    ]


def _year(where: Path) -> tuple[Path, dict[str, dict[str, Any]]]:
    if given := os.environ.get("SUSPECT_FOLDER"):
        with Path(os.environ["SUSPECT_LABELS"]).open(encoding="utf-8-sig", newline="") as stream:
            return Path(given), {row["claim_no"]: row for row in csv.DictReader(stream)}
    year = invented_years.invent(
        int(os.environ.get("SUSPECT_SEED", "11")), claims=int(os.environ.get("SUSPECT_CLAIMS", "3000"))
    )
    return invented_years.write(year, where / "year"), year.labels
