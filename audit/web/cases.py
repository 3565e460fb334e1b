"""核查案件 at the audit desk: the list, the most suspicious first, and one case with its drawings, flags, steps and conclusions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from audit.actions.case_work import (
    add_step,
    assign_case,
    close_case,
    conclude_flag,
    flags_of_case,
    precision_of,
    propose_conclusion,
    return_case,
)
from audit.actions.cases import ALIVE
from audit.actions.trail import log_read
from audit.models import Case, CaseConclusion, CaseSubject, Flag
from audit.models.cases import CaseState, ConclusionResult, StepKind
from audit.rules import RULES
from audit.web.access import audit_view
from audit.web.case_drawings import case_drawings
from audit.web.suspicions import TONES, ShownFlag, shown_flags
from vouchers import dates
from vouchers.access import AUDIT_ROLES, Role, has_role, scope_of
from vouchers.errors import Invalid
from vouchers.models import Hold, Region, RoleGrant, User
from vouchers.models.holds import ScreeningOutcome
from vouchers.web.fields import DayField

PAGE = 50
STATE_TONES = {
    "open": "waiting",
    "working": "held",
    "proposed": "waiting",
    "closed": "closed",
    "merged": "closed",
}
RESULT_TONES = {"confirmed": "refused", "paper_defect": "waiting", "unfounded": "granted"}


class CaseFilter(forms.Form):
    """What a reader may ask for."""

    q = forms.CharField(label=gettext_lazy("案号、编号、企业或出租方"), required=False, max_length=80)
    state = forms.ChoiceField(label=gettext_lazy("状态"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("结果"), required=False)
    region = forms.ChoiceField(label=gettext_lazy("地区"), required=False)
    rule = forms.ChoiceField(label=gettext_lazy("规则"), required=False)
    mine = forms.BooleanField(label=gettext_lazy("只看我承办的"), required=False)

    def __init__(self, *args: Any, regions: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = ("", _("全部"))
        self.fields["state"].choices = [everything, *CaseState.choices]  # type: ignore[attr-defined]
        self.fields["outcome"].choices = [everything, *ScreeningOutcome.choices]  # type: ignore[attr-defined]
        named = Region.objects.filter(code__in=regions).values_list("code", "name")
        self.fields["region"].choices = [everything, *named]  # type: ignore[attr-defined]
        rules = [(one.id, f"{one.id} {one.title}") for one in RULES.values()]
        self.fields["rule"].choices = [everything, *rules]  # type: ignore[attr-defined]

    def apply(self, rows: QuerySet[Case], reader: Any) -> QuerySet[Case]:
        """The rows that were asked for."""
        self.is_valid()
        asked = self.cleaned_data
        if text := (asked.get("q") or "").strip():
            met = CaseSubject.objects.filter(
                Q(subject_no=text)
                | Q(lease_no=text)
                | Q(enterprise_uscc=text)
                | Q(enterprise_name__icontains=text)
                | Q(lessor_name__icontains=text)
            )
            rows = rows.filter(Q(case_no=text) | Q(pk__in=met.values("case")))
        for name, column in (("state", "state"), ("outcome", "outcome"), ("region", "region_code")):
            if asked.get(name):
                rows = rows.filter(**{column: asked[name]})
        if rule := asked.get("rule"):
            rows = rows.filter(pk__in=flagged_by(rule))
        return rows.filter(assigned_to=reader) if asked.get("mine") else rows


def flagged_by(rule: str) -> QuerySet[CaseSubject, dict[str, int]]:
    """The cases with a standing flag of the rule, or a conclusion on one."""
    standing = Flag.objects.filter(rule=rule, cleared_at=None)
    claim = Q(subject_kind="claim", subject_no__in=standing.exclude(claim_no="").values("claim_no"))
    lease = Q(subject_kind="lease", subject_no__in=standing.filter(claim_no="").values("lease_no"))
    # What was raised after a case was closed is a later case's.
    here = (claim | lease) & Q(frozen=False)
    return CaseSubject.objects.filter(here | Q(case__conclusions__flag__rule=rule)).values("case")


def visible(request: HttpRequest) -> QuerySet[Case]:
    """The cases in the reader's scope of inspection."""
    rows: QuerySet[Case] = Case.objects.all().visible_to(request.user, *AUDIT_ROLES)
    return rows


def waiting(user: User) -> int:
    """How many cases wait for somebody: nobody's yet, or concluded and not looked at by another."""
    rows = Case.objects.all().visible_to(user, Role.INVESTIGATOR)
    return int(rows.filter(state__in=(CaseState.OPEN, CaseState.PROPOSED)).exclude(proposed_by=user).count())


@dataclass(frozen=True)
class ShownCase:
    """A row of the list as drawn."""

    row: Case
    parties: str
    matters: int

    @property
    def outcome_label(self) -> str:
        return str(ScreeningOutcome(self.row.outcome).label) if self.row.outcome else _("预警已消除")

    @property
    def tone(self) -> str:
        return TONES.get(self.row.outcome, "closed")

    @property
    def state_tone(self) -> str:
        return STATE_TONES[self.row.state]


@audit_view
def cases(request: HttpRequest) -> HttpResponse:
    """The list, fifty a page; merged ones only when asked for."""
    form = CaseFilter(request.GET or None, regions=scope_of(request.user, *AUDIT_ROLES).regions)
    every = visible(request)
    rows = every
    if form.is_bound:
        rows = form.apply(rows, request.user)
    if not request.GET.get("state"):
        rows = rows.exclude(state=CaseState.MERGED)
    page = Paginator(rows.select_related("assigned_to").order_by("rank", "pk"), PAGE).get_page(
        request.GET.get("page")
    )
    names: dict[int, list[str]] = defaultdict(list)
    matters: dict[int, int] = defaultdict(int)
    for case, lessee, lessor in CaseSubject.objects.filter(case__in=page.object_list).values_list(
        "case_id", "enterprise_name", "lessor_name"
    ):
        matters[case] += 1
        names[case] += [one for one in (lessee, lessor) if one and one not in names[case]]
    return render(
        request,
        "audit/cases.html",
        {
            "form": form,
            "page": page,
            "rows": [ShownCase(row, _several(names[row.pk]), matters[row.pk]) for row in page.object_list],
            "views": _views(request, every),
            "filter": request.GET.urlencode(),
        },
    )


def _several(names: list[str]) -> str:
    """The first names, and how many more there are."""
    shown = "、".join(names[:3])
    return (
        shown if len(names) <= 3 else _("%(names)s 等 %(count)d 家") % {"names": shown, "count": len(names)}
    )


def _views(request: HttpRequest, rows: QuerySet[Case]) -> list[dict[str, Any]]:
    here, chosen = reverse("audit:cases"), request.GET.get("state", "")
    counts = dict(rows.values_list("state").annotate(count=Count("pk")).order_by())
    views = [
        {
            "label": _("全部"),
            "url": here,
            "count": sum(count for state, count in counts.items() if state != CaseState.MERGED),
            "current": not chosen,
        }
    ]
    for state in (*ALIVE, CaseState.CLOSED):
        views.append(
            {
                "label": str(CaseState(state).label),
                "url": f"{here}?state={state}",
                "count": counts.get(str(state), 0),
                "current": chosen == state,
            }
        )
    return views


@dataclass(frozen=True)
class ShownMatter:
    """A flag of the case with what was found of it."""

    shown: ShownFlag
    said: CaseConclusion | None

    @property
    def subject_kind(self) -> str:
        return "claim" if self.shown.flag.claim_no else "lease"

    @property
    def subject_no(self) -> str:
        return self.shown.flag.claim_no or self.shown.flag.lease_no

    @property
    def tone(self) -> str:
        return RESULT_TONES[self.said.result] if self.said else "waiting"


def _found(request: HttpRequest, case_no: str) -> Case:
    case = (
        visible(request)
        .filter(case_no=case_no)
        .select_related("assigned_to", "proposed_by", "closed_by", "follows", "merged_into")
        .first()
    )
    if case is None:
        raise Http404
    return case


@audit_view
def case(request: HttpRequest, case_no: str) -> HttpResponse:
    """One case: what it is about, its drawings, every flag with its conclusion, and what was done."""
    found = _found(request, case_no)
    regions = scope_of(request.user, *AUDIT_ROLES).regions
    subjects = list(found.subjects.order_by("rank", "pk"))
    flags = _flags(found)
    said = {one.flag_id: one for one in found.conclusions.select_related("made_by")}
    rules: dict[str, set[str]] = defaultdict(set)
    for flag in flags:
        rules[flag.lease_no].add(flag.rule)
    usccs = {one.enterprise_uscc for one in subjects if one.enterprise_uscc}
    investigator = has_role(request.user, Role.INVESTIGATOR, region=found.region_code)
    log_read("case.view", "case", found.case_no, region=found.region_code)
    own = found.assigned_to_id == request.user.pk
    return render(
        request,
        "audit/case.html",
        {
            "case": found,
            "tone": STATE_TONES[found.state],
            "subjects": [
                {"row": one, "label": _outcome(one.outcome), "tone": TONES.get(one.outcome, "closed")}
                for one in subjects
            ],
            "facts": _facts(found),
            "matters": [ShownMatter(one, said.get(one.flag.pk)) for one in shown_flags(flags, regions)],
            "drawings": case_drawings(
                usccs, {one.lease_no for one in subjects if one.lease_no}, regions=regions, rules=rules
            ),
            "steps": found.steps.select_related("made_by").order_by("pk"),
            "holds": _holds(subjects).visible_to(request.user),
            "parties": sorted(
                {(one.enterprise_uscc, one.enterprise_name) for one in subjects if one.enterprise_uscc}
            ),
            "results": ConclusionResult.choices,
            "kinds": StepKind.choices,
            "people": investigators(found.region_code) if investigator else (),
            "today": dates.today(),
            "may_assign": investigator and found.state in (CaseState.OPEN, CaseState.WORKING),
            "may_step": investigator and found.state != CaseState.MERGED,
            "may_conclude": investigator and own and found.state == CaseState.WORKING,
            "may_close": investigator
            and found.state == CaseState.PROPOSED
            and request.user.pk not in (found.proposed_by_id, found.assigned_to_id),
            "later": found.followed_by.order_by("pk"),
            "crumbs": [(_("核查案件"), reverse("audit:cases"))],
        },
    )


def _flags(found: Case) -> list[Flag]:
    """The flags that stand, and those that were concluded on and are cleared since; of a closed case only what it concluded on."""
    rows = Flag.objects.filter(pk__in=found.conclusions.values("flag"))
    if found.state != CaseState.CLOSED:
        rows = Flag.objects.filter(Q(pk__in=flags_of_case(found).values("pk")) | Q(pk__in=rows.values("pk")))
    return list(rows.select_related("rule_version").order_by("severity", "rule", "pk"))


def _outcome(name: str) -> str:
    return str(ScreeningOutcome(name).label) if name else _("预警已消除")


def _holds(subjects: list[CaseSubject]) -> Any:
    numbers = [one.subject_no for one in subjects] + [one.lease_no for one in subjects if one.lease_no]
    return Hold.objects.filter(subject_no__in=numbers).order_by("-pk")


def _facts(found: Case) -> list[dict[str, Any]]:
    region = Region.objects.filter(code=found.region_code).first()
    facts: list[dict[str, Any]] = [
        {"label": _("地区"), "value": region.name if region else found.region_code},
        {"label": _("结果"), "value": _outcome(found.outcome)},
        {"label": _("涉及金额"), "amount": found.amount},
        {"label": _("立案时间"), "value": found.opened_at},
        {"label": _("承办人"), "value": found.assigned_to or _("待分派")},
    ]
    if found.proposed_by:
        facts.append({"label": _("提出结论"), "value": found.proposed_by})
    if found.closed_by:
        facts.append({"label": _("复核办结"), "value": found.closed_by})
    return facts


@audit_view
@require_POST
def decide(request: HttpRequest, case_no: str, verb: str) -> HttpResponse:
    """One deed in the case."""
    found = _found(request, case_no)
    by: Any = request.user
    sent = request.POST
    if verb == "assign":
        to = investigators(found.region_code).filter(username=sent.get("to", "")).first()
        if to is None:
            raise Invalid("case.assignee", "请选择本地区的一名核查人员。", field="to")
        assign_case(found, to, by=by)
        told = _("%(no)s 由 %(person)s 承办。") % {"no": found.case_no, "person": to}
    elif verb == "step":
        add_step(
            found,
            sent.get("kind", ""),
            sent.get("words", ""),
            done_on=_day(sent.get("done_on", "")),
            reference=sent.get("reference", ""),
            by=by,
        )
        told = _("已记录。")
    elif verb == "conclude":
        flag = _flag_of(found, sent.get("flag", ""))
        conclude_flag(found, flag, sent.get("result", ""), reason=sent.get("reason", ""), by=by)
        told = _("%(rule)s 的结论已记录。") % {"rule": flag.rule}
    elif verb == "propose":
        propose_conclusion(found, summary=sent.get("reason", ""), by=by)
        told = _("结论已提出，待另一名核查人员复核。")
    elif verb == "return":
        return_case(found, reason=sent.get("reason", ""), by=by)
        told = _("已退回承办人。")
    elif verb == "close":
        close_case(found, by=by)
        told = _("%(no)s 已办结。后续处理请在各自的页面办理，并在本案登记编号。") % {"no": found.case_no}
    else:
        raise Http404
    messages.success(request, told)
    return redirect("audit:case", found.case_no)


def investigators(region_code: str) -> QuerySet[User]:
    """Who may be given a case of the region, by name."""
    grants = RoleGrant.objects.in_force().filter(role=Role.INVESTIGATOR, region__code=region_code)
    return User.objects.filter(pk__in=grants.values("user"), is_active=True).order_by("username")


def _day(text: str) -> Any:
    try:
        return DayField().clean(text)
    except forms.ValidationError as wrong:
        raise Invalid("case.step_day", "".join(wrong.messages), field="done_on") from None


def _flag_of(found: Case, told: str) -> Flag:
    """``F17 C-2025-00000003``: the flag by its rule and matter; a page never shows a key."""
    rule, _blank, number = told.partition(" ")
    flag = (
        flags_of_case(found).filter(Q(claim_no=number) | Q(claim_no="", lease_no=number), rule=rule).first()
    )
    if flag is None:
        raise Invalid("case.flag", "该预警不属于本案，或已经消除。请刷新页面。", field="flag")
    return flag


@audit_view
def precision(request: HttpRequest) -> HttpResponse:
    """Every rule with what closed cases found of its flags."""
    counted = [(rule, *precision_of(rule.id)) for rule in RULES.values()]
    rows = [
        {"rule": rule, "found": found, "total": sum(found.values()), "share": share}
        for rule, found, share in sorted(counted, key=lambda one: (-sum(one[1].values()), one[0].id))
    ]
    return render(request, "audit/precision.html", {"rows": rows})
