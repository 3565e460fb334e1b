"""即时抵扣 by a provider's platform: one effect for one key and for one line, however often and however many at once."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import connections

from applications.models import Claim, Lease
from audit.models import AuditEvent
from tests import casework
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.models import ApiCredential, LedgerTransfer, Payment, RoleGrant, Voucher

DAY = date(2024, 6, 3)


@pytest.fixture
def etown(cast):
    """A voucher of E-Town's first version, issued at once."""
    with dates.fixed(DAY):
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
        assert application.state == "issued"
        yield application


def body(application, **more):
    return {
        "voucher_no": application.voucher_no,
        "lease_no": application.lease.lease_no,
        "reference": "ST-2024-05-0001",
        "net_amount": "1000000.00",
        "period_from": "2024-05-01",
        "period_to": "2024-05-31",
        **more,
    }


def at_once(deeds):
    """Every deed in a thread and a connection of its own, released together."""
    barrier = threading.Barrier(len(deeds))

    def run(deed):
        try:
            with dates.fixed(DAY):
                barrier.wait(timeout=30)
                return deed()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def send(api, cast, content, key):
    caller = api(token=cast.platform_token)
    return caller.post("/api/v1/settlements", content, headers={"Idempotency-Key": key})


def test_many_requests_at_once_under_one_key_have_one_effect(committed_db, cast, api, etown):
    answers = at_once([lambda: send(api, cast, body(etown), "key-at-once")] * 4)
    told = sorted(answer.status_code for answer in answers)
    assert told.count(201) == 1 and set(told) <= {200, 201, 409}
    for early in (answer for answer in answers if answer.status_code == 409):
        assert (early.json()["code"], early.json()["retry"]) == ("settlement.in_flight", True)
        assert early["Retry-After"] == "1"
    later = [send(api, cast, body(etown), "key-at-once") for _ in range(2)]
    whole = [answer for answer in (*answers, *later) if answer.status_code != 409]
    assert len({answer.content for answer in whole}) == 1
    assert Claim.objects.filter(idempotency_key="key-at-once").count() == 1
    assert check_ledger() == []


def test_many_keys_sent_five_times_at_once_some_with_another_body_have_one_effect_each(
    committed_db, cast, api, etown
):
    """What ``bin/bench storm`` shows of the ledger with 2,000 ids, here through the interface: 30 keys, five sends, 10 % changed."""
    chance = random.Random(2000)
    sends = []
    for number in range(30):
        for _again in range(5):
            net = "1000.01" if chance.random() < 0.1 else "1000.00"
            sends.append((f"key-{number:06d}", body(etown, reference=f"ST-{number}", net_amount=net)))
    chance.shuffle(sends)
    told: dict[str, list] = {}

    def one(key, content):
        answer = send(api, cast, content, key)
        while (
            answer.status_code == 409 and answer.json()["retry"]
        ):  # as a platform does that keeps to the contract
            time.sleep(0.05)
            answer = send(api, cast, content, key)
        told.setdefault(key, []).append((content["net_amount"], answer))

    lanes = [sends[lane::10] for lane in range(10)]
    at_once([lambda lane=lane: [one(key, content) for key, content in lane] for lane in lanes])
    changed = 0
    for key, answers in told.items():
        assert len(answers) == 5
        done = [(net, answer) for net, answer in answers if answer.status_code in (200, 201)]
        assert [answer.status_code for _net, answer in done].count(201) == 1, key
        assert len({answer.content for _net, answer in done}) == 1  # the same bytes back
        assert len({net for net, _answer in done}) == 1  # all of one body
        for _net, answer in answers:
            if answer.status_code not in (200, 201):
                assert (answer.status_code, answer.json()["code"]) == (422, "settlement.key_reused")
                changed += 1
    assert changed > 0
    assert sorted(Claim.objects.values_list("idempotency_key", flat=True)) == sorted(told)
    reserved = LedgerTransfer.objects.filter(code="reserve", debit__kind="voucher")
    assert reserved.count() == len(told) == 30
    assert check_ledger() == []


def test_confirming_at_once_is_confirming_once(committed_db, cast, api, etown):
    number = send(api, cast, body(etown), "key-000001").json()["settlement_no"]

    def confirm():
        return api(token=cast.platform_token).post(f"/api/v1/settlements/{number}/confirm")

    answers = at_once([confirm] * 4)
    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(200, "approved")] * 4
    assert Payment.objects.filter(claim_no=number).count() == 1
    assert check_ledger() == []


def test_what_the_ledger_refused_is_tried_again_under_its_key(committed_db, cast, api, etown):
    face = Voucher.objects.get(voucher_no=etown.voucher_no).face_value
    net = str((face / Decimal("0.3")).quantize(Decimal("0.01")))

    def one(number):
        content = body(etown, reference=f"ST-{number}", net_amount=net)
        return lambda: send(api, cast, content, f"key-race-{number}")

    first = at_once([one(number) for number in range(4)])
    assert {answer.status_code for answer in first} <= {201, 409}
    second = [one(number)() for number in range(4)]
    assert all(answer.json()["state"] != "draft" for answer in second)
    deducted = sum(Decimal(answer.json()["deducted_amount"]) for answer in second)
    assert deducted <= face
    assert check_ledger() == []


def test_a_line_is_deducted_once_also_under_another_key(cast, api, etown):
    assert send(api, cast, body(etown), "key-000001").status_code == 201
    again = send(api, cast, body(etown), "key-000002")
    assert (again.status_code, again.json()["code"]) == (422, "settlement.reference_used")
    number = Claim.objects.get(idempotency_key="key-000001").claim_no
    released = api(token=cast.platform_token).post(f"/api/v1/settlements/{number}/release")
    assert released.json()["state"] == "withdrawn"
    assert send(api, cast, body(etown), "key-000003").status_code == 201


def test_no_platform_confirms_what_the_policy_gives_to_reviewers(cast, api):
    with dates.fixed(date(2025, 6, 3)):
        publication = casework.published(cast, "BDA-SLQ-v2")
        casework.funded(cast, publication.program)
        fields = casework.lease_fields(
            cast.provider, "2000000.00", region_code="110115", accelerator="Ascend 910B"
        )
        application = casework.submitted(cast, publication, fields)
        casework.issued(cast, application, expert=True)
        content = body(application, period_from="2025-05-01", period_to="2025-05-31")
        number = send(api, cast, content, "key-000001").json()["settlement_no"]
        answer = api(token=cast.platform_token).post(f"/api/v1/settlements/{number}/confirm")
        assert (answer.status_code, answer.json()["code"]) == (409, "claim.reviewed_scheme")
        assert not Payment.objects.exists()


def test_a_hold_placed_after_the_reservation_stops_the_confirmation(cast, api, etown):
    from vouchers.actions.holds import place_hold

    RoleGrant.objects.get_or_create(
        user=cast.investigator,
        role=Role.INVESTIGATOR,
        region=etown.program.region,
        defaults={"effective_from": date(2020, 1, 1)},
    )
    number = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    with acting(cast.investigator, "test"):
        place_hold(
            "lease",
            etown.lease.lease_no,
            ground="manual",
            sentence="合同真实性核查中。",
            evidence=[],
            region_code=etown.program.region.code,
            party=None,
            by=cast.investigator,
        )
    answer = api(token=cast.platform_token).post(f"/api/v1/settlements/{number}/confirm")
    assert (answer.status_code, answer.json()["code"]) == (409, "hold.open")
    assert "核查中。" not in answer.json()["detail"] and "operands" not in answer.json()


def test_a_credential_bound_to_other_programs_neither_reserves_nor_confirms(cast, api, etown):
    number = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    other = casework.published(cast, "BJ-AIQ").program
    ApiCredential.objects.get().programs.set([other])
    refused = send(api, cast, body(etown, reference="ST-2"), "key-000002")
    assert (refused.status_code, refused.json()["code"]) == (403, "settlement.program")
    for verb in ("confirm", "release"):
        answer = api(token=cast.platform_token).post(f"/api/v1/settlements/{number}/{verb}")
        assert (answer.status_code, answer.json()["code"]) == (403, "settlement.program")
    assert Claim.objects.get(claim_no=number).state == "submitted"


def test_the_lease_of_another_provider_is_not_found(cast, api, etown):
    Lease.objects.filter(pk=etown.lease.pk).update(lessor=cast.beta)
    answer = send(api, cast, body(etown), "key-000001")
    assert (answer.status_code, answer.json()["code"]) == (404, "settlement.lease")


def test_the_trail_names_the_platform_that_acted_and_was_refused(cast, api, etown):
    number = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    send(api, cast, body(etown, net_amount="1.00"), "key-000001")
    made = AuditEvent.objects.filter(subject_no=number, operation="insert").order_by("id").first()
    refused = AuditEvent.objects.filter(operation="refusal").order_by("-id").first()
    for event in (made, refused):
        assert (event.actor_kind, event.actor) == ("platform", cast.platform.username)
        assert event.organisation == cast.provider.name


def test_a_deduction_that_needs_a_person_is_in_the_offices_queue_and_does_not_lapse(cast, api, etown):
    from applications.actions.claim_lapses import claims_due_to_lapse
    from applications.actions.reservations import keep_for_review
    from applications.web.desk.queues import waiting_claims

    clear = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    doubtful = send(api, cast, body(etown, reference="ST-2"), "key-000002").json()["settlement_no"]
    Claim.objects.filter(claim_no=doubtful).update(band={"instant": False})
    keep_for_review(Claim.objects.get(claim_no=doubtful), DAY)
    assert [claim.claim_no for claim in waiting_claims(cast.handler)] == [doubtful]
    assert claims_due_to_lapse(date(2024, 12, 31)) == [clear]


def test_what_goes_beyond_the_contract_is_never_deducted_without_a_person(cast, api, etown):
    caller = api(token=cast.platform_token)
    first = send(api, cast, body(etown), "key-000001").json()["settlement_no"]
    assert caller.post(f"/api/v1/settlements/{first}/confirm").json()["state"] == "approved"
    beyond = send(api, cast, body(etown, reference="ST-9", net_amount="5000000.00"), "key-000002")
    number = beyond.json()["settlement_no"]
    answer = caller.post(f"/api/v1/settlements/{number}/confirm")
    assert (answer.status_code, answer.json()["code"]) == (409, "claim.needs_review")
    assert "超过申领所依据的金额" in answer.json()["detail"]
    claim = Claim.objects.get(claim_no=number)
    assert (claim.state, claim.approved_amount, claim.band["instant"]) == ("submitted", None, False)
    assert not Payment.objects.filter(claim_no=number).exists()
    # It can still be released, and what is within the contract goes on.
    assert caller.post(f"/api/v1/settlements/{number}/release").json()["state"] == "withdrawn"
    within = send(api, cast, body(etown, reference="ST-9", net_amount="500000.00"), "key-000003")
    last = within.json()["settlement_no"]
    assert caller.post(f"/api/v1/settlements/{last}/confirm").json()["state"] == "approved"
    assert check_ledger() == []


def test_a_line_is_the_same_line_however_it_is_spelled(cast, api, etown):
    assert send(api, cast, body(etown, reference="ST-12-3"), "key-000001").status_code == 201
    again = send(api, cast, body(etown, reference="ｓｔ—12-3 "), "key-000002")
    assert (again.status_code, again.json()["code"]) == (422, "settlement.reference_used")
    assert send(api, cast, body(etown, reference="ST-1-23"), "key-000003").status_code == 201
