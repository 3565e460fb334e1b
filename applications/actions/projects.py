"""申报项目: drafted with an application, changed as long as the application may be, filed with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from applications.evidence import likeness
from applications.models import Application, Project
from applications.models.applications import ApplicationState
from applications.models.projects import ProjectKind
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import Party, Program, User
from vouchers.money import ZERO
from vouchers.numbers import next_no


@dataclass(frozen=True, kw_only=True)
class ProjectFields:
    """What a person fills in of a project. Amounts in yuan without tax; ``period_to`` is the last day, as papers write it;
    ``scale`` in PFLOPS at ``precision``."""

    kind: str
    name: str
    document_no: str = ""
    region_code: str = ""
    site: str = ""
    counterparties: str = ""
    accelerator: str = ""
    cards: int | None = None
    scale: Decimal | None = None
    precision: str = ""
    completed_on: date | None = None
    dispatchable_since: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    amount: Decimal = ZERO


_DAYS = (
    ("completed_on", "建成或部署完成日不能晚于今天；尚未完成的，请完成后再申领。"),
    ("dispatchable_since", "可调度起始日不能晚于今天。"),
    ("period_to", "结算期间应已结束，截止日不能晚于今天。"),
)


def _check(fields: ProjectFields) -> None:
    problems: list[Invalid] = []

    def fault(code: str, message: str, field: str) -> None:
        problems.append(Invalid(f"project.{code}", message, field=field))

    if not fields.name.strip():
        fault("name", "请填写项目名称。", "name")
    if fields.amount < 0:
        fault("amount", "金额不能为负。", "amount")
    today = dates.today()
    for name, message in _DAYS:
        day = getattr(fields, name)
        if day is not None and day > today:
            fault("later", message, name)
    if fields.period_from and fields.period_to and fields.period_to < fields.period_from:
        fault("period", "截止日早于起始日，请对照结算单核对。", "period_to")
    if (
        fields.completed_on
        and fields.dispatchable_since
        and fields.dispatchable_since < fields.completed_on
        and fields.kind == ProjectKind.DEPLOYMENT
    ):
        fault("dispatch", "可调度起始日早于部署完成日，请核对。", "dispatchable_since")
    if fields.kind == ProjectKind.DEPLOYMENT:
        if fields.scale is None or fields.scale <= 0:
            fault("scale", "请填写已部署的算力规模。", "scale")
        if not fields.precision:
            fault("precision", "请选择算力规模所按的精度。", "precision")
        if fields.completed_on is None:
            fault("completed_on", "请填写部署完成日。", "completed_on")
    elif fields.amount <= 0:
        fault("amount", "金额应大于 0。", "amount")
    if fields.kind == ProjectKind.SETTLEMENT:
        if fields.period_from is None or fields.period_to is None:
            fault("period", "请填写结算期间。", "period_from")
        if not fields.document_no.strip():
            fault("statement", "请填写平台结算单号。", "document_no")
    if problems:
        raise Problems(problems, code="project.invalid")


def _columns(fields: ProjectFields) -> dict[str, object]:
    columns = dict(vars(fields))
    if fields.period_to is not None:
        columns["period_to"] = date.fromordinal(fields.period_to.toordinal() + 1)
    columns["document_key"] = likeness(fields.document_no)
    columns["scale_unit"] = "pflops" if fields.scale is not None else ""
    return columns


def project_columns(fields: ProjectFields) -> dict[str, object]:
    """The columns of a project that is filled in without fault. Raises ``Problems`` (``project.*``)."""
    _check(fields)
    return _columns(fields)


def draft_project(program: Program, owner: Party, fields: ProjectFields, *, by: User) -> Project:
    """A project in the making. Raises ``Forbidden`` (``access.role``) and ``Problems`` (``project.*``)."""
    announce("project.draft")
    require_role(by, Role.FILER, party=owner)
    _check(fields)
    return Project.objects.create(
        project_no=next_no("X", dates.today()),
        owner=owner,
        program_code=program.code,
        program_region_code=program.region.code,
        filer=by,
        **_columns(fields),
    )


def update_project(project: Project, fields: ProjectFields, *, by: User) -> Project:
    """Correct it while none of its applications has been handed in, or the one that has was returned.

    Raises as ``draft_project``, and ``NotNow`` (``project.not_editable``)."""
    announce("project.update")
    require_role(by, Role.FILER, party=project.owner)
    open_states = (ApplicationState.DRAFT, ApplicationState.RETURNED, ApplicationState.WITHDRAWN)
    if Application.objects.filter(project=project).exclude(state__in=open_states).exists():
        raise NotNow("project.not_editable", "申领提交后项目不能修改，如需更正请联系经办部门退回补正。")
    _check(fields)
    for name, value in _columns(fields).items():
        setattr(project, name, value)
    project.save()
    return project
