"""The data that a rule sees: columns of whole numbers, as known at one instant. No database, no clock, no settings.

Money is in fen, unit prices in millionths of a yuan, shares and percents as noted, dates in days and instants in
microseconds since 1970; texts that are only compared (numbers, serials, codes) are 64-bit digests. Words that people
read are fetched by ``labels`` for the few rows that are flagged. Where nothing is known the value is ``MISSING``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

MISSING = int(np.iinfo(np.int64).min)
FAR = 2**40  # later than any day: the end of what has none
EPOCH = date(1970, 1, 1)

Column = NDArray[np.int64]
T = TypeVar("T")

# The columns of each table. A source gives every one of them; what it does not know is MISSING.
COLUMNS: dict[str, tuple[str, ...]] = {
    "claims": (
        "id", "lease", "enterprise", "provider", "live", "submitted_at", "submitted_on", "paid_on", "amount", "program",
        "decided_at", "approved", "reviewer", "voucher_on",
    ),
    "items": ("id", "claim", "invoice", "key", "net", "transfer"),
    "invoices": (
        "id", "key", "number", "net", "gross", "issued_on", "status", "changed_on", "seller", "buyer", "lease",
        "period_from", "period_to", "red_of", "file", "digital", "code_length", "number_length", "number_year",
        "number_province", "compute",
    ),
    "leases": (
        "id", "lessee", "lessor", "live", "signed_on", "starts_on", "ends_before", "amount", "exclusive", "cards",
        "unit_price", "by_card_hour", "accelerator", "document", "program",
    ),
    "lease_devices": ("id", "lease", "serial", "starts", "ends", "share"),
    "devices": ("id", "serial", "provider", "accelerator", "site", "in_service_on", "retired_on", "replaces"),
    "parties": ("id", "uscc", "legal_rep", "phone", "email", "address", "registered_on", "province"),
    "accounts": ("id", "party", "account"),
    "shareholdings": ("id", "company", "holder", "holder_is_company", "percent", "starts", "ends", "public_body"),
    "declared": ("id", "party", "other", "relation", "declared_on"),
    "transfers": ("id", "payer", "payee", "paid_on", "amount", "receipt"),
    "metering": ("id", "lease", "days", "hours", "platform_days", "platform_hours"),
    "daily": ("id", "lease", "day", "hours"),
    "filings": ("id", "enterprise", "filed_at", "device", "phone", "program", "claim"),
    "capacity": ("id", "provider", "accelerator", "cards", "starts", "ends"),
    "listings": ("id", "party", "kind", "starts", "ends"),
    "offers": ("id", "party", "source", "seen_on", "accelerator", "tier", "months", "price"),
    "tiers": ("id", "provider", "tier"),
    "price_checks": ("id", "lease", "above", "grade", "unit_price", "base", "upper", "excess", "groups"),
}  # fmt: skip

STATUS = {"normal": 0, "red": 1, "voided": 2}
RELATIONS = {"parent": 1, "subsidiary": 2, "sister": 3, "branch": 4, "agent": 5, "spouse": 6, "other": 7}


class Table:
    """Rows as columns. ``at`` finds the row of an id."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = dict(columns)
        self.size = len(next(iter(self._columns.values()), ()))
        self._rows: dict[int, int] | None = None

    def __getattr__(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            raise AttributeError(name) from None

    def __len__(self) -> int:
        return self.size

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(self._columns)

    def at(self, identity: int) -> int | None:
        """The row of this id, or None."""
        if self._rows is None:
            self._rows = {int(value): row for row, value in enumerate(self._columns["id"])}
        return self._rows.get(int(identity))

    def look_up(self, name: str, identities: Column) -> Column:
        """The column's value for each id; MISSING where there is no such row."""
        if not self.size:
            return np.full(len(identities), MISSING, dtype=np.int64)
        order = self._order()
        places = np.searchsorted(self._columns["id"], identities, sorter=order).clip(max=self.size - 1)
        rows = order[places]
        found = self._columns["id"][rows] == identities
        return np.where(found, self._columns[name][rows], MISSING)

    def _order(self) -> NDArray[np.intp]:
        if "_sorted" not in self.__dict__:
            self.__dict__["_sorted"] = np.argsort(self._columns["id"], kind="stable")
        order: NDArray[np.intp] = self.__dict__["_sorted"]
        return order


class Source(Protocol):
    """Where tables and words come from: the database, or the rows of a fixture."""

    whole: bool

    def load(self, name: str) -> Table:
        """The table of this name, with all its COLUMNS."""

    def labels(self, noun: str, identities: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The words of these rows, for sentences and evidence."""

    def collected(self, name: str) -> bool:
        """Whether there is any row of this kind at all, also outside of a neighbourhood."""


# noun → what its label holds, in this order.
LABELS: dict[str, tuple[str, ...]] = {
    "claim": ("claim_no", "program_code", "region_code", "state", "reviewer"),
    "item": ("claim_no", "position"),
    "lease": ("lease_no", "program_code", "region_code"),
    "invoice": ("number_key", "invoice_no", "seller_name", "buyer_name"),
    "lease_device": ("lease_no", "serial", "from"),
    "device": ("serial",),
    "party": ("uscc", "name"),
    "shareholding": ("company_uscc", "holder_id", "from", "holder_name"),
    "declared": ("uscc", "other_uscc", "relation", "on"),
    "transfer": ("bank_ref",),
    "price_check": ("check_no",),
    "document": ("text",),
}


class Facts:
    """What is known. ``whole`` is False when only the neighbourhood of one case is loaded: then nothing statistical can
    be tested, while every rule about records gives the same answer as over everything."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.whole = source.whole
        self._tables: dict[str, Table] = {}
        self._derived: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Table:
        if name not in COLUMNS:
            raise AttributeError(name)
        if name not in self._tables:
            self._tables[name] = self._source.load(name)
        return self._tables[name]

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What several rules derive of the same facts, made by the first that asks. ``make`` rests on the facts alone."""
        if name not in self._derived:
            self._derived[name] = make()
        derived: T = self._derived[name]
        return derived

    @property
    def seller(self) -> Column:
        """The party that issued each invoice, by its code; MISSING where it is none on file."""
        return self.once("seller", lambda: self._party_by_code(self.invoices.seller))

    @property
    def buyer(self) -> Column:
        """The party that each invoice was issued to, by its code; MISSING where it is none on file."""
        return self.once("buyer", lambda: self._party_by_code(self.invoices.buyer))

    def _party_by_code(self, codes: Column) -> Column:
        parties = self.parties
        if not len(parties):
            return np.full(len(codes), MISSING, dtype=np.int64)
        order = np.argsort(parties.uscc, kind="stable")
        places = order[np.searchsorted(parties.uscc, codes, sorter=order).clip(max=len(order) - 1)]
        return np.where((parties.uscc[places] == codes) & (codes != MISSING), parties.id[places], MISSING)

    def collected(self, name: str) -> bool:
        """Whether this kind of data was collected: without a single row of it nothing that depends on it can be tested."""
        return self._source.collected(name)

    def labels(self, noun: str, identities: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Words of rows: ``labels("lease", ids)[id] == (lease_no, program_code, region_code)``."""
        wanted = sorted({int(one) for one in identities} - {MISSING})
        return self._source.labels(noun, wanted) if wanted else {}


class RowSource:
    """Facts from plain rows, for fixtures: dates, Decimals and texts are turned into numbers as the database does it."""

    whole = True

    def __init__(
        self,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        labels: Mapping[str, Mapping[int, tuple[str, ...]]],
    ) -> None:
        unknown = {
            f"{name}.{key}"
            for name, some in rows.items()
            for row in some
            for key in row
            if key not in COLUMNS[name]
        }
        if unknown:
            raise KeyError(f"unknown columns: {sorted(unknown)}")
        self._rows = rows
        self._labels = labels

    def load(self, name: str) -> Table:
        """The table of this name."""
        rows = self._rows.get(name, ())
        return Table(
            {
                column: np.array([number(row.get(column), column) for row in rows], dtype=np.int64)
                for column in COLUMNS[name]
            }
        )

    def collected(self, name: str) -> bool:
        """Whether the fixture has rows of this kind; declarations are asked for, unless it says with an empty list that none were."""
        if name == "declared" and name not in self._rows:
            return True
        return bool(self._rows.get(name))

    def labels(self, noun: str, identities: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The words given with the fixture, or the noun and id."""
        given = self._labels.get(noun, {})
        blanks = ("",) * (len(LABELS[noun]) - 1)
        return {one: given.get(one, (f"{noun}-{one}", *blanks)) for one in identities}


_FEN = frozenset({"net", "gross", "amount"})
_MILLIONTHS = frozenset({"unit_price", "price", "share", "base", "upper"})
_TEN_THOUSANDTHS = frozenset({"percent"})


def number(value: Any, column: str = "") -> int:
    """A plain value as the whole number of its column."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):
        return days(value)
    if isinstance(value, str):
        return digest(value) if value else MISSING
    if isinstance(value, Decimal | int) and column in _FEN | _MILLIONTHS | _TEN_THOUSANDTHS:
        factor = 100 if column in _FEN else 1_000_000 if column in _MILLIONTHS else 10_000
        return int(Decimal(value) * factor)
    return int(value)


def digest(text: str) -> int:
    """A text that is only compared, as a number of 63 bits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def days(day: date) -> int:
    """A date as days since 1970."""
    return (day - EPOCH).days


def as_date(number_of_days: int) -> date:
    """Days since 1970 as a date."""
    return EPOCH + timedelta(days=int(number_of_days))


def _runs(column: Column, order: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the runs of equal values along an order begin and end."""
    ordered = column[order]
    bounds = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return bounds, np.append(bounds[1:], len(order))


def groups(column: Column, order: NDArray[np.intp]) -> Iterable[NDArray[np.intp]]:
    """Runs of equal values along an order: the row numbers of each run, runs of one left out."""
    if not len(order):
        return
    bounds, ends = _runs(column, order)
    many = ends - bounds > 1
    for start, end in zip(bounds[many].tolist(), ends[many].tolist(), strict=True):
        yield order[start:end]


def mixed(
    column: Column, order: NDArray[np.intp], low: Column, high: Column | None = None
) -> Iterable[NDArray[np.intp]]:
    """Those of ``groups`` in which something is not the same throughout: ``low`` and ``high`` are its least and greatest value
    for each row of the order (one column where each row has one value)."""
    if not len(order):
        return
    bounds, ends = _runs(column, order)
    differs = np.minimum.reduceat(low, bounds) != np.maximum.reduceat(low if high is None else high, bounds)
    many = differs & (ends - bounds > 1)
    for start, end in zip(bounds[many].tolist(), ends[many].tolist(), strict=True):
        yield order[start:end]
