"""The public surface and the entries of this app in its menu."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from vouchers.web.navigation import Entry, Surface, register_entries, register_surface


def register_public() -> None:
    """Called once by the app when it is ready."""
    register_surface(Surface("public", str(_("公共服务")), "public:home", order=90))
    register_entries(
        "public",
        Entry(str(_("政策目录")), "public:home", order=10, exact=True),
        Entry(str(_("预检")), "public:precheck", order=20),
        Entry(str(_("公允价格")), "public:prices", order=40),
        Entry(str(_("查验算力券")), "public:verify", order=50),
        Entry(str(_("失信名单")), "public:debarred", order=60),
    )
