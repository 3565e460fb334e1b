"""From basis items to the amounts that count: admitted kinds, excluded components, tax, window, price cut."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from vouchers.policy.assessment import Finding, Operand
from vouchers.policy.facts import BasisItemFacts, ContractFacts, Facts
from vouchers.policy.past.engine_1_0_0.working import ZERO, Sum, Working, money, rounded
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import (
    AboveBand,
    BasisKind,
    ChipOrigin,
    Component,
    DayCount,
    FindingResult,
    GateEffect,
    Purpose,
    Stage,
    TaxMode,
    Verdict,
)


@dataclass(frozen=True)
class CountedItem:
    """A basis item with what its contract says filled in, and the amount of it that counts."""

    item_no: str
    contract_no: str
    component: Component | None
    chip_origin: ChipOrigin | None
    purpose: Purpose | None
    amount: Sum


def items_of(facts: Facts) -> list[BasisItemFacts]:
    """The items in the order of their numbers; at the application stage, without items, the contracts as estimates."""
    items = list(facts.items)
    if not items and facts.stage is Stage.APPLICATION:
        items = [
            BasisItemFacts(
                item_no=contract.contract_no,
                kind=BasisKind.CONTRACT_AMOUNT,
                net_amount=contract.net_amount,
                tax_amount=contract.tax_amount,
                contract_no=contract.contract_no,
            )
            for contract in facts.contracts
        ]
    return sorted(items, key=lambda item: (item.item_no, item.contract_no))


def complete(item: BasisItemFacts, contract: ContractFacts | None) -> BasisItemFacts:
    """The item with its contract's words where it has none of its own."""
    if contract is None:
        return item
    whole_contract = item.kind is BasisKind.CONTRACT_AMOUNT
    return replace(
        item,
        component=item.component or contract.component,
        chip_origin=item.chip_origin or contract.chip_origin,
        purpose=item.purpose or contract.purpose,
        period_from=item.period_from or (contract.period_from if whole_contract else None),
        period_to=item.period_to or (contract.period_to if whole_contract else None),
    )


def count_items(
    scheme: Scheme,
    track: Track,
    facts: Facts,
    excluded_contracts: Collection[str],
    working: Working,
    findings: list[Finding],
) -> list[CountedItem]:
    """The items that count under the track, each with its amount; what is left out is said in a line or a finding."""
    counted = []
    for raw in items_of(facts):
        contract = facts.contract(raw.contract_no)
        item = complete(raw, contract)
        gross = item.net_amount + item.tax_amount if track.tax_mode is TaxMode.GROSS else item.net_amount
        reason = _left_out(track, facts, item, excluded_contracts)
        if reason:
            _exclude(item, gross, reason, working, track)
            if reason.startswith("种类"):
                findings.append(
                    Finding(
                        code="basis_kind",
                        result=FindingResult.NOT_MET,
                        subject=item.item_no,
                        effect=GateEffect.EXCLUDE,
                        fact=f"明细 {item.item_no} 的种类为“{item.kind.label}”",
                        sentence=f"明细 {item.item_no}：{reason}，不计入基数。",
                        article=track.source("basis_kinds").words,
                        confidence=track.source("basis_kinds").confidence,
                        cure=f"请提交：{'、'.join(kind.label for kind in track.basis_kinds)}。",
                    )
                )
            continue
        amount = _within_window(scheme, track, item, Sum(gross), working, findings)
        amount = _cut_to_band(scheme, contract, item, amount, working)
        counted.append(
            CountedItem(
                item.item_no, item.contract_no, item.component, item.chip_origin, item.purpose, amount
            )
        )
    return counted


def _left_out(track: Track, facts: Facts, item: BasisItemFacts, excluded: Collection[str]) -> str:
    if item.contract_no and item.contract_no in excluded:
        return "所属合同不符合条件"
    estimate = facts.stage is Stage.APPLICATION and item.kind is BasisKind.CONTRACT_AMOUNT
    if item.kind not in track.basis_kinds and not estimate:
        return f"种类“{item.kind.label}”不在本方向的补贴基数之内"
    if item.component in track.excluded_components:
        assert item.component is not None
        return f"“{item.component.label}”费用不计入"
    return ""


def _exclude(item: BasisItemFacts, gross: Decimal, reason: str, working: Working, track: Track) -> None:
    working.add(
        "basis.exclude",
        "exclude",
        [Operand(name=f"明细 {item.item_no}", value=gross)],
        ZERO,
        lambda: f"明细 {item.item_no} 的 {money(gross)}不计入基数：{reason}。",
        track.source("excluded_components"),
    )


def days(period_from: date, period_to: date, count: DayCount) -> int:
    """Days of a half-open period, as the scheme counts them: INCLUSIVE counts both days, END_MINUS_START leaves one out."""
    length = (period_to - period_from).days
    return max(length if count is DayCount.INCLUSIVE else length - 1, 0)


def _within_window(
    scheme: Scheme,
    track: Track,
    item: BasisItemFacts,
    amount: Sum,
    working: Working,
    findings: list[Finding],
) -> Sum:
    if track.counted_from is None and track.counted_to is None:
        return amount
    cite = track.source("counted_from" if track.counted_from else "counted_to")
    if item.period_from is None or item.period_to is None:
        findings.append(
            Finding(
                code="basis_period",
                result=FindingResult.NOT_TESTABLE,
                subject=item.item_no,
                fact="所属期间未载明",
                sentence=f"明细 {item.item_no} 未载明所属期间，无法按计入期间折算。",
                article=cite.words,
                confidence=cite.confidence,
                cure="请补充费用所属的起止日期。",
            )
        )
        return amount
    start = max(item.period_from, track.counted_from or item.period_from)
    end = min(item.period_to, track.counted_to or item.period_to)
    if (start, end) == (item.period_from, item.period_to):
        return amount
    whole = days(item.period_from, item.period_to, track.day_count)
    inside = days(start, end, track.day_count) if end > start else 0
    # A period of one day, counted end minus start, has no days: it counts whole when it lies inside.
    share = amount.value * inside / whole if whole else ZERO
    result = rounded(share, scheme.rounding.mode)
    last = item.period_to - timedelta(days=1)
    return working.add(
        "basis.window",
        "pro_rata",
        [
            amount.operand(f"明细 {item.item_no}"),
            Operand(name="计入期间内天数", value=Decimal(inside), unit="天"),
            Operand(name="总天数", value=Decimal(whole), unit="天"),
        ],
        result,
        lambda: (
            f"明细 {item.item_no} 的期间 {item.period_from} 至 {last} 共 {whole} 天，其中 {inside} 天在计入期间内："
            f"{money(amount.value)} × {inside} ÷ {whole} ＝ {money(result)}。"
        ),
        cite,
    )


def _cut_to_band(
    scheme: Scheme, contract: ContractFacts | None, item: BasisItemFacts, amount: Sum, working: Working
) -> Sum:
    price = contract.price if contract else None
    if scheme.price.above_band is not AboveBand.CUT or price is None or price.verdict is not Verdict.ABOVE:
        return amount
    if not price.decisive:
        return amount
    upper, signed = price.upper, price.unit_price
    if upper is None or signed is None or signed <= 0:
        return amount
    result = rounded(amount.value * upper / signed, scheme.rounding.mode)
    return working.add(
        "basis.price_cut",
        "pro_rata",
        [
            amount.operand(f"明细 {item.item_no}"),
            Operand(name="区间上限", value=upper, unit=price.unit),
            Operand(name="合同单价", value=signed, unit=price.unit),
        ],
        result,
        lambda: (
            f"合同单价 {signed} {price.unit}高于公允价格区间上限 {upper} {price.unit}，明细 {item.item_no} 按上限核减："
            f"{money(amount.value)} × {upper} ÷ {signed} ＝ {money(result)}。"
        ),
        scheme.price.source("above_band"),
    )
