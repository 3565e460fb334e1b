"""Providers report prices and costs of a period: asked, reminded, checked; what is refused or false is on record."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from tests.casework import admitted
from vouchers import dates
from vouchers.actions import price_duties, price_reports, prices
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import CreditRecord, OutboxMessage, PriceObservation, PriceReport, Program
from vouchers.workbooks.price_rows import OWN, write_template

pytestmark = pytest.mark.django_db
TODAY = date(2025, 7, 15)
DUE = date(2025, 8, 8)
LINE = {
    "observed_on": "2025-06-20",
    "kind": "quote",
    "region_code": "110000",
    "accelerator": "H800",
    "form_factor": "SXM",
    "term_months": "3",
    "unit": "card_hour",
    "unit_price": "18.5",
    "currency": "CNY",
    "bookable_since": "2025-03-01",
}


@pytest.fixture
def duty(cast):
    Program.objects.get_or_create(code="BJ-AIQ", defaults={"name": "北京算力券", "region": cast.beijing})
    admitted(cast.provider, "BJ-AIQ", "算力")
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
    with acting(cast.price_publisher, "test"):
        yield price_duties.open_duty(
            region=cast.beijing,
            program=None,
            title="2025年第二季度价格与成本报送",
            document_no="京价〔2025〕7号",
            period_from=date(2025, 4, 1),
            period_to=date(2025, 7, 16),
            due_on=DUE,
            remind_days=[5, 1],
            by=cast.price_publisher,
        )


@pytest.fixture
def report(duty):
    return duty.reports.get()


def told():
    rows = OutboxMessage.objects.filter(task="applications.price_report_told").order_by("pk")
    return [row.payload["message"] for row in rows]


def handed_in(report, cast, *lines, statement=""):
    for line in lines or (LINE,):
        price_reports.add_line(report, line, by=cast.platform)
    return price_reports.submit_report(report, statement=statement, true=True, by=cast.platform)


def test_a_duty_asks_every_admitted_provider_and_tells_it(report, duty, cast):
    assert (report.party, report.state, report.due_on) == (cast.provider, "due", DUE)
    assert told() == ["asked"]
    assert price_duties.ask_newcomers(duty, by=cast.price_publisher) == 0
    with pytest.raises(Forbidden):
        price_duties.ask_newcomers(duty, by=cast.other_handler)
    with pytest.raises(NotNow):
        price_duties.close_duty(duty, by=cast.price_publisher)


def test_whoever_has_not_reported_is_reminded_on_the_days_named_once_a_day(report):
    assert price_duties.remind_due(date(2025, 7, 31)) == []
    assert price_duties.remind_due(date(2025, 8, 1)) == [report.report_no]  # five working days before
    assert price_duties.remind_due(date(2025, 8, 1)) == []
    assert price_duties.remind_due(date(2025, 8, 7)) == [report.report_no]
    assert price_duties.remind_due(DUE) == [report.report_no]
    assert told() == ["asked", "reminder", "reminder", "reminder"]


def test_the_day_after_it_is_overdue_and_on_record_until_it_is_handed_in(report, cast):
    assert price_duties.mark_overdue(DUE) == []
    with dates.fixed(DUE + timedelta(days=1)):
        assert price_duties.mark_overdue(dates.today()) == [report.report_no]
        assert price_duties.mark_overdue(dates.today()) == []
        report.refresh_from_db()
        (record,) = CreditRecord.objects.all()
        assert (report.state, record.ground, record.party, record.region_code) == (
            "overdue",
            "report_overdue",
            cast.provider,
            "110000",
        )
        handed_in(report, cast)
    record.refresh_from_db()
    assert (report.state, report.late, record.repaired_on) == ("submitted", True, date(2025, 8, 9))


def test_a_report_is_vouched_for_and_has_lines_that_can_be_read(report, cast):
    with pytest.raises(Invalid) as empty:
        price_reports.submit_report(report, statement="", true=True, by=cast.platform)
    assert empty.value.code == "price_report.empty"
    for changes, code in (
        ({"unit_price": "0"}, "price.price.not_positive"),
        ({"unit_price": "NaN"}, "price.price.invalid"),
        ({"observed_on": "2025-07-16"}, "price_report.period"),
        ({"observed_on": "2025-01-01"}, "price_report.period"),
        ({"kind": "expert"}, "price.kind.unknown"),
        ({"tier": "cloud"}, "price.column.unknown"),
    ):
        with pytest.raises(Invalid) as refusal:
            price_reports.add_line(report, {**LINE, **changes}, by=cast.platform)
        assert refusal.value.code == code
    price_reports.add_line(report, LINE, by=cast.platform)
    with pytest.raises(Invalid) as unsaid:
        price_reports.submit_report(report, statement="", true=False, by=cast.platform)
    assert unsaid.value.code == "price_report.true"
    with pytest.raises(Forbidden):
        price_reports.submit_report(report, statement="", true=True, by=cast.filer)
    with pytest.raises(Forbidden):
        price_reports.add_line(report, LINE, by=cast.handler)


def test_accepted_lines_become_observations_costs_beside_them_and_suspects_wait(report, cast):
    handed_in(
        report,
        cast,
        LINE,
        {**LINE, "kind": "cost", "unit_price": "11"},
        {**LINE, "unit": "card_hour", "cards": "8", "unit_price": "150"},
        {**LINE, "kind": "transaction", "unit_price": "17.9"},
    )
    taken = price_reports.accept_report(report, by=cast.handler)
    assert [(one.outcome, one.code) for one in taken] == [
        ("admitted", ""),
        ("set_aside", "price.cost.informative"),
        ("quarantined", "price.unit.ambiguous"),
        ("admitted", ""),
    ]
    last = taken[3].observation
    assert (last.evidence, last.party, last.tier) == ("declared", cast.provider, "specialist")
    lines = price_reports.lines_of(report)
    assert [line.observation for line in lines] == [one.observation for one in taken]
    assert told() == ["asked", "accepted"]
    with pytest.raises(NotNow):
        price_reports.accept_report(report, by=cast.handler)


def test_a_quote_that_claims_to_be_older_than_the_admission_waits_for_a_person(report, cast):
    handed_in(report, cast, {**LINE, "bookable_since": "2015-01-01"})
    (taken,) = price_reports.accept_report(report, by=cast.handler)
    assert (taken.outcome, taken.code) == ("quarantined", "price.quote.unproven")


def test_a_returned_report_keeps_what_was_handed_in_and_is_written_anew(report, cast):
    handed_in(report, cast)
    with pytest.raises(Invalid):
        price_reports.return_report(report, by=cast.handler, reason=" ", due_on=date(2025, 8, 20))
    with pytest.raises(Forbidden):
        price_reports.return_report(report, by=cast.other_handler, reason="缺单位", due_on=date(2025, 8, 20))
    price_reports.return_report(report, by=cast.handler, reason="请补充成本。", due_on=date(2025, 8, 20))
    assert (report.state, report.due_on) == ("returned", date(2025, 8, 20))
    assert price_reports.copy_lines(report, by=cast.platform) == 1
    price_reports.add_line(report, {**LINE, "kind": "cost", "unit_price": "11"}, by=cast.platform)
    price_reports.remove_line(report, 1, by=cast.platform)
    price_reports.submit_report(report, statement="已补", true=True, by=cast.platform)
    assert report.submission == 2
    assert [(line.submission, line.fields["kind"]) for line in report.lines.all()] == [
        (1, "quote"),
        (2, "cost"),
    ]


def test_a_refusal_is_on_record_and_repaired_by_reporting_after_all(report, cast):
    with pytest.raises(Invalid):
        price_reports.note_refusal(report, by=cast.handler, reason="")
    price_reports.note_refusal(report, by=cast.handler, reason="两次催告后书面答复不予报送。")
    record = CreditRecord.objects.get()
    assert (report.state, record.ground, record.repaired_on) == ("refused", "report_refused", None)
    handed_in(report, cast)
    record.refresh_from_db()
    assert record.repaired_on == TODAY


def test_whoever_had_no_business_is_excused(report, duty, cast):
    price_reports.excuse_report(report, by=cast.price_publisher, reason="该期间无算力租赁业务。")
    assert report.state == "excused"
    price_duties.close_duty(duty, by=cast.price_publisher)
    assert duty.state == "closed"


def test_a_false_report_takes_two_persons_its_prices_count_no_more_and_it_stays_on_record(report, cast):
    handed_in(report, cast, LINE, {**LINE, "cards": "8", "unit_price": "150"})
    price_reports.accept_report(report, by=cast.handler)
    price_reports.suspect_report(report, by=cast.handler, reason="官网同日公布价为 12 元。")
    with pytest.raises(Forbidden) as same:
        price_reports.find_false(report, by=cast.handler, reason="属实")
    assert same.value.code == "access.same_person"
    with pytest.raises(Forbidden):
        price_reports.clear_report(report, by=cast.handler, reason="不属实")
    price_reports.clear_report(report, by=cast.second_handler, reason="尚不足以认定")
    assert report.state == "submitted"
    price_reports.accept_report(report, by=cast.second_handler)  # the lines are those that are known
    assert PriceObservation.objects.count() == 2
    price_reports.suspect_report(report, by=cast.handler, reason="取得网页存档。")
    price_reports.find_false(report, by=cast.price_publisher, reason="与存档不符。")
    good, waiting = PriceObservation.objects.order_by("unit_price")
    assert (good.set_aside_reason, good.set_aside_at) == ("report.false", dates.now())
    assert (waiting.state, waiting.reason) == ("set_aside", "report.false")
    assert [row.verb for row in good.judgements.all()] == ["set_aside"]
    record = CreditRecord.objects.get()
    assert (record.ground, record.repaired_on, record.party) == ("report_false", None, cast.provider)
    with pytest.raises(NotNow):
        price_reports.add_line(report, LINE, by=cast.platform)


def filled(*rows):
    """The template with rows typed in under its headings."""
    book = load_workbook(io.BytesIO(write_template(OWN, kinds=["quote", "transaction", "cost"])))
    sheet = book["价格"]
    for row_no, row in enumerate(rows, start=2):
        for place, name in enumerate(OWN, start=1):
            if name in row:
                sheet.cell(row_no, place, row[name])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_template_filled_in_is_taken_with_its_words_and_a_bad_cell_is_named(report, cast):
    words = {**LINE, "kind": "报价", "unit": "元/卡时", "tax_included": "否", "unit_price": 18.5}
    assert (
        price_reports.write_lines(
            report, filled(words, words | {"kind": "成本（仅供核对）"}), "报送.xlsx", by=cast.platform
        )
        == 2
    )
    kinds = [line.fields["kind"] for line in price_reports.lines_of(report, draft=True)]
    assert kinds == ["quote", "cost"]
    with pytest.raises(Problems) as refusal:
        price_reports.write_lines(
            report, filled(words, words | {"unit_price": "约18"}), "报送.xlsx", by=cast.platform
        )
    column = "ABCDEFGHIJKLMNOPQR"[OWN.index("unit_price")]
    assert refusal.value.problems[0].message.startswith(f"{column}3：")
    assert len(price_reports.lines_of(report, draft=True)) == 2  # those from before


# -- on the pages -----------------------------------------------------------------------------------------------------


def test_the_provider_writes_and_reports_on_its_page(client, report, cast):
    client.force_login(cast.platform)
    assert report.report_no in client.get(reverse("portal:price_reports")).content.decode()
    page = reverse("portal:price_report", args=[report.report_no])
    assert "京价〔2025〕7号" in client.get(page).content.decode()
    lines = reverse("portal:price_report_add", args=[report.report_no])
    refused = client.post(lines, {**LINE, "unit_price": "0", "tax_included": "false"})
    assert (refused.status_code, "不大于零" in refused.content.decode()) == (422, True)
    assert client.post(lines, {**LINE, "tax_included": "false"}).status_code == 302
    submit = reverse("portal:price_report_submit", args=[report.report_no])
    assert client.post(submit, {}).status_code == 422
    assert client.post(submit, {"true": "on", "statement": "如实"}).status_code == 302
    report.refresh_from_db()
    assert (report.state, report.submitted_by) == ("submitted", cast.platform)
    assert "正在核对" in client.get(page).content.decode()
    client.force_login(cast.filer)
    assert client.get(page).status_code == 404
    assert client.get(reverse("portal:price_report_template")).status_code == 200


def test_the_office_checks_on_its_page(client, report, cast):
    handed_in(report, cast)
    client.force_login(cast.handler)
    page = client.get(reverse("admin:vouchers_pricereport_change", args=[report.report_no])).content.decode()
    assert "18.500000" in page
    answer = client.post(
        reverse("admin:vouchers_pricereport_act", args=[report.report_no, "accept"]), {"note": ""}
    )
    assert answer.status_code == 302
    assert PriceReport.objects.get().state == "accepted"
    duty_page = client.get(reverse("admin:vouchers_reportingduty_change", args=[report.duty.duty_no]))
    assert cast.provider.name in duty_page.content.decode()


def test_a_duty_is_opened_on_its_page(client, duty, cast):
    client.force_login(cast.price_publisher)
    given = {
        "region": cast.beijing.pk,
        "program": "",
        "title": "第三季度报送",
        "document_no": "京价〔2025〕8号",
        "period_from": "2025-07-01",
        "period_to": "2025-10-01",
        "due_on": "2025-10-15",
        "remind_days": "5、1",
        "instructions": "",
    }
    answer = client.post(reverse("admin:vouchers_reportingduty_add"), given)
    assert answer.status_code == 302, answer.content.decode()
    assert PriceReport.objects.count() == 2
    early = client.post(reverse("admin:vouchers_reportingduty_add"), {**given, "due_on": "2025-07-16"})
    assert (early.status_code, "reporting_duty.due_on" in early.content.decode()) == (422, True)
