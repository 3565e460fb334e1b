"""Accounts of the ledger in words: ``voucher:V-2025-000123:city`` is 算力券 V-2025-000123（市级财政承担部分）.

What a treasury and a cap are called is what the published versions call them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache

from django.db.models import Q
from django.utils.translation import gettext as _

from vouchers.models import LedgerAccount, Publication
from vouchers.models.ledger import AccountKind
from vouchers.policy.caps import ALL_PUBLIC_MONEY, cap_period_words

_YEAR = re.compile(r"20\d\d\Z")
_REGION = re.compile(r"\d{6}\Z")


@dataclass(frozen=True)
class AccountWords:
    """What an account is called, and the case that it is of (kind and number), if it is of one."""

    text: str
    kind: str = ""
    number: str = ""


def account_words(code: str) -> AccountWords:
    """The account's name for people. A code that follows none of the ways is given as it is."""
    head, *rest = code.split(":")
    words = {
        "voucher": _voucher,
        "payment": _payment,
        "receivable": _receivable,
        "refundable": _refundable,
        "cap": _cap,
        "payable": _payable,
    }.get(head)
    if not rest:
        return AccountWords(code)
    if words is not None:
        return words(rest) or AccountWords(code)
    return _of_program(head, rest)


@dataclass
class _Said:
    """What the published versions call their parts: name by (program, code), and by code where all programs say the same."""

    treasuries: dict[tuple[str, str], str] = field(default_factory=dict)
    caps: dict[tuple[str, str], str] = field(default_factory=dict)

    def treasury(self, code: str, program: str) -> str:
        own = self.treasuries.get((program, code))
        if own is not None:
            return own
        names = {name for (_program, of_code), name in self.treasuries.items() if of_code == code}
        return " / ".join(sorted(names)) or code


def _said() -> _Said:
    """The names as they are published now; read anew only when there is a newer publication."""
    newest = Publication.objects.order_by("-pk").values_list("pk", "sha256").first()
    return _said_by(newest) if newest is not None else _Said()


@lru_cache(2)
def _said_by(_newest: tuple[int, str]) -> _Said:
    said = _Said()
    rows = Publication.objects.order_by("-pk").values_list("program__code", "canonical")
    for program, canonical in rows.iterator(chunk_size=20):
        scheme = json.loads(bytes(canonical))
        for row in scheme.get("treasury_shares") or ():
            said.treasuries.setdefault((program, row["code"]), row["treasury"])
        short = hashlib.sha256(program.encode()).hexdigest()[:12]
        for row in scheme.get("caps") or ():
            said.caps.setdefault((short, row["code"]), row["name"])
    return said


def _part(bearers: list[str], program: str = "") -> str:
    """Whose part it is, where several treasuries share the cost."""
    known = {"levy": _("加收部分"), "excess": _("多收部分")}
    return "".join(
        known[one]
        if one in known
        else _("（%(bearer)s承担部分）") % {"bearer": _said().treasury(one, program)}
        for one in bearers
        if one
    )


def _voucher(rest: list[str]) -> AccountWords:
    number, *bearers = rest
    noun = _("核定额度") if number.startswith("E-") else _("算力券")
    return AccountWords(f"{noun} {number}{_part(bearers)}", "voucher", number)


def _payment(rest: list[str]) -> AccountWords:
    number, *bearers = rest
    return AccountWords(_("拨付在途 %(number)s") % {"number": number} + _part(bearers), "payment", number)


def _receivable(rest: list[str]) -> AccountWords:
    number, *bearers = rest
    return AccountWords(_("应追回款 %(number)s") % {"number": number} + _part(bearers), "clawback", number)


def _refundable(rest: list[str]) -> AccountWords:
    number, *bearers = rest
    kind = "refund" if number.startswith("RF") else "clawback"
    return AccountWords(_("应退还款 %(number)s") % {"number": number} + _part(bearers), kind, number)


def _payable(rest: list[str]) -> AccountWords | None:
    if len(rest) < 3:
        return None
    program, year, payee, *bearers = rest
    text = _("应付补贴 %(program)s %(year)s 年度 · %(payee)s") % {
        "program": program,
        "year": year,
        "payee": payee,
    }
    return AccountWords(text + _part(bearers, program), "party", payee)


def _cap(rest: list[str]) -> AccountWords | None:
    if len(rest) < 4:
        return None
    short, code, *subject, period = rest
    part, _dot, event = code.partition(".")
    name = _said().caps.get((short, part)) or (_("其他财政资金合计") if part == ALL_PUBLIC_MONEY else part)
    at = {"issue": _("（按发放计）"), "claim": _("（按兑付计）"), "payment": _("（按拨付计）")}.get(event, "")
    named = {"cap": name + at, "subject": ":".join(subject), "period": _period(period)}
    return AccountWords(_("限额 %(cap)s · %(subject)s · %(period)s") % named)


def _period(period: str) -> str:
    try:
        return cap_period_words(period)
    except ValueError:
        return period


def _of_program(head: str, rest: list[str]) -> AccountWords:
    kind = AccountKind(head).label if head in AccountKind.values else ""
    if not kind:
        return AccountWords(":".join([head, *rest]))
    place, *more = rest
    text = f"{kind} {place}"
    if more and _YEAR.match(more[0]):
        text += _(" %(year)s 年度") % {"year": more.pop(0)}
    program = "" if _REGION.match(place) else place
    # treasury:<region>:<program>:<code>: one that shares is known by its code in that program alone
    of_program = more.pop(0) if head == "treasury" and len(more) > 1 else ""
    if of_program:
        text += f" {of_program}"
    return AccountWords(text + _part(more, program or of_program), "program" if program else "", program)


def accounts_of(kind: str, number: str) -> list[str]:
    """The codes of the accounts that are of this voucher, payment or clawback alone."""
    heads = {"voucher": ("voucher",), "payment": ("payment",), "clawback": ("receivable", "refundable")}
    codes: list[str] = []
    for head in heads.get(kind, ()):
        root = f"{head}:{number}"
        named = LedgerAccount.objects.filter(Q(code=root) | Q(code__startswith=f"{root}:"))
        codes += named.values_list("code", flat=True)
    return codes
