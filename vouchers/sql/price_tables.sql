-- The chip table that a method computes by is closed: a row added to it, changed or taken out would make otherwise what was published
-- and decided by it, of any past day. Noted after the row, so that loading again what is there already is no addition.
CREATE OR REPLACE FUNCTION price_chips_closed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    touched integer[] := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW.table_version]
        WHEN 'DELETE' THEN ARRAY[OLD.table_version]
        ELSE ARRAY[OLD.table_version, NEW.table_version]
    END;
BEGIN
    IF EXISTS (SELECT FROM vouchers_pricemethod WHERE (params ->> 'chip_table')::integer = ANY (touched)) THEN
        RAISE EXCEPTION '芯片表第%版已由价格方法使用，不能增补或改写，请以新的版次录入。', touched[1]
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER price_chips_closed AFTER INSERT OR UPDATE OR DELETE ON vouchers_chipmodel
    FOR EACH ROW EXECUTE FUNCTION price_chips_closed();

-- A rate that prices were converted by stays.
CREATE OR REPLACE FUNCTION price_rate_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '汇率登记后不得改写或删除，请以新的起始日另行登记。' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER price_rate_kept BEFORE UPDATE OR DELETE ON vouchers_fxrate
    FOR EACH ROW EXECUTE FUNCTION price_rate_kept();
