"""Addresses of this app's pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", include("applications.web.desk.urls")),
    path("portal/", include("applications.web.portal.urls")),
    path("papers/", include("applications.web.papers")),
]
