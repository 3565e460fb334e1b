"""平台凭据: tokens of providers' platforms, shown once and kept as a digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.utils import timezone

from vouchers import dates
from vouchers.access import Role, has_role, require_role, scope_of
from vouchers.actions.care import credentials_in_care, parties_in_care, regions_in_care
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import ApiCredential, Party, Program, Region, User
from vouchers.models.platforms import CALLS_A_MINUTE, Scope

MOST_CALLS_A_MINUTE = 100_000
LONGEST_OVERLAP_HOURS = 7 * 24


def _of_provider_in_care(provider: Party, by: User) -> None:
    if not parties_in_care(by, Role.SECURITY_ADMIN).filter(pk=provider.pk).exists():
        raise Forbidden("access.party", "该单位不在您负责的地区登记，也未纳入其专项。", field="provider")


def _require_reach_in_care(credential: ApiCredential, by: User) -> None:
    """Whoever touches a credential looks after everything that it reaches."""
    _of_provider_in_care(credential.provider, by)
    if not credentials_in_care(by, Role.SECURITY_ADMIN).filter(pk=credential.pk).exists():
        raise Forbidden(
            "access.region",
            "该凭据可用于您负责的地区以外的专项，不能由您办理。",
            hint="请联系上级地区或该地区的安全管理员；如只需停用本地区的办理，请为本地区另行签发凭据。",
        )


def issue_credential(
    *,
    provider: Party,
    user: User,
    label: str,
    programs: Iterable[Program] = (),
    region: Region | None = None,
    scopes: Iterable[str] = tuple(Scope.values),
    calls_a_minute: int = CALLS_A_MINUTE,
    expires_on: date | None = None,
    by: User,
) -> tuple[ApiCredential, str]:
    """A credential for the platform's account, and its token, which nobody can read again.

    It reaches the programs of ``region`` and of what lies below it (none given: the issuer's own), or only ``programs`` when
    some are named. Raises ``Forbidden`` (``access.role``, ``access.party``, ``access.region``) and ``Invalid`` (``credential.user``,
    ``credential.label``, ``credential.expired``, ``credential.region``, ``credential.scopes``, ``credential.calls``).
    """
    announce("api_credential.issue")
    require_role(by, Role.SECURITY_ADMIN)
    _of_provider_in_care(provider, by)
    if not has_role(user, Role.PLATFORM, party=provider):
        raise Invalid(
            "credential.user",
            f"{user.display_name}没有{provider.name}的平台角色。",
            field="user",
            hint="请先为平台账号授予该单位的“服务商平台”角色。",
        )
    if not label.strip():
        raise Invalid("credential.label", "请填写用途，便于日后辨认。", field="label")
    if expires_on is not None and expires_on <= dates.today():
        raise Invalid("credential.expired", "到期日须晚于今天。", field="expires_on")
    bound = list(programs)
    regions = regions_in_care(by, Role.SECURITY_ADMIN)
    if any(program.region.code not in regions for program in bound):
        raise Forbidden("access.region", "所选专项不在您负责的地区。", field="programs")
    place = _region(region, by, regions)
    allowed = _scopes(scopes)
    _require_calls(calls_a_minute)
    token, prefix, digest = ApiCredential.new_token()
    credential = ApiCredential.objects.create(
        provider=provider,
        user=user,
        label=label.strip(),
        token_prefix=prefix,
        token_digest=digest,
        expires_on=expires_on,
        region=place,
        scopes=allowed,
        calls_a_minute=calls_a_minute,
    )
    credential.programs.set(bound)
    return credential, token


def _region(region: Region | None, by: User, in_care: frozenset[str]) -> Region:
    if region is not None:
        if region.code not in in_care:
            raise Forbidden("access.region", "所选地区不由您负责。", field="region")
        return region
    own = sorted(scope_of(by, Role.SECURITY_ADMIN).regions)
    if len(own) != 1:
        raise Invalid("credential.region", "您负责多个地区，请选择凭据适用的地区。", field="region")
    found: Region = Region.objects.get(code=own[0])
    return found


def _scopes(scopes: Iterable[str]) -> list[str]:
    allowed = [str(scope) for scope in Scope.values if scope in set(scopes)]
    if not allowed or set(scopes) - set(allowed):
        raise Invalid("credential.scopes", "请至少选择一项权限。", field="scopes")
    return allowed


def _require_calls(calls_a_minute: int) -> None:
    if not 1 <= calls_a_minute <= MOST_CALLS_A_MINUTE:
        raise Invalid(
            "credential.calls", f"每分钟调用上限须为 1 至 {MOST_CALLS_A_MINUTE}。", field="calls_a_minute"
        )


def rotate_credential(credential: ApiCredential, *, hours: int, by: User) -> str:
    """轮换: a new token, shown once. The old one stays valid for ``hours``, so that the platform can change over without a pause.

    Raises ``Forbidden`` (``access.role``, ``access.party``, ``access.region``), ``Invalid`` (``credential.overlap``), ``NotNow`` (``credential.revoked``).
    """
    announce("api_credential.rotate")
    require_role(by, Role.SECURITY_ADMIN)
    _require_reach_in_care(credential, by)
    _require_valid(credential)
    if not 0 <= hours <= LONGEST_OVERLAP_HOURS:
        raise Invalid(
            "credential.overlap", f"新旧令牌并用时间须为 0 至 {LONGEST_OVERLAP_HOURS} 小时。", field="hours"
        )
    token, prefix, digest = ApiCredential.new_token()
    now = timezone.now()
    credential.previous_token_prefix = credential.token_prefix
    credential.previous_token_digest = credential.token_digest
    credential.previous_until = now + timedelta(hours=hours)
    credential.token_prefix, credential.token_digest = prefix, digest
    credential.rotated_at = now
    credential.save(
        update_fields=[
            "previous_token_prefix",
            "previous_token_digest",
            "previous_until",
            "token_prefix",
            "token_digest",
            "rotated_at",
        ]
    )
    return token


def narrow_credential(
    credential: ApiCredential, *, scopes: Iterable[str], calls_a_minute: int, reason: str, by: User
) -> ApiCredential:
    """调整: what the credential may do and how often it may call, from the next call on. Raises ``Forbidden``, ``Invalid``, ``NotNow``."""
    announce("api_credential.narrow", reason)
    require_role(by, Role.SECURITY_ADMIN)
    _require_reach_in_care(credential, by)
    _require_valid(credential)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    _require_calls(calls_a_minute)
    credential.scopes, credential.calls_a_minute = _scopes(scopes), calls_a_minute
    credential.save(update_fields=["scopes", "calls_a_minute"])
    return credential


def _require_valid(credential: ApiCredential) -> None:
    if credential.revoked_at is not None:
        raise NotNow("credential.revoked", "该凭据已经吊销。")


def revoke_credential(credential: ApiCredential, *, reason: str, by: User) -> ApiCredential:
    """吊销: the token is refused from now on. Raises ``Forbidden``, ``Invalid`` (``reason.missing``), ``NotNow`` (``credential.revoked``)."""
    announce("api_credential.revoke", reason)
    require_role(by, Role.SECURITY_ADMIN)
    _require_reach_in_care(credential, by)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    _require_valid(credential)
    credential.revoked_at = dates.now()
    credential.save(update_fields=["revoked_at"])
    return credential
