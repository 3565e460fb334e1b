"""Providers' platforms: scopes, rotation and limits of credentials, the feed of events, webhooks, limits of calls."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load


def scopes_of_before() -> list[str]:
    """What a key of before could be used for. Scopes that came later are given by a person, never by an upgrade."""
    return ["settle", "read", "events"]


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0008_entry_numbers"),
    ]

    operations = [
        migrations.AddField(
            model_name="apicredential",
            name="calls_a_minute",
            field=models.PositiveIntegerField(
                db_default=6000,
                default=6000,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(10000000),
                ],
                verbose_name="每分钟调用上限",
            ),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="最近使用"),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="previous_token_digest",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=64,
                verbose_name="原令牌摘要",
            ),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="previous_token_prefix",
            field=models.CharField(
                blank=True, editable=False, max_length=8, null=True, unique=True, verbose_name="原令牌前缀"
            ),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="previous_until",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="原令牌有效至"),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="region",
            field=models.ForeignKey(
                blank=True,
                help_text="只能办理该地区及其下级地区的专项。",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.region",
                verbose_name="适用地区",
            ),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="rotated_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="轮换时间"),
        ),
        migrations.AddField(
            model_name="apicredential",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[("settle", "办理即时抵扣"), ("read", "查询与对账"), ("events", "接收状态变动")],
                    max_length=20,
                ),
                default=scopes_of_before,
                size=None,
                verbose_name="权限",
            ),
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("webhook_no", models.CharField(max_length=24, unique=True, verbose_name="编号")),
                ("url", models.URLField(max_length=300, verbose_name="地址")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "待复核"),
                            ("active", "推送中"),
                            ("disabled", "已停用"),
                            ("ended", "已终止"),
                        ],
                        default="proposed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("secret_sealed", models.TextField(editable=False, verbose_name="签名密钥（密文）")),
                (
                    "previous_secret_sealed",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        verbose_name="原签名密钥（密文）",
                    ),
                ),
                (
                    "previous_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="原密钥有效至"),
                ),
                (
                    "delivered",
                    models.PositiveBigIntegerField(
                        db_default=0, default=0, editable=False, verbose_name="已送达序号"
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(
                        db_default=0, default=0, editable=False, verbose_name="连续失败次数"
                    ),
                ),
                (
                    "next_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="下次推送时间",
                    ),
                ),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        max_length=300,
                        verbose_name="停用原因",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="建立时间")),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提出人",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.party",
                        verbose_name="服务商",
                    ),
                ),
                (
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.region",
                        verbose_name="适用地区",
                    ),
                ),
            ],
            options={
                "verbose_name": "推送地址",
                "verbose_name_plural": "推送地址",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first", models.PositiveBigIntegerField(verbose_name="自序号")),
                ("last", models.PositiveBigIntegerField(verbose_name="至序号")),
                ("attempt", models.PositiveIntegerField(verbose_name="第几次")),
                (
                    "sent_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="推送时间",
                    ),
                ),
                ("milliseconds", models.PositiveIntegerField(verbose_name="用时（毫秒）")),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="应答状态")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="失败原因")),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="vouchers.webhook",
                        verbose_name="推送地址",
                    ),
                ),
            ],
            options={
                "verbose_name": "推送记录",
                "verbose_name_plural": "推送记录",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="PlatformEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="序号")),
                ("kind", models.CharField(max_length=40, verbose_name="事项")),
                ("subject_no", models.CharField(max_length=24, verbose_name="编号")),
                ("program_code", models.CharField(max_length=30, verbose_name="专项代码")),
                ("program_region_code", models.CharField(max_length=6, verbose_name="地区代码")),
                ("content", models.JSONField(default=dict, verbose_name="内容")),
                (
                    "happened_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="发生时间",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.party",
                        verbose_name="服务商",
                    ),
                ),
            ],
            options={
                "verbose_name": "状态变动",
                "verbose_name_plural": "状态变动",
                "indexes": [
                    models.Index(
                        condition=models.Q(("position", None)),
                        fields=["provider", "id"],
                        name="platform_event_unnumbered",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "position"), name="platform_event_position")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "ended"), _negated=True),
                fields=("provider", "url"),
                name="webhook_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("proposed", "ended")), ("approved_by__isnull", False), _connector="OR"
                ),
                name="webhook_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by", None),
                    models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                    _connector="OR",
                ),
                name="webhook_two_persons",
            ),
        ),
        migrations.RunSQL(load("platforms.sql"), migrations.RunSQL.noop),
    ]
