-- One branch a file: what must hold across rows and files, and how a row of the file becomes a row of the table.
-- Inclusive last days become half-open ends here (+ 1), and nowhere else.
--
-- p_collected: the files that this folder holds. A reference to a file that is not among them cannot be tested and is left
-- empty where the table allows it; where it does not, import_placeholders() has made the row that is pointed to.
CREATE OR REPLACE FUNCTION public.import_history(p_file text, p_collected text[], p_on date) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET work_mem = '128MB' SET jit = off AS $$
DECLARE
    stage text := 'import_' || replace(p_file, '.csv', '');
    leases_there boolean := 'leases.csv' = ANY (p_collected);
    moved record;
    accounts record;
BEGIN
    PERFORM import_staged();
    IF stage <> ALL (import_stages()) OR stage IN ('import_program', 'import_refusal') THEN
        RAISE EXCEPTION 'no file % in the format', p_file USING ERRCODE = 'invalid_parameter_value';
    END IF;

    CASE p_file
    WHEN 'parties.csv' THEN
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['uscc']);
        PERFORM import_drop_refused(p_file, stage);
        -- A party is in the register once: what another year says of it does not overwrite what is there.
        SELECT * INTO moved FROM import_move(p_file, 'vouchers_party', ARRAY['uscc'], NULL, $q$
            SELECT line, uscc, name, is_enterprise, is_provider, region_code, registered_on, ownership, size, industry_code,
                   registered_capital, legal_rep_name, legal_rep_id, address, phone, email, status, 'imported' AS origin
              FROM pg_temp.import_parties $q$);
        SELECT * INTO accounts FROM import_move(p_file, 'vouchers_bankaccount', ARRAY['party_id', 'account_no'], NULL, $q$
            SELECT s.line, p.id AS party_id, s.bank_account AS account_no, s.name AS account_name, '' AS bank_name,
                   'imported' AS origin
              FROM pg_temp.import_parties AS s JOIN public.vouchers_party AS p USING (uscc)
             WHERE s.bank_account <> '' $q$);

    WHEN 'shareholdings.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'company_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['company_uscc', 'holder_kind', 'holder_id', 'from_on']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'vouchers_shareholding',
            ARRAY['company_id', 'holder_kind', 'holder_id', 'effective_from'], ARRAY['percent', 'effective_to'], $q$
            SELECT s.line, p.id AS company_id, s.holder_kind, s.holder_id, s.holder_name, s.percent,
                   s.from_on AS effective_from, s.to_on + 1 AS effective_to, 'imported' AS origin
              FROM pg_temp.import_shareholdings AS s JOIN public.vouchers_party AS p ON p.uscc = s.company_uscc $q$);

    WHEN 'declared_affiliations.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_unknown(p_file, stage, 'other_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['uscc', 'other_uscc', 'relation', 'declared_on']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'vouchers_declaredaffiliation',
            ARRAY['party_id', 'other_id', 'relation', 'declared_on'], NULL, $q$
            SELECT s.line, p.id AS party_id, o.id AS other_id, s.relation, s.declared_on, 'imported' AS origin
              FROM pg_temp.import_declared_affiliations AS s
              JOIN public.vouchers_party AS p ON p.uscc = s.uscc JOIN public.vouchers_party AS o ON o.uscc = s.other_uscc $q$);

    WHEN 'provider_admissions.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'provider_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['provider_uscc', 'program_code', 'batch', 'service_item']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'vouchers_provideradmission',
            ARRAY['provider_id', 'program_code', 'batch', 'service_item'], ARRAY['tier', 'effective_from', 'effective_to'], $q$
            SELECT s.line, p.id AS provider_id, s.program_code, s.batch, s.service_item, s.tier,
                   s.admitted_on AS effective_from, s.ended_on + 1 AS effective_to, 'imported' AS origin
              FROM pg_temp.import_provider_admissions AS s JOIN public.vouchers_party AS p ON p.uscc = s.provider_uscc $q$);

    WHEN 'capacity.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'provider_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['provider_uscc', 'accelerator', 'site', 'from_on']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_capacity',
            ARRAY['provider_id', 'accelerator', 'site', 'effective_from'], ARRAY['cards', 'effective_to'], $q$
            SELECT s.line, p.id AS provider_id, s.accelerator, s.cards, s.from_on AS effective_from,
                   s.to_on + 1 AS effective_to, s.site, 'imported' AS origin
              FROM pg_temp.import_capacity AS s JOIN public.vouchers_party AS p ON p.uscc = s.provider_uscc $q$);

    WHEN 'devices.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'provider_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['serial']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_device',
            ARRAY['serial'], ARRAY['provider_id', 'accelerator', 'in_service_on', 'retired_on'], $q$
            SELECT s.line, s.serial, p.id AS provider_id, s.accelerator, s.site, s.in_service_on, s.retired_on,
                   s.replaces_serial, 'imported' AS origin
              FROM pg_temp.import_devices AS s JOIN public.vouchers_party AS p ON p.uscc = s.provider_uscc $q$);

    WHEN 'listings.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['uscc', 'kind', 'from_on', 'document_no']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'vouchers_listing',
            ARRAY['party_id', 'kind', 'effective_from', 'document_no'], ARRAY['effective_to'], $q$
            SELECT s.line, p.id AS party_id, s.kind, s.from_on AS effective_from, s.to_on + 1 AS effective_to, s.document_no,
                   s.reason, 'imported' AS origin
              FROM pg_temp.import_listings AS s JOIN public.vouchers_party AS p USING (uscc) $q$);

    WHEN 'leases.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'lessee_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_unknown(p_file, stage, 'lessor_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['lease_no']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_lease', ARRAY['lease_no'],
            ARRAY['lessee_id', 'lessor_id', 'program_code', 'signed_on', 'starts_on', 'ends_before', 'amount', 'unit_price',
                  'document_sha256'], format($q$
            SELECT s.line, s.lease_no, 'compute_lease' AS kind, '' AS contract_no, a.id AS lessee_id, b.id AS lessor_id,
                   s.program_code, g.region_code AS program_region_code, s.region_code, s.signed_on, s.starts_on,
                   s.ends_on + 1 AS ends_before, s.accelerator, s.form_factor, s.cards, s.unit, s.quantity, s.unit_price,
                   s.vat_rate, s.amount, s.purpose, s.exclusive, false AS bundled, s.document_sha256, s.document_text,
                   CASE WHEN s.ends_on < %L::date THEN 'ended' ELSE 'filed' END AS state, now() AS created_at,
                   'imported' AS origin
              FROM pg_temp.import_leases AS s
              JOIN public.vouchers_party AS a ON a.uscc = s.lessee_uscc JOIN public.vouchers_party AS b ON b.uscc = s.lessor_uscc
              JOIN pg_temp.import_program AS g ON g.code = s.program_code $q$, p_on));

    WHEN 'lease_devices.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'lease_no', 'applications_lease', 'lease_no');
        INSERT INTO pg_temp.import_refusal
        SELECT p_file, s.line, 'from_on', 'row.after_lease', s.from_on::text
          FROM pg_temp.import_lease_devices AS s JOIN public.applications_lease AS l USING (lease_no)
         WHERE s.to_on IS NULL AND s.from_on >= l.ends_before;
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['lease_no', 'serial', 'from_on']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_leasedevice',
            ARRAY['lease_id', 'serial', 'effective_from'], ARRAY['effective_to', 'share'], $q$
            SELECT s.line, l.id AS lease_id, s.serial, s.from_on AS effective_from,
                   coalesce(s.to_on + 1, l.ends_before) AS effective_to, s.share, 'imported' AS origin
              FROM pg_temp.import_lease_devices AS s JOIN public.applications_lease AS l USING (lease_no) $q$);

    WHEN 'metering.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'lease_no', 'applications_lease', 'lease_no');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['lease_no', 'day', 'source']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_meteringday',
            ARRAY['lease_id', 'day', 'source'], ARRAY['card_hours'], $q$
            SELECT s.line, l.id AS lease_id, s.day, s.card_hours, s.source, 'imported' AS origin
              FROM pg_temp.import_metering AS s JOIN public.applications_lease AS l USING (lease_no) $q$);

    WHEN 'invoices.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'lease_no', 'applications_lease', 'lease_no', leases_there::text);
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['invoice_code', 'invoice_no']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_invoice', ARRAY['invoice_code', 'invoice_no', 'origin'],
            ARRAY['status', 'issued_on', 'seller_uscc', 'buyer_uscc', 'net_amount', 'tax_amount', 'gross_amount'], $q$
            SELECT s.line, s.invoice_code, s.invoice_no, s.number_key, s.kind, s.status, s.status_changed_on, s.red_of,
                   s.issued_on, s.seller_uscc, s.seller_name, s.buyer_uscc, s.buyer_name, s.net_amount, s.tax_amount,
                   s.gross_amount, l.id AS lease_id, s.period_from, s.period_to + 1 AS period_to, s.file_sha256,
                   coalesce(l.lessee_id, p.id) AS owner_id, coalesce(l.program_region_code, '') AS program_region_code,
                   'imported'::varchar AS origin
              FROM pg_temp.import_invoices AS s
              LEFT JOIN public.applications_lease AS l USING (lease_no)
              LEFT JOIN public.vouchers_party AS p ON p.uscc = s.buyer_uscc $q$);

    WHEN 'invoice_lines.csv' THEN
        INSERT INTO pg_temp.import_refusal
        SELECT p_file, s.line, 'invoice_no', 'row.unknown_reference', s.invoice_no
          FROM pg_temp.import_invoice_lines AS s
         WHERE NOT EXISTS (SELECT FROM public.applications_invoice AS i WHERE i.invoice_code = s.invoice_code
                              AND i.invoice_no = s.invoice_no AND i.origin = 'imported');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['invoice_no', 'invoice_code', 'line_no']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_invoiceline', ARRAY['invoice_id', 'line_no'],
            ARRAY['net_amount', 'tax_amount'], $q$
            SELECT s.line, i.id AS invoice_id, s.line_no, s.description, s.unit, s.quantity, s.unit_price, s.net_amount,
                   s.tax_rate, s.tax_amount, 'imported' AS origin
              FROM pg_temp.import_invoice_lines AS s
              JOIN public.applications_invoice AS i
                ON i.invoice_code = s.invoice_code AND i.invoice_no = s.invoice_no AND i.origin = 'imported' $q$);

    WHEN 'payments.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'payer_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_unknown(p_file, stage, 'payee_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['bank_ref']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_banktransfer', ARRAY['bank_ref'],
            ARRAY['payer_id', 'payee_id', 'paid_on', 'amount'], $q$
            SELECT s.line, s.bank_ref, a.id AS payer_id, b.id AS payee_id, s.payer_account, s.payee_account, s.paid_on,
                   s.amount, s.receipt_sha256, 'imported' AS origin
              FROM pg_temp.import_payments AS s
              LEFT JOIN public.vouchers_party AS a ON a.uscc = s.payer_uscc
              LEFT JOIN public.vouchers_party AS b ON b.uscc = s.payee_uscc $q$);

    WHEN 'applications.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'enterprise_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['application_no']);
        PERFORM import_drop_refused(p_file, stage);
        -- The file does not say how an application ended: one with a voucher was granted, of the others nothing is known.
        SELECT * INTO moved FROM import_move(p_file, 'applications_application', ARRAY['application_no'],
            ARRAY['program_code', 'enterprise_id', 'submitted_at', 'requested_amount'], $q$
            SELECT s.line, s.application_no, g.program_id, s.program_code, '' AS pinned_reason, p.id AS enterprise_id,
                   CASE WHEN v.voucher_no IS NULL THEN 'submitted' ELSE 'issued' END AS state, s.requested_amount,
                   v.face_value AS approved_amount, '{}'::jsonb AS facts, '{}'::jsonb AS assessment, '' AS engine_version,
                   '{}'::jsonb AS band, false AS statement_accepted, s.filer_phone, s.filer_ip, s.filer_device,
                   s.submitted_at, coalesce(v.issued_on::timestamptz, s.submitted_at) AS state_since,
                   v.issued_on AS decided_on, '' AS decision_reason, coalesce(v.voucher_no, '') AS voucher_no,
                   gen_random_uuid() AS issue_id, now() AS created_at, 'imported' AS origin
              FROM pg_temp.import_applications AS s
              JOIN public.vouchers_party AS p ON p.uscc = s.enterprise_uscc
              JOIN pg_temp.import_program AS g ON g.code = s.program_code
              LEFT JOIN (SELECT DISTINCT ON (application_no) application_no, voucher_no, face_value, issued_on
                           FROM pg_temp.import_vouchers WHERE application_no <> '' ORDER BY application_no, line) AS v
                   USING (application_no) $q$);

    WHEN 'vouchers.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'enterprise_uscc', 'vouchers_party', 'uscc');
        PERFORM import_refuse_unknown(p_file, stage, 'application_no', 'applications_application', 'application_no',
                                      ('applications.csv' = ANY (p_collected))::text);
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['voucher_no']);
        PERFORM import_drop_refused(p_file, stage);
        -- Used up, run out, or else frozen: what was left of a voucher of history cannot be spent here.
        SELECT * INTO moved FROM import_move(p_file, 'vouchers_voucher', ARRAY['voucher_no'],
            ARRAY['application_no', 'enterprise_id', 'face_value', 'issued_on', 'expires_on'], format($q$
            SELECT s.line, s.voucher_no, g.program_id, s.application_no, p.id AS enterprise_id, s.face_value, s.issued_on,
                   s.expires_on, CASE WHEN coalesce(c.used, 0) >= s.face_value THEN 'exhausted'
                                      WHEN s.expires_on <= %L::date THEN 'expired' ELSE 'frozen' END AS state,
                   gen_random_uuid() AS account_id, '' AS verification_code, '{}'::varchar[] AS bearers,
                   'imported' AS origin
              FROM pg_temp.import_vouchers AS s
              JOIN public.vouchers_party AS p ON p.uscc = s.enterprise_uscc
              JOIN pg_temp.import_program AS g ON g.code = s.program_code
              LEFT JOIN (SELECT voucher_no, sum(claimed_amount) AS used FROM pg_temp.import_claims
                          WHERE status IN ('approved', 'paid') GROUP BY voucher_no) AS c USING (voucher_no) $q$, p_on));

    WHEN 'claims.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'voucher_no', 'vouchers_voucher', 'voucher_no');
        PERFORM import_refuse_unknown(p_file, stage, 'lease_no', 'applications_lease', 'lease_no', leases_there::text);
        INSERT INTO pg_temp.import_refusal  -- a voucher of a live case takes no claims of history
        SELECT p_file, s.line, 'voucher_no', 'row.live_voucher', s.voucher_no
          FROM pg_temp.import_claims AS s JOIN public.vouchers_voucher AS v USING (voucher_no) WHERE v.origin <> 'imported';
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['claim_no']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_claim', ARRAY['claim_no'],
            ARRAY['voucher_id', 'lease_id', 'state', 'claimed_amount', 'submitted_at'], $q$
            SELECT s.line, s.claim_no, 'claim' AS kind, v.id AS voucher_id,
                   regexp_replace(g.code, '^EX-', '') AS program_code, r.code AS program_region_code,
                   v.enterprise_id, l.lessor_id AS provider_id, v.enterprise_id AS payee_id, l.id AS lease_id,
                   s.status AS state, s.claimed_amount,
                   CASE WHEN s.status IN ('approved', 'paid') THEN s.claimed_amount END AS approved_amount,
                   '{}'::jsonb AS facts, '{}'::jsonb AS assessment, '' AS engine_version, '{}'::jsonb AS band,
                   s.filer_ip, s.filer_device, s.submitted_at,
                   coalesce(s.paid_on::timestamptz, s.decided_at, s.submitted_at) AS state_since, s.decided_at,
                   '' AS decision_reason, s.reviewer, s.paid_on, '' AS idempotency_key, gen_random_uuid() AS reserve_id,
                   gen_random_uuid() AS resolve_id, now() AS created_at, 'imported' AS origin
              FROM pg_temp.import_claims AS s
              JOIN public.vouchers_voucher AS v USING (voucher_no)
              JOIN public.vouchers_program AS g ON g.id = v.program_id
              JOIN public.vouchers_region AS r ON r.id = g.region_id
              LEFT JOIN public.applications_lease AS l USING (lease_no) $q$);

    WHEN 'claim_invoices.csv' THEN
        PERFORM import_refuse_unknown(p_file, stage, 'claim_no', 'applications_claim', 'claim_no');
        PERFORM import_refuse_unknown(p_file, stage, 'bank_ref', 'applications_banktransfer', 'bank_ref',
                                      ('payments.csv' = ANY (p_collected))::text);
        -- The number as it was keyed, or else by its normal form.
        IF 'invoices.csv' = ANY (p_collected) THEN
            INSERT INTO pg_temp.import_refusal
            SELECT p_file, s.line, 'invoice_no', 'row.unknown_reference', s.invoice_no
              FROM pg_temp.import_claim_invoices AS s
             WHERE NOT EXISTS (SELECT FROM public.applications_invoice AS i
                                WHERE i.number_key = s.number_key AND i.origin = 'imported');
        END IF;
        PERFORM import_refuse_duplicates(p_file, stage, ARRAY['claim_no', 'invoice_no', 'invoice_code', 'bank_ref']);
        PERFORM import_drop_refused(p_file, stage);
        SELECT * INTO moved FROM import_move(p_file, 'applications_basisitem', ARRAY['claim_id', 'reference', 'description'],
            ARRAY['net_amount', 'bank_transfer_id'], $q$
            SELECT s.line, c.id AS claim_id,
                   (coalesce((SELECT max(b.position) FROM public.applications_basisitem AS b WHERE b.claim_id = c.id), 0)
                    + row_number() OVER (PARTITION BY c.id ORDER BY s.line))::integer AS position,
                   'invoice_line' AS kind, i.id AS invoice_id, s.number_key,
                   btrim(s.invoice_code || ' ' || s.invoice_no)::varchar AS reference,
                   coalesce('回单 ' || s.bank_ref, '')::varchar AS description, s.claimed_net AS net_amount, 0 AS tax_amount,
                   i.period_from, i.period_to, coalesce(l.accelerator, '') AS accelerator, t.id AS bank_transfer_id,
                   'imported' AS origin
              FROM pg_temp.import_claim_invoices AS s
              JOIN public.applications_claim AS c USING (claim_no)
              LEFT JOIN public.applications_lease AS l ON l.id = c.lease_id
              LEFT JOIN LATERAL (
                  SELECT n.id, n.period_from, n.period_to FROM public.applications_invoice AS n
                   WHERE n.number_key = s.number_key AND n.origin = 'imported'
                   ORDER BY (n.invoice_code = s.invoice_code AND n.invoice_no = s.invoice_no) DESC, n.id LIMIT 1) AS i ON true
              LEFT JOIN public.applications_banktransfer AS t ON t.bank_ref = s.bank_ref $q$);
    END CASE;
    RETURN jsonb_build_object('taken', moved.taken, 'known', moved.known);
END $$;

-- What other files point to although its own file was not collected: parties and vouchers, without which no claim could stand.
-- They carry what the pointing rows say, and no more.
CREATE OR REPLACE FUNCTION public.import_placeholders(p_file text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint := 0;
BEGIN
    PERFORM import_staged();
    IF p_file = 'parties.csv' THEN
        INSERT INTO public.vouchers_party (
            uscc, name, is_enterprise, is_provider, region_code, ownership, size, industry_code, legal_rep_name, legal_rep_id,
            address, phone, email, status, origin)
        SELECT n.uscc, coalesce(max(nullif(n.name, '')), n.uscc), bool_or(n.enterprise), bool_or(n.provider),
               CASE WHEN substr(n.uscc, 3, 6) ~ '^[0-9]{6}$' THEN substr(n.uscc, 3, 6) ELSE '000000' END,
               '', '', '', '', '', '', '', '', 'active', 'imported'
          FROM (SELECT lessee_uscc AS uscc, '' AS name, true AS enterprise, false AS provider FROM pg_temp.import_leases
                UNION ALL SELECT lessor_uscc, '', false, true FROM pg_temp.import_leases
                UNION ALL SELECT provider_uscc, '', false, true FROM pg_temp.import_devices
                UNION ALL SELECT provider_uscc, '', false, true FROM pg_temp.import_capacity
                UNION ALL SELECT provider_uscc, '', false, true FROM pg_temp.import_provider_admissions
                UNION ALL SELECT company_uscc, '', false, false FROM pg_temp.import_shareholdings
                UNION ALL SELECT uscc, '', false, false FROM pg_temp.import_declared_affiliations
                UNION ALL SELECT other_uscc, '', false, false FROM pg_temp.import_declared_affiliations
                UNION ALL SELECT uscc, '', false, false FROM pg_temp.import_listings
                UNION ALL SELECT buyer_uscc, buyer_name, false, false FROM pg_temp.import_invoices
                UNION ALL SELECT seller_uscc, seller_name, false, false FROM pg_temp.import_invoices
                UNION ALL SELECT payer_uscc, '', false, false FROM pg_temp.import_payments
                UNION ALL SELECT payee_uscc, '', false, false FROM pg_temp.import_payments
                UNION ALL SELECT enterprise_uscc, '', true, false FROM pg_temp.import_applications
                UNION ALL SELECT enterprise_uscc, '', true, false FROM pg_temp.import_vouchers) AS n
         WHERE n.uscc <> '' AND NOT EXISTS (SELECT FROM public.vouchers_party AS p WHERE p.uscc = n.uscc)
         GROUP BY n.uscc;
        GET DIAGNOSTICS made = ROW_COUNT;
    ELSIF p_file = 'vouchers.csv' THEN
        INSERT INTO public.vouchers_voucher (
            voucher_no, program_id, application_no, enterprise_id, face_value, issued_on, expires_on, state, account_id,
            verification_code, origin)
        SELECT s.voucher_no, min(g.program_id), '', min(CASE WHEN g.supply THEN l.lessor_id ELSE l.lessee_id END),
               greatest(sum(s.claimed_amount), 0.01), min(s.submitted_at)::date, max(s.submitted_at)::date + 1, 'frozen',
               gen_random_uuid(), '', 'imported'
          FROM pg_temp.import_claims AS s
          JOIN public.applications_lease AS l USING (lease_no)
          JOIN pg_temp.import_program AS g ON g.code = l.program_code
         WHERE NOT EXISTS (SELECT FROM public.vouchers_voucher AS v WHERE v.voucher_no = s.voucher_no)
         GROUP BY s.voucher_no;
        GET DIAGNOSTICS made = ROW_COUNT;
    END IF;
    RETURN made;
END $$;

-- The application may open, fill, move and close; what these are made of is the owner's.
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = 'public'::regnamespace AND proname IN (
                    'import_open', 'import_stages', 'import_staged', 'import_analyze', 'import_close', 'import_refuse_duplicates',
                    'import_refuse_unknown', 'import_drop_refused', 'import_move', 'import_history', 'import_placeholders')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
    GRANT EXECUTE ON FUNCTION public.import_open(), public.import_analyze(text), public.import_close(),
        public.import_history(text, text[], date), public.import_placeholders(text) TO voucher_app;
END $$;
