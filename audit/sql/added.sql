-- Rows that are added by the thousand or in the hottest places (audit/trail/added.py) are told a statement at a time: as many
-- events, of the same form, as audit_record would append row by row, but who acts and why is looked up once.

-- What the transaction has said of itself, and the part that is the same in every event of one statement.
CREATE OR REPLACE FUNCTION public.audit_said(
    p_operation text, OUT transaction_no bigint, OUT instant timestamptz, OUT actor_kind text, OUT actor text, OUT verb text,
    OUT request text, OUT common jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    announced text := pg_catalog.current_setting('voucher.context', true);
    said jsonb := CASE WHEN announced IS JSON OBJECT THEN announced::jsonb END;
BEGIN
    transaction_no := pg_catalog.pg_current_xact_id()::text::bigint;
    instant := pg_catalog.clock_timestamp();
    actor_kind := left(coalesce(nullif(said->>'kind', ''), 'unannounced'), 12);
    actor := left(coalesce(nullif(said->>'actor', ''), session_user), 150);
    verb := left(coalesce(nullif(said->>'verb', ''), p_operation), 80);
    request := left(coalesce(said->>'request_id', ''), 64);
    common := jsonb_build_object(
        'v', 1,
        'transaction', transaction_no,
        'at', to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'actor', jsonb_build_object(
            'kind', actor_kind, 'actor', actor,
            'name', coalesce(said->'name', '""'::jsonb),
            'roles', coalesce(said->'roles', '[]'::jsonb),
            'organisation', coalesce(said->'organisation', '""'::jsonb),
            'address', coalesce(said->'address', '""'::jsonb)),
        'database', jsonb_build_object('user', session_user, 'address', coalesce(host(inet_client_addr()), 'local')),
        'verb', verb,
        'reason', coalesce(said->>'reason', ''),
        'request', request,
        'operation', p_operation);
END
$$;

REVOKE ALL ON FUNCTION public.audit_said(text) FROM PUBLIC;
