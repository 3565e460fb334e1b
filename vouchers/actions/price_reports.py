"""价格报送表: a provider writes and hands in; the office accepts, returns, excuses, notes a refusal, or finds it false (two persons)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Max

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.price_duties import record, repair, tell
from vouchers.actions.price_entries import (
    OWN_COLUMNS,
    OwnProvider,
    Taken,
    admitted_provider,
    own_row,
    take_observations,
)
from vouchers.actions.price_observations import tables_for
from vouchers.actions.price_reading import Reading, Refused, read_dataset_row
from vouchers.actions.price_removals import take_out
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import PriceObservation, PriceReport, PriceReportLine, User
from vouchers.models.credit_records import CreditGround
from vouchers.models.price_reports import WAITING_FOR_PARTY, DutyState
from vouchers.models.prices import Market, PriceKind
from vouchers.models.recorded import Origin
from vouchers.policy.prices.eligibility import REASONS
from vouchers.states import advance, not_now
from vouchers.workbooks.price_rows import read_price_rows

REPORTERS = (Role.FILER, Role.PLATFORM)
REPORTED_KINDS = (PriceKind.QUOTE, PriceKind.TRANSACTION, PriceKind.COST)
MOST_LINES = 500


@dataclass(frozen=True)
class LineReading:
    """A line as it would be taken: the reason why not, or the price per card-hour and what it is of."""

    line: PriceReportLine
    reading: Reading | None = None
    problem: Invalid | None = None

    @property
    def note(self) -> str:
        """What stands in the way, in words; empty for a line that would be admitted."""
        if self.problem is not None:
            return self.problem.message
        assert self.reading is not None
        item = self.reading.observation
        return item.note or REASONS.get(item.reason, "")


def _own(report: PriceReport) -> OwnProvider:
    """The provider on the day that the duty was laid on it: to be struck off later does not end a duty."""
    return admitted_provider(
        report.party, min(dates.today(), report.duty.opened_at.astimezone(dates.SHANGHAI).date())
    )


def _require_open(report: PriceReport, *, by: User) -> None:
    require_role(by, *REPORTERS, party=report.party)
    if report.state not in WAITING_FOR_PARTY:
        raise not_now(report, "submit")
    if report.duty.state != DutyState.OPEN:
        raise NotNow("reporting_duty.over", "该报送任务已结束，不再接收报送。")


def lines_of(report: PriceReport, *, draft: bool = False) -> list[PriceReportLine]:
    """The lines of the last submission, or those that are being written."""
    return list(report.lines.filter(submission=report.submission + draft).select_related("observation"))


def read_lines(report: PriceReport, lines: Sequence[PriceReportLine]) -> list[LineReading]:
    """Each line as it would be taken today; nothing is written. Raises ``Forbidden`` as ``admitted_provider``."""
    own, tables = _own(report), tables_for(Market.CHINA, latest=dates.today())
    found: list[LineReading] = []
    for line in lines:
        try:
            _require_columns(line.fields)
            _require_within(report, line.fields)
            found.append(
                LineReading(line, read_dataset_row(own_row(own, line.fields), tables, origin=Origin.LIVE))
            )
        except Refused as problem:
            found.append(
                LineReading(
                    line,
                    problem=Invalid(f"price.{problem.code}", f"{problem.message}。", field=problem.field),
                )
            )
        except Invalid as problem:
            found.append(LineReading(line, problem=problem))
    return found


def _require_columns(fields: Mapping[str, str | None]) -> None:
    for name, value in fields.items():
        if value and name not in OWN_COLUMNS:
            raise Invalid("price.column.unknown", f"没有“{name}”这一列。", field=name)
    if (fields.get("kind") or "") not in REPORTED_KINDS:
        words = "、".join(str(PriceKind(kind).label) for kind in REPORTED_KINDS)
        raise Invalid("price.kind.unknown", f"种类应为 {words}。", field="kind")


def _require_within(report: PriceReport, fields: Mapping[str, str | None]) -> None:
    try:
        day = date.fromisoformat((fields.get("observed_on") or "").strip())
    except ValueError:
        return  # told by whoever reads it
    if not report.duty.period_from <= day < report.duty.period_to:
        raise Invalid(
            "price_report.period",
            f"{day} 不在所属期 {report.duty.period_from} 至 {report.duty.period_to}（不含）之内。",
            field="observed_on",
        )


# -- the provider -----------------------------------------------------------------------------------------------------


def add_line(report: PriceReport, fields: Mapping[str, str], *, by: User) -> PriceReportLine:
    """A line more of what is being written. Raises ``Invalid`` with the column where it cannot be read."""
    announce("price_report.write")
    _require_open(report, by=by)
    given = {name: value.strip() for name, value in fields.items() if value and value.strip()}
    line = PriceReportLine(report=report, submission=report.submission + 1, fields=given)
    (found,) = read_lines(report, [line])
    if found.problem is not None:
        raise found.problem
    written = report.lines.filter(submission=line.submission)
    if written.count() >= MOST_LINES:
        raise Invalid("price_report.too_long", f"一份报送表至多 {MOST_LINES} 行。")
    line.line_no = (written.aggregate(last=Max("line_no"))["last"] or 0) + 1
    line.save(force_insert=True)
    return line


def write_lines(report: PriceReport, content: bytes, filename: str, *, by: User) -> int:
    """The lines of a file take the place of those that are being written; a file with a line that cannot be read is refused
    whole, every fault told by its cell. Answers how many. Raises ``Invalid`` (``price.file_*``) and ``Problems``."""
    announce("price_report.write", filename)
    _require_open(report, by=by)
    sheet = read_price_rows(content, filename)
    if len(sheet.rows) > MOST_LINES:
        raise Invalid("price_report.too_long", f"一份报送表至多 {MOST_LINES} 行。", field="file")
    lines = [
        PriceReportLine(
            report=report,
            submission=report.submission + 1,
            line_no=number,
            fields={name: value for name, value in row.items() if value},
        )
        for number, row in sheet.rows
    ]
    faults = [
        Invalid(
            one.problem.code,
            f"{sheet.cell(one.line.line_no, one.problem.field or '')}：{one.problem.message}",
        )
        for one in read_lines(report, lines)
        if one.problem is not None
    ]
    if faults:
        raise Problems(
            faults[:100],
            "price_report.lines",
            f"文件中有 {len(faults)} 处不合要求，未载入，请更正后重新上传。",
        )
    report.lines.filter(submission=report.submission + 1).delete()
    PriceReportLine.objects.bulk_create(lines)
    return len(lines)


def remove_line(report: PriceReport, line_no: int, *, by: User) -> None:
    """A line that was not handed in yet is taken out."""
    announce("price_report.write")
    _require_open(report, by=by)
    report.lines.filter(submission=report.submission + 1, line_no=line_no).delete()


def copy_lines(report: PriceReport, *, by: User) -> int:
    """After a return: what was handed in last is the beginning of what is written anew; how many lines."""
    announce("price_report.write")
    _require_open(report, by=by)
    if lines_of(report, draft=True):
        return 0
    lines = [
        PriceReportLine(
            report=report, submission=report.submission + 1, line_no=one.line_no, fields=one.fields
        )
        for one in lines_of(report)
    ]
    PriceReportLine.objects.bulk_create(lines)
    return len(lines)


def submit_report(report: PriceReport, *, statement: str, true: bool, by: User) -> PriceReport:
    """报送. ``true``: the provider vouches for it. Late it is taken too, and marked so; a record of lateness or refusal is repaired.

    Raises ``Invalid`` (``price_report.true``, ``price_report.empty``), ``Problems`` for lines that cannot be read, ``NotNow``.
    """
    announce("price_report.submit")
    _require_open(report, by=by)
    if not true:
        raise Invalid("price_report.true", "请确认所报内容真实、完整。", field="true")
    lines = lines_of(report, draft=True)
    if not lines:
        raise Invalid("price_report.empty", "请先填写或上传至少一行。")
    faults = [
        Invalid(one.problem.code, f"第 {one.line.line_no} 行：{one.problem.message}")
        for one in read_lines(report, lines)
        if one.problem is not None
    ]
    if faults:
        raise Problems(faults)
    late = report.late or dates.today() > report.due_on
    advance(
        report,
        "submit",
        by=by,
        party=report.party,
        update={
            "submission": report.submission + 1,
            "statement": statement.strip()[:1000],
            "submitted_by": by,
            "submitted_at": dates.now(),
            "late": late,
        },
    )
    repair(report, CreditGround.REPORT_OVERDUE, CreditGround.REPORT_REFUSED)
    return report


# -- the office -------------------------------------------------------------------------------------------------------


def _require_reason(reason: str) -> str:
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由，报送单位将看到。", field="reason")
    return reason.strip()[:1000]


def _checked(by: User, answer: str) -> dict[str, object]:
    return {"checked_by": by, "checked_at": dates.now(), "answer": answer}


def accept_report(report: PriceReport, *, by: User, note: str = "") -> list[Taken]:
    """采纳: every line becomes an observation, admitted, waiting for a person, or (costs) kept beside. Accepted again after a
    suspicion was cleared, the lines are those that are known. Raises ``Forbidden`` and ``NotNow``."""
    announce("price_report.accept", note)
    advance(report, "accept", by=by, region=report.duty.region, update=_checked(by, note.strip()[:1000]))
    own, lines = _own(report), lines_of(report)
    rows: list[tuple[int, dict[str, str | None]]] = [
        (line.line_no, own_row(own, line.fields)) for line in lines
    ]
    taken = take_observations(rows, feed=report.report_no, market_since=own.admitted_on)
    by_no = {one.row_no: one for one in taken}
    for line in lines:
        line.observation = by_no[line.line_no].observation
    PriceReportLine.objects.bulk_update(lines, ["observation"])
    tell(report, "accepted")
    return taken


def return_report(report: PriceReport, *, by: User, reason: str, due_on: date) -> PriceReport:
    """退回补正, with a new day. Raises ``Invalid`` (``reason.missing``, ``price_report.due_on``)."""
    announce("price_report.return", reason)
    answer = _require_reason(reason)
    if due_on <= dates.today():
        raise Invalid("price_report.due_on", "补正期限应晚于今天。", field="due_on")
    advance(
        report, "return", by=by, region=report.duty.region, update=_checked(by, answer) | {"due_on": due_on}
    )
    tell(report, "returned")
    return report


def excuse_report(report: PriceReport, *, by: User, reason: str) -> PriceReport:
    """免报: it had no business in the period. What was recorded of it is repaired."""
    announce("price_report.excuse", reason)
    answer = _require_reason(reason)
    advance(report, "excuse", by=by, region=report.duty.region, update=_checked(by, answer))
    repair(report, CreditGround.REPORT_OVERDUE, CreditGround.REPORT_REFUSED)
    tell(report, "excused")
    return report


def note_refusal(report: PriceReport, *, by: User, reason: str) -> PriceReport:
    """记为拒报: it said that it will not report, or did not answer a reminder; kept in its credit record."""
    announce("price_report.note_refusal", reason)
    answer = _require_reason(reason)
    advance(report, "note_refusal", by=by, region=report.duty.region, update=_checked(by, answer))
    record(report, CreditGround.REPORT_REFUSED, f"拒不报送价格（{report.report_no}）：{answer}")
    tell(report, "refused")
    return report


def suspect_report(report: PriceReport, *, by: User, reason: str) -> PriceReport:
    """The first of two persons names the facts that speak against it."""
    announce("price_report.suspect", reason)
    facts = _require_reason(reason)
    advance(
        report,
        "suspect",
        by=by,
        region=report.duty.region,
        update={"suspected_by": by, "suspicion": facts, "found_by": None},
    )
    return report


def clear_report(report: PriceReport, *, by: User, reason: str) -> PriceReport:
    """The second person does not agree: it is checked anew."""
    announce("price_report.clear", reason)
    answer = _require_reason(reason)
    require_other_person(by, {report.suspected_by_id}, "排除虚假")
    advance(report, "clear", by=by, region=report.duty.region, update=_checked(by, answer))
    return report


def find_false(report: PriceReport, *, by: User, reason: str) -> PriceReport:
    """认定虚假 by the second person: its prices count no more from now on, and its credit record says so for good."""
    announce("price_report.find_false", reason)
    answer = _require_reason(reason)
    require_other_person(by, {report.suspected_by_id}, "认定虚假")
    advance(
        report, "find_false", by=by, region=report.duty.region, update=_checked(by, answer) | {"found_by": by}
    )
    told = report.lines.exclude(observation=None).values("observation")
    for observation in PriceObservation.objects.filter(pk__in=told):
        take_out(observation, reason="report.false", note=f"报送表 {report.report_no} 认定虚假")
    announce("price_report.find_false", reason)
    record(report, CreditGround.REPORT_FALSE, f"虚假报送价格（{report.report_no}）：{answer}")
    tell(report, "false")
    return report


__all__ = [
    "REPORTED_KINDS",
    "LineReading",
    "accept_report",
    "add_line",
    "clear_report",
    "copy_lines",
    "excuse_report",
    "find_false",
    "lines_of",
    "note_refusal",
    "read_lines",
    "remove_line",
    "return_report",
    "submit_report",
    "suspect_report",
    "write_lines",
]
