"""The program's own cases as a dry run replays them: on the facts that each was last decided on.

Every filed case keeps its facts (``facts["assessed"]``), so nothing is looked up again and the replay of the same version
gives the same fen. A project that was found to be another's counts as that one (``undertakings.survivors``), as it does in
casework; the kept facts stay as they are. Read in two streams, applications and claims, in the order of the days on which they were decided.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Count, DateField, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce, TruncDate

from applications.models import Application, Claim
from applications.models.claims import DEAD_STATES
from applications.sample_links import links_of_register
from applications.undertakings import survivors
from vouchers import dates
from vouchers.actions.case_sources import CaseQuery, CaseSource
from vouchers.money import ZERO
from vouchers.policy.case_rows import CaseRow

CHUNK = 1000
_GRANTED = ("approved", "noticed", "issued")
# Whoever asked for less than it could have would ask for that again; what else was asked for followed from the rates then.
_ASKED_FOR_LESS = ExpressionWrapper(
    Q(assessment__lines__contains=[{"code": "requested"}]), output_field=BooleanField()
)
_FILED_DAY = TruncDate("submitted_at", tzinfo=dates.SHANGHAI)


def _applications(query: CaseQuery) -> QuerySet[Any, Any]:
    return (
        Application.objects.filter(
            program_code=query.program,
            program__region__code__in=query.scope,
            origin="live",
            submitted_at__isnull=False,
        )
        .exclude(state__in=("draft", "withdrawn"))
        .annotate(on=Coalesce("decided_on", _FILED_DAY, output_field=DateField()))
        .filter(on__gte=query.from_on, on__lt=query.to_on, facts__has_key="assessed")
    )


def _filed_claims(query: CaseQuery) -> QuerySet[Any, Any]:
    return Claim.objects.filter(
        program_code=query.program,
        program_region_code__in=query.scope,
        origin="live",
        submitted_at__isnull=False,
    )


def _claims(query: CaseQuery) -> QuerySet[Any, Any]:
    decided = TruncDate("decided_at", tzinfo=dates.SHANGHAI)
    return (
        _filed_claims(query)
        .exclude(state__in=("draft", "withdrawn", "lapsed"))
        .annotate(on=Coalesce(decided, _FILED_DAY, output_field=DateField()))
        .filter(on__gte=query.from_on, on__lt=query.to_on, facts__has_key="assessed")
    )


def count_cases(query: CaseQuery) -> int:
    """How many cases of the program fall into the period."""
    return _applications(query).count() + _claims(query).count()


def read_cases(query: CaseQuery) -> Iterator[CaseRow]:
    """The program's applications and claims of the period, each with its kept facts, in the order (day, number)."""
    return heapq.merge(
        _read_applications(query), _read_claims(query), key=lambda case: (case.on, case.case_no)
    )


def _project_of(parts: Mapping[str, str]) -> KeyTextTransform | Value:
    """The kept number of the project, read only where some were merged."""
    if not parts:
        return Value("")
    return KeyTextTransform("project_no", KeyTransform("assessed", "facts"))


def _read_applications(query: CaseQuery) -> Iterator[CaseRow]:
    parts, groups = survivors(), links_of_register()
    rows = (
        _applications(query)
        .annotate(
            kept=KeyTextTransform("assessed", "facts"), less=_ASKED_FOR_LESS, of_project=_project_of(parts)
        )
        .order_by("on", "application_no")
        .values_list(
            "application_no",
            "on",
            "kept",
            "less",
            "state",
            "approved_amount",
            "of_project",
            "enterprise__uscc",
        )
    )
    for number, on, kept, less, state, approved, of_project, uscc in rows.iterator(chunk_size=CHUNK):
        granted = approved if state in _GRANTED else ZERO if state == "rejected" else None
        merged = parts.get(of_project, "")
        yield CaseRow(
            on,
            number,
            kept,
            granted=granted,
            as_requested=bool(less),
            project_no=merged,
            group_no=groups.top(uscc, on),
        )


def _read_claims(query: CaseQuery) -> Iterator[CaseRow]:
    opening, parts, groups = _drawn_before(query), survivors(), links_of_register()
    rows = (
        _claims(query)
        .annotate(kept=KeyTextTransform("assessed", "facts"), of_project=_project_of(parts))
        .order_by("on", "claim_no")
        .values_list(
            "claim_no",
            "on",
            "kept",
            "state",
            "approved_amount",
            "voucher__application_no",
            "voucher__voucher_no",
            "voucher__face_value",
            "voucher__expires_on",
            "of_project",
            "enterprise__uscc",
        )
    )
    for row in rows.iterator(chunk_size=CHUNK):
        number, on, kept, state, approved, application_no, voucher_no, face, expires_on, of_project, uscc = (
            row
        )
        drawn, uses = opening.get(voucher_no, (ZERO, 0))
        yield CaseRow(
            on,
            number,
            kept,
            application_no=application_no,
            granted=approved if state in ("approved", "paid") else ZERO if state == "rejected" else None,
            voucher=(voucher_no, face, max(ZERO, face - drawn), expires_on, uses),
            project_no=parts.get(of_project, ""),
            group_no=groups.top(uscc, on),
        )


def _drawn_before(query: CaseQuery) -> dict[str, tuple[Decimal, int]]:
    """By voucher, what claims from before the period had taken of it, and how many they were."""
    earlier = (
        _filed_claims(query)
        .exclude(state__in=DEAD_STATES)
        .annotate(
            on=Coalesce(TruncDate("decided_at", tzinfo=dates.SHANGHAI), _FILED_DAY, output_field=DateField())
        )
        .filter(on__lt=query.from_on)
        .annotate(taken=Coalesce(F("approved_amount"), F("claimed_amount")))
    )
    found: dict[str, tuple[Decimal, int]] = {}
    for row in earlier.values("voucher__voucher_no").annotate(total=Sum("taken"), uses=Count("pk")):
        found[row["voucher__voucher_no"]] = (row["total"] or ZERO, row["uses"])
    return found


def used_before(query: CaseQuery) -> dict[str, Decimal]:
    """What the program's cases from before the period took of its caps, by ``CapKey.key``, as each was assessed."""
    used: dict[str, Decimal] = {}
    parts = survivors()
    earlier = replace(query, from_on=date(1949, 10, 1), to_on=query.from_on)
    granted = (
        _applications(earlier).filter(state__in=_GRANTED),
        _claims(earlier).filter(state__in=("approved", "paid")),
    )
    for rows in granted:
        for uses in rows.values_list("assessment__cap_uses", flat=True).iterator(chunk_size=CHUNK):
            for use in uses or ():
                key = _of_survivor(use["key"], parts) if parts else use["key"]
                used[key] = used.get(key, ZERO) + Decimal(use["amount"])
    return used


def _of_survivor(key: str, parts: Mapping[str, str]) -> str:
    """``CapKey.key``, program:cap:event:subject:period, of the project that the subject was merged into."""
    *head, rest = key.split(":", 3)
    subject, _colon, period = rest.rpartition(":")
    return ":".join((*head, parts.get(subject, subject), period))


def case_regions(query: CaseQuery) -> frozenset[str]:
    """The program's own, where the person may read its cases."""
    return query.scope & {query.region}


OWN_CASES = CaseSource(
    "cases",
    "本专项的申领与兑付",
    read_cases,
    count_cases,
    note=lambda query: "每件按办理时留存的事实重新核算；草稿和已撤回的不计入。",
    opening=used_before,
    regions=case_regions,
)
