"""What the OpenAPI document says of our own parts. Loaded with the addresses, never by the classes it describes: the
framework reads those from the settings while it is itself still loading."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class TokenScheme(OpenApiAuthenticationExtension):
    """How the platform's token stands in the document."""

    target_class = "vouchers.api.authentication.TokenAuthentication"
    name = "platformToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "服务商平台令牌，签发时只显示一次。"}
