"""规则版本: drafting the parameters of a rule, its shadow runs, and publication by two."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from audit.actions import rules as actions
from audit.actions.shadow_runs import (
    KIND,
    OUTCOME_WORDS,
    ask_shadow_run,
    last_closed_period,
    start_of,
)
from audit.models import RuleVersion, ShadowRun
from audit.models.flags import RuleState
from audit.rules.base import FAMILIES, Parameter, Rule
from audit.rules.parameters import NUMBER, faults, kind_of, read, shown, told
from audit.web.access import audit_view
from audit.web.rules import found_rule
from vouchers import dates
from vouchers.access import AUDIT_ROLES, Role, has_role, require_role, scope_of
from vouchers.actions.jobs import visible_jobs
from vouchers.errors import Invalid
from vouchers.models import Job, Region
from vouchers.states import verbs_for
from vouchers.web.fields import DayField
from vouchers.web.jobs import register_job_page
from vouchers.web.jobs import shown as shown_job

EXAMPLES_SHOWN = 20
KINDS = {
    "raised": gettext_lazy("新命中"),
    "cleared": gettext_lazy("不再命中"),
    "outcome": gettext_lazy("结果变化"),
    "score": gettext_lazy("得分变化"),
}
HINTS = {
    "list": gettext_lazy("一行一个代码。"),
    "pairs": gettext_lazy("一行一对代码，以空格隔开。"),
    "table": gettext_lazy("一行一项：代码、空格、整数。"),
    "texts": gettext_lazy("一份文本一段，各份之间空一行。"),
}


class VersionForm(forms.Form):
    """The parameters of one rule, each with its unit, range and default; then why, on what basis, and from when."""

    reason = forms.CharField(
        label=gettext_lazy("修订理由"),
        help_text=gettext_lazy("写明依据的核查结论、误报情形或政策变化。"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
    )
    legal_basis = forms.CharField(
        label=gettext_lazy("依据"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000
    )
    effective_on = DayField(
        label=gettext_lazy("施行日"), required=False, help_text=gettext_lazy("留空即自发布时起施行。")
    )

    def __init__(self, rule: Rule, *args: Any, values: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule, self.values = rule, dict(values)
        own = {parameter.name: self._field(parameter) for parameter in rule.parameters}
        self.fields = {**own, **self.fields}
        for parameter in rule.parameters:
            self.initial.setdefault(parameter.name, shown(parameter, values[parameter.name]))

    @staticmethod
    def _field(parameter: Parameter) -> forms.CharField:
        number = kind_of(parameter) == NUMBER
        unit = f"（{parameter.unit}）" if parameter.unit else ""
        hint = (
            _("%(low)s 至 %(high)s %(unit)s，默认 %(default)s。")
            % {
                "low": f"{parameter.low:,}",
                "high": f"{parameter.high:,}",
                "unit": parameter.unit,
                "default": told(parameter.default),
            }
            if number
            else f"{HINTS[kind_of(parameter)]}{_('默认：')}{told(parameter.default)}。"
        )
        widget: forms.Widget = (
            forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
            if number
            else forms.Textarea(attrs={"rows": 5})
        )
        return forms.CharField(
            label=f"{parameter.label}{unit}",
            help_text=hint,
            widget=widget,
            required=number,
            error_messages={"required": _("请填写数字。")},
        )

    def clean(self) -> dict[str, Any]:
        """Each field read by its parameter; then what contradicts one another."""
        cleaned: dict[str, Any] = super().clean() or {}
        read_values: dict[str, Any] = {}
        for parameter in self.rule.parameters:
            if parameter.name in self.errors:
                continue
            try:
                read_values[parameter.name] = read(parameter, cleaned.get(parameter.name) or "")
            except ValueError as wrong:
                self.add_error(parameter.name, str(wrong))
        for name, sentence in faults(self.rule, read_values).items():
            if name not in self.errors:
                self.add_error(name, sentence)
        cleaned["parameters"] = read_values
        return cleaned


def _values(rule: Rule, row: RuleVersion | None) -> dict[str, Any]:
    return {**rule.defaults, **(row.parameters if row else {})}


@audit_view
def draft(request: HttpRequest, rule_id: str) -> HttpResponse:
    """Begin a new version from the one in force."""
    require_role(request.user, Role.AUDIT_ADMIN)
    rule = found_rule(rule_id)
    current = actions.version_in_force(rule_id)
    basis = current.legal_basis if current else rule.legal_basis
    form = VersionForm(
        rule, request.POST or None, values=_values(rule, current), initial={"legal_basis": basis}
    )
    return _saved(request, rule, form, None)


@audit_view
def edit(request: HttpRequest, rule_id: str, version: int) -> HttpResponse:
    """Change a draft."""
    require_role(request.user, Role.AUDIT_ADMIN)
    rule, row = found_rule(rule_id), _found(rule_id, version)
    if row.state != RuleState.DRAFT:
        return redirect("audit:rule-version", rule_id, version)
    begins = row.effective_from.astimezone(dates.SHANGHAI).date() if row.effective_from else None
    initial = {"legal_basis": row.legal_basis, "reason": row.reason, "effective_on": begins}
    form = VersionForm(rule, request.POST or None, values=_values(rule, row), initial=initial)
    return _saved(request, rule, form, row)


def _saved(request: HttpRequest, rule: Rule, form: VersionForm, row: RuleVersion | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        day = asked["effective_on"]
        given: dict[str, Any] = {
            "by": request.user,
            "parameters": asked["parameters"],
            "reason": asked["reason"],
            "legal_basis": asked["legal_basis"],
            "effective_from": start_of(day) if day else None,
        }
        try:
            saved = (
                actions.draft_rule_version(rule.id, **given)
                if row is None
                else actions.edit_rule_version(row, **given)
            )
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, _("草稿已保存。请先做影子运行，再提请发布。"))
            return redirect("audit:rule-version", rule.id, saved.version)
    return render(
        request,
        "audit/rule_form.html",
        {
            "rule": rule,
            "form": form,
            "row": row,
            "crumbs": [
                (_("稽核规则"), reverse("audit:rules")),
                (f"{rule.id} {rule.title}", reverse("audit:rule", args=[rule.id])),
            ],
        },
        status=422 if form.errors else 200,
    )


def _found(rule_id: str, version: int) -> RuleVersion:
    row = (
        RuleVersion.objects.filter(rule=rule_id, version=version)
        .select_related("drafted_by", "proposed_by", "published_by")
        .first()
    )
    if row is None:
        raise Http404
    return row


@audit_view
def version(request: HttpRequest, rule_id: str, version: int) -> HttpResponse:
    """One version: what it changes, its shadow runs, and what the reader may do with it."""
    rule, row = found_rule(rule_id), _found(rule_id, version)
    reader: Any = request.user
    current = actions.version_in_force(rule_id)
    open_now = row.state in (RuleState.DRAFT, RuleState.PROPOSED)
    before = _values(rule, current if open_now else _predecessor(row))
    values = _values(rule, row)
    verbs = {transition.verb for transition in verbs_for(row, reader)}
    if reader.pk in (row.drafted_by_id, row.proposed_by_id):
        verbs.discard("publish")
    runs = list(row.shadow_runs.select_related("asked_by")[:10])
    valid = actions.shadow_run_of(row) if open_now else (runs[0] if runs else None)
    job = (
        visible_jobs(reader).filter(kind=KIND, key=f"{row.rule}@{row.version}").order_by("-pk").first()
        if open_now
        else None
    )
    first, last = last_closed_period(dates.today())
    own = has_role(reader, Role.AUDIT_ADMIN)
    return render(
        request,
        "audit/rule_version.html",
        {
            "rule": rule,
            "family": FAMILIES[rule.family],
            "row": row,
            "open_now": open_now,
            "changes": [
                (parameter, told(before[parameter.name]), told(values[parameter.name]))
                for parameter in rule.parameters
                if before[parameter.name] != values[parameter.name]
            ],
            "facts": _facts(row),
            "verbs": verbs,
            "may_edit": own and row.state == RuleState.DRAFT and not row.shipped,
            "may_run": own and open_now and (job is None or job.over),
            "runs": runs,
            "valid": valid,
            "diff": _diff(valid, request) if valid else None,
            "period": (first.isoformat(), last.isoformat()),
            **(_job(request, job) if job is not None else {}),
            "crumbs": [
                (_("稽核规则"), reverse("audit:rules")),
                (f"{rule.id} {rule.title}", reverse("audit:rule", args=[rule.id])),
            ],
        },
    )


def _predecessor(row: RuleVersion) -> RuleVersion | None:
    return (
        RuleVersion.objects.filter(rule=row.rule, version__lt=row.version, state__in=actions.EVER)
        .order_by("-version")
        .first()
    )


def _job(request: HttpRequest, job: Job) -> dict[str, Any]:
    facts = shown_job(request, job)
    return (
        {**facts, "job_facts": facts["facts"]} if not job.over or job.state != "done" else {"done_job": facts}
    )


def _facts(row: RuleVersion) -> list[dict[str, Any]]:
    begins = (
        row.in_force_from if row.state not in (RuleState.DRAFT, RuleState.PROPOSED) else row.effective_from
    )
    return [
        {"label": _("起草"), "value": str(row.drafted_by) if row.drafted_by else _("随系统提供")},
        {"label": _("提请"), "value": str(row.proposed_by or "—")},
        {"label": _("发布"), "value": str(row.published_by or "—")},
        {
            "label": _("施行"),
            "value": f"{begins.astimezone(dates.SHANGHAI):%Y-%m-%d %H:%M}" if begins else _("自发布时起"),
        },
        {"label": _("理由"), "value": row.reason or "—"},
        {"label": _("依据"), "value": row.legal_basis},
        {"label": _("内容摘要"), "value": f"SHA-256 {row.digest}"},
    ]


def _diff(run: ShadowRun, request: HttpRequest) -> dict[str, Any]:
    """The diff for one reader: counts over all regions, examples of one's own."""
    result = run.result
    mine = scope_of(request.user, *AUDIT_ROLES).regions
    names = dict(Region.objects.values_list("code", "name"))
    examples = [one for one in result["examples"] if one["region"] in mine]
    return {
        "run": run,
        "last_on": run.last_on,
        "kinds": [(label, result["kinds"].get(kind, 0)) for kind, label in KINDS.items()],
        "outcomes": [
            (label, result["before"].get(code, 0), result["after"].get(code, 0))
            for code, label in OUTCOME_WORDS.items()
        ],
        "moves": [(OUTCOME_WORDS[a], OUTCOME_WORDS[b], count) for a, b, count in result["moves"]],
        "regions": [
            (names.get(code, code) or "—", [counts.get(kind, 0) for kind in ("raised", "cleared", "moved")])
            for code, counts in result["regions"].items()
        ],
        "families": [
            (FAMILIES.get(code, code), [counts.get(kind, 0) for kind in ("raised", "cleared", "moved")])
            for code, counts in result["families"].items()
        ],
        "stopped": result.get("stopped", ""),
        "examples": [
            {
                **one,
                "kind": KINDS[one["kind"]],
                "before": OUTCOME_WORDS[one["before"]],
                "after": OUTCOME_WORDS[one["after"]],
                "amount": Decimal(one["amount"]),
            }
            for one in examples[:EXAMPLES_SHOWN]
        ],
        "more": max(0, len(examples) - EXAMPLES_SHOWN),
    }


@audit_view
@require_POST
def decide(request: HttpRequest, rule_id: str, version: int, verb: str) -> HttpResponse:
    """Propose, return, publish, delete; or ask for a shadow run."""
    require_role(request.user, Role.AUDIT_ADMIN)
    row, by = _found(rule_id, version), request.user
    person: Any = by
    if verb == "propose":
        actions.propose_rule_version(row, by=person)
        said = _("已提请发布，须由另一人发布。")
    elif verb == "return":
        actions.return_rule_version(row, by=person, reason=request.POST.get("reason", ""))
        said = _("已退回修改。")
    elif verb == "publish":
        actions.publish_rule_version(row, by=person)
        said = _("已发布。此后的筛查和扫描按施行日适用本版。")
    elif verb == "delete":
        actions.delete_rule_version(row, by=person)
        messages.success(request, _("草稿已删除。"))
        return redirect("audit:rule", rule_id)
    elif verb == "shadow-run":
        first = _day(request, "from_on", _("期间起"))
        last = _day(request, "last_on", _("期间止"))
        ask_shadow_run(row, from_on=first, to_on=last + timedelta(days=1), by=person)
        said = _("已提请影子运行，完成后在本页显示结果变化。")
    else:
        raise Http404
    messages.success(request, said)
    return redirect("audit:rule-version", rule_id, version)


def _day(request: HttpRequest, name: str, label: str) -> date:
    try:
        day: date | None = DayField().clean(request.POST.get(name, ""))
    except forms.ValidationError as wrong:
        raise Invalid("shadow_run.day", f"{label}：{''.join(wrong.messages)}", field=name) from None
    assert day is not None
    return day


def job_page(job: Job) -> str:
    """A shadow run is shown on the page of its version."""
    return reverse("audit:rule-version", args=[job.params["rule"], job.params["version"]])


register_job_page(KIND, job_page)
