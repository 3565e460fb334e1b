"""Which tables the trail watches, and how each row is named in it. Kept here: the lower apps know nothing of the trail.

Nearly everything follows from the project's habits: the business number is the column ``<noun>_no``; a row belongs to
the case its ``subject_kind``/``subject_no`` or its first foreign key to a numbered noun names; its region is found by
its queryset's ``region_path``. What does not follow from them is said below, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db import models

from vouchers.access import ScopedQuerySet

APPS = ("vouchers", "applications", "audit")

# Tables without triggers: table → why.
EXCEPTIONS: dict[str, str] = {
    "audit_auditevent": "留痕本身：只增不改，由叶与封存点守护",
    "audit_pendingevent": "留痕的待封存队列：行随封存而去，事件仍在",
    "audit_trailleaf": "留痕的叶：由根散列与签名守护",
    "audit_checkpoint": "封存点：由签名守护，并另存于库外",
    "audit_witnesssignature": "见证方对封存点的签名：由其签名守护，见证方自存一份",
    "audit_personalsalt": "个人信息盐值：删除即抹去个人信息，不得另留副本",
    "vouchers_ledgertill": "热点科目分户的计数：与科目计数一样由转账推出，每笔转账另有留痕",
    "vouchers_outboxmessage": "待发消息只是唤醒后台任务的进度；所办之事本身另有留痕",
    "vouchers_platformevent": "发给平台的状态变动副本：所述之事在原单据上另有留痕",
    "vouchers_webhookdelivery": "推送记录本身即日志，只增不改；推送地址及其密钥的变更另有留痕",
    "vouchers_ratelimit": "调用频度的计数，崩溃即清零，不据以作任何决定",
    "applications_settlementanswer": "首次答复的原样留存：所述抵扣另有留痕",
    "applications_settlementbatchline": "批次明细的办理结果：每笔抵扣另有留痕，未受理的只在此处",
    "applications_leaseuse": "合同项下已申报金额的合计，由数据库随明细记数，每日与明细核对；明细的变更另有留痕",
    "audit_suspicion": "每次扫描由预警重算的名次，不据以作任何决定；预警与扫描批次各自留痕",
}

# Columns whose changes are no event, with the reason beside each.
UNWATCHED: dict[str, tuple[str, ...]] = {
    # The counters follow from the transfers, and each transfer is an event.
    "vouchers_ledgeraccount": ("debits_pending", "debits_posted", "credits_pending", "credits_posted"),
    # When a token was last shown: kept to five minutes, for whoever looks after it.
    "vouchers_apicredential": ("last_used_at",),
    # How far a platform has been told; proposing, approving, secrets and stopping are events.
    "vouchers_webhook": ("delivered", "failures", "next_at"),
    # Figures of the queue, renewed by each scan; flags and scans are events, and so are members, states and conclusions.
    "audit_case": ("outcome", "rank", "weight", "amount"),
    "audit_casesubject": ("outcome", "rank", "weight"),
    # How far a long task has come; its start, end, result and cancel mark are events.
    "vouchers_job": ("progress", "total", "unit", "message", "beat_at", "seen_at"),
}

# Inserts that are no event unless this holds of the new row.
INSERT_WHEN: dict[str, str] = {
    # An accepted attempt is its transfers, each an event; a refused one leaves no other mark.
    "vouchers_ledgerattempt": "NOT NEW.accepted",
}

# Personal data and secrets: in the event as salted digest. By column name, wherever it occurs.
SALTED = frozenset(
    {
        "password",
        "token_digest",
        "previous_token_digest",
        "secret_sealed",
        "previous_secret_sealed",
        "phone",
        "filer_phone",
        "email",
        "contact",
        "legal_rep_name",
        "legal_rep_id",
        "account_no",
        "payer_account",
        "payee_account",
        "holder_id",
        "holder_name",
    }
)

# Long documents: in the event as SHA-256 of the UTF-8 text. Binary columns are always digested.
DIGESTED: dict[str, tuple[str, ...]] = {
    "vouchers_pricesnapshot": ("content",),
    "applications_lease": ("document_text",),
    "audit_reviewdraw": ("lot",),
    "audit_auditsample": ("lot",),
}

# Where the case is not what the habits give: the foreign keys or number columns to look at, in this order.
CASES: dict[str, tuple[str, ...]] = {
    "vouchers_payment": ("claim_no",),
    "vouchers_voucher": (),
    "applications_claim": (),
    "applications_application": (),
    "applications_lease": (),
    "vouchers_party": (),
    "vouchers_user": (),
    "vouchers_program": (),
    "vouchers_paymentbatch": (),
    "vouchers_rolegrant": ("user",),
    "vouchers_policyversion": ("program",),
    "vouchers_publication": ("program",),
}

# Nouns whose number names a case by itself, when another row points to it.
_NUMBER_FALLBACKS = ("code", "uscc", "username")


def noun(model: type[models.Model]) -> str:
    """``PolicyVersion`` → ``policy_version``: the subject kind of its rows."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model._meta.object_name or "").lower()


@cache
def number_column(model: type[models.Model]) -> str | None:
    """The column that holds the business number; None when the rows have none and the key must serve."""
    by_name = {field.name: field for field in model._meta.local_fields}
    own = f"{noun(model)}_no"
    if own in by_name:
        return own
    unique = [
        name for name, field in by_name.items() if name.endswith("_no") and getattr(field, "unique", False)
    ]
    if len(unique) == 1:
        return unique[0]
    for name in _NUMBER_FALLBACKS:
        if name in by_name and by_name[name].unique:
            return name
    return None


@dataclass(frozen=True)
class Case:
    """One way from a row to its case: the kind and number as SQL over the row ``r``, with the look-up it needs."""

    kind: str
    number: str
    present: str


@dataclass(frozen=True)
class Tracked:
    """One watched table."""

    model: type[models.Model]
    table: str
    kind: str
    key: str
    number: str | None
    columns: tuple[str, ...]
    watched: tuple[str, ...]
    salted: tuple[str, ...]
    digested_text: tuple[str, ...]
    digested_bytes: tuple[str, ...]
    cases: tuple[Case, ...]
    region: str
    imports: bool
    insert_when: str = ""


def _row(column: str) -> str:
    return f'r."{column}"'


def _column(field: object) -> str:
    """The column of a field that has one."""
    assert isinstance(field, models.Field)
    assert field.column is not None
    return field.column


def _foreign_case(model: type[models.Model], name: str) -> Case | None:
    field = model._meta.get_field(name)
    column = _row(_column(field))
    if not isinstance(field, models.ForeignKey):
        return Case(f"'{name.removesuffix('_no')}'", column, f"{column} <> ''")
    target = field.related_model
    if not isinstance(target, type) or target is model:
        return None
    number = number_column(target)
    if number is None:
        return None
    lookup = (
        f'(SELECT t."{number}" FROM public."{target._meta.db_table}" t '
        f'WHERE t."{_column(target._meta.pk)}" = {column})'
    )
    return Case(f"'{noun(target)}'", lookup, f"{column} IS NOT NULL")


def _cases(model: type[models.Model]) -> tuple[Case, ...]:
    """The ways to the case, the first that is present counts; none when the row is a case itself."""
    named = CASES.get(model._meta.db_table)
    if named is not None:
        return tuple(case for name in named if (case := _foreign_case(model, name)))
    names = {field.name for field in model._meta.local_fields}
    ways: list[Case] = []
    if {"subject_kind", "subject_no"} <= names:
        ways.append(Case(_row("subject_kind"), _row("subject_no"), f"{_row('subject_no')} <> ''"))
    for field in model._meta.local_fields:
        if isinstance(field, models.ForeignKey) and noun(field.related_model) not in ("user", "region"):
            case = _foreign_case(model, field.name)
            if case is not None:
                ways.append(case)
                break
    return tuple(ways)


def region_path(model: type[models.Model]) -> str | None:
    """The look-up that leads from a row to its region's code; None when rows of this table have no region."""
    manager = model._default_manager
    queryset = manager.get_queryset()
    if isinstance(queryset, ScopedQuerySet) and queryset.region_path:
        return queryset.region_path
    for field in model._meta.local_fields:
        # A child without a way of its own takes its parent's.
        if isinstance(field, models.ForeignKey) and field.related_model not in (model, "self"):
            parent = field.related_model
            above = parent._default_manager.get_queryset() if isinstance(parent, type) else None
            if isinstance(above, ScopedQuerySet) and above.region_path and noun(parent) != "user":
                return f"{field.name}__{above.region_path}"
    return None


def _region(model: type[models.Model]) -> str:
    """The region's code as SQL over the row ``r``; an empty text when rows of this table have none."""
    path = region_path(model)
    if path is None:
        names = {field.name for field in model._meta.local_fields}
        if {"subject_kind", "subject_no"} <= names:
            return f"public.audit_region_of({_row('subject_kind')}, {_row('subject_no')})"
        return "''"
    return region_sql(model, path)


def region_sql(model: type[models.Model], path: str, row: str = "r") -> str:
    """``program__region__code`` over a row → a scalar subquery along the foreign keys."""
    steps = path.split("__")
    field = model._meta.get_field(steps[0])
    if len(steps) == 1:
        return f'{row}."{_column(field)}"'
    target = field.related_model
    assert isinstance(target, type)
    alias = f"t{len(steps)}"
    inner = region_sql(target, "__".join(steps[1:]), alias)
    return (
        f'(SELECT {inner} FROM public."{target._meta.db_table}" {alias} '
        f'WHERE {alias}."{_column(target._meta.pk)}" = {row}."{_column(field)}")'
    )


def _tracked(model: type[models.Model]) -> Tracked:
    meta = model._meta
    columns = tuple(_column(field) for field in meta.local_fields)
    unwatched = UNWATCHED.get(meta.db_table, ())
    return Tracked(
        model=model,
        table=meta.db_table,
        kind=noun(model),
        key=_column(meta.pk),
        number=number_column(model),
        columns=columns,
        watched=tuple(column for column in columns if column not in unwatched),
        salted=tuple(column for column in columns if column in SALTED),
        digested_text=DIGESTED.get(meta.db_table, ()),
        digested_bytes=tuple(_column(f) for f in meta.local_fields if isinstance(f, models.BinaryField)),
        cases=_cases(model),
        region=_region(model),
        imports="origin" in columns,
        insert_when=INSERT_WHEN.get(meta.db_table, ""),
    )


def models_of_apps() -> Iterator[type[models.Model]]:
    """Every table of the three apps, with the tables of many-to-many relations."""
    for label in APPS:
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            if model._meta.managed and not model._meta.proxy:
                yield model


def tracked_tables() -> list[Tracked]:
    """Every watched table, in the order of their names."""
    return sorted(
        (_tracked(model) for model in models_of_apps() if model._meta.db_table not in EXCEPTIONS),
        key=lambda tracked: tracked.table,
    )


def region_lookups() -> list[tuple[str, str]]:
    """For rows that name their subject by kind and number: kind → SQL that finds the region by the number ``p_no``."""
    lookups: list[tuple[str, str]] = []
    for model in models_of_apps():
        number, path = number_column(model), region_path(model)
        if number and path and model._meta.db_table not in EXCEPTIONS:
            column = _column(model._meta.get_field(number))
            lookups.append(
                (
                    noun(model),
                    f'SELECT {region_sql(model, path)} FROM public."{model._meta.db_table}" r WHERE r."{column}" = p_no',
                )
            )
    return sorted(lookups)
