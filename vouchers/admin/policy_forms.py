"""The forms of a version's rows. A draft may be incomplete: what can be stored is stored, what is missing is told beside it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _

from vouchers.actions.policy_drafts import NOT_STATED
from vouchers.admin.quick_widgets import QUICK
from vouchers.models.policy_parts import CODE
from vouchers.policy.terms import Confidence

NOT_IN_THE_TEXT = NOT_STATED["cite_document"]
"""What stands for a source where the text says nothing."""


class PartForm(forms.ModelForm):
    """A row. Texts and choices may be left empty for now; a code and a place are given where none was typed."""

    default_renderer = QUICK
    listed_otherwise: tuple[str, ...] = ()
    """Fields whose choices are not the stored words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            column = self._column(name)
            if isinstance(column, (models.CharField, models.TextField)) or name == "position":
                field.required = False
        if "position" in self.fields and self.instance.pk is None:
            self.initial["position"] = None
        self._keep_what_is_not_on_the_list()

    def _column(self, name: str) -> Any:
        try:
            return self._meta.model._meta.get_field(name)
        except Exception:
            return None

    def _keep_what_is_not_on_the_list(self) -> None:
        """A word that was stored by other ways (an import, an older list) is a box of its own, not lost by saving."""
        for name, field in self.fields.items():
            if name in self.listed_otherwise:
                continue
            if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
                stored = getattr(self.instance, name, None)
                words = stored if isinstance(stored, (list, tuple)) else [stored] if stored else []
                known = {str(word) for word, _label in _flat(field.choices)}
                strange = [(word, str(word)) for word in words if str(word) not in known]
                if strange:
                    field.choices = [*list(field.choices), *strange]  # type: ignore[arg-type]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("cite_document") == NOT_IN_THE_TEXT:
            given["cite_confidence"] = Confidence.DEMO.value
        elif "cite_confidence" in given and not given["cite_confidence"]:
            given["cite_confidence"] = Confidence.TEXT.value
        for name, value in given.items():
            stored = getattr(self.instance, name, None)
            if isinstance(value, list) and isinstance(stored, list) and sorted(value) == sorted(stored):
                given[name] = stored  # boxes come back in the order of the list; as stored they are the same
        return given


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    flat: list[tuple[Any, Any]] = []
    for value, label in choices:
        flat += list(label) if isinstance(label, (list, tuple)) else [(value, label)]
    return flat


class PartFormSet(BaseInlineFormSet):
    """The rows of one kind. Rows without a code or a place get the next one."""

    stem = "item"
    called: Any = staticmethod(str)
    """What a row of this kind is called."""

    def _existing_object(self, pk: Any) -> Any:
        """A row that another editor removed meanwhile is shown as it was typed, and is not saved."""
        found = super()._existing_object(pk)  # type: ignore[misc]
        model: Any = self.model
        return found if found is not None else model(version=self.instance)

    def clean(self) -> None:
        kept = [form for form in self.forms if self._counts(form)]
        if any("code" in form.fields for form in kept):
            self._give_codes(kept)
        if any("position" in form.fields for form in kept):
            self._give_places(kept)
        super().clean()

    def _counts(self, form: Any) -> bool:
        if not form.is_valid() or self._should_delete_form(form):  # type: ignore[attr-defined]
            return False
        return bool(form.instance.pk or form.has_changed())

    def _give_codes(self, kept: list[Any]) -> None:
        taken = {form.cleaned_data.get("code") for form in self.forms if hasattr(form, "cleaned_data")}
        for form in kept:
            if not form.cleaned_data.get("code"):
                code = free_code(self.code_stem(form), taken)
                taken.add(code)
                form.cleaned_data["code"] = form.instance.code = code

    def code_stem(self, form: Any) -> str:
        """What a code begins with: the row's kind, where it has one."""
        kind = str(form.cleaned_data.get("kind") or form.cleaned_data.get("subject") or "")
        try:
            CODE(kind)
        except ValidationError:
            return self.stem
        return kind

    def _give_places(self, kept: list[Any]) -> None:
        last = max((form.cleaned_data.get("position") or 0 for form in kept), default=0)
        for form in kept:
            if form.cleaned_data.get("position") is None:
                last += 1
                form.cleaned_data["position"] = form.instance.position = last

    def get_unique_error_message(self, unique_check: Any) -> str:
        return str(_("代码重复：同类各条的代码不能相同，请改用别的代码或留空由本页编号。"))


def free_code(stem: str, taken: set[Any]) -> str:
    """`stem`, or `stem_2`, `stem_3` … whichever is free."""
    number, code = 1, stem
    while code in taken:
        number += 1
        code = f"{stem}_{number}"
    return code
