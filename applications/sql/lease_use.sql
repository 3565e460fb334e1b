-- What is claimed under a contract by all claims that count, kept with every change: a platform settles thousands of times under
-- one, and each time it is asked. Written by these triggers alone; what moves it has its own rows and its own trail.
-- A sum has more room than what it adds up: one absurd amount must not keep out the next.
CREATE TABLE IF NOT EXISTS applications_leaseuse (
    lease_id bigint PRIMARY KEY,
    net_amount numeric(30, 2) NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE applications_leaseuse ALTER COLUMN net_amount TYPE numeric(30, 2);

-- Those that take or took money: as DEAD_STATES of applications/models/claims.py leaves them.
CREATE OR REPLACE FUNCTION claim_counts(p_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_state NOT IN ('withdrawn', 'rejected', 'lapsed', 'draft') $$;

CREATE OR REPLACE FUNCTION lease_use_add(p_lease bigint, p_amount numeric) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO applications_leaseuse AS u (lease_id, net_amount) VALUES (p_lease, p_amount)
    ON CONFLICT (lease_id) DO UPDATE SET net_amount = u.net_amount + excluded.net_amount
$$;

CREATE OR REPLACE FUNCTION lease_use_items_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO applications_leaseuse AS u (lease_id, net_amount)
    SELECT c.lease_id, sum(a.net_amount) FROM added a JOIN applications_claim c ON c.id = a.claim_id
    WHERE c.lease_id IS NOT NULL AND claim_counts(c.state) GROUP BY c.lease_id ORDER BY c.lease_id
    ON CONFLICT (lease_id) DO UPDATE SET net_amount = u.net_amount + excluded.net_amount;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION lease_use_item_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM lease_use_add(c.lease_id, -OLD.net_amount) FROM applications_claim c
    WHERE c.id = OLD.claim_id AND c.lease_id IS NOT NULL AND claim_counts(c.state);
    IF TG_OP = 'UPDATE' THEN
        PERFORM lease_use_add(c.lease_id, NEW.net_amount) FROM applications_claim c
        WHERE c.id = NEW.claim_id AND c.lease_id IS NOT NULL AND claim_counts(c.state);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION lease_use_claim_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_amount numeric := (SELECT sum(i.net_amount) FROM applications_basisitem i WHERE i.claim_id = NEW.id);
BEGIN
    IF v_amount IS NULL THEN
        RETURN NULL;
    END IF;
    IF OLD.lease_id IS NOT NULL AND claim_counts(OLD.state) THEN
        PERFORM lease_use_add(OLD.lease_id, -v_amount);
    END IF;
    IF NEW.lease_id IS NOT NULL AND claim_counts(NEW.state) THEN
        PERFORM lease_use_add(NEW.lease_id, v_amount);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER lease_use_added AFTER INSERT ON applications_basisitem
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lease_use_items_added();
CREATE OR REPLACE TRIGGER lease_use_changed AFTER UPDATE OF net_amount, claim_id ON applications_basisitem
    FOR EACH ROW WHEN (OLD.net_amount IS DISTINCT FROM NEW.net_amount OR OLD.claim_id IS DISTINCT FROM NEW.claim_id)
    EXECUTE FUNCTION lease_use_item_changed();
CREATE OR REPLACE TRIGGER lease_use_removed AFTER DELETE ON applications_basisitem
    FOR EACH ROW EXECUTE FUNCTION lease_use_item_changed();
CREATE OR REPLACE TRIGGER lease_use_moved AFTER UPDATE OF state, lease_id ON applications_claim
    FOR EACH ROW WHEN (claim_counts(OLD.state) IS DISTINCT FROM claim_counts(NEW.state) OR OLD.lease_id IS DISTINCT FROM NEW.lease_id)
    EXECUTE FUNCTION lease_use_claim_moved();

REVOKE ALL ON FUNCTION lease_use_add(bigint, numeric), lease_use_items_added(), lease_use_item_changed(), lease_use_claim_moved() FROM PUBLIC;

-- What was there before it was kept.
INSERT INTO applications_leaseuse (lease_id, net_amount)
SELECT c.lease_id, sum(i.net_amount) FROM applications_claim c JOIN applications_basisitem i ON i.claim_id = c.id
WHERE c.lease_id IS NOT NULL AND claim_counts(c.state) GROUP BY c.lease_id
ON CONFLICT (lease_id) DO UPDATE SET net_amount = excluded.net_amount;
