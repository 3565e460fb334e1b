"""What a state means to the reader: its tone, which sets colour and shape. The word always stands beside it.

neutral not begun · progress moving, with us · waiting on you · granted or paid · refused, failed or clawed back ·
held or under inquiry · closed, nothing more will happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

TONES = ("neutral", "progress", "waiting", "granted", "refused", "held", "closed")

_STATES: dict[str, str] = {
    "neutral": "draft planned prepared new not_started unverified registered scheduled not_testable pending_upload",
    "progress": (
        "submitted accepted recommended in_review reviewing under_review noticed in_notice published_notice reserved "
        "pending processing verifying exported sent queued running open_window proposed verified_pending assigned "
        "checked claimed assessed sealed requested lift_requested responding screening approved_pending in_progress"
    ),
    "waiting": "returned correction awaiting_applicant to_correct expiring overdue waiting objected disputed to_confirm needs_review review due_soon",
    "granted": (
        "approved issued active in_force paid confirmed settled verified met published redeemed recovered used "
        "completed done admitted lifted cleared upheld succeeded finished repaired valid within partially_used "
        "partially_redeemed effective available"
    ),
    "refused": (
        "rejected refused failed void voided invalid not_met returned_by_bank bounced clawed_back debarred red_flushed "
        "above founded substantiated revoked duplicate above_band breached"
    ),
    "held": "held frozen on_hold suspended under_inquiry investigating placed in_inquiry hard flagged open_case quarantined",
    "closed": "withdrawn expired closed cancelled canceled superseded retired archived exhausted released dismissed ended unfounded consumed lapsed",
}

TONE_OF_STATE: dict[str, str] = {state: tone for tone, states in _STATES.items() for state in states.split()}

# the same value means another thing in these lifecycles
TONE_IN_LIFECYCLE: dict[str, dict[str, str]] = {
    "hold": {"open": "held", "lift_requested": "held", "confirmed": "refused"},
    "payment": {
        "payable": "progress",
        "batched": "progress",
        "instructed": "progress",
        "unknown": "held",
        "offset": "granted",
        "returned": "refused",
    },
    "payment_line": {"listed": "progress", "sent": "progress", "unknown": "held", "returned": "refused"},
    "clawback": {
        "drafted": "neutral",
        "proposed": "waiting",
        "approved": "progress",
        "noticed": "refused",
        "write_off_proposed": "held",
        "settled": "granted",
        "written_off": "closed",
    },
    "instalment_plan": {"asked": "waiting", "agreed": "granted", "replaced": "closed"},
    "payment_batch": {"proposed": "waiting", "approved": "progress"},
    "issue_batch": {
        "open": "progress",
        "shared_out": "waiting",
        "approved": "progress",
        "issuing": "progress",
    },
    "policy_version": {"proposed": "waiting", "terminated": "closed"},
    "job": {"waiting": "neutral"},
    "carry_over": {"proposed": "waiting"},
}


class ShownState(NamedTuple):
    """A state as it is drawn: the word, the tone, and the stable value."""

    label: str
    tone: str
    value: str


def tone_of(state: str, subject: Any = None) -> str:
    """The tone of a state; a model may say otherwise for its own states by ``STATE_TONES = {state: tone}``."""
    own = getattr(subject, "STATE_TONES", None) or {}
    lifecycle = getattr(getattr(subject, "lifecycle", None), "name", "")
    for table in (own, TONE_IN_LIFECYCLE.get(lifecycle, {})):
        if state in table:
            return str(table[state])
    return TONE_OF_STATE.get(state, "neutral")


def shown_state(subject: Any = None, state: str = "", label: str = "", tone: str = "") -> ShownState:
    """The state of ``subject`` (a row with ``state``, a choice, or nothing when state and label are given)."""
    if isinstance(subject, Mapping):
        state, label, subject = (
            state or str(subject.get("state", "")),
            label or str(subject.get("label", "")),
            None,
        )
    elif subject is not None and not state:
        state = str(getattr(subject, "state", subject))
    if not label:
        display = getattr(subject, "get_state_display", None)
        label = str(display()) if callable(display) else str(getattr(subject, "label", "") or state)
    return ShownState(label=label, tone=tone if tone in TONES else tone_of(state, subject), value=state)
