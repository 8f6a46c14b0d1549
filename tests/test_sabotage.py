"""Every mistake that `make sabotage` plants still has its place in the code."""

import pytest

from tests.sabotage import ROOT, SABOTAGES, Sabotage


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_a_sabotage_changes_exactly_one_place_and_leaves_python(tmp_path, sabotage: Sabotage) -> None:
    copy = tmp_path / sabotage.file
    copy.parent.mkdir(parents=True)
    copy.write_text((ROOT / sabotage.file).read_text())

    sabotage.breaks(tmp_path)

    assert copy.read_text() != (ROOT / sabotage.file).read_text()
    compile(copy.read_text(), sabotage.file, "exec")


def test_a_place_that_is_gone_is_said(tmp_path) -> None:
    (tmp_path / "engine.py").write_text("nothing of the kind")
    gone = Sabotage(name="gone", file="engine.py", was="something", becomes="else", asked=())

    with pytest.raises(ValueError, match="0 times"):
        gone.breaks(tmp_path)
