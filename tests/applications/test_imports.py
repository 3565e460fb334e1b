"""A past year comes along whole: into the tables of live cases, in its final state, and twice is once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from applications.actions.imports import import_folder
from applications.actions.imports.catalogue import FILES
from applications.models import (
    Application,
    BankTransfer,
    BasisItem,
    Capacity,
    Claim,
    ImportedFile,
    Invoice,
    Lease,
    LeaseDevice,
    MeteringDay,
)
from tests.applications import past_year
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid
from vouchers.models import (
    LedgerAccount,
    Listing,
    Party,
    Program,
    ProviderAdmission,
    Shareholding,
    Voucher,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(tmp_path, db):
    """Load rows as a folder; ``load.out`` is where refused rows go."""

    def load(rows=None, name: str = "year", **kwargs):
        folder = past_year.write(tmp_path / name, rows or past_year.rows())
        with acting(Actor.service("import_dataset"), "import_dataset"):
            return import_folder(folder, out=load.out, **kwargs)

    load.out = tmp_path / "out"
    return load


def test_all_eighteen_files_are_taken_in_to_the_last_row(load):
    report = load()
    assert {one.name: (one.rows_taken, one.rows_refused) for one in report.files} == {
        f"{name}.csv": (len(rows), 0) for name, rows in past_year.rows().items()
    }
    assert set(FILES) == {f"{name}.csv" for name in past_year.rows()}
    assert not load.out.exists()


def test_the_same_folder_twice_changes_nothing(load):
    load()
    before = events(), ImportedFile.objects.count()
    report = load()
    assert report.taken == 0 and all(one.unchanged for one in report.files)
    assert (events(), ImportedFile.objects.count()) == before


def test_the_same_rows_in_another_order_and_with_a_byte_order_mark_are_known(load, tmp_path):
    load()
    rows = past_year.rows()
    rows["applications"].reverse()
    folder = past_year.write(tmp_path / "again", rows)
    parties = folder / "parties.csv"
    parties.write_bytes(b"\xef\xbb\xbf" + parties.read_bytes().replace(b"\n", b"\r\n"))
    report = import_folder(folder, out=load.out)
    assert report.taken == 0 and report.refused == 0
    assert report["applications.csv"].rows_known == 2
    assert report["parties.csv"].rows_known == 2


def test_inclusive_last_days_become_half_open_ends(load):
    load()
    assert Lease.objects.get().ends_before == date(2024, 7, 1)
    assert LeaseDevice.objects.get().effective_to == date(2024, 7, 1)
    assert Capacity.objects.get().effective_to == date(2024, 7, 1)
    assert Shareholding.objects.get().effective_to == date(2025, 1, 1)
    assert Listing.objects.get().effective_to == date(2022, 1, 1)
    assert Invoice.objects.get().period_to == date(2024, 5, 1)
    assert ProviderAdmission.objects.get().effective_to is None


def test_history_stands_under_programs_of_its_own_that_no_catalogue_shows(load):
    load()
    program = Program.objects.get(code="EX-BJ-AIQ")
    assert (program.origin, program.listed_publicly, program.region.code) == ("imported", False, "110000")
    voucher, claim = Voucher.objects.get(), Claim.objects.get()
    assert voucher.program == program and voucher.publication is None
    assert (claim.program_code, claim.program_region_code) == ("BJ-AIQ", "110000")
    assert not LedgerAccount.objects.exists()


def test_rows_are_marked_and_in_their_final_state(load):
    load()
    claim = Claim.objects.get()
    assert (claim.origin, claim.state) == ("imported", "paid")
    assert (claim.claimed_amount, claim.approved_amount) == (Decimal("20000.00"), Decimal("20000.00"))
    assert (claim.enterprise.uscc, claim.provider.uscc) == (past_year.LESSEE, past_year.LESSOR)
    assert (claim.reviewer, claim.paid_on) == ("R001", date(2024, 6, 10))
    granted, open_one = Application.objects.order_by("application_no")
    assert (granted.state, granted.voucher_no, granted.approved_amount) == (
        "issued",
        "V-2024-000001",
        Decimal("30000.00"),
    )
    assert (open_one.state, open_one.voucher_no) == ("submitted", "")
    assert Lease.objects.get().state == "ended"
    assert Voucher.objects.get().state == "expired"
    assert MeteringDay.objects.get().origin == "imported"


@pytest.mark.parametrize(
    ("claimed", "expires_on", "state"),
    [
        ("30000.00", "2025-04-20", "exhausted"),
        ("1.00", "2025-07-15", "expired"),
        ("1.00", "2025-07-16", "frozen"),
    ],
)
def test_a_voucher_of_history_is_used_up_expired_or_frozen_and_never_usable(load, claimed, expires_on, state):
    rows = past_year.rows()
    rows["claims"][0]["claimed_amount"] = claimed
    rows["vouchers"][0]["expires_on"] = expires_on
    load(rows)
    assert Voucher.objects.get().state == state


@pytest.mark.parametrize("state", ["submitted", "approved", "rejected", "paid"])
def test_the_claims_own_status_is_kept(load, state):
    rows = past_year.rows()
    rows["claims"][0]["status"] = state
    load(rows)
    claim = Claim.objects.get()
    assert claim.state == state
    assert (claim.approved_amount is None) == (state in ("submitted", "rejected"))


def test_a_claim_rests_on_its_invoice_and_the_transfer_that_paid_it(load):
    load()
    item = BasisItem.objects.get()
    assert item.invoice == Invoice.objects.get() and item.bank_transfer == BankTransfer.objects.get()
    assert (item.kind, item.net_amount, item.number_key) == (
        "invoice_line",
        Decimal("100000.00"),
        past_year.INVOICE,
    )


@pytest.mark.parametrize(
    "keyed",
    ["2411 0000 0000 0000 0077", "2411-0000-0000-0000-0077", "２４１１００００００００００００００７７"],
)
def test_a_number_is_kept_as_it_was_keyed_and_found_by_its_normal_form(load, keyed):
    rows = past_year.rows()
    rows["claim_invoices"][0]["invoice_no"] = keyed
    report = load(rows)
    assert report.refused == 0
    item = BasisItem.objects.get()
    assert (item.reference, item.number_key, item.invoice.invoice_no) == (
        keyed,
        past_year.INVOICE,
        past_year.INVOICE,
    )


def test_one_invoice_in_two_ways_of_writing_is_two_rows_with_one_key(load):
    rows = past_year.rows()
    rows["invoices"].append(rows["invoices"][0] | {"invoice_no": "2411 0000 0000 0000 0077"})
    assert load(rows).refused == 0
    assert list(Invoice.objects.values_list("number_key", flat=True)) == [past_year.INVOICE] * 2


def test_the_text_of_a_contract_comes_along_when_it_is_what_its_digest_says(load, tmp_path):
    import hashlib

    text = "智能算力租用合同\n甲方……".encode()
    (tmp_path / "year" / "documents").mkdir(parents=True)
    (tmp_path / "year" / "documents" / "1.txt").write_bytes(text)
    rows = past_year.rows()
    rows["leases"][0] |= {
        "document": "documents/1.txt",
        "document_sha256": hashlib.sha256(text).hexdigest(),
    }
    load(rows)
    assert Lease.objects.get().document_text == text.decode()


def test_the_trail_tells_of_one_event_a_table_with_the_digest_of_its_rows(load):
    load()
    told = events("import")
    assert len(told) == len(set(told))
    assert {"applications_claim", "vouchers_party", "applications_meteringday"} <= set(told)
    assert "claim" not in set(events("insert"))


def events(operation: str | None = None) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE operation WHEN 'import' THEN subject_no ELSE subject_kind END FROM audit_auditevent "
            "WHERE subject_kind <> 'imported_file' AND subject_no <> 'lifecycle_transition' "
            "AND (operation = %s OR %s IS NULL) ORDER BY id",
            [operation, operation],
        )
        return [row[0] for row in cursor.fetchall()]


# ── what is there already ──


def test_a_live_company_stays_what_it_is(load, cast):
    report = load()
    assert report["parties.csv"].rows_known == 2
    assert Party.objects.get(uscc=cast.alpha.uscc).origin == "live"
    assert Claim.objects.get().enterprise == cast.alpha


def test_history_does_not_change_under_the_same_number(load):
    load()
    rows = past_year.rows()
    rows["claims"][0]["claimed_amount"] = "29999.00"
    report = load(rows, name="other")
    (refused,) = past_year.read(report["claims.csv"].refused_file)
    assert refused["reason"] == "“C-2024-000001”已在库中而内容不同，已入库的历史不再更改"
    assert Claim.objects.get().claimed_amount == Decimal("20000.00")


def test_an_imported_state_never_moves_and_no_row_can_be_slipped_in_beside_the_function(load):
    load()
    with pytest.raises(DatabaseError), transaction.atomic():
        Claim.objects.update(state="approved")
    claim = Claim.objects.get()
    claim.pk, claim.claim_no, claim._state.adding = None, "C-2024-000009", True
    with pytest.raises(DatabaseError), transaction.atomic():
        claim.save(force_insert=True)


def test_the_application_cannot_put_a_table_of_its_own_in_place_of_the_staging_table(db):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY VIEW import_parties AS SELECT 1 AS line")
        cursor.execute("SELECT public.import_open()")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE import_parties (line bigint)")
        cursor.execute("SELECT public.import_history('parties.csv', '{}', '2025-07-15')")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT public.import_open()")
        cursor.execute("ALTER TABLE pg_temp.import_parties ADD COLUMN x text")


# ── who ──


def test_a_person_needs_the_role_of_a_system_administrator(load, cast):
    with pytest.raises(Forbidden):
        load(by=cast.handler)
    assert load(by=cast.system_admin).taken > 0


@pytest.mark.parametrize(("make", "code"), [(False, "import.no_folder"), (True, "import.no_files")])
def test_a_folder_that_is_none_is_refused(tmp_path, db, make, code):
    if make:
        (tmp_path / "empty").mkdir()
    with pytest.raises(Invalid) as refusal:
        import_folder(tmp_path / "empty", out=tmp_path)
    assert refusal.value.code == code
