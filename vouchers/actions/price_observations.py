"""Observations: taken in from files and people, admitted, quarantined or set aside; never changed in what they said."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from vouchers import dates
from vouchers.access import Role, require_role
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
from vouchers.errors import Invalid, NotNow
from vouchers.models import Party, PriceObservation, User
from vouchers.models.prices import Evidence, Market, ObservationState
from vouchers.models.recorded import Origin
from vouchers.policy.fair_price import METHODS, REASONS
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
) -> LoadReport:
    """Chinese observations (columns of ``price_observations.csv``) as imported history, in one statement of the database.

    Rows are numbered from ``first_row`` (the header is row 1). Sound rows are loaded, suspect ones quarantined, broken ones
    reported in ``refused``; rows that are there already count as ``known``. Runs in the caller's transaction.
    """
    announce("price.import", feed)
    tables = tables_for(Market.CHINA, latest=latest)

    def read(raw: Mapping[str, str | None], row_no: int) -> Reading:
        return read_dataset_row(raw, tables, row_no=row_no, feed=feed)

    return _load(rows, read, Market.CHINA, first_row)


def load_reference_prices(
    rows: Iterable[Mapping[str, str | None]],
    *,
    feed: str = "gpu_prices.csv",
    first_row: int = 2,
    latest: date | None = None,
) -> LoadReport:
    """Foreign list prices (columns of ``gpu_prices.csv``) into the reference market; otherwise as ``load_observations``."""
    announce("price.import", feed)
    tables = tables_for(Market.REFERENCE, latest=latest)

    def read(raw: Mapping[str, str | None], row_no: int) -> Reading:
        return read_reference_row(raw, tables, row_no=row_no, feed=feed)

    return _load(rows, read, Market.REFERENCE, first_row)


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
        if columns >= set(REFERENCE_COLUMNS) - {"zone", "dataset", "region", "form_factor"}:
            return load_reference_prices(
                reader, feed=name, latest=_not_before(SHIPPED_UNTIL) if shipped else None
            )
        if columns >= set(DATASET_COLUMNS) - {
            "precision",
            "bookable_since",
            "reference",
            "cards",
            "vat_rate",
        }:
            return load_observations(reader, feed=name)
    missing = "、".join(sorted(set(DATASET_COLUMNS) - columns)[:6])
    raise Invalid(
        "price.file_columns",
        f"{path.name} 的列名不是价格文件的格式，缺少：{missing} 等。",
        hint="请使用 price_observations.csv 或 gpu_prices.csv 的列名。",
    )


def _not_before(day: date) -> date:
    return max(day, dates.today(), timezone.now().astimezone(dates.SHANGHAI).date())


def _load(
    rows: Iterable[Mapping[str, str | None]],
    read: Callable[[Mapping[str, str | None], int], Reading],
    market: str,
    first_row: int,
) -> LoadReport:
    report = LoadReport()
    readings: dict[str, Reading] = {}
    for row_no, raw in enumerate(rows, start=first_row):
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
    known = _known(readings)
    report.known += len(known)
    fresh = [reading for digest, reading in readings.items() if digest not in known]
    quarantine_suspects(fresh, market)
    attach_register(fresh)
    _insert(fresh)
    for reading in fresh:
        item = reading.observation
        if item.state == ObservationState.ADMITTED:
            report.admitted += 1
            continue
        report.reasons[item.reason] += 1
        report.held_rows.append((item.row_no or 0, item.reason, item.note))
        if item.state == ObservationState.QUARANTINED:
            report.quarantined += 1
        else:
            report.set_aside += 1
    return report


def _known(readings: Mapping[str, Reading]) -> set[str]:
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


def record_observation(
    fields: Mapping[str, str | None],
    *,
    by: User | None,
    evidence: str = Evidence.DECLARED,
    feed: str = "",
    known_on: date | None = None,
) -> PriceObservation:
    """Take in one live observation: a verified contract price pushed down by casework (``by=None``, evidence ``verified``), a
    provider's quote, an expert's opinion. The same content again gives the first row.

    Fields are those of ``price_observations.csv``. Raises ``Invalid`` with the column when it breaks the format; a suspect
    price is kept, quarantined, and returned so.
    """
    announce("price.record")
    if by is not None:
        party = Party.objects.filter(uscc=(fields.get("source") or "").strip().upper()).first()
        if party is None or not _may_speak_for(by, party):
            require_role(by, Role.PRICE_PUBLISHER, Role.HANDLER, Role.EXPERT)
    tables = tables_for(Market.CHINA, latest=dates.today())
    known_at = dates.now()
    try:
        reading = read_dataset_row(
            fields, tables, feed=feed, origin=Origin.LIVE, evidence=evidence, known_at=known_at
        )
    except Refused as problem:
        raise Invalid(f"price.{problem.code}", f"{problem.message}。", field=problem.field) from None
    held: PriceObservation | None = PriceObservation.objects.filter(digest=reading.observation.digest).first()
    if held is not None:
        return held
    quarantine_suspects([reading], Market.CHINA)
    attach_register([reading])
    observation = reading.observation.row()
    observation.save(force_insert=True)
    return observation


def _may_speak_for(user: User, party: Party) -> bool:
    from vouchers.access import has_role

    return has_role(user, Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM, party=party)


def admit_observation(
    observation: PriceObservation, *, by: User, corrections: Mapping[str, str], note: str
) -> PriceObservation:
    """Settle a quarantined price: the corrected fields are read anew; what was handed in stays as it was.

    Raises ``NotNow`` when it is not quarantined, ``Invalid`` when it still cannot be read or no reason is given.
    """
    announce("price.admit", note)
    require_role(by, Role.PRICE_PUBLISHER)
    if observation.state != ObservationState.QUARANTINED:
        raise NotNow("price.not_quarantined", "该条价格不在待核对之列。")
    if not note.strip():
        raise Invalid("price.note_missing", "请写明核对的依据。", field="note")
    fields = {**observation.original, **{key: value for key, value in corrections.items() if value}}
    tables = tables_for(observation.market)
    try:
        if observation.market == Market.CHINA:
            reading = read_dataset_row(
                fields, tables, known_at=dates.now(), evidence=observation.evidence or Evidence.IMPORTED
            )
        else:
            reading = read_reference_row(fields, tables)
    except Refused as problem:
        raise Invalid(f"price.{problem.code}", f"{problem.message}。", field=problem.field) from None
    settled = reading.observation
    if settled.state != ObservationState.ADMITTED:
        raise Invalid(f"price.{settled.reason}", f"更正后仍不能采用：{settled.note}。", field="corrections")
    for name in (
        "accelerator", "form_factor", "region_group", "term_bucket", "normalised_price", "unit", "cards", "precision",
        "unit_price", "currency", "vat_rate", "tax_included", "tier", "term_months", "region_code",
    ):  # fmt: skip
        setattr(observation, name, getattr(settled, name))
    observation.state, observation.reason = ObservationState.ADMITTED, ""
    observation.note, observation.decided_by = note[:300], by
    observation.known_at = dates.now()
    observation.revision += 1
    observation.save()
    return observation


def set_aside_observations(
    *,
    reason: str,
    by: User | None,
    reference: str = "",
    source: str = "",
    observation_no: str = "",
    note: str = "",
) -> int:
    """Take prices out of the index from now on: by contract number, by source, or one. Past decisions keep theirs.

    ``by=None`` is a service (audit pushes down that a lease was found false). Raises ``Invalid`` for an unknown reason code.
    """
    announce("price.set_aside", note)
    if by is not None:
        require_role(by, Role.PRICE_PUBLISHER, Role.INVESTIGATOR)
    if reason not in REASONS:
        raise Invalid("price.unknown_reason", f"原因代码“{reason}”不在可选范围内。", field="reason")
    chosen = PriceObservation.objects.filter(state=ObservationState.ADMITTED, set_aside_at=None)
    if reference:
        chosen = chosen.filter(reference=reference)
    elif source:
        chosen = chosen.filter(source_key=source)
    elif observation_no:
        chosen = chosen.filter(observation_no=observation_no)
    else:
        raise Invalid("price.nothing_named", "请指明要剔除的合同、来源或价格编号。")
    return chosen.update(set_aside_at=dates.now(), set_aside_reason=reason, note=note[:300], decided_by=by)
