"""What a call of the interface costs: a bounded number of statements, however much was settled before it."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from django.db import connection, transaction

from applications.models import BasisItem, Claim
from applications.models.claims import DEAD_STATES
from tests.applications.test_settlements import body, etown, send
from vouchers.actions.ledger_check import check_ledger

__all__ = ["etown"]

#: Statements of each call, those that open and end its transaction left out. Less is welcome; more has to be argued for.
MOST = {"reserve": 6, "replay": 5, "look-up": 3, "confirm": 13, "release": 18}


def statements(deed) -> list[str]:
    said: list[str] = []

    def note(execute, sql, params, many, context):
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO")):
            said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answer = deed()
    assert answer.status_code in (200, 201), answer.content
    return said


def last_before_commit(deed) -> str:
    """The last statement of the deed's own transaction; what its answer still reads comes after it. Within the test's own
    transaction the outer context is told again at the end."""
    said: list[str] = []
    outside = len(connection.savepoint_ids)

    def note(execute, sql, params, many, context):
        if len(connection.savepoint_ids) > outside and not sql.startswith(
            ("SAVEPOINT", "RELEASE", "SELECT set_config(%s, %s, true)")
        ):
            said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert deed().status_code in (200, 201)
    return said[-1]


def calls_of(cast, api, etown, number: int) -> dict[str, int]:
    caller = api(token=cast.platform_token)
    content = body(etown, reference=f"ST-{number}", net_amount="100.00")
    counts = {"reserve": len(statements(lambda: send(api, cast, content, f"key-cost-{number}")))}
    counts["replay"] = len(statements(lambda: send(api, cast, content, f"key-cost-{number}")))
    first = Claim.objects.get(idempotency_key=f"key-cost-{number}").claim_no
    counts["look-up"] = len(statements(lambda: caller.get(f"/api/v1/settlements/{first}")))
    counts["confirm"] = len(statements(lambda: caller.post(f"/api/v1/settlements/{first}/confirm")))
    other = body(etown, reference=f"ST-{number}-other", net_amount="100.00")
    second = send(api, cast, other, f"key-cost-other-{number}").json()["settlement_no"]
    counts["release"] = len(statements(lambda: caller.post(f"/api/v1/settlements/{second}/release")))
    return counts


def test_no_call_takes_more_statements_for_what_was_settled_before(cast, api, etown):
    early = calls_of(cast, api, etown, 0)
    for number in range(1, 101):
        assert (
            send(
                api,
                cast,
                body(etown, reference=f"ST-more-{number}", net_amount="10.00"),
                f"key-more-{number}",
            ).status_code
            == 201
        )
    late = calls_of(cast, api, etown, 99)
    assert all(late[name] <= early[name] for name in early), (early, late)
    assert all(late[name] <= most for name, most in MOST.items()), late


def claims_looked_at(plan) -> float:
    """Rows of claims that a plan took in its hand, those that it put back included."""
    own = 0.0
    if plan.get("Relation Name") == "applications_claim":
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    if "Bitmap Index Scan" in plan["Node Type"] or plan["Node Type"] == "Seq Scan":
        own += plan["Actual Rows"] * plan["Actual Loops"] if "claim" in str(plan) else 0
    return own + sum(claims_looked_at(below) for below in plan.get("Plans", []))


#: What the planner may believe of the claims: rows and pages.
BELIEFS = {
    "nothing yet": (-1, 0),
    "there is one": (1, 360),
    "there are few": (60, 3),
    "there are many": (2_000_000, 100_000),
}


@pytest.mark.parametrize("belief", BELIEFS)
def test_a_reservation_looks_at_a_handful_of_claims_however_many_its_provider_has(
    committed_db, cast, api, etown, belief: str
):
    """Whatever the statistics say: none on the day when a scheme opens, and those of its first hour later on."""
    from applications import settlement_reads

    for number in range(60):
        content = body(etown, reference=f"ST-{number}", net_amount="10.00")
        assert send(api, cast, content, f"key-look-{number}").status_code == 201
    asked = {
        "provider": etown.lease.lessor_id,
        "key": "key-look-new",
        "today": etown.lease.signed_on,
        "item_kind": "settlement_line",
        "likeness": "ST99",
        "line": "ST-99",
        "lease_no": etown.lease.lease_no,
        "voucher_no": etown.voucher_no,
    }
    said: list[str] = []

    def note(execute, sql, params, many, context):
        said.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        send(api, cast, body(etown, reference="ST-last", net_amount="10.00"), "key-look-last")
    assert any("enable_bitmapscan" in one and "enable_seqscan" in one for one in said)
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as owner:
        for table in ("applications_claim", "applications_basisitem"):
            owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
            believed = (
                "UPDATE pg_class SET reltuples = %s, relpages = %s WHERE oid = %s::regclass"
                " OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass)"
            )
            owner.execute(believed, [*BELIEFS[belief], table, table])
            owner.execute("DELETE FROM pg_statistic WHERE starelid = %s::regclass", [table])
    places = {name: f"${number}" for number, name in enumerate(asked, start=1)}
    with transaction.atomic(), connection.cursor() as cursor:  # as it is planned for whatever will be asked
        cursor.execute("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("PREPARE look AS " + settlement_reads._GROUND % places)
        given = ", ".join(["%s"] * len(asked))
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE look ({given})", list(asked.values()))
        (((plan,),),) = cursor.fetchall()
        cursor.execute("DEALLOCATE look")
    assert claims_looked_at(plan["Plan"]) <= 20, plan


def test_a_screening_reads_its_neighbourhood_by_two_statements_and_its_rules_by_one(cast, api, etown):
    from audit.actions.rules import load_rules
    from audit.screener import inputs_hash

    load_rules()
    send(api, cast, body(etown), "key-000001")
    number = Claim.objects.get().claim_no
    said: list[str] = []

    def note(execute, sql, params, many, context):
        said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        inputs_hash("claim", number)
    assert len(said) == 3, said


def test_a_confirmed_deduction_is_payable_as_casework_makes_a_payable(cast, api, etown):
    """Written in one statement, it is the same payable: the payee's confirmed account, whoever had a hand in it, today."""
    from applications.models import Review
    from vouchers.models import BankAccount, OutboxMessage, Payment

    send(api, cast, body(etown), "key-000001")
    claim = Claim.objects.get()
    known = claim.payee.current_account
    # Entered by one and confirmed by nobody yet: nothing is paid there.
    BankAccount.objects.create(party=claim.payee, account_no="6222000000990099", entered_by=cast.filer)
    answer = api(token=cast.platform_token).post(f"/api/v1/settlements/{claim.claim_no}/confirm")
    assert answer.status_code == 200, answer.content
    claim.refresh_from_db()
    payment = Payment.objects.get()
    assert payment.account == known == claim.payee.current_account and known is not None
    assert (payment.claim_no, payment.voucher_no) == (claim.claim_no, claim.voucher.voucher_no)
    assert (payment.payee, payment.amount, payment.state) == (claim.payee, claim.approved_amount, "payable")
    assert payment.participants == [claim.filer_id] and payment.payable_on == claim.decided_at.date()
    assert (payment.program, payment.region) == (claim.voucher.program, claim.voucher.program.region)
    last = Review.objects.filter(subject_no=claim.claim_no).latest("pk")
    assert (last.verb, last.from_state, last.to_state) == ("settle_instantly", "submitted", "approved")
    assert (last.amount, last.actor, last.region_code) == (claim.approved_amount, None, "110115")
    told = OutboxMessage.objects.filter(task="applications.notify", payload__claim_no=claim.claim_no)
    assert told.filter(payload__message="claim_approved").count() == 1
    follows = OutboxMessage.objects.filter(task="vouchers.follow_ledger", key=claim.voucher.voucher_no)
    assert follows.count() == 1
    # The next deduction on the voucher finds the message still waiting: one is enough.
    send(api, cast, body(etown, reference="ST-2"), "key-000002")
    other = Claim.objects.get(idempotency_key="key-000002")
    assert (
        api(token=cast.platform_token).post(f"/api/v1/settlements/{other.claim_no}/confirm").status_code
        == 200
    )
    assert follows.count() == 1 and Payment.objects.count() == 2
    assert check_ledger() == []


def test_the_ledger_is_called_last(cast, api, etown):
    caller = api(token=cast.platform_token)
    assert "settlement_file(" in last_before_commit(lambda: send(api, cast, body(etown), "key-000001"))
    number = Claim.objects.get().claim_no
    confirmed = last_before_commit(lambda: caller.post(f"/api/v1/settlements/{number}/confirm"))
    assert "ledger_post(" in confirmed
    send(api, cast, body(etown, reference="ST-2"), "key-000002")
    other = Claim.objects.get(idempotency_key="key-000002").claim_no
    released = last_before_commit(lambda: caller.post(f"/api/v1/settlements/{other}/release"))
    assert "ledger_post" in released


def claimed_under(lease) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute("SELECT net_amount FROM applications_leaseuse WHERE lease_id = %s", [lease.pk])
        row = cursor.fetchone()
    return row[0] if row else Decimal(0)


def test_what_is_claimed_under_a_contract_is_kept_with_every_change(cast, api, etown):
    caller = api(token=cast.platform_token)
    lease = etown.lease

    def added_up() -> Decimal:
        live = BasisItem.objects.filter(claim__lease=lease).exclude(claim__state__in=DEAD_STATES)
        return sum((item.net_amount for item in live), Decimal(0))

    for number in range(3):
        send(api, cast, body(etown, reference=f"ST-{number}", net_amount="100.00"), f"key-00000{number}")
    assert claimed_under(lease) == added_up() == Decimal("300.00")
    numbers = list(Claim.objects.order_by("pk").values_list("claim_no", flat=True))
    caller.post(f"/api/v1/settlements/{numbers[0]}/release")
    caller.post(f"/api/v1/settlements/{numbers[1]}/confirm")
    assert claimed_under(lease) == added_up() == Decimal("200.00")
    item = BasisItem.objects.get(claim__claim_no=numbers[2])
    item.net_amount = Decimal("40.00")
    item.save(update_fields=["net_amount"])
    assert claimed_under(lease) == added_up() == Decimal("140.00")
    item.delete()
    assert claimed_under(lease) == added_up() == Decimal("100.00")


def test_the_application_itself_cannot_write_what_is_claimed_under_a_contract(cast, api, etown):
    from django.db import ProgrammingError, transaction

    send(api, cast, body(etown), "key-000001")
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE applications_leaseuse SET net_amount = 0")


def test_what_is_kept_of_a_deduction_is_what_casework_computes_of_it(cast, api, etown):
    """One way to compute: the facts read by one statement are those that each question gives by itself."""
    from applications.actions.assessments import facts_of, kept, recompute
    from applications.own_checks import own_checks
    from vouchers.policy.plain import to_plain

    send(api, cast, body(etown), "key-000001")
    claim = Claim.objects.get()
    told = claim.facts["assessed"]
    now = to_plain(facts_of(claim))
    # It was the first under its cap: since then there is an account, of which nothing but its own is used.
    assert now.pop("used") == {"caps": {"BDA-SLQ:enterprise_year:claim:91110108MA01ALPH0Y:2024": "0"}}
    told.pop("used", None)
    assert {**now, "filed_at": ""} == {**told, "filed_at": ""}
    assert recompute(claim) == kept(claim)
    assert [(one.code, one.result) for one in own_checks(claim)] == [
        (one.code, one.result) for one in _written(claim) if one.code in {"item_unused", "within_ground"}
    ]
    assert check_ledger() == []


def _written(claim):
    from applications.models import Check

    return list(Check.objects.filter(subject_kind="claim", subject_no=claim.claim_no).order_by("pk"))
