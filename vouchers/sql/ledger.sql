-- The ledger: accounts, transfers, chains. Owned by voucher_owner, executed by the application, which may not write here.
--
--   ledger_post(chain)         books one chain of transfers, whole or not at all, and answers; never raises for business
--   ledger_post_batch(chains)  several chains in one round trip, each by itself
--
-- This file has the account map, what the verbs are made of, and what holds everybody to "what is booked stays as it is".
-- ledger_requests.sql looks a request up, ledger_booking.sql books it, ledger_plain.sql books a plain one faster, ledger_tills.sql
-- lets many take from one account at once, ledger_batches.sql books many; ledger_shares.sql splits what several bear, ledger_sums.sql adds up what several use.
--
-- Order of locks, the same for everybody, so that no two can wait for each other in a ring:
--   0  the chain's id (advisory): the second sender of an id waits for the first, then gets the first answer
--   1  what is borne by several accounts (advisory; ledger_shares.sql); rows that are opened, roots first, then by code
--   2  rows of all touched accounts, by turn (ledger_turn), then by id; in front of hot ones an advisory lock each, by key,
--      each with its tills (ledger_tills.sql)
-- Nothing that can change is decided before its lock is held. A chain is judged by where it leads: limits hold at its end.
-- READ COMMITTED is expected; under a stricter level the functions fail with a serialization error rather than err.
--
-- Every second of a hot account is spent here: few statements, each planned once a session (generic plans, nested loops by
-- index whatever the statistics say), and as few expressions of PL/pgSQL as can be: each is made ready anew in every transaction.

-- What an account of each kind is. debit_limited: available may not fall below zero. hot: queue in front of the row.
-- counted: false for the far side of entitlements, which is never locked and has no counters.
CREATE OR REPLACE FUNCTION ledger_account_kinds()
RETURNS TABLE (kind text, ledger text, debit_limited boolean, credit_limited boolean, hot boolean, counted boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
        ('treasury',   'money',       false, true,  false, true),
        ('surplus',    'money',       true,  false, false, true),
        ('budget',     'money',       true,  false, true,  true),
        ('voucher',    'money',       true,  false, false, true),
        ('payable',    'money',       true,  false, false, true),
        ('instructed', 'money',       true,  false, false, true),
        ('paid',       'money',       true,  false, false, true),
        ('cap_source', 'entitlement', false, false, false, false),
        ('levied',     'money',       false, true,  false, true),
        ('receivable', 'money',       true,  false, false, true),
        ('recovered',  'money',       true,  false, false, true),
        ('written_off', 'money',      true,  false, false, true),
        ('received',   'money',       false, true,  false, true),
        ('refundable', 'money',       true,  false, false, true),
        ('cap',        'entitlement', true,  false, false, true),
        ('cap_used',   'entitlement', false, false, false, false)
$$;

-- Which code may move what between which kinds of account: "code kind debit-kind credit-kind", the account map as a list.
CREATE OR REPLACE FUNCTION ledger_routes() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[
        'appropriate single treasury budget',
        'withdraw single budget treasury',
        'carry_over single surplus budget',
        'issue single budget voucher',
        'issue single cap cap_used',
        'instruct single cap cap_used',
        'return single cap_used cap',
        'reserve pending voucher payable',
        'reserve pending cap cap_used',
        'confirm post voucher payable',
        'confirm post cap cap_used',
        'release void voucher payable',
        'release void cap cap_used',
        'time_out expire voucher payable',
        'time_out expire cap cap_used',
        'close single voucher budget',
        'close single voucher surplus',
        'close single voucher treasury',
        'close single budget surplus',
        'close single budget treasury',
        'lapse single voucher budget',
        'lapse single voucher surplus',
        'lapse single voucher treasury',
        'lapse single budget surplus',
        'lapse single budget treasury',
        'instruct single payable instructed',
        'pay single instructed paid',
        'return single instructed payable',
        'return single paid payable',
        'claw_back single paid receivable',
        'levy single levied receivable',
        'recover single receivable recovered',
        'offset single payable paid',
        'write_off single receivable written_off',
        'waive single receivable paid',
        'waive single receivable levied',
        'overpay single received refundable',
        'give_back single recovered refundable',
        'refund single refundable paid',
        'refund single refundable levied',
        'refund single refundable received',
        'grant single cap_source cap',
        'curtail single cap cap_source'
    ]
$$;

-- When an account's row is locked: whoever may give something back before whoever it returns to, and the hot ones late, so
-- that the queue in front of them is short.
CREATE OR REPLACE FUNCTION ledger_turn(kind text, hot boolean) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN kind = 'treasury' THEN 4 WHEN kind = 'surplus' THEN 3 WHEN hot OR kind = 'budget' THEN 2 ELSE 1 END
$$;

-- The amount written in the request, or null when it is none: digits, at most two decimals, above zero.
CREATE OR REPLACE FUNCTION ledger_amount(written text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN written ~ '^[0-9]{1,16}(\.[0-9]{1,2})?$' THEN nullif(written::numeric(18, 2), 0) END
$$;

CREATE OR REPLACE FUNCTION ledger_refusal(id uuid, code text, account text = NULL, available numeric = NULL, needed numeric = NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'accepted', false, 'code', code, 'account', account,
        'available', available::numeric(18, 2)::text, 'needed', needed::numeric(18, 2)::text))
$$;

-- Opens the accounts that are not there yet. An account that a refused chain has opened stays, empty.
CREATE OR REPLACE FUNCTION ledger_open(wanted jsonb, opened date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    FOR depth IN 0..2 LOOP  -- those that return nowhere, those that return to them, those that return to these
        INSERT INTO vouchers_ledgeraccount (
            id, ledger, kind, code, region_code, returns_to_id, debits_pending, debits_posted, credits_pending,
            credits_posted, debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
        SELECT coalesce((w ->> 'id')::uuid, uuidv7()), k.ledger, k.kind, w ->> 'code',
               coalesce(w ->> 'region_code', parent.region_code, ''), parent.id, 0, 0, 0,
               0, k.debit_limited, k.credit_limited, coalesce((w ->> 'hot')::boolean, k.hot), k.counted, opened
          FROM jsonb_array_elements(wanted) AS w
          JOIN ledger_account_kinds() AS k ON k.kind = w ->> 'kind'
          LEFT JOIN vouchers_ledgeraccount AS parent ON parent.code = w ->> 'returns_to'
         WHERE ((w ->> 'returns_to') IS NOT NULL)::integer = least(depth, 1)
           AND (depth = 0 OR parent.id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM vouchers_ledgeraccount AS there WHERE there.code = w ->> 'code')
         ORDER BY w ->> 'code'
            ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

-- A transfer's id follows from the chain's, which the caller chose.
CREATE OR REPLACE FUNCTION ledger_transfer_id(chain_no uuid, place bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT md5(chain_no::text || '/' || place::text)::uuid $$;

-- What is booked stays as it is, for everybody: the owner's own hand is refused as well.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '台账只增不改：% 上的 % 被拒绝。更正请作冲正。', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER ledger_transfer_unchanged BEFORE UPDATE OR DELETE ON vouchers_ledgertransfer
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_transfer_not_truncated BEFORE TRUNCATE ON vouchers_ledgertransfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_attempt_unchanged BEFORE UPDATE OR DELETE ON vouchers_ledgerattempt
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_attempt_not_truncated BEFORE TRUNCATE ON vouchers_ledgerattempt
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_kept BEFORE DELETE ON vouchers_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_not_truncated BEFORE TRUNCATE ON vouchers_ledgeraccount
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
-- Of an account only the counters, the limit and, once, the closing change.
CREATE OR REPLACE TRIGGER ledger_account_identity_unchanged
    BEFORE UPDATE OF id, ledger, kind, code, region_code, returns_to_id, debits_must_not_exceed_credits,
        credits_must_not_exceed_debits, hot, counted, opened_on, recorded_at ON vouchers_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_account_stays_closed BEFORE UPDATE OF closed_on ON vouchers_ledgeraccount
    FOR EACH ROW WHEN (OLD.closed_on IS NOT NULL) EXECUTE FUNCTION ledger_refuse_change();
-- Also for a session that sets session_replication_role, which silences ordinary triggers.
DO $$
DECLARE
    guard record;
BEGIN
    FOR guard IN SELECT tgrelid::regclass AS of, tgname FROM pg_trigger
                  WHERE tgfoid = 'ledger_refuse_change'::regproc AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', guard.of, guard.tgname);
    END LOOP;
END $$;
-- Room on the page for the next version of a hot row.
ALTER TABLE vouchers_ledgeraccount SET (fillfactor = 50);

