"""`/api/v1/prices/issues` and `/methods`: each month's publication with its hashes, and the method in its versions."""

from __future__ import annotations

import django_filters
from django.db.models import Count, QuerySet
from rest_framework import mixins, serializers

from vouchers.actions.price_published import OUT
from vouchers.api.prices import PublishedView
from vouchers.models import PriceIndexIssue, PriceMethod
from vouchers.models.prices import IssueState


class IssueSerializer(serializers.ModelSerializer[PriceIndexIssue]):
    """A publication. ``state`` superseded: a correction replaced it; what was decided by it stands."""

    method = serializers.IntegerField(source="method.version")
    params_hash = serializers.CharField(source="method.params_hash")
    snapshot_sha256 = serializers.CharField(source="snapshot.sha256")
    cells = serializers.IntegerField()

    class Meta:
        model = PriceIndexIssue
        fields = (
            "issue_no", "market", "month", "revision", "state", "as_of", "known_at", "published_at", "method", "params_hash",
            "snapshot_sha256", "rows_hash", "cells", "factors", "jumps", "jump_text", "jump_confirmation",
        )  # fmt: skip


class IssueFilter(django_filters.FilterSet):
    """By market and month."""

    month_from = django_filters.DateFilter(field_name="month", lookup_expr="gte")
    month_to = django_filters.DateFilter(field_name="month", lookup_expr="lte")
    state = django_filters.ChoiceFilter(choices=[pair for pair in IssueState.choices if pair[0] in OUT])

    class Meta:
        model = PriceIndexIssue
        fields = ("market", "month", "month_from", "month_to", "state")


class PriceIssueViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PublishedView):
    """各期公允价格，含已被更正版取代的。"""

    serializer_class = IssueSerializer
    filterset_class = IssueFilter
    lookup_field = "issue_no"
    lookup_value_regex = "[A-Za-z0-9-]+"

    def get_queryset(self) -> QuerySet[PriceIndexIssue]:
        return (
            PriceIndexIssue.objects.filter(state__in=OUT)
            .select_related("method", "snapshot")
            .defer("snapshot__content")
            .annotate(cells=Count("rows"))
            .order_by("-month", "market", "-revision")
        )


class MethodSerializer(serializers.ModelSerializer[PriceMethod]):
    """A version of the method: parameters as they are hashed, and the words."""

    class Meta:
        model = PriceMethod
        fields = ("market", "version", "effective_from", "effective_to", "params_hash", "params", "prose")


class PriceMethodViewSet(mixins.ListModelMixin, PublishedView):
    """测算方法的各版。"""

    serializer_class = MethodSerializer
    filterset_fields = ("market", "version")

    def get_queryset(self) -> QuerySet[PriceMethod]:
        return PriceMethod.objects.order_by("market", "-version")
