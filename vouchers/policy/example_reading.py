"""The cells of a workbook as worked examples: pure, without a file format.

A workbook is taken whole or refused with every wrong place: its sheet, cell and heading, what was read, why it cannot be
taken, and what is allowed there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from vouchers.policy.caps import cap_keys, event_of
from vouchers.policy.example_cells import CellError, is_blank, read_cell, shown
from vouchers.policy.example_choices import fold
from vouchers.policy.example_columns import MAIN, Branch, Column, Path, Record, layout_of
from vouchers.policy.example_rows import (
    HEAD_ROWS,
    UNREADABLE,
    Row,
    findings_of,
    has_unreadable,
    head_of,
    link_items,
    put,
)
from vouchers.policy.example_sheets import (
    CODE,
    PARENT,
    Fault,
    Grid,
    Heading,
    Scope,
    SheetError,
    always_asked,
    branches_of,
    headings_of,
    letters,
)
from vouchers.policy.examples import CODE_PATTERN, Example
from vouchers.policy.facts import Facts
from vouchers.policy.plain import SchemeError, from_plain
from vouchers.policy.rules import Scheme

MOST_EXAMPLES = 5_000


class _Reader:
    def __init__(self, scheme: Scheme, sheets: Mapping[str, Grid]) -> None:
        self.scheme = scheme
        self.sheets = sheets
        self.layout = layout_of(scheme)
        self.faults: list[Fault] = []
        self.extra: dict[Scope, list[Row]] = {}
        self.absent = False

    def fault(self, row: Row, path: Path, scope: Scope, why: str, code: str, heading: str = "") -> None:
        cell = row.cells.get((scope, path), f"A{row.number}")
        self.faults.append(Fault(code, row.sheet, cell, heading, "", why))

    def examples(self) -> list[Example]:
        titles = {(*scope, branch.path): branch.title for scope, branch in branches_of(self.layout)}
        main = self._main_title()
        for title, grid in self.sheets.items():
            if title != main and title not in titles.values() and head_of(grid) is not None:
                why = f"没有这张工作表，可用的有：{'、'.join((MAIN, *titles.values()))}"
                self.faults.append(Fault("examples.sheet_unknown", title, "", "", "", why))
        for scope, branch in branches_of(self.layout):
            inner = (*scope, branch.path)
            known = headings_of(branch.record, inner)
            self.extra[inner] = self._rows(branch.title, known, nested=bool(scope))
        rows = self._rows(main, headings_of(self.layout))
        if not rows and not self.faults:
            self.faults.append(Fault("examples.none", main, "", "", "", "没有算例，请至少填写一行"))
        if len(rows) > MOST_EXAMPLES:
            why = f"算例超过 {MOST_EXAMPLES:,} 行，请分开上传"
            raise SheetError([Fault("examples.too_many_rows", main, "", "", "", why)])
        self._number(rows)
        if self.absent:
            raise SheetError(self.faults)
        examples = [example for row in rows if (example := self._example(row)) is not None]
        self._orphans({row.code for row in rows})
        if self.faults:
            raise SheetError(self.faults)
        return examples

    def _main_title(self) -> str:
        if MAIN in self.sheets:
            return MAIN
        why = f"没有名为“{MAIN}”的工作表，请使用本页下载的模板"
        raise SheetError([Fault("examples.sheet_missing", "工作簿", "", "", "", why)])

    def _rows(self, title: str, known: list[Heading], *, nested: bool = False) -> list[Row]:
        grid = self.sheets.get(title, ())
        found = head_of(grid)
        if found is None:
            if title == MAIN or any(not is_blank(raw) for row in grid for raw in row):
                why = f"前 {HEAD_ROWS} 行里没有“{CODE}”一栏，不知从何读起"
                self.faults.append(Fault("examples.column_missing", title, "", "", "", why))
            return []
        columns = self._columns(title, found, grid[found], known, nested)
        if title == MAIN:
            self._wanted(title, found, known, columns)
        rows = []
        for number, raws in enumerate(grid[found + 1 :], start=found + 2):
            if all(is_blank(raw) for raw in raws):
                continue
            row = self._row(title, number, raws, columns)
            if not fold(row.code).startswith(fold("示例行")):
                rows.append(row)
        return rows

    def _wanted(
        self, title: str, found: int, known: list[Heading], columns: Mapping[int, Heading | str]
    ) -> None:
        there = {one.column.path for one in columns.values() if isinstance(one, Heading) and one.scope == ()}
        for one in known:
            if always_asked(self.layout, one) and one.column.path not in there:
                self.absent = True
                self.faults.append(
                    Fault(
                        "examples.column_missing",
                        title,
                        f"A{found + 1}",
                        one.column.heading,
                        "",
                        "缺少这一栏",
                    )
                )

    def _columns(
        self, title: str, found: int, raws: Sequence[Any], known: list[Heading], nested: bool
    ) -> dict[int, Heading | str]:
        by_word = {fold(one.column.heading): one for one in known}
        out: dict[int, Heading | str] = {}
        seen: dict[str, str] = {}
        for place, raw in enumerate(raws, start=1):
            word = fold(shown(raw)).rstrip("*")
            if not word or word.startswith("备注"):
                continue
            cell = f"{letters(place)}{found + 1}"
            if word in seen:
                why = f"与 {seen[word]} 重复，请只留一栏"
                self.faults.append(Fault("examples.column_repeated", title, cell, shown(raw), "", why))
            seen[word] = cell
            if word == fold(CODE):
                out[place] = CODE
            elif nested and word == fold(PARENT):
                out[place] = PARENT
            elif word in by_word:
                out[place] = by_word[word]
            else:
                why = "没有这一栏；自用的栏目请以“备注”开头"
                allowed = tuple(one.column.heading for one in known if one.column.shown)
                self.faults.append(
                    Fault("examples.column_unknown", title, cell, shown(raw), "", why, allowed)
                )
        return out

    def _row(self, title: str, number: int, raws: Sequence[Any], columns: Mapping[int, Heading | str]) -> Row:
        row = Row(title, number)
        for place, known in columns.items():
            raw = raws[place - 1] if place <= len(raws) else None
            cell = f"{letters(place)}{number}"
            if isinstance(known, str):
                text = shown(raw)
                if known == CODE:
                    row.code, row.cells[(), ("code",)] = text, cell
                else:
                    row.parent, row.cells[(), (PARENT,)] = text, cell
                continue
            row.cells[known.scope, known.column.path] = cell
            if is_blank(raw):
                continue
            try:
                value = read_cell(known.column, raw)
            except CellError as error:
                self.faults.append(
                    Fault(error.code, title, cell, known.column.heading, shown(raw), error.why, error.allowed)
                )
                value = UNREADABLE
            row.values[known.scope][known.column.path] = value
        return row

    def _number(self, rows: list[Row]) -> None:
        seen: dict[str, int] = {}
        for place, row in enumerate(rows, start=1):
            row.code = row.code or str(place)
            if not re.match(CODE_PATTERN, row.code) or len(row.code) > 60:
                why = "编号只能用文字、数字、点、连字符和下划线，至多 60 字"
                self.faults.append(
                    Fault("examples.cell_unreadable", row.sheet, self._cell(row), CODE, row.code, why)
                )
            elif row.code in seen:
                why = f"与第 {seen[row.code]} 行的编号重复"
                self.faults.append(
                    Fault("examples.code_repeated", row.sheet, self._cell(row), CODE, row.code, why)
                )
            seen.setdefault(row.code, row.number)

    def _cell(self, row: Row) -> str:
        return row.cells.get(((), ("code",)), f"A{row.number}")

    def _orphans(self, codes: set[str]) -> None:
        for rows in self.extra.values():
            for row in rows:
                if row.taken:
                    continue
                if row.code not in codes:
                    why = f"“{MAIN}”表里没有这个算例编号"
                else:
                    why = "这个算例里没有这份合同；一个算例有几份合同时，请写明合同编号"
                self.faults.append(
                    Fault("examples.row_orphan", row.sheet, self._cell(row), CODE, row.code, why)
                )

    # ---- one example

    def _example(self, row: Row) -> Example | None:
        before = len(self.faults)
        row.values[()][("code",)] = row.code
        row.values[()].setdefault(("title",), row.code)
        plain = self._record(self.layout, (), row, row.code, "")
        used = plain.pop("used_caps", [])
        caps = plain["facts"].get("used", {}).pop("caps", {})
        findings = plain["expected"].pop("findings", {})
        plain["expected"]["findings"] = findings_of(findings)
        if len(self.faults) > before or has_unreadable(plain):
            return None
        try:
            example = from_plain(Example, plain)
        except SchemeError as error:
            for problem in error.problems:
                self.faults.append(
                    Fault(
                        "examples.cell_empty", row.sheet, self._cell(row), problem.path, "", problem.message
                    )
                )
            return None
        taken = {**self._own_caps(row, example.facts, caps), **self._other_caps(row, example.facts, used)}
        return replace(example, facts=replace(example.facts, used=replace(example.facts.used, caps=taken)))

    def _record(self, record: Record, scope: Scope, row: Row, code: str, default_no: str) -> dict[str, Any]:
        """The record's plain values out of one row, and its lists out of this row and the lists' own sheets."""
        values = row.values.get(scope, {})
        plain: dict[str, Any] = {}
        for part in sorted(record.needed, key=len):
            put(plain, part, {})
        for column in record.columns:
            value = values.get(column.path)
            if value is None:
                value = self._empty(record, column, scope, row, values, default_no)
            elif column.kind == "last_day" and value is not UNREADABLE:
                value += timedelta(days=1)
            if value is not None:
                put(plain, column.path, value)
        for branch in record.branches:
            self._branch(record, branch, scope, row, code, plain)
        return plain

    def _empty(
        self, record: Record, column: Column, scope: Scope, row: Row, values: Mapping[Path, Any], no: str
    ) -> Any:
        """What an empty cell means where its field may not be empty; a fault where it means nothing."""
        part = column.path[:-1]
        present = not part or part in record.needed or any(path[: len(part)] == part for path in values)
        if not column.required or not present:
            return None
        if column.path[-1] in ("contract_no", "item_no"):
            return f"{column.default}{no}"
        if column.path[-1] in ("face_value", "balance"):
            other = "balance" if column.path[-1] == "face_value" else "face_value"
            if (*part, other) in values:
                return values[(*part, other)]
        if column.default is not None:
            return column.default
        self.fault(row, column.path, scope, "此处不能为空", "examples.cell_empty", column.heading)
        return None

    def _branch(
        self, record: Record, branch: Branch, scope: Scope, row: Row, code: str, plain: dict[str, Any]
    ) -> None:
        inner = (*scope, branch.path)
        own = row.filled(inner)
        parent = str(plain.get("contract_no", ""))
        more = [
            one
            for one in self.extra.get(inner, ())
            if one.code == code
            and not one.taken
            and (not scope or one.parent == parent or (not one.parent and self._only_contract(code)))
        ]
        rows = ([row] if own else []) + more
        out = []
        for place, one in enumerate(rows, start=1):
            if one is not row:
                one.taken = True
            out.append(self._record(branch.record, inner, one, code, str(place)))
        if branch.path[-1] == "items":
            link_items(out, plain)
        said = row.values.get(scope, {}).get(branch.presence.path) if branch.presence else None
        if branch.presence is not None and said is True and not out:
            why = f"写了“有”，请在同行或“{branch.title}”表写明内容"
            self.fault(row, branch.presence.path, scope, why, "examples.cell_empty", branch.presence.heading)
        if branch.presence is not None and said is False and out:
            why = "写了“无”，却又写明了内容"
            self.fault(
                row, branch.presence.path, scope, why, "examples.cell_unreadable", branch.presence.heading
            )
        if out or said is False:
            put(plain, branch.path, out)

    def _only_contract(self, code: str) -> bool:
        further = [scope for scope in self.extra if scope and scope[-1][-1] == "contracts"]
        return not any(row.code == code for scope in further for row in self.extra[scope])

    # ---- what was used before

    def _own_caps(self, row: Row, facts: Facts, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given:
            return {}
        keys: dict[str, list[str]] = defaultdict(list)
        for key in cap_keys(self.scheme, facts):
            keys[key.code].append(key.key)
        out = {}
        for code, amount in given.items():
            path = ("facts", "used", "caps", code)
            if len(keys[code]) == 1:
                out[keys[code][0]] = amount
            elif amount:
                why = (
                    "本算例涉及多份合同，请改填“已用额度”表，写明占用对象"
                    if keys[code]
                    else "这一环节、方向或主体类别不受此项限额约束，请留空"
                )
                self.fault(row, path, (), why, "examples.cell_unreadable", self._heading(path))
        return out

    def _heading(self, path: Path) -> str:
        return next((column.heading for column in self.layout.columns if column.path == path), "")

    def _other_caps(self, row: Row, facts: Facts, used: list[dict[str, Any]]) -> dict[str, Any]:
        own = {key.code: key for key in cap_keys(self.scheme, facts)}
        out = {}
        for one in used:
            key = own.get(one["cap"])
            event = one.get("event") or event_of(facts.stage)
            subject = one.get("subject") or (key.subject if key else facts.applicant.uscc)
            period = one.get("period") or (key.period if key else "")
            if not period:
                why = "请写明占用期间：算例本身的环节不受此项限额约束，推不出期间"
                self.faults.append(Fault("examples.cell_empty", "已用额度", "", "占用期间", row.code, why))
                continue
            out[f"{self.scheme.program}:{one['cap']}:{event}:{subject}:{period}"] = one["amount"]
        return out


def read_sheets(scheme: Scheme, sheets: Mapping[str, Grid]) -> list[Example]:
    """The examples of a workbook's cells, sheet by sheet. Raises SheetError with every wrong place."""
    return _Reader(scheme, sheets).examples()
