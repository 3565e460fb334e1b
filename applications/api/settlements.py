"""`/api/v1/settlements`: two calls of a provider's platform, safe to send again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions.settlements import (
    SettlementRequest,
    answer,
    confirm_settlement,
    release_settlement,
    require_program,
    reserve_settlement,
)
from applications.models import Claim
from applications.models.claims import ClaimKind
from vouchers.api.fields import AmountField
from vouchers.errors import Forbidden, Invalid, NotFound
from vouchers.models import ApiCredential, Party


class SettlementInput(serializers.Serializer[Any]):
    """One use of compute, as billed. Amounts without tax."""

    voucher_no = serializers.CharField(max_length=24)
    lease_no = serializers.CharField(max_length=24)
    reference = serializers.CharField(max_length=60, help_text="平台结算单行号")
    net_amount = AmountField(min_value=0)
    tax_amount = AmountField(min_value=0, required=False)
    period_from = serializers.DateField()
    period_to = serializers.DateField(help_text="含当日")
    accelerator = serializers.CharField(max_length=60, required=False, allow_blank=True)


class SettlementAnswer(serializers.Serializer[Any]):
    """The deduction with its working."""

    settlement_no = serializers.CharField()
    state = serializers.CharField()
    voucher_no = serializers.CharField()
    deducted_amount = AmountField()
    outcome = serializers.CharField()
    lines = serializers.ListField(child=serializers.DictField())
    findings = serializers.ListField(child=serializers.DictField())


KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="由平台生成，每笔业务一个，重发不变",
)


class SettlementViewSet(viewsets.GenericViewSet[Claim]):
    """即时抵扣：预占、确认、释放、查询。"""

    serializer_class = SettlementAnswer
    lookup_field = "claim_no"
    lookup_url_kwarg = "settlement_no"
    lookup_value_regex = "[A-Za-z0-9-]+"
    queryset = Claim.objects.none()

    def _provider(self, request: Request) -> Party:
        credential = request.auth
        if not isinstance(credential, ApiCredential):
            raise Forbidden(
                "settlement.credential", "即时抵扣须使用服务商平台凭据。", hint="请联系主管部门签发平台凭据。"
            )
        return credential.provider

    def _programs(self, request: Request) -> set[str]:
        """The codes of the programs that the credential is bound to; empty when it is bound to none."""
        credential = request.auth
        assert isinstance(credential, ApiCredential)
        return set(credential.programs.values_list("code", flat=True))

    def _claim(self, request: Request, settlement_no: str) -> Claim:
        claim = (
            Claim.objects.filter(
                provider=self._provider(request), kind=ClaimKind.SETTLEMENT, claim_no=settlement_no
            )
            .select_related(
                "voucher__program__region",
                "voucher__publication",
                "publication",
                "provider",
                "payee",
                "lease",
            )
            .first()
        )
        if claim is None:
            raise NotFound("settlement.unknown", "未找到该笔抵扣。")
        require_program(claim.program_code, self._programs(request))
        return claim

    @extend_schema(
        request=SettlementInput,
        parameters=[KEY],
        responses={201: SettlementAnswer, 200: OpenApiResponse(SettlementAnswer, "同一幂等键的首次结果")},
    )
    def create(self, request: Request) -> Response:
        """Reserve a deduction."""
        key = request.headers.get("Idempotency-Key", "").strip()
        if not 8 <= len(key) <= 100:
            raise Invalid(
                "settlement.key", "请求须带 Idempotency-Key（8 至 100 个字符）。", field="Idempotency-Key"
            )
        provider = self._provider(request)
        given = SettlementInput(data=request.data)
        given.is_valid(raise_exception=True)
        claim, fresh = reserve_settlement(
            SettlementRequest(**given.validated_data),
            provider=provider,
            key=key,
            by=request.user,  # type: ignore[arg-type]
            programs=self._programs(request),
        )
        return Response(answer(claim), status=201 if fresh else 200)

    @extend_schema(responses=SettlementAnswer)
    def retrieve(self, request: Request, settlement_no: str = "") -> Response:
        """Look one up."""
        return Response(answer(self._claim(request, settlement_no)))

    @extend_schema(request=None, responses=SettlementAnswer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, settlement_no: str = "") -> Response:
        """The usage is billed: the deduction stands."""
        return Response(answer(confirm_settlement(self._claim(request, settlement_no), by=request.user)))  # type: ignore[arg-type]

    @extend_schema(request=None, responses=SettlementAnswer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, settlement_no: str = "") -> Response:
        """The usage was not billed: the reservation is free again."""
        return Response(answer(release_settlement(self._claim(request, settlement_no), by=request.user)))  # type: ignore[arg-type]
