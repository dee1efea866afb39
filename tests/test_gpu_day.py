"""What `make gpu` runs, as far as it can be tried without a GPU: its slices, its record, and a step of each variant."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from refimpl import cards

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "gpu"


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"gpu_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def slices() -> Any:
    return script("slices")


@pytest.fixture(scope="module")
def ladder() -> Any:
    return script("ladder")


def asked(module: Any, *words: str) -> Any:
    return module.parser().parse_args(words)


def test_every_method_and_every_step_has_a_slice_of_its_own(slices: Any, ladder: Any) -> None:
    there = {one.name: one for one in slices.slices("cuda")}
    assert len(there) == len(list(slices.slices("cuda")))
    assert {card.name for card in cards()} == {
        name.removeprefix("claims-") for name in there if name.startswith("claims-")
    }
    assert all(one.command[2] in ladder.SIZES for name, one in there.items() if name.startswith("steps-"))
    assert all(one.command[3] in ladder.VARIANTS for name, one in there.items() if name.startswith("steps-"))
    assert there["two-devices"].devices == 2
    assert slices.SECONDS <= 9 * 60


def test_what_is_done_is_not_done_again_and_what_was_stopped_goes_on(
    slices: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(slices, "RECORD", tmp_path / "runs" / "gpu.json")
    monkeypatch.setattr(slices, "devices", lambda: 1)
    good, bad, long = (
        slices.Slice(name, (sys.executable, "-c", code), goes_on=name == "long")
        for name, code in (("good", "print(1)"), ("bad", "raise SystemExit(3)"), ("long", "import time; time.sleep(9)"))
    )
    monkeypatch.setattr(slices, "SECONDS", 0.5)
    assert slices.run(long, 0.3)["status"] == "goes on"
    monkeypatch.setattr(slices, "slices", lambda _: iter([good, bad]))
    assert slices.main(asked(slices)) == 1
    first = json.loads((tmp_path / "runs" / "gpu.json").read_text())
    assert {name: row["status"] for name, row in first.items()} == {"good": "done", "bad": "exit 3"}
    assert slices.main(asked(slices)) == 0
    assert json.loads((tmp_path / "runs" / "gpu.json").read_text()) == first
    assert slices.main(asked(slices, "bad")) == 1


def test_a_day_without_a_gpu_is_refused_in_one_line(slices: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "devices", lambda: 0)
    with pytest.raises(SystemExit, match="sees no GPU"):
        slices.main(asked(slices))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by an old name
@pytest.mark.parametrize(
    "variant",
    [
        *("lora", "qlora", "lomo"),
        *(pytest.param(name, marks=pytest.mark.nightly) for name in ("lora-peft", "qlora-peft", "lomo-optim", "full")),
    ],
)
def test_a_step_of_each_variant_runs_without_a_gpu(ladder: Any, variant: str, tmp_path: Path) -> None:
    options = ("--device", "cpu", "--dtype", "float32", "--length", "16", "--steps", "2", "--out", str(tmp_path))
    ladder.main(asked(ladder, "toy", variant, *options))
    (row,) = json.loads((tmp_path / "ladder.cpu.json").read_text()).values()
    assert len(row["losses"]) == 2
    assert all(0 < loss < 20 for loss in row["losses"])


def test_eight_billion_numbers_are_counted_without_one_being_made(ladder: Any, tmp_path: Path) -> None:
    ladder.main(asked(ladder, "8B", "lora", "--device", "meta", "--out", str(tmp_path)))
    (row,) = json.loads((tmp_path / "ladder.meta.json").read_text()).values()
    assert 15e9 < row["weights_bytes"] < 17e9
    assert row["moments_bytes"] == 2 * row["gradients_bytes"] < 1e9


def test_long_rows_and_other_attention_run_without_a_gpu(ladder: Any, tmp_path: Path) -> None:
    options = ("--device", "cpu", "--dtype", "float32", "--steps", "1", "--out", str(tmp_path))
    ladder.main(asked(ladder, "toy", "longlora", "--context", "64", *options))
    ladder.main(asked(ladder, "toy", "lora", "--attention", "eager", "--length", "16", *options))
    assert len(json.loads((tmp_path / "ladder.cpu.json").read_text())) == 2
