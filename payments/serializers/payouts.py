"""An instructor's account at Stripe."""

from rest_framework import serializers

from instainstru.api.output import Out
from payments.models import Payee


class PayoutAccountOut(Out[Payee]):
    """Whether the instructor can be paid. Nothing of theirs can be booked before."""

    is_open = serializers.SerializerMethodField(help_text="Whether onboarding has begun.")
    is_payable = serializers.BooleanField()
    requirements = serializers.ListField(child=serializers.CharField(), help_text="What Stripe still wants to know.")
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When Stripe was last asked.")

    def get_is_open(self, payee: Payee) -> bool:
        return payee.pk is not None


class DashboardLinkOut(serializers.Serializer[dict[str, str]]):
    url = serializers.URLField(help_text="The instructor's own pages at Stripe. Good for one visit, now.")


class OnboardingLinkOut(serializers.Serializer[dict[str, str]]):
    url = serializers.URLField(help_text="Stripe's page. Good for one visit, now.")
