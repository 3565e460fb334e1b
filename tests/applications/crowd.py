"""A whole city's applications: one that went through the actions, and copies of it, each of an enterprise and a contract of its own.

Made set-wise: what is tested is what happens to thousands of approved cases, not how each of them came about."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from django.db import models
from django.db.models import QuerySet

from applications.models import Application, Lease, Paper
from vouchers.models import Party, PriceCheck, Publication

SIZE = 500


def crowd(pattern: Application, count: int) -> list[Application]:
    """``count`` approved applications like the pattern, filed after it one second after the other."""
    assert pattern.lease is not None
    numbers = range(1, count + 1)
    parties = [
        _like(
            pattern.enterprise, uscc=f"91110108MC{number:07d}X"[:18], name=f"海淀智算应用{number:04d}有限公司"
        )
        for number in numbers
    ]
    Party.objects.bulk_create(parties, batch_size=SIZE)
    leases = [
        _like(
            pattern.lease,
            lease_no=f"L-2025-7{number:05d}",
            contract_no=f"HT-C-{number}",
            lessee=party,
            document_sha256="",
            state="draft",
        )
        for number, party in zip(numbers, parties, strict=True)
    ]
    Lease.objects.bulk_create(leases, batch_size=SIZE)
    _walk(leases, pattern.lease.state)
    made = []
    for number, party, lease in zip(numbers, parties, leases, strict=True):
        own = {pattern.application_no: f"A-2025-7{number:05d}", pattern.lease.lease_no: lease.lease_no}
        own[pattern.enterprise.uscc] = party.uscc
        made.append(
            _like(
                pattern,
                state="draft",
                application_no=own[pattern.application_no],
                enterprise=party,
                lease=lease,
                facts=_renamed(pattern.facts, own),
                assessment=_renamed(pattern.assessment, own),
                submitted_at=pattern.submitted_at and pattern.submitted_at + _seconds(number),
            )
        )
    Application.objects.bulk_create(made, batch_size=SIZE)
    _walk(made, "submitted", "accepted", "recommended", pattern.state)
    _copy_beside(PriceCheck.objects.filter(subject_kind="lease", subject_no=pattern.lease.lease_no), leases)
    _copy_papers(pattern, made)
    return made


def _walk(rows: list[Any], *states: str) -> None:
    """All of them together through the states that each goes through."""
    model, keys = type(rows[0]), [one.pk for one in rows]
    for state in states:
        model.objects.filter(pk__in=keys).update(state=state)
    for one in rows:
        one.state = states[-1]


def _seconds(number: int) -> Any:
    from datetime import timedelta

    return timedelta(milliseconds=number)


def _like(row: Any, **changes: Any) -> Any:
    made = copy.copy(row)
    made._state = copy.copy(row._state)
    made._state.fields_cache = {}
    made._state.adding = True
    made.__dict__.pop("current_account", None)
    made.pk = None
    for field in row._meta.fields:
        if isinstance(field, models.UUIDField) and field.default is not models.NOT_PROVIDED:
            setattr(made, field.name, field.get_default())
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def _renamed(values: Any, own: dict[str, str]) -> Any:
    text = json.dumps(values, ensure_ascii=False)
    for before, after in own.items():
        text = text.replace(before, after)
    return json.loads(text)


def _copy_beside(rows: QuerySet[Any], leases: list[Lease]) -> None:
    for row in rows:
        many = [
            _like(row, subject_no=lease.lease_no, check_no=f"PC-2025-7{place:07d}")
            for place, lease in enumerate(leases)
        ]
        type(row).objects.bulk_create(many, batch_size=SIZE)


def _copy_papers(pattern: Application, made: list[Application]) -> None:
    for row in Paper.objects.filter(subject_kind="application", subject_no=pattern.application_no):
        many = [
            _like(
                row,
                paper_no=f"F-2025-7{row.pk % 1000:03d}{place:05d}",
                owner=one.enterprise,
                subject_no=one.application_no,
                sha256=hashlib.sha256(f"{row.kind} {one.application_no}".encode()).hexdigest(),
            )
            for place, one in enumerate(made)
        ]
        Paper.objects.bulk_create(many, batch_size=SIZE)


def a_city(publication: Publication, pattern: Application, count: int) -> list[Application]:
    """The pattern and so many more that all in all there are ``count``."""
    return [pattern, *crowd(pattern, count - 1)]
