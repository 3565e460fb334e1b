"""追回通知书: what is due back, why, how it was reckoned, until when, how to pay, and what the recipient can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from applications.documents.decision_letter import REMEDIES
from applications.documents.rendering import render_pdf


@dataclass(frozen=True)
class ClawbackNoticeContent:
    """All that stands on a notice. ``lines`` (the working) have ``label amount article sentence``, ``instalments`` ``due_on amount``."""

    clawback_no: str
    office: str
    recipient_name: str
    recipient_uscc: str
    program_name: str
    claim_no: str
    payment_no: str
    ground: str
    reason: str
    principal_amount: Decimal
    interest_amount: Decimal
    penalty_amount: Decimal
    total_amount: Decimal
    noticed_on: date
    due_on: date
    pay_to: str = ""
    lines: tuple[Mapping[str, Any], ...] = ()
    instalments: tuple[Mapping[str, Any] | Any, ...] = ()
    remedies: tuple[str, ...] = REMEDIES
    publication_hash: str = ""
    demo_date: date | None = None


def clawback_notice_pdf(content: ClawbackNoticeContent) -> bytes:
    """The notice as PDF."""
    return render_pdf("documents/clawback_notice.html", {"c": content})
