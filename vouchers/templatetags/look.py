"""``{% load look %}``: the filters and components of every page. Each component tag draws the partial of its name in
``templates/components/``; the parameters stand at the top of that partial and in ``templates/components/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.conf import settings
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from vouchers import dates
from vouchers.actions.jobs import unseen_count
from vouchers.money import capital as capital_amount
from vouchers.web import components, navigation, wording
from vouchers.web.components import part_of
from vouchers.web.story_links import story_address
from vouchers.web.tones import shown_state

register = template.Library()

register.filter("money", wording.money_text)
register.filter("price", wording.price_text)
register.filter("quantity", wording.plain_number)
register.filter("rate", wording.rate_text)
register.filter("cn_date", wording.date_text)
register.filter("cn_day", wording.day_text)
register.filter("cn_datetime", wording.instant_text)


@register.filter
def capital(value: Any) -> str:
    """The amount in financial capitals; empty when there is no amount."""
    number = wording.decimal_of(value)
    return "" if number is None else capital_amount(number)


@register.filter
def wan(value: Any) -> SafeString:
    """A summary in 万 or 亿 with the exact amount on hover, for readers of the screen by voice, and in print."""
    exact = wording.money_text(value)
    if exact == "—":
        return mark_safe('<span class="absent">—</span>')
    return format_html(
        '<data class="wan" value="{}" title="{} 元"><span class="wan__short">{}</span>'
        '<span class="wan__exact">{} 元</span></data>',
        wording.decimal_of(value),
        exact,
        wording.wan_text(value),
        exact,
    )


@register.filter
def yes_no(value: Any) -> str:
    """是 or 否; an em dash for unknown."""
    return "—" if value is None else (_("是") if value else _("否"))


@register.filter
def dig(mapping: Any, key: Any) -> Any:
    """The entry of a mapping under a key that is itself a variable."""
    return mapping.get(key) if isinstance(mapping, Mapping) else None


def _block(content: str) -> SafeString:
    """What stands between a component's tags; the template engine has escaped it already."""
    return mark_safe(content.strip())  # noqa: S308 - escaped already


# --- what stands around every page ---------------------------------------------------------------


@register.simple_tag
def office_name() -> str:
    """The name of the office that runs this installation."""
    return str(getattr(settings, "OFFICE_NAME", "") or _("算力券主管部门"))


@register.simple_tag
def site_name() -> str:
    """The name of the site in titles and in the header."""
    return str(getattr(settings, "SITE_NAME", "") or _("算力券"))


@register.simple_tag
def business_today() -> Any:
    """Today's business date (fixed in a demonstration)."""
    return dates.today()


@register.inclusion_tag("components/demo_band.html")
def demo_band() -> dict[str, Any]:
    """The band that tells that the date is fixed for a demonstration; nothing otherwise."""
    return {"demo_date": dates.demo_date()}


@register.simple_tag(takes_context=True)
def menu(context: template.Context, surface: str) -> list[navigation.ShownEntry]:
    """The menu of a surface for the person of this request."""
    request = context.get("request")
    return [] if request is None else navigation.menu(surface, request)


@register.simple_tag(takes_context=True)
def my_news(context: template.Context) -> int:
    """How many of one's own jobs have ended unseen."""
    return unseen_count(context["request"].user)


@register.simple_tag(takes_context=True)
def my_surfaces(context: template.Context) -> list[navigation.Surface]:
    """The surfaces on which this person has business."""
    request = context.get("request")
    return [] if request is None else navigation.surfaces_of(getattr(request, "user", None))


# --- components ----------------------------------------------------------------------------------


@register.simple_block_tag(takes_context=True)
def page_header(context: template.Context, content: str, title: Any = "", **parts: Any) -> str:
    """Where am I, whose case, its number, its state, the next thing to do; the content is the buttons."""
    return render_to_string(
        "components/page_header.html",
        {"title": title, "actions": _block(content), **parts},
        context.get("request"),
    )


@register.inclusion_tag("components/story_link.html", takes_context=True)
def story_link(context: template.Context, kind: str, number: str) -> dict[str, Any]:
    """The whole story of a case in the trail, for those who may read it; nothing for the others."""
    request = context.get("request")
    user = getattr(request, "user", None)
    return {"url": story_address(user, str(kind), str(number)) if user is not None else ""}


@register.inclusion_tag("components/state_tag.html")
def state_tag(subject: Any = None, state: str = "", label: str = "", tone: str = "") -> dict[str, Any]:
    """The state of a row, or a state given by value and word."""
    return {"shown": shown_state(subject, str(state), str(label), tone)}


@register.inclusion_tag("components/notice_band.html")
def notice_band(
    text: Any = "", tone: str = "progress", title: str = "", url: str = "", link: str = ""
) -> dict[str, Any]:
    """A notice on the page: what is the matter, and where to go on."""
    return {"text": text, "tone": tone, "title": title, "url": url, "link": link}


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Iterable[Any], label: str = "") -> dict[str, Any]:
    """The steps of a guided form."""
    return {"steps": list(steps), "label": label}


@register.inclusion_tag("components/timeline.html")
def timeline(entries: Iterable[Any], label: str = "") -> dict[str, Any]:
    """Who has it, since when, until when, under which rule."""
    return {"entries": list(entries), "label": label}


@register.inclusion_tag("components/facts_table.html")
def facts_table(facts: Iterable[Any], caption: str = "", sources: bool | None = None) -> dict[str, Any]:
    """Facts with their source and what changed in them."""
    rows = [
        {"label": fact[0], "value": fact[1]} if isinstance(fact, tuple | list) else fact for fact in facts
    ]
    shown = any(part_of(row, "source") for row in rows) if sources is None else sources
    return {"facts": rows, "caption": caption, "sources": shown}


@register.inclusion_tag("components/money.html", name="money")
def money_tag(amount: Any, unit: str = "元", capital: bool = False) -> dict[str, Any]:
    """An amount to the fen with its unit, in capitals beneath where law wants it."""
    number = wording.decimal_of(amount)
    return {
        "text": wording.money_text(amount),
        "negative": number is not None and number < 0,
        "absent": number is None,
        "unit": unit,
        "capital": capital_amount(number) if capital and number is not None else "",
    }


@register.inclusion_tag("components/amounts.html")
def amounts(items: Iterable[Any]) -> dict[str, Any]:
    """A row of totals: (label, amount) or mappings with label, amount or text, and a note."""
    rows = [
        {"label": item[0], "amount": item[1]} if isinstance(item, tuple | list) else item for item in items
    ]
    return {"items": rows}


@register.inclusion_tag("components/form_fields.html")
def form_fields(form: Any) -> dict[str, Any]:
    """All fields of a form, in order; hidden ones first."""
    return {"form": form}


@register.inclusion_tag("components/file_drop.html")
def file_drop(name: str = "file", label: str = "", **parts: Any) -> dict[str, Any]:
    """A place to drop files, which is a plain file field without script."""
    return {"name": name, "label": label, "field_id": parts.pop("id", f"id_{name}"), **parts}


@register.inclusion_tag("components/check_answers.html")
def check_answers(groups: Iterable[Any]) -> dict[str, Any]:
    """What will be submitted, in groups with a way back to each."""
    return {"groups": list(groups)}


@register.simple_block_tag(takes_context=True)
def confirmation(
    context: template.Context, content: str, title: Any = "", number: str = "", **parts: Any
) -> str:
    """The end of a filing: the number, what happens next, by when; the content is the links onward."""
    return render_to_string(
        "components/confirmation.html",
        {"title": title, "number": number, "links": _block(content), **parts},
        context.get("request"),
    )


@register.inclusion_tag("components/empty_state.html")
def empty_state(title: str, text: str = "", action: str = "", url: str = "") -> dict[str, Any]:
    """Nothing here, and what to do about it."""
    return {"title": title, "text": text, "action": action, "url": url}


@register.inclusion_tag("components/filter_bar.html")
def filter_bar(form: Any = None, count: int | None = None, reset: str = "", unit: str = "") -> dict[str, Any]:
    """The filters of a list (a bound GET form) and how many were found."""
    return {"form": form, "count": count, "reset": reset or "?", "unit": unit or _("条")}


@register.inclusion_tag("components/saved_views.html")
def saved_views(views: Iterable[Any], label: str = "") -> dict[str, Any]:
    """Named filters above a list, the open one marked, with counts."""
    return {"views": list(views), "label": label}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Any, parameter: str = "page") -> dict[str, Any]:
    """The pages of a list; keeps the filters of the address."""
    request = context.get("request")
    query = QueryDict(mutable=True) if request is None else request.GET.copy()
    query.pop(parameter, None)
    kept = f"{query.urlencode()}&" if query else ""
    pages = list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
    return {"page": page, "pages": pages, "kept": kept, "parameter": parameter}


@register.simple_block_tag(takes_context=True)
def batch_bar(context: template.Context, content: str, form: str = "", amount: str = "", **parts: Any) -> str:
    """What can be done with the chosen rows of the form with this id; the content is the buttons."""
    return render_to_string(
        "components/batch_bar.html",
        {"form_id": form, "amount": amount, "buttons": _block(content), **parts},
        context.get("request"),
    )


@register.filter
def figure(row: Any, name: str) -> Any:
    """A part of a row by its name, for tables that draw many rows alike: ``{{ line|figure:"paid" }}``."""
    return getattr(row, name)


@register.simple_block_tag(takes_context=True)
def confirm_dialog(
    context: template.Context, content: str, name: str = "", title: Any = "", **parts: Any
) -> str:
    """A dialog that names the consequence and asks for the reason; the content is further fields."""
    return render_to_string(
        "components/confirm_dialog.html",
        {"dialog_id": name, "title": title, "fields": _block(content), **parts},
        context.get("request"),
    )


for _partial in (
    "deadline",
    "working_table",
    "findings",
    "price_verdict",
    "form_field",
    "error_summary",
    "job_progress",
):
    register.inclusion_tag(f"components/{_partial}.html")(getattr(components, _partial))
