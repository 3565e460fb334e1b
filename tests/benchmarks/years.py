"""Large folders of the bulk format: the demonstration's year, written many times over under other keys.

Each copy has its own parties, leases, machines, invoices and frauds; prices are written once, as they are of one market.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from config.embedded import REPOSITORY

YEAR = REPOSITORY / "applications" / "demo" / "dataset"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Rekey = Callable[[str, str], str]


def _behind(text: str, mark: str) -> str:
    return text[: -len(mark)] + mark if len(text) > len(mark) else text + mark


def _numbered(text: str, mark: str) -> str:
    head, dash, tail = text.rpartition("-")
    return f"{head}{dash}{mark}{tail}"


def _digits(text: str, mark: str) -> str:
    """The sixth to ninth digit of an invoice's number, however it is written; year and province stay. A number of eight digits,
    which names neither, has the copy in its first four."""
    cells, seen = list(text), 0
    first = 5 if sum(cell.isdigit() for cell in cells) > 8 else 0
    for place, cell in enumerate(cells):
        if cell.isdigit():
            if first <= seen < first + len(mark):
                cells[place] = mark[seen - first]
            seen += 1
    return "".join(cells)


def _party(text: str, mark: str) -> str:
    """A code of 18 characters, or the hash of a person's number."""
    return text[:-4] + mark


KEYS: dict[str, Rekey] = {
    **dict.fromkeys(
        (
            "uscc", "other_uscc", "company_uscc", "holder_id", "provider_uscc", "lessee_uscc", "lessor_uscc", "seller_uscc",
            "buyer_uscc", "payer_uscc", "payee_uscc", "enterprise_uscc", "legal_rep_id",
        ),
        _party,
    ),
    **dict.fromkeys(("lease_no", "application_no", "voucher_no", "claim_no"), _numbered),
    **dict.fromkeys(("invoice_no", "red_of"), _digits),
    **dict.fromkeys(("serial", "replaces_serial", "address", "filer_device"), lambda text, mark: text + mark),
    **dict.fromkeys(
        ("phone", "filer_phone", "bank_account", "payer_account", "payee_account", "document_sha256", "file_sha256",
         "receipt_sha256"),
        _behind,
    ),
    # A day and twelve digits, of which a year's transfers may share all but four.
    "bank_ref": lambda text, mark: text + mark,
    "email": lambda text, mark: f"{mark}.{text}",
}  # fmt: skip


def write_year(folder: Path, copies: int) -> int:
    """Write ``copies`` of the year into the folder; returns how many rows it has."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = 0
    for source in sorted(YEAR.glob("*.csv")):
        with source.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader)
            year = list(reader)
        rekeyed = [] if source.name == "price_observations.csv" else [
            (place, KEYS[name]) for place, name in enumerate(header) if name in KEYS
        ]  # fmt: skip
        with (folder / source.name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            for copy in range(copies if rekeyed else 1):
                # Four digits, of which a hash or a code of a company may hold any.
                mark = f"{copy:04d}"
                for row in year:
                    if copy:
                        row = row.copy()
                        for place, rekey in rekeyed:
                            if row[place]:
                                row[place] = rekey(row[place], mark)
                    writer.writerow(row)
                rows += len(year)
    return rows
