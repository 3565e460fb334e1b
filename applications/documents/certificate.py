"""算力券凭证: what the holder keeps, and anyone can check against the public page by its code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from applications.documents.rendering import qr_code, render_pdf


@dataclass(frozen=True)
class CertificateContent:
    """All that stands on a voucher's certificate. ``face_value`` in yuan; ``expires_on`` the first day it is no longer valid."""

    voucher_no: str
    program_name: str
    policy_title: str
    policy_document_no: str
    office: str
    holder_name: str
    holder_uscc: str
    face_value: Decimal
    issued_on: date
    expires_on: date
    application_no: str
    verification_url: str
    verification_code: str
    publication_hash: str
    terms: tuple[str, ...] = ()
    demo_date: date | None = None


STANDING_TERMS = (
    "本券仅用于抵扣符合政策规定的算力费用，不得转让、买卖、质押或兑换现金。",
    "兑付以实际发生的算力租用合同、发票和付款为依据，在券面余额和有效期内可按政策规定分次申请。",
    "本凭证为电子打印件，券的状态和余额以查验页面显示为准。",
)


def certificate_pdf(content: CertificateContent) -> bytes:
    """The certificate as a PDF of one page with a QR code to the public verification page."""
    return render_pdf(
        "documents/certificate.html",
        {"c": content, "qr": qr_code(content.verification_url), "terms": content.terms or STANDING_TERMS},
    )
