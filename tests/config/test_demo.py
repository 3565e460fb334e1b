"""What the demonstration starts from and what it is held against: people who may do it, money, and the README's figures."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from stdnum.cn import uscc

from config.demo import figures, load
from config.demo.cases import cases
from config.demo.people import CONNECTIONS, PASSWORD, table
from tests.vouchers.prices.feeds import market_rows
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.models import (
    ApiCredential,
    Party,
    PlatformConnection,
    PriceIndexIssue,
    Program,
    ProgramBudget,
    Publication,
    RoleGrant,
    User,
)
from vouchers.money import thousands
from vouchers.policy.documents import shipped_files, shipped_scheme

CASES = cases(Decimal("17.00"))
SHIPPED = [shipped_scheme(path.stem) for path in shipped_files()]


@pytest.fixture
def begun(db, tmp_path, settings, monkeypatch):
    """People, schemes and money, as `load_demo` brings them."""
    settings.VAR_DIR = str(tmp_path)
    load.people()
    load.schemes()
    load.budgets()


def test_every_shipped_scheme_is_walked_through_or_stands_closed_beside_its_demonstration():
    walked = {case.program for case in CASES}
    for scheme in SHIPPED:
        beside = f"{scheme.program}-DEMO"
        assert scheme.program in walked or beside in walked, scheme.program
    assert {scheme.program for scheme in SHIPPED if scheme.demonstration} <= walked


def test_the_walk_uses_every_kind_of_basis_that_the_shipped_schemes_name():
    shipped = {kind for scheme in SHIPPED for track in scheme.tracks for kind in track.basis_kinds}
    used = {item.kind for case in CASES for item in case.items}
    assert used >= shipped - {kind for kind in shipped if kind.value == "purchase"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_claimed_and_granted_by_hand_stands_in_the_readme(case):
    readme = (Path(settings.BASE_DIR) / "README.md").read_text(encoding="utf-8")
    row = [
        line
        for line in readme.splitlines()
        if line.startswith("|")
        and f"`{case.program}`" in line
        and line.endswith(f"| {thousands(case.paid)} |")
    ]
    assert row, f"{case.name} {thousands(case.paid)}"


def test_etowns_first_version_stands_in_the_readme_too():
    readme = (Path(settings.BASE_DIR) / "README.md").read_text(encoding="utf-8")
    for amount in figures.ETOWN_V1.values():
        assert re.search(rf"`BDA-SLQ` v1.*\| {thousands(amount)} \|", readme)


def test_loading_twice_changes_nothing(begun):
    rows = (User, Party, RoleGrant, ApiCredential, PlatformConnection, Publication, ProgramBudget)
    before = [model.objects.count() for model in rows]
    load.people()
    load.schemes()
    load.budgets()
    assert [model.objects.count() for model in rows] == before


def test_every_scheme_is_there_and_each_that_opens_has_money(begun):
    assert Program.objects.count() == 9 + 4
    assert Publication.objects.count() == len(SHIPPED)
    closed = set(
        Publication.objects.filter(accepts_applications=False).values_list("program__code", flat=True)
    )
    assert closed == {"GZ-SLQ", "SH-BSJL", "CD-SLQ", "QH-DDPT"}
    for case in CASES:
        assert ProgramBudget.objects.get(program__code=case.program, year=2025).amount >= case.granted


def test_whoever_applies_is_registered_with_a_sound_code_and_can_sign_in(begun):
    for case in CASES:
        filer = User.objects.get(username=case.account)
        assert filer.check_password(PASSWORD)
        party = RoleGrant.objects.get(user=filer, role="filer").party
        assert party.is_enterprise
        assert party.current_account is not None
    assert all(uscc.is_valid(party.uscc) for party in Party.objects.all())
    assert PlatformConnection.objects.count() == len(CONNECTIONS)


def test_the_list_of_accounts_names_only_people_who_are_there(begun, capsys):
    named = {account for _heading, rows in table() for account, _role, _name in rows}
    assert named <= set(User.objects.values_list("username", flat=True))
    call_command("demo_people")
    said = capsys.readouterr().out
    assert PASSWORD in said
    assert all(account in said for account in named)


def test_each_month_of_prices_was_published_in_its_month_and_answers_from_then_on(db, tmp_path, settings):
    settings.VAR_DIR = str(tmp_path)
    load.people()
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        for month in range(1, 6):
            prices.load_observations(market_rows(date(2025, month, 20)))
        prices.load_observations(market_rows(date(2024, 12, 20)))
    load.index()
    load.index()  # a second time changes nothing
    issues = PriceIndexIssue.objects.order_by("month")
    assert [(issue.month.month, issue.published_at.month, issue.state) for issue in issues] == [
        (month, month, "published") for month in range(1, 7)
    ]
