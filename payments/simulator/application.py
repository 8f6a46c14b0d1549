"""The whole simulator as one function of a request, whoever carries it: the server, or a caller without sockets."""

from __future__ import annotations

from payments.simulator.control import control, pages
from payments.simulator.core import Core
from payments.simulator.delivery import Delivery
from payments.simulator.wire import api
from payments.simulator.wire.api import HttpAnswer, HttpRequest


class Application:
    """A core with everything that can be asked of it.

    Its delivery thread does not run until `delivery.start()`; queued webhooks can be delivered without it.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.delivery = Delivery(core)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request. Raises AnswerLost when a fault breaks the connection instead."""
        if request.path.startswith("/_control"):
            return control.handle(self.core, self.delivery, request)
        if request.path.startswith("/_pages/"):
            return pages.handle(self.core, request)
        return api.handle(self.core, request)
