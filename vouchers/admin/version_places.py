"""Where on a version's page a problem belongs: from a path of the rule model (`caps.enterprise_year.amount`) to the field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from django.utils.translation import gettext as _

from vouchers.actions.policy_drafts import LISTS, SINGLES, field_names
from vouchers.models import PolicyDocument, PolicyExample, PolicyVersion
from vouchers.policy import rules
from vouchers.policy.plain import Problem

MODELS: dict[str, type[Any]] = {
    "documents": PolicyDocument,
    "examples": PolicyExample,
    **{name: model for name, (model, _part) in LISTS.items()},
    **{name: model for name, (model, _part) in SINGLES.items()},
}
_PLAINER = {"缺少这一项": "请填写此项。", "请填写": "请填写此项。"}


@dataclass
class Place:
    """A problem on the page: what it says, the form's row and field, and the address within the page."""

    message: str
    model_name: str = ""
    row: Any = None
    """The row's form, None for the version itself or for a whole table."""
    field: str = ""
    anchor: str = ""
    title: str = ""
    """Where it stands, in words."""


def place_of(problem: Problem, version_form: Any, tables: dict[str, Any]) -> Place:
    """The place of a problem. `tables` are the formsets by model name."""
    message = _PLAINER.get(problem.message, problem.message)
    if problem.allowed and problem.message.startswith("没有"):
        message = f"{message}（可用：{'、'.join(problem.allowed)}）"
    head, *rest = problem.path.split(".")
    model = MODELS.get(head)
    if model is None:
        return _own_place(message, head, rest, version_form)
    place = Place(message, model._meta.model_name)
    formset = tables.get(place.model_name)
    if formset is None:
        return place
    place.anchor = f"{formset.prefix}-group"
    place.title = str(model._meta.verbose_name)
    row, field = _row_and_field(head, rest, formset)
    if row is None:
        return place
    place.row, place.anchor = row, row.prefix
    place.title = (
        f"{place.title}“{formset.called(row.instance)}”"
        if head not in SINGLES and row.instance.pk
        else place.title
    )
    name = {"cite": "cite_document"}.get(field, field)
    if name == "cites" or name not in row.fields:
        name = "cite_document" if name == "cites" else ""
    if name:
        place.field, place.anchor = name, row[name].auto_id
        place.title = f"{place.title} · {row.fields[name].label}"
    return place


def _own_place(message: str, head: str, rest: list[str], form: Any) -> Place:
    name = {"cite": "cite_document", "cites": "cite_document"}.get(head, head)
    if name in {"program", "region"} or name not in form.fields:
        return Place(message, anchor="section-basics")
    return Place(message, "", None, name, form[name].auto_id, str(form.fields[name].label))


def _row_and_field(head: str, rest: list[str], formset: Any) -> tuple[Any, str]:
    forms = list(formset.initial_forms)
    if head in SINGLES:
        return (forms[0] if forms else None), (rest[0] if rest else "")
    if not rest:
        return None, ""
    mark, field = rest[0], rest[1] if len(rest) > 1 else ""
    for number, form in enumerate(forms, start=1):
        code = getattr(form.instance, "code", "")
        if mark == (code or str(number)):
            return form, field
    return None, ""


def target_choices(version: PolicyVersion) -> list[tuple[str, str]]:
    """The parts that a value's own source may name, in words."""
    choices: list[tuple[str, str]] = []
    for name, (model, _part) in SINGLES.items():
        choices.append((name, str(model._meta.verbose_name)))
    for name, (part_model, _part) in LISTS.items():
        label = part_model._meta.verbose_name
        for row in part_model._default_manager.filter(version=version):
            choices.append((f"{name}.{row.code}", f"{label}“{row}”"))
    return choices


def path_words(version: PolicyVersion, path: str) -> str:
    """A path of the rule model in words: `限额“单个企业年度限额” · 限额（元）`; empty where there are none."""
    head, *rest = path.split(".")
    if head not in MODELS:
        return _value_words(version, "", head)
    target = head if head in SINGLES or not rest else f"{head}.{rest.pop(0)}"
    return _value_words(version, target, rest[0] if rest else "")


def citation_words(citation: Any) -> str:
    """Which value a citation is about."""
    words = _value_words(citation.version, citation.target, citation.field)
    return words or str(PolicyVersion._meta.verbose_name)


def _value_words(version: PolicyVersion, target: str, name: str) -> str:
    head, _dot, code = target.partition(".")
    model = MODELS.get(head)
    whole, columns = "", list(PolicyVersion._meta.fields)
    if model is not None:
        row = None
        if code and head != "documents":
            row = model._default_manager.filter(version=version, code=code).first()
        whole = str(model._meta.verbose_name) + (f"“{row or code}”" if code else "")
        columns = list(model._meta.fields)
    labels = {field.name: str(field.verbose_name) for field in columns}
    labels |= {"cite": str(_("出处")), "cites": str(_("出处")), "region": str(_("行政区划"))}
    return " · ".join(word for word in (whole, labels.get(name, "")) if word)


def field_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The values that may have a source of their own, by the kind of part."""
    groups = [(str(PolicyVersion._meta.verbose_name), _labelled(PolicyVersion, _own_fields()))]
    for model, part in (*LISTS.values(), *SINGLES.values()):
        groups.append((str(model._meta.verbose_name), _labelled(model, field_names(part))))
    return groups


def _own_fields() -> Iterable[str]:
    hints = get_type_hints(rules.Scheme)
    columns = {field.name for field in PolicyVersion._meta.fields}
    for field in dataclasses.fields(rules.Scheme):
        hint = hints[field.name]
        inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
        if field.name in columns and field.name != "program" and not dataclasses.is_dataclass(inner):
            yield field.name


def _labelled(model: type[Any], names: Iterable[str]) -> list[tuple[str, str]]:
    columns = {field.name: field for field in model._meta.fields}
    return [(name, str(columns[name].verbose_name)) for name in names if name in columns and name != "code"]
