"""After each migrate, give every watched table its triggers, and tell the trail when the tables have changed.

A trigger function is generated for each table, so that names and regions are looked up by prepared statements; all the
rest is in ``audit/sql/trail.sql``. Triggers are ENABLE ALWAYS: ``session_replication_role`` does not switch them off.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.trail import added, registry
from audit.trail.registry import Tracked
from vouchers.context import GUC, Actor, Context

OWNER = "voucher_owner"
GROWS, NEVER_EMPTIED = "audit_only_grows", "audit_never_emptied"
# The guards that audit/sql/trail.sql puts on the trail's own tables.
GUARDED: dict[str, tuple[str, ...]] = {
    "audit_auditevent": (GROWS, NEVER_EMPTIED),
    "audit_trailleaf": (GROWS, NEVER_EMPTIED),
    "audit_checkpoint": (GROWS, NEVER_EMPTIED),
    "audit_pendingevent": (NEVER_EMPTIED,),
    "audit_personalsalt": (NEVER_EMPTIED,),
}
WRITE, INSERT, IMPORT, EMPTY = "audit_write", "audit_insert", "audit_import", "audit_empty"
# Of a table that takes imports and whose new rows are told together: the owner's own statements, imported rows left out.
OWNED = "audit_insert_owned"


def function_name(tracked: Tracked) -> str:
    """The name of the table's own trigger function, at most 63 bytes long."""
    name = f"audit_on_{tracked.table}"
    return name if len(name) <= 60 else f"{name[:50]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _masked(tracked: Tracked, row: str, salt: str = "salt") -> str:
    """The row as JSON, with personal data and contents replaced by digests and unwatched columns left out."""
    parts = [f"to_jsonb({row})"]
    pairs = [f'{_literal(c)}, public.audit_salted({salt}, {row}."{c}"::text)' for c in tracked.salted]
    pairs += [
        f"{_literal(c)}, public.audit_digest(convert_to({row}.\"{c}\", 'UTF8'))"
        for c in tracked.digested_text
    ]
    pairs += [f'{_literal(c)}, public.audit_digest({row}."{c}")' for c in tracked.digested_bytes]
    if pairs:
        parts.append(f"|| jsonb_build_object({', '.join(pairs)})")
    unwatched = [column for column in tracked.columns if column not in tracked.watched]
    if unwatched:
        parts.append("- ARRAY[" + ", ".join(_literal(column) for column in unwatched) + "]")
    return " ".join(parts)


def _number(tracked: Tracked) -> str:
    """The row's number as SQL."""
    return f'r."{tracked.number}"::text' if tracked.number else f'r."{tracked.key}"::text'


def _case(tracked: Tracked) -> tuple[str, str]:
    """Kind and number of the row's case as SQL."""
    if not tracked.cases:
        return "''", "''"
    kind = "CASE " + " ".join(f"WHEN {c.present} THEN {c.kind}" for c in tracked.cases) + " ELSE '' END"
    number = (
        "CASE " + " ".join(f"WHEN {c.present} THEN {c.number}::text" for c in tracked.cases) + " ELSE '' END"
    )
    return kind, number


def trigger_function(tracked: Tracked, *, as_text: bool = True) -> str:
    """The SQL of the table's trigger function; ``as_text`` where the table is one of those that are (``added``)."""
    salt = (
        f'    salt := public.audit_salt({_literal(tracked.kind)}, r."{tracked.key}"::text);\n'
        if tracked.salted
        else ""
    )
    number = _number(tracked)
    case_kind, case_no = _case(tracked)
    as_text = as_text and added.together(tracked)
    changes = "    changes text;\n" if as_text else ""
    changed = added.changed(tracked, number, case_kind, case_no) if as_text else ""
    return f"""
CREATE OR REPLACE FUNCTION public."{function_name(tracked)}"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $trail$
DECLARE
    r public."{tracked.table}"%ROWTYPE;
    salt bytea;
    before jsonb;
    after jsonb;
{changes}BEGIN
    IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF;{changed}
{salt}    IF TG_OP <> 'INSERT' THEN before := {_masked(tracked, "OLD")}; END IF;
    IF TG_OP <> 'DELETE' THEN after := {_masked(tracked, "NEW")}; END IF;
    IF before = after THEN RETURN NULL; END IF;
    PERFORM public.audit_record(
        lower(TG_OP), NULL, {_literal(tracked.kind)}, {number}, r."{tracked.key}"::text,
        {case_kind}, {case_no}, {tracked.region},
        before, after);
    RETURN NULL;
END
$trail$;
"""


def whole_of_added(tracked: Tracked) -> str:
    """The SQL of the function for new rows that are told a statement at a time."""
    return added.function(tracked, _number(tracked), *_case(tracked))


def state_name(tracked: Tracked) -> str:
    """The name of the function that shows the table's rows as the trail sees them."""
    return function_name(tracked).replace("audit_on_", "audit_state_", 1)


def state_function(tracked: Tracked) -> str:
    """The SQL of that function: key, row as JSON, and whether the insert of such a row is an event of its own."""
    salt = (
        f"(SELECT s.salt FROM public.audit_personalsalt s WHERE s.subject_kind = {_literal(tracked.kind)}"
        f' AND s.subject_pk = r."{tracked.key}"::text)'
    )
    told = tracked.insert_when.replace("NEW.", "r.") or "true"
    return f"""
CREATE OR REPLACE FUNCTION public."{state_name(tracked)}"() RETURNS TABLE (key text, state jsonb, told boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $trail$
    SELECT r."{tracked.key}"::text, {_masked(tracked, "r", salt)}, {told} FROM public."{tracked.table}" r
$trail$;
"""


def region_function() -> str:
    """The SQL of ``audit_region_of``: the region of a subject that is named by kind and number."""
    branches = "\n".join(
        f"        WHEN {_literal(kind)} THEN found := ({lookup});"
        for kind, lookup in registry.region_lookups()
    )
    return f"""
CREATE OR REPLACE FUNCTION public.audit_region_of(p_kind text, p_no text) RETURNS text
LANGUAGE plpgsql STABLE AS $trail$
DECLARE
    found text;
BEGIN
    CASE p_kind
{branches}
        ELSE found := '';
    END CASE;
    RETURN coalesce(found, '');
END
$trail$;
"""


def trigger_statements(tracked: Tracked, *, as_text: bool = True) -> dict[str, str]:
    """Trigger name → the statement that makes it; ``as_text`` where the table is one of those that are (``added``)."""
    table, run = f'public."{tracked.table}"', f'EXECUTE FUNCTION public."{function_name(tracked)}"()'
    unwatched = len(tracked.watched) < len(tracked.columns)
    update = "UPDATE OF " + ", ".join(f'"{c}"' for c in tracked.watched) if unwatched else "UPDATE"
    conditions = []
    if tracked.imports:
        # Imported history is told by the statement, once a file; only a function of the owner can take this way.
        conditions.append(f"NOT (NEW.origin = 'imported' AND current_user = {_literal(OWNER)})")
    if tracked.insert_when:
        conditions.append(f"({tracked.insert_when})")
    when = f"WHEN ({' AND '.join(conditions)}) " if conditions else ""
    statements = {
        WRITE: f"CREATE OR REPLACE TRIGGER {WRITE} AFTER {update} OR DELETE ON {table} FOR EACH ROW {run}",
        INSERT: f"CREATE OR REPLACE TRIGGER {INSERT} AFTER INSERT ON {table} FOR EACH ROW {when}{run}",
        EMPTY: f"CREATE OR REPLACE TRIGGER {EMPTY} AFTER TRUNCATE ON {table} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION public.audit_truncated({_literal(tracked.kind)})",
    }
    if as_text and added.together(tracked):
        told = f"AFTER INSERT ON {table} REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
        tell = f'EXECUTE FUNCTION public."{added.function_name(tracked)}"'
        others = f"WHEN (current_user <> {_literal(OWNER)}) " if tracked.imports else ""
        statements[INSERT] = f"CREATE OR REPLACE TRIGGER {INSERT} {told}{others}{tell}()"
        if tracked.imports:
            statements[OWNED] = (
                f"CREATE OR REPLACE TRIGGER {OWNED} {told}WHEN (current_user = {_literal(OWNER)}) {tell}('live')"
            )
    if tracked.imports:
        statements[IMPORT] = (
            f"CREATE OR REPLACE TRIGGER {IMPORT} AFTER INSERT ON {table} REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
            f"WHEN (current_user = {_literal(OWNER)}) EXECUTE FUNCTION public.audit_imported_rows({_literal(tracked.kind)})"
        )
    return statements


def attach(connection: BaseDatabaseWrapper) -> None:
    """Make functions and triggers of every watched table; remove those of tables that are watched no more."""
    tracked_tables = registry.tracked_tables()
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(region_function())
        cursor.execute("REVOKE ALL ON FUNCTION public.audit_region_of(text, text) FROM PUBLIC")
        for tracked in tracked_tables:
            cursor.execute(trigger_function(tracked))
            cursor.execute(state_function(tracked))
            cursor.execute(f'REVOKE ALL ON FUNCTION public."{state_name(tracked)}"() FROM PUBLIC')
            cursor.execute(f'GRANT EXECUTE ON FUNCTION public."{state_name(tracked)}"() TO voucher_app')
            cursor.execute(f'REVOKE ALL ON FUNCTION public."{function_name(tracked)}"() FROM PUBLIC')
            if added.together(tracked):
                cursor.execute(whole_of_added(tracked))
                cursor.execute(
                    f'REVOKE ALL ON FUNCTION public."{added.function_name(tracked)}"() FROM PUBLIC'
                )
            for name, statement in trigger_statements(tracked).items():
                cursor.execute(statement)
                cursor.execute(f'ALTER TABLE public."{tracked.table}" ENABLE ALWAYS TRIGGER {name}')
        for table in registry.EXCEPTIONS:
            for name in (WRITE, INSERT, OWNED, IMPORT, EMPTY):
                cursor.execute(f'DROP TRIGGER IF EXISTS {name} ON public."{table}"')
        told = Context(actor=Actor.service("migrate"), verb="migrate")
        cursor.execute("SELECT set_config(%s, %s, true)", [GUC, told.as_json()])
        cursor.execute("SELECT public.audit_log_schema(%s::jsonb)", [_schema(connection, tracked_tables)])
        _take_bases(cursor, tracked_tables)


def _take_bases(cursor: Any, tracked_tables: list[Tracked]) -> None:
    """底本: the rows of tables that are watched for the first time, or were so before bases were taken, into the trail.

    After the schema event, so that replay knows which columns they had. Once a table: rows that come by while its triggers
    are gone stay rows without a history, and are named.
    """
    cursor.execute("SELECT public.audit_based_tables()")
    based = {table for (table,) in cursor.fetchall()}
    taken: dict[str, int] = {}
    for tracked in tracked_tables:
        if tracked.table not in based:
            cursor.execute(f'LOCK TABLE public."{tracked.table}" IN SHARE ROW EXCLUSIVE MODE')
            cursor.execute(
                "SELECT public.audit_take_base(%s, %s, %s, %s, %s)",
                [tracked.table, tracked.kind, state_name(tracked), tracked.key, bool(tracked.salted)],
            )
            taken[tracked.table] = cursor.fetchone()[0]
    if taken:
        cursor.execute(
            "SELECT public.audit_record('schema', 'adopt', 'schema', 'base', '', '', '', '', NULL, NULL, %s::jsonb)",
            [json.dumps(taken)],
        )


def _schema(connection: BaseDatabaseWrapper, tracked_tables: list[Tracked]) -> str:
    """{table: [columns in alphabetical order]} as the database has them, as JSON text."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT jsonb_object_agg(relname, names)::text FROM (
                SELECT c.relname, jsonb_agg(a.attname ORDER BY a.attname) AS names
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s) GROUP BY c.relname
            ) AS tables
            """,
            [[tracked.table for tracked in tracked_tables]],
        )
        return str(cursor.fetchone()[0])


def attach_after_migrate(using: str = "owner", plan: Any = None, **_: Any) -> None:
    """The receiver of ``post_migrate``. Only the owner can, and only once the trail's own tables exist."""
    if using != "owner":
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('public.audit_log_schema(jsonb)') IS NOT NULL")
        if cursor.fetchone()[0]:
            attach(connection)


@dataclass(frozen=True)
class Fault:
    """A table that the trail does not watch as it should."""

    table: str
    sentence: str


def examine(connection: BaseDatabaseWrapper) -> list[Fault]:
    """Every table of the three apps has its triggers, always enabled, or stands on the list of exceptions with a reason.

    Looks at the tables as the database has them, not only at the models, so that a table made by hand is found as well.
    """
    expected = {tracked.table: set(trigger_statements(tracked)) for tracked in registry.tracked_tables()}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, coalesce(array_agg(t.tgname) FILTER (WHERE t.tgenabled = 'A'), '{}'),
                   coalesce(array_agg(t.tgname) FILTER (WHERE t.tgenabled <> 'A'), '{}')
            FROM pg_class c LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgname LIKE 'audit\\_%%'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND (c.relname ~ '^(vouchers|applications|audit)_' OR c.relname = ANY(%s))
            GROUP BY c.relname ORDER BY c.relname
            """,
            [list(expected)],
        )
        found = {table: (set(always), set(weak)) for table, always, weak in cursor.fetchall()}
    faults = []
    for table, (always, weak) in found.items():
        if table in GUARDED:
            faults += [
                Fault(table, f"数据表 {table} 的只增不改保护 {name} 缺失或已被停用。")
                for name in GUARDED[table]
                if name not in always
            ]
        if table in registry.EXCEPTIONS:
            continue
        if table not in expected:
            faults.append(Fault(table, f"数据表 {table} 不属于任何模型，也不在例外清单中，其变更不会留痕。"))
            continue
        for name in sorted(expected[table] - always):
            state = "已被停用或降级" if name in weak else "缺失"
            faults.append(Fault(table, f"数据表 {table} 的留痕触发器 {name} {state}。"))
    missing = sorted(set(expected) - set(found))
    return faults + [Fault(table, f"数据表 {table} 不存在，请先执行迁移。") for table in missing]
