"""bin/bench NAME [--json FILE]: run tests/benchmarks/NAME.py's ``run()``, print its table, write its figures.

The benchmark works on a fresh copy of the migrated template in a durable cluster of its own, with the application's
role. It exits non-zero only when it could not measure; a goal that is missed is shown, not punished.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

from config.embedded import Cluster
from tests import databases
from tests.benchmarks.figures import Figure, machine

HERE = Path(__file__).parent
NOT_BENCHMARKS = {"__init__", "__main__", "figures", "years"}
OWN_SERVERS = {"faults"}
"""Those that start, stop and kill a server of their own."""


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)


def show(figures: list[Figure], limits: dict[str, object]) -> None:
    """The table, with the machine's limits beside."""
    heads = ("figure", "value", "unit", "reference", "reference value", "ratio", "goal", "met")
    rows = [
        (
            f.figure,
            f"{f.value:,.6g}",
            f.unit,
            f.reference or "",
            "" if f.reference_value is None else f"{f.reference_value:,.6g}",
            "" if f.ratio is None else f"{f.ratio:.3g}",
            "" if f.goal is None else f"{f.goal:g}",
            {True: "yes", False: "no", None: ""}[f.met],
        )
        for f in figures
    ]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, tuple("-" * width for width in widths), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\nmachine: " + ", ".join(f"{key} {value}" for key, value in limits.items()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Run one benchmark.")
    parser.add_argument("name", nargs="?", choices=names() or None, help="one of: " + ", ".join(names()))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    if arguments.name is None:
        print("\n".join(names()) or "no benchmarks yet")
        return 0
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    limits = machine()
    if arguments.name in OWN_SERVERS:
        figures = _measured(arguments.name)
        return _told(arguments, figures, limits)
    # Durable on purpose: what is measured must wait for the disk as the real server does.
    with Cluster("postgres-bench").held() as cluster:
        own = f"test_{os.getpid()}"
        os.environ.update(cluster.environment(own))
        databases.drop_orphans(cluster)
        with databases.copy_of(cluster, databases.template(cluster), own):
            import django
            from django.db import connections

            django.setup()
            try:
                figures = _measured(arguments.name)
            finally:
                connections.close_all()
    return _told(arguments, figures, limits)


def _measured(name: str) -> list[Figure] | None:
    """The benchmark's figures; None when it could not measure."""
    try:
        figures: list[Figure] = importlib.import_module(f"tests.benchmarks.{name}").run()
    except Exception:
        traceback.print_exc()
        print(f"bin/bench: {name} could not measure", file=sys.stderr)
        return None
    return figures


def _told(arguments: argparse.Namespace, figures: list[Figure] | None, limits: dict[str, object]) -> int:
    """The table and the file; the exit code."""
    if figures is None:
        return 1
    show(figures, limits)
    if arguments.json:
        document = {
            "name": arguments.name,
            "machine": limits,
            "figures": [figure.as_json() for figure in figures],
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
