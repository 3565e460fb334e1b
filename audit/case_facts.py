"""What is known of the parties and contracts of one case: plain rows, for its drawings and its file (``audit.case_reading``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class PartyKnown:
    """A company of the case as its register has it. ``recorded_on``: when this office took it in."""

    uscc: str
    name: str
    legal_rep: str = ""
    legal_rep_id: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    recorded_on: date | None = None


@dataclass(frozen=True)
class LeaseKnown:
    """A contract. ``ends_before`` is not in it. ``within``: one of the case's own, not only one that shares its devices."""

    lease_no: str
    lessee: str  # USCC
    lessor: str
    signed_on: date
    starts_on: date
    ends_before: date
    amount: Decimal
    program_code: str = ""
    unit: str = ""
    unit_price: Decimal | None = None
    cards: int | None = None
    accelerator: str = ""
    exclusive: bool = False
    document_sha256: str = ""
    within: bool = True


@dataclass(frozen=True)
class AccountKnown:
    """A bank account of a party, by the entry of the register that names it."""

    entry_no: str
    uscc: str
    account_no: str
    recorded_on: date | None = None


@dataclass(frozen=True)
class HoldingKnown:
    """A holding, 0–100 per cent, half-open in time."""

    entry_no: str
    company: str
    holder_id: str
    holder_name: str
    holder_is_company: bool
    percent: Decimal
    since: date
    until: date | None = None


@dataclass(frozen=True)
class DeclaredKnown:
    """A relation that a party declared itself."""

    entry_no: str
    one: str
    other: str
    relation: str
    on: date


@dataclass(frozen=True)
class TransferKnown:
    """A bank transfer between two parties of the case."""

    bank_ref: str
    payer: str
    payee: str
    on: date
    amount: Decimal


@dataclass(frozen=True)
class SalesKnown:
    """All invoices of one party to another, both of the case: how many, of which sum, the first of them."""

    seller: str
    buyer: str
    count: int
    net_amount: Decimal
    first_no: str
    first_on: date
    last_on: date


@dataclass(frozen=True)
class FilingKnown:
    """A claim that was filed from a device."""

    uscc: str
    device: str
    claim_no: str
    on: date


@dataclass(frozen=True)
class LetKnown:
    """The time of a device under a contract, half-open; already ended where another took its place. Of another region's
    contract ``lease_no`` and ``lessee_name`` are empty. ``place`` and ``who`` tell contracts and lessees apart, and are never shown.
    """

    serial: str
    place: int
    who: int
    lease_no: str
    lessee_name: str
    since: date
    until: date
    share: Decimal
    exclusive: bool
    program_code: str = ""
    within: bool = True


@dataclass(frozen=True)
class PriceKnown:
    """The last check of a contract's price, in yuan a card hour without tax; ``groups``: how many suppliers it rests on."""

    check_no: str
    lease_no: str
    as_of: date
    price: Decimal | None
    lower: Decimal | None
    base: Decimal | None
    upper: Decimal | None
    recognised: Decimal | None
    grade: str
    groups: int | None
    cell: str
    position: str
    position_label: str
    consequence: str
    consequence_label: str
    sentence: str


@dataclass(frozen=True)
class MeteredKnown:
    """Card hours of a contract in a month by one source, and on how many days."""

    lease_no: str
    month: date
    source: str
    hours: Decimal
    days: int


@dataclass(frozen=True)
class BilledKnown:
    """A normal invoice of a contract. ``hours``: the card hours that its lines state; None when they state none."""

    lease_no: str
    invoice_no: str
    issued_on: date
    period_from: date | None
    period_to: date | None
    net_amount: Decimal
    hours: Decimal | None


@dataclass(frozen=True)
class CaseFacts:
    """All of it. ``spread``: (kind, value) → how many parties of the whole register have it, for what two of the case share."""

    parties: dict[str, PartyKnown] = field(default_factory=dict)
    leases: dict[str, LeaseKnown] = field(default_factory=dict)
    accounts: tuple[AccountKnown, ...] = ()
    holdings: tuple[HoldingKnown, ...] = ()
    declared: tuple[DeclaredKnown, ...] = ()
    transfers: tuple[TransferKnown, ...] = ()
    sales: tuple[SalesKnown, ...] = ()
    filings: tuple[FilingKnown, ...] = ()
    lets: tuple[LetKnown, ...] = ()
    prices: dict[str, PriceKnown] = field(default_factory=dict)
    metered: tuple[MeteredKnown, ...] = ()
    billed: tuple[BilledKnown, ...] = ()
    spread: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def own_leases(self) -> list[LeaseKnown]:
        """The case's own contracts in order."""
        return [self.leases[no] for no in sorted(self.leases) if self.leases[no].within]


def attributes(party: PartyKnown) -> dict[str, str]:
    """What parties may share, as it is compared: kind → value, empty ones left out."""
    values = {
        "legal_rep": party.legal_rep_id,
        "phone": party.phone,
        "email": party.email.lower(),
        "address": "".join(party.address.split()),
    }
    return {kind: value for kind, value in values.items() if value}
