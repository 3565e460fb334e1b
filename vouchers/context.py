"""Who acts, what for, and from where: set once per request, task and command, inside its one transaction.

The database's own triggers read it (``current_setting('voucher.context', true)``) and write it into the trail. A change
made without it is in the trail too, marked as unannounced.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.db import connection, transaction

if TYPE_CHECKING:
    from vouchers.models import User

GUC = "voucher.context"


@dataclass(frozen=True)
class Actor:
    """Whoever acts: a signed-in person, a provider's platform, or a service of our own (``service``)."""

    kind: str  # user | platform | service | anonymous
    name: str
    display_name: str = ""
    roles: tuple[str, ...] = ()
    organisation: str = ""

    @classmethod
    def of(cls, user: User) -> Actor:
        """The person as an actor, with the roles held now."""
        from vouchers.access import roles_of

        grants = roles_of(user)
        return cls(
            kind="user",
            name=user.username,
            display_name=user.display_name,
            roles=tuple(sorted({grant.role for grant in grants})),
            organisation=next((grant.organisation for grant in grants if grant.organisation), ""),
        )

    @classmethod
    def service(cls, name: str) -> Actor:
        """A task, a command or the clock."""
        return cls(kind="service", name=name, display_name=name)


ANONYMOUS = Actor(kind="anonymous", name="anonymous")


@dataclass(frozen=True)
class Context:
    """What the trail writes beside each change."""

    actor: Actor
    verb: str
    reason: str = ""
    request_id: str = ""
    address: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """The form that the triggers read."""
        return json.dumps(
            {
                "kind": self.actor.kind,
                "actor": self.actor.name,
                "name": self.actor.display_name,
                "roles": list(self.actor.roles),
                "organisation": self.actor.organisation,
                "verb": self.verb,
                "reason": self.reason,
                "request_id": self.request_id,
                "address": self.address,
            },
            ensure_ascii=False,
        )


_current: ContextVar[Context | None] = ContextVar("voucher_context", default=None)


def current() -> Context | None:
    """The context of the running transaction, or None outside one."""
    return _current.get()


def _tell_database(context: Context | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [GUC, context.as_json() if context else ""])


@contextmanager
def acting(
    actor: Actor | User,
    verb: str,
    reason: str = "",
    request_id: str = "",
    address: str = "",
    told: bool = True,
) -> Iterator[Context]:
    """One transaction, announced to the trail. Nested use keeps the outer transaction and restores its context.

    With ``told=False`` the caller's own first statement tells the database (``tell_with``), which saves a call.
    """
    if not isinstance(actor, Actor):
        actor = Actor.of(actor)
    outer = _current.get()
    context = Context(
        actor=actor,
        verb=verb,
        reason=reason,
        request_id=request_id or (outer.request_id if outer else "") or str(uuid.uuid4()),
        address=address or (outer.address if outer else ""),
    )
    within = connection.in_atomic_block
    with transaction.atomic():
        if told:
            _tell_database(context)
        token = _current.set(context)
        try:
            yield context
        finally:
            _current.reset(token)
        if within and not connection.needs_rollback:  # a rollback to the savepoint restores it by itself
            _tell_database(outer)  # the transaction goes on: what follows is not this deed any more


def tell_with() -> tuple[str, str]:
    """Name and value of the setting that tells the database who acts, for a statement that sets it itself."""
    context = _current.get()
    return GUC, context.as_json() if context is not None else ""


def identify(actor: Actor) -> None:
    """Say who acts, once that is known: a platform shows its token after the request's transaction was opened."""
    context = _current.get()
    if context is None:
        return
    context = replace(context, actor=actor)
    _current.set(context)
    _tell_database(context)


def announce(verb: str, reason: str = "") -> None:
    """Name the deed within the running context. Each action calls it first.

    Outside a context nothing is set: the change is then written as unannounced, which is the truth.
    """
    context = _current.get()
    if context is None:
        return
    context = replace(context, verb=verb, reason=reason or context.reason)
    _current.set(context)
    _tell_database(context)


@contextmanager
def announced(verb: str, reason: str = "") -> Iterator[None]:
    """Name a deed that is a part of another one: afterwards the outer deed has its name back.

    Also a decorator. After an error nothing is said: the savepoint's rollback gives the outer name back by itself.
    """
    outer = _current.get()
    announce(verb, reason)
    try:
        yield
    finally:
        if outer is not None:
            _current.set(outer)
    if outer is not None:
        _tell_database(outer)
