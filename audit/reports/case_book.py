"""案卷 as a workbook: the parties, contracts, flags, links, device times, prices and use of one case, each a sheet of its own.

All rows, also those that the drawings on the page leave out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from audit.case_facts import CaseFacts
from audit.case_relations import BOND_WORDS, relations
from audit.models import Flag
from audit.reports.books import Book
from audit.reports.evidence_ids import hidden_numbers, told
from audit.reports.price_register import UNCHECKED
from audit.reports.workbook import Made
from audit.web.case_drawings import drawings_of
from vouchers.sheets import DAY, INSTANT, MONEY, PRICE

TITLE = "案卷"
HOURS = "#,##0.00"


def build(
    out: Path | IO[bytes],
    number: str,
    facts: CaseFacts,
    subjects: Iterable[Any],
    flags: Iterable[Flag],
    *,
    by: str,
    regions: Collection[str] | None = None,
    notes: Iterable[tuple[str, Any]] = (),
) -> Made:
    """Write it. ``subjects`` are rows with ``subject_kind``, ``subject_no``, ``lease_no``, ``outcome``, ``rank`` and ``amount``; facts and
    rows are in the reader's scope already."""
    raised = list(flags)
    rules: dict[str, set[str]] = {}
    for flag in raised:
        rules.setdefault(flag.lease_no, set()).add(flag.rule)
    drawings = drawings_of(facts, rules)
    book = Book(f"{TITLE} {number}", number, by=by)
    _subjects(book, subjects)
    _flags(book, raised, hidden_numbers(raised, regions))
    _parties(book, facts)
    _leases(book, facts, rules)
    sheet = book.sheet(
        "关联",
        (("一方", 40, ""), ("关系", 26, ""), ("另一方", 40, ""), ("文件", 40, ""), ("日期", 12, DAY), ("种类", 18, "")),
    )  # fmt: skip
    found = relations(facts, rules)
    for edge in found.edges:
        one, other = found.nodes[edge.one], found.nodes[edge.other]
        sheet.add(_told(one), edge.relation, _told(other), edge.document, edge.on, BOND_WORDS[edge.bond])
    sheet = book.sheet(
        "设备重叠",
        (
            ("设备", 40, ""), ("台数", 7, "0"), ("一份合同", 40, ""), ("另一份合同", 40, ""), ("自", 12, DAY), ("至", 12, DAY),
            ("小时", 10, "#,##0"), ("份额合计", 10, "0.00"), ("判断", 36, ""),
        ),
    )  # fmt: skip
    for row in drawings.overlaps.rows:
        sheet.add(
            "、".join(row.serials), len(row.serials), row.one, row.other, row.since, row.last, row.hours, row.share, row.verdict
        )  # fmt: skip
    _prices(book, facts)
    sheet = book.sheet(
        "计量与开票",
        (
            ("合同", 19, ""), ("月份", 12, "yyyy-mm"), ("开票卡时", 16, HOURS), ("计量卡时", 16, HOURS), ("计量天数", 10, "0"),
            ("说明", 50, ""),
        ),
    )  # fmt: skip
    for use in drawings.use.rows:
        for month in use.months:
            sheet.add(use.lease_no, month.month, month.billed, month.metered, month.days, use.said)
    missing = [*drawings.overlaps.missing, *drawings.prices.missing, *drawings.use.missing]
    return book.finish(out, [*notes, *(("无法检验", sentence) for sentence in missing)])


def _told(node: Any) -> str:
    return " · ".join(part for part in (node.label, node.under) if part)


def _subjects(book: Book, subjects: Iterable[Any]) -> None:
    sheet = book.sheet(
        "事项",
        (("名次", 7, "0"), ("对象", 14, ""), ("编号", 19, ""), ("合同", 19, ""), ("申领企业", 30, ""), ("出租方", 30, ""),
         ("结果", 12, ""), ("金额", 16, MONEY)),
    )  # fmt: skip
    for row in subjects:
        sheet.add(
            row.rank, row.get_subject_kind_display(), row.subject_no, row.lease_no, row.enterprise_name, row.lessor_name,
            row.outcome, row.amount,
        )  # fmt: skip


def _flags(book: Book, flags: Iterable[Flag], hidden: Collection[str]) -> None:
    sheet = book.sheet(
        "预警",
        (("编号", 19, ""), ("合同", 19, ""), ("规则", 8, ""), ("名称", 16, ""), ("版本", 6, "0"), ("性质", 8, ""), ("分值", 8, "0.00"),
         ("观测值", 18, ""), ("阈值", 18, ""), ("说明", 80, ""), ("不触发的条件", 40, ""), ("证据", 60, ""), ("数据截至", 17, INSTANT)),
    )  # fmt: skip
    for flag in flags:
        sheet.add(
            flag.claim_no, flag.lease_no, flag.rule, flag.rule_version.title, flag.rule_version.version,
            flag.get_severity_display(), flag.points, flag.value, flag.threshold, flag.sentence, flag.counterfactual,
            "；".join(told(flag, hidden)), flag.known_at,
        )  # fmt: skip


def _parties(book: Book, facts: CaseFacts) -> None:
    sheet = book.sheet(
        "单位", (("统一社会信用代码", 21, ""), ("名称", 40, ""), ("承租合同", 10, "0"), ("出租合同", 10, "0"), ("登记于本机关", 14, DAY))
    )  # fmt: skip
    for uscc in sorted(facts.parties):
        party = facts.parties[uscc]
        leases = facts.leases.values()
        sheet.add(
            uscc, party.name, sum(one.lessee == uscc for one in leases), sum(one.lessor == uscc for one in leases),
            party.recorded_on,
        )  # fmt: skip


def _leases(book: Book, facts: CaseFacts, rules: Mapping[str, Collection[str]]) -> None:
    sheet = book.sheet(
        "合同",
        (("合同", 19, ""), ("本案合同", 10, ""), ("承租方", 30, ""), ("出租方", 30, ""), ("专项", 14, ""), ("签订日", 12, DAY),
         ("开始日", 12, DAY), ("结束日的次日", 13, DAY), ("型号", 16, ""), ("卡数", 8, "0"), ("单价", 14, PRICE),
         ("金额（不含税）", 17, MONEY), ("规则", 18, "")),
    )  # fmt: skip
    names = {uscc: party.name for uscc, party in facts.parties.items()}
    for no in sorted(facts.leases):
        one = facts.leases[no]
        sheet.add(
            no, "是" if one.within else "共用设备", names.get(one.lessee, one.lessee), names.get(one.lessor, one.lessor),
            one.program_code, one.signed_on, one.starts_on, one.ends_before, one.accelerator, one.cards, one.unit_price,
            one.amount, "、".join(sorted(rules.get(no, ()))),
        )  # fmt: skip


def _prices(book: Book, facts: CaseFacts) -> None:
    sheet = book.sheet(
        "价格",
        (("合同", 19, ""), ("签订日", 12, DAY), ("合同单价", 14, PRICE), ("下限", 14, PRICE), ("基准", 14, PRICE), ("上限", 14, PRICE),
         ("认定单价", 14, PRICE), ("评级", 6, ""), ("供应方数", 9, "0"), ("位置", 12, ""), ("结论", 30, ""), ("说明", 70, "")),
    )  # fmt: skip
    for lease in facts.own_leases:
        one = facts.prices.get(lease.lease_no)
        if one is None:
            sheet.add(lease.lease_no, lease.signed_on, *[None] * 8, UNCHECKED, None)
            continue
        sheet.add(
            lease.lease_no, one.as_of, one.price, one.lower, one.base, one.upper, one.recognised, one.grade, one.groups,
            one.position_label, one.consequence_label, one.sentence,
        )  # fmt: skip
