"""What the benchmarks of a training step share: turns, memory in fresh processes, the table, the record."""

from __future__ import annotations

import json
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from refimpl._lab import losses, measure
from refimpl._lab.lean import lean

Row = dict[str, Any]
Forward = Callable[[], Tensor]
Step = Callable[[], float]


def times(steps: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Row]:
    """A step of each variant in turn: median seconds and CPU-seconds, and the losses."""
    losses_of = {variant: [step()] for variant, step in steps.items()}
    clock: dict[str, list[float]] = {variant: [] for variant in steps}
    cpu: dict[str, list[float]] = {variant: [] for variant in steps}
    for _ in range(rounds):
        for variant, step in steps.items():
            begun, worked = time.perf_counter(), time.process_time()
            losses_of[variant].append(step())
            cpu[variant].append(time.process_time() - worked)
            clock[variant].append(time.perf_counter() - begun)
    return {
        variant: {
            "seconds": statistics.median(clock[variant]),
            "cpu_seconds": statistics.median(cpu[variant]),
            "cpu_seconds_of_each": cpu[variant],
            "losses": losses_of[variant],
        }
        for variant in steps
    }


def memory(work: str, variant: str, processes: int) -> Row:
    """Bytes over the model's own that `work` (`module:function`) takes, in fresh processes."""
    extra = [measure.peak_in_child(work, variant).extra for _ in range(processes)]
    return {"extra_bytes": statistics.median(extra), "extra_bytes_of_each": extra}


def training(model: Any, variant: str, vocabulary: int, batch: int, length: int, chunk: int) -> tuple[Forward, Step]:
    """The forward of a variant up to its loss, on the same tokens each time, and its whole step with AdamW.

    Ours, and "peft-loss", take the lab's cross-entropy in chunks; ours alone keep no more than the lab's training does.
    """
    warnings.simplefilter("ignore", FutureWarning)
    torch.set_num_threads(1)
    model.train()
    if "ckpt" in variant:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.randint(vocabulary, (batch, length), generator=torch.Generator().manual_seed(2))
    rows = {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-3)
    ours, inner = variant.startswith("ours"), model.base_model.model if variant == "peft-loss" else model

    def forward() -> Tensor:
        with lean() if ours else nullcontext():
            own = ours or variant == "peft-loss"
            return losses.batch_loss(inner, rows, chunk=chunk) if own else model(**rows).loss

    def step() -> float:
        optimiser.zero_grad()
        loss = forward()
        loss.backward()
        optimiser.step()
        return loss.item()

    return forward, step


def table(rows: dict[str, Row], names: Mapping[str, str], beside: str) -> str:
    """The rows beside one of them, in Markdown."""
    lines = [
        f"| | CPU-s a step | s a step | of {names[beside]} | memory over the model | of {names[beside]} | 5th loss |",
        "|---|---|---|---|---|---|---|",
    ]
    other = rows[beside]
    for variant, row in rows.items():
        cpu, extra = row["cpu_seconds"] / other["cpu_seconds"], row["extra_bytes"] / other["extra_bytes"]
        lines.append(
            f"| {names[variant]} | {row['cpu_seconds']:.2f} | {row['seconds']:.2f} | {cpu:.2f} "
            f"| {row['extra_bytes'] / 2**20:.0f} MiB | {extra:.2f} | {row['losses'][4]:.5f} |"
        )
    return "\n".join(lines)


def run(
    prepare: Callable[[str], Callable[[], float]], names: Mapping[str, str], facts: Row, out: Path, rounds: int,
    processes: int, *, beside: str = "peft", counted: Callable[[str], Row] = lambda _: {},
) -> None:  # fmt: skip
    """Measure every variant, write the record, print the table beside one of them.

    `out` is named after the script, which has `two_steps`. What is `counted` of a variant stands in its row.
    """
    torch.set_num_threads(1)
    rows = times({variant: prepare(variant) for variant in names}, rounds)
    for variant, row in rows.items():
        row.update(counted(variant) | memory(f"{out.stem}:two_steps", variant, processes))
    out.parent.mkdir(exist_ok=True)
    said = facts | {"rounds": rounds, "processes": processes}
    record = {**said, "environment": measure.environment("cpu", "float32", 0), "rows": rows}
    out.write_text(json.dumps(record, indent=2) + "\n")
    print(table(rows, names, beside))
