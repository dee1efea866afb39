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
SIZES = {
    "vocab_size": 49_152, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip
BATCH, LENGTH, RANK, ALPHA, CHUNK = 4, 256, 8, 16, 64
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


def base() -> Any:
    """The model, the same each time."""
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))
    model.config.use_cache = False
    return model


def adapted() -> Any:
    """The model with our LoRA, the same each time."""
    torch.manual_seed(1)
    return lora.apply(base(), lora.LINEARS, RANK, ALPHA)


def with_peft() -> Any:
    """The model with peft's LoRA, and the A that ours starts from."""
    from peft import PeftModel

    with tempfile.TemporaryDirectory() as folder:
        return PeftModel.from_pretrained(base(), lora.save_peft(adapted(), folder), is_trainable=True)


def prepare(variant: str) -> tuple[_steps.Forward, _steps.Step]:
    """The variant's forward and its step, with everything made that is there before the first one."""
    made = adapted if variant.startswith(("ours", "layers")) else with_peft if "peft" in variant else base
    return _steps.training(made(), variant, SIZES["vocab_size"], BATCH, LENGTH, CHUNK)


def two_steps(variant: str) -> Callable[[], object]:
    """What a fresh process measures the memory of: the second step has the optimiser's state."""
    _, step = prepare(variant)
    return lambda: (step(), step())


def kept(variant: str) -> Row:
    """Bytes that its forward keeps for the backward pass."""
    return {"kept_bytes": measure.kept_bytes(prepare(variant)[0])}


def main(rounds: int) -> None:
    """Measure, print, and write the results."""
    facts: Row = {
        "parameters": base().num_parameters(), "sizes": SIZES, "batch": BATCH, "length": LENGTH, "rank": RANK,
        "chunk": CHUNK,
    }  # fmt: skip
    facts["least"] = _steps.least(SIZES, BATCH, LENGTH, RANK, CHUNK)
    _steps.run(lambda variant: prepare(variant)[1], VARIANTS, facts, OUT, rounds, PROCESSES, counted=kept)


if __name__ == "__main__":
    main(max(4, int(sys.argv[1])) if len(sys.argv) > 1 else 9)
