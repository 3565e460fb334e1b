"""银行回执: each instruction has one effect, however often, late or out of order the bank tells of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError

from applications.models import Claim, Message
from applications.tasks import payment_confirmed, payment_returned
from applications.web.shown import shown_timeline
from tests import banking, casework
from tests.cast import bank_account
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401
from vouchers import dates
from vouchers.actions.accounts import confirm_account, enter_account
from vouchers.actions.bank_files import BankFile
from vouchers.actions.bank_inquiries import confirm_finding, finding_digest, inquire, record_finding
from vouchers.actions.bank_returns import settle_batch
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.payments import create_batch, propose_batch
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import BankReturn, Hold, OutboxMessage, Payment, PaymentLine

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def batch(cast, claims):  # noqa: F811
    """Both payments at the bank."""
    return banking.exported(cast)


@pytest.fixture
def lines(batch) -> list[PaymentLine]:
    return lines_of(batch)


def states() -> set[str]:
    return set(Payment.objects.values_list("state", flat=True))


def correct_account(cast, number: str = "6222000011112222") -> None:
    """Entered by one person of the company, confirmed by another."""
    with acting(cast.filer, "test"):
        account = enter_account(
            cast.alpha,
            account_no=number,
            account_name=cast.alpha.name,
            bank_name="某某银行海淀支行",
            by=cast.filer,
        )
    with acting(cast.enterprise_approver, "test"):
        confirm_account(account, by=cast.enterprise_approver)


def test_a_confirmed_line_is_paid_and_the_enterprise_is_told(cast, batch, lines):
    kept = banking.answer(cast, batch, *map(banking.said, lines))
    batch.refresh_from_db()
    assert (batch.state, states()) == ("settled", {"confirmed"})
    assert (kept.confirmed_count, kept.line_count) == (2, 2)
    for message in OutboxMessage.objects.filter(task="applications.payment_confirmed"):
        payment_confirmed(**message.payload)
    assert set(Claim.objects.values_list("state", flat=True)) == {"paid"}
    told = OutboxMessage.objects.filter(task="applications.notify", payload__message="claim_paid")
    assert told.count() == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"paid_on": date(2025, 8, 5)}, "bank_return.later"),
        ({"bank_reference": "9" * 61}, "bank_return.too_long"),
        ({"reason": "退" * 201}, "bank_return.too_long"),
        ({"amount": Decimal("0.01")}, "bank_return.amount"),
        ({"outcome": "ok"}, "bank_return.outcome"),
        ({"instruction_no": "P-2025-99999999-1"}, "bank_return.unknown_line"),
        ({"bank_reference": "=HYPERLINK(1)"}, "bank_return.reference"),
        ({"answered_at": datetime(2099, 1, 1, tzinfo=SHANGHAI)}, "bank_return.later"),
    ],
)
def test_a_faulty_line_is_named_and_kept_out_while_the_others_are_taken_in(cast, batch, lines, more, code):
    first, second = lines
    kept = banking.answer(cast, batch, banking.said(first), replace(banking.said(second), **more))
    (fault,) = kept.refused_lines
    assert (fault["line"], fault["code"]) == (2, code)
    assert "第 2 行" in fault["message"]
    assert (kept.confirmed_count, states()) == (1, {"confirmed", "instructed"})
    batch.refresh_from_db()
    assert batch.state == "exported"


def test_a_file_without_a_single_good_line_takes_nothing_in(cast, batch, lines):
    wrong = replace(banking.said(lines[0]), amount=Decimal("0.01"))
    with pytest.raises(Invalid) as refused:
        banking.answer(cast, batch, wrong)
    assert refused.value.code == "bank_return.amount"
    assert states() == {"instructed"}
    assert not BankReturn.objects.exists()


def test_of_an_instruction_that_stands_twice_neither_line_counts(cast, batch, lines):
    kept = banking.answer(
        cast, batch, banking.said(lines[0]), banking.said(lines[1]), banking.said(lines[0], "returned")
    )
    assert [(one["line"], one["code"]) for one in kept.refused_lines] == [
        (1, "bank_return.duplicate"),
        (3, "bank_return.duplicate"),
    ]
    assert [line.state for line in lines_of(batch)] == ["sent", "confirmed"]


def test_a_file_that_disagrees_with_its_own_totals_was_cut_off_or_altered(cast, batch, lines):
    told = banking.said(lines[0])
    with pytest.raises(Invalid) as refused:
        banking.answer(cast, batch, told, total=Decimal("1.00"))
    assert refused.value.code == "bank_return.total"
    with acting(cast.finance, "test"), pytest.raises(Invalid) as refused:
        settle_batch(batch, BankFile([told], 2, told.amount), by=cast.finance)
    assert refused.value.code == "bank_return.count"
    assert states() == {"instructed"}


def test_what_a_partial_file_does_not_name_waits_for_the_next(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0]))
    batch.refresh_from_db()
    assert (batch.state, states()) == ("exported", {"confirmed", "instructed"})
    banking.answer(cast, batch, banking.said(lines[1]))
    batch.refresh_from_db()
    assert (batch.state, states()) == ("settled", {"confirmed"})


def test_the_same_answer_again_changes_nothing(cast, batch, lines):
    banking.answer(cast, batch, *map(banking.said, lines))
    again = banking.answer(cast, batch, *map(banking.said, lines))
    assert (again.repeated_count, again.confirmed_count) == (2, 0)
    assert OutboxMessage.objects.filter(task="applications.payment_confirmed").count() == 2


def test_a_returned_payment_waits_for_its_account_to_be_corrected_by_two_persons(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "returned", reason="户名不符"), banking.said(lines[1]))
    payment = lines[0].payment
    payment.refresh_from_db()
    assert payment.state == "returned"
    assert cast.alpha.current_account is None
    with acting(cast.finance, "test"), pytest.raises(NotNow):
        create_batch(payment.program, [payment], by=cast.finance)
    with acting(cast.filer, "test"):
        # The very number that was put out of use, with the branch mended.
        account = enter_account(
            cast.alpha,
            account_no=lines[0].account_no,
            account_name=cast.alpha.name,
            bank_name="中国工商银行海淀支行",
            by=cast.filer,
        )
    with acting(cast.filer, "test"), pytest.raises(Forbidden):
        confirm_account(account, by=cast.filer)
    with acting(cast.enterprise_approver, "test"):
        confirm_account(account, by=cast.enterprise_approver)
    payment.refresh_from_db()
    assert payment.state == "payable"
    later = banking.paid(cast, payment)
    payment.refresh_from_db()
    assert (payment.state, later.state) == ("confirmed", "settled")


def test_a_returned_payment_stays_in_the_list_of_its_first_batch(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "returned"), banking.said(lines[1]))
    correct_account(cast)
    later = banking.exported(cast, Payment.objects.get(pk=lines[0].payment_id))
    assert [line.state for line in lines_of(batch)] == ["returned", "confirmed"]
    (anew,) = lines_of(later)
    assert anew.instruction_no == lines[0].instruction_no.removesuffix("-1") + "-2"
    assert (lines_of(batch)[0].account_no, anew.account_no) == (lines[0].account_no, "6222000011112222")


def test_the_company_learns_of_a_return_and_what_to_mend(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "returned", reason="账号不存在"))
    (message,) = OutboxMessage.objects.filter(task="applications.payment_returned")
    payment_returned(**message.payload)
    told = Message.objects.get(title="拨付被银行退回")
    assert "账号不存在" in told.text
    assert "单位信息" in told.text


def test_money_that_comes_back_after_it_arrived_is_owed_again(cast, batch, lines):
    banking.answer(cast, batch, *map(banking.said, lines))
    for message in OutboxMessage.objects.filter(task="applications.payment_confirmed"):
        payment_confirmed(**message.payload)
    back = banking.answer(cast, batch, banking.said(lines[0], "returned", reason="账户已销户"))
    assert back.returned_count == 1
    for message in OutboxMessage.objects.filter(task="applications.payment_returned"):
        payment_returned(**message.payload)
    claim = Claim.objects.get(claim_no=lines[0].payment.claim_no)
    assert (claim.state, claim.paid_on) == ("approved", None)
    assert Payment.objects.get(pk=lines[0].payment_id).state == "returned"


def test_news_of_the_arrival_that_is_read_after_the_return_says_nothing(cast, batch, lines):
    banking.answer(cast, batch, *map(banking.said, lines))
    banking.answer(cast, batch, banking.said(lines[0], "returned"))
    for message in OutboxMessage.objects.filter(task="applications.payment_confirmed"):
        payment_confirmed(**message.payload)
    assert Claim.objects.get(claim_no=lines[0].payment.claim_no).state == "approved"


def test_an_older_answer_that_arrives_later_changes_nothing(cast, batch, lines):
    at = datetime(2025, 8, 4, 9, 0, tzinfo=SHANGHAI)
    newer = banking.said(lines[0], "returned", answered_at=at.replace(hour=11))
    older = banking.said(lines[0], answered_at=at)
    banking.answer(cast, batch, newer)
    kept = banking.answer(cast, batch, older)
    assert kept.repeated_count == 1
    assert Payment.objects.get(pk=lines[0].payment_id).state == "returned"


@pytest.mark.parametrize("before", ["returned", "confirmed"])
def test_a_second_answer_that_contradicts_the_first_is_refused_and_the_payment_is_held(
    cast, batch, lines, before
):
    banking.answer(cast, batch, banking.said(lines[0], before))
    another = banking.said(lines[0], bank_reference="ANOTHER")
    kept = banking.answer(cast, batch, banking.said(lines[1]), another)
    assert [one["code"] for one in kept.refused_lines] == ["bank_return.contradiction"]
    assert Payment.objects.get(pk=lines[0].payment_id).state == before
    assert Payment.objects.get(pk=lines[1].payment_id).state == "confirmed"
    assert Hold.objects.get().subject_no == lines[0].payment.payment_no
    with acting(cast.finance, "test"), pytest.raises(Invalid) as refused:
        settle_batch(batch, BankFile.of(another), by=cast.finance)
    assert refused.value.keep


def test_what_may_have_been_paid_twice_is_not_paid_a_third_time(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "returned"))
    with acting(cast.finance, "test"):
        try:
            settle_batch(batch, BankFile.of(banking.said(lines[0])), by=cast.finance)
        except Invalid as refusal:
            assert refusal.keep
    assert Hold.objects.get().subject_no == lines[0].payment.payment_no
    correct_account(cast)
    with pytest.raises(NotNow) as refused:
        banking.proposed(cast, Payment.objects.get(pk=lines[0].payment_id))
    assert refused.value.code == "hold.open"


def test_an_unknown_outcome_is_asked_after_and_never_sent_anew(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "unknown"), banking.said(lines[1]))
    payment = Payment.objects.get(pk=lines[0].payment_id)
    assert payment.state == "unknown"
    with acting(cast.finance, "test"), pytest.raises(NotNow):
        create_batch(payment.program, [payment], by=cast.finance)
    with acting(cast.finance, "test"):
        (asked,) = inquire(batch, by=cast.finance)
    assert (asked.instruction_no, asked.inquiries) == (lines[0].instruction_no, 1)
    banking.answer(cast, batch, banking.said(lines[0]))
    batch.refresh_from_db()
    assert (batch.state, states()) == ("settled", {"confirmed"})


def test_asking_after_what_was_not_answered_makes_it_unknown(cast, batch, lines):
    with acting(cast.finance, "test"):
        inquire(batch, by=cast.finance)
    assert states() == {"unknown"}


@pytest.mark.parametrize(("outcome", "ends"), [("confirmed", "confirmed"), ("returned", "returned")])
def test_a_letter_from_the_bank_settles_what_is_unknown_once_two_persons_have_read_it(
    cast, batch, lines, outcome, ends
):
    banking.answer(cast, batch, banking.said(lines[0], "unknown"))
    line = PaymentLine.objects.get(pk=lines[0].pk)
    with acting(cast.finance, "test"):
        with pytest.raises(Invalid):
            record_finding(line, outcome=outcome, document_no=" ", by=cast.finance)
        record_finding(line, outcome=outcome, document_no="查复〔2025〕7号", by=cast.finance)
        with pytest.raises(Forbidden):
            confirm_finding(line, by=cast.finance)
    with acting(cast.second_finance, "test"):
        confirm_finding(line, by=cast.second_finance)
        with pytest.raises(NotNow):
            confirm_finding(line, by=cast.second_finance)
    assert Payment.objects.get(pk=line.payment_id).state == ends


def test_finance_of_another_region_takes_no_file_in(cast, batch, lines):
    with acting(cast.other_finance, "test"), pytest.raises(Forbidden):
        settle_batch(batch, BankFile.of(banking.said(lines[0])), by=cast.other_finance)
    with acting(cast.other_finance, "test"), pytest.raises(Forbidden):
        inquire(batch, by=cast.other_finance)


def test_the_database_keeps_what_was_sent(cast, batch, lines):
    line = lines[0]
    for change in ({"account_no": "1"}, {"amount": Decimal("1.00")}, {"instruction_no": "P-1"}):
        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            PaymentLine.objects.filter(pk=line.pk).update(**change)


def test_a_number_that_was_replaced_may_be_entered_again(cast, claims):  # noqa: F811
    first = casework.with_account(cast, cast.alpha).account_no
    correct_account(cast)
    assert cast.alpha.current_account.account_no == "6222000011112222"
    correct_account(cast, first)
    assert cast.alpha.current_account.account_no == first
    with acting(cast.filer, "test"), pytest.raises(NotNow) as refused:
        enter_account(
            cast.alpha, account_no=first, account_name=cast.alpha.name, bank_name="某行", by=cast.filer
        )
    assert refused.value.code == "account.known"


def test_an_account_that_the_company_entered_is_not_confirmed_by_the_office(cast, claims):  # noqa: F811
    with acting(cast.filer, "test"):
        account = enter_account(
            cast.alpha,
            account_no="6222333344445555",
            account_name=cast.alpha.name,
            bank_name="某某银行",
            by=cast.filer,
        )
    with acting(cast.finance, "test"), pytest.raises(Forbidden):
        confirm_account(account, by=cast.finance)


def test_a_payment_that_comes_back_after_the_account_was_changed_is_payable_at_once(cast, batch, lines):
    correct_account(cast)
    banking.answer(cast, batch, banking.said(lines[0], "returned", reason="已销户"), banking.said(lines[1]))
    payment = Payment.objects.get(pk=lines[0].payment_id)
    assert payment.state == "payable"
    assert payment.account == cast.alpha.current_account
    banking.paid(cast, payment)
    payment.refresh_from_db()
    assert payment.state == "confirmed"
    (message,) = OutboxMessage.objects.filter(task="applications.payment_returned")
    payment_returned(**message.payload)
    assert "无需另行办理" in Message.objects.get(title="拨付被银行退回").text


def test_a_returned_payment_is_payable_with_whatever_verified_account_is_newer(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "returned"), banking.said(lines[1]))
    payment = Payment.objects.get(pk=lines[0].payment_id)
    assert payment.state == "returned"
    # Confirmed without the page that looks for what was returned.
    bank_account(cast.alpha, "6222777788889999", entered_by=cast.filer, confirmed_by=cast.enterprise_approver)
    later = banking.paid(cast, payment)
    assert lines_of(later)[0].account_no == "6222777788889999"


def test_the_story_of_the_case_has_the_return(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "returned", reason="账号不存在"))
    (message,) = OutboxMessage.objects.filter(task="applications.payment_returned")
    payment_returned(**message.payload)
    claim = Claim.objects.get(claim_no=lines[0].payment.claim_no)
    event = next(one for one in shown_timeline(claim, internal=False) if one["title"] == "银行退票")
    assert (event["note"], event["tone"]) == ("账号不存在", "refused")


def test_a_finding_that_was_rewritten_since_it_was_read_is_not_confirmed(cast, batch, lines):
    banking.answer(cast, batch, banking.said(lines[0], "unknown"))
    line = PaymentLine.objects.select_related("batch__region").get(pk=lines[0].pk)
    with acting(cast.finance, "test"):
        record_finding(line, outcome="confirmed", document_no="查复1号", by=cast.finance)
        read = finding_digest(line)
        record_finding(line, outcome="returned", document_no="查复1号", by=cast.finance)
    with acting(cast.second_finance, "test"), pytest.raises(NotNow) as refused:
        confirm_finding(line, by=cast.second_finance, seen=read)
    assert refused.value.code == "finding.changed"
    assert Payment.objects.get(pk=line.payment_id).state == "unknown"


def test_a_changed_account_puts_an_approved_payment_on_hold(cast, claims):  # noqa: F811
    batch = banking.approved(cast, banking.proposed(cast))
    correct_account(cast)
    assert set(Hold.objects.values_list("ground", "subject_kind")) == {("account_changed", "payment")}
    with acting(cast.finance, "test"), pytest.raises(NotNow) as refused:
        banking.export(batch, cast.finance)
    assert refused.value.code == "payment.account_changed"


def test_a_changed_account_before_the_approval_only_asks_for_a_new_proposal(cast, claims):  # noqa: F811
    batch = banking.proposed(cast)
    correct_account(cast)
    assert not Hold.objects.exists()
    with pytest.raises(NotNow) as refused:
        banking.approved(cast, batch)
    assert refused.value.code == "payment.account_changed"


def test_the_day_of_the_payment_is_told_by_the_bank(cast, batch, lines):
    with dates.fixed(date(2025, 8, 20)):
        banking.answer(cast, batch, *(banking.said(line, paid_on=date(2025, 8, 6)) for line in lines))
    assert set(Payment.objects.values_list("paid_on", flat=True)) == {date(2025, 8, 6)}


def test_an_empty_batch_is_not_proposed(cast, claims):  # noqa: F811
    from vouchers.actions.payments import take_out

    with acting(cast.finance, "test"):
        payments = list(Payment.objects.all())
        made = create_batch(payments[0].program, payments, by=cast.finance)
        for payment in payments:
            take_out(made, payment.payment_no, by=cast.finance)
        with pytest.raises(Invalid) as refused:
            propose_batch(made, by=cast.finance)
    assert refused.value.code == "payment_batch.empty"
