"""Signing in and out, and one's own password."""

from __future__ import annotations

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.urls import path, reverse_lazy
from django.utils.translation import gettext_lazy as _


class SignInForm(AuthenticationForm):
    """User name and password; one refusal for both, so that nobody learns which names exist."""

    error_messages = {
        "invalid_login": _("用户名或密码不正确，请核对后重试。密码区分大小写。"),
        "inactive": _("该账号已停用。如需恢复，请联系本机关安全管理员。"),
    }


class SignIn(views.LoginView):
    """The sign-in page; who is signed in already goes on to the own surface."""

    form_class = SignInForm
    redirect_authenticated_user = True
    next_page = "home"


class ChangePassword(views.PasswordChangeView):
    """One's own password, the present one asked for."""

    form_class = PasswordChangeForm
    success_url = reverse_lazy("accounts:password_change_done")


urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-out/", views.LogoutView.as_view(template_name="registration/logged_out.html"), name="logout"),
    path("password/", ChangePassword.as_view(), name="password_change"),
    path("password/done/", views.PasswordChangeDoneView.as_view(), name="password_change_done"),
]
