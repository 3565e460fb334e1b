"""What the page of a version shows beside its form: sections, problems, what is to be done next, pages and panels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from vouchers.access import Role, has_role
from vouchers.actions import policy_editing
from vouchers.actions.policy_soundness import scheme_to_read
from vouchers.admin.policy_gates import GATE_FIELDS, GATE_GUIDE
from vouchers.admin.scoped import admin_address
from vouchers.admin.version_pages import version_address, version_pages, version_panels
from vouchers.admin.version_places import Place
from vouchers.admin.version_sections import build
from vouchers.errors import Problems
from vouchers.models import PolicyApplicantClass, PolicyExample, PolicyTrack, PolicyVersion
from vouchers.policy.opening import cannot_be_granted


@dataclass(frozen=True)
class Step:
    """A step on the way to a publication. `state`: done, current, wrong or later."""

    title: str
    state: str
    words: str = ""


def version_page(
    request: HttpRequest, keeper: Any, version: PolicyVersion, context: dict[str, Any]
) -> dict[str, Any]:
    """The page's context."""
    conflict = getattr(request, "edit_conflict", None)
    adminform, inlines = context["adminform"], context["inline_admin_formsets"]
    may_edit = keeper.has_change_permission(request, version)
    faults = [] if conflict else list(_faults(adminform.form, inlines))
    bound = adminform.form.is_bound
    problems = policy_editing.find_problems(version) if version.editable and not bound else []
    if conflict is not None:
        _tell_differences(adminform.form, inlines)
    codes = _codes(version)
    sections, places = build(codes, adminform, inlines, problems)
    return {
        "sections": sections,
        "places": places,
        "faults": faults,
        "conflict": conflict,
        "stamp": policy_editing.stamp_of(version) if may_edit else "",
        "may_edit": may_edit,
        "codes": codes,
        "steps": list(_steps(request, version, problems_left(version, places, bound))),
        "pages": [
            {"label": page.label, "url": version_address(version, page.name), "help": page.help}
            for page in version_pages()
            if page.label and page.open_to(request, version) and page.ready(version)
        ],
        "panels": _panels(request, version),
        "guides": {
            "fields": GATE_FIELDS,
            "guide": {kind: str(words) for kind, words in GATE_GUIDE.items()},
        },
        "here": version_address(version),
        "program_url": admin_address(version.program),
        "title": f"{version.version_no} {version.label}",
        "subtitle": None,
    }


def problems_left(version: PolicyVersion, places: list[Place], bound: bool) -> int:
    """How many places are still open; of a page that came back they are counted as stored."""
    if bound and version.editable:
        return len(policy_editing.find_problems(version))
    return len(places)


def _codes(version: PolicyVersion) -> dict[str, str]:
    rows: list[Any] = [*PolicyTrack.objects.filter(version=version)]
    rows += PolicyApplicantClass.objects.filter(version=version)
    return {row.code: row.name or row.code for row in rows}


def _faults(form: Any, inlines: Any) -> Iterator[Place]:
    """What cannot be stored, with its place."""
    yield from _form_faults(form, "")
    for inline in inlines:
        noun = str(inline.opts.model._meta.verbose_name)
        for fault in inline.formset.non_form_errors():
            yield Place(str(fault), anchor=f"{inline.formset.prefix}-group", title=noun)
        for row in inline.formset.forms:
            yield from _form_faults(row, noun)


def _form_faults(form: Any, noun: str) -> Iterator[Place]:
    for name, errors in form.errors.items():
        field = form.fields.get(name)
        label = str(field.label) if field is not None else ""
        title = " · ".join(word for word in (noun, label) if word)
        anchor = form[name].auto_id if field is not None else form.prefix or "section-basics"
        for error in errors:
            yield Place(str(error), anchor=anchor, title=title)


def _tell_differences(form: Any, inlines: Any) -> None:
    """Beside each field that differs from the draft as it is stored now: what is stored."""
    forms = [form, *(row for inline in inlines for row in inline.formset.initial_forms)]
    for one in forms:
        for name in one.changed_data:
            if name in one.fields and not one.fields[name].widget.is_hidden and name != "DELETE":
                bound = one[name]
                bound.notes = [*getattr(bound, "notes", []), _stored_words(one, name)]


def _stored_words(form: Any, name: str) -> str:
    field = form.fields[name]
    stored = field.prepare_value(form.initial.get(name))
    choices: dict[str, str] = {}
    for value, label in getattr(field, "choices", []):
        members = label if isinstance(label, (list, tuple)) else [(value, label)]
        choices |= {str(one): str(words) for one, words in members}
    values = stored if isinstance(stored, (list, tuple)) else [stored]
    words = "、".join(choices.get(str(value), str(value)) for value in values if value not in (None, ""))
    return _("现存的草稿为：%(stored)s") % {"stored": words or _("空")}


def _panels(request: HttpRequest, version: PolicyVersion) -> list[dict[str, Any]]:
    drawn = []
    for panel in version_panels():
        if panel.roles and not has_role(request.user, *panel.roles, region=version.program.region):
            continue
        content = panel.context(request, version)
        if content is not None:
            drawn.append(
                {"name": panel.name, "title": panel.title, "template": panel.template, "context": content}
            )
    return drawn


def _steps(request: HttpRequest, version: PolicyVersion, left: int) -> Iterator[Step]:
    state = version.state
    drafting = state == PolicyVersion.State.DRAFT
    results = list(PolicyExample.objects.filter(version=version).values_list("result", flat=True))
    passed = sum(bool(result and result.get("passed")) for result in results)
    if drafting:
        words = _("还有 %(left)s 处待补，见下表") % {"left": left} if left else _("各节完整，没有矛盾")
        yield Step(_("逐节填写"), "current" if left else "done", words)
        yield _example_step(results, passed)
        ready = not left and results and passed == len(results)
        why = "" if ready else _("各节完整、全部算例一致之后，由政策编辑人员提请")
        yield Step(_("提请发布"), "current" if ready else "later", why)
        if closed := _closed(version):
            yield Step(
                _("开放申领"), "wrong", _("照此发布后暂不开放申领：%(why)s") % {"why": "".join(closed)}
            )
        yield Step(_("发布"), "later", _("提请之后，由起草人和提请人以外的发布人员办理"))
        return
    proposer = version.proposed_by.display_name if version.proposed_by else ""
    yield Step(_("逐节填写"), "done")
    yield Step(_("算例"), "done", _("%(count)s 个，提请时全部一致") % {"count": len(results)})
    yield Step(_("提请发布"), "done", _("由%(name)s提请") % {"name": proposer} if proposer else "")
    if state == PolicyVersion.State.PROPOSED:
        mine = request.user.pk in (version.created_by_id, version.proposed_by_id)
        may = has_role(request.user, Role.PUBLISHER, region=version.program.region)
        if may and mine:
            words = _("您是起草人或提请人，须由另一位发布人员发布")
        elif may:
            words = _("请核对以下内容和“本政策说明”，无误后发布；需要修改的，退回修改")
        else:
            words = _("等待发布人员核对发布；需要修改的，先退回修改")
        yield Step(_("发布"), "current", words)
        return
    yield Step(_("发布"), "done", _("内容已经固定；需要调整的，复制为新版本"))
    if state == PolicyVersion.State.PUBLISHED and not version.program.budgets.exists():
        yield Step(
            _("下达预算"), "current", _("本专项还没有预算指标。核准之前，请财务人员在专项页面下达预算")
        )


def _closed(version: PolicyVersion) -> list[str]:
    """Why nothing could be granted under the draft as it stands; empty while it cannot be read."""
    try:
        return cannot_be_granted(scheme_to_read(version))
    except Problems:
        return []


def _example_step(results: list[Any], passed: int) -> Step:
    if not results:
        return Step(
            _("算例"), "later", _("还没有算例。请上传算例表，或在“算例”一节录入；至少一个才能提请发布")
        )
    unknown = sum(not result for result in results)
    failed = len(results) - passed - unknown
    figures = {"count": len(results), "passed": passed, "failed": failed, "unknown": unknown}
    if failed:
        return Step(_("算例"), "wrong", _("%(count)s 个中有 %(failed)s 个与应得结果不一致") % figures)
    if unknown:
        return Step(
            _("算例"), "current", _("%(count)s 个中有 %(unknown)s 个尚未运算，请点“运算算例”") % figures
        )
    return Step(_("算例"), "done", _("%(count)s 个全部一致") % figures)
