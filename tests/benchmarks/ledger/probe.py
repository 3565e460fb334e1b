"""The site with one more view, which only signs in and asks the database for 1: what a settlement over HTTP is held against."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.urls import path
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from config.urls import urlpatterns as site
from vouchers.api.authentication import TokenAuthentication


@api_view(["POST"])
@authentication_classes([TokenAuthentication])
@permission_classes([IsAuthenticated])
def one(request: Request) -> Response:
    """Read the body as every endpoint does, ask for 1, answer."""
    body: Any = request.data
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        (answer,) = cursor.fetchone() or (0,)
    return Response({"one": answer, "fields": len(body)})


urlpatterns = [path("api/v1/bench-one", one), *site]
