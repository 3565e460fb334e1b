"""On what conditions and how, in sentences: gates, price, other money, windows, papers, review, issue, voucher, rounding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vouchers.policy.gate_scope import SCOPE
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import (
    Gate,
    OtherPublicMoney,
    PriceRule,
    Rounding,
    TreasuryShare,
    VoucherKind,
    WayOfIssue,
    Window,
)
from vouchers.policy.telling import Sentence, Telling, sentence, state, where
from vouchers.policy.terms import (
    AboveBand,
    Border,
    GateKind,
    OtherMoneyMode,
    Repeats,
    RoundMode,
    RoundUnit,
    RoundWhen,
    Shortage,
    Stage,
)
from vouchers.policy.windows import repetition_words
from vouchers.policy.words import day_words, instant_words
from vouchers.policy.working import money, percent


def tell_gate(telling: Telling, gate: Gate) -> Iterator[Sentence]:
    text = (
        f"{gate.text.rstrip('。')}{_tested(telling, gate)}。不符合的，{gate.effect.label}；"
        f"无法判定的，{gate.if_untestable.label}{where(telling)}"
    )
    yield telling.say(
        state(text, gate.switched_on),
        "text",
        "kind",
        "regions",
        "industries",
        "values",
        "months",
        "years",
        "from_on",
        "to_on",
        "batches",
        "scale_from",
        "scale_unit",
        "scale_precision",
        "effect",
        "if_untestable",
        "stages",
        "tracks",
        "switched_on",
        *(("border",) if gate.months is not None and gate.kind in _OF_AGE else ()),
    )
    if scope := _whom(telling, gate):
        yield telling.say(f"该项{scope}。", *(name for name in SCOPE if getattr(gate, name)))
    if gate.question:
        yield telling.say(f"该项由工作人员核验：{gate.question}", "question")
    if gate.cure:
        yield telling.say(f"该项不符合时告知申领单位：{sentence(gate.cure)}", "cure")
    if gate.review_reference:
        yield telling.say(f"该项限制的公平竞争审查：{sentence(gate.review_reference)}", "review_reference")


_OF_AGE = (GateKind.AGE_AT_LEAST, GateKind.AGE_AT_MOST)


def _whom(telling: Telling, gate: Gate) -> str:
    """Whom a condition concerns, where it does not concern all."""
    said = {
        "sides": "只用于支持{}的方向",
        "for_kinds": "只适用于{}",
        "not_for_kinds": "不适用于{}",
        "classes": "只适用于{}",
        "waived_for": "对{}不作要求",
    }
    return "，".join(said[name].format(telling.value(name)) for name in SCOPE if getattr(gate, name))


def _months(telling: Telling, gate: Gate) -> str:
    """The months of an age, as the border counts them."""
    months, included = telling.value("months").strip(), gate.border is Border.INCLUDED
    if gate.kind is GateKind.AGE_AT_LEAST:
        return f"{'满' if included else '超过'} {months}"
    return f"{'不超过' if included else '不满'} {months}"


def _tested(telling: Telling, gate: Gate) -> str:
    """By what a condition is tested, in brackets."""
    found = [gate.kind.label]
    if gate.regions:
        found.append(f"行政区划代码以 {telling.value('regions')} 开头")
    if gate.industries:
        found.append(f"国民经济行业代码以 {telling.value('industries')} 开头")
    if gate.values:
        found.append(telling.value("values"))
    if gate.batches:
        found.append(f"限批次 {telling.value('batches')}")
    if gate.scale_from is not None or gate.scale_unit or gate.scale_precision:
        words_of = [one.label for one in (gate.scale_unit, gate.scale_precision) if one is not None]
        least = "" if gate.scale_from is None else f"不低于 {decimal_text(gate.scale_from)}"
        found.append(" ".join(["规模" + least, *words_of]))
    if gate.months is not None:
        found.append(_months(telling, gate) if gate.kind in _OF_AGE else telling.value("months").strip())
    if gate.years is not None:
        found.append(telling.value("years").strip())
    if gate.from_on is not None:
        found.append(f"{day_words(gate.from_on)}以后（含当日）")
    if gate.to_on is not None:
        found.append(f"{day_words(gate.to_on)}以前（不含当日）")
    if found[1:]:
        return f"（{found[0]}：{'，'.join(found[1:])}）"
    return "" if gate.text.rstrip("。") == found[0] else f"（{found[0]}）"


def tell_price(telling: Telling, rule: PriceRule) -> Iterator[Sentence]:
    if rule.above_band is AboveBand.NONE:
        yield telling.say("签约价格不与公允价格区间挂钩。", "above_band")
        return
    yield telling.say(
        f"签约价格须与签订日的公允价格区间相比较，{rule.above_band.label}；没有可比价格的，{rule.if_untestable.label}。",
        "above_band",
        "if_untestable",
    )


def tell_other_money(telling: Telling, rule: OtherPublicMoney) -> Iterator[Sentence]:
    level = f"，所指财政资金为{telling.value('level')}" if rule.level else ""
    share = f"，合计不超过 {percent(rule.share)}" if rule.share is not None else ""
    told = ("mode", "level", "share", "switched_on")
    if rule.mode is OtherMoneyMode.NOT_STATED:
        text = f"文件未规定与其他财政资金的关系{level}{share}"
    else:
        text = f"与其他财政资金的关系：{rule.mode.label}{level}{share}"
    yield telling.say(state(text, rule.switched_on), *told)


def tell_window(telling: Telling, window: Window) -> Iterator[Sentence]:
    yield telling.say(
        f"{window.name}（{window.stage.label}）：{instant_words(window.opens_at)} 起，"
        f"{instant_words(window.closes_at)} 截止{repetition_words(window)}。",
        "opens_at",
        "closes_at",
        "name",
        "stage",
        "repeats",
        *(("repeats_until",) if window.repeats is not Repeats.NONE else ()),
    )


def list_papers(stage: Stage, rows: list[tuple[Telling, Any]]) -> str:
    names = []
    for telling, paper in rows:
        telling.told.update(("name", "stage", "required", "hint"))
        notes = [] if paper.required else ["选交"]
        notes += [paper.hint.rstrip("。")] if paper.hint else []
        remark = f"（{'；'.join(notes)}）" if notes else ""
        names.append(f"{paper.name}{remark}")
    return f"{stage.label}时提交：{'、'.join(names)}。"


def list_review_steps(stage: Stage, rows: list[tuple[Telling, Any]]) -> str:
    steps = []
    for telling, step in rows:
        telling.told.update(("name", "role", "stage", "working_days", "sets_rate", "amount_from"))
        role = telling.value("role")
        notes = [] if role == step.name else [role]
        if step.working_days is not None:
            notes.append(telling.value("working_days").strip())
        if step.sets_rate:
            notes.append("在此确定比例")
        if step.amount_from is not None:
            notes.append(f"{money(step.amount_from)}以上的办理")
        steps.append(f"{step.name}（{'，'.join(notes)}）" if notes else step.name)
    return f"{stage.label}依次经过：{' → '.join(steps)}。"


def tell_issue(telling: Telling, issue: WayOfIssue) -> Iterator[Sentence]:
    yield telling.say(f"{issue.way.label}。", "way")
    if issue.notice_working_days is not None:
        text = (
            f"核准后公示 {issue.notice_working_days} 个工作日"
            if issue.notice_working_days
            else "核准后不公示"
        )
        yield telling.say(f"{text}。", "notice_working_days")
    if issue.shortage is Shortage.NOT_STATED:
        yield telling.say("文件未规定资金不足时如何处理。", "shortage")
    else:
        yield telling.say(f"资金不足时，{issue.shortage.label}。", "shortage")


def tell_voucher(telling: Telling, kind: VoucherKind) -> Iterator[Sentence]:
    if kind.issues_voucher:
        split = "可拆分" if kind.divisible else "不可拆分"
        often = "可多次使用" if kind.many_uses else "只能使用一次"
        yield telling.say(
            f"发放算力券；券{split}、{often}，不得转让，不能兑换现金。",
            "issues_voucher",
            "divisible",
            "many_uses",
        )
    else:
        yield telling.say("不发放算力券，审核通过后直接补助。", "issues_voucher")
    noun = "券" if kind.issues_voucher else "核定的额度"
    what = "券自发放" if kind.issues_voucher else "核定的额度自核定"
    if kind.validity_months is not None:
        yield telling.say(f"{what}之日起 {kind.validity_months} 个月内有效。", "validity_months")
    if kind.valid_to is not None:
        yield telling.say(f"{noun}统一于{day_words(kind.valid_to)}零时失效。", "valid_to")
    if kind.reservation_days is not None:
        yield telling.say(
            f"平台即时抵扣的，预占保留 {kind.reservation_days} 个工作日，逾期未确认的自动释放。",
            "reservation_days",
        )
    if kind.validity_months is None and kind.valid_to is None:
        yield telling.say(f"没有规定有效期，{noun}至发放当年 12 月 31 日止有效。", "validity_months")


def tell_treasury_share(telling: Telling, row: TreasuryShare) -> Iterator[Sentence]:
    rest = "，并负担舍去分以下后所余的尾数" if row.takes_rest else ""
    yield telling.say(
        f"所需资金由{row.treasury}负担 {percent(row.share)}{rest}。", "share", "treasury", "takes_rest"
    )


def tell_rounding(telling: Telling, rule: Rounding) -> Iterator[Sentence]:
    unit = "分" if rule.unit is RoundUnit.FEN else "元"
    how = f"{unit}以下舍去" if rule.mode is RoundMode.DOWN else f"{unit}以下{rule.mode.label}"
    when = "在每一步" if rule.when is RoundWhen.EACH else "在最后一步"
    yield telling.say(f"金额{when}保留到{unit}，{how}。", "mode", "unit", "when")
