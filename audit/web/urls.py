"""Addresses of this app's pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from audit.web import (
    case_files,
    holds,
    home,
    ledger_days,
    review_draws,
    rule_versions,
    rules,
    seals,
    stories,
    suspicions,
    trail,
    workbooks,
)

app_name = "audit"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("suspicions/", suspicions.queue, name="suspicions"),
    path("suspicions/<slug:kind>/<str:number>/", suspicions.case, name="suspicion"),
    path("holds/", holds.holds, name="holds"),
    path("holds/place/<slug:kind>/<str:number>/", holds.place, name="place-hold"),
    path("holds/<str:hold_no>/", holds.hold, name="hold"),
    path("holds/<str:hold_no>/<slug:verb>/", holds.decide, name="decide-hold"),
    path("rules/", rules.rules, name="rules"),
    path("rules/<slug:rule_id>/", rules.rule, name="rule"),
    path("rules/<slug:rule_id>/draft/", rule_versions.draft, name="rule-draft"),
    path("rules/<slug:rule_id>/put-back/", rules.put_back, name="rule-put-back"),
    path("rules/<slug:rule_id>/versions/<int:version>/", rule_versions.version, name="rule-version"),
    path("rules/<slug:rule_id>/versions/<int:version>/edit/", rule_versions.edit, name="rule-edit"),
    path(
        "rules/<slug:rule_id>/versions/<int:version>/<slug:verb>/", rule_versions.decide, name="rule-decide"
    ),
    path("reviews/", review_draws.draws, name="review-draws"),
    path("snoozes/", review_draws.snoozes, name="snoozes"),
    path("snoozes/<str:snooze_no>/end/", review_draws.end, name="end-snooze"),
    path("suspicions/<slug:kind>/<str:number>/snooze/<slug:rule>/", review_draws.snooze, name="snooze"),
    path("workbook/", workbooks.download, name="workbook"),
    path("ledger/", ledger_days.days, name="ledger_days"),
    path("ledger/<str:day>/", ledger_days.day, name="ledger_day"),
    path("trail/", trail.explorer, name="trail"),
    path("trail/seals/", seals.desk, name="seals"),
    path("trail/filters/", trail.keep, name="trail-filters"),
    path("trail/events/<uuid:event_no>/", trail.event, name="trail-event"),
    path("trail/events/<uuid:event_no>/evidence.zip", case_files.event, name="trail-event-evidence"),
    path("trail/evidence/<slug:kind>/<path:number>/", case_files.case, name="trail-evidence"),
    path("trail/stories/<slug:kind>/<path:number>/", stories.story, name="trail-story"),
]
