"""Providers' platforms sign in with a token, ``Authorization: Bearer …``; only its digest is kept."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from vouchers.api.admission import Admission, token_of
from vouchers.models import ApiCredential


class TokenAuthentication(BaseAuthentication):
    """A valid token gives the platform's account as the user and the credential as ``request.auth``.

    It was looked up when the request came in (``vouchers.api.admission``): here only its answer is given.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiCredential] | None:
        if not token_of(request._request):
            return None
        admission: Admission | None = getattr(request._request, "admission", None)
        if admission is None:
            raise AuthenticationFailed("令牌无效、已到期或已吊销。")
        return admission.credential.user, admission.credential

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
