"""Reading the environment: each helper returns a value of its type or fails loudly, naming the variable and the cure."""

from __future__ import annotations

import os
from datetime import date
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """The variable's text; without a default it must be set and not empty."""
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"环境变量 {name} 未设置。请设置后重试，或通过 bin/manage、bin/run 运行。")
    return value


def given(name: str) -> bool:
    """Whether the variable is set and not empty."""
    return bool(os.environ.get(name))


def flag(name: str) -> bool:
    """Whether the variable says yes; anything but 1/0, true/false, yes/no is an error."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"1", "true", "yes"}:
        return True
    if value in {"", "0", "false", "no"}:
        return False
    raise ImproperlyConfigured(f"环境变量 {name} 应为 1 或 0，实际为「{value}」。")


def whole(name: str, default: int) -> int:
    """The variable as a whole number."""
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"环境变量 {name} 应为整数，实际为「{value}」。") from None


def day(name: str) -> date | None:
    """The variable as a date, YYYY-MM-DD, or None when it is not set."""
    value = os.environ.get(name, "").strip()
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise ImproperlyConfigured(
            f"环境变量 {name} 应为 YYYY-MM-DD 形式的日期，实际为「{value}」。"
        ) from None


def words(name: str, default: str | None = None) -> list[str]:
    """The variable as a list, separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """The variable as one of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"环境变量 {name} 只能取 {'、'.join(allowed)}，实际为「{value}」。")
    return value


def database(name: str, **options: object) -> dict[str, object]:
    """A PostgreSQL address, ``postgresql://login:password@host:port/database``, as an entry of DATABASES."""
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"环境变量 {name} 应为 postgresql://… 形式的数据库地址；本系统只支持 PostgreSQL。"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        **options,
    }
