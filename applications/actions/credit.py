"""信用 in the casework: papers of a repair, objections to an entry or a restriction, and what the party is told."""

from __future__ import annotations

from typing import IO, Any

from applications.actions.objections import ANSWER_WORKING_DAYS
from applications.actions.papers import receive_paper
from applications.models import Message, Objection
from applications.models.notices import ObjectionState
from applications.models.papers import PaperKind
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.credit_repairs import ask_repair
from vouchers.actions.debarments import last_day
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import CreditEntry, CreditRepair, Debarment, Leniency, Party, User
from vouchers.models.debarments import DebarmentState
from vouchers.numbers import next_no
from vouchers.policy.words import day_words

#: how papers of a repair are filed
REPAIR = "repair"
MOST_PAPERS = 20
OBJECTABLE = (DebarmentState.LISTED,)


def ask_repair_with_papers(
    subject: Debarment | CreditEntry, *, statement: str, papers: list[IO[bytes]], by: User
) -> CreditRepair:
    """信用修复 with the papers that show what was mended; at least one. All or nothing.

    Raises as ``ask_repair`` and ``receive_paper``, and ``Invalid`` (``credit_repair.papers``)."""
    if not papers or len(papers) > MOST_PAPERS:
        raise Invalid(
            "credit_repair.papers",
            f"请附证明整改情况的材料，1 至 {MOST_PAPERS} 份。",
            field="papers",
        )
    if isinstance(subject, Debarment):
        repair = ask_repair(debarment=subject, statement=statement, by=by)
    else:
        repair = ask_repair(entry=subject, statement=statement, by=by)
    for paper in papers:
        receive_paper(
            paper,
            kind=PaperKind.OTHER,
            subject_kind=REPAIR,
            subject_no=repair.repair_no,
            owner=repair.party,
            region_code=repair.region.code,
            by=by,
        )
    return repair


def file_credit_objection(subject: Debarment | CreditEntry, *, text: str, by: User) -> Objection:
    """异议 to an entry of the file or to a restriction that was decided; answered by somebody without a hand in it.

    Raises ``Forbidden`` (``access.role``), ``NotNow`` (``objection.nothing``, ``objection.filed``) and ``Invalid`` (``objection.text``)."""
    announce("objection.file")
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM, party=subject.party)
    kind, number = subject_words(subject)
    if isinstance(subject, Debarment) and subject.state not in OBJECTABLE:
        raise NotNow("objection.nothing", "目前没有可以提出异议的决定；告知期内请提交陈述申辩。")
    if not text.strip():
        raise Invalid("objection.text", "请写明异议的事实和理由。", field="text")
    Party.objects.select_for_update(no_key=True).get(pk=subject.party_id)
    if Objection.objects.filter(subject_kind=kind, subject_no=number, state=ObjectionState.FILED).exists():
        raise NotNow("objection.filed", "您的异议正在办理，请等待答复。")
    return Objection.objects.create(
        objection_no=next_no("O", dates.today()),
        subject_kind=kind,
        subject_no=number,
        region_code=subject.region.code,
        filed_by=by,
        filed_by_party=subject.party,
        filer_name=subject.party.name,
        text=text.strip(),
        filed_at=dates.now(),
        due_on=dates.add_working_days(dates.today(), ANSWER_WORKING_DAYS),
    )


def subject_words(subject: Debarment | CreditEntry) -> tuple[str, str]:
    """How objections name it."""
    if isinstance(subject, Debarment):
        return "debarment", subject.debarment_no
    return "credit_entry", subject.entry_no


def tell_about_credit(message: str, number: str) -> Message:
    """The message of a deed on a party's file. Raises ``KeyError`` for one that has no words."""
    party, kind, title, text = _words(message, number)
    return Message.objects.create(
        party=party, subject_kind=kind, subject_no=number, title=title, text=text, sent_at=dates.now()
    )


def _words(message: str, number: str) -> tuple[Party, str, str, str]:
    row: Any
    if message in ("noticed", "listed", "dropped"):
        row = Debarment.objects.select_related("party", "region").get(debarment_no=number)
        return row.party, "debarment", *_debarment_words(message, row)
    if message == "lenient":
        row = Leniency.objects.select_related("party", "region").get(leniency_no=number)
        return (
            row.party,
            "credit",
            "首次轻微违法，不予处罚",
            f"关于“{row.get_breach_display()}”：{row.facts} 鉴于初次发生、危害后果轻微并已及时改正，依据{row.basis}{row.article}，"
            f"本次不予处罚（{row.document_no}）。同类行为再次发生将依法处理。",
        )
    row = CreditRepair.objects.select_related("party", "debarment", "entry").get(repair_no=number)
    ended = (
        f"自 {day_words(row.ends_on)}起不再限制。" if row.debarment and row.ends_on else "该记载标为已修复。"
    )
    title, text = {
        ("repair", "grant"): ("信用修复已准予", f"您的申请 {number} 已准予（{row.document_no}），{ended}"),
        ("repair", "refuse"): (
            "信用修复未获准予",
            f"您的申请 {number} 本次不予修复：{row.decision_reason} 条件具备后可以再次申请。",
        ),
        ("revocation", "grant"): (
            "失信限制已撤销",
            f"本机关已撤销对贵单位的失信限制 {row.subject_no}（{row.document_no}）。{ended}",
        ),
        ("revocation", "refuse"): ("失信限制继续", f"关于失信限制 {row.subject_no}：{row.decision_reason}"),
    }[(row.kind, message)]
    return row.party, "credit", title, text


def _debarment_words(message: str, row: Debarment) -> tuple[str, str]:
    number, office = row.debarment_no, row.region.name
    if message == "noticed":
        until = day_words(row.respond_until) if row.respond_until else ""
        return (
            "拟列入失信限制，请陈述申辩",
            f"{office}拟对贵单位作出失信限制（{number}，{row.notice_document_no}）：{row.facts} 依据{row.basis}{row.article}。"
            f"请在 {until}前（含当日）陈述申辩，或要求听证。",
        )
    if message == "listed" and row.effective_from and row.effective_to:
        return (
            "已列入失信限制",
            f"{office}决定自 {day_words(row.effective_from)}至 {day_words(last_day(row.effective_to))}限制贵单位申领、兑付和拨付"
            f"（{row.document_no}）：{row.facts} 自 {day_words(row.repair_from)}起可申请信用修复。"
            "不服本决定的，可提出异议，也可依法申请行政复议或提起行政诉讼。",
        )
    return "不予列入失信限制", f"关于 {number}，{office}决定不予列入失信限制：{row.decision_reason}"
