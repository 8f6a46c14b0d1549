"""The servers' log files."""

from pathlib import Path


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def cut(log: Path, *, above: int = 10_000_000) -> None:
    """Start a log afresh when it has grown past so many bytes, keeping the former one beside it."""
    if log.exists() and log.stat().st_size > above:
        log.replace(log.with_suffix(".1.log"))
