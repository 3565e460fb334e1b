"""A batch's list as Excel: for the office with the working, and as the annex of the public notice without it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

from applications.models import BatchMember, IssueBatch
from vouchers.money import ZERO, capital
from vouchers.policy.terms import Shortage
from vouchers.policy.words import day_words
from vouchers.sheets import MONEY, Sheet, new_book, save

_LIST = (
    ("次序", 8, "0"),
    ("申领编号", 20, ""),
    ("单位名称", 40, ""),
    ("统一社会信用代码", 22, ""),
    ("得分", 10, "0.####"),
    ("参与分配的金额（元）", 20, MONEY),
    ("分配金额（元）", 20, MONEY),
    ("分配过程", 90, ""),
)
_ROOMS = (("资金", 40, ""), ("尚余（元）", 20, MONEY), ("涉及件数", 12, "0"))
_TOTALS = (("项目", 24, ""), ("内容", 60, ""))
_ANNEX = (
    ("序号", 8, "0"),
    ("单位名称", 44, ""),
    ("统一社会信用代码", 22, ""),
    ("拟支持金额（元）", 20, MONEY),
)


def allotment_workbook(batch: IssueBatch, members: Sequence[BatchMember]) -> bytes:
    """The list with its totals, what was left of each pool, and how each amount came about."""
    book = new_book()
    summary = Sheet(book, "合计", _TOTALS)
    given = sum((one.allotted_amount or ZERO for one in members), ZERO)
    for label, value in (
        ("批次号", batch.batch_no),
        ("名称", batch.title),
        ("状态", str(batch.get_state_display())),
        ("资金不足时", Shortage(batch.rule).label),
        ("件数", str(len(members))),
        ("参与分配合计（元）", f"{sum((one.asked_amount or ZERO for one in members), ZERO):,.2f}"),
        ("分配合计（元）", f"{given:,.2f}"),
        ("分配合计（大写）", capital(given)),
        ("校验值（SHA-256）", batch.control_hash),
    ):
        summary.add(label, value)
    table = Sheet(book, "分配清单", _LIST)
    for one in members:
        case = one.application
        table.add(
            one.place,
            case.application_no,
            case.enterprise.name,
            case.enterprise.uscc,
            one.score,
            one.asked_amount,
            one.allotted_amount,
            "".join(step["sentence"] for step in one.working) or "资金足以全额支持，按核准金额计。",
        )
    rooms = Sheet(book, "可分配资金", _ROOMS)
    for room in batch.rooms:
        rooms.add(room["name"], Decimal(room["left"]), room["members"])
    return _bytes(book, summary, table, rooms)


def annex_workbook(batch: IssueBatch, members: Sequence[BatchMember]) -> bytes:
    """What the public notice lists: who is to be supported with how much; nothing of how anybody was scored."""
    book = new_book()
    closes = f"，{day_words(batch.notice_closes_on)}期满" if batch.notice_closes_on else ""
    table = Sheet(book, "拟支持名单", _ANNEX)
    shown = [one for one in members if one.allotted_amount]
    for number, one in enumerate(shown, start=1):
        case = one.application
        table.add(number, case.enterprise.name, case.enterprise.uscc, one.allotted_amount)
    table.add(None, f"合计（{batch.title}，{batch.batch_no}{closes}）", None, batch.allotted_amount)
    return _bytes(book, table)


def _bytes(book: object, *sheets: Sheet) -> bytes:
    for sheet in sheets:
        sheet.close()
    out = io.BytesIO()
    save(book, out)  # type: ignore[arg-type]
    return out.getvalue()
