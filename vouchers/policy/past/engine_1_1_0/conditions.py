"""The engine's own findings beside a scheme's gates: version in force, filing window, papers, price, voucher, minimums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple, Protocol

from vouchers.policy.facts import ContractFacts, Facts, PriceVerdict
from vouchers.policy.past.engine_1_1_0.basis import unit_of
from vouchers.policy.past.engine_1_1_0.rates import TrackAmount
from vouchers.policy.past.engine_1_1_0.words import day_words
from vouchers.policy.past.engine_1_1_0.working import ZERO, Words, Working, figure, money
from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.rules import Floor, Paper, Scheme, VoucherKind, Window
from vouchers.policy.terms import (
    AboveBand,
    ContractKind,
    FindingResult,
    FloorMeasure,
    GateEffect,
    InForceBy,
    Stage,
    TierMeasure,
    Verdict,
)

_APPLICATION = Stage.APPLICATION
_BY_APPLICATION = InForceBy.APPLICATION
_NO_BAND = AboveBand.NONE
_NOT_MET = FindingResult.NOT_MET


def check_in_force(scheme: Scheme, facts: Facts, working: Working) -> None:
    """Whether the date that decides lies in the version's validity."""
    day: date | None
    if scheme.in_force_by is _BY_APPLICATION:
        day, noun = facts.applied_on or facts.on, "申领日"
    elif scheme.in_force_by is InForceBy.RECOGNITION:
        day, noun = facts.recognised_on or facts.on, "认定日"
    else:
        signed = [contract.signed_on for contract in facts.contracts if contract.signed_on]
        day, noun = (min(signed) if signed else None), "合同签订日"
    begun, ended = scheme.retroactive_from or scheme.effective_from, scheme.effective_to
    held = day is not None and (begun is None or day >= begun) and (ended is None or day < ended)
    if held and not working.told:
        return

    def tell() -> Words:
        period = f"{day_words(begun)}起" if begun else "施行日期未定"
        if ended:
            last = day_words(ended - timedelta(days=1))
            period = f"{day_words(begun)}至{last}" if begun else f"至{last}"
        if scheme.retroactive_from:
            period += "，含文件规定溯及的期间"
        if day is None:
            return (
                f"{noun}未取得",
                f"尚不知{noun}，无法确定是否适用本版本（{period}）。",
                f"请补充{noun}。",
            )
        return (
            f"{noun}为{day_words(day)}",
            f"{noun}为{day_words(day)}，{'在' if held else '不在'}本版本的施行期间（{period}）之内。",
            "" if held else "请改按当日施行的版本办理。",
        )

    result = FindingResult.MET if held else FindingResult.NOT_MET
    working.find(
        "in_force",
        FindingResult.NOT_TESTABLE if day is None else result,
        scheme.source("retroactive_from" if scheme.retroactive_from else "effective_from"),
        tell,
    )


def check_windows(windows: Sequence[Window], facts: Facts, working: Working) -> None:
    """Whether the case was filed inside a filing window of its stage; nothing where the scheme has none."""
    if not windows:
        return
    first = windows[0]
    if facts.filed_at is None:
        working.find(
            "window",
            FindingResult.NOT_TESTABLE,
            first.cite,
            lambda: ("尚未提交", "提交时将核对是否在申报期内。", ""),
        )
        return
    filed_at = facts.filed_at.astimezone(BEIJING_TIME)
    open_ = next((one for one in windows if one.opens_at <= filed_at < one.closes_at), None)
    if open_ is not None:
        name = open_.name
        working.find(
            "window",
            FindingResult.MET,
            open_.cite,
            lambda: (
                f"提交于 {filed_at:%Y-%m-%d %H:%M}",
                f"提交于 {filed_at:%Y-%m-%d %H:%M}，在{name}内。",
                "",
            ),
        )
        return

    def tell() -> Words:
        later = sorted(
            (window for window in windows if window.opens_at > filed_at), key=lambda one: one.opens_at
        )
        cure = (
            f"下一申报期自 {later[0].opens_at.astimezone(BEIJING_TIME):%Y-%m-%d %H:%M} 开始。"
            if later
            else "本版本没有以后的申报期。"
        )
        fact = f"提交于 {filed_at:%Y-%m-%d %H:%M}"
        return fact, f"{fact}，不在申报期内。", cure

    working.find("window", FindingResult.NOT_MET, first.cite, tell)


def check_papers(papers: Iterable[Paper], facts: Facts, working: Working) -> None:
    """Required papers of the stage that were not filed; nothing when nobody looked yet."""
    if facts.papers is None:
        return
    for paper in papers:
        if paper.code not in facts.papers:
            _find_missing(paper, working)


def _find_missing(paper: Paper, working: Working) -> None:
    working.find(
        "papers",
        FindingResult.NOT_MET,
        paper.cite,
        lambda: (
            f"未提交“{paper.name}”",
            f"申报材料尚缺“{paper.name}”。",
            f"请补充提交“{paper.name}”。",
        ),
        subject=paper.code,
        effect=GateEffect.REVIEW,
    )


def check_prices(scheme: Scheme, facts: Facts, working: Working) -> None:
    """Each lease's signed price against the fair band, as the scheme's price rule wants it."""
    if scheme.price.above_band is _NO_BAND:
        return
    leases = [one for one in facts.contracts if one.kind is ContractKind.LEASE]
    for contract in sorted(leases, key=lambda one: one.contract_no):
        _check_price(scheme, contract, working)


def _check_price(scheme: Scheme, contract: ContractFacts, working: Working) -> None:
    rule, price = scheme.price, contract.price
    cite = rule.source("above_band")
    if price is None or price.verdict is Verdict.UNTESTABLE:
        said = price.sentence if price else ""
        working.find(
            "fair_price",
            FindingResult.NOT_TESTABLE,
            cite,
            lambda: (
                "公允价格无法判定",
                said or f"合同 {contract.contract_no} 的单价暂无可比的公允价格。",
                "请补充算力型号、规格与计价单位，或待公允价格指数发布后再核。",
            ),
            subject=contract.contract_no,
            effect=_EFFECTS[rule.above_band],
            if_untestable=rule.if_untestable,
        )
        return
    is_above = price.verdict is Verdict.ABOVE
    # too thin a market to refuse or cut by
    above = AboveBand.REVIEW if is_above and not price.decisive else rule.above_band
    border = f" {price.upper} {price.unit}" if price.upper is not None else "公允价格区间上限"
    cure = f"如单价调整至不高于{border}，可以继续申请。" if is_above else ""
    if is_above:
        working.hint("fair_price", lambda: cure, price.upper)

    def tell() -> Words:
        fact = _price_fact(price)
        if price.sentence:  # the price check's own sentence tells the consequence already
            return fact, price.sentence, cure
        said = f"合同 {contract.contract_no}：{fact}，{price.verdict.label}。"
        return fact, said + (_TAILS[above] if is_above else ""), cure

    working.find(
        "fair_price",
        FindingResult.NOT_MET if is_above else FindingResult.MET,
        cite,
        tell,
        subject=contract.contract_no,
        effect=_EFFECTS[above],
        if_untestable=rule.if_untestable,
    )


def _price_fact(price: PriceVerdict) -> str:
    """The price and its band, as far as they are known: a case tried by hand may name the verdict alone."""
    known = []
    if price.unit_price is not None:
        known.append(f"合同单价 {price.unit_price} {price.unit}")
    if price.lower is not None and price.upper is not None:
        known.append(f"公允区间 {price.lower}—{price.upper} {price.unit}")
    elif price.upper is not None:
        known.append(f"公允区间上限 {price.upper} {price.unit}")
    return "，".join(known) or "公允价格已作判定"


_EFFECTS = {
    AboveBand.REFUSE: GateEffect.REFUSE,
    AboveBand.CUT: GateEffect.EXCLUDE,
    AboveBand.REVIEW: GateEffect.REVIEW,
}
_TAILS = {
    AboveBand.REFUSE: "签约价格高于当期公允价格区间，不予支持。",
    AboveBand.CUT: "高出部分不计入补贴基数，按区间上限核减。",
    AboveBand.REVIEW: "须由工作人员核实价格成因。",
}
_MORE = {FloorMeasure.AMOUNT: "补贴金额再增加", FloorMeasure.SCALE: "再增加核定规模"}


def check_floors(
    floors: Iterable[Floor], year_basis: Decimal, base: TrackAmount, amount: Decimal, working: Working
) -> list[FloorHeld]:
    """Minimums of base, scale or amount; those that are not reached come back, for `find_floors`. `year_basis` is the
    year's base before the case, over its tracks."""
    below = []
    for floor in floors:
        match floor.measure:
            case FloorMeasure.BASIS:
                value = base.basis
            case FloorMeasure.YEAR_BASIS:
                value = base.basis + year_basis
            case FloorMeasure.SCALE:
                value = base.quantity
            case _:
                value = amount
        unit = unit_of(base.track) if floor.measure is FloorMeasure.SCALE else "元"
        one = FloorHeld(floor, value, unit)
        if value < floor.amount:
            working.hint(f"floor.{floor.code}", partial(_floor_cure, one), floor.amount - value)
            below.append(one)
        elif working.told:
            find_floors([one], working)
    return below


class FloorHeld(NamedTuple):
    """A minimum, and what was held against it."""

    floor: Floor
    value: Decimal
    unit: str


def find_floors(
    held: Iterable[FloorHeld], working: Working, *, effect: GateEffect = GateEffect.REFUSE
) -> None:
    """Write the minimums down."""
    for one in held:
        missed = one.value < one.floor.amount
        working.find(
            f"floor.{one.floor.code}",
            FindingResult.NOT_MET if missed else FindingResult.MET,
            one.floor.source("amount"),
            partial(_tell_floor, one),
            effect=effect,
        )


def _floor_cure(one: FloorHeld) -> str:
    more = _MORE.get(one.floor.measure, "再增加符合条件的费用")
    return f"{more} {figure(one.floor.amount - one.value, one.unit)}即达到起补线。"


def _tell_floor(one: FloorHeld) -> Words:
    floor, label = one.floor, one.floor.measure.label
    missed = one.value < floor.amount
    return (
        f"{label} {figure(one.value, one.unit)}",
        f"{floor.name}为 {figure(floor.amount, one.unit)}，{label}为 {figure(one.value, one.unit)}，"
        f"{'未达到' if missed else '已达到'}。",
        _floor_cure(one) if missed else "",
    )


class VoucherNow(Protocol):
    """A voucher as it stands when a claim draws on it: `facts.VoucherFacts`, or the running balance of a replay."""

    @property
    def voucher_no(self) -> str: ...
    @property
    def balance(self) -> Decimal: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def uses(self) -> int: ...


def day_of_use(facts: Facts) -> date:
    """The day on which a claim uses its voucher: that of filing, else of the assessment."""
    return facts.filed_at.astimezone(BEIJING_TIME).date() if facts.filed_at else facts.on


def check_voucher(
    kind: VoucherKind, stage: Stage, used_on: date, voucher: VoucherNow | None, working: Working
) -> None:
    """A claim's voucher: there, not expired when filed, used within its kind. Of what was granted without a voucher only
    its validity: within its amount the claim is kept by the amount itself."""
    if stage is _APPLICATION:
        return
    if not kind.issues_voucher:
        if voucher is not None and voucher.expires_on is not None and used_on >= voucher.expires_on:
            _find_lapsed(kind, voucher.voucher_no, voucher.expires_on, working)
        return
    result = _NOT_MET
    if voucher is None:
        result = FindingResult.NOT_TESTABLE
        words = "未指明所用的券", "请选择要使用的算力券。"
    elif voucher.expires_on is not None and used_on >= voucher.expires_on:
        words = (
            f"券 {voucher.voucher_no} 已于{day_words(voucher.expires_on)}到期",
            "过期的券不能再用于兑付，请在有效期内提交。",
        )
    elif voucher.uses and not kind.many_uses:
        words = f"券 {voucher.voucher_no} 只能使用一次，已使用过", "请使用另一张券。"
    elif voucher.balance <= 0:
        words = f"券 {voucher.voucher_no} 余额为零", "请使用另一张券。"
    elif not working.told:
        return
    else:
        result = FindingResult.MET
        words = f"券 {voucher.voucher_no} 余额 {money(voucher.balance)}", ""
    fact, cure = words
    working.find(
        "voucher",
        result,
        kind.cite,
        lambda: (fact, f"{fact}。", cure),
        subject=voucher.voucher_no if voucher else "",
    )


def _find_lapsed(kind: VoucherKind, number: str, expired_on: date, working: Working) -> None:
    fact = f"核定额度 {number} 已于{day_words(expired_on)}到期"
    working.find(
        "voucher",
        _NOT_MET,
        kind.cite,
        lambda: (fact, f"{fact}。", "过期的额度不能再用于兑付，请在有效期内提交。"),
        subject=number,
    )


def needs_year_basis(scheme: Scheme) -> bool:
    """Whether an assessment has to be told the year's earlier base (`UsedAmounts.year_basis`)."""
    return any(track.tier_measure is TierMeasure.YEAR for track in scheme.tracks) or any(
        floor.measure is FloorMeasure.YEAR_BASIS and floor.switched_on for floor in scheme.floors
    )


def year_basis_of(tracks: Iterable[str], year_basis: Mapping[str, Decimal]) -> Decimal:
    """The year's base before the case, over its tracks."""
    return sum((year_basis.get(track, ZERO) for track in tracks), ZERO)
