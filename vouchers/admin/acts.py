"""Verbs on a row's page: a button each, and a page that names the consequence, asks for what it needs, and acts.

The page calls an action function and nothing else; a refusal is shown where it arose, with what was typed kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import has_role
from vouchers.admin.scoped import ScopedAdmin, admin_address
from vouchers.errors import DomainError, Problems
from vouchers.reads import note_read
from vouchers.web.story_links import story_address


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=_("理由"), widget=forms.Textarea(attrs={"rows": 3}), max_length=500)


# The browser's own picker reads this one form alone, whatever the language of the page.
DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class DatedReasonForm(ReasonForm):
    """From when, and why."""

    on = forms.DateField(label=_("自何日起"), initial=dates.today, widget=DAY)


@dataclass(frozen=True)
class Act:
    """One verb. `do(request, obj, cleaned)` performs it by an action and says what was done; `consequence` is read before.

    `ready(obj)` says whether the row's state allows it; who may is in `roles`, held for the row's region. A form with
    `for_person(request)` narrows its choices to the person's, one with `for_row(obj)` to the row's. `do` may answer with a page of its own (a token shown once), or with
    another row, whose page is then opened.
    """

    verb: str
    label: Any
    consequence: Any
    roles: tuple[str, ...]
    do: Callable[[HttpRequest, Any, dict[str, Any]], Any]
    ready: Callable[[Any], bool] = lambda obj: True
    form: type[forms.Form] = forms.Form
    initial: Callable[[Any], dict[str, Any]] = lambda obj: {}
    """What the form begins with."""
    beside: Callable[[HttpRequest, Any], dict[str, Any] | None] = lambda request, obj: None
    """What is to be seen before deciding: a `title`, a `template`, and what it draws (`panel`); None: nothing."""


class ActingAdmin(ScopedAdmin):
    """A ModelAdmin with verbs."""

    acts: tuple[Act, ...] = ()
    #: the noun under which opening a row's page is told to the trail; for rows that hold personal data
    read_as = ""
    change_form_template = "admin/vouchers/change_form_with_acts.html"

    def acts_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The verbs that this person may use on this row now."""
        return [
            {"label": act.label, "url": self.address("act", obj, act.verb)}
            for act in self.acts
            if act.ready(obj) and has_role(request.user, *act.roles, region=self.region_of(obj))
        ]

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        own = [
            path("<path:object_id>/act/<slug:verb>/", self.admin_site.admin_view(self.act_view), name=name)
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        obj = self.get_object(request, unquote(object_id))
        context = {
            "acts": self.acts_for(request, obj) if obj is not None else [],
            "story": self.story_of(request, obj) if obj is not None else "",
        }
        if obj is not None and self.read_as and self.has_view_permission(request, obj):
            number = str(getattr(obj, self.public_key_fields[0]))
            note_read(self.read_as, number, by=request.user, facts=self.case_of(obj))  # type: ignore[arg-type]
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def story_of(self, request: HttpRequest, obj: Any) -> str:
        """Where this person reads all that happened to the row; empty for whoever may not, and for rows without a number."""
        number = self.public_key_fields[0] if len(self.public_key_fields) == 1 else ""
        if not number.endswith("_no") and number not in ("code", "uscc", "username"):
            return ""
        noun = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.opts.object_name or "").lower()
        return story_address(request.user, noun, str(getattr(obj, number, "")))

    def case_of(self, obj: Any) -> dict[str, Any]:
        """The case that the row belongs to, for whoever asks later who has read it; nothing when it is one itself."""
        party = getattr(obj, "party", None)
        return {"subject_kind": "party", "subject_no": party.uscc} if party is not None else {}

    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """Ask, then act. A stranger's row is not found; a verb that the person may not use is refused."""
        obj = self.get_object(request, unquote(object_id))
        act = next((one for one in self.acts if one.verb == verb), None)
        if obj is None or act is None:
            raise Http404
        if not has_role(request.user, *act.roles, region=self.region_of(obj)):
            raise PermissionDenied
        return self._performed(request, act, obj, obj, self.address("change", obj))

    def _performed(self, request: HttpRequest, act: Act, obj: Any, original: Any, back: str) -> HttpResponse:
        form = act.form(request.POST if request.method == "POST" else None, initial=act.initial(obj))
        if hasattr(form, "for_person"):
            form.for_person(request)
        if hasattr(form, "for_row"):
            form.for_row(obj)
        problems: list[DomainError] = []
        status = 200
        if request.method == "POST" and form.is_valid():
            try:
                outcome = act.do(request, obj, form.cleaned_data)
            except DomainError as refusal:
                request.refusal = refusal  # type: ignore[attr-defined]
                problems = list(refusal.problems) if isinstance(refusal, Problems) else [refusal]
                status = refusal.status
                for problem in problems:
                    if problem.field in form.fields:
                        form.add_error(problem.field, problem.message)
            else:
                if isinstance(outcome, HttpResponse):
                    return outcome
                if isinstance(outcome, Model):
                    messages.success(request, _("已办理：%(label)s。") % {"label": act.label})
                    return HttpResponseRedirect(admin_address(outcome))
                messages.success(request, outcome)
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "original": original,
            "act": act,
            "beside": act.beside(request, obj) if obj is not None else None,
            "form": form,
            "problems": [{**vars(problem), "message": self.told(obj, problem)} for problem in problems],
            "back": back,
        }
        return TemplateResponse(request, "admin/vouchers/act.html", context, status=status)

    def told(self, obj: Any, problem: DomainError) -> str:
        """A reason for a refusal as people read it."""
        return problem.message


class ActionOnlyAdmin(ActingAdmin):
    """Rows that only actions write: added by the verb `adding`, read on their page, moved by `acts`."""

    adding: Act | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.adding is not None and has_role(request.user, *self.adding.roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The page of the verb that adds."""
        if self.adding is None or not self.has_add_permission(request):
            raise PermissionDenied
        return self._performed(request, self.adding, None, "", self.address("changelist"))


def shown_once(
    request: HttpRequest, opts: Any, *, title: Any, done: str, label: Any, secret: str, advice: Any, row: Any
) -> HttpResponse:
    """A page with a secret that no other page will show again."""
    context = {
        **admin.site.each_context(request),
        "title": title,
        "opts": opts,
        "original": row,
        "done": done,
        "secret_label": label,
        "secret": secret,
        "advice": advice,
        "back": admin_address(row),
    }
    answer = TemplateResponse(request, "admin/vouchers/shown_once.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
