"""The HTTP server around a core: one thread per connection, kept alive, with buffering and without Nagle's delay."""

from __future__ import annotations

import os
import socket
import sys
import threading
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from payments.simulator.application import Application
from payments.simulator.core import Core
from payments.simulator.wire.api import AnswerLost, HttpRequest

_running: weakref.WeakSet[Server] = weakref.WeakSet()


class Server:
    """A running simulator. It belongs to the process that started it; a forked child has only its address."""

    def __init__(self, core: Core, *, host: str, port: int, public_url: str | None) -> None:
        self.core = core
        self._application = Application(core)
        self._http = _HttpServer((host, port), self._application, public_url)
        self.url = f"http://{host}:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_until_woken, name="simulator", daemon=True)
        self._pid = os.getpid()
        self._application.delivery.start()
        self._thread.start()
        _running.add(self)

    def stop(self) -> None:
        """End the threads, close the connections and let go of the state file. In a forked child: nothing."""
        if os.getpid() != self._pid or self not in _running:
            return
        _running.discard(self)
        self._application.delivery.stop()
        self._http.wake_to_end()
        self._thread.join()
        self._http.server_close()
        self._http.break_connections()
        self.core.close()

    def leave_to_parent(self) -> None:
        """In a forked child: give up the sockets that came along, so that the parent alone holds them."""
        self._http.drop_sockets()


def start(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    state: str | None = None,
    seed: str | None = None,
    webhooks: str | None = None,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
    public_url: str | None = None,
) -> Server:
    """Start a simulator in threads of this process.

    Port 0 takes a free one; `state` is the path of a file that everything survives in. What is None of the webhooks'
    settings stays as the state has it; anew they are off. `public_url` is where a browser finds the simulator's pages,
    if not where the SDK does.
    """
    core = Core(path=state, seed=seed)
    with core.unit():
        core.webhooks.configure(mode=webhooks, url=webhook_url, secret=webhook_secret)
    return Server(core, host=host, port=port, public_url=public_url)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], application: Application, public_url: str | None) -> None:
        self.application = application
        self.public_url = public_url
        self._ended = False
        self._connections: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        super().__init__(address, _Handler)

    def serve_until_woken(self) -> None:
        """Accept connections; unlike `serve_forever` without looking at a flag twice a second."""
        while not self._ended:
            self.handle_request()

    def wake_to_end(self) -> None:
        """End `serve_until_woken` with a last connection."""
        self._ended = True
        socket.create_connection(self.socket.getsockname()).close()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nobody's error, nor is one that is left over at the end; the rest is ours."""
        if not (self._ended or isinstance(sys.exception(), ConnectionError)):
            super().handle_error(request, client_address)

    def break_connections(self) -> None:
        """End the connections that clients keep alive."""
        for connection in list(self._connections):
            _break(connection)

    def drop_sockets(self) -> None:
        """Close this process's copies, without a word to the other side."""
        self.socket.close()
        for connection in list(self._connections):
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one piece
    server: _HttpServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        request = HttpRequest(
            method=self.command,
            path=path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length).decode(),
            base_url=self.server.public_url or f"http://{self.headers.get('Host', '')}",
        )
        try:
            answer = self.server.application.answer(request)
        except AnswerLost:
            self.close_connection = True
            _break(self.connection)
            return
        self.send_response_only(answer.status)
        for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *args: Any) -> None:
        """Requests are in the request log."""


def _break(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)  # reaches the other side even if a forked child has a copy of the socket
    except OSError:
        return  # it is gone already


def _leave_all_to_parent() -> None:
    for server in list(_running):
        server.leave_to_parent()


os.register_at_fork(after_in_child=_leave_all_to_parent)
