"""What is left of a deduction that did not go through: its key, its reservation, its sum under the contract, its place in a file."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import psycopg
import pytest
from django.db import connection

from applications.actions.claim_lapses import claims_due_to_lapse
from applications.actions.claims import approve_claim
from applications.api.settlements import asked_for
from applications.models import Claim
from applications.tasks import lapse_claims
from tests.applications.test_settlement_batches import line, upload
from tests.applications.test_settlements import body, etown, send
from vouchers import dates
from vouchers.actions import holds
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import expire_due_vouchers
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import LedgerTransfer, Voucher

__all__ = ["etown"]

DAY = timedelta(days=1)
MOST = "9999999999999999.99"


def test_one_absurd_amount_does_not_keep_out_the_next_deduction(cast, api, etown):
    """It is filed, as an enterprise's own would be, with the check that it goes beyond the contract: a person decides."""
    for number in range(3):
        assert (
            send(
                api, cast, body(etown, reference=f"BIG-{number}", net_amount=MOST), f"key-big-{number}"
            ).status_code
            < 500
        )
    after = send(api, cast, body(etown, reference="ST-1", net_amount="1000.00"), "key-after-1")
    assert after.status_code == 201, after.content
    kept = Claim.objects.get(idempotency_key="key-after-1")
    assert kept.band["instant"] is False  # what is claimed together goes beyond the contract
    assert check_ledger() == []


@pytest.fixture
def screener():
    """Whether the observer is there to screen."""
    real = holds._screener
    yield lambda there: holds.register_screener(real if there else None)
    holds.register_screener(real)


def test_a_line_that_was_refused_only_for_now_is_settled_when_it_is_sent_again(cast, api, etown, screener):
    send(
        api, cast, body(etown, reference="ST-0", net_amount="10.00"), "key-000000"
    )  # the contract is screened
    settle = {**line(etown, 1), "action": "settle"}
    screener(False)
    (row,) = upload(api, cast, [settle]).json()["lines"]
    assert (row["outcome"], row["code"], row["retry"]) == ("refused", "screening.unavailable", True)
    claim = Claim.objects.get(idempotency_key=settle["idempotency_key"])
    assert (claim.state, claim.claimed_amount) == ("submitted", 300)
    screener(True)
    (row,) = upload(api, cast, [settle], key="batch-0002").json()["lines"]
    assert (row["outcome"], row["deducted_amount"], row["settlement_no"]) == (
        "done",
        "300.00",
        claim.claim_no,
    )
    claim.refresh_from_db()
    assert claim.state == "approved"
    assert check_ledger() == []


def test_one_that_is_never_sent_again_is_given_back_by_its_day(cast, api, etown, screener):
    send(api, cast, body(etown, reference="ST-0", net_amount="10.00"), "key-000000")
    screener(False)
    upload(api, cast, [{**line(etown, 1), "action": "settle"}])
    screener(True)
    claim = Claim.objects.get(idempotency_key="line-000001")
    with dates.fixed(claim.due_on + DAY):
        assert claim.claim_no in claims_due_to_lapse(dates.today())
        lapse_claims()
    claim.refresh_from_db()
    assert claim.state == "lapsed"


@pytest.mark.parametrize("action", ["reserve", "settle"])
def test_a_key_whose_deduction_was_given_back_is_no_deduction_in_a_file(cast, api, etown, action):
    upload(api, cast, [line(etown, 1), line(etown, 2)])
    released = [{"action": "release", "idempotency_key": "line-000001"}]
    answer = upload(api, cast, released, key="batch-0002").json()
    # Given back: the line is done, and nothing is deducted by it.
    assert (answer["lines"][0]["outcome"], answer["totals"]["sum"]) == ("done", "0.00")
    sent = [{**line(etown, 1), "action": action}, line(etown, 2)]
    answer = upload(api, cast, sent, key="batch-0003").json()
    over, live = answer["lines"]
    assert (over["outcome"], over["code"], over["deducted_amount"]) == ("refused", "settlement.over", None)
    assert (live["outcome"], live["deducted_amount"], answer["totals"]["sum"]) == ("done", "300.00", "300.00")


def draft_of_before(first: Claim, content: dict[str, str], key: str) -> Claim:
    """As the release before 0012 left one that the ledger refused."""
    names = "kind voucher publication program_code program_region_code enterprise provider payee lease filer state_since"
    return Claim.objects.create(
        claim_no="S-2024-00009999",
        idempotency_key=key,
        facts={"request_sha256": asked_for(content).digest()},
        **{name: getattr(first, name) for name in names.split()},
    )


def test_a_draft_that_an_earlier_release_left_under_a_key_gives_it_back_and_is_no_answer(cast, api, etown):
    send(api, cast, body(etown, reference="ST-0", net_amount="1000.00"), "key-000000")
    content = body(etown, reference="ST-1", net_amount="1000.00")
    draft = draft_of_before(Claim.objects.get(), content, "key-000001")
    statements = import_module("applications.migrations.0015_settlement_sums_and_keys").FREE_KEYS
    with connection.cursor() as cursor:
        cursor.execute(statements)
    draft.refresh_from_db()
    assert (draft.idempotency_key, draft.state) == ("", "draft")
    assert Claim.objects.filter(idempotency_key="key-000000").exists()  # what was filed keeps its own
    again = send(api, cast, content, "key-000001")
    assert (again.status_code, again.json()["state"], again.json()["deducted_amount"]) == (
        201,
        "submitted",
        "300.00",
    )


def to_review_on_a_voucher_that_is_over(api, cast, etown) -> Claim:
    """Reserved as what the platform confirms itself; then another line goes beyond the contract, and the voucher's day comes."""
    number = send(api, cast, body(etown, reference="ST-8"), "key-000008").json()["settlement_no"]
    other = send(api, cast, body(etown, reference="ST-9", net_amount="1500000.00"), "key-000009")
    assert other.json()["needs_review"] is True
    Voucher.objects.filter(voucher_no=etown.voucher_no).update(expires_on=dates.today() + DAY)
    with dates.fixed(dates.today() + DAY):
        assert expire_due_vouchers() == 1
        answer = api(token=cast.platform_token).post(f"/api/v1/settlements/{number}/confirm")
    assert answer.json()["code"] == "claim.needs_review", answer.content
    return Claim.objects.get(claim_no=number)


def test_one_that_waits_for_a_person_on_a_voucher_that_is_over_lapses_with_its_reservation(cast, api, etown):
    claim = to_review_on_a_voucher_that_is_over(api, cast, etown)
    with dates.fixed(claim.due_on):
        assert claims_due_to_lapse(dates.today()) == []
    with dates.fixed(claim.due_on + DAY):
        assert lapse_claims() == 1
    claim.refresh_from_db()
    assert claim.state == "lapsed"
    assert not LedgerTransfer.objects.filter(
        chain_id=claim.reserve_id, kind="pending", resolutions=None
    ).exists()
    assert check_ledger() == []


def test_what_was_verified_too_late_is_refused_with_the_reason_and_can_be_rejected(cast, api, etown):
    from applications.actions.claims import reject_claim

    claim = to_review_on_a_voucher_that_is_over(api, cast, etown)
    Claim.objects.filter(pk=claim.pk).update(state="verified")
    claim.refresh_from_db()
    with dates.fixed(claim.due_on + DAY):
        with acting(cast.approver, "test"), pytest.raises(DomainError) as refusal:
            approve_claim(claim, by=cast.approver)
        assert refusal.value.code == "claim.reservation_over"
        with acting(cast.approver, "test"):
            reject_claim(claim, by=cast.approver, reason="预占已到期，不能核准。")
    assert not LedgerTransfer.objects.filter(
        chain_id=claim.reserve_id, kind="pending", resolutions=None
    ).exists()
    assert check_ledger() == []


def test_a_sum_under_a_contract_that_was_changed_by_hand_is_found(committed_db, cast, api, etown):
    send(api, cast, body(etown), "key-000001")
    assert check_ledger() == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as hand:
        for deed in (
            "UPDATE applications_leaseuse SET net_amount = net_amount + 1",
            "DELETE FROM applications_leaseuse",
        ):
            hand.execute(deed)
            found = [(one.invariant, one.row) for one in check_ledger()]
            assert found == [("a_contract_is_claimed_as_its_items", etown.lease.lease_no)]
    assert str(check_ledger()[0].sentence).startswith("合同项下已申报记 0，")


def test_a_line_that_is_refused_and_kept_is_written_under_its_own_verb(cast, api, etown):
    """What the refused deed did is told under that deed's name, that the line was refused under the batch's."""
    beyond = {**line(etown, 1), "action": "settle", "net_amount": "5000000.00"}
    asked: list[str] = []

    def note(execute, sql, params, many, context):
        asked.append(f"{sql} {params}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        (row,) = upload(api, cast, [beyond]).json()["lines"]
    assert (row["outcome"], row["code"]) == ("refused", "claim.needs_review")
    (at,) = [n for n, sql in enumerate(asked) if sql.startswith('UPDATE "applications_settlementbatchline"')]
    told = [sql for sql in asked[:at] if "set_config" in sql and '"verb"' in sql]
    assert "settlement_batch.take" in told[-1] and "claim.settle_instantly" in told[-2]
