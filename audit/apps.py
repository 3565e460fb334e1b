"""The observer: trail, fraud rules, flags and reports."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "审计监督"

    def ready(self) -> None:
        from audit.actions.shadow_runs import SHADOW_RUNS
        from audit.price_watch import redemptions
        from audit.screener import SCREENER
        from audit.trail import observers
        from audit.trail.attach import attach_after_migrate
        from audit.web import surface
        from audit.web.case_links import story_link, story_links
        from vouchers.actions.holds import register_screener
        from vouchers.actions.jobs import register_job_kind
        from vouchers.actions.price_watch import register_redemptions
        from vouchers.web.case_links import register_case_links
        from vouchers.web.story_links import register_story_link

        # The last of the apps, so every table is there when the triggers are attached.
        post_migrate.connect(attach_after_migrate, sender=self, dispatch_uid="audit.attach_after_migrate")
        observers.connect()
        surface.register()
        register_case_links(story_links)
        register_story_link(story_link)
        register_screener(SCREENER)
        register_job_kind(SHADOW_RUNS)
        register_redemptions(redemptions)
