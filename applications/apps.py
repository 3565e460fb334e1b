"""The casework: what enterprises file and staff decide."""

from __future__ import annotations

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "applications"
    verbose_name = "申领与兑付"

    def ready(self) -> None:
        from applications.actions.assessments import beneath_application, beneath_claim
        from applications.actions.batch_jobs import PARTS_OF_ISSUE, WHOLE_DEEDS
        from applications.actions.imports.uploads import IMPORTS
        from applications.actions.list_uploads import LONG_LISTS
        from applications.actions.payment_news import look_again
        from applications.actions.reach import REACHED
        from applications.actions.settlement_batches import SETTLEMENT_BATCHES
        from applications.api.problem_types import register_settlement_problems
        from applications.lease_use_check import register_lease_use_check
        from applications.past_cases import PAST_CASES
        from applications.replay_cases import OWN_CASES
        from applications.sample_cases import SAMPLE_YEAR
        from applications.undertakings import counted_together, survivors
        from applications.web.case_links import desk_links
        from applications.web.menus import register_menus
        from vouchers.actions.caps import register_projects
        from vouchers.actions.case_sources import register_case_source
        from vouchers.actions.holds import register_beneath
        from vouchers.actions.jobs import register_job_kind
        from vouchers.actions.payment_grounds import register_payment_check
        from vouchers.actions.policy_reach import register_reach
        from vouchers.web.case_links import register_case_links

        register_projects(counted_together, survivors)
        register_case_source(OWN_CASES)
        register_case_source(PAST_CASES)
        register_case_source(SAMPLE_YEAR)
        register_job_kind(SETTLEMENT_BATCHES)
        register_job_kind(WHOLE_DEEDS)
        register_job_kind(PARTS_OF_ISSUE)
        register_job_kind(IMPORTS)
        register_job_kind(LONG_LISTS)
        register_reach(REACHED)
        register_beneath("application", beneath_application)
        register_beneath("claim", beneath_claim)
        register_payment_check(look_again)
        register_lease_use_check()
        register_settlement_problems()
        register_menus()
        register_case_links(desk_links)
