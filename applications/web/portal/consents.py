"""免申即享: what an enterprise that was granted without application has to do next."""

from __future__ import annotations

from applications.models import Application
from applications.models.applications import ApplicationState


def consent_step(case: Application | None) -> str:
    """``enter_account``, ``confirm_account`` (another person of the enterprise), ``consent``; empty where nothing is left to do
    before it is drawn on."""
    if (
        case is None
        or not case.is_listed
        or case.state != ApplicationState.ISSUED
        or case.consented_at is not None
    ):
        return ""
    if case.enterprise.current_account is not None:
        return "consent"
    waiting = case.enterprise.accounts.filter(entered_by__isnull=False, confirmed_by=None, superseded_at=None)
    return "confirm_account" if waiting.exists() else "enter_account"
