"""The workbook of worked examples that people download, fill in and upload again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from vouchers.policy.assess import assess
from vouchers.policy.example_choices import Choice, gate_word
from vouchers.policy.example_columns import MAIN, Column, Path, layout_of
from vouchers.policy.example_sheets import (
    CODE,
    PARENT,
    SAMPLE,
    Heading,
    always_asked,
    branches_of,
    headings_of,
)
from vouchers.policy.example_writing import SheetRows, place_in_sheet, write_sheets
from vouchers.policy.examples import Example, Expected
from vouchers.policy.facts import BasisItemFacts, ContractFacts, Facts, PartyFacts, VoucherFacts
from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import BasisKind, ChipOrigin, Purpose, Stage
from vouchers.sheets import DAY, INSTANT, MONEY, PRICE, plain_text

_ACCENT, _PALE = "0B57A4", "E7EEF6"
_FORMATS = {
    "amount": MONEY,
    "measure": PRICE,
    "price": PRICE,
    "rate": "0.00####%",
    "degree": "0.00####%",
    "day": DAY,
    "last_day": DAY,
    "instant": INSTANT,
    "text": "@",
}
_WIDTHS = {"amount": 18, "measure": 16, "instant": 18, "day": 13, "last_day": 13, "flag": 11, "words": 24}
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_ROOM = 1_000
"""Rows below the last for which the choices are offered."""
_NOTES = "说明"
_CHOICES = "选项"
_LINE = Border(bottom=Side(style="thin", color="DFE3E8"))


def write_examples(scheme: Scheme, examples: Sequence[Example], *, version_no: str) -> bytes:
    """The workbook: instructions, the examples (or one sample row), a sheet for each list, and the choices.

    Uploading it unchanged gives the same examples."""
    book = Workbook()
    notes = book.active
    assert isinstance(notes, Worksheet)
    notes.title = _NOTES
    choices = _Choices(book)
    sheets = write_sheets(scheme, examples or [sample(scheme)])
    layout = layout_of(scheme)
    scopes = {branch.title: ((*scope, branch.path), branch.record) for scope, branch in branches_of(layout)}
    for one in sheets:
        scope, record = scopes.get(one.title, ((), layout))
        asked = {
            head.column.path
            for head in one.headings
            if head.scope == scope and always_asked(record, Heading((), head.column))
        }
        _write(book.create_sheet(one.title), one, choices, asked, is_sample=not examples)
    _explain(notes, scheme, sheets, version_no)
    choices.place()
    book.active = 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sample(scheme: Scheme) -> Example:
    """A case of a million yuan under the scheme, with what the engine makes of it: it shows how a row is filled in."""
    window = next((one for one in scheme.windows if one.stage is Stage.APPLICATION), None)
    day = scheme.effective_from or date(2025, 1, 1)
    if window is not None:
        day = window.opens_at.astimezone(BEIJING_TIME).date()
    track = scheme.tracks[0] if scheme.tracks else None
    million = Decimal(1_000_000)
    facts = Facts(
        stage=Stage.APPLICATION,
        on=day,
        applied_on=day,
        filed_at=window.opens_at if window else None,
        applicant=PartyFacts(uscc="示例单位", name="示例单位", region_code=scheme.region),
        contracts=(
            ContractFacts(
                contract_no="合同1",
                net_amount=million,
                signed_on=day,
                purpose=Purpose.TRAINING,
                chip_origin=ChipOrigin.DOMESTIC,
            ),
        ),
    )
    kinds = [kind for kind in track.basis_kinds if kind is not BasisKind.CONTRACT_AMOUNT] if track else []
    if track and kinds and not scheme.voucher.issues_voucher:
        facts = replace(
            facts,
            stage=Stage.CLAIM,
            items=(BasisItemFacts(item_no="明细1", kind=kinds[0], net_amount=million, contract_no="合同1"),),
        )
    if facts.stage is Stage.CLAIM and scheme.voucher.issues_voucher:
        facts = replace(facts, voucher=VoucherFacts(voucher_no="示例券", face_value=million, balance=million))
    got = assess(scheme, facts, with_lines=False)
    return Example(
        code="示例行",
        title="示例：金额100万元",
        facts=facts,
        expected=Expected(amount=got.amount, outcome=got.outcome),
        note="写明手工怎样算出应得金额",
    )


class _Choices:
    """The words of each list of choices, in a hidden sheet, as a cell's own list may not be longer than 255 characters."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.columns: dict[tuple[str, ...], int] = {}

    def range_of(self, choices: tuple[Choice, ...]) -> str:
        """The cells that hold the words."""
        words = tuple(choice.word for choice in choices)
        place = self.columns.setdefault(words, len(self.columns) + 1)
        letter = get_column_letter(place)
        return f"'{_CHOICES}'!${letter}$1:${letter}${len(words)}"

    def place(self) -> None:
        """Write the sheet, last of all."""
        sheet = self.book.create_sheet(_CHOICES)
        sheet.sheet_state = "hidden"
        for words, place in self.columns.items():
            for number, word in enumerate(words, start=1):
                _text(sheet.cell(number, place), word)


def _write(
    sheet: Worksheet, rows: SheetRows, choices: _Choices, asked: set[Path], *, is_sample: bool
) -> None:
    main = rows.title == MAIN
    keys = [] if main else ([CODE, PARENT] if rows.nested else [CODE])
    top = 2 if main else 1
    if main:
        _bands(sheet, rows.headings)
    for place, word in enumerate(keys, start=1):
        _heading(sheet.cell(top, place), word)
        sheet.column_dimensions[get_column_letter(place)].width = 18
    for place, one in enumerate(rows.headings, start=len(keys) + 1):
        wanted = one.column.path in asked and (not main or one.scope == ())
        _column(sheet, top, place, one.column, choices, wanted, last=top + len(rows.rows) + _ROOM)
    for number, cells in enumerate(rows.rows, start=top + 1):
        for place, value in enumerate(cells, start=1):
            column = rows.headings[place - len(keys) - 1].column if place > len(keys) else None
            is_code = place == 1
            _cell(sheet.cell(number, place), SAMPLE if is_sample and is_code else value, column)
    sheet.freeze_panes = f"{'C' if main else 'B'}{top + 1}"
    sheet.row_dimensions[top].height = 48
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"1:{top}"


def _bands(sheet: Worksheet, headings: Sequence[Heading]) -> None:
    """What the stretches of columns are about, above their headings."""
    start = 0
    for place in range(1, len(headings) + 1):
        group = headings[start].column.group
        if place == len(headings) or headings[place].column.group != group:
            cell = sheet.cell(1, start + 1)
            _text(cell, group)
            cell.font = Font(bold=True, color=_ACCENT)
            cell.fill = PatternFill("solid", fgColor=_PALE)
            cell.alignment = Alignment(horizontal="left")
            if place - start > 1:
                sheet.merge_cells(start_row=1, start_column=start + 1, end_row=1, end_column=place)
            start = place


def _column(
    sheet: Worksheet, top: int, place: int, column: Column, choices: _Choices, wanted: bool, *, last: int
) -> None:
    letter = get_column_letter(place)
    cell = sheet.cell(top, place)
    _heading(cell, f"{column.heading}{'*' if wanted else ''}")
    told = _told(column, wanted)
    if told:
        cell.comment = Comment(
            told, "填写说明", width=320, height=40 + 18 * (len(told) // 20 + told.count("\n") + 1)
        )
    width = _WIDTHS.get(column.kind, 16)
    sheet.column_dimensions[letter].width = 40 if column.path in (("title",), ("note",)) else width
    if column.kind in _FORMATS:
        sheet.column_dimensions[letter].number_format = _FORMATS[column.kind]
    if column.choices and not column.many:
        rule = DataValidation(type="list", formula1=choices.range_of(column.choices), allow_blank=True)
        rule.add(f"{letter}{top + 1}:{letter}{last}")
        sheet.add_data_validation(rule)


def _told(column: Column, wanted: bool) -> str:
    parts = [column.hint] if column.hint else []
    if column.many and column.choices:
        parts.append("可填（多个用分号隔开）：\n" + "\n".join(column.allowed[:30]))
    elif column.choices:
        parts.append(f"可填：{'、'.join(column.allowed[:20])}")
    if wanted:
        parts.append("必填")
    return "\n".join(parts)


def _heading(cell: Cell | Any, text: str) -> None:
    _text(cell, text)
    cell.font = Font(bold=True, color="FFFFFF")
    cell.fill = PatternFill("solid", fgColor=_ACCENT)
    cell.alignment = Alignment(vertical="center", wrap_text=True)


def _text(cell: Cell | Any, text: str) -> None:
    """Text that stays text: nothing that anybody typed becomes a formula."""
    shown = plain_text(text)
    cell.value = shown
    cell.data_type = "s"
    if shown.startswith(_FORMULA_STARTS):
        cell.quotePrefix = True


def _cell(cell: Cell | Any, value: Any, column: Column | None) -> None:
    cell.border = _LINE
    if column is not None and column.kind in _FORMATS:
        cell.number_format = _FORMATS[column.kind]
    if value is None:
        return
    if isinstance(value, datetime):
        cell.value = value.astimezone(BEIJING_TIME).replace(tzinfo=None)
    elif isinstance(value, Decimal) and len(value.as_tuple().digits) > 15:
        _text(cell, format(value, "f"))  # more figures than a sheet keeps of a number
    elif isinstance(value, (Decimal, int, date)) and not isinstance(value, bool):
        cell.value = value
    else:
        _text(cell, str(value))
        if len(str(value)) > 16 or "\n" in str(value):
            cell.alignment = Alignment(wrap_text=True, vertical="top")


_RULES = (
    "一行一个算例：左边填事实，右边“应得结果”填手工核算的应得金额。带 * 的为必填，不带的可以空着。",
    "空着表示“不知道”，不表示“没有”：例如失信记录，查无记录请写“无”，未查询请空着。",
    "金额填写到分，可写 1234.56、1,234.56、120万、1.2亿；比例可写 20% 或 0.2；日期可写 2025-06-01、2025/6/1、2025年6月1日。",
    "有下拉项的可以从中选，也可以写同义词。一格多个词的用分号隔开。",
    "第一份合同、第一条基数明细填在“算例”表的同一行；其余的填在“合同”“补贴基数明细”等表，用算例编号对应。",
    "“已用：某限额”填本算例之前已经占用的金额；其他年度或其他单位占用的，填在“已用额度”表。",
    "本表没有列出、而下面列有的栏目，可以自行加在“算例”表的任意位置；不用的栏目可以删去；自用的栏目请以“备注”开头。",
    "上传后，草稿原有的算例全部由本工作簿的算例替换；有一格读不懂，整本不收，并逐格指出。",
)


def _explain(sheet: Worksheet, scheme: Scheme, sheets: Sequence[SheetRows], version_no: str) -> None:
    row = 1
    for text, size in ((f"{scheme.title}：算例", 16), (f"版本 {version_no}（{scheme.label}）", 11)):
        _text(sheet.cell(row, 1), text)
        sheet.cell(row, 1).font = Font(bold=True, size=size)
        row += 1
    for number, rule in enumerate(_RULES, start=1):
        _text(sheet.cell(row + number, 1), f"{number}. {rule}")
        sheet.merge_cells(start_row=row + number, start_column=1, end_row=row + number, end_column=5)
        sheet.cell(row + number, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row + number].height = 18 * (1 + len(rule) // 56)
    row += len(_RULES) + 2
    row = _columns_table(sheet, scheme, sheets, row)
    _conditions_table(sheet, scheme, row + 1)
    for letter, width in zip("ABCDE", (26, 16, 44, 48, 14), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False


def _columns_table(sheet: Worksheet, scheme: Scheme, sheets: Sequence[SheetRows], row: int) -> int:
    for place, word in enumerate(("栏目", "属于", "如何填写", "可填的词", "模板已列出"), start=1):
        _heading(sheet.cell(row, place), word)
    listed = {(one.scope, one.column.path) for rows in sheets for one in rows.headings}
    layout = layout_of(scheme)
    known = headings_of(layout)
    for scope, branch in branches_of(layout):
        if not branch.inline:
            known = known + headings_of(branch.record, (*scope, branch.path))
    for one in sorted(known, key=place_in_sheet):
        row += 1
        column = one.column
        there = "是" if (one.scope, column.path) in listed else ""
        words = "、".join(column.allowed[:12]) + ("等" if len(column.allowed) > 12 else "")
        for place, text in enumerate((column.heading, column.group, column.hint, words, there), start=1):
            _text(sheet.cell(row, place), text)
            sheet.cell(row, place).alignment = Alignment(wrap_text=True, vertical="top")
            sheet.cell(row, place).border = _LINE
    return row + 1


def _conditions_table(sheet: Worksheet, scheme: Scheme, row: int) -> None:
    if not scheme.gates:
        return
    _heading(sheet.cell(row, 1), "条件（填在“不符合的条件”等栏）")
    _heading(sheet.cell(row, 2), "种类")
    _heading(sheet.cell(row, 3), "全文")
    for gate in scheme.gates:
        row += 1
        for place, text in enumerate((gate_word(scheme, gate), gate.kind.label, gate.text), start=1):
            _text(sheet.cell(row, place), text)
            sheet.cell(row, place).alignment = Alignment(wrap_text=True, vertical="top")
            sheet.cell(row, place).border = _LINE
