"""What the interface's problems mean, each at the address that its answers name as their type."""

from __future__ import annotations

from itertools import groupby

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from vouchers.api.problem_types import KNOWN, TITLES


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All of them, by status."""
    rows = sorted(KNOWN.values(), key=lambda one: (one.status, one.code))
    groups = [
        {"status": status, "title": TITLES.get(status, ""), "rows": list(found)}
        for status, found in groupby(rows, key=lambda one: one.status)
    ]
    return render(request, "public/problems.html", {"groups": groups})


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """One of them."""
    found = KNOWN.get(code)
    if found is None:
        raise Http404
    return render(request, "public/problem.html", {"problem": found})


urlpatterns = [path("", index, name="index"), path("<str:code>", problem, name="problem")]
