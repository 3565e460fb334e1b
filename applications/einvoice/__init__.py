"""Reading 数电票: XML in full, OFD by its data, PDF by its layout only."""

from applications.einvoice.document import EInvoice, EInvoiceLine, Unread
from applications.einvoice.numbers import norm_inv, number_faults
from applications.einvoice.reader import read_einvoice

__all__ = ["EInvoice", "EInvoiceLine", "Unread", "norm_inv", "number_faults", "read_einvoice"]
