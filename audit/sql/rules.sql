-- Versions of the fraud rules and of the scoring: what is published was computed with, so it stays as it is. A draft is
-- edited; what is proposed can only be returned or published; of what is published only that a next one came.
CREATE OR REPLACE FUNCTION public.audit_rule_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IN ('published', 'superseded') THEN
            RAISE EXCEPTION 'rule version %@% is published and stays', OLD.rule, OLD.version USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF (OLD.rule, OLD.version, OLD.severity, OLD.family) IS DISTINCT FROM (NEW.rule, NEW.version, NEW.severity, NEW.family) THEN
        RAISE EXCEPTION 'a rule version keeps its name' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF (OLD.points, OLD.parameters, OLD.legal_basis, OLD.title, OLD.reason, OLD.drafted_by_id, OLD.shipped)
        IS DISTINCT FROM (NEW.points, NEW.parameters, NEW.legal_basis, NEW.title, NEW.reason, NEW.drafted_by_id, NEW.shipped) THEN
        RAISE EXCEPTION 'rule version %@% is % and stays as it is', OLD.rule, OLD.version, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('published', 'superseded')
        AND (OLD.proposed_by_id, OLD.published_by_id, OLD.published_at, OLD.effective_from)
            IS DISTINCT FROM (NEW.proposed_by_id, NEW.published_by_id, NEW.published_at, NEW.effective_from) THEN
        RAISE EXCEPTION 'rule version %@% is published and stays as it is', OLD.rule, OLD.version USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS rule_version_stays ON public.audit_ruleversion;
CREATE TRIGGER rule_version_stays BEFORE UPDATE OR DELETE ON public.audit_ruleversion
    FOR EACH ROW EXECUTE FUNCTION public.audit_rule_version_stays();

CREATE SEQUENCE IF NOT EXISTS public.review_draw_no_seq;
CREATE SEQUENCE IF NOT EXISTS public.snooze_no_seq;
