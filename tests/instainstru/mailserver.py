"""A mail server on this machine: as much of SMTP as a mail needs, and the troubles that mail meets."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail in, and keeps it and how often somebody connected.

    `is_mute`: connects, and says nothing. `refuses`: recipients it does not know. `hangs_up_on`: those at whose mail it
    goes away.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.mails: list[EmailMessage] = []
        self.connections = 0
        self.is_mute = False
        self.refuses: set[str] = set()
        self.hangs_up_on: set[str] = set()
        self.closing = threading.Event()

    @property
    def recipients(self) -> list[str]:
        return [mail["To"] for mail in self.mails]


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        if self.server.is_mute:
            self.server.closing.wait()
            return
        self._say("220 here")
        for line in self.rfile:
            verb = line[:4].decode().upper()
            if verb == "RCPT" and self._recipient_of(line) in self.server.hangs_up_on:
                return
            self._say(self._answer_to(verb, line))
            if verb == "QUIT":
                return

    def _answer_to(self, verb: str, line: bytes) -> str:
        if verb == "RCPT" and self._recipient_of(line) in self.server.refuses:
            return "550 nobody of that name"
        if verb == "DATA":
            self._say("354 go on")
            text = b"".join(iter(self.rfile.readline, b".\r\n"))
            self.server.mails.append(message_from_bytes(text, policy=policy.default))
        return "250 good"

    def _recipient_of(self, line: bytes) -> str:
        return line.decode().partition("<")[2].partition(">")[0]

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def running() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
