"""How the worked examples came out, as a workbook: expected, computed, the difference, and the working of each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

from vouchers.policy.example_choices import finding_choices
from vouchers.policy.examples import ExampleResult
from vouchers.policy.rules import Scheme
from vouchers.sheets import MONEY, Sheet, new_book, save

_RESULTS = (
    ("算例编号", 16, ""),
    ("算例名称", 44, ""),
    ("是否一致", 10, ""),
    ("应得金额", 18, MONEY),
    ("算得金额", 18, MONEY),
    ("差额（算得－应得）", 18, MONEY),
    ("应得结论", 14, ""),
    ("算得结论", 14, ""),
    ("算得基数", 18, MONEY),
    ("不一致之处", 60, ""),
    ("计算依据（手工）", 44, ""),
    ("计算过程", 90, ""),
)
_STEPS = (
    ("算例编号", 16, ""),
    ("步骤", 8, "0"),
    ("说明", 90, ""),
    ("依据", 44, ""),
    ("结果", 18, MONEY),
)
_FINDINGS = (
    ("算例编号", 16, ""),
    ("条件", 24, ""),
    ("结果", 12, ""),
    ("事实与结论", 90, ""),
    ("依据", 44, ""),
)


def write_results(scheme: Scheme, results: Sequence[ExampleResult]) -> bytes:
    """Three sheets: the results, the steps of each working, the conditions of each case."""
    words = {choice.stored: choice.word for choice in finding_choices(scheme)}
    book = new_book()
    table = Sheet(book, "结果", _RESULTS)
    for one in results:
        want, got = one.example.expected, one.assessment
        table.add(
            one.example.code,
            one.example.title,
            "一致" if one.passed else "不一致",
            want.amount,
            got.amount,
            Decimal(got.amount - want.amount),
            want.outcome.label if want.outcome else "",
            got.outcome.label,
            got.basis_amount,
            "\n".join(one.differences),
            one.example.note,
            "\n".join(f"{line.number}. {line.sentence}" for line in got.lines),
        )
    steps = Sheet(book, "计算过程", _STEPS)
    findings = Sheet(book, "审查意见", _FINDINGS)
    for one in results:
        for line in one.assessment.lines:
            steps.add(one.example.code, line.number, line.sentence, line.article, line.result)
        for finding in one.assessment.findings:
            findings.add(
                one.example.code,
                words.get(finding.code, finding.code),
                finding.result.label,
                finding.sentence,
                finding.article,
            )
    for sheet in (table, steps, findings):
        sheet.close()
    out = io.BytesIO()
    save(book, out)
    return out.getvalue()
