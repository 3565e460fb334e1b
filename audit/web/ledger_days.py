"""台账日结 for auditors: the same pages as finance's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audit.web.access import audit_view
from vouchers.web import ledger_days


@audit_view
def days(request: HttpRequest) -> HttpResponse:
    """Every day's trial balance and every night's check."""
    return ledger_days.days(request, "audit")


@audit_view
def day(request: HttpRequest, day: str) -> HttpResponse:
    """One day's lines."""
    return ledger_days.day(request, "audit", day)
