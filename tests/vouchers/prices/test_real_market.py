"""The pages of prices on the real file: few statements whatever the market's size, and not slow."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.vouchers.prices import attack
from vouchers import dates
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.models import PriceIndexIssue, PriceIndexRow, PriceObservation

pytestmark = pytest.mark.django_db
MONTHS = [attack.DAY.replace(day=1) - timedelta(days=31 * back) for back in range(3, -1, -1)]
TODAY = date(2026, 7, 15)


@pytest.fixture
def market(cast):
    """Four months of the shipped file, published."""
    with acting(Actor.service("test"), "test"):
        prices.import_prices()
        for month in MONTHS:
            with dates.fixed(month.replace(day=1)):
                issue = prices.compute_index(month, by=cast.policy_editor, market="reference")
                prices.propose_index(issue, by=cast.policy_editor, jump_text="标价变动已核对。")
                prices.publish_index(issue, by=cast.price_publisher, confirmation="已核对。")


def test_the_pages_of_the_whole_real_market_take_few_statements(client, cast, market, capsys):
    last = PriceIndexIssue.objects.filter(market="reference", state="published").order_by("-month")[0]
    widest = (
        PriceObservation.objects.filter(market="reference", observed_on__gte=TODAY - timedelta(days=30), term_bucket="on_demand")
        .order_by()
        .values("accelerator", "form_factor", "tier", "region_group", "term_bucket")
        .annotate(count=Count("pk"))
        .order_by("-count")
        .first()
    )  # fmt: skip
    assert widest is not None
    parts = ("accelerator", "form_factor", "tier", "region_group", "term_bucket")
    cell = "/".join(["reference", *(widest[name] for name in parts)])
    client.force_login(cast.price_publisher)
    explorer = reverse("admin:vouchers_priceindexrow_explore")
    asked = {
        "explorer of the widest cell": (explorer, {"cell": cell, "as_of": f"{TODAY}", "known_on": f"{TODAY}"}, 40),
        "explorer of an issue's row": (explorer, {"cell": cell, "issue": last.issue_no}, 40),
        "what an issue changes": (reverse("admin:vouchers_priceindexissue_changes", args=[last.issue_no]), {}, 40),
        "a chip's page": (reverse("public:price_chip", args=[widest["accelerator"]]), {"market": "reference"}, 40),
    }  # fmt: skip
    with dates.fixed(TODAY):
        for name, (address, given, most) in asked.items():
            with CaptureQueriesContext(connection) as statements:
                started = time.perf_counter()
                answer = client.get(address, given)
                seconds = time.perf_counter() - started
            assert answer.status_code == 200, name
            with capsys.disabled():
                print(
                    f"\n{name}: {seconds:.2f} s, {len(statements)} statements, {len(answer.content):,} bytes"
                )
            assert len(statements) <= most, name
    assert PriceIndexRow.objects.filter(issue=last).count() > 10
