"""与其他版本比较: what changed from one version of a program to another, in people's words, before anybody publishes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.actions.policy_soundness import scheme_to_read
from vouchers.admin.version_pages import (
    VersionPage,
    register_version_page,
    version_address,
    version_context,
)
from vouchers.errors import Problems
from vouchers.models import PolicyVersion, Publication
from vouchers.policy.differences import Change, ChangedSection, ChangeKind, compare
from vouchers.policy.rules import Scheme


@dataclass(frozen=True)
class ShownSection:
    """A section's differences: of the rules, and of their sources alone."""

    title: str
    rules: tuple[Change, ...]
    sources: tuple[Change, ...]


@dataclass(frozen=True)
class Comparison:
    """Two versions held against each other, older first."""

    before: PolicyVersion
    after: PolicyVersion
    sections: tuple[ShownSection, ...]

    @property
    def rules(self) -> list[Change]:
        """The differences of the rules."""
        return [change for section in self.sections for change in section.rules]

    @property
    def sources(self) -> list[Change]:
        """The differences of sources."""
        return [change for section in self.sections for change in section.sources]

    @property
    def counts(self) -> list[dict[str, Any]]:
        """How many of each kind, for the head of the page."""
        return [
            {"kind": kind, "number": number}
            for kind in ChangeKind
            if (number := sum(change.kind is kind for change in self.rules))
        ]


class ChoiceForm(forms.Form):
    """With which version to compare."""

    to = forms.ModelChoiceField(
        PolicyVersion.objects.none(), label=_("与哪个版本比较"), empty_label=None, to_field_name="number"
    )

    def __init__(self, *args: Any, others: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = others
        field.label_from_instance = lambda version: (
            f"{version.version_no} {version.label}（{version.get_state_display()}）"
        )


def predecessor_of(version: PolicyVersion) -> PolicyVersion | None:
    """With what a version is compared unless somebody says otherwise: the one before it that was published; for one that is
    not published yet, the one in force today, else the last that was published."""
    published = Publication.objects.filter(program=version.program).select_related("version")
    own = published.filter(version=version).first()
    if own is not None:
        published = published.filter(pk__lt=own.pk)
    else:
        in_force = published.valid_on(dates.today()).first()
        if in_force is not None:
            return in_force.version
    last = published.order_by("-pk").first()
    return last.version if last else None


def compared(before: PolicyVersion, after: PolicyVersion) -> Comparison:
    """The differences. Raises Problems (`policy.incomplete`) while one of them is not complete enough to be a scheme."""
    schemes: list[Scheme] = [scheme_to_read(version) for version in (before, after)]
    return Comparison(before, after, tuple(_shown(section) for section in compare(*schemes)))


def _shown(section: ChangedSection) -> ShownSection:
    return ShownSection(
        section.title,
        tuple(change for change in section.changes if not change.is_source),
        tuple(change for change in section.changes if change.is_source),
    )


def compare_view(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    """This version against another one of its program, side by side."""
    others = PolicyVersion.objects.filter(program=version.program).exclude(pk=version.pk).order_by("-number")
    form = ChoiceForm(request.GET or None, others=others)
    other = (
        form.cleaned_data["to"]
        if form.is_bound and form.is_valid()
        else predecessor_of(version) or others.first()
    )
    context = version_context(request, version, _("与其他版本比较"))
    comparison, incomplete = None, None
    if other is not None:
        form.initial["to"] = other.number
        # Whichever was written first stands left, whatever page one came from.
        older, newer = sorted((version, other), key=lambda one: one.number)
        try:
            comparison = compared(older, newer)
        except Problems as problems:
            incomplete = problems
    context |= {
        "form": ChoiceForm(initial={"to": other.number if other else None}, others=others),
        "others": bool(others),
        "comparison": comparison,
        "incomplete": incomplete,
    }
    return TemplateResponse(request, "admin/vouchers/version_compare.html", context)


def comparison_for_publishing(version: PolicyVersion) -> dict[str, Any]:
    """What the second person reads before publishing: every difference from the version that this one follows."""
    before = predecessor_of(version)
    if before is None:
        return {"comparison": None, "address": ""}
    return {
        "comparison": compared(before, version),
        "address": f"{version_address(version, 'compare')}?to={before.number}",
    }


register_version_page(
    VersionPage(
        "compare",
        _("与其他版本比较"),
        compare_view,
        help=_("逐项列出两个版本之间的全部变动。"),
        order=20,
        ready=lambda version: (
            PolicyVersion.objects.filter(program=version.program).exclude(pk=version.pk).exists()
        ),
    )
)
