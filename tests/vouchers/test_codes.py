"""Codes that go into the ledger's accounts and the keys of caps are of one form, wherever they come in."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest
import yaml
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from vouchers.actions import policies
from vouchers.actions.caps import ledger_cap
from vouchers.actions.policy_files import import_version
from vouchers.actions.programs import open_program
from vouchers.errors import DomainError, Invalid, Problems
from vouchers.models import Party, Program, Region
from vouchers.policy.bundles import write_bundle
from vouchers.policy.caps import cap_keys
from vouchers.policy.checks import check
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.facts import ContractFacts, Facts, PartyFacts
from vouchers.policy.terms import ContractKind, PartyKind, Stage

pytestmark = pytest.mark.django_db
STRANGE = [
    "BJ-AIQ:SZ",
    "x/../<script>",
    "bj-aiq",
    "-BJ",
    "B",
    "BJ AIQ",
    "BJ-AIQ\n",
    "ＢＪ-AIQ",
    "BJ_AIQ",
    "",
    "B" * 31,
]


def bundle(**changes: object) -> bytes:
    plain = yaml.load(write_bundle(shipped_scheme("BJ-AIQ"), []), Loader=yaml.BaseLoader)
    text: str = (
        yaml.dump(plain | changes, allow_unicode=True).replace("'true'", "true").replace("'false'", "false")
    )
    return text.encode()


@pytest.mark.parametrize("code", STRANGE)
def test_no_program_has_another_code_by_whatever_way_it_comes(cast, code):
    with pytest.raises(Invalid) as opened:
        open_program(code=code, name="某专项", region=cast.shenzhen, by=cast.other_policy_editor)
    assert (opened.value.code, opened.value.field) == ("program.code", "code")
    with pytest.raises(DomainError) as loaded:
        scheme = dataclasses.replace(shipped_scheme("BJ-AIQ"), program=code, region="440300")
        policies.load_scheme(scheme, [], by=cast.other_policy_editor)
    assert isinstance(loaded.value, Problems)
    with pytest.raises(Problems) as imported:
        import_version(bundle(program=code, region="440300"), by=cast.other_policy_editor)
    assert imported.value.problems
    with pytest.raises(ValidationError):
        Program(code=code, name="某专项", region=cast.shenzhen).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        Program.objects.create(code=code, name="某专项", region=cast.shenzhen)
    assert not Program.objects.filter(region=cast.shenzhen).exists()


def test_the_import_page_says_where_and_the_admin_beside_the_field(cast):
    client = Client()
    client.force_login(cast.other_policy_editor)
    file = SimpleUploadedFile("x.yaml", bundle(program="BJ-AIQ:SZ", region="440300"))
    answer = client.post("/admin/vouchers/policyversion/import/", {"file": file})
    assert answer.status_code == 422
    assert "专项代码为 2 至 30 个大写字母、数字和连字符" in answer.content.decode()
    answer = client.post(
        "/admin/vouchers/program/add/", {"code": "BJ-AIQ:SZ", "name": "某专项", "region": cast.shenzhen.pk}
    )
    assert "专项代码为 2 至 30 个大写字母、数字和连字符" in answer.content.decode()
    assert not Program.objects.exists()


def test_every_shipped_scheme_has_codes_of_the_form():
    for path in shipped_files():
        assert check(shipped_scheme(path.stem)) == []


@pytest.mark.parametrize("code", ["year:issue", "a.b", "A", "年", "", "x" * 41, "a\n"])
def test_a_caps_code_of_another_form_is_a_fault_of_the_file(cast, code):
    scheme = shipped_scheme("BJ-AIQ")
    caps = (dataclasses.replace(scheme.caps[0], code=code), *scheme.caps[1:])
    strange = dataclasses.replace(scheme, caps=caps)
    assert f"caps.{code}.code" in [problem.path for problem in check(strange)]
    with pytest.raises(Problems):
        policies.load_scheme(strange, [], by=cast.policy_editor)


def test_two_programs_never_share_a_caps_account():
    facts = Facts(
        stage=Stage.APPLICATION,
        on=date(2025, 7, 1),
        applicant=PartyFacts(uscc="U", name="u", kind=PartyKind.ENTERPRISE, region_code="110108"),
        contracts=(ContractFacts(contract_no="L", kind=ContractKind.LEASE, net_amount=Decimal(1)),),
    )
    one = shipped_scheme("BJ-AIQ")
    other = dataclasses.replace(one, program="BJ-AIQ-SZ")
    first = {ledger_cap(one.program, key).code for key in cap_keys(one, facts)}
    second = {ledger_cap(other.program, key).code for key in cap_keys(other, facts)}
    assert first
    assert first.isdisjoint(second)
    forged = dataclasses.replace(one, program="BJ-AIQ:SZ")
    for key in cap_keys(forged, facts):
        with pytest.raises(ValueError, match="not a name"):
            ledger_cap(forged.program, key)


def test_the_database_refuses_a_program_whose_accounts_would_be_anothers(cast):
    """The accounts name a program by twelve digits of its hash; two such codes would take 2²⁴ tries to find, so the index
    itself is looked at."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'program_caps_own_accounts'")
        (definition,) = cursor.fetchone()
    assert definition.startswith("CREATE UNIQUE INDEX")
    assert "sha256" in definition
    assert "12" in definition


@pytest.mark.parametrize("uscc", ["U:1", "u1", "", "U 1"])
def test_a_company_has_no_colon_in_its_code(db, uscc):
    with pytest.raises(IntegrityError), transaction.atomic():
        Party.objects.create(uscc=uscc, name="某公司", region_code="110000")


@pytest.mark.parametrize("code", ["11:000", "１１００００", "1100"])
def test_a_region_has_six_digits(db, code):
    with pytest.raises(IntegrityError), transaction.atomic():
        Region.objects.create(code=code, name="某地")
