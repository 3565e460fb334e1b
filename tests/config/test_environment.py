"""What differs between machines comes from the environment, and fails loudly when it is missing or wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.embedded import REPOSITORY


def test_a_missing_variable_is_named(monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        environment.text("SECRET_KEY")


def test_an_empty_variable_counts_as_missing(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        environment.text("SECRET_KEY")


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("yes", True), ("TRUE", True), ("", False), ("0", False)]
)
def test_a_flag_is_yes_or_no(monkeypatch, value, meant):
    monkeypatch.setenv("DEV", value)
    assert environment.flag("DEV") is meant


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (environment.flag, "perhaps"),
        (environment.day, "2025-02-30"),
        (environment.day, "15/07/2025"),
        (lambda name: environment.whole(name, 1), "ten"),
        (lambda name: environment.choice(name, ("production", "local"), "local"), "staging"),
        (environment.database, "mysql://somewhere/else"),
        (environment.database, "sqlite:///db.sqlite3"),
        (environment.database, "postgresql://host-without-database"),
    ],
)
def test_a_wrong_value_is_refused_and_named(monkeypatch, read, value):
    monkeypatch.setenv("VALUE", value)
    with pytest.raises(ImproperlyConfigured, match="VALUE"):
        read("VALUE")


def test_a_database_address_is_taken_apart(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:p%40ss@db.example:5433/vouchers")
    entry = environment.database("DATABASE_URL", CONN_MAX_AGE=60)
    assert (
        entry["USER"],
        entry["PASSWORD"],
        entry["HOST"],
        entry["PORT"],
        entry["NAME"],
        entry["CONN_MAX_AGE"],
    ) == (
        "someone",
        "p@ss",
        "db.example",
        "5433",
        "vouchers",
        60,
    )


def test_a_date_is_a_date(monkeypatch):
    monkeypatch.setenv("DEMO_DATE", "2025-07-15")
    assert environment.day("DEMO_DATE") == date(2025, 7, 15)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"DEMO_DATE": "2025-07-15"}, "DEMO_DATE"),
        ({"DEV": "1"}, "DEV"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
    ],
)
def test_production_refuses_what_is_for_demonstrations(given, complaint):
    production = {
        "DEPLOYMENT": "production",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ALLOWED_HOSTS": "vouchers.example.gov.cn",
        "SECRET_KEY": "k" * 60,
    }
    started = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; settings.DEBUG"],
        cwd=REPOSITORY,
        env=os.environ | production | given,
        capture_output=True,
        text=True,
    )
    assert started.returncode != 0
    assert complaint in started.stderr.splitlines()[-1]
