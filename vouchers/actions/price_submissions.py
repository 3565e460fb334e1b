"""上报价格 by a provider's platform: many rows under one key, each answered for itself; sent again it is the first answer, to the byte."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from vouchers.access import Role, require_role
from vouchers.actions.price_entries import Taken, take_own_observations
from vouchers.context import announce
from vouchers.errors import InFlight, Invalid
from vouchers.models import Party, PriceSubmission, User
from vouchers.policy.prices.method import canonical_json, sha256_of

MOST_ROWS = 500


@dataclass(frozen=True)
class Submitted:
    """The answer's text, and whether it was made now."""

    body: str
    fresh: bool


def submit_observations(
    rows: Sequence[Mapping[str, str]], *, provider: Party, key: str, single: bool, by: User
) -> Submitted:
    """Take in a provider's own prices under a key. ``single``: one price, whose refusal is raised and leaves the key unused.

    Raises ``InFlight`` (``price.in_flight``) while the same key is worked on, ``Invalid`` (``price.key_reused`` for another body
    under a known key, ``price.empty``, ``price.too_many``) and ``Forbidden`` (``access.role``, ``price.not_admitted``,
    ``price.no_tier``).
    """
    announce("price.submit")
    require_role(by, Role.PLATFORM, party=provider)
    digest = sha256_of(canonical_json([single, [dict(row) for row in rows]]))
    _alone(provider, key)
    known = PriceSubmission.objects.filter(provider=provider, idempotency_key=key).first()
    if known is not None:
        if known.request_sha256 != digest:
            raise Invalid(
                "price.key_reused",
                "该幂等键已用于另一次内容不同的上报，本次未予受理。",
                field="Idempotency-Key",
                hint="新的上报请使用新的幂等键；重发同一次上报须保持内容一致。",
            )
        return Submitted(known.body, fresh=False)
    if not rows:
        raise Invalid("price.empty", "没有价格。", field="observations")
    if len(rows) > MOST_ROWS:
        raise Invalid("price.too_many", f"一次至多上报 {MOST_ROWS} 条，请拆分。", field="observations")
    taken = take_own_observations(provider, list(enumerate(rows, start=1)), feed=f"api {key}"[:60])
    if single and taken[0].outcome == "refused":
        one = taken[0]
        raise Invalid(one.code, one.message, field=one.field)
    body = json.dumps(_answer(taken), ensure_ascii=False, separators=(",", ":"))
    PriceSubmission.objects.create(provider=provider, idempotency_key=key, request_sha256=digest, body=body)
    return Submitted(body, fresh=True)


def _alone(provider: Party, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 5))", [f"price:{provider.uscc}:{key}"]
        )
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise InFlight(
            "price.in_flight", "同一幂等键正在办理，请稍后用原幂等键重发以取得结果。", field="Idempotency-Key"
        )


def _answer(taken: Sequence[Taken]) -> dict[str, Any]:
    counts = Counter(one.outcome for one in taken)
    return {
        "counts": {
            name: counts[name] for name in ("admitted", "quarantined", "set_aside", "known", "refused")
        },
        "lines": [_line(one) for one in taken],
    }


def _line(one: Taken) -> dict[str, Any]:
    row = one.observation
    price = row.normalised_price if row is not None else None
    return {
        "line": one.row_no,
        "outcome": one.outcome,
        "observation_no": row.observation_no if row is not None else None,
        "state": row.state if row is not None else None,
        "normalised_price": None if price is None else f"{price:.6f}",
        "code": one.code,
        "field": one.field,
        "detail": one.message,
    }
