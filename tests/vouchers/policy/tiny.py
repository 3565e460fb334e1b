"""Tiny schemes and facts, from which a test says only what is its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t

D = Decimal
CITE = r.Citation("测试文件", "第一条")


def track(code: str = "a", **changes: Any) -> r.Track:
    """A track for users of compute that counts invoices."""
    base: dict[str, Any] = {
        "cite": CITE,
        "code": code,
        "name": f"方向{code}",
        "side": t.Side.DEMAND,
        "pay_to": t.PayTo.REIMBURSE_APPLICANT,
        "basis_kinds": (t.BasisKind.INVOICE_LINE,),
    }
    return r.Track(**(base | changes))


def rate(value: str | None, code: str = "flat", **changes: Any) -> r.Rate:
    """A rate of track a."""
    base: dict[str, Any] = {
        "cite": CITE,
        "code": code,
        "track": "a",
        "rate": None if value is None else D(value),
    }
    return r.Rate(**(base | changes))


def cap(amount: str | None, subject: t.CapSubject = t.CapSubject.ENTERPRISE, **changes: Any) -> r.Cap:
    """A cap, counted without a period."""
    base: dict[str, Any] = {
        "cite": CITE,
        "code": "cap",
        "name": "限额",
        "subject": subject,
        "amount": None if amount is None else D(amount),
    }
    return r.Cap(**(base | changes))


def floor(amount: str, measure: t.FloorMeasure = t.FloorMeasure.BASIS, **changes: Any) -> r.Floor:
    """A floor at every stage."""
    base: dict[str, Any] = {
        "cite": CITE,
        "code": "floor",
        "name": "起补线",
        "measure": measure,
        "amount": D(amount),
        "stages": tuple(t.Stage),
    }
    return r.Floor(**(base | changes))


def gate(kind: t.GateKind, **changes: Any) -> r.Gate:
    """A condition of that kind."""
    return r.Gate(**({"cite": CITE, "code": "gate", "kind": kind, "text": "条件"} | changes))


def scheme(**changes: Any) -> r.Scheme:
    """Invoices without tax at 30 %, truncated to the fen; no caps, no conditions, no voucher."""
    base: dict[str, Any] = {
        "cite": CITE,
        "program": "T",
        "label": "一",
        "title": "测试",
        "region": "110000",
        "side": t.Side.DEMAND,
        "tracks": (track(),),
        "rates": (rate("0.3"),),
        "price": r.PriceRule(cite=CITE),
        "other_money": r.OtherPublicMoney(cite=CITE),
        "voucher": r.VoucherKind(cite=CITE, issues_voucher=False),
        "issue": r.WayOfIssue(cite=CITE),
        "rounding": r.Rounding(cite=CITE),
        "effective_from": date(2024, 1, 1),
    }
    return r.Scheme(**(base | changes))


def item(amount: str, number: str = "1", **changes: Any) -> f.BasisItemFacts:
    """A line of an invoice."""
    base: dict[str, Any] = {"item_no": number, "kind": t.BasisKind.INVOICE_LINE, "net_amount": D(amount)}
    return f.BasisItemFacts(**(base | changes))


def party(**changes: Any) -> f.PartyFacts:
    """An enterprise."""
    return f.PartyFacts(**({"uscc": "U", "name": "某企业"} | changes))


def claim(*items: str | f.BasisItemFacts, **changes: Any) -> f.Facts:
    """A claim on 3 March 2025 with such items, or lines of such amounts."""
    rows = tuple(
        item(one, str(number)) if isinstance(one, str) else one for number, one in enumerate(items, start=1)
    )
    base: dict[str, Any] = {
        "stage": t.Stage.CLAIM,
        "on": date(2025, 3, 3),
        "applicant": party(),
        "items": rows,
    }
    return f.Facts(**(base | changes))


def contract(number: str = "L", **changes: Any) -> f.ContractFacts:
    """A lease."""
    return f.ContractFacts(**({"contract_no": number} | changes))


def application(*contracts: f.ContractFacts, **changes: Any) -> f.Facts:
    """An application on 3 March 2025 on such contracts."""
    base: dict[str, Any] = {
        "stage": t.Stage.APPLICATION,
        "on": date(2025, 3, 3),
        "applicant": party(),
        "contracts": contracts,
    }
    return f.Facts(**(base | changes))


def used(facts: f.Facts, **amounts: str) -> f.Facts:
    """The facts with so much used of caps, by their keys with `__` for a colon."""
    caps = {key.replace("__", ":"): D(amount) for key, amount in amounts.items()}
    return replace(facts, used=replace(facts.used, caps=caps))
