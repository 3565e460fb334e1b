"""审定批次 on the desk: what waits for a batch, the batches, and one of them with its members, its working and its deeds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from applications.actions.batch_issue import WHOLE_AT_MOST
from applications.actions.batch_jobs import DEEDS, ON_LISTS, order_deed
from applications.actions.batch_members import candidates, members_of, pending, set_aside, take_back
from applications.actions.batch_parts import issued_so_far
from applications.actions.batch_projects import is_plain, project_checks
from applications.actions.batch_rows import JOB_KINDS, OFFICE, job_under_way, last_job
from applications.actions.batch_times import ended_times
from applications.actions.batches import (
    allot,
    open_batch,
    waiting_programs,
    window_words,
)
from applications.actions.list_uploads import KIND as LONG_LIST
from applications.batch_files import allotment_workbook
from applications.models import Application, BatchMember, IssueBatch, Review
from applications.models.applications import ApplicationState
from applications.models.batches import UNFINISHED, IssueBatchState
from applications.web.desk.access import act, desk_view
from applications.web.downloads import attachment
from vouchers import dates
from vouchers.access import Role, has_role, require_role
from vouchers.actions.budgets import room_of
from vouchers.actions.jobs import note_seen
from vouchers.actions.policies import publication_in_force
from vouchers.errors import DomainError, Invalid
from vouchers.middleware import note_refusal
from vouchers.models import Job, Program, Publication
from vouchers.models.jobs import JobState
from vouchers.money import ZERO, capital
from vouchers.policy.terms import IssueWay, Shortage, Stage
from vouchers.states import verbs_for
from vouchers.web.jobs import register_job_page, shown

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE = 50
MOST_PREVIEWED = 200
REASONED = ("reopen", "cancel")
_DEEDS = {
    "open": _lazy("建立"),
    "review_list": _lazy("审核名单"),
    "answer_projects": _lazy("认定所属项目"),
    "set_aside": _lazy("暂不列入本批"),
    "take_back": _lazy("恢复列入本批"),
    "unlist": _lazy("移出名单"),
    "readmit": _lazy("异议成立，恢复参加"),
    "pause_issue": _lazy("发放暂停"),
    "pass_over": _lazy("暂未发放"),
}


@desk_view
def batches(request: HttpRequest) -> HttpResponse:
    """What waits for a batch, by version; lists to be made; then the batches, the latest first."""
    return list_page(request)


def list_page(request: HttpRequest, refusals: Sequence[DomainError] = ()) -> HttpResponse:
    """The page of all batches, with what was refused of a list that was sent from it."""
    user = request.user
    waiting = [
        {
            "publication": publication,
            "count": count,
            "windows": ended_times(publication),
            "listed": publication.scheme.issue.way is IssueWay.WITHOUT_APPLICATION,
            "has_windows": any(one.stage is Stage.APPLICATION for one in publication.scheme.windows),
            "unfinished": IssueBatch.objects.filter(
                program=publication.program, state__in=UNFINISHED
            ).first(),
            "may_open": has_role(user, *OFFICE, region=publication.program.region),
        }
        for publication, count in waiting_programs(user)
    ]
    rows = IssueBatch.objects.visible_to(user).select_related("program", "publication").order_by("-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"waiting": waiting, "page": page, "listing": _listing_programs(user), "refusals": refusals}
    return render(request, "desk/issue_batches.html", context, status=422 if refusals else 200)


def _listing_programs(user: Any) -> list[Publication]:
    """The versions in force today in the person's regions under which the office makes the list."""
    found = []
    for program in Program.objects.visible_to(user, Role.HANDLER).filter(origin="live"):
        try:
            publication = publication_in_force(program, dates.today())
        except DomainError:
            continue
        if publication.scheme.issue.way is IssueWay.WITHOUT_APPLICATION:
            found.append(publication)
    return found


@require_POST
@desk_view
def create(request: HttpRequest) -> HttpResponse:
    """A batch for an ended window, or for what was filed up to a day."""
    program = get_object_or_404(
        Program.objects.visible_to(request.user, *OFFICE), code=request.POST.get("program", "")
    )
    publication = get_object_or_404(program.publications, publication_no=request.POST.get("publication", ""))
    try:
        until = request.POST.get("until", "").strip()
        batch = open_batch(
            program,
            by=request.user,  # type: ignore[arg-type]
            publication=publication,
            window=request.POST.get("window", ""),
            until=_day(until) if until else None,
        )
    except DomainError as refusal:
        note_refusal(request, refusal)
        return redirect("desk:issue_batches")
    return redirect("desk:issue_batch", batch.batch_no)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("issue_batch.until", "归集截止日应为日期，例如 2025-06-30。", field="until") from error


def _batch(request: HttpRequest, batch_no: str) -> IssueBatch:
    rows = IssueBatch.objects.visible_to(request.user).select_related(
        "program__region", "publication", "opened_by", "shared_by", "approved_by", "issued_by"
    )
    return get_object_or_404(rows, batch_no=batch_no)


@desk_view
def batch(request: HttpRequest, batch_no: str) -> HttpResponse:
    """Everything of one batch."""
    row = _batch(request, batch_no)
    job = last_job(row)
    asked = request.GET.get("q", "").strip()
    taking_part = row.members.filter(set_aside_reason="", asked_amount__isnull=False)
    aside = row.members.exclude(set_aside_reason="").select_related("application__enterprise")
    idle = job is None or job.over
    context: dict[str, Any] = {
        "batch": row,
        "rule": Shortage(row.rule),
        "gathers": window_words(row),
        "q": asked,
        "by_score": row.rule == Shortage.BY_SCORE.value,
        "verbs": [one for one in _verbs(request, row) if idle],
        "may_gather": idle
        and row.state == IssueBatchState.OPEN
        and has_role(request.user, *OFFICE, region=row.program.region),
        "reasoned": REASONED,
        "aside": _page(request, aside, "aside", asked, "application__"),
        "timeline": _timeline(row),
        "in_words": capital(row.allotted_amount) if row.allotted_amount is not None else "",
        "funded": taking_part.filter(allotted_amount__gt=0).count(),
        "unfunded": taking_part.filter(allotted_amount=0).count(),
        "in_parts": taking_part.filter(allotted_amount__gt=0).count() > WHOLE_AT_MOST,
    }
    if job is not None:
        note_seen(job, by=request.user)  # type: ignore[arg-type]
    if job is not None and _shows(row, job):
        context |= {"last": job} | (shown(request, job) if not job.over or job.kind == LONG_LIST else {})
        told = job.result or {}
        context["more_refused"] = max(0, told.get("refused", 0) - len(told.get("refusals", [])))
        context["may_add"] = job.over and has_role(request.user, Role.HANDLER, region=row.program.region)
    if row.state == IssueBatchState.OPEN:
        context |= _gathered(request, row, asked)
        context |= _projects(request, row)
    else:
        rows = taking_part.select_related("application__enterprise").order_by("place", "pk")
        context["members"] = _page(request, rows, "page", asked, "application__")
    if row.state in (IssueBatchState.APPROVED, IssueBatchState.NOTICED):
        context["issue_preview"] = _issue_preview(row)
    if row.state in (IssueBatchState.ISSUING, IssueBatchState.ISSUED):
        issued, total, amount = issued_so_far(row)
        context |= {"issued": issued, "total": total, "issued_amount": amount, "left": total - issued}
    return render(request, "desk/issue_batch.html", context)


def _shows(row: IssueBatch, job: Job) -> bool:
    """What the worker does or did is shown while it matters: under way, or without success and nothing was done since. How a long list
    was taken in is shown until the batch goes on."""
    if not job.over:
        return True
    if job.kind == LONG_LIST:
        return bool(row.state == IssueBatchState.OPEN)
    later = Review.objects.filter(
        subject_kind="issue_batch", subject_no=row.batch_no, recorded_at__gt=job.ended_at
    )
    return (job.state != JobState.DONE or row.state == IssueBatchState.ISSUING) and not later.exists()


def _verbs(request: HttpRequest, row: IssueBatch) -> list[Any]:
    verbs = verbs_for(row, request.user, region=row.program.region)  # type: ignore[arg-type]
    return [one for one in verbs if one.verb != "begin_issue"]


def _page(request: HttpRequest, rows: QuerySet[Any], parameter: str, asked: str, path: str) -> Page[Any]:
    """One page of a list, of those whose number or enterprise was asked for."""
    if asked:
        rows = rows.filter(
            Q(**{f"{path}application_no__icontains": asked})
            | Q(**{f"{path}enterprise__name__icontains": asked})
            | Q(**{f"{path}enterprise__uscc__iexact": asked})
        )
    return Paginator(rows, PAGE).get_page(request.GET.get(parameter))


def _gathered(request: HttpRequest, row: IssueBatch, asked: str) -> dict[str, Any]:
    found, waiting = candidates(row), pending(row)
    count = found.count()
    context: dict[str, Any] = {
        "gathered": _page(request, found, "page", asked, ""),
        "gathered_count": count,
        "gathered_sum": found.order_by().aggregate(total=Sum("approved_amount"))["total"] or ZERO,
        "pending": _page(request, waiting, "waiting", asked, ""),
        "pending_count": waiting.count(),
        "may_preview": 0 < count <= MOST_PREVIEWED,
        "may_review": row.is_listed
        and waiting.filter(state=ApplicationState.ACCEPTED).exists()
        and job_under_way(row) is None
        and has_role(request.user, Role.APPROVER, region=row.program.region),
    }
    if context["may_preview"] and "preview" in request.GET:
        applications = list(found)
        try:
            allotment = allot(row, applications)
        except DomainError as refusal:
            note_refusal(request, refusal)
            return context
        by_number = {one.application_no: one for one in applications}
        context["preview"] = [
            {
                "application": by_number[one.case_no],
                "place": one.place,
                "score": allotment.asked[one.case_no].score,
                "asked": one.asked,
                "given": one.given,
                "sentences": [step.sentence for step in one.steps]
                or [step["sentence"] for step in allotment.asked[one.case_no].words],
            }
            for one in sorted(allotment.allotted.values(), key=lambda one: one.place)
        ]
        context["preview_rooms"] = allotment.rooms
        context["preview_sum"] = sum((one.given for one in allotment.allotted.values()), ZERO)
        context["preview_asked"] = sum((one.asked for one in allotment.allotted.values()), ZERO)
    return context


def _projects(request: HttpRequest, row: IssueBatch) -> dict[str, Any]:
    """Of a list, the rows whose project is still to be answered for: how many in one act, and which singly."""
    waiting = project_checks(row) if row.is_listed else []
    return {
        "plain_projects": sum(1 for check in waiting if is_plain(check)),
        "doubtful_projects": Paginator([one for one in waiting if not is_plain(one)], PAGE).get_page(
            request.GET.get("projects")
        ),
        "may_answer_projects": job_under_way(row) is None
        and has_role(request.user, Role.HANDLER, region=row.program.region),
    }


def _issue_preview(row: IssueBatch) -> dict[str, Any]:
    """What issuing would do to the year's budget."""
    year = dates.today().year
    left = room_of(row.program, year, row.publication.scheme) or ZERO
    after = left - (row.allotted_amount or ZERO)
    return {"year": year, "before": left, "after": max(after, ZERO), "short": after < 0}


def _timeline(row: IssueBatch) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = [
        {
            "title": _DEEDS.get(review.verb) or row.lifecycle.label_of(review.verb),
            "state": "done",
            "who": review.actor_name,
            "at": review.done_at,
            "note": review.reason,
        }
        for review in Review.objects.filter(subject_kind="issue_batch", subject_no=row.batch_no)
    ]
    step = next(
        (one for one in row.lifecycle.transitions if row.state in one.sources and one.working_days), None
    )
    if step is not None:
        done.append(
            {
                "title": step.label,
                "state": "current",
                "who": "、".join(str(role.label) for role in OFFICE if role in step.roles),
                "at": row.state_since,
                "until": row.due_on,
                "rule": _("自进入本环节起 %(days)s 个工作日内办结") % {"days": step.working_days},
                "note": step.note,
            }
        )
    return done


@require_POST
@desk_view
def decide(request: HttpRequest, batch_no: str, verb: str) -> HttpResponse:
    """One verb on a batch: done now, or given to the worker where the batch is large; its page then shows how far it is."""
    row = _batch(request, batch_no)
    if verb not in DEEDS:
        raise Http404
    label = ON_LISTS.get(verb) or row.lifecycle.label_of(verb)
    try:
        job = order_deed(row, verb, by=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    except DomainError as refusal:
        note_refusal(request, refusal)
        if refusal.hint:
            messages.info(request, refusal.hint)
        return redirect("desk:issue_batch", batch_no)
    words = {"number": batch_no, "verb": label}
    if job is None:
        messages.success(request, _("批次 %(number)s：已%(verb)s。") % words)
    else:
        messages.info(
            request,
            _("批次 %(number)s：“%(verb)s”件数较多，已转后台办理，进度见下，您可以离开本页。") % words,
        )
    return redirect("desk:issue_batch", batch_no)


@require_POST
@desk_view
def aside(request: HttpRequest, batch_no: str, application_no: str) -> HttpResponse:
    """One of the gathered applications waits for a later batch, or (``deed`` = ``take_back``) takes part again."""
    row = _batch(request, batch_no)
    case = get_object_or_404(Application.objects.visible_to(request.user), application_no=application_no)
    again = request.POST.get("deed") == "take_back"
    deed = take_back if again else set_aside
    told = _("%(number)s 恢复列入本批。") if again else _("%(number)s 暂不列入本批。")
    return act(
        request,
        lambda: deed(row, case, by=request.user, reason=request.POST.get("reason", "")),  # type: ignore[arg-type]
        told % {"number": application_no},
        "desk:issue_batch",
        batch_no,
    )


@desk_view
def workbook(request: HttpRequest, batch_no: str) -> HttpResponse:
    """The allotment list as Excel, with the working."""
    row = _batch(request, batch_no)
    require_role(request.user, *OFFICE, region=row.program.region)
    members: Sequence[BatchMember] = members_of(row)
    if row.state in (IssueBatchState.OPEN, IssueBatchState.CANCELLED):
        raise Invalid("issue_batch.not_shared", "批次分配后才能导出清单。")
    content = allotment_workbook(row, members)
    return attachment(request, content, f"{row.batch_no}.xlsx", XLSX, "allotment_list", row.batch_no)


for _kind in JOB_KINDS:
    register_job_page(_kind, lambda job: reverse("desk:issue_batch", args=[job.key]))
