"""Which workbook is asked for, by whom, over what: the same for the page, the job and the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from django.db.models import Q, QuerySet

from applications.models import Claim, Lease
from audit.case_reading import read_case
from audit.models import AuditSample, Flag, ReviewDraw, Suspicion
from audit.reports import case_book, price_register, review_sample, sample_book, suspicion_register
from audit.reports.workbook import Choice, Made, build, chosen
from vouchers.access import AUDIT_ROLES, scope_of
from vouchers.errors import Invalid
from vouchers.models import User
from vouchers.models.holds import ScreeningOutcome

LABELS = {
    "audit": "审计工作簿",
    "suspicions": suspicion_register.TITLE,
    "prices": price_register.TITLE,
    "review": "随机抽查",
    "sample": "审计抽样",
    "group": "案卷",
}
REGISTERS = ("suspicions", "prices", "audit")
"""Those that cover a range; the others are of one number."""


@dataclass(frozen=True)
class Order:
    """One workbook: its kind, and the range or number that it covers."""

    kind: str
    region: str = ""
    program: str = ""
    year: int | None = None
    outcome: str = ""
    number: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return LABELS[self.kind]

    @property
    def words(self) -> str:
        """The range as text."""
        when = {"audit": "年提交", "prices": "年签订"}.get(self.kind, "年")
        parts = [
            f"地区 {self.region}" if self.region else "",
            f"专项 {self.program}" if self.program else "",
            f"{self.year} {when}" if self.year else "",
            f"结果 {ScreeningOutcome(self.outcome).label}" if self.outcome else "",
            self.number,
        ]
        return "；".join(part for part in parts if part) or "全部（限本人可见范围）"

    def params(self) -> dict[str, Any]:
        """For a job."""
        return asdict(self)


def suspicions_of(order: Order, user: User | None) -> QuerySet[Suspicion]:
    """The rows of the register of suspicions."""
    rows = Suspicion.objects.all() if user is None else Suspicion.objects.all().visible_to(user, *AUDIT_ROLES)
    if order.region:
        rows = rows.filter(region_code=order.region)
    if order.program:
        rows = rows.filter(program_code__iexact=order.program)
    return rows.filter(outcome=order.outcome) if order.outcome else rows


def leases_of(order: Order, user: User | None) -> QuerySet[Lease]:
    """The rows of the register of prices."""
    rows = Lease.objects.all() if user is None else Lease.objects.all().visible_to(user, *AUDIT_ROLES)
    rows = rows.filter(kind="compute_lease").exclude(state="draft")
    if order.region:
        rows = rows.filter(program_region_code=order.region)
    if order.program:
        rows = rows.filter(program_code__iexact=order.program)
    return rows.filter(signed_on__year=order.year) if order.year else rows


def _regions(user: User | None) -> frozenset[str] | None:
    """The regions that the reader inspects; None: all."""
    return None if user is None else scope_of(user, *AUDIT_ROLES).regions


def _claims(order: Order, user: User | None) -> QuerySet[Claim]:
    rows = Claim.objects.all() if user is None else Claim.objects.all().visible_to(user, *AUDIT_ROLES)
    return chosen(rows, _choice(order))


def _choice(order: Order) -> Choice:
    return Choice(order.region, order.program, order.year)


def _flags(order: Order, user: User | None) -> QuerySet[Flag]:
    rows = Flag.objects.all() if user is None else Flag.objects.all().visible_to(user, *AUDIT_ROLES)
    return rows.filter(region_code=order.region) if order.region else rows


def _draw(order: Order, user: User | None) -> ReviewDraw:
    """The draw, when any of its claims is in the reader's regions. Raises ``ReviewDraw.DoesNotExist``."""
    draws = ReviewDraw.objects.filter(draw_no=order.number)
    if user is not None:
        draws = draws.filter(picks__region_code__in=scope_of(user, *AUDIT_ROLES).regions)
    return draws.distinct().get()


def _sample(order: Order, user: User | None) -> AuditSample:
    """The sample. Raises ``AuditSample.DoesNotExist``."""
    rows = AuditSample.objects.all()
    return (rows if user is None else rows.visible_to(user, *AUDIT_ROLES)).get(sample_no=order.number)


def _group(order: Order, user: User | None) -> QuerySet[Suspicion]:
    """The rows of a group of the last scan. Raises ``Suspicion.DoesNotExist``."""
    rows = (
        suspicions_of(Order("suspicions"), user).filter(case_no=order.number, case_no__gt="").order_by("rank")
    )
    if not rows.exists():
        raise Suspicion.DoesNotExist
    return rows


def _make_group(order: Order, out: Path | IO[bytes], user: User | None, by: str) -> Made:
    rows = list(_group(order, user))
    regions = (
        frozenset(row.region_code for row in rows) if user is None else scope_of(user, *AUDIT_ROLES).regions
    )
    facts = read_case(
        {row.enterprise_uscc for row in rows if row.enterprise_uscc},
        {row.lease_no for row in rows if row.lease_no},
        regions=regions,
    )
    claims = [row.subject_no for row in rows if row.subject_kind == "claim"]
    leases = [row.subject_no for row in rows if row.subject_kind == "lease"]
    flags = Flag.objects.filter(cleared_at=None).filter(
        Q(claim_no__in=claims) | Q(claim_no="", lease_no__in=leases)
    )
    return case_book.build(
        out,
        order.number,
        facts,
        rows,
        flags.select_related("rule_version").order_by("claim_no", "lease_no", "rule", "pk"),
        by=by,
        regions=_regions(user),
    )


def rows_of(order: Order, user: User | None) -> int:
    """How many rows it would have, so that a large one is made beside the page. Raises ``DoesNotExist`` of what is not there for
    this reader, ``Invalid`` (``export.kind``)."""
    counts: dict[str, Callable[[], int]] = {
        "suspicions": lambda: suspicions_of(order, user).count(),
        "prices": lambda: leases_of(order, user).count(),
        "audit": lambda: _claims(order, user).count(),
        "review": lambda: _draw(order, user).lot_size,
        "sample": lambda: _sample(order, user).lot_size,
        "group": lambda: _group(order, user).count(),
    }
    if order.kind not in counts:
        raise Invalid("export.kind", "没有这种工作簿，请从列表中选择。", field="kind")
    return counts[order.kind]()


def make(order: Order, out: Path | IO[bytes], user: User | None, *, by: str) -> Made:
    """Write it for this reader (None: the command, which reads everything)."""
    if order.kind == "suspicions":
        return suspicion_register.build(
            out, suspicions_of(order, user), _flags(order, user), order.words, by=by, regions=_regions(user)
        )
    if order.kind == "prices":
        return price_register.build(out, leases_of(order, user), order.words, by=by)
    if order.kind == "review":
        regions = None if user is None else scope_of(user, *AUDIT_ROLES).regions
        return review_sample.build(out, _draw(order, user), regions, by=by)
    if order.kind == "sample":
        return sample_book.build(out, _sample(order, user), by=by)
    if order.kind == "group":
        return _make_group(order, out, user, by)
    claims = Claim.objects.all() if user is None else Claim.objects.all().visible_to(user, *AUDIT_ROLES)
    return build(out, claims, _flags(order, user), _choice(order), by=by, regions=_regions(user))
