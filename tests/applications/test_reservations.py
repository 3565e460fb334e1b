"""即时抵扣 is reserved until a day that the platform is told: then the ledger refuses a confirmation, and the clock gives it back."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from applications.actions.claim_lapses import claims_due_to_lapse
from applications.actions.settlements import confirm_settlement
from applications.models import Claim
from applications.tasks import lapse_claims
from tests.applications.test_settlements import body, etown, send
from tests.at_once import at_once
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import balance_of
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import LedgerAccount, LedgerTransfer, User, Voucher

__all__ = ["etown"]

DAY = timedelta(days=1)


def reserved(api, cast, etown, count: int = 1) -> list[Claim]:
    for number in range(count):
        content = body(etown, reference=f"ST-{number}", net_amount="1000.00")
        assert send(api, cast, content, f"key-{number:06d}").status_code == 201
    return list(Claim.objects.order_by("pk"))


def held(claim: Claim) -> list[LedgerTransfer]:
    return list(LedgerTransfer.objects.filter(chain_id=claim.reserve_id, kind="pending"))


def test_the_ledger_keeps_the_day_that_the_platform_is_told(cast, api, etown):
    (claim,) = reserved(api, cast, etown)
    told = api(token=cast.platform_token).get(f"/api/v1/settlements/{claim.claim_no}").json()["expires_on"]
    assert claim.due_on is not None and told == claim.due_on.isoformat()
    # That day included: on the voucher and under every cap it ends with the next one.
    assert {row.expires_on for row in held(claim)} == {claim.due_on + DAY}


def test_it_is_confirmed_on_its_last_day_and_refused_from_the_next_though_no_clock_came_by(cast, api, etown):
    first, second = reserved(api, cast, etown, 2)
    caller = api(token=cast.platform_token)
    with dates.fixed(first.due_on):
        assert caller.post(f"/api/v1/settlements/{first.claim_no}/confirm").json()["state"] == "approved"
    with dates.fixed(first.due_on + DAY):
        late = caller.post(f"/api/v1/settlements/{second.claim_no}/confirm")
        assert (late.status_code, late.json()["code"], late.json()["retry"]) == (
            409,
            "settlement.expired",
            False,
        )
        # Nor by a way around the action: the ledger itself knows the day.
        around = ledger.confirm(
            second.reserve_id, claim_no=second.claim_no, on=dates.today(), id=uuid.uuid4()
        )
        assert around.code == "pending_expired"
    assert Claim.objects.get(pk=second.pk).state == "submitted"


def test_the_nights_task_gives_back_what_was_never_confirmed_and_both_sides_see_it(cast, api, etown):
    claims = reserved(api, cast, etown, 5)
    voucher = Voucher.objects.get(voucher_no=etown.voucher_no)
    caller = api(token=cast.platform_token)
    caller.post(f"/api/v1/settlements/{claims[0].claim_no}/confirm")
    at = caller.get("/api/v1/events").json()["next"]
    with dates.fixed(claims[1].due_on):
        assert lapse_claims() == 0
    with dates.fixed(claims[1].due_on + DAY):
        assert lapse_claims() == 4
        assert lapse_claims() == 0
    assert [one.state for one in Claim.objects.order_by("pk")] == ["approved"] + ["lapsed"] * 4
    assert balance_of(voucher).reserved == 0
    # By the ledger's own verb, on the voucher as under the caps, each reservation once.
    for claim in claims[1:]:
        resolved = LedgerTransfer.objects.filter(pending_id__in=[row.pk for row in held(claim)])
        assert {row.kind for row in resolved} == {"expire"} and resolved.count() == len(held(claim))
    for account in LedgerAccount.objects.filter(kind="cap"):
        assert account.debits_pending == 0, account.code
    told = caller.get("/api/v1/events", {"after": at}).json()["events"]
    assert [one["kind"] for one in told] == ["settlement.lapsed"] * 4
    assert caller.get(f"/api/v1/settlements/{claims[1].claim_no}").json()["state"] == "lapsed"
    shown = {one["claim_no"]: one["state"] for one in api(cast.filer).get("/api/v1/claims").json()["results"]}
    assert shown[claims[1].claim_no] == "lapsed"
    assert check_ledger() == []
    # The line may be deducted again, under a key of its own.
    with dates.fixed(claims[1].due_on + DAY):
        again = body(etown, reference="ST-1", net_amount="1000.00")
        assert send(api, cast, again, "key-000099").status_code == 201


def test_one_that_cannot_lapse_does_not_keep_the_others(cast, api, etown):
    claims = reserved(api, cast, etown, 3)
    # By a hand around the actions: what the claim says it holds is gone already.
    ledger.release(
        claims[1].reserve_id, claim_no=claims[1].claim_no, on=dates.today(), id=uuid.uuid4()
    ).demand()
    with dates.fixed(claims[0].due_on + DAY):
        assert lapse_claims() == 2
    assert [one.state for one in Claim.objects.order_by("pk")] == ["lapsed", "submitted", "lapsed"]


def test_what_turned_out_to_need_a_person_is_kept_without_an_end(cast, api, etown):
    """An office that takes its time takes nothing from the enterprise, and what was promised is not given to others."""
    caller = api(token=cast.platform_token)
    beyond = send(api, cast, body(etown, reference="ST-9", net_amount="5000000.00"), "key-000002")
    number = beyond.json()["settlement_no"]
    before = Claim.objects.get(claim_no=number)
    answer = caller.post(f"/api/v1/settlements/{number}/confirm")
    assert (answer.status_code, answer.json()["code"]) == (409, "claim.needs_review")
    claim = Claim.objects.get(claim_no=number)
    assert {row.expires_on for row in held(claim)} == {None}
    voucher = Voucher.objects.get(voucher_no=etown.voucher_no)
    assert balance_of(voucher).reserved == claim.claimed_amount == before.claimed_amount
    assert check_ledger() == []
    assert before.due_on is not None
    with dates.fixed(before.due_on + 30 * DAY):
        assert claims_due_to_lapse(dates.today()) == [] and lapse_claims() == 0
        late = ledger.confirm(claim.reserve_id, claim_no=number, on=dates.today(), id=uuid.uuid4())
        assert late.accepted  # as an approval would


def confirm_all(subject: tuple[list[str], date, int]) -> str:
    """A platform that confirms on the last day, in the order in which it reserved."""
    numbers, day, platform = subject
    done = 0
    with dates.fixed(day):
        by = User.objects.get(pk=platform)
        for number in numbers:
            try:
                with acting(by, "test"):
                    confirm_settlement(Claim.objects.get(claim_no=number), by=by)
                done += 1
            except DomainError as refusal:
                if refusal.keep:
                    raise
                assert refusal.code in ("claim.not_now", "settlement.expired"), refusal.code
    return str(done)


def lapse_all(subject: tuple[list[str], date, int]) -> str:
    """The clock of the next day."""
    _numbers, day, _platform = subject
    with dates.fixed(day + DAY):
        return str(sum(lapse_claims() for _again in range(6)))


@pytest.mark.parametrize("order", ["confirms first", "clock first"])
def test_a_confirmation_that_meets_the_clock_is_decided_once(committed_db, cast, api, etown, order):
    claims = reserved(api, cast, etown, 12)
    numbers = [claim.claim_no for claim in claims]
    subject = (numbers if order == "clock first" else numbers[::-1], claims[0].due_on, cast.platform.pk)
    confirmed, lapsed = map(int, at_once((confirm_all, subject), (lapse_all, subject)))
    states = list(Claim.objects.values_list("state", flat=True))
    if "submitted" in states:  # was being confirmed when the clock came by, and then refused: the next night
        with dates.fixed(claims[0].due_on + DAY):
            lapsed += lapse_claims()
        states = list(Claim.objects.values_list("state", flat=True))
    assert sorted(set(states)) in (["approved", "lapsed"], ["approved"], ["lapsed"])
    assert (states.count("approved"), states.count("lapsed")) == (confirmed, lapsed)
    for claim in Claim.objects.all():
        kinds = {"approved": {"post"}, "lapsed": {"expire"}}[claim.state]
        resolved = LedgerTransfer.objects.filter(pending_id__in=[row.pk for row in held(claim)])
        assert {row.kind for row in resolved} == kinds and resolved.count() == len(held(claim))
    assert check_ledger() == []


INVOICE = {"invoice_no": "24112000000000000012", "issued_on": "2024-06-02", "net_amount": "1500000.00"}


def test_an_invoice_that_comes_after_the_confirmation_was_looked_at_by_nobody_and_is_refused(
    cast, api, etown
):
    claim, other = reserved(api, cast, etown, 2)
    caller = api(token=cast.platform_token)
    assert caller.post(f"/api/v1/settlements/{claim.claim_no}/confirm").status_code == 200
    late = caller.post(f"/api/v1/settlements/{claim.claim_no}/confirm", {"invoice": INVOICE})
    assert (late.status_code, late.json()["code"]) == (409, "settlement.invoice_late")
    assert late.json()["field"] == "invoice.invoice_no"
    kept = Claim.objects.get(pk=claim.pk)
    assert "invoice" not in kept.facts and not kept.items.exclude(number_key="").exists()
    # Confirmed again as it was, and with the invoice that it was confirmed with, is answered as before.
    assert caller.post(f"/api/v1/settlements/{claim.claim_no}/confirm").status_code == 200
    for _again in range(2):
        answer = caller.post(f"/api/v1/settlements/{other.claim_no}/confirm", {"invoice": INVOICE})
        assert (answer.status_code, answer.json()["invoice_no"]) == (200, INVOICE["invoice_no"])
