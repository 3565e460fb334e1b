"""A deed of the interface in a transaction that ends with the deed: the answer is worded after the commit, and nobody waits for it.

For views whose addresses are in ``OWN_TRANSACTIONS``: the ledger's call is the last statement before COMMIT, so what many settle
on at once is locked for the commit alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rest_framework.request import Request

from vouchers.api.admission import Admission
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.middleware import verb_of

Done = TypeVar("Done")


def in_one_transaction(
    request: Request, admission: Admission, deed: Callable[[], Done], *, told: bool = True
) -> Done:
    """Do it in one transaction that the trail knows the platform of. A refusal undoes what was written, unless it is to be kept.
    With ``told=False`` the deed tells the database itself who acts, with its first statement."""
    sent = request._request
    kept: DomainError | None = None
    with acting(
        admission.actor,
        verb_of(sent),
        request_id=getattr(sent, "request_id", ""),
        address=sent.META.get("REMOTE_ADDR", ""),
        told=told,
    ):
        try:
            return deed()
        except DomainError as refusal:
            if not refusal.keep:
                raise
            kept = refusal
    raise kept
