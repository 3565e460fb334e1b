"""Versions of the fraud rules: the shipped ones, and new ones that two persons publish."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from audit.models import RuleVersion
from audit.models.flags import RuleState
from audit.rules import RULES
from audit.rules.base import Rule
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import User
from vouchers.states import advance


def load_rules() -> tuple[int, int]:
    """Bring version 1 of every rule that has no version yet, as shipped and in force. (new, known); twice changes nothing."""
    announce("rule.load")
    known = set(RuleVersion.objects.values_list("rule", flat=True).distinct())
    for rule in RULES.values():
        if rule.id in known:
            continue
        version = RuleVersion.objects.create(
            rule=rule.id,
            version=1,
            title=rule.title,
            family=rule.family,
            severity=rule.severity,
            points=rule.points,
            parameters=rule.defaults,
            legal_basis=rule.legal_basis,
            state=RuleState.DRAFT,
            shipped=True,
        )
        advance(version, "ship", by=None, update={"published_at": dates.now()})
    return len(RULES) - len(known & set(RULES)), len(known & set(RULES))


def draft_rule_version(
    rule_id: str, *, by: User, parameters: dict[str, Any], points: Decimal | None, reason: str
) -> RuleVersion:
    """A new version of a rule as draft. Raises ``Invalid`` (``rule.unknown``, ``rule.parameter``, ``rule.reason``)."""
    announce("rule_version.draft", reason)
    require_role(by, Role.AUDIT_ADMIN)
    rule = RULES.get(rule_id)
    if rule is None:
        raise Invalid("rule.unknown", f"没有编号为 {rule_id} 的稽核规则。", field="rule")
    if not reason.strip():
        raise Invalid("rule.reason", "请写明修订规则的理由，例如依据哪些核查结论。", field="reason")
    check_parameters(rule, parameters)
    last = RuleVersion.objects.filter(rule=rule_id).aggregate(last=Max("version"))["last"] or 0
    return RuleVersion.objects.create(
        rule=rule_id,
        version=last + 1,
        title=rule.title,
        family=rule.family,
        severity=rule.severity,
        points=points,
        parameters={**rule.defaults, **parameters},
        legal_basis=rule.legal_basis,
        drafted_by=by,
        reason=reason.strip(),
    )


def check_parameters(rule: Rule, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the rule does not know, of another kind, or out of their range."""
    known = {parameter.name: parameter for parameter in rule.parameters}
    for name, value in parameters.items():
        parameter = known.get(name)
        if parameter is None:
            raise Invalid("rule.parameter", f"规则 {rule.id} 没有参数“{name}”。", field="parameters")
        if isinstance(parameter.default, list | dict):
            if type(value) is not type(parameter.default):
                raise Invalid("rule.parameter", f"参数“{parameter.label}”的形式不对。", field="parameters")
            continue
        try:
            number = Decimal(str(value))
        except ArithmeticError:
            raise Invalid(
                "rule.parameter", f"参数“{parameter.label}”须为数字。", field="parameters"
            ) from None
        low, high = parameter.low, parameter.high
        if (low is not None and number < Decimal(str(low))) or (
            high is not None and number > Decimal(str(high))
        ):
            raise Invalid(
                "rule.parameter",
                f"参数“{parameter.label}”须在 {low} 至 {high}{parameter.unit} 之间，您填写了 {value}。",
                field="parameters",
            )


def propose_rule_version(version: RuleVersion, *, by: User) -> RuleVersion:
    """Ask for publication."""
    announce("rule_version.propose", version.reason)
    advance(version, "propose", by=by, update={"proposed_by": by})
    return version


def publish_rule_version(version: RuleVersion, *, by: User) -> RuleVersion:
    """The second person publishes; the version before it is superseded in the same transaction."""
    announce("rule_version.publish", version.reason)
    earlier = {pk for pk in (version.drafted_by_id, version.proposed_by_id) if pk}
    require_role(by, Role.AUDIT_ADMIN)
    require_other_person(by, earlier, "发布规则")
    with transaction.atomic():
        for predecessor in RuleVersion.objects.filter(rule=version.rule, state=RuleState.PUBLISHED):
            advance(predecessor, "supersede", by=None)
        advance(version, "publish", by=by, update={"published_by": by, "published_at": dates.now()})
    return version
