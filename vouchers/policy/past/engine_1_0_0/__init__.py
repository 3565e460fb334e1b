"""Engine 1.0.0 as it decided cases, for computing them again; see `vouchers.policy.past`. Nothing here is ever changed."""

from vouchers.policy.past.engine_1_0_0.assess import assess

__all__ = ["assess"]
