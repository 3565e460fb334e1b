"""All files of the format, in the order in which their rows are taken in: what is pointed to comes first."""

from __future__ import annotations

from applications.actions.imports.casework import APPLICATIONS, CLAIM_INVOICES, CLAIMS, VOUCHERS
from applications.actions.imports.formats import Format
from applications.actions.imports.invoices import INVOICE_LINES, INVOICES, PAYMENTS
from applications.actions.imports.leases import LEASE_DEVICES, LEASES, METERING
from applications.actions.imports.parties import (
    CAPACITY,
    DECLARED_AFFILIATIONS,
    DEVICES,
    LISTINGS,
    PARTIES,
    PROVIDER_ADMISSIONS,
    SHAREHOLDINGS,
)

FORMATS: tuple[Format, ...] = (
    PARTIES,
    SHAREHOLDINGS,
    DECLARED_AFFILIATIONS,
    PROVIDER_ADMISSIONS,
    CAPACITY,
    DEVICES,
    LISTINGS,
    LEASES,
    LEASE_DEVICES,
    METERING,
    INVOICES,
    INVOICE_LINES,
    PAYMENTS,
    APPLICATIONS,
    VOUCHERS,
    CLAIMS,
    CLAIM_INVOICES,
)
#: read and normalised by the prices' own loader
PRICES = "price_observations.csv"
FILES: tuple[str, ...] = (*(f.name for f in FORMATS), PRICES)
