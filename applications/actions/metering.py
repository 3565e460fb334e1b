"""计量上报: a platform pushes what was used under a lease, day by day; each day is answered for itself.

A day is stored once. The same figure again changes nothing; another one is a correction, which names the figure that it replaces
and why, and is refused once money is asked for or granted on the day: what a deduction rests on stays as it was,
until it is decided or given back. What was answered under a key is answered again.

Whoever files a claim on the contract or decides about one has its row (``claim_grounds.keep_lease``), and so has whoever reports: a
figure is corrected before, and is seen, or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from applications.actions.settlements import Reach
from applications.models import Application, BasisItem, Claim, Lease, MeteringDay, MeteringReport
from applications.models.claims import ClaimState
from applications.models.leases import LeaseState
from applications.models.metering import MeteringSource
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import DomainError, InFlight, Invalid, NotFound, NotNow
from vouchers.models import ApiCredential
from vouchers.policy.words import day_words

MOST_DAYS = 400
HOURS_A_DAY = 24
_METERED = (LeaseState.FILED, LeaseState.VERIFIED, LeaseState.ENDED)
_DECIDED = (ClaimState.APPROVED, ClaimState.PAID)
_ASKED = (ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.VERIFIED)


@dataclass(frozen=True, kw_only=True)
class DayUse:
    """One day as it was sent. ``replaces`` is the stored figure that is corrected, with the ``reason``."""

    day: date
    card_hours: Decimal
    replaces: Decimal | None = None
    reason: str = ""

    def told(self) -> dict[str, str]:
        """In one spelling, for the digest."""
        more = {} if self.replaces is None else {"replaces": f"{self.replaces:.4f}", "reason": self.reason}
        return {"day": self.day.isoformat(), "card_hours": f"{self.card_hours:.4f}"} | more


def lease_of(lease_no: str, *, credential: ApiCredential, reach: Reach) -> Lease:
    """A lease of the platform's own within what its credential reaches. Raises ``NotFound`` (``metering.lease``) and ``Forbidden``
    (``settlement.program``, ``settlement.region``)."""
    lease = (
        Lease.objects.filter(lease_no=lease_no, lessor=credential.provider).exclude(origin="imported").first()
    )
    if lease is None:
        raise NotFound("metering.lease", "没有以贵方为出租方的这个合同备案号。", field="lease_no")
    asked = Application.objects.filter(lease=lease, program__isnull=False)
    claimed = Claim.objects.filter(lease=lease).exclude(program_code="")
    programs = {
        *asked.values_list("program__code", "program__region__code"),
        *claimed.values_list("program_code", "program_region_code"),
    }
    if programs and not any(reach.admits(*one) for one in programs):
        reach.require(*min(programs))
    return lease


def report_days(
    lease_no: str, days: Sequence[DayUse], *, credential: ApiCredential, reach: Reach, key: str
) -> tuple[dict[str, Any], bool]:
    """Store what is right of a push and answer each day; whether it is a new push, beside the answer.

    Raises ``NotNow`` (``metering.lease_not_filed``, ``metering.lease_voided``) and ``Invalid`` (``metering.key_reused``,
    ``metering.empty``, ``metering.too_many``); a single day is refused with its place, code and reason, and the others are stored.
    """
    announce("metering.report", lease_no)
    require_role(credential.user, Role.PLATFORM, party=credential.provider)
    lease = lease_of(lease_no, credential=credential, reach=reach)
    digest = _digest(lease_no, days)
    mine = MeteringReport.objects.filter(provider=credential.provider, idempotency_key=key)
    if (known := mine.first()) is not None:
        return _again(known, digest), False
    if not days:
        raise Invalid("metering.empty", "请至少上报一天的用量。", field="days")
    if len(days) > MOST_DAYS:
        raise Invalid("metering.too_many", f"一次至多上报 {MOST_DAYS} 天，请拆分。", field="days")
    # Whoever else reports of this lease waits here, or is waited for.
    lease = Lease.objects.select_for_update(no_key=True).get(pk=lease.pk)
    if (known := mine.first()) is not None:  # stored under this key by whom we waited for
        return _again(known, digest), False
    if lease.state == LeaseState.VOIDED:
        raise NotNow("metering.lease_voided", "该合同已作废，不再接收用量。", field="lease_no")
    if lease.state not in _METERED:
        raise NotNow("metering.lease_not_filed", "该合同尚未备案，请在备案后上报用量。", field="lease_no")
    answers, stored = _judged(lease, days)
    answer = {
        "lease_no": lease.lease_no,
        "stored": sum(one["outcome"] in ("stored", "corrected") for one in answers),
        "unchanged": sum(one["outcome"] == "unchanged" for one in answers),
        "refused": sum(one["outcome"] == "refused" for one in answers),
        "days": answers,
    }
    try:
        with transaction.atomic():
            report = MeteringReport.objects.create(
                provider=credential.provider,
                lease=lease,
                idempotency_key=key,
                credential=credential,
                request_sha256=digest,
                answer=answer,
            )
    except IntegrityError:
        raise InFlight("metering.in_flight", "同一幂等键的请求正在办理，请稍后原样重发。") from None
    _store(lease, stored, report)
    report.refresh_from_db(fields=["answer"])  # as whoever sends it again will read it, to the byte
    return report.answer, True


def _digest(lease_no: str, days: Sequence[DayUse]) -> str:
    body = json.dumps([lease_no, [one.told() for one in days]], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def _again(known: MeteringReport, digest: str) -> dict[str, Any]:
    if known.request_sha256 != digest:
        raise Invalid(
            "metering.key_reused",
            "该幂等键已用于另一次内容不同的用量上报。",
            field="Idempotency-Key",
            hint="新的上报请用新的键；重发同一次上报须保持内容一致。",
        )
    answer: dict[str, Any] = known.answer
    return answer


def _judged(lease: Lease, days: Sequence[DayUse]) -> tuple[list[dict[str, Any]], list[DayUse]]:
    """What is answered of each day, and those that are to be written."""
    kept = dict(_rows(lease).values_list("day", "card_hours"))
    times = Counter(one.day for one in days)
    rested_on = _rested_on(lease)
    answers, stored = [], []
    for line, one in enumerate(days, start=1):
        before = kept.get(one.day)
        told: DomainError | None = None
        try:
            if times[one.day] > 1:
                raise Invalid(
                    "metering.twice",
                    f"{day_words(one.day)}在本次上报中出现多次，以哪一行为准不明。",
                    field="day",
                )
            _require_sound(lease, one)
            outcome = _outcome(one, before, rested_on)
        except DomainError as refusal:
            outcome, told = "refused", refusal
        else:
            if outcome != "unchanged":
                stored.append(one)
        answers.append(
            {
                "line": line,
                "day": one.day.isoformat(),
                "card_hours": f"{one.card_hours:.4f}",
                "outcome": outcome,
                "code": told.code if told else "",
                "field": (told.field or "") if told else "",
                "detail": told.message if told else "",
            }
        )
    return answers, stored


def _require_sound(lease: Lease, one: DayUse) -> None:
    if not lease.starts_on <= one.day < lease.ends_before:
        raise Invalid(
            "metering.outside_lease",
            f"{day_words(one.day)}不在合同期内（{day_words(lease.starts_on)}起，{day_words(lease.ends_before)}前）。",
            field="day",
        )
    if one.day >= dates.today():
        raise NotNow("metering.not_over", f"{day_words(one.day)}尚未结束，请在次日以后上报。", field="day")
    if one.card_hours < 0:
        raise Invalid("metering.negative", "卡时不能小于零。", field="card_hours")
    if lease.cards and one.card_hours > lease.cards * HOURS_A_DAY:
        raise Invalid(
            "metering.beyond_lease",
            f"{one.card_hours:f} 卡时超过合同 {lease.cards} 张卡一天的 {lease.cards * HOURS_A_DAY} 卡时。",
            field="card_hours",
        )


def _outcome(one: DayUse, before: Decimal | None, rested_on: Sequence[_RestedOn]) -> str:
    if before is None and one.replaces is None:
        return "stored"
    if before == one.card_hours:
        return "unchanged"
    if before is None or one.replaces != before:
        raise NotNow(
            "metering.differs",
            f"{day_words(one.day)}已存 {before:f} 卡时，与本次不同；如系更正，请在 replaces 中写明原值，并写明事由。"
            if before is not None
            else f"{day_words(one.day)}尚无用量，没有可更正的原值。",
            field="replaces",
        )
    if not one.reason.strip():
        raise Invalid("metering.reason", "更正用量请写明事由。", field="reason")
    resting = [claim for claim in rested_on if claim.first <= one.day < claim.until]
    if any(claim.decided for claim in resting):
        raise NotNow(
            "metering.decided",
            f"{day_words(one.day)}的用量已有核准的兑付，不能更正；如确有差错，请书面告知主管部门。",
            field="day",
        )
    if resting:
        raise NotNow(
            "metering.claimed",
            f"{day_words(one.day)}的用量是在办兑付 {resting[0].claim_no} 的依据，现在不能更正；请先由申报一方释放或撤回该笔，更正后重新申报。",
            field="day",
        )
    return "corrected"


@dataclass(frozen=True)
class _RestedOn:
    """The half-open period of the lease for which a claim asks for money, or was granted it."""

    claim_no: str
    first: date
    until: date
    decided: bool


def _rested_on(lease: Lease) -> list[_RestedOn]:
    items = BasisItem.objects.filter(claim__lease=lease, claim__state__in=(*_DECIDED, *_ASKED)).order_by("pk")
    rows = items.values_list("claim__claim_no", "period_from", "period_to", "claim__state")
    return [
        _RestedOn(claim_no, first or lease.starts_on, until or lease.ends_before, state in _DECIDED)
        for claim_no, first, until, state in rows
    ]


def _rows(lease: Lease) -> Any:
    return MeteringDay.objects.filter(lease=lease, source=MeteringSource.PLATFORM)


def _store(lease: Lease, days: Sequence[DayUse], report: MeteringReport) -> None:
    MeteringDay.objects.bulk_create(
        MeteringDay(
            lease=lease, day=one.day, card_hours=one.card_hours, source=MeteringSource.PLATFORM, report=report
        )
        for one in days
        if one.replaces is None
    )
    for one in days:
        if one.replaces is not None:
            _rows(lease).filter(day=one.day).update(
                card_hours=one.card_hours, report=report, reason=one.reason.strip()[:200]
            )


def days_of(lease: Lease, first: date, last: date) -> list[dict[str, str]]:
    """What is stored of these days, both included."""
    rows = _rows(lease).filter(day__range=(first, last)).order_by("day")
    return [
        {"day": day.isoformat(), "card_hours": f"{hours:.4f}", "reason": reason}
        for day, hours, reason in rows.values_list("day", "card_hours", "reason")
    ]
