"""What the tests of dry runs rest on: a version with cases of a year, a dearer draft of it, and the job that holds them together."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from tests import casework
from tests.cast import SINCE
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import job_runs
from vouchers.actions.dry_runs import ask_dry_run
from vouchers.actions.policies import clone_version
from vouchers.context import acting
from vouchers.models import Job, Party, PolicyGate, PolicyRate, PolicyVersion, RoleGrant, User

YEAR = {"from_on": date(2025, 1, 1), "to_on": date(2026, 1, 1)}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, settings):
    settings.VAR_DIR = tmp_path


def enterprise(name: str, uscc: str, industry: str, size: str) -> tuple[Party, User]:
    """A company of 北京 with a filer of its own."""
    party = Party.objects.create(
        uscc=uscc,
        name=name,
        region_code="110108",
        is_enterprise=True,
        industry_code=industry,
        registered_on=date(2019, 5, 1),
        ownership="private",
        size=size,
    )
    filer = User.objects.create(username=f"filer-{uscc[-4:].lower()}", display_name=f"{name}经办")
    RoleGrant.objects.create(user=filer, role=Role.FILER, party=party, effective_from=SINCE)
    return party, filer


@pytest.fixture
def publication(cast):
    """北京's scheme with three applications: 15, 5 and 2 million of rent, and a claim of one million on the second."""
    made = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, made.program)
    casework.fit_for_beijing(cast.alpha)
    casework.submitted(cast, made, casework.lease_fields(cast.provider, "15000000.00"))
    second, filer = enterprise("丁智能有限公司", "91110108MA01DELT0X", "6513", "small")
    application = casework.submitted(
        cast, made, casework.lease_fields(cast.provider, "5000000.00"), party=second, by=filer
    )
    third, other = enterprise("戊制造有限公司", "91110108MA01EPSI0X", "3911", "large")
    casework.submitted(cast, made, casework.lease_fields(cast.provider, "2000000.00"), party=third, by=other)
    voucher = casework.issued(cast, application)
    with dates.fixed(date(2025, 8, 1)):
        item = ItemFields(
            kind="invoice_line",
            net_amount=Decimal("1000000.00"),
            invoice=casework.invoice(application.lease, "1000000.00", owner=second),
        )
        casework.claimed(cast, voucher, application.lease, [item], by=filer)
    return made


@pytest.fixture
def draft(cast, publication) -> PolicyVersion:
    """The next version: three tenths instead of a fifth, and for the software industry alone."""
    with acting(cast.policy_editor, "test"):
        version = clone_version(publication.version, by=cast.policy_editor, label="2026年度")
        version.effective_from, version.effective_to = date(2026, 1, 1), None
        version.save()
        PolicyRate.objects.filter(version=version).update(rate=Decimal("0.3"))
        PolicyGate.objects.filter(version=version, code="sector").update(industries=["65"])
    return version


def asked(cast, version, **more) -> Job:
    with acting(cast.policy_editor, "test"):
        return ask_dry_run(version, **{**YEAR, "sources": ["cases"], "by": cast.policy_editor, **more})


def ran(cast, version, **more) -> Job:
    job = asked(cast, version, **more)
    job_runs.run_waiting()
    job.refresh_from_db()
    assert job.state == "done", job.message
    return job
