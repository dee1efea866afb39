"""What is measured of one row: a training run and its score, the memory of a few steps, the time of a forward pass."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import nn

from refimpl._bench.settings import SEARCH_SEED, Case, Settings, set_apart
from refimpl._lab import LabError, loop, measure, models, tasks
from refimpl._lab.generate import evaluating
from refimpl._lab.loop import Data, Progress
from refimpl._lab.losses import Batch, logits_of
from refimpl._lab.score import Better, Sample, Score, Task

Cell = dict[str, Any]
ROUNDS, MEMORY_STEPS = 9, 2
PEAK_CPU, PEAK_CUDA = "model and training, in a process of their own", "the GPU's tensors"
_LAUNCHED = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def cell(case: Case, kind: str, which: str, rate: float | None, progress: Progress | None = None) -> Cell:
    """The cell of a row: a rate that is tried, a seed that is reported, memory or inference; at the rate chosen."""
    if kind == "rates":
        return searched(case, float(which), progress)
    if kind == "inference":
        return inference(case)
    assert rate is not None
    return reported(case, rate, int(which), progress) if kind == "seeds" else memory(case, rate)


def searched(case: Case, rate: float, progress: Progress | None = None) -> Cell:
    """One learning rate, scored on data set apart."""
    apart = set_apart(case.settings.scored())
    return {"value": _trained(case, apart, rate, SEARCH_SEED, progress)["value"]}


def reported(case: Case, rate: float, seed: int, progress: Progress | None = None) -> Cell:
    """One seed at the chosen rate, scored on the task's held-out data; what training cost, and what it forgot."""
    return _trained(case, case.settings.scored(), rate, seed, progress, whole=True)


def _trained(case: Case, task: Task, rate: float, seed: int, progress: Progress | None, whole: bool = False) -> Cell:
    settings, entry = case.settings, case.entry
    base, tokenizer = models.load(settings.model, settings.device, settings.dtype)
    place = str(next(base.parameters()).device)
    measure.reset_peak(place)
    torch.manual_seed(seed)
    data = Data(tokenizer, task, settings.batch, rate, seed)
    model = entry.adapt(base, case.budget, data).model
    size = measure.size(model)
    if not entry.gradients_first:  # what applying a method takes for a moment is not training
        measure.reset_peak(place)
    history = loop.train(
        model, tokenizer, task, settings.steps, rate, settings.batch, seed=seed,
        step=entry.step(model), optimiser=entry.optimiser(place), progress=progress,
    )  # fmt: skip
    peak = measure.peak_bytes(place) if place.startswith("cuda") else None
    history.demand_numbers()
    kept = entry.finish(model)
    value = task.evaluate(kept, tokenizer).value
    if not math.isfinite(value):
        raise LabError("the metric is no longer a number")
    return {
        "value": value,
        "parameters": size.trainable,
        "share": size.share,
        "adapter_bytes": measure.size(kept).adapter_bytes + _bytes(kept, entry.buffers),
        "seconds_a_step": history.seconds_per_step,
        "cpu_seconds_a_step": history.cpu_seconds_per_step,
        "peak": peak,
        "processes": history.processes,
        "halved": halved(history.losses),
        "forgotten": _nats(kept, tokenizer) - _before(settings.model, settings.device, settings.dtype)
        if whole
        else None,
    }


def halved(losses: Sequence[float]) -> int | None:
    """The step at which the mean of five losses is first at most half of the first loss; None where it never is."""
    means = (statistics.fmean(losses[max(0, at - 4) : at + 1]) for at in range(len(losses)))
    return next((at + 1 for at, mean in enumerate(means) if mean <= losses[0] / 2), None)


def _nats(model: nn.Module, tokenizer: Any) -> float:
    """A token of the glosses that the base has read the like of."""
    return replace(tasks.glosses(), rows=8).evaluate(model, tokenizer).value


@functools.cache
def _before(model: str, device: str, dtype: str) -> float:
    return _nats(*models.load(model, device, dtype))


def _bytes(model: nn.Module, buffers: tuple[str, ...]) -> int:
    return sum(b.nbytes for name, b in model.named_buffers() if name.rpartition(".")[2] in buffers)


def memory(case: Case, rate: float) -> Cell:
    """The peak of two steps in a process of their own. On a GPU the training runs have read it already."""
    if case.settings.device.startswith("cuda"):
        return {"peak_of": PEAK_CUDA}
    settings = asdict(case.settings)
    with _alone():
        found = measure.peak_in_child("refimpl._bench.cells:two_steps", case.name, case.setting, settings, rate)
    return {"peak": found.extra if found.peak else None, "peak_of": PEAK_CPU}


def two_steps(name: str, setting: str, said: dict[str, Any], rate: float) -> Callable[[], object]:
    """What that process runs: everything that is not the model and its training is done first, and let go."""
    settings = Settings(**said | {"seeds": tuple(said["seeds"])})
    case = Case(name, setting, settings, {}, ())
    model, tokenizer = models.load(settings.model, settings.device, settings.dtype)
    task = settings.scored()
    drawn = _Drawn(task, tuple(islice(task.batches(tokenizer, settings.length, settings.batch, 0), 16)))
    with torch.no_grad():
        logits_of(model, drawn.rows[0])  # the first forward pass of a process sets up its libraries
    del model
    _let_go()

    def work() -> None:
        model, _ = models.load(settings.model, settings.device, settings.dtype)
        measure.reset_peak()
        adapted = case.entry.adapt(model, case.budget, Data(tokenizer, drawn, settings.batch, rate, 0)).model
        if not case.entry.gradients_first:
            _let_go()
            measure.reset_peak()
        step, optimiser = case.entry.step(adapted), case.entry.optimiser("cpu")
        loop.train(
            adapted, tokenizer, drawn, MEMORY_STEPS, rate, settings.batch, step=step, optimiser=optimiser
        )  # fmt: skip

    return work


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A task whose batches have been drawn."""

    task: Task
    rows: tuple[Batch, ...]

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def metric(self) -> str:
        return self.task.metric

    @property
    def better(self) -> Better:
        return self.task.better

    @property
    def length(self) -> int:
        return self.task.length

    def batches(self, _tokenizer: Any, _length: int, _batch: int, _seed: int) -> Iterator[Batch]:
        while True:
            yield from self.rows

    def evaluate(self, model: nn.Module, tokenizer: Any) -> Score:
        return self.task.evaluate(model, tokenizer)

    def samples(self, model: nn.Module, tokenizer: Any, n: int = 2) -> list[Sample]:
        return self.task.samples(model, tokenizer, n)


def inference(case: Case) -> Cell:
    """A forward pass against the base's, turn by turn; and after merging. What is trained does not matter to it."""
    settings, entry = case.settings, case.entry
    base, tokenizer = models.load(settings.model, settings.device, settings.dtype)
    other, _ = models.load(settings.model, settings.device, settings.dtype)
    model = entry.finish(entry.adapt(other, case.budget).model)
    task = settings.scored()
    rows = next(task.batches(tokenizer, settings.length, settings.batch, SEARCH_SEED))
    batch = {name: tensor.to(next(base.parameters()).device) for name, tensor in rows.items()}
    ratio = against(base, model, batch)
    merged = entry.merge(model)
    if merged is None:
        return {"ratio": ratio, "merged": None, "merged_bytes": None}
    size = sum(t.nbytes for t in (*merged.parameters(), *merged.buffers()))
    return {"ratio": ratio, "merged": against(base, merged, batch), "merged_bytes": size}


@torch.no_grad()
def against(base: nn.Module, model: nn.Module, batch: Batch, rounds: int = ROUNDS) -> float:
    """How many times as long a forward pass takes: the median of several turns, after one that does not count."""
    ratios = []
    with evaluating(base), evaluating(model):
        for _ in range(rounds + 1):
            first = _timed(base, batch)
            ratios.append(_timed(model, batch) / first)
    return statistics.median(ratios[1:])


def _timed(model: nn.Module, batch: Batch) -> float:
    """Seconds of the GPU, or of the processor, which other programs do not lengthen."""
    cuda = batch["input_ids"].is_cuda
    if cuda:
        torch.cuda.synchronize()
    clock = time.perf_counter if cuda else time.process_time
    begun = clock()
    logits_of(model, batch)
    if cuda:
        torch.cuda.synchronize()
    return clock() - begun


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """A child of this process is not one of those that `accelerate launch` started."""
    launched = {name: os.environ.pop(name) for name in _LAUNCHED if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(launched)


def _let_go() -> None:
    """Give freed memory back to the system, where the C library can."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
