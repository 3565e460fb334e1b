"""The site with one more view, which only signs in and asks the database for 1: what a settlement over HTTP is held against.

It goes through all that a settlement goes through before its own work begins: the middleware, the look-up of the token with its
limit of calls, the framework's authentication and permissions with the same scope, the body read, an answer in JSON.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import urlpatterns as site
from vouchers.models.platforms import Scope


class One(APIView):
    """Authentication, permissions, parsers and renderers are the interface's own, as for every endpoint."""

    scope = Scope.SETTLE

    def post(self, request: Request) -> Response:
        """Read the body, ask for 1, answer."""
        body: Any = request.data
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            (answer,) = cursor.fetchone() or (0,)
        return Response({"one": answer, "fields": len(body)})


urlpatterns = [path("api/v1/bench-one", One.as_view()), *site]
