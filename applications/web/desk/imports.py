"""历史数据导入 on the desk: a past year's folder is sent, loaded by the worker, and what was refused is handed back."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from applications.actions.imports.catalogue import FILES
from applications.actions.imports.packed import MB
from applications.actions.imports.uploads import KIND, LARGEST_UPLOAD, ask_import
from applications.models import ImportedFile
from applications.web.desk.access import View, attempt
from vouchers.access import Role, has_role, require_role
from vouchers.actions.jobs import note_seen, visible_jobs
from vouchers.errors import DomainError
from vouchers.models import Job
from vouchers.web.jobs import find_job, job_address, register_job_page, shown

READERS = (Role.SYSTEM_ADMIN, Role.AUDITOR)
PER_PAGE = 20


def reader_view(view: View) -> View:
    """For the people who bring history along, and for auditors, who look on."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_role(request.user, *READERS)
        return view(request, *args, **kwargs)

    return guarded


@reader_view
def imports(request: HttpRequest) -> HttpResponse:
    """Send a folder, and what was sent before."""
    refusals: list[DomainError] = []
    if request.method == "POST":
        files: Any = request.FILES.getlist("files")
        try:
            job = attempt(lambda: ask_import(files, by=request.user))  # type: ignore[arg-type]
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            refusals = [refusal]
        else:
            return redirect(job_address(job))
    jobs = visible_jobs(request.user).filter(kind=KIND).select_related("asked_by").order_by("-pk")  # type: ignore[arg-type]
    page = Paginator(jobs, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "refusals": refusals,
        "page": page,
        "listed": [{"job": job, "url": job_address(job)} for job in page.object_list],
        "may_send": has_role(request.user, Role.SYSTEM_ADMIN),
        "max_mb": LARGEST_UPLOAD // MB,
        "names": FILES,
        "loaded": ImportedFile.objects.exists(),
    }
    return render(request, "desk/imports.html", context, status=refusals[0].status if refusals else 200)


@reader_view
def import_job(request: HttpRequest, job_no: str) -> HttpResponse:
    """How far it is; afterwards file by file what was taken, what was refused and why."""
    job = find_job(request, job_no)
    if job.kind != KIND:
        return redirect(job_address(job))
    note_seen(job, by=request.user)  # type: ignore[arg-type]
    result: dict[str, Any] = job.result
    files = [one for one in result.get("files", []) if one["collected"]]
    context = shown(request, job) | {
        "report": result,
        "files": files,
        "missing": [one["name"] for one in result.get("files", []) if not one["collected"]],
        "refusals": result.get("refusals", []),
        "more": max(0, result.get("refused", 0) - len(result.get("refusals", []))),
        "crumbs": [(_("历史数据"), reverse("desk:imports"))],
    }
    return render(request, "desk/import_job.html", context)


def _address(job: Job) -> str:
    return reverse("desk:import_job", args=[job.job_no])


register_job_page(KIND, _address)
