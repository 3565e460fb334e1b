"""The catalogue of schemes with what is left of each, and a scheme in words."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from vouchers.models import Program, Publication
from vouchers.policy.differences import compare
from vouchers.policy.prose_brief import describe_briefly
from vouchers.web.catalogue import offer_of, offers


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page for everybody: what is open, what is left, and the other public services."""
    return render(request, "public/home.html", {"offers": offers()})


@require_safe
def program(request: HttpRequest, code: str) -> HttpResponse:
    """One scheme: open or not and why, its rules with their sources, its earlier and later versions."""
    row = get_object_or_404(
        Program.objects.listed().filter(origin=Program.Origin.LIVE).select_related("region"), code=code
    )
    offer = offer_of(row)
    context = {
        "offer": offer,
        "scheme": offer.scheme,
        "sections": describe_briefly(offer.scheme) if offer.scheme else [],
        "changes": _changes(offer.publication),
        "versions": row.publications.select_related("validity").order_by("-validity__effective_from"),
        "crumbs": [(_("政策目录"), reverse("public:home"))],
    }
    return render(request, "public/program.html", context)


def _changes(publication: Publication | None) -> dict[str, Any] | None:
    """What the version changed of the one before it, rule by rule; None for a program's first."""
    if publication is None:
        return None
    earlier = (
        Publication.objects.filter(program=publication.program, pk__lt=publication.pk).order_by("-pk").first()
    )
    if earlier is None:
        return None
    rules = [
        change
        for section in compare(earlier.scheme, publication.scheme)
        for change in section.changes
        if not change.is_source
    ]
    return {"earlier": earlier, "rules": rules}


urlpatterns = [
    path("", home, name="home"),
    path("programs/<str:code>/", program, name="program"),
]
