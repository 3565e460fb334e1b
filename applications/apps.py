"""The casework: what enterprises file and staff decide."""

from __future__ import annotations

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "applications"
    verbose_name = "申领与兑付"

    def ready(self) -> None:
        from applications.web.menus import register_menus

        register_menus()
