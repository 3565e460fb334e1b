"""Claiming on the portal: from an e-invoice or keyed, in parts, with the live calculation, and the certificate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from applications.models import BankTransfer, Claim, Invoice
from tests import casework
from tests.applications.web.portal import filing
from vouchers import dates
from vouchers.actions.vouchers import balance_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def voucher(filer, cast, beijing):
    application = filing.fill_in(filer, cast)
    filing.submit(filer, application)
    application.refresh_from_db()
    return casework.issued(cast, application)


def test_a_claim_is_made_from_an_einvoice_with_its_payment(filer, cast, voucher):
    with dates.fixed(date(2025, 8, 1)):
        page = filer.get(reverse("portal:voucher", args=[voucher.voucher_no]))
        assert "2,000,000.00" in page.text
        answer = filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        assert answer.url == reverse("portal:claim_items", args=[claim.claim_no])
        answer = filing.add_invoice(filer, cast, claim, "4000000.00")
        assert answer.status_code == 302, answer.content.decode()
        invoice = Invoice.objects.get()
        assert invoice.net_amount == Decimal("4000000.00")
        assert BankTransfer.objects.get().amount == Decimal("4240000.00")
        page = filer.get(answer.url)
        assert "800,000.00" in page.text
        page = filer.get(reverse("portal:claim_check", args=[claim.claim_no]))
        assert page.status_code == 200
        answer = filer.post(reverse("portal:claim_check", args=[claim.claim_no]))
        assert answer.status_code == 302, answer.content.decode()
        claim.refresh_from_db()
        assert (claim.state, claim.claimed_amount) == ("submitted", Decimal("800000.00"))
        assert balance_of(voucher).reserved == Decimal("800000.00")
        assert claim.claim_no in filer.get(answer.url).text
        page = filer.get(reverse("portal:claim", args=[claim.claim_no]))
        assert "ICBC2025000001" in page.text
        filer.post(reverse("portal:claim_withdraw", args=[claim.claim_no]))
        assert balance_of(voucher).reserved == 0


def test_the_live_calculation_shows_what_the_typed_item_adds_and_writes_nothing(filer, cast, voucher):
    with dates.fixed(date(2025, 8, 1)):
        filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        page = filer.post(
            reverse("portal:claim_preview", args=[claim.claim_no]),
            {"net_amount": "1,000,000", "period_from": "2025-03-01", "period_to": "2025-04-30"},
        )
    assert "200,000.00" in page.text
    assert not claim.items.exists()


def test_a_wrong_amount_of_an_invoice_is_explained_and_what_was_typed_stays(filer, cast, voucher):
    with dates.fixed(date(2025, 8, 1)):
        filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        page = filing.add_invoice(filer, cast, claim, "100.00", net_amount="100.01")
        assert page.status_code == 422
        assert "超过发票" in page.text
        assert "100.01" in page.text
        assert not Invoice.objects.exists()
        page = filing.add_invoice(filer, cast, claim, "100.00", bank_ref=None)
        assert "请填写银行流水号" in page.text


def test_a_claim_without_its_payment_proof_is_not_submitted(filer, cast, voucher):
    with dates.fixed(date(2025, 8, 1)):
        filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        paid = dict.fromkeys(("bank_ref", "paid_on", "paid_amount", "proof"))
        filing.add_invoice(filer, cast, claim, "100.00", **paid)
        page = filer.post(reverse("portal:claim_check", args=[claim.claim_no]))
    assert page.status_code == 422
    assert "银行付款凭证" in page.text
    claim.refresh_from_db()
    assert claim.state == "draft"


def test_an_invoice_can_be_keyed_and_used_in_parts(filer, cast, voucher):
    keyed = {
        "invoice_no": "25112000000000000777",
        "invoice_kind": "digital_special",
        "issued_on": "2025-06-30",
        "seller_uscc": cast.provider.uscc,
        "seller_name": cast.provider.name,
        "buyer_uscc": cast.alpha.uscc,
        "buyer_name": cast.alpha.name,
        "invoice_net": "1000.00",
        "invoice_tax": "60.00",
        "invoice_gross": "1060.00",
        "net_amount": "400.00",
        "period_from": "2025-03-01",
        "period_to": "2025-04-30",
    }
    with dates.fixed(date(2025, 8, 1)):
        filer.post(reverse("portal:claim_start", args=[voucher.voucher_no]))
        claim = Claim.objects.get()
        here = reverse("portal:claim_invoice", args=[claim.claim_no])
        page = filer.post(here, keyed | {"invoice_gross": "1061.00"})
        assert page.status_code == 422
        assert "不符" in page.text
        assert 'value="1061.00"' in page.text
        answer = filer.post(here, keyed)
        assert answer.status_code == 302, answer.content.decode()
        filer.post(reverse("portal:claim_item_remove", args=[claim.claim_no, 1]))
        assert not claim.items.exists()
        page = filer.get(here, {"invoice": keyed["invoice_no"]})
        assert page.status_code == 200
        part = {"invoice": keyed["invoice_no"], "net_amount": "600.00"}
        part |= {name: keyed[name] for name in ("period_from", "period_to")}
        answer = filer.post(here, part)
        assert answer.status_code == 302, answer.content.decode()
        assert claim.items.get().net_amount == Decimal("600.00")
        assert Invoice.objects.count() == 1


def test_the_certificate_is_a_pdf_and_its_code_verifies_the_voucher(filer, cast, voucher, client):
    answer = filer.get(reverse("portal:certificate", args=[voucher.voucher_no]))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert "attachment" in answer["Content-Disposition"]
    client.logout()
    right = {"voucher_no": voucher.voucher_no, "code": voucher.verification_code}
    page = client.get(reverse("public:verify"), right)
    assert cast.alpha.name in page.text
    page = client.get(reverse("public:verify"), right | {"code": "WRONGCODE2"})
    assert page.status_code == 404
    assert cast.alpha.name not in page.text
