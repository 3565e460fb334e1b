-- Whoever writes into a version is noted beside it, by whatever way it was written: actions note the person they act for, and
-- this notes the signed-in person of the transaction's context.
CREATE OR REPLACE FUNCTION policy_editor_noted(touched bigint) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    context jsonb := nullif(current_setting('voucher.context', true), '')::jsonb;
BEGIN
    IF context ->> 'kind' = 'user' THEN
        INSERT INTO vouchers_policyeditor (version_id, person_id)
        SELECT touched, id FROM vouchers_user
        WHERE username = context ->> 'actor'
            AND NOT EXISTS (SELECT FROM vouchers_policyeditor WHERE version_id = touched AND person_id = vouchers_user.id)
        ON CONFLICT DO NOTHING;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION policy_version_edited() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    kept text[] := ARRAY['state', 'proposed_by_id', 'proposed_at', 'proposed_sha256'];
BEGIN
    IF TG_OP = 'INSERT' OR to_jsonb(OLD) - kept IS DISTINCT FROM to_jsonb(NEW) - kept THEN
        PERFORM policy_editor_noted(NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER policy_version_edited AFTER INSERT OR UPDATE ON vouchers_policyversion
    FOR EACH ROW EXECUTE FUNCTION policy_version_edited();

CREATE OR REPLACE TRIGGER policy_editor_unchanged BEFORE UPDATE OR DELETE ON vouchers_policyeditor
    FOR EACH ROW EXECUTE FUNCTION publication_refuse_change();
CREATE OR REPLACE TRIGGER policy_editor_not_truncated BEFORE TRUNCATE ON vouchers_policyeditor
    FOR EACH STATEMENT EXECUTE FUNCTION publication_refuse_change();

-- Two pairs of eyes: nobody publishes what they had a hand in.
CREATE OR REPLACE FUNCTION publication_by_another() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM vouchers_policyeditor WHERE version_id = NEW.version_id AND person_id = NEW.published_by_id
        UNION ALL
        SELECT FROM vouchers_policyversion WHERE id = NEW.version_id AND created_by_id = NEW.published_by_id
    ) THEN
        RAISE EXCEPTION '发布人编辑过该政策版本，不能由其发布' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER publication_by_another BEFORE INSERT ON vouchers_publication
    FOR EACH ROW EXECUTE FUNCTION publication_by_another();
