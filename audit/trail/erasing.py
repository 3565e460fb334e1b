"""Erasing personal data: the row's values are emptied, which is an event; then its salt goes, and every digest of them in earlier
events means nothing to anybody. The events themselves, and so the tree, stay as they are."""

from __future__ import annotations

import json

from django.db import connections, transaction

from audit.trail.registry import Tracked

# What of each kind is a person's, and may be emptied; names of companies and accounts stay, for the money's sake.
ERASABLE: dict[str, tuple[str, ...]] = {
    "party": ("legal_rep_name", "legal_rep_id", "phone", "email"),
    "user": ("phone", "email"),
}


def erase(tracked: Tracked, key: str, reason: str) -> list[str]:
    """Empty the personal data of one row and delete its salt, by the owner's connection; the columns that were emptied."""
    columns = [column for column in ERASABLE[tracked.kind] if column in tracked.salted]
    context = {
        "kind": "service",
        "actor": "erase_personal",
        "name": "erase_personal",
        "verb": "personal.erase",
    }
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        said = json.dumps({**context, "reason": reason[:500]}, ensure_ascii=False)
        cursor.execute("SELECT set_config('voucher.context', %s, true)", [said])
        named = ", ".join(f'"{column}"' for column in columns)
        where = f'"{tracked.table}" WHERE "{tracked.key}"::text = %s'
        cursor.execute(f"SELECT {named} FROM {where} FOR UPDATE", [key])
        held = dict(zip(columns, cursor.fetchone(), strict=True))
        filled = [column for column, value in held.items() if value]
        if filled:
            emptied = ", ".join(f"\"{column}\" = ''" for column in filled)
            cursor.execute(f'UPDATE "{tracked.table}" SET {emptied} WHERE "{tracked.key}"::text = %s', [key])
        cursor.execute(
            "DELETE FROM audit_personalsalt WHERE subject_kind = %s AND subject_pk = %s",
            [tracked.kind, key],
        )
    return filled
