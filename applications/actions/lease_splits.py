"""A contract's price by component: what the enterprise states with the contract, what the office splits with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from applications.actions import cases
from applications.lease_prices import split_of, split_words
from applications.models import Application, Claim, Lease, LeaseSplit, LeaseSplitLine
from applications.models.lease_splits import SplitSource
from applications.models.leases import LeaseState
from vouchers import dates
from vouchers.errors import Invalid, Problems
from vouchers.models import User
from vouchers.money import ZERO, thousands, unit_price
from vouchers.policy.terms import Component, ContractKind

#: What a contract's price may hold beside compute; the order in which it is asked for and told.
COMPONENTS = (
    Component.COMPUTE,
    Component.STORAGE,
    Component.NETWORK,
    Component.SECURITY,
    Component.SOFTWARE,
    Component.OTHER,
)
Parts = Mapping[str, Decimal]
"""Yuan without tax by component; what is not in it, or zero, is not in the price."""
SPLITTABLE = (LeaseState.FILED, LeaseState.VERIFIED)
"""The contract stands, and the office may still look at it."""


def given(parts: Parts) -> dict[str, Decimal]:
    """The components that the price holds, in their order."""
    return {one.value: parts[one.value] for one in COMPONENTS if parts.get(one.value)}


def faults(parts: Parts, *, amount: Decimal, quantity: Decimal | None, kind: str) -> list[Invalid]:
    """What is wrong with a breakdown of that amount; empty where nothing is, or none is given."""
    named = {code for code, value in parts.items() if value}
    if not named:
        return []
    found = []
    known = {one.value for one in COMPONENTS}
    if kind != ContractKind.LEASE.value:
        found.append(Invalid("lease.parts_kind", "只有算力租用合同须拆分价款。", field="part_compute"))
    if named - known or any(value < 0 for value in parts.values()):
        found.append(
            Invalid("lease.parts", "各项金额应大于零，费用种类应在所列范围内。", field="part_compute")
        )
    total = sum((parts[code] for code in named), ZERO)
    if total != amount:
        found.append(
            Invalid(
                "lease.parts_sum",
                f"各项合计 {thousands(total)} 元，与合同金额 {thousands(amount)} 元不一致，请对照合同核对。",
                field="part_compute",
            )
        )
    if Component.COMPUTE.value not in named:
        found.append(Invalid("lease.parts_compute", "请填写其中算力的金额。", field="part_compute"))
    elif quantity is None or quantity <= 0:
        found.append(
            Invalid("lease.parts_quantity", "拆分价款须有数量，才能得出算力的单价。", field="quantity")
        )
    return found


def write_split(
    lease: Lease, parts: Parts, *, source: SplitSource, reason: str, by: User, quantity: Decimal | None = None
) -> LeaseSplit:
    """The next revision; with no parts, one that says the former no longer holds."""
    rows = LeaseSplit.objects.filter(lease=lease).order_by("-revision")
    last = rows.values_list("revision", flat=True).first() or 0
    split = LeaseSplit.objects.create(
        lease=lease, revision=last + 1, source=source, reason=reason, made_by=by, made_at=dates.now()
    )
    for code, amount in given(parts).items():
        units = (quantity or lease.quantity) if code == Component.COMPUTE.value else None
        LeaseSplitLine.objects.create(
            split=split,
            component=code,
            net_amount=amount,
            quantity=units,
            unit_price=unit_price(amount / units) if units else None,
        )
    return split


def state_parts(lease: Lease, parts: Parts, *, by: User) -> None:
    """What the enterprise states with the contract. The same again changes nothing, so that what the office confirmed stands."""
    held = split_of(lease)
    wanted = given(parts)
    line = held.compute if held is not None else None
    same = (
        held is not None
        and line is not None
        and {one.component: one.net_amount for one in held.lines.all()} == wanted
        and line.quantity == lease.quantity
    )
    if same or (held is None and not wanted):
        return
    write_split(lease, wanted, source=SplitSource.STATED, reason="", by=by)


def open_cases(lease: Lease) -> list[Application | Claim]:
    """The cases on the contract that the office looks at now, as they stand, the oldest first."""
    found: list[Application | Claim] = [
        *Application.objects.filter(lease=lease, state__in=cases.UNDER_REVIEW, origin="live").order_by("pk"),
        *Claim.objects.filter(lease=lease, state__in=cases.UNDER_REVIEW, origin="live").order_by("pk"),
    ]
    for case in found:
        cases.as_it_stands(case)
    return [case for case in found if case.state in cases.UNDER_REVIEW]


def record_split(case: Application | Claim, split: LeaseSplit, *, by: User) -> None:
    """Into the time line of the case: what it is decided on from now on, by whom and why."""
    cases.record(
        case,
        "split_lease",
        by=by,
        before=case.state,
        after=case.state,
        reason=f"{split_words(split)}：{split.reason}",
        internal=True,
    )


def require_sound(parts: Parts, lease: Lease, quantity: Decimal | None) -> None:
    """Raises ``Problems`` (``lease.parts…``) for a breakdown that is none of the contract's price."""
    problems = faults(parts, amount=lease.amount, quantity=quantity or lease.quantity, kind=lease.kind)
    if not given(parts):
        problems = [Invalid("lease.parts_compute", "请填写其中算力的金额。", field="part_compute")]
    if problems:
        raise Problems(problems, code="lease.parts")


def splits_of(lease: Lease) -> list[LeaseSplit]:
    """Every breakdown of the contract's price, the last first."""
    rows = LeaseSplit.objects.filter(lease=lease).select_related("made_by").prefetch_related("lines")
    return list(rows.order_by("-revision"))
