"""What the benchmarks of a training step share: turns, memory in fresh processes, the table, the record."""

# ruff: noqa: N806 - the names are the papers'
from __future__ import annotations

import json
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from refimpl import _layers
from refimpl._lab import losses, measure
from refimpl._lab.lean import lean

Row = dict[str, Any]
Forward = Callable[[], Tensor]
Step = Callable[[], float]


class At(NamedTuple):
    """A Llama's size, the tokens of a step and the rank at which it is measured."""

    width: int
    batch: int
    length: int
    rank: int
    vocabulary: int
    layers: int = 4

    @property
    def sizes(self) -> Row:
        """The model's configuration. Every width is a multiple of 64, which peft on bitsandbytes needs on a CPU."""
        return {
            "vocab_size": self.vocabulary, "hidden_size": self.width,
            "intermediate_size": -(-self.width * 11 // 4 // 64) * 64, "num_hidden_layers": self.layers,
            "num_attention_heads": self.width // 64, "num_key_value_heads": self.width // 128,
            "tie_word_embeddings": True,
        }  # fmt: skip

    @property
    def chunk(self) -> int:
        """Rows of logits at a time, where the loss is ours: about four million numbers."""
        return max(1, 2**22 // self.vocabulary // 64) * 64


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


def training(model: Any, variant: str, at: At) -> tuple[Forward, Step]:
    """The forward of a variant up to its loss, on the same tokens each time, and its whole step with AdamW.

    Ours, and "peft-loss", take the lab's cross-entropy in chunks; ours alone keep no more than the lab's training does.
    """
    warnings.simplefilter("ignore", FutureWarning)
    torch.set_num_threads(1)
    model.train()
    if "ckpt" in variant:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.randint(at.vocabulary, (at.batch, at.length), generator=torch.Generator().manual_seed(2))
    rows = {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-3)
    ours, inner = variant.startswith("ours"), model.base_model.model if variant == "peft-loss" else model

    def forward() -> Tensor:
        with lean() if ours else nullcontext():
            own = ours or variant == "peft-loss"
            return losses.batch_loss(inner, rows, chunk=at.chunk) if own else model(**rows).loss

    return forward, stepping(forward, optimiser)


def stepping(forward: Forward, optimiser: torch.optim.Optimizer) -> Step:
    """A whole step: gradients anew, and the optimiser's."""

    def step() -> float:
        optimiser.zero_grad()
        loss = forward()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def facts(at: At) -> Row:
    """What a record says of where it was measured, and what no step there goes without."""
    shape = {"sizes": at.sizes, "batch": at.batch, "length": at.length, "rank": at.rank, "chunk": at.chunk}
    return {**shape, "least": least(at)}


def least(at: At) -> Row:
    """What no step of this Llama with LoRA goes without.

    `kept_bytes`: kept for the backward pass where no product of matrices is done twice. `cpu_seconds`: what a step
    takes in products with W, A, B and the head, and in attention, and nothing else; the median of nine.
    """
    sizes, batch, length = at.sizes, at.batch, at.length
    h, m, heads = sizes["hidden_size"], sizes["intermediate_size"], sizes["num_attention_heads"]
    n, d, kv = batch * length, h // heads, h // heads * sizes["num_key_value_heads"]
    block = 2 * (h + 1) + 2 * h + heads + 2 * kv + 2 * m  # both norms'; q, what attention gives, its lse; k, v; e, u
    layers = [_product(n, k, o, at.rank) for k, o in [(h, h), (h, kv), (h, kv), (h, h), (h, m), (h, m), (m, h)]]
    head, q = _product(at.chunk, h, at.vocabulary, 0), torch.randn(batch, heads, length, d, requires_grad=True)
    k = torch.randn(batch, kv // d, length, d, requires_grad=True)

    def work() -> float:
        for _ in range(at.layers):
            for layer in layers:
                layer()
            y = F.scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True)
            torch.autograd.grad(y, (q, k), q.detach())
        for _ in range(n // at.chunk):
            head()
        return 0.0

    bytes_ = 4 * n * (at.layers * block + h)  # and dL/dh of the loss
    return {"kept_bytes": bytes_, "cpu_seconds": times({"least": work}, 9)["least"]["cpu_seconds"]}


def _product(n: int, k: int, o: int, rank: int) -> Callable[[], object]:
    """Of a Linear (o, k) and its update: h, and the gradients of x, A and B. W alone where the rank is 0."""
    x, W, g, A, B = (torch.randn(*size) for size in ((n, k), (o, k), (n, o), (rank, k), (o, rank)))
    many = _layers.in_one(x, W)

    def product() -> tuple[Tensor, ...]:
        if not rank:
            return F.linear(x, W), g @ W
        low, gB = A @ x.T, B.T @ g.T
        dA, dB = gB @ x, low @ g
        if many:
            return F.linear(x, W.addmm(B, A)), g @ W.addmm(B, A), dA, dB
        return F.linear(x, W).addmm_(low.T, B.T), (g @ W).addmm_(gB.T, A), dA, dB

    return product


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
