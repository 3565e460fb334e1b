"""The office breaks a contract's price down: what is compute is held against the fair price anew, in every case it looks at."""

from __future__ import annotations

from decimal import Decimal

from applications.actions.assessments import reassess, scheme_of
from applications.actions.cases import PRICE_CHECK, forget_answers
from applications.actions.lease_splits import (
    SPLITTABLE,
    Parts,
    open_cases,
    record_split,
    require_sound,
    write_split,
)
from applications.actions.leases import as_it_stands, check_lease_price
from applications.models import Claim, Lease, LeaseSplit
from applications.models.lease_splits import SplitSource
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User


def split_lease(
    lease: Lease, parts: Parts, *, by: User, reason: str, quantity: Decimal | None = None
) -> LeaseSplit:
    """拆分合同价款: by a handler of the contract's region, with the place in the contract or the price list it rests on.

    ``quantity``: the units of compute, where the contract's own quantity is none or another. A breakdown is one person's until a
    second handler saves the same, and goes to review so long. The price is checked and the cases under review are
    assessed anew; what was decided stays. Raises ``Forbidden``, ``NotNow`` (``lease.split_closed``)
    and ``Invalid`` (``lease.parts…``, ``lease.split_reason``).
    """
    announce("lease.split", reason)
    require_role(by, Role.HANDLER, region=lease.program_region_code)
    as_it_stands(lease)
    if lease.state not in SPLITTABLE or lease.origin != "live":
        raise NotNow(
            "lease.split_closed",
            f"合同 {lease.lease_no} 目前为“{lease.get_state_display()}”，不能拆分价款。",
            hint="合同备案后、终止或作废前可以拆分。",
        )
    if not reason.strip():
        raise Invalid(
            "lease.split_reason", "请写明拆分所依据的合同条款或报价清单，审计时会查看。", field="reason"
        )
    require_sound(parts, lease, quantity)
    split = write_split(
        lease, parts, source=SplitSource.OFFICE, reason=reason.strip(), by=by, quantity=quantity
    )
    if not lease.bundled:
        lease.bundled = True
        lease.save(update_fields=["bundled"])
    for case in open_cases(lease):
        case.lease = lease
        _publication, scheme = scheme_of(case)
        check = check_lease_price(lease, scheme)
        if isinstance(case, Claim):
            case.price_check = check
            case.save(update_fields=["price_check"])
        record_split(case, split, by=by)
        forget_answers(case, PRICE_CHECK)
        reassess(case)
    return split
