"""The bootstrap chooses a Python that works, installs once, and says what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instainstru.local.servers.profile import REPOSITORY

LOCKS = {"local": "only what the demo needs", "dev": "everything"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy with stand-ins: installers that only note their arguments in `calls`."""
    (tmp_path / ".ci").mkdir()
    for name in ("bootstrap", "uv.txt"):
        (tmp_path / ".ci" / name).write_bytes((REPOSITORY / ".ci" / name).read_bytes())
    for kind, content in LOCKS.items():
        (tmp_path / f"requirements-{kind}.lock").write_text(content)
    (tmp_path / ".uv" / "bin").mkdir(parents=True)
    (tmp_path / ".uv" / "installed").write_bytes((tmp_path / ".ci" / "uv.txt").read_bytes())
    note = 'echo "{} $*" >> calls'
    program(tmp_path / ".uv/bin/uv", note.format("uv"))
    program(tmp_path / ".uv/bin/python", f'case "$1" in -c) exit;; esac; {note.format("pip")}')
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return tmp_path


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def bootstrap(repository: Path, kind: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", ".ci/bootstrap", kind],
        cwd=repository,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def calls(repository: Path) -> list[str]:
    noted = repository / "calls"
    return noted.read_text().splitlines() if noted.exists() else []


@pytest.mark.parametrize("kind", LOCKS)
def test_it_installs_what_is_locked_once(repository, kind):
    for _ in range(2):
        assert bootstrap(repository, kind).returncode == 0

    assert len(calls(repository)) == 1
    assert calls(repository)[0].startswith("uv pip sync")
    assert calls(repository)[0].endswith(f"--require-hashes requirements-{kind}.lock")


def test_a_changed_lock_is_installed(repository):
    bootstrap(repository, "local")
    (repository / "requirements-local.lock").write_text("something new")
    bootstrap(repository, "local")

    assert len(calls(repository)) == 2


def test_what_tests_need_is_good_for_the_demo_too(repository):
    bootstrap(repository, "dev")
    bootstrap(repository, "local")

    assert len(calls(repository)) == 1


def test_pip_does_the_work_where_uv_cannot(repository):
    program(repository / ".uv/bin/uv", "echo 'no such registry' >&2; exit 1")

    done = bootstrap(repository, "local")

    assert done.returncode == 0
    assert "no such registry" in done.stderr
    assert calls(repository) == [
        "pip -m pip --python .venv/bin/python install --quiet --require-hashes -r requirements-local.lock"
    ]


def test_a_failed_installation_is_tried_again_next_time(repository):
    program(repository / ".uv/bin/uv", "exit 1")
    program(repository / ".uv/bin/python", 'case "$1" in -c) exit;; esac; exit 1')

    assert bootstrap(repository, "local").returncode == 1
    assert not (repository / ".venv/installed-local").exists()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 127", "is not a Python 3.11 or newer"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
    ],
    ids=["not a Python", "without ensurepip"],
)
def test_an_unfit_python_is_named(repository, tmp_path, script, complaint):
    (repository / ".venv/bin/python").unlink()
    unfit = program(tmp_path / "unfit", script)

    done = bootstrap(repository, "local", PYTHON=str(unfit))

    assert done.returncode == 1
    assert complaint in done.stderr
    assert str(unfit) in done.stderr
