"""我的后台任务: long work that one asked for, or that one's colleagues did. Left at any time, and found again here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from vouchers.access import STAFF_ROLES, has_role
from vouchers.actions import jobs
from vouchers.actions.jobs import cancel_job, kind_of, may_cancel, note_seen, result_path, visible_jobs
from vouchers.errors import DomainError, Forbidden
from vouchers.middleware import note_refusal
from vouchers.models import Job
from vouchers.web.downloads import note_export
from vouchers.web.navigation import Entry, register_entries
from vouchers.web.wording import instant_text

View = Callable[..., HttpResponse]
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CONTENT_TYPES = {
    ".xlsx": EXCEL,
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".zip": "application/zip",
}
PER_PAGE = 30

_pages: dict[str, Callable[[Job], str]] = {}


def register_job_page(kind: str, address: Callable[[Job], str]) -> None:
    """Where a job of this kind is shown instead of on the plain page: its report."""
    _pages[kind] = address


def job_address(job: Job) -> str:
    """The page of the job: its kind's own, or the plain one."""
    own = _pages.get(job.kind)
    return own(job) if own is not None else reverse("jobs:job", args=[job.job_no])


def register_jobs() -> None:
    """Called once by the app when it is ready."""
    register_entries(
        "desk",
        Entry(
            str(_("我的后台任务")),
            "jobs:list",
            roles=STAFF_ROLES,
            group=str(_("后台")),
            order=95,
            count=jobs.unseen_count,
        ),
    )


def staff_view(view: View) -> View:
    """Only for people of the office: others are refused (403 ``jobs.staff_only``), whoever is not signed in is asked to."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not has_role(request.user, *STAFF_ROLES):
            raise Forbidden(
                "jobs.staff_only",
                "后台任务页面供本机关工作人员使用。",
                hint="如因岗位需要，请联系本机关安全管理员授权。",
            )
        return view(request, *args, **kwargs)

    return guarded


def find_job(request: HttpRequest, job_no: str) -> Job:
    """The job, if the viewer may see it; else it is not there."""
    job: Job | None = (
        visible_jobs(request.user)  # type: ignore[arg-type]
        .select_related("asked_by")
        .filter(job_no=job_no)
        .first()
    )
    if job is None:
        raise Http404
    return job


def shown(request: HttpRequest, job: Job) -> dict[str, Any]:
    """What templates need of a job for its progress, its end and its file."""
    kind, person = kind_of(job), request.user
    return {
        "job": job,
        "kind_label": kind.label if kind else job.kind,
        "kept": kind.kept if kind else "",
        "poll": reverse("jobs:progress", args=[job.job_no]),
        "cancel_url": reverse("jobs:cancel", args=[job.job_no])
        if not job.over and not job.cancel_asked and may_cancel(job, person)  # type: ignore[arg-type]
        else "",
        "file_url": reverse("jobs:file", args=[job.job_no]) if result_path(job) else "",
        "facts": _facts(job),
        "ahead": jobs.ahead_of(job),
    }


def _facts(job: Job) -> list[dict[str, Any]]:
    """Who asked and when it ran, and its file."""
    asker = (job.asked_by.display_name or job.asked_by.username) if job.asked_by else _("系统")
    facts: list[dict[str, Any]] = [{"label": _("提请"), "value": f"{asker}，{instant_text(job.asked_at)}"}]
    if job.started_at:
        facts.append({"label": _("开始"), "value": instant_text(job.started_at)})
    if job.ended_at:
        facts.append({"label": _("结束"), "value": instant_text(job.ended_at)})
    if result_path(job):
        facts.append(
            {"label": _("结果文件"), "value": _("下载"), "url": reverse("jobs:file", args=[job.job_no])}
        )
        facts.append({"label": _("文件摘要"), "value": f"SHA-256 {job.result_sha256}"})
    return facts


@staff_view
def jobs_list(request: HttpRequest) -> HttpResponse:
    """One's own first; with ``?all=1`` also those of colleagues that one may see."""
    person: Any = request.user
    everyone = request.GET.get("all") == "1"
    rows = visible_jobs(person).select_related("asked_by").order_by("-pk")
    if not everyone:
        rows = rows.filter(asked_by=person)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    listed = [{"job": job, "url": job_address(job), "new": _is_new(job, person)} for job in page.object_list]
    views = [
        {"label": _("我的"), "url": reverse("jobs:list"), "current": not everyone},
        {"label": _("本地区同事的"), "url": f"{reverse('jobs:list')}?all=1", "current": everyone},
    ]
    return render(
        request, "jobs/list.html", {"page": page, "listed": listed, "views": views, "everyone": everyone}
    )


def _is_new(job: Job, person: Any) -> bool:
    return job.over and job.seen_at is None and job.asked_by_id == person.pk


@staff_view
def job(request: HttpRequest, job_no: str) -> HttpResponse:
    """How far it is, and what came of it."""
    found = find_job(request, job_no)
    own = job_address(found)
    if own != request.path:
        return redirect(own)
    note_seen(found, by=request.user)  # type: ignore[arg-type]
    return render(request, "jobs/job.html", shown(request, found))


@staff_view
def progress(request: HttpRequest, job_no: str) -> HttpResponse:
    """The progress alone, asked for again and again; when it is over the whole page is drawn anew."""
    found = find_job(request, job_no)
    answer = render(request, "jobs/progress.html", shown(request, found))
    if found.over and request.headers.get("HX-Request"):
        answer["HX-Refresh"] = "true"
    return answer


@staff_view
@require_POST
def cancel(request: HttpRequest, job_no: str) -> HttpResponse:
    """Ask it to stop."""
    found = find_job(request, job_no)
    try:
        after = cancel_job(found, by=request.user)  # type: ignore[arg-type]
    except DomainError as refusal:
        note_refusal(request, refusal)
    else:
        messages.success(
            request,
            _("已取消。") if after.over else _("已要求取消，正在停止；%(left)s") % {"left": _left(after)},
        )
    return redirect(job_address(found))


def _left(job: Job) -> str:
    kind = kind_of(job)
    return kind.kept if kind and kind.kept else _("已算出的部分不保留。")


@staff_view
def file(request: HttpRequest, job_no: str) -> HttpResponse:
    """The file that it made."""
    found = find_job(request, job_no)
    path = result_path(found)
    if path is None:
        raise Http404
    name = f"{found.label.replace('：', '-').replace(' ', '-')}-{found.job_no}{path.suffix}"
    note_export(
        request, "job_result", found.job_no, name, sha256=found.result_sha256, size=path.stat().st_size
    )
    answer: Any = FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=name,
        content_type=CONTENT_TYPES.get(path.suffix, "application/octet-stream"),
        headers={"X-Content-SHA256": found.result_sha256},
    )
    return answer


urlpatterns: list[URLPattern] = [
    path("", jobs_list, name="list"),
    path("<slug:job_no>/", job, name="job"),
    path("<slug:job_no>/progress/", progress, name="progress"),
    path("<slug:job_no>/cancel/", cancel, name="cancel"),
    path("<slug:job_no>/file/", file, name="file"),
]
