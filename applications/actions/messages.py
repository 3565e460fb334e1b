"""Telling an enterprise what happened, why, and what to do by when."""

from __future__ import annotations

from decimal import Decimal

from applications.models import Application, Claim, Message, Review
from applications.models.claims import ClaimKind
from vouchers import dates
from vouchers.context import announce
from vouchers.models import Party, User
from vouchers.money import thousands
from vouchers.policy.words import day_words


def tell_about_application(message: str, application: Application) -> Message:
    """The message of an application's deed. Raises ``KeyError`` for one that has no words."""
    number = application.application_no
    reason = _last_reason("application", number)
    due = f"（{day_words(application.due_on)}前）" if application.due_on else ""
    title, text = {
        "application_accepted": (
            "申领已受理",
            f"您的申领 {number} 已受理，我们将在规定期限内{due}完成审查。",
        ),
        "application_returned": (
            "申领需要补正",
            f"您的申领 {number} 需要补正：{reason} 请在{due or '期限内'}修改后重新提交，已填写的内容都已保留。",
        ),
        "application_rejected": (
            "申领不予支持",
            f"您的申领 {number} 本次不予支持：{reason} 您可在 15 个工作日内提出异议，或提交补充说明。",
        ),
        "application_unfunded": (
            "申领本批未获分配",
            f"您的申领 {number} 符合条件，但本批资金按政策规定分配后，本件未获支持：{reason} 您可在 15 个工作日内提出异议。",
        ),
        "application_readmitted": (
            "异议成立，申领恢复办理",
            f"您的申领 {number}：{reason} 您目前无需办理任何事项。",
        ),
        "application_listed": (
            "请确认免申即享意愿和收款账户",
            f"贵单位已列入免申即享名单，申领编号 {number}，无需提交申领材料。请在申领页面确认意愿和收款账户，确认后即可使用。",
        ),
        "application_repinned": (
            "申领改按新版本政策办理",
            f"您的申领 {number} 改按新版本政策办理：{application.pinned_reason}。您无需重新提交，测算结果已按新版本更新，可在申领页面查看。",
        ),
        "voucher_issued": (
            "算力券已发放",
            f"您的申领 {number} 已发券，券号 {application.voucher_no}，券面额 "
            f"{thousands(application.approved_amount or application.requested_amount or Decimal(0))} 元。"
            "您可以下载凭证，并在到期前凭发票申请兑付。",
        ),
        "entitlement_granted": (
            "补贴额度已核定",
            f"您的申领 {number} 已核定补贴 "
            f"{thousands(application.approved_amount or application.requested_amount or Decimal(0))} 元。"
            "本专项不发算力券：请凭依据材料申请拨付，核验后拨付至贵单位账户。",
        ),
    }[message]
    return _send(application.enterprise, "application", number, title, text)


def tell_about_claim(message: str, claim: Claim) -> list[Message]:
    """The message of a claim's deed: to the enterprise, to the platform that filed a deduction, and to whoever is paid once
    there is something to be paid. Raises ``KeyError`` for one that has no words."""
    number = claim.claim_no
    reason = _last_reason("claim", number)
    amount = thousands(claim.approved_amount or claim.claimed_amount or Decimal(0))
    due = f"（{day_words(claim.due_on)}前）" if claim.due_on else ""
    title, text = {
        "claim_returned": (
            "兑付申请需要补正",
            f"您的兑付申请 {number} 需要补正：{reason} 请在{due or '期限内'}修改后重新提交，预占的金额为您保留。",
        ),
        "claim_rejected": (
            "兑付申请不予支持",
            f"您的兑付申请 {number} 本次不予支持：{reason} 预占的金额已退回，您可在 15 个工作日内提出异议。",
        ),
        "claim_lapsed": ("兑付申请已失效", f"您的兑付申请 {number} 逾期未补正，已失效；预占的金额已退回。"),
        "claim_approved": (
            "兑付申请已核准",
            f"您的兑付申请 {number} 已核准 {amount} 元，将列入最近一批拨付。",
        ),
        "claim_paid": ("补贴已拨付", f"您的兑付申请 {number} 核准的 {amount} 元已到账，请注意查收。"),
    }[message]
    told = [claim.enterprise]
    if claim.kind == ClaimKind.SETTLEMENT and claim.provider is not None:
        told.append(claim.provider)
    if message in ("claim_approved", "claim_paid") and claim.payee is not None:
        told.append(claim.payee)
    return [_send(party, "claim", number, title, text) for party in dict.fromkeys(told)]


def _last_reason(kind: str, number: str) -> str:
    row = (
        Review.objects.filter(
            subject_kind=kind,
            subject_no=number,
            verb__in=("return", "reject", "leave_unfunded", "readmit", "share_again"),
        )
        .exclude(reason="")
        .order_by("-pk")
        .first()
    )
    return row.reason if row else ""


def _send(party: Party, kind: str, number: str, title: str, text: str) -> Message:
    return Message.objects.create(
        party=party, subject_kind=kind, subject_no=number, title=title, text=text, sent_at=dates.now()
    )


def mark_messages_read(*, by: User, subject_kind: str = "", subject_no: str = "") -> int:
    """Mark the person's messages as read, all of them or those about one case; answers how many were new."""
    announce("message.read")
    rows = Message.objects.visible_to(by).filter(read_at=None)
    if subject_no:
        rows = rows.filter(subject_kind=subject_kind, subject_no=subject_no)
    return rows.update(read_at=dates.now())
