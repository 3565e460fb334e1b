"""Programs and their published rules: the public catalogue, readable without signing in."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, inline_serializer
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from vouchers import dates
from vouchers.actions.policies import publication_in_force
from vouchers.errors import DomainError
from vouchers.models import Program, Publication
from vouchers.policy.opening import closed_reasons


class ProgramSerializer(serializers.ModelSerializer[Program]):
    """One scheme of one region."""

    region_code = serializers.CharField(source="region.code")
    region_name = serializers.CharField(source="region.name")
    open_for_applications = serializers.SerializerMethodField()
    closed_reasons = serializers.SerializerMethodField()
    publication_no = serializers.SerializerMethodField()

    class Meta:
        model = Program
        fields = (
            "code",
            "name",
            "region_code",
            "region_name",
            "office",
            "side",
            "summary",
            "is_demonstration",
            "publication_no",
            "open_for_applications",
            "closed_reasons",
        )

    def _publication(self, program: Program) -> Publication | None:
        try:
            return publication_in_force(program, dates.today())
        except DomainError:
            return None

    @extend_schema_field(serializers.BooleanField())
    def get_open_for_applications(self, program: Program) -> bool:
        """Whether an application may be started today; a rate that is not published keeps a scheme closed."""
        publication = self._publication(program)
        return publication is not None and publication.takes_applications

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_closed_reasons(self, program: Program) -> list[str]:
        """Why no application can be started under the version in force; empty when one can."""
        publication = self._publication(program)
        if publication is None:
            return ["目前没有施行中的政策。"]
        return [] if publication.takes_applications else closed_reasons(publication.scheme)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_publication_no(self, program: Program) -> str | None:
        """The publication in force today."""
        publication = self._publication(program)
        return publication.publication_no if publication else None


class ProgramFilter(django_filters.FilterSet):
    """By region and side."""

    region_code = django_filters.CharFilter(field_name="region__code")

    class Meta:
        model = Program
        fields = ("region_code", "side", "is_demonstration")


class ProgramViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Program]):
    """专项目录。"""

    permission_classes = (AllowAny,)
    serializer_class = ProgramSerializer
    filterset_class = ProgramFilter
    lookup_field = "code"
    lookup_value_regex = "[A-Za-z0-9-]+"

    def get_queryset(self) -> QuerySet[Program]:
        return Program.objects.listed().select_related("region").order_by("code")

    @extend_schema(
        parameters=[OpenApiParameter("on", str, description="生效日期 YYYY-MM-DD，缺省为今天")],
        responses=inline_serializer(
            "PublicationDocument",
            {
                "publication_no": serializers.CharField(),
                "label": serializers.CharField(),
                "sha256": serializers.CharField(),
                "document": serializers.JSONField(),
            },
        ),
    )
    @action(detail=True)
    def rules(self, request: Request, code: str = "") -> Response:
        """The rules in force on a day, as published: the canonical document and its SHA-256."""
        program = self.get_object()
        given = request.query_params.get("on", "")
        try:
            on = serializers.DateField().run_validation(given) if given else dates.today()
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"on": error.detail}) from error
        publication = publication_in_force(program, on)
        body: dict[str, Any] = {
            "publication_no": publication.publication_no,
            "label": publication.label,
            "sha256": publication.sha256,
            "document": publication.document,
        }
        return Response(body)
