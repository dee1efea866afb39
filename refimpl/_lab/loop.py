"""The one training loop. It goes through accelerate, so `accelerate launch --num_processes N` spreads each batch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from refimpl._lab import LabError, measure
from refimpl._lab.generate import place
from refimpl._lab.history import History as History
from refimpl._lab.lean import lean
from refimpl._lab.losses import IGNORED, Batch, batch_loss
from refimpl._lab.score import Task

Progress = Callable[[int, int, float], None]  # step, of how many, loss
# A step of the method's own: takes a function that runs the model on this step's batch and returns the loss, and the
# learning rate; does forward, backward and update as it likes, and returns the loss.
Step = Callable[[Callable[[], Tensor], float], Tensor]
# Makes an optimiser; a parameter group may have a "scale" of its own on the learning rate.
Optimiser = Callable[[list[nn.Parameter], float], torch.optim.Optimizer]


class WithLoss(nn.Module):
    """The model and its loss as one forward, so that a wrapper for many devices sees all of it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, count: Tensor) -> Tensor:
        with lean():
            return batch_loss(self.model, batch, count)


def adamw(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """AdamW without weight decay."""
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)


def rate(step: int, steps: int) -> float:
    """The share of the learning rate at `step`, from 0: a rise over a tenth of the steps, then a line towards zero."""
    rise = max(1, steps // 10)
    return (step + 1) / rise if step < rise else (steps - step) / (steps - rise)


def train(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    steps: int,
    lr: float,
    batch: int = 8,
    length: int | None = None,
    seed: int = 0,
    *,
    checkpointing: bool = False,
    step: Step | None = None,
    parameters: Iterable[nn.Parameter] | None = None,
    optimiser: Optimiser = adamw,
    progress: Progress | None = None,
) -> History:
    """Train what requires gradients (or `parameters`) for `steps` batches of `batch` rows over all processes."""
    trained = list(parameters) if parameters is not None else [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise LabError("nothing to train: no parameter of the model requires gradients")
    length = task.length if length is None else length
    if steps < 0 or batch < 1 or length < 2:
        raise LabError(f"{steps} steps of {batch} rows of {length} tokens are no training: 0, 1 and 2 are the least")
    accelerator = _accelerator(trained, batch, step is not None)
    torch.manual_seed(seed)
    run: nn.Module = WithLoss(model)
    chosen = optimiser(trained, lr) if step is None else None
    if chosen is not None:
        run = accelerator.prepare(run)
    update = step or _plain_step(accelerator, chosen)
    history = History(processes=accelerator.num_processes)
    device = place(model)
    rows = task.batches(tokenizer, length, batch, seed)
    begun, worked = time.perf_counter(), time.process_time()
    with _training(model, checkpointing):
        for at, whole in zip(range(steps), rows, strict=False):
            mine, count = _share(accelerator, whole, device)
            loss = update(_forward(run, mine, count), lr * rate(at, steps))
            history.losses.append(float(accelerator.reduce(loss.detach(), reduction="mean")))
            history.tokens += whole["input_ids"].numel()
            if progress is not None and accelerator.is_main_process:
                progress(at + 1, steps, history.losses[-1])
    history.seconds, history.cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
    history.gradient_bytes = measure.gradient_bytes(trained)
    history.optimiser_bytes = measure.optimiser_bytes(chosen) if chosen is not None else 0
    for parameter in model.parameters():
        parameter.grad = None
    return history


def losses(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, task: Task, batches: int, batch: int, seed: int
) -> Iterator[Callable[[], Tensor]]:
    """Functions that run the model on a batch of training data each, and return its loss."""
    device = place(model)
    for rows in islice(task.batches(tokenizer, task.length, batch, seed), batches):
        yield partial(batch_loss, model, {name: tensor.to(device) for name, tensor in rows.items()})


@dataclass(frozen=True, slots=True)
class Data:
    """What a method that looks at gradients first is given: the task, and how it will be trained."""

    tokenizer: PreTrainedTokenizerBase
    task: Task
    batch: int
    rate: float
    seed: int

    @property
    def first(self) -> int:
        """The seed of what is looked at before training, which has another."""
        return self.seed + 1_000

    def losses(self, model: nn.Module, batches: int, after: int = 0) -> Iterator[Callable[[], Tensor]]:
        """Functions that run the model on a batch of that data each; `after` so many seeds that were looked at."""
        return losses(model, self.tokenizer, self.task, batches, self.batch, self.first + after)


def _accelerator(trained: list[nn.Parameter], batch: int, own_step: bool) -> Any:
    """Of one process, or of those that `accelerate launch` or `torchrun` started."""
    spread = int(os.environ.get("WORLD_SIZE", "1")) > 1
    accelerator = Accelerator(device_placement=False, cpu=spread and trained[0].device.type == "cpu")
    if batch % accelerator.num_processes:
        raise LabError(f"a batch of {batch} does not divide over {accelerator.num_processes} processes")
    if own_step and accelerator.num_processes > 1:
        raise LabError("a method with a step of its own trains on one process; start it without accelerate launch")
    return accelerator


def _share(accelerator: Any, whole: Batch, device: torch.device) -> tuple[Batch, Tensor]:
    """This process's rows, and what to divide its summed loss by: the mean over processes is then over all labels."""
    count = (whole["labels"][:, 1:] != IGNORED).sum().clamp(min=1) / accelerator.num_processes
    with accelerator.split_between_processes(dict(whole)) as own:
        return {name: tensor.to(device) for name, tensor in own.items()}, count.to(device)


def _forward(run: nn.Module, batch: Batch, count: Tensor) -> Callable[[], Tensor]:
    def forward() -> Tensor:
        loss: Tensor = run(batch, count)
        return loss

    return forward


def _plain_step(accelerator: Any, optimiser: Any) -> Step:
    """Forward, backward, and a step of the optimiser."""

    def step(forward: Callable[[], Tensor], lr: float) -> Tensor:
        optimiser.zero_grad()
        loss = forward()
        accelerator.backward(loss)
        for group in optimiser.param_groups:
            group["lr"] = lr * group.get("scale", 1.0)
        optimiser.step()
        return loss

    return step


@contextmanager
def _training(model: nn.Module, checkpointing: bool) -> Iterator[None]:
    """The model in training mode, with gradient checkpointing if asked for; as it was, afterwards."""
    was = model.training
    model.train()
    inner: list[Any] = [m for m in model.modules() if isinstance(m, PreTrainedModel)][:1] if checkpointing else []
    for m in inner:
        _named(m, "checkpointing_enable")({"use_reentrant": False})
    try:
        yield
    finally:
        for m in inner:
            _named(m, "checkpointing_disable")()
        model.train(was)


def _named(model: Any, name: str) -> Any:
    """A method of transformers that was `gradient_...` before it was `activation_...`."""
    return getattr(model, f"activation_{name}", None) or getattr(model, f"gradient_{name}")
