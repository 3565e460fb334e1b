"""The clock's and the outbox's work on this floor."""

from __future__ import annotations

import logging
from datetime import date

from celery import shared_task
from django.utils import timezone

from applications.actions.batch_hands import help_issue
from applications.actions.batch_parts import HELP
from applications.actions.claim_lapses import claims_due_to_lapse, lapse_due
from applications.actions.claims import mark_claim_paid
from applications.actions.clawback_cases import draft_for_claim, draft_for_invoice, tell_about_clawback
from applications.actions.contract_prices import (
    contracts_to_follow,
    follow_contract,
    leases_of_hold,
    leases_on_invoice,
)
from applications.actions.credit import tell_about_credit
from applications.actions.messages import tell_about_application, tell_about_claim
from applications.actions.payment_news import is_paid, tell_of_return
from applications.actions.price_report_news import tell_about_price_report
from applications.models import Application, Claim
from vouchers import dates
from vouchers.actions.outbox import enqueue
from vouchers.actions.recoveries import record_overdue
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.models import Clawback, OutboxMessage, PriceReport
from vouchers.tasks import outbox_task

log = logging.getLogger(__name__)

#: So many claims lapse in one transaction, and in one call of the ledger.
LAPSE_TOGETHER = 100


@shared_task(name=HELP)
def help_issue_in_parts(job_no: str, token: int, outbox_id: int | None = None) -> int:
    """A free worker takes parts of an issue that another one runs. Heard is done: what is left to do says the batch."""
    if outbox_id is not None:
        OutboxMessage.objects.filter(pk=outbox_id, done_at=None).update(done_at=timezone.now())
    return help_issue(job_no, token)


@outbox_task("applications.notify", "message.send")
def notify(message: str, application_no: str = "", claim_no: str = "") -> None:
    """A message to the enterprise, after the deed was committed."""
    if application_no:
        tell_about_application(message, Application.objects.get(application_no=application_no))
    else:
        tell_about_claim(message, Claim.objects.get(claim_no=claim_no))


@outbox_task("applications.payment_confirmed", "claim.pay")
def payment_confirmed(claim_no: str, payment_no: str, paid_on: str) -> None:
    """The bank confirmed: the claim is paid, unless the money has come back in the meantime."""
    if is_paid(payment_no):
        # An invoice may have been turned red while the money was on its way.
        claim = mark_claim_paid(claim_no, date.fromisoformat(paid_on))
        draft_for_claim(claim)
        if claim.lease is not None:
            _follow(claim.lease.lease_no)


@outbox_task("applications.payment_returned", "claim.pay_back")
def payment_returned(claim_no: str, payment_no: str, reason: str = "", after_paid: bool = False) -> None:
    """退票: the claim waits for its money again, and the payee is asked to mend its account."""
    tell_of_return(claim_no, payment_no, reason, after_paid=after_paid)


@outbox_task("applications.red_letter", "clawback.draft")
def red_letter(number_key: str) -> None:
    """红冲或作废: what was paid on the invoice is drafted as a clawback."""
    draft_for_invoice(number_key)
    for lease_no in leases_on_invoice(number_key):
        _follow(lease_no)


def _follow(lease_no: str) -> None:
    """In a transaction of its own: whatever is wrong with a price, money is not kept waiting for it."""
    enqueue("applications.follow_contract", {"lease_no": lease_no}, key=lease_no)


@outbox_task("applications.follow_contract", "price.follow_contract")
def follow_one_contract(lease_no: str) -> None:
    """What a contract rests on has changed: its verified price follows."""
    follow_contract(lease_no)


@outbox_task("applications.hold_changed", "price.follow_contract")
def hold_changed(subject_kind: str, subject_no: str) -> None:
    """A case was stopped or let go: the verified price of its contract follows."""
    for lease_no in leases_of_hold(subject_kind, subject_no):
        _follow(lease_no)


@outbox_task("applications.price_report_told", "message.send")
def price_report_told(report_no: str, message: str) -> None:
    """A message to a provider about the duty to report its prices."""
    tell_about_price_report(
        message, PriceReport.objects.select_related("party", "duty").get(report_no=report_no)
    )


@outbox_task("applications.clawback_told", "message.send")
def clawback_told(clawback_no: str, message: str) -> None:
    """A message to whoever has to pay back, after the deed was committed."""
    tell_about_clawback(message, Clawback.objects.select_related("party").get(clawback_no=clawback_no))


@outbox_task("applications.credit_told", "message.send")
def credit_told(number: str, message: str) -> None:
    """A message to a party about its credit file: a restriction, a repair, a leniency."""
    tell_about_credit(message, number)


@shared_task(name="applications.record_overdue")
def record_overdue_clawbacks() -> list[str]:
    """Every night: what should have come back by now is in the credit record."""
    with acting(Actor.service("applications.record_overdue"), "clawback.record_overdue"):
        return record_overdue(dates.today())


@shared_task(name="applications.follow_contract_prices")
def follow_contract_prices() -> int:
    """Every night: contracts whose invoice, payment and metered use hold become verified prices, those that hold no more are taken
    out. Each in a transaction of its own."""
    changed = 0
    for lease_no in contracts_to_follow(dates.today()):
        try:
            with acting(Actor.service("applications.follow_contract_prices"), "price.follow_contract"):
                changed += bool(follow_contract(lease_no))
        except DomainError:
            log.exception("the price of %s was not followed", lease_no)
    return changed


@shared_task(name="applications.lapse_claims")
def lapse_claims() -> int:
    """Every night: returned claims whose time is over, and deductions never confirmed, give back what they reserved.

    Many in one transaction; where one of them cannot lapse, each by itself, so that it does not keep the others waiting.
    """
    on, lapsed = dates.today(), 0
    numbers = claims_due_to_lapse(on)
    for start in range(0, len(numbers), LAPSE_TOGETHER):
        some = numbers[start : start + LAPSE_TOGETHER]
        try:
            lapsed += _lapse(some, on)
        except DomainError:
            log.exception("%s claims are lapsed one by one", len(some))
            for claim_no in some:
                try:
                    lapsed += _lapse([claim_no], on)
                except DomainError:
                    log.exception("%s did not lapse", claim_no)
    return lapsed


def _lapse(claim_nos: list[str], on: date) -> int:
    with acting(Actor.service("applications.lapse_claims"), "claim.lapse"):
        return lapse_due(claim_nos, on)
