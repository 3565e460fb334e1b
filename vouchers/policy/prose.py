"""A version as prose (本政策说明): what it says, section by section in the ordinance's order, each sentence with its source.

Whatever a part states and no sentence here mentions is told plainly after it (`Telling.rest`), so a new field of the rule
model is never silently dropped; a sentence of its own makes it read well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vouchers.policy import words
from vouchers.policy.prose_process import (
    list_papers,
    list_review_steps,
    tell_gate,
    tell_issue,
    tell_other_money,
    tell_price,
    tell_rounding,
    tell_treasury_share,
    tell_voucher,
    tell_window,
)
from vouchers.policy.prose_support import (
    tell_cap,
    tell_class,
    tell_floor,
    tell_rate,
    tell_score_rate,
    tell_track,
)
from vouchers.policy.rules import Document, Scheme
from vouchers.policy.telling import Section, Sentence, Telling, last_day, sentence, whole
from vouchers.policy.terms import Stage
from vouchers.policy.words import day_words

__all__ = ["Section", "Sentence", "describe"]

Teller = Callable[[Telling, Any], Iterable[Sentence]]


def describe(scheme: Scheme) -> list[Section]:
    """The whole version; sections without content are left out."""
    own = Telling(scheme, words.group_of(""), scheme)
    scope = [*_scope(own, scheme)]
    tracks = [*_each(scheme, "tracks", tell_track), *_track_choice(own, scheme)]
    sections = [
        Section("依据与适用", (*whole(own, scope), *_documents(scheme))),
        Section("补贴方向与基数", tuple(tracks)),
        Section("申领主体类别", tuple(_each(scheme, "classes", tell_class))),
        Section(
            "补贴比例", (*_each(scheme, "rates", tell_rate), *_each(scheme, "score_rates", tell_score_rate))
        ),
        Section("起补线", tuple(_each(scheme, "floors", tell_floor))),
        Section("限额与资金总量", tuple(_each(scheme, "caps", tell_cap))),
        Section("申领条件", tuple(_each(scheme, "gates", tell_gate))),
        Section("公允价格", tuple(_each(scheme, "price", tell_price))),
        Section("其他财政资金", tuple(_each(scheme, "other_money", tell_other_money))),
        Section("申报期", tuple(_each(scheme, "windows", tell_window))),
        Section("申报材料", tuple(_by_stage(scheme, "papers", list_papers))),
        Section("审核环节", tuple(_by_stage(scheme, "review_steps", list_review_steps))),
        Section("发放方式", tuple(_each(scheme, "issue", tell_issue))),
        Section("券与兑付", tuple(_each(scheme, "voucher", tell_voucher))),
        Section("财政分担", tuple(_each(scheme, "treasury_shares", tell_treasury_share))),
        Section("金额的舍入", tuple(_each(scheme, "rounding", tell_rounding))),
    ]
    return [section for section in sections if section.sentences]


def _each(scheme: Scheme, name: str, tell: Teller) -> Iterator[Sentence]:
    for part in words.parts_of(scheme, name):
        telling = Telling(scheme, words.group_of(name), part)
        yield from whole(telling, tell(telling, part))


def _scope(own: Telling, scheme: Scheme) -> Iterator[Sentence]:
    label = f"，版本为“{scheme.label}”" if scheme.label else ""
    yield own.say(
        f"政策名称：{scheme.title}（专项代码 {scheme.program}{label}）。", "title", "program", "label"
    )
    office = f"由{scheme.office}主管，" if scheme.office else ""
    yield own.say(
        f"{office}在行政区划代码 {scheme.region} 的区域内施行，支持对象为{scheme.side.label}。",
        "office",
        "region",
        "side",
    )
    start = f"自{day_words(scheme.effective_from)}起施行" if scheme.effective_from else "施行日期待定"
    end = f"，至{last_day(scheme.effective_to)}止" if scheme.effective_to else "，未规定失效日期"
    yield own.say(f"{start}{end}。", "effective_from", "effective_to")
    if scheme.retroactive_from:
        back = day_words(scheme.retroactive_from)
        yield own.say(f"文件规定溯及适用：自{back}起的事项也适用本版本。", "retroactive_from")
    yield own.say(f"一件事跨越两个版本的，{scheme.in_force_by.label}确定适用哪一版本。", "in_force_by")
    if scheme.demonstration:
        yield own.say("本版本为演示版本，含有并非政府公布的数值，不能作为办理依据。", "demonstration")
    if scheme.note:
        yield own.say(sentence(scheme.note), "note")


def _documents(scheme: Scheme) -> Iterator[Sentence]:
    for one in scheme.documents:
        yield Sentence(_document(one))


def _document(one: Document) -> str:
    number = f"（{one.document_no}）" if one.document_no != one.title else ""
    issuer = f"{one.issuer}" if one.issuer else ""
    day = f"{day_words(one.issued_on)}" if one.issued_on else ""
    issued = f"{issuer}{day}印发的" if issuer or day else ""
    note = f"：{one.note.rstrip('。')}" if one.note else ""
    return f"依据{issued}{words.title_words(one.title)}{number}{note}。"


def _track_choice(own: Telling, scheme: Scheme) -> Iterator[Sentence]:
    if len(scheme.tracks) > 1:
        yield own.say(f"同时符合几个补贴方向的，{scheme.track_choice.label}。", "track_choice")


def _by_stage(
    scheme: Scheme, name: str, tell: Callable[[Stage, list[tuple[Telling, Any]]], str]
) -> Iterator[Sentence]:
    """One sentence a stage for all its parts; sources that differ from the first one's are named with their part."""
    for stage in Stage:
        rows = [
            (Telling(scheme, words.group_of(name), part), part)
            for part in getattr(scheme, name)
            if part.stage is stage
        ]
        if not rows:
            continue
        text = tell(stage, rows)
        main = rows[0][1].cite
        also = []
        for telling, part in rows:
            if part.cite != main:
                also.append((f"其中“{part.name}”", part.cite))
            for field in words.field_names(telling.kind):
                if field in telling.told and field in part.cites:
                    also.append(
                        (f"其中“{part.name}”的{words.field_name(telling.kind, field)}", part.cites[field])
                    )
                    telling.sourced.add(field)
        yield Sentence(text, main, also=tuple(also))
        for telling, _part in rows:
            yield from telling.rest()
