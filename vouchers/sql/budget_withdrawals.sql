-- The counter of the numbers of what is taken back of a budget (vouchers/numbers.py).
CREATE SEQUENCE IF NOT EXISTS budget_withdrawal_no_seq;
