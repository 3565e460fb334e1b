"""The ledger's tables: accounts, transfers and attempts (科目、转账、发送记录).

Nothing here is ever written through the ORM. The functions of ``vouchers/sql/ledger.sql`` write, as the owner of
the tables; the application's role may only read, and triggers refuse UPDATE, DELETE and TRUNCATE of transfers and
attempts to everybody, the owner included. ``vouchers.actions.ledger`` has the verbs and the account map.

Amounts are yuan to the fen, ``numeric(18,2)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Least, Now
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _

from vouchers.access import ScopedQuerySet
from vouchers.money import ZERO


class Ledger(models.TextChoices):
    """Two sets of books: yuan that move, and entitlements that are used up. Only the first has a trial balance."""

    MONEY = "money", _("资金账")
    ENTITLEMENT = "entitlement", _("额度账")


class AccountKind(models.TextChoices):
    """What an account stands for. ``ledger_account_kinds()`` in the SQL gives each its ledger and limits."""

    TREASURY = "treasury", _("财政拨入")
    SURPLUS = "surplus", _("年终结余")
    BUDGET = "budget", _("预算指标")
    VOUCHER = "voucher", _("算力券")
    PAYABLE = "payable", _("应付补贴")
    INSTRUCTED = "instructed", _("拨付在途")
    PAID = "paid", _("已拨付")
    LEVIED = "levied", _("追缴加收")
    RECEIVABLE = "receivable", _("应追回款")
    RECOVERED = "recovered", _("已追回")
    WRITTEN_OFF = "written_off", _("已核销坏账")
    RECEIVED = "received", _("多收款项")
    REFUNDABLE = "refundable", _("应退还款")
    CAP_SOURCE = "cap_source", _("额度来源")
    CAP = "cap", _("限额")
    CAP_USED = "cap_used", _("已用额度")


class TransferKind(models.TextChoices):
    """``single`` moves at once; ``pending`` reserves; the other three resolve a pending one, exactly once."""

    SINGLE = "single", _("直接转账")
    PENDING = "pending", _("预占")
    POST = "post", _("确认")
    VOID = "void", _("撤销")
    EXPIRE = "expire", _("到期释放")


class TransferCode(models.TextChoices):
    """Why an amount moved. Each code may only join the kinds of account that ``ledger_routes()`` lists."""

    APPROPRIATE = "appropriate", _("下达预算")
    WITHDRAW = "withdraw", _("收回预算")
    CARRY_OVER = "carry_over", _("结转下年")
    ISSUE = "issue", _("发放")
    RESERVE = "reserve", _("预占")
    CONFIRM = "confirm", _("核销")
    RELEASE = "release", _("释放")
    TIME_OUT = "time_out", _("预占逾期释放")
    CLOSE = "close", _("关闭结转")
    LAPSE = "lapse", _("关闭后释放结转")
    INSTRUCT = "instruct", _("拨付指令")
    PAY = "pay", _("拨付到账")
    RETURN = "return", _("退票")
    CLAW_BACK = "claw_back", _("追回")
    LEVY = "levy", _("加收费用与罚款")
    RECOVER = "recover", _("收回")
    OFFSET = "offset", _("抵扣")
    WRITE_OFF = "write_off", _("核销坏账")
    WAIVE = "waive", _("撤销追回")
    OVERPAY = "overpay", _("多收")
    GIVE_BACK = "give_back", _("转应退还")
    REFUND = "refund", _("退还")
    REVERSE = "reverse", _("冲正")
    GRANT = "grant", _("核定限额")
    CURTAIL = "curtail", _("调减限额")


class LedgerAccountQuerySet(ScopedQuerySet):
    region_path = "region_code"


class LedgerAccountManager(models.Manager.from_queryset(LedgerAccountQuerySet)):  # type: ignore[misc]
    """Accounts with what their tills changed of them, in one look."""

    def get_queryset(self) -> LedgerAccountQuerySet:
        tills = LedgerTill.objects.filter(account_id=OuterRef("pk")).values("account_id").order_by()

        def changed(amount: Combinable) -> Case:
            whole = Subquery(tills.annotate(whole=Sum(amount)).values("whole"))
            return Case(When(hot=True, then=Coalesce(whole, Value(ZERO))), default=Value(ZERO))

        found: LedgerAccountQuerySet = super().get_queryset()
        return found.annotate(
            till_debits=changed(F("posted") - F("allotted")), till_pending=changed(F("pending"))
        )


class LedgerTransferQuerySet(ScopedQuerySet):
    region_path = "debit__region_code"


class TillsNotRead(RuntimeError):
    """A hot account is asked for what it has, and was read without its tills: the answer would be too low."""


class LedgerAccount(models.Model):
    """One account with four cumulative counters.

    ``credits_posted - debits_posted - debits_pending`` is what an account of money held (budget, voucher, payable …)
    still has to give: its *available* amount. A closed account has none: what is released to it later flows on, in
    the same chain, to the first open account on the way that ``returns_to`` shows (a reservation outlives the
    expiry of its voucher; when it is released after that, the amount goes back to the budget).

    A hot account may have lent to tills (``LedgerTill``): what they were given is among its posted debits until they are gathered.
    ``balance``, ``available`` and ``used`` tell the two together, read in one look: by ``objects``, by a foreign key, by
    ``refresh_from_db``. Of one that was read otherwise (``select_related``, ``raw``) they refuse (``TillsNotRead``).
    """

    #: what its tills change of its counters: drawn less lent, and reserved; there when they were read with it
    till_debits: Decimal
    till_pending: Decimal

    id = models.UUIDField(primary_key=True, editable=False)
    ledger = models.CharField(max_length=12, choices=Ledger.choices)
    kind = models.CharField(max_length=12, choices=AccountKind.choices)
    code = models.CharField(_("科目代码"), max_length=200, unique=True)
    region_code = models.CharField(_("行政区划代码"), max_length=6, blank=True)
    # No foreign key of the database, for the reason that transfers have none: it would look up, and lock against those who
    # are counting on it, the one budget for every voucher that is opened. ``check_ledger`` looks at it.
    returns_to = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="returned_from",
        db_constraint=False,
    )
    limit_amount = models.DecimalField(_("核定限额"), max_digits=18, decimal_places=2, null=True, blank=True)

    debits_pending = models.DecimalField(max_digits=18, decimal_places=2, default=Decimal("0.00"))
    debits_posted = models.DecimalField(max_digits=18, decimal_places=2, default=Decimal("0.00"))
    credits_pending = models.DecimalField(max_digits=18, decimal_places=2, default=Decimal("0.00"))
    credits_posted = models.DecimalField(max_digits=18, decimal_places=2, default=Decimal("0.00"))

    debits_must_not_exceed_credits = models.BooleanField(default=False)
    credits_must_not_exceed_debits = models.BooleanField(default=False)
    #: many claim from it in the same minute: an advisory lock queues them in front of the row
    hot = models.BooleanField(default=False)
    #: False for the other side of entitlements: never locked, never counted; its balance is read from transfers
    counted = models.BooleanField(default=True)

    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    objects = LedgerAccountManager()

    class Meta:
        verbose_name = _("科目")
        verbose_name_plural = _("科目")
        base_manager_name = "objects"  # who comes by a foreign key reads the tills as well
        # Few and short: PostgreSQL reads the text of each anew for every statement that updates a counter.
        constraints = [
            models.CheckConstraint(
                name="ledger_account_counters_not_negative",
                condition=GreaterThanOrEqual(
                    Least("debits_pending", "debits_posted", "credits_pending", "credits_posted"),
                    Value(Decimal(0)),
                ),
            ),
            # Nothing is overdrawn, and a closed account has nothing available.
            models.CheckConstraint(
                name="ledger_account_debits_within_credits",
                condition=Q(debits_must_not_exceed_credits=False)
                | Q(credits_posted=F("debits_pending") + F("debits_posted"))
                | Q(credits_posted__gt=F("debits_pending") + F("debits_posted"), closed_on__isnull=True),
            ),
            models.CheckConstraint(
                name="ledger_account_credits_within_debits",
                condition=Q(credits_must_not_exceed_debits=False)
                | Q(debits_posted__gte=F("credits_pending") + F("credits_posted")),
            ),
        ]
        indexes = [models.Index(fields=["kind", "region_code"], name="ledger_account_kind")]

    def __str__(self) -> str:
        return self.code

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Also what its tills change; after a look at some fields only, or by another queryset, that is not known."""
        for name in ("till_debits", "till_pending"):
            self.__dict__.pop(name, None)
        super().refresh_from_db(using, fields, from_queryset)
        if fields is None and from_queryset is None and self.hot:
            # One look at both: what was read a line above may be older than the tills.
            fresh = type(self).objects.db_manager(using).get(pk=self.pk)
            for field in self._meta.concrete_fields:
                setattr(self, field.attname, getattr(fresh, field.attname))
            self.till_debits, self.till_pending = fresh.till_debits, fresh.till_pending

    @property
    def balance(self) -> Decimal:
        """Posted credits less posted debits, in yuan: what the account holds, reservations included."""
        return self.credits_posted - self.debits_posted - self._tills("till_debits")

    @property
    def available(self) -> Decimal:
        """What may still be taken: the balance less what is reserved, in yuan."""
        return self.balance - self.debits_pending - self._tills("till_pending")

    def _tills(self, name: str) -> Decimal:
        if not self.hot:
            return ZERO
        if name not in self.__dict__:
            raise TillsNotRead(f"{self.code}: read it by LedgerAccount.objects, with its tills")
        found: Decimal = self.__dict__[name]
        return found

    @property
    def used(self) -> Decimal:
        """Of a cap: what is used or reserved, net of what was reversed, in yuan."""
        return (self.limit_amount or Decimal("0.00")) - self.available

    @property
    def closed(self) -> bool:
        """True once the account takes no new business; what was reserved before may still be resolved."""
        return self.closed_on is not None


class LedgerTill(models.Model):
    """A part of a hot account from which somebody takes while another holds the account (``ledger_tills.sql``).

    ``allotted`` was taken from the account before, so nothing can be drawn that is not there; ``posted`` and ``pending`` were
    drawn. Counters, as the account's: the transfers are the event, and name the account alone.
    """

    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="tills", db_constraint=False, db_index=False
    )
    place = models.SmallIntegerField()
    allotted = models.DecimalField(max_digits=18, decimal_places=2)
    posted = models.DecimalField(max_digits=18, decimal_places=2)
    pending = models.DecimalField(max_digits=18, decimal_places=2)
    #: of a cap: the limit under which it was lent
    limit_amount = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = _("科目分户")
        verbose_name_plural = _("科目分户")
        constraints = [
            models.UniqueConstraint(fields=["account", "place"], name="ledger_till_place"),
            models.CheckConstraint(
                name="ledger_till_within_allotted",
                condition=Q(posted__gte=0, pending__gte=0, allotted__gte=F("posted") + F("pending")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.place}"


class LedgerTransfer(models.Model):
    """One amount from one account (debit) to another (credit). Immutable; a correction is a linked reversal.

    ``amount`` is what was reserved (``pending``), moved (``single``, ``post``) or released (``void``, ``expire``).
    A ``post`` of less than was reserved releases the rest.

    References are not foreign keys of the database: only the ledger's functions insert here, they have just read the rows
    that they refer to, and no account or transfer can ever be deleted; a foreign key would lock the one account at the far
    side of all entitlements for every claim. ``check_ledger`` looks at them.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    chain_id = models.UUIDField(help_text="the id that the caller chose for the whole chain")
    position = models.IntegerField()
    kind = models.CharField(max_length=8, choices=TransferKind.choices)
    code = models.CharField(max_length=16, choices=TransferCode.choices)
    debit = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="debits", db_constraint=False
    )
    credit = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="credits", db_constraint=False
    )
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    pending = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="resolutions",
        db_constraint=False,
        db_index=False,
    )
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        db_constraint=False,
        db_index=False,
    )
    #: a pending one can no longer be posted from this day on (half-open)
    expires_on = models.DateField(null=True, blank=True)
    subject_kind = models.CharField(max_length=24)
    subject_no = models.CharField(max_length=80)
    #: business date; ``recorded_at`` is the database's own clock
    booked_on = models.DateField()
    recorded_at = models.DateTimeField(db_default=Now())

    objects = LedgerTransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("转账")
        verbose_name_plural = _("转账")
        ordering = ["recorded_at", "chain_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["chain_id", "position"], name="ledger_transfer_position"),
            models.UniqueConstraint(
                fields=["pending"],
                name="ledger_transfer_resolved_once",
                condition=Q(pending__isnull=False),
            ),
            models.CheckConstraint(
                name="ledger_transfer_amount_and_sides", condition=Q(amount__gt=0) & ~Q(debit=F("credit"))
            ),
            # Only what resolves points to a pending one; only a single reverses; only a pending one expires.
            models.CheckConstraint(
                name="ledger_transfer_of_its_kind",
                condition=Q(kind="single", pending=None, expires_on=None)
                | Q(kind="pending", pending=None, reverses=None)
                | Q(
                    kind__in=["post", "void", "expire"], pending__isnull=False, reverses=None, expires_on=None
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["subject_kind", "subject_no"], name="ledger_transfer_subject"),
            # a day's transfers lie together: a few bytes a thousand rows
            BrinIndex(fields=["recorded_at"], name="ledger_transfer_recorded"),
            models.Index(
                fields=["reverses"], name="ledger_transfer_reverses", condition=Q(reverses__isnull=False)
            ),
            models.Index(
                fields=["expires_on"], name="ledger_transfer_expires", condition=Q(expires_on__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.amount} {self.subject_no}"


class LedgerAttempt(models.Model):
    """One send of a chain and the answer it got, accepted or refused.

    An id that was refused stays refused; the same id with the same body gives the same answer again; with another
    body it is refused as ``id_reused``, which is not recorded a second time.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    body_sha256 = models.CharField(max_length=64)
    accepted = models.BooleanField()
    code = models.CharField(max_length=32)
    answer = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("账务发送记录")
        verbose_name_plural = _("账务发送记录")

    def __str__(self) -> str:
        return f"{self.id} {self.code}"
