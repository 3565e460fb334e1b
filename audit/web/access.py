"""The door of the audit pages: signed in, with a role of inspection; rows always through the viewer's scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from vouchers.access import AUDIT_ROLES, has_role
from vouchers.errors import Forbidden

View = Callable[..., HttpResponse]


def audit_view(view: View) -> View:
    """Only for auditors, audit administrators and investigators; others are refused (403 ``audit.staff_only``)."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not has_role(request.user, *AUDIT_ROLES):
            raise Forbidden(
                "audit.staff_only",
                "审计端供审计、核查人员使用。",
                hint="如因岗位需要，请联系本机关安全管理员授权。",
            )
        return view(request, *args, **kwargs)

    return guarded
