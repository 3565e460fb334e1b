"""A machine let twice: what stops it, and how an auditor finds it."""

from __future__ import annotations

import hashlib
import io

from django.core.management import call_command
from openpyxl import load_workbook

from config.demo import contracts
from config.demo.browser import StepFailed, words
from config.demo.enterprise import apply
from config.demo.story import Story, number_on


def false_lease(story: Story) -> str:
    """The same exclusive machine, let to a second company at the same time."""
    filer = story.sign_in("jiangnan")
    number, _page = apply(filer, contracts.false_lease())
    case = f"/desk/applications/{number}/"
    story.office.decide("handler", case, "accept")
    story.office.answer_checks("handler", case)
    story.office.decide("handler2", case, "recommend")
    refusal = story.office.decide("approver", case, "approve", refused=True).refusal
    if "暂缓" not in refusal:
        raise StepFailed(f"有硬性预警的申领没有被拦下：{refusal}")
    page = filer.get(f"/portal/applications/{number}/")
    if "暂缓" not in words(page):
        raise StepFailed("企业页面没有说明已暂缓")
    story.false_lease_no = number_on("L", page)
    return refusal


def audit(story: Story) -> str:
    """The night's scan, the auditor's queue with the false lease near its top, and the workbook that shows it."""
    found = str(story.out / "筛查结果.jsonl")
    call_command("scan_claims", "--out", found, stdout=io.StringIO(), stderr=io.StringIO())
    auditor, lease_no = story.sign_in("auditor"), story.false_lease_no
    page = auditor.get(f"/audit/suspicions/?q={lease_no}")
    if f"/audit/suspicions/lease/{lease_no}/" not in page:
        raise StepFailed(f"可疑合同清单中没有 {lease_no}")
    evidence = words(auditor.get(f"/audit/suspicions/lease/{lease_no}/"))
    if contracts.THE_MACHINE not in evidence:
        raise StepFailed("证据页没有给出重复出租的设备")
    book = auditor.post_for_file("/audit/workbook/", page=auditor.get("/audit/suspicions/"))
    (story.out / "审计工作簿.xlsx").write_bytes(book)
    sheets = load_workbook(io.BytesIO(book), read_only=True)
    cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    formulas = sum(cell.data_type == "f" for cell in cells)
    if formulas:
        raise StepFailed(f"工作簿中有 {formulas} 个公式单元格")
    if not any(lease_no in str(cell.value) for cell in cells):
        raise StepFailed("工作簿中没有这份可疑合同")
    return (
        f"{lease_no} 在清单与工作簿中；工作簿 {len(sheets.sheetnames)} 张表、{len(cells):,} 格、无公式，"
        f"SHA-256 {hashlib.sha256(book).hexdigest()[:16]}…"
    )
