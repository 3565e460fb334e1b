"""Vouchers in the viewer's scope, with what the ledger says of them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from vouchers.actions.vouchers import balances
from vouchers.api.fields import AmountField
from vouchers.models import Voucher


class VoucherSerializer(serializers.ModelSerializer[Voucher]):
    """A voucher, or with ``is_entitlement`` the amount set apart for a subsidy paid without one. Amounts in yuan; ``expires_on`` is the first day on which it can no longer be used."""

    program_code = serializers.SerializerMethodField()
    enterprise_uscc = serializers.CharField(source="enterprise.uscc")
    enterprise_name = serializers.CharField(source="enterprise.name")
    available = serializers.SerializerMethodField()
    reserved = serializers.SerializerMethodField()
    used = serializers.SerializerMethodField()

    class Meta:
        model = Voucher
        fields = (
            "voucher_no",
            "program_code",
            "application_no",
            "enterprise_uscc",
            "enterprise_name",
            "face_value",
            "available",
            "reserved",
            "used",
            "issued_on",
            "expires_on",
            "state",
            "is_entitlement",
            "origin",
        )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_program_code(self, voucher: Voucher) -> str | None:
        """None for history that was brought along."""
        return voucher.program.code if voucher.program else None

    def _part(self, voucher: Voucher, part: str) -> str:
        known: dict[str, Any] = self.context["balances"]
        return f"{getattr(known[voucher.voucher_no], part):.2f}"

    @extend_schema_field(AmountField())
    def get_available(self, voucher: Voucher) -> str:
        """What may still be claimed."""
        return self._part(voucher, "available")

    @extend_schema_field(AmountField())
    def get_reserved(self, voucher: Voucher) -> str:
        """What claims in progress hold."""
        return self._part(voucher, "reserved")

    @extend_schema_field(AmountField())
    def get_used(self, voucher: Voucher) -> str:
        """What approved claims have taken."""
        return self._part(voucher, "used")


class VoucherFilter(django_filters.FilterSet):
    """By program, state and dates."""

    program_code = django_filters.CharFilter(field_name="program__code")
    issued_from = django_filters.DateFilter(field_name="issued_on", lookup_expr="gte")
    issued_before = django_filters.DateFilter(field_name="issued_on", lookup_expr="lt")

    class Meta:
        model = Voucher
        fields = ("program_code", "state", "origin", "issued_from", "issued_before")


@extend_schema(tags=["vouchers"])
class VoucherViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Voucher]):
    """算力券。"""

    serializer_class = VoucherSerializer
    filterset_class = VoucherFilter
    lookup_field = "voucher_no"
    lookup_value_regex = "[A-Za-z0-9-]+"

    def get_queryset(self) -> QuerySet[Voucher]:
        return (
            Voucher.objects.visible_to(self.request.user)
            .select_related("program", "enterprise")
            .order_by("-pk")
        )

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        context = {**self.get_serializer_context(), "balances": balances(page)}
        return self.get_paginated_response(VoucherSerializer(page, many=True, context=context).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        voucher = self.get_object()
        context = {**self.get_serializer_context(), "balances": balances([voucher])}
        return Response(VoucherSerializer(voucher, context=context).data)
