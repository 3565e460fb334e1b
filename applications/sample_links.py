"""Registered control among the parties of a folder: who is affiliated with whom, as of a day.

As the affiliation test of the register has it (F24): one legal representative, a holding of a quarter or more of the one
in the other, a common holder of a quarter or more of both, or a relation that one of them declared.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from vouchers.actions.groups import CONTROL
from vouchers.models import DeclaredAffiliation, Shareholding
from vouchers.models.parties import Relation
from vouchers.policy.words import day_words

CONTROL_PERCENT = Decimal(25)


@dataclass(frozen=True)
class Holding:
    """Who holds how much of a company, from a day to a day (both count)."""

    holder_id: str
    holder_name: str
    percent: Decimal
    from_on: date | None
    to_on: date | None
    is_company: bool = False

    def stands_on(self, day: date) -> bool:
        """Whether it is a controlling one on the day."""
        return self.percent >= CONTROL_PERCENT and self.covers(day)

    def covers(self, day: date) -> bool:
        """Whether it is held on the day."""
        return (self.from_on is None or self.from_on <= day) and (self.to_on is None or day <= self.to_on)


@dataclass
class Links:
    """The register of a folder."""

    parties: Mapping[str, Mapping[str, str]]
    holdings: dict[str, list[Holding]] = field(default_factory=lambda: defaultdict(list))
    declared: dict[frozenset[str], date | None] = field(default_factory=dict)
    parents: dict[str, list[tuple[date | None, str]]] = field(default_factory=lambda: defaultdict(list))
    """The parents that a party declared of itself, each with the day."""

    def top(self, uscc: str, on: date) -> str:
        """The company at the top of its group on the day, as ``vouchers.actions.groups.top_of`` has it of the register."""
        top, seen = uscc, {uscc}
        while (above := self._above(top, on)) and above not in seen:
            seen.add(above)
            top = above
        return top

    def _above(self, uscc: str, on: date) -> str:
        holding = min(
            (
                one
                for one in self.holdings.get(uscc, ())
                if one.is_company and one.percent > CONTROL and one.covers(on)
            ),
            key=lambda one: (-one.percent, one.holder_id),
            default=None,
        )
        if holding is not None:
            return holding.holder_id
        declared = [
            (since, other) for since, other in self.parents.get(uscc, ()) if since is None or since <= on
        ]
        return max(declared, key=lambda one: one[0] or date.min)[1] if declared else ""

    def between(self, one: str, other: str, on: date) -> str:
        """The sentence that says why the two are affiliated on the day; empty when the register shows nothing."""
        rep = self.parties.get(one, {}).get("legal_rep_id")
        if rep and rep == self.parties.get(other, {}).get("legal_rep_id"):
            return f"截至{day_words(on)}，双方的法定代表人为同一人。"
        mine = [row for row in self.holdings.get(one, ()) if row.stands_on(on)]
        theirs = [row for row in self.holdings.get(other, ()) if row.stands_on(on)]
        for rows, holder in ((mine, other), (theirs, one)):
            for row in rows:
                if row.holder_id == holder:
                    return f"截至{day_words(on)}，一方持有另一方 {row.percent.normalize():f}% 的股权。"
        common = {row.holder_id for row in mine} & {row.holder_id for row in theirs}
        if common:
            return f"截至{day_words(on)}，双方由同一股东各持有 {CONTROL_PERCENT}% 以上的股权。"
        pair = frozenset((one, other))
        if pair in self.declared:
            since = self.declared[pair]
            if since is None or since <= on:
                return "双方已自行申报存在关联关系。"
        return ""


def read_links(folder: Path, parties: Mapping[str, Mapping[str, str]]) -> Links | None:
    """The folder's register; None where neither holdings nor declarations were collected. Rows that cannot be read are
    passed over."""
    shares, declared = folder / "shareholdings.csv", folder / "declared_affiliations.csv"
    if not shares.is_file() and not declared.is_file():
        return None
    links = Links(parties)
    if shares.is_file():
        with shares.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream, restval=""):
                try:
                    holding = Holding(
                        row["holder_id"],
                        row["holder_name"],
                        Decimal(row["percent"]),
                        _day(row["from_on"]),
                        _day(row["to_on"]),
                        is_company=row.get("holder_kind") == "company",
                    )
                except (KeyError, ValueError, InvalidOperation):
                    continue
                links.holdings[row["company_uscc"]].append(holding)
    if declared.is_file():
        with declared.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream, restval=""):
                links.declared[frozenset((row["uscc"], row["other_uscc"]))] = _day(row["declared_on"])
                if row.get("relation") == "parent":
                    links.parents[row["uscc"]].append((_day(row["declared_on"]), row["other_uscc"]))
    return links


def links_of_register() -> Links:
    """Who is at the top of whom, by the whole register: for cases of any year, in two looks."""
    links = Links({})
    shares = Shareholding.objects.filter(holder_kind="company", percent__gt=CONTROL)
    columns = ("company__uscc", "holder_id", "holder_name", "percent", "effective_from", "effective_to")
    for company, holder, name, percent, from_on, to_on in shares.values_list(*columns).iterator():
        last = to_on - timedelta(days=1) if to_on else None
        links.holdings[company].append(Holding(holder, name, percent, from_on, last, is_company=True))
    parents = DeclaredAffiliation.objects.filter(relation=Relation.PARENT).order_by("-declared_on", "pk")
    for one, other, since in parents.values_list("party__uscc", "other__uscc", "declared_on").iterator():
        links.parents[one].append((since, other))
    return links


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
