"""The door of the desk: signed in, with a role of the office; rows always through the viewer's scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from vouchers.access import DESK_ROLES, roles_of
from vouchers.errors import DomainError, Forbidden
from vouchers.middleware import note_refusal

View = Callable[..., HttpResponse]


def desk_view(view: View) -> View:
    """Only for people of the office: others are refused (403), whoever is not signed in is asked to."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(grant.role in DESK_ROLES for grant in roles_of(request.user)):
            raise Forbidden("desk.staff_only", "管理端供政府工作人员使用。", hint="企业请从“企业端”办理。")
        return view(request, *args, **kwargs)

    return guarded


def act(request: HttpRequest, deed: Callable[[], Any], done: str, to: str, *args: Any) -> HttpResponse:
    """Do the deed and go to a page. A refusal is said there, with its cure; the request's transaction is then undone as a
    whole, unless the refusal is to be kept (vouchers.middleware)."""
    try:
        deed()
    except DomainError as refusal:
        note_refusal(request, refusal)
        if refusal.hint:
            messages.info(request, refusal.hint)
        return redirect(to, *args)
    messages.success(request, done)
    return redirect(to, *args)


def attempt(deed: Callable[[], Any]) -> Any:
    """Do the deed within the request's transaction; what it wrote before it was refused is undone at once (unless the
    refusal is to be kept), so that the page drawn next shows the rows as they stay."""
    point = transaction.savepoint()
    try:
        made = deed()
    except DomainError as refusal:
        if refusal.keep:
            transaction.savepoint_commit(point)
        else:
            transaction.savepoint_rollback(point)
        raise
    transaction.savepoint_commit(point)
    return made
