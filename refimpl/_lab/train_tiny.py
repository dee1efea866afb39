"""Train `tiny`, the small language model that the demos stand on, on the glosses of WordNet.

Needs the dict folder of WordNet 3.0. On Debian, without installing anything:

    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wn
    python -m refimpl._lab.train_tiny wn/usr/share/wordnet OUT

Nine meanings in ten are read, as `dog, domestic dog: a member of the genus Canis ...`, each followed by its examples;
the tenth is held out (wordnet.held_out) and goes to OUT/held_out.jsonl.gz for the tasks. Everything follows from the
seed; on one thread of the same processor the weights come out the same to the bit. OUT/tiny can be loaded at any time
while the script runs; the last weights are written at the end.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from refimpl._lab import wordnet

SEED, VOCABULARY, CONTEXT, BATCH = 0, 4096, 512, 4
PEAK, FLOOR, WARMUP = 3e-3, 1e-4, 100
END = "<|end|>"


def tokenizer_of(texts: list[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE: any text goes in and comes back."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=END, model_max_length=CONTEXT
    )


def config_of(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """Every size is a multiple of 32; keys and values have half of the query's heads, so their shapes differ."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=448,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def stream(texts: list[str], tokenizer: PreTrainedTokenizerFast) -> Tensor:
    """The texts as rows of CONTEXT tokens, each text between two END tokens."""
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    flat = torch.tensor([token for row in rows for token in (tokenizer.eos_token_id, *row)])
    return flat[: len(flat) // CONTEXT * CONTEXT].view(-1, CONTEXT)


def batches(texts: list[str], tokenizer: PreTrainedTokenizerFast) -> Iterator[Tensor]:
    """Endless; the texts are in a new order each time round."""
    order = random.Random(SEED)  # noqa: S311  # not for secrets
    while True:
        order.shuffle(texts)
        yield from (rows for rows in stream(texts, tokenizer).split(BATCH) if len(rows) == BATCH)


def rate(step: int, steps: int) -> float:
    """A linear warm-up, then half a cosine from PEAK to FLOOR."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    return FLOOR + (PEAK - FLOOR) * (1 + math.cos(math.pi * (step - WARMUP) / (steps - WARMUP))) / 2


@torch.no_grad()
def loss_on(model: LlamaForCausalLM, rows: Tensor) -> float:
    """Nats a token."""
    model.eval()
    losses: list[float] = [model(input_ids=part, labels=part).loss.item() * len(part) for part in rows.split(8)]
    model.train()
    return sum(losses) / len(rows)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, facts: dict[str, object], out: Path) -> None:
    """Weights in half precision, tokenizer, and how they were made."""
    half = LlamaForCausalLM(model.config).half()
    half.load_state_dict(model.state_dict())
    half.save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def train(dict_folder: Path, out: Path, steps: int) -> None:
    """The whole of it: data, tokenizer, model, and OUT."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    synsets = wordnet.parse(dict_folder)
    kept = [s for s in synsets if wordnet.held_out(s)]
    texts = [s.text for s in synsets if not wordnet.held_out(s)]
    out.mkdir(parents=True, exist_ok=True)
    wordnet.write(kept, out / "held_out.jsonl.gz")
    tokenizer = tokenizer_of(texts)
    unseen = stream([s.text for s in kept], tokenizer)
    model = LlamaForCausalLM(config_of(tokenizer))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.98), fused=True)
    facts: dict[str, object] = {
        "parameters": model.num_parameters(),
        "meanings": {"read": len(texts), "held_out": len(kept)},
        "seed": SEED,
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    begun, worked = time.perf_counter(), time.process_time()
    for step, rows in zip(range(1, steps + 1), batches(texts, tokenizer), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step - 1, steps)
        loss = model(input_ids=rows, labels=rows).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if step % 50 == 0:
            print(f"step {step}/{steps}  loss {loss.item():.3f}  {time.perf_counter() - begun:.0f} s", flush=True)
        if step % 300 == 0 or step == steps:
            last = step == steps
            facts |= {"steps": step, "of_steps": steps, "tokens": step * BATCH * CONTEXT}
            facts |= {"seconds": round(time.perf_counter() - begun), "cpu_seconds": round(time.process_time() - worked)}
            facts |= {"held_out_nats_a_token": round(loss_on(model, unseen if last else unseen[:32]), 4)}
            save(model, tokenizer, facts, out / "tiny")
            print(f"held out {facts['held_out_nats_a_token']}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dict", type=Path, help="WordNet's dict folder, with data.noun in it")
    parser.add_argument("out", type=Path, help="where tiny/ and held_out.jsonl.gz go")
    parser.add_argument("--steps", type=int, default=2500)
    asked = parser.parse_args()
    train(asked.dict, asked.out, asked.steps)
