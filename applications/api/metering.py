"""`/api/v1/leases/{lease_no}/metering`: a platform pushes what was used, day by day."""

from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions.metering import MOST_DAYS, DayUse, days_of, lease_of, report_days
from applications.api.settlements import KEY, key_of, reach_of
from applications.models import MeteringDay
from vouchers.api.fields import QuantityField
from vouchers.api.permissions import admission_of
from vouchers.api.problem_document import PROBLEMS
from vouchers.errors import Invalid
from vouchers.models.platforms import Scope


class DayInput(serializers.Serializer[Any]):
    """One day. To correct a stored figure, name it in ``replaces`` and say why."""

    day = serializers.DateField()
    card_hours = QuantityField(help_text="卡时，至多四位小数；没有使用的日子报 0")
    replaces = QuantityField(required=False, help_text="更正时：已存的原值")
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="更正的事由")


class DayAnswer(serializers.Serializer[Any]):
    """What came of one day."""

    line = serializers.IntegerField(help_text="在 days 中的序号，自 1 起")
    day = serializers.CharField()
    card_hours = serializers.CharField()
    outcome = serializers.ChoiceField(choices=("stored", "corrected", "unchanged", "refused"))
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)


DayAnswer._declared_fields["field"] = serializers.CharField(allow_blank=True)


class MeteringInput(serializers.Serializer[Any]):
    """Days of one lease, at most 400."""

    days = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST_DAYS)


class MeteringAnswer(serializers.Serializer[Any]):
    """The push, day by day."""

    lease_no = serializers.CharField()
    stored = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    days = DayAnswer(many=True)


class StoredDay(serializers.Serializer[Any]):
    """A day as it is stored."""

    day = serializers.DateField()
    card_hours = QuantityField()
    reason = serializers.CharField(allow_blank=True, help_text="更正过的，写明事由")


def _uses(sent: Any) -> list[DayUse]:
    """The days as the action takes them. Raises the framework's ``ValidationError`` with the place of what cannot be read."""
    given = MeteringInput(data=sent)
    given.is_valid(raise_exception=True)
    rows = DayInput(data=given.validated_data["days"], many=True)
    if not rows.is_valid():
        raise serializers.ValidationError({"days": rows.errors})
    return [DayUse(**row) for row in rows.validated_data]


class MeteringViewSet(viewsets.GenericViewSet[MeteringDay]):
    """用量上报。"""

    serializer_class = MeteringAnswer
    queryset = MeteringDay.objects.none()
    scope = Scope.METER
    scopes = {"list": Scope.READ}

    @extend_schema(
        request={"application/json": {"type": "object", "properties": {"days": {"type": "array"}}}},
        parameters=[KEY, OpenApiParameter("lease_no", str, OpenApiParameter.PATH)],
        responses={
            201: OpenApiResponse(MeteringAnswer, "逐日办理的结果；有误的日子列明原因，其余已存"),
            200: OpenApiResponse(MeteringAnswer, "同一幂等键的首次结果；应答头 Idempotent-Replayed: true"),
            **PROBLEMS,
        },
    )
    def create(self, request: Request, lease_no: str = "") -> Response:
        """Push days of one lease."""
        admission = admission_of(request)
        key = key_of(request)
        answer, fresh = report_days(
            lease_no, _uses(request.data), credential=admission.credential, reach=reach_of(admission), key=key
        )
        response = Response(answer, status=201 if fresh else 200)
        if not fresh:
            response["Idempotent-Replayed"] = "true"
        return response

    @extend_schema(
        parameters=[
            OpenApiParameter("lease_no", str, OpenApiParameter.PATH),
            OpenApiParameter("from", str, required=True, description="自该日（含）"),
            OpenApiParameter("to", str, required=True, description="至该日（含）"),
        ],
        responses={200: StoredDay(many=True), **PROBLEMS},
    )
    def list(self, request: Request, lease_no: str = "") -> Response:
        """What is stored of these days."""
        admission = admission_of(request)
        lease = lease_of(lease_no, credential=admission.credential, reach=reach_of(admission))
        first, last = (_day(request, name) for name in ("from", "to"))
        if last < first or (last - first).days > MOST_DAYS:
            raise Invalid("metering.range", f"请查询 1 至 {MOST_DAYS} 天。", field="to")
        return Response(days_of(lease, first, last))


def _day(request: Request, name: str) -> date:
    try:
        day: date = serializers.DateField().run_validation(request.query_params.get(name, ""))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({name: error.detail}) from error
    return day
