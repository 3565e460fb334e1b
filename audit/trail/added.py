"""Tables whose new rows are told a statement at a time: where rows come by the thousand, or while everybody waits.

The events are those of the row trigger, to the byte; only the instant is that of the statement. What this saves is told in
``docs/decisions/0017-ledger-speed.md``.
"""

from __future__ import annotations

from django.db import models

from audit.trail.registry import Tracked

#: the ledger's: every settlement adds transfers while others wait for the budget, every issue run an account a voucher
TABLES = frozenset({"vouchers_ledgertransfer", "vouchers_ledgeraccount"})


def together(tracked: Tracked) -> bool:
    """Whether the table's inserts are told by the statement. Only plain columns can be: nothing masked, nothing JSON."""
    if tracked.table not in TABLES:
        return False
    fields = tracked.model._meta.local_fields
    plain = not (tracked.salted or tracked.digested_text or tracked.digested_bytes or tracked.imports)
    assert plain and not tracked.insert_when and not any(isinstance(f, models.JSONField) for f in fields)
    return True


def function_name(tracked: Tracked) -> str:
    """The name of the table's function for new rows."""
    return f"audit_added_{tracked.table}"


def function(tracked: Tracked, number: str, case_kind: str, case_no: str) -> str:
    """The SQL of that function; the expressions are those of the row trigger, over the row ``r``."""
    nullable = {field.column for field in tracked.model._meta.local_fields if field.null}
    changes = ", ".join(
        f"'{c}', "
        + (f'CASE WHEN r."{c}" IS NOT NULL THEN ' if c in nullable else "")
        + f'jsonb_build_array(NULL, r."{c}")'
        + (" END" if c in nullable else "")
        for c in tracked.watched
    )
    return f"""
CREATE OR REPLACE FUNCTION public."{function_name(tracked)}"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $trail$
DECLARE
    said record := public.audit_said('insert');
BEGIN
    WITH told AS (
        INSERT INTO public.audit_auditevent (
            id, event_no, transaction, recorded_at, actor_kind, actor, verb, request_id, region_code,
            subject_kind, subject_no, subject_pk, case_kind, case_no, operation, canonical)
        SELECT e.id, e.event_no, said.transaction_no, said.instant, said.actor_kind, said.actor, said.verb, said.request, e.region,
               '{tracked.kind}', e.number, e.key, CASE WHEN e.apart THEN e.case_kind ELSE '' END, CASE WHEN e.apart THEN e.case_no ELSE '' END, 'insert',
               convert_to((said.common || jsonb_build_object(
                   'event', e.event_no, 'id', e.id, 'region', e.region,
                   'subject', jsonb_build_object('kind', '{tracked.kind}', 'no', e.number, 'pk', e.key),
                   'case', jsonb_build_object('kind', CASE WHEN e.apart THEN e.case_kind ELSE '' END, 'no', CASE WHEN e.apart THEN e.case_no ELSE '' END),
                   'changes', e.changes))::text, 'UTF8')
          FROM (SELECT s.*, s.case_no <> '' AND (s.case_kind <> '{tracked.kind}' OR s.case_no <> s.number) AS apart
                  FROM (SELECT nextval('public.audit_auditevent_id_seq'::regclass) AS id, uuidv7() AS event_no,
                               left({number}, 80) AS number, r."{tracked.key}"::text AS key,
                               coalesce({case_kind}, '') AS case_kind, left(coalesce({case_no}, ''), 80) AS case_no,
                               coalesce({tracked.region}, '') AS region, jsonb_strip_nulls(jsonb_build_object({changes})) AS changes
                          FROM added AS r OFFSET 0) AS s) AS e
        RETURNING id
    )
    INSERT INTO public.audit_pendingevent (event_id) SELECT id FROM told;
    RETURN NULL;
END
$trail$;
"""
