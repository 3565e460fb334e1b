"""The database's own part: functions, triggers and grants, loaded by migrations and after each migrate."""

from __future__ import annotations

from pathlib import Path

#: the ledger's functions, in the order in which they are loaded; all of them together, when one has changed
LEDGER = (
    "ledger.sql",
    "ledger_sums.sql",
    "ledger_shares.sql",
    "ledger_requests.sql",
    "ledger_plain.sql",
    "ledger_tills.sql",
    "ledger_booking.sql",
    "ledger_issues.sql",
    "ledger_batches.sql",
    "ledger_privileges.sql",
)


def load(name: str) -> str:
    """The text of an SQL file of this package, for ``RunSQL`` (``load("ledger.sql")``)."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
