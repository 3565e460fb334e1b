"""Addresses of this app's part of the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from vouchers.api import openapi as openapi
from vouchers.api.price_issues import PriceIssueViewSet, PriceMethodViewSet
from vouchers.api.price_observations import PriceObservationViewSet
from vouchers.api.prices import PriceViewSet
from vouchers.api.programs import ProgramViewSet
from vouchers.api.vouchers import VoucherViewSet

router = SimpleRouter(trailing_slash=False)
router.register("programs", ProgramViewSet, basename="api-program")
router.register("vouchers", VoucherViewSet, basename="api-voucher")
router.register("prices/observations", PriceObservationViewSet, basename="api-price-observation")
router.register("prices/issues", PriceIssueViewSet, basename="api-price-issue")
router.register("prices/methods", PriceMethodViewSet, basename="api-price-method")
router.register("prices", PriceViewSet, basename="api-price")

urlpatterns: list[URLPattern | URLResolver] = [path("", include(router.urls))]
