"""The front page of the audit desk: the first entry of the menu that is the reader's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from audit.web.access import audit_view
from vouchers.web.navigation import menu


@audit_view
def home(request: HttpRequest) -> HttpResponse:
    """On to the first page of the menu."""
    here = reverse("audit:home")
    return redirect(
        next((entry.url for entry in menu("audit", request) if entry.url != here), reverse("audit:trail"))
    )
