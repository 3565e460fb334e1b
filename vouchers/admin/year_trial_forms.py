"""The form of a year tried out by hand: one enterprise, several contracts, and on each what was paid over the year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers import dates
from vouchers.admin.trial_forms import question_field
from vouchers.policy.example_words import GROUPS, UsedCap
from vouchers.policy.facts import (
    BasisItemFacts,
    Facts,
    ListingFacts,
    PartyFacts,
    UsedAmounts,
    VoucherFacts,
)
from vouchers.policy.replay import ReplayCase
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import IssueWay, Stage
from vouchers.policy.trial import Question, TrialError, ask

MOST_CONTRACTS, MOST_PAID = 8, 12
_WHO = {GROUPS[PartyFacts], GROUPS[ListingFacts]}
_FOLLOWS = {GROUPS[UsedAmounts], GROUPS[UsedCap], GROUPS[VoucherFacts]}
"""What follows from the earlier cases of the year, and is not asked."""
_PAID = GROUPS[BasisItemFacts]
_SET = {"facts.stage", "facts.on", "facts.applied_on"}
_FILED, _AMOUNT, _KIND = "facts.filed_at", "net_amount", "facts.items.kind"
_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})

Typed = dict[str, list[str]]


@dataclass
class Contract:
    """What was typed of a contract, and of each payment on it, by the names of the fields."""

    typed: Typed = field(default_factory=dict)
    paid: list[Typed] = field(default_factory=list)


class Sheet(forms.Form):
    """Some questions, under a prefix of their own."""

    def __init__(
        self, prefix: str, questions: list[Question], typed: Typed, extra: Mapping[str, forms.Field]
    ) -> None:
        super().__init__(
            MultiValueDict({f"{prefix}-{name}": values for name, values in typed.items()}), prefix=prefix
        )
        for name, one in extra.items():
            self.fields[name] = one
        for question in questions:
            self.fields[question.key] = question_field(question)
            self.fields[question.key].initial = None

    def answers(self) -> dict[str, Any]:
        """What was answered, by question."""
        self.is_valid()
        return {
            name: "；".join(value) if isinstance(value, list) else value
            for name, value in self.cleaned_data.items()
        }

    @property
    def is_empty(self) -> bool:
        """Whether no amount and no quantity was typed."""
        counted = [name for name in self.fields if name.rpartition(".")[2] in (_AMOUNT, "quantity")]
        return not any(str(self.data.get(self.add_prefix(name), "")).strip() for name in counted)


@dataclass
class ContractSheets:
    """A contract on the page."""

    number: int
    sheet: Sheet
    paid: list[Sheet]

    @property
    def title(self) -> str:
        """What it is called."""
        own = str(self.sheet.data.get(self.sheet.add_prefix("title"), "")).strip()
        return own or _("合同 %(number)s") % {"number": self.number}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed of it that counts."""
        return self.sheet.is_empty and all(one.is_empty for one in self.paid)


class YearForm:
    """The whole form. What is left empty is not known; what cannot be read is said beside its field."""

    def __init__(self, scheme: Scheme, data: Mapping[str, Any] | None = None, *, do: str = "") -> None:
        self.scheme = scheme
        self.stage = Stage.SETTLEMENT if scheme.issue.way is IssueWay.INSTANT else Stage.CLAIM
        self.questionnaire = ask(scheme, 1)
        self._asked = {group.title: list(group.questions) for group in self.questionnaire.groups}
        who, contracts = self._begun() if data is None else _read(data)
        self._change(contracts, do)
        self.errors: list[str] = []
        self._draw(who, contracts)

    # ---- what is on the page

    def _begun(self) -> tuple[Typed, list[Contract]]:
        return {}, [self._blank() for _number in range(2)]

    def _blank(self) -> Contract:
        today = f"{dates.today():%Y-%m-%d}"
        return Contract({"on": [today]}, [self._blank_paid()])

    def _blank_paid(self) -> Typed:
        kinds = [kind.label for track in self.scheme.tracks for kind in track.basis_kinds]
        return {_KIND: kinds[:1]}

    def _change(self, contracts: list[Contract], do: str) -> None:
        """Add or leave out; one more begins like the last, but for its name and its amounts."""
        verb, *numbers = do.split(":")
        at = [int(one) - 1 for one in numbers if one.isascii() and one.isdigit() and len(one) < 3]
        here = contracts[at[0]] if at and 0 <= at[0] < len(contracts) else None
        if verb == "add_contract" and len(contracts) < MOST_CONTRACTS:
            like = contracts[-1] if contracts else self._blank()
            paid = [_without_amounts(one) for one in like.paid[:1]] or [self._blank_paid()]
            contracts.append(Contract(_without_amounts(like.typed), paid))
        elif verb == "drop_contract" and here is not None and len(contracts) > 1:
            contracts.remove(here)
        elif verb == "add_paid" and here is not None and len(here.paid) < MOST_PAID:
            here.paid.append(_without_amounts(here.paid[-1]) if here.paid else self._blank_paid())
        elif verb == "drop_paid" and here is not None and len(at) > 1 and 0 <= at[1] < len(here.paid):
            del here.paid[at[1]]

    def _draw(self, who: Typed, contracts: list[Contract]) -> None:
        of_who: list[Question] = []
        of_contract: list[Question] = []
        of_paid: list[Question] = []
        for title, questions in self._asked.items():
            if title in _FOLLOWS:
                continue
            kept = [one for one in questions if one.key not in _SET]
            into = of_who if title in _WHO else of_paid if title == _PAID else of_contract
            into += [one for one in kept if one.key != _FILED]
        filed = [one for one in self.questionnaire.questions if one.key == _FILED]
        self.who = Sheet("who", of_who, who, {})
        self.contracts = []
        for number, one in enumerate(contracts, start=1):
            extra = {
                "title": forms.CharField(
                    label=gettext_lazy("称呼"),
                    max_length=40,
                    required=False,
                    help_text=gettext_lazy("例如“一号机房”；不填则按次序编号"),
                ),
                "on": _day(gettext_lazy("申领日期")),
            }
            sheet = Sheet(f"c{number}", [*filed, *of_contract], one.typed, extra)
            paid = [
                Sheet(f"c{number}p{place}", [*filed, *of_paid], typed, {"on": _day(self.paid_on)})
                for place, typed in enumerate(one.paid, start=1)
            ]
            self.contracts.append(ContractSheets(number, sheet, paid))

    @property
    def paid_on(self) -> Any:
        """What the day of a payment is called."""
        return gettext_lazy("抵扣日期") if self.stage is Stage.SETTLEMENT else gettext_lazy("兑付日期")

    @property
    def paid_noun(self) -> str:
        """What is done on a voucher."""
        return self.stage.label

    @property
    def may_grow(self) -> bool:
        """Whether one more contract can be added."""
        return len(self.contracts) < MOST_CONTRACTS

    # ---- what it says

    def cases(self) -> list[tuple[str, ReplayCase]]:
        """The cases with what each is called; empty where something cannot be read, which is then said at its field."""
        found: list[tuple[str, ReplayCase]] = []
        who = self.who.answers()
        filled = [one for one in self.contracts if not one.is_empty]
        if not filled:
            self.errors.append(_("请至少填写一份合同的金额。"))
        names = _told_apart([one.title for one in filled])
        for one, name in zip(filled, names, strict=True):
            found += self._of_contract(one, name, who)
        return [] if self.faulty else found

    def _of_contract(
        self, one: ContractSheets, name: str, who: dict[str, Any]
    ) -> Iterator[tuple[str, ReplayCase]]:
        contract = one.sheet.answers()
        applied_on = contract.pop("on", "")
        number = f"A-{one.number:02d}"
        facts = self._facts(Stage.APPLICATION, applied_on, who | contract, applied_on, [one.sheet, self.who])
        if facts is not None:
            yield (
                _("%(name)s · 申领") % {"name": name},
                ReplayCase(case_no=number, on=facts.on, facts=_numbered(facts, name)),
            )
        for place, sheet in enumerate(one.paid, start=1):
            if sheet.is_empty:
                continue
            paid = sheet.answers()
            on = paid.pop("on", "")
            answers = {**who, **contract, _FILED: None, **paid}
            claim = self._facts(self.stage, on, answers, applied_on, [sheet, one.sheet, self.who])
            if claim is None:
                continue
            if facts is not None and claim.on < facts.on:
                sheet.add_error("on", _("不能早于本合同的申领日期。"))
            title = _("%(name)s · 第 %(place)s 笔%(noun)s") % {
                "name": name,
                "place": place,
                "noun": self.paid_noun,
            }
            yield (
                title,
                ReplayCase(
                    case_no=f"C-{one.number:02d}-{place:02d}",
                    on=claim.on,
                    facts=_numbered(claim, name),
                    application_no=number,
                ),
            )

    def _facts(
        self, stage: Stage, on: str, answers: dict[str, Any], applied_on: str, sheets: list[Sheet]
    ) -> Facts | None:
        """The facts of one case; None with what is wrong said at its field."""
        own = sheets[0]
        if not on:
            own.add_error("on", _("请填写日期。"))
            return None
        asked = {question.key for question in self.questionnaire.questions}
        given = {key: value for key, value in answers.items() if key in asked}
        given |= {"facts.stage": stage.label, "facts.on": on, "facts.applied_on": applied_on or on}
        if _FILED in asked and not given.get(_FILED):
            given[_FILED] = f"{on}T12:00"
        try:
            return self.questionnaire.read(given).facts
        except TrialError as error:
            for key, why in error.problems.items():
                self._say(key, why, sheets)
            return None

    def _say(self, key: str, why: str, sheets: list[Sheet]) -> None:
        if key in ("facts.on", "facts.applied_on"):
            key = "on"
        for sheet in sheets:
            if key in sheet.fields:
                if why not in sheet.errors.get(key, []):
                    sheet.add_error(key, why)
                return
        if why not in self.errors:
            self.errors.append(why)

    @property
    def sheets(self) -> list[Sheet]:
        """All of them, in the order of the page."""
        return [self.who, *(sheet for one in self.contracts for sheet in (one.sheet, *one.paid))]

    @property
    def faulty(self) -> bool:
        """Whether something was said to be wrong."""
        return bool(self.errors) or any(sheet.errors for sheet in self.sheets)

    @property
    def faults(self) -> list[tuple[str, str, str]]:
        """What is wrong: the field's place on the page, its label and why; without a field what belongs to none."""
        found = [("", "", why) for why in self.errors]
        for sheet in self.sheets:
            for name, whys in sheet.errors.items():
                bound = sheet[name]
                found += [(bound.id_for_label, str(bound.label), str(why)) for why in whys]
        return found


def _day(label: Any) -> forms.Field:
    return forms.CharField(widget=_DAY, max_length=40, label=label, required=False)


def _numbered(facts: Facts, name: str) -> Facts:
    """The contract under the name that it has on the page, so that what is counted by contract is."""
    return replace(
        facts,
        contracts=tuple(replace(one, contract_no=name) for one in facts.contracts),
        items=tuple(replace(one, contract_no=name if facts.contracts else "") for one in facts.items),
    )


def _told_apart(names: list[str]) -> list[str]:
    """No two contracts under one name."""
    return [
        f"{name}（{names[:place].count(name) + 1}）" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def _without_amounts(typed: Typed) -> Typed:
    return {
        name: values
        for name, values in typed.items()
        if name != "title" and not name.endswith(("amount", "quantity")) and name != _FILED
    }


def _read(data: Mapping[str, Any]) -> tuple[Typed, list[Contract]]:
    """What was posted, contract by contract. Numbers that were made up count no further than the page would."""

    def under(prefix: str) -> Typed:
        head = f"{prefix}-"
        return {key.removeprefix(head): _values(data, key) for key in data if key.startswith(head)}

    contracts = []
    for number in range(1, _count(data, "contracts", MOST_CONTRACTS) + 1):
        paid = _count(data, f"c{number}-paid", MOST_PAID, least=0)
        contracts.append(
            Contract(under(f"c{number}"), [under(f"c{number}p{place}") for place in range(1, paid + 1)])
        )
    return under("who"), contracts


def _values(data: Any, key: str) -> list[str]:
    values: list[str] = data.getlist(key)
    return values


def _count(data: Mapping[str, Any], key: str, most: int, *, least: int = 1) -> int:
    raw = str(data.get(key, ""))
    return min(max(int(raw), least), most) if raw.isascii() and raw.isdigit() and len(raw) < 4 else least
