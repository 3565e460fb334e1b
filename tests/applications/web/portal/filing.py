"""What the forms are filled in with, and the way through them, as a person goes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from applications.einvoice.sample import compute_line, invoice_number, sample_xml
from applications.models import Application, Claim
from tests.cast import Cast

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def pdf(name: str, more: str = "") -> SimpleUploadedFile:
    """A small PDF."""
    return SimpleUploadedFile(f"{name}.pdf", PDF + more.encode(), content_type="application/pdf")


def contract(cast: Cast, **more: Any) -> dict[str, Any]:
    """A lease of H800 cards for 1,500万, a fifth of which would be 300万."""
    fields = {
        "lessor_uscc": cast.provider.uscc,
        "contract_no": "HT-2025-001",
        "signed_on": "2025-03-01",
        "starts_on": "2025-03-01",
        "ends_on": "2026-02-28",
        "region_code": "110000",
        "accelerator": "H800",
        "form_factor": "SXM",
        "cards": "128",
        "unit": "card_hour",
        "unit_price": "15",
        "quantity": "1000000",
        "amount": "15,000,000.00",
        "vat_rate": "0.06",
        "purpose": "training",
        "serials": "SN-0001\nSN-0002",
    }
    return fields | more


def fill_in(client, cast: Cast, code: str = "BJ-AIQ", **more: Any) -> Application:
    """From the choice of the scheme to the last step before submitting."""
    client.post(reverse("portal:application_new"), {"program": code})
    application = Application.objects.latest("pk")
    number = application.application_no
    answer = client.post(reverse("portal:application_contract", args=[number]), contract(cast, **more))
    assert answer.status_code == 302, answer.context["form"].errors if answer.context else answer
    answer = client.post(reverse("portal:application_statements", args=[number]), {"other_money": "no"})
    assert answer.status_code == 302, answer.context["form"].errors
    answer = client.post(
        reverse("portal:application_papers", args=[number]),
        {name: pdf(name) for name in ("truth_statement", "contract", "other_public_money")},
    )
    assert answer.status_code == 302
    application.refresh_from_db()
    return application


def submit(client, application: Application):
    """The last step."""
    return client.post(
        reverse("portal:application_check", args=[application.application_no]),
        {"statement_accepted": "on", "filer_phone": "13800000000"},
    )


def einvoice(cast: Cast, net: str, sequence: int = 1, on: date = date(2025, 6, 30)) -> tuple[str, bytes]:
    """An XML e-invoice of the provider to 甲公司."""
    number = invoice_number(on, cast.provider.uscc, sequence)
    content = sample_xml(
        invoice_no=number,
        issued_on=on,
        seller_uscc=cast.provider.uscc,
        seller_name=cast.provider.name,
        buyer_uscc=cast.alpha.uscc,
        buyer_name=cast.alpha.name,
        lines=[compute_line(Decimal(net))],
    )
    return number, content


def add_invoice(client, cast: Cast, claim: Claim, net: str, sequence: int = 1, **more: Any):
    """Drop the file, then say how much of it counts and how it was paid."""
    here = reverse("portal:claim_invoice", args=[claim.claim_no])
    _number, content = einvoice(cast, net, sequence)
    answer = client.post(here, {"file": SimpleUploadedFile("invoice.xml", content, "text/xml")})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    paper = answer.url.partition("paper=")[2]
    gross = Decimal(net) + (Decimal(net) * Decimal("0.06")).quantize(Decimal("0.01"))
    fields = {
        "paper": paper,
        "net_amount": net,
        "period_from": "2025-03-01",
        "period_to": "2025-06-30",
        "bank_ref": f"ICBC2025{sequence:06d}",
        "paid_on": "2025-07-01",
        "paid_amount": str(gross),
        "proof": pdf("proof", str(sequence)),
    }
    return client.post(here, {name: value for name, value in (fields | more).items() if value is not None})
