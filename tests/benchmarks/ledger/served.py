"""The settings of the server that is measured: those of the tests, with the view that it is held against."""

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.ledger.probe"
