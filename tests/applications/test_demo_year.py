"""The demonstration's past year: small, whole, and under keys of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.db.models import Count, F, Sum

from applications.actions.imports import import_folder
from applications.actions.imports.catalogue import FILES
from applications.demo import rekey
from applications.models import BasisItem, Claim, LeaseDevice
from config.embedded import REPOSITORY

DATASET = REPOSITORY / "applications" / "demo" / "dataset"
LABELS = Path(__file__).parent / "demo" / "labels.csv"


def labels() -> list[dict[str, str]]:
    with LABELS.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_it_holds_every_file_and_at_most_three_megabytes():
    assert sorted(path.name for path in DATASET.glob("*.csv")) == sorted(FILES)
    assert sum(path.stat().st_size for path in DATASET.glob("*.csv")) <= 3_000_000


def test_every_key_is_in_a_block_of_its_own():
    for file, column in (("claims", "claim_no"), ("leases", "lease_no"), ("vouchers", "voucher_no")):
        with (DATASET / f"{file}.csv").open(encoding="utf-8", newline="") as stream:
            assert all(row[column].split("-")[2].startswith("8") for row in csv.DictReader(stream))


@pytest.mark.django_db
def test_it_loads_to_the_last_row_and_holds_what_the_flags_are_to_find(tmp_path):
    report = import_folder(DATASET, out=tmp_path)
    assert report.refused == 0 and not report.remarks and not report.not_collected
    assert set(Claim.objects.values_list("claim_no", flat=True)) == {row["claim_no"] for row in labels()}
    expected = {flag for row in labels() for flag in row["hard_expected"].split(";") if flag}
    assert {"F01", "F03", "F04", "F06", "F07", "F17", "F24"} <= expected

    # F01: one invoice, several claims, more claimed than it is worth.
    overdrawn = (
        BasisItem.objects.exclude(claim__state="rejected")
        .values("number_key", "invoice__net_amount")
        .annotate(claimed=Sum("net_amount"), claims=Count("claim", distinct=True))
        .filter(claims__gt=1, claimed__gt=F("invoice__net_amount"))
    )
    assert overdrawn.exists()

    # F17: one whole device, two lessees, more than a day at once.
    whole = LeaseDevice.objects.filter(share=1).select_related("lease")
    by_serial: dict[str, list[LeaseDevice]] = {}
    for device in whole:
        by_serial.setdefault(device.serial, []).append(device)
    overlaps = [
        (a.serial, a.lease.lease_no, b.lease.lease_no)
        for devices in by_serial.values()
        for a in devices
        for b in devices
        if a.pk < b.pk
        and a.lease.lessee_id != b.lease.lessee_id
        and (min(a.effective_to, b.effective_to) - max(a.effective_from, b.effective_from)).days > 1
    ]
    assert overlaps


def test_new_keys_keep_what_the_rules_look_at():
    from stdnum.cn import uscc

    code = "91110108MA01ALPH0Y"
    assert rekey.new_uscc(code) != code and uscc.is_valid(rekey.new_uscc(code))
    assert rekey.new_uscc(code)[:10] == code[:10]
    assert not uscc.is_valid(rekey.new_uscc(code[:-1] + "A"))
    # Runs and ways of writing.
    one, two = rekey.new_invoice_no("24112000001935923719"), rekey.new_invoice_no("24112000001935923720")
    assert int(two) - int(one) == 1 and one[:5] == "24112"
    assert rekey.new_invoice_no("2411 2000-001935923719").replace(" ", "").replace("-", "") == one
    assert rekey.new_ip("203.0.113.7").rpartition(".")[0] == rekey.new_ip("203.0.113.9").rpartition(".")[0]
    room, other = (rekey.new_address(f"北京市云杉街62号7号楼{n}室") for n in (348, 349))
    assert room != other and room.partition("号楼")[0] == other.partition("号楼")[0]
    assert rekey.new_no("C-2025-000123", 123) == "C-2025-800123"
