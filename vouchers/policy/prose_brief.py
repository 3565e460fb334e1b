"""The same prose for whoever reads it twice a year: the catalogue and the start of an application.

A selection of `prose.describe`, not a second telling: what the page's head says already, what only the office needs (what its
staff are asked, what an applicant is told when a condition fails, rounding, who among treasuries pays) and what the text leaves
open are left out; a condition stands in the ordinance's own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vouchers.policy.prose import Section, Sentence, describe
from vouchers.policy.rules import Scheme
from vouchers.policy.telling import sentence
from vouchers.policy.terms import AboveBand, OtherMoneyMode, Shortage

OFFICE = frozenset({"question", "cure", "review_reference", "day_count"})
"""Fields whose sentences are for the office."""
HEAD = frozenset({"title", "office", "note", "demonstration"})
"""Fields that the page's head tells."""
FOR_THE_OFFICE = ("金额的舍入", "财政分担")
RENAMED = {"依据与适用": "施行与适用"}
"""The documents stand in a list of their own on these pages."""


def describe_briefly(scheme: Scheme) -> list[Section]:
    """The sections of the version that an applicant reads; those without content are left out."""
    found = []
    for section in describe(scheme):
        if section.title in FOR_THE_OFFICE:
            continue
        told = _in_own_words(scheme, section) if section.title == "申领条件" else section.sentences
        sentences = tuple(one for one in told if _is_for_applicants(scheme, one))
        if sentences:
            found.append(Section(RENAMED.get(section.title, section.title), sentences))
    return found


def _in_own_words(scheme: Scheme, section: Section) -> Iterator[Sentence]:
    """The conditions as the ordinance has them: by what each is tested, and what follows, stands in the findings."""
    gates = iter(scheme.gates)
    for one in section.sentences:
        yield replace(one, text=sentence(next(gates).text)) if "text" in one.tells else one


def _is_for_applicants(scheme: Scheme, one: Sentence) -> bool:
    if one.cite is None or one.switched_off:  # a document of its own list; what is recorded and not applied
        return False
    told = frozenset(one.tells)
    left_open = (
        ("above_band" in told and scheme.price.above_band is AboveBand.NONE)
        or ("mode" in told and scheme.other_money.mode is OtherMoneyMode.NOT_STATED)
        or ("shortage" in told and scheme.issue.shortage is Shortage.NOT_STATED)
    )
    return not (left_open or told & HEAD or (told and told <= OFFICE))
