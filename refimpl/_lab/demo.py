"""A method on a base model and a task, before and after, as a record. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab import adapter, measure, models, tasks
from refimpl._lab.answers import Answers
from refimpl._lab.loop import Data, History, Optimiser, Progress, Step, adamw, train
from refimpl._lab.score import Sample, Score, Task

Look = tuple[Score, list[Sample]]
Change = Callable[[Any], nn.Module]
STEPS, BATCH = 60, 8  # of a text; of any task
OPTIONS = (  # those of `run` that are the user's, of every method
    "model", "task", "steps", "lr", "batch", "length", "seed", "device", "dtype", "checkpointing", "out", "progress",
    "announce",
)  # fmt: skip


def run(
    method: str, apply: Callable[..., nn.Module], *, looks: bool = False, merge: Change | None = None,
    kept: Change | None = None, model: str = "tiny", task: str | Task = "words",
    steps: int | None = None, usual: int | None = None, lr: float | None = None, rate: float = 1e-3,
    narrower: bool = True, batch: int | None = None, length: int | None = None, seed: int = 0, device: str = "auto",
    dtype: str = "float32", checkpointing: bool = False, step: Callable[[nn.Module], Step] | None = None,
    optimiser: Optimiser = adamw, out: str | Path | None = None, buffers: tuple[str, ...] = (),
    options: dict[str, Any] | None = None, progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train `model` with a method on `task`, and say what that did and cost.

    `rate` is the method's for `tiny` on `python`; a nearer task takes its share of it, a wider model (`narrower`) less.
    `usual` steps are what the method needs on `tiny`, where those of the task are too few. With `looks`, `apply` is
    given the data, too. What `kept` makes of the trained model is saved, and measured as its adapter.
    """
    chosen = tasks.get(task) if isinstance(task, str) else task
    base, tokenizer = models.load(model, device, dtype, announce=announce)
    place = str(next(base.parameters()).device)
    steps, batch = _plan(chosen, base, steps, batch, usual)
    lr = lr or _rate(chosen, base, rate, narrower)
    with models.out_of_memory(f"for {method} on {model}"):
        before = _look(chosen, base, tokenizer)
        torch.manual_seed(seed)
        adapted = apply(base, Data(tokenizer, chosen, batch, lr, seed)) if looks else apply(base)
        size = measure.size(adapted)
        measure.reset_peak(place)
        history = train(
            adapted, tokenizer, chosen, steps, lr, batch, length, seed, checkpointing=checkpointing,
            step=step(adapted) if step else None, optimiser=optimiser, progress=progress,
        )  # fmt: skip
        peak = measure.peak_bytes(place)
        history.demand_numbers()
        after = _look(chosen, adapted, tokenizer)
        facts = {"method": method, "model": model, "task": chosen.name, "options": options or {}, "seed": seed}
        if kept:
            adapted, size = kept(adapted), replace(size, adapter_bytes=measure.size(adapted).adapter_bytes)
        where = _kept(adapted, facts, buffers, out)
        merged = chosen.evaluate(merge(adapted), tokenizer) if merge else None
    training = {"steps": steps, "lr": lr, "batch": batch, "length": length or chosen.length}
    return facts | _scores(chosen, before, after, merged) | {
        "parameters": {"all": size.parameters, "trainable": size.trainable, "share": size.share},
        "bytes": _bytes(size, history, peak, place), "full": _full(size, dtype), "adapter": where,
        "training": training | _cost(history), "environment": measure.environment(place, dtype, seed),
    }  # fmt: skip


def _plan(task: Task, base: Any, steps: int | None, batch: int | None, usual: int | None) -> tuple[int, int]:
    """Steps and rows where they are not given: a much wider model learns in half of the task's, not of fewer rows."""
    own = task.steps if isinstance(task, Answers) else STEPS
    found = own // 2 if models.is_wide(base) else usual or own
    return found if steps is None else steps, BATCH if batch is None else batch


def _rate(task: Task, base: Any, rate: float, narrower: bool) -> float:
    rate = rate * task.share if isinstance(task, Answers) else rate
    return models.rate_of(base, rate) if narrower else rate


def _look(task: Task, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Look:
    return task.evaluate(model, tokenizer), task.samples(model, tokenizer)


def _scores(task: Task, before: Look, after: Look, merged: Score | None) -> dict[str, Any]:
    """The metric, what it was before, after and once merged, and the samples."""
    return {
        "metric": {"name": task.metric, "better": task.better, "n": after[0].n, "chance": after[0].chance},
        "before": {"value": before[0].value, "blanks": before[0].blanks, "samples": _plain(before[1])},
        "after": {"value": after[0].value, "blanks": after[0].blanks, "samples": _plain(after[1])},
        "merged": None if merged is None else {"value": merged.value},
    }


def _kept(model: nn.Module, facts: dict[str, Any], buffers: tuple[str, ...], out: str | Path | None) -> str | None:
    """Where the adapter was saved; of several processes, one writes."""
    if not PartialState().is_main_process:
        return None
    name = f"{facts['method']}-{Path(facts['model']).name}-{facts['task']}"
    return str(adapter.save(model, Path(out or models.cache() / "adapters" / name), facts, buffers))


def _plain(samples: list[Sample]) -> list[dict[str, str]]:
    return [asdict(sample) for sample in samples]


def _bytes(size: measure.Size, history: History, peak: int | None, place: str) -> dict[str, Any]:
    return {
        "adapter": size.adapter_bytes,
        "gradients": history.gradient_bytes,
        "optimiser": history.optimiser_bytes,
        "peak": peak,
        "peak_of": "the GPU's tensors" if place.startswith("cuda") else "the whole process",
    }


def _full(size: measure.Size, dtype: str) -> dict[str, int]:
    """What fine-tuning every parameter with AdamW takes: to keep, of gradients, and of moments; computed, in bytes."""
    weights = size.parameters * getattr(torch, dtype).itemsize
    return {"trainable": size.parameters, "adapter": weights, "gradients": weights, "optimiser": 2 * weights}


def _cost(history: History) -> dict[str, Any]:
    return {
        "processes": history.processes,
        "tokens": history.tokens,
        "seconds": history.seconds,
        "cpu_seconds": history.cpu_seconds,
        "seconds_a_step": history.seconds_per_step,
        "cpu_seconds_a_step": history.cpu_seconds_per_step,
        "tokens_a_second": history.tokens_per_second,
        "losses": history.losses,
    }
