"""Verify a voucher by its number and code: what the paper says against what the ledger says."""

from __future__ import annotations

import secrets

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from vouchers.actions.vouchers import balance_of
from vouchers.models import Voucher
from vouchers.web.public.limits import count_question


class VerifyForm(forms.Form):
    """What stands on the certificate."""

    voucher_no = forms.CharField(
        label=_("券号"), max_length=24, help_text=_("例如 V-2025-000001。"),
        error_messages={"required": _("请填写券号。")},
    )  # fmt: skip
    code = forms.CharField(
        label=_("查验码"), max_length=16, help_text=_("凭证二维码旁的 10 位字母和数字。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("请填写查验码。")},
    )  # fmt: skip


@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """The form, and the answer for a number with its right code; the same answer for a wrong number and a wrong code."""
    form = VerifyForm(request.GET or None)
    voucher = None
    asked = form.is_bound and form.is_valid()
    if asked:
        count_question(request, "verify", most=20, seconds=60)
        number = form.cleaned_data["voucher_no"].strip().upper()
        code = form.cleaned_data["code"].strip().upper().replace(" ", "")
        found = (
            Voucher.objects.filter(voucher_no=number, origin="live", is_entitlement=False)
            .exclude(verification_code="")
            .select_related("program", "enterprise", "publication")
            .first()
        )
        stored = found.verification_code if found else "-"
        if secrets.compare_digest(stored.encode(), code.encode()):
            voucher = found
    context = {
        "form": form,
        "asked": asked,
        "voucher": voucher,
        "balance": balance_of(voucher) if voucher else None,
    }
    status = 200 if voucher or not form.is_bound else (404 if asked else 422)
    return render(request, "public/verify.html", context, status=status)


urlpatterns = [path("verify/", verify, name="verify")]
