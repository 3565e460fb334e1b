"""The tables of the observer. One noun a module; this page re-exports them."""

from audit.models.cases import Case, CaseConclusion, CaseStep, CaseSubject
from audit.models.flags import Flag, RuleVersion, ScanRun, Suspicion
from audit.models.review_draws import ReviewDraw, ReviewPick
from audit.models.rule_stops import RuleStop, Snooze
from audit.models.samples import AuditSample
from audit.models.saved_filters import SavedFilter
from audit.models.seals import KeyRotation, WitnessSignature
from audit.models.shadow_runs import ShadowRun
from audit.models.trail import AuditEvent, Checkpoint, PendingEvent, PersonalSalt, TrailLeaf

__all__ = [
    "AuditEvent",
    "AuditSample",
    "Case",
    "CaseConclusion",
    "CaseStep",
    "CaseSubject",
    "Checkpoint",
    "Flag",
    "KeyRotation",
    "PendingEvent",
    "PersonalSalt",
    "ReviewDraw",
    "ReviewPick",
    "RuleStop",
    "RuleVersion",
    "SavedFilter",
    "ScanRun",
    "ShadowRun",
    "Snooze",
    "Suspicion",
    "TrailLeaf",
    "WitnessSignature",
]
