"""`/api/v1/prices/observations`: admitted providers hand in their own prices, safe to send again."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from vouchers.access import Role
from vouchers.actions.price_submissions import MOST_ROWS, submit_observations
from vouchers.api.permissions import admission_of
from vouchers.api.problem_document import PROBLEMS
from vouchers.api.problem_types import register_problems
from vouchers.errors import Invalid
from vouchers.models import PriceObservation
from vouchers.models.platforms import Scope
from vouchers.models.prices import PriceUnit

_KEY = re.compile(r"[\x21-\x7e]{8,100}")
_LONGEST = 200

register_problems(
    {
        ("price.key", 422): (
            "请求没有带 Idempotency-Key，或键不合要求。",
            "带上 8 至 100 个可见 ASCII 字符的键。",
        ),
        ("price.key_reused", 422): (
            "该幂等键已用于另一次内容不同的上报。",
            "新的上报用新的键；重发同一次上报须保持内容一致。",
        ),
        ("price.body", 422): (
            "请求体既不是一条价格，也不是 observations 列表。",
            '按接口文档发送一个对象，或 {"observations": [...]}。',
        ),
        ("price.empty", 422): ("没有价格。", "至少上报一条。"),
        ("price.too_many", 422): (f"一次上报超过 {MOST_ROWS} 条。", "拆分，各用一个幂等键。"),
        ("price.not_admitted", 403): (
            "该服务商目前不在任何专项的入库名单中。",
            "请联系主管部门核对入库状态。",
        ),
        ("price.no_tier", 403): ("主管部门尚未登记该服务商的供应方类别。", "请联系主管部门补登。"),
    }
)
register_problems(
    {("price.in_flight", 409): ("同一幂等键正在办理。", "稍后用原幂等键原样重发。")}, retry=True
)

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="由平台生成，每次上报一个，8 至 100 个可见字符，重发不变",
)


class OwnPriceInput(serializers.Serializer[Any]):
    """一条自己的价格。来源与供应方类别以登记为准，不由平台填写；数值可以是数字或字符串。"""

    observed_on = serializers.DateField(help_text="价格出现或合同签订的日期，不得在未来")
    kind = serializers.ChoiceField(choices=("quote", "transaction"), help_text="报价；自行申报、未核验的成交")
    region_code = serializers.CharField(max_length=6, help_text="算力所在地，六位行政区划代码")
    accelerator = serializers.CharField(max_length=40, help_text="加速卡型号，含显存，如 A100-80GB")
    form_factor = serializers.CharField(
        max_length=12, required=False, help_text="形态，如 SXM、PCIE；只有一种形态的可不填"
    )
    term_months = serializers.IntegerField(min_value=0, help_text="租期，整月数；按需为 0")
    unit = serializers.ChoiceField(
        choices=PriceUnit.choices, required=False, help_text="不明时不填，将转人工核对"
    )
    cards = serializers.IntegerField(min_value=1, required=False, help_text="按台计价时每台卡数")
    precision = serializers.CharField(max_length=10, required=False, help_text="按 P·天 计价时的精度（稠密）")
    unit_price = serializers.DecimalField(
        max_digits=18, decimal_places=6, help_text="单价，以 currency 计、每 unit，六位小数"
    )
    currency = serializers.CharField(max_length=3, help_text="币种，三位代码，如 CNY")
    vat_rate = serializers.DecimalField(
        max_digits=9, decimal_places=6, required=False, help_text="增值税税率，小数，如 0.06；含税价必填"
    )
    tax_included = serializers.BooleanField(required=False, help_text="单价是否含增值税，缺省为否")
    bookable_since = serializers.DateField(required=False, help_text="报价：自何日起一直可以按此价订购")
    carried_from = serializers.DateField(required=False, help_text="沿用旧价的，最后一次真实出现的日期")
    reference = serializers.CharField(
        max_length=60, required=False, help_text="依据编号：合同编号、报价单编号等"
    )
    vcpus_per_card = serializers.IntegerField(
        min_value=0, required=False, help_text="随卡提供的虚拟核数（个），可比范围 8 至 24"
    )
    memory_gb_per_card = serializers.IntegerField(
        min_value=0, required=False, help_text="随卡提供的内存（GB），可比范围 64 至 256"
    )


class OwnPricesInput(serializers.Serializer[Any]):
    """多条。"""

    observations = OwnPriceInput(many=True, help_text=f"至多 {MOST_ROWS} 条")


class LineAnswer(serializers.Serializer[Any]):
    """一条的结果。"""

    line = serializers.IntegerField(help_text="在列表中的位置，自 1 起")
    outcome = serializers.ChoiceField(choices=("admitted", "quarantined", "set_aside", "known", "refused"))
    observation_no = serializers.CharField(allow_null=True)
    state = serializers.CharField(allow_null=True)
    normalised_price = serializers.DecimalField(
        max_digits=18, decimal_places=6, allow_null=True, help_text="元/卡时，不含税"
    )
    code = serializers.CharField(allow_blank=True, help_text="原因代码")
    detail = serializers.CharField(allow_blank=True)


LineAnswer._declared_fields["field"] = serializers.CharField(allow_blank=True)


class SubmissionAnswer(serializers.Serializer[Any]):
    """逐条的结果和各结果的条数。"""

    counts = serializers.DictField(child=serializers.IntegerField())
    lines = LineAnswer(many=True)


class OwnObservationSerializer(serializers.ModelSerializer[PriceObservation]):
    """A price as it was read."""

    class Meta:
        model = PriceObservation
        fields = (
            "observation_no", "observed_on", "known_at", "kind", "region_code", "tier", "accelerator", "form_factor",
            "term_months", "unit", "cards", "unit_price", "currency", "normalised_price", "state", "reason", "note",
            "set_aside_at", "set_aside_reason", "revision", "reference",
        )  # fmt: skip


class OwnObservationFilter(django_filters.FilterSet):
    """By state, chip and day."""

    observed_from = django_filters.DateFilter(field_name="observed_on", lookup_expr="gte")
    observed_to = django_filters.DateFilter(field_name="observed_on", lookup_expr="lte")

    class Meta:
        model = PriceObservation
        fields = ("state", "reason", "kind", "accelerator", "observed_from", "observed_to")


def _row(sent: Any, line: int) -> dict[str, str]:
    """One price as text, column by column."""
    if not isinstance(sent, dict):
        raise Invalid("price.body", f"第 {line} 条不是一个 JSON 对象。", field=f"observations.{line - 1}")
    return {str(name): _text(value) for name, value in sent.items() if value is not None and value != ""}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)[:_LONGEST]
    if isinstance(value, Decimal):  # as it was written, to the last digit
        return f"{value:f}"[:_LONGEST] if abs(value.adjusted()) < _LONGEST else str(value)[:_LONGEST]
    text = str(value).replace("\x00", "")
    return text if len(text) <= _LONGEST else text[:_LONGEST]


class ExactJSONParser(JSONParser):
    """JSON whose figures come as they are written: eighteen digits do not fit into a float."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """As its base, with ``Decimal`` for what has a fraction. Raises ``ParseError``."""
        encoding = (parser_context or {}).get("encoding", "utf-8")
        try:
            text = stream.read().decode(encoding)
            return json.loads(text, parse_float=Decimal, parse_constant=_no_figure)
        except (ValueError, LookupError, RecursionError) as problem:
            raise ParseError(f"JSON parse error - {problem}") from problem


def _no_figure(word: str) -> Any:
    raise ValueError(f"{word} 不是 JSON 数值")


class PriceObservationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PriceObservation]
):
    """价格上报：入库服务商上报自己的报价和成交价，查询处理结果。"""

    parser_classes = (ExactJSONParser,)
    serializer_class = OwnObservationSerializer
    filterset_class = OwnObservationFilter
    lookup_field = "observation_no"
    lookup_value_regex = "[A-Za-z0-9-]+"
    queryset = PriceObservation.objects.none()
    scopes = {"create": Scope.PRICE}

    def get_queryset(self) -> QuerySet[PriceObservation]:
        rows: QuerySet[PriceObservation] = PriceObservation.objects.visible_to(
            self.request.user, Role.PLATFORM, Role.FILER, Role.ENTERPRISE_APPROVER
        )
        return rows.order_by("-observed_on", "-pk")

    @extend_schema(
        parameters=[KEY],
        request=PolymorphicProxySerializer(
            component_name="PriceSubmission",
            serializers=[OwnPriceInput, OwnPricesInput],
            resource_type_field_name=None,
        ),
        responses={
            201: SubmissionAnswer,
            200: OpenApiResponse(
                SubmissionAnswer, "同一幂等键的首次结果，逐字节相同；应答头 Idempotent-Replayed: true"
            ),
            **PROBLEMS,
        },
        examples=[
            OpenApiExample(
                "一条报价",
                request_only=True,
                value={
                    "observed_on": "2025-07-10",
                    "kind": "quote",
                    "region_code": "110000",
                    "accelerator": "H800",
                    "form_factor": "SXM",
                    "term_months": 3,
                    "unit": "card_hour",
                    "unit_price": "18.50",
                    "currency": "CNY",
                    "bookable_since": "2025-03-01",
                },
            )
        ],
    )
    def create(self, request: Request) -> HttpResponse:
        """Hand in one price, or up to 500 as ``observations``. Each is answered for itself; a refused one keeps no other from
        being taken."""
        admission = admission_of(request)
        key = request.headers.get("Idempotency-Key", "").strip()
        if _KEY.fullmatch(key) is None:
            raise Invalid(
                "price.key",
                "请求须带 Idempotency-Key（8 至 100 个可见的 ASCII 字符）。",
                field="Idempotency-Key",
            )
        sent = request.data
        single = isinstance(sent, dict) and "observations" not in sent
        rows = [sent] if single else sent.get("observations") if isinstance(sent, dict) else None
        if not isinstance(rows, list) or (not single and set(sent) - {"observations"}):
            raise Invalid(
                "price.body", "请发送一条价格，或只含 observations 列表的对象。", field="observations"
            )
        made = submit_observations(
            [_row(one, line) for line, one in enumerate(rows, start=1)],
            provider=admission.credential.provider,
            key=key,
            single=single,
            by=admission.credential.user,
        )
        answer = HttpResponse(made.body, status=201 if made.fresh else 200, content_type="application/json")
        if not made.fresh:
            answer["Idempotent-Replayed"] = "true"
        return answer
