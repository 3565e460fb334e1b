"""The problem document as the OpenAPI document has it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class FieldProblem(serializers.Serializer[Any]):
    """One fault of one field."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457 (application/problem+json). ``retry`` says whether the very same request may be sent again."""

    type = serializers.CharField(help_text="说明该代码的页面地址 /api/problems/〈code〉")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="稳定不变的代码，程序以此判断")
    detail = serializers.CharField(help_text="给人看的说明，措辞可能调整")
    retry = serializers.BooleanField(help_text="为真时按 retry_after 等待后原样重发")
    retry_after = serializers.IntegerField(required=False, help_text="秒，与应答头 Retry-After 相同")
    hint = serializers.CharField(required=False)
    operands = serializers.DictField(required=False)
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]


# The member is called ``field``, which a serializer class keeps for itself.
Problem._declared_fields["field"] = serializers.CharField(required=False, help_text="所涉字段")

_SAID = {
    401: "未认证",
    403: "无权办理",
    404: "未找到",
    409: "当前不能办理；retry 为真的（同一请求正在办理）稍后原样重发",
    422: "内容无效，不更正不能重发",
    429: "调用过于频繁，按 Retry-After 等待",
    503: "服务暂不可用，按 Retry-After 等待后以同一幂等键重发",
}
PROBLEMS: dict[Any, Any] = {
    (status, "application/problem+json"): OpenApiResponse(Problem, said) for status, said in _SAID.items()
}
