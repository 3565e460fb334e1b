"""A past year in the bulk format, as far as a dry run needs its rows: read straight from the files, nothing is imported."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from applications.einvoice.numbers import norm_inv
from applications.sample_links import Links, read_links
from vouchers.errors import Invalid

SHIPPED = Path(__file__).parent / "demo" / "dataset"
Row = dict[str, str]


@dataclass
class SampleYear:
    """A folder's rows, as far as a replay needs them. A table that is not there is None: not known."""

    folder: Path
    parties: dict[str, Row] = field(default_factory=dict)
    leases: dict[str, Row] = field(default_factory=dict)
    applications: list[Row] = field(default_factory=list)
    vouchers: dict[str, Row] = field(default_factory=dict)
    claims: list[Row] = field(default_factory=list)
    invoices: dict[str, Row] = field(default_factory=dict)
    claim_invoices: dict[str, list[Row]] = field(default_factory=dict)
    listings: dict[str, list[Row]] | None = None
    admissions: dict[str, list[Row]] | None = None
    links: Links | None = None
    left_out: int = 0
    """Rows that could not be read; their cases are not replayed."""


def read_year(folder: Path) -> SampleYear:
    """The folder's files. Raises ``Invalid`` (``dry_run.sample_missing``) where claims, vouchers or leases are missing."""
    for name in ("applications", "vouchers", "claims", "leases"):
        if not (folder / f"{name}.csv").is_file():
            raise Invalid(
                "dry_run.sample_missing",
                f"样本年度缺少 {name}.csv，不能测算。",
                hint="文件与列名见批量数据格式说明（docs/bulk-format.md）。",
            )
    year = SampleYear(folder)
    year.parties = {row["uscc"]: row for row in _rows(folder, "parties")}
    year.leases = {row["lease_no"]: row for row in _rows(folder, "leases")}
    year.applications = list(_rows(folder, "applications"))
    year.vouchers = {row["voucher_no"]: row for row in _rows(folder, "vouchers")}
    year.claims = list(_rows(folder, "claims"))
    year.invoices = {key_of(row): row for row in _rows(folder, "invoices")}
    year.claim_invoices = grouped(_rows(folder, "claim_invoices"), "claim_no")
    if (folder / "listings.csv").is_file():
        year.listings = grouped(_rows(folder, "listings"), "uscc")
    if (folder / "provider_admissions.csv").is_file():
        year.admissions = grouped(_rows(folder, "provider_admissions"), "provider_uscc")
    year.links = read_links(folder, year.parties)
    return year


@lru_cache(maxsize=2)
def _cached(folder: str, stamp: float) -> SampleYear:
    return read_year(Path(folder))


def year_in(folder: Path) -> SampleYear:
    """The folder's year; kept for the next question while the files stay as they are."""
    stamps = [entry.stat().st_mtime for entry in os.scandir(folder) if entry.name.endswith(".csv")]
    return _cached(str(folder), max(stamps, default=0.0))


def _rows(folder: Path, name: str) -> Iterator[Row]:
    path = folder / f"{name}.csv"
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream, restval="")


def grouped(rows: Iterator[Row], column: str) -> dict[str, list[Row]]:
    """The rows by the value of a column."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(found)


def key_of(row: Row) -> str:
    """The normalised number of a row's invoice."""
    return norm_inv(row.get("invoice_code") or "", row["invoice_no"])
