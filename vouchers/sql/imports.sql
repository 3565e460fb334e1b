-- Imported history: rows of past years go in through this one function of the owner, a file a call, so that the trail
-- tells of one event a file (design.md, "How history stands in the system"). Every row is marked origin = 'imported'.
-- Rows whose unique key is there already are passed over: loading the same file twice changes nothing.
CREATE OR REPLACE FUNCTION public.import_rows(p_table text, p_columns text[], p_rows jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    columns_list text;
    taken bigint;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM pg_attribute
        WHERE attrelid = to_regclass(format('public.%I', p_table)) AND attname = 'origin' AND NOT attisdropped
    ) THEN
        RAISE EXCEPTION 'import_rows: % takes no imported rows', p_table USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF p_table = 'vouchers_bankaccount' THEN  -- money is paid to it: only with the register of the parties (import_file)
        RAISE EXCEPTION 'import_rows: bank accounts come with the parties'' register' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF 'origin' = ANY (p_columns) OR 'id' = ANY (p_columns) OR 'recorded_at' = ANY (p_columns) THEN
        RAISE EXCEPTION 'import_rows: id, origin and recorded_at are not given' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg(format('%I', name), ', ' ORDER BY position) INTO columns_list
    FROM unnest(p_columns) WITH ORDINALITY AS given (name, position);
    EXECUTE format(
        'INSERT INTO public.%1$I (%2$s, origin) SELECT %2$s, ''imported'' FROM jsonb_populate_recordset(NULL::public.%1$I, $1) '
        'ON CONFLICT DO NOTHING',
        p_table, columns_list)
    USING p_rows;
    GET DIAGNOSTICS taken = ROW_COUNT;
    RETURN taken;
END
$$;
REVOKE ALL ON FUNCTION public.import_rows(text, text[], jsonb) FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'voucher_app') THEN
        GRANT EXECUTE ON FUNCTION public.import_rows(text, text[], jsonb) TO voucher_app;
    END IF;
END
$$;
