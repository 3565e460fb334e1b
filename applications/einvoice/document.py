"""What an e-invoice says, whatever file it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from vouchers.errors import Invalid


class Source(StrEnum):
    """Where the values come from. Only XML and the data of an OFD are what the tax bureau signed; a PDF's text is
    layout, and ``keyed`` was typed by a person."""

    XML = "xml"
    OFD = "ofd"
    PDF_LAYOUT = "pdf_layout"
    KEYED = "keyed"


SIGNED = frozenset({Source.XML, Source.OFD})


@dataclass(frozen=True)
class EInvoiceLine:
    """A line (项目). ``net_amount`` and ``tax_amount`` in yuan; ``unit_price`` without tax; ``tax_rate`` a fraction, None for
    免税 and 不征税."""

    line_no: int
    description: str
    unit: str = ""
    specification: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    net_amount: Decimal = Decimal("0.00")
    tax_rate: Decimal | None = None
    tax_amount: Decimal = Decimal("0.00")


@dataclass(frozen=True)
class EInvoice:
    """One invoice as read. A value that the file does not give is empty or None, never guessed.

    ``kind`` is one of ``InvoiceKind``; ``red_of`` the number of the blue invoice when this one is red (amounts negative).
    ``missing`` names what could not be read and has to be keyed.
    """

    invoice_no: str
    source: Source
    invoice_code: str = ""
    kind: str = ""
    issued_on: date | None = None
    seller_uscc: str = ""
    seller_name: str = ""
    buyer_uscc: str = ""
    buyer_name: str = ""
    net_amount: Decimal | None = None
    tax_amount: Decimal | None = None
    gross_amount: Decimal | None = None
    red_of: str = ""
    remark: str = ""
    lines: tuple[EInvoiceLine, ...] = ()
    missing: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether everything that an invoice must say was read from signed data."""
        return self.source in SIGNED and not self.missing


class Unread(Invalid):
    """The file holds no e-invoice that can be read; ``einvoice.…``."""


REQUIRED = (
    "invoice_no",
    "issued_on",
    "seller_uscc",
    "seller_name",
    "buyer_uscc",
    "buyer_name",
    "net_amount",
    "tax_amount",
    "gross_amount",
)


def missing_of(values: dict[str, object]) -> tuple[str, ...]:
    """The names of the required values that are not there."""
    return tuple(name for name in REQUIRED if values.get(name) in (None, ""))
