"""Lifecycles as tables, and the one function that advances them.

A lifecycle lists state × verb × roles × deadline. ``advance`` is the only writer of ``state``; the database holds every
table to the same list (trigger ``enforce_lifecycle`` over the table ``lifecycle_transition``, filled after each migrate).
``docs/lifecycles.md`` is generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models

from vouchers.access import Role, has_role, require_role
from vouchers.errors import NotNow

if TYPE_CHECKING:
    from vouchers.models import User


@dataclass(frozen=True)
class Transition:
    """One verb: from which states, to which, by whom, and by when it is due once the source state was entered."""

    verb: str
    label: str
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...] = ()  # empty: only a service (the clock, the ledger, an instant scheme)
    working_days: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Lifecycle:
    """All verbs of one noun. ``initial`` are the states in which a row may be born."""

    name: str
    label: str
    table: str
    states: type[models.TextChoices]
    initial: tuple[str, ...]
    transitions: tuple[Transition, ...]

    def find(self, verb: str, source: str) -> Transition | None:
        """The transition of the verb from that state, or None."""
        return next((t for t in self.transitions if t.verb == verb and source in t.sources), None)

    def label_of(self, verb: str) -> str:
        """The Chinese word for the verb."""
        return next((t.label for t in self.transitions if t.verb == verb), verb)


REGISTRY: dict[str, Lifecycle] = {}


def register(lifecycle: Lifecycle) -> Lifecycle:
    """Make the lifecycle known to the database's table, to the docs and to the tests."""
    known = set(lifecycle.states.values)
    for transition in lifecycle.transitions:
        strange = ({*transition.sources, transition.target} - known) | (set(lifecycle.initial) - known)
        if strange:
            raise ValueError(f"{lifecycle.name}.{transition.verb}: unknown states {strange}")
    REGISTRY[lifecycle.name] = lifecycle
    return lifecycle


def advance(
    obj: Any,
    verb: str,
    *,
    by: User | None,
    region: Any = None,
    party: Any = None,
    update: dict[str, Any] | None = None,
) -> Transition:
    """Move ``obj`` by one verb, or refuse.

    ``by`` is the person; None means a service, allowed only where the table names no role. Raises ``Forbidden`` when the
    role is missing and ``NotNow`` (``<lifecycle>.not_now``) when the state does not allow it, also when another person
    was faster: the row is updated only where it still stands in the state that was read.
    """
    lifecycle: Lifecycle = obj.lifecycle
    if getattr(obj, "origin", "live") != "live":
        raise NotNow(f"{lifecycle.name}.imported", f"该{lifecycle.label}为历史导入，仅供查询，不再办理。")
    transition = lifecycle.find(verb, obj.state)
    if transition is None:
        raise not_now(obj, verb)
    if by is None and transition.roles:
        raise PermissionError(f"{lifecycle.name}.{verb} asks for a person")
    if by is not None and transition.roles:
        require_role(by, *transition.roles, region=region, party=party)
    fields = {"state": transition.target, **(update or {})}
    source = obj.state
    changed = type(obj)._default_manager.filter(pk=obj.pk, state=source).update(**fields)
    if not changed:
        obj.refresh_from_db(fields=["state"])
        raise not_now(obj, verb)
    for name, value in fields.items():
        setattr(obj, name, value)
    return transition


def not_now(obj: Any, verb: str) -> NotNow:
    """The refusal of a verb in this state, as a person would be told."""
    lifecycle: Lifecycle = obj.lifecycle
    state = lifecycle.states(obj.state).label
    return NotNow(
        f"{lifecycle.name}.not_now",
        f"{lifecycle.label}目前为“{state}”，不能{lifecycle.label_of(verb)}。",
        hint="页面可能已不是最新，请刷新后查看当前进度。",
        detail={"state": obj.state, "verb": verb},
    )


def verbs_for(obj: Any, user: User, *, region: Any = None, party: Any = None) -> list[Transition]:
    """The verbs that this person may use on this row now: what a page offers as buttons."""
    return [
        t
        for t in obj.lifecycle.transitions
        if obj.state in t.sources and t.roles and has_role(user, *t.roles, region=region, party=party)
    ]


__all__ = ["REGISTRY", "Lifecycle", "Role", "Transition", "advance", "not_now", "register", "verbs_for"]
