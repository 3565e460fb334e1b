"""Tables whose new rows are told a statement at a time: where rows come by the thousand, or while everybody waits.

The events are those of the row trigger, to the byte; only the instant and the number are made once a statement. What this saves is
told in ``docs/decisions/0022-ledger-statements.md``.
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


def _changes(tracked: Tracked) -> tuple[str, list[str]]:
    """The text of ``changes`` as a pattern of ``format()``, and what fills it, over the row ``e``.

    Columns stand as jsonb orders keys: by length, then by name. One without a value is left out, comma and all.
    """
    nullable = {field.column for field in tracked.model._meta.local_fields if field.null}
    first, *others = sorted(tracked.watched, key=lambda column: (len(column), column))
    assert first not in nullable
    pattern, filled = f'"{first}": [null, %s]', [f'to_json(e."{first}")']
    for column in others:
        told = f', "{column}": [null, %s]'
        if column in nullable:
            pattern += "%s"
            filled.append(
                f"""CASE WHEN e."{column}" IS NOT NULL THEN format('{told}', to_json(e."{column}")) END"""
            )
        else:
            pattern += told
            filled.append(f'to_json(e."{column}")')
    return pattern, filled


def function(tracked: Tracked, number: str, case_kind: str, case_no: str) -> str:
    """The SQL of that function; the expressions are those of the row trigger, over the row ``r``."""
    pattern, filled = _changes(tracked)
    return f"""
CREATE OR REPLACE FUNCTION public."{function_name(tracked)}"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $trail$
BEGIN
    WITH said AS MATERIALIZED (
        SELECT * FROM public.audit_saying('insert')
    ), told AS (
        INSERT INTO public.audit_auditevent (
            id, event_no, transaction, recorded_at, actor_kind, actor, verb, request_id, region_code,
            subject_kind, subject_no, subject_pk, case_kind, case_no, operation, canonical)
        SELECT e.event_id, (said.event_stem || lpad(to_hex(e.event_id), 12, '0'))::uuid, said.transaction_no, said.instant, said.actor_kind, said.actor, said.verb, said.request, e.event_region,
               '{tracked.kind}', e.event_number, e.event_key, e.event_case_kind, e.event_case_no, 'insert',
               convert_to(format(
                   '%s%s, "case": {{"no": %s, "kind": %s}}%s%s%s%s, "changes": {{{pattern}}}%s{{"no": %s, "pk": %s, "kind": "{tracked.kind}"}}%s',
                   said.until_id, e.event_id, to_json(e.event_case_no), to_json(e.event_case_kind), said.until_event, said.event_stem || lpad(to_hex(e.event_id), 12, '0'),
                   said.until_region, to_json(e.event_region),
                   {", ".join(filled)},
                   said.until_subject, to_json(e.event_number), to_json(e.event_key), said.until_end), 'UTF8')
          FROM (SELECT s.*, CASE WHEN s.apart THEN s.of_kind ELSE '' END AS event_case_kind, CASE WHEN s.apart THEN s.of_no ELSE '' END AS event_case_no
                  FROM (SELECT n.*, n.of_no <> '' AND (n.of_kind <> '{tracked.kind}' OR n.of_no <> n.event_number) AS apart
                          FROM (SELECT r.*, nextval('public.audit_auditevent_id_seq'::regclass) AS event_id,
                                       left({number}, 80) AS event_number, r."{tracked.key}"::text AS event_key, coalesce({tracked.region}, '') AS event_region,
                                       {case_kind} AS of_kind, left({case_no}, 80) AS of_no
                                  FROM added AS r OFFSET 0) AS n) AS s) AS e CROSS JOIN said
        RETURNING id
    )
    INSERT INTO public.audit_pendingevent (event_id) SELECT id FROM told;
    RETURN NULL;
END
$trail$;
"""
