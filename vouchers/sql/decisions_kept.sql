-- What two persons decide on is the same row from the first to the second of them, whoever writes: a set-off, a budget that goes back,
-- a refund, a demand, a payable, an account. Fixed columns never change; a decision is written with the change of state that it is.
CREATE OR REPLACE FUNCTION decision_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%登记后不得改写，请按办理步骤更正。', TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', DETAIL = format('%s %s', TG_TABLE_NAME, OLD.id);
END $$;

-- 抵扣
CREATE OR REPLACE TRIGGER set_off_kept
    BEFORE UPDATE ON vouchers_setoff FOR EACH ROW WHEN (
        (OLD.id, OLD.set_off_no, OLD.clawback_id, OLD.payment_id, OLD.amount, OLD.proposed_by_id, OLD.proposed_at, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.set_off_no, NEW.clawback_id, NEW.payment_id, NEW.amount, NEW.proposed_by_id, NEW.proposed_at, NEW.recorded_at)
        OR (OLD.state <> 'proposed' OR NEW.state = 'proposed') AND
        (OLD.decided_by_id, OLD.decided_at, OLD.answer) IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_at, NEW.answer))
    EXECUTE FUNCTION decision_kept('抵扣');

-- 收回预算
CREATE OR REPLACE TRIGGER budget_withdrawal_kept
    BEFORE UPDATE ON vouchers_budgetwithdrawal FOR EACH ROW WHEN (
        (OLD.id, OLD.budget_withdrawal_no, OLD.budget_id, OLD.treasury_code, OLD.treasury, OLD.amount, OLD.document_no, OLD.reason,
         OLD.proposed_by_id, OLD.proposed_on, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.budget_withdrawal_no, NEW.budget_id, NEW.treasury_code, NEW.treasury, NEW.amount, NEW.document_no, NEW.reason,
         NEW.proposed_by_id, NEW.proposed_on, NEW.recorded_at)
        OR (OLD.state <> 'proposed' OR NEW.state = 'proposed') AND
        (OLD.decided_by_id, OLD.decided_on, OLD.decision_reason)
        IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_on, NEW.decision_reason))
    EXECUTE FUNCTION decision_kept('收回预算');

-- 退还
CREATE OR REPLACE TRIGGER refund_kept
    BEFORE UPDATE ON vouchers_refund FOR EACH ROW WHEN (
        (OLD.id, OLD.refund_no, OLD.clawback_id, OLD.receipt_id, OLD.kind, OLD.amount, OLD.reason, OLD.opened_on, OLD.opened_by_id,
         OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.refund_no, NEW.clawback_id, NEW.receipt_id, NEW.kind, NEW.amount, NEW.reason, NEW.opened_on, NEW.opened_by_id,
         NEW.recorded_at)
        OR NOT (OLD.state = 'due' AND NEW.state = 'approved' OR OLD.state = 'approved' AND NEW.state = 'due') AND
        (OLD.account_id, OLD.approved_by_id, OLD.approved_at)
        IS DISTINCT FROM (NEW.account_id, NEW.approved_by_id, NEW.approved_at)
        OR NOT (OLD.state = 'approved' AND NEW.state = 'paid') AND
        (OLD.paid_by_id, OLD.paid_on, OLD.bank_reference) IS DISTINCT FROM (NEW.paid_by_id, NEW.paid_on, NEW.bank_reference))
    EXECUTE FUNCTION decision_kept('退还');

-- 追回: revised while it is a draft; from the proposal on it is what was proposed. Only the day moves, with agreed instalments.
CREATE OR REPLACE TRIGGER clawback_kept
    BEFORE UPDATE ON vouchers_clawback FOR EACH ROW WHEN (
        (OLD.id, OLD.clawback_no, OLD.region_id, OLD.program_id, OLD.payment_id, OLD.claim_no, OLD.party_id, OLD.ground,
         OLD.paid_amount, OLD.drafted_by_id, OLD.drafted_on, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.clawback_no, NEW.region_id, NEW.program_id, NEW.payment_id, NEW.claim_no, NEW.party_id, NEW.ground,
         NEW.paid_amount, NEW.drafted_by_id, NEW.drafted_on, NEW.recorded_at)
        OR OLD.state <> 'drafted' AND
        (OLD.ground_no, OLD.reason, OLD.founded_amount, OLD.principal_amount, OLD.interest_amount, OLD.penalty_amount, OLD.working,
         OLD.pay_within_days)
        IS DISTINCT FROM
        (NEW.ground_no, NEW.reason, NEW.founded_amount, NEW.principal_amount, NEW.interest_amount, NEW.penalty_amount, NEW.working,
         NEW.pay_within_days)
        OR OLD.state NOT IN ('drafted', 'proposed') AND
        (OLD.proposed_by_id, OLD.approved_by_id, OLD.approved_at)
        IS DISTINCT FROM (NEW.proposed_by_id, NEW.approved_by_id, NEW.approved_at)
        OR NOT (OLD.state = 'approved' AND NEW.state = 'noticed') AND
        (OLD.noticed_by_id, OLD.noticed_at, OLD.receiving_account_id)
        IS DISTINCT FROM (NEW.noticed_by_id, NEW.noticed_at, NEW.receiving_account_id)
        OR OLD.state NOT IN ('approved', 'noticed') AND OLD.due_on IS DISTINCT FROM NEW.due_on
        OR OLD.state <> 'noticed' AND
        (OLD.write_off_by_id, OLD.write_off_reason, OLD.write_off_document)
        IS DISTINCT FROM (NEW.write_off_by_id, NEW.write_off_reason, NEW.write_off_document)
        OR OLD.state = NEW.state AND
        (OLD.proposed_by_id, OLD.approved_by_id, OLD.approved_at, OLD.write_off_by_id, OLD.write_off_reason, OLD.write_off_document,
         OLD.written_off_by_id, OLD.withdrawn_reason, OLD.closed_on)
        IS DISTINCT FROM
        (NEW.proposed_by_id, NEW.approved_by_id, NEW.approved_at, NEW.write_off_by_id, NEW.write_off_reason, NEW.write_off_document,
         NEW.written_off_by_id, NEW.withdrawn_reason, NEW.closed_on))
    EXECUTE FUNCTION decision_kept('追回');

-- 拨付: whoever had a hand in the claim is only added to; what is set off only rises, while the payment is in no batch.
CREATE OR REPLACE TRIGGER payment_kept
    BEFORE UPDATE ON vouchers_payment FOR EACH ROW WHEN (
        (OLD.id, OLD.payment_no, OLD.claim_no, OLD.voucher_no, OLD.region_id, OLD.program_id, OLD.payee_id, OLD.amount, OLD.payable_on,
         OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.payment_no, NEW.claim_no, NEW.voucher_no, NEW.region_id, NEW.program_id, NEW.payee_id, NEW.amount, NEW.payable_on,
         NEW.recorded_at)
        OR NOT NEW.participants @> OLD.participants
        OR NEW.offset_amount <> OLD.offset_amount AND (NEW.offset_amount < OLD.offset_amount OR OLD.state <> 'payable')
        OR OLD.state IN ('instructed', 'unknown', 'confirmed', 'offset') AND NEW.state = OLD.state AND
        (OLD.account_id, OLD.batch_id, OLD.paid_on, OLD.bank_reference)
        IS DISTINCT FROM (NEW.account_id, NEW.batch_id, NEW.paid_on, NEW.bank_reference))
    EXECUTE FUNCTION decision_kept('拨付');

-- 单位银行账户: as the office's own (account_kept in payment_guards.sql); confirmed once, while in use, by another than who entered it.
CREATE OR REPLACE TRIGGER bank_account_kept
    BEFORE UPDATE ON vouchers_bankaccount FOR EACH ROW WHEN (
        (OLD.id, OLD.entry_no, OLD.party_id, OLD.account_no, OLD.account_name, OLD.bank_name, OLD.entered_by_id, OLD.office_reason,
         OLD.origin, OLD.recorded_at)
        IS DISTINCT FROM
        (NEW.id, NEW.entry_no, NEW.party_id, NEW.account_no, NEW.account_name, NEW.bank_name, NEW.entered_by_id, NEW.office_reason,
         NEW.origin, NEW.recorded_at)
        OR OLD.superseded_at IS NOT NULL AND NEW.superseded_at IS DISTINCT FROM OLD.superseded_at
        OR NEW.confirmed_by_id IS DISTINCT FROM OLD.confirmed_by_id AND (
            OLD.confirmed_by_id IS NOT NULL OR OLD.superseded_at IS NOT NULL OR NEW.confirmed_by_id = NEW.entered_by_id))
    EXECUTE FUNCTION account_kept();

-- Not switched off by session_replication_role either.
ALTER TABLE vouchers_setoff ENABLE ALWAYS TRIGGER set_off_kept;
ALTER TABLE vouchers_budgetwithdrawal ENABLE ALWAYS TRIGGER budget_withdrawal_kept;
ALTER TABLE vouchers_refund ENABLE ALWAYS TRIGGER refund_kept;
ALTER TABLE vouchers_clawback ENABLE ALWAYS TRIGGER clawback_kept;
ALTER TABLE vouchers_payment ENABLE ALWAYS TRIGGER payment_kept;
ALTER TABLE vouchers_bankaccount ENABLE ALWAYS TRIGGER bank_account_kept;
ALTER TABLE vouchers_receivingaccount ENABLE ALWAYS TRIGGER receiving_account_kept;
