"""The records that a flag rests on, as ids for a workbook: a number of another region's contract or claim is left out (design,
section 2.10); what the flag rests on there is told by the page, with program and dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from applications.models import Claim, Lease
from audit.models import Flag

_LEASES, _CLAIMS = (
    frozenset({"lease", "lease_device", "metering"}),
    frozenset({"claim", "basis_item", "item"}),
)
ELSEWHERE = "另一地区"


def _named(one: str) -> tuple[str, str]:
    kind, _colon, rest = one.partition(":")
    return kind, rest.split("/", 1)[0]


def hidden_numbers(flags: Iterable[Flag], regions: Collection[str] | None) -> frozenset[str]:
    """The numbers in these flags' evidence that a reader of these regions (None: of all) may not know; two queries."""
    if regions is None:
        return frozenset()
    named = {_named(one) for flag in flags for one in flag.evidence}
    leases = [number for kind, number in named if kind in _LEASES]
    claims = [number for kind, number in named if kind in _CLAIMS]
    hidden = Lease.objects.filter(lease_no__in=leases).exclude(program_region_code__in=regions)
    others = Claim.objects.filter(claim_no__in=claims).exclude(program_region_code__in=regions)
    return frozenset(hidden.values_list("lease_no", flat=True)) | frozenset(
        others.values_list("claim_no", flat=True)
    )


def told(flag: Flag, hidden: Collection[str]) -> list[str]:
    """The ids of the flag's records, those of other regions by their kind alone."""
    ids = (
        f"{kind}:{ELSEWHERE}" if number in hidden else one
        for one in flag.evidence
        for kind, number in (_named(one),)
    )
    return list(dict.fromkeys(ids))
