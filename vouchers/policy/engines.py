"""What engines of earlier versions read otherwise than this one, so that what they decided can be computed again.

An engine that changes an answer has a new version, and what it changed stands here by its noun: the stored facts under the
stored publication by the stored engine give the same fen, although new cases are read as the text is read today.
"""

from __future__ import annotations

from dataclasses import replace

from vouchers.policy.assessment import ENGINE_VERSION
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Border

ENGINES = ("1.0.0", "1.1.0", "1.2.0", ENGINE_VERSION)
"""All that ever assessed a case, in their order."""

_AGE_LEFT_OUT = frozenset(("1.0.0", "1.1.0"))
"""They left an enterprise of exactly so many months out of a class of 成立不超过 so many months."""


def as_read_by(scheme: Scheme, engine_version: str) -> Scheme:
    """The scheme as that engine read it; the same object where it read it as this one does. Raises ValueError for an engine
    that never was."""
    if engine_version not in ENGINES:
        raise ValueError(f"no engine {engine_version!r}")
    if engine_version not in _AGE_LEFT_OUT or all(
        one.registered_within_months is None for one in scheme.classes
    ):
        return scheme
    return replace(scheme, classes=tuple(replace(one, border=Border.EXCLUDED) for one in scheme.classes))


def counts_named_alone(engine_version: str) -> bool:
    """Whether that engine left out what of the year's base is of no ladder of the version (`year_so_far`): 1.2.0, the first
    that kept it by ladder. Those before held the track's whole base against each of its ladders."""
    return engine_version == "1.2.0"
