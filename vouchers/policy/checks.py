"""Contradictions and gaps of a scheme: what a reader of the text would stumble over before any case does.

`check` finds what is wrong in itself; `missing` what a version still needs before it can be published. Each problem names
its place as the admin and YAML do (`caps.enterprise_year.amount`).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from vouchers.policy.caps import ALL_PUBLIC_MONEY
from vouchers.policy.codes import PART_CODE_WORDS, PROGRAM_CODE_WORDS, is_part_code, is_program_code
from vouchers.policy.gate_checks import check_gates, known
from vouchers.policy.issue_checks import check_issue
from vouchers.policy.plain import BEIJING_TIME, Problem
from vouchers.policy.rules import Cap, Part, Rate, Scheme, Track
from vouchers.policy.scale_checks import check_scales
from vouchers.policy.terms import (
    BasisKind,
    CapPeriod,
    CapSubject,
    CountsAt,
    FloorMeasure,
    OtherMoneyMode,
    RateKind,
    Repeats,
    TierBase,
    TierMode,
    TrackChoice,
    YearBy,
)
from vouchers.policy.windows import overlaps_itself
from vouchers.policy.working import percent

PART_LISTS = (
    "classes",
    "tracks",
    "rates",
    "score_rates",
    "floors",
    "caps",
    "gates",
    "windows",
    "papers",
    "review_steps",
    "treasury_shares",
)
SINGLE_PARTS = ("price", "other_money", "voucher", "issue", "rounding")


def check(scheme: Scheme) -> list[Problem]:
    """Every contradiction; empty when the scheme is sound. A scheme whose rate is not published may be sound."""
    return [
        *_codes(scheme),
        *_references(scheme),
        *_rates(scheme),
        *_limits(scheme),
        *check_gates(scheme),
        *_dates(scheme),
        *_money(scheme),
        *check_scales(scheme),
        *check_issue(scheme),
        *_citations(scheme),
    ]


def check_document(scheme: Scheme) -> list[Problem]:
    """Every contradiction of a scheme that comes from a file, whose program is not yet one of ours."""
    own = [] if is_program_code(scheme.program) else [Problem("program", PROGRAM_CODE_WORDS)]
    return [*own, *check(scheme)]


def missing(scheme: Scheme) -> list[Problem]:
    """What has to be there before a version is proposed."""
    problems = []
    if not scheme.tracks:
        problems.append(Problem("tracks", "至少要有一个补贴方向"))
    problems.extend(
        Problem(f"tracks.{track.code}.basis_kinds", "至少要有一种补贴基数")
        for track in scheme.tracks
        if not track.basis_kinds
    )
    problems.extend(
        Problem(
            "rates", f"补贴方向“{track.name or track.code}”还没有补贴比例（未公布的请填一行并把比例留空）"
        )
        for track in scheme.tracks
        if not scheme.rates_of(track.code)
    )
    if scheme.effective_from is None:
        problems.append(Problem("effective_from", "请填写施行日期"))
    if not scheme.documents:
        problems.append(Problem("documents", "请列出所依据的文件"))
    problems.extend(
        Problem(name, "请填写") for name in ("title", "label", "region") if not getattr(scheme, name)
    )
    return problems


def _codes(scheme: Scheme) -> Iterator[Problem]:
    for name in PART_LISTS:
        seen: set[str] = set()
        for part in getattr(scheme, name):
            if part.code in seen:
                yield Problem(f"{name}.{part.code}", "代码重复")
            if not is_part_code(part.code):
                yield Problem(f"{name}.{part.code}.code", PART_CODE_WORDS)
            seen.add(part.code)


def _references(scheme: Scheme) -> Iterator[Problem]:
    tracks = tuple(track.code for track in scheme.tracks)
    classes = tuple(one.code for one in scheme.classes)
    for name in ("rates", "score_rates"):
        for part in getattr(scheme, name):
            if part.track not in tracks:
                yield Problem(f"{name}.{part.code}.track", f"没有补贴方向“{part.track}”", tracks)
    for name in ("floors", "caps", "gates"):
        for part in getattr(scheme, name):
            yield from known(f"{name}.{part.code}.tracks", part.tracks, tracks, "补贴方向")
    for rate in scheme.rates:
        yield from known(f"rates.{rate.code}.classes", rate.classes, classes, "主体类别")
    for name in ("caps", "gates"):
        for part in getattr(scheme, name):
            yield from known(f"{name}.{part.code}.classes", part.classes, classes, "主体类别")
            yield from known(f"{name}.{part.code}.waived_for", part.waived_for, classes, "主体类别")


def _rates(scheme: Scheme) -> Iterator[Problem]:
    for rate in scheme.rates:
        if rate.rate is not None and not 0 <= rate.rate <= 1:
            yield Problem(f"rates.{rate.code}.rate", "比例应在 0 与 1 之间（20% 写作 0.2）")
        if rate.completion_from is not None and not 0 <= rate.completion_from <= 1:
            yield Problem(f"rates.{rate.code}.completion_from", "完成度应在 0 与 1 之间（80% 写作 0.8）")
    for row in scheme.score_rates:
        ceilings = [rate.rate for rate in scheme.rates_of(row.track) if rate.rate is not None]
        if not 0 <= row.rate <= 1:
            yield Problem(f"score_rates.{row.code}.rate", "比例应在 0 与 1 之间（20% 写作 0.2）")
        elif ceilings and row.rate > max(ceilings):
            yield Problem(f"score_rates.{row.code}.rate", "超过了本方向比例的上限")
    for track in scheme.tracks:
        yield from _bands(track, scheme.rates_of(track.code))
        yield from _shadowed(scheme.rates_of(track.code))
    yield from _scores(scheme)


def _scores(scheme: Scheme) -> Iterator[Problem]:
    seen: set[tuple[str, Decimal]] = set()
    for row in scheme.score_rates:
        if not any(rate.kind is RateKind.REVIEWER_SET for rate in scheme.rates_of(row.track)):
            yield Problem(f"score_rates.{row.code}.track", "该方向没有由评审确定的比例，评分表不会用到")
        if (row.track, row.score_from) in seen:
            yield Problem(f"score_rates.{row.code}.score_from", "同一评分对应了两个比例")
        seen.add((row.track, row.score_from))


def _bands(track: Track, rates: tuple[Rate, ...]) -> Iterator[Problem]:
    groups: dict[tuple[Any, ...], list[Rate]] = {}
    for rate in rates:
        banded = rate.band_from is not None or rate.band_to is not None
        if banded and track.tier_mode is TierMode.NONE:
            yield Problem(f"rates.{rate.code}.band_from", "本方向设为“不分档”，不能有档次")
        if rate.band_from is not None and rate.band_to is not None and rate.band_from >= rate.band_to:
            yield Problem(f"rates.{rate.code}.band_to", "档次终点应大于起点")
        elif track.tier_mode is not TierMode.NONE:
            groups.setdefault(_condition(rate), []).append(rate)
    if groups and not any(rate.band_from or rate.band_to for rate in rates):
        yield Problem(f"tracks.{track.code}.tier_mode", "设为分档，却没有一档写明起点或终点")
    if track.tier_base is TierBase.TRACK and len(groups) < 2:
        yield Problem(
            f"tracks.{track.code}.tier_base", "只有分档且各组比例的条件不同的方向，才有合并累计与各自累计之别"
        )
    for members in groups.values():
        members.sort(key=lambda rate: rate.band_from or Decimal(0))
        for lower, upper in itertools.pairwise(members):
            start = upper.band_from or Decimal(0)
            if lower.band_to is None or lower.band_to > start:
                yield Problem(f"rates.{upper.code}.band_from", f"与“{lower.code}”的档次重叠")
            elif lower.band_to < start:
                yield Problem(f"rates.{upper.code}.band_from", f"与“{lower.code}”的档次之间有空档")


def _condition(rate: Rate) -> tuple[Any, ...]:
    return (rate.chip_origins, rate.purposes, rate.components, rate.classes, rate.completion_from)


def _shadowed(rates: tuple[Rate, ...]) -> Iterator[Problem]:
    """A rate after one that always holds is never reached."""
    for place, rate in enumerate(rates):
        if _condition(rate) == ((), (), (), (), None) and rate.band_from is None and rate.band_to is None:
            for later in rates[place + 1 :]:
                yield Problem(
                    f"rates.{later.code}", f"排在无条件的“{rate.code}”之后，永远不会适用，请调整次序"
                )
            return


def _limits(scheme: Scheme) -> Iterator[Problem]:
    for cap in scheme.caps:
        path = f"caps.{cap.code}"
        if (cap.amount is None) == (cap.share is None):
            yield Problem(f"{path}.amount", "限额与限额比例须填且只填一项")
        if cap.amount is not None and cap.amount <= 0:
            yield Problem(f"{path}.amount", "限额应大于零")
        if cap.share is not None and not 0 < cap.share <= 1:
            yield Problem(f"{path}.share", "限额比例应大于 0、不超过 1")
        if cap.share is not None and cap.subject not in (CapSubject.USE, CapSubject.CONTRACT):
            yield Problem(f"{path}.share", "占合同额的比例只用于“单次”“单个合同”的限额")
        if cap.subject is CapSubject.USE and cap.period is not CapPeriod.NONE:
            yield Problem(f"{path}.period", "单次限额不按期间累计，请选“不按期间”")
        if scheme.track_choice is TrackChoice.SUM and 1 < len(set(cap.tracks)) < len(scheme.tracks):
            yield Problem(f"{path}.tracks", "各方向相加的，限额应适用于一个方向，或适用于全部方向（留空）")
        if set(cap.classes) & set(cap.waived_for):
            yield Problem(f"{path}.waived_for", "同一类主体既受此限、又不受此限")
        if cap.code == ALL_PUBLIC_MONEY:
            yield Problem(f"{path}.code", "此代码留给“财政资金合计”使用，请换一个")
        if not _in_every_year(cap.year_starts):
            yield Problem(f"{path}.year_starts", "不是每年都有的日期，请写作“月-日”，例如 04-01")
        yield from _cap_below_floor(scheme, cap)
        yield from _of_payments(scheme, cap)
    for floor in scheme.floors:
        if floor.amount < 0:
            yield Problem(f"floors.{floor.code}.amount", "起补线不能为负")
        if not floor.stages:
            yield Problem(f"floors.{floor.code}.stages", "请至少选择一个环节")


def _of_payments(scheme: Scheme, cap: Cap) -> Iterator[Problem]:
    """What a payment is counted by is one amount of one subject: it has no contract, and no track of its own."""
    path = f"caps.{cap.code}"
    if cap.counts_at is not CountsAt.PAYMENT:
        if cap.year_by is not YearBy.EVENT:
            yield Problem(
                f"{path}.year_by",
                f"“{cap.counts_at.label}”的限额按申领、申请兑付之日计年度，请选“按计入环节之日”",
            )
        return
    if cap.subject in (CapSubject.USE, CapSubject.CONTRACT, CapSubject.BATCH):
        yield Problem(f"{path}.counts_at", f"“{cap.subject.label}”的限额在核定时执行，请改为发券或兑付时计入")
    if cap.share is not None:
        yield Problem(f"{path}.share", "拨付时计入的限额须为金额")
    if cap.tracks and scheme.track_choice is not TrackChoice.CHOICE:
        yield Problem(f"{path}.tracks", "一笔拨付不分方向，拨付时计入的限额应适用于全部方向（留空）")
    if cap.year_by is YearBy.FILING and cap.period not in _YEARS:
        yield Problem(f"{path}.year_by", "只有自然年度、政策年度的限额可以按申请兑付之日计年度")


_YEARS = (CapPeriod.CALENDAR_YEAR, CapPeriod.PROGRAMME_YEAR)


def _in_every_year(month_and_day: str) -> bool:
    try:
        date.fromisoformat(f"2025-{month_and_day}")  # not a leap year
    except ValueError:
        return False
    return len(month_and_day) == 5


def _cap_below_floor(scheme: Scheme, cap: Cap) -> Iterator[Problem]:
    for floor in scheme.floors:
        together = not floor.tracks or not cap.tracks or set(floor.tracks) & set(cap.tracks)
        both_on = cap.switched_on and floor.switched_on
        if (
            floor.measure is FloorMeasure.AMOUNT
            and both_on
            and together
            and cap.amount is not None
            and cap.amount < floor.amount
        ):
            yield Problem(f"caps.{cap.code}.amount", f"低于起补线“{floor.name}”，没有人能够申领")


def _dates(scheme: Scheme) -> Iterator[Problem]:
    if scheme.effective_from and scheme.effective_to and scheme.effective_from >= scheme.effective_to:
        yield Problem("effective_to", "失效日期应晚于施行日期")
    if scheme.retroactive_from and scheme.effective_from and scheme.retroactive_from >= scheme.effective_from:
        yield Problem("retroactive_from", "溯及适用的起始日应早于施行日期；不溯及既往的请留空")
    for track in scheme.tracks:
        if track.counted_from and track.counted_to and track.counted_from >= track.counted_to:
            yield Problem(f"tracks.{track.code}.counted_to", "计入截止日应晚于起始日")
    for window in scheme.windows:
        path = f"windows.{window.code}"
        if window.opens_at >= window.closes_at:
            yield Problem(f"{path}.closes_at", "截止时间应晚于开始时间")
        elif overlaps_itself(window):
            yield Problem(f"{path}.repeats", "下一期开始时本期尚未截止，请缩短申报期或改选重复的周期")
        if window.repeats_until is not None and window.repeats is Repeats.NONE:
            yield Problem(f"{path}.repeats_until", "不重复的申报期不用填写，请留空或选择重复的周期")
        elif window.repeats_until and window.repeats_until <= window.opens_at.astimezone(BEIJING_TIME).date():
            yield Problem(f"{path}.repeats_until", "应晚于第一期的开始时间，否则一期也没有")


_LEVELS = ("national", "provincial", "municipal", "district")


def _treasuries(scheme: Scheme) -> Iterator[Problem]:
    rows = scheme.treasury_shares
    if rows and sum(row.share for row in rows) != 1:
        total = percent(sum((row.share for row in rows), Decimal(0)))
        yield Problem("treasury_shares", f"各级财政分担比例合计应为 100%，现为 {total}")
    for row in rows:
        if not 0 <= row.share <= 1:
            yield Problem(f"treasury_shares.{row.code}.share", "比例应在 0 与 1 之间（60% 写作 0.6）")
    for row in [row for row in rows if row.takes_rest][1:]:
        yield Problem(f"treasury_shares.{row.code}.takes_rest", "尾数只能由一级财政负担")


def _money(scheme: Scheme) -> Iterator[Problem]:
    mode, share = scheme.other_money.mode, scheme.other_money.share
    shared = mode in (OtherMoneyMode.SHARE_LIMIT, OtherMoneyMode.COMBINED_RATE)
    if shared and (share is None or not 0 < share <= 1):
        yield Problem("other_money.share", "请填写合计比例，大于 0、不超过 1")
    if not shared and share is not None:
        yield Problem("other_money.share", f"“{mode.label}”不用合计比例，请留空")
    if mode is OtherMoneyMode.NONE_SAME_LEVEL and not scheme.other_money.level:
        yield Problem("other_money.level", "请填写财政层级", _LEVELS)
    if scheme.other_money.level and scheme.other_money.level not in _LEVELS:
        yield Problem("other_money.level", f"没有财政层级“{scheme.other_money.level}”", _LEVELS)
    yield from _treasuries(scheme)
    for rate in scheme.rates:
        if rate.kind is RateKind.REVIEWER_SET and not any(step.sets_rate for step in scheme.review_steps):
            yield Problem(f"rates.{rate.code}.kind", "由评审确定比例，须有一个“在此确定比例”的审核环节")
    for track in scheme.tracks:
        if BasisKind.CONTRACT_AMOUNT in track.basis_kinds and len(set(track.basis_kinds)) != len(
            track.basis_kinds
        ):
            yield Problem(f"tracks.{track.code}.basis_kinds", "同一种基数重复出现")


def _citations(scheme: Scheme) -> Iterator[Problem]:
    yield from _cited("", scheme)
    for name in SINGLE_PARTS:
        yield from _cited(name, getattr(scheme, name))
    for name in PART_LISTS:
        for part in getattr(scheme, name):
            yield from _cited(f"{name}.{part.code}", part)


def _cited(path: str, part: Part) -> Iterator[Problem]:
    head = f"{path}." if path else ""
    if not part.cite.document_no:
        yield Problem(f"{head}cite", "请注明依据文件")
    fields = tuple(field.name for field in dataclasses.fields(part) if field.name not in ("cite", "cites"))
    for name, citation in part.cites.items():
        if name not in fields:
            yield Problem(f"{head}cites.{name}", "没有这一项数值", fields)
        if not citation.document_no:
            yield Problem(f"{head}cites.{name}", "请注明依据文件")
