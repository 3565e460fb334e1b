"""审计工作簿: claims with amounts and outcomes, their working, price verdicts and flags, in one file with its filter and hash."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.db.models import Q, QuerySet

from applications.actions.assessments import kept
from applications.models import Claim
from audit.actions.scans import latest_run
from audit.models import Flag, Suspicion
from audit.reports.evidence_ids import hidden_numbers, told
from vouchers import dates
from vouchers.errors import Invalid
from vouchers.models import PriceCheck
from vouchers.models.holds import ScreeningOutcome
from vouchers.sheets import DAY, INSTANT, MONEY, PRICE, Sheet, new_book, save

TITLE = "算力券审计工作簿"
CHUNK = 500
MOST_CLAIMS = 300_000


@dataclass(frozen=True)
class Choice:
    """What the workbook covers, in words that stand on its cover."""

    region: str = ""
    program: str = ""
    year: int | None = None
    suspicions: QuerySet[Suspicion] | None = None  # only these cases, when a list was filtered
    told: str = ""

    @property
    def words(self) -> str:
        """The filter as text."""
        parts = [
            f"地区 {self.region}" if self.region else "",
            f"专项 {self.program}" if self.program else "",
            f"{self.year} 年提交" if self.year else "",
            self.told,
        ]
        return "；".join(part for part in parts if part) or "全部（限本人可见范围）"


@dataclass(frozen=True)
class Made:
    """What was made: rows by sheet, and the hash over all rows."""

    rows: dict[str, int]
    content_sha256: str
    filter: str


def chosen(claims: QuerySet[Claim], choice: Choice) -> QuerySet[Claim]:
    """The claims that the workbook covers. Drafts are not filed and not in it."""
    claims = claims.exclude(state="draft")
    if choice.region:
        claims = claims.filter(program_region_code=choice.region)
    if choice.program:
        claims = claims.filter(program_code=choice.program)
    if choice.year:
        claims = claims.filter(submitted_at__year=choice.year)
    if choice.suspicions is not None:
        claims = claims.filter(
            claim_no__in=choice.suspicions.filter(subject_kind="claim").values("subject_no")
        )
    return claims.order_by("claim_no")


def build(
    out: Path | IO[bytes],
    claims: QuerySet[Claim],
    flags: QuerySet[Flag],
    choice: Choice,
    *,
    by: str,
    regions: Collection[str] | None = None,
) -> Made:
    """Write the workbook. ``claims`` and ``flags`` are in the maker's scope already; ``regions`` are those of the scope (None: all). Raises ``Invalid`` (``export.too_many``)."""
    rows = chosen(claims, choice)
    count = rows.count()
    if count > MOST_CLAIMS:
        raise Invalid(
            "export.too_many",
            f"所选范围有 {count:,} 件兑付申请，超过一个工作簿的上限 {MOST_CLAIMS:,} 件。",
            hint="请按地区、专项或年度分别导出。",
        )
    book = new_book()
    cover = Sheet(book, "说明", (("项目", 22, ""), ("内容", 90, "")))
    sheets = _Sheets(book)
    for part in _chunks(
        rows.select_related(
            "enterprise", "provider", "payee", "lease__lessee", "lease__lessor", "price_check"
        )
    ):
        _claims(sheets, part)
    _flags(sheets, flags, rows, choice, regions)
    digests = {sheet.title: sheet.close() for sheet in sheets.all}
    whole = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    run = latest_run()
    for name, value in (
        ("名称", TITLE),
        ("范围", choice.words),
        ("制作人", by),
        ("制作时间", dates.now().strftime("%Y-%m-%d %H:%M")),
        (
            "预警数据截至",
            run.known_at.astimezone(dates.SHANGHAI).strftime("%Y-%m-%d %H:%M") if run else "尚未扫描",
        ),
        ("内容摘要", f"SHA-256 {whole}（各表各行依次散列）"),
        *((sheet.title, f"{sheet.rows} 行，SHA-256 {digests[sheet.title]}") for sheet in sheets.all),
        (
            "说明",
            "预警不是认定：硬性预警暂缓办理，可以申诉并由两人解除；提示性预警只用于排定核查顺序。“无法检验”不等于通过。",
        ),
    ):
        cover.add(name, value)
    cover.close()
    save(book, out)
    return Made({sheet.title: sheet.rows for sheet in sheets.all}, whole, choice.words)


class _Sheets:
    """The four sheets."""

    def __init__(self, book: Any) -> None:
        self.claims = Sheet(
            book,
            "兑付申请",
            (
                ("名次", 7, "0"), ("兑付编号", 19, ""), ("专项", 14, ""), ("地区", 9, ""), ("申领企业", 30, ""),
                ("统一社会信用代码", 21, ""), ("出租方", 30, ""), ("合同", 19, ""), ("状态", 12, ""), ("来源", 10, ""),
                ("提交时间", 17, INSTANT), ("申请金额", 16, MONEY), ("核准金额", 16, MONEY), ("拨付日", 12, DAY),
                ("筛查结果", 10, ""), ("得分", 8, "0.00"), ("关联组", 12, ""), ("规则", 16, ""), ("无法检验", 16, ""),
                ("审核人", 12, ""),
            ),
        )  # fmt: skip
        self.working = Sheet(
            book,
            "计算过程",
            (
                ("兑付编号", 19, ""), ("步骤", 6, "0"), ("条款", 24, ""), ("算式", 14, ""), ("操作数", 60, ""),
                ("结果", 16, MONEY), ("说明", 70, ""),
            ),
        )  # fmt: skip
        self.prices = Sheet(
            book,
            "价格核对",
            (
                ("兑付编号", 19, ""), ("合同", 19, ""), ("签订日", 12, DAY), ("单元", 40, ""), ("合同单价（元/卡时）", 14, PRICE),
                ("下限", 14, PRICE), ("基准", 14, PRICE), ("上限", 14, PRICE), ("认定单价", 14, PRICE), ("评级", 6, ""),
                ("位置", 12, ""), ("结论", 12, ""), ("说明", 70, ""), ("结果摘要", 20, ""),
            ),
        )  # fmt: skip
        self.flags = Sheet(
            book,
            "风险预警",
            (
                ("名次", 7, "0"), ("兑付编号", 19, ""), ("合同", 19, ""), ("规则", 8, ""), ("名称", 16, ""), ("版本", 6, "0"),
                ("性质", 8, ""), ("分值", 8, "0.00"), ("观测值", 18, ""), ("阈值", 18, ""), ("说明", 80, ""),
                ("不触发的条件", 40, ""), ("证据", 60, ""), ("输入摘要", 20, ""), ("数据截至", 17, INSTANT),
            ),
        )  # fmt: skip
        self.all = (self.claims, self.working, self.prices, self.flags)


def _chunks(rows: QuerySet[Claim]) -> Iterable[list[Claim]]:
    part: list[Claim] = []
    for row in rows.iterator(chunk_size=CHUNK):
        part.append(row)
        if len(part) == CHUNK:
            yield part
            part = []
    if part:
        yield part


def _claims(sheets: _Sheets, part: list[Claim]) -> None:
    places = {
        row.subject_no: row
        for row in Suspicion.objects.filter(
            subject_kind="claim", subject_no__in=[claim.claim_no for claim in part]
        )
    }
    checks = _price_checks(part)
    for claim in part:
        place = places.get(claim.claim_no)
        lease = claim.lease
        sheets.claims.add(
            place.rank if place else None, claim.claim_no, claim.program_code, claim.program_region_code,
            claim.enterprise.name, claim.enterprise.uscc,
            lease.lessor.name if lease else (claim.provider.name if claim.provider else None),
            lease.lease_no if lease else None, claim.get_state_display(), claim.get_origin_display(), claim.submitted_at,
            claim.claimed_amount, claim.approved_amount, claim.paid_on,
            ScreeningOutcome(place.outcome).label if place else ScreeningOutcome.PASS.label,
            place.score if place else None, place.case_no if place else None,
            "、".join(place.rules) if place else None, "、".join(place.not_testable) if place else None, claim.reviewer,
        )  # fmt: skip
        assessment = kept(claim)
        for line in assessment.lines if assessment else ():
            operands = "；".join(f"{one.name} {one.value:f} {one.unit}".strip() for one in line.operands)
            sheets.working.add(
                claim.claim_no, line.number, line.article, line.operator, operands, line.result, line.sentence
            )
        check = claim.price_check or (checks.get(lease.lease_no) if lease else None)
        if check is not None:
            sheets.prices.add(
                claim.claim_no, lease.lease_no if lease else None, check.as_of, check.cell, check.unit_price, check.lower,
                check.base, check.upper, check.recognised_price, check.grade, check.get_position_display(),
                check.get_consequence_display(), check.sentence, check.output_hash[:16],
            )  # fmt: skip


def _price_checks(part: list[Claim]) -> dict[str, PriceCheck]:
    """The last check of each lease whose claim pins none."""
    wanted = [claim.lease.lease_no for claim in part if claim.lease and claim.price_check_id is None]
    return {
        row.subject_no: row
        for row in PriceCheck.objects.filter(subject_kind="lease", subject_no__in=wanted).order_by("pk")
    }


def _flags(
    sheets: _Sheets,
    flags: QuerySet[Flag],
    claims: QuerySet[Claim],
    choice: Choice,
    regions: Collection[str] | None,
) -> None:
    """The flags that stand on the claims of the workbook, and on unclaimed leases in the same range, by rank."""
    wanted = flags.filter(cleared_at=None).select_related("rule_version")
    leases = Q(claim_no="")
    if choice.region:
        leases &= Q(region_code=choice.region)
    if choice.program:
        leases &= Q(program_code=choice.program)
    if choice.suspicions is not None:
        leases &= Q(lease_no__in=choice.suspicions.filter(subject_kind="lease").values("subject_no"))
    if choice.year:
        leases = Q(pk__in=[])  # a lease that nobody claimed on has no day of filing
    wanted = wanted.filter(Q(claim_no__in=claims.order_by().values("claim_no")) | leases)
    ranks = {
        (row[0], row[1]): row[2]
        for row in Suspicion.objects.values_list("subject_kind", "subject_no", "rank")
    }
    rows = [
        (ranks.get(("claim", flag.claim_no) if flag.claim_no else ("lease", flag.lease_no), 0), flag)
        for flag in wanted
    ]
    rows.sort(key=lambda pair: (pair[0] or 10**9, pair[1].severity, pair[1].rule, pair[1].pk))
    hidden = hidden_numbers((flag for _rank, flag in rows), regions)
    for rank, flag in rows:
        sheets.flags.add(
            rank or None, flag.claim_no, flag.lease_no, flag.rule, flag.rule_version.title, flag.rule_version.version,
            flag.get_severity_display(), flag.points, flag.value, flag.threshold, flag.sentence, flag.counterfactual,
            "；".join(told(flag, hidden)), flag.input_hash[:16], flag.known_at,
        )  # fmt: skip
