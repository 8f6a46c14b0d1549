"""Saving a card through Stripe's own form, with a stand-in for Stripe's script: ours is what is tried."""

from django.urls import reverse

from payments.gateway import parties
from payments.gateway.parties import CardSetup
from payments.models import Payer
from tests.factories import UserFactory

STAND_IN = """
window.Stripe = (key) => ({
  elements: (options) => {
    window.asked = { key, options };
    let submissions = 0;
    return {
      create: () => ({
        on: (event, react) => event === "ready" && setTimeout(react),
        mount: (place) => { place.textContent = "Stripe’s form"; },
      }),
      submit: async () => (++submissions === 1 ? { error: { message: "Your card number is incomplete." } } : {}),
    };
  },
  confirmSetup: async ({ clientSecret, confirmParams }) => {
    const setup = clientSecret.split("_secret")[0];
    await confirmAtStripe(setup);
    const back = new URL(confirmParams.return_url);
    back.searchParams.set("setup_intent", setup);
    location.assign(back);
    return {};
  },
});
"""


def test_stripes_form_saves_a_card(opens, settings):
    settings.USES_SIMULATOR = False
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_123"
    student = UserFactory()
    tab = opens(student)
    page = tab.page
    page.route("https://js.stripe.com/v3/", lambda route: route.fulfill(body=STAND_IN, content_type="text/javascript"))
    page.expose_function("confirmAtStripe", lambda setup_id: confirm(setup_id).status)

    tab.go(f"{reverse('card')}?next={reverse('bookings')}")
    tab.says("Stripe’s form", "Stripe keeps your card; we never see its number.")
    tab.check()
    assert page.evaluate("asked") == {
        "key": "pk_test_123",
        "options": {
            "mode": "setup",
            "currency": "usd",
            "paymentMethodTypes": ["card"],
            "appearance": {"theme": "stripe"},
        },
    }

    page.get_by_role("button", name="Save card").click()
    page.get_by_text("Your card number is incomplete.").wait_for()
    tab.press("Save card")

    assert page.url == tab.site + reverse("bookings")
    tab.says("Visa ending in 4242 is saved.")
    assert Payer.objects.get(user=student).has_card


def confirm(setup_id: str) -> CardSetup:
    """Do what Stripe's script does at Stripe."""
    return parties.confirm_card_setup(
        setup_id=setup_id, payment_method="pm_card_visa", return_url="http://127.0.0.1/", key=setup_id
    )
