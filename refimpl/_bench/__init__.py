"""One table for all: every way of adapting a model, on the same model, data, steps and evaluation.

Each method is measured at a budget of trained parameters that is about the same for all, and at its paper's own
setting. For each, the same number of learning rates is tried with a seed and on data that are not reported; the best is
then trained with every reported seed. Each cell of the table is handed to `keep` as soon as it is known, and what is
known already is not measured again. A method that fails is a row that says why.
"""

from __future__ import annotations

import difflib
import gc
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from refimpl._bench import cells, rows
from refimpl._bench.settings import (
    BATCH,
    RATES,
    SEARCH_SEED,
    SEEDS,
    STEPS,
    Case,
    Settings,
    budget_of,
    cases,
    difference,
    factors,
    first_line,
    same,
)
from refimpl._bench.settings import kind_of as kind_of
from refimpl._bench.settings import name_of as name_of
from refimpl._lab import LabError, measure, models, tasks
from refimpl._lab.loop import Progress
from refimpl._lab.score import Better
from refimpl._peft_format import CONFIG
from refimpl._roster import ENTRIES, rows_of

Record = dict[str, Any]
Keep = Callable[[Record], None]
Report = Callable[[dict[str, Any]], None]


def bench(
    names: Iterable[str] = (),
    *,
    model: str = "tiny",
    task: str = "kind",
    budget: int | None = None,
    steps: int = STEPS,
    batch: int = BATCH,
    length: int | None = None,
    seeds: int = SEEDS,
    rates: int = RATES,
    device: str = "auto",
    dtype: str = "float32",
    command: str = "",
    known: Record | None = None,
    restart: bool = False,
    ray: str | None = None,
    keep: Keep = lambda _: None,
    report: Report = lambda _: None,
) -> Record:
    """Fill the table for the methods named, or for all. `known` is a record to go on from.

    `ray` is the address of a cluster whose machines compute the cells.

    `command` are the options as they were typed, for the record. `report` is told of every step, and of every row that
    is finished. Raises `LabError` with the remedy.
    """
    wanted = chosen(names)
    if min(steps, batch, seeds, rates) < 1:
        raise LabError(f"{steps} steps, a batch of {batch}, {seeds} seeds, {rates} rates: 1 is the least of each")
    place = models.device_of(device)
    scored = tasks.get(task)
    base, tokenizer = models.load(model, place, dtype)
    several = _several(place)
    settings = Settings(
        model, task, steps, batch, length or scored.length, tuple(range(SEARCH_SEED + 1, SEARCH_SEED + 1 + seeds)),
        rates, budget_of(budget, base), place, dtype,
    )  # fmt: skip
    before = settings.scored().evaluate(base, tokenizer).value
    more = dict.fromkeys(name for name in [*wanted, *_configured(known)] if name not in ENTRIES)
    table = Table(settings, cases(settings, base, more), before, command, several.count)
    del base
    table.go_on(several(known), [case.key for case in table.cases if case.name in wanted], restart)
    if not several.first:
        keep, report = (lambda _: None), (lambda _: None)
    gc.freeze()  # what is there already need not be looked through after every cell
    mine = table.begun(wanted)
    try:
        if ray is None:
            table.fill(mine, several, keep, report)
        else:
            from refimpl._bench.cluster import spread

            spread(ray, table, mine, keep, report)
    finally:
        gc.unfreeze()
    return table.record()


def _configured(known: Record | None) -> list[str]:
    """The rows of a record that came from a configuration of peft, as far as that is still there."""
    cells = (known or {}).get("cells")
    done = cells.get("done") if isinstance(cells, dict) else None
    names = [key.removesuffix(".own") for key in done or {}]
    return [name for name in names if ":" in name and (Path(name.partition(":")[2]) / CONFIG).is_file()]


def chosen(names: Iterable[str]) -> list[str]:
    """The entries of these names or implementations, all where none is named. Raises `LabError`.

    A folder with a configuration of peft is LoRA as that has it, and the library's own layers beside.
    """
    found: dict[str, None] = {}
    for name in names:
        if (Path(name) / CONFIG).is_file():
            found |= dict.fromkeys(rows_of(name))
            continue
        same_file = [entry.name for entry in ENTRIES.values() if name in (entry.name, entry.module)]
        if not same_file:
            near = difflib.get_close_matches(name, ENTRIES, n=1, cutoff=0.5)
            meant = f"did you mean {near[0]}? There are" if near else "there are"
            raise LabError(f"no method {name!r} to compare; {meant} {', '.join(ENTRIES)}")
        found |= dict.fromkeys(same_file)
    return list(found) or list(ENTRIES)


class Table:
    """What is known so far, and how to know the rest."""

    def __init__(self, settings: Settings, of: list[Case], before: float, typed: str, processes: int) -> None:
        self.settings, self.cases, self.before, self.typed, self.processes = settings, of, before, typed, processes
        self.better: Better = settings.scored().better
        self.same = same(settings, settings.device, before, processes)
        self.now = self.environment = measure.environment(settings.device, settings.dtype, SEARCH_SEED)
        self.found: dict[str, rows.Measured] = {}

    def go_on(self, known: Record | None, keys: list[str], restart: bool) -> None:
        """Take over what was measured with these settings; with `restart`, less the rows of these keys."""
        if not known:
            return
        try:
            differs = difference(known["cells"]["same"], self.same)
            stamps = {case.key: case.stamp() for case in self.cases}
            kept = {key: cells for key, cells in known["cells"]["done"].items() if stamps.get(key) == cells["stamp"]}
            for case in self.cases:
                if case.key in kept:
                    rows.left(kept[case.key], case, self.better)
                    rows.row(kept[case.key], self.better)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
            if not restart:
                raise LabError(f"the record cannot be read ({first_line(e)}); --restart begins again") from None
            return
        if differs and not restart:
            raise LabError(f"the record was measured with other settings ({differs}); --restart begins again")
        self.found = {} if differs else {k: cells for k, cells in kept.items() if not (restart and k in keys)}
        self.environment = known["environment"] if self.found else self.now

    def begun(self, wanted: list[str]) -> list[Case]:
        """The rows of these methods, with what is known of each."""
        mine = [case for case in self.cases if case.name in wanted]
        for case in mine:
            self.found.setdefault(case.key, rows.begun(case) | ({"why": case.why} if case.why else {}))
        return mine

    def fill(self, mine: list[Case], several: Several, keep: Keep, report: Report) -> None:
        """Measure what is missing of these rows, cell by cell."""
        for case in mine:
            fresh = False
            while todo := self._left(case):
                kind, which = todo[0]
                doing = self.doing(case, kind, which, mine)
                report(doing)
                run = partial(cells.cell, case, kind, which, self.rate(case), _told(report, doing))
                self.put(case, kind, which, several(attempt(run, several, kind)))
                fresh = True
                keep(self.record())
            if fresh or case.why:
                report({"finished": self.row(case)})
        keep(self.record())

    def doing(self, case: Case, kind: str, which: str, mine: list[Case]) -> dict[str, Any]:
        """What is told of a cell when it begins."""
        left = sum(len(self._left(other)) for other in mine)
        return {"title": case.entry.title, "setting": case.setting, "kind": kind, "which": which, "left": left}

    def put(self, case: Case, kind: str, which: str, cell: cells.Cell) -> None:
        """Note what was measured; rates and seeds in their order, in whatever order they come to an end."""
        there = self.found[case.key]
        if kind in ("rates", "seeds"):
            there[kind] = dict(sorted({**there[kind], which: cell}.items(), key=lambda one: float(one[0])))
        else:
            there[kind] = cell
        self.environment = self.now

    def row(self, case: Case) -> dict[str, Any]:
        """A row as the record has it."""
        return rows.row(self.found[case.key], self.better)

    def rate(self, case: Case) -> float | None:
        """The learning rate that was best, as far as they were tried."""
        return rows.chosen_rate(self.found[case.key], self.better)

    def ready(self, case: Case) -> list[tuple[str, str]]:
        """The cells that can be measured now, in any order: first all rates, as the others need the best."""
        left = self._left(case)
        return [cell for cell in left if cell[0] == "rates"] or left

    def _left(self, case: Case) -> list[tuple[str, str]]:
        return rows.left(self.found[case.key], case, self.better)

    def record(self) -> Record:
        """For `runs/`: the rows that are finished, and the cells of all."""
        s, scored = self.settings, self.settings.scored()
        whole = [case for case in self.cases if case.key in self.found and not self._left(case)]
        made = [rows.row(self.found[case.key], self.better) for case in whole]
        return {
            "command": self._command(),
            "model": s.model,
            "task": s.task,
            "metric": {"name": scored.metric, "better": scored.better},
            "steps": s.steps,
            "batch": s.batch,
            "length": s.length,
            "seeds": list(s.seeds),
            "rates": list(factors(s.rates)),  # of the rate in the middle of each method's own, which stand in its row
            "budget": s.budget,
            "before": self.before,
            "environment": self.environment,
            "rows": made,
            "cells": {"same": self.same, "done": self.found},
        }

    def _command(self) -> str:
        """What makes this table."""
        there = list(dict.fromkeys(case.name for case in self.cases if case.key in self.found))
        launched = f"accelerate launch --multi_gpu --num_processes {self.processes} -m catalog bench"
        names = there if len(there) < len(ENTRIES) else []
        return " ".join(filter(None, [launched if self.processes > 1 else "kb bench", *names, self.typed]))


class Several:
    """The processes that `accelerate launch` started: each trains its share, the first alone measures and writes."""

    def __init__(self, count: int, first: bool) -> None:
        self.count, self.first = count, first

    def __call__(self, said: Any) -> Any:
        """What the first process says, in all of them."""
        return broadcast_object_list([said])[0] if self.count > 1 else said


def _several(place: str) -> Several:
    state = PartialState(cpu=place == "cpu")
    return Several(state.num_processes, state.is_main_process)


def attempt(run: Callable[[], cells.Cell], several: Several, kind: str) -> cells.Cell:
    """A cell, or why there is none. Memory and inference are for the first process alone."""
    if kind not in ("rates", "seeds") and not several.first:
        return {}
    try:
        with models.out_of_memory("for these settings"):
            return run()
    except Exception as e:  # whatever goes wrong with one method is its row's, and the others go on
        return {
            "why": first_line(e) if isinstance(e, LabError | ValueError) else f"{type(e).__name__}: {first_line(e)}"
        }
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _told(report: Report, doing: dict[str, Any]) -> Progress:
    return lambda step, steps, loss: report(doing | {"step": step, "steps": steps, "loss": loss})
