"""Every method on small random models of many architectures: which cells of that table are right, and which refused.

    python -m refimpl._architectures             all of the table, as site/guide/architectures.md has it
    python -m refimpl._architectures gpt-2 t5    some of its rows

In a cell the method is applied as it comes; the outputs must be the base's where the method says so; ten steps must
lower the loss and move nothing but what is trained; saved and loaded into another copy, the outputs must be the same;
generation must say the same with a cache and without; merged, the outputs must be the same, and what `save_pretrained`
then writes must come back. A cell is "right", or "refused" with the method's own line, or "wrong" with what is not so.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch
import transformers as t
from torch import Tensor

from refimpl import _targets
from refimpl._toys import far

VOCABULARY, WIDTH, ROWS, TOKENS = 96, 32, 2, 12
Outcome = Literal["right", "refused", "wrong"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of a method on a model; `why` is the line with which it was refused, or what is wrong."""

    outcome: Outcome
    why: str = ""


class Wrong(Exception):
    """Something that a cell demands is not so."""


# --- the models --------------------------------------------------------------------

_TOKENS = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_LAYERS = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64}
_OLD = {**_TOKENS, **_LAYERS, "intermediate_size": 48}
_LLAMA = {**_OLD, "num_key_value_heads": 2}
_GPT2 = {
    **_TOKENS,
    "n_embd": WIDTH,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 64,
    "embd_pdrop": 0.0,
    "resid_pdrop": 0.0,
}
_MOE = {**_LLAMA, "num_experts_per_tok": 2, "router_aux_loss_coef": 0.0}
_PAIR = {f"{part}_{name}": n for part in ("encoder", "decoder")
         for name, n in (("layers", 2), ("ffn_dim", 48), ("attention_heads", 4))}  # fmt: skip
_CLASSES = {**_OLD, "num_labels": 3, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

MODELS: dict[str, tuple[str, dict[str, Any]]] = {  # transformers' class, and how its configuration is not its own
    "Llama": ("LlamaForCausalLM", _LLAMA),
    "Llama, tied": ("LlamaForCausalLM", {**_LLAMA, "tie_word_embeddings": True}),
    "SmolLM3": ("SmolLM3ForCausalLM", _LLAMA),
    "Qwen2": ("Qwen2ForCausalLM", _LLAMA),
    "Qwen3": ("Qwen3ForCausalLM", {**_LLAMA, "head_dim": 8}),
    "Mistral": ("MistralForCausalLM", {**_LLAMA, "sliding_window": None}),
    "Mistral, windows": ("MistralForCausalLM", {**_LLAMA, "sliding_window": 32}),
    "Gemma 2": ("Gemma2ForCausalLM", {**_LLAMA, "head_dim": 8, "sliding_window": 32}),
    "Gemma 3": ("Gemma3ForCausalLM", {**_LLAMA, "head_dim": 8, "sliding_window": 32}),
    "Phi-3": ("Phi3ForCausalLM", _LLAMA),
    "Phi": ("PhiForCausalLM", {**_LLAMA, "embd_pdrop": 0.0, "resid_pdrop": 0.0}),
    "GPT-2": ("GPT2LMHeadModel", {**_GPT2, "attn_pdrop": 0.0}),
    "GPT-NeoX": ("GPTNeoXForCausalLM", _OLD),
    "BLOOM": ("BloomForCausalLM", {**_TOKENS, "hidden_size": WIDTH, "n_layer": 2, "n_head": 4}),
    "GPT-J": ("GPTJForCausalLM", {**_GPT2, "attn_pdrop": 0.0, "rotary_dim": 4}),
    "OPT": ("OPTForCausalLM", {**_TOKENS, **_LAYERS, "word_embed_proj_dim": WIDTH, "ffn_dim": 48, "dropout": 0.0}),
    "Falcon": ("FalconForCausalLM", {**_TOKENS, **_LAYERS, "multi_query": True}),
    "Mixtral": ("MixtralForCausalLM", {**_MOE, "num_local_experts": 4}),
    "Qwen3-MoE": ("Qwen3MoeForCausalLM", {**_MOE, "head_dim": 8, "num_experts": 4, "moe_intermediate_size": 32}),
    "gpt-oss": ("GptOssForCausalLM", {**_MOE, "head_dim": 8, "num_local_experts": 4, "sliding_window": 32}),
    "T5": ("T5ForConditionalGeneration", {
        **_TOKENS, "d_model": WIDTH, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0,
        "decoder_start_token_id": 0, "tie_word_embeddings": False,
    }),
    "BART": ("BartForConditionalGeneration", {
        **_TOKENS, **_PAIR, "d_model": WIDTH, "max_position_embeddings": 64, "dropout": 0.0,
        "decoder_start_token_id": 2, "forced_eos_token_id": None,
    }),
    "BERT": ("BertForSequenceClassification", _CLASSES),
    "RoBERTa": ("RobertaForSequenceClassification", {**_CLASSES, "type_vocab_size": 1}),
    "Mamba": ("MambaForCausalLM", {
        **_TOKENS, "hidden_size": WIDTH, "num_hidden_layers": 2, "state_size": 4, "time_step_rank": 16,
    }),
}  # fmt: skip


def model_of(name: str) -> Any:
    """A random model of this architecture, the same each time. Its norms have gains that are not all alike."""
    torch.manual_seed(0)
    kind, sizes = MODELS[name]
    made: Any = getattr(t, kind)
    model = made(made.config_class(**sizes)).eval()
    with torch.no_grad():
        for norm in _targets.norms(model).values():
            for p in norm.parameters():
                p.add_(torch.randn_like(p), alpha=0.1)
    return model


# --- the methods -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """A method as it comes, with the options that make it small enough for these models."""

    name: str
    options: dict[str, Any]
    near: float = 1e-4  # how far from the base's it may begin, relative; quantised models begin elsewhere
    rate: float = 1e-2
    merges: bool = False

    @property
    def module(self) -> Any:
        """The implementation."""
        return import_module(f"refimpl.{self.name}")

    def apply(self, model: Any) -> Any:
        """The model with the method in it; RoSA with masks that nobody looked for."""
        adapted = self.module.apply(model, **self.options)
        for layer in (m for m in adapted.modules() if self.name == "rosa" and isinstance(m, self.module.RoSALinear)):
            layer.mask(torch.rand_like(layer.base.weight))
        return adapted


METHODS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("lora", {"rank": 4}, merges=True),
        Way("qlora", {"rank": 4}, near=0.5, merges=True),
        Way("rosa", {"rank": 2, "density": 0.02}, merges=True),
        Way("qa_lora", {"rank": 4, "group": 16, "bits": 8}, near=0.5, merges=True),
        Way("longlora", {"rank": 4, "group": 6}, merges=True),
        Way("second_order_mask", {"density": 0.05}, rate=3e-2, merges=True),
        Way("lomo", {}),
        Way("llm_adapters", {"b": 8, "init": "zero"}),
        Way("prefix_tuning", {"length": 4, "mid": 16}, near=10, merges=True),
        Way("prompt_tuning", {"length": 4}, near=10, rate=0.1),
        Way("delta_tuning", {"kinds": "specification,reparametrisation"}, merges=True),
        Way("flan", {}),
        Way("peft_library", {"rank": 4}, merges=True),
    )
}
WHOLE = ("lomo", "flan")  # methods that train all of a model


# --- one cell ----------------------------------------------------------------------


def rows_of(model: Any) -> dict[str, Tensor]:
    """A batch as the model is trained on it: labels are tokens, or classes."""
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(3, VOCABULARY, (ROWS, TOKENS), generator=draw)
    rows = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    labels = torch.tensor([0, 2]) if _classifies(model) else ids
    return rows | {"labels": labels[:, :8].contiguous() if model.config.is_encoder_decoder else labels}


def _classifies(model: Any) -> bool:
    return type(model).__name__.endswith("SequenceClassification")


@torch.no_grad()
def logits(model: Any, rows: dict[str, Tensor]) -> Tensor:
    """What the model says of the tokens that it is given, without those that a prompt adds."""
    found: Tensor = model.eval()(**rows).logits
    return found if found.dim() == 2 else found[:, -rows["labels"].shape[1] :]


def cell(method: str, architecture: str) -> Cell:
    """Try one method on one model."""
    way, base = METHODS[method], model_of(architecture)
    rows = rows_of(base)
    torch.manual_seed(0)
    try:
        model = way.apply(copy.deepcopy(base))
    except ValueError as e:
        return Cell("refused", str(e))
    try:
        with tempfile.TemporaryDirectory() as folder:
            _tried(way, base, model, rows, Path(folder))
    except Wrong as e:
        return Cell("wrong", str(e))
    except Exception as e:  # whatever breaks, breaks this cell
        return Cell("wrong", f"{type(e).__name__}: {e}".splitlines()[0])
    return Cell("right")


def _tried(way: Way, base: Any, model: Any, rows: dict[str, Tensor], folder: Path) -> None:
    start = logits(base, rows)
    _demand(far(logits(model, rows), start) <= way.near, "before training its outputs are not the base's")
    if way.name not in WHOLE:
        _refuses(model, folder)
    frozen = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
    losses = _train(model, rows, way)
    _demand(losses[-1] < losses[0], f"ten steps take the loss from {losses[0]:.4f} to {losses[-1]:.4f}")
    moved = [name for name, p in model.named_parameters() if name in frozen and not torch.equal(p, frozen[name])]
    _demand(not moved, f"what is frozen has moved: {next(iter(moved), '')}")
    _demand(way.name in ("prompt_tuning", "prefix_tuning") or _heard(base, model), "a block learns nothing")
    expected = logits(model, rows)
    torch.manual_seed(5)
    other = way.apply(copy.deepcopy(base))
    way.module.save(copy.deepcopy(model), folder / "adapter")
    way.module.load(other, folder / "adapter")
    _demand(torch.equal(logits(other, rows), expected), "saved and loaded its outputs are others")
    if base.can_generate():
        _says_the_same(model, rows["input_ids"])
    if way.merges:
        merged = way.module.merge(model)
        _demand(far(logits(merged, rows), expected) <= 1e-4, "merged its outputs are others")
        if way.name not in ("prefix_tuning", "qa_lora"):
            _comes_back(base, merged, rows, folder / "merged")


def _demand(holds: bool, else_: str) -> None:
    if not holds:
        raise Wrong(else_)


def _refuses(model: Any, folder: Path) -> None:
    """What `save_pretrained` would write of an adapted model nobody could read."""
    try:
        model.save_pretrained(folder / "adapted")
    except ValueError:
        return
    raise Wrong("save_pretrained of the adapted model is not refused")


def _train(model: Any, rows: dict[str, Tensor], way: Way) -> list[float]:
    model.train()
    losses = []
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=way.rate, weight_decay=0.0)
    step = way.module.LOMO(model.parameters(), clip_norm=1.0).step if way.name == "lomo" else None
    for _ in range(10):
        if step is not None:
            losses.append(float(step(lambda: model(**rows, use_cache=False).loss, 0.1)))
            continue
        optimiser.zero_grad()
        loss = model(**rows).loss
        loss.backward()
        losses.append(float(loss))
        optimiser.step()
    with torch.no_grad():
        losses.append(float(model(**rows).loss))
    model.eval()
    return losses


def _heard(base: Any, model: Any) -> bool:
    """Whether something is trained in each block, and has a gradient that was not zero."""
    moved = {name for name, p in model.named_parameters() if p.requires_grad and (p.grad is None or bool(p.grad.any()))}
    return all(any(name.startswith(block) for name in moved) for block in _targets.blocks(base))


def _says_the_same(model: Any, ids: Tensor) -> None:
    how = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 6, "do_sample": False, "eos_token_id": None}
    without = model.generate(ids, use_cache=False, **how)
    try:
        with_cache = model.generate(ids, use_cache=True, **how)
    except ValueError as e:
        _demand("use_cache=False" in str(e), str(e))
        return
    _demand(torch.equal(with_cache, without), "with a cache it says something else than without")


def _comes_back(base: Any, merged: Any, rows: dict[str, Tensor], folder: Path) -> None:
    merged.save_pretrained(folder)
    again = type(base).from_pretrained(folder, dtype=torch.float32)
    _demand(
        far(logits(again, rows), logits(merged, rows)) <= 1e-5, "what save_pretrained writes after merging is another"
    )


def table(architectures: list[str], methods: list[str] | None = None) -> Iterator[tuple[str, dict[str, Cell]]]:
    """Row by row."""
    for name in architectures:
        yield name, {method: cell(method, name) for method in methods or METHODS}


PAGE = """# Which method on which model

Each method was tried on a small random model of each of these architectures, as it comes: it begins at the base, ten
steps lower the loss and move nothing but what is trained, what is saved comes back, generation says the same with a
cache and without, and merged the outputs stay. **+** is all of it right; **–** is refused, with the line below.
`python -m refimpl._architectures` tries it again, and `make test-nightly` fails where this page is not so.

Where a model keeps queries, keys and values in one layer, that gets one update; the experts of a mixture are adapted
one by one; the head of a classifier, which is new to its task, is trained in full.

"""


def page(cells: dict[str, dict[str, Cell]]) -> str:
    """The table as Markdown, and why what is refused is."""
    methods = [name.replace("_", " ") for name in METHODS]
    lines = [f"| | {' | '.join(methods)} |", "|---|" + ":-:|" * len(methods)]
    signs = {"right": "+", "refused": "–", "wrong": "**wrong**"}
    lines += [f"| {name} | {' | '.join(signs[c.outcome] for c in row.values())} |" for name, row in cells.items()]
    whys: dict[tuple[str, str], list[str]] = {}
    for name, row in cells.items():
        for method, found in row.items():
            if found.why:
                whys.setdefault((method.replace("_", " "), found.why), []).append(name)
    lines += ["", *(f"- {method} on {', '.join(on)}: {why}." for (method, why), on in sorted(whys.items()))]
    return PAGE + "\n".join(lines) + "\n"


def main(asked: list[str]) -> None:
    """Print the table of these architectures, or of all."""
    torch.set_num_threads(1)
    t.utils.logging.set_verbosity_error()
    t.utils.logging.disable_progress_bar()
    names = {name.lower(): name for name in MODELS}
    if odd := [word for word in asked if word.lower() not in names]:
        sys.exit(f"no architecture {odd[0]!r}; there are {', '.join(MODELS)}")
    sys.stdout.write(page(dict(table([names[word.lower()] for word in asked] or [*MODELS]))))


if __name__ == "__main__":
    main(sys.argv[1:])
