"""A provider's platform hands in its own prices: safe to send again, each answered for itself, and none it may not speak for."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.casework import admitted
from tests.vouchers.prices.feeds import market_rows
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.models import ApiCredential, PriceObservation, PriceSubmission, ProviderAdmission
from vouchers.models.recorded import Origin

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/prices/observations"
ON = date(2025, 7, 10)


@pytest.fixture(autouse=True)
def market(cast):
    admitted(cast.provider, "BJ-AIQ", "算力")
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(market_rows(date(2025, 7, 1)))


def price(**changes):
    fields = {
        "observed_on": ON.isoformat(),
        "kind": "quote",
        "region_code": "110000",
        "accelerator": "H800",
        "form_factor": "SXM",
        "term_months": 3,
        "unit": "card_hour",
        "unit_price": "18.50",
        "currency": "CNY",
        "bookable_since": "2025-03-01",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


@pytest.fixture
def send(client, cast):
    def call(body, key="price-key-0001", token=cast.platform_token):
        return client.post(
            ADDRESS,
            body if isinstance(body, str) else json.dumps(body),
            content_type="application/json",
            headers={"Idempotency-Key": key, "Authorization": f"Bearer {token}"},
        )

    return call


def test_a_quote_is_taken_with_the_registered_source_and_tier(send, cast):
    answer = send(price(unit_price=18.5))
    assert answer.status_code == 201
    (line,) = answer.json()["lines"]
    assert (line["outcome"], line["normalised_price"]) == ("admitted", "18.500000")
    held = PriceObservation.objects.get(observation_no=line["observation_no"])
    assert (held.party, held.tier, held.origin) == (cast.provider, "specialist", Origin.LIVE)
    assert held.original["unit_price"] == "18.5"


def test_eighteen_digits_are_taken_to_the_last_one_by_number_too(send):
    """A float would end at 18.123456789012344."""
    body = json.dumps(price(unit_price="N")).replace('"N"', "18.1234567890123456")
    (line,) = send(body).json()["lines"]
    held = PriceObservation.objects.get(observation_no=line["observation_no"])
    assert held.original["unit_price"] == "18.1234567890123456"


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1e999999999", "1e-999999999", '"1e999999999"', "{"])
def test_what_is_no_figure_is_refused_without_a_stumble(send, figure):
    answer = send(json.dumps(price(unit_price="N")).replace('"N"', figure))
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 2_000
    assert not PriceObservation.objects.filter(observed_on=ON).exists()


def test_sent_again_it_is_the_first_answer_to_the_byte_and_another_body_is_refused(send):
    first = send(price())
    again = send(price())
    assert (again.status_code, again["Idempotent-Replayed"], again.content) == (200, "true", first.content)
    other = send(price(unit_price="19"))
    assert (other.status_code, other.json()["code"]) == (422, "price.key_reused")
    assert PriceSubmission.objects.count() == 1
    known = send(price(), key="price-key-0002").json()["lines"][0]
    assert (known["outcome"], known["observation_no"]) == (
        "known",
        first.json()["lines"][0]["observation_no"],
    )


@pytest.mark.parametrize(
    ("changes", "outcome", "code", "field"),
    [
        ({"unit_price": 0}, "refused", "price.price.not_positive", "unit_price"),
        ({"unit_price": "-3"}, "refused", "price.price.not_positive", "unit_price"),
        ({"unit_price": "NaN"}, "refused", "price.price.invalid", "unit_price"),
        ({"unit_price": 1e12}, "refused", "price.price.implausible", "unit_price"),
        ({"observed_on": "2025-07-16"}, "refused", "price.date.future", "observed_on"),
        ({"unit": "bushel"}, "refused", "price.unit.unknown", "unit"),
        ({"tier": "cloud"}, "refused", "price.column.unknown", "tier"),
        ({"source": "91110108000009999X"}, "refused", "price.column.unknown", "source"),
        ({"kind": "expert"}, "refused", "price.kind.unknown", "kind"),
        ({"unit": None}, "quarantined", "price.unit.missing", ""),
        ({"accelerator": "H9000"}, "quarantined", "price.chip.unknown", ""),
        ({"currency": "USD"}, "quarantined", "price.currency.no_rate", ""),
        ({"unit_price": "152"}, "quarantined", "price.unit.instance_total", ""),
        ({"unit_price": "1"}, "quarantined", "price.price.placeholder", ""),
        ({"carried_from": "2025-06-01"}, "quarantined", "price.quote.carried", ""),
        ({"observed_on": "2025-05-01"}, "quarantined", "price.quote.stale", ""),
    ],
)
def test_a_bad_line_is_told_by_its_place_and_the_rest_is_taken(send, changes, outcome, code, field):
    answer = send({"observations": [price(), price(**changes), price(unit_price="19")]})
    assert answer.status_code == 201
    first, bad, last = answer.json()["lines"]
    assert (first["outcome"], last["outcome"]) == ("admitted", "admitted")
    assert (bad["line"], bad["outcome"], bad["code"], bad["field"]) == (2, outcome, code, field)
    assert bad["detail"]
    assert PriceObservation.objects.filter(origin=Origin.LIVE, state="admitted").count() == 2


def test_one_price_that_is_refused_is_a_problem_and_leaves_the_key_unused(send):
    answer = send(price(unit_price="0"))
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert (answer.json()["code"], answer.json()["field"]) == ("price.price.not_positive", "unit_price")
    assert send(price()).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[1]", "price.body"),
        ({"observations": 3}, "price.body"),
        ({"observations": [3]}, "price.body"),
        ({"observations": [], "more": 1}, "price.body"),
        ({"observations": []}, "price.empty"),
        ({"observations": [{}] * 501}, "price.too_many"),
    ],
)
def test_a_body_that_is_no_list_of_prices_is_refused_whole(send, body, code):
    answer = send(body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_figure_that_is_none_is_no_json(send):
    assert send(json.dumps(price()).replace('"18.50"', "NaN")).status_code == 400


def test_without_a_key_without_the_scope_or_without_admission_nothing_is_taken(send, client, cast):
    assert send(price(), key="short").json()["code"] == "price.key"
    ApiCredential.objects.update(scopes=["settle", "read"])
    refused = send(price())
    assert (refused.status_code, refused.json()["code"]) == (403, "credential.scope")
    ApiCredential.objects.update(scopes=["price"])
    ProviderAdmission.objects.update(effective_to=date(2025, 1, 1))
    refused = send(price())
    assert (refused.status_code, refused.json()["code"]) == (403, "price.not_admitted")
    assert client.post(ADDRESS, "{}", content_type="application/json").status_code == 401
    assert not PriceObservation.objects.filter(origin=Origin.LIVE).exists()


def test_a_new_provider_cannot_say_of_itself_that_it_is_old(send, cast):
    ProviderAdmission.objects.update(effective_from=ON - timedelta(days=10))
    (line,) = send(price(bookable_since="2024-01-01")).json()["lines"]
    assert (line["outcome"], line["code"]) == ("quarantined", "price.quote.unproven")


def test_a_platform_reads_its_own_prices_and_no_others(send, client, cast):
    number = send(price()).json()["lines"][0]["observation_no"]
    headers = {"Authorization": f"Bearer {cast.platform_token}"}
    listed = client.get(ADDRESS, headers=headers).json()["results"]
    assert [row["observation_no"] for row in listed] == [number]
    one = client.get(f"{ADDRESS}/{number}", headers=headers)
    assert Decimal(one.json()["normalised_price"]) == Decimal("18.5")
    other = PriceObservation.objects.exclude(observation_no=number)[0]
    assert client.get(f"{ADDRESS}/{other.observation_no}", headers=headers).status_code == 404
