"""Puts our own site in the place of Django's admin site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConfigurationAdminConfig(AdminConfig):
    default_site = "vouchers.web.configuration.ConfigurationSite"
