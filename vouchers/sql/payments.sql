-- What a batch was frozen with stays as it is, for everybody: an instruction that went to the bank is never another one.
CREATE OR REPLACE FUNCTION payment_line_frozen() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '拨付明细 % 已报送，收款账户、金额和指令号不得更改。', OLD.instruction_no USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER payment_line_frozen
    BEFORE UPDATE OF batch_id, line_no, payment_id, instruction_no, payee_name, payee_uscc, account_id, account_no, account_name,
        bank_name, amount ON vouchers_paymentline
    FOR EACH ROW WHEN (
        OLD.state <> 'listed' AND
        (OLD.batch_id, OLD.line_no, OLD.payment_id, OLD.instruction_no, OLD.payee_name, OLD.payee_uscc, OLD.account_id,
         OLD.account_no, OLD.account_name, OLD.bank_name, OLD.amount) IS DISTINCT FROM
        (NEW.batch_id, NEW.line_no, NEW.payment_id, NEW.instruction_no, NEW.payee_name, NEW.payee_uscc, NEW.account_id,
         NEW.account_no, NEW.account_name, NEW.bank_name, NEW.amount))
    EXECUTE FUNCTION payment_line_frozen();

-- A batch is approved by as many different persons as its band asks for, none of whom made or proposed it, had a hand in one of
-- its claims or wrote down one of its accounts, each on the very list that goes to the bank.
CREATE OR REPLACE FUNCTION payment_batch_approved() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    approvers integer;
BEGIN
    SELECT count(DISTINCT approved_by_id) INTO approvers FROM vouchers_paymentapproval
     WHERE batch_id = NEW.id AND withdrawn_at IS NULL AND control_hash = NEW.control_hash
       AND approved_by_id IS DISTINCT FROM NEW.created_by_id AND approved_by_id IS DISTINCT FROM NEW.proposed_by_id
       AND NOT EXISTS (SELECT FROM vouchers_paymentline AS l
                         JOIN vouchers_payment AS p ON p.id = l.payment_id
                         LEFT JOIN vouchers_bankaccount AS b ON b.id = l.account_id
                        WHERE l.batch_id = NEW.id AND l.state <> 'removed'
                          AND (approved_by_id = ANY (p.participants) OR approved_by_id IN (b.entered_by_id, b.confirmed_by_id)));
    IF approvers < NEW.approvals_needed THEN
        RAISE EXCEPTION '批次 % 需 % 人批准，现有 % 人。', NEW.batch_no, NEW.approvals_needed, approvers
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER payment_batch_approved
    BEFORE UPDATE OF state ON vouchers_paymentbatch
    FOR EACH ROW WHEN (NEW.state IN ('approved', 'exported') AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION payment_batch_approved();
