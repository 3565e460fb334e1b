"""What a call of the ledger is held to: the same id gives the same answer, and bad input takes nothing."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.db import connection

from tests.vouchers.ledger_moves import (
    BUDGET,
    ON,
    PAYEE,
    VOUCHER,
    available,
    fund,
    new,
    reserve,
    voucher_of,
    yuan,
)
from vouchers.actions import ledger
from vouchers.actions.ledger_check import check_ledger
from vouchers.errors import Invalid
from vouchers.models import LedgerAttempt

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def invariants_hold_afterwards(db):
    yield
    assert check_ledger(business_rows=False) == []


class TestIdentity:
    def test_the_same_id_with_the_same_body_gives_the_first_answer_and_one_effect(self):
        voucher_of(100)
        id = ledger.event_id("reserve", "C-1", 1)
        assert reserve(60, id=id) == reserve(60, id=id)
        assert available(f"voucher:{VOUCHER}") == yuan(40)

    def test_the_same_id_with_another_body_is_refused(self):
        voucher_of(100)
        id = new()
        reserve(60, id=id)
        other = reserve(61, id=id)
        assert (other.accepted, other.code) == (False, "id_reused")
        with pytest.raises(Invalid) as raised:
            other.demand()
        assert raised.value.code == "ledger.id_reused"
        assert LedgerAttempt.objects.get(pk=id).accepted

    def test_an_id_that_was_refused_stays_refused(self):
        voucher_of(100, budget=100)
        id = new()
        assert reserve(101, id=id).code == "insufficient_funds"
        fund(1000)
        ledger.Chain(new(), ON, "voucher", VOUCHER).single(
            "issue", BUDGET.code, f"voucher:{VOUCHER}", yuan(50)
        ).post()
        assert reserve(101, id=id).code == "insufficient_funds"
        assert reserve(101, id=new()).accepted
        assert LedgerAttempt.objects.get(pk=id).code == "insufficient_funds"

    def test_an_event_has_one_id_whoever_asks(self):
        assert ledger.event_id("reserve", "C-1", 1) == ledger.event_id("reserve", "C-1", "1")
        assert ledger.event_id("reserve", "C-1", 1) != ledger.event_id("reserve", "C-1", 2)
        assert ledger.event_id("a", "bc") != ledger.event_id("ab", "c")


class TestBadInput:
    @pytest.mark.parametrize("amount", ["0", "-1", "1.005", "1e30", "NaN", "十元", "", " ", "1_0"])
    def test_no_amount_is_refused_and_nothing_booked(self, amount):
        voucher_of(100)
        chain = ledger.Chain(new(), ON, "claim", "C-1")
        chain.transfers.append(
            {
                "kind": "single",
                "code": "issue",
                "debit": BUDGET.code,
                "credit": f"voucher:{VOUCHER}",
                "amount": amount,
            }
        )
        assert chain.post().code == "invalid_amount"
        assert available(f"voucher:{VOUCHER}") == yuan(100)

    @pytest.mark.parametrize("amount", [Decimal("0"), Decimal("-1"), Decimal("1.005"), Decimal("1e30")])
    def test_the_verbs_leave_the_refusal_to_the_database(self, amount):
        voucher_of(100)
        refused = ledger.reserve(BUDGET, VOUCHER, amount, payee_uscc=PAYEE, claim_no="C-1", on=ON, id=new())
        assert (refused.code, refused.message) == ("invalid_amount", "金额必须大于零，且最多两位小数。")

    def test_a_float_is_a_mistake_of_the_program(self):
        with pytest.raises(TypeError):
            ledger.appropriate(BUDGET, 1.5, document_no="", on=ON, id=new())  # type: ignore[arg-type]

    def test_an_unknown_voucher_is_refused(self):
        fund()
        assert reserve(1).code == "account_unknown"

    def test_an_account_of_another_kind_under_the_same_code_is_refused(self):
        voucher_of(100)
        chain = ledger.Chain(new(), ON, "claim", "C-1").open(BUDGET.code, "paid", region_code="110000")
        refused = chain.single("issue", BUDGET.code, f"voucher:{VOUCHER}", yuan(1)).post()
        assert (refused.code, refused.account) == ("account_mismatch", BUDGET.code)

    @pytest.mark.parametrize(
        ("code", "debit", "credit"),
        [
            ("issue", f"voucher:{VOUCHER}", "budget:BJ-AIQ:2025"),
            ("pay", f"voucher:{VOUCHER}", "treasury:110000"),
            ("reverse", "budget:BJ-AIQ:2025", f"voucher:{VOUCHER}"),
            ("whim", "budget:BJ-AIQ:2025", f"voucher:{VOUCHER}"),
        ],
    )
    def test_an_amount_goes_only_where_the_account_map_leads(self, code, debit, credit):
        voucher_of(100)
        refused = ledger.Chain(new(), ON, "claim", "C-1").single(code, debit, credit, yuan(1)).post()
        assert refused.code in {"route_unknown", "not_reversible"}

    def test_an_empty_chain_is_refused(self):
        assert ledger.Chain(new(), ON, "claim", "C-1").post().code == "invalid_chain"

    @pytest.mark.parametrize("part", ["on", "subject_kind", "subject_no", "transfers"])
    @pytest.mark.parametrize("left", [{}, {"a": 1}, None])
    def test_a_chain_without_one_of_its_parts_is_refused_alone_and_in_a_run(self, part, left):
        fund(100)
        chains = [ledger.issue_chain(BUDGET, f"V-{n}", yuan(10), on=ON, id=new()).body() for n in range(2)]
        for chain in chains:
            if left is None or part != "transfers":
                del chain[part]
            else:
                chain[part] = left
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_post(%s::jsonb)", [json.dumps(chains[0])])
            alone = json.loads(cursor.fetchone()[0])
            cursor.execute("SELECT ledger_post_batch(%s::jsonb)", [json.dumps(chains)])
            together = json.loads(cursor.fetchone()[0])
        assert {answer["code"] for answer in (alone, *together)} == {"invalid_chain"}
        assert available(BUDGET.code) == yuan(100)

    def test_one_bad_transfer_spoils_the_whole_chain(self):
        fund(100)
        chain = ledger.issue_chain(BUDGET, "V-1", yuan(60), on=ON, id=new())
        chain.open("voucher:V-2", "voucher", returns_to=BUDGET.code)
        chain.single("issue", BUDGET.code, "voucher:V-2", yuan("40.01"))
        assert chain.post().code == "insufficient_funds"
        assert available(BUDGET.code) == yuan(100)
