"""Memory of fine-tuning a whole model: LOMO beside AdamW, SGD, and the authors' lomo-optim.

    python benchmarks/lomo_memory.py [ROUNDS]         (default: 7)

A randomly initialised Llama of 40 million parameters, 1 x 128 tokens, float32, the lab's cross-entropy. All variants
start from the same weights and see the same tokens; SGD and LOMO must go through the same losses.

Gradients: the most bytes in `.grad` at a time during a step, seen from hooks; the optimiser's state is what it holds
after it. Extra peak: how far two steps raise the highest resident size (VmHWM) of a fresh process over its size with
the model in it; the median of three processes. Time: one step of each in turn, ROUNDS times, on one thread; medians.
Clipping by norm takes a second backward pass, and keeps the graph for it. Nothing is tested here.
"""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from refimpl import lomo
from refimpl._lab import losses, measure

OUT = Path(__file__).parent / "results" / "lomo_memory.json"
SIZES = {
    "vocab_size": 8192, "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 10,
    "num_attention_heads": 8, "num_key_value_heads": 8, "tie_word_embeddings": False,
}  # fmt: skip
BATCH, LENGTH, LR, PROCESSES = 1, 128, 1e-2, 3
VARIANTS = {
    "adamw": "AdamW",
    "sgd": "SGD",
    "lomo": "LOMO",
    "lomo-clip": "LOMO, clipped by norm",
    "lomo-optim": "lomo-optim",
}
Row = dict[str, Any]
Made = tuple[nn.Module, Callable[[], float], Any]


def base() -> Any:
    """The model, the same each time."""
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))
    model.config.use_cache = False
    return model.train()


def prepare(variant: str) -> Made:
    """Model, step, and optimiser if it has state."""
    warnings.simplefilter("ignore", FutureWarning)
    torch.set_num_threads(1)
    model = base()
    ids = torch.randint(SIZES["vocab_size"], (BATCH, LENGTH), generator=torch.Generator().manual_seed(2))
    forward = functools.partial(
        losses.batch_loss, model, {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
    )
    if variant == "lomo-optim":
        from lomo_optim import Lomo

        theirs = Lomo(model, lr=LR)

        def fused() -> float:
            loss = forward()
            theirs.fused_backward(loss, LR)
            return loss.item()

        return model, fused, None
    if variant.startswith("lomo"):
        ours = lomo.LOMO(lomo.apply(model).parameters(), clip_norm=1.0 if variant == "lomo-clip" else None)
        return model, lambda: ours.step(forward, LR).item(), None
    make = {"adamw": functools.partial(torch.optim.AdamW, lr=1e-3), "sgd": functools.partial(torch.optim.SGD, lr=LR)}
    optimiser = make[variant](model.parameters())

    def step() -> float:
        optimiser.zero_grad()
        loss = forward()
        loss.backward()
        optimiser.step()
        return loss.item()

    return model, step, optimiser


def two_steps(variant: str) -> Callable[[], object]:
    """What a fresh process measures the memory of: the second step has the optimiser's state."""
    _, step, _ = prepare(variant)
    return lambda: (step(), step())


def counted(variant: str) -> Row:
    """Bytes in gradients at their most, and in the optimiser's state."""
    model, step, optimiser = prepare(variant)
    held: list[int] = []

    def look(_: Tensor) -> None:
        held.append(measure.gradient_bytes(model.parameters()))

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(look)
    step()
    state = measure.optimiser_bytes(optimiser) if optimiser is not None else 0
    return {"gradient_bytes": max(held), "optimiser_bytes": state}


def times(rounds: int) -> dict[str, Row]:
    """A step of each variant in turn: median seconds and CPU-seconds, and the losses."""
    steps = {variant: prepare(variant)[1] for variant in VARIANTS}
    rows = {variant: {"losses": [step()], "seconds": [], "cpu_seconds": []} for variant, step in steps.items()}
    for _ in range(rounds):
        for variant, step in steps.items():
            begun, worked = time.perf_counter(), time.process_time()
            rows[variant]["losses"].append(step())
            rows[variant]["cpu_seconds"].append(time.process_time() - worked)
            rows[variant]["seconds"].append(time.perf_counter() - begun)
    return {
        variant: {**row, **{name: statistics.median(row[name]) for name in ("seconds", "cpu_seconds")}}
        for variant, row in rows.items()
    }


def memory(variant: str) -> Row:
    """Bytes over the model's own, in fresh processes."""
    extra = [measure.peak_in_child("lomo_memory:two_steps", variant).extra for _ in range(PROCESSES)]
    return {"extra_bytes": statistics.median(extra), "extra_bytes_of_each": extra}


def table(rows: dict[str, Row]) -> str:
    """The rows in Markdown."""
    last = len(rows["lomo"]["losses"])
    lines = [
        f"| | gradients | optimiser state | extra peak | of AdamW's | CPU-s a step | s a step | loss {last} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for variant, row in rows.items():
        gradients, state, extra = (row[f"{what}_bytes"] / 2**20 for what in ("gradient", "optimiser", "extra"))
        lines.append(
            f"| {VARIANTS[variant]} | {gradients:.0f} MiB | {state:.0f} MiB | {extra:.0f} MiB "
            f"| {row['extra_bytes'] / rows['adamw']['extra_bytes']:.2f} "
            f"| {row['cpu_seconds']:.2f} | {row['seconds']:.2f} | {row['losses'][-1]:.5f} |"
        )
    return "\n".join(lines)


def main(rounds: int) -> None:
    """Measure, print, and write the results."""
    torch.set_num_threads(1)
    rows = times(rounds)
    for variant, row in rows.items():
        row.update(counted(variant))
        row.update(memory(variant))
    model = base()
    facts = {
        "parameters": model.num_parameters(), "parameter_bytes": 4 * model.num_parameters(),
        "largest_tensor_bytes": 4 * max(p.numel() for p in model.parameters()), "sizes": SIZES, "batch": BATCH,
        "length": LENGTH, "rounds": rounds, "processes": PROCESSES,
    }  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    record = {**facts, "environment": measure.environment("cpu", "float32", 0), "rows": rows}
    OUT.write_text(json.dumps(record, indent=2) + "\n")
    print(f"{facts['parameters'] / 1e6:.1f} million parameters, {facts['parameter_bytes'] / 2**20:.0f} MiB")
    print(table(rows))


if __name__ == "__main__":
    main(max(1, int(sys.argv[1])) if len(sys.argv) > 1 else 7)
