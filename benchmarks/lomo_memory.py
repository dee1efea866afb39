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
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _steps
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
    return model, _steps.stepping(forward, optimiser), optimiser


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


def main(rounds: int) -> None:
    """Measure, print, and write the results."""
    model = base()
    facts = {
        "parameters": model.num_parameters(), "parameter_bytes": 4 * model.num_parameters(),
        "largest_tensor_bytes": 4 * max(p.numel() for p in model.parameters()), "sizes": SIZES, "batch": BATCH,
        "length": LENGTH,
    }  # fmt: skip
    del model
    _steps.run(
        lambda variant: prepare(variant)[1], VARIANTS, facts, OUT, rounds, PROCESSES, beside="adamw", counted=counted
    )


if __name__ == "__main__":
    main(max(4, int(sys.argv[1])) if len(sys.argv) > 1 else 7)
