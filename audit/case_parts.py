"""What belongs to one case: from the application to the money, each part by its kind and number, so that its story is whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from applications.models import Application, Claim, Lease, Project
from audit.account_words import accounts_of
from vouchers.models import Clawback, Payment, PaymentLine, Voucher

MOST = 2_000


@dataclass(frozen=True)
class Part:
    """One part of a case. ``whole``: also what is filed under it (papers, checks, messages …), not its own row alone."""

    kind: str
    number: str
    whole: bool = True


@dataclass
class _Rows:
    """The rows of the casework and the money that a case is made of."""

    applications: list[Application]
    vouchers: list[Voucher]
    claims: list[Claim]


def parts_of(kind: str, number: str) -> list[Part]:
    """The subject itself and all that belongs to its case, in the order in which a case comes to be. A claim's story has its own
    payments only; an application's or voucher's has every claim's."""
    rows = _rows(kind, number)
    found = [*_casework(rows), *_money(rows)] if rows is not None else []
    found += [Part("ledger_account", code) for code in accounts_of(kind, number)]
    unique = list(dict.fromkeys([Part(kind, number), *found]))
    return unique[:MOST]


def _rows(kind: str, number: str) -> _Rows | None:
    claims = Claim.objects.select_related("voucher", "lease").order_by("pk")
    match kind:
        case "application":
            applications = list(_applications(Q(application_no=number)))
            vouchers = list(Voucher.objects.filter(application_no=number).order_by("pk"))
            return _Rows(applications, vouchers, list(claims.filter(voucher__in=vouchers)[:MOST]))
        case "voucher":
            vouchers = list(Voucher.objects.filter(voucher_no=number))
            applications = list(_applications(_of(vouchers)))
            return _Rows(applications, vouchers, list(claims.filter(voucher__in=vouchers)[:MOST]))
        case "lease":
            applications = list(_applications(Q(lease__lease_no=number)))
            filed = [one.application_no for one in applications]
            asked = list(claims.filter(lease__lease_no=number)[:MOST])
            held = Q(application_no__in=filed) | Q(pk__in={one.voucher_id for one in asked})
            return _Rows(applications, list(Voucher.objects.filter(held).order_by("pk")), asked)
        case "claim" | "payment" | "clawback":
            claim_no = _claim_no(kind, number)
            asked = list(claims.filter(claim_no=claim_no)) if claim_no else []
            vouchers = [one.voucher for one in asked]
            return _Rows(list(_applications(_of(vouchers))), vouchers, asked)
    return None


def _claim_no(kind: str, number: str) -> str:
    if kind == "claim":
        return number
    row: Payment | Clawback | None = (
        Payment.objects.filter(payment_no=number).first()
        if kind == "payment"
        else Clawback.objects.filter(clawback_no=number).first()
    )
    return row.claim_no if row is not None else ""


def _applications(condition: Q) -> Iterable[Application]:
    return Application.objects.filter(condition).select_related("lease", "project").order_by("pk")


def _of(vouchers: list[Voucher]) -> Q:
    numbers = [one.application_no for one in vouchers if one.application_no]
    return Q(application_no__in=numbers)


def _casework(rows: _Rows) -> list[Part]:
    leases: list[Lease | None] = [one.lease for one in rows.applications]
    leases += [one.lease for one in rows.claims]
    projects: list[Project | None] = [one.project for one in rows.applications]
    return [
        *(Part("application", one.application_no) for one in rows.applications),
        *(Part("project", one.project_no) for one in projects if one is not None),
        *(Part("lease", one.lease_no) for one in leases if one is not None),
        *(Part("voucher", one.voucher_no) for one in rows.vouchers),
        *(Part("claim", one.claim_no) for one in rows.claims),
    ]


def _money(rows: _Rows) -> list[Part]:
    claim_nos = [one.claim_no for one in rows.claims]
    payments = list(Payment.objects.filter(claim_no__in=claim_nos).order_by("pk"))
    lines = PaymentLine.objects.filter(payment__in=payments).select_related("batch").order_by("pk")
    clawbacks = list(Clawback.objects.filter(claim_no__in=claim_nos).order_by("pk"))
    accounts = [
        *(code for one in rows.vouchers for code in accounts_of("voucher", one.voucher_no)),
        *(code for one in payments for code in accounts_of("payment", one.payment_no)),
        *(code for one in clawbacks for code in accounts_of("clawback", one.clawback_no)),
    ]
    parts = [Part("payment", one.payment_no) for one in payments]
    for line in lines:
        # of the batch its own row alone: the other lines are other cases
        parts += [Part("payment_batch", line.batch.batch_no, whole=False)]
        parts += [Part("payment_line", line.instruction_no)]
    parts += [Part("clawback", one.clawback_no) for one in clawbacks]
    return parts + [Part("ledger_account", code) for code in accounts]
