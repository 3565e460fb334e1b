"""Published fair prices: rows of published issues only, readable without signing in."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import AllowAny

from vouchers.models import PriceIndexRow
from vouchers.models.prices import IssueState


class PriceRowSerializer(serializers.ModelSerializer[PriceIndexRow]):
    """One cell of one published month. Prices in yuan a card-hour without tax (in the market's currency otherwise)."""

    month = serializers.DateField(source="issue.month")

    class Meta:
        model = PriceIndexRow
        exclude = ("id", "issue", "record")


class PriceRowFilter(django_filters.FilterSet):
    """By chip, cell parts and month."""

    month = django_filters.DateFilter(field_name="issue__month")
    month_from = django_filters.DateFilter(field_name="issue__month", lookup_expr="gte")

    class Meta:
        model = PriceIndexRow
        fields = (
            "accelerator",
            "form_factor",
            "tier",
            "region_group",
            "term_bucket",
            "grade",
            "month",
            "month_from",
        )


class PriceViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[PriceIndexRow]):
    """已公布的公允价格。"""

    permission_classes = (AllowAny,)
    serializer_class = PriceRowSerializer
    filterset_class = PriceRowFilter

    def get_queryset(self) -> QuerySet[PriceIndexRow]:
        return (
            PriceIndexRow.objects.filter(issue__state=IssueState.PUBLISHED)
            .select_related("issue")
            .order_by("-issue__month", "cell")
        )
