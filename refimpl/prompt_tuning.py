r"""Prompt tuning: learn a few embeddings that stand before every input of a frozen model.

Lester et al. 2021, arXiv:2104.08691, section 2:

    X' = [P; E(x)]          maximise  log Pr(y | X')  over P alone

    x   (B, T)     tokens                   E(x)  (B, T, e)      their embeddings
    P   (p, e)     the prompt, trained      X'    (B, p + T, e)  what the frozen model reads

Inits (section 3.2): uniform in [-0.5, 0.5]; different rows of E, drawn from the 5,000 commonest tokens; or an embedding
for each class label, the mean over its pieces, and drawn rows for the rest. The model's outputs have p more positions
than the input, at the front; labels there are -100. Where a row is padded on the left, P stands behind the padding, and
positions are counted over what is none, so that it does not matter on which side that is.

Section 6 runs N prompts in one batch on the one model and lets them vote.

In an encoder-decoder, as the paper's T5, X' is what the encoder reads. In a model that reads both ways, as BERT, P
stands behind the first token, whose place such models pool.

Left out: Adafactor with its constant learning rate of 0.3 (here it is the caller's optimiser).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import _peft_format, _targets
from refimpl._lab.adapter import load as load
from refimpl._lab.adapter import save as save
from refimpl._layers import Own
from refimpl._prompts import IGNORED, demand_known, flat, given, insert, places, prepend_encoder, widen, wider
from refimpl._surgery import freeze, guard
from refimpl._tried import begins, takes_embeddings

PAPER = "lester2021power arXiv:2104.08691"
INITS = ("vocabulary", "uniform", "classes")


class SoftPrompt(Own):
    """The trained embeddings."""

    def __init__(self, P: Tensor) -> None:
        super().__init__()
        self.P = nn.Parameter(P)  # (p, e)


def prepend(model: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """What the model is called with becomes [P; E(x)], with mask, positions and labels to match.

    With `prompts` (N, p, e), each of the B rows is read behind each of the N prompts: N B rows, prompt by prompt.
    """
    said, ids = given(args, named)
    past, P = said.get("past_key_values"), said.pop("prompts", model.prompt.P[None])
    if said.get("cache_params") is not None:
        raise ValueError("the model keeps a state instead of keys and values; generate with use_cache=False")
    demand_known(said, ids, ("attention_mask", "position_ids", "labels"))
    (N, p, _), (B, T) = P.shape, ids.shape
    seen = 0 if past is None else past.get_seq_length()  # in later steps of a generation the prompt is in the cache
    mask = said.get("attention_mask")
    mask = (ids.new_ones(B, max(0, seen - p) + T) if mask is None else flat(mask)).repeat(N, 1)
    at = places(mask, p)
    X = model.get_input_embeddings()(ids).repeat(N, 1, 1)  # (N B, T, e)
    if not seen:
        X = torch.cat([P.repeat_interleave(B, dim=0).to(X.dtype), X], dim=1)  # (N B, p + T, e)
        X = X.gather(1, at[..., None].expand_as(X))
    mask = wider(mask, p)  # (N B, p + T)
    positions = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -X.shape[1] :]
    if said.get("labels") is not None:
        said["labels"] = F.pad(said["labels"].repeat(N, 1), (p, 0), value=IGNORED)
    return (), said | {"inputs_embeds": X, "attention_mask": mask, "position_ids": positions}


def first(
    E: Tensor, length: int, init: str = "vocabulary", labels: Sequence[Sequence[int]] = (), common: int = 5000
) -> Tensor:
    """The prompt to start from, (p, e). `E` (V, e) has the commonest tokens first; `labels` are the classes' tokens."""
    if init not in INITS:
        raise ValueError(f"no init {init!r}; there are {', '.join(INITS)}")
    if init == "uniform":
        return torch.empty(length, E.shape[1], device=E.device).uniform_(-0.5, 0.5)
    if init == "classes" and not 0 < len(labels) <= length:
        raise ValueError(f"{len(labels)} class labels for a prompt of {length}; give labels, at most one a position")
    drawn = E[_places(min(common, len(E)), length).to(E.device)]
    means = [E[list(pieces)].mean(0) for pieces in labels] if init == "classes" else []
    return torch.cat([torch.stack(means), drawn[len(means) :]]) if means else drawn


def _places(population: int, n: int) -> Tensor:
    """n of so many places, none twice unless there are too few, as the authors draw (prompts.py:139-212 at 72285ee)."""
    return torch.randperm(population)[:n] if n <= population else torch.randint(population, (n,))


def apply(
    model: Any, length: int = 20, init: str = "vocabulary", labels: Sequence[Sequence[int]] = (), common: int = 5000
) -> Any:
    """Freeze `model` in place and put a prompt of `length` trained embeddings before whatever it is given."""
    if hasattr(model, "prompt"):
        raise ValueError("the model has a prompt already; load it anew")
    if length < 1:
        raise ValueError(f"a prompt of {length} has no embeddings to train; take 1 or more")
    way = _targets.reads(model)
    if way == "on" and type(model).__name__.endswith("SequenceClassification"):
        raise ValueError("the model finds the last token of a row by its id, which a prompt hides; take a causal LM")
    if not takes_embeddings(model, model.get_encoder() if way == "in pairs" else model):
        raise ValueError("the model does not do with embeddings what it does with their tokens; take another model")
    if way != "in pairs" and (call := begins(model)):
        demand_known(call, call["input_ids"], ("input_ids", "attention_mask", "position_ids"))
    freeze(model)
    embed = model.get_input_embeddings()
    E = embed.weight.detach()
    P = first(E, length, init, labels, common)
    if init != "uniform":
        P = P * getattr(embed, "embed_scale", 1.0)  # some models scale what they look up
    model.prompt = SoftPrompt(P.to(torch.promote_types(E.dtype, torch.float32)).clone())
    if way == "in pairs":
        encoder = model.get_encoder()
        encoder.prompt = model.prompt
        encoder.register_forward_pre_hook(prepend_encoder, with_kwargs=True)
        model.get_decoder().register_forward_pre_hook(widen, with_kwargs=True)
    else:
        model.register_forward_pre_hook(prepend if way == "on" else insert, with_kwargs=True)
    guard(model)
    return model


@torch.no_grad()
def vote(model: Any, prompts: Tensor, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
    """Section 6, of a causal LM: the next token that most prompts (N, p, e) choose, (B,); one run for all."""
    if _targets.reads(model) != "on":
        raise ValueError("only the prompts of a causal LM vote; run the prompts of others one by one")
    logits = model(input_ids=input_ids, attention_mask=attention_mask, prompts=prompts).logits[:, -1]
    votes: Tensor = logits.argmax(-1).view(len(prompts), -1)  # (N, B)
    shared = (votes[:, None] == votes).sum(1)  # (N, B): how many agree with each
    return votes.gather(0, shared.argmax(0, keepdim=True))[0]  # the earliest of equals


def save_peft(model: Any, folder: str | Path) -> Path:
    """Write P as peft does, for `peft.PeftModel.from_pretrained`."""
    if _targets.reads(model) != "on":
        raise ValueError("peft puts the prompt of such a model elsewhere; keep it with save")
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    P = model.prompt.P
    shape = {"token_dim": P.shape[1], "num_layers": layers, "num_attention_heads": heads}
    return _peft_format.write_prompt(P, "PROMPT_TUNING", Path(folder), model, **shape, prompt_tuning_init="RANDOM")


def load_peft(model: Any, folder: str | Path) -> Any:
    """`apply` with a prompt that peft saved."""
    P = _peft_format.read_prompt(Path(folder), "PROMPT_TUNING")
    width = model.get_input_embeddings().weight.shape[1]
    if P.shape[1] != width:
        raise ValueError(f"{folder} is of another model: its embeddings have {P.shape[1]} numbers, not {width}")
    apply(model, len(P), "uniform").prompt.P.data.copy_(P)
    return model


def demo(length: int = 20, init: str = "vocabulary", **options: Any) -> dict[str, Any]:
    """Learn a prompt for a task."""
    from refimpl._lab import demo as lab

    return lab.run(
        "prompt_tuning", lambda model: apply(model, length, init), options={"length": length, "init": init},
        **(dict[str, Any](task="json", usual=200, rate=0.1, narrower=False) | options),
    )  # fmt: skip
