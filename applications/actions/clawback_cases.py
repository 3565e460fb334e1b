"""追回 in the casework: what a claim would have been without what it lost, red-letter invoices, objections, and who is told."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

from applications.actions.assessments import scheme_of
from applications.actions.objections import ANSWER_WORKING_DAYS
from applications.models import Claim, Invoice, Message, Objection
from applications.models.invoices import InvoiceStatus
from applications.models.notices import ObjectionState
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.clawback_reckoning import Reassessed, line
from vouchers.actions.clawbacks import draft_clawback
from vouchers.actions.ledger_recoveries import outstanding
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Clawback, Payment, User
from vouchers.models.clawbacks import ClawbackGround
from vouchers.models.payments import PaymentState
from vouchers.money import ZERO, thousands
from vouchers.numbers import next_no
from vouchers.policy.assess import assess
from vouchers.policy.facts import Facts
from vouchers.policy.plain import from_plain
from vouchers.policy.terms import Outcome
from vouchers.policy.words import day_words

log = logging.getLogger(__name__)
_PAID = (PaymentState.CONFIRMED, PaymentState.OFFSET)


def reassess_without(claim: Claim, number_keys: set[str]) -> Reassessed:
    """What the claim would have been granted without the items on these invoices: the facts that it was decided on, under the
    version that it was decided under. Never more than was granted."""
    granted = claim.approved_amount or ZERO
    items = list(claim.items.select_related("invoice").order_by("position"))
    gone = [item for item in items if item.number_key in number_keys]
    lines = [
        line(
            f"不再计入：发票 {item.invoice.invoice_no if item.invoice else item.number_key}",
            item.net_amount,
            "计入金额（不含税），因红冲或作废不再作为兑付依据。",
        )
        for item in gone
    ]
    if not gone:
        return Reassessed(granted, lines)
    facts = from_plain(Facts, claim.facts["assessed"])
    left = tuple(
        fact for fact, item in zip(facts.items, items, strict=True) if item.number_key not in number_keys
    )
    if not left:
        return Reassessed(ZERO, [*lines, line("重新测算", ZERO, "没有其他兑付依据。")])
    publication, scheme = scheme_of(claim)
    again = assess(scheme, replace(facts, items=left), scheme_sha256=publication.sha256)
    amount = ZERO if again.outcome is Outcome.REFUSED else min(again.amount, granted)
    lines += [line(one.sentence, one.result, "", one.article) for one in again.lines if one.unit == "元"]
    return Reassessed(amount, lines)


# -- red letters -----------------------------------------------------------------------------------------------------


def mark_invoice(
    invoice: Invoice, *, status: str, changed_on: date, document_no: str, by: User
) -> list[Invoice]:
    """登记红冲或作废: of the invoice wherever it was handed in. What was paid on it is drafted as a clawback afterwards.

    Raises ``Invalid`` (``invoice.status``, ``invoice.changed_on``, ``invoice.document``) and ``NotNow`` (``invoice.marked``)."""
    announce("invoice.mark", document_no)
    require_role(by, Role.HANDLER, Role.INVESTIGATOR, region=invoice.program_region_code)
    if status not in (InvoiceStatus.RED, InvoiceStatus.VOIDED):
        raise Invalid("invoice.status", "请选择已红冲或已作废。", field="status")
    if changed_on > dates.today() or changed_on < invoice.issued_on:
        raise Invalid("invoice.changed_on", "变更日应在开票日与今天之间。", field="changed_on")
    if not document_no.strip():
        raise Invalid("invoice.document", "请填写红字发票号码或查验记录的编号。", field="document_no")
    rows = list(
        Invoice.objects.select_for_update()
        .filter(number_key=invoice.number_key, seller_uscc=invoice.seller_uscc, origin="live")
        .order_by("pk")
    )
    if all(row.status != InvoiceStatus.NORMAL for row in rows):
        raise NotNow("invoice.marked", f"发票 {invoice.invoice_no} 已登记为{invoice.get_status_display()}。")
    for row in rows:
        row.status, row.status_changed_on = status, changed_on
        row.save(update_fields=["status", "status_changed_on"])
    enqueue("applications.red_letter", {"number_key": invoice.number_key}, key=invoice.number_key)
    return rows


def draft_for_invoice(number_key: str) -> list[Clawback]:
    """A draft for each payment that arrived on an invoice that does not stand any more. Told twice it changes nothing."""
    claims = Claim.objects.filter(items__number_key=number_key, origin="live").distinct().order_by("pk")
    return [made for claim in claims for made in draft_for_claim(claim)]


def draft_for_claim(claim: Claim) -> list[Clawback]:
    """A draft for each invoice of the claim that was turned red or voided, once the money has arrived."""
    fallen = (
        claim.items.filter(invoice__origin="live")
        .exclude(invoice__status=InvoiceStatus.NORMAL)
        .select_related("invoice")
        .order_by("position")
    )
    payment = Payment.objects.filter(claim_no=claim.claim_no, state__in=_PAID).first()
    drafts: list[Clawback] = []
    if payment is None:
        return drafts
    keys: set[str] = set()
    for item in fallen:
        invoice = item.invoice
        if invoice is None or invoice.number_key in keys:
            continue
        keys.add(invoice.number_key)
        on = f"于 {day_words(invoice.status_changed_on)} " if invoice.status_changed_on else ""
        try:
            drafts.append(
                draft_clawback(
                    payment,
                    reassess_without(claim, set(keys)),
                    ground=ClawbackGround.RED_LETTER,
                    ground_no=invoice.number_key,
                    reason=f"兑付申请 {claim.claim_no} 所依据的发票 {invoice.invoice_no} {on}{invoice.get_status_display()}，"
                    "以该发票计算的补贴失去依据，应予退回。",
                    by=None,
                )
            )
        except Invalid as nothing:
            if nothing.code != "clawback.nothing":
                raise
            log.info("%s: %s leaves the amount as it is", claim.claim_no, invoice.number_key)
    return drafts


# -- objections and messages -----------------------------------------------------------------------------------------


def file_clawback_objection(clawback: Clawback, *, text: str, by: User) -> Objection:
    """异议: to a demand that was noticed. Raises ``NotNow`` (``objection.nothing``, ``objection.filed``) and ``Invalid``
    (``objection.text``)."""
    announce("objection.file")
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, party=clawback.party)
    if clawback.state != "noticed":
        raise NotNow("objection.nothing", "目前没有可以提出异议的追回。")
    if not text.strip():
        raise Invalid("objection.text", "请写明异议的事实和理由。", field="text")
    waiting = Objection.objects.filter(
        subject_kind="clawback", subject_no=clawback.clawback_no, state=ObjectionState.FILED
    )
    if waiting.exists():
        raise NotNow("objection.filed", "您的异议正在办理，请等待答复。")
    return Objection.objects.create(
        objection_no=next_no("O", dates.today()),
        subject_kind="clawback",
        subject_no=clawback.clawback_no,
        region_code=clawback.region.code,
        filed_by=by,
        filed_by_party=clawback.party,
        filer_name=clawback.party.name,
        text=text.strip(),
        filed_at=dates.now(),
        due_on=dates.add_working_days(dates.today(), ANSWER_WORKING_DAYS),
    )


def _refund_words(clawback: Clawback) -> str:
    due = [one.amount for one in clawback.refunds.exclude(state="paid")]
    if not due:
        return ""
    return f"已收到的 {thousands(sum(due, ZERO))} 元将退还到贵单位已确认的收款账户。"


def tell_about_clawback(message: str, clawback: Clawback) -> Message:
    """The message of a clawback's deed. Raises ``KeyError`` for one that has no words."""
    number, left = clawback.clawback_no, thousands(outstanding(clawback))
    until = f"{day_words(clawback.due_on)}前" if clawback.due_on else "期限内"
    plan = clawback.plans.exclude(state="asked").order_by("-decided_at").first()
    agreed = plan is not None and plan.state == "agreed"
    title, text = {
        "noticed": (
            "请退回已拨付的补贴",
            f"关于兑付申请 {clawback.claim_no}，请于{until}退回 {thousands(clawback.total_amount)} 元（{number}）。"
            "事由、计算过程和退回方式见通知书。您可以申请分期，也可以提出异议。",
        ),
        "withdrawn": (
            "追回已撤销",
            f"追回 {number} 已撤销，无需退回。{clawback.withdrawn_reason}{_refund_words(clawback)}",
        ),
        "refunded": (
            "款项已退还",
            f"追回 {number} 多收或撤销后应退还的款项已退还到贵单位的收款账户，请查收。",
        ),
        "set_off": (
            "已从应付补贴中抵扣",
            f"追回 {number} 已从应付给贵单位的补贴中抵扣一笔，尚应退回 {left} 元。",
        ),
        "settled": ("追回已收讫", f"追回 {number} 的款项已全部收到，本件办结；相关信用记录随之修复。"),
        "plan_decided": (
            "分期申请已同意" if agreed else "分期申请未获同意",
            f"追回 {number} 的分期申请{'已同意，请按各期日期退回' if agreed else '未获同意'}。{plan.answer if plan else ''}",
        ),
        "overdue": (
            "追回款项已逾期",
            f"追回 {number} 已逾期，尚应退回 {left} 元，已记入贵单位的信用记录；退清后随即修复。",
        ),
    }[message]
    return Message.objects.create(
        party=clawback.party,
        subject_kind="clawback",
        subject_no=number,
        title=title,
        text=text,
        sent_at=dates.now(),
    )
