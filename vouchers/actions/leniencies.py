"""首违轻微不罚: one records that the conditions are met, another confirms it; once per party and kind of breach."""

from __future__ import annotations

from datetime import date

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role, scope_of
from vouchers.actions.credit_entries import grounds_missing, of_region
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Leniency, Party, Program, Region, User
from vouchers.models.leniencies import BreachKind, LeniencyState
from vouchers.states import advance, not_now

#: what is proposed when nothing else is written
BASIS, ARTICLE = "《中华人民共和国行政处罚法》", "第三十三条第一款"


def propose_leniency(
    party: Party,
    *,
    region: Region,
    breach: str,
    breached_on: date,
    facts: str,
    slightness: str,
    corrected_on: date,
    correction: str,
    document_no: str,
    basis: str = BASIS,
    article: str = ARTICLE,
    program: Program | None = None,
    case_no: str = "",
    by: User,
) -> Leniency:
    """Record that a first breach was slight and was put right in time, so that it goes unpunished once another person agrees.

    A party has this once for each kind of breach, whichever region grants it: the second time is refused with the number of the first
    (its date and kind, when another region granted it).

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``leniency.second``) and ``Problems`` (``credit.missing``, ``credit.choice``,
    ``leniency.dates``, ``credit.program``)."""
    announce("leniency.propose", case_no)
    require_role(by, Role.INVESTIGATOR, Role.HANDLER, region=region)
    faults = grounds_missing(document_no=document_no, basis=basis, article=article, facts=facts)
    for name, text, word in (
        ("slightness", slightness, "危害后果轻微的认定"),
        ("correction", correction, "改正情况"),
    ):
        if not text.strip():
            faults.append(Invalid("credit.missing", f"请填写{word}。", field=name))
    if breach not in BreachKind.values:
        faults.append(Invalid("credit.choice", "请选择违法行为种类。", field="breach"))
    if not breached_on <= corrected_on <= dates.today():
        faults.append(
            Invalid(
                "leniency.dates", "改正日应在行为发生日与今天之间；尚未改正的不适用。", field="corrected_on"
            )
        )
    faults += of_region(program, region)
    if faults:
        raise Problems(faults)
    Party.objects.select_for_update(no_key=True).get(pk=party.pk)
    first = Leniency.objects.filter(party=party, breach=breach).exclude(state=LeniencyState.REFUSED).first()
    if first is not None:
        raise NotNow(
            "leniency.second",
            f"该单位的“{first.get_breach_display()}”已适用过首违轻微不罚（{_first_words(first, by)}），不能再次适用。",
        )
    return Leniency.objects.create(
        party=party,
        region=region,
        program=program,
        case_no=case_no.strip()[:40],
        breach=breach,
        breached_on=breached_on,
        facts=facts.strip()[:500],
        slightness=slightness.strip()[:500],
        corrected_on=corrected_on,
        correction=correction.strip()[:500],
        basis=basis.strip()[:200],
        article=article.strip()[:60],
        document_no=document_no.strip()[:60],
        proposed_by=by,
        proposed_on=dates.today(),
    )


def _first_words(first: Leniency, by: User) -> str:
    if first.region.code in scope_of(by).regions:
        return f"{first.leniency_no}，{first.proposed_on}"
    return f"另一地区，{first.proposed_on}"


def decide_leniency(leniency: Leniency, *, granted: bool, reason: str, by: User) -> Leniency:
    """复核 by another person. Raises ``Forbidden`` (``access.role``, ``access.same_person``), ``NotNow`` (``leniency.not_now``) and
    ``Invalid`` (``credit.missing``)."""
    verb = "grant" if granted else "refuse"
    announce(f"leniency.{verb}", reason)
    require_role(by, Role.INVESTIGATOR, region=leniency.region)
    if leniency.lifecycle.find(verb, leniency.state) is None:
        raise not_now(leniency, verb)
    require_other_person(by, {leniency.proposed_by_id}, "复核首违轻微不罚")
    if not reason.strip():
        raise Invalid("credit.missing", "请写明复核意见。", field="reason")
    update = {"decided_by": by, "decided_on": dates.today(), "decision_reason": reason.strip()[:500]}
    advance(leniency, verb, by=by, region=leniency.region, update=update)
    if granted:
        enqueue("applications.credit_told", {"number": leniency.leniency_no, "message": "lenient"})
    return leniency
