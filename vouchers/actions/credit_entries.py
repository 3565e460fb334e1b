"""信用档案: entries are added, and corrected by a second entry that takes the place of the first."""

from __future__ import annotations

from datetime import date

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import CreditEntry, Party, Program, Region, User
from vouchers.models.credit_entries import CreditAspect, CreditBearing

#: who may put something into a file of the region
KEEPERS = (Role.HANDLER, Role.INVESTIGATOR)


def grounds_missing(**given: str) -> list[Invalid]:
    """A fault (``credit.missing``) for each text that was left empty."""
    words = {
        "document_no": "文号",
        "basis": "依据文件",
        "article": "条款",
        "sentence": "事实",
        "facts": "事实",
        "reason": "理由",
    }
    return [
        Invalid("credit.missing", f"请填写{words[name]}。", field=name)
        for name, text in given.items()
        if not text.strip()
    ]


def of_region(program: Program | None, region: Region) -> list[Invalid]:
    """A fault (``credit.program``) when the scheme is another region's."""
    if program is None or program.region_id == region.pk:
        return []
    return [Invalid("credit.program", f"专项“{program.name}”不属于{region.name}。", field="program")]


def record_entry(
    party: Party,
    *,
    region: Region,
    aspect: str,
    bearing: str,
    found_on: date,
    document_no: str,
    basis: str,
    article: str,
    sentence: str,
    program: Program | None = None,
    source_no: str = "",
    by: User,
) -> CreditEntry:
    """Put one finding into the party's file, with its document and its basis; ``source_no`` is the number of the case, claim or
    contract that it comes from.

    Raises ``Forbidden`` (``access.role``) and ``Problems`` (``credit.missing``, ``credit.choice``, ``credit.day``, ``credit.program``)."""
    announce("credit_entry.record", document_no)
    require_role(by, *KEEPERS, region=region)
    faults = grounds_missing(document_no=document_no, basis=basis, article=article, sentence=sentence)
    if aspect not in CreditAspect.values:
        faults.append(Invalid("credit.choice", "请选择类别。", field="aspect"))
    if bearing not in CreditBearing.values:
        faults.append(Invalid("credit.choice", "请选择性质。", field="bearing"))
    if found_on > dates.today():
        faults.append(Invalid("credit.day", "认定日不能晚于今天。", field="found_on"))
    faults += of_region(program, region)
    if faults:
        raise Problems(faults)
    return CreditEntry.objects.create(
        party=party,
        region=region,
        program=program,
        aspect=aspect,
        bearing=bearing,
        found_on=found_on,
        document_no=document_no.strip()[:100],
        basis=basis.strip()[:200],
        article=article.strip()[:60],
        sentence=sentence.strip()[:500],
        source_no=source_no.strip()[:40],
        recorded_by=by,
        recorded_on=dates.today(),
    )


def correct_entry(
    entry: CreditEntry,
    *,
    document_no: str,
    basis: str,
    article: str,
    sentence: str,
    bearing: str = "",
    taken_back: bool = False,
    by: User,
) -> CreditEntry:
    """A second entry that takes the place of the first, or only takes it back (``taken_back``); the first stays readable.

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``credit.corrected``) and ``Problems`` (``credit.missing``, ``credit.choice``)."""
    announce("credit_entry.correct", sentence)
    require_role(by, *KEEPERS, region=entry.region)
    faults = grounds_missing(document_no=document_no, basis=basis, article=article, sentence=sentence)
    if bearing and bearing not in CreditBearing.values:
        faults.append(Invalid("credit.choice", "请选择性质。", field="bearing"))
    if faults:
        raise Problems(faults)
    entry = CreditEntry.objects.select_related("party", "region").get(pk=entry.pk)
    Party.objects.select_for_update(no_key=True).get(pk=entry.party_id)  # two corrections wait for each other
    later = CreditEntry.objects.filter(corrects=entry).first()
    if later is not None or entry.taken_back:
        number = later.entry_no if later is not None else entry.entry_no
        raise NotNow("credit.corrected", f"该记载已由 {number} 更正或撤回，请更正最新的一条。")
    return CreditEntry.objects.create(
        party=entry.party,
        region=entry.region,
        program=entry.program,
        aspect=entry.aspect,
        bearing=bearing or entry.bearing,
        found_on=entry.found_on,
        document_no=document_no.strip()[:100],
        basis=basis.strip()[:200],
        article=article.strip()[:60],
        sentence=sentence.strip()[:500],
        source_no=entry.source_no,
        corrects=entry,
        taken_back=taken_back,
        recorded_by=by,
        recorded_on=dates.today(),
    )
