"""A database that was in use before platforms, payment lines and shared treasuries comes to today's shape with all it holds.

The old tables are made by the migrations themselves, filled by the owner as that time wrote them, and brought forward by the real
command; afterwards every invariant of the ledger holds, and the money that was there is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor

from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger

OLD = [("vouchers", "0008_entry_numbers"), ("applications", "0006_batches"), ("audit", "0003_functions")]
ON, AT = date(2025, 3, 3), datetime(2025, 3, 3, 2, tzinfo=UTC)
P, USCC = "SZ-XLQ", "91440300MA5BETA00X"


@pytest.fixture
def empty_database(template_database: str, django_db_blocker) -> Iterator[None]:
    """Every alias on an empty database, as it is before the first migrate."""
    from tests.conftest import _cluster, _point

    name = f"test_{os.getpid()}_old"
    with _cluster.superuser() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _cluster.create_database(name)
    with django_db_blocker.unblock():
        names = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
        _point(connections, dict.fromkeys(connections, name))
        try:
            yield
        finally:
            _point(connections, names)
            with _cluster.superuser() as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class OldBooks:
    """The ledger as it was written then, transfer by transfer, with its counters and its attempts."""

    def __init__(self, apps: Any) -> None:
        self.accounts = apps.get_model("vouchers", "LedgerAccount").objects.using("owner")
        self.transfers = apps.get_model("vouchers", "LedgerTransfer").objects.using("owner")
        self.attempts = apps.get_model("vouchers", "LedgerAttempt").objects.using("owner")

    def open(self, kind: str, code: str, returns_to: Any = None, **more: Any) -> Any:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT ledger, debit_limited, credit_limited, hot, counted FROM ledger_account_kinds() WHERE kind = %s",
                [kind],
            )
            books, debits, credits, hot, counted = cursor.fetchone()
        return self.accounts.create(
            id=uuid.uuid4(),
            ledger=books,
            kind=kind,
            code=code,
            region_code="440300",
            returns_to=returns_to,
            debits_must_not_exceed_credits=debits,
            credits_must_not_exceed_debits=credits,
            hot=hot,
            counted=counted,
            opened_on=ON,
            **more,
        )

    def move(self, subject: tuple[str, str], *legs: tuple[Any, ...]) -> list[Any]:
        """One chain of (kind, code, debit, credit, amount, resolved)."""
        chain, made = uuid.uuid4(), []
        for position, (kind, code, debit, credit, amount, *resolved) in enumerate(legs, 1):
            made.append(
                self.transfers.create(
                    id=uuid.uuid4(),
                    chain_id=chain,
                    position=position,
                    kind=kind,
                    code=code,
                    debit_id=debit.pk,
                    credit_id=credit.pk,
                    amount=Decimal(amount),
                    pending=resolved[0] if resolved else None,
                    subject_kind=subject[0],
                    subject_no=subject[1],
                    booked_on=ON,
                )
            )
            self._count(kind, debit, credit, Decimal(amount), resolved[0].amount if resolved else Decimal(0))
        self.attempts.create(
            id=chain,
            body_sha256=hashlib.sha256(chain.bytes).hexdigest(),
            accepted=True,
            code="accepted",
            answer={"accepted": True, "transfers": [{"id": str(one.pk)} for one in made]},
        )
        return made

    def _count(self, kind: str, debit: Any, credit: Any, amount: Decimal, held: Decimal) -> None:
        posted = amount if kind in ("single", "post") else Decimal(0)
        pending = amount if kind == "pending" else -held
        for account, side in ((credit, "credits"), (debit, "debits")):
            if not account.counted:
                continue
            for name, more in ((f"{side}_posted", posted), (f"{side}_pending", pending)):
                setattr(account, name, getattr(account, name) + more)
        for account in (credit, debit):
            account.save(
                using="owner",
                update_fields=["debits_pending", "debits_posted", "credits_pending", "credits_posted"],
            )


def fill(apps: Any) -> None:
    """A year of a city's scheme: vouchers in use and expired, a claim that waits, payments in every place of their way."""

    def new(model: str, app: str = "vouchers", **fields: Any) -> Any:
        return apps.get_model(app, model).objects.using("owner").create(**fields)

    region = new("Region", code="440300", name="深圳市")
    people = [
        new("User", username=f"u-{n}", password="!", display_name=name, phone="", email="")
        for n, name in enumerate(("编辑", "发布", "财务一", "财务二", "平台"))
    ]
    holder = new(
        "Party", uscc=USCC, name="乙数据技术（深圳）有限公司", region_code="440305", is_enterprise=True
    )
    account = new("BankAccount", party=holder, account_no="622200001", account_name="乙", bank_name="工行")
    program = new("Program", code=P, name="训力券", region=region)
    budget = new("ProgramBudget", program=program, year=2025, amount=Decimal(1000))
    new(
        "Appropriation",
        budget=budget,
        document_no="深财〔2025〕1号",
        amount=Decimal(1000),
        appropriated_on=ON,
        appropriated_by=people[2],
    )
    canonical = json.dumps({"program": P}).encode()
    publication = new(
        "Publication",
        publication_no=f"{P}-1",
        canonical=canonical,
        sha256=hashlib.sha256(canonical).hexdigest(),
        label="第一版",
        engine_version="1.1.0",
        published_at=AT,
        program=program,
        proposed_by=people[0],
        published_by=people[1],
        version=new(
            "PolicyVersion",
            program=program,
            number=1,
            state="published",
            label="第一版",
            effective_from=ON,
            created_by=people[0],
            created_at=AT,
        ),
    )
    new(
        "ApiCredential",
        provider=holder,
        user=people[4],
        label="旧平台",
        token_prefix="0123abcd",
        token_digest="0" * 64,
    )

    books = OldBooks(apps)
    treasury = books.open("treasury", "treasury:440300")
    pot = books.open("budget", f"budget:{P}:2025", treasury)
    payable = books.open("payable", f"payable:{P}:2025:{USCC}", pot)
    paid = books.open("paid", f"paid:{P}:2025")
    books.move(("budget", "深财〔2025〕1号"), ("single", "appropriate", treasury, pot, "1000"))
    accounts = {}
    for number, face in (("V-1", "600"), ("V-2", "100")):
        accounts[number] = books.open("voucher", f"voucher:{number}", pot)
        books.move(("voucher", number), ("single", "issue", pot, accounts[number], face))
        new(
            "Voucher",
            voucher_no=number,
            program=program,
            publication=publication,
            application_no=f"A-{number}",
            enterprise=holder,
            face_value=Decimal(face),
            issued_on=ON,
            expires_on=date(2025, 12, 31),
            budget_year=2025,
            state="active" if number == "V-1" else "expired",
            account_id=accounts[number].pk,
        )
    books.move(("voucher", "V-2"), ("single", "close", accounts["V-2"], pot, "100"))
    accounts["V-2"].closed_on = ON
    accounts["V-2"].save(using="owner", update_fields=["closed_on"])
    cap = books.open("cap", f"cap:000000000000:year.claim:{USCC}:2025", limit_amount=Decimal(500))
    source, used = books.open("cap_source", "cap_source:440300"), books.open("cap_used", "cap_used:440300")
    voucher = accounts["V-1"]

    batches = {
        state: new(
            "PaymentBatch",
            batch_no=f"PB-{state}",
            title=state,
            created_on=ON,
            created_by=people[2],
            proposed_by=people[2],
            approved_by=people[3],
            approved_at=AT,
            program=program,
            region=region,
            state=state,
            control_count=1,
            control_sum=total,
            control_hash="c" * 64,
        )
        for state, total in (("settled", Decimal(200)), ("exported", Decimal(40)))
    }
    for n, (state, amount, batch) in enumerate(
        (
            ("confirmed", "200", batches["settled"]),
            ("instructed", "40", batches["exported"]),
            ("payable", "60", None),
        ),
        1,
    ):
        claim, payment = f"C-{n}", f"P-{n}"
        grants = [("single", "grant", source, cap, "500")] if n == 1 else []
        held = books.move(
            ("claim", claim),
            *grants,
            ("pending", "reserve", voucher, payable, amount),
            ("pending", "reserve", cap, used, amount),
        )[-2:]
        books.move(
            ("claim", claim),
            ("post", "confirm", voucher, payable, amount, held[0]),
            ("post", "confirm", cap, used, amount, held[1]),
        )
        new(
            "Payment",
            payment_no=payment,
            claim_no=claim,
            voucher_no="V-1",
            amount=Decimal(amount),
            payable_on=ON,
            payee=holder,
            program=program,
            region=region,
            account=account if batch else None,
            state=state,
            batch=batch,
            line_no=1 if batch else None,
            paid_on=ON if state == "confirmed" else None,
        )
        if batch is None:
            continue
        transit = books.open("instructed", f"payment:{payment}", payable)
        books.move(("payment", payment), ("single", "instruct", payable, transit, amount))
        if state == "confirmed":
            books.move(("payment", payment), ("single", "pay", transit, paid, amount))
    books.move(("claim", "C-9"), ("pending", "reserve", voucher, payable, "50"))


@pytest.mark.long
def test_a_database_in_use_since_before_platforms_comes_to_today_with_all_it_holds(empty_database):
    executor = MigrationExecutor(connections["owner"])
    with_history = OLD + [
        node
        for node in executor.loader.graph.leaf_nodes()
        if node[0] not in ("vouchers", "applications", "audit")
    ]
    executor.migrate(with_history)
    then = MigrationExecutor(connections["owner"]).loader.project_state(with_history).apps
    with transaction.atomic(using="owner"):
        fill(then)
    call_command("migrate", database="owner", verbosity=0)

    from vouchers.models import ApiCredential, LedgerAccount, Payment, PaymentApproval, PaymentLine, Voucher

    assert check_ledger() == []
    assert {
        row.code: row.available for row in LedgerAccount.objects.filter(kind__in=("budget", "voucher"))
    } == {
        f"budget:{P}:2025": Decimal(400),
        "voucher:V-1": Decimal(250),
        "voucher:V-2": Decimal(0),
    }
    # What stood in a batch has a line of it now, and who approved the batch has approved it.
    lines = {(line.payment.payment_no, line.state, line.amount) for line in PaymentLine.objects.all()}
    assert lines == {("P-1", "confirmed", Decimal(200)), ("P-2", "sent", Decimal(40))}
    assert PaymentApproval.objects.count() == 2 and Payment.objects.count() == 3
    credential = ApiCredential.objects.get()
    assert (credential.region, credential.scopes) == (None, ["settle", "read", "events"])
    assert {voucher.bearers == [] for voucher in Voucher.objects.all()} == {True}

    # And it goes on: what was reserved then is confirmed now, the rest of the year is closed into its surplus.
    budget = ledger.Budget(P, 2025, "440300")
    held = next(iter(_open_reservations()))
    ledger.release(held, claim_no="C-9", on=ON, id=uuid.uuid4()).demand()
    ledger.issue(budget, "V-3", Decimal(10), on=ON, id=uuid.uuid4()).demand()
    ledger.close_budget(budget, on=ON, id=uuid.uuid4()).demand()
    assert LedgerAccount.objects.get(code=budget.surplus).available == Decimal(390)
    assert check_ledger(business_rows=False) == []
    with pytest.raises(Exception, match="permission denied"), connections["default"].cursor() as cursor:
        cursor.execute("UPDATE vouchers_ledgertransfer SET amount = 1")


def _open_reservations() -> list[uuid.UUID]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT chain_id FROM vouchers_ledgertransfer AS t WHERE kind = 'pending' AND NOT EXISTS"
            " (SELECT FROM vouchers_ledgertransfer AS r WHERE r.pending_id = t.id)"
        )
        return [row[0] for row in cursor.fetchall()]
