"""More years that never were: frauds that hide from the sample's form of each rule, and honest business that comes close to it.

``tests/invented_years.py`` makes the background and writes the folder; here are other kinds, among them ones in which each record by
itself is in order: rings with split invoices, short leases inside a long one, slices that add up, red letters for a part, money that
comes back in parts to a holder, firms that rise again. ``hard_expected`` names the hard flag where the fact is deterministic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

from tests import invented_years
from tests.invented_years import DAY, Case, Row, Year

FEN = Decimal("0.01")


def _sides(year: Year, case: Case) -> tuple[Row, Row]:
    return year.party_of(case.lease["lessee_uscc"]), year.party_of(case.lease["lessor_uscc"])


def _serials(year: Year, case: Case) -> list[Row]:
    return year.devices_of[case.lease["lease_no"]]


def _share_machines(year: Year, one: Case, other: Case) -> None:
    for mine, theirs in zip(_serials(year, one), _serials(year, other), strict=False):
        theirs["serial"] = mine["serial"]
    other.lease["accelerator"] = one.lease["accelerator"]
    let = {row["serial"] for row in _serials(year, other)}
    for device in year.files["devices"]:
        if device["serial"] in let:
            device["accelerator"] = one.lease["accelerator"]


def _unmetered(year: Year, case: Case) -> None:
    year.files["metering"] = [m for m in year.files["metering"] if m["lease_no"] != case.lease["lease_no"]]


def _fresh(year: Year, roles: str = "enterprise", **more: object) -> Row:
    code = year.draw.choice(list(year.regions.values()))[0]
    one = year.party(roles, code, **more)
    year.holder(one)
    return one


def _pay(year: Year, payer: Row, payee: Row, day: date, amount: Decimal) -> None:
    year.add(
        "payments", bank_ref=f"Y{year.seed % 100:02d}{year.next():012d}", payer_uscc=payer["uscc"],
        payer_account=payer["bank_account"], payee_uscc=payee["uscc"], payee_account=payee["bank_account"], paid_on=day,
        amount=amount.quantize(FEN), receipt_sha256="",
    )  # fmt: skip


def _sale(year: Year, seller: Row, buyer: Row, net: Decimal, day: date) -> None:
    """An invoice for computing power that nobody claims on."""
    invoice = year.bill(
        Case({"lease_no": ""}, [], [], []), buyer, seller, net.quantize(FEN), day, claimed=False
    )
    year.add(
        "invoice_lines", invoice_code="", invoice_no=invoice["invoice_no"], line_no=1, description="*信息技术服务*算力服务费", unit="卡时",
        quantity=1, unit_price=invoice["net_amount"], net_amount=invoice["net_amount"], tax_rate="0.06", tax_amount=invoice["tax_amount"],
    )  # fmt: skip


def _red(year: Year, invoice: Row, day: date, net: Decimal) -> None:
    tax = (net * Decimal("0.06")).quantize(FEN)
    seller = year.party_of(invoice["seller_uscc"])
    year.add(
        "invoices",
        **invoice
        | {
            "invoice_no": year.number(seller, day), "red_of": invoice["invoice_no"], "issued_on": day, "net_amount": -net,
            "tax_amount": -tax, "gross_amount": -net - tax,
        },
    )  # fmt: skip
    invoice |= {"status": "red", "status_changed_on": day}


def _text(year: Year, case: Case, text: str) -> None:
    case.lease["document"] = f"documents/{case.lease['lease_no']}.txt"
    case.lease["document_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    year.texts[case.lease["document"]] = text


# Frauds -----------------------------------------------------------------------------------------------------------------


def ring_with_split_invoices(year: Year, ring: int) -> None:
    """Two to five parties sell computing power round; each side in two or three invoices; claims on one of the sides."""
    size = 2 + ring % 4
    members = [_fresh(year, "enterprise;provider") for _ in range(size)]
    for one, chip in ((one, chip) for one in members for chip in invented_years.CHIPS):
        year.add(
            "capacity", provider_uscc=one["uscc"], accelerator=chip, cards=500, from_on=date(2023, 1, 1), to_on="", site="一号"
        )  # fmt: skip
    total, claims, day = Decimal(0), [], date(2025, 4, 20)
    while total < 80_000:  # less is left alone as trade between peers
        case = year.case(lessee=members[1], lessor=members[0], months=2, signed_on=date(2025, 2, 3))
        total, claims = total + Decimal(case.invoices[0]["net_amount"]), [*claims, *case.claims]
    for place in range(1, size):
        parts = year.draw.choice((2, 3))
        for part in range(parts):
            _sale(
                year, members[place], members[(place + 1) % size], total * Decimal("0.96") / parts,
                day + (place * 9 + part) * DAY,
            )  # fmt: skip
    year.mark(ring, "ring_with_split_invoices", claims)


def short_leases_inside_a_long_one(year: Year, ring: int) -> None:
    long = year.case(months=6, signed_on=date(2025, 1, 10))
    claims, provider = list(long.claims), year.party_of(long.lease["lessor_uscc"])
    for month in (1, 3):
        inner = year.case(months=2, lessor=provider, signed_on=long.lease["starts_on"] + month * 20 * DAY)
        _share_machines(year, long, inner)
        claims += inner.claims
    year.mark(ring, "short_leases_inside_a_long_one", claims, "F17")


def slices_of_more_than_one(year: Year, ring: int) -> None:
    first = year.case(months=4, exclusive="false", signed_on=date(2025, 2, 1))
    provider, claims = year.party_of(first.lease["lessor_uscc"]), list(first.claims)
    cases = [first]
    for _ in range(2):
        other = year.case(months=4, lessor=provider, exclusive="false", signed_on=date(2025, 2, 20))
        _share_machines(year, first, other)
        cases.append(other)
        claims += other.claims
    for case, share in zip(cases, ("0.5", "0.4", "0.3"), strict=True):
        for one in _serials(year, case):
            one["share"] = share
    shared = {one["serial"] for one in _serials(year, first)}
    touched = [
        claim
        for case in cases
        if any(one["serial"] in shared for one in _serials(year, case))
        for claim in case.claims
    ]
    year.mark(ring, "slices_of_more_than_one", touched)


def red_for_a_part(year: Year, ring: int) -> None:
    case = year.case(months=2)
    invoice = case.invoices[0]
    _red(
        year,
        invoice,
        invoice["issued_on"] + 70 * DAY,
        (Decimal(invoice["net_amount"]) * Decimal("0.4")).quantize(FEN),
    )
    year.mark(ring, "red_for_a_part", case.claims[:1], "F07")


def red_and_billed_to_another(year: Year, ring: int) -> None:
    case = year.case(months=2)
    invoice, (_lessee, lessor) = case.invoices[0], _sides(year, case)
    day = invoice["issued_on"] + 50 * DAY
    _red(year, invoice, day, Decimal(invoice["net_amount"]))
    _sale(year, lessor, year.draw.choice(year.enterprises), Decimal(invoice["net_amount"]), day + 3 * DAY)
    year.mark(ring, "red_and_billed_to_another", case.claims[:1], "F07")


def voided_after_payment(year: Year, ring: int) -> None:
    case = year.case(months=2)
    case.invoices[0] |= {"status": "voided", "status_changed_on": case.invoices[0]["issued_on"] + 60 * DAY}
    year.mark(ring, "voided_after_payment", case.claims[:1], "F07")


def money_back_to_the_holder(year: Year, ring: int) -> None:
    """Through two others, in three parts each time, to the company that holds the lessee."""
    case = year.case(months=2)
    lessee, lessor = _sides(year, case)
    parent, one, two = (_fresh(year) for _ in range(3))
    year.holder(
        lessee, holder_kind="company", holder_id=parent["uscc"], holder_name=parent["name"], percent="30.00"
    )
    amount, day = Decimal(case.payments[0]["amount"]), case.payments[0]["paid_on"]
    for payer, payee, after in ((lessor, one, 3), (one, two, 8), (two, parent, 13)):
        amount *= Decimal("0.95")
        for part in range(3):
            _pay(year, payer, payee, day + (after + part) * DAY, amount / 3)
    year.mark(ring, "money_back_to_the_holder", case.claims)


def risen_again(year: Year, ring: int) -> None:
    """The debarred firm's representative and room, under a new name, half a year after."""
    old = _fresh(year)
    year.add(
        "listings", uscc=old["uscc"], kind="scheme_debarred", from_on=date(2024, 5, 1), to_on="", document_no="限〔2024〕5号", reason="骗补"
    )  # fmt: skip
    new = year.party(
        "enterprise", old["region_code"], registered_on=date(2024, 11, 3), legal_rep_id=old["legal_rep_id"],
        legal_rep_name=old["legal_rep_name"], address=old["address"],
    )  # fmt: skip
    year.holder(new)
    year.mark(ring, "risen_again", year.case(lessee=new).claims)


def account_of_a_third(year: Year, ring: int) -> None:
    """Lessor and lessee each share a bank account or representative with a third firm, and nothing with one another."""
    lessee, third = _fresh(year), _fresh(year)
    third["bank_account"] = lessee["bank_account"]
    lessor = year.party(
        "provider", "110000", legal_rep_id=third["legal_rep_id"], legal_rep_name=third["legal_rep_name"]
    )
    year.holder(lessor)
    year.mark(ring, "account_of_a_third", year.case(lessee=lessee, lessor=lessor).claims)


def sold_beyond_capacity(year: Year, ring: int) -> None:
    lessor = _fresh(year, "provider")
    year.add(
        "capacity", provider_uscc=lessor["uscc"], accelerator="H20", cards=20, from_on=date(2023, 1, 1), to_on="", site="一号"
    )  # fmt: skip
    cases = [
        year.case(lessor=lessor, accelerator="H20", cards=8, months=4, signed_on=date(2025, 3, 1))
        for _ in range(4)
    ]
    year.mark(ring, "sold_beyond_capacity", [c for case in cases for c in case.claims], "F18")


def split_over_sisters(year: Year, ring: int) -> None:
    """Just below the threshold twice within a month, by two lessees of one telephone and room."""
    lessor = year.draw.choice(year.providers)
    one = _fresh(year)
    other = _fresh(year, phone=one["phone"], address=one["address"])
    one["phone"] = other["phone"] = f"137{year.next():08d}"
    claims: list[Row] = []
    for place, lessee in enumerate((one, other)):
        case = year.case(
            lessee=lessee, lessor=lessor, program="GZ-SLQ", accelerator="H800", months=2, signed_on=date(2025, 3, 3) + 12 * place * DAY,
        )  # fmt: skip
        net = Decimal("476000.00") - 3111 * place
        case.lease |= {
            "amount": net,
            "unit_price": (net / case.lease["quantity"]).quantize(Decimal("0.000001")),
        }
        tax = (net * Decimal("0.06")).quantize(FEN)
        case.invoices[0] |= {"net_amount": net, "tax_amount": tax, "gross_amount": net + tax}
        case.payments[0]["amount"] = net + tax
        for use in year.files["claim_invoices"]:
            if use["claim_no"] == case.claims[0]["claim_no"]:
                use["claimed_net"] = net
        claims += case.claims
    year.mark(ring, "split_over_sisters", claims)


def same_machines_two_programmes(year: Year, ring: int) -> None:
    first = year.case(months=4, program="BJ-AIQ", signed_on=date(2025, 2, 3))
    second = year.case(
        months=4,
        program="SH-ZLBT",
        lessor=year.party_of(first.lease["lessor_uscc"]),
        signed_on=date(2025, 2, 5),
    )
    _share_machines(year, first, second)
    year.mark(ring, "same_machines_two_programmes", first.claims + second.claims, "F17")


def digits_swapped(year: Year, ring: int) -> None:
    """The same paper once more, two digits of its number exchanged, under another contract of the same parties."""
    case = year.case(months=2)
    lessee, lessor = _sides(year, case)
    other = year.case(months=2, lessee=lessee, lessor=lessor)
    no = case.invoices[0]["invoice_no"]
    at = next(k for k in range(9, 18) if no[k] != no[k + 1])
    uses = [u for u in year.files["claim_invoices"] if u["claim_no"] == other.claims[0]["claim_no"]]
    other.invoices[0] |= {
        **{
            name: case.invoices[0][name] for name in ("issued_on", "net_amount", "tax_amount", "gross_amount")
        },
        "invoice_no": no[:at] + no[at + 1] + no[at] + no[at + 2 :],
    }
    other.lease |= {
        "signed_on": case.lease["signed_on"],
        "amount": max(case.lease["amount"], other.lease["amount"]),
    }
    uses[0] |= {"invoice_no": other.invoices[0]["invoice_no"], "claimed_net": case.invoices[0]["net_amount"]}
    other.payments[0]["amount"] = max(other.payments[0]["amount"], case.invoices[0]["gross_amount"])
    year.mark(ring, "digits_swapped", case.claims + other.claims)


def number_of_another_province(year: Year, ring: int) -> None:
    case = year.case(months=2)
    no = case.invoices[0]["invoice_no"]
    other = "44" if no[2:4] != "44" else "33"
    for use in year.files["claim_invoices"]:
        if use["invoice_no"] == no:
            use["invoice_no"] = no[:2] + other + no[4:]
    case.invoices[0]["invoice_no"] = no[:2] + other + no[4:]
    year.mark(ring, "number_of_another_province", case.claims[:1], "F08")


def billed_beyond_the_contract(year: Year, ring: int) -> None:
    case = year.case(months=2)
    lessee, lessor = _sides(year, case)
    _unmetered(year, case)
    last = case.invoices[0]
    year.bill(
        case,
        lessee,
        lessor,
        (Decimal(last["net_amount"]) * Decimal("0.3")).quantize(FEN),
        last["issued_on"] + 25 * DAY,
    )
    year.mark(ring, "billed_beyond_the_contract", case.claims[-1:], "F06")


def borrowed_serials(year: Year, ring: int) -> None:
    """The machines are another provider's and of another kind."""
    case = year.case(months=3, accelerator="H800")
    owner = next(p for p in year.providers if p["uscc"] != case.lease["lessor_uscc"])
    mine = {one["serial"] for one in _serials(year, case)}
    for device in year.files["devices"]:
        if device["serial"] in mine:
            device |= {"provider_uscc": owner["uscc"], "accelerator": "RTX 4090"}
    lessee, _lessor = _sides(year, case)
    lessee["registered_on"] = case.lease["signed_on"] - 30 * DAY
    year.mark(ring, "borrowed_serials", case.claims)


def one_hand_for_five(year: Year, ring: int) -> None:
    """Five young firms, one machine, three days; each with a provider who lives on it."""
    claims = []
    for place in range(5):
        lessee = _fresh(year, registered_on=date(2024, 12, 1) + place * DAY)
        case = year.case(lessee=lessee, months=2, signed_on=date(2025, 2, 10) + place * DAY)
        for claim in case.claims:
            claim |= {
                "filer_device": f"desk{ring}",
                "submitted_at": f"2025-07-{10 + place // 2:02d}T11:0{place}:00+08:00",
            }
            claim |= {"decided_at": "2025-07-25T15:00:00+08:00", "paid_on": "2025-07-30"}
        claims += case.claims
    year.mark(ring, "one_hand_for_five", claims)


def reviewer_in_a_hurry(year: Year, ring: int) -> None:
    lessor, claims = _fresh(year, "provider"), []
    for chip in invented_years.CHIPS:
        year.add(
            "capacity", provider_uscc=lessor["uscc"], accelerator=chip, cards=500, from_on=date(2023, 1, 1), to_on="", site="一号"
        )  # fmt: skip
    for _ in range(6):
        case = year.case(lessor=lessor, program="BJ-AIQ", months=2)
        for claim in case.claims:
            claim |= {"reviewer": "R999", "decided_at": claim["submitted_at"][:11] + "19:30:00+08:00"}
        claims += case.claims
    year.mark(ring, "reviewer_in_a_hurry", claims)


def listed_when_paid(year: Year, ring: int) -> None:
    lessee = _fresh(year)
    case = year.case(lessee=lessee, months=2)
    year.add(
        "listings", uscc=lessee["uscc"], kind="serious_dishonesty", from_on=case.claims[0]["paid_on"], to_on="",
        document_no="信〔2025〕9号", reason="失信",
    )  # fmt: skip
    year.mark(ring, "listed_when_paid", case.claims, "F28")


def use_scaled_from_another(year: Year, ring: int) -> None:
    """The curve of an honest lease, times a factor, and begun before the lease."""
    model, copy = year.case(months=3), year.case(months=3)
    for case in (model, copy):
        _unmetered(year, case)
    curve = [Decimal(str(round(year.draw.uniform(20, 40), 4))) for _ in range(90)]
    for k, hours in enumerate(curve):
        year.meter(model.lease, model.lease["starts_on"] + k * DAY, hours)
        year.meter(
            copy.lease,
            copy.lease["starts_on"] + (k - 5) * DAY,
            (hours * Decimal("1.1")).quantize(Decimal("0.0001")),
        )
    year.mark(ring, "use_scaled_from_another", copy.claims)


def text_retyped(year: Year, ring: int) -> None:
    """Strangers' contracts from one hand: a few words exchanged."""
    words = [f"{a}{b}{c}" for a in "高中低冷热" for b in "速频温压流" for c in "互联存算网"]
    body = "".join(year.draw.choice(words) + year.draw.choice("的与及或之") for _ in range(220))
    claims: list[Row] = []
    for _ in range(2):
        case = year.case(lessee=_fresh(year), lessor=year.draw.choice(year.providers), months=2)
        spot = year.draw.randrange(200, len(body) - 200)
        _text(year, case, body[:spot] + "由乙方负责" + body[spot + 5 :])
        claims += case.claims
    year.mark(ring, "text_retyped", claims)


KINDS: dict[str, Callable[[Year, int], None]] = {
    made.__name__: made
    for made in (
        ring_with_split_invoices, short_leases_inside_a_long_one, slices_of_more_than_one, red_for_a_part, red_and_billed_to_another,
        voided_after_payment, money_back_to_the_holder, risen_again, account_of_a_third, sold_beyond_capacity, split_over_sisters,
        same_machines_two_programmes, digits_swapped, number_of_another_province, billed_beyond_the_contract, borrowed_serials,
        one_hand_for_five, reviewer_in_a_hurry, listed_when_paid, use_scaled_from_another, text_retyped,
    )
}  # fmt: skip


# Look-alikes ------------------------------------------------------------------------------------------------------------


def agent_for_many(year: Year) -> list[Row]:
    """A book-keeping agent files for twelve honest firms from one machine and one telephone."""
    claims, agent = [], f"agent{year.next()}"
    for place in range(12):
        case = year.case(months=2, signed_on=date(2025, 3, 1) + place * DAY)
        for claim in case.claims:
            claim["filer_device"] = agent
        claims += case.claims
    return claims


def incubator(year: Year) -> list[Row]:
    """Forty tenants of one address, one of whom lets machines to another."""
    room = f"孵化器大道{year.next()}号众创空间"
    lessor = _fresh(year, "provider", address=room)
    for _ in range(38):
        year.party("enterprise", lessor["region_code"], address=room)
    return year.case(lessee=_fresh(year, address=room), lessor=lessor).claims


def peers_trade(year: Year) -> list[Row]:
    """Two providers let to one another, one three times as much as the other."""
    lessor, lessee = year.draw.sample(year.providers, 2)
    case = year.case(lessor=lessor, lessee=lessee, months=2)
    net, day = Decimal(case.invoices[0]["net_amount"]), case.invoices[0]["issued_on"]
    _sale(year, lessee, lessor, net * 3, day + 20 * DAY)
    return case.claims


def warranty_swap(year: Year) -> list[Row]:
    """A broken card is replaced, repaired, and let to somebody else."""
    case = year.case(months=4, signed_on=date(2025, 2, 1))
    old = _serials(year, case)[0]
    lessor = _sides(year, case)[1]
    device = next(one for one in year.files["devices"] if one["serial"] == old["serial"])
    new = f"NVR{year.next():010d}"
    swapped = case.lease["starts_on"] + 20 * DAY
    year.add(
        "devices", **device | {"serial": new, "replaces_serial": old["serial"], "in_service_on": swapped}
    )
    year.add("lease_devices", **old | {"serial": new, "from_on": swapped})
    other = year.case(months=2, lessor=lessor, signed_on=swapped + 20 * DAY)
    _serials(year, other)[0]["serial"] = old["serial"]
    other.lease["accelerator"] = case.lease["accelerator"]
    theirs = {one["serial"] for one in _serials(year, other)}
    for one in year.files["devices"]:
        if one["serial"] in theirs:
            one["accelerator"] = case.lease["accelerator"]
    return case.claims + other.claims


def billed_in_arrears(year: Year) -> list[Row]:
    case = year.case(months=2, signed_on=date(2024, 9, 20), starts_on=date(2024, 10, 1))
    case.invoices[0]["issued_on"] = date(2025, 1, 20)
    lessor = _sides(year, case)[1]
    for use in year.files["claim_invoices"]:
        if use["claim_no"] == case.claims[0]["claim_no"]:
            use["invoice_no"] = case.invoices[0]["invoice_no"] = year.number(lessor, date(2025, 1, 20))
    case.claims[0] |= {
        "submitted_at": "2025-02-10T10:00:00+08:00", "decided_at": "2025-02-20T10:00:00+08:00", "paid_on": "2025-02-25",
    }  # fmt: skip
    return case.claims


def red_and_billed_anew(year: Year) -> list[Row]:
    case = year.case(months=2)
    invoice = case.invoices[0]
    day = invoice["issued_on"] + 40 * DAY
    lessee, lessor = _sides(year, case)
    net = Decimal(invoice["net_amount"])
    _red(year, invoice, day, net)
    year.bill(case, lessee, lessor, net - 1, day + 6 * DAY, claimed=False)
    return case.claims


def refund_with_red_letter(year: Year) -> list[Row]:
    """A part is given back after a red letter, and only what is left was claimed."""
    case = year.case(months=2)
    invoice, (lessee, lessor) = case.invoices[0], _sides(year, case)
    net = Decimal(invoice["net_amount"])
    back = (net * Decimal("0.45")).quantize(FEN)
    _red(year, invoice, invoice["issued_on"] + 12 * DAY, back)
    _pay(year, lessor, lessee, invoice["issued_on"] + 15 * DAY, back * Decimal("1.06"))
    for use in year.files["claim_invoices"]:
        if use["claim_no"] == case.claims[0]["claim_no"]:
            use["claimed_net"] = net - back
    return case.claims


def state_holds_both(year: Year) -> list[Row]:
    case = year.case()
    for side in _sides(year, case):
        year.holder(
            side, holder_kind="company", holder_id="11110000000000000X", holder_name="某市国有资本运营有限公司", percent="30.00"
        )  # fmt: skip
    return case.claims


def saturated(year: Year) -> list[Row]:
    case = year.case(months=3)
    _unmetered(year, case)
    for day in range(90):
        hours = case.lease["cards"] * 24 * year.draw.uniform(0.985, 0.9999)
        year.meter(case.lease, case.lease["starts_on"] + day * DAY, Decimal(str(round(hours, 4))))
    return case.claims


def flat_monthly(year: Year) -> list[Row]:
    """Two months billed on one day, the same amount, consecutive numbers, other periods."""
    case = year.case(months=3)
    one, two = case.invoices[:2]
    no = one["invoice_no"]
    begins = case.lease["starts_on"]
    for claim in case.claims:
        for use in year.files["claim_invoices"]:
            if use["claim_no"] == claim["claim_no"] and use["invoice_no"] == two["invoice_no"]:
                use["invoice_no"] = f"{int(no) + 1:020d}"
    two |= {"invoice_no": f"{int(no) + 1:020d}", "issued_on": one["issued_on"]}
    one |= {"period_from": begins, "period_to": begins + 44 * DAY}
    two |= {"period_from": begins + 45 * DAY, "period_to": begins + 89 * DAY}
    return case.claims


def slices_of_one(year: Year) -> list[Row]:
    first = year.case(months=3, exclusive="false", signed_on=date(2025, 2, 1))
    other = year.case(months=3, exclusive="false", signed_on=date(2025, 2, 9), lessor=_sides(year, first)[1])
    _share_machines(year, first, other)
    for one in (*_serials(year, first), *_serials(year, other)):
        one["share"] = "0.5"
    return first.claims + other.claims


def young_firm(year: Year) -> list[Row]:
    return year.case(lessee=_fresh(year, registered_on=date(2025, 1, 2)), signed_on=date(2025, 3, 4)).claims


def listed_namesake(year: Year) -> list[Row]:
    """Somebody of the same name and address as a listed firm, of another representative."""
    old = _fresh(year)
    year.add(
        "listings", uscc=old["uscc"], kind="scheme_debarred", from_on=date(2024, 5, 1), to_on="", document_no="限〔2024〕6号", reason="骗补"
    )  # fmt: skip
    new = _fresh(year, name=old["name"], address=old["address"], registered_on=date(2024, 10, 1))
    return year.case(lessee=new).claims


def one_transfer_for_two(year: Year) -> list[Row]:
    case = year.case(months=3)
    both = sum((Decimal(p["amount"]) for p in case.payments), Decimal(0))
    first, second = case.payments
    for use in year.files["claim_invoices"]:
        if use["bank_ref"] == second["bank_ref"]:
            use["bank_ref"] = first["bank_ref"]
    first["amount"] = both
    year.files["payments"].remove(second)
    return case.claims


LOOKALIKES = {
    made.__name__: made
    for made in (
        agent_for_many, incubator, peers_trade, warranty_swap, billed_in_arrears, red_and_billed_anew, refund_with_red_letter,
        state_holds_both, saturated, flat_monthly, slices_of_one, young_firm, listed_namesake, one_transfer_for_two,
    )
}  # fmt: skip


def invent(seed: int, *, claims: int = 1200, prevalence: float = 0.02, start: int = 0) -> Year:
    """A year of about so many claims; ``start`` says with which of the kinds it begins."""
    year = Year(seed, claims, prevalence)
    year.files |= {"invoice_lines": []}
    year.people()
    while len(year.labels) < claims * (1 - prevalence) * 0.9:
        year.case()
    for case in year.cases[:60]:  # the model contract, and what is the parties' own
        own = "".join(year.draw.choice("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏") for _ in range(90))
        _text(
            year,
            case,
            "双方依照示范文本订立本合同，出租方按期交付算力，承租方按期付款，争议由合同签订地人民法院管辖。"
            * 3
            + own,
        )
    for name, make in LOOKALIKES.items():
        for _ in range(max(2, claims // 500)):
            year.honest(name, make(year))
    names, ring = list(KINDS), 0
    while sum(row["is_fraud"] for row in year.labels.values()) < claims * prevalence:
        KINDS[names[(start + ring) % len(names)]](year, ring)
        ring += 1
    return year


def write(year: Year, folder: Path) -> Path:
    """The folder in the bulk format, with the contracts' texts."""
    invented_years.write(year, folder)
    (folder / "documents").mkdir(exist_ok=True)
    for path, text in year.texts.items():
        (folder / path).write_text(text, encoding="utf-8")
    return folder
