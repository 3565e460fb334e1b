-- Rows that are written by the thousand or in the hottest places (audit/trail/added.py) are told as text, new ones a statement at a
-- time: as many events, of the same form, as audit_record would append row by row, but who acts and why is looked up once.
DROP FUNCTION IF EXISTS public.audit_said(text);
DROP FUNCTION IF EXISTS public.audit_saying(text);

-- What the transaction has said of itself: the columns of every event of one statement, and its text around what each row says.
-- The text has the form in which PostgreSQL writes jsonb (keys by length, then by name), which is what audit_record stores. It is put
-- together as text because that costs a third; tests hold the one to the other. event_stem is all of a time-ordered event_no
-- but its last twelve places, which are the event's id: one draw of random bits a statement.
-- STABLE, so that it becomes a part of the statement that asks.
CREATE FUNCTION public.audit_saying(p_operation text)
RETURNS TABLE (transaction_no bigint, instant timestamptz, actor_kind text, actor text, verb text, request text, event_stem text,
               until_id text, until_event text, until_region text, until_subject text, until_end text)
LANGUAGE sql STABLE AS $$
    SELECT t.transaction_no, t.instant, t.actor_kind, t.actor, t.verb, t.request, left(uuidv7()::text, 24),
           format('{"v": 1, "at": "%s", "id": ', to_char(t.instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
           format(', "verb": %s, "actor": {"kind": %s, "name": %s, "actor": %s, "roles": %s, "address": %s, "organisation": %s}, "event": "',
                  to_json(t.verb), to_json(t.actor_kind), coalesce((t.said -> 'name')::text, '""'), to_json(t.actor),
                  coalesce((t.said -> 'roles')::text, '[]'), coalesce((t.said -> 'address')::text, '""'), coalesce((t.said -> 'organisation')::text, '""')),
           format('", "reason": %s, "region": ', to_json(coalesce(t.said ->> 'reason', ''))),
           format(', "request": %s, "subject": ', to_json(t.request)),
           format(', "database": {"user": %s, "address": "%s"}, "operation": "%s", "transaction": %s}',
                  to_json(session_user::text), coalesce(host(inet_client_addr()), 'local'), p_operation, t.transaction_no)
      FROM (SELECT s.said, pg_current_xact_id()::text::bigint AS transaction_no, clock_timestamp() AS instant,
                   left(coalesce(nullif(s.said ->> 'kind', ''), 'unannounced'), 12) AS actor_kind,
                   left(coalesce(nullif(s.said ->> 'actor', ''), session_user), 150) AS actor,
                   left(coalesce(nullif(s.said ->> 'verb', ''), p_operation), 80) AS verb,
                   left(coalesce(s.said ->> 'request_id', ''), 64) AS request
              FROM (SELECT CASE WHEN current_setting('voucher.context', true) IS JSON OBJECT
                                THEN current_setting('voucher.context', true)::jsonb END AS said OFFSET 0) AS s OFFSET 0) AS t
$$;

REVOKE ALL ON FUNCTION public.audit_saying(text) FROM PUBLIC;

-- One event of a row that was changed, its changes given as text in the form of jsonb, without the braces.
CREATE OR REPLACE FUNCTION public.audit_told(
    p_operation text, p_no text, p_kind text, p_pk text, p_region text, p_case_kind text, p_case_no text, p_changes text
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH told AS (
        INSERT INTO public.audit_auditevent (
            id, event_no, transaction, recorded_at, actor_kind, actor, verb, request_id, region_code,
            subject_kind, subject_no, subject_pk, case_kind, case_no, operation, canonical)
        SELECT e.id, (said.event_stem || lpad(to_hex(e.id), 12, '0'))::uuid, said.transaction_no, said.instant, said.actor_kind, said.actor, said.verb,
               said.request, e.region, p_kind, e.no, p_pk, e.case_kind, e.case_no, p_operation,
               convert_to(format(
                   '%s%s, "case": {"no": %s, "kind": %s}%s%s%s%s, "changes": {%s}%s{"no": %s, "pk": %s, "kind": "%s"}%s',
                   said.until_id, e.id, to_json(e.case_no), to_json(e.case_kind), said.until_event, said.event_stem || lpad(to_hex(e.id), 12, '0'),
                   said.until_region, to_json(e.region), p_changes, said.until_subject, to_json(e.no), to_json(p_pk), p_kind, said.until_end), 'UTF8')
          FROM (SELECT c.id, c.no, c.region, CASE WHEN c.apart THEN c.kind ELSE '' END AS case_kind, CASE WHEN c.apart THEN c.of_no ELSE '' END AS case_no
                  FROM (SELECT n.*, coalesce(n.of_no, '') <> '' AND (n.kind <> p_kind OR n.of_no <> n.no) AS apart
                          FROM (SELECT nextval('public.audit_auditevent_id_seq'::regclass) AS id, left(coalesce(p_no, ''), 80) AS no,
                                       coalesce(p_region, '') AS region, coalesce(p_case_kind, '') AS kind, left(p_case_no, 80) AS of_no OFFSET 0) AS n) AS c
               ) AS e CROSS JOIN public.audit_saying(p_operation) AS said
        RETURNING id
    )
    INSERT INTO public.audit_pendingevent (event_id) SELECT id FROM told;
END $$;

REVOKE ALL ON FUNCTION public.audit_told(text, text, text, text, text, text, text, text) FROM PUBLIC;
