"""Configuration by government staff, in Django's admin: one module a noun. Verbs go through the actions alone."""

from vouchers.admin import policies, prices, programs

__all__ = ["policies", "prices", "programs"]
