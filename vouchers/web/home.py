"""The root page: each person is sent to the own surface, a visitor to the public one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from vouchers.web.navigation import SURFACES, surfaces_of


def home(request: HttpRequest) -> HttpResponse:
    """Send on to the first surface on which the person has business; tell who has none what to do."""
    mine = surfaces_of(request.user)
    if mine:
        return redirect(mine[0].home)
    if request.user.is_authenticated:
        return render(request, "registration/no_role.html")
    public = SURFACES.get("public")
    return redirect(public.home if public and public.home else "accounts:login")
