"""The public price pages: the table of a month, a chip over time, and the files; without signing in."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.policy.fair_price import PriceRow
from vouchers.web.charts import ChartPoint, price_chart

pytestmark = pytest.mark.django_db


def publish(cast, month):
    issue = prices.compute_index(month, by=cast.policy_editor)
    prices.propose_index(issue, by=cast.policy_editor, jump_text="已核实")
    return prices.publish_index(issue, by=cast.price_publisher)


@pytest.fixture
def published(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(
            [
                *market_rows(date(2025, 5, 20)),
                row(uscc(1), "4", date(2025, 5, 20), accelerator="L40S", form_factor="PCIe"),
            ]
        )
        prices.load_observations(market_rows(date(2025, 6, 20), ("16", "17", "17.5", "18", "19", "20", "21")))
        return publish(cast, date(2025, 6, 1)), publish(cast, date(2025, 7, 1))


def test_before_anything_is_published_the_page_says_so(client):
    page = client.get(reverse("public:prices"))
    assert page.status_code == 200
    assert "尚未公布价格" in page.content.decode()


def test_the_latest_month_is_shown_with_its_method(client, published):
    text = client.get(reverse("public:prices")).content.decode()
    assert "H800 SXM" in text
    assert "18.00" in text
    assert "PI-china-2025-07-1" in text
    assert "每组只投一票" in text


def test_drafts_are_not_shown(client, cast, published):
    with acting(Actor.service("test"), "test"):
        prices.load_observations([row(uscc(70), "40", date(2025, 7, 10))])
        prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert "2025-08" not in client.get(reverse("public:prices")).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "month=2025-06",
        "accelerator=H800&tier=specialist",
        "grade=B",
        "month=never",
        "tier=garage",
        "page=99",
        "market=moon",
    ],
)
def test_filters_that_are_no_choice_are_passed_over(client, published, query):
    page = client.get(f"{reverse('public:prices')}?{query}")
    assert page.status_code == 200
    assert "H800" in page.content.decode()


def test_a_chip_over_the_months_as_chart_and_table(client, published):
    text = client.get(reverse("public:price_chip", args=["H800"])).content.decode()
    assert 'class="chart__line"' in text
    assert text.count("chart__dot") >= 2
    assert "2025年6月" in text
    assert "7 个互不关联的供应方" in text
    assert "style=" not in text  # the CSP refuses it


def test_an_unknown_chip_or_cell(client, published):
    assert client.get(reverse("public:price_chip", args=["H9000"])).status_code == 404
    assert client.get(reverse("public:price_chip", args=["H800"]) + "?cell=nonsense").status_code == 200


def test_the_rows_can_be_taken_home_and_their_hashes_computed_again(client, published):
    text = client.get(reverse("public:prices_csv")).content.decode("utf-8-sig")
    (line,) = [line for line in csv.DictReader(io.StringIO(text)) if line["accelerator"] == "H800"]
    assert (Decimal(line["base"]), line["grade"], line["unit"]) == (Decimal(18), "B", "元/卡时")
    content = client.get(reverse("public:prices_json")).json()
    assert content["issue_no"] == "PI-china-2025-07-1"
    for item in content["rows"]:
        held = PriceRow.from_record(item["record"])
        assert held.computed_hash() == held.output_hash
    assert uscc(1) not in str(content)  # who quoted what is not public


def test_the_chart_breaks_where_a_month_has_no_price():
    points = [
        ChartPoint(date(2025, month, 1), None if month == 3 else Decimal(10 + month), Decimal(9), Decimal(20))
        for month in range(1, 6)
    ]
    chart = price_chart(points)
    assert len(chart.lines) == len(chart.bands) == 2
    assert len(chart.dots) == 4
    assert [tick.label for tick in chart.months] == ["25年1月", "2月", "3月", "4月", "5月"]
    assert price_chart(points[2:4]) is None
