"""The register of companies and the lists of admitted providers, as the office keeps them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from stdnum.cn import uscc as check_digits

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.care import parties_in_care
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import Party, PlatformConnection, Program, ProviderAdmission, Region, User
from vouchers.models.recorded import Origin

CORRECTABLE = (
    "name",
    "is_enterprise",
    "is_provider",
    "region_code",
    "registered_on",
    "ownership",
    "size",
    "industry_code",
    "registered_capital",
    "legal_rep_name",
    "address",
    "phone",
    "email",
    "status",
)
_USCC = re.compile(r"[0-9A-Z]{18}")


def code_warning(uscc: str) -> str:
    """What is odd about a code that is accepted all the same (such codes exist); empty when nothing is."""
    if check_digits.is_valid(uscc):
        return ""
    return f"统一社会信用代码 {uscc} 的校验位不符，请对照营业执照核对；确属如此的，可以继续办理。"


def _looked_over(party: Party) -> None:
    faults: list[Invalid] = []
    if not party.is_enterprise and not party.is_provider:
        faults.append(
            Invalid("party.kind", "请选择该单位是申领企业、服务商，或两者都是。", field="is_enterprise")
        )
    if not re.fullmatch(r"[0-9]{6}", party.region_code):
        faults.append(Invalid("party.region", "注册地应为 6 位行政区划代码。", field="region_code"))
    if party.registered_on is not None and party.registered_on > dates.today():
        faults.append(Invalid("party.registered_on", "成立日期不能晚于今天。", field="registered_on"))
    try:
        party.full_clean(exclude=["region_code", "registered_on"])
    except ValidationError as problem:
        faults += [
            Invalid(f"party.{field}", " ".join(texts), field=field)
            for field, texts in problem.message_dict.items()
        ]
    if faults:
        raise Problems(faults)


def register_party(*, uscc: str, by: User, **fields: Any) -> Party:
    """A company or institution, by its code. A wrong check digit is a warning (``code_warning``), never a refusal.

    ``fields`` are those of ``CORRECTABLE``. Raises ``Forbidden`` (``access.role``), ``Invalid`` (``party.uscc``, ``party.known``) and
    ``Problems`` (``party.kind``, ``party.region``, ``party.registered_on`` and a code for each other field)."""
    announce("party.register")
    require_role(by, Role.HANDLER)
    code = re.sub(r"[\s-]", "", uscc).upper()
    if not _USCC.fullmatch(code):
        raise Invalid(
            "party.uscc",
            f"统一社会信用代码应为 18 位数字和大写字母，您填写了 {len(code)} 位。请对照营业执照核对。",
            field="uscc",
        )
    known = Party.objects.filter(uscc=code).first()
    if known is not None:
        raise Invalid("party.known", f"该代码已登记：{known.name}。", field="uscc")
    party = Party(uscc=code, **{name: value for name, value in fields.items() if name in CORRECTABLE})
    _looked_over(party)
    party.save()
    return party


def correct_party(party: Party, *, by: User, **fields: Any) -> Party:
    """Correct what the register says of a company; its code stays, and imported history is not corrected.

    Raises as ``register_party``, ``Forbidden`` (``access.party``) and ``NotNow`` (``party.history``)."""
    announce("party.correct")
    require_role(by, Role.HANDLER)
    if party.origin == Origin.IMPORTED:
        raise NotNow("party.history", "历史导入的登记不能更改。")
    if not parties_in_care(by, Role.HANDLER).filter(pk=party.pk).exists():
        raise Forbidden("access.party", "该单位不在您负责的地区登记，也未纳入其专项。")
    for name in CORRECTABLE:
        if name in fields:
            setattr(party, name, fields[name])
    _looked_over(party)
    party.save()
    return party


def admit_provider(
    provider: Party,
    program: Program,
    *,
    batch: str,
    service_item: str,
    tier: str = "",
    effective_from: date,
    effective_to: date | None = None,
    by: User,
) -> ProviderAdmission:
    """入库: a provider is put on a program's list with a batch and a service item.

    Raises ``Forbidden`` (``access.role``) and ``Invalid`` (``admission.not_a_provider``, ``admission.batch``, ``admission.dates``,
    ``admission.known``)."""
    announce("provider_admission.admit")
    require_role(by, Role.POLICY_EDITOR, region=program.region)
    if not provider.is_provider:
        raise Invalid("admission.not_a_provider", f"{provider.name}没有登记为服务商。", field="provider")
    if not batch.strip():
        raise Invalid("admission.batch", "请填写入库批次。", field="batch")
    if effective_to is not None and effective_to <= effective_from:
        raise Invalid("admission.dates", "出库日须晚于入库日。", field="effective_to")
    listed = ProviderAdmission.objects.filter(
        provider=provider, program_code=program.code, batch=batch.strip(), service_item=service_item.strip()
    )
    if listed.exists():
        raise Invalid("admission.known", "该服务商的这一批次和服务事项已经入库。", field="batch")
    return ProviderAdmission.objects.create(
        provider=provider,
        program_code=program.code,
        batch=batch.strip(),
        service_item=service_item.strip(),
        tier=tier,
        effective_from=effective_from,
        effective_to=effective_to,
    )


def end_admission(admission: ProviderAdmission, *, on: date, reason: str, by: User) -> ProviderAdmission:
    """出库: the admission ends on a day. Raises ``Forbidden`` (``access.role``), ``NotNow`` (``admission.history``, ``admission.over``) and
    ``Invalid`` (``admission.dates``, ``reason.missing``)."""
    announce("provider_admission.end", reason)
    program = Program.objects.filter(code=admission.program_code).select_related("region").first()
    if program is None or admission.origin == Origin.IMPORTED:
        raise NotNow("admission.history", "历史导入的入库记录不能更改。")
    require_role(by, Role.POLICY_EDITOR, region=program.region)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    if on <= admission.effective_from:
        raise Invalid("admission.dates", "出库日须晚于入库日。", field="on")
    if admission.effective_to is not None and admission.effective_to <= on:
        raise NotNow("admission.over", "该服务商在此之前已出库。")
    admission.effective_to = on
    admission.save(update_fields=["effective_to"])
    return admission


def connect_platform(
    party: Party,
    *,
    platform: str,
    region: Region,
    program: Program | None = None,
    effective_from: date,
    effective_to: date | None = None,
    document_no: str,
    by: User,
) -> PlatformConnection:
    """接入: the office records that a party's compute is connected to a platform from a day on, with the document that says so.

    Raises ``Forbidden`` (``access.role``) and ``Problems`` (``connection.platform``, ``connection.document``, ``connection.program``,
    ``connection.dates``, ``connection.known``)."""
    announce("platform_connection.connect")
    require_role(by, Role.HANDLER, region=region)
    faults: list[Invalid] = []
    if not platform.strip():
        faults.append(Invalid("connection.platform", "请填写平台名称。", field="platform"))
    if not document_no.strip():
        faults.append(
            Invalid("connection.document", "请填写接入通知、协议等依据的文号。", field="document_no")
        )
    if program is not None and program.region_id != region.pk:
        faults.append(
            Invalid("connection.program", f"专项“{program.name}”不属于{region.name}。", field="program")
        )
    if effective_from > dates.today():
        faults.append(Invalid("connection.dates", "接入日不能晚于今天。", field="effective_from"))
    if effective_to is not None and effective_to <= effective_from:
        faults.append(Invalid("connection.dates", "断开日须晚于接入日。", field="effective_to"))
    code = program.code if program is not None else ""
    before = PlatformConnection.objects.filter(party=party, platform=platform.strip(), program_code=code)
    overlapping = before.filter(Q(effective_to=None) | Q(effective_to__gt=effective_from))
    if effective_to is not None:
        overlapping = overlapping.filter(effective_from__lt=effective_to)
    if overlapping.exists():
        faults.append(
            Invalid("connection.known", "该单位在这段时间已登记接入该平台。", field="effective_from")
        )
    if faults:
        raise Problems(faults)
    return PlatformConnection.objects.create(
        party=party,
        platform=platform.strip(),
        region_code=region.code,
        program_code=code,
        effective_from=effective_from,
        effective_to=effective_to,
        document_no=document_no.strip(),
    )


def end_connection(connection: PlatformConnection, *, on: date, reason: str, by: User) -> PlatformConnection:
    """断开: no longer connected from a day on. Raises ``Forbidden`` (``access.role``), ``NotNow`` (``connection.history``,
    ``connection.over``) and ``Invalid`` (``connection.dates``, ``reason.missing``)."""
    announce("platform_connection.end", reason)
    region = Region.objects.filter(code=connection.region_code).first()
    if region is None or connection.origin == Origin.IMPORTED:
        raise NotNow("connection.history", "历史导入的接入记录不能更改。")
    require_role(by, Role.HANDLER, region=region)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")
    if on <= connection.effective_from:
        raise Invalid("connection.dates", "断开日须晚于接入日。", field="on")
    if connection.effective_to is not None and connection.effective_to <= on:
        raise NotNow("connection.over", "该单位在此之前已断开。")
    connection.effective_to = on
    connection.save(update_fields=["effective_to"])
    return connection
