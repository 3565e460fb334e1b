-- Rows that are added by the thousand or in the hottest places (audit/trail/added.py) are told a statement at a time: as many
-- events, of the same form, as audit_record would append row by row, but who acts and why is looked up once.
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
