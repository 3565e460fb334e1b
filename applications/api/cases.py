"""Applications and claims in the viewer's scope: to read, with findings and working."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers, viewsets

from applications.models import Application, BasisItem, Claim


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    """An application. ``assessment`` holds findings, working lines and what would change the outcome."""

    enterprise_uscc = serializers.CharField(source="enterprise.uscc")
    enterprise_name = serializers.CharField(source="enterprise.name")
    lease_no = serializers.SerializerMethodField()
    project_no = serializers.SerializerMethodField()
    publication_no = serializers.SerializerMethodField()

    class Meta:
        model = Application
        fields = (
            "application_no",
            "program_code",
            "publication_no",
            "pinned_reason",
            "enterprise_uscc",
            "enterprise_name",
            "lease_no",
            "project_no",
            "state",
            "state_since",
            "due_on",
            "requested_amount",
            "approved_amount",
            "decision_reason",
            "voucher_no",
            "submitted_at",
            "engine_version",
            "assessment",
            "origin",
        )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_lease_no(self, application: Application) -> str | None:
        """The contract that it rests on."""
        return application.lease.lease_no if application.lease else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_project_no(self, application: Application) -> str | None:
        """The project of its own that it rests on, where it rests on no contract."""
        return application.project.project_no if application.project else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_publication_no(self, application: Application) -> str | None:
        """The pinned publication."""
        return application.publication.publication_no if application.publication else None


class BasisItemSerializer(serializers.ModelSerializer[BasisItem]):
    """One item of the base; ``period_to`` is the day after the last."""

    class Meta:
        model = BasisItem
        fields = (
            "position",
            "kind",
            "number_key",
            "reference",
            "description",
            "net_amount",
            "tax_amount",
            "period_from",
            "period_to",
            "accelerator",
            "component",
            "quantity",
            "scale_unit",
            "precision",
        )


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    """A claim with its items, the price check's sentence, and the working."""

    voucher_no = serializers.CharField(source="voucher.voucher_no")
    enterprise_uscc = serializers.CharField(source="enterprise.uscc")
    enterprise_name = serializers.CharField(source="enterprise.name")
    payee_uscc = serializers.SerializerMethodField()
    lease_no = serializers.SerializerMethodField()
    price_sentence = serializers.SerializerMethodField()
    items = BasisItemSerializer(many=True)

    class Meta:
        model = Claim
        fields = (
            "claim_no",
            "kind",
            "voucher_no",
            "program_code",
            "enterprise_uscc",
            "enterprise_name",
            "payee_uscc",
            "lease_no",
            "state",
            "state_since",
            "due_on",
            "claimed_amount",
            "approved_amount",
            "decision_reason",
            "submitted_at",
            "paid_on",
            "engine_version",
            "price_sentence",
            "items",
            "assessment",
            "origin",
        )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_payee_uscc(self, claim: Claim) -> str | None:
        """Who receives the money."""
        return claim.payee.uscc if claim.payee else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_lease_no(self, claim: Claim) -> str | None:
        """The contract."""
        return claim.lease.lease_no if claim.lease else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_price_sentence(self, claim: Claim) -> str | None:
        """What the fair-price check says."""
        return claim.price_check.sentence if claim.price_check else None


class ApplicationFilter(django_filters.FilterSet):
    """By program, state, enterprise and day of submission."""

    enterprise_uscc = django_filters.CharFilter(field_name="enterprise__uscc")
    submitted_from = django_filters.DateFilter(field_name="submitted_at", lookup_expr="date__gte")
    submitted_before = django_filters.DateFilter(field_name="submitted_at", lookup_expr="date__lt")

    class Meta:
        model = Application
        fields = ("program_code", "state", "origin", "enterprise_uscc", "submitted_from", "submitted_before")


class ClaimFilter(django_filters.FilterSet):
    """By program, state, voucher, enterprise and day of submission."""

    voucher_no = django_filters.CharFilter(field_name="voucher__voucher_no")
    enterprise_uscc = django_filters.CharFilter(field_name="enterprise__uscc")
    submitted_from = django_filters.DateFilter(field_name="submitted_at", lookup_expr="date__gte")
    submitted_before = django_filters.DateFilter(field_name="submitted_at", lookup_expr="date__lt")

    class Meta:
        model = Claim
        fields = (
            "program_code",
            "state",
            "kind",
            "origin",
            "voucher_no",
            "enterprise_uscc",
            "submitted_from",
            "submitted_before",
        )


class ReadOnly(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """List and look up by business number, in the viewer's scope."""

    lookup_value_regex = "[A-Za-z0-9-]+"


class ApplicationViewSet(ReadOnly):
    """申领。"""

    serializer_class = ApplicationSerializer
    filterset_class = ApplicationFilter
    lookup_field = "application_no"

    def get_queryset(self) -> QuerySet[Application]:
        return (
            Application.objects.visible_to(self.request.user)
            .select_related("enterprise", "lease", "project", "publication")
            .order_by("-pk")
        )


class ClaimViewSet(ReadOnly):
    """兑付申请。"""

    serializer_class = ClaimSerializer
    filterset_class = ClaimFilter
    lookup_field = "claim_no"

    def get_queryset(self) -> QuerySet[Claim]:
        return (
            Claim.objects.visible_to(self.request.user)
            .select_related("voucher", "enterprise", "payee", "lease", "price_check")
            .prefetch_related("items")
            .order_by("-pk")
        )
