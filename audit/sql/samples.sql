-- Numbers of samples (审计抽样).
CREATE SEQUENCE IF NOT EXISTS audit_sample_no_seq;
