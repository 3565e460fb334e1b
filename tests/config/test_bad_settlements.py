"""What a provider's platform sends amiss is a problem with its code and field, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from tests import casework
from tests.config.test_bad_input import Unchanged
from vouchers import dates
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting


@pytest.fixture
def unchanged() -> Callable[[], bool]:
    """Whether nothing of business was written since the test called ``unchanged.since()`` (or began)."""
    return Unchanged()


@pytest.fixture
def etown(cast) -> Iterator[dict[str, Any]]:
    """亦庄's scheme of 2024 with a voucher issued; the body of a settlement that would be good."""
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    with dates.fixed(date(2024, 6, 3)):
        publication = casework.published(cast, "BDA-SLQ-v1")
        casework.funded(cast, publication.program)
        fields = casework.lease_fields(
            cast.provider,
            "2000000.00",
            region_code="110115",
            signed_on=date(2024, 5, 1),
            starts_on=date(2024, 5, 1),
            ends_on=date(2025, 4, 30),
        )
        application = casework.submitted(cast, publication, fields)
        yield {
            "voucher_no": application.voucher_no,
            "lease_no": application.lease.lease_no,
            "reference": "ST-2024-05-0001",
            "net_amount": "100000.00",
            "period_from": "2024-05-01",
            "period_to": "2024-05-31",
        }


# given, status, code, field
SETTLEMENT_FAULTS: list[Any] = [
    ({"net_amount": "1.005"}, 422, "input.max_decimal_places", "net_amount"),
    ({"net_amount": "NaN"}, 422, "input.invalid", "net_amount"),
    ({"net_amount": -1}, 422, "input.min_value", "net_amount"),
    ({"net_amount": "9" * 20}, 422, "input.max_digits", "net_amount"),
    ({"net_amount": None}, 422, "input.null", "net_amount"),
    ({"period_from": "2024-02-30"}, 422, "input.invalid", "period_from"),
    ({"reference": "甲" * 61}, 422, "input.max_length", "reference"),
    ({"reference": "\x00"}, 422, "input.null_characters_not_allowed", "reference"),
    ({"lease_no": ["L"]}, 422, "input.invalid", "lease_no"),
    ({"lease_no": "L-2024-99999999"}, 404, "settlement.lease", "lease_no"),
    ({"voucher_no": "V-2024-99999999"}, 404, "settlement.voucher", "voucher_no"),
    ({"net_amount": "0"}, 422, "input.min_value", "net_amount"),
    ({"period_from": "2024-05-31", "period_to": "2024-05-01"}, 422, "settlement.period", "period_to"),
    (
        {"period_from": "2023-01-01", "period_to": "2023-01-31"},
        422,
        "settlement.period_outside_lease",
        "period_from",
    ),
]


def test_a_settlements_fault_is_a_problem_with_its_code_and_field(cast, api, etown, unchanged):
    for given, status, code, field in SETTLEMENT_FAULTS:
        unchanged.since()
        caller = api(token=cast.platform_token)
        answer = caller.post(
            "/api/v1/settlements", {**etown, **given}, headers={"Idempotency-Key": "bad-000001"}
        )
        problem = answer.json()
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert problem["retry"] is False
        faults = {(one["code"], one["field"]) for one in problem.get("errors", [])}
        assert (code, field) in faults | {(problem["code"], problem.get("field"))}
        assert unchanged()


@pytest.mark.parametrize("key", ["", "short", "x" * 101])
def test_a_settlement_needs_a_key_of_its_own(cast, api, etown, unchanged, key):
    unchanged.since()
    answer = api(token=cast.platform_token).post(
        "/api/v1/settlements", etown, headers={"Idempotency-Key": key}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "settlement.key")
    assert unchanged()


def test_what_is_no_json_is_told_so(cast, api, etown, unchanged):
    unchanged.since()
    caller = api(token=cast.platform_token)
    for content, kind, status, code in (
        ("{", "application/json", 400, "request.parse_error"),
        ("[1, 2]", "application/json", 422, "input.invalid"),
        ("a=1", "text/plain", 415, "request.unsupported_media_type"),
    ):
        answer = caller.post(
            "/api/v1/settlements", content, content_type=kind, headers={"Idempotency-Key": "bad-000001"}
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert unchanged()


def test_only_the_platform_that_bills_it_settles_and_in_the_right_order(cast, api, etown, unchanged):
    caller = api(token=cast.platform_token)
    number = caller.post("/api/v1/settlements", etown, headers={"Idempotency-Key": "good-000001"}).json()[
        "settlement_no"
    ]
    people = [api(cast.filer), api(cast.handler)]
    unchanged.since()  # signing in is noted too
    for person in people:
        answer = person.post(f"/api/v1/settlements/{number}/release")
        assert (answer.status_code, answer.json()["code"]) == (403, "settlement.credential")
    assert api().post(f"/api/v1/settlements/{number}/release").status_code == 401
    answer = api(token="0000.none").post(f"/api/v1/settlements/{number}/release")
    assert (answer.status_code, answer.json()["code"]) == (401, "request.authentication_failed")
    assert unchanged()
    assert caller.post(f"/api/v1/settlements/{number}/confirm").status_code == 200
    unchanged.since()
    answer = caller.post(f"/api/v1/settlements/{number}/release")
    assert (answer.status_code, answer.json()["code"]) == (409, "settlement.not_releasable")
    assert unchanged()


def test_the_same_use_is_not_deducted_twice_under_another_key(cast, api, etown, unchanged):
    caller = api(token=cast.platform_token)
    assert (
        caller.post("/api/v1/settlements", etown, headers={"Idempotency-Key": "good-000001"}).status_code
        == 201
    )
    unchanged.since()
    answer = caller.post("/api/v1/settlements", etown, headers={"Idempotency-Key": "good-000002"})
    assert (answer.status_code, answer.json()["code"]) == (422, "settlement.reference_used")
    assert unchanged()
