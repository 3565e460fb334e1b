"""失信名单的公布: each issue of a region is frozen, numbered and hashed; what is shown of it is what still stands.

Verification without the names that ended: every row carries a random salt; its leaf is the SHA-256 of its canonical JSON; the issue's
hash is the SHA-256 of the canonical JSON of its head with all leaves. A row that ended is published by its leaf alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import date
from typing import Any

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import NotNow
from vouchers.models import DebarmentList, Listing, Region, User

FIELDS = (
    "debarment_no",
    "name",
    "uscc",
    "reason",
    "basis",
    "article",
    "document_no",
    "effective_from",
    "effective_to",
    "authority",
    "repair_terms",
)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: what the hashes are of."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def leaf_of(entry: dict[str, Any]) -> str:
    """SHA-256 of one row as published."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def digest_of(region_code: str, number: int, issued_on: str, leaves: list[str]) -> str:
    """SHA-256 of an issue: its head and the leaves of all its rows."""
    return hashlib.sha256(
        canonical({"region": region_code, "number": number, "issued_on": issued_on, "leaves": leaves})
    ).hexdigest()


def _rows(region: Region, on: date) -> list[dict[str, Any]]:
    rows = (
        Listing.objects.in_force(on)
        .filter(region_code=region.code)
        .exclude(debarment=None)
        .select_related("party", "debarment")
        .order_by("effective_from", "entry_no")
    )
    return [
        {
            "debarment_no": row.debarment.debarment_no,
            "name": row.party.name,
            "uscc": row.party.uscc,
            "reason": str(row.debarment.get_ground_display()),
            "basis": row.debarment.basis,
            "article": row.debarment.article,
            "document_no": row.document_no,
            "effective_from": row.effective_from.isoformat(),
            "effective_to": row.effective_to.isoformat() if row.effective_to else "",
            "authority": region.name,
            "repair_terms": row.debarment.repair_terms,
        }
        for row in rows
        if row.debarment is not None
    ]


def _unsalted(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "salt"}


def latest_list(region: Region) -> DebarmentList | None:
    """The region's current issue."""
    issue: DebarmentList | None = region.debarment_lists.order_by("-number").first()
    return issue


def issue_list(region: Region, *, by: User | None) -> DebarmentList:
    """公布: the next issue with all restrictions of the region that stand today; by hand by a publisher, or by the clock (``by`` None).

    Raises ``Forbidden`` (``access.role``) and ``NotNow`` (``debarment_list.unchanged``: the current issue says the same)."""
    announce("debarment_list.issue", region.name)
    if by is not None:
        require_role(by, Role.PUBLISHER, region=region)
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)
    today = dates.today()
    rows = _rows(region, today)
    before = latest_list(region)
    said = [_unsalted(entry) for entry in before.entries] if before is not None else []
    if said == rows:
        raise NotNow(
            "debarment_list.unchanged",
            f"{region.name}的名单与第 {before.number} 期相同，无须重新公布。"
            if before is not None
            else f"{region.name}目前没有应公布的失信限制。",
        )
    entries = [row | {"salt": secrets.token_hex(16)} for row in rows]
    leaves = [leaf_of(entry) for entry in entries]
    number = before.number + 1 if before is not None else 1
    return DebarmentList.objects.create(
        region=region,
        number=number,
        issued_on=today,
        issued_by=by,
        entries=entries,
        leaves=leaves,
        sha256=digest_of(region.code, number, today.isoformat(), leaves),
    )


def issue_due_lists() -> list[str]:
    """By the clock: the next issue of every region whose list says something else than its current one. Answers their numbers."""
    issued: list[str] = []
    codes = Listing.objects.exclude(debarment=None).values_list("region_code", flat=True).distinct()
    for region in Region.objects.filter(code__in=list(codes)).order_by("code"):
        try:
            issued.append(issue_list(region, by=None).list_no)
        except NotNow as same:
            if same.code != "debarment_list.unchanged":
                raise
    return issued


def standing_entries(issue: DebarmentList, on: date) -> list[dict[str, Any]]:
    """The rows of an issue that still stand on the day, by the entries themselves: what ended or was repaired is gone at once."""
    numbers = [entry["debarment_no"] for entry in issue.entries]
    standing = set(
        Listing.objects.in_force(on)
        .filter(debarment__debarment_no__in=numbers)
        .values_list("debarment__debarment_no", flat=True)
    )
    return [entry for entry in issue.entries if entry["debarment_no"] in standing]


def public_file(issue: DebarmentList, on: date) -> dict[str, Any]:
    """The issue for everybody: the rows that still stand, the leaves of all, the hash. Anybody can compute the hash again."""
    return {
        "list_no": issue.list_no,
        "region": issue.region.code,
        "region_name": issue.region.name,
        "number": issue.number,
        "issued_on": issue.issued_on.isoformat(),
        "sha256": issue.sha256,
        "leaves": issue.leaves,
        "as_of": on.isoformat(),
        "entries": standing_entries(issue, on),
    }
