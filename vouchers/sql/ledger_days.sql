-- Every day closes with a trial balance: what was recorded since the close before, by ledger, kind of account and program, with the
-- count and the hash of the transfers. A day is when a transfer was recorded, not its business date: what comes late
-- lands in the day on which it comes, and no close ever changes. Each close carries the hash of the one before it.

-- The program that an account belongs to, by its code and that of the account it returns to; empty for what serves several.
CREATE OR REPLACE FUNCTION ledger_program(kind text, code text, returns_to text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN kind IN ('voucher', 'instructed') THEN split_part(coalesce(returns_to, ''), ':', 2)
        WHEN kind = 'treasury' THEN split_part(code, ':', 3)
        WHEN kind = 'cap' THEN coalesce((
            SELECT p.code FROM vouchers_program AS p
             WHERE left(encode(sha256(p.code::bytea), 'hex'), 12) = split_part(ledger_program.code, ':', 2)), '')
        WHEN kind IN ('cap_source', 'cap_used') THEN ''
        ELSE coalesce((SELECT p.code FROM vouchers_program AS p WHERE p.code = split_part(ledger_program.code, ':', 2)), '') END
$$;

-- The transfers recorded in [since, before), on both sides: what each adds to the four counters of its account's line.
CREATE OR REPLACE FUNCTION ledger_day_lines(since timestamptz, before timestamptz)
RETURNS TABLE (ledger text, kind text, program text, debits_pending numeric, debits_posted numeric, credits_pending numeric, credits_posted numeric)
LANGUAGE sql STABLE AS $$
    WITH moved AS (
        SELECT t.debit_id, t.credit_id,
               CASE t.kind WHEN 'pending' THEN t.amount WHEN 'single' THEN 0 ELSE -coalesce(p.amount, 0) END AS pending,
               CASE WHEN t.kind IN ('single', 'post') THEN t.amount ELSE 0 END AS posted
          FROM vouchers_ledgertransfer AS t LEFT JOIN vouchers_ledgertransfer AS p ON p.id = t.pending_id
         WHERE t.recorded_at >= since AND t.recorded_at < before
    ), by_account AS (
        SELECT s.account, sum(s.dp) AS dp, sum(s.dd) AS dd, sum(s.cp) AS cp, sum(s.cc) AS cc
          FROM moved CROSS JOIN LATERAL (VALUES (debit_id, pending, posted, 0, 0), (credit_id, 0, 0, pending, posted)) AS s (account, dp, dd, cp, cc)
         GROUP BY s.account
    )
    SELECT a.ledger, a.kind, ledger_program(a.kind, a.code, r.code), sum(b.dp), sum(b.dd), sum(b.cp), sum(b.cc)
      FROM by_account AS b
      JOIN vouchers_ledgeraccount AS a ON a.id = b.account
      LEFT JOIN vouchers_ledgeraccount AS r ON r.id = a.returns_to_id
     GROUP BY 1, 2, 3
$$;

-- SHA-256 over the transfers recorded in [since, before), in the order in which they were recorded.
CREATE OR REPLACE FUNCTION ledger_day_hash(since timestamptz, before timestamptz, OUT transfers bigint, OUT sha256 text)
LANGUAGE sql STABLE SET timezone = 'UTC' AS $$
    SELECT count(*), encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', t.id, t.chain_id, t.position, t.kind, t.code, t.debit_id,
               t.credit_id, t.amount, coalesce(t.pending_id::text, ''), coalesce(t.reverses_id::text, ''), coalesce(t.expires_on::text, ''),
               t.subject_kind, t.subject_no, t.booked_on, t.recorded_at), E'\n' ORDER BY t.recorded_at, t.id), ''), 'UTF8')), 'hex')
      FROM vouchers_ledgertransfer AS t WHERE t.recorded_at >= since AND t.recorded_at < before
$$;

-- Closes one day: every transfer recorded from the last close on and before the instant. Answers the day's row, or null when the
-- day is closed already or lies before one that is. Whoever is writing transfers at the instant is waited for, and blocks nobody.
CREATE OR REPLACE FUNCTION ledger_close_day(closed date, before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    writing text[];
    since timestamptz := '-infinity';
    earlier vouchers_dayclose;
    made bigint;
    hashed record;
BEGIN
    IF before > clock_timestamp() OR closed >= (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date THEN
        RAISE EXCEPTION 'a day that is not over cannot be closed' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_close_day', 4));
    SELECT * INTO earlier FROM vouchers_dayclose ORDER BY day DESC LIMIT 1;
    IF FOUND THEN
        IF earlier.day >= closed OR earlier.before_at > before THEN RETURN NULL; END IF;
        since := earlier.before_at;
    END IF;
    -- Who has inserted a transfer holds a lock on the table until it commits; those who begin now record a later instant.
    SELECT array_agg(l.virtualtransaction) INTO writing FROM pg_locks AS l
     WHERE l.relation = 'vouchers_ledgertransfer'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid();
    FOR i IN 1 .. 1200 LOOP
        EXIT WHEN writing IS NULL OR NOT EXISTS (
            SELECT FROM pg_locks AS l WHERE l.virtualtransaction = ANY (writing)
               AND l.relation = 'vouchers_ledgertransfer'::regclass AND l.mode = 'RowExclusiveLock');
        IF i = 1200 THEN
            RAISE EXCEPTION 'transfers are still being written after a minute' USING ERRCODE = 'lock_not_available';
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;

    hashed := ledger_day_hash(since, before);
    INSERT INTO vouchers_dayclose (day, before_at, transfers, transfers_sha256, previous_sha256, sha256, debits_pending, debits_posted,
                                   credits_pending, credits_posted, balanced)
    VALUES (closed, before, hashed.transfers, hashed.sha256, coalesce(earlier.sha256, ''), '', 0, 0, 0, 0, false)
    RETURNING id INTO made;
    INSERT INTO vouchers_daycloseline (
        day_close_id, ledger, kind, program_code, moved_debits_pending, moved_debits_posted, moved_credits_pending, moved_credits_posted,
        debits_pending, debits_posted, credits_pending, credits_posted)
    SELECT made, ledger, kind, program, sum(m.dp), sum(m.dd), sum(m.cp), sum(m.cc), sum(m.dp + was_dp), sum(m.dd + was_dd), sum(m.cp + was_cp), sum(m.cc + was_cc)
      FROM (SELECT d.ledger, d.kind, d.program, d.debits_pending AS dp, d.debits_posted AS dd, d.credits_pending AS cp, d.credits_posted AS cc,
                   0 AS was_dp, 0 AS was_dd, 0 AS was_cp, 0 AS was_cc
              FROM ledger_day_lines(since, before) AS d
            UNION ALL
            SELECT l.ledger, l.kind, l.program_code, 0, 0, 0, 0, l.debits_pending, l.debits_posted, l.credits_pending, l.credits_posted
              FROM vouchers_daycloseline AS l WHERE l.day_close_id = earlier.id) AS m (
                   ledger, kind, program, dp, dd, cp, cc, was_dp, was_dd, was_cp, was_cc)
     GROUP BY ledger, kind, program ORDER BY ledger, kind, program;
    RETURN ledger_seal_day(made);
END $$;

-- The totals of the day's lines, and the hash over all that the day says; written once, by the function above.
CREATE OR REPLACE FUNCTION ledger_seal_day(made bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_dayclose AS d
       SET debits_pending = t.dp, debits_posted = t.dd, credits_pending = t.cp, credits_posted = t.cc,
           balanced = t.dp = t.cp AND t.dd = t.cc, sha256 = ledger_day_sha256(d.id)
      FROM (SELECT coalesce(sum(l.debits_pending), 0) AS dp, coalesce(sum(l.debits_posted), 0) AS dd,
                   coalesce(sum(l.credits_pending), 0) AS cp, coalesce(sum(l.credits_posted), 0) AS cc
              FROM vouchers_daycloseline AS l WHERE l.day_close_id = made AND l.ledger = 'money') AS t
     WHERE d.id = made;
    RETURN made;
END $$;

-- SHA-256 over the day, the hash of the day before, and its lines.
CREATE OR REPLACE FUNCTION ledger_day_sha256(made bigint) RETURNS text
LANGUAGE sql STABLE SET timezone = 'UTC' AS $$
    SELECT encode(sha256(convert_to(concat_ws('|', d.day, d.before_at, d.transfers, d.transfers_sha256, d.previous_sha256) || E'\n' || coalesce((
               SELECT string_agg(concat_ws('|', l.ledger, l.kind, l.program_code, l.moved_debits_pending, l.moved_debits_posted,
                          l.moved_credits_pending, l.moved_credits_posted, l.debits_pending, l.debits_posted, l.credits_pending, l.credits_posted),
                          E'\n' ORDER BY l.ledger, l.kind, l.program_code)
                 FROM vouchers_daycloseline AS l WHERE l.day_close_id = d.id), ''), 'UTF8')), 'hex')
      FROM vouchers_dayclose AS d WHERE d.id = made
$$;

-- What a close says stays as it is, for everybody. The seal is the one change, while the row has no hash yet.
CREATE OR REPLACE TRIGGER day_close_unchanged BEFORE UPDATE OR DELETE ON vouchers_dayclose
    FOR EACH ROW WHEN (OLD.sha256 <> '') EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER day_close_line_unchanged BEFORE UPDATE OR DELETE ON vouchers_daycloseline
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER day_close_not_truncated BEFORE TRUNCATE ON vouchers_dayclose
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER day_close_line_not_truncated BEFORE TRUNCATE ON vouchers_daycloseline
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE vouchers_dayclose ENABLE ALWAYS TRIGGER day_close_unchanged, ENABLE ALWAYS TRIGGER day_close_not_truncated;
ALTER TABLE vouchers_daycloseline ENABLE ALWAYS TRIGGER day_close_line_unchanged, ENABLE ALWAYS TRIGGER day_close_line_not_truncated;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc
                 WHERE proname IN ('ledger_program', 'ledger_day_lines', 'ledger_day_hash', 'ledger_close_day', 'ledger_seal_day', 'ledger_day_sha256')
                   AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
    GRANT EXECUTE ON FUNCTION ledger_close_day(date, timestamptz), ledger_program(text, text, text),
        ledger_day_lines(timestamptz, timestamptz), ledger_day_hash(timestamptz, timestamptz), ledger_day_sha256(bigint) TO voucher_app;
END $$;
