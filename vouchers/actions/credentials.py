"""平台凭据: tokens of providers' platforms, shown once and kept as a digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from vouchers import dates
from vouchers.access import Role, has_role, require_role
from vouchers.actions.care import parties_in_care, regions_in_care
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import ApiCredential, Party, Program, User


def _of_provider_in_care(provider: Party, by: User) -> None:
    if not parties_in_care(by, Role.SECURITY_ADMIN).filter(pk=provider.pk).exists():
        raise Forbidden("access.party", "该单位不在您负责的地区登记，也未纳入其专项。", field="provider")


def issue_credential(
    *,
    provider: Party,
    user: User,
    label: str,
    programs: Iterable[Program] = (),
    expires_on: date | None = None,
    by: User,
) -> tuple[ApiCredential, str]:
    """A credential for the platform's account, and its token, which nobody can read again.

    ``programs`` bounds it to these programs; none means every program that the provider is admitted to. Raises ``Forbidden``
    (``access.role``, ``access.party``, ``access.region``) and ``Invalid`` (``credential.user``, ``credential.label``, ``credential.expired``).
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
    token, prefix, digest = ApiCredential.new_token()
    credential = ApiCredential.objects.create(
        provider=provider,
        user=user,
        label=label.strip(),
        token_prefix=prefix,
        token_digest=digest,
        expires_on=expires_on,
    )
    credential.programs.set(bound)
    return credential, token


def revoke_credential(credential: ApiCredential, *, reason: str, by: User) -> ApiCredential:
    """吊销: the token is refused from now on. Raises ``Forbidden``, ``Invalid`` (``reason.missing``), ``NotNow`` (``credential.revoked``)."""
    announce("api_credential.revoke", reason)
    require_role(by, Role.SECURITY_ADMIN)
    _of_provider_in_care(credential.provider, by)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    if credential.revoked_at is not None:
        raise NotNow("credential.revoked", "该凭据已经吊销。")
    credential.revoked_at = dates.now()
    credential.save(update_fields=["revoked_at"])
    return credential
