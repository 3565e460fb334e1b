"""Documents as PDF: certificate, decision letter, payment list. Each takes a plain content object and returns bytes."""

from applications.documents.certificate import CertificateContent, certificate_pdf
from applications.documents.decision_letter import DecisionLetterContent, decision_letter_pdf
from applications.documents.payment_list import PaymentLine, PaymentListContent, payment_list_pdf
from applications.documents.rendering import render_pdf

__all__ = [
    "CertificateContent",
    "DecisionLetterContent",
    "PaymentLine",
    "PaymentListContent",
    "certificate_pdf",
    "decision_letter_pdf",
    "payment_list_pdf",
    "render_pdf",
]
