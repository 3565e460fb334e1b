"""行政区划: the divisions in which programs run and roles are held."""

from __future__ import annotations

import re

from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid
from vouchers.models import Region, User

_CODE = re.compile(r"[0-9]{6}")


def add_region(*, code: str, name: str, parent: Region | None, by: User) -> Region:
    """A division under one where the person is system administrator, or a province of its own.

    Raises ``Forbidden`` (``access.role``) and ``Invalid`` (``region.code``, ``region.taken``, ``region.name``).
    """
    announce("region.add")
    require_role(by, Role.SYSTEM_ADMIN, region=parent)
    code = code.strip()
    if not _CODE.fullmatch(code):
        raise Invalid("region.code", f"行政区划代码应为 6 位数字，您填写了“{code[:20]}”。", field="code")
    if Region.objects.filter(code=code).exists():
        raise Invalid("region.taken", f"代码 {code} 已经登记。", field="code")
    return Region.objects.create(code=code, name=_named(name), parent=parent)


def rename_region(region: Region, *, name: str, by: User) -> Region:
    """A division's new name; its code stays. Raises ``Forbidden`` (``access.role``) and ``Invalid`` (``region.name``)."""
    announce("region.rename")
    require_role(by, Role.SYSTEM_ADMIN, region=region)
    region.name = _named(name)
    region.save(update_fields=["name"])
    return region


def _named(name: str) -> str:
    if not name.strip():
        raise Invalid("region.name", "请填写名称。", field="name")
    return name.strip()[:60]
