"""Addresses of this app's pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from audit.web import home, trail

app_name = "audit"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("trail/", trail.explorer, name="trail"),
    path("trail/events/<uuid:event_no>/", trail.event, name="trail-event"),
    path("trail/stories/<slug:kind>/<path:number>/", trail.story, name="trail-story"),
]
