"""What engines of earlier versions answered otherwise than this one, so that what they decided can be computed again.

An engine that changes an answer has a new version. What changed by a few named readings stands here by its noun; an engine that
differs in more than that is kept as it was (`past`). Either way the stored facts under the stored publication by the stored
engine give the same fen, the same steps and findings, although new cases are read as the text is read today.
"""

from __future__ import annotations

from typing import Protocol

from vouchers.policy.assessment import ENGINE_VERSION, Assessment
from vouchers.policy.facts import Facts
from vouchers.policy.past import engine_1_0_0, engine_1_1_0
from vouchers.policy.rules import Scheme
from vouchers.policy.year_so_far import YearKeys

ENGINES = ("1.0.0", "1.1.0", "1.2.0", ENGINE_VERSION)
"""All that ever assessed a case, in their order."""


class Assess(Protocol):
    """An engine of the past."""

    def __call__(
        self, scheme: Scheme, facts: Facts, *, with_lines: bool = True, scheme_sha256: str = ""
    ) -> Assessment: ...


_PAST: dict[str, Assess] = {"1.0.0": engine_1_0_0.assess, "1.1.0": engine_1_1_0.assess}


def engine_of_the_past(engine_version: str) -> Assess | None:
    """The engine of that version, where it is kept as it was; None where this one reads as it did. Raises ValueError for an
    engine that never was."""
    if engine_version not in ENGINES:
        raise ValueError(f"no engine {engine_version!r}")
    return _PAST.get(engine_version)


def knew_batches(engine_version: str) -> bool:
    """Whether cases were held against terms without what their batch shares out (`batching.terms_for`); before 1.2.0 there were
    no batches, and every case was held against the whole."""
    return engine_version not in _PAST


def year_keys(engine_version: str) -> YearKeys:
    """How that engine found the year's base, of those that this one reads as."""
    return YearKeys.AS_WRITTEN if engine_version == "1.2.0" else YearKeys.SORTED
