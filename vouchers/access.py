"""Who may do what, and who sees which rows.

A role is granted for a region (staff) or for a party (an enterprise's or provider's people). Rows are always fetched
through the viewer's scope; ``is_superuser`` gives no business right.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers.errors import Forbidden, Invalid

if TYPE_CHECKING:
    from vouchers.models import Party, Region, User


class Role(models.TextChoices):
    """The roles of design.md section 2.10."""

    FILER = "filer", _("经办人")
    ENTERPRISE_APPROVER = "enterprise_approver", _("企业审批人")
    PLATFORM = "platform", _("服务商平台")
    POLICY_EDITOR = "policy_editor", _("政策编辑")
    PUBLISHER = "publisher", _("政策发布")
    PRICE_PUBLISHER = "price_publisher", _("价格发布")
    HANDLER = "handler", _("受理审查")
    EXPERT = "expert", _("专家评审")
    APPROVER = "approver", _("核准")
    FINANCE = "finance", _("财务拨付")
    INVESTIGATOR = "investigator", _("核查")
    AUDITOR = "auditor", _("审计")
    SYSTEM_ADMIN = "system_admin", _("系统管理")
    SECURITY_ADMIN = "security_admin", _("安全管理")
    AUDIT_ADMIN = "audit_admin", _("审计管理")


PARTY_ROLES = frozenset({Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM})
STAFF_ROLES = frozenset(set(Role) - PARTY_ROLES)
DESK_ROLES = frozenset({Role.HANDLER, Role.EXPERT, Role.APPROVER, Role.FINANCE, Role.INVESTIGATOR})
AUDIT_ROLES = frozenset({Role.AUDITOR, Role.AUDIT_ADMIN, Role.INVESTIGATOR})
CONFIGURATION_ROLES = frozenset({Role.POLICY_EDITOR, Role.PUBLISHER, Role.PRICE_PUBLISHER, Role.SYSTEM_ADMIN})

_PAIRS: tuple[tuple[set[Role], set[Role], str], ...] = (
    ({Role.POLICY_EDITOR}, {Role.PUBLISHER}, "政策的编辑与发布须由两人分别办理"),
    ({Role.HANDLER, Role.EXPERT}, {Role.APPROVER}, "审查与核准须由两人分别办理"),
    ({Role.HANDLER, Role.EXPERT, Role.APPROVER}, {Role.FINANCE}, "审批与拨付不得由同一人办理"),
    (
        {Role.AUDITOR},
        {
            Role.HANDLER,
            Role.EXPERT,
            Role.APPROVER,
            Role.FINANCE,
            Role.POLICY_EDITOR,
            Role.PUBLISHER,
            Role.PRICE_PUBLISHER,
            Role.INVESTIGATOR,
        },
        "审计人员不得参与被审计的事项",
    ),
    (
        {Role.INVESTIGATOR},
        {Role.HANDLER, Role.EXPERT, Role.APPROVER, Role.FINANCE},
        "核查人员不得参与同一地区的审批与拨付",
    ),
    ({Role.SYSTEM_ADMIN}, {Role.SECURITY_ADMIN, Role.AUDIT_ADMIN}, "系统、安全、审计管理须三员分立"),
    ({Role.SECURITY_ADMIN}, {Role.AUDIT_ADMIN}, "系统、安全、审计管理须三员分立"),
    (set(PARTY_ROLES), set(STAFF_ROLES), "政府工作人员不得同时为企业办理申领"),
)

INCOMPATIBLE_ROLES: dict[frozenset[Role], str] = {
    frozenset({a, b}): why for left, right, why in _PAIRS for a in left for b in right if a != b
}


def incompatibility(held: set[str], wanted: str) -> str | None:
    """Why ``wanted`` may not be held beside ``held``; None when it may."""
    for role in held:
        why = INCOMPATIBLE_ROLES.get(frozenset({Role(role), Role(wanted)}))
        if why:
            return why
    return None


@dataclass(frozen=True)
class Grant:
    """A role as held now: for a region (code) or a party (USCC)."""

    role: str
    region_code: str = ""
    party_id: int | None = None
    organisation: str = ""


@dataclass(frozen=True)
class Scope:
    """The rows that a person may see: regions whose staff they are, parties whose people they are."""

    regions: frozenset[str] = frozenset()
    parties: frozenset[int] = frozenset()

    @property
    def empty(self) -> bool:
        return not self.regions and not self.parties


def roles_of(user: User | Any) -> list[Grant]:
    """The grants in force today; nothing for those who are not signed in or whose account is closed."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return []
    cached: list[Grant] | None = getattr(user, "_grants_now", None)
    if cached is None:
        from vouchers.models import RoleGrant

        cached = [
            Grant(
                role=grant.role,
                region_code=grant.region.code if grant.region else "",
                party_id=grant.party_id,
                organisation=grant.party.name if grant.party else (grant.organisation or ""),
            )
            for grant in RoleGrant.objects.in_force().filter(user=user).select_related("region", "party")
        ]
        user._grants_now = cached  # type: ignore[union-attr]
    return cached


def has_role(
    user: User | Any, *roles: str, region: Region | str | None = None, party: Party | int | None = None
) -> bool:
    """Whether the person holds one of the roles, for this region or party when one is named."""
    code = getattr(region, "code", region)
    party_id = getattr(party, "pk", party)
    for grant in roles_of(user):
        if grant.role not in roles:
            continue
        if code is not None and grant.region_code != code:
            continue
        if party_id is not None and grant.party_id != party_id:
            continue
        return True
    return False


def require_role(
    user: User | Any, *roles: str, region: Region | str | None = None, party: Party | int | None = None
) -> None:
    """Raise ``Forbidden`` (``access.role``) unless the person holds one of the roles there."""
    if has_role(user, *roles, region=region, party=party):
        return
    names = "、".join(str(Role(role).label) for role in roles)
    raise Forbidden(
        "access.role",
        f"办理此事需要“{names}”角色，您目前没有对应地区或单位的该角色。",
        hint="如因岗位需要，请联系本机关安全管理员授权。",
    )


def require_other_person(user: User | Any, earlier: Set[int | None], deed: str) -> None:
    """Raise ``Forbidden`` (``access.same_person``) when the person already had a hand in the case: maker is not checker."""
    if user.pk in earlier:
        raise Forbidden(
            "access.same_person",
            f"您已参与过本件的前序环节，不能再办理“{deed}”。经办与复核须由不同的人完成。",
            hint="请将本件转交另一位同事办理。",
        )


def scope_of(user: User | Any, *roles: str) -> Scope:
    """The regions and parties of the person's grants; narrowed to ``roles`` when some are given."""
    grants = [grant for grant in roles_of(user) if not roles or grant.role in roles]
    return Scope(
        regions=frozenset(
            grant.region_code for grant in grants if grant.region_code and grant.role in STAFF_ROLES
        ),
        parties=frozenset(grant.party_id for grant in grants if grant.party_id is not None),
    )


class ScopedQuerySet(models.QuerySet[Any]):
    """A queryset that knows the way from its rows to the region's code and to the parties who may see them.

    ``region_path`` is the look-up to a region code; ``party_paths`` are look-ups to party primary keys. A model whose
    rows are public to every region's staff sets ``region_path`` to None and ``staff_see_all`` to True.
    """

    region_path: str | None = None
    party_paths: tuple[str, ...] = ()
    staff_see_all = False

    def visible_to(self, user: User | Any, *roles: str) -> Self:
        """The rows in the viewer's scope; none for a stranger."""
        scope = scope_of(user, *roles)
        seen = Q(pk__in=[])
        if scope.regions:
            if self.staff_see_all:
                return self
            if self.region_path:
                seen |= Q(**{f"{self.region_path}__in": scope.regions})
        if scope.parties:
            for path in self.party_paths:
                seen |= Q(**{f"{path}__in": scope.parties})
        return self.filter(seen)


def check_grant(user: User, role: str) -> None:
    """Refuse a role that may not be held beside those held now or granted for later (``access.incompatible``)."""
    from vouchers.models import RoleGrant

    held = set(RoleGrant.objects.not_over().filter(user=user).values_list("role", flat=True))
    why = incompatibility(held, role)
    if why:
        raise Invalid(
            "access.incompatible",
            f"不能授予“{Role(role).label}”角色：{why}。",
            field="role",
            hint="请先收回与之不相容的角色，或授予另一位同事。",
        )


__all__ = [
    "AUDIT_ROLES",
    "CONFIGURATION_ROLES",
    "DESK_ROLES",
    "INCOMPATIBLE_ROLES",
    "PARTY_ROLES",
    "STAFF_ROLES",
    "Grant",
    "Role",
    "Scope",
    "ScopedQuerySet",
    "check_grant",
    "has_role",
    "incompatibility",
    "require_other_person",
    "require_role",
    "roles_of",
    "scope_of",
]
