"""What enterprises do in the demonstration, at the portal's own pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from applications.einvoice.sample import compute_line, invoice_number, sample_xml
from config.demo.browser import Person, StepFailed
from vouchers.money import round_fen

_NUMBER = re.compile(r"([ASC]-\d{4}-\d{8})")
PDF = "application/pdf"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A contract as an enterprise types it in. Amounts in yuan without tax."""

    program: str
    lessor_uscc: str
    contract_no: str
    region_code: str
    signed_on: date
    starts_on: date
    ends_on: date
    amount: Decimal
    unit_price: Decimal
    accelerator: str = "H800"
    form_factor: str = "SXM"
    cards: int = 128
    serials: tuple[str, ...] = ()
    exclusive: bool = False
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def quantity(self) -> Decimal:
        """Card-hours, four places."""
        return (self.amount / self.unit_price).quantize(Decimal("0.0001"))


def pdf(title: str) -> bytes:
    """A small real PDF to stand for a scanned paper."""
    from applications.documents.rendering import render_pdf

    return render_pdf("documents/demo_paper.html", {"title": title})


def apply(person: Person, contract: Contract) -> tuple[str, str]:
    """The guided application from the choice of the scheme to the submission; answers its number and the last page."""
    first = person.fill(
        "/portal/applications/new/?program=" + contract.program, {"program": contract.program}
    )
    number = _number(first.path)
    here = f"/portal/applications/{number}"
    typed: dict[str, str | list[str]] = {
        "kind": "compute_lease",
        "lessor_uscc": contract.lessor_uscc,
        "contract_no": contract.contract_no,
        "signed_on": contract.signed_on.isoformat(),
        "starts_on": contract.starts_on.isoformat(),
        "ends_on": contract.ends_on.isoformat(),
        "region_code": contract.region_code,
        "accelerator": contract.accelerator,
        "form_factor": contract.form_factor,
        "cards": str(contract.cards),
        "unit": "card_hour",
        "unit_price": str(contract.unit_price),
        "quantity": str(contract.quantity),
        "amount": str(contract.amount),
        "vat_rate": "0.06",
        "purpose": "training",
        "serials": "\n".join(contract.serials),
    }
    if contract.exclusive:
        typed["exclusive"] = "on"
    person.fill(f"{here}/contract/", typed)
    page = person.get(f"{here}/statements/")
    asked = {name: value for name, value in contract.statements.items() if f'name="{name}"' in page}
    if asked:
        person.fill(f"{here}/statements/", asked)
    upload_papers(person, f"{here}/papers/", contract.contract_no)
    person.get(f"{here}/estimate/")
    last = person.fill(f"{here}/check/", {"statement_accepted": "on"})
    return number, last.text


def upload_papers(person: Person, address: str, about: str) -> None:
    """A file for every kind of paper that the page asks for."""
    page = person.get(address)
    kinds = sorted(
        set(re.findall(r'<input[^>]*type="file"[^>]*name="([a-z_]+)"', page))
        | set(re.findall(r'<input[^>]*name="([a-z_]+)"[^>]*type="file"', page))
    )
    if kinds:
        files = {kind: (f"{kind}.pdf", pdf(f"{kind} · {about}"), PDF) for kind in kinds}
        person.post(address, {}, files=files, page=page)


def claim(
    person: Person,
    voucher_no: str,
    *,
    seller: tuple[str, str],
    buyer: tuple[str, str],
    net: Decimal,
    sequence: int,
    period: tuple[date, date],
    issued_on: date,
) -> str:
    """A claim on a voucher for one e-invoice that was paid by one transfer; answers its number."""
    page = person.get(f"/portal/vouchers/{voucher_no}/")
    started = person.post(f"/portal/vouchers/{voucher_no}/claim/", {}, page=page)
    number = _number(started.path)
    here = f"/portal/claims/{number}"
    xml = sample_xml(
        invoice_no=invoice_number(issued_on, seller[0], sequence),
        issued_on=issued_on,
        seller_uscc=seller[0],
        seller_name=seller[1],
        buyer_uscc=buyer[0],
        buyer_name=buyer[1],
        lines=[compute_line(net)],
    )
    address = f"{here}/items/invoice/"
    read = person.fill(address, {}, files={"file": ("invoice.xml", xml, "application/xml")})
    found = re.search(r"(F-\d{4}-\d{8})", read.text)
    if found is None:
        raise StepFailed("发票文件上传后，页面没有给出材料编号")
    person.fill(
        f"{address}?paper={found.group(1)}",
        {
            "net_amount": str(net),
            "period_from": period[0].isoformat(),
            "period_to": period[1].isoformat(),
            "bank_ref": f"BK{sequence:012d}",
            "paid_on": issued_on.isoformat(),
            "paid_amount": str(net + round_fen(net * Decimal("0.06"))),
        },
        files={"proof": ("proof.pdf", pdf(f"银行付款凭证 BK{sequence:012d}"), PDF)},
    )
    upload_papers(person, f"{here}/papers/", number)
    page = person.get(f"{here}/check/")
    ticks = {"statement_accepted": "on"} if 'name="statement_accepted"' in page else {}
    person.post(f"{here}/check/", ticks, page=page)
    return number


def _number(path: str) -> str:
    found = _NUMBER.search(path)
    if found is None:
        raise StepFailed(f"没有得到编号：{path}")
    return found.group(1)
