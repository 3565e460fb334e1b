"""Tables whose rows are told as text: where rows come by the thousand, or while everybody waits.

New rows are told a statement at a time, changed ones row by row. The events are those of the general row trigger, to the
byte; of new ones only the instant and the number are made once a statement. What this saves is told in
``docs/decisions/0022-ledger-statements.md`` and ``0023-tills.md``.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from audit.trail.registry import Tracked

#: the ledger's: every settlement adds transfers while others wait for the budget, every issue run an account a voucher; and
#: what a deduction over HTTP writes besides, row after row with the platform waiting
TABLES = frozenset(
    {
        "vouchers_ledgertransfer",
        "vouchers_ledgeraccount",
        "applications_claim",
        "applications_basisitem",
        "applications_review",
        "applications_check",
        "vouchers_screening",
        "vouchers_voucher",
    }
)


def together(tracked: Tracked) -> bool:
    """Whether the table's rows are told as text. Only plain columns can be: nothing masked, nothing inexact."""
    if tracked.table not in TABLES:
        return False
    plain = not (tracked.salted or tracked.digested_text or tracked.digested_bytes)
    inexact = any(isinstance(f, models.FloatField) for f in tracked.model._meta.local_fields)
    assert plain and not inexact and not tracked.insert_when
    return True


def function_name(tracked: Tracked) -> str:
    """The name of the table's function for new rows."""
    return f"audit_added_{tracked.table}"


def _in_order(tracked: Tracked) -> list[str]:
    """The watched columns as jsonb orders keys: by length, then by name."""
    return sorted(tracked.watched, key=lambda column: (len(column), column))


def _said(tracked: Tracked, row: str, column: str) -> str:
    """The value as JSON text in the form of jsonb; null where it is empty, also where it is the null of JSON."""
    field = next(f for f in tracked.model._meta.local_fields if f.column == column)
    if isinstance(field, models.JSONField):
        return f"nullif({row}.\"{column}\", 'null'::jsonb)::text"
    if isinstance(field, ArrayField):  # to_json leaves out the blanks
        return f'to_jsonb({row}."{column}")::text'
    return f'to_json({row}."{column}")::text'


def _changes(tracked: Tracked) -> tuple[str, list[str]]:
    """The text of ``changes`` as a pattern of ``format()``, and what fills it, over the row ``e``.

    A column without a value is left out, comma and all.
    """
    may_be_empty = {
        f.column for f in tracked.model._meta.local_fields if f.null or isinstance(f, models.JSONField)
    }
    first, *others = _in_order(tracked)
    assert first not in may_be_empty
    pattern, filled = f'"{first}": [null, %s]', [_said(tracked, "e", first)]
    for column in others:
        if column in may_be_empty:
            pattern += "%s"
            filled.append(f"""', "{column}": [null, ' || {_said(tracked, "e", column)} || ']'""")
        else:
            pattern += f', "{column}": [null, %s]'
            filled.append(_said(tracked, "e", column))
    return pattern, filled


def changed(tracked: Tracked, number: str, case_kind: str, case_no: str) -> str:
    """The part of the row trigger's function that tells an update: from ``OLD`` to ``NEW``, which is ``r`` too."""
    pieces = []
    for column in _in_order(tracked):
        before, after = _said(tracked, "OLD", column), _said(tracked, "NEW", column)
        differs = f'OLD."{column}" IS DISTINCT FROM NEW."{column}"'
        if before.startswith("nullif"):  # to the trail, an empty column and the null of JSON are the same
            differs = f"{before.removesuffix('::text')} IS DISTINCT FROM {after.removesuffix('::text')}"
        told = f"""format(', "{column}": [%s, %s]', coalesce({before}, 'null'), coalesce({after}, 'null'))"""
        pieces.append(f"CASE WHEN {differs} THEN {told} END")
    return f"""
    IF TG_OP = 'UPDATE' THEN
        IF OLD IS NOT DISTINCT FROM NEW THEN RETURN NULL; END IF;
        changes := substr(concat({", ".join(pieces)}), 3);
        IF changes = '' THEN RETURN NULL; END IF;
        PERFORM public.audit_told(
            'update', {number}, '{tracked.kind}', r."{tracked.key}"::text, {tracked.region}, {case_kind}, {case_no}, changes);
        RETURN NULL;
    END IF;"""


def function(tracked: Tracked, number: str, case_kind: str, case_no: str) -> str:
    """The SQL of that function; the expressions are those of the row trigger, over the row ``r``."""
    pattern, filled = _changes(tracked)
    # Imported history is told as a whole (attach.py); by a statement of the owner, who alone can bring it in.
    told = "WHERE TG_NARGS = 0 OR r.origin <> 'imported' " if tracked.imports else ""
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
                                  FROM added AS r {told}OFFSET 0) AS n) AS s) AS e CROSS JOIN said
        RETURNING id
    )
    INSERT INTO public.audit_pendingevent (event_id) SELECT id FROM told;
    RETURN NULL;
END
$trail$;
"""
