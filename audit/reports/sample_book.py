"""审计抽样 on demand as a workbook: what was drawn, the list that it was drawn from with the deciding hashes, the seed on the cover."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import IO

from applications.models import Claim
from audit.actions.samples import drawn_of, lot_digest, ordered
from audit.models import AuditSample, Suspicion
from audit.reports.books import CHUNK, Book
from audit.reports.workbook import Made
from vouchers import dates
from vouchers.models.holds import ScreeningOutcome
from vouchers.sheets import DAY, MONEY

TITLE = "审计抽样"
HOW = (
    "金额不低于必查起点的全部查；其余把“种子:兑付编号”按 SHA-256 散列，升序排列，取前若干件。名单先定，种子后生；"
    "按“名单”一表和种子可以重新抽取。"
)


def build(out: Path | IO[bytes], sample: AuditSample, *, by: str) -> Made:
    """Write it. The reader may see all of the sample's region."""
    book = Book(f"{TITLE} {sample.sample_no}", sample.covers, by=by)
    picks = book.sheet(
        "抽中",
        (
            ("次序", 7, "0"), ("兑付编号", 19, ""), ("抽中原因", 12, ""), ("专项", 14, ""), ("申领企业", 30, ""),
            ("统一社会信用代码", 21, ""), ("出租方", 30, ""), ("合同", 19, ""), ("现状态", 14, ""), ("提交日", 12, DAY),
            ("名单金额", 16, MONEY), ("现核准金额", 16, MONEY), ("筛查结果", 12, ""), ("规则", 16, ""), ("散列", 66, ""),
            ("审计意见", 40, ""), ("审计人", 12, ""), ("日期", 12, DAY),
        ),
    )  # fmt: skip
    names = book.sheet(
        "名单",
        (
            ("名次", 8, "0"),
            ("兑付编号", 19, ""),
            ("金额", 16, MONEY),
            ("散列（SHA-256）", 66, ""),
            ("抽中", 8, ""),
        ),
    )
    drawn = drawn_of(sample)
    for start in range(0, len(drawn), CHUNK):
        part = drawn[start : start + CHUNK]
        numbers = [one.claim_no for one in part]
        claims = {
            claim.claim_no: claim
            for claim in Claim.objects.filter(claim_no__in=numbers).select_related(
                "enterprise", "lease", "provider"
            )
        }
        found = {
            row.subject_no: row
            for row in Suspicion.objects.filter(subject_kind="claim", subject_no__in=numbers)
        }
        for one in part:
            claim, row = claims[one.claim_no], found.get(one.claim_no)
            picks.add(
                one.position, one.claim_no, "必查" if one.certain else "抽取", claim.program_code, claim.enterprise.name,
                claim.enterprise.uscc, claim.provider.name if claim.provider else None,
                claim.lease.lease_no if claim.lease else None, claim.get_state_display(),
                claim.submitted_at.astimezone(dates.SHANGHAI).date() if claim.submitted_at else None, one.amount,
                claim.approved_amount, ScreeningOutcome(row.outcome if row else "pass").label,
                "、".join(row.rules) if row else None, one.digest, None, None, None,
            )  # fmt: skip
    chosen = {one.claim_no for one in drawn}
    for place, (digest, number, amount) in enumerate(ordered(sample.lot, sample.seed), start=1):
        names.add(place, number, amount, digest, "是" if number in chosen else None)
    covered = sum((one.amount for one in drawn), Decimal("0.00"))
    intact = lot_digest(sample.lot) == sample.lot_digest
    return book.finish(
        out,
        (
            ("抽样编号", sample.sample_no),
            ("目的", sample.reason),
            ("抽取", f"{len(drawn)} 件（必查 {sum(one.certain for one in drawn)} 件），名单 {sample.lot_size} 件"),
            ("必查金额起点", sample.whole_from if sample.whole_from is not None else "不设"),
            ("名单金额（元）", sample.lot_amount),
            ("抽中金额（元）", covered),
            ("种子", sample.seed),
            ("名单摘要", f"SHA-256 {sample.lot_digest}（每行“编号 金额”，编号升序，UTF-8，末尾无换行）"),
            ("复核", "名单与登记的摘要一致。" if intact else "名单与登记的摘要不一致，请联系系统管理人员。"),
            ("抽取人", str(sample.drawn_by)),
            ("抽取时间", sample.drawn_at.astimezone(dates.SHANGHAI).strftime("%Y-%m-%d %H:%M")),
            ("抽取方法", HOW),
        ),
    )  # fmt: skip
