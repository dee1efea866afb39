"""A step of LoRA and of QLoRA beside peft's at other widths, batches, ranks and vocabularies: where the ratios turn.

    python benchmarks/step_sizes.py [ROUNDS]        (default: 7)

As in `lora_step.py` and `qlora_step.py`, on Llamas of four layers. With a vocabulary of 49,152 the head is over half of
such a step, with one of 2,048 a tenth, as in a large model. Time: rounds in which each variant takes one step in turn,
on one thread. Memory: the bytes that a forward keeps for the backward pass. The losses must be the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import _steps
import lora_step
import qlora_step
import torch

from refimpl._lab import measure

RESULTS = Path(__file__).parent / "results"
METHODS: dict[str, Any] = {"lora": lora_step, "qlora": qlora_step}
VARIANTS = ("peft", "peft-loss", "ours")
PLACES = [
    _steps.At(width, batch, length, rank, vocabulary=vocabulary)
    for width, batch, length, rank, vocabulary in (
        (128, 1, 64, 8, 8192), (128, 8, 256, 8, 8192), (128, 8, 256, 64, 2048), (256, 1, 64, 8, 8192),
        (256, 4, 256, 8, 49_152), (256, 4, 256, 8, 8192), (256, 8, 256, 64, 2048), (512, 1, 256, 64, 8192),
        (512, 4, 256, 64, 8192), (768, 1, 256, 8, 8192),
    )
]  # fmt: skip
Row = dict[str, Any]


def measured(method: str, at: _steps.At, rounds: int) -> Row:
    """Time and bytes kept of each variant there. Exits where they do not do the same: their losses differ."""
    made = {variant: METHODS[method].prepare(variant, at) for variant in VARIANTS}
    rows = _steps.times({variant: step for variant, (_, step) in made.items()}, rounds)
    for variant, (forward, _) in made.items():
        rows[variant]["kept_bytes"] = measure.kept_bytes(forward)
    ends = [row["losses"][-1] for row in rows.values()]
    if max(ends) - min(ends) > 1e-3:
        sys.exit(f"{method} at {at}: the losses are {', '.join(f'{end:.5f}' for end in ends)}")
    return {"at": at._asdict(), "rows": rows}


def main(rounds: int) -> None:
    """Measure each place, print its ratios, write a record for each method."""
    torch.set_num_threads(1)
    for method in METHODS:
        places = []
        for at in PLACES:
            places.append(measured(method, at, rounds))
            rows = places[-1]["rows"]
            time, kept = (
                [rows["ours"][what] / rows[other][what] for other in ("peft-loss", "peft")]
                for what in ("cpu_seconds", "kept_bytes")
            )
            print(method, *at, *(f"{ratio:.2f}" for ratio in time + kept), flush=True)
        record = {"rounds": rounds, "environment": measure.environment("cpu", "float32", 0), "places": places}
        (RESULTS / f"{method}_sizes.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main(max(4, int(sys.argv[1])) if len(sys.argv) > 1 else 7)
