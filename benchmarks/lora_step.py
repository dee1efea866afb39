"""One step of LoRA: ours beside peft's, both with gradient checkpointing too, and full fine-tuning.

    python benchmarks/lora_step.py [ROUNDS]         (default: 9)

A randomly initialised Llama with a vocabulary of 49,152; 4 x 256 tokens, float32, rank 8 on every linear layer of the
blocks, AdamW. "Ours" is `refimpl.lora` as the lab trains it: with its cross-entropy, which never holds the logits of a
whole batch, in chunks of 64 rows, and keeping only what takes a matrix product to form again. peft's step, full
fine-tuning and "our layers alone" take the loss that transformers gives them, and keep what autograd keeps; "peft, our
loss" takes ours. All variants start from the same weights, A and B, and see the same tokens.

Time: one step of each in turn, ROUNDS times, in one process on one thread; the medians. CPU time beside the clock's,
because a busy machine stretches the clock's alone. Memory: how far two steps raise the highest resident size (VmHWM) of
a fresh process over its size with the model in it; the median of two processes. Nothing is tested here.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _steps
import torch
import transformers

from refimpl import lora
from refimpl._lab import measure

OUT = Path(__file__).parent / "results" / "lora_step.json"
HERE = _steps.At(width=256, batch=4, length=256, rank=8, layers=6, vocabulary=49_152)
ALPHA = 16
PROCESSES = 2
VARIANTS = {
    "full": "full fine-tuning",
    "peft": "peft",
    "peft-loss": "peft, our loss",
    "peft-ckpt": "peft, checkpointing",
    "layers": "our layers alone",
    "ours": "ours",
    "ours-ckpt": "ours, checkpointing",
}
Row = dict[str, Any]


def base(at: _steps.At) -> Any:
    """The model, the same each time."""
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**at.sizes))
    model.config.use_cache = False
    return model


def adapted(at: _steps.At) -> Any:
    """The model with our LoRA, the same each time."""
    torch.manual_seed(1)
    return lora.apply(base(at), lora.LINEARS, at.rank, ALPHA)


def with_peft(at: _steps.At) -> Any:
    """The model with peft's LoRA, and the A that ours starts from."""
    from peft import PeftModel

    with tempfile.TemporaryDirectory() as folder:
        return PeftModel.from_pretrained(base(at), lora.save_peft(adapted(at), folder), is_trainable=True)


def prepare(variant: str, at: _steps.At = HERE) -> tuple[_steps.Forward, _steps.Step]:
    """The variant's forward and its step, with everything made that is there before the first one."""
    made = adapted if variant.startswith(("ours", "layers")) else with_peft if "peft" in variant else base
    return _steps.training(made(at), variant, at)


def two_steps(variant: str) -> Callable[[], object]:
    """What a fresh process measures the memory of: the second step has the optimiser's state."""
    _, step = prepare(variant)
    return lambda: (step(), step())


def kept(variant: str) -> Row:
    """Bytes that its forward keeps for the backward pass."""
    return {"kept_bytes": measure.kept_bytes(prepare(variant)[0])}


def main(rounds: int) -> None:
    """Measure, print, and write the results."""
    facts: Row = {"parameters": base(HERE).num_parameters(), **_steps.facts(HERE)}
    _steps.run(lambda variant: prepare(variant)[1], VARIANTS, facts, OUT, rounds, PROCESSES, counted=kept)


if __name__ == "__main__":
    main(max(4, int(sys.argv[1])) if len(sys.argv) > 1 else 9)
