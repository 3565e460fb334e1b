"""New keys for a cut of a data set, so that it never meets the set it was cut from (or another one) in one database.

Every function gives the same answer to the same question, so references hold and equal values stay equal; what the fraud
rules look at is kept: equal accounts, shared phones, networks (/24), runs and small differences of invoice numbers, check
digits that are right (or wrong).
"""

from __future__ import annotations

import hashlib
import re

from stdnum.cn import uscc

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SALT = "demo-year"


def _digest(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{_SALT}/{kind}/{value}".encode()).digest()


def new_uscc(code: str) -> str:
    """Another code of the same region and kind of body; its check digit is right if that of the old one was."""
    body = code[8:17]
    spread = _digest("uscc", code[:17])
    fixed = 2 if body.startswith("MA") else 0
    changed = body[:fixed] + "".join(_ALPHABET[b % len(_ALPHABET)] for b in spread[: 9 - fixed])
    stem = code[:8] + changed
    digit = uscc.calc_check_digit(stem)
    if not uscc.is_valid(code):
        digit = _ALPHABET[(_ALPHABET.index(digit) + 7) % len(_ALPHABET)]
    return stem + digit


def new_no(number: str, nth: int) -> str:
    """``C-2025-000123`` becomes ``C-2025-8…``: another block of six digits."""
    prefix, year, _ = number.split("-")
    return f"{prefix}-{year}-{800_000 + nth:06d}"


def _shift(text: str, first: int, last: int, by: int) -> str:
    """Shift the digits with these ordinals, whatever stands between them."""
    out, nth = [], 0
    for c in text:
        if c.isdigit():
            if first <= nth < last:
                width = ord(c) - int(c)
                c = chr(width + (int(c) + by) % 10)
            nth += 1
        out.append(c)
    return "".join(out)


def new_invoice_no(number: str) -> str:
    """Another sequence under the same year, province and channel; differences of neighbours and ways of writing are kept."""
    digits = sum(c.isdigit() for c in number)
    return _shift(number, 5, 9, 3) if digits > 12 else _shift(number, 0, 2, 5)


def new_bank_ref(reference: str) -> str:
    """Another serial behind the same date."""
    return _shift(reference, 8, 12, 4)


def new_serial(serial: str) -> str:
    """Another serial of the same maker and batch letter."""
    return _shift(serial, 0, 2, 6)


def new_account(account: str) -> str:
    """Another account at the same bank."""
    spread = int.from_bytes(_digest("account", account)[:12], "big")
    rest = len(account) - 4
    return account[:4] + f"{spread % 10**rest:0{rest}d}" if rest > 0 else account


def new_phone(phone: str) -> str:
    """Another number of the same carrier."""
    spread = int.from_bytes(_digest("phone", phone)[:8], "big")
    return phone[:3] + f"{spread % 10**8:08d}" if len(phone) == 11 else phone


def new_email(address: str) -> str:
    """Another domain that cannot exist."""
    local, at, domain = address.partition("@")
    return f"{local}@{_digest('domain', domain).hex()[:8]}.example" if at else address


def new_ip(address: str) -> str:
    """Another network; two addresses of one /24 stay together."""
    network, _, host = address.rpartition(".")
    spread = _digest("network", network)
    return f"{address.split('.')[0]}.{spread[0]}.{spread[1]}.{host}" if network else address


def new_address(address: str) -> str:
    """Other numbers in the same streets; who shared a building or a room still does."""

    def other(found: re.Match[str]) -> str:
        spread = int.from_bytes(_digest("address", address[: found.end()])[:6], "big")
        lowest = 10 ** (len(found[0]) - 1)
        return str(lowest + spread % (9 * lowest))

    return re.sub(r"[0-9]+", other, address)


def new_hash(digest: str) -> str:
    """Another digest of the same length (SHA-256 of papers and identities, fingerprints of devices)."""
    return _digest("hash", digest).hex()[: len(digest)]


def new_source(source: str) -> str:
    """A price's source: a company's code or a name."""
    return new_uscc(source) if re.fullmatch(r"[0-9A-Z]{18}", source) else source


__all__ = [
    "new_account",
    "new_address",
    "new_bank_ref",
    "new_email",
    "new_hash",
    "new_invoice_no",
    "new_ip",
    "new_no",
    "new_phone",
    "new_serial",
    "new_source",
    "new_uscc",
]
