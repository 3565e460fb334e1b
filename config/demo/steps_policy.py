"""The published rules as anybody reads them, and what a change of them would cost."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal

from config.demo import figures
from config.demo.browser import Person, StepFailed, refusal_on, words
from config.demo.forms import Form, forms_on
from config.demo.story import Story
from vouchers.money import thousands

CLOSED = ("GZ-SLQ", "SH-BSJL", "CD-SLQ", "QH-DDPT")  # whose rate no text gives
_VERSIONS = "/admin/vouchers/policyversion"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def catalogue(story: Story) -> str:
    """Nine schemes, each published by two persons; those whose rate no text gives stand closed, and say why."""
    rules = story.api("programs/BJ-AIQ/rules?on=2025-06-01")
    document = json.dumps(rules["document"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if not str(rules["sha256"]):
        raise StepFailed("发布件没有校验值")
    programs = story.api("programs?limit=100")
    for code in CLOSED:
        if "未公布" not in story.sign_in("xinghe").get(f"/public/programs/{code}/"):
            raise StepFailed(f"{code} 的公开页没有说明比例未公布")
    return (
        f"{programs['count']} 个专项；比例未公布、不受理的 {len(CLOSED)} 个，各有演示版并列；"
        f"BJ-AIQ 发布件 {str(rules['sha256'])[:16]}…（{len(document)} 字节）"
    )


def what_a_change_costs(story: Story) -> str:
    """Beijing's version cloned as a draft, its cap raised, the month's cases replayed under it; nothing is published."""
    editor = story.sign_in("editor")
    cloned = editor.fill(f"{_VERSIONS}/BJ-AIQ-1/act/clone/", {"label": "限额调整（测算用）"})
    found = re.search(r"/policyversion/(BJ-AIQ-\d+)/", cloned.path)
    if found is None:
        raise StepFailed(f"复制为新版本后没有打开新版本：{cloned.path}")
    version_no = found.group(1)
    _raise_cap(editor, f"{_VERSIONS}/{version_no}/change/")
    asked = editor.fill(
        f"{_VERSIONS}/{version_no}/dry-run/",
        {"from_on": "2025-06-01", "to_on": "2025-06-20", "sources": ["cases"]},
    )
    report = _finished(editor, asked.path)
    shown = words(report)
    if f"+{thousands(figures.CAP_RAISED_COSTS)}" not in shown:
        raise StepFailed(f"影响测算应为增加 {thousands(figures.CAP_RAISED_COSTS)} 元，页面为：{shown[:600]}")
    book = re.search(r'href="([^"]+)"[^>]*>\s*下载 Excel', report)
    if book is None:
        raise StepFailed("影响测算的页面没有工作簿可下载")
    (story.out / "影响测算-BJ-AIQ.xlsx").write_bytes(editor.download(book.group(1)))
    before, after = figures.BEIJING_VOUCHER, figures.BEIJING_VOUCHER + figures.CAP_RAISED_COSTS
    told = _examples(story, f"{_VERSIONS}/{version_no}/")
    propose = f"{_VERSIONS}/{version_no}/act/propose/"
    refusal = editor.post(propose, page=editor.get(propose), refused=True).refusal
    return (
        f"{version_no}：单个企业年度限额 {thousands(figures.BEIJING_VOUCHER)} → {thousands(figures.RAISED_CAP)}；"
        f"6月案件发券 {thousands(before)} → {thousands(after)} 元（+{thousands(figures.CAP_RAISED_COSTS)}）；"
        f"算例工作簿下载后原样上传：{told}；因此提请被拒：{refusal[:120]}"
    )


def _examples(story: Story, version: str) -> str:
    """The office's workbook down and up again: the examples at the old cap no longer come out, and the page says which."""
    editor = story.sign_in("editor")
    book = editor.download(f"{version}examples/workbook/")
    (story.out / "算例-BJ-AIQ.xlsx").write_bytes(book)
    answer = editor.fill(f"{version}examples/", files={"file": ("算例.xlsx", book, EXCEL)})
    told = re.search(r"已收下 \d+ 个算例：\d+ 个与应得结果一致，(\d+) 个不一致", words(answer.text))
    if told is None or not int(told.group(1)):
        raise StepFailed(f"上传算例后，页面没有说明按新限额有算例不一致：{words(answer.text)[:400]}")
    return told.group(0)


def _raise_cap(editor: Person, address: str) -> None:
    """On the version's page, as the editor does: one figure changed, all else sent as it stands."""
    form, amount = _cap(editor, address)
    editor.post(form.action or address, {**form.values, amount: str(figures.RAISED_CAP), "_save": "1"})
    kept, amount = _cap(editor, address)
    if Decimal(kept.values[amount][0].replace(",", "")) != figures.RAISED_CAP:
        raise StepFailed(f"限额没有保存，仍为 {kept.values[amount][0]}")


def _cap(editor: Person, address: str) -> tuple[Form, str]:
    """The version's form, and the name of the field that holds the enterprise's yearly limit."""
    for form in forms_on(editor.look(address)):
        for name, value in form.values.items():
            row = name.removesuffix("-code")
            if value == ["enterprise_year"] and row != name and f"{row}-amount" in form.values:
                return form, f"{row}-amount"
    raise StepFailed(f"{address}：页面上没有企业年度限额")


def _finished(editor: Person, address: str) -> str:
    """The report's page, once the job is done."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        page = editor.get(address)
        if refusal_on(page):
            raise StepFailed(f"影响测算未能完成：{refusal_on(page)}")
        if "下载 Excel" in page:
            return page
        time.sleep(0.5)
    raise StepFailed("影响测算 90 秒内没有完成，请查看任务进程的日志")
