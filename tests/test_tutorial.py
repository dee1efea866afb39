"""The tutorial: it runs from top to bottom, what it measures holds, and what is committed is what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.library import Library
from catalog.notebook import Cell, Notebook, read

ROOT = Path(__file__).parent.parent
TUTORIAL = ROOT / "notebooks" / "tutorial_qlora.ipynb"
NUMBER = r"([-+.\de]+)"


def printed(notebook: Notebook) -> str:
    """All that it printed."""
    return "\n".join(output.text for cell in notebook.cells for output in cell.outputs)


def numbers(pattern: str, text: str) -> list[float]:
    """The numbers in the only place of a text that a pattern fits."""
    (found,) = re.findall(pattern.replace("#", NUMBER), text)
    return [float(number) for number in ([found] if isinstance(found, str) else found)]


def holds(text: str) -> None:
    """Assert what the tutorial teaches, on what it printed."""
    (full, full_linear), (eight, eight_linear), (four, four_linear) = (
        numbers(rf"(?m)^{name} +# MB +# MB$", text) for name in ("full", "8-bit", "4-bit")
    )
    assert full > eight > four
    assert eight_linear < 0.27 * full_linear, "8 bits of 32 and the scales"
    assert four_linear < 0.14 * full_linear, "4.127 bits of 32, and a code book for each layer"

    apart = [numbers(rf"(?m)^{name} .*KL divergence #$", text)[0] for name in ("full", "8-bit", "4-bit")]
    assert apart[0] == 0
    assert apart[1] < apart[2]

    means = [float(mean) for mean in re.findall(rf"mean loss of the last 20: {NUMBER}", text)]
    assert means[-1] < 0.95 * means[0]
    before, after = (
        re.findall(rf"(?m)^{word}: +loss {NUMBER}, right class {NUMBER}%$", text)[-1] for word in ("before", "after")
    )
    assert float(after[0]) < float(before[0]) - 0.5
    assert float(after[1]) >= float(before[1])

    (unmerged, spread) = numbers(r"not merged: loss #; logits with a standard deviation of #", text)
    ways = {way: numbers(rf"(?m)^{way} weights +# +# +#$", text) for way in ("4-bit", "original", "dequantised")}
    assert ways["dequantised"][0] == pytest.approx(unmerged, abs=2e-4)
    assert ways["dequantised"][2] < 1e-4, "merging into the dequantised weights moves nothing"
    for way in ("4-bit", "original"):
        assert ways[way][1] > 1e-3 * spread, "the other two do"
        assert ways[way][1] > 100 * ways["dequantised"][1]
    assert "loaded again, the same logits: True" in text


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    """The tutorial, run now."""
    out = tmp_path_factory.mktemp("tutorial") / "out.ipynb"
    command = [sys.executable, str(ROOT / "tests" / "notebooks.py"), str(TUTORIAL), "--out", str(out)]
    done = subprocess.run(
        [*command, "--set", 'DEVICE="cpu"'],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return read(out.read_bytes())


@pytest.fixture(scope="module")
def kept() -> Notebook:
    """The tutorial as it is committed, with the outputs of its last run."""
    return read(TUTORIAL.read_bytes())


def test_it_runs_and_what_it_measures_holds(fresh: Notebook) -> None:
    holds(printed(fresh))


def test_what_is_committed_holds_too(kept: Notebook) -> None:
    holds(printed(kept))


def test_what_is_committed_was_run_as_a_whole(kept: Notebook, fresh: Notebook) -> None:
    code = [cell for cell in kept.cells if cell.kind == "code"]
    assert [cell.number for cell in code] == list(range(1, len(code) + 1))

    def loud(cells: tuple[Cell, ...]) -> list[bool]:
        return [bool(cell.outputs) for cell in cells]

    assert loud(kept.cells) == loud(fresh.cells)
    assert not any(output.kind == "error" for cell in kept.cells for output in cell.outputs)


def test_what_is_committed_is_clean() -> None:
    values: dict[str, Any] = json.loads(TUTORIAL.read_text(encoding="utf-8"))
    assert set(values["metadata"]) == {"kernelspec", "language_info", "readrun"}
    for cell in values["cells"]:
        assert not cell["metadata"]
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr"
            assert not re.search(r"/(?:home|tmp|root|usr|var|Users)/|site-packages|Warning", json.dumps(output))


def test_it_says_what_it_was_written_for_as_its_paper_does(kept: Notebook) -> None:
    tutorials = Library.open(ROOT).papers()["dettmers2023qlora"].tutorials
    old, new = tutorials
    assert (old.name, old.date) == ("tutorial_qlora", "2024.01")
    assert dict(old.versions) == {"bitsandbytes": "0.41.3", "peft": "0.7.1"}
    assert (ROOT / "papers" / new.notebook).resolve() == TUTORIAL
    assert dict(kept.written_for) == dict(new.versions)
    assert set(kept.last_run.versions) == set(new.versions)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept.last_run.date)
    assert new.name == kept.title


def test_the_list_it_came_from_still_brings_nothing_new(tmp_path: Path, seed: bytes) -> None:
    shutil.copytree(ROOT / "papers", tmp_path / "papers")
    (tmp_path / "kb.toml").touch()
    Library.open(tmp_path).import_([("peft.md", seed)])
    for path in (tmp_path / "papers").iterdir():
        assert path.read_bytes() == (ROOT / "papers" / path.name).read_bytes()


def test_a_notebook_that_fails_or_is_noisy_is_not_kept(tmp_path: Path) -> None:
    body = TUTORIAL.read_text(encoding="utf-8")
    for source, told in (
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; print('x', file=sys.stderr)", "stderr"),
        (f"print({sys.prefix + '/x'!r})", "path"),
    ):
        values = json.loads(body)
        values["cells"] = [
            {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        ]
        path = tmp_path / "a.ipynb"
        path.write_text(json.dumps(values), encoding="utf-8")
        before = path.read_bytes()
        done = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "notebooks.py"), str(path)], capture_output=True, text=True
        )
        assert done.returncode == 1
        assert told in done.stderr
        assert path.read_bytes() == before
