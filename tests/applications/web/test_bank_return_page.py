"""What a bank's file may get wrong, through the page on which finance takes it in: named by code and line, the rest kept."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import banking
from tests.vouchers.test_payments import claims  # noqa: F401
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.payment_lists import lines_of
from vouchers.models import BankReturn, Payment

HEAD = "instruction_no,result,amount,bank_reference,reason"


@pytest.fixture
def upload(cast, claims):
    """Two payments at the bank, and a way to hand in its answer: rows, and what the last row states."""
    batch = banking.exported(cast)
    client = Client()
    client.force_login(cast.finance)

    def send(*rows: str, count: object = None, total: object = None) -> str:
        amounts = [Decimal(row.split(",")[2]) for row in rows if row.split(",")[2].replace(".", "").isdigit()]
        last = f"TOTAL,{len(rows) if count is None else count},{sum(amounts) if total is None else total},,"
        text = "\r\n".join([HEAD, *rows, last, ""])
        file = SimpleUploadedFile("回执.csv", text.encode(), content_type="text/csv")
        page = f"/desk/payments/batches/{batch.batch_no}/"
        answer = client.post(f"{page}settle/", {"file": file}, follow=True)
        assert answer.status_code in (200, 409, 422)
        return answer.content.decode() + client.get(page).content.decode()

    send.lines = lines_of(batch)
    return send


def good(line) -> str:
    return f"{line.instruction_no},confirmed,{line.amount},BANK-{line.pk},"


def states() -> list[str]:
    return list(Payment.objects.order_by("pk").values_list("state", flat=True))


def test_an_unknown_line_is_named_and_the_others_are_taken_in(upload):
    first = upload.lines[0]
    page = upload(good(first), "P-2025-99999999-1,confirmed,100.00,BANK-9,")
    assert "P-2025-99999999-1" in page
    assert sorted(states()) == ["confirmed", "instructed"]
    kept = BankReturn.objects.get()
    assert [one["code"] for one in kept.refused_lines] == ["bank_return.unknown_line"]
    assert check_ledger() == []


def test_of_a_line_that_stands_twice_neither_counts(upload):
    first, second = upload.lines
    upload(good(first), good(second), good(first))
    assert sorted(states()) == ["confirmed", "instructed"]
    assert {one["code"] for one in BankReturn.objects.get().refused_lines} == {"bank_return.duplicate"}
    assert check_ledger() == []


@pytest.mark.parametrize(("count", "total"), [(None, "1.00"), (9, None)])
def test_a_file_whose_total_is_wrong_is_not_taken_in_at_all(upload, count, total):
    page = upload(*map(good, upload.lines), count=count, total=total)
    assert "合计" in page or "笔数" in page
    assert states() == ["instructed", "instructed"] and not BankReturn.objects.exists()
    assert check_ledger() == []


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.005", "1e30", "一百"])
def test_an_amount_that_is_none_takes_nothing_in_for_its_line(upload, amount):
    first, second = upload.lines
    upload(f"{first.instruction_no},confirmed,{amount},BANK-1,", good(second), total=second.amount)
    assert states()[0] == "instructed"
    assert check_ledger() == []
