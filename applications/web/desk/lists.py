"""免申即享名单 on the desk: the template to fill in, and the list sent: a workbook at once, a long table to the worker."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.batch_lists import make_list
from applications.actions.list_uploads import ask_list
from applications.batch_lists import MOST_LONG, list_template
from applications.web.desk.access import attempt, desk_view
from applications.web.desk.batches import XLSX, list_page
from applications.web.downloads import attachment
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.policies import publication_in_force
from vouchers.errors import DomainError, Invalid
from vouchers.models import Program
from vouchers.workbooks.opening import MOST_BYTES


@require_POST
@desk_view
def upload(request: HttpRequest) -> HttpResponse:
    """A list as a batch; a faulty one is shown with its cells, and nothing of it is taken in."""
    program = get_object_or_404(
        Program.objects.visible_to(request.user, Role.HANDLER), code=request.POST.get("program", "")
    )
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Invalid("issue_list.missing", "请选择名单文件。", field="file")
        if (file.name or "").lower().endswith(".csv"):
            made, job = attempt(lambda: ask_list(program, file, by=request.user))  # type: ignore[arg-type]
            messages.info(
                request,
                _("名单共 %(n)s 行，已转后台载入，进度见下，您可以离开本页。") % {"n": job.params["rows"]},
            )
            return redirect("desk:issue_batch", made.batch_no)
        if (file.size or 0) > MOST_BYTES:
            raise Invalid(
                "issue_list.too_large",
                "名单工作簿不能超过 5 MB。",
                field="file",
                hint=f"更长的名单请另存为 CSV 上传，最多 {MOST_LONG:,} 行。",
            )
        batch = attempt(lambda: make_list(program, file.read(), by=request.user))  # type: ignore[arg-type]
    except DomainError as refusal:
        request.refusal = refusal  # type: ignore[attr-defined]
        return list_page(request, [refusal])
    messages.success(request, _("名单已载入，共 %(n)s 件，请另一人审核。") % {"n": batch.members.count()})
    return redirect("desk:issue_batch", batch.batch_no)


@desk_view
def template(request: HttpRequest, code: str) -> HttpResponse:
    """The workbook of a list to fill in, with the columns that the version in force asks for."""
    program = get_object_or_404(Program.objects.visible_to(request.user, Role.HANDLER), code=code)
    publication = publication_in_force(program, dates.today())
    content = list_template(publication.scheme)
    return attachment(request, content, f"{code}-名单模板.xlsx", XLSX, "list_template", code)
