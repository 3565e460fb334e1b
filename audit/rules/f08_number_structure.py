"""F08 发票号码结构：不可能存在的发票号码。

方法：按票种检验有效申请的每张发票。数电票：20 位数字、没有代码，第 1–2 位为开票年度，第 3–4 位为销方所在省级代码；其他发票：代码 10 或 12 位、号码 8 位。不合的为硬性。

例：2025 年 3 月 3 日开具的发票，号码为 24312000001912681295：年度位为 24，触发。

缘由：号码由税务机关赋予，不可能的号码是编造的。

排除：空格、连字符和全角数字是录入习惯，先作规范；销方未登记的，不检验省级代码。

假设：销方在本省税务机关登记。连号（按月开票、单一客户）本身说明不了什么，不在本规则之内。

参数：digital_length（20 位）、province_exceptions（允许的其他省级代码）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.rules.base import HARD, Found, Hit, Parameter, Rule, day_of
from audit.rules.f03_party_mismatch import claimed_invoices
from audit.rules.facts import MISSING, Facts, as_date


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Claims on invoices whose number cannot be one."""
    invoices, parties, claims, found = facts.invoices, facts.parties, facts.claims, Found()
    _rows, claim, _lease, invoice = claimed_invoices(facts)
    found.untestable_claims = {int(one) for one in claim[invoice < 0]}
    found.untestable_claims |= {
        int(one) for one in claims.id[(claims.live == 1) & ~np.isin(claims.id, claim)]
    }
    testable = np.flatnonzero(invoice >= 0)
    testable = testable[_doubtful(facts, int(parameters["digital_length"]))[invoice[testable]]]
    province_of = dict(zip(parties.uscc.tolist(), parties.province.tolist(), strict=True))
    allowed = {(str(a), str(b)) for a, b in parameters["province_exceptions"]}
    wrong: dict[int, list[tuple[int, str, str, str]]] = defaultdict(list)
    judged: dict[int, tuple[str, str, str] | None] = {}
    for one in testable.tolist():
        row = int(invoice[one])
        if row not in judged:
            judged[row] = _fault(facts, row, province_of, allowed, int(parameters["digital_length"]))
        fault = judged[row]
        if fault is not None:
            wrong[int(claim[one])].append((row, *fault))
    words = facts.labels("invoice", invoices.id[[w[0] for ws in wrong.values() for w in ws]])
    for one_claim, ws in wrong.items():
        row, value, threshold, told = ws[0]
        more = f"另有 {len(ws) - 1} 张发票的号码同样不合规则。" if len(ws) > 1 else ""
        no = words[int(invoices.id[row])][1]
        found.hits.append(
            Hit(
                claim=one_claim,
                lease=None,
                severity=HARD,
                points=None,
                value=value,
                threshold=threshold,
                sentence=f"发票 {no}（{day_of(invoices.issued_on[row])} 开具）{told}。{more}",
                counterfactual="若更正为与票面一致、合乎编码规则的号码，则不触发。",
                evidence=tuple(dict.fromkeys(f"invoice:{words[int(invoices.id[w[0]])][0]}" for w in ws)),
                inputs=tuple(
                    (words[int(invoices.id[w[0]])][0], w[1], w[2], int(invoices.issued_on[w[0]])) for w in ws
                ),
            )
        )
    return found


def _doubtful(facts: Facts, length: int) -> NDArray[np.bool_]:
    """The invoices whose number is not plainly in order: what is wrong, if anything, ``_fault`` says."""
    invoices = facts.invoices
    years = (
        invoices.issued_on.clip(min=0).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    )
    home = facts.parties.look_up("province", facts.seller)
    digital = (
        (invoices.number_length == length)
        & (invoices.code_length == 0)
        & (invoices.number_year == years % 100)
        & ((home == MISSING) | (home == invoices.number_province))
    )
    older = (invoices.number_length == 8) & np.isin(invoices.code_length, (10, 12))
    return ~np.where(invoices.digital == 1, digital, older).astype(bool)


def _fault(
    facts: Facts, row: int, province_of: Mapping[int, int], allowed: set[tuple[str, str]], length: int
) -> tuple[str, str, str] | None:
    """What is wrong with the number: value, threshold and words; None when nothing is."""
    invoices = facts.invoices
    digits, code = int(invoices.number_length[row]), int(invoices.code_length[row])
    if MISSING in (digits, code):
        return None
    if digits < 0 or code < 0:
        return "含有数字以外的字符", "仅数字", "的号码含有数字以外的字符"
    if invoices.digital[row] != 1:
        if digits != 8 or code not in (10, 12):
            return (
                f"代码 {code} 位、号码 {digits} 位",
                "代码 10 或 12 位、号码 8 位",
                "的代码或号码位数不合规则",
            )
        return None
    if digits != length or code:
        return f"{digits} 位", f"{length} 位", f"为数电票，号码应为 {length} 位，实为 {digits} 位"
    year, issued = int(invoices.number_year[row]), as_date(int(invoices.issued_on[row])).year % 100
    if year != issued:
        return f"{year:02d}", f"{issued:02d}", f"的第 1–2 位为 {year:02d}，与开票年度 {issued:02d} 不符"
    province, home = int(invoices.number_province[row]), province_of.get(int(invoices.seller[row]), MISSING)
    if home != MISSING and province != home and (str(home), str(province)) not in allowed:
        return (
            f"{province:02d}",
            f"{home:02d}",
            f"的第 3–4 位为 {province:02d}，与销方所在省级代码 {home:02d} 不符",
        )
    return None


RULE = Rule(
    id="F08",
    title="发票号码结构",
    family="A",
    severity=HARD,
    points=None,
    legal_basis="国家税务总局公告2024年第11号（数电发票号码 20 位：1–2 位公历年度后两位，3–4 位开具方所在省级税务局代码）；《发票管理办法》第二十一条。",
    parameters=(
        Parameter("digital_length", 20, "数电票号码位数", "位", 20, 20),
        Parameter("province_exceptions", [], "允许的其他省级代码（成对）"),
    ),
    find=find,
    page=__doc__ or "",
)
