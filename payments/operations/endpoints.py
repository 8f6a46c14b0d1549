"""Setting up where Stripe sends its events: exactly the types that are read, in the version that we speak."""

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from payments import readers
from payments.gateway import endpoints
from payments.gateway.endpoints import Endpoint


class Work(StrEnum):
    """What is done to an endpoint."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"  # another API version: that of an endpoint can't be changed
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One endpoint that there has to be, and what is to be done for it."""

    purpose: str
    url: str
    types: frozenset[str]
    connect: bool
    work: Work
    existing: Endpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """What `set_up_endpoints` does: the endpoints wanted, and those beside them, which send us everything twice."""

    wanted: tuple[Wanted, ...]
    strangers: tuple[Endpoint, ...]


def plan_endpoints(*, url: str) -> EndpointPlan:
    """Compare the endpoints at Stripe with what is wanted. Raises GatewayRefused or GatewayUnavailable."""
    found = endpoints.endpoints()
    purposes = (("account", readers.HANDLED, False), ("connect", readers.OF_CONNECTED_ACCOUNTS, True))
    wanted = []
    for purpose, types, connect in purposes:
        existing = next((one for one in found if one.purpose == purpose), None)
        work = _work_on(existing, url=url, types=types)
        wanted.append(Wanted(purpose=purpose, url=url, types=types, connect=connect, work=work, existing=existing))
    ours = {one.existing.id for one in wanted if one.existing}
    return EndpointPlan(
        wanted=tuple(wanted), strangers=tuple(one for one in found if one.url == url and one.id not in ours)
    )


def set_up_endpoints(plan: EndpointPlan) -> list[Endpoint]:
    """Carry a plan out and return the endpoints as they are now; a new one's secret is told here and never again.

    Strangers are left alone. Raises GatewayRefused or GatewayUnavailable; repeating it goes on from there.
    """
    return [_set_up(wanted) for wanted in plan.wanted]


def _set_up(wanted: Wanted) -> Endpoint:
    existing = wanted.existing
    if existing is not None and wanted.work == Work.KEEP:
        return existing
    if existing is not None and wanted.work == Work.UPDATE:
        return endpoints.update_endpoint(existing.id, url=wanted.url, types=wanted.types)
    created = endpoints.create_endpoint(
        url=wanted.url, types=wanted.types, purpose=wanted.purpose, connect=wanted.connect
    )
    if existing is not None:  # after the new one is there, so that nothing is lost in between
        endpoints.delete_endpoint(existing.id)
    return created


def _work_on(existing: Endpoint | None, *, url: str, types: frozenset[str]) -> Work:
    if existing is None:
        return Work.CREATE
    if existing.api_version != settings.STRIPE_API_VERSION:
        return Work.REPLACE
    if (existing.url, existing.types, existing.is_enabled) != (url, types, True):
        return Work.UPDATE
    return Work.KEEP
