"""What all kinds of rows of a version's page share: how their fields are made, and what they say in short."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers.admin import policy_fields as fields
from vouchers.admin.policy_forms import NOT_IN_THE_TEXT, PartForm, PartFormSet
from vouchers.admin.policy_help import help_for
from vouchers.admin.scoped import PartInline
from vouchers.admin.shown import is_amount, is_rate, shown
from vouchers.models import PolicyApplicantClass, PolicyDocument, PolicyTrack, PolicyVersion

SOURCE_FIELDS = ("cite_document", "cite_article")
SOURCE_DETAILS = ("cite_confidence", "cite_note")
CODES_OF: dict[str, type[models.Model]] = {
    "track": PolicyTrack,
    "tracks": PolicyTrack,
    "classes": PolicyApplicantClass,
    "waived_for": PolicyApplicantClass,
}
"""Columns that name other rows of the same version by their codes."""


def _posted(request: HttpRequest) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in request.POST.items()]


def document_choices(request: HttpRequest, version: PolicyVersion | None) -> list[tuple[str, str]]:
    """The version's documents, those typed on the page as well, and what stands for “not in the text”."""
    stored = [] if version is None else _codes_of(request, version, PolicyDocument)
    typed = [
        value for key, value in _posted(request) if re.fullmatch(r"policydocument_rows-\d+-document_no", key)
    ]
    names = dict.fromkeys([*stored, *(name.strip() for name in typed if name.strip())])
    return [*((name, name) for name in names), (NOT_IN_THE_TEXT, str(_("本系统演示设定（文件未载明）")))]


def _codes_of(request: HttpRequest, version: PolicyVersion, model: type[models.Model]) -> dict[str, str]:
    """The stored rows of a kind by their codes, read once a request."""
    read: dict[Any, dict[str, str]] = request.__dict__.setdefault("_policy_codes", {})
    if model not in read:
        name = "document_no" if model is PolicyDocument else "code"
        read[model] = {getattr(row, name): str(row) for row in model._default_manager.filter(version=version)}
    return read[model]


def code_choices(
    request: HttpRequest, version: PolicyVersion, model: type[models.Model]
) -> list[tuple[str, str]]:
    """The rows of a kind by their codes: as stored, and as typed on the page."""
    rows = dict(_codes_of(request, version, model))
    prefix = f"{model._meta.model_name}_rows"
    for key, code in _posted(request):
        match = re.fullmatch(rf"{prefix}-(\d+)-code", key)
        if match and code:
            rows.setdefault(code, str(request.POST.get(f"{prefix}-{match[1]}-name") or code))
    same = Counter(rows.values())
    return [
        (code, f"{name}（{code}）" if same[name] > 1 and name != code else name)
        for code, name in rows.items()
    ]


class VersionPart(PartInline):
    """What all kinds of rows share. `what` are the lines of fields, `more` those rarely needed, `gist` what a row says in short."""

    form = PartForm
    formset = PartFormSet
    section = ""
    stem = "item"
    intro: Any = ""
    what: tuple[Any, ...] = ()
    more: tuple[Any, ...] = ()
    gist: tuple[str, ...] = ()
    once = False
    formfield_overrides = {
        models.DateField: {"widget": fields.DAY},
        models.DateTimeField: {"form_class": forms.DateTimeField, "widget": fields.MomentInput},
    }

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """One more empty row, when it was asked for without script."""
        return int(request.GET.get("add") == f"{self.model._meta.model_name}_rows")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        lines: list[Any] = [(None, {"fields": self.what})]
        more = self.more
        if self.once:
            lines.append((_("出处"), {"fields": (SOURCE_FIELDS, SOURCE_DETAILS), "classes": ("more",)}))
        elif "cite_document" in {field.name for field in self.model._meta.fields}:
            lines.append((None, {"fields": (SOURCE_FIELDS,), "classes": ("source",)}))
            more = (SOURCE_DETAILS, *more)
        if more:
            lines.append((_("少用的各项"), {"fields": more, "classes": ("more",)}))
        return lines

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        self._version = obj
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.stem = self.stem
        formset.called = staticmethod(self.called)
        return formset

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        name = db_field.name
        said = help_for(self.model._meta.model_name or "", name, db_field.help_text)
        common: dict[str, Any] = {"label": db_field.verbose_name, "help_text": said}
        version: PolicyVersion | None = getattr(self, "_version", None)
        if name == "cite_document":
            choices = document_choices(request, version)
            return fields.OpenChoiceField(choices=choices, initial=choices[0][0], required=False, **common)
        if version is not None and name in CODES_OF:
            choices = code_choices(request, version, CODES_OF[name])
            if name == "track":
                first = choices[0][0] if choices else ""
                return fields.OpenChoiceField(choices=choices, initial=first, required=False, **common)
            return fields.OpenWordChoicesField(choices=choices, **common)
        special = self.special_field(db_field, common)
        if special is not None:
            return special
        if isinstance(db_field, ArrayField) and db_field.base_field.choices:
            return fields.WordChoicesField(choices=db_field.base_field.choices, **common)
        if is_rate(db_field) or is_amount(db_field):
            kind = fields.RateField if is_rate(db_field) else fields.AmountField
            return kind(
                required=not db_field.blank,
                max_digits=db_field.max_digits,
                decimal_places=db_field.decimal_places,
                **common,
            )
        if isinstance(db_field, models.DecimalField):
            return fields.QuantityField(
                required=not db_field.blank,
                max_digits=db_field.max_digits,
                decimal_places=db_field.decimal_places,
                **common,
            )
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.help_text = said
        return field

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        """A field of this kind alone; None for the usual one."""
        return None

    def called(self, row: Any) -> str:
        """What a row is called."""
        return str(row)

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        """The row in one line."""
        words = [str(shown(row, name, codes)) for name in self.gist]
        return " · ".join(word for word in words if word != "—")


class TermsPart(VersionPart):
    """A part that every version has once; it is there from the start and cannot be removed."""

    once = True
    can_delete = False
    max_num = 1

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_add_permission(request, obj)) and not self._there(obj)

    def _there(self, version: PolicyVersion | None) -> bool:
        return version is not None and self.model._default_manager.filter(version=version).exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
