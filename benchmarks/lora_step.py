"""One step of LoRA: ours beside peft's, both with gradient checkpointing too, and full fine-tuning.

    python benchmarks/lora_step.py [ROUNDS]         (default: 9)

A randomly initialised Llama with a vocabulary of 49,152; 4 x 256 tokens, float32, rank 8 on every linear layer of the
blocks, AdamW. "Ours" is `refimpl.lora` with the lab's cross-entropy, which never holds the logits of a whole batch, in
chunks of 64 rows; "fused MLP" adds `refimpl._fast`. peft's step, full fine-tuning and "our layers alone" take the loss
that transformers gives them; "peft, our loss" takes ours. All variants start from the same weights, A and B, and see
the same tokens.

Time: one step of each in turn, ROUNDS times, in one process on one thread; the medians. CPU time beside the clock's,
because a busy machine stretches the clock's alone. Memory: how far two steps raise the highest resident size (VmHWM) of
a fresh process over its size with the model in it; the median of five processes. Nothing is tested here.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _steps
import torch
import transformers

from refimpl import _fast, lora
from refimpl._lab import losses

OUT = Path(__file__).parent / "results" / "lora_step.json"
SIZES = {
    "vocab_size": 49_152, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip
BATCH, LENGTH, RANK, ALPHA, CHUNK = 4, 256, 8, 16, 64
PROCESSES = 5
VARIANTS = {
    "full": "full fine-tuning",
    "peft": "peft",
    "peft-loss": "peft, our loss",
    "peft-ckpt": "peft, checkpointing",
    "layers": "our layers alone",
    "ours": "ours",
    "ours-mlp": "ours, fused MLP",
    "ours-mlp-ckpt": "ours, fused MLP, checkpointing",
}
Row = dict[str, Any]


def base() -> Any:
    """The model, the same each time."""
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))
    model.config.use_cache = False
    return model


def adapted(fused: bool = False) -> Any:
    """The model with our LoRA, the same each time."""
    torch.manual_seed(1)
    model = lora.apply(base(), lora.LINEARS, RANK, ALPHA)
    return _fast.fuse(model) if fused else model


def with_peft() -> Any:
    """The model with peft's LoRA, and the A that ours starts from."""
    from peft import PeftModel

    with tempfile.TemporaryDirectory() as folder:
        return PeftModel.from_pretrained(base(), lora.save_peft(adapted(), folder), is_trainable=True)


def prepare(variant: str) -> Callable[[], float]:
    """The variant's step, with everything made that is there before the first one."""
    warnings.simplefilter("ignore", FutureWarning)
    torch.set_num_threads(1)
    model = (
        adapted("mlp" in variant)
        if variant.startswith(("ours", "layers"))
        else with_peft()
        if "peft" in variant
        else base()
    )
    model.train()
    own = variant.startswith("ours") or variant == "peft-loss"  # which takes the loss of the model inside
    inner = model.base_model.model if variant == "peft-loss" else model
    if "ckpt" in variant:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.randint(SIZES["vocab_size"], (BATCH, LENGTH), generator=torch.Generator().manual_seed(2))
    batch = {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-3)

    def step() -> float:
        optimiser.zero_grad()
        loss = losses.batch_loss(inner, batch, chunk=CHUNK) if own else model(**batch).loss
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def two_steps(variant: str) -> Callable[[], object]:
    """What a fresh process measures the memory of: the second step has the optimiser's state."""
    step = prepare(variant)
    return lambda: (step(), step())


def main(rounds: int) -> None:
    """Measure, print, and write the results."""
    facts = {
        "parameters": base().num_parameters(), "sizes": SIZES, "batch": BATCH, "length": LENGTH, "rank": RANK,
        "chunk": CHUNK,
    }  # fmt: skip
    _steps.run(prepare, VARIANTS, facts, OUT, rounds, PROCESSES)


if __name__ == "__main__":
    main(max(4, int(sys.argv[1])) if len(sys.argv) > 1 else 9)
