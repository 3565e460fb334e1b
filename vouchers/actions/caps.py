"""Caps between the rules and the ledger: the engine names them (``CapKey``), the ledger has an account for each.

What is used of a cap is read from its account, never added up from cases; the ledger refuses in the same chain whatever
would go beyond it, however many ask at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal

from vouchers.actions.ledger_chains import Cap
from vouchers.models import LedgerAccount
from vouchers.policy.assessment import Assessment, CapKey
from vouchers.policy.caps import cap_keys
from vouchers.policy.facts import Facts, UsedAmounts
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject


def ledger_cap(key: CapKey, amount: Decimal | None = None) -> Cap:
    """The ledger's name of a cap: the same across versions of a program, so that a new version does not give it twice."""
    program = key.key.split(":", 1)[0]
    return Cap(
        publication_hash=hashlib.sha256(program.encode()).hexdigest(),
        cap_code=f"{key.code}.{key.event}",
        subject=key.subject,
        period=key.period,
        limit=key.limit,
        amount=amount,
        shared=key.subject_kind == CapSubject.POOL.value,
    )


def used_amounts(scheme: Scheme, facts: Facts) -> UsedAmounts:
    """What is used or reserved of every cap that concerns the case, as the ledger has it now."""
    keys = cap_keys(scheme, facts)
    by_code = {ledger_cap(key).code: key.key for key in keys}
    used = {by_code[account.code]: account.used for account in LedgerAccount.objects.filter(code__in=by_code)}
    return UsedAmounts(caps=used, year_basis=facts.used.year_basis)


def caps_of(scheme: Scheme, facts: Facts, assessment: Assessment) -> Sequence[Cap]:
    """The caps that granting the assessed amount takes, for the ledger's chain."""
    keys = {key.key: key for key in cap_keys(scheme, facts)}
    return [ledger_cap(keys[use.key], use.amount) for use in assessment.cap_uses]
