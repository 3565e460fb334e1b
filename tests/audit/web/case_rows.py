"""Cases as plain facts, for the tests of their drawings: a small ring, and one of twenty parties and sixty contracts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from audit.case_facts import (
    AccountKnown,
    BilledKnown,
    CaseFacts,
    DeclaredKnown,
    HoldingKnown,
    LeaseKnown,
    LetKnown,
    MeteredKnown,
    PartyKnown,
    PriceKnown,
    SalesKnown,
    TransferKnown,
)

DAY = timedelta(days=1)
LONG = "北京市经济技术开发区云上智能计算与大数据融合创新应用技术研究院有限责任公司"


def party(uscc: str, name: str, **more: object) -> PartyKnown:
    """A company."""
    return PartyKnown(uscc, name, recorded_on=date(2025, 1, 2), **more)  # type: ignore[arg-type]


def lease(no: str, lessee: str, lessor: str, **more: object) -> LeaseKnown:
    """A contract of the second quarter at 20 yuan a card hour."""
    fields: dict[str, object] = {
        "lease_no": no,
        "lessee": lessee,
        "lessor": lessor,
        "signed_on": date(2025, 3, 20),
        "starts_on": date(2025, 4, 1),
        "ends_before": date(2025, 7, 1),
        "amount": Decimal("300000.00"),
        "program_code": "BJ-AIQ",
        "unit": "card_hour",
        "unit_price": Decimal("20.000000"),
        "cards": 8,
        "accelerator": "H800",
        "exclusive": True,
    }
    return LeaseKnown(**{**fields, **more})  # type: ignore[arg-type]


def let(serial: str, lease_no: str, who: int, since: date, last: date, **more: object) -> LetKnown:
    """A device's time, both days counted."""
    fields: dict[str, object] = {
        "serial": serial,
        "place": sum(map(ord, lease_no)),
        "who": who,
        "lease_no": lease_no,
        "lessee_name": f"承租方{who}",
        "since": since,
        "until": last + DAY,
        "share": Decimal(1),
        "exclusive": True,
        "program_code": "BJ-AIQ",
    }
    return LetKnown(**{**fields, **more})  # type: ignore[arg-type]


def price(
    lease_no: str, paid: str, *, lower: str = "18", base: str = "20", upper: str = "22", grade: str = "B"
) -> PriceKnown:
    """A contract's price held against a band."""
    above = Decimal(paid) > Decimal(upper)
    return PriceKnown(
        f"PC-{lease_no}", lease_no, date(2025, 3, 20), Decimal(paid), Decimal(lower), Decimal(base), Decimal(upper),
        Decimal(upper) if above else Decimal(paid), grade, 7, "H800/card", "above" if above else "within",
        "高于上限" if above else "在区间内", "cut" if above else "passed", "按上限认定" if above else "通过", f"合同单价 {paid}。",
    )  # fmt: skip


def billed(
    lease_no: str, no: str, since: date, until: date, hours: str | None = None, net: str = "100000.00"
):
    """An invoice over a period, half-open."""
    return BilledKnown(
        lease_no, no, since, since, until, Decimal(net), Decimal(hours) if hours is not None else None
    )


def metered(lease_no: str, month: date, hours: str, days: int, source: str = "platform") -> MeteredKnown:
    """A month's use."""
    return MeteredKnown(lease_no, month, source, Decimal(hours), days)


def ring() -> CaseFacts:
    """Two lessees and a lessor with one representative, an account of two, one machine let twice, money that comes back."""
    return CaseFacts(
        parties={
            "A": party("A", "甲智能科技有限公司", legal_rep="王某", legal_rep_id="rep1"),
            "B": party("B", "乙数据服务有限公司", phone="13800000000"),
            "P": party("P", LONG, legal_rep="王某", legal_rep_id="rep1", phone="13800000000"),
        },
        leases={
            "L-1": lease("L-1", "A", "P"),
            "L-2": lease("L-2", "B", "P", signed_on=date(2025, 4, 10), starts_on=date(2025, 5, 1)),
        },
        accounts=(
            AccountKnown("BA-1", "A", "6222000000001234", date(2025, 1, 2)),
            AccountKnown("BA-2", "B", "6222000000001234", date(2025, 1, 3)),
            AccountKnown("BA-3", "P", "6222000000009999", date(2025, 1, 4)),
        ),
        holdings=(HoldingKnown("SH-1", "A", "P", LONG, True, Decimal("60.0000"), date(2024, 1, 1)),),
        declared=(DeclaredKnown("DA-1", "B", "P", "同受控制", date(2025, 2, 1)),),
        transfers=(
            TransferKnown("R1", "A", "P", date(2025, 5, 2), Decimal("100000.00")),
            TransferKnown("R2", "P", "A", date(2025, 5, 9), Decimal("60000.00")),
        ),
        sales=(
            SalesKnown("P", "A", 3, Decimal("300000.00"), "25110000000000000001", date(2025, 4, 30), date(2025, 6, 30)),
        ),
        lets=(
            let("NVA1", "L-1", 1, date(2025, 4, 1), date(2025, 6, 30)),
            let("NVA1", "L-2", 2, date(2025, 5, 1), date(2025, 6, 30)),
            let("NVA2", "L-1", 1, date(2025, 4, 1), date(2025, 6, 30)),
        ),
        prices={"L-1": price("L-1", "31.20"), "L-2": price("L-2", "20.50")},
        metered=tuple(metered("L-1", date(2025, month, 1), "10.00", 30) for month in (4, 5, 6)),
        billed=(billed("L-1", "1", date(2025, 4, 1), date(2025, 7, 1), "17472"),),
        spread={("legal_rep", "rep1"): 2, ("phone", "13800000000"): 2, ("account", "6222000000001234"): 2},
    )  # fmt: skip


def many(parties: int = 20, leases: int = 60) -> CaseFacts:
    """Lessees around a few lessors with long names, machines let twice, prices of all kinds, a year of use."""
    lessors = [f"P{n:02}" for n in range(max(1, parties // 5))]
    lessees = [f"A{n:02}" for n in range(parties - len(lessors))]
    known = {
        uscc: party(uscc, f"第{n}号{LONG}", phone=f"1380000{n // 4:04}", legal_rep=f"代表{n // 3}", legal_rep_id=f"rep{n // 3}")
        for n, uscc in enumerate([*lessees, *lessors])
    }  # fmt: skip
    rows, lets, prices, used, invoices = {}, [], {}, [], []
    for n in range(leases):
        no = f"L-2025-{n:08}"
        since = date(2025, 1, 1) + 3 * n * DAY
        row = lease(
            no,
            lessees[n % len(lessees)],
            lessors[n % len(lessors)],
            starts_on=since,
            ends_before=since + 360 * DAY,
        )
        rows[no] = row
        for device in range(4):
            serial = f"NVH800-{n // 2 if n < 24 else n:04}-{device}"
            lets.append(
                let(
                    serial,
                    no,
                    n % len(lessees),
                    since,
                    since + 359 * DAY,
                    place=n,
                    lessee_name=known[row.lessee].name,
                )
            )
        prices[no] = price(no, f"{16 + n % 17}.50", grade="ABCDE"[n % 5])
        for month in range(1, 13):
            used.append(metered(no, date(2025, month, 1), f"{n * 97 % 5800}.25", 30))
        invoices.append(billed(no, f"{n}", since, since + 360 * DAY, "69120"))
    accounts = tuple(
        AccountKnown(f"BA-{n}", uscc, f"62220000000{n // 2:05}", date(2025, 1, 2))
        for n, uscc in enumerate(known)
    )
    return CaseFacts(
        parties=known, leases=rows, accounts=accounts, lets=tuple(lets), prices=prices, metered=tuple(used), billed=tuple(invoices),
        transfers=tuple(TransferKnown(f"R{n}", lessees[n % len(lessees)], lessors[n % len(lessors)], date(2025, 5, 2), Decimal(1000 * n)) for n in range(1, 40)),
    )  # fmt: skip
