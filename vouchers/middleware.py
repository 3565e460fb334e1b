"""One transaction a request, with who acts and from where announced to the trail before anything is written."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
from django.contrib import messages
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vouchers.api.errors import unavailable
from vouchers.context import ANONYMOUS, Actor, acting, current
from vouchers.errors import DomainError


class ActingMiddleware:
    """Opens the transaction and its context; rolls back what was refused, unless the refusal is to be kept.

    After a rollback the refusal itself is logged in a second transaction: by whoever registered with ``on_refusal``
    (audit does; the lower floors know nothing of the trail).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if holds_nul(request):
            # PostgreSQL keeps no such text, and no keyboard makes it.
            return render(request, "400.html", status=400)
        request.request_id = request.headers.get("X-Request-ID", "")[:64] or str(uuid.uuid4())  # type: ignore[attr-defined]
        own = request.path.startswith(tuple(OWN_TRANSACTIONS))
        try:
            return self._in_its_own(request) if own else self._in_one_transaction(request)
        except (OperationalError, InterfaceError, psycopg.OperationalError):
            # The server went away before or at the commit: whether it was done is found out by asking again.
            if not request.path.startswith("/api/"):
                raise
            connection.close()
            return unavailable()

    def _in_one_transaction(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        actor, verb = actor_of(request), verb_of(request)
        with acting(actor, verb, request_id=request.request_id, address=address):  # type: ignore[attr-defined]
            response = self.get_response(request)
            if (context := current()) is not None:
                actor = context.actor  # a platform is known by its token, later than the request was opened
            refusal: DomainError | None = getattr(request, "refusal", None)
            if (refusal is not None and not refusal.keep) or response.status_code >= 500:
                transaction.set_rollback(True)
        _log_refusal(request, response, refusal, actor)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    def _in_its_own(self, request: HttpRequest) -> HttpResponse:
        """The view opens its transactions itself; a refusal of the whole is logged all the same."""
        response = self.get_response(request)
        _log_refusal(request, response, getattr(request, "refusal", None), actor_of(request))
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal of the domain that no view caught becomes a page that says why and what to do."""
        if not isinstance(exception, DomainError):
            return None
        request.refusal = exception  # type: ignore[attr-defined]
        return refusal_page(request, exception)


def _log_refusal(
    request: HttpRequest, response: HttpResponse, refusal: DomainError | None, actor: Actor
) -> None:
    """In a transaction of its own, after whatever was refused is rolled back."""
    if refusal is None and response.status_code not in (403, 404, 409):
        return
    address = request.META.get("REMOTE_ADDR", "")
    with acting(actor, verb_of(request), request_id=request.request_id, address=address):  # type: ignore[attr-defined]
        for listener in REFUSAL_LISTENERS:
            listener(request, response, refusal)


def verb_of(request: HttpRequest) -> str:
    """What is asked for, as the trail names it until an action names its deed."""
    return f"{request.method} {request.path}"[:200]


#: Addresses (by their beginning) whose views open transactions of their own, because one request is many deeds.
OWN_TRANSACTIONS: set[str] = set()


def actor_of(request: HttpRequest) -> Actor:
    """Who acts: the platform whose token the request carries, the person who is signed in, or nobody known."""
    admission = getattr(request, "admission", None)
    if admission is not None:
        actor: Actor = admission.actor
        return actor
    user = request.user
    return Actor.of(user) if user.is_authenticated else ANONYMOUS


def holds_nul(request: HttpRequest) -> bool:
    """Whether the address or a form's field holds the character NUL."""
    if "\x00" in request.path:
        return True
    return any(
        "\x00" in value
        for query in (request.GET, request.POST)
        for _, values in query.lists()
        for value in values
    )


def refusal_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The page of a refusal, with its code, its sentence and its cure."""
    return render(request, "refusal.html", {"refusal": refusal}, status=refusal.status)


def note_refusal(request: HttpRequest, refusal: DomainError) -> None:
    """For views that answer a refusal themselves (a form again, with what was typed): roll back, and log it."""
    request.refusal = refusal  # type: ignore[attr-defined]
    messages.error(request, refusal.message)


RefusalListener = Callable[[HttpRequest, HttpResponse, DomainError | None], Any]
REFUSAL_LISTENERS: list[RefusalListener] = []


def on_refusal(listener: RefusalListener) -> None:
    """Register what is to be told of refusals."""
    REFUSAL_LISTENERS.append(listener)
