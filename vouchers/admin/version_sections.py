"""A version's page as sections in the ordinance's order, each with its rows, what is wrong in it, and how far it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.helpers import InlineAdminForm
from django.contrib.admin.utils import flatten_fieldsets
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.actions.policy_drafts import SINGLES
from vouchers.admin.version_places import Place, place_of
from vouchers.policy.plain import Problem

_ONCE = {model._meta.model_name for model, _part in SINGLES.values()}


@dataclass(frozen=True)
class Section:
    """A section: its key in the address, its heading, and what is said at its top."""

    key: str
    title: Any
    intro: Any


SECTIONS = (
    Section(
        "basics",
        gettext_lazy("依据与施行"),
        gettext_lazy("这份政策叫什么、依据什么文件、从哪一天起施行。一般看标题、落款和附则。"),
    ),
    Section(
        "who",
        gettext_lazy("谁可以申领"),
        gettext_lazy("申领的条件。一般看“支持对象”“申报条件”一章，逐句对照，一句一条。"),
    ),
    Section(
        "for_what",
        gettext_lazy("支持什么、按什么算"),
        gettext_lazy("给哪几类补贴，每一类以什么金额为基数。一般看“支持方式”“支持内容”一章。"),
    ),
    Section(
        "how_much",
        gettext_lazy("补多少"),
        gettext_lazy("补贴比例和分档。一般看“支持标准”一章；文件没有公布比例的，填一条而把比例留空。"),
    ),
    Section(
        "how_far",
        gettext_lazy("最低和最高"),
        gettext_lazy(
            "起补线、各种限额、价格要求、与其他财政资金的关系、尾数和分担。一般在“支持标准”一章的后半和附则。"
        ),
    ),
    Section(
        "how",
        gettext_lazy("怎样发放"),
        gettext_lazy("券怎么发、有效多久、什么时候受理。一般看“申领程序”“兑付程序”一章。"),
    ),
    Section(
        "papers",
        gettext_lazy("申报材料"),
        gettext_lazy("照文件的材料清单，一种一条。本系统已按常见做法列出几种，请对照文件增减，并改正出处。"),
    ),
    Section(
        "steps",
        gettext_lazy("审核环节"),
        gettext_lazy("谁先审、谁后审、各几天。本系统已按常见做法列出，请对照文件增减，并改正出处。"),
    ),
    Section(
        "sources",
        gettext_lazy("个别数值的出处"),
        gettext_lazy("每一条都已有自己的出处；只有其中个别数值另有出处的，才在此补充。"),
    ),
    Section(
        "examples",
        gettext_lazy("算例"),
        gettext_lazy("用文件所附的例子证明以上各节填得对：案情进去，金额应当算得一分不差。"),
    ),
)
BESIDE = {"documents": "basics"}
"""Tables that stand in another section than their own name."""


@dataclass
class Row:
    """A row of a table."""

    form: Any
    title: str = ""
    """What the row is called."""
    short: str = ""
    problems: list[Place] = field(default_factory=list)
    is_new: bool = False
    is_empty_form: bool = False

    @property
    def opened(self) -> bool:
        """Rows stand closed with their summary, unless something in them wants a person."""
        return bool(self.problems or self.form.form.errors or self.is_new)


@dataclass
class Table:
    """The rows of one kind."""

    inline: Any
    rows: list[Row]
    blank: Row | None
    problems: list[Place] = field(default_factory=list)

    @property
    def once(self) -> bool:
        """Whether the version has it exactly once: then it is simply shown."""
        return self.inline.opts.model._meta.model_name in _ONCE

    @property
    def prefix(self) -> str:
        return str(self.inline.formset.prefix)

    @property
    def stem(self) -> str:
        return str(getattr(self.inline.opts, "stem", "item"))

    @property
    def name(self) -> Any:
        return self.inline.opts.model._meta.verbose_name

    @property
    def wrong(self) -> int:
        """How many problems stand in it."""
        faults = (
            sum(len(form.errors) for form in self.inline.formset.forms) if self.inline.formset.is_bound else 0
        )
        return faults + len(self.problems) + sum(len(row.problems) for row in self.rows)


@dataclass
class Shown:
    """A section as it stands on the page."""

    section: Section
    number: int
    tables: list[Table]
    fieldsets: list[Any] = field(default_factory=list)
    problems: list[Place] = field(default_factory=list)
    panels: list[Any] = field(default_factory=list)
    own_errors: int = 0

    @property
    def numeral(self) -> str:
        """Its number as an ordinance writes it."""
        return "零一二三四五六七八九十"[self.number]

    @property
    def wrong(self) -> int:
        """How many problems stand in it."""
        return len(self.problems) + self.own_errors + sum(table.wrong for table in self.tables)

    @property
    def filled(self) -> int:
        """How many rows it has; the parts that are always there are not counted."""
        return sum(len(table.rows) for table in self.tables if not table.once)

    @property
    def state(self) -> str:
        """`wrong`, `empty` or `complete`."""
        if self.wrong:
            return "wrong"
        has_more = bool(self.fieldsets) or any(table.once for table in self.tables)
        return "complete" if self.filled or has_more else "empty"

    @property
    def words(self) -> str:
        """Its state in words."""
        if self.wrong:
            return _("%(count)s 处待补") % {"count": self.wrong}
        if self.state == "empty":
            return _("未填")
        return _("%(count)s 条") % {"count": self.filled} if self.filled else _("已填")


def build(
    codes: dict[str, str], adminform: Any, inlines: Iterable[Any], problems: list[Problem]
) -> tuple[list[Shown], list[Place]]:
    """The sections of the page, and every problem with its place, in the page's order."""
    inlines = list(inlines)
    tables = {inline.opts.model._meta.model_name: inline.formset for inline in inlines}
    places = [place_of(problem, adminform.form, tables) for problem in problems]
    drawn: dict[str, list[Table]] = defaultdict(list)
    for inline in inlines:
        key = getattr(inline.opts, "section", "") or "sources"
        drawn[BESIDE.get(key, key)].append(_table(inline, places, codes))
    sections = []
    for number, section in enumerate(SECTIONS, start=1):
        shown_section = Shown(section, number, drawn.get(section.key, []))
        if section.key == "basics":
            shown_section.fieldsets = list(adminform)
            own = [place for place in places if not place.model_name]
            shown_section.problems = own
            shown_section.own_errors = len(adminform.form.errors)
            _hang(adminform.form, own)
        sections.append(shown_section)
    ordered = [place for one in sections for place in _places(one)]
    return sections, ordered


def _places(section: Shown) -> Iterator[Place]:
    yield from section.problems
    for table in section.tables:
        yield from table.problems
        for row in table.rows:
            yield from row.problems


def _table(inline: Any, places: list[Place], codes: dict[str, str]) -> Table:
    name = inline.opts.model._meta.model_name
    own = [place for place in places if place.model_name == name]
    rows: list[Row] = []
    blank: Row | None = None
    for one in _forms(inline):
        found = one.original
        row = Row(one, is_new=found is None)
        if one.form.prefix == f"{inline.formset.prefix}-__prefix__":
            row.is_empty_form = True
            blank = row
            continue
        if found is not None:
            row.title = inline.formset.called(found)
            row.short = inline.opts.in_short(found, codes) if hasattr(inline.opts, "in_short") else ""
        row.problems = [place for place in own if place.row is one.form]
        _hang(one.form, row.problems)
        rows.append(row)
    return Table(inline, rows, blank, [place for place in own if place.row is None])


def _forms(inline: Any) -> list[InlineAdminForm]:
    """Every row's form with its own row. The framework pairs them by place, which is wrong once another editor has added or
    removed a row while this page was open."""
    formset = inline.formset
    for form in formset.initial_forms:
        form.instance.version = formset.instance  # the one at hand, not asked for again row by row
    fixed = tuple(inline.readonly_fields)
    if not inline.has_change_permission:
        fixed += tuple(flatten_fieldsets(inline.fieldsets))
    stored = [
        InlineAdminForm(
            formset,
            form,
            inline.fieldsets,
            inline.prepopulated_fields,
            form.instance if form.instance.pk else None,
            fixed,
            model_admin=inline.opts,
        )
        for form in formset.initial_forms
    ]
    return stored + [one for one in inline if one.form not in formset.initial_forms]


def _hang(form: Any, places: list[Place]) -> None:
    """Each problem beside its field."""
    for place in places:
        if place.field and place.field in form.fields:
            bound = form[place.field]
            bound.notes = [*getattr(bound, "notes", []), place.message]
            bound.field.widget.attrs["aria-invalid"] = "true"
