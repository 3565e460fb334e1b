-- Only the two verbs, and the account map for check_ledger, are for the application; what they are made of is the owner's.
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'ledger\_%' AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
    GRANT EXECUTE ON FUNCTION ledger_post(jsonb), ledger_post_batch(jsonb), ledger_account_kinds(), ledger_routes() TO voucher_app;
END $$;
