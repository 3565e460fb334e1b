"""The payment list as the treasury takes it (Excel and PDF), and the bank's answer read back."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from applications.treasuries import parts_of, totals_of
from vouchers.actions.payments import BankLine, ControlTotals, control_totals
from vouchers.errors import Invalid
from vouchers.models import Payment, PaymentBatch
from vouchers.money import ZERO, yuan

COLUMNS = (
    ("序号", 8),
    ("拨付编号", 20),
    ("收款单位", 40),
    ("统一社会信用代码", 22),
    ("开户行", 28),
    ("账号", 26),
    ("金额（元）", 18),
    ("兑付编号", 20),
    ("券号", 20),
)
BANK_COLUMNS = ("payment_no", "result", "amount", "bank_reference", "reason", "paid_on")


def _text(cell: Cell | MergedCell, value: str) -> None:
    """Text stays text: a name that begins with ``=`` can never become a formula."""
    cell.value = value
    cell.data_type = "s"


def _put_amount(cell: Cell | MergedCell, amount: Decimal) -> None:
    cell.value = amount
    cell.number_format = "#,##0.00"
    cell.alignment = Alignment(horizontal="right")


def payment_workbook(batch: PaymentBatch, payments: Sequence[Payment]) -> bytes:
    """The list with its control totals and 大写金额, and what each treasury bears where the cost is shared. The same list is the same bytes, so that the hash that is kept with the
    batch when it is exported is the hash of what anybody downloads."""
    totals: ControlTotals = control_totals(payments)
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
    shares = parts_of(payments)
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
    for offset, payment in enumerate(payments, start=1):
        account = payment.account
        values = (
            str(offset),
            payment.payment_no,
            payment.payee.name,
            payment.payee.uscc,
            account.bank_name if account else "",
            account.account_no if account else "",
            None,
            payment.claim_no,
            payment.voucher_no,
        )
        for column, content in enumerate(values, start=1):
            if content is not None:
                _text(sheet.cell(head + offset, column), content)
        _put_amount(sheet.cell(head + offset, 7), payment.amount)
        by_treasury = {part.treasury: part.amount for part in shares[payment.payment_no]}
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


def read_bank_return(raw: bytes) -> list[BankLine]:
    """The bank's answer as CSV with the columns of ``BANK_COLUMNS``; ``result`` is ``ok`` or ``returned``.

    Raises ``Invalid`` naming the line and column of the first fault; nothing of a faulty file is used.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("bank_return.encoding", "银行回执须为 UTF-8 编码的 CSV 文件。", field="file") from error
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in ("payment_no", "result", "amount") if name not in (reader.fieldnames or ())]
    if missing:
        raise Invalid("bank_return.columns", f"银行回执缺少列：{'、'.join(missing)}。", field="file")
    lines = []
    for row in reader:
        number = reader.line_num
        result = (row.get("result") or "").strip().lower()
        if result not in ("ok", "returned"):
            raise Invalid(
                "bank_return.result", f"银行回执第 {number} 行的 result 应为 ok 或 returned。", field="file"
            )
        lines.append(
            BankLine(
                payment_no=(row["payment_no"] or "").strip(),
                succeeded=result == "ok",
                amount=_amount(row["amount"], number),
                bank_reference=(row.get("bank_reference") or "").strip(),
                reason=(row.get("reason") or "").strip(),
                paid_on=_day(row.get("paid_on"), number),
            )
        )
    if not lines:
        raise Invalid("bank_return.empty", "银行回执中没有明细行。", field="file")
    return lines


def _amount(text: str | None, number: int) -> Decimal:
    try:
        return yuan(text or "")
    except ValueError as error:
        raise Invalid(
            "bank_return.amount_text", f"银行回执第 {number} 行：{error}。", field="file"
        ) from error


def _day(text: str | None, number: int) -> date | None:
    if not (text or "").strip():
        return None
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError as error:
        raise Invalid(
            "bank_return.date", f"银行回执第 {number} 行的日期应为 YYYY-MM-DD。", field="file"
        ) from error
