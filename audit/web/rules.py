"""稽核规则: each rule's page with its versions and parameters; what the last scan found of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit.actions.rule_stops import put_rule_back
from audit.actions.rules import rows_in_force, version_in_force
from audit.actions.scans import latest_run
from audit.models import Flag, RuleStop, RuleVersion
from audit.models.flags import RuleState
from audit.rules import RULES, VERSIONED
from audit.rules.base import FAMILIES, Rule
from audit.rules.parameters import told
from audit.web.access import audit_view
from vouchers import dates
from vouchers.access import AUDIT_ROLES, Role, has_role

# Of what share of a rule's flags the conclusions of cases say that they were right, in words; said by whoever keeps the cases.
_precision: list[Callable[[str], str]] = [lambda _rule: ""]


def register_precision(words: Callable[[str], str]) -> None:
    """Called once when conclusions are kept: gives a rule's precision in words, or nothing."""
    _precision[0] = words


@audit_view
def rules(request: HttpRequest) -> HttpResponse:
    """All rules: the version in force, whether it is on, what the last scan found, and the flags that stand in the reader's regions."""
    current = {row.rule: row for row in rows_in_force(dates.now())}
    stops = {stop.rule: stop for stop in RuleStop.objects.filter(put_back_at=None)}
    under_way = {
        row.rule: row
        for row in RuleVersion.objects.filter(state__in=(RuleState.DRAFT, RuleState.PROPOSED), shipped=False)
    }
    flags = Flag.objects.filter(cleared_at=None).visible_to(request.user, *AUDIT_ROLES)
    counts = dict(flags.values_list("rule").annotate(count=Count("pk")))
    run = latest_run()
    rows = [
        {
            "rule": rule,
            "family": FAMILIES[rule.family],
            "version": current.get(rule.id),
            "count": counts.get(rule.id, 0) if rule.id in RULES else None,
            "last": run.rule_counts.get(rule.id) if run else None,
            "not_testable": run.not_testable.get(rule.id, 0) if run else 0,
            "stop": stops.get(rule.id),
            "under_way": under_way.get(rule.id),
        }
        for rule in VERSIONED.values()
    ]
    return render(request, "audit/rules.html", {"rows": rows, "run": run, "stopped": len(stops)})


def found_rule(rule_id: str) -> Rule:
    """The rule, or that there is none (404)."""
    rule = VERSIONED.get(rule_id)
    if rule is None:
        raise Http404
    return rule


@audit_view
def rule(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule: its page as written with the code, its parameters in force, its versions, whether it is in the shadow."""
    found = found_rule(rule_id)
    versions = list(
        RuleVersion.objects.filter(rule=rule_id).select_related("published_by", "proposed_by", "drafted_by")
    )
    current = version_in_force(rule_id)
    values = {**found.defaults, **(current.parameters if current else {})}
    run = latest_run()
    stops = list(RuleStop.objects.filter(rule=rule_id).select_related("put_back_by", "rule_version")[:10])
    own = has_role(request.user, Role.AUDIT_ADMIN)
    drafts = any(row.state in (RuleState.DRAFT, RuleState.PROPOSED) and not row.shipped for row in versions)
    return render(
        request,
        "audit/rule.html",
        {
            "rule": found,
            "counts": found.id in RULES,
            "family": FAMILIES[found.family],
            "lead": found.page.strip().split("\n\n")[0].partition("：")[2],
            "sections": [part.partition("：")[::2] for part in found.page.strip().split("\n\n")[1:]],
            "parameters": [
                (parameter, told(values[parameter.name]), told(parameter.default))
                for parameter in found.parameters
            ],
            "versions": versions,
            "current": current,
            "basis": current.legal_basis if current else found.legal_basis,
            "stop": next((stop for stop in stops if stop.put_back_at is None), None),
            "stops": stops,
            "facts": _facts(request, found, run),
            "may_draft": own and not drafts,
            "may_put_back": own,
            "crumbs": [(_("稽核规则"), reverse("audit:rules"))],
        },
    )


def _facts(request: HttpRequest, found: Rule, run: Any) -> list[dict[str, Any]]:
    """What the last scan said of it, and what became of its flags."""
    if found.id not in RULES:
        return []
    standing = Flag.objects.filter(rule=found.id).visible_to(request.user, *AUDIT_ROLES)
    counts = standing.aggregate(open=Count("pk", filter=Q(cleared_at=None)), ever=Count("pk"))
    last = run.rule_counts.get(found.id) if run else None
    facts: list[dict[str, Any]] = []
    if last is not None:
        share = f"{(last['soft'] + last['hard']) / run.claims * 100:.1f}%" if run.claims else "—"
        facts.append(
            {
                "label": _("最近一次扫描"),
                "value": _("硬性 %(hard)s 件，提示 %(soft)s 件，共占 %(share)s")
                % {"hard": f"{last['hard']:,}", "soft": f"{last['soft']:,}", "share": share},
            }
        )
        facts.append({"label": _("无法检验"), "value": f"{run.not_testable.get(found.id, 0):,} 件"})
    facts.append(
        {
            "label": _("现有预警（您的地区）"),
            "value": f"{counts['open']:,}",
            "url": f"{reverse('audit:suspicions')}?rule={found.id}",
        }
    )
    facts.append({"label": _("历次预警（您的地区）"), "value": f"{counts['ever']:,}"})
    precision = _precision[0](found.id)
    facts.append({"label": _("准确率"), "value": precision or _("尚无核查结论")})
    return facts


@audit_view
@require_POST
def put_back(request: HttpRequest, rule_id: str) -> HttpResponse:
    """A rule that stopped itself counts again."""
    found = found_rule(rule_id)
    put_rule_back(found.id, by=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    messages.success(request, _("规则 %(rule)s 已恢复，自下一次扫描和筛查起计分。") % {"rule": found.id})
    return redirect("audit:rule", found.id)


def waiting(user: Any) -> int | None:
    """For the menu: the rules that stopped themselves, and the versions that another person has proposed."""
    if not has_role(user, Role.AUDIT_ADMIN):
        return None
    proposed = RuleVersion.objects.filter(state=RuleState.PROPOSED).exclude(
        Q(proposed_by=user) | Q(drafted_by=user)
    )
    return RuleStop.objects.filter(put_back_at=None).count() + proposed.count()
