"""Where one set of embedded servers lives, and what is kept there."""

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]

WAY_ROUND = "Set DATABASE_URL and REDIS_URL to use servers of your own instead."


class ServersUnavailable(Exception):
    """The embedded servers can't be had here; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the servers of a profile answer, passwords included."""

    database_url: str
    redis_url: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of servers with a data folder of its own: `default` keeps its data, `test` need not survive."""

    name: str
    folder: Path

    @classmethod
    def named(cls, name: str) -> "Profile":
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise ValueError(f"A profile's name is lower case letters, digits and dashes, not {name!r}.")
        data = Path(os.environ.get("INSTAINSTRU_DATA") or REPOSITORY / ".data").expanduser()
        return cls(name, data.absolute() / name)

    @property
    def is_durable(self) -> bool:
        """Whether what was committed must outlive a power cut. Tests trade that for speed."""
        return self.name != "test"

    @property
    def users_lock(self) -> Path:
        """Shared by every process that uses the servers, for its life; taken alone by the keeper to stop them."""
        return self.folder / "users.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one who starts a keeper, so that simultaneous first users start only one."""
        return self.folder / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper for its life: the only proof that it lives, since pids are reused."""
        return self.folder / "keeper.lock"

    @property
    def keeper_log(self) -> Path:
        return self.folder / "log" / "keeper.log"

    def make_folder(self) -> None:
        """Make the data folder, readable by its owner alone. Raises ServersUnavailable when that is not possible."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / "log").mkdir(exist_ok=True)
            if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(f"{self.folder} belongs to another user")
        except OSError as error:
            raise ServersUnavailable(
                f"The data folder can't be used: {error}. Set INSTAINSTRU_DATA to a folder of your own. {WAY_ROUND}"
            ) from error

    def passwords(self) -> dict[str, str]:
        """Return the generated passwords by server, made at first use."""
        path = self.folder / "passwords.json"
        if not path.exists():
            _write_private(path, {"postgres": secrets.token_hex(24), "valkey": secrets.token_hex(24)})
        return json.loads(path.read_text())

    def read_state(self) -> dict[str, Any]:
        """Return what the keeper last wrote: `phase`, `keeper` (pid), `ports`, and `failure` if it gave up."""
        try:
            return json.loads((self.folder / "state.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def write_state(self, **state: Any) -> None:
        _write_private(self.folder / "state.json", state)

    def urls(self) -> Urls:
        """Return the addresses of the servers as last started."""
        passwords, ports = self.passwords(), self.read_state()["ports"]
        return Urls(
            database_url=f"postgresql://instainstru:{passwords['postgres']}@127.0.0.1:{ports['postgres']}/instainstru",
            redis_url=f"redis://:{passwords['valkey']}@127.0.0.1:{ports['valkey']}/0",
        )


def _write_private(path: Path, content: dict[str, Any]) -> None:
    """Replace a file in one move, readable by its owner alone: a reader sees the old content or the new."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    draft.replace(path)
