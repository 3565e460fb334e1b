"""What a platform's credential may be used for: its scopes, its programs, its region."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from vouchers.api.admission import Admission
from vouchers.errors import Forbidden
from vouchers.models import ApiCredential
from vouchers.models.platforms import Scope


class WithinScope(BasePermission):
    """A view says in ``scopes`` (by action) or ``scope`` what it takes; reading is what views take that say nothing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        credential = request.auth
        if not isinstance(credential, ApiCredential):
            return True
        by_action: dict[str, str] = getattr(view, "scopes", {})
        needed = by_action.get(getattr(view, "action", ""), getattr(view, "scope", Scope.READ))
        if needed in credential.scopes:
            return True
        raise Forbidden(
            "credential.scope",
            f"该平台凭据没有“{Scope(needed).label}”权限。",
            hint="如确需使用，请联系主管部门安全管理员调整凭据权限。",
        )


def admission_of(request: Request) -> Admission:
    """The platform that calls. Raises ``Forbidden`` (``settlement.credential``) for people and others without a token."""
    admission: Admission | None = getattr(request._request, "admission", None)
    if admission is None or not isinstance(request.auth, ApiCredential):
        raise Forbidden(
            "settlement.credential", "该接口须使用服务商平台凭据。", hint="请联系主管部门签发平台凭据。"
        )
    return admission
