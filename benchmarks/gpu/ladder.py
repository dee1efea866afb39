"""A training step at widths from 135 million to 8 billion numbers, with random weights: ours beside what else there is.

    python benchmarks/gpu/ladder.py SIZE VARIANT [--device cuda] [--dtype bfloat16] [--batch 1] [--length 512]
        [--steps 5] [--attention sdpa|eager|flash_attention_2] [--compile] [--context N]

One variant in one process: seconds a step (the median, without the first two), tokens a second and the highest use of
memory, of the GPU's tensors or of the whole process, go into `benchmarks/results/gpu/` under SIZE,
VARIANT and the options. On the device `meta` nothing is computed: what the weights, gradients and moments take is
counted. Rank 16 on every Linear but the head. `--context` lengthens the model to so many tokens by LongLoRA and trains
on rows of that length. Nothing is tested here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from refimpl import lomo, longlora, lora, qlora
from refimpl._lab import losses, measure

OUT = Path(__file__).parents[1] / "results" / "gpu"
RANK, ALPHA, CHUNK = 16, 32.0, 256
SIZES: dict[str, tuple[int, int, int, int, int, int]] = {  # width, inner width, layers, heads, key heads, vocabulary
    "toy": (64, 128, 2, 4, 2, 512),
    "135M": (576, 1536, 30, 9, 3, 49_152),
    "1B": (2048, 8192, 16, 32, 8, 128_256),
    "3B": (3072, 8192, 28, 24, 8, 128_256),
    "8B": (4096, 14_336, 32, 32, 8, 128_256),
}
Step = Callable[[torch.Tensor], float]


def base(size: str, device: str, dtype: torch.dtype, attention: str, context: int) -> Any:
    """A Llama of this size with random weights, made where it will be."""
    width, inner, layers, heads, keys, words = SIZES[size]
    config = LlamaConfig(
        hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=keys, vocab_size=words, max_position_embeddings=context, tie_word_embeddings=width < 4096,
        use_cache=False, attn_implementation=attention,
    )  # fmt: skip
    torch.manual_seed(0)
    was = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return LlamaForCausalLM(config).train()
    finally:
        torch.set_default_dtype(was)


def with_peft(model: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(lora.LINEARS)))


def in_4_bits(model: Any) -> Any:
    """The model with bitsandbytes' layers, as peft's QLoRA has it."""
    import bitsandbytes as bnb

    device, kind = model.device, {"quant_type": "nf4", "compress_statistics": True}
    for name, layer in list(model.named_modules()):
        if isinstance(layer, torch.nn.Linear) and not name.endswith("lm_head"):
            fresh = bnb.nn.Linear4bit(layer.in_features, layer.out_features, False, layer.weight.dtype, **kind)
            fresh.weight = bnb.nn.Params4bit(layer.weight.detach().cpu(), requires_grad=False, **kind)
            model.set_submodule(name, fresh.to(device))
    return model


VARIANTS: dict[str, Callable[[Any], Any]] = {
    "lora": lambda model: lora.apply(model, lora.LINEARS, RANK, ALPHA),
    "lora-peft": with_peft,
    "qlora": lambda model: qlora.apply(model, rank=RANK, alpha=ALPHA),
    "qlora-peft": lambda model: with_peft(in_4_bits(model)),
    "lomo": lomo.apply,
    "lomo-optim": lomo.apply,
    "full": lambda model: model.requires_grad_(True),
    "longlora": lambda model: longlora.apply(model, context=2 * model.config.max_position_embeddings),
}


def stepper(variant: str, model: Any, compiled: bool) -> Step:
    """One step on a batch of tokens: forward, backward, update; the loss."""
    own = variant in ("lora", "qlora", "lomo", "longlora")
    run: Any = torch.compile(losses.batch_loss if own else type(model).forward) if compiled else None

    def loss_of(ids: torch.Tensor) -> torch.Tensor:
        batch = {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
        if own:
            return (run or losses.batch_loss)(model, batch, chunk=CHUNK)
        return (run(model, **batch) if run else model(**batch)).loss

    if variant == "lomo":
        step = lomo.LOMO(model.parameters(), clip_norm=1.0).step
        return lambda ids: float(step(lambda: loss_of(ids), 1e-3))
    if variant == "lomo-optim":
        from lomo_optim import Lomo

        other = Lomo(model, lr=1e-3)

        def theirs(ids: torch.Tensor) -> float:
            loss = loss_of(ids)
            other.fused_backward(loss, 1e-3)
            return loss.item()

        return theirs
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)

    def plain(ids: torch.Tensor) -> float:
        optimiser.zero_grad()
        loss = loss_of(ids)
        loss.backward()
        optimiser.step()
        return loss.item()

    return plain


def counted(model: Any, variant: str) -> dict[str, float]:
    """What weights, gradients and AdamW's moments take, without computing anything."""
    trained = [p for p in model.parameters() if p.requires_grad]
    held = max(p.nbytes for p in trained) if variant.startswith("lomo") else sum(p.nbytes for p in trained)
    return {
        "weights_bytes": sum(t.nbytes for t in (*model.parameters(), *model.buffers())),
        "trained": sum(p.numel() for p in trained),
        "gradients_bytes": held,
        "moments_bytes": 0 if variant.startswith("lomo") else 2 * sum(p.nbytes for p in trained),
    }


def measured(model: Any, step: Step, rows: int, length: int, steps: int) -> dict[str, Any]:
    """Seconds, tokens a second, losses and the peak over `steps` steps."""
    device, vocabulary = str(next(model.parameters()).device), model.config.vocab_size
    measure.reset_peak(device)
    seconds, found = [], []
    for at in range(steps):
        ids = torch.randint(vocabulary, (rows, length), generator=torch.Generator().manual_seed(at)).to(device)
        begun = time.perf_counter()
        found.append(step(ids))
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    middle = statistics.median(seconds[2:] or seconds)
    return {
        "seconds_a_step": middle, "tokens_a_second": rows * length / middle, "losses": found,
        "peak_bytes": measure.peak_bytes(device),
    }  # fmt: skip


def main(asked: argparse.Namespace) -> None:
    """Measure one variant and keep it."""
    length = asked.context or asked.length
    dtype = getattr(torch, asked.dtype)
    model = base(asked.size, asked.device, dtype, asked.attention, (asked.context or 2 * length) // 2)
    adapted = VARIANTS[asked.variant](model)
    row: dict[str, Any] = counted(adapted, asked.variant)
    if asked.device != "meta":
        step = stepper(asked.variant, adapted, asked.compile)
        row |= measured(adapted, step, asked.batch, length, asked.steps)
    row["environment"] = measure.environment(asked.device, asked.dtype, 0)
    path = asked.out / f"ladder.{asked.device.partition(':')[0]}.json"
    kept = json.loads(path.read_text()) if path.is_file() else {}
    said = f"{asked.size} {asked.variant} {asked.batch}x{length} {asked.dtype} {asked.attention}"
    kept[said + (" compiled" if asked.compile else "")] = row
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")
    print(said, {name: value for name, value in row.items() if name != "environment"})


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("size", choices=SIZES)
    options.add_argument("variant", choices=VARIANTS)
    options.add_argument("--device", default="cuda")
    options.add_argument("--dtype", default="bfloat16")
    options.add_argument("--batch", type=int, default=1)
    options.add_argument("--length", type=int, default=512)
    options.add_argument("--steps", type=int, default=5)
    options.add_argument("--attention", default="sdpa")
    options.add_argument("--compile", action="store_true")
    options.add_argument("--context", type=int, default=0)
    options.add_argument("--out", type=Path, default=OUT)
    return options


if __name__ == "__main__":
    main(parser().parse_args())
