"""The base of the year so far (年度累计基数): what bands of the year's total and minimums of a year's spend rest on.

A case counts once it is filed, as long as nobody refused or withdrew it, in the order of filing: of two that are filed at
the same moment the one that was begun first comes first, so that each knows the other on one side only.

What is shared out together counts as the batch counts it (``fellows``): who asks for nothing there, as a cap went to those
filed before it, adds nothing. The dry run does the same (``vouchers.policy.batches``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from applications.models import Application, BatchMember, Claim
from vouchers import dates
from vouchers.policy.conditions import needs_year_basis
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Outcome

_NOT_COUNTED = ("draft", "withdrawn", "rejected", "lapsed")


Counted = Mapping[int, Mapping[str, Decimal]]
"""What the applications of a batch add to the year, by their keys in the database."""


def year_basis(
    scheme: Scheme, case: Application | Claim, *, on: date, fellows: Counted | None = None
) -> dict[str, Decimal]:
    """Yuan by track (and by ladder, where a track has several) that the same enterprise's earlier cases of the program, of the same kind, rest on in the calendar year
    of `on`; empty where the scheme asks for nothing of the year. Raises nothing: a case without an assessment adds nothing.
    `fellows` is what those of its batch add that are asked before it; without it, what its batch found when it was shared out.
    """
    if not needs_year_basis(scheme):
        return {}
    start = datetime(on.year, 1, 1, tzinfo=dates.SHANGHAI)
    end = datetime(on.year + 1, 1, 1, tzinfo=dates.SHANGHAI)
    earlier: QuerySet[Application] | QuerySet[Claim] = (
        Application.objects.filter(program__code=scheme.program)
        if isinstance(case, Application)
        else Claim.objects.filter(program_code=scheme.program)
    )
    rows = (
        earlier.filter(enterprise=case.enterprise_id, submitted_at__gte=start, submitted_at__lt=end)
        .exclude(pk=case.pk)
        .exclude(state__in=_NOT_COUNTED)
    )
    if case.submitted_at is not None:
        rows = rows.filter(
            Q(submitted_at__lt=case.submitted_at) | Q(submitted_at=case.submitted_at, pk__lt=case.pk)
        )
    if fellows is None:
        fellows = _shared_with(case) if isinstance(case, Application) else {}
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for pk, assessment in rows.values_list("pk", "assessment"):
        parts = fellows[pk] if pk in fellows else _assessed(assessment)
        for key, amount in parts.items():
            sums[key] += Decimal(amount)
    return dict(sums)


def _assessed(assessment: Mapping[str, Any]) -> Mapping[str, Any]:
    if not assessment.get("basis_amount") or assessment.get("outcome") == Outcome.REFUSED.value:
        return {}
    return assessment.get("year_basis") or {assessment["track"]: assessment["basis_amount"]}


def _shared_with(case: Application) -> dict[int, dict[str, Decimal]]:
    """What its batch found, of its own enterprise's."""
    if case.batch_id is None:
        return {}
    members = BatchMember.objects.filter(
        batch=case.batch_id, application__enterprise=case.enterprise_id, asked_amount__isnull=False
    )
    return {
        pk: {key: Decimal(amount) for key, amount in parts.items()}
        for pk, parts in members.values_list("application", "year_basis")
    }
