"""Caps that count at payment: room is taken when a list is proposed, used up when it goes to the bank, given back when a payment
is taken off the list or comes back.

A payable keeps the terms it was granted under (``Payment.cap_terms``). The proposal of a list reserves each line's room in the
ledger (``PaymentLine.cap_chain``), so that a list that is sent in the period of its proposal never fails at the bank's door for
want of it: the instruction posts the reservation. Only where companies joined one group meanwhile, or the register of one of them
changed (who left, took room alone and came back is no new member), is the sum over them counted anew, under the locks of all
their accounts, and the list is refused with every line that the group has no room for: who of them waits is the office's
decision, and what was approved is sent as it was approved or not at all. Where another year has begun meanwhile it lets that go
and takes room of the new year in the same chain, which is refused when the new year has too little left. What was used is
read from the ledger's own transfers when it is given back: nothing is reckoned twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vouchers import dates
from vouchers.actions.caps import accounts_of, grouped, ledger_cap, within_the_year
from vouchers.actions.groups import a_day_changed, register_state, top_of
from vouchers.actions.ledger_chains import Cap, Chain, LedgerResult, event_id, post_all
from vouchers.errors import Invalid, NotNow
from vouchers.models import LedgerAccount, LedgerTransfer, Payment, PaymentLine
from vouchers.models.ledger import AccountKind, TransferKind
from vouchers.money import ZERO, thousands
from vouchers.policy.caps import cap_period_words
from vouchers.policy.payment_caps import PaymentTerm, too_large
from vouchers.policy.plain import from_plain, to_plain
from vouchers.policy.terms import CapSubject
from vouchers.policy.words import day_words


def kept_terms(terms: Iterable[PaymentTerm]) -> list[object]:
    """The terms as a payable keeps them."""
    return [to_plain(term) for term in terms]


def terms_of(payment: Payment) -> tuple[PaymentTerm, ...]:
    """The caps that bind the payment, as its claim was decided."""
    return tuple(from_plain(PaymentTerm, plain) for plain in payment.cap_terms)


def require_payable_amount(terms: tuple[PaymentTerm, ...], amount: Decimal) -> None:
    """Refuse (422 ``claim.above_payment_cap``) to grant at once what no period could ever hold: a claim is paid in one piece."""
    term = too_large(terms, amount)
    if term is not None:
        raise Invalid(
            "claim.above_payment_cap",
            f"{thousands(amount)} 元超过“{term.cap.name}”的 {thousands(term.limit)} 元；一件兑付整笔拨付，超过该限额的无法拨付。",
            field="amount",
            hint="请分次申请兑付，使每件都在该限额以内。",
        )


@dataclass(frozen=True)
class Room:
    """What is left of a cap that binds a payment, for a payment on a day; ``again_on`` is when there will be more, if known."""

    term: PaymentTerm
    cap: Cap
    period: str
    left: Decimal
    again_on: date | None

    @property
    def sentence(self) -> str:
        """Why a payment waits, and until when."""
        said = f"“{self.term.cap.name}”{cap_period_words(self.period)}限额 {thousands(self.term.limit)} 元，尚余 {thousands(self.left)} 元"
        return f"{said}，{day_words(self.again_on)}起可再列入" if self.again_on else said


def _caps(payment: Payment, on: date, amount: Decimal | None = None) -> list[tuple[PaymentTerm, Cap]]:
    found = []
    for term in terms_of(payment):
        of_group = term.cap.subject is CapSubject.GROUP
        key = term.key(on, top_of(term.subject, on) if of_group else "")
        found.append((term, grouped(ledger_cap(term.program, key, amount), key, term.subject, on)))
    held = within_the_year([cap for _term, cap in found], on)
    return [(term, cap) for (term, _plain), cap in zip(found, held, strict=True)]


def caps_at(payment: Payment, on: date, amount: Decimal | None = None) -> list[Cap]:
    """The caps that a payment takes on a day, for the ledger's chain."""
    return [cap for _term, cap in _caps(payment, on, amount)] if payment.cap_terms else []


def rooms(payment: Payment, on: date) -> list[Room]:
    """What is left of each cap that binds the payment, as the ledger has it now."""
    if not payment.cap_terms:
        return []
    bound = _caps(payment, on)
    codes = {code for _term, cap in bound for code in accounts_of(cap)}
    used = {one.code: one.used for one in LedgerAccount.objects.filter(code__in=codes)}
    return [
        Room(
            term,
            cap,
            cap.period,
            max(cap.limit - sum((used.get(code, ZERO) for code in accounts_of(cap)), ZERO), ZERO),
            term.again_on(on),
        )
        for term, cap in bound
    ]


def waits_for(payment: Payment, on: date | None = None) -> Room | None:
    """The first cap that has no room for the whole payment now; None where it may be listed."""
    day = on or dates.today()
    return next((room for room in rooms(payment, day) if room.left < payment.bank_amount), None)


# -- the list ----------------------------------------------------------------------------------------------------------


def hold_room(lines: Sequence[PaymentLine], on: date) -> None:
    """Reserve each line's room: the proposal's last statement, in one call. Refused (409 ``payment.cap_exceeded``) with every line that
    does not fit; nothing is held then."""
    bound = [line for line in lines if line.cap_chain is not None]
    chains = [
        Chain(_held(line), on, "payment", line.payment.payment_no).use(
            caps_at(line.payment, on), line.payment.program.region.code, line.amount, reserved=True
        )
        for line in bound
    ]
    demand_all(bound, post_all(chains), on)


def mark_for_room(line: PaymentLine) -> None:
    """A line that a cap binds gets the number of the reservation that ``hold_room`` makes, and who is counted together for it."""
    line.cap_chain = uuid.uuid4() if line.payment.cap_terms else None
    # The register is named before it is read: what changes in between makes it count anew.
    companies = _companies(_together(caps_at(line.payment, dates.today())))
    line.cap_register = register_state(companies) if companies else ""
    line.cap_members = sorted(_together(caps_at(line.payment, dates.today())))


def _companies(accounts: Iterable[str]) -> set[str]:
    """Whose accounts of a cap they are (``Cap.code_of``)."""
    return {code.split(":")[3] for code in accounts}


def _regrouped(line: PaymentLine, caps: Iterable[Cap], on: date) -> bool:
    """Whether the group of a line may have been another one at any moment since its room was taken: somebody joined, a row of the
    register was written, or a day came on which one begins or ends. Without any of that, whoever took room since counted
    this line's with it."""
    together, then = _together(caps), set(line.cap_members)
    if not together:
        return False
    companies = _companies(then)
    taken = LedgerTransfer.objects.filter(chain_id=_held(line)).values_list("booked_on", flat=True).first()
    return (
        bool(together - then)
        or register_state(companies) != line.cap_register
        or taken is None
        or a_day_changed(companies, taken, on)
    )


def _together(caps: Iterable[Cap]) -> set[str]:
    """The accounts over which limits of groups hold."""
    return {code for cap in caps if cap.together for code in accounts_of(cap)}


def let_room_go(lines: Iterable[PaymentLine], on: date) -> None:
    """The list is open again, or cancelled: what its lines held is free for others. The last statement of the deed."""
    held = [line for line in lines if line.cap_chain is not None]
    chains = [
        Chain(event_id("cap_release", str(line.cap_chain)), on, "payment", line.payment.payment_no).resolve(
            "void", "release", _held(line)
        )
        for line in held
    ]
    PaymentLine.objects.filter(pk__in=[line.pk for line in held]).update(cap_chain=None)
    for result in post_all(chains):
        result.demand()


def _held(line: PaymentLine) -> uuid.UUID:
    assert line.cap_chain is not None
    return line.cap_chain


def use_room(chain: Chain, line: PaymentLine, on: date) -> Chain:
    """The room of a line is used up in the chain that sends it: by posting what was reserved, or, in another period, anew."""
    if not line.payment.cap_terms:
        return chain
    caps = caps_at(line.payment, on)
    reserved = _taken(line.cap_chain, TransferKind.PENDING)
    if set(reserved) == {cap.code for cap in caps}:
        chain.resolve("post", "confirm", _held(line))
        again = _regrouped(line, caps, on)
        return chain.recount(caps, line.payment.program.region.code, reserved) if again else chain
    if reserved:
        chain.resolve("void", "release", _held(line))
    return chain.use(caps, line.payment.program.region.code, line.amount, code="instruct")


def give_room_back(chain: Chain, line: PaymentLine) -> Chain:
    """What came back from the bank is used of no cap any more: the opposite of what its instruction took."""
    if not line.payment.cap_terms:
        return chain
    region = line.payment.program.region.code
    for code, amount in _taken(event_id("instruct", line.instruction_no)).items():
        chain.single("return", f"cap_used:{region}", code, amount)
    return chain


def _taken(chain_id: uuid.UUID | None, kind: str = "") -> dict[str, Decimal]:
    """What a chain took or reserved of each cap's account."""
    if chain_id is None:
        return {}
    rows = LedgerTransfer.objects.filter(chain_id=chain_id, credit__kind=AccountKind.CAP_USED)
    rows = rows.filter(kind=kind) if kind else rows.filter(kind__in=(TransferKind.SINGLE, TransferKind.POST))
    return dict(rows.order_by("position").values_list("debit__code", "amount"))


def demand_all(lines: Sequence[PaymentLine], results: Sequence[LedgerResult], on: date) -> None:
    """Raise what the ledger refuses of any line: of caps each by name (``refusal``), else as ``LedgerResult.demand`` does."""
    short = [
        (line.payment, line.amount, result)
        for line, result in zip(lines, results, strict=True)
        if result.code == EXCEEDED
    ]
    if short:
        raise refusal(short, on)
    for result in results:
        result.demand()


EXCEEDED = "cap_exceeded"
MOST_NAMED = 5


def refusal(short: Sequence[tuple[Payment, Decimal, LedgerResult]], on: date) -> NotNow:
    """What does not fit, payment by payment: the cap, what is left of it, and when there is more."""
    told, detail = [], []
    for payment, amount, result in short:
        term, cap = _named(payment, on, result.account)
        left = result.available or ZERO
        again = term.again_on(on)
        told.append(
            f"{payment.payment_no}（{thousands(amount)} 元）放不进“{term.cap.name}”："
            f"{cap_period_words(cap.period)}限额 {thousands(term.limit)} 元，尚余 {thousands(left)} 元"
        )
        detail.append(
            {
                "payment_no": payment.payment_no,
                "cap": term.cap.code,
                "cap_name": term.cap.name,
                "period": cap.period,
                "limit": str(term.limit),
                "available": str(left),
                "needed": str(amount),
                "again_on": again.isoformat() if again else None,
            }
        )
    more = f"；另有 {len(told) - MOST_NAMED} 笔" if len(told) > MOST_NAMED else ""
    day = next((one["again_on"] for one in detail if one["again_on"]), None)
    until = f"，{day_words(date.fromisoformat(str(day)))}起可再列入" if day else ""
    return NotNow(
        "payment.cap_exceeded",
        f"拨付限额已不足：{'；'.join(told[:MOST_NAMED])}{more}。",
        hint=f"请将放不下的款项移出批次{until}；其余各笔不受影响。",
        detail={"lines": detail},
    )


def _named(payment: Payment, on: date, account: str) -> tuple[PaymentTerm, Cap]:
    """The cap that an account of the ledger (or the name of a group's sum) is of."""
    bound = _caps(payment, on)
    for term, cap in bound:
        if account in (cap.code, *accounts_of(cap), cap.code_of(cap.group) if cap.group else cap.code):
            return term, cap
    return bound[0]


__all__ = [
    "Room",
    "caps_at",
    "demand_all",
    "give_room_back",
    "hold_room",
    "kept_terms",
    "let_room_go",
    "mark_for_room",
    "refusal",
    "require_payable_amount",
    "rooms",
    "terms_of",
    "use_room",
    "waits_for",
]
