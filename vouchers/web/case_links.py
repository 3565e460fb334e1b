"""Where a case of the casework is read, by its number: a port that the upper floors fill, each for its own people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

CaseLinks = Callable[[Any, Sequence[str]], Mapping[str, str]]
_known: list[CaseLinks] = []


def register_case_links(links: CaseLinks) -> None:
    """``links(user, numbers)`` gives the addresses of those cases that the person may open. Called in ``AppConfig.ready``."""
    if links not in _known:
        _known.append(links)


def case_links(user: Any, numbers: Sequence[str]) -> dict[str, str]:
    """The address of each case that the person may open; the first floor that knows one wins."""
    found: dict[str, str] = {}
    for links in _known:
        left = [number for number in numbers if number not in found]
        found |= links(user, left) if left else {}
    return found
