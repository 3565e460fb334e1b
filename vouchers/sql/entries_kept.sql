-- As decisions_kept.sql: what two persons decide on, and how an account comes into the register.

-- 预算结转
CREATE OR REPLACE TRIGGER carry_over_kept
    BEFORE UPDATE ON vouchers_carryover FOR EACH ROW WHEN (
        (OLD.id, OLD.carry_over_no, OLD.budget_id, OLD.to_year, OLD.treasury_code, OLD.treasury, OLD.amount, OLD.document_no, OLD.reason,
         OLD.proposed_by_id, OLD.proposed_on, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.carry_over_no, NEW.budget_id, NEW.to_year, NEW.treasury_code, NEW.treasury, NEW.amount, NEW.document_no, NEW.reason,
         NEW.proposed_by_id, NEW.proposed_on, NEW.recorded_at)
        OR (OLD.state <> 'proposed' OR NEW.state = 'proposed') AND
        (OLD.decided_by_id, OLD.decided_on, OLD.decision_reason)
        IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_on, NEW.decision_reason))
    EXECUTE FUNCTION decision_kept('预算结转');

-- 拨付: by which caps it is held is what the claim was decided under.
CREATE OR REPLACE TRIGGER payment_terms_kept
    BEFORE UPDATE ON vouchers_payment FOR EACH ROW WHEN (OLD.cap_terms IS DISTINCT FROM NEW.cap_terms)
    EXECUTE FUNCTION decision_kept('拨付限额');

-- 单位银行账户: an account without who entered it counts as taken over from the register, so only the owner's import of history
-- (import_file, from a checked folder) writes one. Whoever else enters one says who it is, and another confirms it later.
CREATE OR REPLACE FUNCTION account_entered() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '银行账户须由经办人登记，再由另一人确认；不得无登记人或一步登记并确认。'
        USING ERRCODE = 'restrict_violation', DETAIL = format('%s %s', TG_TABLE_NAME, NEW.account_no);
END $$;

CREATE OR REPLACE TRIGGER bank_account_entered
    BEFORE INSERT ON vouchers_bankaccount FOR EACH ROW WHEN (
        current_user <> 'voucher_owner'
        AND (NEW.entered_by_id IS NULL OR NEW.confirmed_by_id IS NOT NULL OR NEW.superseded_at IS NOT NULL OR NEW.origin <> 'live'))
    EXECUTE FUNCTION account_entered();

ALTER TABLE vouchers_carryover ENABLE ALWAYS TRIGGER carry_over_kept;
ALTER TABLE vouchers_payment ENABLE ALWAYS TRIGGER payment_terms_kept;
ALTER TABLE vouchers_bankaccount ENABLE ALWAYS TRIGGER bank_account_entered;
