"""The one way to a paper's bytes: by its number, within the viewer's scope, as an attachment."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_GET

from applications.actions.papers import open_paper
from applications.models import Paper
from vouchers.access import STAFF_ROLES, has_role
from vouchers.models import User

app_name = "papers"


@require_GET
@login_required
def download(request: HttpRequest, paper_no: str) -> HttpResponseBase:
    """The file; 404 for whoever may not know that it is there. A removed paper is for the office only."""
    user = request.user
    assert isinstance(user, User)
    paper = Paper.objects.visible_to(user).filter(paper_no=paper_no).first()
    if paper is None:
        raise Http404
    if paper.removed_at is not None and not has_role(user, *STAFF_ROLES, region=paper.region_code):
        raise Http404
    response = FileResponse(
        open_paper(paper, by=user),
        as_attachment=True,
        filename=paper.filename,
        content_type=paper.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Content-Length"] = str(paper.size)
    # Should a browser show it after all, it may neither run nor ask for anything.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


urlpatterns = [path("<str:paper_no>/", download, name="download")]
