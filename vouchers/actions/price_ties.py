"""Who belongs to whom, for leaving a contract's own groups out: what is known when it is checked counts, not only what was
known when it was signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from vouchers import dates
from vouchers.models import Affiliation, DeclaredAffiliation
from vouchers.models.parties import Relation
from vouchers.models.prices import Market
from vouchers.policy import fair_price as fp

STRONG_RELATIONS = (Relation.PARENT, Relation.SUBSIDIARY, Relation.SISTER, Relation.BRANCH)


class Link(NamedTuple):
    """Two that are affiliated: from when (or since when it is declared), and the day after the last."""

    one: str
    other: str
    from_on: date
    to_on: date | None
    declared: bool


def links_of(market: str) -> list[Link]:
    """All strong affiliations, found and declared."""
    if market != Market.CHINA:
        return []
    found = Affiliation.objects.values_list("one__uscc", "other__uscc", "effective_from", "effective_to")
    declared = DeclaredAffiliation.objects.filter(relation__in=STRONG_RELATIONS)
    return [
        *(Link(*row, declared=False) for row in found),
        *(
            Link(*row, None, declared=True)
            for row in declared.values_list("party__uscc", "other__uscc", "declared_on")
        ),
    ]


class Ties:
    """The groups as of a day, and by every tie declared until today: a declaration says that there is a tie, not since when."""

    def __init__(self, links: Iterable[Link], as_of: date) -> None:
        until = max(as_of, dates.today())
        self._group_of = fp.affiliated_groups(
            (link.one, link.other)
            for link in links
            if link.from_on <= (until if link.declared else as_of)
            and (link.to_on is None or as_of < link.to_on)
        )
        self._members: dict[str, set[str]] = defaultdict(set)
        for name, group in self._group_of.items():
            self._members[group].add(name)

    def of(self, names: Collection[str]) -> set[str]:
        """The names, and whoever is in a group with one of them."""
        groups = {self._group_of[name] for name in names if name in self._group_of}
        return set(names).union(*(self._members[group] for group in groups))
