"""发票: what is filed is checked, once a party, and a use elsewhere is told to each as far as they may know."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from applications.actions.bank_transfers import record_bank_transfer
from applications.actions.invoice_findings import invoice_findings
from applications.actions.invoice_uses import MOST_LOOKUPS, already_claimed, used_net
from applications.actions.invoices import keyed, record_invoice
from applications.actions.papers import receive_paper
from applications.einvoice import read_einvoice
from applications.einvoice.sample import compute_line, invoice_number, sample_xml
from applications.models import BasisItem, Claim, Invoice, Lease
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow, Problems, TooMany
from vouchers.models import Voucher


@pytest.fixture
def lease(cast) -> Lease:
    return Lease.objects.create(
        lease_no="L-2025-00000001", lessee=cast.alpha, lessor=cast.provider, program_code="BJ-AIQ",
        program_region_code="110000", region_code="110000", signed_on=date(2025, 1, 10), starts_on=date(2025, 1, 15),
        ends_before=date(2026, 1, 15), amount=Decimal("15000000.00"),
    )  # fmt: skip


@pytest.fixture
def xml(cast):
    def xml(**changes) -> bytes:
        fields = {
            "invoice_no": invoice_number(date(2025, 6, 30), cast.provider.uscc, 77),
            "issued_on": date(2025, 6, 30),
            "seller_uscc": cast.provider.uscc,
            "seller_name": cast.provider.name,
            "buyer_uscc": cast.alpha.uscc,
            "buyer_name": cast.alpha.name,
            "lines": [compute_line(Decimal("1000000.00"), quantity=Decimal(40000))],
        } | changes
        return sample_xml(**fields)

    return xml


@pytest.fixture
def record(cast, lease):
    def record(content: bytes, **changes) -> Invoice:
        fields = {"owner": cast.alpha, "lease": lease, "by": cast.filer} | changes
        return record_invoice(read_einvoice(io.BytesIO(content)), **fields)

    return record


def codes(refusal) -> list[str]:
    return [problem.code for problem in refusal.value.problems]


def test_an_einvoice_is_filed_with_its_lines_and_its_paper(record, xml, cast, lease):
    paper = receive_paper(
        SimpleUploadedFile("发票.xml", xml()), kind="invoice", subject_kind="lease", subject_no=lease.lease_no,
        owner=cast.alpha, region_code="110000", by=cast.filer,
    )  # fmt: skip
    invoice = record(xml(), paper=paper, period_from=date(2025, 6, 1), period_to=date(2025, 7, 1))
    assert invoice.number_key == "25110000000000000077"
    assert invoice.gross_amount == Decimal("1060000.00")
    assert invoice.file_sha256 == paper.sha256
    assert invoice.program_region_code == "110000"
    (line,) = invoice.lines.all()
    assert (line.quantity, line.unit_price, line.tax_rate) == (40000, 25, Decimal("0.06"))
    assert all(finding.result == "met" for finding in invoice_findings(invoice))


def test_the_same_invoice_filed_again_is_the_same_row(record, xml):
    assert record(xml()).pk == record(xml()).pk
    assert Invoice.objects.count() == 1


def test_the_same_number_with_other_contents_is_refused(record, xml):
    record(xml())
    with pytest.raises(NotNow) as refusal:
        record(xml(lines=[compute_line(Decimal("2000000.00"))]))
    assert refusal.value.code == "invoice.already_filed"
    assert "1,060,000.00" in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tax_amount": Decimal("-1.00")}, ["invoice.not_positive"]),
        ({"invoice_no": "2511000000000000007"}, ["invoice.no_length"]),
        ({"issued_on": date(2025, 7, 16)}, ["invoice.future"]),
        ({"lines": [compute_line(Decimal("-1.00"))]}, ["invoice.red"]),
        ({"red_of": "25110000000000000001"}, ["invoice.red"]),
        ({"buyer_uscc": "9111"}, ["invoice.uscc"]),
        ({"buyer_name": ""}, ["invoice.missing"]),
        ({"invoice_no": "2511 0000 0000 0000 0077".replace(" ", "   " * 3)}, ["invoice.too_long"]),
    ],
)
def test_a_wrong_invoice_is_refused_with_its_reason_and_nothing_is_written(record, xml, changes, expected):
    with pytest.raises(Problems) as refusal:
        record(xml(**changes))
    assert codes(refusal) == expected
    assert not Invoice.objects.exists()


def test_an_invoice_that_does_not_add_up_is_refused_with_the_sum(record, xml):
    with pytest.raises(Problems) as refusal:
        record(xml().replace(b">1060000.00</TotalTax-", b">1060000.01</TotalTax-"))
    assert codes(refusal) == ["invoice.arithmetic"]
    assert "1,060,000.00" in str(refusal.value) and "1,060,000.01" in str(refusal.value)


def test_lines_that_were_tampered_with_are_noticed(record, xml):
    with pytest.raises(Problems) as refusal:
        record(xml().replace(b"<Amount>1000000.00", b"<Amount>900000.00"))
    assert codes(refusal) == ["invoice.lines"]


def test_what_is_keyed_completes_a_pdf_but_never_overrules_what_was_signed(xml):
    read = read_einvoice(io.BytesIO(xml()))
    assert keyed({"net_amount": "1.00", "buyer_name": "改"}, read) == read
    typed = keyed(
        {"invoice_no": "2511 0000 0000 0000 0077", "net_amount": "1,000.00", "issued_on": "2025-06-30"}
    )
    assert (typed.net_amount, typed.issued_on, typed.complete) == (
        Decimal("1000.00"),
        date(2025, 6, 30),
        False,
    )
    with pytest.raises(Problems) as refusal:
        keyed({"net_amount": "一千元", "issued_on": "昨天"})
    assert codes(refusal) == ["invoice.date", "invoice.amount"]


def test_only_the_owners_filer_files_and_only_under_its_own_lease(record, xml, cast):
    for person in (cast.other_filer, cast.handler, cast.stranger):
        with pytest.raises(Forbidden):
            record(xml(), by=person)
    with pytest.raises(Forbidden) as refusal:
        record(xml(), owner=cast.beta, by=cast.other_filer)
    assert refusal.value.code == "invoice.lease_not_yours"


def test_other_parties_and_early_dates_are_findings_with_their_facts(record, xml, cast):
    invoice = record(
        xml(
            seller_uscc=cast.beta.uscc,
            seller_name=cast.beta.name,
            issued_on=date(2025, 1, 9),
            invoice_no="24110000000000000078",
        )
    )
    found = {finding.code: finding for finding in invoice_findings(invoice)}
    assert {code for code, finding in found.items() if finding.result == "not_met"} == {
        "invoice.number",
        "invoice.seller",
        "invoice.issued",
    }
    assert found["invoice.period"].result == "not_testable"
    assert cast.beta.uscc in found["invoice.seller"].fact and found["invoice.seller"].cure


@pytest.fixture
def use(cast):
    """Rest a live claim of an enterprise in a region on an invoice number."""

    def use(key: str, enterprise, region: str, net: str, number: str) -> BasisItem:
        from vouchers.actions.history import import_rows

        import_rows(
            Voucher,
            ("voucher_no", "application_no", "enterprise_id", "face_value", "issued_on", "expires_on", "state",
             "account_id", "verification_code"),
            [(f"V-{number}", "", enterprise.pk, "1000000.00", "2025-01-01", "2026-01-01", "frozen",
              f"00000000-0000-0000-0000-{int(number):012d}", "")],
        )  # fmt: skip
        claim = Claim.objects.create(
            claim_no=f"C-{number}", voucher=Voucher.objects.get(voucher_no=f"V-{number}"), program_code=f"P-{region}",
            program_region_code=region, enterprise=enterprise, submitted_at="2025-03-01T10:00:00+08:00",
        )  # fmt: skip
        item = BasisItem.objects.create(
            claim=claim, kind="invoice_line", number_key=key, net_amount=Decimal(net)
        )
        Claim.objects.filter(pk=claim.pk).update(state="submitted")
        return item

    return use


KEY = "25110000000000000077"


def test_staff_see_program_date_and_amount_of_a_use_in_another_region(use, cast):
    use(KEY, cast.beta, "440300", "400000.00", "1")
    told = already_claimed(KEY, viewer=cast.handler)
    assert told.used_net == Decimal("400000.00")
    assert told.sentence == "该发票已在 1 笔兑付中使用：P-440300 2025-03-01 400,000.00 元。"
    assert told.uses[0].claim_no == ""
    assert already_claimed(KEY, viewer=cast.other_handler).uses[0].claim_no == "C-1"


def test_an_enterprise_learns_only_that_there_is_a_use(use, cast):
    use(KEY, cast.beta, "440300", "400000.00", "1")
    told = already_claimed(KEY, viewer=cast.filer)
    assert (told.sentence, told.uses, told.used_net) == ("该发票已在其他兑付中使用。", (), None)


def test_an_enterprise_sees_its_own_uses(use, cast):
    use(KEY, cast.alpha, "110000", "400000.00", "1")
    told = already_claimed(KEY, viewer=cast.filer)
    assert "C-1" in told.sentence and told.used_net == Decimal("400000.00")


def test_claims_that_ended_do_not_count(use, cast):
    item = use(KEY, cast.alpha, "110000", "400000.00", "1")
    Claim.objects.filter(pk=item.claim_id).update(state="withdrawn")
    assert already_claimed(KEY, viewer=cast.handler) is None
    assert used_net(KEY) == 0


def test_too_many_questions_are_turned_away(use, cast):
    for _ in range(MOST_LOOKUPS):
        already_claimed(KEY, viewer=cast.filer)
    with pytest.raises(TooMany) as refusal:
        already_claimed(KEY, viewer=cast.filer)
    assert refusal.value.code == "invoice.too_many_lookups"


def test_the_same_file_sent_twice_at_once_is_one_invoice(committed_db, cast, record, xml):
    content, barrier = xml(), threading.Barrier(4)

    def send(_number: int) -> int:
        try:
            with dates.fixed(date(2025, 7, 15)):
                barrier.wait(timeout=30)
                with acting(cast.filer, "test"):
                    return record(content).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    assert Invoice.objects.count() == 1


def test_the_same_transfer_sent_twice_at_once_is_one(committed_db, cast):
    barrier = threading.Barrier(4)

    def send(_number: int) -> int:
        try:
            with dates.fixed(date(2025, 7, 15)):
                barrier.wait(timeout=30)
                with acting(cast.filer, "test"):
                    return record_bank_transfer(
                        bank_ref="ICBC 2025 0001",
                        paid_on=date(2025, 7, 1),
                        amount=Decimal("100.00"),
                        payer=cast.alpha,
                        payee=cast.provider,
                        by=cast.filer,
                    ).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
