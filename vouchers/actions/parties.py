"""Verbs on the register of parties that the floors above push down."""

from __future__ import annotations

from datetime import date

from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import Affiliation, Party


def record_affiliation(
    one: Party,
    other: Party,
    *,
    ground: str,
    evidence: list[str],
    effective_from: date,
    effective_to: date | None = None,
) -> tuple[Affiliation, bool]:
    """Keep that two parties belong together from a day on; the price method then counts them as one group.

    Recorded twice it changes nothing but the end and the evidence. Returns the row and whether it is new. Raises ``Invalid``
    (``affiliation.self``, ``affiliation.dates``, ``affiliation.evidence``).
    """
    announce("party.record_affiliation", ground)
    if one.pk == other.pk:
        raise Invalid("affiliation.self", "关联关系须在两个不同的单位之间。")
    if effective_to is not None and effective_to <= effective_from:
        raise Invalid("affiliation.dates", "关联关系的截止日须晚于起始日。", field="effective_to")
    if not evidence:
        raise Invalid("affiliation.evidence", "请列明认定关联关系所依据的记录。", field="evidence")
    first, second = sorted((one, other), key=lambda party: party.pk)
    row, made = Affiliation.objects.get_or_create(
        one=first,
        other=second,
        ground=ground,
        effective_from=effective_from,
        defaults={"evidence": evidence, "effective_to": effective_to},
    )
    if not made and (row.effective_to != effective_to or row.evidence != evidence):
        row.effective_to, row.evidence = effective_to, evidence
        row.save(update_fields=("effective_to", "evidence"))
    return row, made


def end_affiliation(affiliation: Affiliation, *, effective_to: date) -> None:
    """The register no longer shows the link: it ends on that day (half-open). An earlier end stays."""
    announce("party.end_affiliation", affiliation.ground)
    if affiliation.effective_to is not None and affiliation.effective_to <= effective_to:
        return
    affiliation.effective_to = max(effective_to, affiliation.effective_from)
    affiliation.save(update_fields=("effective_to",))
