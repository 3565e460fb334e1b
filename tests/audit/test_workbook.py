"""审计工作簿: what is in it, its cover, and that text is never a formula."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from openpyxl import load_workbook

from applications.models import Claim
from audit.actions.scans import run_scan
from audit.models import AuditEvent, Flag
from audit.reports.workbook import Choice, build
from tests.audit import scenes
from tests.audit.scenes import Scene
from tests.cast import Cast
from vouchers.sheets import Sheet, new_book, save

pytestmark = pytest.mark.django_db
DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://x","y")',
    "\t=1",
    "=cmd|' /C calc'!A0",
    "＝1+1",
]


def written(*values: str) -> tuple[bytes, list]:
    book = new_book()
    sheet = Sheet(book, "表", (("文字", 20, ""),))
    for value in values:
        sheet.add(value)
    sheet.close()
    out = io.BytesIO()
    save(book, out)
    rows = load_workbook(io.BytesIO(out.getvalue()))["表"]
    return out.getvalue(), [row[0] for row in rows.iter_rows(min_row=2)]


@pytest.mark.parametrize("value", DANGEROUS)
def test_text_never_becomes_a_formula(value: str):
    content, (cell,) = written(value)
    assert (cell.value, cell.data_type) == (value, "s")
    assert cell.quotePrefix
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_control_characters_and_very_long_text_are_bearable():
    _content, (one, long) = written("甲\x00\x1f乙", "长" * 40_000)
    assert one.value == "甲乙" and len(long.value) == 32_767


def test_amounts_are_numbers_and_identifiers_text(db):
    book = new_book()
    sheet = Sheet(book, "表", (("金额", 10, "#,##0.00"), ("编号", 10, ""), ("日期", 10, "yyyy-mm-dd")))
    sheet.add(Decimal("1234567.89"), "25522000001120608915", date(2025, 10, 21))
    sheet.close()
    out = io.BytesIO()
    save(book, out)
    amount, number, day = next(load_workbook(out)["表"].iter_rows(min_row=2))
    assert (amount.value, amount.number_format) == (1234567.89, "#,##0.00")
    assert number.value == "25522000001120608915" and number.data_type == "s"
    assert day.value.date() == date(2025, 10, 21)


@pytest.fixture
def scene(cast: Cast) -> Scene:
    cast.alpha.name = "=甲公司"
    cast.alpha.save()
    scene = scenes.build(cast)
    one = scene.lease(serials=("NVA1",))
    paper = scene.invoice(one, "25112000000000000001")
    scene.claim(one, [(paper, "100000.00")])
    scene.claim(one, [(paper, "100000.00")], on=date(2025, 6, 3))
    scene.claim(
        one,
        [(scene.invoice(one, "24112000000099999999", issued=date(2024, 3, 31)), "10.00")],
        on=date(2024, 6, 3),
        region="440300",
    )
    run_scan()
    return scene


def test_the_workbook_holds_claims_working_prices_and_flags(scene: Scene):
    out = io.BytesIO()
    made = build(out, Claim.objects.all(), Flag.objects.all(), Choice(region="110000"), by="京审计")
    book = load_workbook(out)
    assert book.sheetnames == ["说明", "兑付申请", "计算过程", "价格核对", "风险预警"]
    assert made.rows["兑付申请"] == 2 and made.rows["风险预警"] == 1
    cover = {row[0].value: row[1].value for row in book["说明"].iter_rows(min_row=2)}
    assert (
        cover["范围"] == "地区 110000"
        and cover["制作人"] == "京审计"
        and made.content_sha256 in cover["内容摘要"]
    )
    names = {row[4].value for row in book["兑付申请"].iter_rows(min_row=2)}
    assert names == {"=甲公司"}
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    (flag,) = book["风险预警"].iter_rows(min_row=2, values_only=True)
    assert flag[0] == 1 and flag[3] == "F01" and "超出" in flag[10] and "invoice:" in flag[12]


def test_the_same_content_has_the_same_hash_and_the_year_narrows(scene: Scene):
    def made(choice: Choice):
        return build(io.BytesIO(), Claim.objects.all(), Flag.objects.all(), choice, by="京审计")

    assert made(Choice()).content_sha256 == made(Choice()).content_sha256
    assert made(Choice(year=2024)).rows["兑付申请"] == 1
    assert made(Choice(program="NO-SUCH")).rows["兑付申请"] == 0


def test_the_command_writes_it_and_the_trail_keeps_the_export(scene: Scene, tmp_path):
    out = tmp_path / "工作簿.xlsx"
    call_command("export_workbook", out=str(out), region="110000")
    assert load_workbook(out)["兑付申请"].max_row == 3
    event = AuditEvent.objects.filter(operation="export").get()
    assert event.verb == "workbook.export" and event.region_code == "110000"
