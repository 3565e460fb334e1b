"""追缴依据: the rates of interest and penalty that documents lay down; without one nothing is charged."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import Q

from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Program, RecoveryTerm, User
from vouchers.models.recovery_terms import RecoveryKind


def enter_term(
    program: Program,
    *,
    kind: str,
    rate_low: Decimal,
    rate_high: Decimal,
    document_no: str,
    article: str,
    effective_from: date,
    by: User,
) -> RecoveryTerm:
    """A rate with its document and article; it counts once another person confirmed it. Rates are fractions (0.1 is 10 %).

    Raises ``Forbidden`` (``access.role``) and ``Problems`` (``recovery_term.kind``, ``.rates``, ``.document``, ``.known``)."""
    announce("recovery_term.enter")
    require_role(by, Role.POLICY_EDITOR, region=program.region)
    faults: list[Invalid] = []
    if kind not in RecoveryKind.values:
        faults.append(Invalid("recovery_term.kind", "请选择种类。", field="kind"))
    if not 0 < rate_low <= rate_high <= 1:
        faults.append(
            Invalid("recovery_term.rates", "下限应大于 0，上限不小于下限且不超过 100%。", field="rate_low")
        )
    elif kind == RecoveryKind.INTEREST and rate_low != rate_high:
        faults.append(Invalid("recovery_term.rates", "年利率的下限与上限应相同。", field="rate_high"))
    if not document_no.strip() or not article.strip():
        faults.append(
            Invalid("recovery_term.document", "请填写依据文件和条款，例如“第十四条”。", field="document_no")
        )
    if program.recovery_terms.filter(kind=kind, effective_from=effective_from).exists():
        faults.append(Invalid("recovery_term.known", "同一种类在同一天已有一条。", field="effective_from"))
    if faults:
        raise Problems(faults)
    return RecoveryTerm.objects.create(
        program=program,
        kind=kind,
        rate_low=rate_low,
        rate_high=rate_high,
        document_no=document_no.strip()[:200],
        article=article.strip()[:60],
        effective_from=effective_from,
        entered_by=by,
    )


def confirm_term(term: RecoveryTerm, *, by: User) -> RecoveryTerm:
    """Another person has compared it with the document; an earlier one of the kind ends that day.

    Raises ``NotNow`` (``recovery_term.confirmed``) and ``Forbidden`` (``access.same_person``)."""
    announce("recovery_term.confirm")
    require_role(by, Role.PUBLISHER, region=term.program.region)
    if term.confirmed_by_id is not None:
        raise NotNow("recovery_term.confirmed", "这一条已经确认。")
    require_other_person(by, {term.entered_by_id}, "确认追缴依据")
    earlier = term.program.recovery_terms.filter(
        kind=term.kind, effective_from__lt=term.effective_from, confirmed_by__isnull=False
    ).filter(Q(effective_to=None) | Q(effective_to__gt=term.effective_from))
    earlier.update(effective_to=term.effective_from)
    term.confirmed_by = by
    term.save(update_fields=["confirmed_by"])
    return term
