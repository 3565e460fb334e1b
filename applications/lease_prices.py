"""What of a contract is held against the fair price: its unit price, or of a bundled one what its breakdown says of compute."""

from __future__ import annotations

from dataclasses import replace

from applications.models import Application, Lease, LeaseSplit
from vouchers.actions.price_checks import ContractPrice, PriceParts, contract_of_lease
from vouchers.models import PriceCheck
from vouchers.money import round_fen, thousands
from vouchers.policy.facts import BasisItemFacts
from vouchers.policy.terms import BasisKind, Component


def split_of(lease: Lease | None) -> LeaseSplit | None:
    """The breakdown that holds: the last one, while it comes to what the contract does."""
    if lease is None or not lease.bundled:
        return None
    rows = LeaseSplit.objects.filter(lease=lease).select_related("made_by").prefetch_related("lines")
    last = rows.order_by("-revision").first()
    return last if last is not None and last.total == lease.amount else None


def seen_by_two(split: LeaseSplit) -> bool:
    """Whether the office stands behind the breakdown: what it says of the compute decides whether and how much is paid, so it
    holds when two handlers, one after the other, have saved the same."""
    if not split.confirmed:
        return False
    rows = LeaseSplit.objects.filter(lease=split.lease_id, revision=split.revision - 1)
    before = rows.prefetch_related("lines").first()
    return (
        before is not None
        and before.confirmed
        and before.made_by_id != split.made_by_id
        and _told(before) == _told(split)
    )


def split_by_one(lease: Lease | None) -> int | None:
    """The key of the handler on whose word alone the breakdown rests; None where there is none, or two said the same."""
    split = split_of(lease)
    return split.made_by_id if split is not None and split.confirmed and not seen_by_two(split) else None


def _told(split: LeaseSplit) -> set[tuple[object, ...]]:
    return {(line.component, line.net_amount, line.quantity) for line in split.lines.all()}


def split_words(split: LeaseSplit) -> str:
    """Its lines: 算力 8,000,000.00 元、存储 2,000,000.00 元."""
    return "、".join(
        f"{line.get_component_display()} {thousands(line.net_amount)} 元" for line in split.lines.all()
    )


def priced_contract(lease: Lease) -> ContractPrice:
    """The facts that the price check takes."""
    contract = contract_of_lease(lease)
    split = split_of(lease)
    if split is None:
        return contract
    line = split.compute
    assert line.unit_price is not None
    assert contract.extent is not None
    return replace(
        contract,
        bundled=True,
        extent=replace(contract.extent, quantity=line.quantity, amount=line.net_amount),
        parts=PriceParts(
            line.unit_price,
            split_words(split),
            split.revision,
            confirmed=seen_by_two(split),
            by_one=split.confirmed,
        ),
    )


def price_check_of(application: Application) -> PriceCheck | None:
    """The price check that the application stands on; until it is assessed, its contract's last one."""
    if application.lease is None:
        return None
    rows = PriceCheck.objects.filter(subject_kind="lease", subject_no=application.lease.lease_no)
    contracts = application.facts.get("assessed", {}).get("contracts", ())
    number = next((one["price"]["index_no"] for one in contracts if one.get("price")), "")
    return rows.filter(check_no=number).first() if number else rows.order_by("-pk").first()


def split_items(lease: Lease) -> tuple[BasisItemFacts, ...]:
    """The contract as an estimate of the base, by component, where its price is broken down: what the version does not support
    is left out line by line. Empty where it is not broken down."""
    split = split_of(lease)
    if split is None:
        return ()
    return tuple(
        BasisItemFacts(
            item_no=f"{place:04d}",
            kind=BasisKind.CONTRACT_AMOUNT,
            net_amount=line.net_amount,
            tax_amount=round_fen(line.net_amount * lease.vat_rate),
            contract_no=lease.lease_no,
            component=Component(line.component),
        )
        for place, line in enumerate(split.lines.all(), start=1)
    )
