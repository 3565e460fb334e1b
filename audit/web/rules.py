"""稽核规则: each rule's page with its versions and parameters."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.actions.scans import latest_run
from audit.models import Flag, RuleVersion
from audit.models.flags import RuleState
from audit.rules import RULES
from audit.rules.base import FAMILIES
from audit.web.access import audit_view
from vouchers.access import AUDIT_ROLES


@audit_view
def rules(request: HttpRequest) -> HttpResponse:
    """All rules, with the version in force and how many flags of it stand in the reader's regions."""
    published = {row.rule: row for row in RuleVersion.objects.filter(state=RuleState.PUBLISHED)}
    flags = Flag.objects.filter(cleared_at=None).visible_to(request.user, *AUDIT_ROLES)
    counts: dict[str, int] = {}
    for rule in flags.values_list("rule", flat=True):
        counts[rule] = counts.get(rule, 0) + 1
    run = latest_run()
    rows = [
        {
            "rule": rule,
            "family": FAMILIES[rule.family],
            "version": published.get(rule.id),
            "count": counts.get(rule.id, 0),
            "stopped": run.stopped_rules.get(rule.id, "") if run else "",
        }
        for rule in RULES.values()
    ]
    return render(request, "audit/rules.html", {"rows": rows, "run": run})


def _told(value: object) -> str:
    """A parameter's value in words."""
    if isinstance(value, dict):
        return "；".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, list):
        return "、".join(str(one) for one in value) or _("无")
    return str(value)


@audit_view
def rule(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule: its page as written with the code, its parameters in force, its versions."""
    found = RULES.get(rule_id)
    if found is None:
        raise Http404
    versions = list(RuleVersion.objects.filter(rule=rule_id).select_related("published_by", "proposed_by"))
    published = next((row for row in versions if row.state == RuleState.PUBLISHED), None)
    values = {**found.defaults, **(published.parameters if published else {})}
    return render(
        request,
        "audit/rule.html",
        {
            "rule": found,
            "family": FAMILIES[found.family],
            "lead": found.page.strip().split("\n\n")[0].partition("：")[2],
            "sections": [part.partition("：")[::2] for part in found.page.strip().split("\n\n")[1:]],
            "parameters": [
                (parameter, _told(values[parameter.name]), _told(parameter.default))
                for parameter in found.parameters
            ],
            "versions": versions,
            "crumbs": [(_("稽核规则"), reverse("audit:rules"))],
        },
    )
