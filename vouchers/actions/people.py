"""People: accounts and the roles that they hold. Granting is the security administrators' alone, and never to oneself."""

from __future__ import annotations

import secrets
from datetime import date

from django.core.exceptions import ValidationError
from django.db.models import Q

from vouchers import dates
from vouchers.access import PARTY_ROLES, Role, check_grant, require_role
from vouchers.actions.care import (
    accounts_in_care,
    parties_in_care,
    regions_in_care,
    regions_without_staff,
    wholly_in_care,
)
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Party, Region, RoleGrant, User

SECURITY = Role.SECURITY_ADMIN
_FIELD_CODES = {
    "username": "user.username",
    "display_name": "user.name",
    "phone": "user.phone",
    "email": "user.email",
}


def _first_password() -> str:
    """A password to be handed over once and changed at the first sign-in: about 96 bits."""
    return secrets.token_urlsafe(12)


def _looked_over(account: User) -> None:
    """Raise the faults of an account's fields, each at its field."""
    try:
        account.full_clean(exclude=["password"])
    except ValidationError as faults:
        raise Problems(
            [
                Invalid(_FIELD_CODES.get(field, "user.invalid"), " ".join(texts), field=field)
                for field, texts in faults.message_dict.items()
            ]
        ) from None


def _in_care(account: User, by: User) -> None:
    if not accounts_in_care(by, SECURITY).filter(pk=account.pk).exists():
        raise Forbidden(
            "access.account",
            "该账号不属于您负责的地区，您不能办理其账号和授权事项。",
            hint="请联系该账号所属地区的安全管理员。",
        )


def _not_oneself(account: User, by: User, code: str, deed: str) -> None:
    if account.pk == by.pk:
        raise Forbidden(code, f"不能{deed}。", hint="请由另一位安全管理员办理。")


def create_user(
    *, username: str, display_name: str, phone: str = "", email: str = "", by: User
) -> tuple[User, str]:
    """An account without any right, and its first password, which is shown once and stored only as a digest.

    Raises ``Forbidden`` (``access.role``) and ``Problems`` (``user.username``, ``user.name``, ``user.phone``, ``user.email``).
    """
    announce("user.create")
    require_role(by, SECURITY)
    password = _first_password()
    account = User(
        username=username.strip(), display_name=display_name.strip(), phone=phone.strip(), email=email.strip()
    )
    account.set_password(password)
    _looked_over(account)
    account.save()
    return account, password


def correct_user(account: User, *, display_name: str, phone: str = "", email: str = "", by: User) -> User:
    """Correct name and ways to reach the person; the account's name stays. Raises as ``create_user`` does."""
    announce("user.correct")
    require_role(by, SECURITY)
    _in_care(account, by)
    account.display_name, account.phone, account.email = display_name.strip(), phone.strip(), email.strip()
    _looked_over(account)
    account.save(update_fields=["display_name", "phone", "email"])
    return account


def reset_password(account: User, *, by: User) -> str:
    """A new first password for one who forgot it. Only for accounts whose every grant is in the own care.

    Raises ``Forbidden`` (``access.role``, ``access.account``, ``access.account_elsewhere``, ``access.self_password``) and ``NotNow``
    (``user.locked``)."""
    announce("user.reset_password")
    require_role(by, SECURITY)
    _not_oneself(account, by, "access.self_password", "重置自己的密码；请用“修改密码”页面")
    _in_care(account, by)
    if not wholly_in_care(account, by, SECURITY):
        raise Forbidden(
            "access.account_elsewhere",
            "该账号还在其他地区任职，您不能重置其密码。",
            hint="请联系负责其全部任职地区的安全管理员。",
        )
    if not account.is_active:
        raise NotNow("user.locked", "该账号已停用。请先恢复账号，再重置密码。")
    password = _first_password()
    account.set_password(password)
    account.save(update_fields=["password"])
    return password


def lock_user(account: User, *, reason: str, by: User) -> User:
    """停用: from this moment on the account neither signs in nor acts; its history stays.

    Raises ``Forbidden`` (``access.role``, ``access.account``, ``access.self_lock``), ``NotNow`` (``user.locked``), ``Invalid``
    (``reason.missing``)."""
    announce("user.lock", reason)
    require_role(by, SECURITY)
    _not_oneself(account, by, "access.self_lock", "停用自己的账号")
    _in_care(account, by)
    _with_reason(reason)
    if not account.is_active:
        raise NotNow("user.locked", "该账号已经停用。")
    account.is_active = False
    account.save(update_fields=["is_active"])
    return account


def unlock_user(account: User, *, reason: str, by: User) -> User:
    """恢复: the account may sign in again, with the grants that are still in force. Raises as ``lock_user``, and ``user.active``."""
    announce("user.unlock", reason)
    require_role(by, SECURITY)
    _not_oneself(account, by, "access.self_lock", "恢复自己的账号")
    _in_care(account, by)
    _with_reason(reason)
    if account.is_active:
        raise NotNow("user.active", "该账号没有停用。")
    account.is_active = True
    account.save(update_fields=["is_active"])
    return account


def _with_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")


def _place(role: str, region: Region | None, party: Party | None, by: User) -> None:
    """A staff role is held for a region, a company's role for a company; both only in the own care."""
    if role in PARTY_ROLES:
        if party is None or region is not None:
            raise Invalid("grant.place", "企业和服务商的角色须指定单位，不指定地区。", field="party")
        if role == Role.PLATFORM and not party.is_provider:
            raise Invalid(
                "grant.not_a_provider", f"{party.name}不是服务商，不能授予平台角色。", field="party"
            )
        if not parties_in_care(by, SECURITY).filter(pk=party.pk).exists():
            raise Forbidden("access.party", "该单位不在您负责的地区登记，也未纳入其专项。", field="party")
        return
    if region is None or party is not None:
        raise Invalid("grant.place", "政府工作人员的角色须指定地区，不指定单位。", field="region")
    if role == SECURITY and regions_without_staff().filter(pk=region.pk).exists():
        return  # a new region's first grant: its own security administrator, who grants the others
    if region.code not in regions_in_care(by, SECURITY):
        raise Forbidden("access.region", f"您不负责{region.name}的授权事项。", field="region")


def grant_role(
    account: User,
    role: str,
    *,
    by: User,
    region: Region | None = None,
    party: Party | None = None,
    organisation: str = "",
    effective_from: date | None = None,
    effective_to: date | None = None,
) -> RoleGrant:
    """Grant a role for a region or for a company, from today or later, until ``effective_to`` (not included).

    Raises ``Forbidden`` (``access.role``, ``access.self_grant``, ``access.account``, ``access.region``, ``access.party``), ``Invalid``
    (``grant.role``, ``grant.place``, ``grant.not_a_provider``, ``grant.dates``, ``grant.backdated``, ``access.incompatible``) and ``NotNow``
    (``user.locked``, ``grant.held``).
    """
    announce("role_grant.grant")
    require_role(by, SECURITY)
    _not_oneself(account, by, "access.self_grant", "给自己授权")
    if role not in Role.values:
        raise Invalid("grant.role", "没有这一角色，请重新选择。", field="role")
    _place(role, region, party, by)
    _in_care(account, by)
    # one grant at a time for a person: two that are incompatible must not pass each other
    account = User.objects.select_for_update().get(pk=account.pk)
    if not account.is_active:
        raise NotNow("user.locked", "该账号已停用，不能授权。请先恢复账号。", field="user")
    begins = effective_from or dates.today()
    if begins < dates.today():
        raise Invalid("grant.backdated", "生效日不能早于今天。", field="effective_from")
    if effective_to is not None and effective_to <= begins:
        raise Invalid("grant.dates", "失效日须晚于生效日；当日起不再有效。", field="effective_to")
    held = RoleGrant.objects.not_over().filter(user=account, role=role, region=region, party=party)
    if effective_to is not None:
        held = held.filter(effective_from__lt=effective_to)
    if held.filter(Q(effective_to=None) | Q(effective_to__gt=begins)).exists():
        raise NotNow(
            "grant.held", f"{account.display_name}在此期间已有同一授权，不必重复授予。", field="role"
        )
    check_grant(account, role)
    return RoleGrant.objects.create(
        user=account,
        role=role,
        region=region,
        party=party,
        organisation=organisation.strip(),
        effective_from=begins,
        effective_to=effective_to,
        granted_by=by,
    )


def revoke_role(grant: RoleGrant, *, reason: str, by: User, on: date | None = None) -> RoleGrant:
    """收回: the grant ends on a day, today at the earliest; one that has not begun by then never begins.

    Raises ``Forbidden`` (``access.role``, ``access.self_grant``, ``access.region``, ``access.party``), ``Invalid`` (``grant.backdated``,
    ``reason.missing``) and ``NotNow`` (``grant.over``).
    """
    announce("role_grant.revoke", reason)
    require_role(by, SECURITY)
    _not_oneself(grant.user, by, "access.self_grant", "收回自己的授权")
    _place(grant.role, grant.region, grant.party, by)
    _with_reason(reason)
    ends = on or dates.today()
    if ends < dates.today():
        raise Invalid("grant.backdated", "收回之日不能早于今天。", field="on")
    if grant.effective_to is not None and grant.effective_to <= ends:
        raise NotNow("grant.over", "该授权在此之前已失效。", field="on")
    grant.effective_to = max(ends, grant.effective_from)
    grant.save(update_fields=["effective_to"])
    return grant
