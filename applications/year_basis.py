"""The base of the year so far (年度累计基数): what bands of the year's total and minimums of a year's spend rest on.

A case counts once it is filed, as long as nobody refused or withdrew it, in the order of filing: of two that are filed at
the same moment the one that was begun first comes first, so that each knows the other on one side only.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from applications.models import Application, Claim
from vouchers import dates
from vouchers.policy.conditions import needs_year_basis
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Outcome

_NOT_COUNTED = ("draft", "withdrawn", "rejected", "lapsed")


def year_basis(scheme: Scheme, case: Application | Claim, *, on: date) -> dict[str, Decimal]:
    """Yuan by track (and by ladder, where a track has several) that the same enterprise's earlier cases of the program, of the same kind, rest on in the calendar year
    of `on`; empty where the scheme asks for nothing of the year. Raises nothing: a case without an assessment adds nothing.
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
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for assessment in rows.values_list("assessment", flat=True):
        if assessment.get("basis_amount") and assessment.get("outcome") != Outcome.REFUSED.value:
            parts = assessment.get("year_basis") or {assessment["track"]: assessment["basis_amount"]}
            for key, amount in parts.items():
                sums[key] += Decimal(amount)
    return dict(sums)
