"""Lists in formats that nobody has looked at: drawn at random, written, and read again."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

_BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _BENCHMARKS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


formats = _loaded("formats")
habits = _loaded("habits")  # it takes the works of formats

LEAST = {"T": 0.95, "A": 0.94, "V": 0.97, "Y": 0.98, "no more": 1.0}  # titles, names, venues, years, and nothing else
CITED = {"T": 0.98, "A": 0.99, "V": 0.97, "Y": 0.98, "no more": 1.0}
READ = {"T": 0.95, "S": 0.99, "D": 0.98, "no more": 1.0}  # titles, whether they have been read, and when
MANY = pytest.mark.nightly


def _hold(count: Counter[str], least: dict[str, float]) -> None:
    shares = {kind: count[kind] / count[f"{kind} of"] for kind in least}
    assert all(shares[kind] >= share for kind, share in least.items()), shares


@pytest.mark.parametrize(("drawn", "seed"), [(100, 11), pytest.param(2000, 12, marks=MANY, id="many")])
def test_a_list_is_understood_whatever_its_format(drawn: int, seed: int) -> None:
    _hold(formats.measure(drawn, seed)["all"], LEAST)


@pytest.mark.parametrize(("drawn", "seed"), [(60, 21), pytest.param(1000, 22, marks=MANY, id="many")])
def test_a_list_is_understood_however_it_cites_and_says_what_was_read(drawn: int, seed: int) -> None:
    counts = habits.measure(drawn, seed)
    _hold(counts["cited"], CITED)
    _hold(counts["read"], READ)
