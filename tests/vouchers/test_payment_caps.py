"""拨付限额 in a list's life: room is taken by the proposal, used by the instruction, given back by a return, never overdrawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from applications.web.payment_steps import shown_payments
from tests import banking, casework
from tests.at_once import at_once
from tests.bank_exchange import payable_beside, payables, without_casework
from tests.cast import Cast
from tests.meanwhile import Meanwhile
from vouchers import dates
from vouchers.actions.clawback_reckoning import Reassessed
from vouchers.actions.clawbacks import approve_clawback, draft_clawback, notice_clawback, propose_clawback
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.payment_caps import rooms, waits_for
from vouchers.actions.payments import cancel_batch, create_batch, propose_batch, reopen_batch, take_out
from vouchers.actions.set_offs import confirm_set_off, propose_set_off
from vouchers.context import acting
from vouchers.errors import Invalid, NotNow
from vouchers.models import LedgerAccount, Party, Payment, PaymentBatch, Shareholding, User
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.payment_caps import PaymentTerm
from vouchers.policy.rules import Citation, Scheme

LIMIT = Decimal("300.00")
FILED = date(2025, 7, 15)


def term(subject: t.CapSubject = t.CapSubject.POOL, **how: Any) -> PaymentTerm:
    values: dict[str, Any] = {"amount": LIMIT, "period": t.CapPeriod.CALENDAR_YEAR} | how
    one = r.Cap(
        cite=Citation("测试文件", "第九条"),
        code="paid",
        name="年度拨付限额",
        subject=subject,
        counts_at=t.CountsAt.PAYMENT,
        **values,
    )
    return PaymentTerm(
        program="BJ-AIQ", cap=one, subject="*" if subject is t.CapSubject.POOL else "", filed_on=FILED
    )


@pytest.fixture(autouse=True)
def nothing_is_left_over() -> Iterator[None]:
    with without_casework():
        yield


def left(payment: Payment, on: date | None = None) -> Decimal:
    return rooms(payment, on or dates.today())[0].left


def proposed(cast: Cast, *payments: Payment) -> PaymentBatch:
    return banking.proposed(cast, *Payment.objects.filter(pk__in=[one.pk for one in payments]))


class TestAListTakesTheRoomOfItsLines:
    def test_what_fits_is_held_from_the_proposal_on_and_used_by_the_instruction(self, cast: Cast):
        one, two, _three = payables(cast, 3, term())
        batch = proposed(cast, one, two)
        assert left(one) == LIMIT - one.amount - two.amount
        with acting(cast.second_finance, "test"):
            banking.export(banking.approved(cast, batch), cast.second_finance)
        assert left(one) == LIMIT - one.amount - two.amount
        (account,) = LedgerAccount.objects.filter(kind="cap")
        assert (account.debits_pending, account.debits_posted) == (0, one.amount + two.amount)
        assert check_ledger() == []

    def test_what_does_not_fit_is_refused_with_the_cap_what_is_left_and_from_when_there_is_more(
        self, cast: Cast
    ):
        made = payables(cast, 4, term())
        with acting(cast.finance, "test"):
            batch = create_batch(made[0].program, made, by=cast.finance)
            with pytest.raises(NotNow) as refused:
                propose_batch(batch, by=cast.finance)
        assert refused.value.code == "payment.cap_exceeded"
        short = refused.value.detail["lines"]
        assert [one["payment_no"] for one in short] == [made[2].payment_no, made[3].payment_no]
        assert short[0]["cap"] == "paid"
        assert Decimal(short[0]["available"]) == LIMIT - made[0].amount - made[1].amount
        assert short[0]["again_on"] == "2026-01-01"
        assert "放不进“年度拨付限额”：2025年限额 300.00 元" in refused.value.message
        assert "2026年1月1日起可再列入" in refused.value.hint

    def test_a_refused_proposal_holds_nothing_and_goes_without_the_lines_that_did_not_fit(self, cast: Cast):
        made = payables(cast, 3, term())
        with acting(cast.finance, "test"):
            batch = create_batch(made[0].program, made, by=cast.finance)
        with pytest.raises(NotNow), acting(cast.finance, "test"):
            propose_batch(batch, by=cast.finance)
        with acting(cast.finance, "test"):
            batch = PaymentBatch.objects.get(pk=batch.pk)
            take_out(batch, made[2].payment_no, by=cast.finance)
            propose_batch(batch, by=cast.finance)
        assert batch.control_count == 2
        waiting = waits_for(Payment.objects.get(pk=made[2].pk))
        assert waiting is not None
        assert waiting.again_on == date(2026, 1, 1)
        (shown,) = shown_payments(made[2].claim_no)
        assert shown.steps[-1]["note"] == "“年度拨付限额”本期额度已不足，2026年1月1日起可列入拨付"
        assert check_ledger() == []

    @pytest.mark.parametrize("how", ["reopened", "cancelled"])
    def test_a_list_that_is_taken_back_leaves_its_room_to_others(self, cast: Cast, how: str):
        one, two, three = payables(cast, 3, term())
        batch = proposed(cast, one, two)
        with acting(cast.finance, "test"):
            (reopen_batch if how == "reopened" else cancel_batch)(batch, by=cast.finance, reason="改期。")
        assert left(one) == LIMIT
        assert check_ledger() == []
        again = [three] if how == "reopened" else [two, three]
        assert proposed(cast, *again).state == "proposed"
        assert check_ledger() == []

    def test_a_list_that_was_reopened_is_proposed_again_and_held_once(self, cast: Cast):
        one, two = payables(cast, 2, term())
        batch = proposed(cast, one, two)
        with acting(cast.finance, "test"):
            reopen_batch(batch, by=cast.finance, reason="更正。")
            propose_batch(batch, by=cast.finance)
        assert left(one) == LIMIT - one.amount - two.amount
        assert check_ledger() == []


class TestWhichYear:
    def test_the_next_year_has_its_own_room(self, cast: Cast):
        one, two, three = payables(cast, 3, term())
        proposed(cast, one, two)
        with dates.fixed(date(2026, 1, 5)):
            assert proposed(cast, three).state == "proposed"
            assert left(three) == LIMIT - three.amount
        assert check_ledger() == []

    def test_a_list_proposed_in_december_and_sent_in_january_counts_in_january(self, cast: Cast):
        one, two = payables(cast, 2, term())
        with dates.fixed(date(2025, 12, 30)):
            batch = banking.approved(cast, proposed(cast, one, two))
        with dates.fixed(date(2026, 1, 5)), acting(cast.second_finance, "test"):
            banking.export(batch, cast.second_finance)
        assert left(one, date(2025, 12, 31)) == LIMIT
        assert left(one, date(2026, 1, 5)) == LIMIT - one.amount - two.amount
        assert check_ledger() == []

    def test_and_is_refused_there_where_the_new_year_has_no_room(self, cast: Cast):
        one, two, three = payables(cast, 3, term())
        with dates.fixed(date(2025, 12, 30)):
            batch = banking.approved(cast, proposed(cast, one))
        with dates.fixed(date(2026, 1, 5)):
            banking.approved(cast, proposed(cast, two, three))
            with pytest.raises(NotNow) as refused, acting(cast.second_finance, "test"):
                banking.export(batch, cast.second_finance)
        assert refused.value.code == "payment.cap_exceeded"
        assert Payment.objects.get(pk=one.pk).state == "batched"
        assert check_ledger() == []

    def test_where_the_year_is_that_of_the_filing_the_day_of_payment_changes_nothing(self, cast: Cast):
        one, two, three = payables(cast, 3, term(year_by=t.YearBy.FILING))
        proposed(cast, one, two)
        with dates.fixed(date(2026, 1, 5)), pytest.raises(NotNow) as refused:
            proposed(cast, three)
        assert refused.value.detail["lines"][0]["again_on"] is None

    def test_in_any_twelve_months_what_was_sent_a_year_ago_has_left(self, cast: Cast):
        one, two, three = payables(cast, 3, term(period=t.CapPeriod.ROLLING_YEAR))
        banking.paid(cast, one, two)
        with dates.fixed(date(2026, 7, 14)):
            assert left(three) == LIMIT - one.amount - two.amount
        with dates.fixed(date(2026, 7, 15)):
            assert left(three) == LIMIT

    def test_what_came_back_in_any_twelve_months_frees_its_room_once(self, cast: Cast):
        one, two = payables(cast, 2, term(period=t.CapPeriod.ROLLING_YEAR))
        batch = banking.exported(cast, one, two)
        banking.answer(cast, batch, banking.said(banking.line_of(batch, one), "returned", reason="已销户"))
        assert left(one) == LIMIT - two.amount
        with dates.fixed(date(2026, 7, 15)):
            assert left(one) == LIMIT


class TestWhatComesBack:
    @pytest.mark.parametrize("after_paid", [False, True])
    def test_a_return_gives_back_what_its_instruction_took(self, cast: Cast, after_paid: bool):
        one, two = payables(cast, 2, term())
        batch = banking.exported(cast, one, two)
        line = banking.line_of(batch, one)
        if after_paid:
            banking.answer(cast, batch, banking.said(line))
        with dates.fixed(date(2026, 2, 2)):
            banking.answer(
                cast, batch, banking.said(banking.line_of(batch, one), "returned", reason="已销户")
            )
        assert left(one, date(2025, 12, 1)) == LIMIT - two.amount
        assert left(one, date(2026, 2, 2)) == LIMIT
        assert check_ledger() == []

    def test_what_is_set_off_is_paid_and_counts(self, cast: Cast):
        mine = [one for one in payables(cast, 51, term()) if one.payee_id is not None]
        first, second = [one for one in mine if one.payee_id == mine[0].payee_id]
        banking.paid(cast, first)
        with acting(cast.handler, "test"):
            row = draft_clawback(
                first,
                Reassessed(first.amount - Decimal("50.00")),
                ground="finding",
                ground_no="K-1",
                reason="核查认定。",
                by=cast.handler,
            )
            propose_clawback(row, by=cast.handler)
        with acting(cast.second_approver, "test"):
            approve_clawback(row, by=cast.second_approver)
        with acting(cast.finance, "test"):
            notice_clawback(row, by=cast.finance)
            row.refresh_from_db()
            waiting = propose_set_off(row, second, by=cast.finance, amount=Decimal("50.00"))
        before = left(second)
        with acting(cast.second_finance, "test"):
            confirm_set_off(waiting, by=cast.second_finance)
        assert before - left(Payment.objects.get(pk=second.pk)) == Decimal("50.00")
        assert check_ledger() == []


def test_a_payable_keeps_its_terms_whoever_writes(cast: Cast):
    (one,) = payables(cast, 1, term())
    with pytest.raises(Exception, match="不得改写"):
        Payment.objects.filter(pk=one.pk).update(cap_terms=[])


def test_two_lists_that_race_for_the_last_room_get_it_once(committed_db: Any, cast: Cast):
    made = payables(cast, 6, term())

    def propose(payment_no: str) -> str:
        by = User.objects.get(username="finance")
        with acting(by, "test"):
            payment = Payment.objects.get(payment_no=payment_no)
            propose_batch(create_batch(payment.program, [payment], by=by), by=by)
        return "done"

    answers = at_once(*((propose, one.payment_no) for one in made))
    assert sorted(set(answers)) == ["done", "payment.cap_exceeded"], answers
    held = list(Payment.objects.filter(state="batched"))
    assert len(held) == answers.count("done")
    assert sum(one.amount for one in held) <= LIMIT
    assert min(one.amount for one in Payment.objects.filter(state="payable")) > LIMIT - sum(
        one.amount for one in held
    )
    assert check_ledger() == []


def test_a_line_that_leaves_and_one_that_enters_at_once_never_overdraw(committed_db: Any, cast: Cast):
    made = payables(cast, 5, term())
    first = proposed(cast, *made[:2])

    def reopen(batch_no: str) -> str:
        by = User.objects.get(username="finance")
        with acting(by, "test"):
            reopen_batch(PaymentBatch.objects.get(batch_no=batch_no), by=by, reason="改期。")
        return "done"

    def propose(payment_no: str) -> str:
        by = User.objects.get(username="second-finance")
        with acting(by, "test"):
            payment = Payment.objects.get(payment_no=payment_no)
            propose_batch(create_batch(payment.program, [payment], by=by), by=by)
        return "done"

    answers = at_once((reopen, first.batch_no), *((propose, one.payment_no) for one in made[2:]))
    assert answers[0] == "done", answers
    assert set(answers[1:]) <= {"done", "payment.cap_exceeded"}, answers
    (account,) = LedgerAccount.objects.filter(kind="cap")
    assert account.available >= 0
    assert check_ledger() == []


def with_payment_cap(amount: str) -> Any:
    def change(scheme: Scheme) -> Scheme:
        own = dataclasses.replace(
            term(t.CapSubject.ENTERPRISE, amount=Decimal(amount)).cap, cite=scheme.caps[0].cite
        )
        return dataclasses.replace(scheme, caps=(*scheme.caps, own))

    return change


class TestCasework:
    def claimed(self, cast: Cast, amount: str) -> Any:
        publication = casework.published(cast, "BJ-AIQ", with_payment_cap(amount))
        casework.funded(cast, publication.program)
        casework.fit_for_beijing(cast.alpha)
        fields = casework.lease_fields(cast.provider, "3000000.00", contract_no="HT-1")
        application = casework.submitted(cast, publication, fields)
        voucher = casework.issued(cast, application)
        with dates.fixed(date(2025, 8, 1)):
            invoice = casework.invoice(application.lease, "3000000.00", number="25112000000000000001")
            item = ItemFields(kind="invoice_line", net_amount=Decimal("3000000.00"), invoice=invoice)
            return casework.claimed(cast, voucher, application.lease, [item])

    def test_an_approved_claim_hands_its_terms_down_with_what_is_owed(self, cast: Cast):

        claim = self.claimed(cast, "600000")
        with acting(cast.handler, "test"):
            casework.answer_all(cast, claim)
            verify_claim(claim, by=cast.handler)
        with acting(cast.approver, "test"):
            approve_claim(claim, by=cast.approver)
        (payment,) = Payment.objects.all()
        (kept,) = payment.cap_terms
        assert (kept["subject"], kept["filed_on"], kept["cap"]["code"]) == (
            cast.alpha.uscc,
            "2025-08-01",
            "paid",
        )
        assert rooms(payment, date(2025, 8, 4))[0].left == Decimal("600000.00")

    def test_what_no_year_could_pay_is_refused_when_it_is_filed(self, cast: Cast):
        with pytest.raises(Invalid) as refused:
            self.claimed(cast, "599999.99")
        assert refused.value.code == "claim.above_payment_cap"
        assert "年度拨付限额" in refused.value.message


def proposed_by_finance(batch_no: str) -> str:
    by = User.objects.get(username="finance")
    with acting(by, "test"):
        batch = propose_batch(PaymentBatch.objects.get(batch_no=batch_no), by=by)
    return f"{batch.state} {batch.control_count}"


def test_a_list_is_proposed_without_the_line_that_is_being_taken_out(committed_db: Any, cast: Cast):
    """Else it would be approved by nobody, and the room of the line that left would be held for ever."""
    one, two = payables(cast, 2, term())
    with acting(cast.finance, "test"):
        batch = create_batch(one.program, [one, two], by=cast.finance)
    with acting(cast.finance, "test"):
        take_out(batch, two.payment_no, by=cast.finance)
        other = Meanwhile(committed_db.dsn, FILED, lambda: proposed_by_finance(batch.batch_no))
        other.start()
        assert other.waits()
    assert other.told() == "proposed 1"
    assert left(one) == LIMIT - one.amount
    assert check_ledger() == []


class TestAGroupThatGrowsBetweenProposalAndSending:
    """Two companies that were strangers when their lists took room, each within the limit; then one takes the other over."""

    @pytest.fixture
    def lists(self, cast: Cast) -> tuple[PaymentBatch, PaymentBatch]:
        one, two = payables(cast, 2, term(t.CapSubject.GROUP, amount=Decimal("200.00")))
        assert one.payee != two.payee
        assert one.amount + two.amount > 200
        first, second = (banking.approved(cast, proposed(cast, payment)) for payment in (one, two))
        return first, second

    def test_who_has_not_joined_anybody_is_sent(self, cast: Cast, lists: tuple[PaymentBatch, PaymentBatch]):
        for batch in lists:
            with acting(cast.second_finance, "test"):
                banking.export(batch, cast.second_finance)
        assert {payment.state for payment in Payment.objects.all()} == {"instructed"}
        assert check_ledger() == []

    def test_the_limit_holds_over_both_when_they_are_sent_and_the_office_decides_who_waits(
        self, cast: Cast, lists: tuple[PaymentBatch, PaymentBatch]
    ):
        first, second = lists
        one, two = Payment.objects.order_by("pk")
        taken_over(one.payee, two.payee)
        for batch in lists:
            with pytest.raises(NotNow) as refused, acting(cast.second_finance, "test"):
                banking.export(batch, cast.second_finance)
            assert refused.value.code == "payment.cap_exceeded"
        (short,) = refused.value.detail["lines"]
        assert short["payment_no"] == two.payment_no
        assert Decimal(short["available"]) == Decimal("200.00") - one.amount
        assert Decimal(short["needed"]) == two.amount
        assert set(PaymentBatch.objects.values_list("state", flat=True)) == {"approved"}
        with acting(cast.finance, "test"):
            batch = PaymentBatch.objects.get(pk=second.pk)
            reopen_batch(batch, by=cast.finance, reason="集团额度不足。")
            take_out(batch, two.payment_no, by=cast.finance, reason="集团额度不足，下年度拨付。")
        with acting(cast.second_finance, "test"):
            banking.export(PaymentBatch.objects.get(pk=first.pk), cast.second_finance)
        assert [payment.state for payment in Payment.objects.order_by("pk")] == ["instructed", "payable"]
        waiting = waits_for(Payment.objects.get(pk=two.pk))
        assert waiting is not None
        assert waiting.left == Decimal("200.00") - one.amount
        assert check_ledger() == []

    def test_a_newer_version_that_allows_the_group_more_takes_nothing_from_what_was_listed_before(
        self, cast: Cast
    ):
        """No one joined: the limit under which a line was listed is not counted anew because others were granted more."""
        (one,) = payables(cast, 1, term(t.CapSubject.GROUP, amount=Decimal("200.00")))
        two = payable_beside(one, 2, term(t.CapSubject.GROUP, amount=Decimal("500.00")))
        taken_over(one.payee, two.payee)
        listed = banking.approved(cast, proposed(cast, one))
        proposed(cast, two)
        with acting(cast.second_finance, "test"):
            banking.export(listed, cast.second_finance)
        assert Payment.objects.get(pk=one.pk).state == "instructed"
        assert check_ledger() == []


class TestAGroupThatPartsAndComesTogetherAgain:
    """Two companies of one group; while they are apart the second takes room alone, which the first's list did not count."""

    def apart_and_together(self, cast: Cast, by: str) -> tuple[PaymentBatch, PaymentBatch]:
        one, two = payables(cast, 2, term(t.CapSubject.GROUP, amount=Decimal("200.00")))
        assert one.amount + two.amount > 200
        taken_over(one.payee, two.payee)
        held = Shareholding.objects.filter(company=two.payee)
        if by == "its dates":
            held.update(effective_to=date(2025, 7, 16))
            taken_over(one.payee, two.payee, date(2025, 7, 18))
        first = banking.approved(cast, proposed(cast, one))
        if by != "its dates":
            held.update(effective_to=FILED)
        with dates.fixed(date(2025, 7, 16) if by == "its dates" else FILED):
            second = banking.approved(cast, proposed(cast, two))
        if by == "a correction":
            held.update(effective_to=None)
        elif by == "a new holding":
            held.update(effective_to=date(2025, 7, 14))
            Shareholding.objects.filter(company=two.payee).update(effective_from=date(2025, 7, 1))
            taken_over(one.payee, two.payee)
        return first, second

    @pytest.mark.parametrize("by", ["a correction", "a new holding", "its dates"])
    def test_neither_list_is_sent_though_each_had_room_when_it_was_proposed(self, cast: Cast, by: str):
        first, second = self.apart_and_together(cast, by)
        with dates.fixed(date(2025, 7, 18) if by == "its dates" else FILED):
            for batch in (first, second):
                with pytest.raises(NotNow) as refused, acting(cast.second_finance, "test"):
                    banking.export(batch, cast.second_finance)
                assert refused.value.code == "payment.cap_exceeded"
        assert {payment.state for payment in Payment.objects.all()} == {"batched"}
        assert check_ledger() == []

    def test_a_list_whose_group_was_written_anew_without_change_is_counted_and_sent(self, cast: Cast):
        one, two = payables(cast, 2, term(t.CapSubject.GROUP, amount=Decimal("400.00")))
        taken_over(one.payee, two.payee)
        lists = [banking.approved(cast, proposed(cast, payment)) for payment in (one, two)]
        Shareholding.objects.update(holder_name="更名后的股东")
        for batch in lists:
            with acting(cast.second_finance, "test"):
                banking.export(batch, cast.second_finance)
        assert {payment.state for payment in Payment.objects.all()} == {"instructed"}
        assert check_ledger() == []


def taken_over(by: Party, company: Party, on: date = FILED) -> None:
    Shareholding.objects.create(
        company=company,
        holder_kind="company",
        holder_id=by.uscc,
        holder_name=by.name,
        percent=Decimal(60),
        effective_from=on,
    )
