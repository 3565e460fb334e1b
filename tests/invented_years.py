"""Past years that never were, in the bulk format, with labels: honest business, look-alikes, and frauds of many kinds.

Everything is drawn from a seed. ``kinds`` says which frauds there are; together they touch ``prevalence`` of the claims. The labels
have the columns of the sample's: claim_no, is_fraud, typology, ring_id, lookalike, hard_expected.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

DAY = timedelta(days=1)
CHIPS = ("H800", "H20", "A800-80GB", "Ascend 910B", "RTX 4090")
PRICES = {"H800": 19, "H20": 8, "A800-80GB": 9, "Ascend 910B": 10, "RTX 4090": 2}
PROGRAMS = (
    ("BJ-AIQ", "110000", "11"),
    ("SH-ZLBT", "310000", "31"),
    ("GZ-SLQ", "520000", "52"),
    ("CD-SLQ", "510100", "51"),
)
Row = dict[str, Any]


@dataclass
class Case:
    """One lease with what hangs on it; a claim for each invoice."""

    lease: Row
    invoices: list[Row]
    payments: list[Row]
    claims: list[Row]


@dataclass
class Year:
    """The files as rows, and the labels."""

    seed: int
    claims: int = 1200
    prevalence: float = 0.02
    files: dict[str, list[Row]] = field(default_factory=dict)
    labels: dict[str, Row] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.count = 0
        self.cases: list[Case] = []
        self.by_code: dict[str, Row] = {}
        self.devices_of: dict[str, list[Row]] = {}
        self.files = {name: [] for name in COLUMNS}

    def next(self) -> int:
        self.count += 1
        return self.count

    def add(self, file: str, **row: Any) -> Row:
        self.files[file].append(row)
        return row

    # Who there is

    def party(self, roles: str, region: str, **more: Any) -> Row:
        n = self.next()
        made = self.add(
            "parties",
            **{
                "uscc": f"9{self.seed % 10}{region}{n:010d}", "name": f"第{n}号{'算力' if roles == 'provider' else '科技'}有限公司", "roles": roles,
                "region_code": region, "registered_on": date(2012, 1, 1) + self.draw.randrange(4000) * DAY, "ownership": "private",
                "size": self.draw.choice(("micro", "small", "medium")), "industry_code": "6513", "registered_capital": "1000000.00",
                "legal_rep_name": f"人{n}", "legal_rep_id": f"{self.seed:08x}{n:056x}", "address": f"科技路{n}号{n % 30 + 1}室",
                "phone": f"139{n:08d}", "email": f"office{n}@firm{n}.example", "bank_account": f"6222{self.seed:04d}{n:08d}",
                "status": "active",
            } | more,
        )  # fmt: skip
        self.by_code[made["uscc"]] = made
        return made

    def people(self) -> None:
        self.regions = {code: (region, province) for code, region, province in PROGRAMS}
        self.providers = []
        for _ in range(max(6, self.claims // 60)):
            _code, region, _province = self.draw.choice(PROGRAMS)
            one = self.party("provider", region)
            self.providers.append(one)
            for chip in CHIPS:
                self.add(
                    "capacity",
                    provider_uscc=one["uscc"],
                    accelerator=chip,
                    cards=5000,
                    from_on=date(2023, 1, 1),
                    to_on="",
                    site="一号",
                )
            self.holder(one)
        self.enterprises = []
        for _ in range(max(20, self.claims // 4)):
            one = self.party("enterprise", self.draw.choice(PROGRAMS)[1])
            self.enterprises.append(one)
            self.holder(one)
        # Book-keeping agents: one telephone for many clients, which links nobody.
        for one in self.enterprises[: len(self.enterprises) // 5]:
            one["phone"] = "13000000000"
        other = self.party("enterprise", "110000")
        self.add(
            "listings",
            uscc=other["uscc"],
            kind="serious_dishonesty",
            from_on=date(2020, 1, 1),
            to_on="",
            document_no="信〔2020〕1号",
            reason="失信",
        )

        self.add(
            "declared_affiliations",
            uscc=other["uscc"],
            other_uscc=self.enterprises[-1]["uscc"],
            relation="agent",
            declared_on=date(2024, 2, 1),
        )

    def holder(self, one: Row, **more: Any) -> None:
        self.add(
            "shareholdings",
            **{
                "company_uscc": one["uscc"], "holder_kind": "person", "holder_id": one["legal_rep_id"], "holder_name": one["legal_rep_name"],
                "percent": "70.00", "from_on": one["registered_on"], "to_on": "",
            } | more,
        )  # fmt: skip

    # What is honest

    def case(
        self,
        *,
        months: int = 0,
        lessee: Row | None = None,
        lessor: Row | None = None,
        program: str = "",
        **more: Any,
    ) -> Case:
        draw, n = self.draw, self.next()
        lessee, lessor = lessee or draw.choice(self.enterprises), lessor or draw.choice(self.providers)
        code = program or draw.choice(PROGRAMS)[0]
        months = months or draw.choice((2, 3, 3, 4, 6))
        signed = more.pop("signed_on", None) or date(2025, 1, 6) + draw.randrange(150) * DAY
        starts = more.pop("starts_on", None) or signed + draw.randrange(1, 10) * DAY
        ends = starts + months * 30 * DAY - DAY
        chip = draw.choice(CHIPS)
        cards = draw.choice((2, 4, 8, 8, 16))
        price = (Decimal(PRICES[chip]) * (Decimal(draw.randrange(92, 109)) / 100)).quantize(Decimal("0.01"))
        quantity = cards * 24 * 30 * months
        amount = price * quantity
        lease = self.add(
            "leases",
            **{
                "lease_no": f"L-2025-{self.seed % 100:02d}{n:06d}", "lessee_uscc": lessee["uscc"], "lessor_uscc": lessor["uscc"],
                "program_code": code, "region_code": self.regions[code][0], "signed_on": signed, "starts_on": starts, "ends_on": ends,
                "accelerator": chip, "form_factor": "SXM", "cards": cards, "unit": "card_hour", "quantity": quantity,
                "unit_price": price, "vat_rate": "0.06", "amount": amount, "purpose": "training", "exclusive": "true",
                "document_sha256": f"{self.seed:08x}{n:056x}", "document": "",
            } | more,
        )  # fmt: skip
        for _ in range(cards):
            serial = f"NVX{self.seed % 100:02d}{self.next():08d}"
            self.add(
                "devices",
                serial=serial,
                provider_uscc=lessor["uscc"],
                accelerator=chip,
                site="一号",
                in_service_on=date(2023, 6, 1),
                retired_on="",
                replaces_serial="",
            )
            let = self.add(
                "lease_devices",
                lease_no=lease["lease_no"],
                serial=serial,
                from_on=starts,
                to_on=ends,
                share="1",
            )
            self.devices_of.setdefault(lease["lease_no"], []).append(let)
        if draw.random() < 0.3:
            for day in range(months * 30):
                at = starts + day * DAY
                busy = draw.uniform(0.5, 0.9) * (0.8 if at.weekday() > 4 else 1)
                self.meter(lease, at, Decimal(str(round(cards * 24 * busy, 4))))
        made = Case(lease, [], [], [])
        invoices = 1 if months < 3 else 2
        for k in range(invoices):
            net = (amount / invoices).quantize(Decimal("0.01"))
            self.bill(made, lessee, lessor, net, starts + (k + 1) * months * 30 // invoices * DAY)
        self.cases.append(made)
        return made

    def meter(self, lease: Row, day: date, hours: Decimal) -> None:
        self.add("metering", lease_no=lease["lease_no"], day=day, card_hours=hours, source="platform")

    def number(self, lessor: Row, issued: date) -> str:
        return (
            f"{issued:%y}{lessor['region_code'][:2]}2{self.seed % 1000:03d}{self.draw.randrange(10**12):012d}"
        )

    def bill(
        self, case: Case, lessee: Row, lessor: Row, net: Decimal, issued: date, *, claimed: bool = True
    ) -> Row:
        n = self.next()
        tax = (net * Decimal("0.06")).quantize(Decimal("0.01"))
        invoice = self.add(
            "invoices", invoice_code="", invoice_no=self.number(lessor, issued), kind="digital_special", status="normal",
            status_changed_on="", red_of="", issued_on=issued, seller_uscc=lessor["uscc"], seller_name=lessor["name"],
            buyer_uscc=lessee["uscc"], buyer_name=lessee["name"], net_amount=net, tax_amount=tax, gross_amount=net + tax,
            lease_no=case.lease["lease_no"], period_from="", period_to="", file_sha256="",
        )  # fmt: skip
        payment = self.add(
            "payments", bank_ref=f"B{self.seed % 100:02d}{n:012d}", payer_uscc=lessee["uscc"], payer_account=lessee["bank_account"],
            payee_uscc=lessor["uscc"], payee_account=lessor["bank_account"], paid_on=issued + 5 * DAY, amount=net + tax, receipt_sha256="",
        )  # fmt: skip
        case.invoices.append(invoice)
        case.payments.append(payment)
        if claimed:
            self.claim(case, lessee, [(invoice, net, payment)])
        return invoice

    def claim(self, case: Case, lessee: Row, uses: list[tuple[Row, Decimal, Row]], program: str = "") -> Row:
        n = self.next()
        code = program or case.lease["program_code"]
        total = sum((net for _i, net, _p in uses), Decimal(0))
        filed = max(invoice["issued_on"] for invoice, _n, _p in uses) + self.draw.randrange(8, 30) * DAY
        decided = filed + self.draw.randrange(6, 20) * DAY
        device = f"dev{lessee['uscc']}"
        self.add(
            "applications",
            application_no=f"A-2025-{n:08d}",
            program_code=code,
            enterprise_uscc=lessee["uscc"],
            submitted_at=f"{filed - 7 * DAY}T10:00:00+08:00",
            requested_amount=total,
            filer_phone=lessee["phone"],
            filer_ip="",
            filer_device=device,
        )
        self.add(
            "vouchers",
            voucher_no=f"V-2025-{n:08d}",
            application_no=f"A-2025-{n:08d}",
            program_code=code,
            enterprise_uscc=lessee["uscc"],
            face_value=total,
            issued_on=filed - 3 * DAY,
            expires_on=filed + 365 * DAY,
        )
        claim = self.add(
            "claims", claim_no=f"C-2025-{n:08d}", voucher_no=f"V-2025-{n:08d}", lease_no=case.lease["lease_no"],
            submitted_at=f"{filed}T{self.draw.randrange(9, 17):02d}:{self.draw.randrange(60):02d}:00+08:00",
            claimed_amount=(total / 5).quantize(Decimal("0.01")), filer_ip="", filer_device=device, status="paid",
            decided_at=f"{decided}T15:00:00+08:00", reviewer=f"R{self.draw.randrange(12):03d}", paid_on=decided + 5 * DAY,
        )  # fmt: skip
        for invoice, net, payment in uses:
            self.add(
                "claim_invoices",
                claim_no=claim["claim_no"],
                invoice_code="",
                invoice_no=invoice["invoice_no"],
                claimed_net=net,
                bank_ref=payment["bank_ref"],
            )
        case.claims.append(claim)
        self.labels[claim["claim_no"]] = {
            "claim_no": claim["claim_no"],
            "is_fraud": 0,
            "typology": "",
            "ring_id": "",
            "lookalike": "",
            "hard_expected": "",
        }
        return claim

    def mark(self, ring: int, kind: str, claims: list[Row], hard: str = "") -> None:
        for claim in claims:
            self.labels[claim["claim_no"]] |= {
                "is_fraud": 1,
                "typology": kind,
                "ring_id": f"G{ring:05d}",
                "hard_expected": hard,
            }

    def honest(self, kind: str, claims: list[Row]) -> None:
        for claim in claims:
            self.labels[claim["claim_no"]]["lookalike"] = kind

    def party_of(self, uscc: str) -> Row:
        return self.by_code[uscc]


# Frauds: each plants one ring -----------------------------------------------------------------------------------------


def invoice_twice(year: Year, ring: int) -> None:
    case = year.case()
    lessee = year.party_of(case.lease["lessee_uscc"])
    again = year.claim(case, lessee, [(case.invoices[0], case.invoices[0]["net_amount"], case.payments[0])])
    late = max((case.claims[0], again), key=lambda claim: claim["submitted_at"])
    year.mark(ring, "invoice_twice", [late], "F01")


def other_seller(year: Year, ring: int) -> None:
    case = year.case()
    case.invoices[0]["seller_uscc"] = year.party(
        "enterprise", year.party_of(case.lease["lessor_uscc"])["region_code"]
    )["uscc"]
    year.mark(ring, "other_seller", case.claims[:1], "F03")


def billed_before(year: Year, ring: int) -> None:
    case = year.case()
    for invoice in case.invoices[:1]:
        invoice["issued_on"] = case.lease["signed_on"] - 20 * DAY
    year.mark(ring, "billed_before", case.claims[:1], "F04")


def device_twice(year: Year, ring: int) -> None:
    first = year.case(months=4)
    provider = year.party_of(first.lease["lessor_uscc"])
    second = year.case(months=4, lessor=provider, signed_on=first.lease["signed_on"] + 3 * DAY)
    mine = [d for d in year.files["lease_devices"] if d["lease_no"] == first.lease["lease_no"]]
    theirs = [d for d in year.files["lease_devices"] if d["lease_no"] == second.lease["lease_no"]]
    for a, b in zip(mine, theirs, strict=False):
        b["serial"] = a["serial"]
    year.mark(ring, "device_twice", first.claims + second.claims, "F17")


def never_used(year: Year, ring: int) -> None:
    case = year.case(months=3)
    year.files["metering"] = [m for m in year.files["metering"] if m["lease_no"] != case.lease["lease_no"]]
    for day in range(90):
        year.meter(case.lease, case.lease["starts_on"] + day * DAY, Decimal(0))
    year.mark(ring, "never_used", case.claims, "F19")


def same_controller(year: Year, ring: int) -> None:
    """The lessor is held through a company of the lessee's own representative."""
    lessee = year.draw.choice(year.enterprises)
    between = year.party("enterprise", "110000")
    lessor = year.party("provider", "110000")
    year.holder(between, holder_id=lessee["legal_rep_id"], percent="80.00")
    year.holder(
        lessor, holder_kind="company", holder_id=between["uscc"], holder_name=between["name"], percent="60.00"
    )
    year.add(
        "capacity",
        provider_uscc=lessor["uscc"],
        accelerator="H800",
        cards=500,
        from_on=date(2023, 1, 1),
        to_on="",
        site="一号",
    )
    case = year.case(lessee=lessee, lessor=lessor)
    year.mark(ring, "same_controller", case.claims, "F24")


def shared_desk(year: Year, ring: int) -> None:
    """The lessor's telephone, post box and room are the lessee's."""
    lessee = year.draw.choice(year.enterprises[len(year.enterprises) // 3 :])
    lessor = year.party(
        "provider",
        lessee["region_code"],
        phone=lessee["phone"],
        email=lessee["email"],
        address=lessee["address"],
    )
    year.holder(lessor)
    year.mark(ring, "shared_desk", year.case(lessee=lessee, lessor=lessor).claims)


def listed(year: Year, ring: int) -> None:
    case = year.case()
    year.add(
        "listings",
        uscc=case.lease["lessee_uscc"],
        kind="scheme_debarred",
        from_on=date(2024, 6, 1),
        to_on="",
        document_no="限〔2024〕9号",
        reason="骗补",
    )
    mine = [
        c
        for other in year.cases
        if other.lease["lessee_uscc"] == case.lease["lessee_uscc"]
        for c in other.claims
    ]
    year.mark(ring, "listed", mine, "F28")


def money_back(year: Year, ring: int) -> None:
    case = year.case()
    lessee, lessor = (year.party_of(case.lease[k]) for k in ("lessee_uscc", "lessor_uscc"))
    middle = year.party("enterprise", "440300")
    for payment in case.payments:
        amount, at = payment["amount"], payment["paid_on"]
        for payer, payee, days in ((lessor, middle, 4), (middle, lessee, 9)):
            amount = (amount * Decimal("0.97")).quantize(Decimal("0.01"))
            year.add(
                "payments",
                bank_ref=f"X{year.seed % 100:02d}{year.next():012d}",
                payer_uscc=payer["uscc"],
                payer_account=payer["bank_account"],
                payee_uscc=payee["uscc"],
                payee_account=payee["bank_account"],
                paid_on=at + days * DAY,
                amount=amount,
                receipt_sha256="",
            )
    year.mark(ring, "money_back", case.claims)


def copied_use(year: Year, ring: int) -> None:
    """Two lessees' use is one curve, shifted, with many days alike."""
    first, second = year.case(months=3), year.case(months=3)
    leases = {first.lease["lease_no"], second.lease["lease_no"]}
    year.files["metering"] = [m for m in year.files["metering"] if m["lease_no"] not in leases]
    curve = [
        Decimal(str(round(year.draw.uniform(60, 90), 4))) if k % 3 else Decimal("77.1234") for k in range(90)
    ]
    for k, hours in enumerate(curve):
        for case in (first, second):
            year.meter(case.lease, case.lease["starts_on"] + k * DAY, hours)
    year.mark(ring, "copied_use", first.claims + second.claims)


def receipt_again(year: Year, ring: int) -> None:
    first = year.case()
    lessee, lessor = (year.party_of(first.lease[k]) for k in ("lessee_uscc", "lessor_uscc"))
    second = year.case(lessee=lessee, lessor=lessor)
    uses = [u for u in year.files["claim_invoices"] if u["claim_no"] == second.claims[-1]["claim_no"]]
    for use in uses:
        use["bank_ref"] = first.payments[0]["bank_ref"]
    both = {first.claims[0]["claim_no"]: first.claims[0], second.claims[-1]["claim_no"]: second.claims[-1]}
    late = max(both.values(), key=lambda c: c["submitted_at"])
    year.mark(ring, "receipt_again", [late], "F27")


KINDS: dict[str, Callable[[Year, int], None]] = {
    made.__name__: made
    for made in (
        invoice_twice, other_seller, billed_before, device_twice, never_used, same_controller, shared_desk, listed, money_back,
        copied_use, receipt_again,
    )
}  # fmt: skip


# Look-alikes: honest, and near a rule ---------------------------------------------------------------------------------


def invoice_in_parts(year: Year) -> list[Row]:
    case = year.case(months=2)
    (use,) = [u for u in year.files["claim_invoices"] if u["claim_no"] == case.claims[0]["claim_no"]]
    half = (case.invoices[0]["net_amount"] / 2).quantize(Decimal("0.01"))
    use["claimed_net"] = half
    return [
        case.claims[0],
        year.claim(
            case, year.party_of(case.lease["lessee_uscc"]), [(case.invoices[0], half - 1, case.payments[0])]
        ),
    ]


def handover_day(year: Year) -> list[Row]:
    first = year.case(months=2)
    provider = year.party_of(first.lease["lessor_uscc"])
    second = year.case(
        months=2,
        lessor=provider,
        signed_on=first.lease["ends_on"] - 5 * DAY,
        starts_on=first.lease["ends_on"],
    )
    mine = [d for d in year.files["lease_devices"] if d["lease_no"] == first.lease["lease_no"]]
    theirs = [d for d in year.files["lease_devices"] if d["lease_no"] == second.lease["lease_no"]]
    for a, b in zip(mine, theirs, strict=False):
        b["serial"] = a["serial"]
    return first.claims + second.claims


def former_listing(year: Year) -> list[Row]:
    lessee = year.party("enterprise", "310000")
    year.holder(lessee)
    year.add(
        "listings",
        uscc=lessee["uscc"],
        kind="serious_dishonesty",
        from_on=date(2021, 1, 1),
        to_on=date(2023, 12, 31),
        document_no="信〔2021〕3号",
        reason="已移出",
    )
    return year.case(lessee=lessee).claims


def idle_but_used(year: Year) -> list[Row]:
    case = year.case(months=3)
    year.files["metering"] = [m for m in year.files["metering"] if m["lease_no"] != case.lease["lease_no"]]
    for day in range(90):
        year.meter(
            case.lease, case.lease["starts_on"] + day * DAY, Decimal(str(round(year.draw.uniform(0.1, 3), 4)))
        )
    return case.claims


def sold_stake(year: Year) -> list[Row]:
    case = year.case()
    lessee, lessor = (year.party_of(case.lease[k]) for k in ("lessee_uscc", "lessor_uscc"))
    year.holder(
        lessor,
        holder_id=lessee["legal_rep_id"],
        percent="40.00",
        from_on=date(2020, 1, 1),
        to_on=date(2024, 6, 30),
    )
    return case.claims


LOOKALIKES = {
    made.__name__: made
    for made in (invoice_in_parts, handover_day, former_listing, idle_but_used, sold_stake)
}

COLUMNS = (
    "parties", "shareholdings", "declared_affiliations", "capacity", "devices", "listings", "leases", "lease_devices", "metering", "invoices", "payments",
    "applications", "vouchers", "claims", "claim_invoices",
)  # fmt: skip


def invent(
    seed: int, *, claims: int = 1200, prevalence: float = 0.02, kinds: tuple[str, ...] = tuple(KINDS)
) -> Year:
    """A year of about so many claims."""
    year = Year(seed, claims, prevalence)
    year.people()
    while len(year.labels) < claims * (1 - prevalence) * 0.94:
        year.case()
    for name, make in LOOKALIKES.items():
        for _ in range(max(2, claims // 250)):
            year.honest(name, make(year))
    ring = 0
    while sum(row["is_fraud"] for row in year.labels.values()) < claims * prevalence:
        KINDS[kinds[ring % len(kinds)]](year, ring)
        ring += 1
    # Whoever is on the list is so in what was drawn for a later ring as well.
    debarred = {row["uscc"] for row in year.files["listings"] if row["kind"] == "scheme_debarred"}
    for case in year.cases:
        if case.lease["lessee_uscc"] in debarred:
            year.mark(
                ring, "listed", [c for c in case.claims if not year.labels[c["claim_no"]]["is_fraud"]], "F28"
            )
    return year


def write(year: Year, folder: Path) -> Path:
    """The folder in the bulk format."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in year.files.items():
        if rows:
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    return folder
