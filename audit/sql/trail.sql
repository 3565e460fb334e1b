-- 审计留痕. Everything here belongs to voucher_owner; the application may only call audit_log_event.
-- A row trigger (one generated function a table, see audit/trail/attach.py) hands old and new row to audit_record, which
-- appends one event and one row in the queue. No chain and no lock: no writer waits for another; the sealer orders them.


-- Appends one event. Only functions of the owner may call it. before and after are already masked; both NULL for deeds
-- that change no row, whose facts are in p_changes. Returns the event's id, or NULL when an update changed nothing.
CREATE OR REPLACE FUNCTION public.audit_record(
    p_operation text, p_verb text,
    p_subject_kind text, p_subject_no text, p_subject_pk text,
    p_case_kind text, p_case_no text, p_region text,
    p_before jsonb, p_after jsonb, p_changes jsonb DEFAULT NULL, p_reason text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    announced text := pg_catalog.current_setting('voucher.context', true);
    said jsonb;
    changes jsonb := p_changes;
    event_no uuid := pg_catalog.uuidv7();
    event_id bigint;
    transaction_no bigint := pg_catalog.pg_current_xact_id()::text::bigint;
    instant timestamptz := pg_catalog.clock_timestamp();
    actor_kind text := 'unannounced';
    actor text := session_user;
    verb text := p_verb;
    case_kind text := coalesce(p_case_kind, '');
    case_no text := coalesce(p_case_no, '');
BEGIN
    IF changes IS NULL THEN
        CASE p_operation
            WHEN 'update' THEN
                SELECT jsonb_object_agg(a.key, jsonb_build_array(b.value, a.value)) INTO changes
                FROM jsonb_each(p_after) AS a JOIN jsonb_each(p_before) AS b USING (key)
                WHERE a.value IS DISTINCT FROM b.value;
                IF changes IS NULL THEN
                    RETURN NULL;
                END IF;
            WHEN 'insert' THEN
                SELECT jsonb_object_agg(key, jsonb_build_array(NULL, value)) INTO changes
                FROM jsonb_each(p_after) WHERE value <> 'null'::jsonb;
            WHEN 'delete' THEN
                SELECT jsonb_object_agg(key, jsonb_build_array(value, NULL)) INTO changes
                FROM jsonb_each(p_before) WHERE value <> 'null'::jsonb;
            ELSE
                changes := '{}'::jsonb;
        END CASE;
    END IF;
    IF announced IS JSON OBJECT THEN
        said := announced::jsonb;
        actor_kind := left(coalesce(nullif(said->>'kind', ''), 'unannounced'), 12);
        actor := left(coalesce(nullif(said->>'actor', ''), session_user), 150);
        verb := coalesce(verb, nullif(said->>'verb', ''));
    END IF;
    verb := left(coalesce(verb, p_operation), 80);
    IF case_no = '' OR (case_kind = p_subject_kind AND case_no = p_subject_no) THEN
        case_kind := '';
        case_no := '';
    END IF;
    event_id := nextval('public.audit_auditevent_id_seq'::regclass);
    INSERT INTO public.audit_auditevent (
        id, event_no, transaction, recorded_at, actor_kind, actor, verb, request_id, region_code,
        subject_kind, subject_no, subject_pk, case_kind, case_no, operation, canonical
    ) VALUES (
        event_id, event_no, transaction_no, instant, actor_kind, actor, verb,
        left(coalesce(said->>'request_id', ''), 64), coalesce(p_region, ''),
        p_subject_kind, left(coalesce(p_subject_no, ''), 80), coalesce(p_subject_pk, ''),
        case_kind, left(case_no, 80), p_operation,
        convert_to(jsonb_build_object(
            'v', 1,
            'event', event_no,
            'id', event_id,
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
            'reason', coalesce(p_reason, said->>'reason', ''),
            'request', left(coalesce(said->>'request_id', ''), 64),
            'region', coalesce(p_region, ''),
            'subject', jsonb_build_object('kind', p_subject_kind, 'no', left(coalesce(p_subject_no, ''), 80), 'pk', coalesce(p_subject_pk, '')),
            'case', jsonb_build_object('kind', case_kind, 'no', left(case_no, 80)),
            'operation', p_operation,
            'changes', coalesce(changes, '{}'::jsonb)
        )::text, 'UTF8')
    );
    INSERT INTO public.audit_pendingevent (event_id) VALUES (event_id);
    RETURN event_id;
END
$$;

-- The salt of one row's personal data, made at its first event.
CREATE OR REPLACE FUNCTION public.audit_salt(p_kind text, p_pk text) RETURNS bytea
LANGUAGE plpgsql AS $$
DECLARE
    found_salt bytea;
BEGIN
    SELECT salt INTO found_salt FROM public.audit_personalsalt WHERE subject_kind = p_kind AND subject_pk = p_pk;
    IF found_salt IS NULL THEN
        INSERT INTO public.audit_personalsalt (subject_kind, subject_pk, salt)
        VALUES (p_kind, p_pk, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
        ON CONFLICT (subject_kind, subject_pk) DO UPDATE SET salt = audit_personalsalt.salt
        RETURNING salt INTO found_salt;
    END IF;
    RETURN found_salt;
END
$$;

-- How personal data and secrets stand in an event: never themselves. Empty and null stay what they are.
CREATE OR REPLACE FUNCTION public.audit_salted(p_salt bytea, p_value text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_value IS NULL THEN 'null'::jsonb
        WHEN p_value = '' THEN '""'::jsonb
        WHEN p_salt IS NULL THEN '{"salted": null}'::jsonb
        ELSE jsonb_build_object('salted', encode(sha256(p_salt || convert_to(p_value, 'UTF8')), 'hex'))
    END
$$;

-- How the contents of files and long documents stand in an event: by a digest that the document itself can be held against.
CREATE OR REPLACE FUNCTION public.audit_digest(p_value bytea) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_value IS NULL THEN 'null'::jsonb
        ELSE jsonb_build_object('sha256', encode(sha256(p_value), 'hex'), 'bytes', length(p_value))
    END
$$;

-- Deeds that change no row: reads, refusals, exports, sign-ins, a file imported. The application may write these and only these.
CREATE OR REPLACE FUNCTION public.audit_log_event(
    p_operation text, p_verb text, p_subject_kind text, p_subject_no text,
    p_region text DEFAULT '', p_facts jsonb DEFAULT '{}', p_reason text DEFAULT NULL,
    p_case_kind text DEFAULT '', p_case_no text DEFAULT ''
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF p_operation NOT IN ('read', 'refusal', 'export', 'sign_in', 'import') THEN
        RAISE EXCEPTION 'audit_log_event does not write events of kind %', p_operation USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN public.audit_record(
        p_operation, p_verb, p_subject_kind, p_subject_no, '', p_case_kind, p_case_no, p_region,
        NULL, NULL, coalesce(p_facts, '{}'::jsonb), p_reason);
END
$$;

-- Imported history (origin = 'imported', inserted by a function of the owner): one event a statement, which is one a file,
-- with the number of rows, the range of their keys, and the digest of their digests in ascending order. A row's digest is that
-- of the row as text (form 'row'), which costs a third of its JSON; events without a form were made of the JSON.
CREATE OR REPLACE FUNCTION public.audit_imported_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
DECLARE
    facts jsonb;
BEGIN
    SELECT jsonb_build_object(
        'rows', count(*), 'first', min(key), 'last', max(key), 'form', 'row',
        'sha256', encode(sha256(string_agg(digest, ''::bytea ORDER BY digest)), 'hex'))
    INTO facts
    FROM (
        -- OFFSET 0: or else the row would be made into text once for every time that the digest is named above.
        SELECT sha256(convert_to(added::text, 'UTF8')) AS digest, added.id AS key
        FROM added WHERE added.origin = 'imported' OFFSET 0
    ) AS digests
    HAVING count(*) > 0;
    IF facts IS NOT NULL THEN
        PERFORM public.audit_record('import', 'import', TG_ARGV[0], TG_TABLE_NAME, '', '', '', '', NULL, NULL, facts);
    END IF;
    RETURN NULL;
END
$$;

-- A table emptied at once is told as well.
CREATE OR REPLACE FUNCTION public.audit_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM public.audit_record('delete', 'truncate', TG_ARGV[0], TG_TABLE_NAME, '', '', '', '', NULL, NULL, '{"truncated": [true, null]}'::jsonb);
    RETURN NULL;
END
$$;

-- 底本. Rows that were there before the table was watched: their state as the trail sees it (personal data and contents as digests),
-- in events of at most 500 rows or a mebibyte each, so that replay compares them as well; rows whose insert is an event, and
-- imported history that has a digest of its own, are left out. Returns how many. Called by attach, once a table, under a lock on it.
DROP FUNCTION IF EXISTS public.audit_adopt(text, text, text);
CREATE OR REPLACE FUNCTION public.audit_take_base(p_table text, p_kind text, p_state text, p_key text, p_salted boolean) RETURNS bigint
LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
    imported boolean := EXISTS (
        SELECT FROM public.audit_auditevent
        WHERE subject_kind = p_kind AND subject_no = p_table AND operation = 'import' AND verb <> 'adopt');
    one record;
    keys text[] := '{}';
    states jsonb[] := '{}';
    bytes bigint := 0;
    total bigint := 0;
BEGIN
    IF p_salted THEN
        EXECUTE format(
            'INSERT INTO public.audit_personalsalt (subject_kind, subject_pk, salt) '
            'SELECT %L, t.%I::text, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) FROM public.%I t '
            'ON CONFLICT (subject_kind, subject_pk) DO NOTHING', p_kind, p_key, p_table);
    END IF;
    FOR one IN EXECUTE format(
        'SELECT s.key, (SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(s.state) c WHERE c.value <> ''null''::jsonb) AS state '
        'FROM public.%I() s WHERE s.told AND NOT ($2 AND s.state @> ''{"origin": "imported"}'') AND NOT EXISTS ('
        ' SELECT FROM public.audit_auditevent e WHERE e.subject_kind = $1 AND e.operation = ''insert'' AND e.subject_pk = s.key) '
        'ORDER BY s.key COLLATE "C"', p_state) USING p_kind, imported
    LOOP
        keys := keys || one.key;
        states := states || one.state;
        bytes := bytes + pg_column_size(one.state);
        IF cardinality(keys) = 500 OR bytes > 1048576 THEN
            total := total + public.audit_base_event(p_table, p_kind, keys, states);
            keys := '{}';
            states := '{}';
            bytes := 0;
        END IF;
    END LOOP;
    IF keys <> '{}' THEN
        total := total + public.audit_base_event(p_table, p_kind, keys, states);
    END IF;
    RETURN total;
END
$$;

CREATE OR REPLACE FUNCTION public.audit_base_event(p_table text, p_kind text, p_keys text[], p_states jsonb[]) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.audit_record(
        'schema', 'adopt', p_kind, p_table, '', '', '', '', NULL, NULL,
        jsonb_build_object(
            'rows', cardinality(p_keys), 'first', p_keys[1], 'last', p_keys[cardinality(p_keys)],
            'state', (SELECT jsonb_object_agg(u.key, u.state) FROM unnest(p_keys, p_states) AS u (key, state))));
    RETURN cardinality(p_keys);
END
$$;

-- The tables of which a base was ever taken, with those that are named now: told once, so that rows which come by while the
-- triggers of a table are gone are never taken for old ones.
CREATE OR REPLACE FUNCTION public.audit_based_tables() RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT jsonb_object_keys(convert_from(canonical, 'UTF8')::jsonb -> 'changes')
    FROM public.audit_auditevent WHERE subject_kind = 'schema' AND subject_no = 'base'
$$;

-- The columns of the audited tables as they are now, so that a later replay compares only what an event could know.
CREATE OR REPLACE FUNCTION public.audit_log_schema(p_tables jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    last_seen jsonb;
BEGIN
    SELECT convert_from(canonical, 'UTF8')::jsonb->'changes' INTO last_seen
    FROM public.audit_auditevent WHERE subject_kind = 'schema' AND subject_no = 'schema' ORDER BY id DESC LIMIT 1;
    IF last_seen IS NOT DISTINCT FROM p_tables THEN
        RETURN NULL;
    END IF;
    RETURN public.audit_record('schema', 'migrate', 'schema', 'schema', '', '', '', '', NULL, NULL, p_tables);
END
$$;

-- What is written stays. Privileges are the wall (the application and the sealer may not), this is the sign on it.
CREATE OR REPLACE FUNCTION public.audit_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '审计留痕只增不改，不允许对 % 执行 %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['audit_auditevent', 'audit_trailleaf', 'audit_checkpoint'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON public.%I '
                       'FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_change()', guarded);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER audit_only_grows', guarded);
    END LOOP;
    FOREACH guarded IN ARRAY ARRAY['audit_auditevent', 'audit_pendingevent', 'audit_trailleaf', 'audit_checkpoint', 'audit_personalsalt'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER audit_never_emptied BEFORE TRUNCATE ON public.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change()', guarded);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER audit_never_emptied', guarded);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION
    public.audit_record(text, text, text, text, text, text, text, text, jsonb, jsonb, jsonb, text),
    public.audit_salt(text, text),
    public.audit_log_event(text, text, text, text, text, jsonb, text, text, text),
    public.audit_imported_rows(),
    public.audit_truncated(),
    public.audit_take_base(text, text, text, text, boolean),
    public.audit_base_event(text, text, text[], jsonb[]),
    public.audit_based_tables(),
    public.audit_log_schema(jsonb)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.audit_log_event(text, text, text, text, text, jsonb, text, text, text) TO voucher_app;
