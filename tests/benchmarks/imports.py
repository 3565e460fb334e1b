"""A past year's folder into an empty database, by the command's own action: time, memory, and the same folder again.

``IMPORT_CLAIMS`` (environment) sets how many claims; 20,000 unless told. The folder is the demonstration's year, written many
times over under other keys (``years.py``), and is not part of the time.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.figures import Figure
from tests.benchmarks.years import YEAR, write_year

CLAIMS = int(os.environ.get("IMPORT_CLAIMS", "20000"))
GOAL = 120
"""Seconds for 200,000 claims with devices, invoices and a metering year (issue 7)."""


def run() -> list[Figure]:
    """Seconds of the first and of the second loading, and the memory of this process."""
    from applications.actions.imports import import_folder
    from vouchers.context import Actor, acting

    one_year = sum(1 for _line in (YEAR / "claims.csv").open()) - 1
    copies = max(1, round(CLAIMS / one_year))
    claims = copies * one_year
    with TemporaryDirectory() as where:
        folder, refused = Path(where, "year"), Path(where, "refused")
        rows = write_year(folder, copies)
        begun = time.perf_counter()
        with acting(Actor.service("bench"), "import_dataset"):
            report = import_folder(folder, out=refused)
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for one in report.files:
            print(
                f"  {one.name:<28}{one.rows_read:>11,}{one.rows_taken:>11,}{one.rows_refused:>9,}{one.seconds:>8.1f} s"
            )
        if report["claims.csv"].rows_taken != claims:
            raise AssertionError(f"{report['claims.csv'].rows_taken} of {claims} claims were taken")
        begun = time.perf_counter()
        with acting(Actor.service("bench"), "import_dataset"):
            again = import_folder(folder, out=refused)
        once_more = time.perf_counter() - begun
        if again.taken:
            raise AssertionError("the same folder was taken twice")
    return [
        Figure(
            f"import of {claims:,} claims, {rows:,} rows",
            seconds,
            "s",
            goal=GOAL * claims / 200_000,
            better="less",
        ),
        Figure("rows a second", rows / seconds, "rows/s"),
        Figure("the same folder again", once_more, "s"),
        Figure("memory of the importing process at most", peak, "MB", goal=512, better="less"),
    ]
