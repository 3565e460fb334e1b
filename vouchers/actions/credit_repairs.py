"""信用修复: asked for by the party with papers, examined by one, decided by another. The office's own 撤销 goes the same way."""

from __future__ import annotations

from datetime import date

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import CreditEntry, CreditRepair, Debarment, Listing, Party, User
from vouchers.models.credit_entries import CreditBearing
from vouchers.models.credit_repairs import RepairKind, RepairState
from vouchers.models.debarments import DebarmentState
from vouchers.states import advance, not_now

#: by when a party that asked has its answer
DECIDED_WITHIN_WORKING_DAYS = 20


def ask_repair(
    *, debarment: Debarment | None = None, entry: CreditEntry | None = None, statement: str, by: User
) -> CreditRepair:
    """The party asks that a restriction end early, or that an adverse entry count as repaired. Papers are handed in to its number.

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``credit_repair.nothing``, ``credit_repair.too_early``, ``credit_repair.open``) and
    ``Invalid`` (``credit_repair.statement``)."""
    announce("credit_repair.ask")
    subject = debarment or entry
    if subject is None:
        raise ValueError("a repair needs a debarment or an entry")
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM, party=subject.party)
    Party.objects.select_for_update(no_key=True).get(pk=subject.party_id)
    if debarment is not None:
        _require_standing(debarment)
        if dates.today() < debarment.repair_from:
            raise NotNow(
                "credit_repair.too_early",
                f"本限制自 {debarment.repair_from} 起可以申请修复。",
                hint=f"修复条件：{debarment.repair_terms}",
            )
    else:
        require_repairable(entry)
    return _file(
        RepairKind.REPAIR,
        RepairState.FILED,
        debarment,
        entry,
        statement=statement,
        by=by,
    )


def require_repairable(entry: CreditEntry | None) -> None:
    """Raise ``NotNow`` (``credit_repair.nothing``) unless the entry is adverse, stands, and was not repaired yet."""
    if (
        entry is None
        or entry.bearing != CreditBearing.ADVERSE
        or not CreditEntry.objects.all().standing().filter(pk=entry.pk).exists()
        or entry.repairs.filter(state=RepairState.GRANTED).exists()
    ):
        raise NotNow("credit_repair.nothing", "该记载无须修复，或已修复、已更正。")


def _require_standing(debarment: Debarment) -> None:
    listing = Listing.objects.filter(debarment=debarment).first()
    over = listing is None or (listing.effective_to is not None and listing.effective_to <= dates.today())
    if over or debarment.state != DebarmentState.LISTED:
        raise NotNow("credit_repair.nothing", "该限制目前不在执行期内，无须修复。")


def propose_revocation(debarment: Debarment, *, reason: str, by: User) -> CreditRepair:
    """撤销: the office's own proposal to take the decision back (it was wrong, or a court said so); another person decides.

    Raises ``Forbidden``, ``NotNow`` (``credit_repair.nothing``, ``credit_repair.open``) and ``Invalid`` (``credit_repair.statement``)."""
    announce("credit_repair.propose_revocation", reason)
    require_role(by, Role.INVESTIGATOR, region=debarment.region)
    Party.objects.select_for_update(no_key=True).get(pk=debarment.party_id)
    _require_standing(debarment)
    return _file(RepairKind.REVOCATION, RepairState.EXAMINED, debarment, None, statement=reason, by=by)


def _file(
    kind: str,
    state: str,
    debarment: Debarment | None,
    entry: CreditEntry | None,
    *,
    statement: str,
    by: User,
) -> CreditRepair:
    if not statement.strip():
        raise Invalid("credit_repair.statement", "请写明整改情况或理由。", field="statement")
    subject = debarment or entry
    assert subject is not None
    open_one = CreditRepair.objects.filter(debarment=debarment, entry=entry).open().first()
    if open_one is not None:
        raise NotNow("credit_repair.open", f"已有办理中的申请：{open_one.repair_no}。")
    examined = state == RepairState.EXAMINED
    return CreditRepair.objects.create(
        kind=kind,
        state=state,
        party=subject.party,
        region=subject.region,
        debarment=debarment,
        entry=entry,
        statement=statement.strip()[:5000],
        filed_by=by,
        filed_at=dates.now(),
        due_on=dates.add_working_days(dates.today(), DECIDED_WITHIN_WORKING_DAYS),
        examined_by=by if examined else None,
        examined_at=dates.now() if examined else None,
    )


def withdraw_repair(repair: CreditRepair, *, by: User) -> CreditRepair:
    """The party takes its request back while nobody has examined it. Raises ``Forbidden`` and ``NotNow``."""
    announce("credit_repair.withdraw")
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM, party=repair.party)
    if repair.kind != RepairKind.REPAIR:
        raise not_now(repair, "withdraw")
    advance(repair, "withdraw", by=by)
    return repair


def examine_repair(repair: CreditRepair, *, examination: str, by: User) -> CreditRepair:
    """审查: what was checked of what the party says. Raises ``Forbidden``, ``NotNow`` and ``Invalid`` (``credit_repair.examination``)."""
    announce("credit_repair.examine")
    require_role(by, Role.INVESTIGATOR, region=repair.region)
    if not examination.strip():
        raise Invalid("credit_repair.examination", "请写明审查意见。", field="examination")
    update = {"examination": examination.strip()[:5000], "examined_by": by, "examined_at": dates.now()}
    advance(repair, "examine", by=by, region=repair.region, update=update)
    return repair


def decide_repair(
    repair: CreditRepair,
    *,
    granted: bool,
    document_no: str,
    reason: str,
    ends_on: date | None = None,
    by: User,
) -> CreditRepair:
    """准予 or 不予, by another than who examined (or proposed). A granted one ends the restriction on ``ends_on`` (today unless later):
    the list, the schemes' conditions and the payments follow from that day.

    Raises ``Forbidden`` (``access.role``, ``access.same_person``), ``NotNow`` (``credit_repair.not_now``, ``credit_repair.nothing``) and
    ``Invalid`` (``credit.missing``, ``credit_repair.ends_on``)."""
    verb = "grant" if granted else "refuse"
    announce(f"credit_repair.{verb}", reason)
    require_role(by, Role.INVESTIGATOR, region=repair.region)
    Party.objects.select_for_update(no_key=True).get(pk=repair.party_id)
    repair = CreditRepair.objects.select_related("party", "region", "debarment__region", "entry").get(
        pk=repair.pk
    )
    if repair.lifecycle.find(verb, repair.state) is None:
        raise not_now(repair, verb)
    require_other_person(by, {repair.examined_by_id, repair.filed_by_id}, "决定信用修复")
    if not reason.strip():
        raise Invalid("credit.missing", "请写明理由。", field="reason")
    if granted and not document_no.strip():
        raise Invalid("credit.missing", "请填写决定文号。", field="document_no")
    end: date | None = None
    listing: Listing | None = None
    if granted:
        end = ends_on or dates.today()
        if repair.debarment is not None:
            _require_standing(repair.debarment)
            listing = Listing.objects.select_for_update(no_key=True).get(debarment=repair.debarment)
            if repair.kind == RepairKind.REVOCATION or dates.today() < listing.effective_from:
                end = max(end, listing.effective_from)
            if listing.effective_to is not None and not dates.today() <= end < listing.effective_to:
                raise Invalid(
                    "credit_repair.ends_on",
                    f"应在今天与原移出日 {listing.effective_to} 之间。",
                    field="ends_on",
                )
        else:
            require_repairable(repair.entry)
            end = dates.today()
    advance(
        repair,
        verb,
        by=by,
        region=repair.region,
        update={
            "document_no": document_no.strip()[:60],
            "decision_reason": reason.strip()[:1000],
            "decided_by": by,
            "decided_at": dates.now(),
            "ends_on": end,
        },
    )
    if listing is not None and repair.debarment is not None:
        done = "repair" if repair.kind == RepairKind.REPAIR else "revoke"
        advance(repair.debarment, done, by=by, region=repair.region)
        listing.effective_to = end
        listing.save(update_fields=["effective_to"])
    enqueue("applications.credit_told", {"number": repair.repair_no, "message": verb})
    return repair
