"""Which rate holds for an item, and what the rates give: flat, by condition, by band, or set by reviewers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.assessment import Finding, Operand
from vouchers.policy.facts import Facts
from vouchers.policy.past.engine_1_0_0.basis import CountedItem
from vouchers.policy.past.engine_1_0_0.gates import months_after, reference_day
from vouchers.policy.past.engine_1_0_0.working import ZERO, Sum, Working, money, percent
from vouchers.policy.rules import ApplicantClass, Rate, Scheme, Track
from vouchers.policy.terms import FindingResult, GateEffect, RateKind, Stage, TaxMode, TierMeasure, TierMode


def in_class(one: ApplicantClass, facts: Facts) -> bool | None:
    """Whether the applicant belongs to the class; None when the facts do not say."""
    party = facts.applicant
    if one.code in party.classes:
        return True
    tests: list[bool | None] = []
    if one.registered_within_months is not None:
        born = party.registered_on
        limit = months_after(born, one.registered_within_months) if born else None
        tests.append(None if limit is None else limit > reference_day(facts))
    if one.sizes:
        tests.append(party.size in one.sizes if party.size else None)
    if one.ownerships:
        tests.append(party.ownership in one.ownerships if party.ownership else None)
    if not tests:
        return False  # a class without tests holds only for those to whom a person attested it
    if False in tests:
        return False
    return None if None in tests else True


def membership(scheme: Scheme, codes: Collection[str], facts: Facts) -> bool | None:
    """Whether the applicant is in any of the classes."""
    answers = [in_class(one, facts) for one in scheme.classes if one.code in codes]
    if True in answers:
        return True
    return None if None in answers else False


def _fits(scheme: Scheme, rate: Rate, item: CountedItem, facts: Facts) -> bool | None:
    tests: list[bool | None] = []
    if rate.chip_origins:
        tests.append(None if item.chip_origin is None else item.chip_origin in rate.chip_origins)
    if rate.purposes:
        tests.append(None if item.purpose is None else item.purpose in rate.purposes)
    if rate.components:
        tests.append(None if item.component is None else item.component in rate.components)
    if rate.classes:
        tests.append(membership(scheme, rate.classes, facts))
    if rate.completion_from is not None:
        tests.append(None if facts.completion is None else facts.completion >= rate.completion_from)
    if False in tests:
        return False
    return None if None in tests else True


def _conditions(rate: Rate) -> tuple[object, ...]:
    return (rate.chip_origins, rate.purposes, rate.components, rate.classes, rate.completion_from)


def _ladder(
    scheme: Scheme, track: Track, item: CountedItem, facts: Facts, findings: list[Finding]
) -> tuple[Rate, ...]:
    """The rate of an item, or its bands; empty when none fits. Where a fact is missing, the lowest that could hold."""
    possible: list[Rate] = []
    sure = False
    for rate in scheme.rates_of(track.code):
        fits = _fits(scheme, rate, item, facts)
        if fits is not False:
            possible.append(rate)
        if fits:
            sure = True
            break
    if not possible:
        findings.append(
            Finding(
                code="rate",
                result=FindingResult.NOT_MET,
                subject=item.item_no,
                fact="没有适用的补贴比例",
                sentence=f"明细 {item.item_no} 不在文件规定补贴比例的范围之内，不计补贴。",
                article=track.cite.words,
                confidence=track.cite.confidence,
                cure="请核对芯片来源、用途等填报内容。",
                effect=GateEffect.EXCLUDE,
            )
        )
        return ()
    if len(possible) > 1 or not sure:
        findings.append(
            Finding(
                code="rate",
                result=FindingResult.NOT_TESTABLE,
                subject=item.item_no,
                fact="芯片来源、用途或主体类别未取得",
                sentence=f"明细 {item.item_no} 适用哪一档比例尚缺信息，暂按可能适用的最低比例计算。",
                article=possible[0].cite.words,
                confidence=possible[0].cite.confidence,
                cure="请补充芯片来源、用途或主体类别。",
            )
        )
    chosen = min(possible, key=lambda rate: rate.rate if rate.rate is not None else Decimal(0))
    if track.tier_mode is TierMode.NONE:
        return (chosen,)
    return tuple(rate for rate in scheme.rates_of(track.code) if _conditions(rate) == _conditions(chosen))


@dataclass(frozen=True)
class TrackAmount:
    """What one track gives before caps that concern the whole case."""

    track: Track
    basis: Decimal
    amount: Sum
    by_contract: dict[str, Decimal]
    """The base of each contract: how an amount is shared out where a cap is per contract."""


def apply_rates(
    scheme: Scheme,
    track: Track,
    facts: Facts,
    items: list[CountedItem],
    working: Working,
    findings: list[Finding],
) -> TrackAmount:
    """Base times rate, group by group: items of one rate are added up first, so their order cannot matter."""
    groups: dict[tuple[str, ...], tuple[tuple[Rate, ...], list[CountedItem]]] = {}
    for item in items:
        ladder = _ladder(scheme, track, item, facts, findings)
        if ladder:
            groups.setdefault(tuple(rate.code for rate in ladder), (ladder, []))[1].append(item)
    order = {rate.code: place for place, rate in enumerate(scheme.rates)}
    by_contract: dict[str, Decimal] = {}
    parts: list[Sum] = []
    total_basis = ZERO
    for codes in sorted(groups, key=lambda key: [order[code] for code in key]):
        ladder, members = groups[codes]
        for item in members:
            by_contract[item.contract_no] = by_contract.get(item.contract_no, ZERO) + item.amount.value
        basis = _add_up(track, members, working)
        total_basis += basis.value
        if len(ladder) == 1 and ladder[0].band_from is None and ladder[0].band_to is None:
            parts.append(_flat(scheme, track, ladder[0], facts, basis, working, findings))
        else:
            parts.append(_banded(scheme, track, ladder, facts, basis, working, findings))
    amount = parts[0] if len(parts) == 1 else _sum_parts(parts, working)
    return TrackAmount(track, total_basis, amount, by_contract)


def _add_up(track: Track, members: list[CountedItem], working: Working) -> Sum:
    total = sum((item.amount.value for item in members), ZERO)
    tax = track.tax_mode
    return working.add(
        "basis",
        "sum",
        [item.amount.operand(f"明细 {item.item_no}") for item in members],
        total,
        lambda: (
            f"补贴基数（{TaxMode(tax).label}）："
            + (
                " ＋ ".join(money(item.amount.value) for item in members)
                if len(members) <= 6
                else f"{len(members)} 项明细合计"
            )
            + (f" ＝ {money(total)}。" if len(members) > 1 else "。")
        ),
        track.cite,
    )


def _sum_parts(parts: list[Sum], working: Working) -> Sum:
    total = sum((part.value for part in parts), ZERO)
    return working.add(
        "rate.sum",
        "sum",
        [part.operand(f"第 {part.line} 步") for part in parts],
        total,
        lambda: (
            f"各档补贴合计：{' ＋ '.join(money(part.value) for part in parts) or '0.00 元'} ＝ {money(total)}。"
        ),
    )


def rate_now(scheme: Scheme, rate: Rate, facts: Facts, findings: list[Finding]) -> tuple[Decimal, str]:
    """The rate as a fraction and a remark on how it came about. One that is not published is 0, with a refusing finding."""
    cite = rate.source("rate")
    if rate.rate is None:
        findings.append(
            Finding(
                code="rate_published",
                result=FindingResult.NOT_MET,
                subject=rate.code,
                fact="补贴比例未公布",
                sentence="该政策的补贴比例未公布，暂不能受理申领。",
                article=cite.words,
                confidence=cite.confidence,
                cure="待主管部门公布补贴比例后再行申领。",
            )
        )
        return Decimal(0), "比例未公布"
    if rate.kind is RateKind.FIXED:
        return rate.rate, ""
    if rate.kind is RateKind.CEILING:
        return rate.rate, "文件规定“不超过”，且不设评审环节，按上限执行"
    return _reviewer_rate(scheme, rate, rate.rate, facts, findings)


def _reviewer_rate(
    scheme: Scheme, rate: Rate, ceiling: Decimal, facts: Facts, findings: list[Finding]
) -> tuple[Decimal, str]:
    given = facts.review.rates.get(rate.code, facts.review.rates.get(rate.track))
    if given is None and facts.review.score is not None:
        score = facts.review.score
        rows = [row for row in scheme.score_rates if row.track == rate.track and row.score_from <= score]
        given = max(rows, key=lambda row: row.score_from).rate if rows else Decimal(0)
    cite = rate.source("rate")
    if given is None:
        findings.append(
            Finding(
                code="rate_reviewed",
                result=FindingResult.NOT_TESTABLE,
                subject=rate.code,
                fact="评审尚未确定比例",
                sentence=f"比例由评审在 {percent(ceiling)} 以内确定，目前按上限估算。",
                article=cite.words,
                confidence=cite.confidence,
                cure="待评审确定比例。",
            )
        )
        return ceiling, "评审尚未确定，按上限估算"
    if given > ceiling:
        findings.append(
            Finding(
                code="rate_reviewed",
                result=FindingResult.NOT_MET,
                subject=rate.code,
                fact=f"评审比例 {percent(given)}",
                sentence=f"评审比例 {percent(given)} 超过文件规定的上限 {percent(ceiling)}，请重新确定。",
                article=cite.words,
                confidence=cite.confidence,
                cure="请评审人员在上限以内确定比例。",
            )
        )
        return ceiling, "评审比例超过上限，按上限"
    return max(given, Decimal(0)), f"评审确定，上限为 {percent(ceiling)}"


def _flat(
    scheme: Scheme,
    track: Track,
    rate: Rate,
    facts: Facts,
    basis: Sum,
    working: Working,
    findings: list[Finding],
) -> Sum:
    value, remark = rate_now(scheme, rate, facts, findings)
    result = basis.value * value
    stage = "本次预计补贴" if facts.stage is Stage.APPLICATION else "本次补贴"
    return working.add(
        "rate",
        "product",
        [basis.operand("补贴基数"), Operand(name="补贴比例", value=value, unit="")],
        result,
        lambda: (
            f"{stage}：{money(basis.value)} × {percent(value)} ＝ {money(result)}{f'（{remark}）' if remark else ''}。"
        ),
        rate.source("rate"),
    )


def _banded(
    scheme: Scheme,
    track: Track,
    ladder: tuple[Rate, ...],
    facts: Facts,
    basis: Sum,
    working: Working,
    findings: list[Finding],
) -> Sum:
    """Bands over the case's base, or over the year's: then what the year's earlier base gave is taken off again."""
    before = facts.used.year_basis.get(track.code, ZERO) if track.tier_measure is TierMeasure.YEAR else ZERO
    rates = {rate.code: rate_now(scheme, rate, facts, findings)[0] for rate in ladder}
    upto = max(before + basis.value, ZERO)
    gross, words, operands = _ladder_amount(track, ladder, rates, upto)
    taken, taken_words, _ = _ladder_amount(track, ladder, rates, before)
    result = max(gross - taken, ZERO)
    if before:
        operands.append(Operand(name="此前基数已计补贴", value=-taken))

    def sentence() -> str:
        head = f"累计基数 {money(upto)}（此前 {money(before)}）" if before else f"基数 {money(upto)}"
        less = f"，减去此前已计 {money(taken)}（{taken_words}）" if before else ""
        return f"{head}，{track.tier_mode.label}：{words or '未达到任何档次'}{less} ＝ {money(result)}。"

    return working.add(
        "rate.tier",
        "tier",
        [*operands, basis.operand("补贴基数")],
        result,
        sentence,
        ladder[0].source("rate"),
    )


def _ladder_amount(
    track: Track, ladder: tuple[Rate, ...], rates: dict[str, Decimal], base: Decimal
) -> tuple[Decimal, str, list[Operand]]:
    total, words, operands = ZERO, [], []
    for rate in ladder:
        low, high = rate.band_from or ZERO, rate.band_to
        if track.tier_mode is TierMode.WHOLE:
            part = base if base >= low and (high is None or base < high) else ZERO
        else:
            part = max((base if high is None else min(base, high)) - low, ZERO)
        if part:
            total += part * rates[rate.code]
            words.append(f"{money(part)} × {percent(rates[rate.code])}")
            operands.append(
                Operand(name=f"{money(part)} × {percent(rates[rate.code])}", value=part * rates[rate.code])
            )
    return total, " ＋ ".join(words), operands
