"""An event in words: who did what to which case, and what changed, as a person reads it. Never JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from audit.account_words import account_words
from audit.models import AuditEvent
from audit.models.trail import ActorKind, Operation
from audit.trail.subjects import models_by_kind
from audit.web.column_words import COLUMN_WORDS
from audit.web.content_words import content_text
from audit.web.verb_words import DEEDS, NOUNS, WHOLE
from vouchers.access import Role
from vouchers.models import LedgerAccount
from vouchers.models.ledger import TransferCode, TransferKind
from vouchers.states import REGISTRY
from vouchers.web import wording

# Columns that say nothing to a reader beside what the page shows already.
SILENT = frozenset({"id", "recorded_at", "origin", "account_id", "inputs_hash", "updated_at"})
LONGEST = 240
ACCOUNT, TRANSFER = "ledger_account", "ledger_transfer"


def kind_label(kind: str) -> str:
    """``claim`` → 兑付申请."""
    return _kind_label(kind, get_language())


@lru_cache(4096)
def _kind_label(kind: str, _language: str | None) -> str:
    model = models_by_kind().get(kind)
    return str(model._meta.verbose_name) if model is not None else str(NOUNS.get(kind, kind))


def verb_label(verb: str) -> str:
    """``claim.approve`` → 核准; what was announced by nothing but the request is told with its address."""
    return _verb_label(verb, get_language())


@lru_cache(4096)
def _verb_label(verb: str, _language: str | None) -> str:
    method, _space, path = verb.partition(" ")
    if method in ("GET", "POST", "PUT", "PATCH", "DELETE") and path:
        return _("请求 %(path)s") % {"path": path}
    if verb in WHOLE:
        return str(WHOLE[verb])
    noun, _dot, deed = verb.partition(".")
    if not deed:
        return str(DEEDS.get(verb, verb))
    lifecycle = REGISTRY.get(noun)
    if lifecycle is not None and lifecycle.label_of(deed) != deed:
        return lifecycle.label_of(deed)
    return str(DEEDS[deed]) if deed in DEEDS else verb


def verbs_called(word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The verbs that this word means (核准 → application.approve, claim.approve …), and the ends of those that any noun may take."""
    if not word:
        return (), ()
    verbs = [
        f"{lifecycle.name}.{transition.verb}"
        for lifecycle in REGISTRY.values()
        for transition in lifecycle.transitions
        if word in (transition.label, transition.verb)
    ]
    verbs += [verb for verb, said in WHOLE.items() if word == verb or word in str(said)]
    ends = [deed for deed, said in DEEDS.items() if word == str(said)]
    return tuple(dict.fromkeys(verbs)), tuple(ends)


def role_labels(roles: Iterable[str]) -> str:
    """The roles held at the time, in words."""
    known = _role_words(get_language())
    return "、".join(known.get(role, role) for role in roles)


@cache
def _role_words(_language: str | None) -> dict[str, str]:
    return {role.value: str(role.label) for role in Role}


@dataclass(frozen=True)
class Difference:
    """One column of one row: what it was and what it became. ``before`` is None for a new row, ``after`` for a gone one."""

    label: str
    before: str | None
    after: str | None


@dataclass
class Told:
    """An event as the pages draw it."""

    event: AuditEvent
    title: str
    who: str
    subject: str
    differences: list[Difference] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    leaf: int | None = None

    @property
    def noun(self) -> str:
        """What the deed was done to, by its verb: 申领 of ``application.save``. Empty where the verb's word says all."""
        noun, _dot, deed = self.event.verb.partition(".")
        if not deed or self.event.verb in WHOLE:
            return ""
        label = kind_label(noun)
        return "" if label.isascii() else label

    @property
    def story(self) -> tuple[str, str] | None:
        """(kind, number) of the case whose story this is a part of; None for what has none (requests, logins)."""
        if self.event.case_no:
            return self.event.case_kind, self.event.case_no
        if self.event.subject_kind == ACCOUNT:
            words = account_words(self.event.subject_no)
            return (words.kind, words.number) if words.kind else (ACCOUNT, self.event.subject_no)
        if (
            self.event.operation in (Operation.IMPORT, Operation.SCHEMA)  # of a table as a whole
            or self.event.subject_no in ("", self.event.subject_pk)
            or self.event.subject_kind not in models_by_kind()
        ):
            return None
        return self.event.subject_kind, self.event.subject_no


class Names:
    """The names of rows that foreign keys point to, fetched once a page."""

    def __init__(self, events: Iterable[AuditEvent]) -> None:
        wanted: dict[type[models.Model], set[Any]] = {}
        for event in events:
            model = models_by_kind().get(event.subject_kind)
            if model is None or event.operation not in (Operation.INSERT, Operation.UPDATE, Operation.DELETE):
                continue
            for column, pair in event.changes.items():
                target = _target(model, column)
                if target is not None:
                    wanted.setdefault(target, set()).update(
                        value for value in pair if isinstance(value, int | str)
                    )
        self.known = {model: model._base_manager.in_bulk(list(keys)) for model, keys in wanted.items()}

    def of(self, model: type[models.Model], key: Any) -> str:
        """The row's name; its key when the row is gone."""
        rows = self.known.get(model, {})
        row = next((rows[candidate] for candidate in (key, str(key)) if candidate in rows), None)
        if row is None:
            row = next((found for pk, found in rows.items() if str(pk) == str(key)), None)
        if row is None:
            return f"#{key}"
        return account_words(row.code).text if isinstance(row, LedgerAccount) else str(row)


@cache
def _field(model: type[models.Model], column: str) -> models.Field[Any, Any] | None:
    return next((field for field in model._meta.local_fields if field.column == column), None)


def _target(model: type[models.Model], column: str) -> type[models.Model] | None:
    found = _field(model, column)
    if isinstance(found, models.ForeignKey) and isinstance(found.related_model, type):
        return found.related_model
    return None


def column_label(model: type[models.Model] | None, column: str) -> str:
    """The column's word: the model's, else that of what it points to, else ours; the column itself when there is none."""
    return _column_label(model, column, get_language())


@lru_cache(4096)
def _column_label(model: type[models.Model] | None, column: str, _language: str | None) -> str:
    found = _field(model, column) if model is not None else None
    if found is None:
        return column
    own = str(found.verbose_name)
    if not own.isascii():
        return own
    if found.name in COLUMN_WORDS:
        return str(COLUMN_WORDS[found.name])
    target = _target(model, column)  # type: ignore[arg-type]
    pointed = str(target._meta.verbose_name) if target is not None else own
    return own if pointed.isascii() else pointed


def value_text(model: type[models.Model] | None, column: str, value: Any, names: Names) -> str:
    """A stored value as a person writes it."""
    if value is None or value == "" or value == [] or value == {}:
        return _("（空）")
    if isinstance(value, dict) and "salted" in value:
        return _("（个人信息，只留摘要）")
    if isinstance(value, dict) and "sha256" in value:
        return _("内容摘要 %(digest)s…") % {"digest": str(value["sha256"])[:12]}
    found = _field(model, column) if model is not None else None
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if column == "code" and model is LedgerAccount:
        return account_words(str(value)).text
    if found is not None:
        target = _target(model, column)  # type: ignore[arg-type]
        if target is not None:
            return names.of(target, value)
        if isinstance(value, str) and found.choices:
            return _choices(found, get_language()).get(value, value)
        if isinstance(found, models.DecimalField):
            number = Decimal(str(value))
            if column.endswith("_rate"):
                return wording.rate_text(number)
            if found.decimal_places == 2 and not column.endswith("hours"):
                return _("%(amount)s 元") % {"amount": wording.money_text(number)}
            return wording.plain_number(number)
        if isinstance(found, models.DateTimeField):
            return wording.instant_text(value)
        if isinstance(found, models.DateField):
            return wording.date_text(value)
    return _shortened(content_text(value))


@cache
def _choices(found: models.Field[Any, Any], _language: str | None) -> dict[str, str]:
    return {str(value): str(label) for value, label in found.flatchoices}


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}……"


def who_text(event: AuditEvent) -> str:
    """Who acted, with organisation and roles; for what went around the application, the login of the database."""
    if event.actor_kind == ActorKind.UNANNOUNCED:
        return _("未经系统直接改动（数据库登录 %(login)s）") % {"login": event.document["database"]["user"]}
    if event.actor_kind == ActorKind.ANONYMOUS:
        return _("未登录者")
    if event.actor_kind == ActorKind.SERVICE:
        return _("系统服务 %(name)s") % {"name": event.actor_name}
    parts = [event.organisation, role_labels(event.actor_roles)]
    beside = "，".join(part for part in parts if part)
    return f"{event.actor_name}（{beside}）" if beside else event.actor_name


def tell(events: list[AuditEvent], leaves: dict[int, int] | None = None) -> list[Told]:
    """The events in words, in the order given."""
    names = Names(events)
    return [_tell_one(event, names, (leaves or {}).get(event.pk)) for event in events]


def _tell_one(event: AuditEvent, names: Names, leaf: int | None) -> Told:
    model = models_by_kind().get(event.subject_kind)
    told = Told(
        event=event,
        title=verb_label(event.verb),
        who=who_text(event),
        subject=_subject(event, names),
        leaf=leaf,
    )
    if event.operation in (Operation.INSERT, Operation.UPDATE, Operation.DELETE):
        for column, (was, now) in sorted(event.changes.items(), key=lambda item: _place(model, item[0])):
            if column in SILENT or (
                event.operation != Operation.UPDATE and (was in (None, "") and now in (None, ""))
            ):
                continue
            told.differences.append(
                Difference(
                    column_label(model, column),
                    None if event.operation == Operation.INSERT else value_text(model, column, was, names),
                    None if event.operation == Operation.DELETE else value_text(model, column, now, names),
                )
            )
    else:
        told.facts = [
            (str(_FACTS.get(name, name)), _shortened(content_text(value)))
            for name, value in event.changes.items()
            if name != "state"  # of a base, the rows themselves: they leave with the export
        ]
        if event.subject_kind == "schema":
            told.facts = [(_("数据表"), _("共 %(count)s 张") % {"count": len(event.changes)})]
            if event.subject_no == "base":
                rows = sum(int(count) for count in event.changes.values())  # type: ignore[call-overload]
                told.facts.append((_("底本所载"), _("%(count)s 行") % {"count": rows}))
    return told


def _subject(event: AuditEvent, names: Names) -> str:
    """What the event is about: its kind and number; an account by its words, a transfer by what it moved whence and where."""
    kind = kind_label(event.subject_kind)
    if event.subject_kind == ACCOUNT:
        return account_words(event.subject_no).text
    if event.subject_kind == TRANSFER and event.operation == Operation.INSERT:
        now = {column: pair[1] for column, pair in event.changes.items()}
        code = dict(TransferCode.choices).get(now.get("code", ""), "")
        return _("%(kind)s：%(code)s %(amount)s 元，%(debit)s → %(credit)s") % {
            "kind": dict(TransferKind.choices).get(now.get("kind", ""), kind),
            "code": code,
            "amount": wording.money_text(now.get("amount")),
            "debit": names.of(LedgerAccount, now.get("debit_id")),
            "credit": names.of(LedgerAccount, now.get("credit_id")),
        }
    number = event.subject_no if event.subject_no != event.subject_pk else ""
    model = models_by_kind().get(event.subject_kind)
    if event.subject_kind == "schema" or (model is not None and number == model._meta.db_table):
        number = ""  # of a table as a whole: its word says it
    return f"{kind} {number}".strip()


_FACTS = {
    "code": lazy("错误代码"), "status": lazy("状态码"), "path": lazy("地址"), "rows": lazy("行数"), "first": lazy("首行主键"), "last": lazy("末行主键"), "form": lazy("摘要取法"), "rows_taken": lazy("入库行数"),
    "kind": lazy("类别"), "question": lazy("所问"), "sha256": lazy("摘要"), "size": lazy("数量"), "root": lazy("根散列"), "filter": lazy("筛选条件"), "reason": lazy("原因"), "pages": lazy("页数"),
    "file": lazy("文件"), "bytes": lazy("字节数"), "kept": lazy("保留"), "findings": lazy("问题数"), "events": lazy("事件数"), "papers": lazy("材料数"), "case": lazy("案卷"),
    "told": lazy("所见"), "tables": lazy("与各表比对"), "manifest_sha256": lazy("清单摘要"), "content_sha256": lazy("内容摘要"),
}  # fmt: skip


def _place(model: type[models.Model] | None, column: str) -> int:
    places = _places(model)
    return places.get(column, len(places))


@cache
def _places(model: type[models.Model] | None) -> dict[str, int]:
    return (
        {str(found.column): place for place, found in enumerate(model._meta.local_fields)}
        if model is not None
        else {}
    )
