"""信用: what is recorded of my party, restrictions that it was told of, and what it can do: answer, object, ask for repair."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from applications.actions.credit import (
    OBJECTABLE,
    REPAIR,
    ask_repair_with_papers,
    file_credit_objection,
    subject_words,
)
from applications.models import Objection, Paper
from applications.models.notices import ObjectionState
from applications.web.portal.access import act, attempt, own_parties, portal_view, refused
from applications.web.portal.papers import ACCEPT, shown_files
from vouchers import dates
from vouchers.access import PARTY_ROLES
from vouchers.actions.credit_files import file_for_party
from vouchers.actions.credit_repairs import withdraw_repair
from vouchers.actions.debarments import answer_debarment, last_day, stands
from vouchers.errors import DomainError
from vouchers.models import CreditEntry, CreditRepair, Debarment
from vouchers.models.credit_entries import CreditBearing
from vouchers.models.credit_repairs import RepairState
from vouchers.models.debarments import DebarmentState


@portal_view
def credit(request: HttpRequest) -> HttpResponse:
    """The files of all my parties."""
    files = [file_for_party(party, request.user) for party in own_parties(request)]
    shown = [
        {
            "file": file,
            "in_force": [
                act for act in file.debarments if stands(act, dates.today())
            ],
            "to_answer": [
                act
                for act in file.debarments
                if act.state == DebarmentState.NOTICED
                and act.stated_at is None
                and act.respond_until is not None
                and dates.today() <= act.respond_until
            ],
        }
        for file in files
        if file is not None
    ]  # fmt: skip
    return render(request, "portal/credit.html", {"shown": shown})


def _debarment(request: HttpRequest, debarment_no: str) -> Debarment:
    rows = Debarment.objects.all().told().visible_to(request.user, *PARTY_ROLES)
    return get_object_or_404(
        rows.select_related("party", "region", "program"), debarment_no=debarment_no
    )  # fmt: skip


def _entry(request: HttpRequest, entry_no: str) -> CreditEntry:
    rows = CreditEntry.objects.all().visible_to(request.user, *PARTY_ROLES)
    return get_object_or_404(rows.select_related("party", "region", "program"), entry_no=entry_no)


def _objections(subject: Debarment | CreditEntry) -> Any:
    kind, number = subject_words(subject)
    return Objection.objects.filter(
        subject_kind=kind, subject_no=number, filed_by_party=subject.party
    ).order_by("-pk")


@portal_view
def debarment(request: HttpRequest, debarment_no: str) -> HttpResponse:
    """One restriction: why, by which law, until when, and what I can do about it."""
    row = _debarment(request, debarment_no)
    listing = getattr(row, "listing", None)
    today = dates.today()
    in_force = stands(row, today)
    objections = _objections(row)
    context = {
        "act": row,
        "listing": listing,
        "last_on": last_day(listing.effective_to) if listing and listing.effective_to else None,
        "proposed_last_on": last_day(row.proposed_to),
        "stands": in_force,
        "may_answer": row.state == DebarmentState.NOTICED
        and row.stated_at is None
        and row.respond_until is not None
        and today <= row.respond_until,
        "may_repair": row.state == DebarmentState.LISTED
        and listing is not None
        and today < listing.effective_to
        and today >= row.repair_from
        and not row.repairs.open().exists(),
        "repairs": row.repairs.filter(kind=REPAIR).order_by("-pk"),
        "objections": objections,
        "may_object": row.state in OBJECTABLE and not objections.filter(state=ObjectionState.FILED).exists(),
        "may_file": True,
        "crumbs": [(_("信用"), reverse("portal:credit"))],
    }
    return render(request, "portal/debarment.html", context)


@require_POST
@portal_view
def answer(request: HttpRequest, debarment_no: str) -> HttpResponse:
    """陈述申辩."""
    row = _debarment(request, debarment_no)
    by: Any = request.user
    return act(
        request,
        lambda: answer_debarment(
            row, statement=request.POST.get("statement", ""), hearing=bool(request.POST.get("hearing")), by=by
        ),
        _("陈述申辩已收到。期满后作出决定，结果会发到您的消息。"),
        "portal:debarment",
        debarment_no,
    )


@portal_view
def entry(request: HttpRequest, entry_no: str) -> HttpResponse:
    """One entry of my file, and what I can do about it."""
    row = _entry(request, entry_no)
    objections = _objections(row)
    standing = CreditEntry.objects.all().standing().filter(pk=row.pk).exists()
    repaired = row.repairs.filter(state=RepairState.GRANTED).exists()
    context = {
        "entry": row,
        "later": CreditEntry.objects.filter(corrects=row).first(),
        "repaired": repaired,
        "repairs": row.repairs.order_by("-pk"),
        "may_repair": standing
        and not repaired
        and row.bearing == CreditBearing.ADVERSE
        and not row.repairs.open().exists(),
        "objections": objections,
        "may_object": standing and not objections.filter(state=ObjectionState.FILED).exists(),
        "may_file": True,
        "crumbs": [(_("信用"), reverse("portal:credit"))],
    }
    return render(request, "portal/credit_entry.html", context)


def _subject(request: HttpRequest, kind: str, number: str) -> Debarment | CreditEntry:
    if kind == "debarment":
        return _debarment(request, number)
    if kind == "entry":
        return _entry(request, number)
    raise Http404


def _page_of(subject: Debarment | CreditEntry) -> tuple[str, str]:
    if isinstance(subject, Debarment):
        return "portal:debarment", subject.debarment_no
    return "portal:credit_entry", subject.entry_no


@require_POST
@portal_view
def object_to(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """异议."""
    subject = _subject(request, kind, number)
    by: Any = request.user
    return act(
        request,
        lambda: file_credit_objection(subject, text=request.POST.get("text", "")[:5000], by=by),
        _("异议已提交，将由未参与本件的人员在 15 个工作日内答复。"),
        *_page_of(subject),
    )


class RepairForm(forms.Form):
    """What was mended."""

    statement = forms.CharField(
        label=gettext_lazy("整改情况和申请理由"),
        help_text=gettext_lazy("请对照修复条件，逐项写明何时做了什么。"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )


@portal_view
def ask(request: HttpRequest, kind: str, number: str) -> HttpResponse:
    """申请信用修复, with papers. Nothing is kept of a request that is refused, so the files are chosen anew."""
    subject = _subject(request, kind, number)
    by: Any = request.user
    form = RepairForm(request.POST if request.method == "POST" else None)
    refusals: list[DomainError] = []
    if request.method == "POST" and form.is_valid():
        try:
            made = attempt(
                lambda: ask_repair_with_papers(
                    subject,
                    statement=form.cleaned_data["statement"],
                    papers=list(request.FILES.getlist("papers")),
                    by=by,
                )
            )
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            return redirect("portal:credit_repair", made.repair_no)
    page, own = _page_of(subject)
    context = {
        "form": form,
        "subject": subject,
        "terms": subject.repair_terms if isinstance(subject, Debarment) else "",
        "faults": [one for one in refusals if one.field not in form.fields],
        "paper_errors": [one.message for one in refusals if one.field in ("papers", "file")],
        "accept": ACCEPT,
        "back": reverse(page, args=[own]),
        "crumbs": [(_("信用"), reverse("portal:credit")), (own, reverse(page, args=[own]))],
    }
    wrong = request.method == "POST"
    return render(request, "portal/credit_ask.html", context, status=422 if wrong else 200)


def _repair(request: HttpRequest, repair_no: str) -> CreditRepair:
    rows = CreditRepair.objects.all().visible_to(request.user, *PARTY_ROLES).filter(kind=REPAIR)
    return get_object_or_404(
        rows.select_related("party", "region", "debarment", "entry"), repair_no=repair_no
    )  # fmt: skip


@portal_view
def repair(request: HttpRequest, repair_no: str) -> HttpResponse:
    """One request and how far it is."""
    row = _repair(request, repair_no)
    papers = Paper.objects.filter(subject_kind=REPAIR, subject_no=repair_no, removed_at=None).order_by("pk")
    context = {
        "repair": row,
        "files": shown_files(list(papers)),
        "due_on": row.due_on if row.state in (RepairState.FILED, RepairState.EXAMINED) else None,
        "may_withdraw": row.state == RepairState.FILED,
        "crumbs": [(_("信用"), reverse("portal:credit"))],
    }
    return render(request, "portal/credit_repair.html", context)


@require_POST
@portal_view
def withdraw(request: HttpRequest, repair_no: str) -> HttpResponse:
    """撤回."""
    row = _repair(request, repair_no)
    by: Any = request.user
    return act(
        request, lambda: withdraw_repair(row, by=by), _("申请已撤回。"), "portal:credit_repair", repair_no
    )
