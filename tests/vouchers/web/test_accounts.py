"""Signing in, the own password, and the pages of refusals and faults."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db


def test_who_is_not_signed_in_sees_the_sign_in_page_in_chinese(client):
    page = client.get(reverse("accounts:login"))
    assert page.status_code == 200
    assert 'lang="zh-hans"' in page.text
    assert "登录" in page.text


def test_a_wrong_password_is_refused_without_telling_whether_the_name_exists(client, cast):
    sentences = set()
    for name in ("filer", "nobody"):
        page = client.post(reverse("accounts:login"), {"username": name, "password": "wrong"})
        assert page.status_code == 200
        sentences.add(str(page.context["form"].non_field_errors()))
        assert f'value="{name}"' in page.text
    assert len(sentences) == 1


def test_the_password_is_never_given_back(client, cast):
    page = client.post(reverse("accounts:login"), {"username": "filer", "password": "not-the-password"})
    assert "not-the-password" not in page.text


def test_after_signing_in_a_person_is_led_home_and_never_to_a_foreign_site(client, cast):
    answer = client.post(
        reverse("accounts:login"),
        {"username": "filer", "password": PASSWORD, "next": "https://elsewhere.example/"},
    )
    assert answer.status_code == 302
    assert answer["Location"] == reverse("home")


def test_signing_out_needs_a_form_and_not_a_link(client, cast):
    client.force_login(cast.filer)
    assert client.get(reverse("accounts:logout")).status_code == 405
    assert "已退出" in client.post(reverse("accounts:logout")).text


def test_the_own_password_asks_for_the_present_one(client, cast):
    client.force_login(cast.filer)
    new = {"new_password1": "another-long-phrase", "new_password2": "another-long-phrase"}
    refused = client.post(reverse("accounts:password_change"), {"old_password": "wrong", **new})
    assert refused.status_code == 200
    changed = client.post(reverse("accounts:password_change"), {"old_password": PASSWORD, **new})
    assert changed["Location"] == reverse("accounts:password_change_done")


def test_a_page_that_is_not_there_says_so_in_chinese_and_shows_the_way_back(client):
    page = client.get("/no-such-page/")
    assert page.status_code == 404
    assert "没有找到" in page.text
    assert reverse("home") in page.text


def test_after_five_wrong_passwords_the_page_says_for_how_long_and_whom_to_ask(client, cast, settings):
    settings.AXES_ENABLED = True
    for _attempt in range(5):
        page = client.post(reverse("accounts:login"), {"username": "filer", "password": "wrong"})
    assert page.status_code == 429
    assert "15 分钟" in page.text
    right = client.post(reverse("accounts:login"), {"username": "filer", "password": PASSWORD})
    assert right.status_code == 429
