"""价格文件: a file is read and shown row by row first; a person lets it in, or not. Let in twice it changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.price_observations import (
    LoadReport,
    load_observations,
    load_reference_prices,
    market_of_columns,
    preview_observations,
)
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import PriceFile, User
from vouchers.models.price_reports import PriceFileState
from vouchers.models.prices import Market, PriceKind
from vouchers.numbers import next_no
from vouchers.policy.prices.eligibility import REASONS
from vouchers.states import advance
from vouchers.workbooks.price_rows import MOST_BYTES, NAMES, PriceRows, read_price_rows

MOST_FINDINGS = 5_000


def preview_file(content: bytes, filename: str, *, backfilled: bool, by: User) -> PriceFile:
    """Take a file up and say what would become of each row; no price is loaded. The same file again is the same row.

    Raises ``Forbidden`` and ``Invalid`` (``price.file_*``).
    """
    announce("price_file.preview", filename)
    require_role(by, Role.PRICE_PUBLISHER)
    if len(content) > MOST_BYTES:
        read_price_rows(content, filename)
    digest = hashlib.sha256(content).hexdigest()
    held: PriceFile | None = (
        PriceFile.objects.exclude(state=PriceFileState.DISCARDED).filter(sha256=digest).first()
    )
    if held is not None:
        return held
    load_price_tables()
    sheet = read_price_rows(content, filename)
    market = _market(sheet, filename)
    report = preview_observations(_plain(sheet), market=market, feed=filename[:60], numbers=_numbers(sheet))
    return PriceFile.objects.create(
        file_no=next_no("PF", dates.today()),
        filename=filename[:120],
        sha256=digest,
        content=content,
        backfilled=backfilled,
        row_count=report.read,
        counts=_counts(report),
        findings=_findings(report, sheet),
        uploaded_by=by,
        uploaded_at=dates.now(),
    )


def load_file(file: PriceFile, *, by: User) -> LoadReport:
    """Let the file in: exactly the bytes that were shown. Raises ``Forbidden`` and ``NotNow`` (``price_file.not_now``).

    What votes on nothing but the file's word, history handed over above all, decides: another person than the uploader lets it
    in (``access.same_person``). Files of costs, which never vote, and of the reference market need none.
    """
    announce("price_file.load", f"{file.filename}，SHA-256 {file.sha256}")
    content = bytes(file.content)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise NotNow("price_file.altered", "所存文件与预览时的摘要不符，请重新上传。")
    sheet = read_price_rows(content, file.filename)
    if file.backfilled or _needs_two(sheet):
        require_other_person(by, {file.uploaded_by_id}, "确认导入价格文件")
    advance(file, "load", by=by, update={"decided_by": by, "decided_at": dates.now()})
    feed = f"{file.file_no} {file.filename}"[:60]
    if _market(sheet, file.filename) == Market.REFERENCE:
        report = load_reference_prices(_plain(sheet), feed=feed, numbers=_numbers(sheet))
    else:
        known_at = None if file.backfilled else dates.now()
        report = load_observations(_plain(sheet), feed=feed, known_at=known_at, numbers=_numbers(sheet))
    announce("price_file.load", f"{file.filename}，SHA-256 {file.sha256}")
    file.counts, file.findings = _counts(report), _findings(report, sheet)
    file.save(update_fields=["counts", "findings"])
    return report


def discard_file(file: PriceFile, *, by: User, reason: str) -> PriceFile:
    """The file is not let in. Raises ``Invalid`` (``reason.missing``)."""
    announce("price_file.discard", reason)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    advance(file, "discard", by=by, update={"decided_by": by, "decided_at": dates.now()})
    return file


def _needs_two(sheet: PriceRows) -> bool:
    """Whether a row is, or may be read as, one that votes."""
    kinds = (PriceKind.TRANSACTION, PriceKind.EXPERT, PriceKind.QUOTE)
    return any(_kind(row) in kinds for _number, row in sheet.rows)


def _market(sheet: PriceRows, filename: str) -> str:
    columns = set(sheet.columns)
    if "unit_price" in columns:
        # What a workbook left out altogether is told row by row.
        columns |= set(NAMES)
    return market_of_columns(columns, filename)


def _numbers(sheet: PriceRows) -> list[int]:
    return [number for number, _row in sheet.rows]


def _plain(sheet: PriceRows) -> Iterator[dict[str, str | None]]:
    for _number, row in sheet.rows:
        # Whoever leaves the column out has not said for whom its experts work.
        yield {"employer": "", **row} if _kind(row) == PriceKind.EXPERT else dict(row)


def _kind(row: Mapping[str, str]) -> str:
    return (row.get("kind") or "").strip().lower()


def _counts(report: LoadReport) -> dict[str, int]:
    return {
        "read": report.read,
        "admitted": report.admitted,
        "quarantined": report.quarantined,
        "set_aside": report.set_aside,
        "known": report.known,
        "refused": len(report.refused),
    }


def _findings(report: LoadReport, sheet: PriceRows) -> list[dict[str, Any]]:
    """Each row that is not admitted, by its own number in the file (blank lines count) and its cell."""
    found = [
        {
            "row": row.row_no,
            "cell": sheet.cell(row.row_no, row.field),
            "column": NAMES[row.field].label if row.field in NAMES else row.field,
            "code": row.code,
            "message": row.message,
            "outcome": "refused",
        }
        for row in report.refused
    ]
    waiting = report.waiting_rows
    found += [
        {
            "row": row_no,
            "cell": str(row_no),
            "column": "",
            "code": reason,
            "message": note or REASONS.get(reason, reason),
            "outcome": "quarantined" if row_no in waiting else "set_aside",
        }
        for row_no, reason, note in report.held_rows
    ]
    return sorted(found, key=lambda one: (one["row"], one["cell"]))[:MOST_FINDINGS]
