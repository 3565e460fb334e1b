"""Excel files in and out: the file format alone. What stands in the cells is told by `vouchers.policy`."""
