"""可疑合同登记簿: every claim and lease with a flag by rank: its outcome, its rules, the sentences and what they rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import IO

from django.db.models import Q, QuerySet

from audit.models import Flag, Suspicion
from audit.models.flags import Severity
from audit.reports.books import Book, chunks
from audit.reports.evidence_ids import hidden_numbers, told
from audit.reports.workbook import Made
from vouchers.models import Hold
from vouchers.models.holds import ScreeningOutcome
from vouchers.sheets import DAY, INSTANT, MONEY

TITLE = "可疑合同登记簿"


def build(
    out: Path | IO[bytes],
    suspicions: QuerySet[Suspicion],
    flags: QuerySet[Flag],
    covers: str,
    *,
    by: str,
    regions: Collection[str] | None = None,
) -> Made:
    """Write it. ``suspicions`` and ``flags`` are in the maker's scope and filter already."""
    book = Book(TITLE, covers, by=by)
    register = book.sheet(
        "登记簿",
        (
            ("名次", 7, "0"), ("对象", 14, ""), ("编号", 19, ""), ("合同", 19, ""), ("结果", 12, ""), ("得分", 8, "0.00"),
            ("关联组", 12, ""), ("承租方（申领企业）", 30, ""), ("统一社会信用代码", 21, ""), ("出租方", 30, ""), ("专项", 14, ""),
            ("地区", 9, ""), ("金额", 16, MONEY), ("规则", 18, ""), ("说明", 90, ""), ("证据", 60, ""), ("无法检验", 16, ""),
            ("暂不计分", 12, ""), ("暂缓", 18, ""),
        ),
    )  # fmt: skip
    detail = book.sheet(
        "预警明细",
        (
            ("名次", 7, "0"), ("编号", 19, ""), ("合同", 19, ""), ("规则", 8, ""), ("名称", 16, ""), ("版本", 6, "0"), ("性质", 8, ""),
            ("分值", 8, "0.00"), ("观测值", 18, ""), ("阈值", 18, ""), ("说明", 80, ""), ("不触发的条件", 40, ""), ("同类分布", 24, ""),
            ("证据", 60, ""), ("输入摘要", 20, ""), ("数据截至", 17, INSTANT), ("首次提出", 12, DAY),
        ),
    )  # fmt: skip
    for part in chunks(suspicions.order_by("rank")):
        raised, holds = _flags(part, flags), _holds(part)
        hidden = hidden_numbers((one for some in raised.values() for one in some), regions)
        for row in part:
            here = raised.get((row.subject_kind, row.subject_no), [])
            register.add(
                row.rank, row.get_subject_kind_display(), row.subject_no, row.lease_no, ScreeningOutcome(row.outcome).label,
                row.score, row.case_no, row.enterprise_name, row.enterprise_uscc, row.lessor_name, row.program_code,
                row.region_code, row.amount, "、".join(row.rules), "\n".join(f"{one.rule} {one.sentence}" for one in here),
                "；".join(dict.fromkeys(item for one in here for item in told(one, hidden))), "、".join(row.not_testable),
                "、".join(row.snoozed), holds.get((row.subject_kind, row.subject_no)),
            )  # fmt: skip
            for flag in here:
                detail.add(
                    row.rank, row.subject_no, flag.lease_no, flag.rule, flag.rule_version.title, flag.rule_version.version,
                    flag.get_severity_display(), flag.points, flag.value, flag.threshold, flag.sentence, flag.counterfactual,
                    "；".join(f"{name} {value}" for name, value in flag.peers.items()), "；".join(told(flag, hidden)),
                    flag.input_hash[:16], flag.known_at, flag.recorded_at.date(),
                )  # fmt: skip
    return book.finish(out)


def _flags(part: list[Suspicion], flags: QuerySet[Flag]) -> dict[tuple[str, str], list[Flag]]:
    """The standing flags of these rows, hard before soft, then by points."""
    claims = [row.subject_no for row in part if row.subject_kind == "claim"]
    leases = [row.subject_no for row in part if row.subject_kind == "lease"]
    found: dict[tuple[str, str], list[Flag]] = defaultdict(list)
    standing = flags.filter(cleared_at=None).select_related("rule_version").order_by("rule", "pk")
    for flag in standing.filter(Q(claim_no__in=claims) | Q(claim_no="", lease_no__in=leases)):
        found[("claim", flag.claim_no) if flag.claim_no else ("lease", flag.lease_no)].append(flag)
    for rows in found.values():
        rows.sort(key=lambda one: (one.severity != Severity.HARD, -(one.points or 0), one.rule))
    return found


def _holds(part: list[Suspicion]) -> dict[tuple[str, str], str]:
    """The last hold of each row with its state."""
    rows = Hold.objects.filter(subject_no__in=[row.subject_no for row in part]).order_by("pk")
    return {(row.subject_kind, row.subject_no): f"{row.hold_no} {row.get_state_display()}" for row in rows}
