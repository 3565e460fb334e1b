"""名单: the workbook in which the office lists whom a version supports without application (免申即享), and its rows read back.

Which columns there are follows from what the version rests on: a filed contract by its number, or a project of the enterprise's
own. A fault is told by its cell; nothing of a faulty file is used.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from openpyxl.utils import get_column_letter

from applications.actions.projects import ProjectFields
from applications.grounds import contract_kinds, must_choose, project_kinds
from applications.models.projects import ProjectKind
from applications.undertakings import counts_projects, must_name_project
from vouchers.errors import Invalid, Problems
from vouchers.money import yuan
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import Precision
from vouchers.sheets import DAY, MONEY, Sheet, new_book, save
from vouchers.workbooks.opening import open_workbook

SHEET, NOTES = "名单", "填写说明"
MOST_ROWS = 1500
MOST_LONG = 100_000
"""Rows of a workbook, and of a table (CSV) that the worker takes in."""
USCC, NAME, TRACK, LEASE, AMOUNT = (
    "统一社会信用代码",
    "单位名称",
    "补贴方向",
    "合同备案号",
    "拟支持金额（元）",
)
PROJECT, DOCUMENT, BASIS = "项目名称", "文号或结算单号", "依据金额（不含税，元）"
FROM, TO = "期间起", "期间止"
UNDERTAKING, REGISTRATION = "立项项目", "立项或备案编号"
SCALE, PRECISION, DONE = "算力规模（PFLOPS）", "精度", "部署完成日"


@dataclass(frozen=True)
class ListedRow:
    """One row, read. ``cells`` gives each column's cell, so that a later fault can be told where it stands."""

    number: int
    uscc: str
    name: str
    track: str
    lease_no: str
    project: ProjectFields | None
    amount: Decimal
    undertaking: str = ""
    registration: str = ""
    cells: dict[str, str] = field(default_factory=dict)

    @property
    def same(self) -> tuple[str, str, str]:
        """What may stand in one list once: whose, in which track, and the contract or document that it rests on."""
        document = self.project.document_no or self.project.name if self.project else self.lease_no
        return self.uscc, self.track, document

    @property
    def key(self) -> str:
        """``same`` as one name of fixed length."""
        return hashlib.sha256("\x1f".join(self.same).encode()).hexdigest()

    def fault(self, code: str, column: str, message: str) -> Invalid:
        """A fault at the row's cell of a column."""
        cell = self.cells.get(column, "")
        where = f"第 {self.number} 行 {cell}“{column}”" if cell else f"第 {self.number} 行"
        return Invalid(f"issue_list.{code}", f"{where}：{message}", field="file", detail={"cell": cell})


@dataclass(frozen=True)
class Column:
    """A column of the list: its heading, what is to be filled in, the width and format of its cells."""

    heading: str
    hint: str
    wanted: bool = True
    width: int = 22
    format: str = ""


def columns_of(scheme: Scheme) -> list[Column]:
    """The columns that a list of the version has."""
    columns = [
        Column(USCC, "18 位；须已在本系统登记。"),
        Column(NAME, "与登记的单位名称一致。", width=40),
    ]
    if must_choose(scheme):
        names = "、".join(track.name for track in scheme.tracks)
        columns.append(Column(TRACK, f"可填：{names}。", width=24))
    if any(contract_kinds(scheme, track) for track in scheme.tracks):
        columns.append(
            Column(LEASE, "该单位已备案合同的编号；测算以备案的合同为准。", wanted=not _kinds(scheme))
        )
    kinds = _kinds(scheme)
    if kinds:
        columns += [
            Column(PROJECT, "测算所依据的项目、投资或结算。", width=36),
            Column(DOCUMENT, "立项、备案文号或平台结算单号。", wanted=ProjectKind.SETTLEMENT in kinds),
            Column(
                BASIS, "不含税金额，元，两位小数。", wanted=kinds != [ProjectKind.DEPLOYMENT], format=MONEY
            ),
            Column(
                FROM, "日期，例如 2025-01-01。", wanted=ProjectKind.SETTLEMENT in kinds, width=14, format=DAY
            ),
            Column(TO, "最后一日，含当日。", wanted=ProjectKind.SETTLEMENT in kinds, width=14, format=DAY),
        ]
        if ProjectKind.DEPLOYMENT in kinds:
            precisions = "、".join(one.label for one in Precision)
            columns += [
                Column(SCALE, "已部署的规模。", width=18),
                Column(PRECISION, f"可填：{precisions}。", width=14),
                Column(DONE, "日期。", width=14, format=DAY),
            ]
    if counts_projects(scheme):
        columns += [
            Column(
                UNDERTAKING,
                "所服务的立项项目；本版政策按项目计算限额，同一项目每次填写相同的名称。",
                wanted=must_name_project(scheme),
                width=36,
            ),
            Column(REGISTRATION, "立项批文或备案编号，同一编号视为同一项目；没有的留空。", wanted=False),
        ]
    columns.append(Column(AMOUNT, "主管部门核算的金额；不得超过按政策测算的金额。", format=MONEY))
    return columns


def _kinds(scheme: Scheme) -> list[ProjectKind]:
    return list(dict.fromkeys(kind for track in scheme.tracks for kind in project_kinds(track)))


def list_template(scheme: Scheme) -> bytes:
    """The workbook to fill in: the list with its headings, and what each column wants."""
    book = new_book()
    columns = columns_of(scheme)
    table = Sheet(book, SHEET, [(one.heading, one.width, one.format) for one in columns])
    notes = Sheet(book, NOTES, (("列", 24, ""), ("填写说明", 70, ""), ("必填", 8, "")))
    for one in columns:
        notes.add(one.heading, one.hint, "是" if one.wanted else "否")
    notes.add(
        "（整份）", "一行一家，最多 1500 行；任何一行有误，整份不予载入，请按提示的单元格更正后重新上传。", ""
    )
    notes.add(
        "（更长的名单）",
        f"超过 {MOST_ROWS} 行的，请在填好“{SHEET}”后另存为“CSV UTF-8（逗号分隔）”上传，最多 {MOST_LONG:,} 行；由后台逐行载入，"
        "有误的行退回更正，其余各行有效。",
        "",
    )
    for sheet in (table, notes):
        sheet.close()
    out = io.BytesIO()
    save(book, out)
    return out.getvalue()


def read_list(content: bytes, scheme: Scheme) -> list[ListedRow]:
    """The rows of an uploaded list. Raises ``Invalid`` for a file that is none, ``Problems`` (``issue_list.faulty``) with
    every faulty cell."""
    grid = open_workbook(content, {SHEET}).get(SHEET)
    if not grid:
        raise Invalid(
            "issue_list.no_sheet", f"工作簿中没有“{SHEET}”工作表，请使用本页下载的模板。", field="file"
        )
    columns = columns_of(scheme)
    places = places_of(columns, grid[0], f"“{SHEET}”")
    problems: list[Invalid] = []
    rows = []
    filled = [
        (number, cells)
        for number, cells in enumerate(grid[1:], start=2)
        if any(str(cell or "").strip() for cell in cells)
    ]
    if not filled:
        raise Invalid("issue_list.empty", f"“{SHEET}”中没有内容。", field="file")
    if len(filled) > MOST_ROWS:
        raise Invalid(
            "issue_list.too_long",
            f"一份工作簿最多 {MOST_ROWS} 行。",
            field="file",
            hint=f"更长的名单请另存为 CSV 上传，最多 {MOST_LONG:,} 行。",
        )
    for number, cells in filled:
        reader = _Reader(number, cells, places, {one.heading: one for one in columns}, problems)
        rows.append(reader.row(scheme))
    _once_each(rows, problems)
    if problems:
        raise Problems(
            problems, code="issue_list.faulty", message=f"名单有 {len(problems)} 处需要更正，整份未载入。"
        )
    return rows


def places_of(columns: Sequence[Column], headings: Sequence[Any], what: str) -> dict[str, int]:
    """Where each column stands in the first row. Raises ``Invalid`` (``issue_list.columns``)."""
    told = [str(cell or "").strip() for cell in headings]
    missing = [one.heading for one in columns if one.heading not in told]
    if missing:
        raise Invalid(
            "issue_list.columns",
            f"{what}缺少列：{'、'.join(missing)}。请使用本页下载的模板。",
            field="file",
        )
    return {one.heading: told.index(one.heading) for one in columns}


def read_row(
    number: int, cells: Sequence[Any], places: dict[str, int], columns: Sequence[Column], scheme: Scheme
) -> ListedRow:
    """One row of a long list. Raises ``Problems`` (``issue_list.faulty``) with every faulty cell of it."""
    problems: list[Invalid] = []
    found = _Reader(number, tuple(cells), places, {one.heading: one for one in columns}, problems).row(scheme)
    if problems:
        raise Problems(problems, code="issue_list.faulty", message=f"第 {number} 行有误。")
    return found


def _once_each(rows: list[ListedRow], problems: list[Invalid]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row.same in seen and row.uscc:
            problems.append(row.fault("twice", USCC, f"与第 {seen[row.same]} 行重复。"))
        seen.setdefault(row.same, row.number)


class _Reader:
    """One row's cells by their headings; what is wrong is noted and read as empty."""

    def __init__(
        self,
        number: int,
        cells: tuple[Any, ...],
        places: dict[str, int],
        columns: dict[str, Column],
        problems: list[Invalid],
    ) -> None:
        self.number, self._cells, self._places, self._columns = number, cells, places, columns
        self._problems = problems
        self._named = {
            heading: f"{get_column_letter(place + 1)}{number}" for heading, place in places.items()
        }

    def row(self, scheme: Scheme) -> ListedRow:
        track = self._track(scheme)
        kinds = project_kinds(track) if track is not None else _kinds(scheme)
        lease_no = self._text(LEASE, wanted=not kinds) if LEASE in self._places else ""
        project = self._project(kinds[0]) if kinds and not lease_no else None
        return ListedRow(
            number=self.number,
            uscc=self._text(USCC).upper(),
            name=self._text(NAME),
            track=track.code if track is not None and must_choose(scheme) else "",
            lease_no=lease_no,
            project=project,
            amount=self._amount(AMOUNT, above_zero=True) or Decimal(0),
            undertaking=self._text(UNDERTAKING)[:200] if UNDERTAKING in self._places else "",
            registration=self._text(REGISTRATION)[:100] if REGISTRATION in self._places else "",
            cells=self._named,
        )

    def _track(self, scheme: Scheme) -> Track | None:
        if not must_choose(scheme):
            return scheme.tracks[0]
        text = self._text(TRACK)
        found = next((one for one in scheme.tracks if text in (one.name, one.code)), None)
        if text and found is None:
            self._wrong(
                TRACK, f"没有“{text}”这个补贴方向，可填：{'、'.join(one.name for one in scheme.tracks)}。"
            )
        return found

    def _project(self, kind: ProjectKind) -> ProjectFields:
        deployment, settlement = kind is ProjectKind.DEPLOYMENT, kind is ProjectKind.SETTLEMENT
        precision = self._text(PRECISION, wanted=True) if deployment else ""
        known = next((one for one in Precision if precision in (one.label, one.value)), None)
        if precision and known is None:
            self._wrong(PRECISION, f"没有“{precision}”这种精度。")
        return ProjectFields(
            kind=kind.value,
            name=self._text(PROJECT),
            document_no=self._text(DOCUMENT, wanted=settlement),
            amount=self._amount(BASIS, above_zero=not deployment) or Decimal(0),
            period_from=self._day(FROM, wanted=settlement),
            period_to=self._day(TO, wanted=settlement),
            scale=self._number(SCALE) if deployment else None,
            precision=known.value if known is not None else "",
            completed_on=self._day(DONE, wanted=True) if deployment else None,
        )

    def _cell(self, heading: str) -> Any:
        place = self._places.get(heading)
        return self._cells[place] if place is not None and place < len(self._cells) else None

    def _wrong(self, heading: str, message: str) -> None:
        where = f"第 {self.number} 行 {self._named.get(heading, '')}“{heading}”"
        self._problems.append(
            Invalid(
                "issue_list.cell",
                f"{where}：{message}",
                field="file",
                detail={"cell": self._named.get(heading, "")},
            )
        )

    def _text(self, heading: str, *, wanted: bool | None = None) -> str:
        value = self._cell(heading)
        text = "" if value is None else str(value).strip()
        needed = self._columns[heading].wanted if wanted is None and heading in self._columns else wanted
        if not text and needed:
            self._wrong(heading, "请填写。")
        return text

    def _amount(self, heading: str, *, above_zero: bool) -> Decimal | None:
        def read(text: str) -> Decimal:
            amount = yuan(text.replace(",", "").replace("，", ""))
            if amount < 0 or (above_zero and amount == 0):
                raise ValueError("金额应大于 0")
            return amount

        return self._read(heading, read, wanted=above_zero)

    def _number(self, heading: str) -> Decimal | None:
        def read(text: str) -> Decimal:
            number = Decimal(text.replace(",", ""))
            if not number.is_finite() or number <= 0:
                raise ValueError("应大于 0")
            return number

        return self._read(heading, read, wanted=True)

    def _day(self, heading: str, *, wanted: bool) -> date | None:
        value = self._cell(heading)
        if isinstance(value, date):
            return date(value.year, value.month, value.day)
        return self._read(heading, lambda text: date.fromisoformat(text[:10]), wanted=wanted)

    def _read(self, heading: str, read: Callable[[str], Any], *, wanted: bool) -> Any:
        text = self._text(heading, wanted=wanted)
        if not text:
            return None
        try:
            return read(text)
        except (ValueError, ArithmeticError) as error:
            said = (
                str(error) if isinstance(error, ValueError) and str(error).startswith(("金额", "应")) else ""
            )
            self._wrong(heading, f"“{text[:40]}”填写有误{f'：{said}' if said else ''}，请对照填写说明更正。")
            return None
