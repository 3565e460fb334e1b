"""信用档案, read: all that is known of a party in the reader's regions, and of other regions what kind, when, and under which scheme."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from vouchers import dates
from vouchers.access import PARTY_ROLES, scope_of
from vouchers.actions.supervision import Tier, table_in_force, tiers_of
from vouchers.models import (
    CreditEntry,
    CreditRecord,
    CreditRepair,
    Debarment,
    Leniency,
    Listing,
    Party,
    Region,
)
from vouchers.models.credit_entries import CreditBearing
from vouchers.models.credit_repairs import RepairState
from vouchers.models.debarments import DebarmentState
from vouchers.models.leniencies import LeniencyState


@dataclass(frozen=True)
class FileLine:
    """One line of a file, whatever it was written by. ``state`` and ``tone`` are what it says today."""

    on: date
    kind: str
    bearing: str
    sentence: str
    number: str
    document: str
    basis: str
    who: str
    source_no: str
    state: str
    tone: str
    region: str
    program: str
    row: Any


@dataclass(frozen=True)
class Elsewhere:
    """What another region's file says to this reader: the scheme, the day, the kind; nothing else."""

    on: date
    kind: str
    program: str


@dataclass(frozen=True)
class RegionTier:
    """A region's table and the party's tier by it; both None where nothing is published."""

    region: Region
    tier: Tier | None


@dataclass(frozen=True)
class CreditFile:
    """A party's file for one reader."""

    party: Party
    lines: list[FileLine]
    debarments: list[Debarment]
    repairs: list[CreditRepair]
    leniencies: list[Leniency]
    elsewhere: list[Elsewhere]
    tiers: list[RegionTier]


_BEARING_TONE = {
    CreditBearing.ADVERSE: "refused",
    CreditBearing.NEUTRAL: "neutral",
    CreditBearing.FAVOURABLE: "granted",
}


def file_for_staff(party: Party, regions: Collection[str]) -> CreditFile:
    """The file as the staff of those regions read it."""
    inside = {"region__code__in": regions}
    tiers = [
        RegionTier(region, tiers_of([party], region.code, dates.today()).get(party.pk))
        for region in Region.objects.filter(code__in=regions).order_by("code")
    ]
    return CreditFile(
        party,
        _lines(party, regions),
        list(Debarment.objects.filter(party=party, **inside).select_related("region", "program", "listing")),
        list(CreditRepair.objects.filter(party=party, **inside).select_related("debarment", "entry")),
        list(Leniency.objects.filter(party=party, **inside).select_related("region", "program")),
        _elsewhere(party, regions),
        tiers,
    )


def file_for_party(party: Party, user: Any) -> CreditFile | None:
    """The file as the party itself reads it: every region's, once it was told. None for whoever does not act for it."""
    if party.pk not in scope_of(user, *PARTY_ROLES).parties:
        return None
    regions = set(Region.objects.filter(supervision_tables__state="published").values_list("code", flat=True))
    lines = _lines(party, None)
    tiers = []
    for region in Region.objects.filter(code__in=regions | {line.region for line in lines}).order_by("code"):
        if table_in_force(region.code, dates.today()) is not None:
            tiers.append(RegionTier(region, tiers_of([party], region.code, dates.today()).get(party.pk)))
    told = Debarment.objects.filter(party=party).told()
    return CreditFile(
        party,
        lines,
        list(told.select_related("region", "program", "listing")),
        list(CreditRepair.objects.filter(party=party).select_related("debarment", "entry")),
        list(
            Leniency.objects.filter(party=party, state=LeniencyState.GRANTED).select_related(
                "region", "program"
            )
        ),
        [],
        tiers,
    )


def _lines(party: Party, regions: Collection[str] | None) -> list[FileLine]:
    """Entries and the records that the clock writes, the latest first."""
    entries: QuerySet[CreditEntry] = CreditEntry.objects.filter(party=party)
    records: QuerySet[CreditRecord] = CreditRecord.objects.filter(party=party)
    if regions is not None:
        entries, records = entries.filter(region__code__in=regions), records.filter(region_code__in=regions)
    repaired = set(
        CreditRepair.objects.filter(party=party, state=RepairState.GRANTED)
        .exclude(entry=None)
        .values_list("entry_id", flat=True)
    )
    corrected = dict(
        CreditEntry.objects.filter(party=party).exclude(corrects=None).values_list("corrects_id", "entry_no")
    )
    lines = [
        _entry_line(row, repaired, corrected)
        for row in entries.select_related("region", "program", "recorded_by", "corrects")
    ]
    lines += [_record_line(row) for row in records.select_related("clawback", "report")]
    return sorted(lines, key=lambda line: (line.on, line.number), reverse=True)


def _entry_line(row: CreditEntry, repaired: set[int], corrected: dict[int, str]) -> FileLine:
    if row.pk in corrected:
        state, tone = f"已由 {corrected[row.pk]} 更正", "closed"
    elif row.taken_back:
        state, tone = f"撤回 {row.corrects.entry_no if row.corrects else ''}", "closed"
    elif row.pk in repaired:
        state, tone = "已修复", "granted"
    else:
        state, tone = str(row.get_bearing_display()), _BEARING_TONE[CreditBearing(row.bearing)]
    return FileLine(
        on=row.found_on,
        kind=str(row.get_aspect_display()),
        bearing=str(row.get_bearing_display()),
        sentence=row.sentence,
        number=row.entry_no,
        document=row.document_no,
        basis=f"{row.basis}{row.article}",
        who=str(row.recorded_by),
        source_no=row.source_no,
        state=state,
        tone=tone,
        region=row.region.code,
        program=row.program.name if row.program else "",
        row=row,
    )


def _record_line(row: CreditRecord) -> FileLine:
    source = row.clawback.clawback_no if row.clawback else (row.report.report_no if row.report else "")
    return FileLine(
        on=row.opened_on,
        kind="履约" if row.clawback else "合规",
        bearing="不良",
        sentence=row.sentence,
        number="",
        document="",
        basis=str(row.get_ground_display()),
        who="到期自动记载",
        source_no=source,
        state=f"已于 {row.repaired_on} 修复" if row.repaired_on else "不良",
        tone="granted" if row.repaired_on else "refused",
        region=row.region_code,
        program="",
        row=None,
    )


def _elsewhere(party: Party, regions: Collection[str]) -> list[Elsewhere]:
    """What stands in other regions' files: scheme, day and kind (design, rule 10)."""
    entries = CreditEntry.objects.filter(party=party).standing().exclude(region__code__in=regions)
    found = [
        Elsewhere(row.found_on, str(row.get_aspect_display()), row.program.name if row.program else "")
        for row in entries.select_related("program")
    ]
    acts = Debarment.objects.filter(party=party, state=DebarmentState.LISTED).exclude(
        region__code__in=regions
    )
    found += [
        Elsewhere(row.effective_from, "失信限制", row.program.name if row.program else "")
        for row in acts.select_related("program")
        if row.effective_from is not None
    ]
    spared = Leniency.objects.filter(party=party, state=LeniencyState.GRANTED).exclude(
        region__code__in=regions
    )
    found += [
        Elsewhere(row.proposed_on, "首违轻微不罚", row.program.name if row.program else "")
        for row in spared.select_related("program")
    ]
    records = CreditRecord.objects.filter(party=party, repaired_on=None).exclude(region_code__in=regions)
    found += [Elsewhere(row.opened_on, str(row.get_ground_display()), "") for row in records]
    return sorted(found, key=lambda one: one.on, reverse=True)


def parties_with_file(regions: Collection[str]) -> QuerySet[Party]:
    """The parties of which the regions' files say something."""
    inside = {"region__code__in": regions}
    return Party.objects.filter(
        pk__in=CreditEntry.objects.filter(**inside)
        .values("party")
        .union(
            Debarment.objects.filter(**inside).values("party"),
            Leniency.objects.filter(**inside).values("party"),
            CreditRecord.objects.filter(region_code__in=regions).values("party"),
        )
    )


def listings_of(party: Party) -> QuerySet[Listing]:
    """Every entry on any list, the latest first: lists are public."""
    return Listing.objects.filter(party=party).order_by("-effective_from")
