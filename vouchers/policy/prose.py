"""A version as prose (本政策说明): what it says, section by section in the ordinance's order, each sentence with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.rules import Cap, Citation, Rate, Scheme
from vouchers.policy.terms import (
    AboveBand,
    CapPeriod,
    Confidence,
    OtherMoneyMode,
    RateKind,
    Shortage,
    Stage,
    TierMode,
)
from vouchers.policy.working import money, percent


@dataclass(frozen=True)
class Sentence:
    """One statement and where it stands. `switched_off` ones are recorded and not applied."""

    text: str
    cite: Citation
    switched_off: bool = False

    @property
    def source(self) -> str:
        """The source as printed behind the sentence."""
        note = f"；{self.cite.note}" if self.cite.note else ""
        return f"{self.cite.words}{note}"

    @property
    def is_published(self) -> bool:
        """Whether a government's text stands behind it."""
        return self.cite.confidence in (Confidence.SEED, Confidence.TEXT)


@dataclass(frozen=True)
class Section:
    """A heading and its sentences."""

    title: str
    sentences: tuple[Sentence, ...]


def describe(scheme: Scheme) -> list[Section]:
    """The whole version; sections without content are left out."""
    sections = [
        Section("适用", tuple(_scope(scheme))),
        Section("支持谁、按什么计算", tuple(_tracks(scheme))),
        Section("支持多少", tuple(_rates(scheme))),
        Section("起补线与限额", tuple(_limits(scheme))),
        Section("条件", tuple(_gates(scheme))),
        Section("申报与审核", tuple(_process(scheme))),
        Section("券与兑付", tuple(_voucher(scheme))),
    ]
    return [section for section in sections if section.sentences]


def _scope(scheme: Scheme) -> Iterator[Sentence]:
    start = f"{scheme.effective_from:%Y年%m月%d日}" if scheme.effective_from else "（待定）"
    end = f"至{scheme.effective_to - timedelta(days=1):%Y年%m月%d日}" if scheme.effective_to else "起"
    yield Sentence(f"本政策施行期间为{start}{end}。", scheme.source("effective_from"))
    yield Sentence(f"一件事适用哪一版本，{scheme.in_force_by.label}确定。", scheme.source("in_force_by"))
    if scheme.note:
        yield Sentence(scheme.note, scheme.source("note"))


def _tracks(scheme: Scheme) -> Iterator[Sentence]:
    names = {one.code: one.name for one in scheme.classes}
    for track in scheme.tracks:
        kinds = "、".join(kind.label for kind in track.basis_kinds)
        yield Sentence(f"“{track.name}”支持{track.side.label}，{track.pay_to.label}。", track.cite)
        yield Sentence(f"补贴基数以{kinds}为凭。", track.source("basis_kinds"))
        yield Sentence(f"金额按{track.tax_mode.label}计算。", track.source("tax_mode"))
        if track.excluded_components:
            words = "、".join(one.label for one in track.excluded_components)
            yield Sentence(f"{words}费用不计入基数。", track.source("excluded_components"))
        if track.counted_from or track.counted_to:
            since = f"{track.counted_from:%Y年%m月%d日}以后" if track.counted_from else ""
            until = f"{track.counted_to:%Y年%m月%d日}以前" if track.counted_to else ""
            yield Sentence(
                f"只计{since}{until}发生的费用，跨期的按天数折算（{track.day_count.label}）。",
                track.source("counted_from" if track.counted_from else "counted_to"),
            )
    if len(scheme.tracks) > 1:
        yield Sentence(f"有多个补贴方向的，{scheme.track_choice.label}。", scheme.source("track_choice"))
    for code, name in names.items():
        one = next(part for part in scheme.classes if part.code == code)
        yield Sentence(f"设“{name}”一类主体。", one.cite)


def _rates(scheme: Scheme) -> Iterator[Sentence]:
    for track in scheme.tracks:
        for rate in scheme.rates_of(track.code):
            yield Sentence(
                f"{_when(scheme, rate, track.tier_mode)}{_rate_words(rate)}。", rate.source("rate")
            )
    for row in scheme.score_rates:
        yield Sentence(f"评分不低于 {row.score_from} 分的，比例为 {percent(row.rate)}。", row.cite)


def _when(scheme: Scheme, rate: Rate, mode: TierMode) -> str:
    names = {one.code: one.name for one in scheme.classes}
    words = []
    if rate.classes:
        words.append("、".join(names.get(code, code) for code in rate.classes))
    conditions = (rate.chip_origins, rate.purposes, rate.components)
    words += ["、".join(one.label for one in values) for values in conditions if values]
    if rate.completion_from is not None:
        words.append(f"目标完成度不低于 {percent(rate.completion_from)}")
    if rate.band_from is not None or rate.band_to is not None:
        low = f"{money(rate.band_from)}以上（含）" if rate.band_from else ""
        high = f"不足 {money(rate.band_to)}" if rate.band_to else ""
        words.append(f"基数{low}{high}（{mode.label}）")
    return f"{'，'.join(words)}的，" if words else ""


def _rate_words(rate: Rate) -> str:
    if rate.rate is None:
        return "补贴比例未公布"
    value = percent(rate.rate)
    return {
        RateKind.FIXED: f"按基数的 {value} 支持",
        RateKind.CEILING: f"按不超过基数的 {value} 支持，不设评审定比例的环节，按 {value} 执行",
        RateKind.REVIEWER_SET: f"由评审在不超过 {value} 的范围内确定",
    }[rate.kind]


def _limits(scheme: Scheme) -> Iterator[Sentence]:
    for floor in scheme.floors:
        text = f"{floor.name}为 {money(floor.amount)}（{floor.measure.label}）"
        yield Sentence(_state(text, floor.switched_on), floor.cite, not floor.switched_on)
    for cap in scheme.caps:
        yield Sentence(_state(_cap_words(cap), cap.switched_on), cap.source("amount"), not cap.switched_on)


def _cap_words(cap: Cap) -> str:
    limit = money(cap.amount) if cap.amount is not None else f"合同额的 {percent(cap.share or Decimal(0))}"
    period = "" if cap.period is CapPeriod.NONE else f"，{cap.period.label}"
    return f"{cap.name}不超过 {limit}（{cap.subject.label}{period}，{cap.counts_at.label}）"


def _state(text: str, on: bool) -> str:
    return f"{text}。" if on else f"{text}。此条未启用。"


def _gates(scheme: Scheme) -> Iterator[Sentence]:
    for gate in scheme.gates:
        text = (
            f"{gate.text.rstrip('。')}；不符合的，{gate.effect.label}；无法判定的，{gate.if_untestable.label}"
        )
        yield Sentence(_state(text, gate.switched_on), gate.cite, not gate.switched_on)
    price = scheme.price
    if price.above_band is not AboveBand.NONE:
        yield Sentence(
            f"签约价格须与公允价格区间相比较：{price.above_band.label}。", price.source("above_band")
        )
    other = scheme.other_money
    if other.mode is not OtherMoneyMode.NOT_STATED:
        share = f"（{percent(other.share)}）" if other.share is not None else ""
        yield Sentence(
            _state(f"{other.mode.label}{share}", other.switched_on), other.cite, not other.switched_on
        )


def _process(scheme: Scheme) -> Iterator[Sentence]:
    yield Sentence(f"发放方式：{scheme.issue.way.label}。", scheme.issue.source("way"))
    for window in scheme.windows:
        opens, closes = (moment.astimezone(BEIJING_TIME) for moment in (window.opens_at, window.closes_at))
        yield Sentence(f"{window.name}自 {opens:%Y-%m-%d %H:%M} 至 {closes:%Y-%m-%d %H:%M}。", window.cite)
    for stage in Stage:
        papers = [paper for paper in scheme.papers if paper.stage is stage]
        if papers:
            names = "、".join(paper.name if paper.required else f"{paper.name}（如有）" for paper in papers)
            yield Sentence(f"{stage.label}时提交：{names}。", papers[0].cite)
        steps = [step for step in scheme.review_steps if step.stage is stage]
        if steps:
            chain = " → ".join(
                f"{step.name}（{step.working_days} 个工作日）" if step.working_days else step.name
                for step in steps
            )
            yield Sentence(f"{stage.label}的审核：{chain}。", steps[0].cite)
    if scheme.issue.notice_working_days:
        yield Sentence(
            f"核准后公示 {scheme.issue.notice_working_days} 个工作日。",
            scheme.issue.source("notice_working_days"),
        )
    if scheme.issue.shortage is not Shortage.NOT_STATED:
        yield Sentence(f"资金不足时：{scheme.issue.shortage.label}。", scheme.issue.source("shortage"))


def _voucher(scheme: Scheme) -> Iterator[Sentence]:
    kind = scheme.voucher
    if not kind.issues_voucher:
        yield Sentence("不发放算力券，审核通过后直接补助。", kind.source("issues_voucher"))
    else:
        split = "可拆分" if kind.divisible else "不可拆分"
        often = "可多次使用" if kind.many_uses else "只能使用一次"
        yield Sentence(f"算力券{split}、{often}，不得转让，不能兑换现金。", kind.cite)
        if kind.validity_months:
            yield Sentence(f"有效期 {kind.validity_months} 个月。", kind.source("validity_months"))
        if kind.valid_to:
            yield Sentence(f"统一于{kind.valid_to:%Y年%m月%d日}零时失效。", kind.source("valid_to"))
    for row in scheme.treasury_shares:
        yield Sentence(f"{row.treasury}负担 {percent(row.share)}。", row.cite)
    rounding = scheme.rounding
    yield Sentence(
        f"金额{rounding.when.label}，{rounding.mode.label}到{rounding.unit.label}。", rounding.source("mode")
    )
