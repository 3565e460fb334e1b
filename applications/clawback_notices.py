"""From a clawback to its notice."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.utils import timezone

from applications.documents.clawback_notice import ClawbackNoticeContent, clawback_notice_pdf
from applications.models import Claim
from vouchers import dates
from vouchers.actions.recoveries import agreed_plan
from vouchers.errors import NotNow
from vouchers.models import Clawback, ReceivingAccount
from vouchers.money import yuan


def notice_of(clawback: Clawback) -> bytes:
    """The notice as PDF. Raises ``NotNow`` (``clawback.not_noticed``) before it was given."""
    if clawback.noticed_at is None or clawback.due_on is None:
        raise NotNow("clawback.not_noticed", "通知尚未发出。")
    claim = Claim.objects.filter(claim_no=clawback.claim_no).select_related("publication").first()
    plan = agreed_plan(clawback)
    noticed_on = timezone.localtime(clawback.noticed_at).date()
    demo: date | None = dates.today() if getattr(settings, "DEMO_DATE", None) else None
    return clawback_notice_pdf(
        ClawbackNoticeContent(
            clawback_no=clawback.clawback_no,
            office=clawback.program.office or clawback.region.name,
            recipient_name=clawback.party.name,
            recipient_uscc=clawback.party.uscc,
            program_name=clawback.program.name,
            claim_no=clawback.claim_no,
            payment_no=clawback.payment.payment_no,
            ground=clawback.get_ground_display()
            + (f"（{clawback.ground_no}）" if clawback.ground_no else ""),
            reason=clawback.reason,
            principal_amount=clawback.principal_amount,
            interest_amount=clawback.interest_amount,
            penalty_amount=clawback.penalty_amount,
            total_amount=clawback.total_amount,
            noticed_on=noticed_on,
            due_on=clawback.due_on,
            lines=tuple(one | {"amount": yuan(one["amount"])} for one in clawback.working),
            instalments=tuple(plan.instalments.all()) if plan else (),
            publication_hash=claim.publication.sha256 if claim and claim.publication else "",
            pay_to=_words_of(clawback.receiving_account),
            demo_date=demo,
        )
    )


def _words_of(account: ReceivingAccount | None) -> str:
    """Where it is to be paid to; empty for a notice from before accounts were kept."""
    if account is None:
        return ""
    return f"以下账户：户名 {account.account_name}，开户行 {account.bank_name}，账号 {account.account_no}"
