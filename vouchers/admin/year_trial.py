"""全年试算: several contracts of one enterprise and what is paid on them over a year, held against the version as it is saved.

Nothing is stored. Caps, ladders and minimums go on from one case to the next as they do in casework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.admin.differences import predecessor_of
from vouchers.admin.trial import STATES, read_to_try
from vouchers.admin.version_pages import VersionPage, register_version_page, version_context
from vouchers.admin.year_trial_forms import YearForm
from vouchers.models import PolicyVersion
from vouchers.policy.caps import cap_period_words, caps_in
from vouchers.policy.ladders import year_ladders
from vouchers.policy.payment_outlook import ASSUMED
from vouchers.policy.replay import ReplayCase
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject
from vouchers.policy.words import conditions_words
from vouchers.policy.year_trial import Drawn, Step, YearBase, YearTrial, try_year
from vouchers.web.assessments import shown_assessment


@dataclass(frozen=True)
class Beside:
    """What the same year comes to under another version."""

    version: PolicyVersion
    granted: Decimal
    paid: Decimal


def year_trial_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """Ask, compute, show. With script only the result is drawn anew, without it the whole page."""
    context = version_context(request, version, _("全年试算"))
    scheme, gaps = read_to_try(version)
    if scheme is None:
        return TemplateResponse(request, "admin/vouchers/year_trial.html", context | {"incomplete": gaps})
    do = request.POST.get("do", "")
    form = YearForm(scheme, request.POST if request.method == "POST" else None, do=do)
    context |= {"form": form}
    if request.method == "POST" and do in ("", "compute"):
        cases = form.cases()
        if cases:
            context |= _tried(version, scheme, cases)
    partial = "HX-Request" in request.headers
    template = "admin/vouchers/parts/year_trial_result.html" if partial else "admin/vouchers/year_trial.html"
    return TemplateResponse(request, template, context)


def _tried(version: PolicyVersion, scheme: Scheme, cases: list[tuple[str, ReplayCase]]) -> dict[str, Any]:
    titles = {case.case_no: title for title, case in cases}
    year = try_year(scheme, [case for _title, case in cases])
    bases = _base_names(scheme)
    caps = {cap.code: cap.name for cap in caps_in(scheme)}
    other = predecessor_of(version)
    beside = None
    if other is not None:
        theirs = try_year(other.publication.scheme, [case for _title, case in cases])
        beside = Beside(other, theirs.granted, theirs.paid)
    return {
        "year": year,
        "steps": [_shown_step(step, titles, caps, bases) for step in year.steps],
        "caps_at_end": [_shown_cap(one) for one in year.caps_at_end],
        "bases_at_end": _bases_at_end(year, bases),
        "outlook": year.payment if year.payment is not None and year.payment.cases else None,
        "payment_assumed": ASSUMED,
        "beside": beside,
    }


def _shown_step(
    step: Step, titles: Mapping[str, str], caps: Mapping[str, str], bases: Mapping[str, str]
) -> dict[str, Any]:
    return shown_assessment(step.assessment) | {
        "title": titles[step.case.case_no],
        "on": step.case.on,
        "state": STATES[step.assessment.outcome.value],
        "capped_by": [caps.get(code, code) for code in step.capped_by],
        "caps": [_shown_cap(one) for one in step.caps],
        "bases": [(bases[one.key], one) for one in step.bases if one.key in bases],
    }


def _shown_cap(one: Drawn) -> dict[str, Any]:
    return {
        "name": one.cap.name,
        "whose": one.cap.subject if one.cap.subject_kind in (CapSubject.CONTRACT, CapSubject.PROJECT) else "",
        "period": cap_period_words(one.cap.period),
        "event": _("兑付") if one.cap.event == "claim" else _("发券"),
        "limit": one.cap.limit,
        "before": one.before,
        "taken": one.taken,
        "used": one.before + one.taken,
        "left": one.left,
    }


def _base_names(scheme: Scheme) -> dict[str, str]:
    """The year's bases by their keys, in words; none where no rule goes by the year."""
    names = {track.code: track.name for track in scheme.tracks}
    for track in scheme.tracks:
        for key, rate in year_ladders(scheme, track).items():
            names[key] = f"{track.name}（{conditions_words(scheme, rate)}）"
    return names


def _bases_at_end(year: YearTrial, names: Mapping[str, str]) -> list[tuple[str, str, YearBase]]:
    last: dict[tuple[str, int, str], tuple[str, YearBase]] = {}
    for step in year.steps:
        event = _("申领") if step.is_application else _("兑付")
        for one in step.bases:
            if one.key in names:
                last[(one.key, one.year, event)] = (event, one)
    return [(names[one.key], event, one) for _key, (event, one) in sorted(last.items())]


register_version_page(
    VersionPage(
        "year-trial",
        gettext_lazy("全年试算"),
        year_trial_view,
        help=gettext_lazy("填写一家企业全年的几份合同和各笔兑付，看限额、分档和起补线怎样接着累计。"),
        order=16,
    )
)
