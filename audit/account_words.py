"""Accounts of the ledger in words: ``voucher:V-2025-000123:pool`` is 算力券 V-2025-000123（pool 承担部分）."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from vouchers.models import LedgerAccount
from vouchers.models.ledger import AccountKind

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


def _part(bearers: list[str]) -> str:
    """Whose part it is, where several treasuries share the cost."""
    known = {"levy": _("加收部分"), "excess": _("多收部分")}
    return "".join(known.get(one, _("（%(bearer)s 承担部分）") % {"bearer": one}) for one in bearers if one)


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
    return AccountWords(text + _part(bearers), "party", payee)


def _cap(rest: list[str]) -> AccountWords | None:
    if len(rest) < 4:
        return None
    _publication, cap, *subject, period = rest
    named = {"cap": cap, "subject": ":".join(subject), "period": period}
    return AccountWords(_("限额 %(cap)s · %(subject)s · %(period)s") % named)


def _of_program(head: str, rest: list[str]) -> AccountWords:
    kind = AccountKind(head).label if head in AccountKind.values else ""
    if not kind:
        return AccountWords(":".join([head, *rest]))
    place, *more = rest
    text = f"{kind} {place}"
    if more and _YEAR.match(more[0]):
        text += _(" %(year)s 年度") % {"year": more.pop(0)}
    program = "" if _REGION.match(place) else place
    return AccountWords(text + _part(more), "program" if program else "", program)


def accounts_of(kind: str, number: str) -> list[str]:
    """The codes of the accounts that are of this voucher, payment or clawback alone."""
    heads = {"voucher": ("voucher",), "payment": ("payment",), "clawback": ("receivable", "refundable")}
    codes: list[str] = []
    for head in heads.get(kind, ()):
        root = f"{head}:{number}"
        named = LedgerAccount.objects.filter(Q(code=root) | Q(code__startswith=f"{root}:"))
        codes += named.values_list("code", flat=True)
    return codes
