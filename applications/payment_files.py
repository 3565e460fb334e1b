"""The payment list as the treasury takes it (Excel), the instructions as the bank takes them (CSV), and its answer read back."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from applications.treasuries import parts_of, totals_of
from vouchers.actions.payment_lists import ControlTotals, control_totals, instruction_cells, plain_cell
from vouchers.models import PaymentBatch, PaymentLine
from vouchers.models.payment_lines import FileForm
from vouchers.money import ZERO, capital

COLUMNS = (
    ("序号", 8),
    ("指令号", 24),
    ("收款单位", 40),
    ("统一社会信用代码", 22),
    ("户名", 40),
    ("开户行", 28),
    ("账号", 26),
    ("金额（元）", 18),
    ("金额（大写）", 40),
    ("兑付编号", 20),
    ("券号", 20),
)
AMOUNT = 8
#: what the bank is sent
INSTRUCTION_COLUMNS = (
    "instruction_no",
    "payee_name",
    "payee_uscc",
    "account_name",
    "account_no",
    "bank_name",
    "amount",
    "amount_in_words",
    "purpose",
)
TOTAL = "TOTAL"


def _text(cell: Cell | MergedCell, value: str) -> None:
    """Text stays text: a name that begins with ``=`` can never become a formula."""
    cell.value = value
    cell.data_type = "s"


def _put_amount(cell: Cell | MergedCell, amount: Decimal) -> None:
    cell.value = amount
    cell.number_format = "#,##0.00"
    cell.alignment = Alignment(horizontal="right")


def export_files(batch: PaymentBatch, lines: Sequence[PaymentLine]) -> dict[str, bytes]:
    """What a batch is exported as, by form."""
    return {
        FileForm.WORKBOOK: payment_workbook(batch, lines),
        FileForm.INSTRUCTIONS: payment_instructions(lines),
    }


def payment_instructions(lines: Sequence[PaymentLine]) -> bytes:
    """The instructions as CSV (UTF-8), one line each, with the count and sum as the last row."""
    totals = control_totals(lines)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(INSTRUCTION_COLUMNS)
    for line in lines:
        writer.writerow(
            (*instruction_cells(line), capital(line.amount), f"算力券兑付 {line.payment.claim_no}")
        )
    writer.writerow(
        (TOTAL, totals.count, "", "", "", "", f"{totals.total:.2f}", totals.in_words, totals.sha256)
    )
    return out.getvalue().encode("utf-8-sig")


def payment_workbook(batch: PaymentBatch, lines: Sequence[PaymentLine]) -> bytes:
    """The list with its control totals and 大写金额, and what each treasury bears where the cost is shared. The same list is the
    same bytes."""
    totals: ControlTotals = control_totals(lines)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "拨付清单"
    _text(sheet.cell(1, 1), f"{batch.title}（{batch.batch_no}）")
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    for row, (label, value) in enumerate(
        (
            ("笔数", str(totals.count)),
            ("合计（元）", f"{totals.total:,.2f}"),
            ("合计（大写）", totals.in_words),
            ("校验值（SHA-256）", totals.sha256),
        ),
        start=2,
    ):
        _text(sheet.cell(row, 1), label)
        _text(sheet.cell(row, 3), value)
    shares = parts_of([line.payment for line in lines])
    borne = totals_of(shares)
    treasuries = list(borne)
    for row, (name, amount) in enumerate(borne.items(), start=6):
        _text(sheet.cell(row, 1), f"{name}承担（元）")
        _text(sheet.cell(row, 3), f"{amount:,.2f}")
    head = 7 + len(treasuries)
    columns = (*COLUMNS, *((f"{name}承担（元）", 20) for name in treasuries))
    for column, (label, width) in enumerate(columns, start=1):
        _text(sheet.cell(head, column), label)
        sheet.cell(head, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = width
    for offset, line in enumerate(lines, start=1):
        values = (
            str(offset),
            line.instruction_no,
            line.payee_name,
            line.payee_uscc,
            line.account_name,
            line.bank_name,
            line.account_no,
            None,
            capital(line.amount),
            line.payment.claim_no,
            line.payment.voucher_no,
        )
        for column, content in enumerate(values, start=1):
            if content is not None:
                _text(sheet.cell(head + offset, column), content)
        _put_amount(sheet.cell(head + offset, AMOUNT), line.amount)
        by_treasury = {part.treasury: part.amount for part in shares[line.payment.payment_no]}
        for column, name in enumerate(treasuries, start=len(COLUMNS) + 1):
            _put_amount(sheet.cell(head + offset, column), by_treasury.get(name, ZERO))
    sheet.freeze_panes = f"A{head + 1}"
    out = io.BytesIO()
    book.save(out)
    return _without_clock(out.getvalue(), batch.created_on)


_CLOCK = re.compile(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def _without_clock(raw: bytes, day: date) -> bytes:
    """The workbook without the moment at which it was written: every time in it is the start of ``day``."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _CLOCK.sub(f"{day.isoformat()}T00:00:00Z".encode(), content)
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def inquiry_list(lines: Sequence[PaymentLine]) -> bytes:
    """查询清单: the instructions whose outcome is asked for, under the numbers that they were sent with."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("instruction_no", "payee_name", "account_no", "amount", "sent_at", "inquiries"))
    for line in lines:
        sent = line.batch.exported_at
        writer.writerow(
            (
                line.instruction_no,
                plain_cell(line.payee_name),
                line.account_no,
                f"{line.amount:.2f}",
                f"{timezone.localtime(sent):%Y-%m-%d %H:%M}" if sent else "",
                line.inquiries,
            )
        )
    return out.getvalue().encode("utf-8-sig")
