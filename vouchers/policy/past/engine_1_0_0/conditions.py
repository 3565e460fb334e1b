"""The engine's own findings beside a scheme's gates: version in force, filing window, papers, price, other money, voucher."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from vouchers.policy.assessment import Counterfactual, Finding, Operand
from vouchers.policy.facts import ContractFacts, Facts
from vouchers.policy.past.engine_1_0_0.gates import reference_day
from vouchers.policy.past.engine_1_0_0.working import ZERO, Sum, Working, money, percent
from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.rules import OtherPublicMoney, Scheme
from vouchers.policy.terms import (
    AboveBand,
    ContractKind,
    FindingResult,
    FloorMeasure,
    GateEffect,
    InForceBy,
    OtherMoneyMode,
    Stage,
    TierMeasure,
    Untestable,
    Verdict,
)


def check_in_force(scheme: Scheme, facts: Facts) -> list[Finding]:
    """Whether the date that decides lies in the version's validity."""
    match scheme.in_force_by:
        case InForceBy.SIGNING:
            signed = [contract.signed_on for contract in facts.contracts if contract.signed_on]
            day, noun = (min(signed) if signed else None), "合同签订日"
        case InForceBy.RECOGNITION:
            day, noun = facts.recognised_on or facts.on, "认定日"
        case _:
            day, noun = reference_day(facts), "申领日"
    begun, ended = scheme.effective_from, scheme.effective_to
    cite = scheme.source("effective_from")
    period = f"{begun or ''} 至 {ended - timedelta(days=1) if ended else '今'}"
    if day is None:
        return [
            Finding(
                code="in_force",
                result=FindingResult.NOT_TESTABLE,
                fact=f"{noun}未取得",
                sentence=f"尚不知{noun}，无法确定是否适用本版本（{period}）。",
                article=cite.words,
                confidence=cite.confidence,
                cure=f"请补充{noun}。",
            )
        ]
    held = (begun is None or day >= begun) and (ended is None or day < ended)
    return [
        Finding(
            code="in_force",
            result=FindingResult.MET if held else FindingResult.NOT_MET,
            fact=f"{noun}为 {day}",
            sentence=f"{noun}为 {day}，{'在' if held else '不在'}本版本的施行期间（{period}）之内。",
            article=cite.words,
            confidence=cite.confidence,
            cure="" if held else "请改按当日施行的版本办理。",
        )
    ]


def check_windows(scheme: Scheme, facts: Facts) -> list[Finding]:
    """Whether the case was filed inside a filing window of its stage; nothing where the scheme has none."""
    windows = [window for window in scheme.windows if window.stage is facts.stage]
    if not windows:
        return []
    first = windows[0]
    if facts.filed_at is None:
        return [
            Finding(
                code="window",
                result=FindingResult.NOT_TESTABLE,
                fact="尚未提交",
                sentence="提交时将核对是否在申报期内。",
                article=first.cite.words,
                confidence=first.cite.confidence,
            )
        ]
    filed_at = facts.filed_at.astimezone(BEIJING_TIME)
    for window in windows:
        if window.opens_at <= filed_at < window.closes_at:
            return [
                Finding(
                    code="window",
                    result=FindingResult.MET,
                    fact=f"提交于 {filed_at:%Y-%m-%d %H:%M}",
                    sentence=f"提交于 {filed_at:%Y-%m-%d %H:%M}，在{window.name}内。",
                    article=window.cite.words,
                    confidence=window.cite.confidence,
                )
            ]
    later = sorted((window for window in windows if window.opens_at > filed_at), key=lambda one: one.opens_at)
    cure = (
        f"下一申报期自 {later[0].opens_at.astimezone(BEIJING_TIME):%Y-%m-%d %H:%M} 开始。"
        if later
        else "本年度已无申报期。"
    )
    return [
        Finding(
            code="window",
            result=FindingResult.NOT_MET,
            fact=f"提交于 {filed_at:%Y-%m-%d %H:%M}",
            sentence=f"提交于 {filed_at:%Y-%m-%d %H:%M}，不在申报期内。",
            article=first.cite.words,
            confidence=first.cite.confidence,
            cure=cure,
        )
    ]


def check_papers(scheme: Scheme, facts: Facts) -> list[Finding]:
    """Required papers that were not filed; nothing when nobody looked yet."""
    if facts.papers is None:
        return []
    wanted = [paper for paper in scheme.papers if paper.stage is facts.stage and paper.required]
    missing = [paper for paper in wanted if paper.code not in facts.papers]
    return [
        Finding(
            code="papers",
            result=FindingResult.NOT_MET,
            subject=paper.code,
            effect=GateEffect.REVIEW,
            fact=f"未提交“{paper.name}”",
            sentence=f"申报材料尚缺“{paper.name}”。",
            article=paper.cite.words,
            confidence=paper.cite.confidence,
            cure=f"请补充提交“{paper.name}”。",
        )
        for paper in missing
    ]


def check_prices(scheme: Scheme, facts: Facts, counterfactuals: list[Counterfactual]) -> list[Finding]:
    """Each lease's signed price against the fair band, as the scheme's price rule wants it."""
    if scheme.price.above_band is AboveBand.NONE:
        return []
    leases = sorted(
        (one for one in facts.contracts if one.kind is ContractKind.LEASE), key=lambda one: one.contract_no
    )
    return [_check_price(scheme, contract, counterfactuals) for contract in leases]


def _check_price(scheme: Scheme, contract: ContractFacts, counterfactuals: list[Counterfactual]) -> Finding:
    rule, price = scheme.price, contract.price
    cite = rule.source("above_band")
    effect = {
        AboveBand.REFUSE: GateEffect.REFUSE,
        AboveBand.CUT: GateEffect.EXCLUDE,
        AboveBand.REVIEW: GateEffect.REVIEW,
    }[rule.above_band]
    result, cure = FindingResult.MET, ""
    if price is None or price.verdict is Verdict.UNTESTABLE:
        result = FindingResult.NOT_TESTABLE
        said = (
            price.sentence
            if price and price.sentence
            else f"合同 {contract.contract_no} 的单价暂无可比的公允价格。"
        )
        fact = "公允价格无法判定"
        cure = "请补充算力型号、规格与计价单位，或待公允价格指数发布后再核。"
    else:
        band = f"{price.lower}—{price.upper} {price.unit}"
        fact = f"合同单价 {price.unit_price} {price.unit}，公允区间 {band}"
        said = price.sentence or f"合同 {contract.contract_no}：{fact}，{price.verdict.label}。"
        if price.verdict is Verdict.ABOVE:
            result = FindingResult.NOT_MET
            above = rule.above_band if price.decisive else AboveBand.REVIEW
            if not price.decisive:  # too thin a market to refuse or cut by
                effect = GateEffect.REVIEW
            tail = {
                AboveBand.REFUSE: "签约价格高于当期公允价格区间，不予支持。",
                AboveBand.CUT: "高出部分不计入补贴基数，按区间上限核减。",
                AboveBand.REVIEW: "须由工作人员核实价格成因。",
            }[above]
            if not price.sentence:  # the price check's own sentence tells the consequence already
                said = f"{said.rstrip('。')}。{tail}"
            cure = f"如单价调整至不高于 {price.upper} {price.unit}，可以继续申请。"
            counterfactuals.append(Counterfactual(code="fair_price", sentence=cure, amount=price.upper))
    return Finding(
        code="fair_price",
        result=result,
        subject=contract.contract_no,
        fact=fact,
        sentence=said,
        article=cite.words,
        confidence=cite.confidence,
        cure=cure,
        effect=effect,
        if_untestable=rule.if_untestable,
    )


_REFUSING = {
    OtherMoneyMode.NONE_SAME_COMPUTE,
    OtherMoneyMode.NONE_SAME_LEVEL,
    OtherMoneyMode.NONE_SAME_CONTRACT,
}


def check_other_money(scheme: Scheme, facts: Facts) -> list[Finding]:
    """Other public money, where the scheme excludes it or has to know of it."""
    rule = scheme.other_money
    if not rule.switched_on or rule.mode is OtherMoneyMode.NOT_STATED:
        return []
    cite = rule.source("mode")
    findings = []
    for contract in sorted(facts.contracts, key=lambda one: one.contract_no):
        held = [row for row in contract.other_money or () if row.amount > 0 and _same_level(rule, row.level)]
        total = sum((row.amount for row in held), ZERO)
        if contract.other_money is None:
            result, fact = FindingResult.NOT_TESTABLE, "未申明是否已享受其他财政资金"
        elif held and rule.mode in _REFUSING:
            result, fact = (
                FindingResult.NOT_MET,
                f"已享受{'、'.join(row.source for row in held)} {money(total)}",
            )
        else:
            result = FindingResult.MET
            fact = f"已享受其他财政资金 {money(total)}，按规定扣减" if held else "未享受其他财政资金"
        findings.append(
            Finding(
                code="other_money",
                result=result,
                subject=contract.contract_no,
                fact=fact,
                sentence=f"合同 {contract.contract_no}：{rule.mode.label}。{fact}。",
                article=cite.words,
                confidence=cite.confidence,
                cure=""
                if result is FindingResult.MET
                else "请提交其他财政资金情况说明；同一事项已享受的，不能重复申领。",
            )
        )
    return findings


def _same_level(rule: OtherPublicMoney, level: str) -> bool:
    return rule.mode is not OtherMoneyMode.NONE_SAME_LEVEL or not rule.level or level in ("", rule.level)


def deduct_other_money(scheme: Scheme, facts: Facts, basis: Decimal, amount: Sum, working: Working) -> Sum:
    """The amount beside other public money: the higher of the two, a share of the contracts, or a combined rate."""
    rule = scheme.other_money
    if not rule.switched_on or rule.mode in _REFUSING or rule.mode is OtherMoneyMode.NOT_STATED:
        return amount
    other = sum((row.amount for contract in facts.contracts for row in contract.other_money or ()), ZERO)
    cite = rule.source("share" if rule.share is not None else "mode")
    if rule.mode is OtherMoneyMode.HIGHER_OF:
        if not other:
            return amount
        result = max(amount.value - other, ZERO)
        return working.add(
            "other_money",
            "difference",
            [amount.operand("核算金额"), Operand(name="已享受其他财政资金", value=min(other, amount.value))],
            result,
            lambda: f"就高不重复：{money(amount.value)} 减去已享受的 {money(other)} ＝ {money(result)}。",
            cite,
        )
    share = rule.share or Decimal(0)
    whole = (
        basis
        if rule.mode is OtherMoneyMode.COMBINED_RATE
        else sum((c.net_amount for c in facts.contracts), ZERO)
    )
    room = max(share * whole - other, ZERO)
    result = min(amount.value, room)
    return working.add(
        "other_money",
        "minimum",
        [amount.operand("核算金额"), Operand(name="财政资金合计上限的余额", value=room)],
        result,
        lambda: (
            f"财政资金合计不超过 {percent(share)}：{money(whole)} × {percent(share)} － 已享受 {money(other)} ＝ "
            f"{money(room)}；本次计 {money(result)}。"
        ),
        cite,
    )


def check_floors(
    scheme: Scheme,
    facts: Facts,
    tracks: Sequence[str],
    basis: Decimal,
    amount: Decimal,
    counterfactuals: list[Counterfactual],
) -> list[Finding]:
    """Minimums of base or amount; below one, the counterfactual says how much is missing."""
    findings = []
    for floor in scheme.floors:
        if (
            not floor.switched_on
            or facts.stage not in floor.stages
            or (floor.tracks and not set(floor.tracks) & set(tracks))
        ):
            continue
        year = sum((facts.used.year_basis.get(track, ZERO) for track in tracks), ZERO)
        value = {
            FloorMeasure.BASIS: basis,
            FloorMeasure.YEAR_BASIS: basis + year,
            FloorMeasure.AMOUNT: amount,
        }[floor.measure]
        missing = floor.amount - value
        cite = floor.source("amount")
        cure = ""
        if missing > 0:
            what = "补贴金额" if floor.measure is FloorMeasure.AMOUNT else "符合条件的费用"
            cure = f"再增加{what} {money(missing)}即达到起补线。"
            counterfactuals.append(Counterfactual(code=f"floor.{floor.code}", sentence=cure, amount=missing))
        findings.append(
            Finding(
                code=f"floor.{floor.code}",
                result=FindingResult.NOT_MET if missing > 0 else FindingResult.MET,
                fact=f"{floor.measure.label} {money(value)}",
                sentence=f"{floor.name}为 {money(floor.amount)}，{floor.measure.label}为 {money(value)}，{'未达到' if missing > 0 else '已达到'}。",
                article=cite.words,
                confidence=cite.confidence,
                cure=cure,
            )
        )
    return findings


def check_voucher(scheme: Scheme, facts: Facts) -> list[Finding]:
    """A claim's voucher: there, not expired when filed, used within its kind."""
    if facts.stage is Stage.APPLICATION or not scheme.voucher.issues_voucher:
        return []
    voucher, kind = facts.voucher, scheme.voucher
    cite = kind.cite
    if voucher is None:
        result, fact, cure = FindingResult.NOT_TESTABLE, "未指明所用的券", "请选择要使用的算力券。"
    else:
        day = facts.filed_at.astimezone(BEIJING_TIME).date() if facts.filed_at else facts.on
        result, fact, cure = FindingResult.MET, f"券 {voucher.voucher_no} 余额 {money(voucher.balance)}", ""
        if voucher.expires_on is not None and day >= voucher.expires_on:
            result, fact = FindingResult.NOT_MET, f"券 {voucher.voucher_no} 已于 {voucher.expires_on} 到期"
            cure = "过期的券不能再用于兑付，请在有效期内提交。"
        elif voucher.uses and not kind.many_uses:
            result, fact, cure = (
                FindingResult.NOT_MET,
                f"券 {voucher.voucher_no} 只能使用一次，已使用过",
                "请使用另一张券。",
            )
        elif voucher.balance <= 0:
            result, fact, cure = (
                FindingResult.NOT_MET,
                f"券 {voucher.voucher_no} 余额为零",
                "请使用另一张券。",
            )
    return [
        Finding(
            code="voucher",
            result=result,
            subject=voucher.voucher_no if voucher else "",
            fact=fact,
            sentence=f"{fact}。",
            article=cite.words,
            confidence=cite.confidence,
            cure=cure,
            if_untestable=Untestable.REVIEW,
        )
    ]


def needs_year_basis(scheme: Scheme) -> bool:
    """Whether an assessment has to be told the year's earlier base (`UsedAmounts.year_basis`)."""
    return any(track.tier_measure is TierMeasure.YEAR for track in scheme.tracks) or any(
        floor.measure is FloorMeasure.YEAR_BASIS and floor.switched_on for floor in scheme.floors
    )
