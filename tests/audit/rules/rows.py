"""Plain rows for the fixtures of rules: one honest lease of March to May 2025 with one invoice and one claim, to be bent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from audit.rules import RULES
from audit.rules.base import Found, Hit
from audit.rules.facts import Facts, RowSource

D = Decimal
LESSEE, LESSOR, OTHER, THIRD = 1, 2, 3, 4
FAR = date(9000, 1, 1)


def instant(day: date, hour: int = 10) -> int:
    """A day's hour as microseconds."""
    return int(datetime(day.year, day.month, day.day, hour).timestamp()) * 1_000_000


def party(identity: int, **more: Any) -> dict[str, Any]:
    return {"id": identity, "uscc": f"USCC{identity}", "legal_rep": f"rep{identity}", **more}


def lease(identity: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "lessee": LESSEE, "lessor": LESSOR, "live": True, "signed_on": date(2025, 2, 20),
        "starts_on": date(2025, 3, 1), "ends_before": date(2025, 6, 1), "amount": D("300000"), "exclusive": True,
        "unit_price": D("10"), "by_card_hour": False, **more,
    }  # fmt: skip


def invoice(identity: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "key": f"no{identity}", "number": f"no{identity}", "net": D("100000"), "gross": D("106000"),
        "issued_on": date(2025, 3, 31), "status": 0, "seller": f"USCC{LESSOR}", "buyer": f"USCC{LESSEE}", "lease": 1,
        "digital": True, **more,
    }  # fmt: skip


def claim(identity: int = 1, **more: Any) -> dict[str, Any]:
    on = more.pop("on", date(2025, 6, 2))
    return {
        "id": identity, "lease": 1, "enterprise": LESSEE, "live": True, "submitted_at": instant(on, identity % 24),
        "submitted_on": on, "amount": D("20000"), **more,
    }  # fmt: skip


def item(identity: int = 1, **more: Any) -> dict[str, Any]:
    number = more.pop("no", identity)
    return {
        "id": identity,
        "claim": identity,
        "invoice": number,
        "key": f"no{number}",
        "net": D("100000"),
        **more,
    }


def let(
    identity: int, lease_id: int, serial: str, starts: date, last: date, share: str = "1"
) -> dict[str, Any]:
    """A device's time, both days counted."""
    return {
        "id": identity, "lease": lease_id, "serial": serial, "starts": starts,
        "ends": date.fromordinal(last.toordinal() + 1), "share": D(share),
    }  # fmt: skip


def holding(
    identity: int,
    company: int,
    holder: str,
    percent: str,
    starts: date = date(2020, 1, 1),
    ends: date = FAR,
    **more: Any,
) -> dict[str, Any]:
    return {
        "id": identity, "company": company, "holder": holder, "holder_is_company": holder.startswith("USCC"),
        "percent": D(percent), "starts": starts, "ends": ends, "public_body": False, **more,
    }  # fmt: skip


def facts(**tables: list[dict[str, Any]]) -> Facts:
    """The honest case, with the tables that are given in the place of its own."""
    honest: dict[str, list[dict[str, Any]]] = {
        "parties": [party(n) for n in (LESSEE, LESSOR, OTHER, THIRD)],
        "leases": [lease()],
        "invoices": [invoice()],
        "claims": [claim()],
        "items": [item()],
    }
    return Facts(RowSource({**honest, **tables}, {}))


# What ``nudged`` puts in the place of a rule's defaults; what a fixture names itself stays.
_NUDGED: dict[str, dict[str, Any]] = {}


@contextmanager
def nudged(rule: str, name: str, value: Any) -> Iterator[None]:
    """The fixtures of a rule, as if it shipped with another value of this parameter."""
    _NUDGED[rule] = {name: value}
    try:
        yield
    finally:
        _NUDGED.clear()


def answer(rule: str, found: Facts, parameters: Mapping[str, Any] | None = None) -> Found:
    """The rule over these facts with the parameters that it ships with, but for those named."""
    return RULES[rule].run(found, {**_NUDGED.get(rule, {}), **(parameters or {})})


def run(rule: str, parameters: Mapping[str, Any] | None = None, /, **tables: list[dict[str, Any]]) -> Found:
    return answer(rule, facts(**tables), parameters)


def flagged(found: Found, severity: str = "hard") -> list[int | None]:
    """The claims that are flagged so."""
    return sorted((hit.claim for hit in found.hits if hit.severity == severity), key=lambda one: one or 0)


def only(found: Found) -> Hit:
    (hit,) = found.hits
    return hit
