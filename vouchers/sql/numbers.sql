-- The counters of the public business numbers (vouchers/numbers.py). Sequences: never locked, never rolled back.
CREATE SEQUENCE IF NOT EXISTS application_no_seq;
CREATE SEQUENCE IF NOT EXISTS voucher_no_seq;
CREATE SEQUENCE IF NOT EXISTS entitlement_no_seq;
CREATE SEQUENCE IF NOT EXISTS lease_no_seq;
CREATE SEQUENCE IF NOT EXISTS project_no_seq;
CREATE SEQUENCE IF NOT EXISTS claim_no_seq;
CREATE SEQUENCE IF NOT EXISTS settlement_no_seq;
CREATE SEQUENCE IF NOT EXISTS hold_no_seq;
CREATE SEQUENCE IF NOT EXISTS payment_batch_no_seq;
CREATE SEQUENCE IF NOT EXISTS payment_no_seq;
CREATE SEQUENCE IF NOT EXISTS objection_no_seq;
CREATE SEQUENCE IF NOT EXISTS notice_no_seq;
CREATE SEQUENCE IF NOT EXISTS case_no_seq;
CREATE SEQUENCE IF NOT EXISTS paper_no_seq;
CREATE SEQUENCE IF NOT EXISTS job_no_seq;
CREATE SEQUENCE IF NOT EXISTS price_check_no_seq;
