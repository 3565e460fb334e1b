"""价格核对登记簿: every contract with its price, the band of its signing date, what was recognised, what was cut, and the grade."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import IO

from django.db.models import QuerySet

from applications.models import Lease
from audit.reports.books import Book, chunks
from audit.reports.workbook import Made
from vouchers.models import PriceCheck
from vouchers.models.price_checks import PriceConsequence
from vouchers.money import round_fen
from vouchers.sheets import DAY, INSTANT, MONEY, PRICE

TITLE = "价格核对登记簿"
UNCHECKED = "无法检验：没有价格核对"


def build(out: Path | IO[bytes], leases: QuerySet[Lease], covers: str, *, by: str) -> Made:
    """Write it. ``leases`` are in the maker's scope and filter already; drafts are not filed and not in it."""
    book = Book(TITLE, covers, by=by)
    sheet = book.sheet(
        "价格核对",
        (
            ("合同", 19, ""), ("专项", 14, ""), ("地区", 9, ""), ("承租方", 30, ""), ("出租方", 30, ""), ("签订日", 12, DAY),
            ("型号", 16, ""), ("单元", 36, ""), ("合同单价（元/卡时）", 14, PRICE), ("下限", 14, PRICE), ("基准", 14, PRICE),
            ("上限", 14, PRICE), ("评级", 6, ""), ("供应方数", 9, "0"), ("位置", 12, ""), ("结论", 14, ""), ("认定单价", 14, PRICE),
            ("核减单价", 14, PRICE), ("核减比例", 10, "0.00%"), ("合同金额（不含税）", 17, MONEY), ("按比例折算的核减额", 17, MONEY),
            ("原因代码", 24, ""), ("说明", 70, ""), ("核对编号", 18, ""), ("回避的供应方数", 10, "0"), ("结果摘要", 20, ""),
            ("数据截至", 17, INSTANT),
        ),
    )  # fmt: skip
    counted = dict.fromkeys(("已核对", "高于上限", "核减", "无法检验"), 0)
    rows = leases.exclude(state="draft").select_related("lessee", "lessor").order_by("lease_no")
    for part in chunks(rows.defer("document_text")):
        checks = last_checks([lease.lease_no for lease in part])
        for lease in part:
            check = checks.get(lease.lease_no)
            counted["无法检验" if check is None or check.position == "unknown" else "已核对"] += 1
            if check is not None:
                counted["高于上限"] += check.position == "above"
                counted["核减"] += check.consequence == PriceConsequence.CUT
            sheet.add(*_row(lease, check))
    return book.finish(out, [("其中", "，".join(f"{name} {count} 份" for name, count in counted.items()))])


def last_checks(lease_nos: list[str]) -> dict[str, PriceCheck]:
    """The last check of each contract."""
    rows = PriceCheck.objects.filter(subject_kind="lease", subject_no__in=lease_nos)
    return {row.subject_no: row for row in rows.order_by("subject_no", "-pk").distinct("subject_no")}


def cut_of(check: PriceCheck, amount: Decimal) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """What was cut of the unit price, which part of it that is (six places), and what the part is of the contract's amount.

    Only where the check itself says that the price is recognised at less; a refused or reviewed price is cut by nobody yet."""
    if check.consequence != PriceConsequence.CUT or not check.unit_price or check.recognised_price is None:
        return None, None, None
    cut = check.unit_price - check.recognised_price
    part = cut / check.unit_price
    return cut, part.quantize(Decimal("0.000001")), round_fen(amount * part)


def _row(lease: Lease, check: PriceCheck | None) -> tuple[object, ...]:
    who = (
        lease.lease_no, lease.program_code, lease.program_region_code, lease.lessee.name, lease.lessor.name, lease.signed_on,
        lease.accelerator,
    )  # fmt: skip
    if check is None:
        return (*who, *[None] * 8, UNCHECKED, *[None] * 3, lease.amount, *[None] * 7)
    cut, part, amount = cut_of(check, lease.amount)
    groups = check.row.get("n_groups") if isinstance(check.row, dict) else None
    return (
        *who, check.cell, check.unit_price, check.lower, check.base, check.upper, check.grade,
        int(groups) if groups is not None else None, check.get_position_display(), check.get_consequence_display(),
        check.recognised_price, cut, part, lease.amount, amount, check.reason, check.sentence, check.check_no,
        len(check.left_out), check.output_hash[:16], check.known_at,
    )  # fmt: skip
