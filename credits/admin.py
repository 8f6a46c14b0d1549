"""Wallets as staff see them: to be looked at. Credits move only where the ledger is written in the same commit."""

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.safestring import SafeString

from credits.models import STILL_OWED, CreditLot, CreditMovement, NegativeBalance, Reservation, Wallet
from instainstru import clock
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from instainstru.money import dollars

STATES = [
    "amount_cents",
    "available_cents",
    "reserved_cents",
    "consumed_cents",
    "forfeited_cents",
    "frozen_cents",
    "revoked_cents",
    "expired_cents",
    "offset_cents",
]


class StillSpendable(admin.SimpleListFilter):
    title = "still spendable"
    parameter_name = "spendable"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("now", "Something is left, and has not expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditLot]) -> QuerySet[CreditLot]:
        return queryset & CreditLot.objects.spendable(at=clock.now()) if self.value() else queryset


class CreditLotInline(ReadOnlyInline):
    model = CreditLot
    fields = [*STATES, "source_key", "issued_at", "expires_at"]
    ordering = ["expires_at", "id"]
    show_change_link = True


class NegativeBalanceInline(ReadOnlyInline):
    model = NegativeBalance
    fields = ["reference", "owed_cents", "paid_off_cents", "lifted_cents", "given_back_cents", "arose_at", "cleared_at"]
    ordering = ["-id"]
    verbose_name_plural = "what is owed in credit since a chargeback"
    show_change_link = True


class CreditMovementInline(ReadOnlyInline):
    model = CreditMovement
    fields = ["kind", "cents_in_dollars", "reference", "moved_at"]
    readonly_fields = ["cents_in_dollars"]
    ordering = ["id"]

    @admin.display(description="amount")
    def cents_in_dollars(self, movement: CreditMovement) -> str:
        return dollars(movement.cents)


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ["student", "available", "reserved", "frozen", "owes"]
    list_select_related = ["student"]
    ordering = ["-student"]
    search_fields = ["student__email", "student__name"]
    search_help_text = "A student's name or e-mail address."
    inlines = [NegativeBalanceInline, CreditLotInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wallet]:
        owed = NegativeBalance.objects.filter(wallet=OuterRef("pk"), cleared_at=None).values("wallet")
        return (
            super()
            .get_queryset(request)
            .annotate(
                available=Sum("lots__available_cents", default=0),
                reserved=Sum("lots__reserved_cents", default=0),
                frozen=Sum("lots__frozen_cents", default=0),
                owes=Subquery(owed.annotate(cents=Sum(STILL_OWED)).values("cents")),
            )
        )

    @admin.display(description="available")
    def available(self, wallet: Wallet) -> str:
        return dollars(wallet.available)  # type: ignore[attr-defined]  # annotated

    @admin.display(description="reserved")
    def reserved(self, wallet: Wallet) -> str:
        return dollars(wallet.reserved)  # type: ignore[attr-defined]

    @admin.display(description="frozen")
    def frozen(self, wallet: Wallet) -> str:
        return dollars(wallet.frozen)  # type: ignore[attr-defined]

    @admin.display(description="owes in credit")
    def owes(self, wallet: Wallet) -> str:
        return dollars(wallet.owes or 0)  # type: ignore[attr-defined]


@admin.register(CreditLot)
class CreditLotAdmin(ReadOnlyAdmin):
    list_display = ["id", "student", *STATES[:3], "frozen_cents", "source_key", "issued_at", "expires_at"]
    list_filter = [StillSpendable]
    list_select_related = ["wallet__student"]
    ordering = ["-id"]
    search_fields = ["wallet__student__email", "source_key__startswith", "reference__startswith"]
    search_help_text = "A student's e-mail address, what gave the credit, or the booking that it was given for."
    inlines = [CreditMovementInline]

    @admin.display(description="student", ordering="wallet__student__name")
    def student(self, lot: CreditLot) -> str:
        return str(lot.wallet.student)


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["id", "story", "student", "lot", "amount"]
    fields = ["story", "student", "lot", "amount"]
    readonly_fields = ["story", "student", "amount"]
    list_select_related = ["lot__wallet__student"]
    ordering = ["-id"]
    search_fields = ["reference__startswith", "lot__wallet__student__email"]
    search_help_text = "A booking's reference or a student's e-mail address."

    @admin.display(description="booking", ordering="reference")
    def story(self, reservation: Reservation) -> SafeString | str:
        return booking_link(reservation.reference)

    @admin.display(description="student")
    def student(self, reservation: Reservation) -> str:
        return str(reservation.lot.wallet.student)

    @admin.display(description="amount", ordering="cents")
    def amount(self, reservation: Reservation) -> str:
        return dollars(reservation.cents)


@admin.register(CreditMovement)
class CreditMovementAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "amount", "student", "lot", "story", "moved_at"]
    fields = ["kind", "amount", "student", "lot", "story", "moved_at"]
    readonly_fields = ["amount", "student", "story"]
    list_filter = ["kind"]
    list_select_related = ["lot__wallet__student"]
    ordering = ["-id"]
    search_fields = ["reference__startswith", "lot__wallet__student__email"]
    search_help_text = "A booking's reference or a student's e-mail address."

    @admin.display(description="amount", ordering="cents")
    def amount(self, movement: CreditMovement) -> str:
        return dollars(movement.cents)

    @admin.display(description="student")
    def student(self, movement: CreditMovement) -> str:
        return str(movement.lot.wallet.student)

    @admin.display(description="because of", ordering="reference")
    def story(self, movement: CreditMovement) -> SafeString | str:
        return booking_link(movement.reference)


class StillOwed(admin.SimpleListFilter):
    title = "still owed"
    parameter_name = "owed"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("now", "Something is owed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[NegativeBalance]) -> QuerySet[NegativeBalance]:
        return queryset.filter(cleared_at=None) if self.value() else queryset


@admin.register(NegativeBalance)
class NegativeBalanceAdmin(ReadOnlyAdmin):
    list_display = ["id", "story", "student", "owed", "still_owed", "arose_at", "cleared_at"]
    fields = ["story", "student", "owed", "paid_off", "lifted", "given_back", "still_owed", "arose_at", "cleared_at"]
    readonly_fields = ["story", "student", "owed", "paid_off", "lifted", "given_back", "still_owed"]
    list_filter = [StillOwed]
    list_select_related = ["wallet__student"]
    ordering = ["-id"]
    search_fields = ["reference__startswith", "wallet__student__email"]
    search_help_text = "A booking's reference or a student's e-mail address."

    @admin.display(description="booking", ordering="reference")
    def story(self, balance: NegativeBalance) -> SafeString | str:
        return booking_link(balance.reference)

    @admin.display(description="student")
    def student(self, balance: NegativeBalance) -> str:
        return str(balance.wallet.student)

    @admin.display(description="owed in all", ordering="owed_cents")
    def owed(self, balance: NegativeBalance) -> str:
        return dollars(balance.owed_cents)

    @admin.display(description="paid off by credit")
    def paid_off(self, balance: NegativeBalance) -> str:
        return dollars(balance.paid_off_cents)

    @admin.display(description="lifted")
    def lifted(self, balance: NegativeBalance) -> str:
        return dollars(balance.lifted_cents)

    @admin.display(description="came back as new credit")
    def given_back(self, balance: NegativeBalance) -> str:
        return dollars(balance.given_back_cents)

    @admin.display(description="still owed", ordering=STILL_OWED)
    def still_owed(self, balance: NegativeBalance) -> str:
        return dollars(balance.still_owed_cents)
