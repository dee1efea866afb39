"""Ways of adapting one model to one task with the same effort: what each gets right, seed by seed.

Each way is tried at as many learning rates as any other, with a seed and on cases that are not reported (`search`); at
the best of them it is trained anew with every reported seed. Of `words` each seed has other invented words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

import torch

from refimpl._claims import Measured, shown
from refimpl._lab import loop, models, tasks
from refimpl._lab.answers import Answers
from refimpl._lab.loop import Data, Step

SEARCH_SEED, SEEDS = 0, (1, 2, 3)  # the rate is chosen with the first; what is reported has the others
APART = 1000  # where the words of the search begin


@dataclass(frozen=True, slots=True)
class Way:
    """`change(model, data)` makes a model ready to be trained, `step(model)` is a training step of its own.

    `rate` is the best of three that `search` tries: a third of it and three times as much are the others. What
    `finish` makes of the trained model is scored.
    """

    change: Callable[[Any, Data], Any]
    rate: float
    step: Callable[[Any], Step] | None = None
    finish: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """A near task, and for how long each way is trained on it."""

    task: str
    steps: int
    batch: int = 8
    cases: int = 100  # of `words` there are twelve

    def right(self, way: Way, device: str) -> list[float]:
        """The share of right answers for each seed."""
        return [self._score(way, way.rate, seed, self._task(seed, 0), device)[-1] for seed in SEEDS]

    def before_and_after(self, way: Way, device: str) -> tuple[list[float], list[float]]:
        """The same before `finish` and behind it."""
        pairs = [self._score(way, way.rate, seed, self._task(seed, 0), device) for seed in SEEDS]
        return [pair[0] for pair in pairs], [pair[-1] for pair in pairs]

    def search(self, way: Way, device: str) -> dict[float, float]:
        """The share of right answers, on other cases, at three rates."""
        apart = self._task(APART, self.cases)
        rates = (way.rate / 3, way.rate, way.rate * 3)
        return {rate: self._score(way, rate, SEARCH_SEED, apart, device)[-1] for rate in rates}

    def _task(self, words: int, cases: int) -> Answers:
        """`words` begins with its seed; another task at this case."""
        task = tasks.get(self.task)
        assert isinstance(task, Answers)
        return replace(task, start=words) if self.task == "words" else replace(task, cases=self.cases, start=cases)

    def _score(self, way: Way, rate: float, seed: int, task: Answers, device: str) -> list[float]:
        """After training; where something is done then, behind that, too."""
        model, tokenizer = models.load("tiny", device)
        torch.manual_seed(seed)
        changed = way.change(model, Data(tokenizer, task, self.batch, rate, seed))
        step = way.step(changed) if way.step else None
        loop.train(changed, tokenizer, task, self.steps, rate, self.batch, seed=seed, step=step)
        found = [task.evaluate(changed, tokenizer).value]
        return [*found, task.evaluate(way.finish(changed), tokenizer).value] if way.finish else found


def ahead(ours: list[float], others: list[float], what: str) -> Measured:
    """A direction: by how much `ours` is right more often, seed by seed, against the error of that mean."""
    gaps = [a - b for a, b in zip(ours, others, strict=True)]
    lead, error = fmean(gaps), stdev(gaps) / len(gaps) ** 0.5
    said = f"right answers {told(ours)}, ahead of {what} {told(others)} by"
    return shown(said, lead, lead > error, f"over its standard error, {error:.3f}")


def told(found: list[float]) -> str:
    """The mean, and each seed's: 0.83 (0.75, 0.92, 0.83)."""
    return f"{fmean(found):.2f} ({', '.join(f'{one:.2f}' for one in found)})"
