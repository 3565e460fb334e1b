"""Backends, the server, web and worker are killed under a platform's load: nothing that was acknowledged is lost, nothing is done
twice, the ledger holds, and the platform's books are the system's. The whole drill is ``bin/bench faults``."""

from __future__ import annotations

import pytest

from tests.faults import Site, drill
from tests.platform_scene import PERIOD


@pytest.mark.long
def test_nothing_acknowledged_is_lost_and_nothing_is_done_twice(tmp_path):
    with Site(tmp_path, customers=2).up() as site:
        found = drill(site, backends=6, stops=2, kills=2)
        said = _simulated(site)
    assert found.faults == []
    assert found.killed == {"backend": 6, "server": 2, "web": 1, "worker": 1}
    assert found.acknowledged > 10 and found.report.events > found.acknowledged
    assert "两边账目一致：20 笔" in said


def _simulated(site: Site) -> str:
    """The shipped command, as an office would try its own server."""
    first, last = PERIOD
    voucher, lease = site.scene["contracts"][0]
    return site.run(
        "manage.py",
        "simulate_provider",
        site.url,
        "--token",
        site.scene["token"],
        "--contract",
        f"{voucher}:{lease}:{first}:{last}",
        "--count",
        "20",
        "--concurrency",
        "4",
    )
