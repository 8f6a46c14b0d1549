"""Break the engine on purpose, one way at a time, and see whether the suite notices.

    python -m tests.sabotage                 every way; some minutes
    python -m tests.sabotage reversal        those with this in their name

The tree is copied, the copy is patched, the tests that are to notice run there, the copy is mended, and the test that
failed has to pass again: what is broken never stands where anybody works. A way that nothing notices fails the run, and
so does one whose place in the code is not there any more; `tests/test_sabotage.py` says that in the suite already.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKSHOP = ROOT / ".data" / "sabotage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One mistake: in which file, what becomes what, and where the suite is asked first."""

    name: str
    file: str
    was: str
    becomes: str
    asked: tuple[str, ...]

    def breaks(self, root: Path) -> None:
        """Patch the file. Raises ValueError unless the place is there exactly once."""
        path = root / self.file
        source = path.read_text()
        if source.count(self.was) != 1:
            raise ValueError(f"{self.name}: {self.file} has the place {source.count(self.was)} times.")
        path.write_text(source.replace(self.was, self.becomes))


SABOTAGES = (
    Sabotage(
        name="a key minted anew on each retry",
        file="payments/engine.py",
        was="gateway.send(call, step.parameters, key=step.idempotency_key)",
        becomes='gateway.send(call, step.parameters, key=f"{step.idempotency_key}/{step.times_sent}")',
        asked=("tests/payments", "tests/crash"),
    ),
    Sabotage(
        name="finish applied twice",
        file="payments/operations/lifecycle.py",
        was="            conclude_operation(subject, ours, steps, in_flight, moved=moved, now=now)\n",
        becomes=(
            "            conclude_operation(subject, ours, steps, in_flight, moved=moved, now=now)\n"
            "            conclude_operation(subject, ours, steps, in_flight, now=now)\n"
        ),
        asked=("tests/payments", "tests/crash"),
    ),
    Sabotage(
        name="what an end gives given once more on a retry",
        file="payments/operations/applying.py",
        was="    if operation.gave:  # resumed after a refusal",
        becomes="    if not operation:  # resumed after a refusal",
        asked=("tests/rules", "tests/payments"),
    ),
    Sabotage(
        name="a refused reversal ignored",
        file="payments/engine.py",
        was="    if not _write_verdict(step, answer, now=now):\n",
        becomes=(
            "    if step.call == Call.REVERSE and answer.verdict == Verdict.REFUSED:\n"
            "        answer = Answer(verdict=Verdict.SUCCEEDED, object_id=answer.object_id)\n"
            "    if not _write_verdict(step, answer, now=now):\n"
        ),
        asked=("tests/rules", "tests/payments"),
    ),
    Sabotage(
        name="credits reserved without a lock",
        file="credits/operations/lots.py",
        was="    lock_wallet(student_id)\n    lots = CreditLot.objects.filter(wallet_id=student_id).spendable(at=now)",
        becomes="    lots = CreditLot.objects.filter(wallet_id=student_id).spendable(at=now)",
        asked=("tests/concurrency", "tests/credits"),
    ),
    Sabotage(
        name="no answer taken for a no",
        file="payments/gateway/answers.py",
        was="return unknown(because, is_replayed_failure=is_replayed_failure)",
        becomes='return refused(Fault.OTHER, code="no_answer", message=str(error))',
        asked=("tests/payments", "tests/crash"),
    ),
    Sabotage(
        name="a refused charge does not stop what follows it",
        file="payments/engine.py",
        was="return answer.verdict != Verdict.SUCCEEDED and operation.kind not in EACH_CALL_BY_ITSELF",
        becomes="return answer.verdict == Verdict.ACTION_REQUIRED and operation.kind not in EACH_CALL_BY_ITSELF",
        asked=("tests/payments", "tests/rules"),
    ),
    Sabotage(
        name="sent on while a case is open",
        file="payments/engine.py",
        was="        if freezes.halts(payment, Action(operation.kind)):\n            return None\n",
        becomes="",
        asked=("tests/disputes", "tests/races"),
    ),
)


def main(wanted: list[str]) -> int:
    """Try each sabotage whose name has one of these words in it, or all; return 1 if one goes unnoticed."""
    tried = [sabotage for sabotage in SABOTAGES if not wanted or any(word in sabotage.name for word in wanted)]
    _copy_the_tree()
    unnoticed = [sabotage.name for sabotage in tried if not _is_noticed(sabotage)]
    print("\n".join([f"\n{len(tried) - len(unnoticed)} of {len(tried)} noticed.", *unnoticed]))
    return bool(unnoticed) or not tried


def _is_noticed(sabotage: Sabotage) -> bool:
    """Whether a test fails in the copy while it is broken so, and passes once it is mended; says which one."""
    print(f"{sabotage.name} ({sabotage.file}) ... ", end="", flush=True)
    place = WORKSHOP / sabotage.file
    sound = place.read_text()
    sabotage.breaks(WORKSHOP)
    broken = _pytest("-x", "-n", "2", *sabotage.asked)
    place.write_text(sound)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", broken.stdout, flags=re.MULTILINE)
    if not failed:
        print("NOT noticed", *broken.stdout.splitlines()[-5:], sep="\n    ")
        return False
    mended = _pytest(failed[0])
    if mended.returncode:
        print(f"{failed[0]} fails without it, too", *mended.stdout.splitlines()[-5:], sep="\n    ")
        return False
    print(f"noticed by {failed[0]}")
    return True


def _pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=WORKSHOP,
        env=os.environ | {"INSTAINSTRU_DATA": str(ROOT / ".data"), "COLUMNS": "200"},  # the servers that stand already
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _copy_the_tree() -> None:
    """Copy what git knows, as it stands in the working tree."""
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (source := ROOT / name).is_file():
            target = WORKSHOP / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    finally:
        shutil.rmtree(WORKSHOP, ignore_errors=True)
