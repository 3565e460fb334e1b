"""The tables of the scheme and its money. One noun a module; this page re-exports them."""

from vouchers.models.budgets import BudgetWithdrawal, CarryOver
from vouchers.models.clawbacks import (
    Clawback,
    ClawbackReceipt,
    Instalment,
    InstalmentPlan,
)
from vouchers.models.credit import Listing
from vouchers.models.credit_entries import CreditEntry
from vouchers.models.credit_records import CreditRecord
from vouchers.models.credit_repairs import CreditRepair
from vouchers.models.debarments import Debarment, DebarmentList
from vouchers.models.holds import Hold, Screening
from vouchers.models.jobs import Job
from vouchers.models.ledger import LedgerAccount, LedgerAttempt, LedgerTill, LedgerTransfer
from vouchers.models.ledger_days import DayClose, DayCloseLine, LedgerCheck
from vouchers.models.leniencies import Leniency
from vouchers.models.lifecycle import LifecycleTransition
from vouchers.models.outbox import OutboxMessage
from vouchers.models.parties import (
    AccountPaper,
    Affiliation,
    BankAccount,
    DeclaredAffiliation,
    Party,
    PlatformConnection,
    ProviderAdmission,
    Shareholding,
)
from vouchers.models.payment_lines import (
    BankReturn,
    PaymentApproval,
    PaymentBand,
    PaymentFile,
    PaymentLine,
)
from vouchers.models.payments import Payment, PaymentBatch
from vouchers.models.people import Region, RoleGrant, User
from vouchers.models.platforms import ApiCredential, PlatformEvent, Webhook, WebhookDelivery
from vouchers.models.policies import (
    PolicyEditor,
    PolicyVersion,
    Publication,
    PublicationStatus,
    PublicationValidity,
)
from vouchers.models.policy_parts import (
    PolicyApplicantClass,
    PolicyCap,
    PolicyDocument,
    PolicyFloor,
    PolicyGate,
    PolicyRate,
    PolicyScoreRate,
    PolicyTrack,
)
from vouchers.models.policy_process import (
    PolicyPaper,
    PolicyReviewStep,
    PolicyTreasuryShare,
    PolicyWindow,
)
from vouchers.models.policy_terms import (
    PolicyExample,
    PolicyOtherMoney,
    PolicyPriceRule,
    PolicyRounding,
    PolicyVoucherKind,
    PolicyWayOfIssue,
    ValueCitation,
)
from vouchers.models.price_checks import PriceCheck
from vouchers.models.price_reports import (
    PriceFile,
    PriceJudgement,
    PriceReport,
    PriceReportLine,
    PriceSubmission,
    ReportingDuty,
)
from vouchers.models.prices import (
    ChipModel,
    FxRate,
    PriceIndexIssue,
    PriceIndexRow,
    PriceMethod,
    PriceObservation,
    PriceSnapshot,
)
from vouchers.models.programs import (
    Appropriation,
    Program,
    ProgramBudget,
)
from vouchers.models.receiving_accounts import ReceivingAccount
from vouchers.models.recovery_terms import RecoveryTerm
from vouchers.models.refunds import Refund
from vouchers.models.set_offs import SetOff
from vouchers.models.supervision import SupervisionTable, SupervisionTier
from vouchers.models.vouchers import Voucher, VoucherStep

__all__ = [
    "AccountPaper",
    "Affiliation",
    "ApiCredential",
    "Appropriation",
    "BankAccount",
    "BankReturn",
    "BudgetWithdrawal",
    "CarryOver",
    "ChipModel",
    "Clawback",
    "ClawbackReceipt",
    "CreditEntry",
    "CreditRecord",
    "CreditRepair",
    "DayClose",
    "DayCloseLine",
    "Debarment",
    "DebarmentList",
    "DeclaredAffiliation",
    "FxRate",
    "Hold",
    "Instalment",
    "InstalmentPlan",
    "Job",
    "LedgerAccount",
    "LedgerAttempt",
    "LedgerCheck",
    "LedgerTill",
    "LedgerTransfer",
    "Leniency",
    "LifecycleTransition",
    "Listing",
    "OutboxMessage",
    "Party",
    "Payment",
    "PaymentApproval",
    "PaymentBand",
    "PaymentBatch",
    "PaymentFile",
    "PaymentLine",
    "PlatformConnection",
    "PlatformEvent",
    "PolicyApplicantClass",
    "PolicyCap",
    "PolicyDocument",
    "PolicyEditor",
    "PolicyExample",
    "PolicyFloor",
    "PolicyGate",
    "PolicyOtherMoney",
    "PolicyPaper",
    "PolicyPriceRule",
    "PolicyRate",
    "PolicyReviewStep",
    "PolicyRounding",
    "PolicyScoreRate",
    "PolicyTrack",
    "PolicyTreasuryShare",
    "PolicyVersion",
    "PolicyVoucherKind",
    "PolicyWayOfIssue",
    "PolicyWindow",
    "PriceCheck",
    "PriceFile",
    "PriceIndexIssue",
    "PriceIndexRow",
    "PriceJudgement",
    "PriceMethod",
    "PriceObservation",
    "PriceReport",
    "PriceReportLine",
    "PriceSnapshot",
    "PriceSubmission",
    "Program",
    "ProgramBudget",
    "ProviderAdmission",
    "Publication",
    "PublicationStatus",
    "PublicationValidity",
    "ReceivingAccount",
    "RecoveryTerm",
    "Refund",
    "Region",
    "ReportingDuty",
    "RoleGrant",
    "Screening",
    "SetOff",
    "Shareholding",
    "SupervisionTable",
    "SupervisionTier",
    "User",
    "ValueCitation",
    "Voucher",
    "VoucherStep",
    "Webhook",
    "WebhookDelivery",
]
