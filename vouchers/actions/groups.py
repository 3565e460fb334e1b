"""集团: which companies belong together on a day, by registered control or by what a party declared of itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from vouchers.models import DeclaredAffiliation, Shareholding
from vouchers.models.parties import Relation

CONTROL = 50
"""Percent of the shares above which a company controls another (CAS 33)."""
_MOST_PARENTS = 12


def _in_force(rows: QuerySet[Any], on: date) -> QuerySet[Any]:
    return rows.filter(effective_from__lte=on).filter(Q(effective_to=None) | Q(effective_to__gt=on))


def top_of(uscc: str, on: date) -> str:
    """The code of the company at the top of a party's group: up by registered control, or by the parent that it declared.

    A company that nobody is known to control is the top of its own group, which its subsidiaries share.
    """
    top, seen = uscc, {uscc}
    for _step in range(_MOST_PARENTS):
        above = _above(top, on)
        if not above or above in seen:
            return top
        seen.add(above)
        top = above
    return top


def _above(uscc: str, on: date) -> str:
    holding = (
        _in_force(Shareholding.objects.filter(company__uscc=uscc, holder_kind="company"), on)
        .filter(percent__gt=CONTROL)
        .order_by("-percent", "holder_id")
        .first()
    )
    if holding is not None and holding.holder_id:
        return str(holding.holder_id)
    declared = (
        DeclaredAffiliation.objects.filter(party__uscc=uscc, relation=Relation.PARENT, declared_on__lte=on)
        .select_related("other")
        .order_by("-declared_on", "pk")
        .first()
    )
    return str(declared.other.uscc) if declared is not None else ""


def members_of(top: str, on: date) -> frozenset[str]:
    """The codes of all whose group's top is ``top`` on the day, itself included."""
    members, frontier = {top}, {top}
    while frontier:
        below = _below(frontier, on) - members
        frontier = {uscc for uscc in below if top_of(uscc, on) == top}
        members |= frontier
    return frozenset(members)


_WRITTEN = """
    SELECT coalesce(encode(sha256(string_agg(w.name, ' ' ORDER BY w.name)::bytea), 'hex'), '-') FROM (
        SELECT format('s%%s:%%s:%%s', s.id, s.xmin, s.ctid) AS name
          FROM vouchers_shareholding AS s JOIN vouchers_party AS p ON p.id = s.company_id
         WHERE p.uscc = ANY (%(companies)s) OR s.holder_id = ANY (%(companies)s)
        UNION ALL
        SELECT format('d%%s:%%s:%%s', d.id, d.xmin, d.ctid)
          FROM vouchers_declaredaffiliation AS d
          JOIN vouchers_party AS p ON p.id = d.party_id JOIN vouchers_party AS o ON o.id = d.other_id
         WHERE p.uscc = ANY (%(companies)s) OR o.uscc = ANY (%(companies)s)) AS w
"""


def register_state(companies: Iterable[str]) -> str:
    """What the register says of the companies' holdings and parents, as one name: another one after any row of it was written,
    be it back to what it was (``xmin`` and ``ctid``: which transaction wrote the row, and where). A restored database has other names."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN, {"companies": sorted(companies)})
        return str(cursor.fetchone()[0])


def a_day_changed(companies: Iterable[str], after: date, upto: date) -> bool:
    """Whether a holding or a parent of one of the companies began or ended by its date, later than ``after``, by ``upto``."""
    named = list(companies)
    days = (after + timedelta(days=1), upto)
    holdings = Shareholding.objects.filter(Q(company__uscc__in=named) | Q(holder_id__in=named))
    declared = DeclaredAffiliation.objects.filter(Q(party__uscc__in=named) | Q(other__uscc__in=named))
    return (
        holdings.filter(Q(effective_from__range=days) | Q(effective_to__range=days)).exists()
        or declared.filter(declared_on__range=days).exists()
    )


def _below(above: Iterable[str], on: date) -> set[str]:
    controlled = _in_force(
        Shareholding.objects.filter(holder_kind="company", holder_id__in=above, percent__gt=CONTROL), on
    )
    declared = DeclaredAffiliation.objects.filter(
        other__uscc__in=above, relation=Relation.PARENT, declared_on__lte=on
    )
    return set(controlled.values_list("company__uscc", flat=True)) | set(
        declared.values_list("party__uscc", flat=True)
    )
