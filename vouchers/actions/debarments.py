"""失信限制: one proposes, the party is told and heard, another decides; the entry on the list is the last thing written.

From the entry's first day the rule of listed parties, the conditions of every scheme and the payment's own look refuse the party: nothing
here asks them to.
"""

from __future__ import annotations

from datetime import date, timedelta

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.credit_entries import grounds_missing, of_region
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Debarment, Listing, Party, Program, Region, User
from vouchers.models.credit import ListingKind
from vouchers.models.debarments import DebarmentGround, DebarmentState
from vouchers.states import advance, not_now

#: 行政处罚法第六十四条: a hearing may be asked for within five days of being told; by its 第八十五条 working days
RESPONSE_WORKING_DAYS = 5


def propose_debarment(
    party: Party,
    *,
    region: Region,
    ground: str,
    facts: str,
    basis: str,
    article: str,
    proposed_from: date,
    proposed_to: date,
    repair_terms: str,
    repair_from: date,
    program: Program | None = None,
    case_no: str = "",
    by: User,
) -> Debarment:
    """Propose that the party be restricted from a day to a day (half-open), on which law, and how it may mend it.

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``debarment.open``) and ``Problems`` (``credit.missing``, ``credit.choice``,
    ``debarment.dates``, ``debarment.repair_from``, ``credit.program``)."""
    announce("debarment.propose", case_no)
    require_role(by, Role.INVESTIGATOR, region=region)
    faults = grounds_missing(facts=facts, basis=basis, article=article)
    if ground not in DebarmentGround.values:
        faults.append(Invalid("credit.choice", "请选择事由类别。", field="ground"))
    if not repair_terms.strip():
        faults.append(Invalid("credit.missing", "请写明修复条件。", field="repair_terms"))
    if proposed_to <= proposed_from:
        faults.append(Invalid("debarment.dates", "移出日须晚于列入日。", field="proposed_to"))
    elif not proposed_from <= repair_from <= proposed_to:
        faults.append(Invalid("debarment.repair_from", "可申请修复之日应在限制期内。", field="repair_from"))
    if proposed_from < dates.today():
        faults.append(Invalid("debarment.dates", "列入日不能早于今天。", field="proposed_from"))
    faults += of_region(program, region)
    if faults:
        raise Problems(faults)
    Party.objects.select_for_update(no_key=True).get(pk=party.pk)
    waiting = Debarment.objects.filter(
        party=party,
        region=region,
        ground=ground,
        case_no=case_no.strip(),
        state__in=(DebarmentState.PROPOSED, DebarmentState.NOTICED),
    ).first()
    if waiting is not None:
        raise NotNow("debarment.open", f"同一事由已在办理：{waiting.debarment_no}。")
    return Debarment.objects.create(
        party=party,
        region=region,
        program=program,
        case_no=case_no.strip()[:40],
        ground=ground,
        facts=facts.strip()[:1000],
        basis=basis.strip()[:200],
        article=article.strip()[:60],
        proposed_from=proposed_from,
        proposed_to=proposed_to,
        repair_terms=repair_terms.strip()[:500],
        repair_from=repair_from,
        proposed_by=by,
        proposed_on=dates.today(),
    )


def notify_debarment(
    debarment: Debarment, *, document_no: str, respond_until: date | None = None, by: User
) -> Debarment:
    """告知: the party learns what is intended and why, and has at least five working days to answer or to ask for a hearing.

    Raises ``Forbidden``, ``NotNow`` (``debarment.not_now``) and ``Invalid`` (``credit.missing``, ``debarment.too_short``)."""
    announce("debarment.notify", document_no)
    earliest = dates.add_working_days(dates.today(), RESPONSE_WORKING_DAYS)
    if not document_no.strip():
        raise Invalid("credit.missing", "请填写告知书文号。", field="document_no")
    if respond_until is not None and respond_until < earliest:
        raise Invalid(
            "debarment.too_short",
            f"告知后应至少留 {RESPONSE_WORKING_DAYS} 个工作日供陈述申辩和要求听证（不早于 {earliest}）。",
            field="respond_until",
            hint="《行政处罚法》第六十四条、第八十五条。",
        )
    advance(
        debarment,
        "notify",
        by=by,
        region=debarment.region,
        update={
            "notice_document_no": document_no.strip()[:60],
            "notice_on": dates.today(),
            "respond_until": respond_until or earliest,
            "noticed_by": by,
        },
    )
    _tell(debarment, "noticed")
    return debarment


def answer_debarment(debarment: Debarment, *, statement: str, hearing: bool, by: User) -> Debarment:
    """陈述申辩 by the party, once, within the time it was given; with or without asking for a hearing.

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``debarment.not_now``, ``debarment.answered``, ``debarment.over``) and ``Invalid``
    (``debarment.statement``)."""
    announce("debarment.answer")
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM, party=debarment.party)
    debarment = _locked(debarment)
    if debarment.state != DebarmentState.NOTICED or debarment.respond_until is None:
        raise not_now(debarment, "notify")
    if debarment.stated_at is not None:
        raise NotNow("debarment.answered", "贵单位的陈述申辩已收到，不能重复提交。")
    if dates.today() > debarment.respond_until:
        raise NotNow("debarment.over", f"陈述申辩和要求听证的期限已于 {debarment.respond_until} 届满。")
    if not statement.strip():
        raise Invalid("debarment.statement", "请写明陈述申辩的事实和理由。", field="statement")
    debarment.statement = statement.strip()[:5000]
    debarment.hearing_asked = hearing
    debarment.stated_by, debarment.stated_at = by, dates.now()
    debarment.save(update_fields=["statement", "hearing_asked", "stated_by", "stated_at"])
    return debarment


def record_hearing(debarment: Debarment, *, heard_on: date, record: str, by: User) -> Debarment:
    """听证: the record of a hearing, led by somebody other than who investigated.

    Raises ``Forbidden`` (``access.role``, ``access.same_person``), ``NotNow`` (``debarment.not_now``, ``debarment.heard``) and ``Invalid``
    (``debarment.heard_on``, ``debarment.record``)."""
    announce("debarment.hear")
    require_role(by, Role.INVESTIGATOR, region=debarment.region)
    debarment = _locked(debarment)
    if debarment.state != DebarmentState.NOTICED or debarment.notice_on is None:
        raise not_now(debarment, "list")
    require_other_person(by, {debarment.proposed_by_id}, "主持听证")
    if debarment.heard_on is not None:
        raise NotNow("debarment.heard", "听证笔录已登记。")
    if not debarment.notice_on <= heard_on <= dates.today():
        raise Invalid("debarment.heard_on", "听证日应在告知日与今天之间。", field="heard_on")
    if not record.strip():
        raise Invalid("debarment.record", "请填写听证笔录。", field="record")
    debarment.heard_on, debarment.hearing_record, debarment.heard_by = heard_on, record.strip(), by
    debarment.save(update_fields=["heard_on", "hearing_record", "heard_by"])
    return debarment


def decide_debarment(
    debarment: Debarment,
    *,
    document_no: str,
    reason: str,
    effective_from: date | None = None,
    effective_to: date | None = None,
    by: User,
) -> Debarment:
    """列入: by another than who proposed and who told, when the time to answer is over and an asked hearing was held. The restriction is
    never longer than the party was told of; it begins today or later and keeps its length unless a shorter one is given.

    Raises ``Forbidden`` (``access.role``, ``access.same_person``), ``NotNow`` (``debarment.not_now``, ``debarment.early``,
    ``debarment.unheard``, ``debarment.overlaps``) and ``Problems`` (``credit.missing``, ``debarment.dates``, ``debarment.harsher``)."""
    announce("debarment.list", document_no)
    require_role(by, Role.INVESTIGATOR, region=debarment.region)
    Party.objects.select_for_update(no_key=True).get(pk=debarment.party_id)
    debarment = _locked(debarment)
    if debarment.lifecycle.find("list", debarment.state) is None or debarment.respond_until is None:
        raise not_now(debarment, "list")
    require_other_person(by, {debarment.proposed_by_id, debarment.noticed_by_id}, "决定列入")
    if dates.today() <= debarment.respond_until:
        raise NotNow(
            "debarment.early",
            f"陈述申辩和要求听证的期限至 {debarment.respond_until}，期满后方可决定。",
        )
    if debarment.hearing_asked and debarment.heard_on is None:
        raise NotNow("debarment.unheard", "该单位要求听证，须先举行听证并登记笔录。")
    told = debarment.proposed_to - debarment.proposed_from
    start = effective_from or max(debarment.proposed_from, dates.today())
    end = effective_to or start + told
    faults = grounds_missing(document_no=document_no, reason=reason)
    if start < dates.today() or end <= start:
        faults.append(
            Invalid("debarment.dates", "列入日不早于今天，移出日晚于列入日。", field="effective_from")
        )
    elif end - start > told:
        faults.append(
            Invalid(
                "debarment.harsher",
                f"限制期不得长于告知的 {told.days} 天。",
                field="effective_to",
                hint="《行政处罚法》第四十五条：不得因当事人陈述、申辩而给予更重的处罚。",
            )
        )
    if faults:
        raise Problems(faults)
    standing = (
        Listing.objects.filter(
            party=debarment.party,
            kind=ListingKind.SCHEME_DEBARRED,
            region_code=debarment.region.code,
            effective_from__lt=end,
            effective_to__gt=start,
        )
        .exclude(debarment=None)
        .select_related("debarment")
        .first()
    )
    if standing is not None and standing.debarment is not None:
        raise NotNow(
            "debarment.overlaps",
            f"该单位在 {standing.effective_from} 至 {standing.effective_to}（不含）已列入（{standing.debarment.debarment_no}），期间不能重叠。",
            hint="可自前一限制移出之日起列入。",
        )
    advance(
        debarment,
        "list",
        by=by,
        region=debarment.region,
        update={
            "document_no": document_no.strip()[:60],
            "effective_from": start,
            "effective_to": end,
            "decided_by": by,
            "decided_on": dates.today(),
            "decision_reason": reason.strip()[:1000],
        },
    )
    Listing.objects.create(
        party=debarment.party,
        kind=ListingKind.SCHEME_DEBARRED,
        effective_from=start,
        effective_to=end,
        document_no=debarment.document_no,
        reason=f"{debarment.get_ground_display()}：{debarment.facts}"[:300],
        debarment=debarment,
        region_code=debarment.region.code,
    )
    _tell(debarment, "listed")
    return debarment


def drop_debarment(debarment: Debarment, *, reason: str, by: User) -> Debarment:
    """不予列入, with the reason; a party that was told is told this too. Raises ``Invalid`` (``credit.missing``) and ``NotNow``."""
    announce("debarment.drop", reason)
    require_role(by, Role.INVESTIGATOR, region=debarment.region)
    if not reason.strip():
        raise Invalid("credit.missing", "请写明理由。", field="reason")
    told = debarment.state == DebarmentState.NOTICED
    update = {"decision_reason": reason.strip()[:1000], "decided_on": dates.today()}
    advance(debarment, "drop", by=by, region=debarment.region, update=update)
    if told:
        _tell(debarment, "dropped")
    return debarment


def stands(debarment: Debarment, on: date) -> bool:
    """Whether the restriction is in force on the day."""
    listing = Listing.objects.filter(debarment=debarment).first()
    return (
        listing is not None
        and listing.effective_from <= on
        and (listing.effective_to is None or on < listing.effective_to)
    )


def last_day(end: date) -> date:
    """The last day of a half-open span, as people say it."""
    return end - timedelta(days=1)


def _locked(debarment: Debarment) -> Debarment:
    row: Debarment = (
        Debarment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("party", "region")
        .get(pk=debarment.pk)
    )
    return row


def _tell(debarment: Debarment, message: str) -> None:
    enqueue("applications.credit_told", {"number": debarment.debarment_no, "message": message})
