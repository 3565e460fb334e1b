"""A scheme in words: sections of sentences, each with its citation and how sure it is. For the catalogue and the portal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from vouchers.models.parties import Ownership, Size
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import ApplicantClass, Cap, Citation, Floor, Rate, ReviewStep, Scheme, Track
from vouchers.policy.terms import (
    AboveBand,
    CapPeriod,
    Confidence,
    FloorMeasure,
    IssueWay,
    OtherMoneyMode,
    RateKind,
    Stage,
    TaxMode,
    TierMode,
)
from vouchers.web.wording import date_text, instant_text, money_text, rate_text, wan_text


@dataclass(frozen=True)
class Sentence:
    """One sentence of a section. ``mark`` is set for what no government published or nobody verified."""

    text: str
    article: str
    confidence: Confidence

    @property
    def mark(self) -> str:
        """The word beside a value that is not the law's own."""
        if self.confidence is Confidence.DEMO:
            return str(_("演示设定"))
        return str(_("未核实")) if self.confidence is Confidence.HINT else ""


@dataclass(frozen=True)
class Section:
    title: str
    sentences: tuple[Sentence, ...]


def _said(text: str, cite: Citation) -> Sentence:
    return Sentence(text, cite.words, cite.confidence)


def sections(scheme: Scheme) -> list[Section]:
    """The whole scheme; sections without content are left out."""
    found = [
        Section(_("补贴什么"), _tracks(scheme)),
        Section(_("补贴多少"), tuple(_rate(scheme, rate) for rate in scheme.rates)),
        Section(_("限额与起补线"), _limits(scheme)),
        Section(_("条件"), tuple(_said(gate.text, gate.cite) for gate in scheme.gates if gate.switched_on)),
        Section(_("公允价格与其他财政资金"), _price_and_money(scheme)),
        Section(
            _("材料"),
            tuple(
                _said(f"{one.name}（{one.stage.label}{'' if one.required else '，' + _('选交')}）", one.cite)
                for one in scheme.papers
            ),
        ),
        Section(_("申报与办理"), _way(scheme)),
    ]
    return [section for section in found if section.sentences]


def _tracks(scheme: Scheme) -> tuple[Sentence, ...]:
    rows = [_track(track) for track in scheme.tracks]
    if len(rows) > 1:
        text = _("同时符合几个补贴方向的：%(how)s。") % {"how": scheme.track_choice.label}
        rows.append(_said(text, scheme.source("track_choice")))
    return tuple(rows)


def _track(track: Track) -> Sentence:
    basis = "、".join(kind.label for kind in track.basis_kinds)
    tax = _("含税金额") if track.tax_mode is TaxMode.GROSS else _("不含税金额")
    if track.scale_unit is None:
        text = _("%(name)s：以%(basis)s的%(tax)s为基数，%(pay)s")
    else:
        text = _("%(name)s：以%(basis)s核定的规模（%(unit)s）为基数，%(pay)s")
    text %= {
        "name": track.name,
        "basis": basis,
        "tax": tax,
        "unit": _unit(track),
        "pay": track.pay_to.label,
    }
    if track.excluded_components:
        text += _("；%(parts)s费用不计入") % {
            "parts": "、".join(one.label for one in track.excluded_components)
        }
    if track.counted_from or track.counted_to:
        since = _("自 %(day)s 起") % {"day": date_text(track.counted_from)} if track.counted_from else ""
        last = track.counted_to - timedelta(days=1) if track.counted_to else None
        until = _("至 %(day)s 止") % {"day": date_text(last)} if last else ""
        text += _("；只计%(days)s发生的部分") % {"days": since + until}
    return _said(text + "。", track.cite)


def _rate(scheme: Scheme, rate: Rate) -> Sentence:
    track = scheme.track(rate.track)
    when = [one.label for one in (*rate.chip_origins, *rate.purposes, *rate.components)]
    names = {one.code: one.name for one in scheme.classes}
    when += [names.get(code, code) for code in rate.classes]
    if rate.band_from is not None or rate.band_to is not None:
        when.append(_band(track, rate))
    if rate.completion_from is not None:
        when.append(_("目标完成率不低于 %(rate)s") % {"rate": rate_text(rate.completion_from)})
    if rate.value is None:
        share = _("比例未公布")
    elif rate.kind is RateKind.FIXED:
        share = _value(track, rate, rate.value)
    else:
        share = _("不超过 %(rate)s") % {"rate": _value(track, rate, rate.value)}
        if rate.kind is RateKind.REVIEWER_SET:
            share += _("，由评审确定")
    tier = f"（{track.tier_mode.label}）" if track.tier_mode is not TierMode.NONE else ""
    condition = f"{'、'.join(when)}，" if when else ""
    return _said(f"{track.name}：{condition}{share}{tier}。", rate.source("rate"))


def _value(track: Track, rate: Rate, value: Decimal) -> str:
    """A percentage of the base, or yuan a unit of the scale."""
    if rate.unit_amount is None:
        return rate_text(value)
    return _("每 %(unit)s %(amount)s 元") % {"unit": _unit(track), "amount": money_text(value)}


def _unit(track: Track) -> str:
    if track.scale_unit is None:
        return _("元")
    precision = f"（{track.scale_precision.label}）" if track.scale_precision else ""
    return f"{track.scale_unit.label}{precision}"


def _band(track: Track, rate: Rate) -> str:
    noun = _("基数") if track.scale_unit is None else _("核定规模")
    write = money_text if track.scale_unit is None else decimal_text
    low = f"{noun} {write(rate.band_from or Decimal(0))} {_unit(track)}"
    if rate.band_to is None:
        return _("%(low)s以上") % {"low": low}
    return _("%(low)s至 %(high)s") % {"low": low, "high": f"{write(rate.band_to)} {_unit(track)}"}


def _least(scheme: Scheme, floor: Floor) -> str:
    if floor.measure is not FloorMeasure.SCALE:
        return wan_text(floor.amount)
    units = {_unit(track) for track in scheme.tracks if track.scale_unit is not None}
    return f"{decimal_text(floor.amount)} {units.pop() if len(units) == 1 else _('个规模单位')}"


def _limits(scheme: Scheme) -> tuple[Sentence, ...]:
    rows = []
    for cap in scheme.caps:
        if not cap.switched_on:
            continue
        most = (
            wan_text(cap.amount)
            if cap.amount is not None
            else _("合同金额的 %(share)s") % {"share": rate_text(cap.share)}
        )
        period = "" if cap.period is CapPeriod.NONE else f"（{cap.period.label}）"
        rows.append(
            _said(f"{cap.name}{period}：{_('最高')} {most}{_whose(scheme, cap)}。", cap.source("amount"))
        )
    rows += [
        _said(f"{floor.name}：{_('不低于')} {_least(scheme, floor)}。", floor.source("amount"))
        for floor in scheme.floors
        if floor.switched_on
    ]
    rows += [_class(one) for one in scheme.classes]
    return tuple(rows)


def _whose(scheme: Scheme, cap: Cap) -> str:
    """Who alone the cap is for, and whom it does not hold."""
    names = {one.code: one.name for one in scheme.classes}
    words = []
    if cap.classes:
        words.append(_("只适用于%(who)s") % {"who": "、".join(names.get(code, code) for code in cap.classes)})
    if cap.waived_for:
        words.append(
            _("%(who)s不受此限") % {"who": "、".join(names.get(code, code) for code in cap.waived_for)}
        )
    return f"（{'；'.join(words)}）" if words else ""


def _class(one: ApplicantClass) -> Sentence:
    tests = []
    if one.registered_within_months is not None:
        tests.append(_("成立不超过 %(n)s 个月") % {"n": one.registered_within_months})
    if one.sizes:
        tests.append(_("企业规模为%(what)s") % {"what": _labels(one.sizes, Size.choices)})
    if one.ownerships:
        tests.append(_("所有制为%(what)s") % {"what": _labels(one.ownerships, Ownership.choices)})
    how = _("指%(tests)s") % {"tests": _("，且").join(tests)} if tests else _("由工作人员核验认定")
    return _said(f"“{one.name}”{how}。", one.cite)


def _price_and_money(scheme: Scheme) -> tuple[Sentence, ...]:
    rows = []
    if scheme.price.above_band is not AboveBand.NONE:
        rows.append(
            _said(
                _("签约价格高于签订日公允价格区间的：%(what)s。") % {"what": scheme.price.above_band.label},
                scheme.price.source("above_band"),
            )
        )
    rule = scheme.other_money
    if rule.switched_on and rule.mode is not OtherMoneyMode.NOT_STATED:
        share = f" {rate_text(rule.share)}" if rule.share is not None else ""
        rows.append(
            _said(
                _("其他财政资金：%(what)s%(share)s。") % {"what": rule.mode.label, "share": share},
                rule.source("mode"),
            )
        )
    return tuple(rows)


def _way(scheme: Scheme) -> tuple[Sentence, ...]:
    rows = [_said(f"{scheme.issue.way.label}。", scheme.issue.cite)]
    rows += [
        _said(
            _("%(name)s：%(from)s 至 %(to)s。")
            % {"name": one.name, "from": instant_text(one.opens_at), "to": instant_text(one.closes_at)},
            one.cite,
        )
        for one in scheme.windows
    ]
    for stage in (Stage.APPLICATION, Stage.CLAIM):
        steps = [one for one in scheme.review_steps if one.stage is stage]
        if steps:
            rows += _steps(stage, steps)
    if scheme.issue.way is not IssueWay.INSTANT and scheme.issue.notice_working_days:
        rows.append(
            _said(
                _("核准后公示 %(n)s 个工作日。") % {"n": scheme.issue.notice_working_days},
                scheme.issue.source("notice_working_days"),
            )
        )
    if scheme.voucher.issues_voucher and scheme.voucher.validity_months:
        rows.append(
            _said(
                _("算力券自发放之日起 %(n)s 个月内有效。") % {"n": scheme.voucher.validity_months},
                scheme.voucher.source("validity_months"),
            )
        )
    return tuple(rows)


def _labels(codes: Sequence[str], choices: Sequence[tuple[str, Any]]) -> str:
    words = dict(choices)
    return "、".join(str(words.get(code, code)) for code in codes)


def _steps(stage: Stage, steps: Sequence[ReviewStep]) -> list[Sentence]:
    """The steps in a row; one by one where the text has some of them and not others."""
    if len({(one.cite.words, one.cite.confidence) for one in steps}) == 1:
        return [_said(f"{stage.label}：{' → '.join(_step(one) for one in steps)}。", steps[0].cite)]
    return [
        _said(
            _("%(stage)s第 %(n)s 步：%(step)s。") % {"stage": stage.label, "n": n, "step": _step(one)},
            one.cite,
        )
        for n, one in enumerate(steps, start=1)
    ]


def _step(step: ReviewStep) -> str:
    notes = []
    if step.amount_from is not None:
        notes.append(_("补贴 %(amount)s以上的办理") % {"amount": wan_text(step.amount_from)})
    if step.working_days:
        notes.append(_("%(n)s 个工作日") % {"n": step.working_days})
    return f"{step.name}（{'，'.join(notes)}）" if notes else step.name
