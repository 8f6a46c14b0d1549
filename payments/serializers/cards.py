"""A student's saved card, and saving one. Card numbers never come here: Stripe's own page or library takes them."""

from django.conf import settings
from rest_framework import serializers

from instainstru.api.output import Out
from payments.gateway.parties import CardSetup
from payments.models import Payer
from payments.serializers.operations import UndertakingOut

PAYMENT_METHOD = r"^pm_[A-Za-z0-9_]{1,60}$"  # never a card number, however a client may slip
SETUP = r"^seti_[A-Za-z0-9_]{1,60}$"


class CardOut(Out[Payer]):
    """The card that is charged."""

    brand = serializers.CharField(source="card_brand")
    last4 = serializers.CharField(source="card_last4")
    saved_at = serializers.DateTimeField(source="card_saved_at")


class PaymentMethodOut(Out[dict[str, Payer | None]]):
    """The saved card, or null before there is one."""

    card = CardOut(allow_null=True)


class CardSetupOut(Out[CardSetup]):
    """A setup of a card. In a browser, Stripe.js confirms it with `client_secret` and `publishable_key`."""

    id = serializers.CharField()
    status = serializers.CharField(help_text="Stripe's: `succeeded` once the card can be saved.")
    client_secret = serializers.CharField()
    publishable_key = serializers.SerializerMethodField()
    url = serializers.URLField(
        help_text="The bank's page, if it wants the student there; else empty.", allow_blank=True
    )

    def get_publishable_key(self, setup: CardSetup) -> str:
        return settings.STRIPE_PUBLISHABLE_KEY


class ConfirmSetupIn(serializers.Serializer[None]):
    payment_method = serializers.RegexField(PAYMENT_METHOD, help_text="Stripe's id of a payment method.")


class SaveCardIn(serializers.Serializer[None]):
    setup = serializers.RegexField(SETUP, help_text="The id of a setup that succeeded.")


class CardSavedOut(PaymentMethodOut):
    """The card, and what it was tried on at once: bookings that waited for one."""

    retried = UndertakingOut(many=True)
