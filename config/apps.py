"""The place where the apps meet, as an app of its own only so that its commands are found (demo, load_demo)."""

from __future__ import annotations

from django.apps import AppConfig


class MeetingPlaceConfig(AppConfig):
    name = "config"
    verbose_name = "配置"
