"""The addresses: public pages and sign-in, portal and desk, audit, the API and the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("audit/", include("audit.web.urls")),
    path("", include("applications.web.urls")),
    path("", include("vouchers.web.urls")),
]
