"""Versions of the fraud rules and of the scoring: the shipped ones, and new ones that two persons publish.

Draft → proposed → published → superseded. What is published was seen in a shadow run of exactly its content, against the
versions that are in force when it is published.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from audit.models import RuleStop, RuleVersion, ShadowRun
from audit.models.flags import RuleState
from audit.rules import VERSIONED
from audit.rules.base import Rule
from audit.rules.parameters import faults
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User
from vouchers.states import advance

EVER = (RuleState.PUBLISHED, RuleState.SUPERSEDED)


def rows_in_force(at: datetime) -> QuerySet[RuleVersion]:
    """The version of each rule in force at the instant: the last one that had begun. ``stopped`` is why it is in the shadow now."""
    stop = RuleStop.objects.filter(rule=OuterRef("rule"), put_back_at=None).values("sentence")[:1]
    return (
        RuleVersion.objects.filter(rule__in=list(VERSIONED), state__in=EVER)
        .alias(begins=Coalesce(F("effective_from"), F("published_at")))
        .filter(Q(shipped=True) | Q(begins__lte=at))
        .annotate(stopped=Subquery(stop))
        .order_by("rule", "-version")
        .distinct("rule")
    )


def version_in_force(rule_id: str, at: datetime | None = None) -> RuleVersion | None:
    """The version of one rule in force at the instant (now)."""
    return next((row for row in rows_in_force(at or dates.now()) if row.rule == rule_id), None)


def load_rules() -> tuple[int, int]:
    """Bring version 1 of every rule that has no version yet, as shipped and in force. (new, known); twice changes nothing."""
    announce("rule.load")
    known = set(RuleVersion.objects.values_list("rule", flat=True).distinct())
    for rule in VERSIONED.values():
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
        now = dates.now()
        advance(version, "ship", by=None, update={"published_at": now, "effective_from": now})
    return len(VERSIONED) - len(known & set(VERSIONED)), len(known & set(VERSIONED))


def draft_rule_version(
    rule_id: str,
    *,
    by: User,
    parameters: dict[str, Any],
    reason: str,
    legal_basis: str = "",
    effective_from: datetime | None = None,
) -> RuleVersion:
    """A new version of a rule as draft; what ``parameters`` does not name stays as in force.

    Raises ``Invalid`` (``rule.unknown``, ``rule.parameter`` with the field, ``rule.reason``, ``rule.basis``, ``rule.unchanged``,
    ``rule.effective_from``), ``NotNow`` (``rule_version.under_way``) while another draft of the rule is worked on."""
    announce("rule_version.draft", reason)
    require_role(by, Role.AUDIT_ADMIN)
    rule = VERSIONED.get(rule_id)
    if rule is None:
        raise Invalid("rule.unknown", f"没有编号为 {rule_id} 的稽核规则。", field="rule")
    under_way = RuleVersion.objects.filter(
        rule=rule_id, state__in=(RuleState.DRAFT, RuleState.PROPOSED), shipped=False
    ).first()
    if under_way is not None:
        raise NotNow(
            "rule_version.under_way",
            f"规则 {rule_id} 的第 {under_way.version} 版正在修订（{under_way.get_state_display()}）。",
            hint="请先办完或删除那一版。",
        )
    last = RuleVersion.objects.filter(rule=rule_id).aggregate(last=Max("version"))["last"] or 0
    version = RuleVersion(
        rule=rule_id,
        version=last + 1,
        title=rule.title,
        family=rule.family,
        severity=rule.severity,
        drafted_by=by,
    )
    _fill(version, rule, parameters, reason, legal_basis, effective_from)
    version.save(force_insert=True)
    version.refresh_from_db()
    return version


def edit_rule_version(
    version: RuleVersion,
    *,
    by: User,
    parameters: dict[str, Any],
    reason: str,
    legal_basis: str = "",
    effective_from: datetime | None = None,
) -> RuleVersion:
    """Change a draft. Raises as ``draft_rule_version``, and ``NotNow`` (``rule_version.not_draft``)."""
    announce("rule_version.edit", reason)
    require_role(by, Role.AUDIT_ADMIN)
    row = _draft(version)
    _fill(row, VERSIONED[row.rule], parameters, reason, legal_basis, effective_from)
    row.drafted_by = by
    row.save()
    return row


def delete_rule_version(version: RuleVersion, *, by: User) -> None:
    """Take a draft away that nothing speaks of yet. Raises ``NotNow`` (``rule_version.not_draft``, ``rule_version.has_runs``)."""
    announce("rule_version.delete", version.reason)
    require_role(by, Role.AUDIT_ADMIN)
    row = _draft(version)
    if row.shadow_runs.exists():
        raise NotNow(
            "rule_version.has_runs",
            "本版已有影子运行的记录，不能删除。",
            hint="请修改本版后继续使用。",
        )
    row.delete()


def _draft(version: RuleVersion) -> RuleVersion:
    row: RuleVersion = RuleVersion.objects.select_for_update().get(pk=version.pk)
    if row.state != RuleState.DRAFT:
        raise NotNow(
            "rule_version.not_draft",
            f"本版已{row.get_state_display()}，不能再改。",
            hint="请退回修改，或另起一版。",
        )
    return row


def _fill(
    version: RuleVersion,
    rule: Rule,
    parameters: dict[str, Any],
    reason: str,
    legal_basis: str,
    effective_from: datetime | None,
) -> None:
    current = version_in_force(rule.id)
    before = {**rule.defaults, **(current.parameters if current else {})}
    values = {**before, **parameters}
    check_parameters(rule, values)
    if not reason.strip():
        raise Invalid("rule.reason", "请写明修订规则的理由，例如依据哪些核查结论。", field="reason")
    basis = legal_basis.strip() or (current.legal_basis if current else rule.legal_basis)
    if effective_from is not None and effective_from < dates.now():
        raise Invalid(
            "rule.effective_from",
            "施行日不能早于今日：已作出的筛查按当时有效的版本，不溯及既往。",
            field="effective_on",
            hint="留空即自发布时起施行。",
        )
    if values == before and basis == (current.legal_basis if current else rule.legal_basis):
        raise Invalid("rule.unchanged", "参数和依据与现行版本完全相同，无须新的版本。", field="parameters")
    version.parameters, version.points = values, _points(rule, values)
    version.reason, version.legal_basis, version.effective_from = reason.strip(), basis, effective_from


def _points(rule: Rule, values: dict[str, Any]) -> Decimal | None:
    points = values.get("points", rule.points)
    return rule.points if isinstance(points, dict) or points is None else Decimal(str(points))


def check_parameters(rule: Rule, parameters: dict[str, Any]) -> None:
    """Refuse (``rule.parameter``, the first field) parameters that the rule does not know, of another kind, out of range or contradictory."""
    labels = {parameter.name: parameter.label for parameter in rule.parameters}
    for name, sentence in faults(rule, parameters).items():
        told = f"参数“{labels[name]}”：{sentence}" if name in labels else sentence
        raise Invalid("rule.parameter", told, field=name)


def propose_rule_version(version: RuleVersion, *, by: User) -> RuleVersion:
    """Ask for publication. From here on it stays as it is unless it is returned."""
    announce("rule_version.propose", version.reason)
    advance(version, "propose", by=by, update={"proposed_by": by})
    return version


def return_rule_version(version: RuleVersion, *, by: User, reason: str) -> RuleVersion:
    """Back to a draft. Raises ``Invalid`` (``rule_version.return_reason``)."""
    announce("rule_version.return", reason)
    if not reason.strip():
        raise Invalid("rule_version.return_reason", "请写明退回的理由。", field="reason")
    advance(version, "return", by=by, update={"proposed_by": None})
    return version


def shadow_run_of(version: RuleVersion) -> ShadowRun | None:
    """The last shadow run that speaks of the version as it is, against the version that is in force now."""
    current = version_in_force(version.rule)
    known = current.version if current else 1
    for run in version.shadow_runs.filter(digest=version.digest).order_by("-pk"):
        if run.against.get(version.rule) == known:
            return run
    return None


def publish_rule_version(version: RuleVersion, *, by: User) -> RuleVersion:
    """The second person publishes; the version before it is superseded in the same transaction.

    Raises ``Forbidden`` (``access.role``, ``access.same_person``), ``NotNow`` (``rule_version.no_shadow_run``, ``rule_version.later_one``)."""
    announce("rule_version.publish", version.reason)
    earlier = {pk for pk in (version.drafted_by_id, version.proposed_by_id) if pk}
    require_role(by, Role.AUDIT_ADMIN)
    require_other_person(by, earlier, "发布规则")
    now = dates.now()
    with transaction.atomic():
        # The rule's published row first: two who publish versions of one rule wait for one another here.
        predecessors = list(
            RuleVersion.objects.select_for_update().filter(rule=version.rule, state=RuleState.PUBLISHED)
        )
        if shadow_run_of(version) is None:
            raise NotNow(
                "rule_version.no_shadow_run",
                "发布之前须以本版的内容做过影子运行，看清结果会有哪些变化。",
                hint="内容修改过，或现行版本已更换的，须重新运行。",
            )
        begins = max(version.effective_from or now, now)
        for predecessor in predecessors:
            if (predecessor.in_force_from or now) > begins:
                raise NotNow(
                    "rule_version.later_one",
                    f"第 {predecessor.version} 版已经发布，将于 {predecessor.in_force_from:%Y-%m-%d} 起施行，本版不能早于它。",
                    hint="请退回本版，改为更晚的施行日。",
                )
            advance(predecessor, "supersede", by=None)
        advance(
            version,
            "publish",
            by=by,
            update={"published_by": by, "published_at": now, "effective_from": begins},
        )
    return version
