-- History comes in here (applications/actions/imports): a folder of CSV files, read and checked cell by cell in Python, is
-- copied into staging tables; import_history then moves one file's rows into the tables of live cases, marked as imported, in
-- their final state, outside the ledger and the lifecycles. One INSERT a table, so that the trail tells of one event a file.
--
-- The staging tables are temporary and belong to voucher_owner: nobody but this session sees them, nothing is left of them
-- after a crash, and the application can neither alter them nor put a view of its own in their place (it would run with the
-- owner's rights), which import_staged() makes sure of. Everything is qualified; nothing here executes what a file says.

CREATE OR REPLACE FUNCTION public.import_open() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stage text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('import_history', 0)) THEN
        RAISE EXCEPTION 'another import is running' USING ERRCODE = 'lock_not_available';
    END IF;
    CREATE TEMPORARY TABLE import_parties (
        line bigint, uscc text, name text, region_code text, registered_on date, ownership text, size text, industry_code text,
        registered_capital numeric, legal_rep_name text, legal_rep_id text, address text, phone text, email text,
        bank_account text, status text, is_enterprise boolean, is_provider boolean) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_shareholdings (
        line bigint, company_uscc text, holder_kind text, holder_id text, holder_name text, percent numeric, from_on date,
        to_on date) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_declared_affiliations (
        line bigint, uscc text, other_uscc text, relation text, declared_on date) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_provider_admissions (
        line bigint, provider_uscc text, program_code text, batch text, service_item text, tier text, admitted_on date,
        ended_on date) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_capacity (
        line bigint, provider_uscc text, accelerator text, cards integer, from_on date, to_on date, site text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_devices (
        line bigint, serial text, provider_uscc text, accelerator text, site text, in_service_on date, retired_on date,
        replaces_serial text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_listings (
        line bigint, uscc text, kind text, from_on date, to_on date, document_no text, reason text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_leases (
        line bigint, lease_no text, lessee_uscc text, lessor_uscc text, program_code text, region_code text, signed_on date,
        starts_on date, ends_on date, accelerator text, form_factor text, cards integer, unit text, quantity numeric,
        unit_price numeric, vat_rate numeric, amount numeric, purpose text, exclusive boolean, document_sha256 text,
        document_text text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_lease_devices (
        line bigint, lease_no text, serial text, from_on date, to_on date, share numeric) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_metering (
        line bigint, lease_no text, day date, card_hours numeric, source text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_invoices (
        line bigint, invoice_code text, invoice_no text, kind text, status text, status_changed_on date, red_of text,
        issued_on date, seller_uscc text, seller_name text, buyer_uscc text, buyer_name text, net_amount numeric,
        tax_amount numeric, gross_amount numeric, lease_no text, period_from date, period_to date, file_sha256 text,
        number_key text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_invoice_lines (
        line bigint, invoice_code text, invoice_no text, line_no integer, description text, unit text, quantity numeric,
        unit_price numeric, net_amount numeric, tax_rate numeric, tax_amount numeric) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_payments (
        line bigint, bank_ref text, payer_uscc text, payer_account text, payee_uscc text, payee_account text, paid_on date,
        amount numeric, receipt_sha256 text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_applications (
        line bigint, application_no text, program_code text, enterprise_uscc text, submitted_at timestamptz,
        requested_amount numeric, filer_phone text, filer_ip text, filer_device text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_vouchers (
        line bigint, voucher_no text, application_no text, program_code text, enterprise_uscc text, face_value numeric,
        issued_on date, expires_on date) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_claims (
        line bigint, claim_no text, voucher_no text, lease_no text, submitted_at timestamptz, claimed_amount numeric,
        filer_ip text, filer_device text, status text, decided_at timestamptz, reviewer text, paid_on date) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_claim_invoices (
        line bigint, claim_no text, invoice_code text, invoice_no text, claimed_net numeric, bank_ref text,
        number_key text) ON COMMIT DROP;
    -- Which program of history stands for a code of the files, and what was refused across rows and files.
    CREATE TEMPORARY TABLE import_program (
        code text PRIMARY KEY, program_id bigint, region_code text, supply boolean) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_refusal (
        file text, line bigint, column_name text, code text, detail text) ON COMMIT DROP;
    FOREACH stage IN ARRAY import_stages() LOOP
        EXECUTE format('GRANT SELECT, INSERT ON pg_temp.%I TO voucher_app', stage);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION public.import_stages() RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[
        'import_parties', 'import_shareholdings', 'import_declared_affiliations', 'import_provider_admissions',
        'import_capacity', 'import_devices', 'import_listings', 'import_leases', 'import_lease_devices', 'import_metering',
        'import_invoices', 'import_invoice_lines', 'import_payments', 'import_applications', 'import_vouchers',
        'import_claims', 'import_claim_invoices', 'import_program', 'import_refusal']
$$;

-- The staging tables are this session's, plain tables, and the owner's; then they are measured for good plans.
CREATE OR REPLACE FUNCTION public.import_staged() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM pg_class
        WHERE relnamespace = pg_my_temp_schema() AND relname = ANY (import_stages()) AND relkind = 'r'
          AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)) <> cardinality(import_stages())
    THEN
        RAISE EXCEPTION 'import_open() comes first' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION public.import_analyze(p_stage text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM import_staged();
    IF p_stage <> ALL (import_stages()) THEN
        RAISE EXCEPTION 'no staging table %', p_stage USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ANALYZE pg_temp.%I', p_stage);
END $$;

CREATE OR REPLACE FUNCTION public.import_close() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stage text;
BEGIN
    PERFORM import_staged();
    FOREACH stage IN ARRAY import_stages() LOOP
        EXECUTE format('DROP TABLE pg_temp.%I', stage);
    END LOOP;
END $$;

-- Refuse every row but the first of those that share a key; rows that are refused already do not count. Comes last.
CREATE OR REPLACE FUNCTION public.import_refuse_duplicates(p_file text, p_stage text, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    key_columns text := (SELECT string_agg(format('%I', k), ', ') FROM unnest(p_key) AS k);
    repeated boolean;
BEGIN
    -- Nearly every file has none, which counting by hash tells much faster than sorting the whole of it.
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM pg_temp.%I GROUP BY %s HAVING count(*) > 1)', p_stage, key_columns) INTO repeated;
    IF NOT repeated THEN
        RETURN;
    END IF;
    EXECUTE format(
        'INSERT INTO pg_temp.import_refusal SELECT %L, line, %L, ''row.duplicate'', first::text FROM ('
        ' SELECT line, min(line) OVER (PARTITION BY %s) AS first FROM pg_temp.%I'
        '  WHERE line NOT IN (SELECT line FROM pg_temp.import_refusal WHERE file = %L)) AS s WHERE line > first',
        p_file, p_key[1], key_columns, p_stage, p_file);
END $$;

-- Refuse rows that point to nothing. p_also: a further condition on the row s.
CREATE OR REPLACE FUNCTION public.import_refuse_unknown(
    p_file text, p_stage text, p_column text, p_target text, p_target_column text, p_also text DEFAULT 'true'
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO pg_temp.import_refusal SELECT %L, s.line, %L, ''row.unknown_reference'', s.%I FROM pg_temp.%I AS s '
        'WHERE s.%I <> '''' AND (%s) AND NOT EXISTS (SELECT FROM public.%I AS t WHERE t.%I = s.%I)',
        p_file, p_column, p_column, p_stage, p_column, p_also, p_target, p_target_column, p_column);
END $$;

CREATE OR REPLACE FUNCTION public.import_drop_refused(p_file text, p_stage text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.import_refusal WHERE file = p_file) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'DELETE FROM pg_temp.%I WHERE line IN (SELECT line FROM pg_temp.import_refusal WHERE file = %L)', p_stage, p_file);
END $$;

-- Move rows. p_ready selects line and the target's columns; p_key is what makes a row the same row; where p_compare names
-- columns, a row that is there already with other contents is refused, since history does not change.
CREATE OR REPLACE FUNCTION public.import_move(
    p_file text, p_table text, p_key text[], p_compare text[], p_ready text, OUT taken bigint, OUT known bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target_columns text;
    same_key text := (SELECT string_agg(format('t.%1$I = r.%1$I', k), ' AND ') FROM unnest(p_key) AS k);
    other_contents text := (SELECT string_agg(format('t.%1$I IS DISTINCT FROM r.%1$I', c), ' OR ') FROM unnest(p_compare) AS c);
    contradicted text := coalesce('t.ctid IS NOT NULL AND (t.origin <> ''imported'' OR ' || other_contents || ')', 'false');
BEGIN
    -- What columns the rows have, without any of them.
    EXECUTE format('CREATE TEMPORARY TABLE import_ready ON COMMIT DROP AS SELECT * FROM (%s) AS q LIMIT 0', p_ready);
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO target_columns
      FROM pg_attribute
     WHERE attrelid = 'pg_temp.import_ready'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'line';
    DROP TABLE pg_temp.import_ready;
    -- One pass: each row beside the one that is there already under its key.
    EXECUTE format(
        'WITH ready AS MATERIALIZED ('
        '    SELECT r.*, t.ctid IS NOT NULL AS import_known, %1$s AS import_contradicted'
        '      FROM (%2$s) AS r LEFT JOIN public.%3$I AS t ON %4$s),'
        ' refused AS ('
        '    INSERT INTO pg_temp.import_refusal SELECT %5$L, line, %6$L, ''row.key_taken'', %6$I::text'
        '      FROM ready WHERE import_contradicted RETURNING 1),'
        ' taken AS ('
        '    INSERT INTO public.%3$I (%7$s) SELECT %7$s FROM ready WHERE NOT import_known ORDER BY line RETURNING 1)'
        ' SELECT (SELECT count(*) FROM taken),'
        '        (SELECT count(*) FROM ready WHERE import_known) - (SELECT count(*) FROM refused)',
        contradicted, p_ready, p_table, same_key, p_file, p_key[1], target_columns)
    INTO taken, known;
    -- The next file is joined to this table: without figures of what has just been added the plans would be nested scans.
    IF taken > 0 THEN EXECUTE format('ANALYZE public.%I', p_table); END IF;
END $$;
