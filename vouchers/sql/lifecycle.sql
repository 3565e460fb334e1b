-- The database holds every table with a lifecycle to the table lifecycle_transition: no second writer of a state.
-- Runs with the rights of whoever writes: only the owner's import function may bring in rows marked as imported, in
-- whatever state their history ended; and an imported row's state never moves again.
-- The second argument of the trigger says whether the table has a column origin; without it the row itself is asked, which
-- takes the whole of it into JSON.
CREATE OR REPLACE FUNCTION enforce_lifecycle() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    old_state text := '';
    origin text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        old_state := OLD.state;
    END IF;
    IF TG_NARGS < 2 THEN
        origin := to_jsonb(NEW) ->> 'origin';
    ELSIF TG_ARGV[1] = 'imports' THEN
        origin := NEW.origin;
    END IF;
    IF origin = 'imported' THEN
        IF TG_OP = 'INSERT' AND current_user <> 'voucher_owner' THEN
            RAISE EXCEPTION 'imported rows come in through the import function only (%)', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF TG_OP = 'UPDATE' AND old_state IS DISTINCT FROM NEW.state THEN
            RAISE EXCEPTION 'the state of an imported row does not move (%)', TG_TABLE_NAME USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND old_state IS NOT DISTINCT FROM NEW.state THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT FROM lifecycle_transition t
        WHERE t.lifecycle = TG_ARGV[0] AND t.source = old_state AND t.target = NEW.state
    ) THEN
        RAISE EXCEPTION 'lifecycle %: no way from "%" to "%"', TG_ARGV[0], old_state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
