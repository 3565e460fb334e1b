"""What is told a statement at a time is told as the row trigger would, to the byte."""

from __future__ import annotations

import json

import psycopg
import pytest

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
