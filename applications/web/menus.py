"""The entries of desk and portal in the menus of the shell."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from applications.models import Objection
from applications.models.notices import ObjectionState
from vouchers.access import DESK_ROLES, Role
from vouchers.web.navigation import Entry, Surface, register_entries, register_surface


def _applications(user: Any) -> int:
    from applications.web.desk.queues import waiting_applications

    return waiting_applications(user).count()


def _claims(user: Any) -> int:
    from applications.web.desk.queues import waiting_claims

    return waiting_claims(user).count()


def _objections(user: Any) -> int:
    return Objection.objects.visible_to(user).filter(state=ObjectionState.FILED).count()


def register_menus() -> None:
    """Called once by the app when it is ready."""
    register_surface(Surface("desk", str(_("管理端")), "desk:home", roles=DESK_ROLES, order=20))
    casework = frozenset({Role.HANDLER, Role.EXPERT, Role.APPROVER})
    group = str(_("审批"))
    register_entries(
        "desk",
        Entry(str(_("待办")), "desk:home", roles=DESK_ROLES, group=group, order=10, exact=True),
        Entry(
            str(_("申领")), "desk:applications", roles=casework, group=group, order=20, count=_applications
        ),
        Entry(str(_("兑付申请")), "desk:claims", roles=casework, group=group, order=30, count=_claims),
        Entry(str(_("异议")), "desk:objections", roles=DESK_ROLES, group=group, order=40, count=_objections),
        Entry(
            str(_("拨付")), "desk:payables", roles=frozenset({Role.FINANCE}), group=str(_("拨付")), order=50
        ),
    )
