"""Providers' platforms sign in with a token, ``Authorization: Bearer …``; only its digest is kept."""

from __future__ import annotations

import hmac
from dataclasses import replace

from django.contrib.auth.models import AbstractBaseUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from vouchers import dates
from vouchers.context import Actor, identify
from vouchers.models import ApiCredential


class TokenAuthentication(BaseAuthentication):
    """A valid token gives the platform's account as the user and the credential as ``request.auth``."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiCredential] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() != self.keyword.lower():
            return None
        token = words[1]
        credential = (
            ApiCredential.objects.select_related("user", "provider")
            .filter(token_prefix=token.partition(".")[0], revoked_at=None)
            .first()
        )
        if credential is None or not hmac.compare_digest(
            credential.token_digest, ApiCredential.digest(token)
        ):
            raise AuthenticationFailed("令牌无效。")
        if credential.expires_on is not None and credential.expires_on <= dates.today():
            raise AuthenticationFailed("令牌已到期。")
        if not credential.user.is_active:
            raise AuthenticationFailed("账号已停用。")
        identify(replace(Actor.of(credential.user), kind="platform", organisation=credential.provider.name))
        return credential.user, credential

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
