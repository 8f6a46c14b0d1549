"""What a client is told when Stripe says no, or nothing, to something that moves no money."""

import contextlib
from collections.abc import Iterator

from rest_framework.exceptions import APIException, NotFound

from payments.gateway.errors import GatewayRefused, GatewayUnavailable

NO_SUCH_OBJECT = "resource_missing"


class ProviderRefused(APIException):
    """Stripe's definite no; its sentence is written for the person who asked."""

    status_code = 402
    default_code = "payment_provider_refused"
    default_detail = "The payment provider did not accept that."


class ProviderUnavailable(APIException):
    """No answer."""

    status_code = 503
    default_code = "payment_provider_unavailable"
    default_detail = "The payment provider does not answer. No money has moved."
    wait = 5  # seconds


OF_THE_PROVIDER = (ProviderRefused.default_code, ProviderUnavailable.default_code)


@contextlib.contextmanager
def provider_problems() -> Iterator[None]:
    """Turn what the gateway raises into problem documents; what Stripe does not know is a 404."""
    try:
        yield
    except GatewayRefused as refused:
        if refused.code == NO_SUCH_OBJECT:
            raise NotFound from refused
        raise ProviderRefused(str(refused)) from refused
    except GatewayUnavailable as silent:
        raise ProviderUnavailable from silent
