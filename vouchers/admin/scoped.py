"""What every page of the configuration shares: rights come from role grants, rows from the viewer's scope.

Django's own permissions and `is_superuser` decide nothing here. A ModelAdmin names the roles that may see and the roles
that may change; its queryset, choices and autocomplete show the viewer's scope alone.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from vouchers.access import Role, ScopedQuerySet, has_role, scope_of
from vouchers.models import Region

READERS: tuple[str, ...] = (
    Role.POLICY_EDITOR,
    Role.PUBLISHER,
    Role.AUDITOR,
    Role.HANDLER,
    Role.APPROVER,
    Role.FINANCE,
)


class WordsField(forms.CharField):
    """Several words in one field, separated by commas of either width, 、, or spaces."""

    def prepare_value(self, value: Any) -> Any:
        return "、".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return list(value)
        text = (value or "").replace("，", " ").replace("、", " ").replace(",", " ")
        return text.split()

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(self.to_python(initial)) != list(self.to_python(data))


class ScopedFields:
    """Form fields of the configuration: several words, several choices, and choices of rows in scope."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, ArrayField):
            choices = db_field.base_field.choices
            common: dict[str, Any] = {
                "label": db_field.verbose_name,
                "help_text": db_field.help_text,
                "required": False,
            }
            if choices:
                return forms.MultipleChoiceField(
                    choices=choices, widget=forms.CheckboxSelectMultiple(attrs={"class": "inline"}), **common
                )
            return WordsField(**common)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if isinstance(db_field, (models.TextField, models.JSONField)):
            field.widget.attrs["rows"] = 8 if isinstance(db_field, models.JSONField) else 3
        elif (
            isinstance(db_field, models.CharField)
            and (db_field.max_length or 0) >= 200
            and not db_field.choices
        ):
            field.widget.attrs["class"] = "vLargeTextField"
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("queryset", rows_in_scope(db_field.related_model, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


def rows_in_scope(model: type[models.Model], request: HttpRequest) -> QuerySet[Any]:
    """The rows of a model that the viewer may choose from."""
    rows = model._default_manager.all()
    if isinstance(rows, ScopedQuerySet):
        return rows.visible_to(request.user)
    if model is Region:
        return rows.filter(code__in=scope_of(request.user).regions)
    return rows


class ScopedAdmin(ScopedFields, admin.ModelAdmin):
    """A ModelAdmin whose rights are roles. `write_roles` may add and change, `read_roles` may look; nobody deletes."""

    read_roles: tuple[str, ...] = READERS
    write_roles: tuple[str, ...] = ()
    list_per_page = 50

    def region_of(self, obj: Any) -> Region | str | None:
        """The region in which a person must hold the role to change this row."""
        return getattr(obj, "region", None)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, *self.read_roles, *self.write_roles)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        region = self.region_of(obj) if obj is not None else None
        return has_role(request.user, *self.read_roles, *self.write_roles, region=region)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.write_roles) and has_role(request.user, *self.write_roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        region = self.region_of(obj) if obj is not None else None
        return bool(self.write_roles) and has_role(request.user, *self.write_roles, region=region)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return (
            rows.visible_to(request.user, *self.read_roles, *self.write_roles)
            if isinstance(rows, ScopedQuerySet)
            else rows
        )

    def log_addition(self, request: HttpRequest, object: Any, message: Any) -> Any:
        """The trail is written by the database; Django's own log would be a second, weaker one."""

    def log_change(self, request: HttpRequest, object: Any, message: Any) -> Any:
        """As above."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """As above."""


class PartInline(ScopedFields, admin.StackedInline):
    """A part of a row's page: as editable as the row it stands on."""

    extra = 0
    show_change_link = False

    def _editable(self, request: HttpRequest, obj: Any) -> bool:
        parent = self.admin_site._registry[self.parent_model]
        return parent.has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site._registry[self.parent_model].has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._editable(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._editable(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._editable(request, obj)
