-- What providers' platforms need of the database: limits shared by all processes, and a feed numbered in the order of commits.
CREATE SEQUENCE IF NOT EXISTS webhook_no_seq;
CREATE SEQUENCE IF NOT EXISTS settlement_batch_no_seq;

-- How often somebody may call. One instant a key says all (a token bucket written as the time when it will be full again).
-- Unlogged: a crash forgets it, which lets somebody call a little more often; a commit here never waits for the disk.
CREATE UNLOGGED TABLE IF NOT EXISTS vouchers_ratelimit (
    key text PRIMARY KEY,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Take one call of p_most in p_seconds. 0 when it is granted, else the seconds after which it is worth asking again.
CREATE OR REPLACE FUNCTION rate_take(p_key text, p_most integer, p_seconds integer) RETURNS double precision
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_step interval := make_interval(secs => p_seconds::double precision / p_most);
    v_window interval := make_interval(secs => p_seconds);
    v_full timestamptz;
BEGIN
    INSERT INTO vouchers_ratelimit AS r (key, full_at) VALUES (p_key, v_now + v_step)
    ON CONFLICT (key) DO UPDATE SET full_at = greatest(r.full_at, v_now) + v_step
        WHERE greatest(r.full_at, v_now) + v_step <= v_now + v_window;
    IF FOUND THEN
        RETURN 0;
    END IF;
    SELECT full_at INTO v_full FROM vouchers_ratelimit WHERE key = p_key;
    RETURN greatest(extract(epoch FROM coalesce(v_full, v_now) + v_step - v_window - v_now), 0.001);
END
$$;

-- Number the provider's events that are committed and have no number yet. One at a time for a provider, until commit: so the
-- numbers that anybody sees have no gap, and none appears later below one that was seen.
-- With the owner's rights: the application may add events, and change none (privileges.py).
CREATE OR REPLACE FUNCTION number_platform_events(p_provider bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_last bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM vouchers_platformevent WHERE provider_id = p_provider AND position IS NULL) THEN
        RETURN coalesce((SELECT max(position) FROM vouchers_platformevent WHERE provider_id = p_provider), 0);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('platform_event', p_provider));
    SELECT coalesce(max(position), 0) INTO v_last FROM vouchers_platformevent WHERE provider_id = p_provider;
    WITH waiting AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place
        FROM vouchers_platformevent WHERE provider_id = p_provider AND position IS NULL
    )
    UPDATE vouchers_platformevent e SET position = v_last + w.place FROM waiting w WHERE e.id = w.id;
    RETURN (SELECT coalesce(max(position), 0) FROM vouchers_platformevent WHERE provider_id = p_provider);
END
$$;

REVOKE ALL ON FUNCTION number_platform_events(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION number_platform_events(bigint) TO voucher_app;

-- What a platform was told, or is going to be told, stays as it was written, for everybody. Its number is given once.
CREATE OR REPLACE FUNCTION platform_event_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '状态变动只增不改：% 上的 % 被拒绝。', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER platform_event_numbered_once BEFORE UPDATE ON vouchers_platformevent
    FOR EACH ROW WHEN (
        OLD.position IS NOT NULL OR NEW.position IS NULL
        OR (OLD.id, OLD.provider_id, OLD.kind, OLD.subject_no, OLD.program_code, OLD.program_region_code, OLD.content, OLD.happened_at)
           IS DISTINCT FROM
           (NEW.id, NEW.provider_id, NEW.kind, NEW.subject_no, NEW.program_code, NEW.program_region_code, NEW.content, NEW.happened_at)
    ) EXECUTE FUNCTION platform_event_refuse_change();
CREATE OR REPLACE TRIGGER platform_event_kept BEFORE DELETE ON vouchers_platformevent
    FOR EACH ROW EXECUTE FUNCTION platform_event_refuse_change();
CREATE OR REPLACE TRIGGER platform_event_not_truncated BEFORE TRUNCATE ON vouchers_platformevent
    FOR EACH STATEMENT EXECUTE FUNCTION platform_event_refuse_change();
-- What an address has taken it has taken: whoever sends slowly moves nothing back behind whoever was faster.
CREATE OR REPLACE TRIGGER webhook_only_forward BEFORE UPDATE OF delivered ON vouchers_webhook
    FOR EACH ROW WHEN (NEW.delivered < OLD.delivered) EXECUTE FUNCTION platform_event_refuse_change();
ALTER TABLE vouchers_platformevent
    ENABLE ALWAYS TRIGGER platform_event_numbered_once, ENABLE ALWAYS TRIGGER platform_event_kept,
    ENABLE ALWAYS TRIGGER platform_event_not_truncated;
ALTER TABLE vouchers_webhook ENABLE ALWAYS TRIGGER webhook_only_forward;
