"""The kinds of problems that the interface answers with, each at an address of its own where it is explained.

A code never changes its meaning. The table says of each with which status it comes, whether the very same request may be sent
again (then it succeeds, or says at last why not), and what to do. Each app adds its own with ``register_problems``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TITLES = {
    400: "请求有误",
    401: "未认证",
    403: "无权办理",
    404: "未找到",
    405: "方法不允许",
    406: "不支持的应答格式",
    409: "当前不能办理",
    413: "内容过大",
    415: "不支持的媒体类型",
    422: "内容无效",
    429: "请求过于频繁",
    500: "服务内部错误",
    503: "服务暂不可用",
}
ADDRESS = "/api/problems/"


@dataclass(frozen=True)
class ProblemType:
    """One kind of problem. ``meaning`` says when it arises, ``cure`` what the platform does."""

    code: str
    status: int
    meaning: str
    cure: str
    retry: bool = False

    @property
    def title(self) -> str:
        """The status in words."""
        return TITLES.get(self.status, "错误")


KNOWN: dict[str, ProblemType] = {}


def register_problems(rows: Mapping[tuple[str, int], tuple[str, str]], *, retry: bool = False) -> None:
    """Add kinds: (code, status) → (meaning, cure)."""
    for (code, status), (meaning, cure) in rows.items():
        KNOWN[code] = ProblemType(code, status, meaning, cure, retry)


def type_of(code: str) -> str:
    """The address that identifies the kind, relative to the site (RFC 9457, 3.1.1)."""
    return f"{ADDRESS}{code}"


register_problems(
    {
        ("request.throttled", 429): (
            "该凭据（或未带凭据的地址）一分钟内的调用次数已达上限。",
            "按 Retry-After 的秒数等待后，原样重发。",
        ),
        ("request.in_flight", 409): ("相同内容的请求正在处理。", "稍后原样重发。"),
        ("server.unavailable", 503): (
            "数据库或服务正在重启、切换或过于繁忙。本次请求没有办理，或结果未知。",
            "按 Retry-After 等待后，用同一幂等键原样重发：已办理的返回首次结果，未办理的此时办理。",
        ),
        ("screening.unavailable", 503): ("风险筛查暂不可用，为稳妥起见不予办理。", "稍后原样重发。"),
        ("ledger.raced", 503): ("额度刚刚发生变化。", "稍后原样重发。"),
    },
    retry=True,
)
register_problems(
    {
        ("request.not_authenticated", 401): (
            "请求没有带凭据。",
            "以 Authorization: Bearer 〈令牌〉 带上平台令牌。",
        ),
        ("request.authentication_failed", 401): (
            "令牌不存在、已轮换、已到期、已吊销，或账号已停用。",
            "核对令牌；仍不可用的，请主管部门轮换或重新签发。",
        ),
        ("request.permission_denied", 403): ("该账号无权使用此接口。", "请联系主管部门。"),
        ("request.forbidden", 403): ("该账号无权办理。", "请联系主管部门。"),
        ("request.not_found", 404): ("没有这个地址或这项内容，或无权查看。", "核对地址与编号。"),
        ("request.method_not_allowed", 405): ("该地址不支持这种方法。", "参照接口文档更正方法。"),
        ("request.not_acceptable", 406): ("不支持所要求的应答格式。", "以 JSON 接收。"),
        ("request.unsupported_media_type", 415): ("不支持所发送的内容类型。", "按接口文档发送 JSON 或文件。"),
        ("request.parse_error", 400): ("请求体不是合法的 JSON。", "更正后以同一幂等键重发。"),
        ("request.nul", 400): ("地址或参数中含有空字符。", "去除后重发。"),
        ("request.too_large", 413): ("请求体超过允许的大小。", "拆分后重发。"),
        ("server.error", 500): (
            "服务内部错误，已记录。本次请求没有办理。",
            "可用同一幂等键重发；反复出现的，请将应答头 X-Request-ID 告知主管部门。",
        ),
        ("input.invalid", 422): (
            "一个或多个字段不合要求，逐项列在 errors 中：field 为字段，code 为原因。",
            "更正各字段后重发；原幂等键尚未使用，可以继续使用。",
        ),
        ("credential.scope", 403): ("凭据没有办理此事的权限。", "请主管部门安全管理员调整凭据权限。"),
        ("access.role", 403): (
            "平台账号没有该服务商的“服务商平台”角色，或角色已到期。",
            "请主管部门授予角色。",
        ),
    }
)
