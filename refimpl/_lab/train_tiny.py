"""Train `tiny`, the small language model that the demos stand on, on what `corpus` reads.

    python -m refimpl._lab.train_tiny ROOT OUT --steps N [--start FOLDER] [--resume]

ROOT holds the unpacked packages that `corpus` names. With `--minutes M` in place of `--steps` the learning rate falls
by the clock, to nothing after M minutes, whatever step that is. `--start` takes the weights of an earlier model of the
same body, and as the embedding of a new token the mean of those of the old tokens that spell it. The state goes to
OUT/state.pt every two hundred steps; `--resume` goes on from there. OUT/tiny is written at the end, with a record:
what was read, how long, and the loss on what was not. OUT/held_out.jsonl.gz has the meanings that are never read.

Everything but the clock follows from the seed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from refimpl._lab import corpus, wordnet

SEED, VOCABULARY, CONTEXT, BATCH = 0, 4096, 512, 4
PEAK, WARMUP, EVERY = 3e-3, 100, 200
END = "<|end|>"
# line ends with the indentation behind them, words, digits one by one, signs, runs of spaces
WORDS = Regex(r"\n+[ ]*| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
SPELT, HELD = 3_000_000, 40  # characters of each kind that the tokenizer is made from; one text in so many is held out


def tokenizer_of(texts: dict[str, list[str]]) -> PreTrainedTokenizerFast:
    """Byte-level BPE: any text goes in and comes back. A line end with its indentation is one token."""
    bpe = Tokenizer(models.BPE())
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(WORDS, "isolated"), bytes_only])
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    sample = [text for kind, share in corpus.SHARES.items() for text in _characters(texts[kind], share)]
    bpe.train_from_iterator(sample, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=END, model_max_length=CONTEXT
    )


def _characters(texts: list[str], share: float) -> list[str]:
    """As many of the texts as hold this kind's share of the characters that are looked at."""
    order = random.Random(SEED)
    wanted, found = 4 * SPELT * share, []
    for text in order.sample(texts, len(texts)):
        wanted -= len(text)
        found.append(text)
        if wanted < 0:
            break
    return found


def config_of(tokenizer: PreTrainedTokenizerBase) -> LlamaConfig:
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


@torch.no_grad()
def begin(tokenizer: PreTrainedTokenizerBase, start: Path | None) -> LlamaForCausalLM:
    """A fresh model, or one with the layers of `start` and embeddings put together from its."""
    model = LlamaForCausalLM(config_of(tokenizer))
    if start is None:
        return model
    old: Any = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32)
    spelling: Any = AutoTokenizer.from_pretrained(start)
    weights = old.state_dict()
    table = weights["model.embed_tokens.weight"]
    rows = [table[spelling(text, add_special_tokens=False)["input_ids"]].mean(0) for text in _spelt(tokenizer)]
    rows[tokenizer.eos_token_id] = table[spelling.eos_token_id]
    weights["model.embed_tokens.weight"] = weights["lm_head.weight"] = torch.stack(rows)
    model.load_state_dict(weights)
    return model


def _spelt(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Each token as text; a lone byte of a longer character as the sign that stands for what cannot be read."""
    return [str(tokenizer.decode([token])) or " " for token in range(len(tokenizer))]


def rows_of(texts: list[str], tokenizer: PreTrainedTokenizerBase, seed: int) -> Tensor:
    """The texts in a random order as rows of CONTEXT tokens, each text behind an END token."""
    shuffled = random.Random(seed).sample(texts, len(texts))
    flat: list[int] = []
    for at in range(0, len(shuffled), 1000):
        for ids in tokenizer(shuffled[at : at + 1000], add_special_tokens=False, verbose=False)["input_ids"]:
            flat += (tokenizer.eos_token_id, *ids)
    return torch.tensor(flat[: len(flat) // CONTEXT * CONTEXT], dtype=torch.int16).view(-1, CONTEXT)


def batches(rows: dict[str, Tensor]) -> Iterator[Tensor]:
    """Endless; rows of each kind by its share, in their order, again from the first when all are read."""
    order = random.Random(SEED)
    kinds, shares = list(corpus.SHARES), list(corpus.SHARES.values())
    ahead = {kind: itertools.cycle(range(len(found))) for kind, found in rows.items()}
    while True:
        drawn = order.choices(kinds, shares, k=BATCH)
        yield torch.stack([rows[kind][next(ahead[kind])] for kind in drawn]).long()


def rate(share: float, step: int) -> float:
    """A linear warm-up, a plateau over the first third, then a line to nothing at the end."""
    return PEAK * min(1.0, step / WARMUP, 1.5 * max(0.0, 1 - share) + 0.01)


@torch.no_grad()
def loss_on(model: LlamaForCausalLM, rows: Tensor) -> float:
    """Nats a token."""
    model.eval()
    losses: list[float] = []
    for part in rows.long().split(8):
        losses.append(loss_of(model, part).item() * len(part))
    model.train()
    return sum(losses) / len(rows)


@dataclass
class Clock:
    """How far the training is: in steps, and in seconds of this machine and of its processor."""

    steps: int | None
    minutes: float | None
    compiled: bool = False
    step: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def share(self) -> float:
        return self.step / self.steps if self.steps else self.seconds / 60 / (self.minutes or 1)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, facts: dict[str, object], out: Path) -> None:
    """Weights in half precision, tokenizer, and how they were made."""
    half = LlamaForCausalLM(model.config).half()
    half.load_state_dict(model.state_dict())
    half.save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def train(root: Path, out: Path, clock: Clock, start: Path | None = None, *, resume: bool = False) -> None:
    """The whole of it: data, tokenizer, model, and OUT."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    texts = corpus.read(root, SEED)
    wordnet.write(
        [s for s in wordnet.parse(root / "usr/share/wordnet") if wordnet.held_out(s)], out / "held_out.jsonl.gz"
    )
    unread = {kind: found[::HELD] for kind, found in texts.items()}
    texts = {kind: [t for at, t in enumerate(found) if at % HELD] for kind, found in texts.items()}
    tokenizer = tokenizer_of(texts)
    rows = {kind: rows_of(found, tokenizer, SEED) for kind, found in texts.items()}
    tests = {kind: rows_of(found, tokenizer, SEED)[:32] for kind, found in unread.items()}
    print({kind: len(found) * CONTEXT for kind, found in rows.items()}, "tokens", flush=True)
    model = begin(tokenizer, start)
    optimiser = _optimiser(model)
    if resume:
        state = torch.load(out / "state.pt")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        clock.step, clock.seconds, clock.cpu_seconds = state["clock"]
    _steps(model, optimiser, rows, clock, out / "state.pt")
    save(model, tokenizer, _facts(model, texts, clock, start, tests), out / "tiny")


def _optimiser(model: LlamaForCausalLM) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.98), fused=True)


def loss_of(model: LlamaForCausalLM, batch: Tensor) -> Tensor:
    """Nats a token."""
    hidden = model.model(input_ids=batch, use_cache=False).last_hidden_state
    return F.cross_entropy(model.lm_head(hidden[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


def _steps(
    model: LlamaForCausalLM, optimiser: torch.optim.Optimizer, rows: dict[str, Tensor], clock: Clock, state: Path
) -> None:
    """Until the clock has run out."""
    begun, worked = time.perf_counter() - clock.seconds, time.process_time() - clock.cpu_seconds
    model.train()
    run: Any = torch.compile(loss_of, dynamic=False) if clock.compiled else loss_of
    losses: list[float] = []
    for batch in itertools.islice(batches(rows), clock.step, None):
        if clock.share >= 1:
            return
        clock.step += 1
        for group in optimiser.param_groups:
            group["lr"] = rate(clock.share, clock.step)
        loss = run(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        clock.seconds, clock.cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
        if clock.step % 50 == 0:
            mean = sum(losses[-50:]) / 50
            print(f"step {clock.step}  {clock.share:.1%}  loss {mean:.3f}  {clock.cpu_seconds:.0f} cpu-s", flush=True)
        if clock.step % EVERY == 0:
            at = (clock.step, clock.seconds, clock.cpu_seconds)
            kept = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "clock": at}
            torch.save(kept, state.with_suffix(".new"))
            state.with_suffix(".new").replace(state)


def _facts(
    model: LlamaForCausalLM, texts: dict[str, list[str]], clock: Clock, start: Path | None, tests: dict[str, Tensor]
) -> dict[str, object]:
    earlier = json.loads((start / "training.json").read_text()) if start else None
    return {
        "parameters": model.num_parameters(),
        "packages": corpus.PACKAGES,
        "shares": corpus.SHARES,
        "texts": {kind: len(found) for kind, found in texts.items()},
        "seed": SEED,
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "tokenizers")},
        "clock": {name: round(value) for name, value in asdict(clock).items() if value is not None},
        "tokens": clock.step * BATCH * CONTEXT,
        "held_out_nats_a_token": {kind: round(loss_on(model, rows), 3) for kind, rows in tests.items()},
        "begun_from": earlier,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="where the packages are unpacked")
    parser.add_argument("out", type=Path, help="where tiny/ and held_out.jsonl.gz go")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int)
    length.add_argument("--minutes", type=float)
    parser.add_argument("--start", type=Path, help="the folder of an earlier model to begin from")
    parser.add_argument("--compiled", action="store_true", help="a quarter faster, where there is a C++ compiler")
    parser.add_argument("--resume", action="store_true", help="go on from OUT/state.pt")
    asked = parser.parse_args()
    train(asked.root, asked.out, Clock(asked.steps, asked.minutes, asked.compiled), asked.start, resume=asked.resume)
