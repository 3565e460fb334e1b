"""Which rate holds for an item, and what the rates give: flat, by condition, by band, or set by reviewers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from vouchers.policy.assessment import Counterfactual, Finding, Operand
from vouchers.policy.bands import banded
from vouchers.policy.basis import CountedItem, unit_of
from vouchers.policy.facts import Facts
from vouchers.policy.gates import months_after, reference_day
from vouchers.policy.rate_values import rate_now, rate_words
from vouchers.policy.rules import ApplicantClass, Rate, Scheme, Track
from vouchers.policy.shares import Share, share_out
from vouchers.policy.terms import FindingResult, GateEffect, RateKind, Stage, TierMode
from vouchers.policy.working import ZERO, Sum, Working, figure, money, percent, round_step


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
    chosen = min(possible, key=lambda rate: rate.value if rate.value is not None else Decimal(0))
    if track.tier_mode is TierMode.NONE:
        return (chosen,)
    return tuple(rate for rate in scheme.rates_of(track.code) if _conditions(rate) == _conditions(chosen))


@dataclass(frozen=True)
class TrackAmount:
    """What the tracks give so far. `basis` is yuan, `quantity` units of a scale; a track counts in one of the two.

    `parts` says what of the amount comes from which track and contract: how an amount is shared out where a cap concerns a
    track or a contract. `bound` is the most that rounding may lift the amount to (None: no limit has been met yet).
    """

    track: Track
    basis: Decimal
    quantity: Decimal
    amount: Sum
    parts: dict[Share, Decimal]
    bound: Decimal | None = None


def apply_rates(
    scheme: Scheme,
    track: Track,
    facts: Facts,
    items: list[CountedItem],
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    """Base times rate, group by group: items of one rate are added up first, so their order cannot matter."""
    groups: dict[tuple[str, ...], tuple[tuple[Rate, ...], list[CountedItem]]] = {}
    for item in items:
        ladder = _ladder(scheme, track, item, facts, findings)
        if ladder:
            groups.setdefault(tuple(rate.code for rate in ladder), (ladder, []))[1].append(item)
    order = {rate.code: place for place, rate in enumerate(scheme.rates)}
    parts: dict[Share, Decimal] = {}
    results: list[Sum] = []
    total = ZERO
    for codes in sorted(groups, key=lambda key: [order[code] for code in key]):
        ladder, members = groups[codes]
        basis = _add_up(track, members, working)
        total += basis.value
        value: Decimal | None
        _tell_completion(scheme, track, ladder[0], facts, counterfactuals)
        if len(ladder) == 1 and ladder[0].band_from is None and ladder[0].band_to is None:
            result, value = _flat(scheme, track, ladder[0], facts, basis, working, findings)
        else:
            result = banded(scheme, track, ladder, facts, basis, working, findings, counterfactuals)
            value = None
        result = round_step(scheme.rounding, result, working)
        results.append(result)
        for key, part in _parts(track, members, value, result.value).items():
            parts[key] = parts.get(key, ZERO) + part
    amount = results[0] if len(results) == 1 else _sum_parts(results, working)
    yuan, units = (total, ZERO) if track.scale_unit is None else (ZERO, total)
    return TrackAmount(track, yuan, units, amount, parts)


def _parts(
    track: Track, members: list[CountedItem], rate: Decimal | None, result: Decimal
) -> dict[Share, Decimal]:
    """What each contract brought of a group's result: its own base at the rate, or where bands hold by its part of the base."""
    weights: dict[Share, Decimal] = {}
    for item in members:
        key = (track.code, item.contract_no)
        weights[key] = weights.get(key, ZERO) + item.amount.value * (Decimal(1) if rate is None else rate)
    return weights if rate is not None else share_out(weights, result)


def _add_up(track: Track, members: list[CountedItem], working: Working) -> Sum:
    total = sum((item.amount.value for item in members), ZERO)
    unit = unit_of(track)
    precision = f"（{track.scale_precision.label}）" if track.scale_precision else ""
    head = (
        f"补贴基数（{track.tax_mode.label}）"
        if track.scale_unit is None
        else f"核定规模（{unit}{precision}）"
    )
    return working.add(
        "basis",
        "sum",
        [item.amount.operand(f"明细 {item.item_no}", unit) for item in members],
        total,
        lambda: (
            f"{head}："
            + (
                " ＋ ".join(figure(item.amount.value, unit) for item in members)
                if len(members) <= 6
                else f"{len(members)} 项明细合计"
            )
            + (f" ＝ {figure(total, unit)}。" if len(members) > 1 else "。")
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


def _flat(
    scheme: Scheme,
    track: Track,
    rate: Rate,
    facts: Facts,
    basis: Sum,
    working: Working,
    findings: list[Finding],
) -> tuple[Sum, Decimal]:
    """What the rate gives, and the rate."""
    value, remark = rate_now(scheme, rate, facts, findings)
    result = basis.value * value
    stage = "本次预计补贴" if facts.stage is Stage.APPLICATION else "本次补贴"
    unit = unit_of(track)
    noun, each = ("补贴基数", "") if track.scale_unit is None else ("核定规模", f"元/{unit}")
    line = working.add(
        "rate",
        "product",
        [
            basis.operand(noun, unit),
            Operand(name="补贴比例" if not each else "补贴标准", value=value, unit=each),
        ],
        result,
        lambda: (
            f"{stage}：{figure(basis.value, unit)} × {rate_words(rate, value)} ＝ {money(result)}{f'（{remark}）' if remark else ''}。"
        ),
        rate.source("rate"),
    )
    return line, value


def _tell_completion(
    scheme: Scheme, track: Track, rate: Rate, facts: Facts, counterfactuals: list[Counterfactual]
) -> None:
    """The next degree of completion that gives a higher rate, where nothing but the degree stands in its way."""
    done, here = facts.completion, rate.value
    if done is None or here is None or track.tier_mode is not TierMode.NONE:
        return
    ahead = [
        one
        for one in scheme.rates_of(track.code)
        if one.completion_from is not None
        and one.completion_from > done
        and one.kind is not RateKind.REVIEWER_SET
        and rate.kind is not RateKind.REVIEWER_SET
        and (one.value or ZERO) > here
        and _conditions(one)[:-1] in (((), (), (), ()), _conditions(rate)[:-1])
    ]
    if not ahead:
        return
    following = min(ahead, key=lambda one: one.completion_from or ZERO)
    told = Counterfactual(
        code=f"completion.{following.code}",
        sentence=(
            f"目标完成度达到 {percent(following.completion_from or ZERO)} 的，"
            f"按 {rate_words(following, following.value or ZERO)} 计算。"
        ),
        amount=following.completion_from,
    )
    if told not in counterfactuals:
        counterfactuals.append(told)
