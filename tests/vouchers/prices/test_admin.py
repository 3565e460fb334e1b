"""Prices in the configuration: who sees what, and that every verb goes through its action."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.models import PriceIndexIssue, PriceObservation

pytestmark = pytest.mark.django_db
PAGES = ("priceobservation", "priceindexissue", "priceindexrow", "chipmodel", "fxrate", "pricemethod")


@pytest.fixture(autouse=True)
def loaded(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(
            [*market_rows(date(2025, 6, 20)), row(uscc(9), "19", date(2025, 6, 20), unit="")]
        )


def as_(client, person):
    client.force_login(person)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_price_publishers_and_editors_read_the_tables_and_strangers_do_not(client, cast, page):
    address = reverse(f"admin:vouchers_{page}_changelist")
    for person in (cast.price_publisher, cast.policy_editor):
        assert as_(client, person).get(address).status_code == 200
    for person in (cast.stranger, cast.filer):
        assert as_(client, person).get(address).status_code in (302, 403)


def test_an_issue_is_computed_proposed_and_published_by_two_persons_on_its_page(client, cast):
    as_(client, cast.policy_editor)
    answer = client.post(
        reverse("admin:vouchers_priceindexissue_compute"), {"month": "2025-07-01", "market": "china"}
    )
    issue = PriceIndexIssue.objects.get()
    page = reverse("admin:vouchers_priceindexissue_change", args=[issue.issue_no])
    assert answer.url == page
    assert "提请发布" in client.get(page).content.decode()

    def act(verb, **given):
        return client.post(reverse("admin:vouchers_priceindexissue_act", args=[issue.issue_no, verb]), given)

    assert act("propose").url == page
    assert act("publish").status_code == 403
    as_(client, cast.price_publisher)
    assert act("verify").url == page
    assert act("publish").url == page
    issue.refresh_from_db()
    assert (issue.state, issue.publisher) == ("published", cast.price_publisher)


def test_a_month_without_prices_is_refused_on_the_form(client, cast):
    as_(client, cast.policy_editor)
    answer = client.post(
        reverse("admin:vouchers_priceindexissue_compute"), {"month": "2019-01-01", "market": "china"}
    )
    assert answer.status_code == 422
    assert "price.no_observations" in answer.content.decode()


def test_a_quarantined_price_is_settled_on_its_page(client, cast):
    held = PriceObservation.objects.get(state="quarantined")
    as_(client, cast.price_publisher)
    page = client.get(
        reverse("admin:vouchers_priceobservation_change", args=[held.observation_no])
    ).content.decode()
    assert "核对后采用" in page
    address = reverse("admin:vouchers_priceobservation_act", args=[held.observation_no, "settle"])
    refused = client.post(address, {"note": "电话核实"})
    assert (refused.status_code, "unit.missing" in refused.content.decode()) == (422, True)
    client.post(address, {"unit": "card_hour", "note": "电话核实"})
    held.refresh_from_db()
    assert (held.state, held.normalised_price, held.decided_by) == (
        "admitted",
        Decimal(19),
        cast.price_publisher,
    )
    client.post(
        reverse("admin:vouchers_priceobservation_act", args=[held.observation_no, "set-aside"]),
        {"reason": "withdrawn", "note": "报价方撤回"},
    )
    held.refresh_from_db()
    assert held.set_aside_at is not None


def test_nobody_edits_a_row_by_hand(client, cast):
    held = PriceObservation.objects.filter(state="admitted").first()
    as_(client, cast.price_publisher)
    answer = client.post(
        reverse("admin:vouchers_priceobservation_change", args=[held.observation_no]),
        {"normalised_price": "1"},
    )
    assert answer.status_code == 403
    as_(
        client, cast.policy_editor
    )  # a price is entered by the price office or an expert alone, as a live one
    assert client.get(reverse("admin:vouchers_priceobservation_add")).status_code == 403
    as_(client, cast.price_publisher)
    assert (
        client.post(
            reverse("admin:vouchers_priceobservation_delete", args=[held.observation_no]), {"post": "yes"}
        ).status_code
        == 403
    )
