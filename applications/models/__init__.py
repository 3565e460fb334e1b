"""The casework: all that an enterprise files and staff decide. One noun a module; this page re-exports them."""

from applications.models.applications import Application
from applications.models.bank_transfers import BankTransfer
from applications.models.batches import BatchMember, IssueBatch
from applications.models.claims import BasisItem, Claim
from applications.models.imports import ImportedFile
from applications.models.invoices import Invoice, InvoiceLine
from applications.models.lease_splits import LeaseSplit, LeaseSplitLine
from applications.models.leases import Capacity, Device, Lease, LeaseDevice
from applications.models.messages import Message
from applications.models.metering import MeteringDay, MeteringReport
from applications.models.notices import Objection, PublicNotice
from applications.models.papers import Paper
from applications.models.projects import Project
from applications.models.reviews import Check, Review
from applications.models.settlements import SettlementAnswer, SettlementBatch, SettlementBatchLine
from applications.models.undertakings import Undertaking, UndertakingKey, UndertakingMerge

__all__ = [
    "Application",
    "BankTransfer",
    "BasisItem",
    "BatchMember",
    "Capacity",
    "Check",
    "Claim",
    "Device",
    "ImportedFile",
    "Invoice",
    "InvoiceLine",
    "IssueBatch",
    "Lease",
    "LeaseDevice",
    "LeaseSplit",
    "LeaseSplitLine",
    "Message",
    "MeteringDay",
    "MeteringReport",
    "Objection",
    "Paper",
    "Project",
    "PublicNotice",
    "Review",
    "SettlementAnswer",
    "SettlementBatch",
    "SettlementBatchLine",
    "Undertaking",
    "UndertakingKey",
    "UndertakingMerge",
]
