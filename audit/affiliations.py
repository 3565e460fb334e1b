"""Pushing registered control down to the register, so that the price method leaves the own group out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np

from audit.rules.control import Link, Register
from audit.rules.facts import MISSING, Column, Facts, as_date
from audit.scan import Version
from vouchers.actions.parties import end_affiliation, record_affiliation
from vouchers.models import Affiliation, Party

GROUNDS = {
    "legal_rep": "same_legal_rep",
    "holding": "holding",
    "common_holder": "common_holder",
    "declared": "declared",
}
LONG_AGO = date(1949, 10, 1)


def register_from(facts: Facts, version: Version) -> Register:
    """The register under the parameters of F24 in force."""
    from audit.rules.f24_affiliated_parties import register_of

    return register_of(facts, {**version.rule.defaults, **version.parameters})


def record_pairs(facts: Facts, pairs: Iterable[tuple[int, int, Link]]) -> int:
    """Record each pair with its ground, evidence and first day; how many were new. Pairs already on file cost one query."""
    wanted = {}
    for one, other, link in pairs:
        if link.ground in GROUNDS:
            wanted[min(one, other), max(one, other), GROUNDS[link.ground]] = link
    if not wanted:
        return 0
    known = set(Affiliation.objects.filter(effective_to=None).values_list("one_id", "other_id", "ground"))
    missing = {key: link for key, link in wanted.items() if key not in known}
    parties = Party.objects.in_bulk({party for one, other, _ground in missing for party in (one, other)})
    made = 0
    for (one, other, ground), link in missing.items():
        evidence, since = _evidence(facts, one, other, link, parties)
        _row, new = record_affiliation(
            parties[one], parties[other], ground=ground, evidence=evidence, effective_from=since
        )
        made += new
    return made


def _evidence(
    facts: Facts, one: int, other: int, link: Link, parties: dict[int, Party]
) -> tuple[list[str], date]:
    held, declared = facts.shareholdings, facts.declared
    if link.ground == "declared" and link.declared is not None:
        words = facts.labels("declared", [int(declared.id[link.declared])])
        (label,) = words.values()
        return [f"declared_affiliation:{'/'.join(label)}"], as_date(int(declared.declared_on[link.declared]))
    if link.shareholdings:
        ids = [int(held.id[row]) for row in link.shareholdings]
        words = facts.labels("shareholding", ids)
        since = max(int(held.starts[row]) for row in link.shareholdings)
        return [f"shareholding:{'/'.join(words[one][:3])}" for one in ids], as_date(since)
    # One legal representative: since both exist.
    days = [int(day) for day in facts.parties.look_up("registered_on", _ids(one, other)) if day != MISSING]
    return [f"party:{parties[p].uscc}" for p in (one, other)], as_date(max(days)) if days else LONG_AGO


def _ids(*parties: int) -> Column:
    return np.array(parties, dtype=np.int64)


def push(facts: Facts, version: Version, on: date) -> tuple[int, int]:
    """All registered pairs on that day; those that the register no longer shows end. (recorded, ended)."""
    register = register_from(facts, version)
    pairs = list(register.pairs((on - date(1970, 1, 1)).days))
    recorded = record_pairs(facts, pairs)
    standing = {(one, other, GROUNDS[link.ground]) for one, other, link in pairs if link.ground in GROUNDS}
    ended = 0
    for row in Affiliation.objects.filter(effective_to=None, ground__in=GROUNDS.values()):
        if (row.one_id, row.other_id, row.ground) not in standing and row.effective_from < on:
            end_affiliation(row, effective_to=on)
            ended += 1
    return recorded, ended
