"""One step of QLoRA: ours on bitsandbytes' kernels beside peft on bitsandbytes, both with gradient checkpointing too.

    python benchmarks/qlora_step.py [ROUNDS]        (default: 9)

A randomly initialised Llama with a vocabulary of 49,152, loaded in NF4 with double quantisation; 4 x 256 tokens,
float32, rank 16 on every linear layer of the blocks, AdamW. "Ours" is `refimpl.qlora`, which takes the layers as
bitsandbytes has quantised them, trained as the lab does: with its cross-entropy in chunks of 64 rows, and keeping only
what takes a matrix product to form again; "our layers alone" has neither, and "peft, our loss" the
cross-entropy. peft's model goes through `prepare_model_for_kbit_training`, as its guide says. All variants start from
the same bytes, L1 and L2, and see the same tokens.

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

from refimpl import qlora
from refimpl._lab import measure

OUT = Path(__file__).parent / "results" / "qlora_step.json"
HERE = _steps.At(width=256, batch=4, length=256, rank=16, layers=10, vocabulary=49_152)
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ALPHA = 16
PROCESSES = 2
VARIANTS = {
    "peft": "peft on bitsandbytes",
    "peft-loss": "peft on bitsandbytes, our loss",
    "peft-ckpt": "peft on bitsandbytes, checkpointing",
    "layers": "our layers alone",
    "ours": "ours",
    "ours-ckpt": "ours, checkpointing",
}
Row = dict[str, Any]


def base(at: _steps.At) -> Any:
    """The model in 4 bits, the same each time."""
    torch.manual_seed(0)
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype="float32"
    )
    plain = transformers.LlamaForCausalLM(transformers.LlamaConfig(**at.sizes))
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        plain.save_pretrained(folder)
        del plain
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, quantization_config=config, device_map={"": "cpu"}
        )
    model.config.use_cache = False
    return model


def first_factors(model: Any, rank: int) -> dict[str, torch.Tensor]:
    """L1 of every layer, the same each time; L2 is zero."""
    draw = torch.Generator().manual_seed(1)
    sizes = {name: (m.in_features, rank) for name, m in model.named_modules() if name.endswith(tuple(LINEARS))}
    return {name: torch.randn(size, generator=draw) * size[0] ** -0.5 for name, size in sizes.items()}


def ours(at: _steps.At) -> Any:
    """The model with our layers."""
    model: Any = base(at)
    factors = first_factors(model, at.rank)
    qlora.apply(model, rank=at.rank, alpha=ALPHA)
    with torch.no_grad():
        for name, factor in factors.items():
            model.get_parameter(f"{name}.L1").copy_(factor)
    return model


def with_peft(at: _steps.At, checkpointing: bool) -> Any:
    """The model with peft's layers."""
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    prepared = prepare_model_for_kbit_training(
        base(at), use_gradient_checkpointing=checkpointing, gradient_checkpointing_kwargs={"use_reentrant": False}
    )
    factors = first_factors(prepared, at.rank)
    model = get_peft_model(prepared, LoraConfig(r=at.rank, lora_alpha=ALPHA, target_modules=LINEARS))
    with torch.no_grad():
        for name, factor in factors.items():
            model.get_parameter(f"base_model.model.{name}.lora_A.default.weight").copy_(factor.T)
    return model


def prepare(variant: str, at: _steps.At = HERE) -> tuple[_steps.Forward, _steps.Step]:
    """The variant's forward and its step, with everything made that is there before the first one."""
    made = with_peft(at, "ckpt" in variant) if "peft" in variant else ours(at)
    return _steps.training(made, variant, at)


def two_steps(variant: str) -> Callable[[], object]:
    """What a fresh process measures the memory of: the second step has the optimiser's state."""
    _, step = prepare(variant)
    return lambda: (step(), step())


def kept(variant: str) -> Row:
    """Bytes that its forward keeps for the backward pass."""
    return {"kept_bytes": measure.kept_bytes(prepare(variant)[0])}


def main(rounds: int) -> None:
    """Measure, print, and write the results."""
    _steps.run(lambda variant: prepare(variant)[1], VARIANTS, _steps.facts(HERE), OUT, rounds, PROCESSES, counted=kept)


if __name__ == "__main__":
    main(max(4, int(sys.argv[1])) if len(sys.argv) > 1 else 9)
