"""What one request or task is about, in every line that it logs; and what is measured for Prometheus."""

import contextlib
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from time import perf_counter
from types import MappingProxyType

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views import View
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

REQUEST_ID_HEADER = "X-Request-Id"
ACCEPTABLE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")  # what a stranger may write into our logs
METHODS = frozenset(method.upper() for method in View.http_method_names)

requests_answered = Counter("http_requests_answered", "Requests answered.", ["method", "view", "status"])
request_seconds = Histogram("http_request_seconds", "How long requests took.", ["method", "view"])

_context: ContextVar[MappingProxyType[str, str]] = ContextVar("log_context", default=MappingProxyType({}))


@contextlib.contextmanager
def working_on(**subjects: object) -> Iterator[None]:
    """Name what the block works on, such as `booking=` or `operation=`, in every line logged inside it."""
    named = {name: str(subject) for name, subject in subjects.items() if subject is not None}
    token = _context.set(MappingProxyType({**_context.get(), **named}))
    try:
        yield
    finally:
        _context.reset(token)


def current_request_id() -> str | None:
    """Return the id of the request being answered, or None outside of one."""
    return _context.get().get("request")


class ContextFilter(logging.Filter):
    """Add what is being worked on to each log record; the JSON formatter writes every attribute that it finds."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, subject in _context.get().items():
            if not hasattr(record, name):
                setattr(record, name, subject)
        return True


class RequestContextMiddleware:
    """Give each request an id, or keep the caller's, tell it in the answer, and measure the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get(REQUEST_ID_HEADER, "")
        request_id = offered if ACCEPTABLE_REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        started = perf_counter()
        with working_on(request=request_id):
            response = self.get_response(request)
        response[REQUEST_ID_HEADER] = request_id
        # The route's name, never the path, and no method that somebody made up: endless labels would fill the memory.
        view = request.resolver_match.view_name if request.resolver_match else "no such page"
        method = request.method if request.method in METHODS else "OTHER"
        request_seconds.labels(method, view).observe(perf_counter() - started)
        requests_answered.labels(method, view, response.status_code).inc()
        return response


class GaugesOfTheDatabase(Collector):
    """Gauges that are read from the database when Prometheus asks: then any process of any machine knows them."""

    def __init__(self) -> None:
        self._registered: dict[str, tuple[str, Callable[[], float]]] = {}

    def register(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Declare a gauge; called once for each, from `AppConfig.ready`."""
        self._registered[name] = text, read

    def describe(self) -> Iterable[Metric]:
        return []  # else whoever starts would ask the database for names

    def collect(self) -> Iterator[Metric]:
        for name, (text, read) in self._registered.items():
            with contextlib.suppress(DatabaseError):  # what this process counted is told without the database
                yield GaugeMetricFamily(name, text, value=read())


gauges = GaugesOfTheDatabase()
REGISTRY.register(gauges)
