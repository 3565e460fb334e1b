"""Addresses of this app's part of the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from applications.api.cases import ApplicationViewSet, ClaimViewSet
from applications.api.feed import EventViewSet, ReconciliationViewSet
from applications.api.metering import MeteringViewSet
from applications.api.settlement_batches import SettlementBatchViewSet
from applications.api.settlements import SettlementViewSet

router = SimpleRouter(trailing_slash=False)
router.register("applications", ApplicationViewSet, basename="api-application")
router.register("claims", ClaimViewSet, basename="api-claim")
router.register("events", EventViewSet, basename="api-event")
router.register("settlements/reconciliation", ReconciliationViewSet, basename="api-reconciliation")
router.register("settlements/batches", SettlementBatchViewSet, basename="api-settlement-batch")
router.register("settlements", SettlementViewSet, basename="api-settlement")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(router.urls)),
    path(
        "leases/<str:lease_no>/metering",
        MeteringViewSet.as_view({"post": "create", "get": "list"}),
        name="api-metering",
    ),
]
