"""What a bench is run with, and what of it must be the same for two numbers to stand in one table."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from refimpl._lab import LabError, models, tasks
from refimpl._lab.environment import environment
from refimpl._lab.score import Task
from refimpl._roster import ENTRIES, Entry, default_budget, entry_of
from refimpl._surgery import NoLayers

PACKAGE = Path(__file__).parents[1]
STEPS, BATCH, SEEDS, RATES = 80, 4, 3, 4
SEARCH_SEED = 0  # the learning rate is chosen with this seed; the seeds that are reported begin at 1
HELD_BACK = 8  # of the texts to train on, one in so many is held back while the rate is chosen


@dataclass(frozen=True, slots=True)
class Settings:
    """The same for every row of a table."""

    model: str
    task: str
    steps: int
    batch: int
    length: int
    seeds: tuple[int, ...]
    rates: int
    budget: int
    device: str
    dtype: str

    def scored(self) -> Task:
        """The task, at the length of these settings."""
        return _at_length(tasks.get(self.task), self.length)


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table before it is measured."""

    name: str
    setting: str  # "matched" or "own"
    settings: Settings
    options: dict[str, Any]
    grid: tuple[float, ...]
    why: str = ""  # what is wrong with it already

    @property
    def key(self) -> str:
        return f"{self.name}.{self.setting}"

    @property
    def entry(self) -> Entry:
        return entry_of(self.name)

    @property
    def budget(self) -> int | None:
        return self.settings.budget if self.setting == "matched" else None

    def stamp(self) -> str:
        """Changes when the implementation or the setting does: what was measured before is then measured anew."""
        source = (PACKAGE / f"{self.entry.module}.py").read_bytes() if self.entry.module else b""
        said = repr((self.grid, sorted(self.options.items(), key=str))).encode()
        return hashlib.sha256(source + said).hexdigest()[:16]


def same(settings: Settings, place: str, before: float, processes: int) -> dict[str, Any]:
    """What must not differ between two runs that fill one table."""
    around = environment(place, settings.dtype, SEARCH_SEED)
    facts = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}
    return facts | {
        "device": around["device"], "threads": around["threads"], "versions": around["versions"],
        "before": float(f"{before:.4g}"), "processes": processes,
    }  # fmt: skip


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """All in which two runs differ: "steps 80, not 2; rates 2, not 4"; "" where they are the same."""
    told = []
    for name in (name for name in new if old.get(name) != new[name]):
        was, now = old.get(name), new[name]
        if isinstance(was, dict) and isinstance(now, dict):
            told.append(f"{name} {difference(was, now)}")
        else:
            told.append(f"{name} {was}, not {now}")
    return "; ".join(told)


def cases(settings: Settings, base: Any, more: Iterable[str] = ()) -> list[Case]:
    """Every row, for this model: matched where the method has a size, and at the paper's own setting; and `more`."""
    found = []
    for entry in (*ENTRIES.values(), *map(entry_of, more)):
        for setting in ("matched", "own") if entry.matches else ("own",):
            budget = settings.budget if setting == "matched" else None
            grid = rates(entry, setting, base.get_input_embeddings().weight.shape[1], settings.rates)
            try:
                found.append(Case(entry.name, setting, settings, entry.options(base, budget), grid))
            except (ValueError, AttributeError) as e:
                found.append(Case(entry.name, setting, settings, {}, grid, first_line(e)))
    return found


def rates(entry: Entry, setting: str, width: int, count: int) -> tuple[float, ...]:
    """So many learning rates, each about three times the one before, around the one that the roster names."""
    middle = entry.rate_of(setting) * (models.WIDTH / width if entry.width else 1)
    return _ladder(round(2 * math.log10(middle)) - count // 2, count)


def factors(count: int) -> tuple[float, ...]:
    """What multiples of the middle rate are tried."""
    return _ladder(-(count // 2), count)


def _ladder(start: int, count: int) -> tuple[float, ...]:
    """… 0.1, 0.3, 1, 3 …, from the `start`-th after 1."""
    return tuple(float(f"{(1, 3)[place % 2]}e{place // 2}") for place in range(start, start + count))


def budget_of(asked: int | None, base: Any) -> int:
    """What was asked for, or that of LoRA of rank 2 on every Linear. Raises `LabError`."""
    if asked is not None and asked < 1:
        raise LabError(f"a budget of {asked} trains nothing; give the number of parameters to train")
    try:
        return asked or default_budget(base)
    except NoLayers:
        raise LabError("this model has no Linear to take a budget from; say with --budget how many to train") from None


def set_apart(task: Task) -> Task:
    """The same task with other held-out data, to choose a learning rate on: nothing of it is ever reported."""
    if isinstance(task, tasks.Text):
        whole = task.texts

        def texts() -> tuple[list[str], list[str]]:
            train, _ = whole()
            cut = max(1, len(train) // HELD_BACK)
            return train[:-cut], train[-cut:]

        return replace(task, texts=texts)
    if isinstance(task, tasks.Answers | tasks.Classes | tasks.Recall):
        return replace(task, start=task.cases)
    return task


def first_line(error: BaseException) -> str:
    """An error in one line."""
    said = str(error).strip().splitlines()
    return said[0][:300] if said else type(error).__name__


def name_of(model: str) -> str:
    """A model's name as a part of a file's name."""
    return "".join(c if c.isalnum() or c in "._" else "-" for c in Path(model).name)[:100] or "model"


def kind_of(device: str) -> str:
    """`cpu` or `cuda`. Raises `LabError`."""
    return models.device_of(device).partition(":")[0]


def _at_length(task: Task, length: int) -> Task:
    if isinstance(task, tasks.Answers | tasks.Text | tasks.Classes | tasks.Recall):
        return replace(task, length=length)
    return task
