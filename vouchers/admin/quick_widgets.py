"""Form fields drawn without a template each: a version's page has some thousand of them.

The markup is that of Django's own templates; a widget that is not known here is drawn by its template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.forms.renderers import BaseRenderer, get_default_renderer
from django.utils.safestring import SafeString, mark_safe


def _said(value: Any) -> str:
    text = str(value)
    return text if isinstance(text, SafeString) else escape(text)


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {_said(name)}" if value is True else f' {_said(name)}="{_said(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _input(widget: Mapping[str, Any]) -> str:
    value = widget["value"]
    held = "" if value is None else f' value="{_said(value)}"'
    return f'<input type="{_said(widget["type"])}" name="{_said(widget["name"])}"{held}{_attributes(widget["attrs"])}>'


def _textarea(widget: Mapping[str, Any]) -> str:
    text = _said(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{_said(widget["name"])}"{_attributes(widget["attrs"])}>\n{text}</textarea>'


def _select(widget: Mapping[str, Any]) -> str:
    parts = [f'<select name="{_said(widget["name"])}"{_attributes(widget["attrs"])}>']
    for group, options, _place in widget["optgroups"]:
        drawn = "".join(
            f'<option value="{_said(one["value"])}"{_attributes(one["attrs"])}>{_said(one["label"])}</option>'
            for one in options
        )
        parts.append(f'<optgroup label="{_said(group)}">{drawn}</optgroup>' if group else drawn)
    return "".join((*parts, "</select>"))


def _boxes(widget: Mapping[str, Any]) -> str:
    css = widget["attrs"].get("class")  # its id is that of the group around it, in a cell
    parts = [f"<div{_attributes({'class': css} if css else {})}>"]
    for group, options, _place in widget["optgroups"]:
        drawn = "".join(f"<div>{_box(one)}</div>" for one in options)
        parts.append(f"<div><label>{_said(group)}</label>{drawn}</div>" if group else drawn)
    return "".join((*parts, "</div>"))


def _box(option: Mapping[str, Any]) -> str:
    aim = option["attrs"].get("id")
    bound = f' for="{_said(aim)}"' if aim else ""
    return f"<label{bound}>{_input(option)} {_said(option['label'])}</label>"


_DRAWN: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "django/forms/widgets/text.html": _input,
    "django/forms/widgets/number.html": _input,
    "django/forms/widgets/hidden.html": _input,
    "django/forms/widgets/date.html": _input,
    "django/forms/widgets/datetime.html": _input,
    "django/forms/widgets/checkbox.html": _input,
    "django/forms/widgets/textarea.html": _textarea,
    "django/forms/widgets/select.html": _select,
    "django/forms/widgets/checkbox_select.html": _boxes,
}


class QuickRenderer(BaseRenderer):
    """Draws what it knows, and leaves the rest to the renderer of the settings."""

    def get_template(self, template_name: str) -> Any:
        return get_default_renderer().get_template(template_name)

    def render(self, template_name: str, context: Any, request: Any = None) -> SafeString:
        draw = _DRAWN.get(template_name)
        if draw is None:
            return mark_safe(get_default_renderer().render(template_name, context, request))  # noqa: S308 - drawn by a template
        return mark_safe(draw(context["widget"]))  # noqa: S308 - every value is escaped above


QUICK = QuickRenderer()


def editable_cell(field: Any) -> SafeString:
    """A field of a version: its label, itself, what is wrong with it, and what it means. `field`: AdminField."""
    bound = field.field
    drawn, label, own = str(bound), _said(bound.label), _said(bound.auto_id)
    notes = [*bound.errors, *getattr(bound, "notes", [])]
    marks = "".join((" cell--box" if field.is_checkbox else "", " is-wrong" if notes else ""))
    hidden = " hidden" if bound.field.widget.is_hidden else ""
    if field.is_checkbox:
        inner = f'<label class="cell__label" for="{_said(bound.id_for_label)}">{drawn} {label}</label>'
    elif bound.use_fieldset:
        inner = (
            f'<span class="cell__label" id="{own}_label">{label}</span>'
            f'<div role="group" aria-labelledby="{own}_label" id="{own}" tabindex="-1">{drawn}</div>'
        )
    else:
        inner = f'<label class="cell__label" for="{_said(bound.id_for_label)}">{label}</label>{drawn}'
    inner += "".join(f'<p class="cell__wrong">{_said(note)}</p>' for note in notes)
    if bound.help_text:
        inner += f'<p class="cell__help" id="{own}_helptext">{_said(bound.help_text)}</p>'
    name = _said(bound.name)
    return mark_safe(  # noqa: S308 - every value is escaped above, the widget by its own drawing
        f'<div class="cell cell--{name}{marks}" data-field="{name}"{hidden}>{inner}</div>'
    )
