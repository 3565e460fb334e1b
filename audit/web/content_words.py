"""Contents of a case that are kept as structure (facts, an assessment, evidence) in words: labels and figures, never JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from applications.models.papers import PaperKind
from audit.trail.subjects import models_by_kind
from audit.web.column_words import COLUMN_WORDS
from vouchers.policy import terms
from vouchers.policy.example_words import WORDS
from vouchers.web import wording

_WORD = re.compile(r"[a-z][a-z0-9_]*\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_AMOUNT = re.compile(r"-?\d+\.\d\d\Z")

# Parts of an assessment, a band, evidence: what neither the facts' words nor the columns' name.
OWN: dict[str, Any] = {
    "amount": lazy("金额"), "applicant": lazy("申领单位"), "assessed": lazy("测算"), "contracts": lazy("合同"), "price": lazy("价格核对"), "provider": lazy("服务商"), "used": lazy("已用额度"),
    "voucher": lazy("算力券"), "article": lazy("条款"), "basis": lazy("基数"), "basis_amount": lazy("补贴基数"), "cap": lazy("限额"), "caps": lazy("限额"), "checks": lazy("核验项"),
    "code": lazy("代码"), "computed_amount": lazy("计算金额"), "condition": lazy("条件"), "counterfactuals": lazy("如何补正"), "cure": lazy("如何补正"), "document_no": lazy("文号"),
    "evidence": lazy("证据"), "fact": lazy("事实"), "facts": lazy("事实"), "findings": lazy("审查意见"), "ids": lazy("所涉记录"), "invoices": lazy("发票"), "items": lazy("明细"), "kind": lazy("类别"),
    "label": lazy("名称"), "lines": lazy("计算过程"), "note": lazy("说明"), "number": lazy("编号"), "operands": lazy("数据"), "outcome": lazy("结论"), "papers": lazy("材料"), "party": lazy("单位"),
    "period": lazy("期间"), "person": lazy("人员"), "persons": lazy("人数"), "reason": lazy("原因"), "result": lazy("结果"), "review": lazy("审查"), "role": lazy("角色"), "rule": lazy("规则"),
    "rules": lazy("规则"), "sentence": lazy("说明"), "stage": lazy("环节"), "state": lazy("状态"), "step": lazy("步骤"), "steps": lazy("审批环节"), "subject": lazy("对象"), "title": lazy("名称"),
    "total": lazy("合计"), "track": lazy("补贴方向"), "unit": lazy("单位"), "value": lazy("数值"), "version": lazy("版本"), "year": lazy("年度"),
}  # fmt: skip
_OUTCOMES = {"met": lazy("满足"), "not_met": lazy("不满足"), "not_testable": lazy("无法检验")}


@cache
def _value_words(_language: str | None) -> dict[str, str]:
    """What a stored word means to a person: the policy's terms, and the choices of the tables where all that have the word call it the same."""
    said: dict[str, set[str]] = {}
    for model in models_by_kind().values():
        for found in model._meta.local_fields:
            for value, label in found.flatchoices:
                said.setdefault(str(value), set()).add(str(label))
    words = {value: labels.pop() for value, labels in said.items() if len(labels) == 1}
    for kind in (terms.Stage, terms.PartyKind, PaperKind):
        words |= {str(member.value): str(member.label) for member in kind}
    return {value: label for value, label in words.items() if _WORD.match(value)}


@cache
def _fact_words() -> dict[str, str]:
    """The words of the facts, as the offices' own workbooks have them."""
    return {name: word.heading for words in WORDS.values() for name, word in words.items()}


def key_word(key: str) -> str:
    """A part's name in words; the name itself where there is none."""
    for words in (OWN, _fact_words(), COLUMN_WORDS):
        if key in words:
            return str(words[key])
    return key


def content_text(value: Any) -> str:
    """The whole of it in one line."""
    if isinstance(value, Mapping):
        if "engine_version" in value and "lines" in value:
            return _assessment(value)
        return "；".join(
            f"{key_word(str(key))}：{content_text(item)}"
            for key, item in value.items()
            if item not in (None, "", [], {})
        )
    if isinstance(value, list | tuple):
        parts = [content_text(item) for item in value]
        return ("／" if any("；" in part for part in parts) else "、").join(parts)
    if value is None:
        return _("（空）")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return _scalar(str(value))


def _scalar(text: str) -> str:
    if _DAY.match(text):
        return wording.date_text(text)
    if _INSTANT.match(text):
        return wording.instant_text(text)
    if _AMOUNT.match(text):
        return wording.money_text(text)
    if text in _OUTCOMES:
        return str(_OUTCOMES[text])
    return _value_words(get_language()).get(text, text) if _WORD.match(text) else text


def _assessment(value: Mapping[str, Any]) -> str:
    findings = [one for one in value.get("findings") or [] if isinstance(one, Mapping)]
    told = _("金额 %(amount)s 元；计算 %(steps)s 步；审查意见 %(findings)s 项") % {
        "amount": wording.money_text(value.get("amount")),
        "steps": len(value.get("lines") or []),
        "findings": len(findings),
    }
    unmet = [one for one in findings if one.get("outcome") == "not_met"]
    if not unmet:
        return told
    why = "；".join(str(one.get("sentence") or one.get("code") or "") for one in unmet)
    return told + _("，其中不满足 %(count)s 项：%(why)s") % {"count": len(unmet), "why": why}
