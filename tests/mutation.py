"""Mutation testing of the pure policy: every change to it that could be made by mistake has to fail a test.

    python -m tests.mutation                 all of it; some 25 minutes on two cores
    python -m tests.mutation '*.windows*'    what matches

The pure modules and their tests are copied to a folder of their own, so that no mutant can be hidden by what Django,
a database or a conftest does, and mutmut works there. It leaves decorated functions alone; a property is therefore
written as `name = property(name)` in the copy. Mutants that behave as the original does are listed, with the reason,
in tests/data/equivalent-mutants.json; any other that survives fails the run.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKSHOP = ROOT / ".data" / "mutation"
EQUIVALENT = ROOT / "tests" / "data" / "equivalent-mutants.json"
MUTMUT = Path(sys.executable).with_name("mutmut")

MUTATED = ("payments/policy", "disputes/policy.py", "credits/policy.py", "instainstru/money.py")
NEEDED = ("instainstru/refusals.py", "tests/policy", "tests/credits/test_policy.py")
PACKAGES = ("payments", "disputes", "credits", "instainstru", "tests", "tests/credits")

SETTINGS = """
[tool.mutmut]
source_paths = ["payments", "disputes", "credits", "instainstru"]
only_mutate = ["payments/policy/*.py", "disputes/policy.py", "credits/policy.py", "instainstru/money.py"]
pytest_add_cli_args = ["-p", "no:django", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=ci"]
pytest_add_cli_args_test_selection = ["tests"]
use_git_change_detection = false

[tool.pytest.ini_options]
markers = ["rule(number): the rule of the payment policy that a test holds"]
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change that no test noticed: in which function, which line became which."""

    name: str  # mutmut's own; it changes with the file
    function: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.function} ({self.name})\n    was      {self.was}\n    becomes  {self.becomes}"


def main(patterns: list[str]) -> int:
    """Mutate what matches, or all of it, and return 1 if a mutant survives that is not known to be equivalent."""
    _set_up()
    _mutmut("run", "--max-children", str(os.cpu_count() or 1), *patterns, quiet=False)
    statuses = dict(_statuses())
    known = {(each["function"], each["was"], each["becomes"]) for each in json.loads(EQUIVALENT.read_text())}
    survived = [_seen(name) for name, status in statuses.items() if status in ("survived", "no tests")]
    strangers = [mutant for mutant in survived if (mutant.function, mutant.was, mutant.becomes) not in known]

    print("\n".join(map(str, strangers)))
    print(f"{dict(Counter(statuses.values()))}; {len(survived) - len(strangers)} known to be equivalent, "
          f"{len(strangers)} to be killed")  # fmt: skip
    return bool(strangers)


# --- The folder in which mutmut works ---------------------------------------------------------------------------------


def _set_up() -> None:
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    for path in (*MUTATED, *NEEDED, *(f"{package}/__init__.py" for package in PACKAGES)):
        source, target = ROOT / path, WORKSHOP / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, target)
    for path in MUTATED:
        for module in [WORKSHOP / path] if path.endswith(".py") else (WORKSHOP / path).glob("*.py"):
            module.write_text(_without_decorated_properties(module.read_text()))
    (WORKSHOP / "pyproject.toml").write_text(SETTINGS)


def _without_decorated_properties(source: str) -> str:
    """Write `@property` as an assignment after the method, which comes to the same and can be mutated."""
    lines = source.splitlines()
    methods = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and _is_property(node)]
    for method in sorted(methods, key=lambda method: method.lineno, reverse=True):
        assert method.end_lineno is not None
        lines.insert(method.end_lineno, f"{' ' * method.col_offset}{method.name} = property({method.name})")
        del lines[method.decorator_list[0].lineno - 1]
    return "\n".join([*lines, ""])


def _is_property(method: ast.FunctionDef) -> bool:
    return [ast.unparse(decorator) for decorator in method.decorator_list] == ["property"]


# --- What mutmut says -------------------------------------------------------------------------------------------------


def _statuses() -> Iterator[tuple[str, str]]:
    for line in _mutmut("results", "--all", "true").splitlines():
        found = re.fullmatch(r"\s+(\S+__mutmut_\d+): (.+)", line)
        if found and found[2] != "not checked":
            yield found[1], found[2]


def _seen(name: str) -> Mutant:
    diff = [line for line in _mutmut("show", name).splitlines() if not line.startswith(("---", "+++", "@@", "#"))]
    return Mutant(
        name=name,
        function=_plain(name),
        was=_lines(line[1:] for line in diff if line.startswith("-")),
        becomes=_lines(line[1:] for line in diff if line.startswith("+")),
    )


def _plain(name: str) -> str:
    """Return `payments.policy.windows.window_at` of `payments.policy.windows.x_window_at__mutmut_3`."""
    return re.sub(
        r"\.x(?:ǁ(\w+?)ǁ|_)(\w+?)__mutmut_\d+$", lambda found: "." + ".".join(filter(None, found.groups())), name
    )


def _lines(changed: Iterable[str]) -> str:
    return " ".join(line.strip() for line in changed)


def _mutmut(*arguments: str, quiet: bool = True) -> str:
    process = subprocess.run(
        [str(MUTMUT), *arguments], cwd=WORKSHOP, text=True, stdout=subprocess.PIPE if quiet else None, check=quiet
    )
    return process.stdout or ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
