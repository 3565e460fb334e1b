"""What a platform may send to /api/v1/settlements and what it is told: every refusal with a stable code and its field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.models import Claim
from tests.applications.test_settlements import body, etown, send
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import ApiCredential, LedgerAttempt, Region, Voucher
from vouchers.models.platforms import Scope

__all__ = ["etown"]

INVOICE = {"invoice_no": "24112000000000000012", "issued_on": "2024-06-02", "net_amount": "1500000.00"}


def refused(answer):
    found = answer.json()
    assert answer["Content-Type"].startswith("application/problem+json")
    assert found["type"] == f"/api/problems/{found['code']}" and found["status"] == answer.status_code
    assert found["retry"] is False and "Retry-After" not in answer
    field = found.get("field") or found["errors"][0]["field"]
    code = found["errors"][0]["code"] if "errors" in found else found["code"]
    return answer.status_code, code, field


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "input.min_value"),
        ("0.00", "input.min_value"),
        ("-1.00", "input.min_value"),
        ("1.005", "input.max_decimal_places"),
        ("1e30", "input.invalid"),
        ("1e3", "input.invalid"),
        ("1_000", "input.invalid"),
        ("１０００", "input.invalid"),
        (1e30, "input.max_digits"),
        ("一百元", "input.invalid"),
        ("", "input.invalid"),
        ("NaN", "input.invalid"),
        ("Infinity", "input.invalid"),
        (True, "input.invalid"),
        ([], "input.invalid"),
        ({"a": 1}, "input.invalid"),
        (None, "input.null"),
    ],
)
def test_an_amount_that_is_none_is_refused_at_its_field_and_nothing_is_done(cast, api, etown, amount, code):
    attempts = LedgerAttempt.objects.count()
    answer = send(api, cast, body(etown, net_amount=amount), "key-000001")
    assert refused(answer) == (422, code, "net_amount")
    assert not Claim.objects.exists() and LedgerAttempt.objects.count() == attempts


def test_json_that_is_none_is_refused(cast, api, etown):
    caller = api(token=cast.platform_token)
    for text in ('{"net_amount": NaN}', "{", "[" * 100_000, '"\\ud800"'):
        answer = caller.generic(
            "POST",
            "/api/v1/settlements",
            text,
            content_type="application/json",
            headers={"Idempotency-Key": "key-000001"},
        )
        assert answer.status_code in (400, 422), text[:20]
        assert answer.json()["retry"] is False


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"voucher_no": "V-2024-99999999"}, (404, "settlement.voucher", "voucher_no")),
        ({"lease_no": "L-2024-99999999"}, (404, "settlement.lease", "lease_no")),
        ({"period_from": "2024-04-30"}, (422, "settlement.period_outside_lease", "period_from")),
        ({"period_to": "2025-05-01"}, (422, "settlement.period_outside_lease", "period_to")),
        ({"period_from": "2024-05-31", "period_to": "2024-05-01"}, (422, "settlement.period", "period_to")),
        ({"period_from": "31.5.2024"}, (422, "input.invalid", "period_from")),
        ({"period_to": None}, (422, "input.null", "period_to")),
        ({"reference": ""}, (422, "input.required", "reference")),
        ({"reference": "x" * 61}, (422, "input.max_length", "reference")),
        ({"reference": "a\x00b"}, (422, "input.null_characters_not_allowed", "reference")),
        ({"tax_amount": "-0.01"}, (422, "input.min_value", "tax_amount")),
        ({"invoice": {**INVOICE, "invoice_no": "12"}}, (422, "settlement.invoice_no", "invoice.invoice_no")),
        ({"invoice": {**INVOICE, "net_amount": "0"}}, (422, "input.min_value", "invoice.net_amount")),
        (
            {"invoice": {**INVOICE, "net_amount": "999999.99"}},
            (422, "settlement.invoice_used_up", "invoice.invoice_no"),
        ),
    ],
)
def test_each_wrong_part_is_refused_at_its_field_and_nothing_stays(cast, api, etown, change, expected):
    assert refused(send(api, cast, body(etown, **change), "key-000001")) == expected
    assert not Claim.objects.exists()
    # The key was not used up by what was refused.
    assert send(api, cast, body(etown), "key-000001").status_code == 201


@pytest.mark.parametrize("key", ["", "short", "x" * 101, "with blank", "钥匙钥匙钥匙钥匙"])
def test_a_key_has_eight_to_a_hundred_visible_characters(cast, api, etown, key):
    answer = api(token=cast.platform_token).post(
        "/api/v1/settlements", body(etown), headers={"Idempotency-Key": key.encode().decode("latin-1")}
    )
    assert refused(answer) == (422, "settlement.key", "Idempotency-Key")


def test_a_closed_voucher_is_refused_at_its_field(cast, api, etown):
    with_state = Voucher.objects.filter(voucher_no=etown.voucher_no)
    with_state.update(state="frozen")
    assert refused(send(api, cast, body(etown), "key-000001")) == (409, "voucher.frozen", "voucher_no")
    with_state.update(state="active")
    Voucher.objects.filter(voucher_no=etown.voucher_no).update(
        issued_on=date(2024, 6, 1), expires_on=date(2024, 6, 3)
    )
    assert refused(send(api, cast, body(etown), "key-000001")) == (409, "voucher.expired", "voucher_no")
    assert not Claim.objects.exists()


def test_a_key_with_another_body_is_refused_and_the_first_stays_as_it_is(cast, api, etown):
    first = send(api, cast, body(etown), "key-000001")
    for change in ({"net_amount": "1.00"}, {"period_to": "2024-05-30"}, {"accelerator": "H100"}):
        answer = send(api, cast, body(etown, **change), "key-000001")
        assert refused(answer) == (422, "settlement.key_reused", "Idempotency-Key")
    assert Claim.objects.count() == 1
    assert send(api, cast, body(etown), "key-000001").content == first.content


def test_the_first_answer_comes_again_to_the_byte_whatever_happened_since(cast, api, etown):
    first = send(api, cast, body(etown), "key-000001")
    number = first.json()["settlement_no"]
    caller = api(token=cast.platform_token)
    assert caller.post(f"/api/v1/settlements/{number}/confirm").json()["state"] == "approved"
    again = send(
        api, cast, body(etown, net_amount=1000000), "key-000001"
    )  # the same amount, written otherwise
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again.content == first.content
    assert caller.get(f"/api/v1/settlements/{number}").json()["state"] == "approved"
    assert caller.get("/api/v1/settlements/lookup", {"key": "key-000001"}).json()["state"] == "approved"
    unknown = caller.get("/api/v1/settlements/lookup", {"key": "key-000009"})
    assert refused(unknown) == (404, "settlement.unknown", "key")


def test_a_reservation_says_until_when_it_stands(cast, api, etown):
    answer = send(api, cast, body(etown), "key-000001").json()
    claim = Claim.objects.get()
    assert answer["expires_on"] == claim.due_on.isoformat() > "2024-06-03"
    assert (answer["needs_review"], answer["confirmed_amount"]) == (False, None)
    assert Decimal(answer["deducted_amount"]) == claim.claimed_amount
    assert any(line["result"] for line in answer["lines"])


def test_confirming_with_the_invoice_keeps_it_and_no_invoice_is_used_beyond_its_amount(cast, api, etown):
    caller = api(token=cast.platform_token)
    numbers = [
        send(api, cast, body(etown, reference=f"ST-{n}", net_amount="600000.00"), f"key-00000{n}").json()[
            "settlement_no"
        ]
        for n in range(3)
    ]
    invoice = {"invoice": INVOICE}
    for number in numbers[:2]:
        answer = caller.post(f"/api/v1/settlements/{number}/confirm", invoice)
        assert (answer.json()["state"], answer.json()["invoice_no"]) == ("approved", INVOICE["invoice_no"])
    again = caller.post(f"/api/v1/settlements/{numbers[0]}/confirm", invoice)
    assert again.status_code == 200
    used_up = caller.post(f"/api/v1/settlements/{numbers[2]}/confirm", invoice)
    assert refused(used_up) == (422, "settlement.invoice_used_up", "invoice.invoice_no")
    changed = {"invoice": {**INVOICE, "net_amount": "9000000.00"}}
    differs = caller.post(f"/api/v1/settlements/{numbers[2]}/confirm", changed)
    assert refused(differs) == (422, "settlement.invoice_differs", "invoice.invoice_no")
    other = caller.post(
        f"/api/v1/settlements/{numbers[0]}/confirm",
        {"invoice": {**INVOICE, "invoice_no": "24112000000000000013"}},
    )
    assert refused(other) == (422, "settlement.invoice_differs", "invoice.invoice_no")
    assert Claim.objects.get(claim_no=numbers[2]).state == "submitted"
    assert check_ledger() == []


def test_an_invoice_may_stand_in_the_place_of_a_statement_line(cast, api, etown):
    content = body(etown, invoice=INVOICE)
    del content["reference"]
    first = send(api, cast, content, "key-000001")
    assert (first.status_code, first.json()["invoice_no"]) == (201, INVOICE["invoice_no"])
    again = send(api, cast, content, "key-000002")
    assert refused(again) == (422, "settlement.reference_used", "reference")


def test_a_credential_does_only_what_its_scopes_say(cast, api, etown):
    number = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    caller = api(token=cast.platform_token)
    ApiCredential.objects.update(scopes=[Scope.READ])
    assert caller.get(f"/api/v1/settlements/{number}").status_code == 200
    for answer in (
        send(api, cast, body(etown, reference="ST-2"), "key-000002"),
        caller.post(f"/api/v1/settlements/{number}/confirm"),
        caller.post(f"/api/v1/settlements/{number}/release"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "credential.scope")
    ApiCredential.objects.update(scopes=[Scope.SETTLE])
    assert caller.get(f"/api/v1/settlements/{number}").json()["code"] == "credential.scope"
    assert Claim.objects.get(claim_no=number).state == "submitted"


def test_a_credential_reaches_its_region_and_what_lies_below_it(cast, api, etown):
    beijing = Region.objects.get(code="110000")
    ApiCredential.objects.update(region=cast.shenzhen)
    answer = send(api, cast, body(etown), "key-000001")
    assert refused(answer) == (403, "settlement.region", "voucher_no")
    ApiCredential.objects.update(region=beijing)
    assert send(api, cast, body(etown), "key-000001").status_code == 201


def test_every_error_has_the_one_shape_also_where_no_view_made_it(cast, api, etown):
    caller = api(token=cast.platform_token)
    for answer, status, code in (
        (caller.get("/api/v1/no-such-thing"), 404, "request.not_found"),
        (caller.put("/api/v1/settlements"), 405, "request.method_not_allowed"),
        (api(token="0.0").get("/api/v1/vouchers"), 401, "request.authentication_failed"),
        (api().get("/api/v1/vouchers"), 401, "request.not_authenticated"),
        (api(cast.filer).post("/api/v1/settlements", {}), 403, "settlement.credential"),
        (
            caller.post(
                "/api/v1/settlements",
                "a=1",
                content_type="text/csv",
                headers={"Idempotency-Key": "key-000001"},
            ),
            415,
            "request.unsupported_media_type",
        ),
    ):
        assert answer["Content-Type"].startswith("application/problem+json"), answer.content
        assert (answer.status_code, answer.json()["code"], answer.json()["retry"]) == (status, code, False)
