"""Cases after a scan: linked parties' suspicious matters of one region are one case; it grows, it is merged, it is never doubled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from audit import scoring
from audit.models import Case, CaseConclusion, CaseSubject, Flag, ScanRun, Suspicion
from audit.models.cases import CaseState
from vouchers import dates
from vouchers.numbers import next_no
from vouchers.states import advance

BATCH = 1000
ALIVE = (CaseState.OPEN, CaseState.WORKING, CaseState.PROPOSED)
_STRICTNESS = {name: place for place, name in enumerate(reversed(scoring.OUTCOMES))}
_SHOWN = (
    "lease_no",
    "enterprise_uscc",
    "enterprise_name",
    "lessor_name",
    "amount",
    "outcome",
    "rank",
    "weight",
)
Key = tuple[str, str]


@dataclass(frozen=True)
class Gathered:
    """What a scan did to the cases."""

    opened: int
    joined: int
    merged: int


def gather_cases(run: ScanRun) -> Gathered:
    """Bring the cases up to the queue of the scan. Called with the queue renewed, in the scan's transaction.

    Parties that are linked (``audit.linking``) and have anything above ``pass`` are a case, a region each. A matter whose every flag was
    concluded on in a closed case is not taken up again; any other flag on it opens a case that follows the closed one.
    """
    # Whoever closes a case meanwhile waits, or is waited for.
    alive = Case.objects.select_for_update(of=("self",)).filter(state__in=ALIVE).order_by("pk")
    cases = {case.pk: case for case in alive}
    standing = {_key(row): row for row in CaseSubject.objects.filter(case__in=list(cases), frozen=False)}
    for row in standing.values():
        row.case = cases[row.case_id]
    closed = _closed()
    opened = joined = merged = 0
    met: set[Key] = set()
    fresh: list[CaseSubject] = []
    changed: list[CaseSubject] = []
    for region, group in _groups(_settled()):
        known = sorted({standing[_key(row)].case.pk for row in group if _key(row) in standing})
        if known:
            case = cases[known[0]]
            for pk in known[1:]:
                _merge(cases[pk], case, standing.values())
                merged += 1
        else:
            case = Case.objects.create(
                case_no=next_no("K", dates.today()),
                region_code=region,
                opened_by_run=run,
                opened_at=dates.now(),
                follows_id=max(
                    (closed[key] for row in group for key in _keys(row) if key in closed), default=None
                ),
            )
            cases[case.pk] = case
            opened += 1
        for row in group:
            met.add(_key(row))
            subject = standing.get(_key(row))
            if subject is None:
                subject = CaseSubject(case=case, subject_kind=row.subject_kind, subject_no=row.subject_no)
                standing[_key(row)] = subject
                _update(subject, row)
                fresh.append(subject)
                joined += bool(known)
            elif _update(subject, row):
                changed.append(subject)
    for key, subject in standing.items():  # nothing is raised on it any more: it stays, and says so
        if key not in met and (subject.outcome or subject.rank is not None):
            subject.outcome, subject.rank, subject.weight = "", None, Decimal(0)
            changed.append(subject)
    CaseSubject.objects.bulk_create(fresh, batch_size=BATCH)
    CaseSubject.objects.bulk_update([one for one in changed if one.pk], _SHOWN, batch_size=BATCH)
    _bring_up(cases.values(), standing.values())
    return Gathered(opened, joined, merged)


def _key(row: CaseSubject | Suspicion) -> Key:
    return row.subject_kind, row.subject_no


def _keys(row: Suspicion) -> tuple[Key, Key]:
    """The matter, and the contract that it is about."""
    return _key(row), ("lease", row.lease_no)


def _settled() -> frozenset[Key]:
    """Matters of which every standing flag was concluded on in a case that is closed."""
    done = set(CaseConclusion.objects.filter(case__state=CaseState.CLOSED).values_list("flag_id", flat=True))
    if not done:
        return frozenset()
    left: dict[Key, bool] = {}
    for pk, claim_no, lease_no in Flag.objects.filter(cleared_at=None).values_list(
        "pk", "claim_no", "lease_no"
    ):
        key = ("claim", claim_no) if claim_no else ("lease", lease_no)
        left[key] = left.get(key, False) or pk not in done
    return frozenset(key for key, more in left.items() if not more)


def _closed() -> dict[Key, int]:
    """Matters of closed cases and the contracts that they were about, each with the last case."""
    known: dict[Key, int] = {}
    rows = CaseSubject.objects.filter(frozen=True).order_by("pk")
    for kind, number, lease_no, case in rows.values_list("subject_kind", "subject_no", "lease_no", "case_id"):
        known[kind, number] = case
        if lease_no:
            known["lease", lease_no] = case
    return known


def _groups(settled: frozenset[Key]) -> list[tuple[str, list[Suspicion]]]:
    """The queue by region and linked parties, the most suspicious first; groups of which all passed are none."""
    groups: dict[tuple[str, str], list[Suspicion]] = defaultdict(list)
    for row in Suspicion.objects.order_by("rank"):
        if _key(row) not in settled:
            groups[row.region_code, row.case_no or row.subject_no].append(row)
    return [
        (region, group)
        for (region, _linked), group in groups.items()
        if any(row.outcome != scoring.PASS for row in group)
    ]


def _update(subject: CaseSubject, row: Suspicion) -> bool:
    """Bring the subject up to the row; whether anything changed."""
    before = [getattr(subject, name) for name in _SHOWN]
    for name in _SHOWN:
        setattr(subject, name, getattr(row, name))
    return before != [getattr(subject, name) for name in _SHOWN]


def _merge(case: Case, into: Case, subjects: Iterable[CaseSubject]) -> None:
    """The younger case goes into the older one with all that it has; what was written down stays under its own number."""
    advance(case, "merge", by=None, update={"merged_into": into})
    CaseSubject.objects.filter(case=case, frozen=False).update(case=into)
    for subject in subjects:
        if subject.case_id == case.pk:
            subject.case = into


def _bring_up(cases: Iterable[Case], subjects: Iterable[CaseSubject]) -> None:
    """Rank, outcome, weight and amount of the cases that are alive, from their subjects."""
    of_case: dict[int, list[CaseSubject]] = defaultdict(list)
    for subject in subjects:
        of_case[subject.case_id].append(subject)
    changed = []
    for case in cases:
        if case.state not in ALIVE:
            continue
        mine = of_case[case.pk]
        now = _figures(mine)
        if now != (case.outcome, case.rank, case.weight, case.amount):
            case.outcome, case.rank, case.weight, case.amount = now
            changed.append(case)
    Case.objects.bulk_update(changed, ("outcome", "rank", "weight", "amount"), batch_size=BATCH)


def _figures(subjects: Sequence[CaseSubject]) -> tuple[str, int | None, Decimal, Decimal]:
    outcome = max((one.outcome for one in subjects if one.outcome), key=_STRICTNESS.__getitem__, default="")
    rank = min((one.rank for one in subjects if one.rank is not None), default=None)
    weight = max((one.weight for one in subjects), default=Decimal(0))
    claims = [one for one in subjects if one.subject_kind == "claim"] or subjects
    return outcome, rank, weight, sum((one.amount for one in claims), Decimal("0.00"))
