"""The clock's and the outbox's work on this floor. Each task runs in one transaction that says who acts."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import current_app, shared_task
from django.db import transaction
from django.utils import timezone

from vouchers import dates
from vouchers.actions.debarment_lists import issue_due_lists
from vouchers.actions.job_runs import run_waiting
from vouchers.actions.ledger_days import close_due_days, keep_check
from vouchers.actions.policy_reach import reach_back
from vouchers.actions.price_duties import mark_overdue, remind_due
from vouchers.actions.price_issues import compute_index
from vouchers.actions.vouchers import expire_due_vouchers, mark_if_exhausted
from vouchers.actions.webhooks import deliver_due
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.limits import forget_idle
from vouchers.models import OutboxMessage, Publication, Voucher
from vouchers.models.prices import Market

log = logging.getLogger(__name__)

BATCH = 200
RESEND_AFTER = timedelta(seconds=60)  # a task that was sent and did not say that it is done is sent again


@shared_task(name="vouchers.dispatch_outbox")
def dispatch_outbox() -> int:
    """Send what waits, by task name. Several dispatchers may run: each takes rows that no other holds."""
    now = timezone.now()
    with transaction.atomic():
        waiting = list(
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(done_at=None, not_before__lte=now)
            .order_by("pk")[:BATCH]
        )
        for message in waiting:
            message.sent_at = now
            message.attempts += 1
            # Until it is done it comes up again, later and later.
            message.not_before = now + RESEND_AFTER * min(message.attempts, 60)
        OutboxMessage.objects.bulk_update(waiting, ["sent_at", "attempts", "not_before"])
    for message in waiting:
        current_app.send_task(message.task, kwargs={"outbox_id": message.pk, **message.payload})
    return len(waiting)


def outbox_task(name: str, verb: str) -> Any:
    """A task that an outbox message wakes: one announced transaction, and the message is done in the same one.

    Run twice it finds the message done and does nothing. A failure is written on the message, and it is sent again.
    """

    def wrap(function: Any) -> Any:
        def run(outbox_id: int | None = None, **payload: Any) -> None:
            try:
                with acting(Actor.service(name), verb):
                    if outbox_id is not None:
                        message = (
                            OutboxMessage.objects.select_for_update()
                            .filter(pk=outbox_id, done_at=None)
                            .first()
                        )
                        if message is None:
                            return
                        message.done_at = timezone.now()
                        message.save(update_fields=["done_at"])
                    function(**payload)
            except Exception as error:
                log.exception("%s failed", name)
                OutboxMessage.objects.filter(pk=outbox_id or 0).update(
                    last_error=f"{type(error).__name__}: {error}"[:2000]
                )
                raise

        return shared_task(name=name)(run)

    return wrap


@outbox_task("vouchers.follow_ledger", "voucher.follow_ledger")
def follow_ledger(voucher_no: str) -> None:
    """The voucher's state follows its account: used up when nothing is available or reserved."""
    mark_if_exhausted(Voucher.objects.get(voucher_no=voucher_no))


@outbox_task("vouchers.reach_back", "policy_version.reach_back")
def reach_back_of(publication_no: str) -> None:
    """Undecided cases go over to a version whose text reaches back to their day."""
    reach_back(Publication.objects.select_related("program").get(publication_no=publication_no))


@shared_task(name="vouchers.run_jobs")
def run_jobs(outbox_id: int | None = None) -> int:
    """Run the jobs that wait, and look after those whose process was lost; woken by each new job, and by the clock.

    The message is done as soon as it was heard: what is still to do says the job's row, which outlives this process."""
    if outbox_id is not None:
        OutboxMessage.objects.filter(pk=outbox_id, done_at=None).update(done_at=timezone.now())
    return run_waiting()


@shared_task(name="vouchers.expire_vouchers")
def expire_vouchers() -> int:
    """Every night, until none is due: what no claim has reserved returns to the budget."""
    total = 0
    while True:
        with acting(Actor.service("vouchers.expire_vouchers"), "voucher.expire"):
            done = expire_due_vouchers()
        total += done
        if not done:
            return total


@shared_task(name="vouchers.close_days", ignore_result=True)
def close_days() -> list[str]:
    """Every night: the trial balance of each day that is over and not closed."""
    closed = close_due_days("vouchers.close_days")
    for row in closed:
        if not row.balanced:
            log.error("day %s does not balance", row.day)
    return [str(row.day) for row in closed]


@shared_task(name="vouchers.check_ledger", ignore_result=True)
def check_ledger_nightly() -> int:
    """Every night: all invariants of the ledger, kept as a row for finance and auditors; how many findings."""
    found = keep_check("vouchers.check_ledger")
    if found.count:
        log.error("check_ledger: %s findings, first %s", found.count, found.findings[0])
    return found.count


@shared_task(name="vouchers.compute_prices")
def compute_prices() -> list[str]:
    """On the first of a month: that month's fair prices as drafts. People propose and publish them."""
    drafted = []
    for market in Market.values:
        try:
            with acting(Actor.service("vouchers.compute_prices"), "price_index_issue.compute"):
                drafted.append(compute_index(dates.today(), by=None, market=market).issue_no)
        except DomainError as refusal:  # no price yet: nothing to publish, and nothing to repair
            log.info("%s: %s", market, refusal.code)
    return drafted


@shared_task(name="vouchers.remind_price_reports")
def remind_price_reports() -> list[str]:
    """Every morning: providers whose report of prices falls due are reminded on the days that the duty names."""
    with acting(Actor.service("vouchers.remind_price_reports"), "price_report.remind"):
        return remind_due(dates.today())


@shared_task(name="vouchers.mark_overdue_price_reports")
def mark_overdue_price_reports() -> list[str]:
    """Every night: what should have been reported by yesterday is overdue, and on record."""
    with acting(Actor.service("vouchers.mark_overdue_price_reports"), "price_report.mark_overdue"):
        return mark_overdue(dates.today())


@shared_task(name="vouchers.deliver_webhooks")
def deliver_webhooks() -> int:
    """Every two seconds: what happened is sent to the platforms that asked for it. Outside of every business transaction."""
    return deliver_due()


@shared_task(name="vouchers.forget_limits")
def forget_limits() -> int:
    """Every hour: who has not called for long is forgotten by the counts."""
    return forget_idle()


@shared_task(name="vouchers.issue_debarment_lists")
def issue_debarment_lists() -> list[str]:
    """Month by month: the next issue of every region whose list of debarred parties has changed."""
    with acting(Actor.service("vouchers.issue_debarment_lists"), "debarment_list.issue"):
        return issue_due_lists()
