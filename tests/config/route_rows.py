"""One address and what it answers to whom: how a row of the table of routes (tests.config.route_table) is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.config.world import World

Arguments = Callable[[World], tuple[Any, ...]]

# The office's people here, and the same role elsewhere.
HANDLER = ("handler", "other_handler")
APPROVER = ("approver", "other_approver")
FINANCE = ("finance", "other_finance")


def no_arguments(world: World) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True)
class Row:
    """Statuses for (own, other, stranger, nobody), and who the first two are."""

    statuses: tuple[int, int, int, int]
    own: str
    other: str
    arguments: Arguments = no_arguments
    method: str = "GET"
    query: dict[str, str] = field(default_factory=dict)
    public: bool = False
    """Whether a visitor may use it: then nobody is refused anything."""


def parts(*names: str) -> Arguments:
    """Arguments by the names of parts: ``claim.claim_no`` is the number of the world's claim; quoted words stand for themselves."""

    def arguments(world: World) -> tuple[Any, ...]:
        found = []
        for name in names:
            part, dot, attribute = name.partition(".")
            if not dot:
                found.append(part)
                continue
            row = world.parts.get(part) or world.rows.get(part) or getattr(world.cast, part)
            found.append(getattr(row, attribute))
        return tuple(found)

    return arguments


def own_page(own: str, other: str, *names: str, mine: int = 200, theirs: int = 404, **more: Any) -> Row:
    """A page of a case: not there for another region or enterprise, refused to strangers, sign in first."""
    return Row((mine, theirs, 403, 302), own, other, parts(*names), **more)


def own_list(own: str, other: str, mine: int = 200, theirs: int = 200, **more: Any) -> Row:
    """A list: everyone's own."""
    return Row((mine, theirs, 403, 302), own, other, **more)


def posted(row: Row, mine: int = 302, theirs: int | None = None) -> Row:
    statuses = (mine, row.statuses[1] if theirs is None else theirs, *row.statuses[2:])
    return replace(row, statuses=statuses, method="POST")
