"""The ground of every test: real PostgreSQL, the application's own role, a clock that stands still, a fixed cast.

``db`` gives the process's database, rolled back after the test. ``committed_db`` gives a database of its own whose commits
are real, for tests with threads, processes or the owner's connection; see tests.databases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import django
import pytest

from config.embedded import testing
from tests import databases

if TYPE_CHECKING:
    from tests.cast import Cast
    from vouchers.models import User

# Before Django reads its settings (pytest-django does so after this module is imported): the server is started, or the
# running one is joined, and the addresses of this process's own database are put into the environment.
_cluster = testing()
_cluster.hold()
_own_database = f"test_{os.getpid()}"
os.environ.update(
    _cluster.environment(_own_database), DJANGO_SETTINGS_MODULE="tests.settings", DEPLOYMENT="test"
)
os.environ.setdefault("SECRET_KEY", "only-for-tests")
for name in ("DEMO_DATE", "DEV"):
    os.environ.pop(name, None)

django.setup()
# Not handed on to xdist's workers: they would read the settings before they have a database of their own.
del os.environ["DJANGO_SETTINGS_MODULE"]

TODAY = date(2025, 7, 15)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Told(terminal))


class _Told:
    """A failure is told when it happens: a run that is cut off has said what it knew."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.terminal.write_line(f"\n{report.when} {report.nodeid}\n{report.longreprtext[-4000:]}")


def pytest_unconfigure() -> None:
    _cluster.release()


@pytest.fixture(scope="session")
def template_database() -> str:
    """The migrated template's name."""
    databases.drop_orphans(_cluster)
    return databases.template(_cluster)


@pytest.fixture(scope="session")
def django_db_setup(template_database: str, django_db_blocker) -> Iterator[None]:
    """This process's database, a copy of the template (takes the place of pytest-django's own)."""
    from django.db import connections

    with databases.copy_of(_cluster, template_database, _own_database):
        yield
        with django_db_blocker.unblock():
            connections.close_all()


@pytest.fixture
def committed_db(template_database: str, django_db_blocker, request) -> Iterator[databases.CommittedDatabase]:
    """A database of the test's own: every commit is real, seen by threads and processes, and gone afterwards."""
    from django.db import connections

    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        pytest.fail("committed_db and db exclude each other")
    name = f"test_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}"
    with databases.copy_of(_cluster, template_database, name) as database, django_db_blocker.unblock():
        names = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
        _point(connections, dict.fromkeys(connections, name))
        try:
            yield database
        finally:
            _point(connections, names)


def _point(connections, names: dict[str, str]) -> None:
    for alias, name in names.items():
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name


@pytest.fixture(autouse=True)
def frozen_clock() -> Iterator[date]:
    """Business time stands at 2025-07-15 10:00 in Shanghai; a test moves it with ``dates.fixed(…)``."""
    from vouchers import dates

    with dates.fixed(TODAY):
        yield TODAY


@pytest.fixture(autouse=True)
def own_counts() -> Iterator[None]:
    """How often somebody asked in earlier tests is forgotten (it is counted outside of their transactions)."""
    from vouchers.limits import forget_all

    yield
    forget_all()


@pytest.fixture
def cast(request) -> Cast:
    """The fixed cast of test people (tests.cast), in whichever database the test uses."""
    from tests import cast as people

    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    return people.build()


@pytest.fixture
def api():
    """Call the API as a person or with a token: ``api(user).get(…)``, ``api(token=…).post(…)``."""
    from rest_framework.test import APIClient

    def call(user: User | None = None, token: str | None = None) -> APIClient:
        caller = APIClient()
        if user is not None:
            caller.force_login(user)
        if token is not None:
            caller.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return caller

    return call


@pytest.fixture(autouse=True)
def own_uploads(tmp_path, settings) -> None:
    """Uploads of a test land in its own directory."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            **settings.STORAGES["default"],
            "OPTIONS": {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path / "uploads"},
        }
    }


@pytest.fixture(autouse=True)
def own_trail_files(tmp_path, settings) -> None:
    """The trail's key and its copy of checkpoints, of a test's own."""
    settings.TRAIL_SIGNING_KEY = ""
    settings.TRAIL_KEY_FILE = str(tmp_path / "keys" / "trail-signing.key")
    settings.TRAIL_PUBLIC_KEY_FILE = str(tmp_path / "keys" / "trail-public.txt")
    settings.TRAIL_CHECKPOINT_FILE = str(tmp_path / "trail" / "checkpoints.jsonl")
