"""Cut the demonstration's past year from a data set of the bulk format.

    python -m applications.demo.cut FOLDER LABELS.csv --out applications/demo/dataset --labels tests/applications/demo/labels.csv

What is kept: every claim that is labelled with fraud and whatever belongs to its ring, some of every honest look-alike, and plain
claims; then all that these point to. All price observations, since a fair price needs its neighbours. Everything gets new keys
(``rekey``). The same input gives the same output.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

from applications.demo import rekey
from applications.einvoice.numbers import norm_inv

Row = dict[str, str]
LOOK_ALIKES_EACH = 3
PLAIN_CLAIMS = 330
HOPS, DAYS = 4, 60
TRADE_DAYS = 90


class Folder:
    """A data set in memory, a list of rows a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> list[Row]:
        with (self.path / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            self.header[name] = list(reader.fieldnames or ())
        return rows


def _order(text: str) -> str:
    return hashlib.sha256(f"cut/{text}".encode()).hexdigest()


def choose_claims(labels: list[Row]) -> set[str]:
    """Numbers of the claims to keep."""
    chosen = {row["claim_no"] for row in labels if row["is_fraud"] == "1" or row["ring_id"]}
    kinds: dict[str, list[str]] = defaultdict(list)
    for row in labels:
        if row["lookalike"]:
            kinds[row["lookalike"]].append(row["claim_no"])
    for numbers in kinds.values():
        chosen |= set(sorted(numbers, key=_order)[:LOOK_ALIKES_EACH])
    plain = [row["claim_no"] for row in labels if row["is_fraud"] != "1" and not row["lookalike"]]
    return chosen | set(sorted(plain, key=_order)[:PLAIN_CLAIMS])


def round_trip_parties(payments: list[Row], pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The parties on the ways by which money comes back from a lessor to its lessee."""
    out_of: dict[str, set[str]] = defaultdict(set)
    for row in payments:
        out_of[row["payer_uscc"]].add(row["payee_uscc"])
    found: set[str] = set()
    for lessee, lessor in pairs:
        ways = [[lessor]]
        for _ in range(HOPS):
            ways = [[*way, onward] for way in ways for onward in out_of[way[-1]] if onward not in way]
            for way in ways:
                if way[-1] == lessee:
                    found |= set(way)
            ways = [way for way in ways if way[-1] != lessee and len(out_of[way[-1]]) <= 12]
    return found


def without_lost_trade(
    payments: list[Row], references: set[str], invoices: list[Row], keys: set[tuple[str, str]]
) -> list[Row]:
    """The payments without those whose invoices are not kept: real trade would look like money that comes back for nothing."""
    sold: dict[tuple[str, str], list[tuple[date, Decimal, bool]]] = defaultdict(list)
    for row in invoices:
        kept = (row["invoice_code"], row["invoice_no"]) in keys
        gross, on = Decimal(row["gross_amount"]), date.fromisoformat(row["issued_on"])
        # A red letter explains a payment in the other direction.
        pair = (
            (row["seller_uscc"], row["buyer_uscc"]) if gross > 0 else (row["buyer_uscc"], row["seller_uscc"])
        )
        sold[pair].append((on, abs(gross), kept))
    remaining = []
    for row in payments:
        on, amount = date.fromisoformat(row["paid_on"]), Decimal(row["amount"])
        bills = [
            kept
            for day, gross, kept in sold[row["payee_uscc"], row["payer_uscc"]]
            if abs((day - on).days) <= TRADE_DAYS and gross * 2 >= amount
        ]
        if row["bank_ref"] in references or not bills or any(bills):
            remaining.append(row)
    return remaining


def cut(source: Path, labels_path: Path) -> tuple[dict[str, list[Row]], dict[str, list[str]], list[Row]]:
    """The kept rows by file (old keys), the headers, and the labels of the kept claims."""
    folder = Folder(source)
    with labels_path.open(encoding="utf-8-sig", newline="") as stream:
        labels = list(csv.DictReader(stream))
    chosen = choose_claims(labels)
    fraud = {row["claim_no"] for row in labels if row["is_fraud"] == "1"}

    claim_invoices, claims = folder["claim_invoices"], folder["claims"]
    # An invoice in two claims is kept with both.
    users: dict[str, set[str]] = defaultdict(set)
    for row in claim_invoices:
        users[norm_inv(row["invoice_code"], row["invoice_no"])].add(row["claim_no"])
    for numbers in users.values():
        if len(numbers) > 1 and numbers & chosen:
            chosen |= numbers
    claims = [row for row in claims if row["claim_no"] in chosen]
    claim_invoices = [row for row in claim_invoices if row["claim_no"] in chosen]
    lease_nos = {row["lease_no"] for row in claims}

    # A device that fraudulent leases share with others is kept with those others.
    lease_devices = folder["lease_devices"]
    fraud_leases = {row["lease_no"] for row in claims if row["claim_no"] in fraud}
    shared = {row["serial"] for row in lease_devices if row["lease_no"] in fraud_leases}
    lease_nos |= {row["lease_no"] for row in lease_devices if row["serial"] in shared}

    invoices = folder["invoices"]
    keys = {(row["invoice_code"], row["invoice_no"]) for row in claim_invoices}
    lease_nos |= {
        r["lease_no"] for r in invoices if (r["invoice_code"], r["invoice_no"]) in keys and r["lease_no"]
    }
    invoices = [
        r
        for r in invoices
        if (r["invoice_code"], r["invoice_no"]) in keys or (r["lease_no"] and r["lease_no"] in lease_nos)
    ]
    numbers = {r["invoice_no"] for r in invoices}
    kept = {(r["invoice_code"], r["invoice_no"]) for r in invoices}
    invoices += [
        r
        for r in folder["invoices"]
        if r["red_of"] in numbers and (r["invoice_code"], r["invoice_no"]) not in kept
    ]
    keys = {(r["invoice_code"], r["invoice_no"]) for r in invoices}
    leases = [row for row in folder["leases"] if row["lease_no"] in lease_nos]

    voucher_nos = {row["voucher_no"] for row in claims}
    vouchers = [row for row in folder["vouchers"] if row["voucher_no"] in voucher_nos]
    application_nos = {row["application_no"] for row in vouchers}
    applications = [row for row in folder["applications"] if row["application_no"] in application_nos]

    payments = folder["payments"]
    pairs = {(r["lessee_uscc"], r["lessor_uscc"]) for r in leases if r["lease_no"] in fraud_leases}
    parties = {r["lessee_uscc"] for r in leases} | {r["lessor_uscc"] for r in leases}
    parties |= {r["seller_uscc"] for r in invoices} | {r["buyer_uscc"] for r in invoices}
    on_the_way = round_trip_parties(payments, pairs)
    parties |= {r["enterprise_uscc"] for r in vouchers} | on_the_way
    # What was billed on the ways back of the money, so that it can be seen whether it explains them.
    invoices += [
        r
        for r in folder["invoices"]
        if not r["lease_no"]
        and {r["seller_uscc"], r["buyer_uscc"]} <= on_the_way
        and (r["invoice_code"], r["invoice_no"]) not in keys
    ]
    keys = {(r["invoice_code"], r["invoice_no"]) for r in invoices}
    references = {row["bank_ref"] for row in claim_invoices if row["bank_ref"]}
    # Who else stands behind the parties of a fraudulent lease.
    shareholdings = folder["shareholdings"]
    for _ in range(2):
        behind = {u for pair in pairs for u in pair} | parties
        parties |= {
            r["holder_id"]
            for r in shareholdings
            if r["company_uscc"] in behind and r["holder_kind"] == "company"
        }
    affiliations = [
        r for r in folder["declared_affiliations"] if r["uscc"] in parties or r["other_uscc"] in parties
    ]
    parties |= {r["uscc"] for r in affiliations} | {r["other_uscc"] for r in affiliations}
    listings = folder["listings"]
    parties |= {r["uscc"] for r in listings}
    payments = [
        r
        for r in payments
        if r["bank_ref"] in references or (r["payer_uscc"] in parties and r["payee_uscc"] in parties)
    ]
    payments = without_lost_trade(payments, references, folder["invoices"], keys)
    parties |= {r["payer_uscc"] for r in payments} | {r["payee_uscc"] for r in payments}
    all_parties = folder["parties"]
    known = {row["uscc"] for row in all_parties}
    parties &= known

    lease_devices = [row for row in lease_devices if row["lease_no"] in lease_nos]
    serials = {row["serial"] for row in lease_devices}
    devices = folder["devices"]
    serials |= {r["replaces_serial"] for r in devices if r["serial"] in serials and r["replaces_serial"]}
    serials |= {r["serial"] for r in devices if r["replaces_serial"] in serials}
    rows = {
        "parties": [r for r in all_parties if r["uscc"] in parties],
        "shareholdings": [r for r in shareholdings if r["company_uscc"] in parties],
        "declared_affiliations": [
            r for r in affiliations if r["uscc"] in parties and r["other_uscc"] in parties
        ],
        "provider_admissions": [r for r in folder["provider_admissions"] if r["provider_uscc"] in parties],
        "capacity": [r for r in folder["capacity"] if r["provider_uscc"] in parties],
        "devices": [r for r in devices if r["serial"] in serials],
        "listings": listings,
        "leases": leases,
        "lease_devices": lease_devices,
        "metering": [r for r in folder["metering"] if r["lease_no"] in lease_nos],
        "invoices": invoices,
        "invoice_lines": [r for r in folder["invoice_lines"] if (r["invoice_code"], r["invoice_no"]) in keys],
        "payments": payments,
        "applications": applications,
        "vouchers": vouchers,
        "claims": claims,
        "claim_invoices": claim_invoices,
        "price_observations": folder["price_observations"],
    }
    return rows, folder.header, [row for row in labels if row["claim_no"] in chosen]


def renumber(source: Path) -> dict[str, str]:
    """Every business number of the source → its new one. All of them are numbered, so that another cut agrees with this one."""
    folder, numbers = Folder(source), {}
    for name, column in (
        ("leases", "lease_no"), ("applications", "application_no"), ("vouchers", "voucher_no"), ("claims", "claim_no"),
    ):  # fmt: skip
        for nth, row in enumerate(folder[name], start=1):
            numbers[row[column]] = rekey.new_no(row[column], nth)
    return numbers


def changers(numbers: dict[str, str]) -> dict[str, Callable[[str], str]]:
    """Column → how its values change. Columns that are not named stay."""

    def no(value: str) -> str:
        return numbers.get(value, value)

    code, account, digest = rekey.new_uscc, rekey.new_account, rekey.new_hash
    return {
        **dict.fromkeys(
            ("uscc", "other_uscc", "company_uscc", "provider_uscc", "lessee_uscc", "lessor_uscc", "seller_uscc",
             "buyer_uscc", "payer_uscc", "payee_uscc", "enterprise_uscc"), code),
        **dict.fromkeys(("lease_no", "application_no", "voucher_no", "claim_no", "reference"), no),
        **dict.fromkeys(("invoice_no", "red_of"), rekey.new_invoice_no),
        **dict.fromkeys(("bank_account", "payer_account", "payee_account"), account),
        **dict.fromkeys(
            ("legal_rep_id", "document_sha256", "file_sha256", "receipt_sha256", "filer_device"), digest),
        **dict.fromkeys(("serial", "replaces_serial"), rekey.new_serial),
        **dict.fromkeys(("phone", "filer_phone"), rekey.new_phone),
        "bank_ref": rekey.new_bank_ref,
        "email": rekey.new_email,
        "address": rekey.new_address,
        "filer_ip": rekey.new_ip,
        "source": rekey.new_source,
        "document": lambda _: "",
    }  # fmt: skip


def changed(name: str, row: Row, change: dict[str, Callable[[str], str]]) -> Row:
    """The row under its new keys."""
    out = {
        column: change[column](value) if value and column in change and column != "source" else value
        for column, value in row.items()
    }
    if name == "shareholdings":
        holder = row["holder_id"]
        out["holder_id"] = (
            rekey.new_uscc(holder) if row["holder_kind"] == "company" else rekey.new_hash(holder)
        )
    if name == "price_observations":
        out["source"] = rekey.new_source(row["source"])
    return out


def write(source: Path, labels_path: Path, out: Path, labels_out: Path) -> int:
    """Cut, give new keys, write; the size in bytes."""
    rows, headers, labels = cut(source, labels_path)
    numbers = renumber(source)
    change = changers(numbers)
    out.mkdir(parents=True, exist_ok=True)
    for name, kept in rows.items():
        with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, headers[name], lineterminator="\n")
            writer.writeheader()
            writer.writerows(changed(name, row, change) for row in kept)
    labels_out.parent.mkdir(parents=True, exist_ok=True)
    with labels_out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(labels[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"claim_no": numbers[row["claim_no"]]} for row in labels)
    return sum(path.stat().st_size for path in out.glob("*.csv"))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="从一个数据集裁出演示年度")
    parser.add_argument("folder", type=Path)
    parser.add_argument("labels_file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    given = parser.parse_args()
    size = write(given.folder, given.labels_file, given.out, given.labels)
    print(f"{size / 1e6:.2f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
