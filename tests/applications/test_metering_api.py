"""用量上报: each day is stored once, with the report it came in; what is wrong is refused by itself and the rest is kept."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from applications.actions.leases import void_lease
from applications.models import Application, Claim, Lease, MeteringDay, MeteringReport
from applications.models.metering import MeteringSource
from tests.applications.test_settlements import body, etown, send
from tests.cast import Cast
from vouchers.api.problem_types import KNOWN
from vouchers.context import acting
from vouchers.models import ApiCredential, Region
from vouchers.models.platforms import Scope

__all__ = ["etown"]


def day(on: str, hours: str = "100", **more: str) -> dict[str, str]:
    return {"day": on, "card_hours": hours} | more


def push(api: Any, cast: Cast, lease: str, *days: Any, key: str = "meter-0001", token: str = "") -> Any:
    return api(token=token or cast.platform_token).post(
        f"/api/v1/leases/{lease}/metering",
        {"days": list(days)},
        format="json",
        headers={"Idempotency-Key": key},
    )


@pytest.fixture
def lease(etown: Any) -> Lease:
    found = Lease.objects.get()
    assert found.starts_on <= date(2024, 5, 1) < found.ends_before
    return found


def stored() -> dict[str, str]:
    return {f"{row.day}": f"{row.card_hours:f}" for row in MeteringDay.objects.order_by("day")}


def test_days_are_stored_with_the_report_that_they_came_in(api: Any, cast: Cast, lease: Lease):
    answer = push(api, cast, lease.lease_no, day("2024-05-01", "96.25"), day("2024-05-02", "0"))
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["stored"], told["unchanged"], told["refused"]) == (2, 0, 0)
    assert stored() == {"2024-05-01": "96.2500", "2024-05-02": "0.0000"}
    row = MeteringDay.objects.first()
    assert row.source == MeteringSource.PLATFORM
    assert row.report.credential.provider == cast.provider
    assert row.report.answer == told


def test_the_same_key_gets_the_first_answer_again_and_another_body_is_refused(
    api: Any, cast: Cast, lease: Lease
):
    first = push(api, cast, lease.lease_no, day("2024-05-01"))
    again = push(api, cast, lease.lease_no, day("2024-05-01", "100.0"))
    assert again.status_code == 200
    assert again["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    other = push(api, cast, lease.lease_no, day("2024-05-01", "101"))
    assert (other.status_code, other.json()["code"]) == (422, "metering.key_reused")
    assert MeteringReport.objects.count() == 1


def test_a_figure_that_is_sent_again_changes_nothing_and_another_one_names_what_it_replaces(
    api: Any, cast: Cast, lease: Lease
):
    push(api, cast, lease.lease_no, day("2024-05-01"))
    same = push(api, cast, lease.lease_no, day("2024-05-01"), key="meter-0002").json()
    assert same["days"][0]["outcome"] == "unchanged"
    unnamed = push(api, cast, lease.lease_no, day("2024-05-01", "90"), key="meter-0003").json()["days"][0]
    assert (unnamed["outcome"], unnamed["code"], unnamed["field"]) == (
        "refused",
        "metering.differs",
        "replaces",
    )
    silent = day("2024-05-01", "90", replaces="100")
    unreasoned = push(api, cast, lease.lease_no, silent, key="meter-0004").json()["days"][0]
    assert unreasoned["code"] == "metering.reason"
    told = day("2024-05-01", "90", replaces="100", reason="采集器漏记")
    assert push(api, cast, lease.lease_no, told, key="meter-0005").json()["days"][0]["outcome"] == "corrected"
    row = MeteringDay.objects.get()
    assert (row.card_hours, row.reason, row.report.idempotency_key) == (
        Decimal(90),
        "采集器漏记",
        "meter-0005",
    )


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        (day("2023-01-01"), "metering.outside_lease", "day"),
        (day("2024-06-03"), "metering.not_over", "day"),
        (day("2024-05-03", "-1"), "metering.negative", "card_hours"),
        (day("2024-05-03", "999999"), "metering.beyond_lease", "card_hours"),
        (day("2024-05-03", "9", replaces="8", reason="更正"), "metering.differs", "replaces"),
    ],
)
def test_a_day_that_is_wrong_is_refused_with_its_line_and_the_rest_is_stored(
    api: Any, cast: Cast, lease: Lease, sent: dict[str, str], code: str, field: str
):
    Lease.objects.filter(pk=lease.pk).update(cards=64)
    told = push(api, cast, lease.lease_no, day("2024-05-01"), sent, day("2024-05-02")).json()
    assert [one["outcome"] for one in told["days"]] == ["stored", "refused", "stored"]
    refused = told["days"][1]
    assert (refused["line"], refused["code"], refused["field"]) == (2, code, field)
    assert refused["detail"]
    assert list(stored()) == ["2024-05-01", "2024-05-02"]


def test_of_a_day_that_stands_twice_neither_line_counts(api: Any, cast: Cast, lease: Lease):
    told = push(
        api, cast, lease.lease_no, day("2024-05-01", "1"), day("2024-05-01", "2"), day("2024-05-02")
    ).json()
    assert [one["code"] for one in told["days"]] == ["metering.twice", "metering.twice", ""]
    assert list(stored()) == ["2024-05-02"]


@pytest.mark.parametrize(
    "hours", ["1_000", "1e3", "１００", "NaN", "", "1.00001", "一百", None, [], {}], ids=repr
)
def test_a_figure_that_is_none_is_refused_with_its_place_and_nothing_is_stored(
    api: Any, cast: Cast, lease: Lease, hours: Any
):
    answer = push(api, cast, lease.lease_no, day("2024-05-01"), {"day": "2024-05-02", "card_hours": hours})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("days")
    assert stored() == {}


@pytest.mark.parametrize(
    "days", [[], [day("2024-05-01")] * 401, "x", [1]], ids=["none", "401", "text", "number"]
)
def test_what_is_no_list_of_days_is_refused_whole(api: Any, cast: Cast, lease: Lease, days: Any):
    answer = api(token=cast.platform_token).post(
        f"/api/v1/leases/{lease.lease_no}/metering",
        {"days": days},
        format="json",
        headers={"Idempotency-Key": "meter-0001"},
    )
    assert answer.status_code == 422
    assert not MeteringReport.objects.exists()


def test_another_platform_finds_no_such_lease_and_a_credential_without_the_scope_may_not(
    api: Any, cast: Cast, lease: Lease
):
    assert push(api, cast, "L-2024-99999999", day("2024-05-01")).json()["code"] == "metering.lease"
    Lease.objects.filter(pk=lease.pk).update(lessor=cast.beta)
    assert push(api, cast, lease.lease_no, day("2024-05-01")).status_code == 404
    Lease.objects.filter(pk=lease.pk).update(lessor=cast.provider)
    ApiCredential.objects.update(scopes=[Scope.SETTLE, Scope.READ])
    answer = push(api, cast, lease.lease_no, day("2024-05-01"))
    assert (answer.status_code, answer.json()["code"]) == (403, "credential.scope")


def test_a_credential_of_another_region_reaches_none_of_its_leases(api: Any, cast: Cast, lease: Lease):
    ApiCredential.objects.update(region=Region.objects.get(code="440300"))
    answer = push(api, cast, lease.lease_no, day("2024-05-01"))
    assert (answer.status_code, answer.json()["code"]) == (403, "settlement.region")


def test_a_lease_that_only_a_claim_names_is_within_the_reach_of_its_program_alone(
    api: Any, cast: Cast, etown: Any, lease: Lease
):
    send(api, cast, body(etown), "key-000001")
    assert Claim.objects.filter(lease=lease).exists()
    Application.objects.filter(lease=lease).update(lease=None)
    ApiCredential.objects.update(region=Region.objects.get(code="440300"))
    answer = push(api, cast, lease.lease_no, day("2024-05-01"))
    assert (answer.status_code, answer.json()["code"]) == (403, "settlement.region")


def test_another_body_under_a_key_that_is_stored_while_it_waits_for_the_lease_is_refused_as_reused(
    api: Any, cast: Cast, lease: Lease, monkeypatch: pytest.MonkeyPatch
):
    """The first push comes in just before the second one has its lock, after it found no such key."""
    first: list[Any] = []

    def locked(queryset: Any, *args: Any, **kwargs: Any) -> Any:
        if not first and kwargs.get("no_key"):
            first.append(True)
            first.append(push(api, cast, lease.lease_no, day("2024-05-01")))
        return lock(queryset, *args, **kwargs)

    lock = type(Lease.objects.all()).select_for_update
    monkeypatch.setattr(type(Lease.objects.all()), "select_for_update", locked)
    other = push(api, cast, lease.lease_no, day("2024-05-01", "101"))
    assert first[1].status_code == 201
    assert (other.status_code, other.json()["code"]) == (422, "metering.key_reused")


def test_a_voided_contract_takes_no_more(api: Any, cast: Cast, lease: Lease):
    with acting(cast.handler, "test"):
        void_lease(lease, by=cast.handler, reason="重复备案。")
    answer = push(api, cast, lease.lease_no, day("2024-05-01"))
    assert (answer.status_code, answer.json()["code"]) == (409, "metering.lease_voided")


def test_a_day_that_money_rests_on_is_not_corrected(api: Any, cast: Cast, etown: Any, lease: Lease):
    push(api, cast, lease.lease_no, day("2024-05-01"))
    made = send(api, cast, body(etown), "key-000001").json()
    confirmed = api(token=cast.platform_token).post(
        f"/api/v1/settlements/{made['settlement_no']}/confirm", {}, format="json"
    )
    assert confirmed.status_code == 200, confirmed.content
    told = day("2024-05-01", "90", replaces="100", reason="漏记")
    refused = push(api, cast, lease.lease_no, told, key="meter-0002").json()["days"][0]
    assert refused["code"] == "metering.decided"


def test_what_is_stored_is_read_back(api: Any, cast: Cast, lease: Lease):
    push(api, cast, lease.lease_no, day("2024-05-01", "96.25"), day("2024-05-02", "1"))
    address = f"/api/v1/leases/{lease.lease_no}/metering"
    found = api(token=cast.platform_token).get(address, {"from": "2024-05-01", "to": "2024-05-01"})
    assert found.json() == [{"day": "2024-05-01", "card_hours": "96.2500", "reason": ""}]
    long = api(token=cast.platform_token).get(address, {"from": "2020-01-01", "to": "2024-05-01"})
    assert long.json()["code"] == "metering.range"


def test_every_code_of_it_is_explained():
    for code in ("lease", "lease_not_filed", "lease_voided", "key_reused", "too_many", "range", "in_flight"):
        assert KNOWN[f"metering.{code}"].cure


def test_a_day_that_a_reserved_deduction_rests_on_is_corrected_once_it_is_released(
    api: Any, cast: Cast, etown: Any, lease: Lease
):
    push(api, cast, lease.lease_no, day("2024-05-01"), day("2024-05-31"))
    made = send(api, cast, body(etown, period_to="2024-05-30"), "key-000001").json()
    wrong, after = (day(on, "90", replaces="100", reason="漏记") for on in ("2024-05-01", "2024-05-31"))
    told = push(api, cast, lease.lease_no, wrong, after, day("2024-05-02"), key="meter-0002").json()["days"]
    assert [(one["outcome"], one["code"]) for one in told] == [
        ("refused", "metering.claimed"),
        ("corrected", ""),
        ("stored", ""),
    ]
    assert made["settlement_no"] in told[0]["detail"]
    caller = api(token=cast.platform_token)
    released = caller.post(f"/api/v1/settlements/{made['settlement_no']}/release", {}, format="json")
    assert released.status_code == 200, released.content
    again = push(api, cast, lease.lease_no, wrong, key="meter-0003").json()["days"][0]
    assert again["outcome"] == "corrected"
