"""可疑合同: the queue of what the last scan found, the most suspicious first, and one case with all its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.models import Claim, Lease
from audit.actions.scans import flags_of, latest_run
from audit.actions.trail import log_read
from audit.evidence import Evidence, resolve
from audit.models import Flag, Suspicion
from audit.models.flags import Severity
from audit.rules import RULES
from audit.web.access import audit_view
from audit.web.charts import Overlaps, overlaps
from vouchers.access import AUDIT_ROLES, Role, has_role, scope_of
from vouchers.models import Hold, Region
from vouchers.models.holds import ScreeningOutcome

PAGE = 50
TONES = {"block": "refused", "hold": "held", "review": "waiting", "pass": "granted"}


class SuspicionFilter(forms.Form):
    """What a reader may ask for."""

    q = forms.CharField(label=gettext_lazy("编号、企业或出租方"), required=False, max_length=80)
    outcome = forms.ChoiceField(label=gettext_lazy("结果"), required=False)
    rule = forms.ChoiceField(label=gettext_lazy("规则"), required=False)
    region = forms.ChoiceField(label=gettext_lazy("地区"), required=False)
    program = forms.CharField(label=gettext_lazy("专项代码"), required=False, max_length=30)

    def __init__(self, *args: Any, regions: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everything = ("", _("全部"))
        self.fields["outcome"].choices = [everything, *ScreeningOutcome.choices]  # type: ignore[attr-defined]
        self.fields["rule"].choices = [  # type: ignore[attr-defined]
            everything,
            *((rule.id, f"{rule.id} {rule.title}") for rule in RULES.values()),
        ]
        named = Region.objects.filter(code__in=regions).values_list("code", "name")
        self.fields["region"].choices = [everything, *named]  # type: ignore[attr-defined]

    def apply(self, rows: Any) -> Any:
        """The rows that were asked for."""
        self.is_valid()
        asked = self.cleaned_data
        if text := (asked.get("q") or "").strip():
            rows = rows.filter(
                Q(subject_no=text)
                | Q(lease_no=text)
                | Q(case_no=text)
                | Q(enterprise_uscc=text)
                | Q(enterprise_name__icontains=text)
                | Q(lessor_name__icontains=text)
            )
        if asked.get("outcome"):
            rows = rows.filter(outcome=asked["outcome"])
        if asked.get("rule"):
            rows = rows.filter(rules__contains=[asked["rule"]])
        if asked.get("region"):
            rows = rows.filter(region_code=asked["region"])
        if program := (asked.get("program") or "").strip():
            rows = rows.filter(program_code__iexact=program)
        return rows


def visible(request: HttpRequest) -> Any:
    """The queue in the reader's scope of inspection."""
    return Suspicion.objects.all().visible_to(request.user, *AUDIT_ROLES)


@audit_view
def queue(request: HttpRequest) -> HttpResponse:
    """The list, fifty a page, with the strongest flag's sentence."""
    form = SuspicionFilter(request.GET or None, regions=scope_of(request.user, *AUDIT_ROLES).regions)
    rows = visible(request)
    counts = {name: rows.filter(outcome=name).count() for name in TONES}
    if form.is_bound:
        rows = form.apply(rows)
    page = Paginator(rows.order_by("rank"), PAGE).get_page(request.GET.get("page"))
    sentences = _sentences(page.object_list)
    return render(
        request,
        "audit/suspicions.html",
        {
            "form": form,
            "page": page,
            "rows": [
                _Shown(row, sentences.get((row.subject_kind, row.subject_no))) for row in page.object_list
            ],
            "run": latest_run(),
            "views": _views(request, counts),
            "filter": request.GET.urlencode(),
            "may_export": has_role(request.user, Role.AUDITOR, Role.AUDIT_ADMIN, Role.INVESTIGATOR),
        },
    )


def _views(request: HttpRequest, counts: dict[str, int]) -> list[dict[str, Any]]:
    here, chosen = reverse("audit:suspicions"), request.GET.get("outcome", "")
    views = [{"label": _("全部"), "url": here, "count": sum(counts.values()), "current": not chosen}]
    for name, count in counts.items():
        label = ScreeningOutcome(name).label
        views.append(
            {"label": label, "url": f"{here}?outcome={name}", "count": count, "current": chosen == name}
        )
    return views


@dataclass(frozen=True)
class _Shown:
    """A row of the queue as drawn."""

    row: Suspicion
    flag: Flag | None

    @property
    def outcome_label(self) -> str:
        return str(ScreeningOutcome(self.row.outcome).label)

    @property
    def tone(self) -> str:
        return TONES[self.row.outcome]


def _sentences(rows: Any) -> dict[tuple[str, str], Flag]:
    """The strongest flag of each row: hard before soft, then by points."""
    claims = [row.subject_no for row in rows if row.subject_kind == "claim"]
    leases = [row.subject_no for row in rows if row.subject_kind == "lease"]
    flags = Flag.objects.filter(cleared_at=None).filter(
        Q(claim_no__in=claims) | Q(claim_no="", lease_no__in=leases)
    )
    best: dict[tuple[str, str], Flag] = {}
    for flag in flags:
        key = ("claim", flag.claim_no) if flag.claim_no else ("lease", flag.lease_no)
        if key not in best or _strength(flag) > _strength(best[key]):
            best[key] = flag
    return best


def _strength(flag: Flag) -> tuple[bool, Any]:
    return flag.severity == Severity.HARD, flag.points or 0


@dataclass(frozen=True)
class ShownFlag:
    """A flag with its evidence as drawn."""

    flag: Flag
    title: str
    legal_basis: str
    evidence: Evidence
    chart: Overlaps | None

    @property
    def tone(self) -> str:
        return "refused" if self.flag.severity == Severity.HARD else "waiting"

    @property
    def dialog(self) -> str:
        """The name of the dialog that sets the rule aside."""
        return f"snooze-{self.flag.rule}"


def shown_flags(flags: Any, regions: frozenset[str]) -> list[ShownFlag]:
    """The flags with what they rest on, as far as the reader may see it."""
    shown = []
    for flag in flags:
        evidence = resolve(list(flag.evidence), regions)
        shown.append(
            ShownFlag(
                flag,
                flag.rule_version.title,
                flag.rule_version.legal_basis,
                evidence,
                overlaps(evidence.lets),
            )
        )
    return shown


@audit_view
def case(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """One claim or lease with each flag, its sentence, value and threshold, and the records it rests on."""
    regions = scope_of(request.user, *AUDIT_ROLES).regions
    subject: Claim | Lease | None
    if kind == "claim":
        subject = (
            Claim.objects.filter(claim_no=number, program_region_code__in=regions)
            .select_related("lease")
            .first()
        )
        flags = flags_of(claim_no=number)
    elif kind == "lease":
        subject = Lease.objects.filter(lease_no=number, program_region_code__in=regions).first()
        flags = flags_of(lease_no=number, claim_no="")
    else:
        raise Http404
    if subject is None:
        raise Http404
    lease = subject.lease if isinstance(subject, Claim) else subject
    row = visible(request).filter(subject_kind=kind, subject_no=number).first()
    together = (
        visible(request).filter(case_no=row.case_no).exclude(pk=row.pk).order_by("rank")[:20] if row else []
    )
    log_read("suspicion.case", kind, number, region=subject.program_region_code)
    return render(
        request,
        "audit/suspicion.html",
        {
            "kind": kind,
            "number": number,
            "subject": subject,
            "lease": lease,
            "facts": _facts(subject, lease),
            "row": row,
            "outcome": _outcome(row),
            "flags": shown_flags(flags, regions),
            "titles": [RULES[rule] for rule in (row.not_testable if row else []) if rule in RULES],
            "together": [_Shown(one, None) for one in together],
            "holds": Hold.objects.filter(subject_kind=kind, subject_no=number)
            .visible_to(request.user)
            .order_by("-pk"),
            "snoozed": row.snoozed if row else [],
            "may_snooze": has_role(request.user, Role.INVESTIGATOR, region=subject.program_region_code),
            "may_hold": subject.origin == "live"
            and has_role(request.user, Role.INVESTIGATOR, region=subject.program_region_code),
            "crumbs": [(_("可疑合同"), reverse("audit:suspicions"))],
        },
    )


def _outcome(row: Suspicion | None) -> tuple[str, str]:
    name = row.outcome if row else "pass"
    return str(ScreeningOutcome(name).label), TONES[name]


def _facts(subject: Claim | Lease, lease: Lease | None) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    if isinstance(subject, Claim):
        facts += [
            {"label": _("申领企业"), "value": f"{subject.enterprise.name}（{subject.enterprise.uscc}）"},
            {"label": _("专项"), "value": subject.program_code},
            {"label": _("状态"), "value": subject.get_state_display()},
            {"label": _("申请金额"), "amount": subject.claimed_amount},
            {"label": _("核准金额"), "amount": subject.approved_amount},
        ]
    if lease is not None:
        facts += [
            {"label": _("合同"), "value": lease.lease_no},
            {"label": _("承租方"), "value": lease.lessee.name},
            {"label": _("出租方"), "value": lease.lessor.name},
            {"label": _("签订日"), "value": lease.signed_on},
            {"label": _("合同金额（不含税）"), "amount": lease.amount},
        ]
    return facts
