"""The public price pages: the table of a month, a chip over time, and the files; without signing in."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from pypdf import PdfReader

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.price_entries import take_own_observations
from vouchers.context import Actor, acting
from vouchers.models import ProviderAdmission
from vouchers.policy.fair_price import PriceRow
from vouchers.web.charts import ChartPoint, SeenPrice, place_of, price_chart
from vouchers.web.price_files import no_formula

pytestmark = pytest.mark.django_db
OWN_WORD = {
    "observed_on": "2025-06-21",
    "kind": "transaction",
    "region_code": "110000",
    "accelerator": "H800",
    "form_factor": "SXM",
    "term_months": "3",
    "unit": "card_hour",
    "unit_price": "17.123456",
    "currency": "CNY",
}


def publish(cast, month):
    with dates.fixed(month):
        issue = prices.compute_index(month, by=cast.policy_editor)
        prices.propose_index(issue, by=cast.policy_editor, jump_text="已核实")
        return prices.publish_index(issue, by=cast.price_publisher, confirmation="已逐项核对")


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
        with dates.fixed(date(2025, 8, 1)):
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
    block = json.loads(re.search(r'id="price-chart-block" type="application/json">(.*?)</script>', text)[1])
    assert [point and point["base"] for point in block["points"]] == [None, "19.00", "18.00"]
    assert block["months"] == ["2025年5月", "2025年6月", "2025年7月"]
    assert len(block["seen"]) == 14
    assert block["seen"][0] == ["0.6290", "17.00", "quote", "2025年5月", 1]  # 20 May, without a name
    assert text.count('class="chart__speck"') == 14


def test_single_prices_are_not_shown_where_few_suppliers_would_be_told_apart(client, cast, published):
    with acting(Actor.service("test"), "test"):
        for month, day in ((8, date(2025, 7, 20)), (9, date(2025, 8, 20))):
            prices.load_observations(
                [row(uscc(n), str(30 + n), day, tier="cloud") for n in range(5 if month == 8 else 3)]
            )
            publish(cast, date(2025, month, 1))
    address = reverse("public:price_chip", args=["H800"])
    text = client.get(address, {"cell": "china/H800/SXM/cloud/east/1_6m"}).content.decode()
    block = json.loads(re.search(r'id="price-chart-block" type="application/json">(.*?)</script>', text)[1])
    assert {when for _place, _price, _kind, when, _count in block["seen"]} == {"2025年7月"}
    assert "价格不足" in text or "D" in text


def test_a_price_of_a_kind_that_did_not_vote_is_nobodys_to_see(client, cast):
    """One transaction by a provider's own word among seven quotes, and five contracts of one supplier, are on no chart."""
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(
            [
                *market_rows(date(2025, 6, 20)),
                *(
                    row(
                        uscc(30), f"17.{n}23456", date(2025, 6, 20 + n), kind="transaction", reference=f"R{n}"
                    )
                    for n in range(5)
                ),
            ]
        )
        ProviderAdmission.objects.create(
            provider=cast.provider,
            program_code="BJ-AIQ",
            batch="1",
            service_item="算力",
            tier="specialist",
            effective_from=date(2025, 1, 1),
        )
        with dates.fixed(date(2025, 6, 22)):
            (told,) = take_own_observations(cast.provider, [(1, OWN_WORD)], feed="api")
            assert told.outcome == "admitted"
        publish(cast, date(2025, 7, 1))
    text = client.get(reverse("public:price_chip", args=["H800"])).content.decode()
    block = json.loads(re.search(r'id="price-chart-block" type="application/json">(.*?)</script>', text)[1])
    assert [kind for _place, _price, kind, _when, _count in block["seen"]] == ["quote"] * 7
    assert "17.12" not in text


def test_the_chart_does_not_tell_the_day_of_a_contract(client, cast):
    """Seven transactions of the 14th to the 20th all stand at the middle of June, in the figures and in the drawing."""
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(market_rows(date(2025, 3, 20)))  # on the market for long
        prices.load_observations(
            [
                row(uscc(n), f"{20 - n}", date(2025, 6, 14 + n), kind="transaction", reference=f"T{n}")
                for n in range(7)
            ]
        )  # fmt: skip
        publish(cast, date(2025, 7, 1))
    text = client.get(reverse("public:price_chip", args=["H800"])).content.decode()
    block = json.loads(re.search(r'id="price-chart-block" type="application/json">(.*?)</script>', text)[1])
    told = [(place, price) for place, price, kind, _when, _count in block["seen"] if kind == "transaction"]
    assert [price for _place, price in told] == [f"{n}.00" for n in range(14, 21)]  # nor does their order
    assert {place[-5:] for place, _price in told} == {".5167"}


def test_a_chip_of_which_nothing_is_published_yet_says_so(client, published):
    """A link to a chip that the table knows is no dead end, in either market."""
    for asked in ({}, {"market": "reference"}):
        page = client.get(reverse("public:price_chip", args=["H20"]), asked)
        assert page.status_code == 200
        assert "H20" in page.content.decode() and "尚未公布" in page.content.decode()
    other = client.get(reverse("public:price_chip", args=["H800"]), {"market": "reference"})
    assert other.status_code == 200
    assert "尚未公布" in other.content.decode()
    assert reverse("public:price_chip", args=["H800"]) in other.content.decode()  # where there is one


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


def test_single_prices_lie_on_their_day_and_those_far_off_are_counted_not_drawn():
    points = [ChartPoint(date(2025, month, 1), Decimal(10), Decimal(9), Decimal(11)) for month in (1, 2)]
    seen = [
        SeenPrice(date(2025, 1, 1), Decimal(10), "quote"),
        SeenPrice(date(2025, 2, 28), Decimal("10.001"), "transaction"),
        SeenPrice(date(2025, 2, 3), Decimal(300), "quote", 4),
    ]
    chart = price_chart(points, seen=seen)
    assert [(speck.kind, speck.x) for speck in chart.specks] == [
        ("quote", "0.75%"),
        ("transaction", "99.00%"),
    ]
    assert chart.beyond == 4
    assert max(Decimal(rung.label) for rung in chart.rungs) == 11  # the odd price does not press the scale
    assert place_of(date(2024, 12, 31), [date(2025, 1, 1)]) is None


def test_a_correction_replaces_and_the_replaced_issue_stays_readable(client, cast, published):
    first = published[1]
    with acting(Actor.service("test"), "test"):
        prices.load_observations(market_rows(date(2025, 6, 25), ("16.5", "17", "17.5", "18.2", "19")))
        again = publish(cast, date(2025, 7, 1))
    assert again.issue_no == "PI-china-2025-07-2"
    issues = client.get(reverse("public:price_issues")).content.decode()
    assert first.issue_no in issues
    assert "已被更正版取代" in issues
    old = client.get(reverse("public:prices"), {"issue": first.issue_no}).content.decode()
    assert "本期已由更正版取代" in old
    assert again.issue_no in old
    assert first.rows_hash in old
    assert client.get(reverse("public:prices"), {"issue": "PI-none"}).status_code == 404
    draft = prices.compute_index  # drafts are no issues of the public
    with acting(Actor.service("test"), "test"):
        prices.load_observations([row(uscc(50), "30", date(2025, 7, 3))])
        with dates.fixed(date(2025, 8, 1)):
            held = draft(date(2025, 8, 1), by=cast.policy_editor)
    assert client.get(reverse("public:prices"), {"issue": held.issue_no}).status_code == 404


def test_a_cells_history_as_a_file(client, published):
    address = reverse("public:price_history_csv")
    cell = "china/H800/SXM/specialist/east/1_6m"
    answer = client.get(address, {"cell": cell})
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(line["month"], line["base"]) for line in lines] == [
        ("2025-06", "19.000000"),
        ("2025-07", "18.000000"),
    ]
    assert client.get(address, {"cell": "nothing"}).status_code == 404


def test_no_field_of_a_file_is_a_formula():
    assert [no_formula(text) for text in ("=1+1", "+A1", "-1", "@x", "\t=1", "A100")] == [
        "'=1+1", "'+A1", "-1", "'@x", "'\t=1", "A100",
    ]  # fmt: skip


def test_the_method_is_told_in_words_with_every_parameter(client, published):
    method = published[1].method
    text = client.get(reverse("public:price_method", args=["china", method.version])).content.decode()
    assert "每组只投一票" in text
    assert method.params_hash in text
    assert all(name in text for name in method.params)
    assert client.get(reverse("public:price_method", args=["china", 99])).status_code == 404


@pytest.mark.parametrize("name", ["prices_pdf", "price_history_pdf"])
def test_the_prices_on_paper(client, published, name):
    cell = "china/H800/SXM/specialist/east/1_6m"
    answer = client.get(reverse(f"public:{name}"), {"cell": cell})
    assert answer["Content-Type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    for words in ("18.00", "每组只投一票", published[1].method.params_hash[:16]):
        assert words in text.replace("\n", ""), words
