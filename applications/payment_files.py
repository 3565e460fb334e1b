"""The payment list as the treasury takes it (Excel), the instructions as the bank takes them (CSV), and its answer read back."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from applications.treasuries import parts_of, totals_of
from vouchers.actions.bank_returns import OUTCOMES, BankFile, BankLine
from vouchers.actions.payments import ControlTotals, control_totals
from vouchers.errors import Invalid
from vouchers.models import PaymentBatch, PaymentLine
from vouchers.models.payment_lines import FileForm
from vouchers.money import ZERO, capital, yuan

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
#: what it answers; the last row is ``TOTAL`` with the count (in ``result``) and the sum (in ``amount``)
BANK_COLUMNS = ("instruction_no", "result", "amount", "bank_reference", "reason", "paid_on", "answered_at")
NEEDED = ("instruction_no", "result", "amount")
TOTAL = "TOTAL"
LARGEST = 20 * 1024 * 1024


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
            (
                line.instruction_no,
                _plain(line.payee_name),
                line.payee_uscc,
                _plain(line.account_name),
                line.account_no,
                _plain(line.bank_name),
                f"{line.amount:.2f}",
                capital(line.amount),
                f"算力券兑付 {line.payment.claim_no}",
            )
        )
    writer.writerow(
        (TOTAL, totals.count, "", "", "", "", f"{totals.total:.2f}", totals.in_words, totals.sha256)
    )
    return out.getvalue().encode("utf-8-sig")


def _plain(text: str) -> str:
    """A spreadsheet that opens the file takes no name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


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
                _plain(line.payee_name),
                line.account_no,
                f"{line.amount:.2f}",
                f"{timezone.localtime(sent):%Y-%m-%d %H:%M}" if sent else "",
                line.inquiries,
            )
        )
    return out.getvalue().encode("utf-8-sig")


def read_bank_return(raw: bytes, filename: str = "") -> BankFile:
    """The bank's answer as CSV (UTF-8 or GB 18030) with the columns of ``BANK_COLUMNS``; ``result`` is one of ``OUTCOMES``, the last
    row states count and sum.

    Raises ``Invalid`` naming the line and column of the first fault; nothing of a faulty file is used.
    """
    reader = csv.DictReader(io.StringIO(_decoded(raw), newline=""))
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise Invalid("bank_return.columns", f"银行回执缺少列：{'、'.join(missing)}。", field="file")
    lines: list[BankLine] = []
    stated: tuple[int, Decimal] | None = None
    for row in reader:
        number = reader.line_num
        if stated is not None:
            raise Invalid(
                "bank_return.after_total", f"银行回执第 {number} 行在合计行之后，文件有误。", field="file"
            )
        first = (row["instruction_no"] or "").strip()
        result = (row["result"] or "").strip().lower()
        if first == TOTAL:
            if not result.isascii() or not result.isdigit():
                raise Invalid(
                    "bank_return.count_text",
                    f"银行回执第 {number} 行（合计行）的笔数应为整数。",
                    field="file",
                )
            stated = int(result[:9]), _amount(row["amount"], number)
            continue
        if result not in OUTCOMES:
            raise Invalid(
                "bank_return.result",
                f"银行回执第 {number} 行的 result 应为 {'、'.join(OUTCOMES)} 之一。",
                field="file",
            )
        lines.append(
            BankLine(
                instruction_no=first,
                outcome=result,
                amount=_amount(row["amount"], number),
                bank_reference=(row.get("bank_reference") or "").strip(),
                reason=(row.get("reason") or "").strip(),
                paid_on=_day(row.get("paid_on"), number),
                answered_at=_moment(row.get("answered_at"), number),
            )
        )
    if not lines:
        raise Invalid("bank_return.empty", "银行回执中没有明细行。", field="file")
    if stated is None:
        raise Invalid(
            "bank_return.no_total",
            "银行回执没有合计行，文件可能不完整。",
            field="file",
            hint=f"最后一行应为：{TOTAL},笔数,合计金额。",
        )
    return BankFile(lines, *stated, filename=filename, content=raw)


def _decoded(raw: bytes) -> str:
    if len(raw) > LARGEST:
        raise Invalid("bank_return.too_large", "银行回执超过 20 MB，请分批导入。", field="file")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid("bank_return.encoding", "银行回执须为 CSV 文件，编码为 UTF-8 或 GB 18030。", field="file")


def _amount(text: str | None, number: int) -> Decimal:
    try:
        return yuan((text or "").replace(",", "").strip())
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


def _moment(text: str | None, number: int) -> datetime | None:
    if not (text or "").strip():
        return None
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError as error:
        raise Invalid(
            "bank_return.moment",
            f"银行回执第 {number} 行的 answered_at 应为 YYYY-MM-DD HH:MM:SS。",
            field="file",
        ) from error
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
