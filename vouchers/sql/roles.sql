-- The roles of the system. Run once by the database's superuser (the embedded server's launcher does); idempotent.
-- Passwords are set apart (ALTER ROLE ... PASSWORD), never in a file of the repository.
--   voucher_owner     owns every table and every SECURITY DEFINER function; nobody can sign in as it
--   voucher_migrator  signs in to migrate and assumes voucher_owner (MIGRATION_DATABASE_URL)
--   voucher_app       the web application, its tasks and its commands (DATABASE_URL): may not write ledger or trail
--   voucher_sealer    seals the trail (SEALER_DATABASE_URL): reads events, adds checkpoints, nothing else
--   voucher_queue     the queue, in a database of its own (CELERY_BROKER_URL)
DO $$
DECLARE
    role_name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'voucher_owner') THEN
        CREATE ROLE voucher_owner NOLOGIN;
    END IF;
    FOREACH role_name IN ARRAY ARRAY['voucher_migrator', 'voucher_app', 'voucher_sealer', 'voucher_queue'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role_name);
        END IF;
    END LOOP;
END
$$;
GRANT voucher_owner TO voucher_migrator WITH INHERIT FALSE, SET TRUE;
