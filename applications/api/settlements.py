"""`/api/v1/settlements`: two calls of a provider's platform, safe to send again."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request

from applications.actions.settlement_invoices import InvoiceCited
from applications.actions.settlements import (
    Reach,
    SettlementRequest,
    answer,
    confirm_settlement_no,
    find_settlement,
    release_settlement,
    reserve_settlement,
    written,
)
from applications.models import Claim
from vouchers.api.admission import Admission
from vouchers.api.deeds import in_one_transaction
from vouchers.api.fields import AmountField
from vouchers.api.permissions import admission_of
from vouchers.api.problem_document import PROBLEMS
from vouchers.errors import Invalid
from vouchers.middleware import OWN_TRANSACTIONS
from vouchers.models.platforms import Scope

ADDRESS = "/api/v1/settlements"
OWN_TRANSACTIONS.add(ADDRESS)
_KEY = re.compile(r"[\x21-\x7e]{8,100}")


class InvoiceInput(serializers.Serializer[Any]):
    """The invoice that bills the usage; ``net_amount`` is the whole invoice's, without tax."""

    invoice_no = serializers.CharField(max_length=40)
    invoice_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    issued_on = serializers.DateField()
    net_amount = AmountField(min_value=Decimal("0.01"))


class SettlementInput(serializers.Serializer[Any]):
    """One use of compute, as billed. Amounts without tax. It rests on a line of the statement, on an invoice, or on both."""

    voucher_no = serializers.CharField(max_length=24)
    lease_no = serializers.CharField(max_length=24)
    reference = serializers.CharField(
        max_length=60, required=False, allow_blank=True, help_text="平台结算单行号；没有结算单的，以发票代替"
    )
    invoice = InvoiceInput(required=False)
    net_amount = AmountField(min_value=Decimal("0.01"))
    tax_amount = AmountField(min_value=0, required=False)
    period_from = serializers.DateField()
    period_to = serializers.DateField(help_text="含当日")
    accelerator = serializers.CharField(max_length=60, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something that it can be told apart by."""
        if not attrs.get("reference", "").strip() and "invoice" not in attrs:
            raise serializers.ValidationError(
                {"reference": serializers.ErrorDetail("请填写结算单行号，或提供发票。", code="required")}
            )
        return attrs


@cache
def _input() -> SettlementInput:
    """One for all calls: its fields are made once, and validating keeps nothing."""
    return SettlementInput()


def asked_for(sent: Any) -> SettlementRequest:
    """What was sent, as the action takes it. Raises the framework's ``ValidationError``."""
    values = dict(_input().run_validation(sent))
    invoice = values.pop("invoice", None)
    return SettlementRequest(**values, invoice=InvoiceCited(**invoice) if invoice else None)


class ConfirmInput(serializers.Serializer[Any]):
    """The invoice that bills the usage, where it was not told at the reservation."""

    invoice = InvoiceInput(required=False)


class SettlementAnswer(serializers.Serializer[Any]):
    """The deduction with its working."""

    settlement_no = serializers.CharField()
    idempotency_key = serializers.CharField()
    state = serializers.CharField()
    voucher_no = serializers.CharField()
    deducted_amount = AmountField()
    confirmed_amount = AmountField(allow_null=True)
    expires_on = serializers.DateField(allow_null=True, help_text="预占保留至该日（含），逾期未确认自动释放")
    needs_review = serializers.BooleanField(help_text="须经人工核验，平台不能自行确认")
    invoice_no = serializers.CharField(allow_null=True)
    outcome = serializers.CharField()
    lines = serializers.ListField(child=serializers.DictField())
    findings = serializers.ListField(child=serializers.DictField())


KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="由平台生成，每笔业务一个，8 至 100 个可见字符，重发不变",
)


def key_of(request: Request) -> str:
    """The key that the platform made for this deed (422 ``settlement.key``)."""
    key: str = request.headers.get("Idempotency-Key", "").strip()
    if _KEY.fullmatch(key) is None:
        raise Invalid(
            "settlement.key",
            "请求须带 Idempotency-Key（8 至 100 个可见的 ASCII 字符）。",
            field="Idempotency-Key",
        )
    return key


def reach_of(admission: Admission) -> Reach:
    """What the credential is bound to."""
    return Reach(admission.programs, admission.region_code)


def _json(body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


class SettlementViewSet(viewsets.GenericViewSet[Claim]):
    """即时抵扣：预占、确认、释放、查询。"""

    serializer_class = SettlementAnswer
    lookup_field = "claim_no"
    lookup_url_kwarg = "settlement_no"
    lookup_value_regex = "[A-Za-z0-9-]+"
    queryset = Claim.objects.none()
    scope = Scope.SETTLE
    scopes = {"retrieve": Scope.READ, "lookup": Scope.READ}

    def _claim(self, request: Request, **wanted: str) -> Claim:
        admission = admission_of(request)
        return find_settlement(provider=admission.credential.provider, reach=reach_of(admission), **wanted)

    @extend_schema(
        request=SettlementInput,
        parameters=[KEY],
        responses={
            201: SettlementAnswer,
            200: OpenApiResponse(
                SettlementAnswer, "同一幂等键的首次结果，逐字节相同；应答头 Idempotent-Replayed: true"
            ),
            **PROBLEMS,
        },
    )
    def create(self, request: Request) -> HttpResponse:
        """Reserve a deduction."""
        admission = admission_of(request)
        key = key_of(request)
        asked = asked_for(request.data)
        made = in_one_transaction(
            request,
            admission,
            lambda: reserve_settlement(
                asked,
                provider=admission.credential.provider,
                key=key,
                by=admission.credential.user,
                reach=reach_of(admission),
            ),
            told=False,
        )
        response = _json(made.body, 201 if made.fresh else 200)
        if not made.fresh:
            response["Idempotent-Replayed"] = "true"
        return response

    @extend_schema(responses={200: SettlementAnswer, **PROBLEMS})
    def retrieve(self, request: Request, settlement_no: str = "") -> HttpResponse:
        """Look one up."""
        return _json(written(answer(self._claim(request, settlement_no=settlement_no))))

    @extend_schema(
        parameters=[OpenApiParameter("key", str, required=True, description="预占时所用的 Idempotency-Key")],
        responses={200: SettlementAnswer, **PROBLEMS},
    )
    @action(detail=False)
    def lookup(self, request: Request) -> HttpResponse:
        """Look one up by the key it was sent under: what has become of it. 404 while there is none."""
        key = request.query_params.get("key", "")
        if _KEY.fullmatch(key) is None:
            raise Invalid("settlement.key", "请以 key 参数给出预占时所用的幂等键。", field="key")
        return _json(written(answer(self._claim(request, key=key))))

    @extend_schema(request=ConfirmInput, responses={200: SettlementAnswer, **PROBLEMS})
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, settlement_no: str = "") -> HttpResponse:
        """The usage is billed: the deduction stands."""
        given = ConfirmInput(data=request.data)
        given.is_valid(raise_exception=True)
        sent = given.validated_data.get("invoice")
        invoice = InvoiceCited(**sent) if sent else None
        admission = admission_of(request)
        by = admission.credential.user
        claim = in_one_transaction(
            request,
            admission,
            lambda: confirm_settlement_no(
                settlement_no,
                provider=admission.credential.provider,
                by=by,
                reach=reach_of(admission),
                invoice=invoice,
            ),
            told=False,
        )
        return _json(written(answer(claim)))

    @extend_schema(request=None, responses={200: SettlementAnswer, **PROBLEMS})
    @action(detail=True, methods=["post"])
    def release(self, request: Request, settlement_no: str = "") -> HttpResponse:
        """The usage was not billed: the reservation is free again."""
        admission = admission_of(request)
        by = admission.credential.user
        claim = in_one_transaction(
            request,
            admission,
            lambda: release_settlement(self._claim(request, settlement_no=settlement_no), by=by),
        )
        return _json(written(answer(claim)))
