"""信用档案 at the desk: a party's file, and what is put into it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.actions.trail import log_read
from audit.web import credit_forms
from vouchers import dates
from vouchers.access import AUDIT_ROLES, DESK_ROLES, Role, has_role, scope_of
from vouchers.actions.credit_entries import KEEPERS, correct_entry, record_entry
from vouchers.actions.credit_files import file_for_staff, listings_of, parties_with_file
from vouchers.actions.debarments import propose_debarment
from vouchers.actions.leniencies import decide_leniency, propose_leniency
from vouchers.errors import DomainError, Forbidden
from vouchers.models import CreditEntry, Leniency, Listing, Party

PAGE = 50
READERS = tuple(sorted(DESK_ROLES | AUDIT_ROLES | {Role.PUBLISHER}))


def credit_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For the people of an office who work on cases, inspect, or publish; others are refused (403 ``credit.staff_only``)."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not has_role(request.user, *READERS):
            raise Forbidden(
                "credit.staff_only",
                "信用档案供本机关工作人员查阅。",
                hint="企业请从“企业端”查阅本单位的信用档案。",
            )
        return view(request, *args, **kwargs)

    return guarded


def regions_of(request: HttpRequest) -> frozenset[str]:
    """The regions whose files the person reads."""
    return scope_of(request.user, *READERS).regions


def asked(
    request: HttpRequest,
    form: forms.Form,
    deed: Callable[[dict[str, Any]], Any],
    *,
    title: str,
    lead: str,
    button: str,
    back: str,
    done: Callable[[Any], str],
    to: Callable[[Any], str] | None = None,
) -> HttpResponse:
    """The page of one verb: ask, act, go on. A refusal stands at its field, with what was typed kept (409 or 422)."""
    refusals: list[DomainError] = []
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            point = transaction.savepoint()
            try:
                made = deed(form.cleaned_data)
            except DomainError as refusal:
                if refusal.keep:
                    transaction.savepoint_commit(point)
                else:
                    transaction.savepoint_rollback(point)
                request.refusal = refusal  # type: ignore[attr-defined]
                refusals, status = list(getattr(refusal, "problems", None) or [refusal]), refusal.status
                for problem in refusals:
                    if problem.field in form.fields:
                        form.add_error(problem.field, problem.message)
            else:
                transaction.savepoint_commit(point)
                messages.success(request, done(made))
                return redirect(to(made) if to is not None else back)
    context = {
        "form": form,
        "title": title,
        "lead": lead,
        "button": button,
        "back": back,
        "refusals": [one for one in refusals if one.field not in form.fields],
    }
    return render(request, "audit/credit_form.html", context, status=status)


@credit_view
def files(request: HttpRequest) -> HttpResponse:
    """The parties of which the reader's regions have a file; by name or code any party of the register."""
    regions = regions_of(request)
    wanted = request.GET.get("q", "").strip()[:60]
    rows = (
        Party.objects.filter(Q(name__icontains=wanted) | Q(uscc__iexact=wanted))
        if wanted
        else parties_with_file(regions)
    )
    page = Paginator(rows.order_by("name", "pk"), PAGE).get_page(request.GET.get("page"))
    parties = [party.pk for party in page.object_list]
    listed = set(
        Listing.objects.in_force(dates.today()).filter(party__in=parties).values_list("party_id", flat=True)
    )
    adverse: dict[int, int] = {}
    standing = CreditEntry.objects.filter(
        party__in=parties, region__code__in=regions, bearing="adverse"
    ).standing()
    for party in standing.exclude(repairs__state="granted").values_list("party_id", flat=True):
        adverse[party] = adverse.get(party, 0) + 1
    shown = [
        {"party": party, "listed": party.pk in listed, "adverse": adverse.get(party.pk, 0)}
        for party in page.object_list
    ]
    return render(request, "audit/credit_files.html", {"page": page, "shown": shown, "q": wanted})


@credit_view
def file(request: HttpRequest, uscc: str) -> HttpResponse:
    """One party's file. Opening it is told to the trail."""
    party = get_object_or_404(Party, uscc=uscc)
    regions = regions_of(request)
    found = file_for_staff(party, regions)
    log_read("credit_file.open", "party", party.uscc)
    today = dates.today()
    listings = list(listings_of(party))
    context = {
        "party": party,
        "file": found,
        "listings": listings,
        "listed": [one for one in listings if one.effective_from <= today and (one.effective_to is None or today < one.effective_to)],
        "may_record": has_role(request.user, *KEEPERS),
        "may_debar": has_role(request.user, Role.INVESTIGATOR),
        "may_decide": has_role(request.user, Role.INVESTIGATOR),
        "case_no": request.GET.get("case_no", "")[:40],
        "crumbs": [(_("信用档案"), reverse("audit:credit-files"))],
    }  # fmt: skip
    return render(request, "audit/credit_file.html", context)


def _ask_about(
    request: HttpRequest, party: Party, kind: type[credit_forms.InRegion], roles: tuple[str, ...]
) -> credit_forms.InRegion:
    initial = {
        "case_no": request.GET.get("case_no", "")[:40],
        "source_no": request.GET.get("case_no", "")[:40],
    }
    return kind(
        request.POST if request.method == "POST" else None, user=request.user, roles=roles, initial=initial
    )


def _held(request: HttpRequest, *roles: str) -> None:
    if not has_role(request.user, *roles):
        raise Forbidden("access.role", "办理此事需要相应角色，您目前没有。")


@credit_view
def record(request: HttpRequest, uscc: str) -> HttpResponse:
    """记载."""
    _held(request, *KEEPERS)
    party = get_object_or_404(Party, uscc=uscc)
    by: Any = request.user
    return asked(
        request,
        _ask_about(request, party, credit_forms.EntryForm, KEEPERS),
        lambda given: record_entry(party, by=by, **given),
        title=_("记入信用档案"),
        lead=_("%(name)s。记载后不能改写，更正须另作一条。该单位可在企业端看到。") % {"name": party.name},
        button=_("记载"),
        back=reverse("audit:credit-file", args=[uscc]),
        done=lambda made: _("已记载，编号 %(no)s。") % {"no": made.entry_no},
    )


@credit_view
def correct(request: HttpRequest, entry_no: str) -> HttpResponse:
    """更正."""
    entry = get_object_or_404(
        CreditEntry.objects.filter(region__code__in=regions_of(request)).select_related("party", "region"),
        entry_no=entry_no,
    )
    _held(request, *KEEPERS)
    by: Any = request.user
    initial = {
        name: getattr(entry, name) for name in ("bearing", "sentence", "document_no", "basis", "article")
    }
    return asked(
        request,
        credit_forms.CorrectionForm(request.POST if request.method == "POST" else None, initial=initial),
        lambda given: correct_entry(entry, by=by, **given),
        title=_("更正 %(no)s") % {"no": entry_no},
        lead=entry.sentence,
        button=_("更正"),
        back=reverse("audit:credit-file", args=[entry.party.uscc]),
        done=lambda made: _("已更正，新的一条编号 %(no)s。") % {"no": made.entry_no},
    )


@credit_view
def debar(request: HttpRequest, uscc: str) -> HttpResponse:
    """拟列入; a case leads here with its number (``?case_no=``)."""
    _held(request, Role.INVESTIGATOR)
    party = get_object_or_404(Party, uscc=uscc)
    by: Any = request.user
    return asked(
        request,
        _ask_about(request, party, credit_forms.DebarmentForm, (Role.INVESTIGATOR,)),
        lambda given: propose_debarment(party, by=by, **given),
        title=_("拟列入失信限制"),
        lead=_("%(name)s。提出后须告知该单位，期满后由另一名核查人员决定；决定之前不产生限制。")
        % {"name": party.name},
        button=_("提出"),
        back=reverse("audit:credit-file", args=[uscc]),
        done=lambda made: _("已提出，编号 %(no)s。请告知该单位。") % {"no": made.debarment_no},
        to=lambda made: reverse("audit:debarment", args=[made.debarment_no]),
    )


@credit_view
def lenient(request: HttpRequest, uscc: str) -> HttpResponse:
    """首违轻微不罚; a case leads here with its number."""
    roles = (Role.INVESTIGATOR, Role.HANDLER)
    _held(request, *roles)
    party = get_object_or_404(Party, uscc=uscc)
    by: Any = request.user
    return asked(
        request,
        _ask_about(request, party, credit_forms.LeniencyForm, roles),
        lambda given: propose_leniency(party, by=by, **given),
        title=_("首违轻微不罚"),
        lead=_("%(name)s。同一单位同一种类的违法行为只适用一次，由另一名核查人员复核。")
        % {"name": party.name},
        button=_("提出"),
        back=reverse("audit:credit-file", args=[uscc]),
        done=lambda made: _("已提出，编号 %(no)s，待另一名核查人员复核。") % {"no": made.leniency_no},
    )


@credit_view
def decide_lenient(request: HttpRequest, leniency_no: str, verb: str) -> HttpResponse:
    """复核."""
    row = get_object_or_404(
        Leniency.objects.filter(region__code__in=regions_of(request)).select_related("party", "region"),
        leniency_no=leniency_no,
    )
    if verb not in ("grant", "refuse"):
        raise Http404
    _held(request, Role.INVESTIGATOR)
    by: Any = request.user
    granted = verb == "grant"
    return asked(
        request,
        credit_forms.WhyForm(request.POST if request.method == "POST" else None),
        lambda given: decide_leniency(row, granted=granted, by=by, **given),
        title=_("复核：不予处罚") if granted else _("复核：不适用"),
        lead=f"{row.party.name} · {row.get_breach_display()}：{row.facts}",
        button=_("确认不予处罚") if granted else _("确认不适用"),
        back=reverse("audit:credit-file", args=[row.party.uscc]),
        done=lambda made: _("%(no)s 已复核。") % {"no": made.leniency_no},
    )
