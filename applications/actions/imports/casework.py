"""applications, vouchers, claims, claim_invoices."""

from __future__ import annotations

from collections.abc import Sequence

from applications.actions.imports import cells
from applications.actions.imports.cells import NULL
from applications.actions.imports.formats import Column, Format, Surroundings, Values, WrongRow
from applications.einvoice.numbers import norm_inv

APPLICATIONS = Format(
    name="applications.csv",
    stage="import_applications",
    columns=(
        Column("application_no", cells.business_no()),
        Column("program_code", cells.program_code()),
        Column("enterprise_uscc", cells.uscc()),
        Column("submitted_at", cells.instant()),
        Column("requested_amount", cells.money(absent=NULL)),
        Column("filer_phone", cells.text(30), header=False),
        Column("filer_ip", cells.text(45), header=False),
        Column("filer_device", cells.text(64), header=False),
    ),
    refers_to={"enterprise_uscc": "parties.csv"},
)

_vouchers = (
    Column("voucher_no", cells.business_no()),
    Column("application_no", cells.business_no(absent=""), header=False),
    Column("program_code", cells.program_code()),
    Column("enterprise_uscc", cells.uscc()),
    Column("face_value", cells.positive(cells.money(), "券面额")),
    Column("issued_on", cells.day()),
    Column("expires_on", cells.day()),
)


def _expires_later(values: Values) -> None:
    if values[6] <= values[5]:
        raise WrongRow("expires_on", "period.order", f"到期日 {values[6]} 不晚于发放日 {values[5]}")


VOUCHERS = Format(
    name="vouchers.csv",
    stage="import_vouchers",
    columns=_vouchers,
    checks=(_expires_later,),
    refers_to={"enterprise_uscc": "parties.csv", "application_no": "applications.csv"},
)

CLAIM_STATES = ("submitted", "approved", "rejected", "paid")
_claims = (
    Column("claim_no", cells.business_no()),
    Column("voucher_no", cells.business_no()),
    Column("lease_no", cells.business_no(absent=NULL), header=False),
    Column("submitted_at", cells.instant()),
    Column("claimed_amount", cells.money()),
    Column("filer_ip", cells.text(45), header=False),
    Column("filer_device", cells.text(64), header=False),
    Column("status", cells.one_of(CLAIM_STATES)),
    Column("decided_at", cells.instant(NULL), header=False),
    Column("reviewer", cells.cached(cells.text(60)), header=False),
    Column("paid_on", cells.day(NULL), header=False),
)

CLAIMS = Format(
    name="claims.csv",
    stage="import_claims",
    columns=_claims,
    refers_to={"voucher_no": "vouchers.csv", "lease_no": "leases.csv"},
)


def _claimed_number(values: Values, raw: Sequence[str], around: Surroundings) -> Sequence[str]:
    key = norm_inv(values[1], values[2])
    if not key or len(key) > 40:
        raise WrongRow("invoice_no", "invoice.number", f"发票号码“{cells.shown(values[2])}”无法规范化")
    return (key,)


CLAIM_INVOICES = Format(
    name="claim_invoices.csv",
    stage="import_claim_invoices",
    columns=(
        Column("claim_no", cells.business_no()),
        Column("invoice_code", cells.text(20), header=False),
        Column("invoice_no", cells.text(38, None)),
        Column("claimed_net", cells.money()),
        Column("bank_ref", cells.text(60, NULL), header=False),
    ),
    derived=("number_key",),
    derive=_claimed_number,
    refers_to={"claim_no": "claims.csv", "invoice_no": "invoices.csv", "bank_ref": "payments.csv"},
)

__all__ = ["APPLICATIONS", "CLAIMS", "CLAIM_INVOICES", "VOUCHERS"]
