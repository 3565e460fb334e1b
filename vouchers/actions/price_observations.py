"""Observations of a file: taken in whole, each row admitted, quarantined, set aside or refused; never changed in what it said."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from vouchers import dates
from vouchers.actions.history import import_rows
from vouchers.actions.price_neighbours import attach_register, quarantine_suspects
from vouchers.actions.price_reading import (
    DATASET_COLUMNS,
    REFERENCE_COLUMNS,
    Reading,
    Refused,
    RefusedRow,
    Tables,
    read_dataset_row,
    read_reference_row,
)
from vouchers.actions.price_tables import chip_table, load_price_tables, rate_table
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import PriceObservation
from vouchers.models.prices import Market, ObservationState
from vouchers.policy.fair_price import METHODS
from vouchers.policy.prices.regions import TABLES

SHIPPED_PRICES = TABLES / "gpu_prices.csv.gz"
SHIPPED_UNTIL = date(2026, 8, 22)  # the last day in the shipped file

IMPORT_COLUMNS = (
    "observation_no", "digest", "revision", "market", "observed_on", "known_at", "source", "source_key", "party_id", "kind",
    "region_code", "region_id", "tier", "accelerator", "form_factor", "term_months", "unit", "cards", "precision",
    "unit_price", "currency", "vat_rate", "tax_included", "bookable_since", "carried_from", "reference", "sku", "evidence",
    "original", "feed", "row_no", "region_group", "term_bucket", "normalised_price", "state", "reason", "set_aside_reason", "note",
)  # fmt: skip


@dataclass
class LoadReport:
    """What became of a file's rows. ``known`` were there already; ``reasons`` count what does not vote, by code."""

    read: int = 0
    admitted: int = 0
    quarantined: int = 0
    set_aside: int = 0
    known: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedRow] = field(default_factory=list)
    held_rows: list[tuple[int, str, str]] = field(default_factory=list)
    waiting_rows: set[int] = field(default_factory=set)
    """Of ``held_rows`` those that wait for a person; the others are set aside."""

    @property
    def taken(self) -> int:
        """Rows that are new in the database."""
        return self.admitted + self.quarantined + self.set_aside


def tables_for(market: str, *, latest: date | None = None) -> Tables:
    """The tables that today's method of the market reads with. ``latest``: the last day that is not in the future; by
    default the later of business date and real date, since a file brought along may be younger than a demonstration's day."""
    method = METHODS[market, 1]
    real = timezone.now().astimezone(dates.SHANGHAI).date()
    return Tables(
        chips=chip_table(method.chip_table),
        rates=rate_table(),
        region_table=method.region_table,
        source_table=method.source_table,
        latest=latest or max(dates.today(), real),
    )


def load_observations(
    rows: Iterable[Mapping[str, str | None]],
    *,
    feed: str = "price_observations.csv",
    first_row: int = 2,
    latest: date | None = None,
    known_at: datetime | None = None,
    numbers: Sequence[int] = (),
) -> LoadReport:
    """Chinese observations (columns of ``price_observations.csv``) as imported history, in one statement of the database.
    ``known_at``: since when they count as known; by default each since its own day. ``numbers``: the rows' own numbers.

    Rows are numbered from ``first_row`` (the header is row 1). Sound rows are loaded, suspect ones quarantined, broken ones
    reported in ``refused``; rows that are there already count as ``known``. Runs in the caller's transaction.
    """
    announce("price.import", feed)
    tables = tables_for(Market.CHINA, latest=latest)

    def read(raw: Mapping[str, str | None], row_no: int) -> Reading:
        return read_dataset_row(raw, tables, row_no=row_no, feed=feed, known_at=known_at)

    return _load(rows, read, Market.CHINA, first_row, numbers)


def preview_observations(
    rows: Iterable[Mapping[str, str | None]],
    *,
    market: str = Market.CHINA,
    feed: str = "",
    numbers: Sequence[int] = (),
) -> LoadReport:
    """What would become of these rows, told as ``load_observations`` tells it; nothing is written."""
    tables = tables_for(market)

    def read(raw: Mapping[str, str | None], row_no: int) -> Reading:
        one = read_dataset_row if market == Market.CHINA else read_reference_row
        return one(raw, tables, row_no=row_no, feed=feed)

    report, fresh = _read(rows, read, market, 2, numbers)
    _count(report, fresh)
    return report


def load_reference_prices(
    rows: Iterable[Mapping[str, str | None]],
    *,
    feed: str = "gpu_prices.csv",
    first_row: int = 2,
    latest: date | None = None,
    numbers: Sequence[int] = (),
) -> LoadReport:
    """Foreign list prices (columns of ``gpu_prices.csv``) into the reference market; otherwise as ``load_observations``."""
    announce("price.import", feed)
    tables = tables_for(Market.REFERENCE, latest=latest)

    def read(raw: Mapping[str, str | None], row_no: int) -> Reading:
        return read_reference_row(raw, tables, row_no=row_no, feed=feed)

    return _load(rows, read, Market.REFERENCE, first_row, numbers)


def import_prices(path: Path | None = None) -> LoadReport:
    """Load a price file (CSV, may be gzipped), either of the two formats; without a path the shipped real file.

    Raises ``Invalid`` (``price.file_*``) when it is no such file; then nothing is written.
    """
    load_price_tables()
    shipped = path is None
    path = path or SHIPPED_PRICES
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as problem:
        raise Invalid("price.file_unreadable", f"无法读取 {path.name}：{problem}") from None
    except UnicodeDecodeError:
        raise Invalid(
            "price.file_encoding",
            f"{path.name} 不是 UTF-8 编码的文本。",
            hint="请另存为 UTF-8 的 CSV 后重试。",
        ) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = {name.strip() for name in reader.fieldnames or ()}
    name = path.name.removesuffix(".gz")[:60]
    with transaction.atomic():
        if market_of_columns(columns, path.name) == Market.REFERENCE:
            return load_reference_prices(
                reader, feed=name, latest=_not_before(SHIPPED_UNTIL) if shipped else None
            )
        return load_observations(reader, feed=name)


def market_of_columns(columns: Collection[str], filename: str) -> str:
    """Which of the two formats a file with these columns is of. Raises ``Invalid`` (``price.file_columns``) for neither."""
    known = set(columns)
    if known >= set(REFERENCE_COLUMNS) - {"zone", "dataset", "region", "form_factor"}:
        return Market.REFERENCE
    if known >= set(DATASET_COLUMNS) - {"precision", "bookable_since", "reference", "cards", "vat_rate"}:
        return Market.CHINA
    missing = "、".join(sorted(set(DATASET_COLUMNS) - known)[:6])
    raise Invalid(
        "price.file_columns",
        f"{filename} 的列名不是价格文件的格式，缺少：{missing} 等。",
        hint="请使用 price_observations.csv 或 gpu_prices.csv 的列名。",
    )


def _not_before(day: date) -> date:
    return max(day, dates.today(), timezone.now().astimezone(dates.SHANGHAI).date())


def _load(
    rows: Iterable[Mapping[str, str | None]],
    read: Callable[[Mapping[str, str | None], int], Reading],
    market: str,
    first_row: int,
    numbers: Sequence[int] = (),
) -> LoadReport:
    report, fresh = _read(rows, read, market, first_row, numbers)
    _insert(fresh)
    _count(report, fresh)
    return report


def _read(
    rows: Iterable[Mapping[str, str | None]],
    read: Callable[[Mapping[str, str | None], int], Reading],
    market: str,
    first_row: int,
    numbers: Sequence[int] = (),
) -> tuple[LoadReport, list[Reading]]:
    """The rows that are new, each beside its neighbours and the register."""
    report = LoadReport()
    readings: dict[str, Reading] = {}
    for place, raw in enumerate(rows):
        row_no = numbers[place] if numbers else first_row + place
        report.read += 1
        try:
            reading = read(raw, row_no)
        except Refused as problem:
            plain = {key: value or "" for key, value in raw.items() if isinstance(key, str)}
            report.refused.append(RefusedRow(row_no, problem.field, problem.code, problem.message, plain))
            continue
        if reading.observation.digest in readings:
            report.known += 1
        else:
            readings[reading.observation.digest] = reading
    known = known_digests(readings)
    report.known += len(known)
    fresh = [reading for digest, reading in readings.items() if digest not in known]
    quarantine_suspects(fresh, market)
    attach_register(fresh)
    return report, fresh


def _count(report: LoadReport, fresh: Iterable[Reading]) -> None:
    for reading in fresh:
        item = reading.observation
        if item.state == ObservationState.ADMITTED:
            report.admitted += 1
            continue
        report.reasons[item.reason] += 1
        report.held_rows.append((item.row_no or 0, item.reason, item.note))
        if item.state == ObservationState.QUARANTINED:
            report.quarantined += 1
            report.waiting_rows.add(item.row_no or 0)
        else:
            report.set_aside += 1


def known_digests(readings: Iterable[str]) -> set[str]:
    """Those of the digests that are in the database."""
    digests = list(readings)
    found: set[str] = set()
    for start in range(0, len(digests), 10_000):
        found.update(
            PriceObservation.objects.filter(digest__in=digests[start : start + 10_000]).values_list(
                "digest", flat=True
            )
        )
    return found


def _insert(readings: Sequence[Reading]) -> None:
    import_rows(
        PriceObservation,
        IMPORT_COLUMNS,
        ([getattr(reading.observation, name) for name in IMPORT_COLUMNS] for reading in readings),
    )
