"""Which rule of the payment policy is decided where and proved by which tests: writes docs/policy-coverage.md.

    python -m tests.policy_coverage write    write the table anew
    python -m tests.policy_coverage check    fail if it is out of step, or if a rule has no test
    python -m tests.policy_coverage P10.3    name the tests of one rule

Where a rule is decided is read off the rule numbers in the source; what proves it, off the marker `rule` that tests and
worked cases carry. Nothing runs: tests are only collected, so this needs neither database nor Redis.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "policy-coverage.md"
RULES = ROOT / "tests" / "data" / "policy-rules.json"
CASES = "tests/data/scenarios"

# A rule is decided in a policy; what no policy can decide, where money and time move. The policy's words come last, and
# pages only show it.
APPS = ("instainstru/money.py", "payments", "bookings", "credits", "disputes")
POLICIES = ("payments/policy", "credits/policy.py", "instainstru/money.py")
WORDS = tuple(f"payments/policy/{module}.py" for module in ("accounts", "actions", "facts", "plan", "states"))
SHOWS = {"admin", "api", "web", "forms", "serializers", "migrations", "simulator", "management"}

TO_BE_BUILT = ("P8.", "P11")  # the next chapters; what is there of them is shown
_RULE = re.compile(r"\bP(?P<section>\d+)(?:\.(?P<number>\d+)(?: to P(?P=section)\.(?P<last>\d+))?)?(?![\d.]*\w)")
_SECTION = re.compile(r"\bsection (11|12)\b")

Where = dict[str, list[str]]  # rule -> names, in order


def main(arguments: list[str]) -> int:
    """Do what is asked and return the exit code."""
    match arguments:
        case ["write"]:
            TABLE.write_text(_table(_tests()))
            return 0
        case ["check"]:
            return _check()
        case [rule] if rule in _rules():
            print("\n".join(_tests()[rule]))
            return 0
    print(__doc__)
    return 2


def _check() -> int:
    tests, decided = _tests(), _decided()
    built = [rule for rule in _rules() if not _waits(rule)]
    wrong = [f"{rule} has no test." for rule in built if not tests[rule]]
    wrong += [f"Nothing says where {rule} is decided." for rule in built if not decided[rule]]
    wrong += [f"A test names {rule}, which the policy hasn't." for rule in sorted(tests.keys() - _rules().keys())]
    before, after = TABLE.read_text() if TABLE.exists() else "", _table(tests)
    if before != after:
        names = {"fromfile": "docs/policy-coverage.md", "tofile": "as it should be"}
        wrong += difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0, **names)
        wrong.append("Tests or rules have changed: make policy-coverage")
    print("\n".join(wrong), end="\n" * bool(wrong))
    return bool(wrong)


def _rules() -> dict[str, dict[str, str]]:
    return {rule["rule"]: rule for rule in json.loads(RULES.read_text())}


def _waits(rule: str) -> bool:
    return rule.startswith(TO_BE_BUILT) or _rules()[rule].get("comes_with", "").startswith(TO_BE_BUILT)


# --- The table --------------------------------------------------------------------------------------------------------


def _table(tests: Where) -> str:
    decided = _decided()
    lines = [
        "# The payment policy: rule, where it is decided, what proves it",
        "",
        "Made by `make policy-coverage`; `make check` fails when it is out of step. The names of one rule's tests:",
        "`python -m tests.policy_coverage P10.3`.",
        "",
        "| rule | says | decided in | proved by |",
        "|---|---|---|---|",
    ]
    for rule, row in _rules().items():
        places, proofs = _links(decided[rule]), _links(_files(tests[rule]), short="tests/")
        lines.append(f"| {rule} | {row['says']} | {places or 'not yet'} | {proofs or 'not yet'} |")
    return "\n".join([*lines, ""])


def _links(files: Iterable[str], *, short: str = "") -> str:
    return ", ".join(f"[{file.removeprefix(short).removesuffix('.py')}](../{file})" for file in files)


def _files(tests: Iterable[str]) -> list[str]:
    return sorted({test.partition("::")[0] for test in tests})


# --- Where a rule is decided ------------------------------------------------------------------------------------------


def _decided() -> Where:
    policies: Where = defaultdict(list)
    others: Where = defaultdict(list)
    words: Where = defaultdict(list)
    for file in _sources():
        found = words if file in WORDS else policies if file.startswith(POLICIES) else others
        for rule in _rules_in((ROOT / file).read_text()):
            found[rule].append(file)
    return defaultdict(list, {rule: policies[rule] or others[rule] or words[rule] for rule in _rules()})


def _sources() -> Iterator[str]:
    for app in APPS:
        for path in sorted([ROOT / app] if app.endswith(".py") else (ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if not SHOWS.intersection(part.removesuffix(".py") for part in parts):
                yield "/".join(parts)


def _rules_in(text: str) -> set[str]:
    found = {f"P{section}" for section in _SECTION.findall(text)}
    for rule in _RULE.finditer(text):
        section, number = rule["section"], rule["number"]
        if number is None:
            found.add(f"P{section}")
        else:
            found |= {f"P{section}.{each}" for each in range(int(number), int(rule["last"] or number) + 1)}
    return found


# --- What proves it ---------------------------------------------------------------------------------------------------


class _Collector:
    """A pytest plugin that keeps the tests of each rule; a worked case counts as its file of cases."""

    def __init__(self) -> None:
        self.tests: Where = defaultdict(list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for marker in item.iter_markers("rule"):
                self.tests[marker.args[0]].append(_name(item))


def _name(item: pytest.Item) -> str:
    file, case = item.nodeid.partition("::")[0], getattr(item, "callspec", None)
    if case is not None and (ROOT / CASES / f"{case.id.partition('/')[0]}.json").exists():
        group, _, name = case.id.partition("/")
        return f"{CASES}/{group}.json::{name}"
    return f"{file}::{item.name}"


def _tests() -> Where:
    collector, said = _Collector(), io.StringIO()
    for server, nowhere in (
        ("DATABASE_URL", "postgresql://none@127.0.0.1:1/none"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
    ):
        os.environ[server] = nowhere  # in place of `-p tests.seat`, which would start what nobody needs here
    options = ["--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "--import-mode=importlib"]
    with contextlib.redirect_stdout(said), contextlib.chdir(ROOT):
        code = pytest.main(options, plugins=[collector])
    if code != pytest.ExitCode.OK:
        print(said.getvalue())
        raise SystemExit(code)
    return collector.tests


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
