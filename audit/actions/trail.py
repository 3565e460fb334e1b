"""What changes no row and is in the trail all the same: reads, refusals, exports, sign-ins, files imported.

Each writes through ``audit_log_event``, in the running transaction and under its context. Only a refusal opens a
transaction of its own, because the one that was refused is rolled back.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.backends.postgresql.psycopg_any import Jsonb

from vouchers.context import ANONYMOUS, Actor, acting


def log_event(
    operation: str,
    verb: str,
    subject_kind: str,
    subject_no: str,
    *,
    region: str = "",
    facts: dict[str, Any] | None = None,
    reason: str | None = None,
    case: tuple[str, str] = ("", ""),
) -> int:
    """One event that is no row change; its id. ``operation``: read, refusal, export, sign_in or import."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.audit_log_event(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [operation, verb, subject_kind, subject_no, region, Jsonb(facts or {}), reason, *case],
        )
        return int(cursor.fetchone()[0])


def log_read(
    verb: str,
    subject_kind: str,
    subject_no: str,
    *,
    region: str = "",
    facts: dict[str, Any] | None = None,
    case: tuple[str, str] = ("", ""),
) -> int:
    """A sensitive file or personal data was opened. Call it in the request's transaction, before the content is sent."""
    return log_event("read", verb, subject_kind, subject_no, region=region, facts=facts, case=case)


def log_export(
    verb: str, subject_kind: str, subject_no: str, *, region: str = "", facts: dict[str, Any] | None = None
) -> int:
    """A workbook, report or export was made: ``facts`` holds its rows, filter and SHA-256."""
    return log_event("export", verb, subject_kind, subject_no, region=region, facts=facts)


def log_import(name: str, *, rows: int, sha256: str, facts: dict[str, Any] | None = None) -> int:
    """A file was brought in. The rows themselves are counted and digested by the database's own statement trigger."""
    return log_event(
        "import",
        "import_file",
        "imported_file",
        name,
        facts={"rows_taken": rows, "sha256": sha256, **(facts or {})},
    )


def log_sign_in(verb: str, username: str, *, facts: dict[str, Any] | None = None) -> int:
    """``sign_in``, ``sign_out`` or ``sign_in_failed`` of an account."""
    return log_event("sign_in", verb, "user", username[:80], facts=facts)


def log_refusal(
    code: str,
    *,
    actor: Actor | None = None,
    verb: str = "",
    subject_kind: str = "request",
    subject_no: str = "",
    region: str = "",
    request_id: str = "",
    address: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """Something was refused (403, hidden 404, 409). Call it after the refused transaction was rolled back."""
    with acting(actor or ANONYMOUS, verb or code, request_id=request_id, address=address):
        log_event(
            "refusal",
            verb or code,
            subject_kind,
            subject_no,
            region=region,
            facts={"code": code, **(facts or {})},
        )
