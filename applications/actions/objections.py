"""异议: to a public notice, a decision or a hold; answered in writing by someone without a hand in the case."""

from __future__ import annotations

from collections.abc import Set

from applications.actions import cases
from applications.actions.issuing import tell
from applications.actions.readmissions import readmit
from applications.models import Application, Claim, Objection
from applications.models.notices import ObjectionState
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.clawbacks import hands, withdraw_clawback
from vouchers.actions.credit_entries import correct_entry
from vouchers.actions.credit_repairs import propose_revocation
from vouchers.actions.debarments import stands
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import Clawback, CreditEntry, Debarment, Party, User
from vouchers.models.clawbacks import ClawbackState
from vouchers.numbers import next_no
from vouchers.states import advance

ANSWER_WORKING_DAYS = 15


def file_objection(
    case: Application | Claim,
    *,
    text: str,
    by: User | None,
    party: Party | None = None,
    filer_name: str = "",
    contact: str = "",
) -> Objection:
    """By the enterprise itself, or by anybody during a public notice (then with a name and a way to answer)."""
    announce("objection.file")
    if not text.strip():
        raise Invalid("objection.text", "请写明异议的事实和理由。", field="text")
    if by is not None and party is not None:
        require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, party=party)
    elif not filer_name.strip() or not contact.strip():
        raise Invalid("objection.contact", "请留下姓名和联系方式，以便本机关答复。", field="contact")
    return Objection.objects.create(
        objection_no=next_no("O", dates.today()),
        subject_kind=cases.kind_of(case),
        subject_no=cases.number_of(case),
        region_code=cases.region_of(case),
        filed_by=by,
        filed_by_party=party,
        filer_name=filer_name or (party.name if party else ""),
        contact=contact,
        text=text.strip(),
        filed_at=dates.now(),
        due_on=dates.add_working_days(dates.today(), ANSWER_WORKING_DAYS),
    )


def subject_of(objection: Objection) -> Application | Claim | Clawback | Debarment | CreditEntry:
    """The case that it speaks of."""
    if objection.subject_kind == "debarment":
        return Debarment.objects.select_related("region").get(debarment_no=objection.subject_no)
    if objection.subject_kind == "credit_entry":
        return CreditEntry.objects.select_related("region").get(entry_no=objection.subject_no)
    if objection.subject_kind == "clawback":
        return Clawback.objects.select_related("region").get(clawback_no=objection.subject_no)
    if objection.subject_kind == "application":
        return Application.objects.get(application_no=objection.subject_no)
    return Claim.objects.get(claim_no=objection.subject_no)


def hands_in(case: Application | Claim | Clawback | Debarment | CreditEntry) -> Set[int | None]:
    """Who had a hand in what is objected to."""
    if isinstance(case, Debarment):
        return {case.proposed_by_id, case.noticed_by_id, case.heard_by_id, case.decided_by_id}
    if isinstance(case, CreditEntry):
        return {case.recorded_by_id}
    return hands(case) if isinstance(case, Clawback) else cases.hands(case)


def answer_objection(objection: Objection, *, uphold: bool, answer: str, by: User) -> Objection:
    """Uphold or dismiss, with the answer that the objector will read. An upheld one sends a noticed case back, and brings back
    an application that was turned down (``readmissions``); of a party's file, it takes the entry back or proposes that the restriction be
    revoked, which another person decides."""
    announce("objection.uphold" if uphold else "objection.dismiss", answer)
    about_credit = objection.subject_kind in ("debarment", "credit_entry")
    answerers = (Role.INVESTIGATOR,) if about_credit else (Role.APPROVER, Role.INVESTIGATOR)
    require_role(by, *answerers, region=objection.region_code)
    if not answer.strip():
        raise Invalid("objection.answer", "请写明答复的理由。", field="answer")
    case = subject_of(objection)
    had_a_hand = hands_in(case)
    require_other_person(by, had_a_hand, "答复异议")
    advance(
        objection,
        "uphold" if uphold else "dismiss",
        by=by,
        region=objection.region_code,
        update={"answered_by": by, "answered_at": dates.now(), "answer": answer.strip()},
    )
    if uphold and isinstance(case, Clawback) and case.state == ClawbackState.NOTICED:
        withdraw_clawback(case, by=by, reason=f"异议 {objection.objection_no} 成立：{answer.strip()}")
    if uphold and isinstance(case, Debarment) and stands(case, dates.today()):
        propose_revocation(case, reason=f"异议 {objection.objection_no} 成立：{answer.strip()}", by=by)
    if uphold and isinstance(case, CreditEntry) and CreditEntry.objects.all().standing().filter(pk=case.pk):
        correct_entry(
            case,
            document_no=objection.objection_no,
            basis="异议答复",
            article=objection.objection_no,
            sentence=answer.strip()[:500],
            taken_back=True,
            by=by,
        )
    if uphold and isinstance(case, Application) and case.state == "noticed":
        cases.move(case, "uphold_objection", by=by, reason=answer.strip())
    elif uphold and isinstance(case, Application):
        told = readmit(case, by=by, reason=f"异议 {objection.objection_no} 成立：{answer.strip()}")
        if told:
            tell(case, "application_readmitted")
    return objection


def open_objections(case: Application | Claim) -> list[Objection]:
    """Those that wait for an answer."""
    return list(
        Objection.objects.filter(
            subject_kind=cases.kind_of(case), subject_no=cases.number_of(case), state=ObjectionState.FILED
        )
    )
