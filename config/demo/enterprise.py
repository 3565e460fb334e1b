"""What enterprises do in the demonstration, at the portal's own pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache

from applications.einvoice.sample import compute_line, invoice_number, sample_xml
from config.demo.browser import Person, StepFailed
from vouchers.money import round_fen
from vouchers.policy.terms import BasisKind

_NUMBER = re.compile(r"([ASC]-\d{4}-\d{8})")
PDF = "application/pdf"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A contract as an enterprise types it in. Amounts in yuan without tax."""

    program: str
    lessor_uscc: str
    contract_no: str
    region_code: str = ""
    signed_on: date
    starts_on: date
    ends_on: date
    amount: Decimal
    kind: str = "compute_lease"
    product: str = ""
    unit_price: Decimal | None = None
    accelerator: str = "H800"
    form_factor: str = "SXM"
    cards: int = 128
    serials: tuple[str, ...] = ()
    exclusive: bool = False
    track: str = ""
    statements: dict[str, str] = field(default_factory=dict)

    def typed(self) -> dict[str, str | list[str]]:
        """What is typed into the form. Card-hours have four places."""
        typed: dict[str, str | list[str]] = {
            "kind": self.kind,
            "lessor_uscc": self.lessor_uscc,
            "contract_no": self.contract_no,
            "signed_on": self.signed_on.isoformat(),
            "starts_on": self.starts_on.isoformat(),
            "ends_on": self.ends_on.isoformat(),
            "amount": str(self.amount),
            "vat_rate": "0.06",
        }
        if self.product:
            typed["product"] = self.product
        if self.unit_price is not None:
            typed |= {
                "region_code": self.region_code,
                "accelerator": self.accelerator,
                "form_factor": self.form_factor,
                "cards": str(self.cards),
                "unit": "card_hour",
                "unit_price": str(self.unit_price),
                "quantity": str((self.amount / self.unit_price).quantize(Decimal("0.0001"))),
                "purpose": "training",
                "serials": "\n".join(self.serials),
            }
        if self.exclusive:
            typed["exclusive"] = "on"
        return typed


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project of the applicant's own: an investment, deployed compute, or what it settled on a platform. `about` is what the
    form of its kind asks for."""

    program: str
    kind: str
    about: dict[str, str]
    track: str = ""
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def contract_no(self) -> str:
        """What its papers are headed by."""
        return self.about.get("document_no") or self.about.get("name", "")

    def typed(self) -> dict[str, str | list[str]]:
        """What is typed into the form."""
        return {"kind": self.kind, **self.about}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that a claim rests on, as an enterprise files it: an e-invoice, or a document of another kind.

    ``net`` is yuan without tax (None where a scale is counted); ``typed`` what the form of that kind asks for besides.
    """

    kind: BasisKind
    reference: str
    issued_on: date
    net: Decimal | None = None
    period: tuple[date, date] | None = None
    seller: tuple[str, str] = ("", "")
    buyer: tuple[str, str] = ("", "")
    typed: dict[str, str] = field(default_factory=dict)

    @property
    def sequence(self) -> int:
        """The number at the end of its reference, which numbers invoice and transfer too."""
        return int(re.sub(r"\D", "", self.reference)[-6:])


@cache
def _paper(title: str) -> bytes:
    from applications.documents.rendering import render_pdf

    return render_pdf("documents/demo_paper.html", {"title": title})


def pdf(title: str, about: str = "") -> bytes:
    """A small real PDF to stand for a scanned paper. No two are the same file: what it is about stands after its end."""
    return _paper(title) + f"% {about}\n".encode()


def apply(person: Person, contract: Contract | Project) -> tuple[str, str]:
    """The guided application from the choice of the scheme to the submission; answers its number and the last page."""
    first = person.fill(
        "/portal/applications/new/?program=" + contract.program, {"program": contract.program}
    )
    number = _number(first.path)
    here = f"/portal/applications/{number}"
    if contract.track:
        person.fill(f"{here}/track/", {"track": contract.track})
    person.fill(f"{here}/contract/?kind={contract.kind}", contract.typed())
    page = person.look(f"{here}/statements/")
    asked = {name: value for name, value in contract.statements.items() if f'name="{name}"' in page}
    if asked:
        person.fill(f"{here}/statements/", asked)
    upload_papers(person, f"{here}/papers/", contract.contract_no)
    person.look(f"{here}/estimate/")
    last = person.fill(f"{here}/check/", {"statement_accepted": "on"})
    return number, last.text


def upload_papers(person: Person, address: str, about: str) -> None:
    """A file for every kind of paper that the page asks for."""
    page = person.look(address)
    kinds = sorted(
        set(re.findall(r'<input[^>]*type="file"[^>]*name="([a-z_]+)"', page))
        | set(re.findall(r'<input[^>]*name="([a-z_]+)"[^>]*type="file"', page))
    )
    if kinds:
        files = {kind: (f"{kind}.pdf", pdf(kind, f"{kind} {about}"), PDF) for kind in kinds}
        person.post(address, {}, files=files, page=page)


def claim(person: Person, voucher_no: str, items: Sequence[Item]) -> str:
    """A claim on a voucher for these items, with every paper that is asked for; answers its number."""
    page = person.get(f"/portal/vouchers/{voucher_no}/")
    started = person.post(f"/portal/vouchers/{voucher_no}/claim/", {}, page=page)
    number = _number(started.path)
    here = f"/portal/claims/{number}"
    for item in items:
        (_add_invoice if item.kind is BasisKind.INVOICE_LINE else _add_other)(person, here, item)
    upload_papers(person, f"{here}/papers/", number)
    page = person.look(f"{here}/check/")
    ticks = {"statement_accepted": "on"} if 'name="statement_accepted"' in page else {}
    person.post(f"{here}/check/", ticks, page=page)
    return number


def _add_invoice(person: Person, here: str, item: Item) -> None:
    """An e-invoice that was paid by one transfer."""
    assert item.net is not None
    xml = sample_xml(
        invoice_no=invoice_number(item.issued_on, item.seller[0], item.sequence),
        issued_on=item.issued_on,
        seller_uscc=item.seller[0],
        seller_name=item.seller[1],
        buyer_uscc=item.buyer[0],
        buyer_name=item.buyer[1],
        lines=[compute_line(item.net)],
    )
    address = f"{here}/items/invoice/"
    read = person.fill(address, {}, files={"file": ("invoice.xml", xml, "application/xml")})
    found = re.search(r"(F-\d{4}-\d{8})", read.text)
    if found is None:
        raise StepFailed("发票文件上传后，页面没有给出材料编号")
    person.fill(
        f"{address}?paper={found.group(1)}",
        {"net_amount": str(item.net), **_period(item), **_paid(item)},
        files={"proof": ("proof.pdf", pdf("银行付款凭证", item.reference), PDF)},
    )


def _add_other(person: Person, here: str, item: Item) -> None:
    """Another kind of basis, with its document; where money was paid for it, with its transfer."""
    address = f"{here}/items/other/?kind={item.kind.value}"
    typed = {"kind": item.kind.value, "reference": item.reference, **_period(item), **item.typed}
    files = {"document": ("document.pdf", pdf(item.kind.label, item.reference), PDF)}
    if item.net is not None:
        typed["net_amount"] = str(item.net)
    if item.kind in _PAID_FOR:
        typed |= _paid(item)
        files["proof"] = ("proof.pdf", pdf("银行付款凭证", item.reference), PDF)
    person.fill(address, typed, files=files)


_PAID_FOR = frozenset({BasisKind.CONTRACT_AMOUNT, BasisKind.DATA_PRODUCT_LINE, BasisKind.INVESTMENT_DOCUMENT})


def _period(item: Item) -> dict[str, str]:
    if item.period is None:
        return {}
    return {"period_from": item.period[0].isoformat(), "period_to": item.period[1].isoformat()}


def _paid(item: Item) -> dict[str, str]:
    assert item.net is not None
    return {
        "bank_ref": f"BK{item.sequence:012d}",
        "paid_on": item.issued_on.isoformat(),
        "paid_amount": str(item.net + round_fen(item.net * Decimal("0.06"))),
    }


def _number(path: str) -> str:
    found = _NUMBER.search(path)
    if found is None:
        raise StepFailed(f"没有得到编号：{path}")
    return found.group(1)
