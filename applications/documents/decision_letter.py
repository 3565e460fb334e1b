"""决定书: what was decided, on which facts, under which article, the working, and what the recipient can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from applications.documents.rendering import render_pdf

REMEDIES = (
    "对本决定不服的，可以自收到本决定书之日起六十日内，依照《中华人民共和国行政复议法》第二十条的规定申请行政复议。",
    "也可以自收到本决定书之日起六个月内，依照《中华人民共和国行政诉讼法》第四十六条的规定向人民法院提起行政诉讼。",
)


@dataclass(frozen=True)
class DecisionLetterContent:
    """All that stands on a decision letter.

    ``outcome`` is ``granted``, ``partly_granted`` or ``refused``; ``sentence`` is the one the enterprise reads first.
    ``findings`` have ``outcome title fact article cure``, ``lines`` (the working) ``step sentence article result``; both may
    be mappings or objects.
    """

    letter_no: str
    office: str
    recipient_name: str
    recipient_uscc: str
    subject: str
    case_no: str
    program_name: str
    outcome: str
    sentence: str
    decided_on: date
    amount: Decimal | None = None
    findings: tuple[Mapping[str, Any] | Any, ...] = ()
    lines: tuple[Mapping[str, Any] | Any, ...] = ()
    next_steps: tuple[str, ...] = ()
    remedies: tuple[str, ...] = REMEDIES
    contact: str = ""
    publication_hash: str = ""
    demo_date: date | None = None


def decision_letter_pdf(content: DecisionLetterContent) -> bytes:
    """The letter as PDF."""
    return render_pdf("documents/decision_letter.html", {"c": content})
