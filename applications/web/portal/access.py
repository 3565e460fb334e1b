"""The door of the portal: signed in, acting for an enterprise; rows always through the viewer's scope as a party."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from vouchers.access import PARTY_ROLES, Role, has_role, roles_of, scope_of
from vouchers.errors import DomainError, Forbidden
from vouchers.middleware import note_refusal
from vouchers.models import Party

View = Callable[..., HttpResponse]


def portal_view(view: View) -> View:
    """Only for people of an enterprise or provider: others are refused (403), whoever is not signed in is asked to."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(grant.role in PARTY_ROLES for grant in roles_of(request.user)):
            raise Forbidden(
                "portal.enterprise_only",
                _("企业端供申领企业和服务商的经办人使用。"),
                hint=_("如您是企业经办人，请联系本单位管理员或本机关开通权限。"),
            )
        return view(request, *args, **kwargs)

    return guarded


def own_parties(request: HttpRequest, *roles: str) -> list[Party]:
    """The parties that the person acts for (in one of the roles)."""
    scope = scope_of(request.user, *(roles or PARTY_ROLES))
    return list(Party.objects.filter(pk__in=scope.parties).order_by("name"))


def may_file(request: HttpRequest, party: Party | None) -> bool:
    """Whether the person files for the party: what a page offers as buttons. The actions ask again."""
    return party is not None and has_role(request.user, Role.FILER, party=party)


def refused(request: HttpRequest, refusal: DomainError, form: forms.Form | None = None) -> list[DomainError]:
    """The page is shown again with what was typed: the refusal is logged, what was written is undone (unless it is to be
    kept), and each fault stands at its field. Answers the list for the error summary."""
    request.refusal = refusal  # type: ignore[attr-defined]
    if form is not None:
        for problem in getattr(refusal, "problems", None) or [refusal]:
            if problem.field in form.fields:
                form.add_error(problem.field, problem.message)
    return [refusal]


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


def act(request: HttpRequest, deed: Callable[[], Any], done: str, to: str, *args: Any) -> HttpResponse:
    """Do the deed and go to a page; a refusal is said there, with its cure."""
    try:
        deed()
    except DomainError as refusal:
        note_refusal(request, refusal)
        if refusal.hint:
            messages.info(request, refusal.hint)
        return redirect(to, *args)
    if done:
        messages.success(request, done)
    return redirect(to, *args)


class FiledFrom(TypedDict):
    """The address and the device of who filed."""

    filer_ip: str
    filer_device: str


def filed_from(request: HttpRequest) -> FiledFrom:
    """From where a case was filed, as far as the request tells: kept for the fraud rules."""
    return {
        "filer_ip": request.META.get("REMOTE_ADDR", "")[:45],
        "filer_device": request.headers.get("User-Agent", "")[:64],
    }
