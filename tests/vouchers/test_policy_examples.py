"""The office's workbook of worked examples: downloaded, filled in, taken whole or refused whole."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.cast import Cast
from vouchers.actions import policies, policy_examples
from vouchers.actions.policy_drafts import write_examples, write_rows
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import PolicyCap, PolicyExample, PolicyRate, PolicyTrack, PolicyVersion, User
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.workbooks import opening
from vouchers.workbooks.examples import write_examples as write_workbook

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor)


def edited(content: bytes, change: Callable[[Worksheet], Any], title: str = "算例") -> bytes:
    """The workbook after somebody worked in it."""
    book = load_workbook(io.BytesIO(content))
    change(book[title])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def place(sheet: Worksheet, heading: str, row: int = 3) -> str:
    """The coordinate of the cell under a heading."""
    for cells in sheet.iter_rows(min_row=1, max_row=2):
        for cell in cells:
            if str(cell.value or "").rstrip("*") == heading:
                return f"{cell.column_letter}{row}"
    raise AssertionError(heading)


def setting(heading: str, value: Any, row: int = 3) -> Callable[[Worksheet], None]:
    def change(sheet: Worksheet) -> None:
        sheet[place(sheet, heading, row)] = value

    return change


def upload(cast: Cast, version: PolicyVersion, content: bytes) -> list[Any]:
    return policy_examples.import_examples(version, content, by=cast.policy_editor)


def codes(version: PolicyVersion) -> list[str]:
    return list(version.policyexample_rows.values_list("code", flat=True))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(version: PolicyVersion, page: str, *more: str) -> str:
    return reverse(f"admin:vouchers_policyversion_{page}", args=[version.version_no, *more])


# ---- down and up


def test_a_downloaded_workbook_uploads_to_the_same_examples_and_each_is_run(
    cast: Cast, version: PolicyVersion
):
    examples = policy_examples.examples_of(version)
    results = upload(cast, version, policy_examples.examples_workbook(version))
    assert policy_examples.examples_of(version) == examples == shipped_examples("BJ-AIQ")
    assert all(one.passed for one in results)
    assert all(row.result["passed"] for row in version.policyexample_rows.all())


def test_the_template_of_a_version_without_examples_has_one_sample_row_that_an_upload_leaves_out(
    cast: Cast, version: PolicyVersion
):
    write_examples(version, [])
    template = policy_examples.examples_workbook(version)
    sheet = load_workbook(io.BytesIO(template))["算例"]
    assert sheet["A3"].value.startswith("（示例行")
    assert sheet.max_row == 3
    with pytest.raises(Problems) as refused:
        upload(cast, version, template)
    assert [one.code for one in refused.value.problems] == ["examples.none"]

    def fill(sheet: Worksheet) -> None:
        for heading, value in {
            "算例编号": "例1", "算例名称": "一百万元", "环节": "申请", "核算日期": "2025年3月3日",
            "合同金额（不含税）": "100万", "应得金额": "二十万",
        }.items():  # fmt: skip
            sheet[place(sheet, heading, 4)] = value

    filled = edited(template, fill)
    with pytest.raises(Problems) as refused:
        upload(cast, version, filled)
    (fault,) = refused.value.problems
    assert fault.field is not None and fault.field.startswith("算例!")
    assert fault.detail["read"] == "二十万"
    upload(cast, version, edited(filled, setting("应得金额", 200000, 4)))
    assert codes(version) == ["例1"]


def test_the_template_offers_the_words_of_the_version(version: PolicyVersion):
    book = load_workbook(io.BytesIO(policy_examples.examples_workbook(version)))
    sheet = book["算例"]
    assert book.sheetnames[:2] == ["说明", "算例"]
    assert sheet.freeze_panes == "C3"
    headings = [str(cell.value).rstrip("*") for cell in sheet[2]]
    assert {"与服务商有关联关系", "失信记录", "已用：单个企业年度限额", "应得金额", "计算依据"} <= set(
        headings
    )
    letter = place(sheet, "用途")[:-1]
    offered = [rule for rule in sheet.data_validations.dataValidation if f"{letter}3" in str(rule.sqref)]
    area = offered[0].formula1.replace("'选项'!", "").replace("$", "")
    assert [row[0].value for row in book["选项"][area]] == ["训练", "微调", "推理", "其他"]
    assert book["选项"].sheet_state == "hidden"
    amount = sheet[place(sheet, "应得金额")]
    assert (amount.value, amount.number_format) == (2000000, "#,##0.00")
    assert "精确到分" in sheet[place(sheet, "应得金额", 2)].comment.text


def test_what_somebody_typed_never_becomes_a_formula(cast: Cast, version: PolicyVersion):
    example = shipped_examples("BJ-AIQ")[0]
    write_examples(version, [replace(example, title='=HYPERLINK("x")')])
    cell = load_workbook(io.BytesIO(policy_examples.examples_workbook(version)))["算例"]["B3"]
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("x")')
    upload(cast, version, policy_examples.examples_workbook(version))
    assert policy_examples.examples_of(version)[0].title == '=HYPERLINK("x")'


def test_five_hundred_rows_take_seconds(cast: Cast, version: PolicyVersion):
    shipped = shipped_examples("BJ-AIQ")
    many = [replace(shipped[place % len(shipped)], code=f"r{place}") for place in range(500)]
    content = write_workbook(shipped_scheme("BJ-AIQ"), many, version_no="X")
    begun = time.monotonic()
    results = upload(cast, version, content)
    assert len(results) == 500 == version.policyexample_rows.count()
    assert time.monotonic() - begun < 30


# ---- refusals


@pytest.mark.parametrize(
    ("heading", "value", "code", "why"),
    [
        ("合同金额（不含税）", "一千万", "examples.cell_unreadable", "不是金额"),
        ("合同金额（不含税）", 100.005, "examples.cell_not_exact", "精确到分"),
        ("核算日期", "2025-13-01", "examples.cell_unreadable", "没有这一天"),
        ("核算日期", None, "examples.cell_empty", "不能为空"),
        ("用途", "挖矿", "examples.value_unknown", "不在可用值之内"),
        ("应得结论", "可能", "examples.value_unknown", "不在可用值之内"),
        ("不符合的条件", "公允价格；天气好", "examples.value_unknown", "天气好"),
        ("算例编号", "a/b", "examples.cell_unreadable", "编号"),
    ],
)
def test_a_wrong_cell_refuses_the_workbook_with_its_place_and_the_draft_keeps_its_examples(
    cast: Cast, version: PolicyVersion, heading: str, value: Any, code: str, why: str
):
    before = policy_examples.examples_of(version)
    content = edited(policy_examples.examples_workbook(version), setting(heading, value))
    with pytest.raises(Problems) as refused:
        upload(cast, version, content)
    (fault,) = refused.value.problems
    sheet = load_workbook(io.BytesIO(content))["算例"]
    assert refused.value.code == "examples.refused"
    assert (fault.code, fault.field) == (code, f"算例!{place(sheet, heading)}")
    assert fault.detail["column"] == heading
    assert why in fault.message
    assert bool(fault.detail["allowed"]) == (code == "examples.value_unknown")
    assert policy_examples.examples_of(version) == before


def test_a_sum_that_binary_figures_spoil_is_read_as_the_sheet_shows_it(cast: Cast, version: PolicyVersion):
    content = edited(policy_examples.examples_workbook(version), setting("合同税额", 0.1 + 0.2))
    upload(cast, version, content)
    assert policy_examples.examples_of(version)[0].facts.contracts[0].tax_amount == Decimal("0.3")


def test_a_formula_counts_by_its_saved_result_and_is_refused_without_one(cast: Cast, version: PolicyVersion):
    content = edited(policy_examples.examples_workbook(version), setting("应得金额", "=1000000*2"))
    with pytest.raises(Problems) as refused:
        upload(cast, version, content)
    assert "公式没有保存计算结果" in refused.value.problems[0].message
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part.replace(b"<f>1000000*2</f><v />", b"<f>1000000*2</f><v>2000000</v>"))
    upload(cast, version, packed.getvalue())
    assert policy_examples.examples_of(version)[0].expected.amount == Decimal(2000000)


def _with_part(content: bytes, name: str, part: bytes) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for one in source.namelist():
            if one != name:
                target.writestr(one, source.read(one))
        target.writestr(name, part)
    return out.getvalue()


def test_dangerous_and_strange_files_are_refused(cast: Cast, version: PolicyVersion):
    good = policy_examples.examples_workbook(version)
    huge = b"<x>" + b" " * (opening.MOST_UNFOLDED + 1)
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    for content, code in (
        (b"", "examples.not_a_workbook"),
        (b"\xd0\xcf\x11\xe0 an old .xls", "examples.not_a_workbook"),
        (good[: len(good) // 2], "examples.not_a_workbook"),
        (_with_part(good, "xl/vbaProject.bin", b"macro"), "examples.macros"),
        (_with_part(good, "xl/media/huge.xml", huge), "examples.too_much_inside"),
        (_with_part(good, "xl/worksheets/sheet2.xml", entity), "examples.not_a_workbook"),
        (_with_part(good, "xl/workbook.xml", b"<not-xml"), "examples.not_a_workbook"),
        (b"x" * (opening.MOST_BYTES + 1), "examples.file_too_large"),
    ):
        with pytest.raises(Invalid) as refused:
            upload(cast, version, content)
        assert refused.value.code == code
    assert policy_examples.examples_of(version) == shipped_examples("BJ-AIQ")


@pytest.mark.parametrize("far", ["A1048576", "A19999", "XFD20000"])
def test_a_few_bytes_that_stand_for_a_million_rows_are_refused_at_once(far: str):
    """Two formulas far apart: nobody walks over what lies between, whatever the sheet says of its size."""
    book = Workbook()
    book.active.title = "算例"
    book.active["A1"] = book.active[far] = "=1+1"
    written = io.BytesIO()
    book.save(written)
    sheet = zipfile.ZipFile(written).read("xl/worksheets/sheet1.xml")
    lied = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B2"', sheet)
    for content in (written.getvalue(), _with_part(written.getvalue(), "xl/worksheets/sheet1.xml", lied)):
        began = time.process_time()
        with pytest.raises(Invalid) as refused:
            opening.open_workbook(content, {"算例"})
        assert refused.value.code == "examples.too_much_inside"
        assert time.process_time() - began < 1


def test_repeated_strings_and_cells_without_end_are_refused_before_they_are_read():
    book = Workbook()
    book.active.title = "算例"
    written = io.BytesIO()
    book.save(written)
    strings = b"<sst>" + b"<si><t>x</t></si>" * (opening.MOST_FILLED + 1) + b"</sst>"
    cells = (
        b"<worksheet><sheetData><row>"
        + b"<c/>" * (opening.MOST_FILLED + 1)
        + b"</row></sheetData></worksheet>"
    )
    for name, part in (("xl/sharedStrings.xml", strings), ("xl/worksheets/sheet1.xml", cells)):
        began = time.process_time()
        with pytest.raises(Invalid) as refused:
            opening.open_workbook(_with_part(written.getvalue(), name, part), {"算例"})
        assert refused.value.code == "examples.too_much_inside"
        assert time.process_time() - began < 1


def test_only_an_editor_of_the_region_uploads_and_only_into_a_draft(cast: Cast, version: PolicyVersion):
    content = policy_examples.examples_workbook(version)
    for person in (cast.publisher, cast.other_policy_editor, cast.handler, cast.stranger):
        with pytest.raises(Forbidden):
            policy_examples.import_examples(version, content, by=person)
    policies.propose_version(version, by=cast.policy_editor)
    with pytest.raises(NotNow) as refused:
        upload(cast, version, content)
    assert refused.value.code == "examples.not_a_draft"


def test_an_example_that_does_not_come_out_is_kept_told_and_stops_the_proposal(
    cast: Cast, version: PolicyVersion
):
    content = edited(policy_examples.examples_workbook(version), setting("应得金额", 2000000.01))
    results = upload(cast, version, content)
    assert [one.example.code for one in results if not one.passed] == ["rent_15m"]
    row = PolicyExample.objects.get(version=version, code="rent_15m")
    assert "2,000,000.01" in row.result["differences"][0]
    with pytest.raises(Problems) as refused:
        policies.propose_version(version, by=cast.policy_editor)
    assert refused.value.code == "policy.examples_failed"


def test_a_draft_that_is_not_complete_has_no_template_yet(cast: Cast, version: PolicyVersion):
    draft = policies.create_draft(version.program, by=cast.policy_editor, title="新办法", label="明年")
    with pytest.raises(Problems) as refused:
        policy_examples.examples_workbook(draft)
    assert refused.value.code == "policy.incomplete"


def test_an_example_of_a_track_that_is_gone_is_told_and_the_others_still_come_out(
    cast: Cast, version: PolicyVersion
):
    row = PolicyExample.objects.get(version=version, code="rent_15m")
    PolicyExample.objects.filter(pk=row.pk).update(facts=row.facts | {"track": "gone"})
    trial = policy_examples.try_examples(version)
    assert [one.path for one in trial.problems] == ["examples.rent_15m.facts.track"]
    assert len(trial.results) == len(shipped_examples("BJ-AIQ")) - 1
    text = signed_in(cast.policy_editor).get(address(version, "examples")).content.decode()
    assert "没有补贴方向“gone”" in text
    assert 'type="file"' in text
    with pytest.raises(Problems) as refused:
        policies.propose_version(version, by=cast.policy_editor)
    assert refused.value.code == "policy.example_unreadable"


def test_a_draft_without_a_track_has_no_template_yet(cast: Cast, version: PolicyVersion):
    PolicyTrack.objects.filter(version=version).delete()
    PolicyRate.objects.filter(version=version).delete()
    text = signed_in(cast.policy_editor).get(address(version, "examples")).content.decode()
    assert "至少要有一个补贴方向" in text
    assert 'type="file"' not in text


def test_an_office_of_another_city_writes_its_example_with_its_own_caps_and_tracks(
    cast: Cast, version: PolicyVersion
):
    draft = policies.create_draft(version.program, by=cast.policy_editor, title="新办法", label="明年")
    write_rows(draft, replace(shipped_scheme("BDA-SLQ-v2"), program="BJ-AIQ", region="110000"))
    PolicyCap.objects.filter(version=draft, code="project").update(name="单个项目最高额")
    sheet = load_workbook(io.BytesIO(policy_examples.examples_workbook(draft)))["算例"]
    headings = {str(cell.value).rstrip("*") for cell in sheet[2]}
    assert {"补贴方向", "项目编号", "评审通过", "已用：单个项目最高额", "已接入调度平台"} <= headings
    assert "失信记录" not in headings
