"""补贴基数明细: what a claim rests on, item by item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from applications.actions.cases import as_it_stands
from applications.evidence import likeness, number_as_meant
from applications.models import BankTransfer, BasisItem, Claim, Invoice, Paper
from applications.models.claims import ClaimKind, ClaimState
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import User
from vouchers.money import ZERO, thousands
from vouchers.policy.terms import BasisKind
from vouchers.policy.words import day_words


@dataclass(frozen=True, kw_only=True)
class ItemFields:
    """One thing that a claim is to rest on. Amounts in yuan without tax; ``period_to`` is the last day, as papers write it."""

    kind: str
    net_amount: Decimal
    tax_amount: Decimal = ZERO
    invoice: Invoice | None = None
    reference: str = ""
    description: str = ""
    period_from: date | None = None
    period_to: date | None = None
    accelerator: str = ""
    component: str = ""
    quantity: Decimal | None = None
    scale_unit: str = ""
    precision: str = ""
    bank_transfer: BankTransfer | None = None
    paper: Paper | None = None


def require_filer(claim: Claim, by: User) -> None:
    """Only the party's own people file: the enterprise's, or for an instant settlement the provider's platform."""
    if claim.kind == ClaimKind.SETTLEMENT:
        require_role(by, Role.PLATFORM, party=claim.provider)
    else:
        require_role(by, Role.FILER, party=claim.enterprise)


def set_items(claim: Claim, items: list[ItemFields], *, by: User) -> list[BasisItem]:
    """What the claim rests on, in this order; replaces what was there. Each item is checked by itself."""
    announce("claim.set_items")
    require_filer(claim, by)
    as_it_stands(claim)
    if claim.state not in (ClaimState.DRAFT, ClaimState.RETURNED):
        raise NotNow("claim.not_editable", "兑付申请提交后不能修改，如需更正请联系经办部门退回补正。")
    rows = items_of(claim, items)
    claim.items.all().delete()
    for row in rows:
        row.save(force_insert=True)
    return rows


def items_of(claim: Claim, items: list[ItemFields]) -> list[BasisItem]:
    """The rows of these items in their order, not saved. Raises ``Problems`` (``claim.items``) for what cannot be one."""
    problems = [
        problem for position, item in enumerate(items, 1) for problem in _check_item(claim, position, item)
    ]
    problems += _over_invoices(items) + _twice(items)
    if problems:
        raise Problems(problems, code="claim.items")
    return [
        BasisItem(
            claim=claim,
            position=position,
            kind=item.kind,
            invoice=item.invoice,
            number_key=item.invoice.number_key if item.invoice else "",
            reference=item.reference,
            reference_key=likeness(item.reference),
            description=item.description,
            net_amount=item.net_amount,
            tax_amount=item.tax_amount,
            period_from=item.period_from,
            period_to=date.fromordinal(item.period_to.toordinal() + 1) if item.period_to else None,
            accelerator=item.accelerator,
            component=item.component,
            quantity=item.quantity,
            scale_unit=item.scale_unit,
            precision=item.precision,
            bank_transfer=item.bank_transfer,
            paper=item.paper,
        )
        for position, item in enumerate(items, 1)
    ]


def _check_item(claim: Claim, position: int, item: ItemFields) -> list[Invalid]:
    field, out = f"items-{position}", []
    if item.kind == BasisKind.DEPLOYED_CAPACITY.value:
        # Counted by its scale, or by its money: the version says which; the scale is always said.
        if item.quantity is None or item.quantity <= 0:
            out.append(Invalid("claim.item_scale", f"第 {position} 项的算力规模应大于 0。", field=field))
        if item.net_amount < 0:
            out.append(Invalid("claim.item_amount", f"第 {position} 项的金额不能为负。", field=field))
    elif item.net_amount <= 0:
        out.append(Invalid("claim.item_amount", f"第 {position} 项的金额应大于 0。", field=field))
    if item.kind == BasisKind.INVOICE_LINE.value:
        if item.invoice is None:
            out.append(Invalid("claim.item_invoice", f"第 {position} 项请选择已提交的发票。", field=field))
        elif item.net_amount > item.invoice.net_amount:
            out.append(
                Invalid(
                    "claim.item_over_invoice",
                    f"第 {position} 项申报 {thousands(item.net_amount)} 元，超过发票 {item.invoice.invoice_no} 的不含税金额 "
                    f"{thousands(item.invoice.net_amount)} 元。",
                    field=field,
                )
            )
    if item.period_from and item.period_to and item.period_to < item.period_from:
        out.append(Invalid("claim.item_period", f"第 {position} 项的服务期结束日早于开始日。", field=field))
    lease = claim.lease
    if lease and item.period_from and item.period_to:
        if item.period_to < lease.starts_on or item.period_from >= lease.ends_before:
            out.append(
                Invalid(
                    "claim.item_outside_lease",
                    f"第 {position} 项的服务期不在合同期 {day_words(lease.starts_on)} 至合同结束日之内。",
                    field=field,
                )
            )
    return out


def _over_invoices(items: list[ItemFields]) -> list[Invalid]:
    """An invoice that is listed by its components, an item each, counts once: together they stay within it."""
    totals: dict[int, Decimal] = {}
    out = []
    for position, item in enumerate(items, 1):
        if item.invoice is None:
            continue
        before = totals.get(item.invoice.pk, ZERO)
        totals[item.invoice.pk] = before + item.net_amount
        if before and totals[item.invoice.pk] > item.invoice.net_amount:
            out.append(
                Invalid(
                    "claim.item_over_invoice",
                    f"发票 {item.invoice.invoice_no} 各项合计申报 {thousands(totals[item.invoice.pk])} 元，超过不含税金额 "
                    f"{thousands(item.invoice.net_amount)} 元。",
                    field=f"items-{position}",
                )
            )
    return out


def _twice(items: list[ItemFields]) -> list[Invalid]:
    """A document is listed once, whatever the spelling of its number; the parts of one contract may be several."""
    seen: set[tuple[str, str]] = set()
    out = []
    for position, item in enumerate(items, 1):
        key = (item.kind, number_as_meant(item.reference))
        if item.invoice is not None or not key[1] or item.kind == BasisKind.CONTRACT_AMOUNT.value:
            continue
        if key in seen:
            out.append(
                Invalid(
                    "claim.item_twice",
                    f"第 {position} 项的凭证 {item.reference} 已列入本次兑付，不能重复计入。",
                    field=f"items-{position}",
                )
            )
        seen.add(key)
    return out


def fields_of(item: BasisItem) -> ItemFields:
    """An item as a person filled it in: the end of its period as the last day."""
    return ItemFields(
        kind=item.kind,
        net_amount=item.net_amount,
        tax_amount=item.tax_amount,
        invoice=item.invoice,
        reference=item.reference,
        description=item.description,
        period_from=item.period_from,
        period_to=date.fromordinal(item.period_to.toordinal() - 1) if item.period_to else None,
        accelerator=item.accelerator,
        component=item.component,
        quantity=item.quantity,
        scale_unit=item.scale_unit,
        precision=item.precision,
        bank_transfer=item.bank_transfer,
        paper=item.paper,
    )


def _present(claim: Claim) -> list[ItemFields]:
    return [fields_of(item) for item in claim.items.select_related("invoice", "bank_transfer", "paper")]


def add_item(claim: Claim, item: ItemFields, *, by: User) -> BasisItem:
    """One more item at the end; what stands there already is kept. Refused (``claim.item_twice``) when the same invoice or
    document is listed already."""
    present = _present(claim)
    for known in present:
        same = (known.invoice, known.component) == (item.invoice, item.component)
        if item.invoice is not None and same:
            raise NotNow(
                "claim.item_twice",
                f"发票 {item.invoice.invoice_no} 已列入本次兑付，不必重复添加。",
                hint="如需更改计入金额，请先移除原有的一项再添加；其他费用种类可以另列一项。",
            )
        if (
            item.invoice is None
            and number_as_meant(item.reference)
            and (known.kind, number_as_meant(known.reference)) == (item.kind, number_as_meant(item.reference))
        ):
            raise NotNow("claim.item_twice", f"凭证 {item.reference} 已列入本次兑付，不必重复添加。")
    return set_items(claim, [*present, item], by=by)[-1]


def remove_item(claim: Claim, position: int, *, by: User) -> list[BasisItem]:
    """Take one item out; the others move up."""
    present = _present(claim)
    if not 1 <= position <= len(present):
        raise Invalid("claim.no_such_item", "没有这一项，可能已被移除。请刷新后查看。", field="items")
    return set_items(claim, present[: position - 1] + present[position:], by=by)
