"""消息: what an enterprise is told, in its own words, with where to go next."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.models import Party


class MessageQuerySet(ScopedQuerySet):
    party_paths = ("party",)


class Message(models.Model):
    """One message to one party about one case."""

    party = models.ForeignKey(Party, models.PROTECT, related_name="messages")
    subject_kind = models.CharField(max_length=12)
    subject_no = models.CharField(max_length=30)
    title = models.CharField(_("标题"), max_length=120)
    text = models.TextField(_("内容"))
    sent_at = models.DateTimeField(_("时间"))
    read_at = models.DateTimeField(_("已读时间"), null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("消息")
        verbose_name_plural = _("消息")
        ordering = ("-pk",)
        indexes = (models.Index(fields=("party", "-id"), name="message_by_party"),)

    def __str__(self) -> str:
        return self.title
