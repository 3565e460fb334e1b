"""From basis items to the amounts that count: admitted kinds, excluded components, tax, window, price cut."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.facts import BasisItemFacts, ContractFacts, Facts
from vouchers.policy.past.engine_1_1_0.working import (
    ZERO,
    Step,
    Sum,
    Words,
    Working,
    figure,
    money,
    pro_rata,
    rounded,
)
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import (
    AboveBand,
    BasisKind,
    ChipOrigin,
    Component,
    DayCount,
    FindingResult,
    GateEffect,
    Precision,
    Purpose,
    ScaleUnit,
    Stage,
    TaxMode,
    Verdict,
)

_APPLICATION = Stage.APPLICATION
_CONTRACT_AMOUNT = BasisKind.CONTRACT_AMOUNT
_GROSS = TaxMode.GROSS
_CUT = AboveBand.CUT

SIX_PLACES = Decimal("0.000001")


@dataclass(slots=True)
class Item:
    """A basis item with what its contract says filled in where it has nothing of its own."""

    item_no: str
    kind: BasisKind
    net_amount: Decimal
    tax_amount: Decimal
    contract_no: str
    contract: ContractFacts | None
    component: Component | None
    chip_origin: ChipOrigin | None
    purpose: Purpose | None
    period_from: date | None
    period_to: date | None
    quantity: Decimal | None
    unit: ScaleUnit | None
    precision: Precision | None


@dataclass(slots=True)
class CountedItem:
    """An item that counts, and what of it: yuan, or units of the track's scale."""

    item_no: str
    contract_no: str
    component: Component | None
    chip_origin: ChipOrigin | None
    purpose: Purpose | None
    amount: Sum


def items_of(facts: Facts) -> list[Item]:
    """The items in the order of their numbers; at the application stage, without items, the contracts as estimates."""
    contracts = {contract.contract_no: contract for contract in reversed(facts.contracts)}
    if facts.items:
        given = facts.items if len(facts.items) == 1 else sorted(facts.items, key=_place)
        return [_complete(item, contracts.get(item.contract_no)) for item in given]
    if facts.stage is not _APPLICATION:
        return []
    items = [_estimate(contract, contracts[contract.contract_no]) for contract in facts.contracts]
    if len(items) > 1:
        items.sort(key=lambda one: (one.item_no, one.net_amount, one.tax_amount, one.quantity or ZERO))
    return items


def _place(item: BasisItemFacts) -> tuple[str, str, str, Decimal, Decimal, Decimal]:
    return (
        item.item_no,
        item.contract_no,
        item.evidence_no,
        item.net_amount,
        item.tax_amount,
        item.quantity or ZERO,
    )


def _complete(item: BasisItemFacts, contract: ContractFacts | None) -> Item:
    if contract is None:
        return Item(
            item.item_no, item.kind, item.net_amount, item.tax_amount, item.contract_no, None,
            item.component, item.chip_origin, item.purpose, item.period_from, item.period_to,
            item.quantity, item.unit, item.precision,
        )  # fmt: skip
    whole = item.kind is _CONTRACT_AMOUNT
    return Item(
        item.item_no,
        item.kind,
        item.net_amount,
        item.tax_amount,
        item.contract_no,
        contract,
        item.component or contract.component,
        item.chip_origin or contract.chip_origin,
        item.purpose or contract.purpose,
        item.period_from or (contract.period_from if whole else None),
        item.period_to or (contract.period_to if whole else None),
        item.quantity,
        item.unit,
        item.precision,
    )


def _estimate(contract: ContractFacts, first: ContractFacts) -> Item:
    """A contract's whole amount; `first` is the first contract of that number, whose words hold."""
    return Item(
        contract.contract_no, _CONTRACT_AMOUNT, contract.net_amount, contract.tax_amount,
        contract.contract_no, first, first.component, first.chip_origin, first.purpose,
        first.period_from, first.period_to, contract.quantity, contract.unit, contract.precision,
    )  # fmt: skip


def count_items(
    scheme: Scheme,
    track: Track,
    facts: Facts,
    items: list[Item],
    excluded_contracts: Collection[str],
    kinds: Collection[BasisKind],
    working: Working,
) -> list[CountedItem]:
    """The items that count under the track, each with its amount (or its scale); what is left out is said in a line, and in
    a finding where no other track of the case (`kinds` are all that any of them admits) takes an item of that kind."""
    counted = []
    by_scale, cuts = track.scale_unit is not None, scheme.price.above_band is _CUT
    has_window = track.counted_from is not None or track.counted_to is not None
    for item in items:
        reason = _left_out(track, facts, item, excluded_contracts)
        if by_scale:
            gross = (item.quantity or ZERO) if reason else _scale(track, item, working)
        else:
            gross = item.net_amount + item.tax_amount if track.tax_mode is _GROSS else item.net_amount
        if reason:
            if working.told:
                _exclude(item, gross, reason, kinds, working, track)
            continue
        amount = Sum(gross)
        if has_window:
            amount = _within_window(scheme, track, item, amount, working)
        if cuts and not by_scale:
            amount = _cut_to_band(scheme, item, amount, working)
        counted.append(
            CountedItem(
                item.item_no, item.contract_no, item.component, item.chip_origin, item.purpose, amount
            )
        )
    return counted


def _left_out(track: Track, facts: Facts, item: Item, excluded: Collection[str]) -> str:
    """Why the item does not count, as a word; empty when it does."""
    if excluded and item.contract_no and item.contract_no in excluded:
        return "contract"
    estimate = item.kind is _CONTRACT_AMOUNT and facts.stage is _APPLICATION
    if not estimate and item.kind not in track.basis_kinds:
        return "kind"
    return "component" if item.component in track.excluded_components else ""


def _reason_words(item: Item, reason: str) -> str:
    if reason == "contract":
        return "所属合同不符合条件"
    if reason == "kind":
        return f"种类“{item.kind.label}”不在本方向的补贴基数之内"
    assert item.component is not None
    return f"“{item.component.label}”费用不计入"


def unit_of(track: Track) -> str:
    """What the track's base is counted in: 元, or the unit of its scale."""
    return "元" if track.scale_unit is None else track.scale_unit.label


def _scale(track: Track, item: Item, working: Working) -> Decimal:
    """The item's scale in the track's unit. One that is not verified, or is stated otherwise, counts nothing and asks a person."""
    same = item.unit is track.scale_unit and track.scale_precision in (None, item.precision)
    if item.quantity is not None and same:
        return item.quantity

    def tell() -> Words:
        wanted = unit_of(track) + (f"（{track.scale_precision.label}）" if track.scale_precision else "")
        given = "规模尚未核定"
        if item.quantity is not None:
            words = [one.label for one in (item.unit, item.precision) if one is not None]
            given = f"核定规模为 {figure(item.quantity, ' '.join(words) or '（未载明单位）')}"
        return (
            given,
            f"明细 {item.item_no} 须以 {wanted}核定规模，{given}，暂不计入。",
            f"请提供以 {wanted}计的规模核定证明。",
        )

    cite = track.source("scale_unit")
    working.find("scale", FindingResult.NOT_TESTABLE, cite, tell, subject=item.item_no)
    return ZERO


def _exclude(
    item: Item,
    gross: Decimal,
    reason: str,
    kinds: Collection[BasisKind],
    working: Working,
    track: Track,
) -> None:
    unit, words = unit_of(track), _reason_words(item, reason)
    working.add(
        "basis.exclude",
        "exclude",
        ZERO,
        lambda: (
            [Operand(name=f"明细 {item.item_no}", value=gross, unit=unit)],
            f"明细 {item.item_no} 的 {figure(gross, unit)}不计入基数：{words}。",
        ),
        track.source("excluded_components"),
    )
    if reason == "kind" and item.kind not in kinds:
        working.find(
            "basis_kind",
            FindingResult.NOT_MET,
            track.source("basis_kinds"),
            lambda: (
                f"明细 {item.item_no} 的种类为“{item.kind.label}”",
                f"明细 {item.item_no}：{words}，不计入基数。",
                f"请提交：{'、'.join(kind.label for kind in track.basis_kinds)}。",
            ),
            subject=item.item_no,
            effect=GateEffect.EXCLUDE,
        )


def days(period_from: date, period_to: date, count: DayCount) -> int:
    """Days of a half-open period, as the scheme counts them: INCLUSIVE counts both days, END_MINUS_START leaves one out."""
    length = (period_to - period_from).days
    return max(length if count is DayCount.INCLUSIVE else length - 1, 0)


def _within_window(scheme: Scheme, track: Track, item: Item, amount: Sum, working: Working) -> Sum:
    cite = track.source("counted_from" if track.counted_from else "counted_to")
    if item.period_from is None or item.period_to is None:
        working.find(
            "basis_period",
            FindingResult.NOT_TESTABLE,
            cite,
            lambda: (
                "所属期间未载明",
                f"明细 {item.item_no} 未载明所属期间，无法按计入期间折算。",
                "请补充费用所属的起止日期。",
            ),
            subject=item.item_no,
        )
        return amount
    begins, ends = item.period_from, item.period_to
    start = max(begins, track.counted_from or begins)
    end = min(ends, track.counted_to or ends)
    if (start, end) == (begins, ends):
        return amount
    whole = days(begins, ends, track.day_count)
    inside = days(start, end, track.day_count) if end > start else 0
    # A period of one day, counted end minus start, has no days: it counts whole when it lies inside.
    share = amount.value * inside / whole if whole else ZERO
    operator = pro_rata(scheme.rounding.mode)
    if track.scale_unit is None:
        result = rounded(share, scheme.rounding.mode)
    else:
        result, operator = share.quantize(SIX_PLACES, ROUND_DOWN), "pro_rata_scale"

    def tell() -> Step:
        unit, last = unit_of(track), ends - timedelta(days=1)
        return (
            [
                amount.operand(f"明细 {item.item_no}", unit),
                Operand(name="计入期间内天数", value=Decimal(inside), unit="天"),
                Operand(name="总天数", value=Decimal(whole), unit="天"),
            ],
            f"明细 {item.item_no} 的期间 {begins} 至 {last} 共 {whole} 天，其中 {inside} 天在计入期间内："
            f"{figure(amount.value, unit)} × {inside} ÷ {whole} ＝ {figure(result, unit)}。",
        )

    return working.add("basis.window", operator, result, tell, cite)


def _cut_to_band(scheme: Scheme, item: Item, amount: Sum, working: Working) -> Sum:
    price = item.contract.price if item.contract else None
    if price is None or price.verdict is not Verdict.ABOVE:
        return amount
    if not price.decisive:
        return amount
    upper, signed = price.upper, price.unit_price
    if upper is None or signed is None or signed <= 0:
        return amount
    result = rounded(amount.value * upper / signed, scheme.rounding.mode)
    return working.add(
        "basis.price_cut",
        pro_rata(scheme.rounding.mode),
        result,
        lambda: (
            [
                amount.operand(f"明细 {item.item_no}"),
                Operand(name="区间上限", value=upper, unit=price.unit),
                Operand(name="合同单价", value=signed, unit=price.unit),
            ],
            f"合同单价 {signed} {price.unit}高于公允价格区间上限 {upper} {price.unit}，明细 {item.item_no} 按上限核减："
            f"{money(amount.value)} × {upper} ÷ {signed} ＝ {money(result)}。",
        ),
        scheme.price.source("above_band"),
    )
