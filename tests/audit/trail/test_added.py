"""What is told as text is told as the general row trigger would, to the byte: new rows by the statement, and changed ones."""

from __future__ import annotations

import json

import psycopg
import pytest

from audit.trail import added, attach, registry

#: every column is filled once and, where it may be empty, left empty once; the text has all that JSON must escape
ODD = '引号"、反斜杠\\、换行\n、制表\t与\x01控制符'
ACCOUNT = """
INSERT INTO vouchers_ledgeraccount (
    id, ledger, kind, code, region_code, returns_to_id, limit_amount, debits_pending, debits_posted, credits_pending, credits_posted,
    debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on, closed_on)
VALUES (uuidv7(), 'money', 'voucher', %(odd)s, '110115', NULL, NULL, 0, 0, 0, 0, true, false, false, true, '2025-07-15', NULL),
       (uuidv7(), 'entitlement', 'cap', 'other', '', (SELECT min(id::text)::uuid FROM vouchers_ledgeraccount), 0.10, 0, 0, 0, 0, true, false, true, true,
        '2025-07-15', '2025-12-31')
"""
TRANSFER = """
INSERT INTO vouchers_ledgertransfer (
    id, chain_id, position, kind, code, debit_id, credit_id, amount, pending_id, reverses_id, expires_on, subject_kind, subject_no, booked_on)
SELECT uuidv7(), uuidv7(), nr, kind, 'issue', a.debit, a.credit, 1234567890123456.70, pending, reverses, expires::date, 'voucher', subject, '2025-07-15'
  FROM (SELECT min(id::text)::uuid AS debit, max(id::text)::uuid AS credit FROM vouchers_ledgeraccount) AS a,
       (VALUES (1, 'single', NULL::uuid, uuidv7(), NULL, %(odd)s), (2, 'pending', NULL, NULL, '2025-08-01', ''), (3, 'post', uuidv7(), NULL, NULL, 'V-1'))
       AS t (nr, kind, pending, reverses, expires, subject)
"""
SAID = json.dumps(
    {"kind": "user", "actor": "li.lei", "name": ODD, "roles": ["经办", 'a"b'], "organisation": ODD}
    | {"address": "10.0.0.7", "verb": "ledger.try", "reason": ODD, "request_id": "r-1"},
    ensure_ascii=False,
)


CASEWORK = sorted(added.TABLES - {"vouchers_ledgertransfer", "vouchers_ledgeraccount"})
#: a value of every type that a column has, and another that it is changed to
VALUES = {
    "bigint": ("7", "8"),
    "integer": ("7", "-8"),
    "smallint": ("7", "8"),
    "numeric": ("1234.50", "0.10"),
    "boolean": ("true", "false"),
    "date": ("'2025-07-15'", "'2025-12-31'"),
    "timestamp with time zone": ("'2025-07-15 10:00:00.5+08'", "'2025-12-31 23:59:59+00'"),
    "uuid": ("'0198b8a2-0000-7000-8000-000000000001'", "'0198b8a2-0000-7000-8000-000000000002'"),
    "jsonb": ("""'{"b": [1, 2.50, null], "aa": "引\\"号"}'""", "'null'"),
    "ARRAY": ("ARRAY['a\"b', '乙']", "'{}'"),
    "text": ("%(odd)s", "''"),
    "character varying": ("left(%(odd)s, {length})", "''"),
}


def columns_of(owner: psycopg.Connection, table: str) -> list[tuple[str, str, bool, int]]:
    return owner.execute(
        "SELECT column_name, data_type, is_nullable = 'YES', coalesce(character_maximum_length, 0) FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
        [table],
    ).fetchall()


def told_since(owner: psycopg.Connection, before: int) -> list[tuple[object, ...]]:
    """Every event since, without its number and instant, each looked at by itself."""
    rows = owner.execute(
        "SELECT id, event_no, actor_kind, actor, verb, request_id, region_code, subject_kind, subject_no, subject_pk, case_kind, case_no,"
        " operation, convert_from(canonical, 'UTF8'), convert_from(canonical, 'UTF8')::jsonb::text FROM audit_auditevent WHERE id > %s ORDER BY id",
        [before],
    ).fetchall()
    events = []
    for event_id, event_no, *columns, canonical, as_jsonb in rows:
        assert canonical == as_jsonb, "the form is not that of jsonb"
        event = json.loads(canonical)
        assert (event["id"], event["event"], event_no.version) == (event_id, str(event_no), 7)
        event["id"] = event["event"] = event["at"] = ""
        events.append((*columns, json.dumps(event)))
    (waiting,) = owner.execute(
        "SELECT count(*) FROM audit_pendingevent WHERE event_id > %s", [before]
    ).fetchone()
    assert waiting == len(events)
    return events


@pytest.mark.parametrize("said", [SAID, ""])
@pytest.mark.parametrize("table", CASEWORK)
def test_a_row_of_casework_is_told_and_its_changes_as_the_general_trigger_would(committed_db, table, said):
    """The same deeds twice, once with the table told as text, once as every other table; all columns filled, emptied, filled."""
    tracked = next(one for one in registry.tracked_tables() if one.table == table)
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        for (constraint,) in owner.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('f', 'c')",
            [table],
        ).fetchall():
            owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"')
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for name in attach.trigger_statements(tracked):
            owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
        columns = columns_of(owner, table)

        def value(column: tuple[str, str, bool, int], which: int) -> str:
            name, kind, empty, length = column
            if name == "id":
                return "900001"
            if name == "origin":
                return "'live'"
            if which == 2 and empty:
                return "NULL"
            return VALUES[kind][min(which, 1)].replace("{length}", str(length))

        def deeds() -> list[tuple[object, ...]]:
            owner.execute("SAVEPOINT before")
            owner.execute("SELECT set_config('voucher.context', %s, true)", [said])
            (before,) = owner.execute("SELECT max(id) FROM audit_auditevent").fetchone()
            names = ", ".join(f'"{name}"' for name, *_ in columns)
            for first in (0, 2):
                filled = ", ".join(value(column, first) for column in columns)
                owner.execute(
                    f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({filled})", {"odd": ODD}
                )
                for which in (1, 1, 2, 0):
                    changed = ", ".join(f'"{c[0]}" = {value(c, which)}' for c in columns if c[0] != "id")
                    owner.execute(f"UPDATE {table} SET {changed}", {"odd": ODD})
                for column in columns[1:]:  # and each column by itself
                    owner.execute(f'UPDATE {table} SET "{column[0]}" = {value(column, 1)}', {"odd": ODD})
                owner.execute(f"DELETE FROM {table}")
            told = told_since(owner, before)
            owner.execute("ROLLBACK TO SAVEPOINT before")
            return told

        as_text = deeds()
        # and told as every other table
        owner.execute(f"DROP TRIGGER IF EXISTS {attach.OWNED} ON {table}")
        owner.execute(attach.trigger_function(tracked, as_text=False))
        owner.execute(attach.trigger_statements(tracked, as_text=False)[attach.INSERT])
        owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {attach.INSERT}")
        assert as_text == deeds()
        assert {row[-2] for row in as_text} == {"insert", "update", "delete"}
        owner.rollback()


@pytest.mark.parametrize(
    "table",
    [t for t in CASEWORK if t not in ("applications_review", "applications_check", "vouchers_screening")],
)
def test_what_somebody_calls_imported_is_told_row_by_row_unless_the_owner_brings_it_in(committed_db, table):
    """Only the owner's import is told as a whole; a row that another calls imported is a row like every other."""
    with psycopg.connect(committed_db.superuser_dsn) as connection:
        owner = connection.execute(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE 'audit%%'",
            [table],
        )
        triggers = dict(owner.fetchall())
    assert "voucher_owner" in triggers["audit_insert"] and "<>" in triggers["audit_insert"]
    assert "('live')" in triggers["audit_insert_owned"] and "<>" not in triggers["audit_insert_owned"]


@pytest.mark.parametrize("said", [SAID, "", "[]", '{"kind": "", "name": null}'])
@pytest.mark.parametrize("table, added", [("ledgeraccount", ACCOUNT), ("ledgertransfer", TRANSFER)])
def test_the_statement_tells_what_the_row_would(committed_db, table, added, said):
    """The row trigger is put beside the statement's for a moment: each row is told twice, and the two are compared."""
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        owner.execute(ACCOUNT, {"odd": "first"})
        owner.execute("UPDATE vouchers_ledgeraccount SET closed_on = '2025-12-31' WHERE code = 'first'")
        owner.execute(
            f"CREATE TRIGGER by_row AFTER INSERT ON vouchers_{table} FOR EACH ROW EXECUTE FUNCTION audit_on_vouchers_{table}()"
        )
        owner.execute("SELECT set_config('voucher.context', %s, true)", [said])
        (before,) = owner.execute("SELECT max(id) FROM audit_auditevent").fetchone()
        owner.execute(added.replace("'other'", "'another'"), {"odd": ODD})
        rows = owner.execute(
            "SELECT id, event_no, actor_kind, actor, verb, request_id, region_code, subject_kind, subject_no, subject_pk, case_kind, case_no,"
            " operation, recorded_at, transaction, convert_from(canonical, 'UTF8'), convert_from(canonical, 'UTF8')::jsonb::text"
            " FROM audit_auditevent WHERE id > %s ORDER BY id",
            [before],
        ).fetchall()
        owner.rollback()
    told: dict[str, list[tuple[object, ...]]] = {}
    for event_id, event_no, *columns, recorded_at, _transaction, canonical, as_jsonb in rows:
        assert canonical == as_jsonb, "the form is not that of jsonb"
        event = json.loads(canonical)
        assert (event["id"], event["event"], event_no.version) == (event_id, str(event_no), 7)
        assert event["at"].startswith(recorded_at.astimezone(tz=None).strftime("%Y-%m-%dT%H")[:8])
        event["id"] = event["event"] = event["at"] = ""
        told.setdefault(event["subject"]["pk"], []).append((*columns, json.dumps(event)))
    assert len(told) == (2 if table == "ledgeraccount" else 3)
    for pair in told.values():
        by_row, by_statement = pair
        assert by_row == by_statement
