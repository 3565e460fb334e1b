-- What a batch was proposed, approved and sent with stays as it is, for everybody: the list, its totals, who approved it, what the
-- bank answered. Beside payments.sql, which has what holds since lines exist.
CREATE SEQUENCE IF NOT EXISTS set_off_no_seq;
CREATE SEQUENCE IF NOT EXISTS refund_no_seq;
CREATE SEQUENCE IF NOT EXISTS receiving_account_no_seq;

-- Lines are written while their batch is a draft. A line is taken out by its state; no row of the list ever goes.
CREATE OR REPLACE FUNCTION payment_line_guarded() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION '拨付明细 % 不得删除，请移出批次。', OLD.instruction_no USING ERRCODE = 'restrict_violation';
    END IF;
    IF (SELECT state FROM vouchers_paymentbatch WHERE id = NEW.batch_id) <> 'draft' THEN
        RAISE EXCEPTION '批次已报批，拨付明细 % 的收款账户、金额和指令号不得更改或增列。', NEW.instruction_no USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER payment_line_inserted
    BEFORE INSERT ON vouchers_paymentline FOR EACH ROW EXECUTE FUNCTION payment_line_guarded();

CREATE OR REPLACE TRIGGER payment_line_rewritten
    BEFORE UPDATE ON vouchers_paymentline FOR EACH ROW WHEN (
        (OLD.batch_id, OLD.line_no, OLD.payment_id, OLD.instruction_no, OLD.payee_name, OLD.payee_uscc, OLD.account_id,
         OLD.account_no, OLD.account_name, OLD.bank_name, OLD.amount) IS DISTINCT FROM
        (NEW.batch_id, NEW.line_no, NEW.payment_id, NEW.instruction_no, NEW.payee_name, NEW.payee_uscc, NEW.account_id,
         NEW.account_no, NEW.account_name, NEW.bank_name, NEW.amount))
    EXECUTE FUNCTION payment_line_guarded();

-- So does the room that its caps hold for a line, and whom it was counted with: let go with the list, never put to another.
CREATE OR REPLACE FUNCTION payment_line_room_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (OLD.cap_chain, OLD.cap_members, OLD.cap_register) IS NOT DISTINCT FROM (NEW.cap_chain, NEW.cap_members, NEW.cap_register) THEN
        RETURN NEW;
    END IF;
    CASE (SELECT state FROM vouchers_paymentbatch WHERE id = NEW.batch_id)
        WHEN 'draft' THEN
            RETURN NEW;
        WHEN 'cancelled' THEN
            IF NEW.cap_chain IS NULL AND (OLD.cap_members, OLD.cap_register) IS NOT DISTINCT FROM (NEW.cap_members, NEW.cap_register) THEN
                RETURN NEW;
            END IF;
        ELSE
            NULL;
    END CASE;
    RAISE EXCEPTION '批次已报批，拨付明细 % 预占的限额不得更改。', OLD.instruction_no USING ERRCODE = 'restrict_violation';
END $$;

-- Without a list of columns: the file is loaded before they are there.
CREATE OR REPLACE TRIGGER payment_line_room_kept
    BEFORE UPDATE ON vouchers_paymentline FOR EACH ROW EXECUTE FUNCTION payment_line_room_kept();

CREATE OR REPLACE TRIGGER payment_line_deleted
    BEFORE DELETE ON vouchers_paymentline FOR EACH ROW EXECUTE FUNCTION payment_line_guarded();

-- What the bank has answered for good is changed only by another answer.
CREATE OR REPLACE FUNCTION payment_line_answered() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '拨付明细 % 已有银行结果，不得改写。', OLD.instruction_no USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER payment_line_answered
    BEFORE UPDATE ON vouchers_paymentline FOR EACH ROW WHEN (
        OLD.state IN ('confirmed', 'returned') AND NEW.state = OLD.state AND
        (OLD.paid_on, OLD.bank_reference, OLD.returned_reason, OLD.bank_return_id) IS DISTINCT FROM
        (NEW.paid_on, NEW.bank_reference, NEW.returned_reason, NEW.bank_return_id))
    EXECUTE FUNCTION payment_line_answered();

CREATE OR REPLACE FUNCTION payment_batch_frozen() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '批次 % 已报批，控制数、校验值和审批要求不得更改。', OLD.batch_no USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER payment_batch_frozen
    BEFORE UPDATE ON vouchers_paymentbatch FOR EACH ROW WHEN (
        OLD.state <> 'draft' AND NEW.state <> 'draft' AND
        (OLD.batch_no, OLD.region_id, OLD.program_id, OLD.control_count, OLD.control_sum, OLD.control_hash, OLD.control_version,
         OLD.approvals_needed, OLD.band_document_no, OLD.created_by_id, OLD.proposed_by_id) IS DISTINCT FROM
        (NEW.batch_no, NEW.region_id, NEW.program_id, NEW.control_count, NEW.control_sum, NEW.control_hash, NEW.control_version,
         NEW.approvals_needed, NEW.band_document_no, NEW.created_by_id, NEW.proposed_by_id))
    EXECUTE FUNCTION payment_batch_frozen();

CREATE OR REPLACE TRIGGER payment_batch_sent
    BEFORE UPDATE ON vouchers_paymentbatch FOR EACH ROW WHEN (
        OLD.state IN ('exported', 'settled') AND
        (OLD.approved_by_id, OLD.approved_at, OLD.exported_at, OLD.exported_by_id, OLD.export_sha256) IS DISTINCT FROM
        (NEW.approved_by_id, NEW.approved_at, NEW.exported_at, NEW.exported_by_id, NEW.export_sha256))
    EXECUTE FUNCTION payment_batch_frozen();

CREATE OR REPLACE FUNCTION payment_approval_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '拨付批准只能作废，不得更改。' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER payment_approval_kept
    BEFORE UPDATE ON vouchers_paymentapproval FOR EACH ROW WHEN (
        (OLD.batch_id, OLD.approved_by_id, OLD.approved_at, OLD.control_hash) IS DISTINCT FROM
        (NEW.batch_id, NEW.approved_by_id, NEW.approved_at, NEW.control_hash)
        OR OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at)
    EXECUTE FUNCTION payment_approval_kept();

-- An account is replaced by another row, never rewritten under a payment.
CREATE OR REPLACE FUNCTION account_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '账户登记后不得改写，请停用后另行登记。' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER receiving_account_kept
    BEFORE UPDATE ON vouchers_receivingaccount FOR EACH ROW WHEN (
        (OLD.region_id, OLD.account_name, OLD.account_no, OLD.bank_name, OLD.document_no, OLD.entered_by_id) IS DISTINCT FROM
        (NEW.region_id, NEW.account_name, NEW.account_no, NEW.bank_name, NEW.document_no, NEW.entered_by_id)
        OR OLD.confirmed_by_id IS NOT NULL AND NEW.confirmed_by_id IS DISTINCT FROM OLD.confirmed_by_id
        OR OLD.superseded_at IS NOT NULL AND NEW.superseded_at IS DISTINCT FROM OLD.superseded_at)
    EXECUTE FUNCTION account_kept();
