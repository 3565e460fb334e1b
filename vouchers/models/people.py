"""Regions, people, and the roles that they hold."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role, ScopedQuerySet
from vouchers.models.recorded import entry_number


class Region(models.Model):
    """行政区划, by its six-digit code (GB/T 2260)."""

    code = models.CharField(
        _("行政区划代码"), max_length=6, unique=True, validators=[RegexValidator(r"\A[0-9]{6}\Z")]
    )
    name = models.CharField(_("名称"), max_length=60)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")

    class Meta:
        verbose_name = _("行政区划")
        verbose_name_plural = _("行政区划")
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(code__regex=r"\A[0-9]{6}\Z"), name="region_code_in_form"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}（{self.code}）"


class UserManager(BaseUserManager["User"]):
    """Makes accounts; none of them has a business right until a role is granted."""

    use_in_migrations = True

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """An account that can sign in."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """A technical administrator; ``is_superuser`` gives no business right."""
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. What the person may do is in the role grants alone."""

    username = models.CharField(
        _("账号"),
        max_length=60,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("该账号已存在。")},
    )
    display_name = models.CharField(_("姓名"), max_length=60)
    phone = models.CharField(_("手机"), max_length=20, blank=True)
    email = models.EmailField(_("电子邮箱"), blank=True)
    is_staff = models.BooleanField(_("可进入后台"), default=False)
    is_active = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("建立时间"), auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        verbose_name = _("用户")
        verbose_name_plural = _("用户")

    def __str__(self) -> str:
        return self.display_name or self.username

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


class RoleGrantQuerySet(ScopedQuerySet):
    region_path = "region__code"
    party_paths = ("party",)

    def in_force(self) -> RoleGrantQuerySet:
        """The grants that hold today."""
        today = dates.today()
        return self.filter(effective_from__lte=today).filter(Q(effective_to=None) | Q(effective_to__gt=today))

    def not_over(self) -> RoleGrantQuerySet:
        """The grants that hold today or will."""
        return self.filter(Q(effective_to=None) | Q(effective_to__gt=dates.today())).exclude(
            effective_to=models.F("effective_from")
        )


class RoleGrant(models.Model):
    """A role held over a time, for a region (staff) or for a party (its people)."""

    entry_no = entry_number("RG")
    user = models.ForeignKey(User, models.PROTECT, related_name="grants", verbose_name=_("用户"))
    role = models.CharField(_("角色"), max_length=30, choices=Role)
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, verbose_name=_("地区"))
    party = models.ForeignKey("vouchers.Party", models.PROTECT, null=True, blank=True, verbose_name=_("单位"))
    organisation = models.CharField(_("部门"), max_length=100, blank=True)
    effective_from = models.DateField(_("生效日"))
    effective_to = models.DateField(
        _("失效日"), null=True, blank=True, help_text=_("当日起不再有效；留空表示长期。")
    )
    granted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("授权人")
    )

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("角色授权")
        verbose_name_plural = _("角色授权")
        constraints = (
            models.CheckConstraint(
                name="role_grant_one_place",
                condition=Q(region__isnull=False, party=None) | Q(region=None, party__isnull=False),
                violation_error_message=_("授权须指定一个地区或一个单位，二者择一。"),
            ),
            models.CheckConstraint(
                name="role_grant_dates",
                # an empty period is a grant taken back on the day that it was to begin
                condition=Q(effective_to=None) | Q(effective_to__gte=models.F("effective_from")),
                violation_error_message=_("失效日不能早于生效日。"),
            ),
        )

    def __str__(self) -> str:
        place = self.region or self.party
        return f"{self.user} · {self.get_role_display()} · {place}"
