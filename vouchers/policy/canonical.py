"""One spelling for one document: canonical JSON in UTF-8, and its SHA-256.

Keys sorted by code point, no spaces, no escapes beyond those of JSON, decimals as strings without trailing zeros, and no
JSON numbers but integers. Two documents are the same exactly when their bytes are.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from vouchers.policy.plain import to_plain


def canonical_bytes(value: Any) -> bytes:
    """The canonical JSON of a dataclass or of plain values. Raises TypeError for a float or anything else without a plain form."""
    return json.dumps(
        to_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode("utf-8")


def sha256_hex(content: bytes) -> str:
    """SHA-256 as 64 lower hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON: the name by which cases pin a publication or a set of facts."""
    return sha256_hex(canonical_bytes(value))


def read_canonical(content: bytes) -> dict[str, Any]:
    """The document of canonical bytes. Raises ValueError when the bytes are not canonical."""
    document = json.loads(content.decode("utf-8"), parse_float=_refuse_float)
    if not isinstance(document, dict) or canonical_bytes(document) != content:
        raise ValueError("not canonical JSON")
    return document


def _refuse_float(text: str) -> Any:
    raise ValueError(f"a float in canonical JSON: {text}")
