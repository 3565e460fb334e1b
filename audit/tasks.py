"""The observer's tasks. They only call actions."""

from __future__ import annotations

from celery import shared_task

from audit.actions.scans import run_scan
from audit.trail.sealer import seal_all
from vouchers.context import Actor, acting


@shared_task(name="audit.seal_trail", ignore_result=True)
def seal_trail() -> int:
    """Seal what waits; how many events were sealed. Run every five seconds by beat."""
    return sum(sealed.added for sealed in seal_all())


@shared_task(name="audit.scan_nightly", ignore_result=True)
def scan_nightly() -> str:
    """Every fraud rule over everything: flags, the queue, holds on open cases, affiliations. By beat every night."""
    with acting(Actor.service("scan_nightly"), "scan.run"):
        run = run_scan()
    return str(run)
