"""企业端: what an enterprise's people do: apply, file contracts and invoices, claim, and see how their cases stand."""
