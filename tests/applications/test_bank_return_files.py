"""The bank's file as it arrives: what cannot be read is said with its place; one bad line does not cost the others."""

from __future__ import annotations

from decimal import Decimal

import pytest

from applications.bank_return_files import BANK_COLUMNS, read_bank_return
from vouchers.errors import Invalid

HEAD = ",".join(BANK_COLUMNS)
GOOD = "P-1-1,confirmed,10.00,REF1,,2025-07-15,2025-07-15 09:00:00"


def file(*lines: str, total: str = "TOTAL,1,10.00,,,,", head: str = HEAD) -> bytes:
    return "\r\n".join([head, *lines, *([total] if total else [])]).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_both_encodings_of_banks_are_read(encoding):
    line = "P-1-1,returned,10.00,,户名与账号不符，请核对,2025-07-15,"
    told = read_bank_return(file(line).decode().encode(encoding))
    assert told.lines[0].reason == "户名与账号不符，请核对"
    assert (told.count, told.total, told.lines[0].row) == (1, Decimal("10.00"), 2)


@pytest.mark.parametrize(
    ("raw", "code", "place"),
    [
        (b"", "empty", ""),
        (b"\xff\xfe\x00\x01", "encoding", ""),
        (file(GOOD).replace(b"REF1", b"RE\0F"), "encoding", ""),
        (file(GOOD, head="instruction_no,amount"), "columns", "result"),
        (file(GOOD, head=HEAD + ",result"), "columns", "result"),
        (file(total=""), "empty", ""),
        (file(GOOD, total=""), "no_total", ""),
        (file(total="TOTAL,0,0.00,,,,"), "empty", ""),
        (file(GOOD, total="TOTAL,1,10.00,,,,\r\n" + GOOD), "after_total", "第 4 行"),
        (file(GOOD, total="TOTAL,一,10.00,,,,"), "count_text", "第 3 行"),
        (file(GOOD + ",extra"), "cells", "第 2 行"),
        (file(GOOD.replace("10.00", "1e30")), "amount_text", "第 2 行"),
        (file(GOOD.replace("10.00", "=10")), "amount_text", "第 2 行"),
        (file(GOOD.replace("10.00", "-10.00")), "amount_text", "第 2 行"),
        (file(GOOD.replace("10.00", "10.001")), "amount_text", "第 2 行"),
        (file(GOOD.replace("10.00", "NaN")), "amount_text", "第 2 行"),
        (file(GOOD.replace("10.00", "9" * 5000)), "amount_text", "第 2 行"),
        (file(GOOD.replace("REF1", "9" * 10_000_000)), "cell_too_long", "第 2 行"),
        (file(GOOD.replace("REF1", '"REF1')), "no_total", ""),
        (b"a" * (20 * 1024 * 1024 + 1), "too_large", ""),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_file_in_doubt_is_refused_with_its_code_and_place(raw, code, place):
    with pytest.raises(Invalid) as refused:
        read_bank_return(raw)
    assert refused.value.code == f"bank_return.{code}"
    assert place in refused.value.message
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (GOOD.replace("confirmed", "ok"), "result"),
        (GOOD.replace("2025-07-15,", "15.07.2025,"), "date"),
        (GOOD.replace("09:00:00", "25:00:00"), "moment"),
        (GOOD.replace("09:00:00", "soon"), "moment"),
    ],
)
def test_a_line_that_cannot_be_read_leaves_the_others(line, code):
    bad = line.replace("P-1-1", "P-2-1")
    told = read_bank_return(file(GOOD, bad, total="TOTAL,2,20.00,,,,"))
    assert [one.instruction_no for one in told.lines] == ["P-1-1"]
    (fault,) = told.faults
    assert (fault.code, fault.row, fault.instruction_no) == (f"bank_return.{code}", 3, "P-2-1")
    assert "第 3 行" in fault.message


def test_a_formula_stays_text():
    told = read_bank_return(file(GOOD.replace(",,2025", ',"=HYPERLINK(""http://x"")",2025', 1)))
    assert told.lines[0].reason == '=HYPERLINK("http://x")'
