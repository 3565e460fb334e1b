"""Addresses that belong to no surface: the root, signing in, the page of the look."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from vouchers.web import accounts, jobs
from vouchers.web.home import home

urlpatterns = [
    path("", home, name="home"),
    path("jobs/", include((jobs.urlpatterns, "jobs"))),
    path("accounts/", include((accounts.urlpatterns, "accounts"))),
]

if settings.DEBUG or getattr(settings, "DEMO_DATE", None):
    from vouchers.web.look_page import look

    urlpatterns.append(path("look/", look, name="look"))
