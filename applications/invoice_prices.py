"""What an invoice bills for a unit of compute, held against its contract's price and against the fair price of the signing date."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from unicodedata import normalize

from applications.components import certain
from applications.lease_prices import split_of
from applications.models import Check, Claim, Invoice, InvoiceLine, Lease
from applications.models.leases import PriceUnit
from applications.models.reviews import CheckResult
from vouchers.actions.price_checks import ContractPrice, PriceFinding, contract_of_lease, price_finding
from vouchers.models import PriceCheck
from vouchers.models.price_checks import PriceConsequence, PricePosition
from vouchers.money import round_fen, thousands, unit_price
from vouchers.policy.prices.verdicts import price_text
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import AboveBand, Component, ContractKind

CODE, LABEL = "invoice_price", "发票单价与合同单价、公允价格区间相符"
TOLERANCE = Decimal("0.005")
"""By so much of it the billed price may differ from the contract's before a person looks: what rounding makes."""
_UNITS: dict[str, PriceUnit] = {
    "卡时": PriceUnit.CARD_HOUR,
    "卡小时": PriceUnit.CARD_HOUR,
    "GPU卡时": PriceUnit.CARD_HOUR,
    "卡月": PriceUnit.CARD_MONTH,
    "GPU卡月": PriceUnit.CARD_MONTH,
    "台月": PriceUnit.SERVER_MONTH,
    "服务器台月": PriceUnit.SERVER_MONTH,
    "P天": PriceUnit.PFLOPS_DAY,
    "P日": PriceUnit.PFLOPS_DAY,
    "PFLOPS天": PriceUnit.PFLOPS_DAY,
}


@dataclass(frozen=True)
class BilledPrice:
    """A line of an invoice that surely bills compute by a unit in which prices are compared."""

    invoice: Invoice
    line: InvoiceLine
    contract: ContractPrice

    @property
    def told(self) -> str:
        """The invoice and its line, for a sentence."""
        return f"发票 {self.invoice.invoice_no} 第 {self.line.line_no} 行"


def unit_of(text: str) -> PriceUnit | None:
    """The unit that a line's unit means beyond doubt; 小时, 月 or 项 say nothing of what is counted."""
    return _UNITS.get(re.sub(r"[\s·・./×*\-]|元", "", normalize("NFKC", text)).upper())


def billed_prices(claim: Claim) -> list[BilledPrice]:
    """Every such line of the claim's invoices, in their order. A price is the line's net amount by its quantity: what is
    printed as the unit price may be rounded, or hold tax."""
    if claim.lease is None:
        return []
    plain = contract_of_lease(claim.lease)
    found = []
    for invoice in _invoices(claim):
        for line in sorted(invoice.lines.all(), key=lambda one: one.line_no):
            unit = unit_of(line.unit)
            if unit is None or certain(line.description) is not Component.COMPUTE:
                continue
            if not line.quantity or line.quantity <= 0 or line.net_amount <= 0:
                continue
            contract = replace(
                plain,
                subject_kind="invoice",
                subject_no=f"{invoice.number_key}/{line.line_no}"[-40:],
                unit=unit.value,
                unit_price=unit_price(line.net_amount / line.quantity),
                bundled=False,
                parts=None,
                extent=None,
            )
            found.append(BilledPrice(invoice, line, contract))
    return found


def _invoices(claim: Claim) -> list[Invoice]:
    items = claim.items.select_related("invoice").prefetch_related("invoice__lines").order_by("position")
    return list(dict.fromkeys(item.invoice for item in items if item.invoice is not None))


def is_held(lease: Lease | None, scheme: Scheme) -> bool:
    """Whether the scheme asks what was paid for the contract's compute."""
    return (
        lease is not None
        and lease.kind == ContractKind.LEASE.value
        and scheme.price.above_band is not AboveBand.NONE
    )


def answers(claim: Claim, scheme: Scheme) -> list[tuple[BilledPrice, PriceCheck | PriceFinding]]:
    """Each billed price with its check: the one that was kept, or before the claim is filed what it would say."""
    if not is_held(claim.lease, scheme):
        return []
    billed = billed_prices(claim)
    numbers = {one.contract.subject_no for one in billed}
    rows = PriceCheck.objects.filter(subject_kind="invoice", subject_no__in=numbers).order_by("pk")
    kept = {row.subject_no: row for row in rows}
    above_band = scheme.price.above_band.value
    found: list[tuple[BilledPrice, PriceCheck | PriceFinding]] = []
    for one in billed:
        row = kept.get(one.contract.subject_no)
        if row is not None and row.as_of == one.contract.signed_on and row.above_band == above_band:
            found.append((one, row))
        else:
            found.append((one, price_finding(one.contract, above_band=above_band)))
    return found


def price_check_of_invoices(claim: Claim, scheme: Scheme) -> Check | None:
    """The named check. Failed where the version refuses a billed price above the band; a person looks where it is cut, where the
    market is too thin to decide, where the bill differs from the contract, or bills what the contract does not name. Not
    testable, which is no pass, where no line says what a unit cost."""
    if not is_held(claim.lease, scheme):
        return None
    assert claim.lease is not None
    found = answers(claim, scheme)
    faults: list[str] = []
    doubts = _unnamed(claim, claim.lease)
    agreed = claim.price_check.unit_price if claim.price_check is not None else None
    if claim.price_check is not None and claim.price_check.reason == "price.bundled":
        agreed = None  # the contract's price holds more than what is billed here
    for one, answer in found:
        if answer.position == PricePosition.ABOVE:
            (faults if answer.consequence == PriceConsequence.REFUSED else doubts).append(_above(one, answer))
        if agreed and answer.unit_price and abs(answer.unit_price - agreed) > agreed * TOLERANCE:
            doubts.append(
                f"{one.told}折算单价 {price_text(answer.unit_price)} 元/卡时，与合同的 {price_text(agreed)} 元/卡时不一致"
            )
    if faults:
        return _check(claim, CheckResult.FAILED, "；".join([*faults, *doubts]) + "。")
    if doubts:
        return _check(claim, CheckResult.WAITING, "；".join(doubts) + "。请对照发票、合同和补充协议核对。")
    if not found:
        return _check(
            claim, CheckResult.NOT_TESTABLE, "发票明细没有可比较的计价单位和数量，仅以合同单价核对。"
        )
    told = "；".join(
        f"{one.told}折算单价 {price_text(answer.unit_price)} 元/卡时"
        for one, answer in found
        if answer.unit_price
    )
    return _check(claim, CheckResult.PASSED, f"{told or LABEL}。")


def sentences(claim: Claim, scheme: Scheme) -> list[str]:
    """What the enterprise reads of its invoices' prices before it files."""
    return [f"{one.told}：{answer.sentence}" for one, answer in answers(claim, scheme)]


def _above(one: BilledPrice, answer: PriceCheck | PriceFinding) -> str:
    upper = answer.upper if isinstance(answer, PriceCheck) else answer.row.upper if answer.row else None
    price = answer.unit_price
    assert price is not None and upper is not None
    text = f"{one.told}折算单价 {price_text(price)} 元/卡时（不含税），高于签订日公允价格区间上限 {price_text(upper)} 元/卡时"
    if answer.consequence == PriceConsequence.REFUSED:
        return f"{text}，按本专项规定不予支持"
    if answer.consequence == PriceConsequence.CUT:
        most = round_fen(one.line.net_amount * upper / price, "down")
        return f"{text}，按上限计入的金额为 {thousands(most)} 元"
    return f"{text}，转人工复核"


def _unnamed(claim: Claim, lease: Lease) -> list[str]:
    """Storage and the like on the bill of a contract whose price is said to be for compute alone."""
    if lease.bundled and split_of(lease) is not None:
        return []
    others = sorted(
        {
            component.label
            for invoice in _invoices(claim)
            for component in _components(invoice.lines.all())
            if component is not Component.COMPUTE
        }
    )
    if not others:
        return []
    return [f"发票另有{'、'.join(others)}，合同价款尚未按费用种类拆分"]


def _components(lines: Iterable[InvoiceLine]) -> set[Component]:
    return {component for line in lines if (component := certain(line.description)) is not None}


def _check(claim: Claim, result: CheckResult, sentence: str) -> Check:
    return Check(
        subject_kind="claim",
        subject_no=claim.claim_no,
        code=CODE,
        label=LABEL,
        by_machine=result != CheckResult.WAITING,
        result=result,
        sentence=sentence,
    )
