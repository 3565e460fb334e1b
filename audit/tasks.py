"""The observer's tasks. They only call actions."""

from __future__ import annotations

import logging
from io import StringIO

from celery import shared_task
from django.core.management import CommandError, call_command

from audit.actions.scans import run_scan
from audit.trail.sealer import seal_all
from audit.trail.teller import tell_witness
from vouchers.context import Actor, acting
from vouchers.errors import DomainError

logger = logging.getLogger(__name__)


@shared_task(name="audit.seal_trail", ignore_result=True)
def seal_trail() -> int:
    """Seal what waits; how many events were sealed. Run every five seconds by beat."""
    return sum(sealed.added for sealed in seal_all())


@shared_task(name="audit.tell_witness", ignore_result=True)
def tell_the_witness() -> int:
    """Tell the witness outside what was sealed since; how many signatures came back. Run every ten seconds by beat.

    A witness that cannot be reached, or that contradicts, is a line in the log each time; ``manage.py doctor`` says the same.
    """
    try:
        return tell_witness()
    except DomainError as refusal:
        logger.warning("%s: %s", refusal.code, refusal.message)
        return 0


@shared_task(name="audit.scan_nightly", ignore_result=True)
def scan_nightly() -> str:
    """Every fraud rule over everything: flags, the queue, holds on open cases, affiliations. By beat every night."""
    with acting(Actor.service("scan_nightly"), "scan.run"):
        run = run_scan()
    return str(run)


@shared_task(name="audit.verify_nightly", ignore_result=True)
def verify_nightly() -> None:
    """The log against itself and the tables against the log, every night by beat; what was found is an event and stands on the audit
    desk's front page."""
    said = StringIO()
    try:
        call_command("verify_trail", stdout=said)
    except SystemExit:
        logger.error("verify_trail: %s", said.getvalue())
    except CommandError as fault:
        logger.error("verify_trail: %s", fault)
