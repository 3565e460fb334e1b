"""分级监管: a region drafts a table, another person publishes it; a party's tier is read off it, with the working.

A tier changes nothing but what its row says. Where no table is in force there is no tier.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Q

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import (
    CreditEntry,
    CreditRecord,
    Debarment,
    Party,
    Region,
    SupervisionTable,
    SupervisionTier,
    User,
)
from vouchers.models.credit_entries import CreditAspect, CreditBearing
from vouchers.models.credit_repairs import RepairState
from vouchers.models.debarments import DebarmentState
from vouchers.models.supervision import TableState
from vouchers.states import advance, not_now

# -- the table -------------------------------------------------------------------------------------------------------


def draft_table(
    region: Region, *, document_no: str, article: str, effective_from: date, by: User
) -> SupervisionTable:
    """An empty table with its document. Raises ``Forbidden`` and ``Problems`` (``supervision.document``, ``supervision.day``)."""
    announce("supervision_table.draft", document_no)
    require_role(by, Role.POLICY_EDITOR, region=region)
    faults: list[Invalid] = []
    if not document_no.strip() or not article.strip():
        faults.append(Invalid("supervision.document", "请填写依据文件和条款。", field="document_no"))
    if effective_from < dates.today():
        faults.append(Invalid("supervision.day", "施行日不能早于今天。", field="effective_from"))
    if faults:
        raise Problems(faults)
    return SupervisionTable.objects.create(
        region=region,
        document_no=document_no.strip()[:200],
        article=article.strip()[:60],
        effective_from=effective_from,
        drafted_by=by,
    )


def put_tier(table: SupervisionTable, *, position: int, by: User, **terms: Any) -> SupervisionTier:
    """Put a row into a draft at a place, instead of the one that stood there. ``terms`` are the row's columns.

    Raises ``Forbidden``, ``NotNow`` (``supervision_table.not_now``) and ``Problems`` (``supervision.name``, ``supervision.window``,
    ``supervision.share``)."""
    announce("supervision_table.put_tier", str(terms.get("name", "")))
    table = _draft(table, by)
    faults: list[Invalid] = []
    name = str(terms.get("name") or "").strip()
    if not name or table.tiers.filter(name=name).exclude(position=position).exists():
        faults.append(Invalid("supervision.name", "请填写等级名称，且不与其他等级重名。", field="name"))
    if terms.get("aspect") and terms.get("adverse_count") is None:
        faults.append(
            Invalid("supervision.window", "限定类别的，请填写不良记载条数。", field="adverse_count")
        )
    for column in ("adverse_count", "overdue_count"):
        if terms.get(column) == 0:
            faults.append(Invalid("supervision.window", "应不少于 1；不作条件的请留空。", field=column))
    share = terms.get("review_per_mille")
    if share is not None and not 0 <= share <= 1000:
        faults.append(Invalid("supervision.share", "应在 0 至 1000‰ 之间。", field="review_per_mille"))
    if faults:
        raise Problems(faults)
    row = table.tiers.filter(position=position).first() or SupervisionTier(table=table, position=position)
    for column in TIER_COLUMNS:
        if column in terms:
            setattr(row, column, terms[column])
    row.name = name
    row.save()
    return row


TIER_COLUMNS = (
    "name",
    "months",
    "adverse_count",
    "aspect",
    "overdue_count",
    "debarred",
    "review_per_mille",
    "measures",
)


def drop_tier(table: SupervisionTable, *, position: int, by: User) -> None:
    """Take a row out of a draft. Raises ``Forbidden``, ``NotNow`` and ``Invalid`` (``supervision.no_tier``)."""
    announce("supervision_table.drop_tier", str(position))
    table = _draft(table, by)
    deleted, _each = table.tiers.filter(position=position).delete()
    if not deleted:
        raise Invalid("supervision.no_tier", f"没有次序为 {position} 的等级。", field="position")


def _draft(table: SupervisionTable, by: User) -> SupervisionTable:
    require_role(by, Role.POLICY_EDITOR, region=table.region)
    row: SupervisionTable = (
        SupervisionTable.objects.select_for_update(of=("self",), no_key=True)
        .select_related("region")
        .get(pk=table.pk)
    )
    if row.state != TableState.DRAFT:
        raise not_now(row, "propose")
    return row


def propose_table(table: SupervisionTable, *, by: User) -> SupervisionTable:
    """提请公布. The last row takes in everybody else, so it has no condition, and every other one has.

    Raises ``Forbidden``, ``NotNow`` and ``Invalid`` (``supervision.rows``, ``supervision.last``)."""
    announce("supervision_table.propose")
    tiers = list(table.tiers.order_by("position"))
    if len(tiers) < 2:
        raise Invalid("supervision.rows", "分级标准至少应有两个等级。")
    if tiers[-1].conditional or not all(tier.conditional for tier in tiers[:-1]):
        raise Invalid(
            "supervision.last",
            "次序在最后的等级适用于其余单位，不设条件；其他等级各须至少一项条件。",
            hint="等级从严到宽排列。",
        )
    advance(table, "propose", by=by, region=table.region, update={"proposed_by": by})
    return table


def return_table(table: SupervisionTable, *, reason: str, by: User) -> SupervisionTable:
    """退回修改. Raises ``Invalid`` (``reason.missing``) and ``NotNow``."""
    announce("supervision_table.return", reason)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    advance(table, "return", by=by, region=table.region)
    return table


def discard_table(table: SupervisionTable, *, reason: str, by: User) -> SupervisionTable:
    """作废 of what was not published. Raises ``Invalid`` (``reason.missing``) and ``NotNow``."""
    announce("supervision_table.discard", reason)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    advance(table, "discard", by=by, region=table.region)
    return table


def publish_table(table: SupervisionTable, *, by: User) -> SupervisionTable:
    """公布 by another than who drafted and who proposed; the table before it ends on its first day.

    Raises ``Forbidden`` (``access.role``, ``access.same_person``), ``NotNow`` (``supervision.late``, ``supervision.known``)."""
    announce("supervision_table.publish", table.document_no)
    require_role(by, Role.PUBLISHER, region=table.region)
    Region.objects.select_for_update(no_key=True).get(pk=table.region_id)
    if table.lifecycle.find("publish", table.state) is None:
        raise not_now(table, "publish")
    require_other_person(by, {table.drafted_by_id, table.proposed_by_id}, "公布分级监管标准")
    if table.effective_from < dates.today():
        raise NotNow("supervision.late", "施行日已过，不能公布；请作废后以新的施行日重新草拟。")
    published = table.region.supervision_tables.filter(state=TableState.PUBLISHED)
    later = published.filter(effective_from__gte=table.effective_from).first()
    if later is not None:
        raise NotNow(
            "supervision.known", f"已公布自 {later.effective_from} 施行的标准：{later.document_no}。"
        )
    published.filter(effective_to=None).update(effective_to=table.effective_from)
    update = {"published_by": by, "published_on": dates.today()}
    advance(table, "publish", by=by, region=table.region, update=update)
    return table


# -- a party's tier --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """One condition of one tier held against the party: what was counted, what was asked for."""

    tier: str
    condition: str
    counted: int
    threshold: int

    @property
    def met(self) -> bool:
        return self.counted >= self.threshold


@dataclass(frozen=True)
class Tier:
    """A party's tier in a region on a day, and how it came about."""

    table: SupervisionTable
    row: SupervisionTier
    reasons: list[Reason] = field(default_factory=list)


def table_in_force(region_code: str, on: date) -> SupervisionTable | None:
    """The table that the region has published for the day, or None."""
    table: SupervisionTable | None = (
        SupervisionTable.objects.filter(
            region__code=region_code, state=TableState.PUBLISHED, effective_from__lte=on
        )
        .filter(Q(effective_to=None) | Q(effective_to__gt=on))
        .prefetch_related("tiers")
        .first()
    )
    return table


def tiers_of(parties: Iterable[Party], region_code: str, on: date) -> dict[int, Tier]:
    """The tier of each party (by primary key) by the region's table of that day; nothing where there is none. Five statements,
    however many parties."""
    table = table_in_force(region_code, on)
    wanted = {party.pk for party in parties}
    if table is None or not wanted:
        return {}
    rows = sorted(table.tiers.all(), key=lambda tier: tier.position)
    facts = _facts(wanted, region_code, on)
    found: dict[int, Tier] = {}
    for party in wanted:
        reasons: list[Reason] = []
        for row in rows:
            mine = _held_against(row, facts.get(party, _Counted()), on)
            reasons += mine
            if not row.conditional or any(reason.met for reason in mine):
                found[party] = Tier(table, row, reasons)
                break
    return found


@dataclass
class _Counted:
    """What is counted of one party: adverse entries (day, aspect), spans of debarment, matters overdue."""

    adverse: list[tuple[date, str]] = field(default_factory=list)
    debarred: list[tuple[date, date]] = field(default_factory=list)
    overdue: int = 0


def _facts(parties: set[int], region_code: str, on: date) -> dict[int, _Counted]:
    facts: dict[int, _Counted] = {party: _Counted() for party in parties}
    entries = (
        CreditEntry.objects.filter(
            party__in=parties, region__code=region_code, bearing=CreditBearing.ADVERSE, recorded_on__lte=on
        )
        .standing()
        .exclude(repairs__state=RepairState.GRANTED)
    )
    for party, day, aspect in entries.values_list("party_id", "found_on", "aspect"):
        facts[party].adverse.append((day, aspect))
    acts = Debarment.objects.filter(
        party__in=parties,
        region__code=region_code,
        state__in=(DebarmentState.LISTED, DebarmentState.REPAIRED),
        listing__effective_from__lte=on,
    )
    for party, start, end in acts.values_list("party_id", "listing__effective_from", "listing__effective_to"):
        facts[party].debarred.append((start, end))
    records = CreditRecord.objects.filter(party__in=parties, region_code=region_code, opened_on__lte=on)
    for party in records.filter(Q(repaired_on=None) | Q(repaired_on__gt=on)).values_list(
        "party_id", flat=True
    ):
        facts[party].overdue += 1
    return facts


def _held_against(row: SupervisionTier, counted: _Counted, on: date) -> list[Reason]:
    since = _months_before(on, row.months) if row.months else date.min
    window = f"近 {row.months} 个月" if row.months else ""
    reasons: list[Reason] = []
    if row.adverse_count is not None:
        aspect = f"“{CreditAspect(row.aspect).label}”类" if row.aspect else ""
        number = sum(
            1
            for day, kind in counted.adverse
            if day > since and day <= on and (not row.aspect or kind == row.aspect)
        )
        reasons.append(Reason(row.name, f"{window}{aspect}不良记载", number, row.adverse_count))
    if row.overdue_count is not None:
        reasons.append(Reason(row.name, "逾期未了结的事项", counted.overdue, row.overdue_count))
    if row.debarred:
        number = sum(1 for start, end in counted.debarred if end > max(since, start))
        reasons.append(Reason(row.name, f"{window}列入失信限制", number, 1))
    return reasons


def _months_before(on: date, months: int) -> date:
    """The same day so many months earlier; the last of the month where it has no such day."""
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(on.day, last))
