"""`/api/v1/prices/…`: the published fair prices, readable without signing in: rows, cells, what held when, history, issues,
the method. What was published does not change, so every answer bears an ETag that changes only with a publication."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import Any

import django_filters
from django.db.models import Count, Max, Min, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.http import condition
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from vouchers import dates
from vouchers.access import has_role
from vouchers.actions.price_explorer import PRICE_READERS, explore
from vouchers.actions.price_published import OUT, issue_known_at, months_since
from vouchers.api.problem_document import PROBLEMS
from vouchers.api.problem_types import register_problems
from vouchers.errors import Forbidden, Invalid, NotFound
from vouchers.models import PriceIndexIssue, PriceIndexRow, PriceMethod
from vouchers.models.prices import IssueState, Market
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.cells import CURRENCY_OF
from vouchers.policy.prices.regions import region_label

CELL = "china/H800/SXM/specialist/east/1_6m"
CELL_PARAMETER = OpenApiParameter(
    "cell", str, required=True, description=f"单元代码：市场/加速卡/形态/供应方类别/区域组/租期，如 {CELL}"
)

register_problems(
    {
        ("price.not_published", 404): (
            "该单元在所问的日期没有已公布的价格，或当时尚未公布。",
            "核对单元代码（GET /api/v1/prices/cells）与 as_of、known_at。",
        ),
        ("price.no_cell", 422): (
            "单元代码不是六段，或没有这样的单元。",
            "从 GET /api/v1/prices/cells 取单元代码。",
        ),
        ("price.future", 422): (
            "所问的基准日（as_of）晚于今日。",
            "把 as_of 改为今日或更早的日期；不填即为今日。",
        ),
        ("price.staff_only", 403): (
            "按任意时点重新测算仅供本机关工作人员使用。",
            "对外以已公布的价格为准：不带 basis，或 basis=published。",
        ),
    }
)


class PricePages(LimitOffsetPagination):
    """At most 500 rows a page."""

    default_limit = 50
    max_limit = 500


def _stamp(request: HttpRequest, *_args: Any, **_kwargs: Any) -> str | None:
    """Changes with every publication and with the day, of which what is asked without ``as_of`` tells; None for what is computed anew."""
    if request.GET.get("basis") == "computed":
        return None
    last = PriceIndexIssue.objects.filter(state__in=OUT).aggregate(at=Max("published_at"), count=Count("pk"))
    methods = PriceMethod.objects.aggregate(count=Count("pk"))
    text = f"2|{dates.today()}|{last['at']}|{last['count']}|{methods['count']}|{request.get_full_path()}"
    return f'W/"{sha256(text.encode()).hexdigest()[:32]}"'


class PublishedView(viewsets.GenericViewSet[Any]):
    """Readable by everybody, answered with 304 while nothing new was published."""

    permission_classes = (AllowAny,)
    pagination_class = PricePages

    @method_decorator(condition(etag_func=_stamp))
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code == 200 and request.query_params.get("basis") != "computed":
            answer["Cache-Control"] = "public, max-age=300"
        else:
            answer["Cache-Control"] = "no-store"
        return answer


# -- rows -------------------------------------------------------------------------------------------------------------


class PriceRowSerializer(serializers.ModelSerializer[PriceIndexRow]):
    """One cell of one published month. Prices in yuan a card-hour without tax (in the market's currency otherwise)."""

    month = serializers.DateField(source="issue.month")
    issue_no = serializers.CharField(source="issue.issue_no")
    market = serializers.CharField(source="issue.market")
    currency = serializers.SerializerMethodField()
    region_label = serializers.SerializerMethodField()

    class Meta:
        model = PriceIndexRow
        exclude = ("id", "issue", "record")

    def get_currency(self, row: PriceIndexRow) -> str:
        """ISO 4217."""
        return CURRENCY_OF[row.issue.market]

    def get_region_label(self, row: PriceIndexRow) -> str:
        """The region group in words."""
        return region_label(row.issue.market, row.region_group)


class PriceRowFilter(django_filters.FilterSet):
    """By market, issue, month, cell and its parts, and grade. A value that is no choice is refused (422)."""

    market = django_filters.ChoiceFilter(field_name="issue__market", choices=Market.choices)
    issue_no = django_filters.CharFilter(field_name="issue__issue_no")
    month = django_filters.DateFilter(field_name="issue__month")
    month_from = django_filters.DateFilter(field_name="issue__month", lookup_expr="gte")
    month_to = django_filters.DateFilter(field_name="issue__month", lookup_expr="lte")
    cell = django_filters.CharFilter()
    grade = django_filters.MultipleChoiceFilter(choices=[(grade, grade) for grade in "ABCDE"])
    has_price = django_filters.BooleanFilter(field_name="base", lookup_expr="isnull", exclude=True)

    class Meta:
        model = PriceIndexRow
        fields = (
            "market", "issue_no", "month", "month_from", "month_to", "cell", "accelerator", "form_factor", "tier",
            "region_group", "term_bucket", "level", "grade", "has_price",
        )  # fmt: skip


class CellSerializer(serializers.Serializer[dict[str, Any]]):
    """A cell that prices were published of."""

    cell = serializers.CharField()
    market = serializers.CharField(source="issue__market")
    accelerator = serializers.CharField()
    form_factor = serializers.CharField()
    tier = serializers.CharField()
    region_group = serializers.CharField()
    term_bucket = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    months = serializers.IntegerField(help_text="有价格的月数")
    first_month = serializers.DateField()
    last_month = serializers.DateField()
    last_base = serializers.DecimalField(max_digits=18, decimal_places=6)
    last_grade = serializers.CharField()

    @extend_schema_field(serializers.CharField())
    def get_label(self, row: dict[str, Any]) -> str:
        """The cell in words."""
        return fp.Cell.parse(row["cell"]).label(region_label(row["issue__market"], row["region_group"]))


class AsOfQuery(serializers.Serializer[Any]):
    """What held when."""

    cell = serializers.CharField(max_length=140)
    as_of = serializers.DateField(required=False, help_text="签订日或其他基准日，缺省为今天")
    known_at = serializers.DateTimeField(
        required=False,
        help_text="以当时已公布（basis=computed 时为已知悉）的为准，缺省为现在；只写日期的为该日零时",
    )
    basis = serializers.ChoiceField(
        ("published", "computed"),
        default="published",
        help_text="computed：按该时点重新测算，仅限本机关人员",
    )
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=9999, help_text="basis=computed 时的方法版本"
    )

    def validate_cell(self, value: str) -> fp.Cell:
        """Six parts, of a market there is."""
        try:
            cell = fp.Cell.parse(value)
        except ValueError:
            cell = None
        if cell is None or cell.market not in Market.values or "\x00" in value:
            raise Invalid("price.no_cell", f"“{value}”不是价格单元。", field="cell", hint=f"样式：{CELL}")
        return cell


class HistoryQuery(AsOfQuery):
    """Whose months, and whether those that were replaced too."""

    as_of = known_at = basis = version = None  # type: ignore[assignment]
    revisions = serializers.ChoiceField(
        ("held", "all"), default="held", help_text="all：包括已被更正版取代的"
    )


class PriceViewSet(mixins.ListModelMixin, PublishedView):
    """已公布的公允价格。"""

    serializer_class = PriceRowSerializer
    filterset_class = PriceRowFilter

    def get_queryset(self) -> QuerySet[PriceIndexRow]:
        return (
            PriceIndexRow.objects.filter(issue__state=IssueState.PUBLISHED)
            .select_related("issue")
            .defer("record", "issue__factors", "issue__jumps", "issue__jump_text")
            .order_by("-issue__month", "issue__market", "cell")
        )

    @extend_schema(responses=CellSerializer(many=True))
    @action(detail=False)
    def cells(self, request: Request) -> Response:
        """Every cell that a price was published of, with its first, its last and its number of months."""
        rows = self.filter_queryset(self.get_queryset().exclude(base=None))
        last = PriceIndexRow.objects.filter(
            cell=OuterRef("cell"), issue__state=IssueState.PUBLISHED, base__isnull=False
        ).order_by("-issue__month")
        cells = (
            rows.order_by()
            .values(
                "cell", "issue__market", "accelerator", "form_factor", "tier", "region_group", "term_bucket"
            )
            .annotate(
                months=Count("pk"),
                first_month=Min("issue__month"),
                last_month=Max("issue__month"),
                last_base=Subquery(last.values("base")[:1]),
                last_grade=Subquery(last.values("grade")[:1]),
            )
            .order_by("cell")
        )
        page = self.paginate_queryset(cells) or []
        return self.get_paginated_response([CellSerializer(row).data for row in page])

    @extend_schema(
        parameters=[CELL_PARAMETER, AsOfQuery],
        responses={200: PriceRowSerializer, **PROBLEMS},
        filters=False,
        examples=[OpenApiExample("签订日的价格", value={"cell": CELL, "as_of": "2025-06-12"})],
    )
    @action(detail=False, url_path="as-of", filterset_class=None, pagination_class=None)
    def as_of(self, request: Request) -> Response:
        """The row that held on a day, as it was known at an instant: a correction that came later does not count."""
        asked = _asked(AsOfQuery, request)
        cell: fp.Cell = asked["cell"]
        day = asked.get("as_of") or dates.today()
        known_at = asked.get("known_at") or dates.now()
        if asked["basis"] == "computed":
            return self._computed(request, cell, day, known_at, asked.get("version"))
        _require_not_ahead(day)
        row = self._row(issue_known_at(cell.market, day, known_at), cell)
        issue = row.issue
        told = {
            **self.get_serializer(row).data,
            "as_of": day.isoformat(),
            "basis": "published",
            "stale": months_since(issue, day) > fp.Method.from_params(issue.method.params).carry_months,
        }
        return Response(
            {**told, "method": issue.method.version, "published_at": _instant(issue.published_at)}
        )

    def _row(self, issue: PriceIndexIssue | None, cell: fp.Cell) -> PriceIndexRow:
        row = (
            issue.rows.filter(cell=cell.code).select_related("issue__method").first()
            if issue is not None
            else None
        )
        if row is None:
            raise NotFound("price.not_published", "该单元在所问的日期没有已公布的价格。", field="cell")
        return row

    def _computed(
        self, request: Request, cell: fp.Cell, day: Any, known_at: datetime, version: int | None
    ) -> Response:
        if not has_role(request.user, *PRICE_READERS):
            raise Forbidden("price.staff_only", "按任意时点重新测算仅供本机关工作人员使用。")
        _require_not_ahead(day)
        found = explore(cell, as_of=day, known_at=known_at, version=version, leave_out=False)
        row = found.working.row
        return Response(
            {
                "basis": "computed",
                "method": found.method.version,
                "snapshot_sha256": found.snapshot_sha256,
                "sentence": fp.auditor_sentence(row),
                "record": row.record(),
            }
        )

    @extend_schema(
        parameters=[CELL_PARAMETER, HistoryQuery],
        responses={200: PriceRowSerializer(many=True), **PROBLEMS},
        filters=False,
    )
    @action(detail=False, filterset_class=None)
    def history(self, request: Request) -> Response:
        """A cell's months, the earliest first; with ``revisions=all`` those that a correction replaced too."""
        asked = _asked(HistoryQuery, request)
        states = OUT if asked["revisions"] == "all" else (IssueState.PUBLISHED,)
        rows = (
            PriceIndexRow.objects.filter(cell=asked["cell"].code, issue__state__in=states)
            .select_related("issue")
            .defer("record")
            .order_by("issue__month", "issue__revision")
        )
        if not rows.exists():
            raise NotFound("price.not_published", "该单元没有已公布的价格。", field="cell")
        page = self.paginate_queryset(rows)
        told = [
            {
                **PriceRowSerializer(row).data,
                "revision": row.issue.revision,
                "superseded": row.issue.state == IssueState.SUPERSEDED,
            }
            for row in page or ()
        ]
        return self.get_paginated_response(told)


def _require_not_ahead(day: date) -> None:
    if day > dates.today():
        raise Invalid("price.future", "基准日不得晚于今日。", field="as_of")


def _asked(query: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = query(data=request.query_params)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _instant(moment: datetime | None) -> str | None:
    return moment.astimezone(dates.SHANGHAI).isoformat() if moment else None
