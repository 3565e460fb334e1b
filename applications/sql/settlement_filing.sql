-- A deduction with all that goes with it, and the ledger's answer to it, in one call; the ledger comes last, so that what many
-- settle on is locked for the COMMIT alone. Runs with the rights of whoever calls it, and every trigger of the tables runs.
--
-- What the ledger refuses leaves nothing but its attempt: the rows are undone, and the chain is sent again to be kept.
-- The contract's row is held first, shared, as by whoever decides: no figure metered under it is corrected, and it is not taken back,
-- while a deduction that does not show yet is made to rest on it. Of a contract that was, its number and state are told.
-- p_claim, p_item, p_review: a row each, by column; p_checks: rows. p_chain: null where nothing is to be reserved.
-- p_line: the line of a batch that it is done for.
CREATE OR REPLACE FUNCTION settlement_file(
    p_context text, p_claim jsonb, p_moved jsonb, p_item jsonb, p_review jsonb, p_checks jsonb, p_answer text, p_chain jsonb, p_line bigint
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE
    v_claim bigint;
    v_evidence text := p_item ->> 'evidence_key';
    v_ledger jsonb;
    v_lease text;
    v_state text;
BEGIN
    PERFORM set_config('voucher.context', p_context, true);
    SELECT l.lease_no, l.state INTO v_lease, v_state FROM applications_lease AS l
     WHERE l.id = (p_claim ->> 'lease_id')::bigint FOR SHARE;
    IF v_state NOT IN ('filed', 'verified', 'ended') THEN
        RETURN jsonb_build_object('lease', jsonb_build_array(v_lease, v_state));
    END IF;
    IF v_evidence <> '' THEN
        -- Of several at once with the same document, one at a time (applications/evidence.py).
        PERFORM pg_advisory_xact_lock(hashtextextended('evidence:' || (p_item ->> 'kind') || ':' || v_evidence, 5));
        IF EXISTS (SELECT FROM applications_basisitem i WHERE i.kind = p_item ->> 'kind' AND i.evidence_key = v_evidence AND i.evidence_key <> '') THEN
            v_evidence := '';
        END IF;
    END IF;
    BEGIN
        INSERT INTO applications_claim (
            origin, claim_no, kind, voucher_id, publication_id, program_code, program_region_code, enterprise_id, provider_id,
            payee_id, lease_id, state, claimed_amount, facts, assessment, engine_version, price_check_id, band, filer_id, filer_ip,
            filer_device, submitted_at, state_since, decision_reason, reviewer, idempotency_key, reserve_id, resolve_id, created_at)
        SELECT c.origin, c.claim_no, c.kind, c.voucher_id, c.publication_id, c.program_code, c.program_region_code, c.enterprise_id,
            c.provider_id, c.payee_id, c.lease_id, c.state, c.claimed_amount, c.facts, c.assessment, c.engine_version,
            c.price_check_id, c.band, c.filer_id, '', '', c.submitted_at, c.state_since, '', '', c.idempotency_key, c.reserve_id,
            c.resolve_id, c.created_at
        FROM jsonb_populate_record(NULL::applications_claim, p_claim) AS c
        RETURNING id INTO v_claim;
        INSERT INTO applications_basisitem (
            origin, claim_id, position, kind, number_key, reference, reference_key, evidence_key, description, net_amount, tax_amount,
            period_from, period_to, accelerator, component, scale_unit, precision)
        SELECT i.origin, v_claim, i.position, i.kind, i.number_key, i.reference, i.reference_key, v_evidence, i.description,
            i.net_amount, i.tax_amount, i.period_from, i.period_to, i.accelerator, i.component, i.scale_unit, i.precision
        FROM jsonb_populate_record(NULL::applications_basisitem, p_item) AS i;
        UPDATE applications_claim AS c SET state = m.state, due_on = m.due_on
        FROM jsonb_populate_record(NULL::applications_claim, p_moved) AS m WHERE c.id = v_claim;
        INSERT INTO applications_review (
            subject_kind, subject_no, region_code, verb, from_state, to_state, actor_id, actor_name, reason, amount, internal, done_at)
        SELECT r.subject_kind, r.subject_no, r.region_code, r.verb, r.from_state, r.to_state, r.actor_id, r.actor_name, r.reason,
            r.amount, r.internal, r.done_at
        FROM jsonb_populate_record(NULL::applications_review, p_review) AS r;
        INSERT INTO applications_check (subject_kind, subject_no, code, label, by_machine, result, sentence, evidence)
        SELECT k.subject_kind, k.subject_no, k.code, k.label, k.by_machine, k.result, k.sentence, k.evidence
        FROM jsonb_populate_recordset(NULL::applications_check, p_checks) AS k;
        INSERT INTO applications_settlementanswer (claim_id, request_sha256, body)
        VALUES (v_claim, p_claim -> 'facts' ->> 'request_sha256', p_answer);
        IF p_line IS NOT NULL THEN
            UPDATE applications_settlementbatchline
            SET outcome = 'done', claim_id = v_claim, deducted_amount = (p_claim ->> 'claimed_amount')::numeric
            WHERE id = p_line;
        END IF;
        IF p_chain IS NULL THEN
            RETURN jsonb_build_object('claim', v_claim);
        END IF;
        v_ledger := ledger_post(p_chain);
        IF (v_ledger ->> 'accepted')::boolean THEN
            RETURN jsonb_build_object('claim', v_claim, 'ledger', v_ledger);
        END IF;
        RAISE EXCEPTION 'the ledger refused' USING ERRCODE = 'LG002';
    EXCEPTION WHEN SQLSTATE 'LG002' THEN
        NULL;
    END;
    RETURN jsonb_build_object('ledger', ledger_post(p_chain));
END
$$;
REVOKE ALL ON FUNCTION settlement_file(text, jsonb, jsonb, jsonb, jsonb, jsonb, text, jsonb, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settlement_file(text, jsonb, jsonb, jsonb, jsonb, jsonb, text, jsonb, bigint) TO voucher_app;
