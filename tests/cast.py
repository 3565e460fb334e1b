"""The fixed cast: the same people and companies in every test, so that a test names whom it means.

北京 (110000) is the region that most cases live in, 深圳 (440300) the other one. 甲公司 files in 北京, 乙公司 in 深圳;
丙公司 lets compute. The stranger can sign in and holds no role.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

from django.contrib.auth.hashers import make_password

from vouchers.access import Role
from vouchers.models import ApiCredential, BankAccount, Party, ReceivingAccount, Region, RoleGrant, User

PASSWORD = "cast-password-2025"
SINCE = date(2020, 1, 1)


@dataclass(frozen=True)
class Cast:
    """Everyone. Field names are account names (with ``-`` for ``_``)."""

    beijing: Region
    shenzhen: Region
    alpha: Party
    beta: Party
    provider: Party
    filer: User
    enterprise_approver: User
    other_filer: User
    platform: User
    policy_editor: User
    publisher: User
    price_publisher: User
    handler: User
    second_handler: User
    expert: User
    approver: User
    second_approver: User
    finance: User
    second_finance: User
    investigator: User
    second_investigator: User
    auditor: User
    system_admin: User
    security_admin: User
    audit_admin: User
    other_policy_editor: User
    other_handler: User
    other_approver: User
    other_finance: User
    other_auditor: User
    stranger: User
    platform_token: str

    def people(self) -> list[User]:
        """Every account of the cast."""
        return [value for field in fields(self) if isinstance(value := getattr(self, field.name), User)]


# account → (name, role, where: region or party by its field's name)
PEOPLE: dict[str, tuple[str, Role | None, str]] = {
    "filer": ("甲经办", Role.FILER, "alpha"),
    "enterprise_approver": ("甲审批", Role.ENTERPRISE_APPROVER, "alpha"),
    "other_filer": ("乙经办", Role.FILER, "beta"),
    "platform": ("丙平台", Role.PLATFORM, "provider"),
    "policy_editor": ("京编辑", Role.POLICY_EDITOR, "beijing"),
    "publisher": ("京发布", Role.PUBLISHER, "beijing"),
    "price_publisher": ("京价格", Role.PRICE_PUBLISHER, "beijing"),
    "handler": ("京受理", Role.HANDLER, "beijing"),
    "second_handler": ("京受理二", Role.HANDLER, "beijing"),
    "expert": ("京专家", Role.EXPERT, "beijing"),
    "approver": ("京核准", Role.APPROVER, "beijing"),
    "second_approver": ("京核准二", Role.APPROVER, "beijing"),
    "finance": ("京财务", Role.FINANCE, "beijing"),
    "second_finance": ("京财务二", Role.FINANCE, "beijing"),
    "investigator": ("京核查", Role.INVESTIGATOR, "beijing"),
    "second_investigator": ("京核查二", Role.INVESTIGATOR, "beijing"),
    "auditor": ("京审计", Role.AUDITOR, "beijing"),
    "system_admin": ("京系统", Role.SYSTEM_ADMIN, "beijing"),
    "security_admin": ("京安全", Role.SECURITY_ADMIN, "beijing"),
    "audit_admin": ("京审管", Role.AUDIT_ADMIN, "beijing"),
    "other_policy_editor": ("深编辑", Role.POLICY_EDITOR, "shenzhen"),
    "other_handler": ("深受理", Role.HANDLER, "shenzhen"),
    "other_approver": ("深核准", Role.APPROVER, "shenzhen"),
    "other_finance": ("深财务", Role.FINANCE, "shenzhen"),
    "other_auditor": ("深审计", Role.AUDITOR, "shenzhen"),
    "stranger": ("路人", None, ""),
}
ADMIN_ROLES = {
    Role.POLICY_EDITOR,
    Role.PUBLISHER,
    Role.PRICE_PUBLISHER,
    Role.SYSTEM_ADMIN,
    Role.SECURITY_ADMIN,
    Role.AUDIT_ADMIN,
}


def build() -> Cast:
    """Write the cast into the database of the ``default`` connection."""
    places: dict[str, Region | Party] = {
        "beijing": Region.objects.get_or_create(code="110000", defaults={"name": "北京市"})[0],
        "shenzhen": Region.objects.get_or_create(code="440300", defaults={"name": "深圳市"})[0],
        "alpha": _party("91110108MA01ALPH0Y", "甲智能科技（北京）有限公司", "110108", is_enterprise=True),
        "beta": _party("91440300MA5BETA00X", "乙数据技术（深圳）有限公司", "440305", is_enterprise=True),
        "provider": _party("91110302MA0GAMMA0X", "丙算力服务有限公司", "110115", is_provider=True),
    }
    password = make_password(PASSWORD)
    users = {
        account: User.objects.create(
            username=account.replace("_", "-"),
            display_name=name,
            password=password,
            is_staff=role in ADMIN_ROLES,
        )
        for account, (name, role, _) in PEOPLE.items()
    }
    for account, (_name, role, where) in PEOPLE.items():
        if role is not None:
            place = places[where]
            RoleGrant.objects.create(
                user=users[account],
                role=role,
                region=place if isinstance(place, Region) else None,
                party=place if isinstance(place, Party) else None,
                effective_from=SINCE,
            )
    for name, clerk in (("alpha", "filer"), ("beta", "other_filer"), ("provider", "platform")):
        party = places[name]
        assert isinstance(party, Party)
        second = users["enterprise_approver" if name == "alpha" else "stranger"]
        bank_account(party, f"6222{party.pk:012d}", entered_by=users[clerk], confirmed_by=second)
    for region in (places["beijing"], places["shenzhen"]):
        assert isinstance(region, Region)
        receiving_account(region, users["finance"], users["second_finance"])
    token, prefix, digest = ApiCredential.new_token()
    provider = places["provider"]
    assert isinstance(provider, Party)
    ApiCredential.objects.create(
        provider=provider,
        user=users["platform"],
        label="测试平台",
        token_prefix=prefix,
        token_digest=digest,
    )
    return Cast(**places, **users, platform_token=token)  # type: ignore[arg-type]


def receiving_account(region: Region, entered_by: User, confirmed_by: User) -> ReceivingAccount:
    """Where the region's office is paid back to."""
    return ReceivingAccount.objects.create(
        receiving_account_no=f"RA-2020-{region.code}",
        region=region,
        account_name=f"{region.name}财政专户",
        account_no=f"1100{region.code}0001",
        bank_name="中国工商银行某某支行",
        document_no="财库〔2020〕1号",
        entered_by=entered_by,
        confirmed_by=confirmed_by,
        entered_at=datetime(2020, 1, 1, tzinfo=UTC),
        confirmed_at=datetime(2020, 1, 2, tzinfo=UTC),
    )


def _party(uscc: str, name: str, region_code: str, **kinds: bool) -> Party:
    party = Party.objects.create(
        uscc=uscc,
        name=name,
        region_code=region_code,
        registered_on=date(2019, 3, 1),
        ownership="private",
        size="small",
        industry_code="I6513",
        **kinds,
    )
    return party


def bank_account(
    party: Party, account_no: str, *, entered_by: User, confirmed_by: User, bank_name: str = "中国工商银行"
) -> BankAccount:
    """An account of the party that one person entered and another confirmed."""
    account = BankAccount.objects.create(
        party=party,
        account_no=account_no,
        account_name=party.name,
        bank_name=bank_name,
        entered_by=entered_by,
    )
    account.confirmed_by = confirmed_by
    account.save(update_fields=["confirmed_by"])
    return account
