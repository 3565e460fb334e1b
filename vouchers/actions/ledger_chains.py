"""How a request to the ledger is worded, sent and answered: accounts' names, caps, chains and results.

The verbs that the rest of the system calls, and the account map, are in ``vouchers.actions.ledger``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from vouchers.actions.ledger_accounts import Budget, payment_account, voucher_account
from vouchers.errors import Invalid, NotNow
from vouchers.money import thousands, yuan

__all__ = [
    "NOT_NOW",
    "BookedTransfer",
    "Budget",
    "Cap",
    "Chain",
    "LedgerResult",
    "event_id",
    "payment_account",
    "post_all",
    "voucher_account",
]

_EVENTS = uuid.UUID("6a1f3c52-5f0e-5b1c-9f41-0f6c1d4f7a20")


def event_id(*parts: str | int) -> uuid.UUID:
    """The id of one business event, always the same for the same parts: ``event_id("reserve", claim_no, round)``.

    The parts must tell one try from the next (a claim that is filed again after a refusal is another event).
    """
    return uuid.uuid5(_EVENTS, "\x1f".join(str(part) for part in parts))


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap (限额) that a chain uses up: of a pool, voucher, contract, or enterprise and year.

    ``limit`` is that of the case's own version. The account's is the highest that any chain has stated: a chain that states
    less is held to its own limit, one that states more is granted the difference. So cases of two versions share one
    cap, and each keeps the limit that it was decided under. ``amount`` is what is used of it, by default as much as the chain moves. ``shared``:
    many enterprises use it at once (a pool). ``together``: the subjects of a group whose use the limit counts as one,
    ``group`` its name; each of them has an account.
    """

    publication_hash: str
    cap_code: str
    subject: str
    period: str
    limit: Decimal
    amount: Decimal | None = None
    shared: bool = False
    group: str = ""
    together: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """``ValueError`` for a limit that is no amount: it comes from a published policy, not from a person."""
        if yuan(self.limit) < 0:
            raise ValueError("a cap's limit is zero or more")

    @property
    def code(self) -> str:
        return self.code_of(self.subject)

    def code_of(self, subject: str) -> str:
        """The account of the same cap for another subject."""
        return f"cap:{self.publication_hash[:12]}:{self.cap_code}:{subject}:{self.period}"


@dataclass(frozen=True, slots=True)
class BookedTransfer:
    """One transfer as booked, with the codes of its accounts; ``amount`` in yuan."""

    id: uuid.UUID
    position: int
    kind: str
    code: str
    debit: str
    credit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LedgerResult:
    """The answer to one chain, as it came; what is not asked of it is not read, for a run of issues has a hundred thousand.

    ``code`` is ``accepted`` or the reason of the refusal, ``message`` its Chinese sentence. On a refusal ``account`` names the
    account that decided it, ``available`` and ``needed`` the yuan on either side.
    """

    answer: Mapping[str, Any]

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(self.answer["id"])

    @property
    def accepted(self) -> bool:
        return self.answer["accepted"] is True

    @property
    def code(self) -> str:
        return str(self.answer["code"])

    @property
    def account(self) -> str:
        return str(self.answer.get("account", ""))

    @property
    def available(self) -> Decimal | None:
        return _amount(self.answer.get("available"))

    @property
    def needed(self) -> Decimal | None:
        return _amount(self.answer.get("needed"))

    @property
    def message(self) -> str:
        available, needed = self.available, self.needed
        return str(_MESSAGES.get(self.code, self.code)).format(
            account=self.account,
            available="" if available is None else thousands(available),
            needed="" if needed is None else thousands(needed),
        )

    @property
    def transfers(self) -> tuple[BookedTransfer, ...]:
        return tuple(
            BookedTransfer(
                id=uuid.UUID(leg["id"]),
                position=leg["position"],
                kind=leg["kind"],
                code=leg["code"],
                debit=leg["debit"],
                credit=leg["credit"],
                amount=Decimal(leg["amount"]),
            )
            for leg in self.answer.get("transfers", ())
        )

    def demand(self) -> LedgerResult:
        """The result itself when accepted; otherwise raises ``NotNow`` or ``Invalid`` with code ``ledger.<code>``.

        Raising inside the transaction undoes the record of the attempt as well.
        """
        if self.accepted:
            return self
        error = NotNow if self.code in NOT_NOW else Invalid
        detail = {
            "account": self.account,
            "available": None if self.available is None else str(self.available),
            "needed": None if self.needed is None else str(self.needed),
        }
        raise error(f"ledger.{self.code}", self.message, detail=detail)


#: refusals that time or another decision may cure; the others will not become valid by waiting
NOT_NOW = frozenset(
    {
        "insufficient_funds",
        "cap_exceeded",
        "pending_resolved",
        "pending_expired",
        "not_yet_expired",
        "account_closed",
    }
    | {"pending_open"}
)

_MESSAGES = {
    "accepted": _("已记账。"),
    "insufficient_funds": _("可用余额不足：需要 {needed} 元，可用 {available} 元。"),
    "cap_exceeded": _("超过限额：本次需占用 {needed} 元，剩余额度 {available} 元。"),
    "pending_unknown": _("没有找到对应的预占记录。"),
    "pending_resolved": _("该笔预占已经办结，不能重复确认或释放。"),
    "pending_expired": _("该笔预占已过有效期，不能再确认。"),
    "not_yet_expired": _("该笔预占尚在有效期内，不能按逾期释放。"),
    "pending_open": _("该科目尚有待确认的入账，暂不能关闭。"),
    "exceeds_pending": _("确认金额 {needed} 元超过预占金额 {available} 元。"),
    "not_reversible": _("原记账不存在，或者已经冲正。"),
    "account_closed": _("科目已关闭（已过期、作废或结账），不再办理新的业务。"),
    "account_unknown": _("科目不存在：{account}。"),
    "account_mismatch": _("科目已存在，但性质与本次申请的不同：{account}。"),
    "route_unknown": _("账务规则不允许在这两个科目之间作此转账。"),
    "nowhere_to_return": _("科目关闭后余额无处可退：{account}。"),
    "invalid_amount": _("金额必须大于零，且最多两位小数。"),
    "invalid_chain": _("账务请求不完整。"),
    "id_reused": _("该请求编号已用于另一笔内容不同的业务，本次未予受理。"),
}


@dataclass(slots=True)
class Chain:
    """A chain in the making: its transfers are booked together or not at all. Most callers want a verb below."""

    id: uuid.UUID
    on: date
    subject_kind: str
    subject_no: str
    opens: list[dict[str, Any]] = field(default_factory=list)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    sums: list[dict[str, Any]] = field(default_factory=list)
    borne_together: str = ""

    def open(self, code: str, kind: str, **more: str | bool | None) -> Chain:
        """Open the account if it does not exist: ``returns_to``, ``region_code``, ``limit``, ``hot``, ``id``."""
        self.opens.append(
            {"code": code, "kind": kind} | {k: v for k, v in more.items() if v not in (None, "", False)}
        )
        return self

    def single(self, code: str, debit: str, credit: str, amount: Decimal) -> Chain:
        """Move at once."""
        return self._leg(kind="single", code=code, debit=debit, credit=credit, amount=_text(amount))

    def pending(
        self, code: str, debit: str, credit: str, amount: Decimal, expires_on: date | None = None
    ) -> Chain:
        """Reserve, until posted, voided or expired."""
        return self._leg(
            kind="pending",
            code=code,
            debit=debit,
            credit=credit,
            amount=_text(amount),
            expires_on=expires_on.isoformat() if expires_on else None,
        )

    def shared(
        self,
        kind: str,
        code: str,
        name: str,
        sides: Sequence[tuple[str, str]],
        amount: Decimal,
        expires_on: date | None = None,
    ) -> Chain:
        """Move or reserve an amount that several debit accounts bear together, each to its own credit account.

        The database says which bears what, by what each has left; the last one gets what truncation to the fen leaves.
        ``name`` is what they are parts of: who takes from it waits for whoever does at the same time.
        """
        self.borne_together = name
        return self._leg(
            kind=kind,
            code=code,
            amount=_text(amount),
            shared=[{"debit": debit, "credit": credit} for debit, credit in sides],
            expires_on=expires_on.isoformat() if expires_on else None,
        )

    def resolve(self, kind: str, code: str, reservation: uuid.UUID, amount: Decimal | None = None) -> Chain:
        """``post``, ``void`` or ``expire`` all that the chain ``reservation`` holds; a post takes at most ``amount`` of each."""
        return self._leg(
            kind=kind,
            code=code,
            pending_chain=str(reservation),
            amount=None if amount is None else _text(amount),
        )

    def reverse(self, chain_id: uuid.UUID) -> Chain:
        """The opposite of all that another chain moved."""
        return self._leg(kind="reverse", code="reverse", reverses_chain=str(chain_id))

    def set_limit(self, account: str, limit: Decimal) -> Chain:
        """Grant or curtail the difference between a cap's limit and ``limit``."""
        return self._leg(kind="set_limit", code="grant", account=account, amount=_text(limit))

    def close(self, account: str) -> Chain:
        """Close an account: what is available goes where it returns to, what is reserved stays until it is resolved."""
        return self._leg(kind="close", code="close", account=account)

    def use(
        self,
        caps: Sequence[Cap],
        region_code: str,
        amount: Decimal,
        *,
        expires_on: date | None = None,
        reserved: bool = False,
        code: str = "issue",
    ) -> Chain:
        """Use up caps in the same chain: at once (``code`` says by which event), or ``reserved=True``."""
        for cap in caps:
            source, used = f"cap_source:{region_code}", f"cap_used:{region_code}"
            self.open(source, "cap_source", region_code=region_code)
            self.open(used, "cap_used", region_code=region_code)
            self.open(cap.code, "cap", region_code=region_code, limit=_text(cap.limit), hot=cap.shared)
            if cap.together:
                self._sum(cap, region_code)
            part = amount if cap.amount is None else cap.amount
            if reserved:
                self.pending("reserve", cap.code, used, part, expires_on)
            else:
                self.single(code, cap.code, used, part)
        return self

    def recount(self, caps: Sequence[Cap], region_code: str, reserved: Mapping[str, Decimal]) -> Chain:
        """What ``reserved`` holds of each cap's account is used now, within the limit of those that are together now: somebody may
        have joined since it was reserved."""
        for cap in caps:
            if cap.together:
                self._sum(cap, region_code, recount=_text(reserved[cap.code]))
        return self

    def _sum(self, cap: Cap, region_code: str, **more: str) -> None:
        """The limit of a group over the accounts of all its members, opened where they are not there yet."""
        accounts = sorted({cap.code, *(cap.code_of(subject) for subject in cap.together)})
        for other in accounts:
            if other != cap.code:
                self.open(other, "cap", region_code=region_code)
        stated = {"code": cap.code_of(cap.group), "limit": _text(cap.limit), "accounts": accounts}
        self.sums.append(stated | more)

    def give_back(self, caps: Sequence[Cap], region_code: str, amount: Decimal) -> Chain:
        """What a payment used of caps is not used any more: it came back."""
        for cap in caps:
            part = amount if cap.amount is None else cap.amount
            self.single("return", f"cap_used:{region_code}", cap.code, part)
        return self

    def body(self) -> dict[str, Any]:
        """What is sent. The database hashes it, to know the same id with another body."""
        opens = {item["code"]: item for item in self.opens}
        body: dict[str, Any] = {
            "id": str(self.id),
            "on": self.on.isoformat(),
            "subject_kind": self.subject_kind,
            "subject_no": self.subject_no,
            "open": list(opens.values()),
            "transfers": self.transfers,
        }
        if self.sums:
            body["sums"] = self.sums
        if self.borne_together:
            body["split"] = self.borne_together
        return body

    def post(self) -> LedgerResult:
        """Send it: one round trip."""
        return result_of(_call("ledger_post", self.body()))

    def _leg(self, **leg: Any) -> Chain:
        self.transfers.append({key: value for key, value in leg.items() if value is not None})
        return self


def post_all(chains: Sequence[Chain]) -> list[LedgerResult]:
    """Send several chains in one round trip; each succeeds or fails by itself, and the answers keep the order."""
    if not chains:
        return []
    return [result_of(answer) for answer in _call("ledger_post_batch", [chain.body() for chain in chains])]


def _text(amount: Decimal) -> str:
    """The amount as it is sent: exact to the fen where it can be; what is no amount is left for the database to refuse."""
    if isinstance(amount, float):
        raise TypeError("amounts are Decimal, never float")
    try:
        return str(yuan(amount))
    except ValueError:
        return str(amount)


def _call(function: str, body: dict[str, Any] | list[dict[str, Any]]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s::jsonb)", [json.dumps(body, ensure_ascii=False)])
        row = cursor.fetchone()
    answer = row[0] if row else None
    return json.loads(answer) if isinstance(answer, str) else answer


def _amount(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def result_of(answer: Mapping[str, Any]) -> LedgerResult:
    """The database's answer to a chain, as it came."""
    return LedgerResult(answer)
