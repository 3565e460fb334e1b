"""Public business numbers: a prefix, the year, and a counter from a PostgreSQL sequence.

A sequence is never locked and never rolled back, so numbers may have gaps; no two are equal. Primary keys are never shown.
Eight digits: the past years that an office brings along are numbered with six or seven (dataset-format), so a live number
never meets an imported one.
"""

from __future__ import annotations

from datetime import date

from django.db import connection

PREFIXES = {
    "A": "application",
    "V": "voucher",
    "E": "entitlement",
    "L": "lease",
    "X": "project",
    "C": "claim",
    "S": "settlement",
    "H": "hold",
    "B": "issue_batch",
    "PB": "payment_batch",
    "P": "payment",
    "BR": "bank_return",
    "CO": "carry_over",
    "R": "clawback",
    "O": "objection",
    "N": "notice",
    "K": "case",
    "F": "paper",
    "J": "job",
    "PC": "price_check",
    "WH": "webhook",
    "SB": "settlement_batch",
    "SO": "set_off",
    "RF": "refund",
    "RA": "receiving_account",
    "BW": "budget_withdrawal",
    "PF": "price_file",
    "RD": "reporting_duty",
    "PR": "price_report",
    "RV": "review_draw",
    "SN": "snooze",
    "AS": "audit_sample",
}


def next_no(prefix: str, on: date) -> str:
    """The next number, such as ``A-2025-00000123``. Raises ``KeyError`` for an unknown prefix."""
    sequence = f"{PREFIXES[prefix]}_no_seq"
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass)", [sequence])
        (value,) = cursor.fetchone()
    return number_of(prefix, on, value)


def number_of(prefix: str, on: date, value: int) -> str:
    """The number of a value that its sequence has given already. Raises ``KeyError`` for an unknown prefix."""
    assert PREFIXES[prefix]
    return f"{prefix}-{on.year}-{value:08d}"
