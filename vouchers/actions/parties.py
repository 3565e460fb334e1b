"""Verbs on the register of parties that the floors above push down."""

from __future__ import annotations

import re
from datetime import date

from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import Affiliation, Party, User


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


_USCC = re.compile(r"[0-9A-Z]{18}")


def counterparty(*, uscc: str, name: str, by: User) -> Party:
    """The other side of a contract: the party of that code, or a new row of the register with the name that was given.

    A wrong check digit is no refusal (such codes exist). Raises ``Invalid`` (``party.uscc``, ``party.name``)."""
    announce("party.name_counterparty")
    require_role(by, Role.FILER)
    code = re.sub(r"[\s-]", "", uscc).upper()
    if not _USCC.fullmatch(code):
        raise Invalid(
            "party.uscc",
            f"统一社会信用代码应为 18 位数字和大写字母，您填写了 {len(code)} 位。请对照合同或营业执照核对。",
            field="lessor_uscc",
        )
    known: Party | None = Party.objects.filter(uscc=code).first()
    if known is not None:
        return known
    if not name.strip():
        raise Invalid("party.name", f"登记中还没有代码为 {code} 的单位，请填写其全称。", field="lessor_name")
    return Party.objects.create(
        uscc=code,
        name=name.strip()[:200],
        is_provider=True,
        region_code=code[2:8] if code[2:8].isdigit() else "",
    )
