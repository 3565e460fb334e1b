"""The differences of an event as a table: a case's story has thousands of cells, drawn here many times faster than by the template's loops."""

from __future__ import annotations

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from audit.models.trail import Operation
from audit.web.event_words import Difference, Told

register = template.Library()


@register.simple_tag
def differences(told: Told, opened: bool = False) -> SafeString:
    """What an update changed from what to what; what a new or deleted row held, folded; the facts of other deeds."""
    if told.event.operation == Operation.UPDATE:
        return _changed(told.differences)
    if told.differences:
        return _held(told, opened)
    if told.facts:
        rows = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', told.facts)
        return format_html('<table class="facts"><tbody>{}</tbody></table>', rows)
    return mark_safe("")


def _changed(found: list[Difference]) -> SafeString:
    before, after = conditional_escape(_("原为")), conditional_escape(_("改为"))
    rows = "".join(
        f'<tr><th scope="row">{conditional_escape(one.label)}</th>'
        f'<td data-label="{before}">{conditional_escape(one.before or "")}</td>'
        f'<td data-label="{after}"><b>{conditional_escape(one.after or "")}</b></td></tr>'
        for one in found
    )
    if not rows:
        rows = f'<tr><td colspan="3">{conditional_escape(_("只更新了登记时间等技术内容。"))}</td></tr>'
    heads = "".join(f'<th scope="col">{head}</th>' for head in (conditional_escape(_("项目")), before, after))
    table = f'<table class="table differences"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return mark_safe(table)  # noqa: S308 - every value above is escaped


def _held(told: Told, opened: bool) -> SafeString:
    count = len(told.differences)
    if told.event.operation == Operation.DELETE:
        title = _("删除前的内容（%(n)s 项）") % {"n": count}
    else:
        title = _("登记的内容（%(n)s 项）") % {"n": count}
    rows = "".join(
        f'<tr><th scope="row">{conditional_escape(one.label)}</th><td>{_value(one)}</td></tr>'
        for one in told.differences
    )
    head = f"<details{' open' if opened else ''}><summary>{conditional_escape(title)}</summary>"
    folded = f'{head}<table class="facts"><tbody>{rows}</tbody></table></details>'
    return mark_safe(folded)  # noqa: S308 - every value above is escaped


def _value(one: Difference) -> str:
    if one.after is not None:
        return conditional_escape(one.after or "")
    return f"<s>{conditional_escape(one.before or '')}</s>"
