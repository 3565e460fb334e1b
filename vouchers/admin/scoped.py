"""What every page of the configuration shares: rights come from role grants, rows from the viewer's scope.

Django's own permissions and `is_superuser` decide nothing here. A ModelAdmin names the roles that may see and the roles
that may change; its queryset, choices and autocomplete show the viewer's scope alone.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, ScopedQuerySet, has_role, scope_of
from vouchers.models import Region
from vouchers.web.fields import PlainDecimalField

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
        if isinstance(db_field, models.DecimalField):
            kwargs.setdefault("form_class", PlainDecimalField)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        self._no_ways_by_key(field)
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

    def _no_ways_by_key(self, field: Any) -> Any:
        """The framework's pencil and eye beside a list lead to addresses with primary keys."""
        widget = getattr(field, "widget", None)
        for way in ("can_change_related", "can_view_related", "can_delete_related"):
            if hasattr(widget, way):
                setattr(widget, way, False)
        return field


def rows_in_scope(model: type[models.Model], request: HttpRequest) -> QuerySet[Any]:
    """The rows of a model that the viewer may choose from."""
    rows = model._default_manager.all()
    if isinstance(rows, ScopedQuerySet):
        return rows.visible_to(request.user)
    if model is Region:
        return rows.filter(code__in=scope_of(request.user).regions)
    return rows


class NumberedList(ChangeList):
    """A list whose rows lead to addresses with business numbers."""

    def url_for_result(self, result: Any) -> str:
        return self.model_admin.address("change", result)  # type: ignore[attr-defined]


def _along(obj: Any, path: str) -> Any:
    """The value at the end of a path such as `issue__issue_no`."""
    for name in path.split("__"):
        obj = getattr(obj, name)
    return obj


class PublicKeys:
    """Rows of this noun are addressed by their business number. Primary keys are nobody's reading.

    `public_key_fields` are the unique field that holds it, or those that are unique together: their values stand in the
    address with `~` between. A number that is put together otherwise overrides `public_key` and `with_public_key`.
    """

    public_key_fields: tuple[str, ...] = ()

    def public_key(self, obj: Any) -> str:
        """The number by which the row is addressed."""
        return "~".join(str(_along(obj, name)) for name in self.public_key_fields)

    def with_public_key(self, rows: QuerySet[Any], key: str) -> QuerySet[Any]:
        """The row of that number, at most one."""
        values = key.split("~")
        if len(values) != len(self.public_key_fields) or "\x00" in key:
            return rows.none()
        try:
            return rows.filter(**dict(zip(self.public_key_fields, values, strict=True)))
        except (ValueError, ValidationError):  # a word where a day or a count belongs
            return rows.none()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if from_field:  # the framework's way of naming a row by another column
            return None
        return self.with_public_key(self.get_queryset(request), str(object_id)).first()  # type: ignore[attr-defined]

    def address(self, page: str, obj: Any = None, *more: Any) -> str:
        """The address of a page of this noun, or of one of its rows."""
        opts = self.opts  # type: ignore[attr-defined]
        key = () if obj is None else (quote(self.public_key(obj)),)
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=(*key, *more))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NumberedList

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Whether it is another region's or nobody's is not said."""
        messages.warning(
            request, _("没有找到这一%(noun)s，或者不在您的管辖范围内。") % {"noun": opts.verbose_name}
        )
        return HttpResponseRedirect(reverse("admin:index"))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Where the new row is to be read."""
        if "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)  # type: ignore[misc]
        messages.success(request, _("“%(row)s”已保存。") % {"row": obj})
        return HttpResponseRedirect(self.address("change", obj))


def admin_address(obj: Any, page: str = "change", *more: Any) -> str:
    """The address of a row's page in the configuration, by its number."""
    opts = obj._meta
    keeper = admin.site._registry[opts.concrete_model]
    assert isinstance(keeper, PublicKeys)
    key = keeper.public_key(obj)
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=(quote(key), *more))


class ScopedAdmin(PublicKeys, ScopedFields, admin.ModelAdmin):
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
