-- What a case has found stays from the day on which it is put before another person; only a return opens it again.
CREATE OR REPLACE FUNCTION case_conclusion_stays() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    held text;
BEGIN
    SELECT c.state INTO held FROM audit_case AS c WHERE c.id = CASE TG_OP WHEN 'DELETE' THEN OLD.case_id ELSE NEW.case_id END FOR SHARE;
    IF held IS DISTINCT FROM 'working' THEN
        RAISE EXCEPTION '案件目前不在核查中，其结论不能增改（%）。', held USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.case_id, NEW.flag_id) IS DISTINCT FROM (OLD.case_id, OLD.flag_id) THEN
        RAISE EXCEPTION '结论所属的案件和预警不能改。' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER case_conclusion_stays BEFORE INSERT OR UPDATE OR DELETE ON audit_caseconclusion
    FOR EACH ROW EXECUTE FUNCTION case_conclusion_stays();

-- A frozen subject stays as it was when its case was closed.
CREATE OR REPLACE FUNCTION case_subject_stays() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.frozen THEN
        RAISE EXCEPTION '案件已办结，其事项不能再改。' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER case_subject_stays BEFORE UPDATE OR DELETE ON audit_casesubject
    FOR EACH ROW EXECUTE FUNCTION case_subject_stays();
