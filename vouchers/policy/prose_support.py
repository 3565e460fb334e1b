"""What is granted, in sentences: tracks and their base, classes, rates, floors and caps."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from vouchers.policy import words
from vouchers.policy.rules import ApplicantClass, Cap, Floor, Rate, Scheme, ScoreRate, Track
from vouchers.policy.telling import Sentence, Telling, last_day, state, where
from vouchers.policy.terms import (
    Border,
    CapPeriod,
    CapSubject,
    CountsAt,
    DayCount,
    FloorMeasure,
    RateKind,
    TaxMode,
    TierBase,
    TierMeasure,
    TierMode,
    YearBy,
)
from vouchers.policy.words import day_words
from vouchers.policy.working import money, percent


def tell_track(telling: Telling, track: Track) -> Iterator[Sentence]:
    yield telling.say(
        f"“{track.name}”：支持{track.side.label}，{track.pay_to.label}。", "name", "side", "pay_to"
    )
    basis = f"以{telling.value('basis_kinds')}为凭" if track.basis_kinds else "的凭据尚未确定"
    if track.scale_unit is None:
        tax = "含税金额" if track.tax_mode is TaxMode.GROSS else "不含税金额"
        yield telling.say(f"补贴基数{basis}，按{tax}计算。", "basis_kinds", "tax_mode")
    else:
        precision = f"、{track.scale_precision.label} 精度" if track.scale_precision else ""
        yield telling.say(
            f"补贴基数{basis}，不按金额、而按核定的规模计算，以 {track.scale_unit.label}{precision}计；单位或精度不同的不作折算。",
            "basis_kinds",
            "scale_unit",
            "scale_precision",
        )
    if track.excluded_components:
        yield telling.say(f"{telling.value('excluded_components')}费用不计入基数。", "excluded_components")
    if track.counted_from or track.counted_to or track.day_count is not DayCount.INCLUSIVE:
        since = f"自{day_words(track.counted_from)}起" if track.counted_from else ""
        until = f"至{last_day(track.counted_to)}止" if track.counted_to else ""
        only = f"只计{since}{until}发生的费用；" if since or until else ""
        yield telling.say(
            f"{only}跨期的费用按天数折算，{track.day_count.label}。",
            "counted_from",
            "counted_to",
            "day_count",
        )
    if track.tier_mode is not TierMode.NONE or track.tier_measure is not TierMeasure.CASE:
        yield telling.say(
            f"比例按{track.tier_measure.label}分档，{track.tier_mode.label}。", "tier_measure", "tier_mode"
        )
    if track.tier_base is TierBase.TRACK:
        yield telling.say(
            "芯片来源、用途或主体类别不同的，基数合并累计以定档次；落在同一档的部分按各自基数所占的比重分摊。",
            "tier_base",
        )
    if track.band_border is Border.EXCLUDED:
        yield telling.say("基数恰好等于一档起点的，不进入该档，仍按前一档计算。", "band_border")


def tell_class(telling: Telling, one: ApplicantClass) -> Iterator[Sentence]:
    tests = []
    if one.registered_within_months is not None:
        most = "不超过" if one.border is Border.INCLUDED else "不满"
        tests.append(f"成立{most} {one.registered_within_months} 个月")
    if one.sizes:
        tests.append(f"企业规模为{telling.value('sizes')}")
    if one.ownerships:
        tests.append(f"所有制为{telling.value('ownerships')}")
    how = f"指{'，且'.join(tests)}" if tests else "由工作人员核验认定"
    told = ["name", "registered_within_months", "sizes", "ownerships"]
    if one.registered_within_months is not None:
        told.append("border")
    yield telling.say(f"“{one.name}”{how}。", *told)


def tell_rate(telling: Telling, rate: Rate) -> Iterator[Sentence]:
    scheme = telling.scheme
    several = len({one.track for one in scheme.rates}) > 1 or len(scheme.tracks) > 1
    track = f"“{words.named(scheme, 'tracks', rate.track)}”：" if several else ""
    conditions = [
        telling.value(name)
        for name in ("classes", "chip_origins", "purposes", "components")
        if getattr(rate, name)
    ]
    if rate.completion_from is not None:
        conditions.append(f"目标完成度不低于 {percent(rate.completion_from)}")
    banded = rate.band_from is not None or rate.band_to is not None
    own = next((one for one in scheme.tracks if one.code == rate.track), None)
    part = banded and own is not None and own.tier_mode is TierMode.MARGINAL
    if banded:
        basis = "年度累计基数" if own is not None and own.tier_measure is TierMeasure.YEAR else "基数"
        conditions.append(f"{basis}{' ' if rate.band_from is not None else ''}{words.band_words(rate)}")
    when = f"{'，'.join(conditions)}的{'部分' if part else ''}，" if conditions else ""
    yield telling.say(
        f"{track}{when}{_granted(scheme, rate, '该部分' if part else '基数')}。",
        "rate" if rate.unit_amount is None else "unit_amount",
        "rate",
        "unit_amount",
        "kind",
        "track",
        "classes",
        "chip_origins",
        "purposes",
        "components",
        "completion_from",
        "band_from",
        "band_to",
    )


def _granted(scheme: Scheme, rate: Rate, base: str) -> str:
    """`base`: of what the rate is."""
    if rate.value is None:
        how = "" if rate.kind is RateKind.FIXED else f"（{rate.kind.label}）"
        return f"补贴比例未公布{how}，在公布以前不受理申领"
    if rate.unit_amount is not None:
        both = "" if rate.rate is None else f"（另填有比例 {percent(rate.rate)}）"
        return f"{_by_unit(scheme, rate, rate.unit_amount)}{both}"
    value = percent(rate.value)
    return {
        RateKind.FIXED: f"按{base}的 {value} 支持",
        RateKind.CEILING: f"按不超过{base}的 {value} 支持；不设评审定比例的环节，按上限 {value} 执行",
        RateKind.REVIEWER_SET: f"支持比例由评审确定，不超过{base}的 {value}",
    }[rate.kind]


def _by_unit(scheme: Scheme, rate: Rate, amount: Decimal) -> str:
    units = [one.scale_unit.label for one in scheme.tracks if one.code == rate.track and one.scale_unit]
    value = f"每 {units[0] if units else '单位规模'} {money(amount)}"
    return {
        RateKind.FIXED: f"按{value}支持",
        RateKind.CEILING: f"按不超过{value}支持；不设评审环节，按上限执行",
        RateKind.REVIEWER_SET: f"支持标准由评审确定，不超过{value}",
    }[rate.kind]


def tell_score_rate(telling: Telling, row: ScoreRate) -> Iterator[Sentence]:
    track = words.named(telling.scheme, "tracks", row.track)
    yield telling.say(
        f"“{track}”评审得分不低于 {telling.value('score_from')}的，支持比例为 {percent(row.rate)}。",
        "rate",
        "score_from",
        "track",
    )


def tell_floor(telling: Telling, floor: Floor) -> Iterator[Sentence]:
    what = "核算的补贴金额" if floor.measure is FloorMeasure.AMOUNT else floor.measure.label
    least = words.in_unit(floor.amount, words.unit_of(telling.scheme, "amount", floor))
    short = "不足" if floor.border is Border.INCLUDED else "不超过"
    text = f"{floor.name}：{what}{short} {least}的，不予支持{where(telling)}"
    yield telling.say(
        state(text, floor.switched_on),
        "amount",
        "name",
        "measure",
        "stages",
        "tracks",
        "switched_on",
        "border",
    )


_EACH_YEAR = {
    CapPeriod.NONE: "",
    CapPeriod.CALENDAR_YEAR: "每个自然年度",
    CapPeriod.PROGRAMME_YEAR: "每个政策年度",
    CapPeriod.ROLLING_YEAR: "任意连续十二个月内",
    CapPeriod.TOTAL: "政策期内累计",
}


_COUNTED_BY_YEAR = (CapPeriod.CALENDAR_YEAR, CapPeriod.PROGRAMME_YEAR)


def tell_cap(telling: Telling, cap: Cap) -> Iterator[Sentence]:
    limits = [] if cap.amount is None else [money(cap.amount)]
    if cap.share is not None:
        limits.append(f"合同额的 {percent(cap.share)}")
    limit = " 并且不超过 ".join(limits)
    period = _EACH_YEAR.get(cap.period, cap.period.label)
    year = ""
    if cap.period is CapPeriod.PROGRAMME_YEAR:
        year = f"，年度自 {telling.value('year_starts')}起"
    paid = cap.counts_at is CountsAt.PAYMENT
    more = [cap.counts_at.label]
    if paid and cap.period in _COUNTED_BY_YEAR:
        by_filing = cap.year_by is YearBy.FILING
        more.append(
            f"{cap.year_by.label if by_filing else '按报送银行之日'}计年度，超过的部分留待下一年度拨付"
        )
    elif paid:
        more.append("不影响核定，超过的部分暂不拨付")
    if cap.tracks:
        more.append(f"限于{telling.value('tracks')}")
    if cap.classes:
        more.append(f"只适用于{telling.value('classes')}")
    if cap.waived_for:
        more.append(f"{telling.value('waived_for')}不受此限")
    subject = "全部资金合计" if cap.subject is CapSubject.POOL else cap.subject.label
    text = f"{cap.name}：{subject}{period}{f'不超过 {limit}' if limit else '的限额未公布'}{year}（{'；'.join(more)}）"
    told = ["amount" if cap.amount is not None else "share", "amount", "share", "name", "subject", "period"]
    if cap.period is CapPeriod.PROGRAMME_YEAR:
        told.append("year_starts")
    told += ["counts_at", "tracks", "classes", "waived_for", "switched_on"]
    if paid and cap.period in _COUNTED_BY_YEAR:
        told.append("year_by")
    yield telling.say(state(text, cap.switched_on), *dict.fromkeys(told))
