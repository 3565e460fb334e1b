"""The addresses: public pages and sign-in, portal and desk, audit, the API and the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from applications.web.public import notices, price_bulletin
from audit.web import seals
from vouchers.web.public import catalogue, debarred, precheck, price_files, prices, problems, verify

# The public surface is one namespace to which each app gives its pages.
public: list[URLPattern | URLResolver] = [
    *catalogue.urlpatterns,
    *debarred.urlpatterns,
    *precheck.urlpatterns,
    *verify.urlpatterns,
    *notices.urlpatterns,
    *prices.urlpatterns,
    *price_files.urlpatterns,
    *price_bulletin.urlpatterns,
    *seals.urlpatterns,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("api/problems/", include((problems.urlpatterns, "problems"))),
    path("public/", include((public, "public"))),
    path("audit/", include("audit.web.urls")),
    path("", include("applications.web.urls")),
    path("", include("vouchers.web.urls")),
]
