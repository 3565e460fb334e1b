"""The scheme and its money."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class VouchersConfig(AppConfig):
    name = "vouchers"
    verbose_name = "算力券"

    def ready(self) -> None:
        from vouchers.actions.dry_runs import DRY_RUNS
        from vouchers.actions.jobs import register_job_kind
        from vouchers.grants import apply_privileges, check_server_version
        from vouchers.lifecycle_tables import hold_database
        from vouchers.web.configuration import register_configuration
        from vouchers.web.jobs import register_jobs
        from vouchers.web.public.menus import register_public

        register_public()
        register_job_kind(DRY_RUNS)
        register_jobs()
        register_configuration()
        register(check_server_version, Tags.database)
        post_migrate.connect(hold_database, dispatch_uid="vouchers.hold_database")
        post_migrate.connect(apply_privileges, sender=self, dispatch_uid="vouchers.apply_privileges")
