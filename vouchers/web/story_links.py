"""Where the whole story of a case is read: a port that the observer fills for those who may read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: (user, kind, number) → the address, or an empty text for whoever may not.
StoryLink = Callable[[Any, str, str], str]
_known: list[StoryLink] = []


def register_story_link(link: StoryLink) -> None:
    """Called in ``AppConfig.ready``."""
    if link not in _known:
        _known.append(link)


def story_address(user: Any, kind: str, number: str) -> str:
    """Where this person reads the story of the case; an empty text when there is nowhere."""
    return next((address for link in _known if (address := link(user, kind, number))), "")
