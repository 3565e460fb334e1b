"""Engine 1.1.0 as it decided cases, for computing them again; see `vouchers.policy.past`. Nothing here is ever changed."""

from vouchers.policy.past.engine_1_1_0.assess import assess

__all__ = ["assess"]
