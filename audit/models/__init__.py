"""The tables of the observer. One noun a module; this page re-exports them."""

from audit.models.flags import Flag, RuleVersion, ScanRun, Suspicion
from audit.models.saved_filters import SavedFilter
from audit.models.seals import KeyRotation, WitnessSignature
from audit.models.trail import AuditEvent, Checkpoint, PendingEvent, PersonalSalt, TrailLeaf

__all__ = [
    "AuditEvent",
    "Checkpoint",
    "Flag",
    "KeyRotation",
    "PendingEvent",
    "PersonalSalt",
    "RuleVersion",
    "SavedFilter",
    "ScanRun",
    "Suspicion",
    "TrailLeaf",
    "WitnessSignature",
]
