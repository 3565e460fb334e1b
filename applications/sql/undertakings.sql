-- A registration number is one project's. Casework finds which (applications/undertakings.py); whatever way a case gets a number,
-- or comes back with one after it was turned down, the database refuses a second project under it. What is refused or withdrawn
-- bears no number: as _WITHOUT_CLAIM of that module says. Taken under casework's lock of filings, so that two do not pass at once.
CREATE OR REPLACE FUNCTION undertaking_number_of_one() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    v_application bigint;
    v_key text;
    v_merged text;
BEGIN
    IF TG_TABLE_NAME = 'applications_undertakingkey' THEN
        v_application := NEW.application_id;
    ELSE
        v_application := NEW.id;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('undertaking', 6));
    SELECT u.undertaking_no INTO v_merged
      FROM applications_undertakingkey AS k JOIN applications_undertaking AS u ON u.id = k.undertaking_id
     WHERE k.application_id = v_application AND u.merged_into_id IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'project % was merged into another: nothing names it any more', v_merged
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'undertaking_number_of_one';
    END IF;
    SELECT own.key INTO v_key
      FROM applications_undertakingkey AS own
      JOIN applications_application AS o ON o.id = own.application_id
      JOIN applications_undertakingkey AS other ON other.key = own.key AND other.undertaking_id <> own.undertaking_id
      JOIN applications_application AS a ON a.id = other.application_id
     WHERE own.application_id = v_application AND own.key LIKE 'registration:%'
       AND o.state NOT IN ('rejected', 'withdrawn') AND a.state NOT IN ('rejected', 'withdrawn')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is the number of another project', v_key
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'undertaking_number_of_one';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER undertaking_number_of_one AFTER INSERT OR UPDATE ON applications_undertakingkey
    FOR EACH ROW EXECUTE FUNCTION undertaking_number_of_one();
CREATE OR REPLACE TRIGGER undertaking_number_of_one AFTER UPDATE OF state ON applications_application
    FOR EACH ROW WHEN (OLD.state IN ('rejected', 'withdrawn') AND NEW.state NOT IN ('rejected', 'withdrawn'))
    EXECUTE FUNCTION undertaking_number_of_one();

REVOKE ALL ON FUNCTION undertaking_number_of_one() FROM PUBLIC;
