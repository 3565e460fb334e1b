"""The form of a trial: a field for each question of the version's own rules, and the one that keeps the case as an example."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.policy.example_columns import Column
from vouchers.policy.examples import Example
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Outcome, Stage
from vouchers.policy.trial import MOST_ITEMS, Question, Questionnaire, TrialError, answers_of, ask

UNKNOWN = _("未知")
_NUMBERS = {"amount", "measure", "price", "number", "rate", "degree", "whole"}
_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
_INSTANT = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


class TrialForm(forms.Form):
    """The case. What is left empty is not known; what cannot be read is said beside its field."""

    items = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MOST_ITEMS, initial=1)

    also = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, scheme: Scheme, data: Any = None, *, more: int = 0) -> None:
        super().__init__(data, initial=None if data is not None else {"items": 1})
        count = _count(data) + more
        also = str(data.get("also", "")).split(",") if data is not None else ()
        self.questionnaire: Questionnaire = ask(scheme, count, also)
        if data is not None and more:
            grown = data.copy()
            grown["items"] = str(self.questionnaire.items)
            self.data = grown
        for question in self.questionnaire.questions:
            self.fields[question.key] = question_field(question)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The questions with their fields, thing by thing."""
        return [
            {"title": group.title, "fields": [self[question.key] for question in group.questions]}
            for group in self.questionnaire.groups
        ]

    def answers(self) -> dict[str, Any]:
        """What was answered, by question."""
        given = self.cleaned_data
        return {
            question.key: "；".join(value) if isinstance(value := given.get(question.key), list) else value
            for question in self.questionnaire.questions
        }

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                self.case = self.questionnaire.read(self.answers())
            except TrialError as error:
                for key, why in error.problems.items():
                    self.add_error(key if key in self.fields else None, why)
        return given


def begun_with(scheme: Scheme, example: Example) -> MultiValueDict[str, str]:
    """What somebody would have typed to try that example."""
    items, answers = answers_of(scheme, example)
    shown = {question.key for question in ask(scheme, items).questions}
    several = {one.key for one in ask(scheme, items, answers).questions if one.column.kind == "words"}
    typed = MultiValueDict(
        {key: value.split("；") if key in several else [value] for key, value in answers.items()}
    )
    typed["items"] = str(items)
    typed["also"] = ",".join(key for key in answers if key not in shown)
    return typed


class KeepForm(forms.Form):
    """What a tried case needs to become a worked example. The expected amount is typed by the person, never filled in."""

    keep_code = forms.RegexField(
        r"^[\w.\-]+$",
        label=_("算例编号"),
        max_length=60,
        error_messages={"invalid": _("编号只能用文字、数字、点、连字符和下划线。")},
    )
    keep_title = forms.CharField(label=_("算例名称"), max_length=200, help_text=_("一句话说明这是什么情形。"))
    keep_amount = forms.CharField(
        label=_("应得金额（元）"),
        max_length=40,
        help_text=_("请按文件手工核算后填写；算例用来检验本版本，不能照抄上面算得的结果。"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    keep_outcome = forms.ChoiceField(
        label=_("应得结论"),
        choices=[("", _("不核对")), *((label, label) for _word, label in Outcome.pairs())],
        required=False,
    )
    keep_note = forms.CharField(
        label=_("计算依据"), max_length=500, required=False, help_text=_("例如 1,000万×20%＝200万。")
    )

    def expected(self) -> dict[str, Any]:
        """As the questionnaire takes it."""
        given = self.cleaned_data
        return {name.removeprefix("keep_"): value for name, value in given.items()}


def _count(data: Any) -> int:
    raw = str(data.get("items", "1")) if data is not None else "1"
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else 1


def question_field(question: Question) -> forms.Field:
    """The field of a question; what is left empty is not known."""
    column = question.column
    common: dict[str, Any] = {
        "label": column.heading,
        "help_text": column.hint,
        "required": False,
        "initial": _initial(question),
    }
    if column.kind == "words" and column.choices:
        common["help_text"] = ""  # how to write several words concerns the workbook; here they are ticked
        return forms.MultipleChoiceField(
            choices=_words(column), widget=forms.CheckboxSelectMultiple(attrs={"class": "inline"}), **common
        )
    if column.choices:
        first = [] if question.key == "facts.stage" else [("", UNKNOWN)]
        return forms.ChoiceField(choices=[*first, *_words(column)], **common)
    if column.kind in ("day", "last_day"):
        return forms.CharField(widget=_DAY, max_length=40, **common)
    if column.kind == "instant":
        return forms.CharField(widget=_INSTANT, max_length=40, **common)
    numeric = {"inputmode": "decimal"} if column.kind in _NUMBERS else {}
    return forms.CharField(
        widget=forms.TextInput(attrs={**numeric, "autocomplete": "off"}), max_length=200, **common
    )


def _words(column: Column) -> list[tuple[str, str]]:
    return [(word, word) for word in (choice.word for choice in column.choices)]


def _initial(question: Question) -> Any:
    if question.key == "facts.stage":
        return Stage.APPLICATION.label
    return f"{dates.today():%Y-%m-%d}" if question.key == "facts.on" else None
