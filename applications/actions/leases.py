"""算力租用合同: drafted with an application, filed, its price held against the fair range of the signing date, verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from applications.actions.lease_splits import faults, state_parts
from applications.invoice_prices import billed_prices, is_held
from applications.lease_prices import priced_contract
from applications.models import Claim, Lease, LeaseDevice
from applications.models.claims import DEAD_STATES
from applications.models.leases import LeaseState
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.price_checks import check_price
from vouchers.context import announce, announced
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Party, PriceCheck, Program, User
from vouchers.numbers import next_no
from vouchers.policy.prices.quantities import comes_to, product_of
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import AboveBand, ContractKind
from vouchers.policy.words import day_words
from vouchers.states import advance


@dataclass(frozen=True, kw_only=True)
class LeaseFields:
    """What a person fills in of a contract. ``ends_on`` is the last day, as contracts write it; prices are without tax.
    ``parts``: of a bundled price, yuan by component, as far as the contract tells them apart."""

    lessor: Party
    kind: str = ContractKind.LEASE.value
    contract_no: str = ""
    product: str = ""
    region_code: str
    signed_on: date
    starts_on: date
    ends_on: date
    accelerator: str = ""
    form_factor: str = ""
    cards: int | None = None
    unit: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    vat_rate: Decimal = Decimal("0.06")
    amount: Decimal
    purpose: str = ""
    exclusive: bool = False
    bundled: bool = False
    parts: Mapping[str, Decimal] = field(default_factory=dict)
    document_text: str = ""
    document_sha256: str = ""


def _check(fields: LeaseFields, lessee: Party) -> None:
    problems = []
    if fields.ends_on < fields.starts_on:
        problems.append(
            Invalid(
                "lease.period",
                f"合同结束日 {day_words(fields.ends_on)} 早于开始日 {day_words(fields.starts_on)}，请对照合同核对。",
                field="ends_on",
            )
        )
    if fields.amount <= 0:
        problems.append(Invalid("lease.amount", "合同金额应大于 0。", field="amount"))
    if fields.signed_on > dates.today():
        problems.append(Invalid("lease.signed_later", "合同签订日不能晚于今天。", field="signed_on"))
    if fields.lessor.pk == lessee.pk:
        problems.append(Invalid("lease.same_party", "承租方与出租方不能是同一单位。", field="lessor"))
    if fields.kind == ContractKind.LEASE.value:
        if not fields.accelerator:
            problems.append(Invalid("lease.accelerator", "请选择加速卡型号。", field="accelerator"))
        if fields.unit_price is None or fields.unit_price <= 0 or not fields.unit:
            problems.append(Invalid("lease.unit_price", "请填写不含税单价及计价单位。", field="unit_price"))
        elif fields.quantity is not None:
            computed = product_of(fields.unit_price, fields.quantity)
            if not comes_to(fields.unit_price, fields.quantity, fields.amount):
                problems.append(
                    Invalid(
                        "lease.arithmetic",
                        f"单价 × 数量 = {computed:,.2f} 元，与合同金额 {fields.amount:,.2f} 元不一致，请对照合同核对。",
                        field="amount",
                    )
                )
    problems += faults(fields.parts, amount=fields.amount, quantity=fields.quantity, kind=fields.kind)
    if fields.kind == ContractKind.DATA_PRODUCT.value and not fields.product.strip():
        problems.append(Invalid("lease.product", "请填写所购数据产品的名称。", field="product"))
    if problems:
        raise Problems(problems, code="lease.invalid")


def as_it_stands(lease: Lease) -> None:
    """Wait for whoever else acts on it, and look again."""
    lease.refresh_from_db(from_queryset=Lease.objects.select_for_update(no_key=True))


def _columns(fields: LeaseFields) -> dict[str, object]:
    columns = {name: value for name, value in vars(fields).items() if name not in ("ends_on", "parts")}
    # Whoever tells the parts apart says that there are some.
    columns["bundled"] = fields.bundled or any(fields.parts.values())
    columns["ends_before"] = date.fromordinal(fields.ends_on.toordinal() + 1)
    return columns


def draft_lease(program: Program, lessee: Party, fields: LeaseFields, *, by: User) -> Lease:
    """A contract in the making."""
    announce("lease.draft")
    require_role(by, Role.FILER, party=lessee)
    _check(fields, lessee)
    lease = Lease.objects.create(
        lease_no=next_no("L", dates.today()),
        lessee=lessee,
        program_code=program.code,
        program_region_code=program.region.code,
        filer=by,
        **_columns(fields),
    )
    state_parts(lease, fields.parts, by=by)
    return lease


def update_lease(lease: Lease, fields: LeaseFields, *, by: User) -> Lease:
    """Correct a contract that is not filed yet, or was returned."""
    announce("lease.update")
    require_role(by, Role.FILER, party=lease.lessee)
    as_it_stands(lease)
    if lease.state not in (LeaseState.DRAFT, LeaseState.RETURNED):
        raise NotNow("lease.not_editable", "合同备案后不能修改，如需更正请联系经办部门退回补正。")
    _check(fields, lease.lessee)
    for name, value in _columns(fields).items():
        setattr(lease, name, value)
    lease.save()
    state_parts(lease, fields.parts, by=by)
    return lease


def set_devices(lease: Lease, serials: Iterable[str], *, by: User) -> list[LeaseDevice]:
    """The devices that are let, for the whole term; replaces what was listed before. By the lessee until the contract is
    filed, then by a handler of its region until it is verified."""
    announce("lease.set_devices")
    as_it_stands(lease)
    if lease.state in (LeaseState.DRAFT, LeaseState.RETURNED):
        require_role(by, Role.FILER, party=lease.lessee)
    else:
        require_role(by, Role.HANDLER, region=lease.program_region_code)
        if lease.state != LeaseState.FILED:
            raise NotNow("lease.devices_fixed", "合同核验后，设备清单不能再更改。")
    lease.devices.all().delete()
    wanted = sorted({serial.strip().upper() for serial in serials if serial.strip()})
    return [
        LeaseDevice.objects.create(
            lease=lease, serial=serial, effective_from=lease.starts_on, effective_to=lease.ends_before
        )
        for serial in wanted
    ]


def file_lease(lease: Lease, *, by: User) -> Lease:
    """备案: from now on its text and figures stand."""
    with announced("lease.file"):
        advance(lease, "file", by=by, party=lease.lessee, update={"filed_at": dates.now(), "filer": by})
    return lease


def return_lease(lease: Lease, *, by: User, reason: str) -> Lease:
    """退回补正. The reason is for the enterprise."""
    _require_reason(reason)
    with announced("lease.return", reason):
        advance(lease, "return", by=by, region=lease.program_region_code)
    return lease


def verify_lease(lease: Lease, *, by: User) -> Lease:
    """A handler has seen the original."""
    announce("lease.verify")
    advance(lease, "verify", by=by, region=lease.program_region_code)
    return lease


def end_lease(lease: Lease, *, by: User, reason: str) -> Lease:
    """终止: the parties have ended it before its time. What was used until then may still be claimed."""
    announce("lease.end", reason)
    _require_reason(reason)
    advance(lease, "end", by=by, region=lease.program_region_code)
    return lease


def void_lease(lease: Lease, *, by: User, reason: str) -> Lease:
    """作废, as long as no claim rests on it."""
    announce("lease.void", reason)
    _require_reason(reason)
    # Whoever decides about a claim on it has its row: who comes first is seen by the other.
    as_it_stands(lease)
    if Claim.objects.filter(lease=lease).exclude(state__in=DEAD_STATES).exists():
        raise NotNow("lease.claimed", "该合同已有办理中或已核准的兑付，不能作废。")
    advance(lease, "void", by=by, region=lease.program_region_code)
    return lease


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("lease.reason", "请写明理由。", field="reason")


def check_lease_price(lease: Lease, scheme: Scheme) -> PriceCheck | None:
    """Hold the contract's price against the fair price of its signing date, with what was known then.

    None where the scheme does not ask for it, or the contract is no compute lease.
    """
    if scheme.price.above_band is AboveBand.NONE or lease.kind != ContractKind.LEASE.value:
        return None
    return check_price(priced_contract(lease), above_band=scheme.price.above_band.value)


def check_invoice_prices(claim: Claim, scheme: Scheme) -> list[PriceCheck]:
    """Hold what each invoice bills for a unit of compute against the fair price of the contract's signing date, and keep it."""
    if not is_held(claim.lease, scheme):
        return []
    above_band = scheme.price.above_band.value
    return [check_price(one.contract, above_band=above_band) for one in billed_prices(claim)]
