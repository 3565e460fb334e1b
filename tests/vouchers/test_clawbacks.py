"""追回: what was paid without ground is demanded by two persons, comes in by transfer, instalments or set-off, and never exceeds
what was paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from applications.actions.clawback_cases import (
    draft_for_invoice,
    file_clawback_objection,
    mark_invoice,
    reassess_without,
)
from applications.actions.objections import answer_objection
from applications.models import Claim, Message, Objection
from applications.tasks import clawback_told, payment_confirmed, red_letter
from tests import banking
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401
from vouchers import dates
from vouchers.actions.clawbacks import (
    Reassessed,
    approve_clawback,
    draft_clawback,
    notice_clawback,
    offer_return,
    propose_clawback,
    revise_clawback,
    send_back,
    withdraw_clawback,
)
from vouchers.actions.ledger_recoveries import in_measure, outstanding
from vouchers.actions.recoveries import (
    ask_instalments,
    decide_instalments,
    propose_write_off,
    record_overdue,
    record_receipt,
    refuse_write_off,
    set_off,
    write_off,
)
from vouchers.actions.recovery_terms import confirm_term, enter_term
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Clawback, CreditRecord, LedgerAccount, OutboxMessage, Payment

HUNDRED = Decimal("100000.00")


def arrived(payment: Payment) -> None:
    """What the outbox tells the casework."""
    payment_confirmed(
        claim_no=payment.claim_no, payment_no=payment.payment_no, paid_on=dates.today().isoformat()
    )


@pytest.fixture
def first(cast, claims) -> Payment:  # noqa: F811
    """The first payment, of 600,000 yuan, has arrived; the second still waits."""
    payment = Payment.objects.order_by("pk").first()
    assert payment is not None
    banking.paid(cast, payment)
    arrived(payment)
    payment.refresh_from_db()
    return payment


@pytest.fixture
def second(first) -> Payment:
    return Payment.objects.order_by("pk").last()


def drafted(cast, payment: Payment, amount: Decimal = HUNDRED, **more) -> Clawback:
    with acting(cast.handler, "test"):
        return draft_clawback(
            payment,
            Reassessed(payment.amount - amount),
            ground=more.pop("ground", "finding"),
            ground_no=more.pop("ground_no", "K-2025-1"),
            reason="合同提前终止，后期租金未发生。",
            by=cast.handler,
        )


def noticed(cast, payment: Payment, amount: Decimal = HUNDRED, **more) -> Clawback:
    clawback = drafted(cast, payment, amount, **more)
    with acting(cast.handler, "test"):
        propose_clawback(clawback, by=cast.handler)
    with acting(cast.second_approver, "test"):
        approve_clawback(clawback, by=cast.second_approver)
    with acting(cast.finance, "test"):
        return notice_clawback(clawback, by=cast.finance)


def received(cast, clawback: Clawback, amount: str, reference: str = "IN-1"):
    with acting(cast.finance, "test"):
        return record_receipt(
            clawback,
            amount=Decimal(amount),
            received_on=dates.today(),
            bank_reference=reference,
            by=cast.finance,
        )


def balance(code: str) -> Decimal:
    return LedgerAccount.objects.get(code=code).balance


def told(message: str) -> bool:
    return OutboxMessage.objects.filter(task="applications.clawback_told", payload__message=message).exists()


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


# -- coming in -------------------------------------------------------------------------------------------------------


def test_a_notice_books_the_demand_and_sets_the_day(cast, first):
    clawback = noticed(cast, first)
    assert clawback.due_on == dates.add_working_days(dates.today(), 15)
    assert balance(f"receivable:{clawback.clawback_no}") == HUNDRED
    assert balance(f"paid:{first.program.code}:2025") == Decimal("500000.00")
    assert Clawback.objects.told().visible_to(cast.filer).get() == clawback
    assert told("noticed")
    clawback_told(clawback_no=clawback.clawback_no, message="noticed")
    assert "100,000.00 元" in Message.objects.get(title="请退回已拨付的补贴").text


def test_what_came_in_in_full_settles_it(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "40000.00")
    assert clawback.state == "noticed"
    received(cast, clawback, "60000.00", "IN-2")
    assert (clawback.state, clawback.closed_on) == ("settled", dates.today())
    assert balance(f"recovered:{first.program.code}:2025") == HUNDRED


def test_a_receipt_counts_once_and_never_beyond_what_is_due(cast, first):
    clawback = noticed(cast, first)
    once = received(cast, clawback, "40000.00")
    assert received(cast, clawback, "40000.00") == once
    with pytest.raises(NotNow):
        received(cast, clawback, "10.00")  # the same reference, another amount
    with pytest.raises(Invalid) as refused:
        received(cast, clawback, "60000.01", "IN-2")
    assert refused.value.code == "receipt.more_than_due"
    for amount in ("0", "-1", "0.001", "1e30"):
        with pytest.raises(Invalid):
            received(cast, clawback, amount, "IN-3")
    assert outstanding(clawback) == Decimal("60000.00")


def test_a_later_payment_is_made_by_what_its_payee_owes(cast, first, second):
    clawback = noticed(cast, first)
    with acting(cast.finance, "test"):
        set_off(clawback, second, by=cast.finance)
    second.refresh_from_db()
    assert (clawback.state, second.state) == ("settled", "payable")
    assert (second.offset_amount, second.bank_amount) == (HUNDRED, Decimal("500000.00"))
    batch = banking.paid(cast, second)
    assert batch.control_sum == Decimal("500000.00")
    assert balance(f"paid:{first.program.code}:2025") == Decimal("1100000.00")


def test_a_payment_that_is_set_off_in_full_needs_no_bank(cast, first, second):
    clawback = noticed(cast, first, Decimal("600000.00"))
    with acting(cast.finance, "test"):
        set_off(clawback, second, by=cast.finance)
    second.refresh_from_db()
    assert (second.state, clawback.state) == ("offset", "settled")
    message = OutboxMessage.objects.get(
        task="applications.payment_confirmed", payload__payment_no=second.payment_no
    )
    payment_confirmed(**message.payload)
    assert Claim.objects.get(claim_no=second.claim_no).state == "paid"


def test_a_payment_in_a_batch_is_not_set_off(cast, first, second):
    clawback = noticed(cast, first)
    banking.proposed(cast, second)
    with acting(cast.finance, "test"), pytest.raises(NotNow) as refused:
        set_off(clawback, second, by=cast.finance)
    assert refused.value.code == "offset.not_payable"
    assert outstanding(clawback) == HUNDRED


def test_money_that_was_demanded_back_is_not_returned_by_the_bank_as_well(cast, first):
    clawback = noticed(cast, first)
    batch = first.lines.get().batch
    with pytest.raises(NotNow) as refused:
        banking.answer(cast, batch, banking.said(first.lines.get(), "returned"))
    assert refused.value.code == "payment.clawed_back"
    assert outstanding(clawback) == HUNDRED


# -- instalments, overdue, credit ------------------------------------------------------------------------------------


def plan(cast, clawback: Clawback, *parts: tuple[date, str]):
    with acting(cast.filer, "test"):
        return ask_instalments(
            clawback,
            [(day, Decimal(amount)) for day, amount in parts],
            reason="资金周转困难。",
            by=cast.filer,
        )


SEPTEMBER, OCTOBER = date(2025, 9, 1), date(2025, 10, 1)


def test_agreed_instalments_stand_in_place_of_the_notices_day(cast, first):
    clawback = noticed(cast, first)
    asked = plan(cast, clawback, (SEPTEMBER, "50000.00"), (OCTOBER, "50000.00"))
    with acting(cast.finance, "test"):
        decide_instalments(asked, agree=True, answer="", by=cast.finance)
    clawback.refresh_from_db()
    assert clawback.due_on == OCTOBER
    with acting(cast.finance, "test"):
        assert record_overdue(SEPTEMBER) == []
        assert record_overdue(date(2025, 9, 2)) == [clawback.clawback_no]
        assert record_overdue(date(2025, 9, 3)) == []
    assert "50,000.00" in CreditRecord.objects.get().sentence
    received(cast, clawback, "50000.00")
    assert CreditRecord.objects.get().repaired_on == dates.today()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (((SEPTEMBER, "50000.00"), (OCTOBER, "49999.99")), "instalments.sum"),
        (((OCTOBER, "50000.00"), (SEPTEMBER, "50000.00")), "instalments.dates"),
        (((date(2025, 8, 4), "50000.00"), (OCTOBER, "50000.00")), "instalments.dates"),
        (((OCTOBER, "100000.00"),), "instalments.count"),
        (((SEPTEMBER, "110000.00"), (OCTOBER, "-10000.00")), "instalments.amount"),
    ],
)
def test_a_plan_that_does_not_add_up_is_refused(cast, first, parts, code):
    clawback = noticed(cast, first)
    with pytest.raises(Problems) as refused:
        plan(cast, clawback, *parts)
    assert code in {one.code for one in refused.value.problems}


def test_only_the_partys_own_people_ask_for_instalments(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.other_filer, "test"), pytest.raises(Forbidden):
        ask_instalments(
            clawback,
            [(SEPTEMBER, Decimal("50000")), (OCTOBER, Decimal("50000"))],
            reason="x",
            by=cast.other_filer,
        )


def test_what_is_overdue_is_in_the_credit_record_until_it_is_settled(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.finance, "test"):
        assert record_overdue(clawback.due_on) == []
        late = dates.add_working_days(clawback.due_on, 1)
        assert record_overdue(late) == [clawback.clawback_no]
    assert CreditRecord.objects.open().get().party == cast.alpha
    assert told("overdue")
    with dates.fixed(late):
        received(cast, clawback, "100000.00")
    assert CreditRecord.objects.get().repaired_on == late


# -- withdrawing and writing off -------------------------------------------------------------------------------------


def test_an_upheld_objection_withdraws_the_demand_and_reverses_it(cast, first):
    clawback = noticed(cast, first)
    with acting(cast.filer, "test"):
        objection = file_clawback_objection(clawback, text="租金已实际发生，附补充协议。", by=cast.filer)
        with pytest.raises(NotNow):
            file_clawback_objection(clawback, text="再次", by=cast.filer)
    with acting(cast.second_approver, "test"), pytest.raises(Forbidden):
        answer_objection(objection, uphold=True, answer="成立。", by=cast.second_approver)
    with acting(cast.approver, "test"):
        answer_objection(objection, uphold=True, answer="经核实租金已发生。", by=cast.approver)
    clawback.refresh_from_db()
    assert (clawback.state, Objection.objects.get().state) == ("withdrawn", "upheld")
    assert outstanding(clawback) == 0
    assert balance(f"paid:{first.program.code}:2025") == Decimal("600000.00")


def test_what_was_received_in_part_is_not_withdrawn_whole(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "1.00")
    with acting(cast.approver, "test"), pytest.raises(NotNow) as refused:
        withdraw_clawback(clawback, by=cast.approver, reason="试一试")
    assert refused.value.code == "clawback.received"


def test_a_bad_debt_is_written_off_by_two_persons_on_grounds(cast, first):
    clawback = noticed(cast, first)
    received(cast, clawback, "30000.00")
    with acting(cast.finance, "test"):
        with pytest.raises(Invalid):
            propose_write_off(clawback, reason=" ", document_no="裁定1号", by=cast.finance)
        propose_write_off(clawback, reason="企业破产终结。", document_no="（2025）京01破1号", by=cast.finance)
        with pytest.raises(Forbidden):
            write_off(clawback, by=cast.finance)
    with acting(cast.approver, "test"):
        refuse_write_off(clawback, reason="尚有财产可供执行。", by=cast.approver)
    with acting(cast.finance, "test"):
        propose_write_off(clawback, reason="企业破产终结。", document_no="（2025）京01破1号", by=cast.finance)
    with acting(cast.approver, "test"):
        write_off(clawback, by=cast.approver)
    assert clawback.state == "written_off"
    assert balance(f"written_off:{first.program.code}:2025") == Decimal("70000.00")
    with pytest.raises(NotNow):
        received(cast, clawback, "1.00", "IN-9")


def test_the_database_holds_the_two_persons_too(cast, first):
    clawback = drafted(cast, first)
    with pytest.raises(IntegrityError), transaction.atomic():
        Clawback.objects.filter(pk=clawback.pk).update(proposed_by=cast.handler, approved_by=cast.handler)
    with pytest.raises(IntegrityError), transaction.atomic():
        Clawback.objects.filter(pk=clawback.pk).update(principal_amount=Decimal("600000.01"))


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
