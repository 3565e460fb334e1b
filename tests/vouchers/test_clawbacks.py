"""追回: what was paid without ground is drafted with its working and approved by another; a red letter drafts one by itself."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions.clawback_cases import (
    draft_for_invoice,
    mark_invoice,
    reassess_without,
)
from applications.models import Claim
from applications.tasks import red_letter
from tests import banking
from tests.vouchers.clawing import HUNDRED, arrived, balance, drafted, first, noticed, received, second  # noqa: F401 - fixtures
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401
from vouchers import dates
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import (
    approve_clawback,
    draft_clawback,
    notice_clawback,
    offer_return,
    propose_clawback,
    revise_clawback,
    send_back,
)
from vouchers.actions.ledger_accounts import in_measure
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.recovery_terms import confirm_term, enter_term
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Clawback, OutboxMessage, Payment

# -- drafting and approving ------------------------------------------------------------------------------------------


def test_a_clawback_shows_how_it_was_reckoned(cast, first):
    clawback = drafted(cast, first)
    assert (clawback.paid_amount, clawback.founded_amount, clawback.principal_amount) == (
        Decimal("600000.00"),
        Decimal("500000.00"),
        HUNDRED,
    )
    labels = [line["label"] for line in clawback.working]
    assert labels == ["已拨付", "重新核定应拨付", "应退回补贴", "资金占用费", "罚款", "合计"]


def test_neither_interest_nor_penalty_without_a_cited_basis(cast, first):
    clawback = drafted(cast, first)
    assert (clawback.interest_amount, clawback.penalty_amount) == (0, 0)
    with acting(cast.handler, "test"), pytest.raises(Invalid) as refused:
        revise_clawback(
            clawback,
            founded_amount=clawback.founded_amount,
            reason="x",
            penalty_rate=Decimal("0.2"),
            by=cast.handler,
        )
    assert refused.value.code == "clawback.penalty"


def cited(cast, first, kind: str, low: str, high: str) -> None:
    with acting(cast.policy_editor, "test"):
        term = enter_term(
            first.program,
            kind=kind,
            rate_low=Decimal(low),
            rate_high=Decimal(high),
            document_no="财政违法行为处罚处分条例",
            article="第十四条",
            effective_from=date(2025, 1, 1),
            by=cast.policy_editor,
        )
        with pytest.raises(Forbidden):
            confirm_term(term, by=cast.policy_editor)
    with acting(cast.publisher, "test"):
        confirm_term(term, by=cast.publisher)


def test_a_penalty_stays_within_the_range_of_the_cited_article(cast, first):
    cited(cast, first, "penalty", "0.1", "0.5")
    clawback = drafted(cast, first)
    assert clawback.penalty_amount == 0

    def revise(rate: str) -> None:
        with acting(cast.handler, "test"):
            revise_clawback(
                clawback,
                founded_amount=clawback.founded_amount,
                reason="虚假合同。",
                penalty_rate=Decimal(rate),
                by=cast.handler,
            )

    for rate in ("0.09", "0.51"):
        with pytest.raises(Invalid):
            revise(rate)
    revise("0.2")
    assert (clawback.penalty_amount, clawback.total_amount) == (Decimal("20000.00"), Decimal("120000.00"))
    assert any("第十四条" in line["article"] for line in clawback.working)


def test_interest_runs_from_the_day_of_payment_at_the_cited_rate(cast, first):
    cited(cast, first, "interest", "0.0365", "0.0365")
    with dates.fixed(date(2025, 8, 14)):
        clawback = drafted(cast, first)
    assert clawback.interest_amount == Decimal("100.00")  # 100 000 × 3.65 % × 10 / 365


def test_interest_and_penalty_are_demanded_beside_what_was_paid(cast, first):
    cited(cast, first, "interest", "0.0365", "0.0365")
    with dates.fixed(date(2025, 8, 14)):
        clawback = noticed(cast, first)
        assert outstanding(clawback) == Decimal("100100.00")
        received(cast, clawback, "100050.00")
        assert balance(f"receivable:{clawback.clawback_no}") == 0
        assert balance(f"receivable:{clawback.clawback_no}:levy") == Decimal("50.00")
        received(cast, clawback, "50.00", "IN-2")
    clawback.refresh_from_db()
    assert clawback.state == "settled"


def test_no_more_is_demanded_than_was_paid(cast, first):
    drafted(cast, first, Decimal("400000.00"))
    with pytest.raises(Invalid) as refused:
        drafted(cast, first, HUNDRED, ground_no="K-2025-2")
    assert refused.value.code == "clawback.nothing"
    again = drafted(cast, first, Decimal("550000.00"), ground_no="K-2025-2")
    assert again.principal_amount == Decimal("150000.00")


def test_the_same_fact_gives_the_same_clawback(cast, first):
    assert drafted(cast, first) == drafted(cast, first)
    assert Clawback.objects.count() == 1


def test_what_has_not_arrived_is_not_clawed_back(cast, second):
    with pytest.raises(NotNow) as refused:
        drafted(cast, second)
    assert refused.value.code == "clawback.not_paid"


def test_whoever_drafted_or_approved_the_claim_does_not_approve_the_clawback(cast, first):
    clawback = drafted(cast, first)
    with acting(cast.handler, "test"):
        propose_clawback(clawback, by=cast.handler)
    with acting(cast.approver, "test"), pytest.raises(Forbidden) as refused:
        approve_clawback(clawback, by=cast.approver)  # approved the claim
    assert refused.value.code == "access.same_person"
    with acting(cast.finance, "test"), pytest.raises(Forbidden):
        approve_clawback(clawback, by=cast.finance)
    with acting(cast.second_approver, "test"):
        send_back(clawback, by=cast.second_approver, reason="请附终止协议。")
    assert clawback.state == "drafted"


def test_staff_of_another_region_neither_draft_nor_notice(cast, first):
    with acting(cast.other_handler, "test"), pytest.raises(Forbidden):
        draft_clawback(first, Reassessed(Decimal(0)), ground="finding", by=cast.other_handler)
    clawback = drafted(cast, first)
    assert not Clawback.objects.visible_to(cast.other_handler).exists()
    assert not Clawback.objects.told().visible_to(cast.filer).filter(pk=clawback.pk).exists()
    with acting(cast.other_finance, "test"), pytest.raises(Forbidden):
        notice_clawback(clawback, by=cast.other_finance)


# -- red letters and offers ------------------------------------------------------------------------------------------


def turned_red(cast, payment: Payment):
    claim = Claim.objects.get(claim_no=payment.claim_no)
    invoice = claim.items.get().invoice
    with acting(cast.handler, "test"):
        mark_invoice(
            invoice,
            status="red",
            changed_on=dates.today(),
            document_no="25112000000000000099",
            by=cast.handler,
        )
    return claim, invoice


def test_a_red_letter_after_redemption_drafts_a_clawback_by_itself(cast, first):
    claim, invoice = turned_red(cast, first)
    (message,) = OutboxMessage.objects.filter(task="applications.red_letter")
    red_letter(**message.payload)
    clawback = Clawback.objects.get()
    assert (clawback.ground, clawback.ground_no, clawback.state) == (
        "red_letter",
        invoice.number_key,
        "drafted",
    )
    assert clawback.principal_amount == first.amount
    assert draft_for_invoice(invoice.number_key) == [clawback]
    assert claim.claim_no in clawback.reason


def test_a_red_letter_before_the_payment_stops_it_instead(cast, first, second):
    turned_red(cast, second)
    red_letter(number_key=Claim.objects.get(claim_no=second.claim_no).items.get().number_key)
    assert not Clawback.objects.exists()
    with pytest.raises(NotNow) as refused:
        banking.proposed(cast, second)
    assert refused.value.code == "payment.invoice_status"


def test_a_red_letter_while_the_money_is_on_its_way_is_drafted_when_it_arrives(cast, first, second):
    batch = banking.exported(cast, second)
    _claim, invoice = turned_red(cast, second)
    red_letter(number_key=invoice.number_key)
    assert not Clawback.objects.exists()
    banking.answer(cast, batch, banking.said(second.lines.get()))
    arrived(second)
    assert Clawback.objects.get().payment == second


def test_reassessing_without_an_item_that_is_not_there_changes_nothing(cast, first):
    claim = Claim.objects.get(claim_no=first.claim_no)
    assert reassess_without(claim, {"00000000"}).founded_amount == first.amount
    assert reassess_without(claim, {claim.items.get().number_key}).founded_amount == 0


def test_an_enterprise_offers_a_return_and_the_office_takes_it_from_there(cast, first):
    with acting(cast.filer, "test"):
        with pytest.raises(Invalid):
            offer_return(first, Decimal("600000.01"), reason="多领", by=cast.filer)
        offered = offer_return(first, Decimal("50000.00"), reason="合同提前终止。", by=cast.filer)
        with pytest.raises(NotNow):
            offer_return(first, Decimal("50000.00"), reason="合同提前终止。", by=cast.filer)
    assert (offered.ground, offered.principal_amount) == ("voluntary", Decimal("50000.00"))
    assert Clawback.objects.told().visible_to(cast.filer).get() == offered
    with acting(cast.other_filer, "test"), pytest.raises(Forbidden):
        offer_return(first, Decimal("1.00"), reason="x", by=cast.other_filer)
    with acting(cast.handler, "test"):
        propose_clawback(offered, by=cast.handler)
    with acting(cast.second_approver, "test"):
        approve_clawback(offered, by=cast.second_approver)
    with acting(cast.handler, "test"):
        notice_clawback(offered, by=cast.handler)
    received(cast, offered, "50000.00")
    assert offered.state == "settled"


def test_shares_add_up_to_the_fen_and_none_is_more_than_its_part():
    whole = {"province": Decimal("0.01"), "city": Decimal("0.02"), "district": Decimal("99.97")}
    for fen in range(0, 10001, 7):
        amount = Decimal(fen) / 100
        parts = in_measure(amount, whole)
        assert sum(parts.values()) == amount
        assert all(0 <= parts[name] <= whole[name] for name in whole)
