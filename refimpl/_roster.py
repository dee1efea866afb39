"""Every way of adapting a model that is implemented here, under one form: at the paper's setting, or at a given size.

    adapted = ENTRIES["lora"].adapt(model)                     as the paper or its authors' code has it
    adapted = ENTRIES["lora"].adapt(model, budget=32_640)      the size chosen so that about as many numbers are trained

Matched, only the size differs from the paper's setting, except where `note` says more. A method that has no size stays
as it is. The masks of RoSA and of the second-order mask come from gradients; without `data` they are drawn at random,
which is enough to count and to measure.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import nn

    from refimpl._lab.loop import Data, Optimiser, Step
    from refimpl._targets import Part

Options = dict[str, Any]


class Adapted(NamedTuple):
    """The model, and the options with which the method was applied."""

    model: nn.Module
    options: Options


@dataclass(frozen=True, slots=True)
class Entry:
    """One way of adapting a model. `rate` is where a search for its learning rate on `tiny` begins."""

    name: str
    title: str
    module: str  # the implementation in `refimpl`; "" for full fine-tuning, which has none
    own: Options  # the paper's setting
    source: str  # where that stands
    rate: float
    size: Callable[[Any, int], Options] | None = None  # the options that train about so many numbers of this model
    note: str = ""  # what else to know of the setting
    rate_matched: float | None = None  # where the search begins at a matched budget, if elsewhere
    width: bool = True  # whether the rate falls as the model grows wider
    ready: Callable[[Any, Any, Options, Data | None], Any] | None = None  # applies the method where `apply` is not all
    buffers: tuple[str, ...] = ()  # what is saved beside the trained numbers
    folds: bool = False  # whether `merge` leaves a model that costs no more than the base
    kept: str = ""  # the function that drops what is needed for training alone
    own_step: Callable[[Any], Step] | None = None

    @property
    def matches(self) -> bool:
        """Whether the method has a size that a budget can choose."""
        return self.size is not None

    def rate_of(self, setting: str) -> float:
        """Where the search for a learning rate begins, "matched" or "own"."""
        return self.rate if setting == "own" or self.rate_matched is None else self.rate_matched

    @property
    def gradients_first(self) -> bool:
        """Whether the method looks at gradients before it is trained."""
        return self.ready is not None

    @property
    def paper(self) -> str:
        """The citation key of its paper, "" for full fine-tuning."""
        return str(self.implementation().PAPER).split()[0] if self.module else ""

    def implementation(self) -> Any:
        """The module; this imports torch."""
        return importlib.import_module(f"refimpl.{self.module}")

    def options(self, model: nn.Module, budget: int | None = None) -> Options:
        """The paper's setting, or the one nearest to so many trained numbers; of a model before it is adapted."""
        if budget is None or self.size is None:
            return dict(self.own)
        return self.own | self.size(model, budget)

    def adapt(self, model: nn.Module, budget: int | None = None, data: Data | None = None) -> Adapted:
        """Apply the method to the model, in place."""
        chosen = self.options(model, budget)
        if self.ready is not None:
            return Adapted(self.ready(self.implementation(), model, chosen, data), chosen)
        if not self.module:
            return Adapted(model.requires_grad_(True), chosen)
        return Adapted(self.implementation().apply(model, **chosen), chosen)

    def merge(self, model: nn.Module) -> nn.Module | None:
        """The update folded into the weights, in place; None where it does not fold, or there is none."""
        return self.implementation().merge(model) if self.folds else None

    def finish(self, model: nn.Module) -> nn.Module:
        """The model with only what is kept after training."""
        return getattr(self.implementation(), self.kept)(model) if self.kept else model

    def step(self, model: nn.Module) -> Step | None:
        """The method's own training step, where it has one."""
        return None if self.own_step is None else self.own_step(model)

    def optimiser(self, device: str) -> Optimiser:
        """AdamW; on a GPU, QLoRA's is paged."""
        from refimpl import _bitsandbytes as bnb

        return bnb.optimiser(device if self.module == "qlora" else "cpu")


# --- how large a method must be ---------------------------------------------------


def linears(model: Any, *parts: Part) -> list[tuple[int, int]]:
    """(d, k) of the layers that are these parts of the model, or of all but the head. Raises `NoLayers`."""
    from refimpl._surgery import shapes
    from refimpl._targets import ALL_LINEAR, of

    return shapes(model, of(model, *parts) if parts else (ALL_LINEAR,))


def default_budget(model: Any) -> int:
    """What LoRA of rank 2 on every Linear trains."""
    return 2 * sum(d + k for d, k in linears(model))


def whole(numbers: float) -> int:
    """The nearest whole number, and at least 1."""
    return max(1, round(numbers))


def low_rank(parts: tuple[Part, ...], model: Any, budget: int) -> Options:
    """r (k + d) for each layer."""
    return {"rank": whole(budget / sum(d + k for d, k in linears(model, *parts)))}


def in_groups(model: Any, budget: int) -> Options:
    """r (D_in / 32 + D_out) for each layer."""
    return {"rank": whole(budget / sum(k // 32 + d for d, k in linears(model)))}


def behind(model: Any, budget: int) -> Options:
    """2 d b for each layer, d what comes out of it."""
    return {"b": whole(budget / sum(2 * d for d, _ in linears(model, "out")))}


def beside(model: Any, budget: int) -> Options:
    """(k + d) b for each layer."""
    return {"b": whole(budget / sum(d + k for d, k in linears(model, "into", "out")))}


def half_and_half(model: Any, budget: int) -> Options:
    """Half of the numbers in A and B, the rest in the masks."""
    layers = linears(model)
    a_rank = sum(d + k for d, k in layers)
    rank = int(budget / 2 / a_rank)
    return {"rank": rank, "density": (budget - rank * a_rank) / sum(d * k for d, k in layers)}


def share(model: Any, budget: int) -> Options:
    """The same share of each tensor that the method may choose from."""
    from refimpl import second_order_mask

    sizes = [getattr(module, kind).numel() for _, module, kind in second_order_mask.tunable(model, None)]
    return {"density": min(1.0, (budget + len(sizes) / 2) / sum(sizes))}  # each share is rounded down


def tokens(model: Any, budget: int) -> Options:
    """e for each token of the prompt."""
    return {"length": whole(budget / model.get_input_embeddings().weight.shape[1])}


def positions(model: Any, budget: int) -> Options:
    """2 L d_kv for each position, trained directly."""
    from refimpl import prefix_tuning

    layers, heads, numbers = prefix_tuning.shape(model)
    return {"length": whole(budget / (2 * layers * heads * numbers)), "mid": None}


def beside_norms(model: Any, budget: int) -> Options:
    """The norms in full, and r (k + d) for each of the attention's layers with what is left."""
    from refimpl._targets import norms

    gains = sum(p.numel() for norm in norms(model).values() for p in norm.parameters())
    return low_rank(("q", "k", "v", "o"), model, budget - gains) | {"in_full": ("norm",)}


# --- methods that look at gradients first -----------------------------------------


def with_masks(rosa: Any, model: Any, options: Options, data: Data | None) -> Any:
    """RoSA: warm up A and B, find the masks, start again."""
    import torch

    steps, batches = options["warmup"], options["batches"]
    adapted = rosa.apply(model, rank=options["rank"], alpha=options["alpha"], density=options["density"])
    if data is not None:
        return rosa.warm_up(adapted, data, steps, batches)
    for layer in (m for m in adapted.modules() if isinstance(m, rosa.RoSALinear)):
        layer.mask(torch.rand_like(layer.base.weight, dtype=torch.float32))
    return adapted


def with_gains(mask: Any, model: Any, options: Options, data: Data | None) -> Any:
    """The second-order mask: the gradients of some batches, then the mask."""
    gains = None if data is None else mask.burn_in(model, data.losses(model, options["batches"]))
    return mask.apply(model, gains, options["density"])


def lomo_step(model: Any) -> Step:
    """LOMO, clipped by norm."""
    from refimpl.lomo import LOMO

    step: Step = LOMO(model.parameters(), clip_norm=1.0).step
    return step


PEFT, BY_PEFT = (
    "peft:",
    "by-peft:",
)  # how the name of a folder with a configuration of peft begins: as ours, and as its own

ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "full", "Full fine-tuning", "", {}, "the baseline: every parameter, with AdamW", 3e-3,
            note="all parameters: there is no size to match",
        ),
        Entry(
            "lomo", "LOMO", "lomo", {}, "section 3.3.1: SGD in the backward pass, clipped by norm", 3.0,
            note="all parameters: there is no size to match", width=False, own_step=lomo_step,
        ),
        Entry(
            "lora", "LoRA", "lora", {"rank": 4, "alpha": 32.0},
            "authors' code, examples/NLG/README.md: rank 4 and alpha 32 on W_q and W_v", 1e-2,
            partial(low_rank, ("q", "v")), folds=True,
        ),
        Entry(
            "qlora", "QLoRA", "qlora", {"rank": 64, "alpha": 16.0},
            "authors' code, qlora.py: rank 64 and alpha 16 on every Linear", 1e-2, partial(low_rank, ()), folds=True,
        ),
        Entry(
            "qa_lora", "QA-LoRA", "qa_lora", {"rank": 64, "s": 0.25, "bits": 4, "group": 32},
            "authors' code, merge.py: a scale of 16/64, groups of 32", 1e-2, in_groups, folds=True,
        ),
        Entry(
            "rosa", "RoSA", "rosa", {"rank": 8, "alpha": 16.0, "density": 0.003, "warmup": 10, "batches": 4},
            "authors' code, peft-rosa's config.py: rank 8, density 0.003; alpha, warm-up and batches are ours",
            1e-2, half_and_half,
            note="the steps of the warm-up and the batches for the masks come on top", ready=with_masks,
            buffers=("at",), folds=True,
        ),
        Entry(
            "second_order_mask", "Second-order mask", "second_order_mask", {"density": 0.005, "batches": 10},
            "authors' code, scripts/train.sh: 0.5 per cent", 3e-2, share,
            note="the batches for the mask come on top", ready=with_gains, buffers=("at",), folds=True,
        ),
        Entry(
            "llm_adapters_series", "Series adapter", "llm_adapters", {"kind": "series", "b": 256},
            "authors' code, bottleneck.py: 256 wide, tanh", 1e-2, behind,
        ),
        Entry(
            "llm_adapters_parallel", "Parallel adapter", "llm_adapters", {"kind": "parallel", "b": 256},
            "authors' code, bottleneck.py: 256 wide, tanh", 1e-2, beside,
        ),
        Entry(
            "prompt_tuning", "Prompt tuning", "prompt_tuning", {"length": 100, "init": "vocabulary"},
            "section 3.2 and the authors' from_sampled_vocab.gin: 100 tokens, drawn from the commonest 5,000",
            0.3, tokens, width=False,
        ),
        Entry(
            "prefix_tuning", "Prefix-tuning", "prefix_tuning", {"length": 5, "mid": 512},
            "authors' code, README.md and gpt2/train_e2e.py: 5 positions, through an MLP that is 512 wide", 1e-2,
            positions,
            note="matched, the prefix is trained directly: the MLP alone would be more than the budget",
            rate_matched=0.1, width=False, kept="merge",
        ),
        Entry(
            "delta_tuning_specification", "Gains and biases", "delta_tuning", {"kinds": ("specification",)},
            "section 3.2: the one-dimensional parameters of the norms", 0.1,
            note="the model decides how many there are: there is no size to match", folds=True,
        ),
        Entry(
            "longlora", "LongLoRA", "longlora", {"rank": 8, "alpha": 16.0, "in_full": ("embed", "norm")},
            "authors' code, fine-tune.py: rank 8 and alpha 16 on the attention, embeddings and norms in full", 3e-3,
            beside_norms,
            note="rows are no longer than the model's own context: this is what attention in shifted groups costs and "
            "keeps, not the long texts it is for; matched, the embeddings are frozen", folds=True,
        ),
    )
}  # fmt: skip


def entry_of(name: str) -> Entry:
    """The entry of a name.

    Behind `peft:` stands a folder in which peft keeps a configuration: LoRA as that has it. Behind `by-peft:`, the
    library's own layers, of whatever type. Raises ValueError where there is none that can be read.
    """
    from pathlib import Path

    from refimpl._peft_format import CONFIG, configured, said

    kind, colon, rest = name.partition(":")
    if not colon:
        return ENTRIES[name]
    folder = Path(rest)
    source = f"{CONFIG} of {folder.name}"
    if f"{kind}:" == PEFT:
        return Entry(name, f"LoRA of {folder.name}", "lora", configured(folder), source, 1e-2, folds=True)
    own, adapt = said(folder), partial(by_peft, folder)
    return Entry(name, f"{folder.name}, by peft", "peft_library", own, source, 1e-2, ready=adapt)


def by_peft(folder: Any, _: Any, model: Any, __: Options, ___: Data | None) -> Any:
    """The model as peft itself adapts it."""
    from peft import PeftConfig, get_peft_model

    config = PeftConfig.from_pretrained(str(folder))
    config.inference_mode = False
    return get_peft_model(model, config)


def rows_of(folder: str) -> list[str]:
    """The entries of a folder with a configuration of peft: ours, and that of the library where it is installed.

    Raises ValueError where there is neither, as ours is LoRA alone.
    """
    from importlib.util import find_spec

    theirs = [f"{BY_PEFT}{folder}"] if find_spec("peft") else []
    try:
        entry_of(f"{PEFT}{folder}")
    except ValueError:
        if not theirs:
            raise
        entry_of(theirs[0])
        return theirs
    return [f"{PEFT}{folder}", *theirs]
