"""`/api/v1/events` and `/api/v1/settlements/reconciliation`: what a platform is told of, and what it compares its books with."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions.platform_feed import books_of, csv_lines, events_within
from applications.api.settlements import reach_of
from applications.models import Claim
from vouchers.actions.platform_events import MOST_EVENTS, told
from vouchers.api.fields import AmountField
from vouchers.api.permissions import admission_of
from vouchers.api.problem_document import PROBLEMS
from vouchers.models import PlatformEvent
from vouchers.models.platforms import Scope
from vouchers.web.downloads import note_export


class EventRow(serializers.Serializer[Any]):
    """One change of state, as it was when it happened."""

    position = serializers.IntegerField()
    kind = serializers.CharField(
        help_text="settlement.reserved、confirmed、released、lapsed、rejected、returned、verified、paid"
    )
    settlement_no = serializers.CharField()
    happened_at = serializers.DateTimeField()
    content = serializers.DictField()


@extend_schema_serializer(many=False)
class EventPage(serializers.Serializer[Any]):
    """Events in order; ``next`` is what to ask after the next time, also when there are none."""

    events = EventRow(many=True)
    next = serializers.IntegerField()


class EventsQuery(serializers.Serializer[Any]):
    """After which position, and how many at most."""

    after = serializers.IntegerField(min_value=0, max_value=2**62, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_EVENTS, default=100)


class EventViewSet(viewsets.GenericViewSet[Any]):
    """状态变动：按序号轮询。"""

    serializer_class = EventPage
    queryset = PlatformEvent.objects.none()
    scope = Scope.EVENTS

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int, description="上次应答的 next；首次为 0"),
            OpenApiParameter("limit", int, description=f"至多几条，不超过 {MOST_EVENTS}"),
        ],
        responses={200: EventPage, **PROBLEMS},
    )
    def list(self, request: Request) -> Response:
        """What happened after a position: in the order of commits, without gaps, nothing ever appears below."""
        admission = admission_of(request)
        asked = EventsQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        events, reached = events_within(
            admission.credential.provider,
            asked.validated_data["after"],
            most=asked.validated_data["limit"],
            reach=reach_of(admission),
        )
        return Response({"events": [told(event) for event in events], "next": reached})


class ReconciliationQuery(serializers.Serializer[Any]):
    """Which days (both count), in which form."""

    to = serializers.DateField()
    form = serializers.ChoiceField(choices=("totals", "lines", "csv"), default="totals")


# ``from`` is a word of the language.
ReconciliationQuery._declared_fields["from"] = serializers.DateField()


class BookLineRow(serializers.Serializer[Any]):
    """One settlement."""

    idempotency_key = serializers.CharField()
    settlement_no = serializers.CharField()
    state = serializers.CharField()
    amount = AmountField()


@extend_schema_serializer(many=False)
class ReconciliationAnswer(serializers.Serializer[Any]):
    """Count, sum and hash; by state as well. The hash is over one line a settlement, in ascending order of the keys:
    ``key|settlement_no|state|amount`` with a line feed behind each, in UTF-8."""

    to = serializers.DateField()
    count = serializers.IntegerField()
    sum = AmountField()
    sha256 = serializers.CharField()
    states = serializers.DictField()
    lines = BookLineRow(many=True, required=False)


ReconciliationAnswer._declared_fields["from"] = serializers.DateField()


class ReconciliationViewSet(viewsets.GenericViewSet[Any]):
    """对账：按预占日期的笔数、金额与摘要，以及明细下载。"""

    serializer_class = ReconciliationAnswer
    queryset = Claim.objects.none()
    scope = Scope.READ

    @extend_schema(
        parameters=[
            OpenApiParameter("from", str, required=True, description="预占日期自（含），北京时间"),
            OpenApiParameter("to", str, required=True, description="预占日期至（含）"),
            OpenApiParameter(
                "form", str, description="totals（缺省，只有合计）、lines（含明细）、csv（明细文件）"
            ),
        ],
        responses={200: ReconciliationAnswer, **PROBLEMS},
    )
    def list(self, request: Request) -> Response | StreamingHttpResponse:
        """The books of a period as this side has them."""
        admission = admission_of(request)
        asked = ReconciliationQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        first, last = asked.validated_data["from"], asked.validated_data["to"]
        books = books_of(admission.credential.provider, first, last, reach=reach_of(admission))
        form = asked.validated_data["form"]
        if form == "csv":
            answer = StreamingHttpResponse(csv_lines(books), content_type="text/csv; charset=utf-8")
            name = f"reconciliation-{first:%Y%m%d}-{last:%Y%m%d}.csv"
            note_export(
                request._request,
                "reconciliation",
                admission.credential.provider.uscc,
                name,
                sha256=books.sha256,
                rows=len(books.lines),
            )
            answer["Content-Disposition"] = f'attachment; filename="{name}"'
            answer["X-Count"], answer["X-Sum"] = str(len(books.lines)), f"{books.total:.2f}"
            answer["X-SHA256"] = books.sha256
            return answer
        body: dict[str, Any] = {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "count": len(books.lines),
            "sum": f"{books.total:.2f}",
            "sha256": books.sha256,
            "states": books.by_state(),
        }
        if form == "lines":
            body["lines"] = [
                {
                    "idempotency_key": line.idempotency_key,
                    "settlement_no": line.settlement_no,
                    "state": line.state,
                    "amount": f"{line.amount:.2f}",
                }
                for line in books.lines
            ]
        return Response(body)
