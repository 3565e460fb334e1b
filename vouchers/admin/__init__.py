"""Configuration by government staff, in Django's admin: one module a noun. Verbs go through the actions alone."""

from vouchers.admin import policies, programs

__all__ = ["policies", "programs"]
