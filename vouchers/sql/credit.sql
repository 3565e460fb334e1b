-- 信用: what the database holds of files, debarments and repairs, whoever writes.

-- 失信名单: an entry that this office decided is what the decision says. Its end moves once, to the day of a granted repair; imported
-- history and the national list carry no decision and are not held here, but a live restriction of a scheme without one is refused.
CREATE OR REPLACE FUNCTION listing_decided() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    act vouchers_debarment%ROWTYPE;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION '失信名单的条目不得删除。' USING ERRCODE = 'restrict_violation', DETAIL = OLD.entry_no;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.debarment_id IS DISTINCT FROM NEW.debarment_id OR (to_jsonb(OLD) - 'effective_to') <> (to_jsonb(NEW) - 'effective_to') THEN
            RAISE EXCEPTION '失信名单的条目公布后不得改写。' USING ERRCODE = 'restrict_violation', DETAIL = OLD.entry_no;
        END IF;
        IF OLD.effective_to IS DISTINCT FROM NEW.effective_to AND NOT (
            NEW.effective_to >= OLD.effective_from AND (OLD.effective_to IS NULL OR NEW.effective_to < OLD.effective_to)
            AND EXISTS (
                SELECT FROM vouchers_creditrepair r
                WHERE r.debarment_id = OLD.debarment_id AND r.state = 'granted' AND r.ends_on = NEW.effective_to)) THEN
            RAISE EXCEPTION '失信限制的期限只能因准予的信用修复或撤销提前结束。'
                USING ERRCODE = 'restrict_violation', DETAIL = OLD.entry_no;
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.debarment_id IS NULL THEN
        RAISE EXCEPTION '专项失信限制须由两人依程序决定后列入。' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO act FROM vouchers_debarment WHERE id = NEW.debarment_id;
    IF (act.state, act.party_id, act.effective_from, act.effective_to, act.document_no)
        IS DISTINCT FROM ('listed', NEW.party_id, NEW.effective_from, NEW.effective_to, NEW.document_no)
        OR NEW.region_code IS DISTINCT FROM (SELECT code FROM vouchers_region WHERE id = act.region_id) THEN
        RAISE EXCEPTION '失信名单的条目与决定不符。' USING ERRCODE = 'restrict_violation', DETAIL = act.debarment_no;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER listing_decided
    BEFORE INSERT ON vouchers_listing FOR EACH ROW
    WHEN (NEW.origin = 'live' AND NEW.kind = 'scheme_debarred' OR NEW.debarment_id IS NOT NULL)
    EXECUTE FUNCTION listing_decided();
CREATE OR REPLACE TRIGGER listing_kept
    BEFORE UPDATE ON vouchers_listing FOR EACH ROW
    WHEN (OLD.debarment_id IS NOT NULL OR NEW.debarment_id IS NOT NULL)
    EXECUTE FUNCTION listing_decided();
CREATE OR REPLACE TRIGGER listing_not_deleted
    BEFORE DELETE ON vouchers_listing FOR EACH ROW WHEN (OLD.debarment_id IS NOT NULL)
    EXECUTE FUNCTION listing_decided();

-- 失信限制: what was proposed stays; what was told stays once told; what was decided stays once decided.
CREATE OR REPLACE TRIGGER debarment_kept
    BEFORE UPDATE ON vouchers_debarment FOR EACH ROW WHEN (
        (OLD.id, OLD.debarment_no, OLD.party_id, OLD.region_id, OLD.program_id, OLD.case_no, OLD.ground, OLD.facts, OLD.basis,
         OLD.article, OLD.proposed_from, OLD.proposed_to, OLD.repair_terms, OLD.repair_from, OLD.proposed_by_id, OLD.proposed_on,
         OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.debarment_no, NEW.party_id, NEW.region_id, NEW.program_id, NEW.case_no, NEW.ground, NEW.facts, NEW.basis,
         NEW.article, NEW.proposed_from, NEW.proposed_to, NEW.repair_terms, NEW.repair_from, NEW.proposed_by_id, NEW.proposed_on,
         NEW.recorded_at)
        OR NOT (OLD.state = 'proposed' AND NEW.state = 'noticed') AND
        (OLD.notice_document_no, OLD.notice_on, OLD.respond_until, OLD.noticed_by_id)
        IS DISTINCT FROM (NEW.notice_document_no, NEW.notice_on, NEW.respond_until, NEW.noticed_by_id)
        OR NOT (OLD.state = 'noticed' AND NEW.state = 'noticed' AND OLD.stated_at IS NULL) AND
        (OLD.statement, OLD.hearing_asked, OLD.stated_by_id, OLD.stated_at)
        IS DISTINCT FROM (NEW.statement, NEW.hearing_asked, NEW.stated_by_id, NEW.stated_at)
        OR NOT (OLD.state = 'noticed' AND NEW.state = 'noticed' AND OLD.heard_on IS NULL) AND
        (OLD.heard_on, OLD.hearing_record, OLD.heard_by_id) IS DISTINCT FROM (NEW.heard_on, NEW.hearing_record, NEW.heard_by_id)
        OR NOT (OLD.state IN ('proposed', 'noticed') AND NEW.state IN ('listed', 'dropped')) AND
        (OLD.document_no, OLD.effective_from, OLD.effective_to, OLD.decided_by_id, OLD.decided_on, OLD.decision_reason)
        IS DISTINCT FROM
        (NEW.document_no, NEW.effective_from, NEW.effective_to, NEW.decided_by_id, NEW.decided_on, NEW.decision_reason))
    EXECUTE FUNCTION decision_kept('失信限制');

-- 信用修复
CREATE OR REPLACE TRIGGER credit_repair_kept
    BEFORE UPDATE ON vouchers_creditrepair FOR EACH ROW WHEN (
        (OLD.id, OLD.repair_no, OLD.kind, OLD.party_id, OLD.region_id, OLD.debarment_id, OLD.entry_id, OLD.statement, OLD.filed_by_id,
         OLD.filed_at, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.repair_no, NEW.kind, NEW.party_id, NEW.region_id, NEW.debarment_id, NEW.entry_id, NEW.statement, NEW.filed_by_id,
         NEW.filed_at, NEW.recorded_at)
        OR NOT (OLD.state = 'filed' AND NEW.state = 'examined') AND
        (OLD.examination, OLD.examined_by_id, OLD.examined_at)
        IS DISTINCT FROM (NEW.examination, NEW.examined_by_id, NEW.examined_at)
        OR NOT (OLD.state = 'examined' AND NEW.state IN ('granted', 'refused')) AND
        (OLD.document_no, OLD.decision_reason, OLD.decided_by_id, OLD.decided_at, OLD.ends_on)
        IS DISTINCT FROM (NEW.document_no, NEW.decision_reason, NEW.decided_by_id, NEW.decided_at, NEW.ends_on))
    EXECUTE FUNCTION decision_kept('信用修复');

-- 首违轻微不罚
CREATE OR REPLACE TRIGGER leniency_kept
    BEFORE UPDATE ON vouchers_leniency FOR EACH ROW WHEN (
        (to_jsonb(OLD) - ARRAY['state', 'decided_by_id', 'decided_on', 'decision_reason'])
        IS DISTINCT FROM (to_jsonb(NEW) - ARRAY['state', 'decided_by_id', 'decided_on', 'decision_reason'])
        OR OLD.state = NEW.state AND
        (OLD.decided_by_id, OLD.decided_on, OLD.decision_reason)
        IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_on, NEW.decision_reason))
    EXECUTE FUNCTION decision_kept('首违轻微不罚');

-- 分级监管标准: rows are written while the table is a draft; a published one only ends.
CREATE OR REPLACE TRIGGER supervision_table_kept
    BEFORE UPDATE ON vouchers_supervisiontable FOR EACH ROW WHEN (
        (OLD.id, OLD.table_no, OLD.region_id, OLD.drafted_by_id, OLD.recorded_at)
        IS DISTINCT FROM (NEW.id, NEW.table_no, NEW.region_id, NEW.drafted_by_id, NEW.recorded_at)
        OR OLD.state <> 'draft' AND
        (OLD.document_no, OLD.article, OLD.effective_from) IS DISTINCT FROM (NEW.document_no, NEW.article, NEW.effective_from)
        OR NOT (OLD.state = 'proposed' AND NEW.state = 'published') AND
        (OLD.published_by_id, OLD.published_on) IS DISTINCT FROM (NEW.published_by_id, NEW.published_on)
        OR OLD.effective_to IS NOT NULL AND OLD.effective_to IS DISTINCT FROM NEW.effective_to)
    EXECUTE FUNCTION decision_kept('分级监管标准');

CREATE OR REPLACE FUNCTION supervision_tier_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    parent bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.table_id ELSE OLD.table_id END;
BEGIN
    IF EXISTS (SELECT FROM vouchers_supervisiontable t WHERE t.id = parent AND t.state <> 'draft')
        OR TG_OP = 'UPDATE' AND NEW.table_id <> OLD.table_id THEN
        RAISE EXCEPTION '提请公布后的分级监管标准不得改写。' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE OR REPLACE TRIGGER supervision_tier_kept
    BEFORE INSERT OR UPDATE OR DELETE ON vouchers_supervisiontier FOR EACH ROW EXECUTE FUNCTION supervision_tier_kept();

ALTER TABLE vouchers_listing ENABLE ALWAYS TRIGGER listing_decided;
ALTER TABLE vouchers_listing ENABLE ALWAYS TRIGGER listing_kept;
ALTER TABLE vouchers_listing ENABLE ALWAYS TRIGGER listing_not_deleted;
ALTER TABLE vouchers_debarment ENABLE ALWAYS TRIGGER debarment_kept;
ALTER TABLE vouchers_creditrepair ENABLE ALWAYS TRIGGER credit_repair_kept;
ALTER TABLE vouchers_leniency ENABLE ALWAYS TRIGGER leniency_kept;
ALTER TABLE vouchers_supervisiontable ENABLE ALWAYS TRIGGER supervision_table_kept;
ALTER TABLE vouchers_supervisiontier ENABLE ALWAYS TRIGGER supervision_tier_kept;
