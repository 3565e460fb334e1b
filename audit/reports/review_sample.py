"""审计抽样: a draw with its seed and its list, so that anybody who has the workbook draws the same claims again.

The second sheet holds the whole list in the order of the hash that decides, the drawn ones first. Of claims of other regions it has
the hash and not the number: the digest of the whole list is on the cover, and ``manage.py review_draw`` draws again from all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import IO

from applications.models import Claim
from audit.actions.review_draws import drawn
from audit.models import ReviewDraw
from audit.reports.books import Book
from audit.reports.workbook import Made
from vouchers import dates
from vouchers.sheets import DAY, MONEY

TITLE = "审计抽样"
HOW = "把“种子:兑付编号”按 SHA-256 散列，升序排列，取前若干件；件数为名单件数乘以抽取比例，进位取整。名单先定，种子后生。"


def build(out: Path | IO[bytes], draw: ReviewDraw, regions: Collection[str] | None, *, by: str) -> Made:
    """Write it for a reader of these regions (None: all)."""
    book = Book(TITLE, f"{draw.draw_no}：{draw.lot_size} 件中抽取 {draw.per_mille}‰", by=by)
    picks = book.sheet(
        "抽中",
        (
            ("次序", 7, "0"), ("兑付编号", 19, ""), ("专项", 14, ""), ("地区", 9, ""), ("申领企业", 30, ""), ("统一社会信用代码", 21, ""),
            ("合同", 19, ""), ("状态", 12, ""), ("提交日", 12, DAY), ("金额", 16, MONEY), ("散列", 66, ""),
        ),
    )  # fmt: skip
    names = book.sheet(
        "名单", (("名次", 8, "0"), ("兑付编号", 19, ""), ("散列（SHA-256）", 66, ""), ("抽中", 8, ""))
    )
    rows = draw.picks.order_by("position")
    if regions is not None:
        rows = rows.filter(region_code__in=regions)
    shown = list(rows)
    claims = {
        claim.claim_no: claim
        for claim in Claim.objects.filter(claim_no__in=[pick.claim_no for pick in shown]).select_related(
            "enterprise", "lease"
        )
    }
    for pick in shown:
        claim = claims.get(pick.claim_no)
        picks.add(
            pick.position, pick.claim_no, pick.program_code, pick.region_code,
            claim.enterprise.name if claim else None, claim.enterprise.uscc if claim else None,
            claim.lease.lease_no if claim and claim.lease else None, claim.get_state_display() if claim else None,
            claim.submitted_at.astimezone(dates.SHANGHAI).date() if claim and claim.submitted_at else None, pick.amount,
            hash_of(draw.seed, pick.claim_no),
        )  # fmt: skip
    numbers = draw.lot.split("\n")
    again = set(drawn(draw.lot, draw.seed, draw.per_mille))
    same = again == set(draw.picks.values_list("claim_no", flat=True))
    own = _own(numbers, regions)
    hashed = sorted((hash_of(draw.seed, number), number) for number in numbers)
    for place, (digest, number) in enumerate(hashed, start=1):
        names.add(place, number if number in own else "另一地区", digest, "是" if number in again else None)
    return book.finish(
        out,
        (
            ("种子", draw.seed),
            ("名单摘要", f"SHA-256 {draw.lot_digest}（编号升序，每行一个，UTF-8，末尾无换行）"),
            ("抽取时间", draw.drawn_at.astimezone(dates.SHANGHAI).strftime("%Y-%m-%d %H:%M")),
            ("抽取方法", HOW),
            ("复核", "按本簿的种子和名单重新抽取，" + ("与登记一致。" if same else "与登记不一致，请联系系统管理人员。")),
        ),
    )  # fmt: skip


def hash_of(seed: str, number: str) -> str:
    """What decides whether a claim is drawn: the least come first."""
    return hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()


def _own(numbers: list[str], regions: Collection[str] | None) -> set[str]:
    """The claims that the reader may know by number."""
    if regions is None:
        return set(numbers)
    own: set[str] = set()
    for start in range(0, len(numbers), 5000):
        part = Claim.objects.filter(
            claim_no__in=numbers[start : start + 5000], program_region_code__in=regions
        )
        own.update(part.values_list("claim_no", flat=True))
    return own
