-- What was published is never changed, by anyone: the application's role may not (privileges.py), and neither may the owner.
-- Of a validity only its end moves: when a successor is published or the version is terminated.
CREATE OR REPLACE FUNCTION publication_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '政策发布件只增不改：% 上的 % 被拒绝。更正请发布新版本。', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER publication_unchanged BEFORE UPDATE OR DELETE ON vouchers_publication
    FOR EACH ROW EXECUTE FUNCTION publication_refuse_change();
CREATE OR REPLACE TRIGGER publication_not_truncated BEFORE TRUNCATE ON vouchers_publication
    FOR EACH STATEMENT EXECUTE FUNCTION publication_refuse_change();
CREATE OR REPLACE TRIGGER publication_status_unchanged BEFORE UPDATE OR DELETE ON vouchers_publicationstatus
    FOR EACH ROW EXECUTE FUNCTION publication_refuse_change();
CREATE OR REPLACE TRIGGER publication_status_not_truncated BEFORE TRUNCATE ON vouchers_publicationstatus
    FOR EACH STATEMENT EXECUTE FUNCTION publication_refuse_change();
CREATE OR REPLACE TRIGGER publication_validity_kept BEFORE DELETE ON vouchers_publicationvalidity
    FOR EACH ROW EXECUTE FUNCTION publication_refuse_change();
CREATE OR REPLACE TRIGGER publication_validity_only_ends BEFORE UPDATE ON vouchers_publicationvalidity
    FOR EACH ROW WHEN (
        (OLD.id, OLD.program_id, OLD.publication_id, OLD.effective_from)
        IS DISTINCT FROM (NEW.id, NEW.program_id, NEW.publication_id, NEW.effective_from)
    ) EXECUTE FUNCTION publication_refuse_change();

-- The parts of a version are edited while it is a draft, and not afterwards: what was proposed is what is published.
-- Worked examples may still be given their result.
CREATE OR REPLACE FUNCTION policy_part_of_draft() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    touched bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.version_id ELSE NEW.version_id END;
    standing text;
BEGIN
    SELECT state INTO standing FROM vouchers_policyversion WHERE id = touched FOR SHARE;
    IF standing IS DISTINCT FROM 'draft' THEN
        IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'result' = to_jsonb(NEW) - 'result' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION '政策版本已不是草稿，不能更改其内容（%）', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP <> 'UPDATE' OR to_jsonb(OLD) - 'result' IS DISTINCT FROM to_jsonb(NEW) - 'result' THEN
        PERFORM policy_editor_noted(touched);
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY[
        'policydocument', 'policytrack', 'policyapplicantclass', 'policyrate', 'policyscorerate', 'policyfloor', 'policycap',
        'policygate', 'policywindow', 'policypaper', 'policyreviewstep', 'policytreasuryshare', 'policypricerule',
        'policyothermoney', 'policyvoucherkind', 'policywayofissue', 'policyrounding', 'valuecitation', 'policyexample'
    ] LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER policy_part_of_draft BEFORE INSERT OR UPDATE OR DELETE ON public.%I '
            'FOR EACH ROW EXECUTE FUNCTION policy_part_of_draft()', 'vouchers_' || part);
    END LOOP;
END
$$;
