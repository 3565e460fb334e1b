"""A file of prices is looked at row by row, let in by a person, and changes nothing the second time."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from audit.models import AuditEvent
from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import price_files
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import PriceFile, PriceObservation, RoleGrant, User
from vouchers.workbooks.price_rows import COLUMNS, read_price_rows, write_template

pytestmark = pytest.mark.django_db
ON = date(2025, 6, 20)


@pytest.fixture
def colleague(cast):
    """A second person of the price office."""
    user = User.objects.create(username="price-publisher-2", display_name="京价格二", is_staff=True)
    RoleGrant.objects.create(
        user=user, role=Role.PRICE_PUBLISHER, region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return user


def as_csv(*rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_book(*rows):
    book = load_workbook(io.BytesIO(write_template()))
    sheet = book["价格"]
    for row_no, one in enumerate(rows, start=2):
        for place, column in enumerate(COLUMNS, start=1):
            value = one.get(column.name, "")
            word = next((word for word, code in column.choices if code == value), value)
            sheet.cell(row_no, place, word)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


BAD = (
    ({"unit_price": "0"}, "price.not_positive", "L"),
    ({"unit_price": "-3"}, "price.not_positive", "L"),
    ({"unit_price": "NaN"}, "price.invalid", "L"),
    ({"unit_price": "1e12"}, "price.implausible", "L"),
    ({"observed_on": "2099-01-01"}, "date.future", "A"),
    ({"carried_from": "2035-01-01"}, "date.future", "Q"),
    ({"unit": "bushel"}, "unit.unknown", "I"),
)
WAITING = (
    ({"accelerator": "H9000"}, "chip.unknown"),
    ({"unit": ""}, "unit.missing"),
    ({"currency": "USD"}, "currency.no_rate"),
    ({"unit_price": "152"}, "unit.instance_total"),
    ({"unit_price": "1"}, "price.placeholder"),
    ({"carried_from": "2025-05-01"}, "quote.carried"),
)


@pytest.mark.parametrize(("write", "name"), [(as_csv, "价格.csv"), (as_book, "价格.xlsx")])
def test_bad_rows_are_told_by_their_cell_suspects_wait_and_the_rest_is_loaded(cast, colleague, write, name):
    blank = {"carried_from": ""}
    good = [one | blank for one in market_rows(ON)]
    bad = [{**row(uscc(50 + n), "19", ON), **blank, **changes} for n, (changes, _c, _l) in enumerate(BAD)]
    waiting = [{**row(uscc(70 + n), "19", ON), **blank, **changes} for n, (changes, _c) in enumerate(WAITING)]
    with acting(cast.price_publisher, "test"):
        file = price_files.preview_file(
            write(*good, *bad, *waiting), name, backfilled=False, by=cast.price_publisher
        )
        counts = {
            "read": 20,
            "admitted": 7,
            "quarantined": 6,
            "set_aside": 0,
            "known": 0,
            "refused": len(BAD),
        }
        assert file.counts == counts
        assert not PriceObservation.objects.exists()  # only looked at
        told = [(one["row"], one["code"], one["outcome"]) for one in file.findings]
        assert told == [
            *((9 + n, code, "refused") for n, (_changes, code, _letter) in enumerate(BAD)),
            *((9 + len(BAD) + n, code, "quarantined") for n, (_changes, code) in enumerate(WAITING)),
        ]
        if name.endswith("xlsx"):
            assert [one["cell"] for one in file.findings[: len(BAD)]] == [
                f"{letter}{9 + n}" for n, (_changes, _code, letter) in enumerate(BAD)
            ]
    with acting(colleague, "test"):
        price_files.load_file(file, by=colleague)
        assert (file.state, file.counts) == ("loaded", counts)
        held = PriceObservation.objects.get(source_key=uscc(0))
        assert (held.row_no, held.known_at) == (2, dates.now())  # known since it was let in
        with pytest.raises(NotNow):
            price_files.load_file(file, by=colleague)


def test_the_same_file_is_the_same_row_and_its_rows_in_another_file_are_known(cast, colleague):
    rows = market_rows(ON)
    with acting(cast.price_publisher, "test"):
        file = price_files.preview_file(as_csv(*rows), "a.csv", backfilled=True, by=cast.price_publisher)
        assert (
            price_files.preview_file(as_csv(*rows), "b.csv", backfilled=True, by=cast.price_publisher) == file
        )
    with acting(colleague, "test"):
        price_files.load_file(file, by=colleague)
    with acting(cast.price_publisher, "test"):
        again = price_files.preview_file(as_csv(*rows), "c.csv", backfilled=True, by=cast.price_publisher)
        assert (again, PriceFile.objects.count()) == (file, 1)
        other = price_files.preview_file(as_book(*rows), "d.xlsx", backfilled=True, by=cast.price_publisher)
        assert PriceObservation.objects.count() == 7
        assert other.row_count == 7
    held = PriceObservation.objects.get(source_key=uscc(0))
    assert held.known_at.astimezone(dates.SHANGHAI).date() == ON  # history counts since its own day


@pytest.mark.parametrize(
    ("kind", "backfilled"), [("transaction", True), ("transaction", False), ("quote", True), ("quote", False)]
)
def test_what_can_move_a_decided_price_is_let_in_by_another_person(cast, colleague, kind, backfilled):
    rows = [{**one, "kind": kind} for one in market_rows(ON)]
    uploader = cast.price_publisher
    with acting(uploader, "test"):
        file = price_files.preview_file(as_csv(*rows), "a.csv", backfilled=backfilled, by=uploader)
        with pytest.raises(Forbidden) as refusal:
            price_files.load_file(file, by=uploader)
    assert refusal.value.code == "access.same_person"
    assert not PriceObservation.objects.exists()
    with acting(colleague, "test"):
        assert price_files.load_file(file, by=colleague).read == 7
    assert file.state == "loaded"


EXPERTS = [
    {
        **row(name, price, ON, kind="expert", reference=f"意见书 {name}", bookable_since=""),
        "employer": employer,
    }
    for name, price, employer in (("张三", "18", "甲院"), ("李四", "19", "甲院"), ("王五", "20", "乙院"))
]


@pytest.mark.parametrize(("write", "name"), [(as_csv, "专家.csv"), (as_book, "专家.xlsx")])
def test_experts_of_one_employer_are_one_source_from_a_file_too(cast, colleague, write, name):
    without_employer = {**EXPERTS[0], "employer": ""}
    without_paper = {**EXPERTS[0], "reference": ""}
    with acting(cast.price_publisher, "test"):
        file = price_files.preview_file(
            write(*EXPERTS, without_employer, without_paper), name, backfilled=False, by=cast.price_publisher
        )
        assert [(one["row"], one["code"], one["column"]) for one in file.findings] == [
            (5, "employer.missing", "专家任职单位"),
            (6, "paper.missing", "依据编号"),
        ]
        with pytest.raises(Forbidden):  # another person lets experts' statements in
            price_files.load_file(file, by=cast.price_publisher)
    with acting(colleague, "test"):
        price_files.load_file(file, by=colleague)
    held = {one.source: one.source_key for one in PriceObservation.objects.all()}
    assert held == {"张三": "甲院", "李四": "甲院", "王五": "乙院"}


def test_a_file_without_the_column_has_not_said_for_whom_its_experts_work(cast):
    rows = [{name: value for name, value in one.items() if name != "employer"} for one in EXPERTS]
    with acting(cast.price_publisher, "test"):
        file = price_files.preview_file(as_csv(*rows), "a.csv", backfilled=False, by=cast.price_publisher)
    assert {one["code"] for one in file.findings} == {"employer.missing"}


def test_the_template_that_is_downloaded_reads_back_as_it_was_filled_in(client, cast):
    """Every column, by its Chinese heading and the words of its list; an empty template is told so."""
    client.force_login(cast.price_publisher)
    content = client.get(reverse("admin:vouchers_pricefile_template")).content
    with pytest.raises(Invalid) as refusal:
        read_price_rows(content, "模板.xlsx")
    assert refusal.value.code == "price.file_empty"
    book = load_workbook(io.BytesIO(content))
    sheet = book["价格"]
    assert [cell.value for cell in sheet[1]] == [column.label for column in COLUMNS]
    filled = {column.name: column.example or "示例" for column in COLUMNS}
    for place, column in enumerate(COLUMNS, start=1):
        sheet.cell(2, place, filled[column.name])
    out = io.BytesIO()
    book.save(out)
    read = read_price_rows(out.getvalue(), "模板.xlsx")
    codes = {column.name: dict(column.choices) for column in COLUMNS}
    ((number, told),) = read.rows
    assert number == 2
    assert told == {name: codes[name].get(value, value) for name, value in filled.items()}
    assert told["kind"] == "quote" and told["tier"] == "specialist" and told["employer"] == "示例"


def test_a_file_that_is_let_in_is_one_event_with_its_digest(cast, colleague):
    with acting(cast.price_publisher, "test"):
        file = price_files.preview_file(
            as_csv(*market_rows(ON)), "a.csv", backfilled=False, by=cast.price_publisher
        )
    with acting(colleague, "test"):
        price_files.load_file(file, by=colleague)
    events = AuditEvent.objects.filter(
        subject_kind="price_file", subject_no=file.file_no, verb="price_file.load"
    )
    assert any(file.sha256 in event.reason for event in events)
    assert AuditEvent.objects.filter(subject_kind="price_observation").count() <= 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "price.file_empty"),
        (b"PK\x03\x04no workbook", "price.file_form"),
        ("甲,乙\n1,2\n".encode(), "price.file_columns"),
        (b"unit_price,unit_price\n1,2\n", "price.file_columns"),
        (b"\xff\xfe\x00\x81", "price.file_encoding"),
    ],
)
def test_what_is_no_file_of_prices_is_refused_whole(content, code):
    with pytest.raises(Invalid) as refusal:
        read_price_rows(content, "odd")
    assert refusal.value.code == code


def test_only_the_price_office_takes_files_up(cast):
    with acting(cast.handler, "test"), pytest.raises(Forbidden):
        price_files.preview_file(as_csv(*market_rows(ON)), "a.csv", backfilled=False, by=cast.handler)


def test_on_the_pages_a_file_is_uploaded_previewed_and_let_in_by_another(client, cast, colleague):
    client.force_login(cast.price_publisher)
    template = client.get(reverse("admin:vouchers_pricefile_template"))
    assert load_workbook(io.BytesIO(template.content)).sheetnames == ["填写说明", "价格", "选项"]
    bad = {**row(uscc(9), "19", ON), "unit_price": "0"}
    sent = SimpleUploadedFile("价格.csv", as_csv(*market_rows(ON), bad))
    answer = client.post(reverse("admin:vouchers_pricefile_add"), {"file": sent})
    file = PriceFile.objects.get()
    assert answer.url == reverse("admin:vouchers_pricefile_change", args=[file.file_no])
    page = client.get(answer.url).content.decode()
    assert "L9" in page
    assert "不大于零" in page
    client.post(reverse("admin:vouchers_pricefile_act", args=[file.file_no, "load"]))
    file.refresh_from_db()
    assert file.state == "previewed"
    client.force_login(colleague)
    client.post(reverse("admin:vouchers_pricefile_act", args=[file.file_no, "load"]))
    file.refresh_from_db()
    assert (file.state, PriceObservation.objects.count()) == ("loaded", 7)
    empty = client.post(reverse("admin:vouchers_pricefile_add"), {"file": SimpleUploadedFile("x.csv", b" ")})
    assert (empty.status_code, "price.file_empty" in empty.content.decode()) == (422, True)
