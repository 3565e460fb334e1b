"""The people and companies of the demonstration. Everyone signs in with the same password, printed at the start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.hashers import make_password

from vouchers.access import Role
from vouchers.actions.receiving_accounts import (
    account_of,
    confirm_receiving_account,
    enter_receiving_account,
)
from vouchers.actions.register import connect_platform
from vouchers.context import Actor, acting
from vouchers.models import (
    ApiCredential,
    BankAccount,
    Party,
    PlatformConnection,
    ProviderAdmission,
    Region,
    RoleGrant,
    User,
)

PASSWORD = "demo-voucher-2025"  # noqa: S105 (printed at the start of every demonstration)
SINCE = date(2023, 1, 1)

REGIONS = {
    "110000": "北京市",
    "110115": "北京经济技术开发区（大兴区）",
    "150000": "内蒙古自治区",
    "310000": "上海市",
    "440300": "深圳市",
    "440305": "深圳市南山区（前海）",
    "510100": "成都市",
    "520000": "贵州省",
}

# account → (name, role); each holds the role in the regions beside
STAFF: dict[str, tuple[str, Role]] = {
    "editor": ("周政策", Role.POLICY_EDITOR),
    "publisher": ("吴发布", Role.PUBLISHER),
    "price": ("郑价格", Role.PRICE_PUBLISHER),
    "price2": ("冯价格", Role.PRICE_PUBLISHER),
    "handler": ("王受理", Role.HANDLER),
    "handler2": ("陈初审", Role.HANDLER),
    "expert": ("褚专家", Role.EXPERT),
    "approver": ("卫核准", Role.APPROVER),
    "finance": ("蒋财务", Role.FINANCE),
    "finance2": ("沈财务", Role.FINANCE),
    "investigator": ("韩核查", Role.INVESTIGATOR),
    "investigator2": ("杨核查", Role.INVESTIGATOR),
    "auditor": ("朱审计", Role.AUDITOR),
    "auditadmin": ("孔审管", Role.AUDIT_ADMIN),
    "auditadmin2": ("曹审管", Role.AUDIT_ADMIN),
}
ADMIN_ROLES = {
    Role.POLICY_EDITOR,
    Role.PUBLISHER,
    Role.PRICE_PUBLISHER,
    Role.SYSTEM_ADMIN,
    Role.SECURITY_ADMIN,
    Role.AUDIT_ADMIN,
}


@dataclass(frozen=True)
class Company:
    """One company of the demonstration; ``account`` is its filer's, ``<account>2`` its approver's."""

    account: str
    uscc: str
    name: str
    region_code: str
    enterprise: bool = True
    provider: bool = False
    registered_on: date = date(2019, 6, 18)
    industry_code: str = "6510"
    size: str = "medium"
    applies_for: str = ""


COMPANIES = (
    Company("xinghe", "91110108MA01XH0A0J", "星河大模型应用（北京）有限公司", "110108", applies_for="BJ-AIQ"),
    Company("yizhuang", "91110302MA0YY00C00", "亦庄云启人工智能有限公司", "110115", applies_for="BDA-SLQ"),
    Company("shenlan", "91440300MA5HL00B0J", "深蓝智能科技（深圳）有限公司", "440305", applies_for="SZ-XLQ"),
    Company(
        "huxin",
        "91310115MA1HX00F0X",
        "沪芯大模型（上海）有限公司",
        "310115",
        applies_for="SH-ZLBT；省外企业，GZ-SLQ-DEMO",
    ),
    Company(
        "pujiang",
        "91310115MA1PJ00G09",
        "浦江智算建设（上海）有限公司",
        "310115",
        provider=True,
        industry_code="6450",
        size="large",
        applies_for="建设方，SH-BSJL-DEMO",
    ),
    Company("qianshan", "91520100MA6QH00D0R", "黔山数据科技有限公司", "520100", applies_for="GZ-SLQ-DEMO"),
    Company(
        "jiangnan",
        "91330100MA2JN00E00",
        "江南算法科技（杭州）有限公司",
        "330100",
        applies_for="GZ-SLQ-DEMO（虚假租约）",
    ),
    Company(
        "rongcheng",
        "91510104MA6RC00H0F",
        "蓉城算力中介服务（成都）有限公司",
        "510104",
        size="small",
        applies_for="算力中介，CD-SLQ-DEMO",
    ),
    Company(
        "qianwan",
        "91440300MA5QW00J0R",
        "前湾算力调度平台（深圳）有限公司",
        "440305",
        applies_for="平台建设方，QH-DDPT-DEMO",
    ),
    Company(
        "qingcheng",
        "91150123MA0QC00K00",
        "青城绿色算力（内蒙古）有限公司",
        "150123",
        provider=True,
        industry_code="6450",
        size="large",
        applies_for="供给方，NM-JS",
    ),
    Company(
        "yunfan",
        "91110302MA0YF00F0Y",
        "云帆算力服务（北京）有限公司",
        "110115",
        enterprise=False,
        provider=True,
        industry_code="6450",
    ),
    Company(
        "zhihui",
        "91520100MA6YH00G0C",
        "智汇贵安算力有限公司",
        "520100",
        enterprise=False,
        provider=True,
        industry_code="6450",
    ),
    Company(
        "tianfu",
        "91510112MA6TF00L0Y",
        "天府智算中心（成都）有限公司",
        "510112",
        enterprise=False,
        provider=True,
        industry_code="6450",
    ),
)
ADMISSIONS = (
    ("yunfan", "BJ-AIQ", "2025年第一批", "智能算力租用"),
    ("yunfan", "BDA-SLQ", "2024年第一批", "智能算力租用"),
    ("yunfan", "SZ-XLQ", "2025年第一批", "智能算力租用"),
    ("zhihui", "GZ-SLQ", "2024年第一批", "智能算力租用"),
    ("zhihui", "GZ-SLQ-DEMO", "2024年第一批", "智能算力租用"),
    ("tianfu", "CD-SLQ", "2023年第一批", "智能算力租用"),
    ("tianfu", "CD-SLQ-DEMO", "2023年第一批", "智能算力租用"),
)
# party → (platform, region, since, document)
CONNECTIONS = (
    ("pujiang", "上海市智能算力统筹调度平台", "310000", date(2024, 11, 25), "沪算调接〔2024〕演示3号"),
    ("qingcheng", "内蒙古算力资源监测调度平台", "150000", date(2024, 8, 1), "蒙算监接〔2024〕演示5号"),
)


def load_people() -> dict[str, str]:
    """Regions, staff, companies, accounts and admissions; what is there is left alone. Answers the platforms' new tokens."""
    with acting(Actor.service("load_demo"), "demo.load_people"):
        regions = {
            code: Region.objects.get_or_create(code=code, defaults={"name": name})[0]
            for code, name in REGIONS.items()
        }
        password = make_password(PASSWORD)
        for account, (name, role) in STAFF.items():
            user = _user(account, name, password, staff=role in ADMIN_ROLES)
            for region in regions.values():
                _grant(user, role, region=region)
        for account, name in (("sz-handler", "深圳受理"), ("sz-approver", "深圳核准")):
            user = _user(account, name, password)
            _grant(user, Role.HANDLER if "handler" in account else Role.APPROVER, region=regions["440300"])
        _grant(_user("sysadmin", "秦系统", password, staff=True), Role.SYSTEM_ADMIN, region=regions["110000"])
        _grant(
            _user("secadmin", "尤安全", password, staff=True), Role.SECURITY_ADMIN, region=regions["110000"]
        )
        _receiving_accounts(list(regions.values()))
        tokens = {}
        parties = {}
        for company in COMPANIES:
            party = parties[company.account] = _party(company)
            filer = _user(company.account, f"{company.name[:2]}经办", password)
            _grant(filer, Role.FILER, party=party)
            approver = _user(f"{company.account}2", f"{company.name[:2]}复核", password)
            _grant(approver, Role.ENTERPRISE_APPROVER, party=party)
            _bank_account(party, filer, approver)
            if company.provider:
                platform = _user(f"{company.account}-api", f"{company.name[:2]}平台", password)
                _grant(platform, Role.PLATFORM, party=party)
                token = _credential(party, platform)
                if token:
                    tokens[company.account] = token
        for account, program, batch, item in ADMISSIONS:
            ProviderAdmission.objects.get_or_create(
                provider=parties[account],
                program_code=program,
                batch=batch,
                service_item=item,
                defaults={"tier": "specialist", "effective_from": SINCE},
            )
        return tokens


def _receiving_accounts(regions: list[Region]) -> None:
    """本机关收款账户, which notices of clawbacks name: entered by one, confirmed by another."""
    maker, checker = (User.objects.get(username=name) for name in ("finance", "finance2"))
    for region in regions:
        if account_of(region) is not None:
            continue
        entered = enter_receiving_account(
            region,
            account_name=f"{region.name}财政专户（演示）",
            account_no=f"62220100{region.code}0001",
            bank_name="示例银行营业部",
            document_no="演示财库〔2025〕1号",
            by=maker,
        )
        confirm_receiving_account(entered, by=checker)


def connect_platforms() -> int:
    """Whose compute is connected to which platform, as the regions' staff recorded it; what is there is left alone."""
    handler = User.objects.get(username="handler")
    for account, platform, region_code, since, document_no in CONNECTIONS:
        company = next(one for one in COMPANIES if one.account == account)
        party = Party.objects.get(uscc=company.uscc)
        if not PlatformConnection.objects.filter(party=party, platform=platform).exists():
            with acting(handler, "demo.connect_platforms"):
                connect_platform(
                    party,
                    platform=platform,
                    region=Region.objects.get(code=region_code),
                    effective_from=since,
                    document_no=document_no,
                    by=handler,
                )
    return len(CONNECTIONS)


def _user(account: str, name: str, password: str, *, staff: bool = False) -> User:
    user, _created = User.objects.get_or_create(
        username=account, defaults={"display_name": name, "password": password, "is_staff": staff}
    )
    return user


def _grant(user: User, role: Role, *, region: Region | None = None, party: Party | None = None) -> None:
    RoleGrant.objects.get_or_create(
        user=user, role=role, region=region, party=party, defaults={"effective_from": SINCE}
    )


def _party(company: Company) -> Party:
    party, _created = Party.objects.get_or_create(
        uscc=company.uscc,
        defaults={
            "name": company.name,
            "is_enterprise": company.enterprise,
            "is_provider": company.provider,
            "region_code": company.region_code,
            "registered_on": company.registered_on,
            "ownership": "private",
            "size": company.size,
            "industry_code": company.industry_code,
            "registered_capital": "50000000.00",
            "legal_rep_name": f"{company.name[:2]}法人",
            "legal_rep_id": "",
        },
    )
    return party


def _bank_account(party: Party, maker: User, checker: User) -> None:
    """Where the company is paid: entered by one of its people, confirmed by another."""
    account, created = BankAccount.objects.get_or_create(
        party=party,
        account_no=f"62220200{party.pk:010d}",
        defaults={"account_name": party.name, "bank_name": "示例银行营业部", "entered_by": maker},
    )
    if created:
        account.confirmed_by = checker
        account.save(update_fields=["confirmed_by"])


def _credential(provider: Party, user: User) -> str:
    if ApiCredential.objects.filter(provider=provider, user=user, revoked_at=None).exists():
        return ""
    token, prefix, digest = ApiCredential.new_token()
    ApiCredential.objects.create(
        provider=provider, user=user, label="演示平台", token_prefix=prefix, token_digest=digest
    )
    return token


def table() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Everyone worth signing in as, under headings: (account, what for, name)."""
    staff = [(account, str(role.label), name) for account, (name, role) in STAFF.items()]
    staff += [
        ("sz-handler", "受理审查（仅深圳）", "深圳受理"),
        ("sysadmin", "系统管理", "秦系统"),
        ("secadmin", "安全管理", "尤安全"),
    ]
    applicants = [(one.account, one.applies_for, one.name) for one in COMPANIES if one.enterprise]
    providers = [(one.account, "服务商", one.name) for one in COMPANIES if not one.enterprise]
    return [
        ("政府工作人员（除另注外，在所有演示地区任职）", staff),
        ("申领单位的经办人（账号后加 2 为企业复核人）", applicants),
        ("服务商", providers),
    ]
