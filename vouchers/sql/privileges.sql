-- What the application's roles may do with the tables, applied by the owner after each migrate (vouchers/privileges.py).
-- First everything that an application needs, then less: tables that only SQL functions of the owner write, and tables
-- that only grow. Named by each app's privileges.py and handed over in the temporary table table_privilege.
GRANT USAGE ON SCHEMA public TO voucher_app, voucher_sealer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO voucher_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO voucher_app;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM voucher_sealer;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM voucher_sealer;
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM voucher_app;

DO $$
DECLARE
    listed record;
    sequence_name text;
BEGIN
    FOR listed IN SELECT table_name, privilege FROM table_privilege LOOP
        IF to_regclass(format('public.%I', listed.table_name)) IS NULL THEN
            RAISE EXCEPTION 'privileges.py names the table %, which does not exist', listed.table_name;
        END IF;
        CASE listed.privilege
            WHEN 'no_write' THEN
                EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON public.%I FROM voucher_app', listed.table_name);
            WHEN 'no_read' THEN
                EXECUTE format('REVOKE SELECT ON public.%I FROM voucher_app', listed.table_name);
            WHEN 'no_delete' THEN
                EXECUTE format('REVOKE DELETE, TRUNCATE ON public.%I FROM voucher_app', listed.table_name);
            WHEN 'append_only' THEN
                EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON public.%I FROM voucher_app', listed.table_name);
            WHEN 'sealer_reads' THEN
                EXECUTE format('GRANT SELECT ON public.%I TO voucher_sealer', listed.table_name);
            WHEN 'sealer_takes' THEN
                EXECUTE format('GRANT SELECT, DELETE ON public.%I TO voucher_sealer', listed.table_name);
            WHEN 'sealer_appends' THEN
                EXECUTE format('GRANT SELECT, INSERT ON public.%I TO voucher_sealer', listed.table_name);
                FOR sequence_name IN
                    SELECT pg_get_serial_sequence(format('public.%I', listed.table_name), attname)
                    FROM pg_attribute
                    WHERE attrelid = to_regclass(format('public.%I', listed.table_name)) AND attnum > 0 AND NOT attisdropped
                LOOP
                    IF sequence_name IS NOT NULL THEN
                        EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %s TO voucher_sealer', sequence_name);
                    END IF;
                END LOOP;
        END CASE;
    END LOOP;
END
$$;
