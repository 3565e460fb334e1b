"""Caps between the rules and the ledger: the engine names them (``CapKey``), the ledger has an account for each.

What is used of a cap is read from its account, never added up from cases; the ledger refuses in the same chain whatever
would go beyond it, however many ask at once.

A project may have been counted under several numbers before a person found them to be one (casework's merging, which tells
this module by ``register_projects``): each keeps its account, and the limit holds over their sum, as with a group's.

A group's cap has an account for each company, and its limit holds over the sum of those that belong to the group on the case's
day: who joins brings along what it has used, who leaves takes it away, and no account is ever moved. The ledger locks the
accounts of all members before it adds them up (``vouchers/sql/ledger_sums.sql``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import F

from vouchers.actions.groups import members_of, top_of
from vouchers.actions.ledger_chains import Cap
from vouchers.actions.rolling_caps import gone_by
from vouchers.models import LedgerAccount
from vouchers.money import ZERO
from vouchers.policy.assessment import Assessment, CapKey
from vouchers.policy.caps import ROLLING, cap_keys, period_of
from vouchers.policy.codes import is_part_code, is_program_code
from vouchers.policy.facts import Facts, UsedAmounts
from vouchers.policy.rules import Cap as CapRule
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject, CountsAt


def ledger_cap(program: str, key: CapKey, amount: Decimal | None = None) -> Cap:
    """The ledger's name of a cap: the same across versions of a program, so that a new version does not give it twice, and
    no other program's: the database refuses a program whose hash begins as another's does. Raises ``ValueError`` for a
    code that would blur the name."""
    if not is_program_code(program) or not is_part_code(key.code) or ":" in key.period:
        raise ValueError(f"not a name for an account of a cap: {program!r} {key.code!r} {key.period!r}")
    return Cap(
        publication_hash=hashlib.sha256(program.encode()).hexdigest(),
        cap_code=f"{key.code}.{key.event}",
        subject=key.subject,
        period=key.period,
        limit=key.limit,
        amount=amount,
        shared=key.subject_kind == CapSubject.POOL.value,
    )


_projects: list[Callable[[str], frozenset[str]]] = []
_survivors: list[Callable[[], Mapping[str, str]]] = []


def register_projects(
    counted_together: Callable[[str], frozenset[str]], survivors: Callable[[], Mapping[str, str]]
) -> None:
    """Tell by which numbers a project's caps are counted together, and into which number each that was merged went; called once,
    by the app that knows projects."""
    _projects[:] = [counted_together]
    _survivors[:] = [survivors]


def grouped(cap: Cap, key: CapKey, own: str, on: date) -> Cap:
    """Of a group: the account of the applicant ``own``, and those of all that belong to its group on the case's day. Of a
    project: its own, and those of what was merged into it."""
    if key.subject_kind == CapSubject.PROJECT.value and _projects:
        numbers = _projects[0](key.subject) | {key.subject}
        if len(numbers) > 1:
            return replace(cap, group=key.subject, together=tuple(sorted(numbers)))
        return cap
    if key.subject_kind != CapSubject.GROUP.value:
        return cap
    members = members_of(key.subject, on) | {own}
    return replace(cap, subject=own, group=key.subject, together=tuple(sorted(members)))


def accounts_of(cap: Cap) -> list[str]:
    """The accounts over which the cap's limit holds."""
    return [cap.code_of(subject) for subject in cap.together] or [cap.code]


def account_codes(scheme: Scheme, facts: Facts) -> dict[str, str]:
    """The accounts of every cap that concerns the case, each with the key of its cap."""
    key_of: dict[str, str] = {}
    for key in cap_keys(scheme, facts):
        cap = grouped(ledger_cap(scheme.program, key), key, facts.applicant.uscc, facts.on)
        key_of |= dict.fromkeys(accounts_of(cap), key.key)
    return key_of


def used_amounts(
    scheme: Scheme, facts: Facts, accounts: Mapping[str, LedgerAccount] | None = None
) -> UsedAmounts:
    """What is used or reserved of every cap that concerns the case, as the ledger has it now; of a group's, by all of it.
    ``accounts`` are those of ``account_codes``, where they were read already."""
    key_of = account_codes(scheme, facts)
    if accounts is None:
        accounts = {one.code: one for one in LedgerAccount.objects.filter(code__in=key_of)}
    gone = gone_by(_rolling(key_of), facts.on)
    used: dict[str, Decimal] = {}
    for code in key_of:
        account = accounts.get(code)
        if account is None:
            continue
        name = key_of[account.code]
        used[name] = used.get(name, ZERO) + account.used - gone.get(account.code, ZERO)
    return UsedAmounts(caps=used, year_basis=facts.used.year_basis)


def caps_of(scheme: Scheme, facts: Facts, assessment: Assessment) -> Sequence[Cap]:
    """The caps that granting the assessed amount takes, for the ledger's chain."""
    keys = {key.key: key for key in cap_keys(scheme, facts)}
    caps = [
        grouped(
            ledger_cap(scheme.program, keys[use.key], use.amount),
            keys[use.key],
            facts.applicant.uscc,
            facts.on,
        )
        for use in assessment.cap_uses
    ]
    return within_the_year(caps, facts.on)


def within_the_year(caps: Sequence[Cap], on: date) -> list[Cap]:
    """The caps with the limits that the ledger holds them to: of a rolling year, raised by what has left it by the day."""
    gone = gone_by(_rolling(code for cap in caps for code in accounts_of(cap)), on)
    return [
        replace(cap, limit=cap.limit + sum((gone.get(code, ZERO) for code in accounts_of(cap)), ZERO))
        for cap in caps
    ]


def _rolling(codes: Iterable[str]) -> list[str]:
    return [code for code in codes if code.endswith(f":{ROLLING}")]


@dataclass(frozen=True)
class CapChange:
    """A cap whose limit another version sets otherwise: `above` counts the subjects that have used more than the new limit
    already in the period that runs on its first day, `used` those that have used anything."""

    name: str
    before: Decimal
    after: Decimal
    period: str
    used: int
    above: int

    @property
    def lowered(self) -> bool:
        """Whether less is allowed than before."""
        return self.after < self.before


def cap_changes(before: Scheme, after: Scheme, on: date) -> list[CapChange]:
    """The caps of one amount in both versions and another in each, with what the ledger has counted of them.

    Nothing has to be done about them: each case is held to the limit of its own version, over what all have used.
    """
    old = {cap.code: cap for cap in before.caps}
    changes = []
    for cap in after.caps:
        earlier = old.get(cap.code)
        if earlier is None or earlier.amount is None or cap.amount is None or earlier.amount == cap.amount:
            continue
        if not cap.switched_on:
            continue
        used, above = _counted(after.program, cap, cap.amount, on)
        changes.append(CapChange(cap.name, earlier.amount, cap.amount, period_of(cap, on), used, above))
    return changes


def _counted(program: str, cap: CapRule, limit: Decimal, on: date) -> tuple[int, int]:
    head = f"cap:{hashlib.sha256(program.encode()).hexdigest()[:12]}:{cap.code}."
    events = ("issue", "claim") if cap.counts_at is CountsAt.BOTH else (cap.counts_at.value,)
    taken = dict(
        LedgerAccount.objects.filter(
            kind="cap", code__startswith=head, code__endswith=f":{period_of(cap, on)}"
        )
        .annotate(
            taken=F("limit_amount")
            - F("credits_posted")
            + F("debits_posted")
            + F("debits_pending")
            + F("till_debits")
            + F("till_pending"),
        )
        .filter(taken__gt=0)
        .values_list("code", "taken")
    )
    for code, amount in gone_by(_rolling(taken), on).items():
        taken[code] -= amount
    merged = _survivors[0]() if cap.subject is CapSubject.PROJECT and _survivors else {}
    by_event: dict[tuple[str, str], Decimal] = {}
    for code, amount in taken.items():
        event, _colon, subject = code.removeprefix(head).removesuffix(f":{period_of(cap, on)}").partition(":")
        if event in events and amount > 0:
            if cap.subject is CapSubject.GROUP:
                subject = top_of(subject, on)
            subject = merged.get(subject, subject)
            by_event[event, subject] = by_event.get((event, subject), ZERO) + amount
    most: dict[str, Decimal] = {}
    for (_event, subject), amount in by_event.items():
        most[subject] = max(most.get(subject, ZERO), amount)
    return len(most), sum(amount > limit for amount in most.values())
