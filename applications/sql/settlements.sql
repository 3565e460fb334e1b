-- The feed of providers' platforms: whatever moves a settlement, and whoever does (the platform, the clock, staff, the bank's
-- answer), the same transaction writes what the platform is told. No action can forget it.
CREATE OR REPLACE FUNCTION settlement_event() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    v_kind text := CASE NEW.state
        WHEN 'submitted' THEN 'settlement.reserved'
        WHEN 'approved' THEN 'settlement.confirmed'
        WHEN 'withdrawn' THEN 'settlement.released'
        WHEN 'lapsed' THEN 'settlement.lapsed'
        WHEN 'rejected' THEN 'settlement.rejected'
        WHEN 'returned' THEN 'settlement.returned'
        WHEN 'verified' THEN 'settlement.verified'
        WHEN 'paid' THEN 'settlement.paid'
    END;
BEGIN
    INSERT INTO vouchers_platformevent
        (provider_id, kind, subject_no, program_code, program_region_code, content)
    VALUES (
        NEW.provider_id, v_kind, NEW.claim_no, NEW.program_code, NEW.program_region_code,
        jsonb_build_object(
            'settlement_no', NEW.claim_no,
            'idempotency_key', NEW.idempotency_key,
            'state', NEW.state,
            'deducted_amount', coalesce(NEW.claimed_amount, 0)::numeric(18, 2)::text,
            'confirmed_amount', NEW.approved_amount::numeric(18, 2)::text,
            'expires_on', CASE WHEN NEW.state = 'submitted' AND (NEW.band ->> 'instant')::boolean THEN NEW.due_on END,
            'needs_review', NEW.state = 'submitted' AND NOT coalesce((NEW.band ->> 'instant')::boolean, false),
            'paid_on', NEW.paid_on));
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER settlement_event AFTER UPDATE OF state ON applications_claim
    FOR EACH ROW WHEN (NEW.kind = 'settlement' AND NEW.origin = 'live' AND NEW.provider_id IS NOT NULL
        AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION settlement_event();
