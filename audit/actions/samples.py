"""审计抽样 on demand: the list of a region's claims first, then a seed, then those with the least hash of both. Claims from a
given amount on are looked at all; the rest is drawn."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from django.db.models.functions import Coalesce

from applications.models import Claim
from applications.models.claims import ClaimState
from audit.models import AuditSample
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import User
from vouchers.numbers import next_no

MOST_LOT, MOST_SIZE = 200_000, 2_000
STATES = {
    ClaimState.SUBMITTED: "已提交",
    ClaimState.VERIFIED: "已核验",
    ClaimState.APPROVED: "已核准待拨付",
    ClaimState.PAID: "已拨付",
    ClaimState.REJECTED: "不予支持",
}


@dataclass(frozen=True)
class Population:
    """Which claims of a region are drawn from; days of submission, both counted."""

    region: str
    program: str = ""
    state: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def words(self) -> str:
        """The range as a sentence for people."""
        parts = [
            f"地区 {self.region}",
            f"专项 {self.program}" if self.program else "全部专项",
            STATES[ClaimState(self.state)] if self.state else "各状态（草稿除外）",
        ]
        if self.since or self.until:
            since = f"{self.since:%Y-%m-%d}" if self.since else "最初"
            until = f"{self.until:%Y-%m-%d}" if self.until else "抽取日"
            parts.append(f"{since} 至 {until} 提交")
        return "，".join(parts)


@dataclass(frozen=True)
class Drawn:
    """A claim that is drawn: its place, whether for its amount, and the hash that decides."""

    position: int
    claim_no: str
    amount: Decimal
    certain: bool
    digest: str


def draw_sample(
    population: Population, *, size: int, whole_from: Decimal | None = None, reason: str, by: User
) -> AuditSample:
    """Draw, and keep what it takes to draw again. The drawer reads all of the region: auditors and investigators.

    Raises ``Forbidden`` outside of the drawer's scope, ``Invalid`` (``sample.reason``, ``sample.size``, ``sample.state``, ``sample.days``,
    ``sample.nothing``, ``sample.too_many``).
    """
    announce("audit_sample.draw", reason)
    require_role(by, Role.AUDITOR, Role.INVESTIGATOR, region=population.region)
    reason = " ".join(reason.split())
    if not reason or len(reason) > 300:
        raise Invalid("sample.reason", "请写明抽样的目的，不超过 300 字。", field="reason")
    if not 1 <= size <= MOST_SIZE:
        raise Invalid("sample.size", f"抽取件数应为 1 至 {MOST_SIZE:,} 件。", field="size")
    if population.state and population.state not in STATES:
        raise Invalid("sample.state", "没有这种状态的兑付申请可供抽样。", field="state")
    if population.since and population.until and population.until < population.since:
        raise Invalid("sample.days", "提交日的止日早于起日，请核对。", field="until")
    lines = _lot(population)
    if not lines:
        raise Invalid(
            "sample.nothing", "所选范围内没有兑付申请。", hint="请放宽专项、状态或日期。", field="program"
        )
    if len(lines) > MOST_LOT:
        raise Invalid(
            "sample.too_many",
            f"所选范围有 {len(lines):,} 件，超过一次抽样的上限 {MOST_LOT:,} 件。",
            hint="请按专项或日期缩小范围。",
        )
    lot = "\n".join(f"{number} {amount}" for number, amount in lines)
    # The list stands before the seed exists, so that nobody could choose a list for a seed.
    return AuditSample.objects.create(
        sample_no=next_no("AS", dates.today()),
        region_code=population.region,
        covers=population.words,
        wanted={
            "program": population.program,
            "state": population.state,
            "since": population.since.isoformat() if population.since else None,
            "until": population.until.isoformat() if population.until else None,
        },
        reason=reason,
        size=size,
        whole_from=whole_from,
        seed=secrets.token_hex(32),
        lot=lot,
        lot_digest=lot_digest(lot),
        lot_size=len(lines),
        lot_amount=sum((amount for _number, amount in lines), Decimal("0.00")),
        drawn_by=by,
        drawn_at=dates.now(),
    )


def _lot(population: Population) -> list[tuple[str, Decimal]]:
    """Number and amount of each claim in the range, in ascending order: what was approved, else what is asked for."""
    rows = Claim.objects.filter(program_region_code=population.region, submitted_at__isnull=False)
    rows = rows.exclude(state=ClaimState.DRAFT)
    if population.program:
        rows = rows.filter(program_code=population.program)
    if population.state:
        rows = rows.filter(state=population.state)
    if population.since:
        rows = rows.filter(submitted_at__gte=_start_of(population.since))
    if population.until:
        rows = rows.filter(submitted_at__lt=_start_of(date.fromordinal(population.until.toordinal() + 1)))
    told = rows.annotate(told=Coalesce("approved_amount", "claimed_amount")).values_list("claim_no", "told")
    return sorted((number, amount or Decimal("0.00")) for number, amount in told[: MOST_LOT + 1])


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, dates.SHANGHAI)


def lot_digest(lot: str) -> str:
    """SHA-256 of the list as it is stored: UTF-8, no newline at the end."""
    return hashlib.sha256(lot.encode()).hexdigest()


def ordered(lot: str, seed: str) -> list[tuple[str, str, Decimal]]:
    """(hash, number, amount) of each line by the SHA-256 of ``seed:number``, the least first."""
    lines = (line.split(" ", 1) for line in lot.split("\n"))
    return sorted(
        (hashlib.sha256(f"{seed}:{number}".encode()).hexdigest(), number, Decimal(amount))
        for number, amount in lines
    )


def drawn_of(sample: AuditSample) -> list[Drawn]:
    """What list and seed draw: all from ``whole_from`` on, the largest first, then ``size`` of the rest."""
    rows = ordered(sample.lot, sample.seed)
    limit = sample.whole_from
    certain = [row for row in rows if limit is not None and row[2] >= limit]
    rest = [row for row in rows if limit is None or row[2] < limit][: sample.size]
    certain.sort(key=lambda row: (-row[2], row[1]))
    return [
        Drawn(position, number, amount, position <= len(certain), digest)
        for position, (digest, number, amount) in enumerate([*certain, *rest], start=1)
    ]
