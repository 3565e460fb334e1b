"""The surfaces and their menus. Each app registers its own in ``AppConfig.ready``; this room knows none of them.

A surface is a way in for some roles (portal, desk, audit, public); the root page sends each person to the first one
that is theirs. An entry shows only to those who hold one of its roles (empty: everyone of the surface).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from vouchers.access import roles_of


@dataclass(frozen=True)
class Entry:
    """One line of a menu. ``count`` gets the user and returns how many wait there, or None.

    The entry is marked as the current page on its own address and on every address below ``under`` (a path prefix;
    by default the entry's own address).
    """

    label: str
    url_name: str
    roles: frozenset[str] = frozenset()
    group: str = ""
    order: int = 50
    under: str = ""
    exact: bool = False
    count: Callable[[Any], int | None] | None = None
    shown: Callable[[Any], bool] | None = None
    """Asked of the user, where not all who hold the roles have business there."""


@dataclass
class Surface:
    """A way in: its name, its word, its front page, who may enter, and its menu."""

    name: str
    label: str
    home: str
    roles: frozenset[str] = frozenset()
    order: int = 50
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class ShownEntry:
    """An entry as drawn for one person on one page."""

    label: str
    url: str
    group: str
    current: bool
    count: int | None


SURFACES: dict[str, Surface] = {}


def register_surface(surface: Surface) -> None:
    """Announce a surface; entries that were registered before it are kept."""
    known = SURFACES.get(surface.name)
    if known is not None:
        surface.entries = known.entries + [entry for entry in surface.entries if entry not in known.entries]
    SURFACES[surface.name] = surface


def register_entries(surface: str, *entries: Entry) -> None:
    """Put entries on a surface's menu, which another app may own."""
    target = SURFACES.setdefault(surface, Surface(name=surface, label="", home=""))
    target.entries.extend(entry for entry in entries if entry not in target.entries)


def held_roles(user: Any) -> frozenset[str]:
    """The roles that the person holds now, anywhere."""
    return frozenset(str(grant.role) for grant in roles_of(user))


def surfaces_of(user: Any) -> list[Surface]:
    """The surfaces on which the person has business, first the one to land on."""
    held = held_roles(user)
    mine = [surface for surface in SURFACES.values() if surface.home and surface.roles & held]
    return sorted(mine, key=lambda surface: surface.order)


def menu(surface: str, request: HttpRequest) -> list[ShownEntry]:
    """The entries of the surface for this person, the page that is open marked."""
    known = SURFACES.get(surface)
    if known is None:
        return []
    user = getattr(request, "user", None)
    held = held_roles(user)
    shown = []
    for entry in sorted(known.entries, key=lambda item: item.order):
        if entry.roles and not entry.roles & held:
            continue
        if entry.shown is not None and not entry.shown(user):
            continue
        url = reverse(entry.url_name)
        prefix = entry.under or url
        here = request.path == url or (not entry.exact and request.path.startswith(prefix))
        shown.append(
            ShownEntry(entry.label, url, entry.group, here, entry.count(user) if entry.count else None)
        )
    longest = max((len(item.url) for item in shown if item.current), default=0)
    return [
        ShownEntry(item.label, item.url, item.group, item.current and len(item.url) == longest, item.count)
        for item in shown
    ]
