"""Sixty killed backends, twenty immediate stops of the server, twenty killed web and worker processes, under load: no
acknowledged operation is lost, none is doubled, the ledger holds and the platform's books are the system's."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.faults import Site, drill

BACKENDS, STOPS, KILLS = 60, 20, 20
MOST_SECONDS = 300


def run() -> list[Figure]:
    """The whole drill. Raises when anything is not as it should be."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, Site(Path(folder)).up() as site:
        found = drill(site, backends=BACKENDS, stops=STOPS, kills=KILLS)
    if found.faults:
        raise RuntimeError("\n".join(found.faults[:20]))
    killed = found.killed
    return [
        Figure("backends killed", killed["backend"], "", goal=BACKENDS),
        Figure("server stopped at once", killed["server"], "", goal=STOPS),
        Figure("web and worker killed", killed["web"] + killed["worker"], "", goal=KILLS),
        Figure("settlements acknowledged", found.acknowledged, ""),
        Figure("acknowledged and lost, doubled or different", len(found.faults), "", goal=0, better="less"),
        Figure("asked again", sum(found.report.retries.values()), ""),
        Figure("the whole drill", found.seconds, "s", goal=MOST_SECONDS, better="less"),
    ]
