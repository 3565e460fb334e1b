"""What the application's roles may not do with the tables of the observer (see ``vouchers/grants.py``)."""

from __future__ import annotations

# Written by triggers and by functions of the owner, or by the sealer: never by the application.
NO_WRITE = (
    "audit_auditevent",
    "audit_pendingevent",
    "audit_trailleaf",
    "audit_checkpoint",
    "audit_personalsalt",
    "audit_keyrotation",
    "audit_witnesssignature",
)
# The salts are for the owner's functions alone: who holds them could guess a telephone number from its digest.
NO_READ = ("audit_personalsalt",)
SEALER_READS = ("audit_auditevent",)
SEALER_APPENDS = ("audit_trailleaf", "audit_checkpoint", "audit_keyrotation", "audit_witnesssignature")
SEALER_TAKES = ("audit_pendingevent",)
# Kept as they were made: what a version would have changed, and which claims a seed drew.
APPEND_ONLY = (
    "audit_shadowrun",
    "audit_reviewdraw",
    "audit_reviewpick",
    "audit_auditsample",
    "audit_casestep",
)
NO_DELETE = ("audit_rulestop", "audit_snooze", "audit_case", "audit_casesubject", "audit_caseconclusion")
