"""Every method on small random models of many architectures: which cells of that table are right, and which refused.

    python -m refimpl._architectures             all of it, as site/guide/architectures.md has it
    python -m refimpl._architectures gpt2 t5     some of its rows

In a cell the method is applied as it comes; the outputs must be the base's where the method says so; ten steps must
lower the loss and move nothing but what is trained; saved and loaded into another copy, the outputs must be the same;
generation must say the same with a cache and without; merged, the outputs must be the same, and what `save_pretrained`
then writes must come back. A cell is "right", or "refused" with the method's own line, or "wrong" with what is not so.
"""

from __future__ import annotations

import copy
import functools
import sys
import tempfile
import textwrap
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
from refimpl._zoo import GROUPS, MODELS, VOCABULARY, model_of

ROWS, TOKENS = 2, 12
Outcome = Literal["right", "refused", "wrong"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of a method on a model; `why` is the line with which it was refused, or what is wrong."""

    outcome: Outcome
    why: str = ""


class Wrong(Exception):
    """Something that a cell demands is not so."""


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
    if base.can_generate() and _says_the_same(base, rows["input_ids"]):
        _demand(_says_the_same(model, rows["input_ids"]), "with a cache it says something else than without")
    if way.merges:
        merged = way.module.merge(model)
        _demand(far(logits(merged, rows), expected) <= 1e-4, "merged its outputs are others")
        if way.name in ("prefix_tuning", "qa_lora"):
            _refuses(merged, folder)
        else:
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


def _says_the_same(model: Any, ids: Tensor) -> bool:
    """With a cache and without; also where it says that it is to be had without alone."""
    how = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 6, "do_sample": False, "eos_token_id": None}
    without = model.generate(ids, use_cache=False, **how)
    try:
        return torch.equal(model.generate(ids, use_cache=True, **how), without)
    except ValueError as e:
        _demand("use_cache=False" in str(e), str(e))
        return True


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

Each of {count} methods was tried, as it comes, on a small random model of each of {models} architectures: it begins at
the base, ten steps lower the loss and move nothing but what is trained, what is saved comes back, generation says the
same with a cache and without where the base does, and merged the outputs stay. What does not hold is refused, with the
line below.
`python -m refimpl._architectures` tries it again, and `make test-nightly` fails where this page is not so.

Where a model keeps queries, keys and values in one layer, that gets one update; the experts of a mixture are adapted
one by one; the head of a classifier, which is new to its task, is trained in full. The names are those of transformers.

- **Methods**: {methods}.
"""


def page(cells: dict[str, dict[str, Cell]]) -> str:
    """What was tried, by kinds of models, and what does not hold, as Markdown."""
    whys: dict[tuple[str, str, str], list[str]] = {}
    for name, row in cells.items():
        for method, found in row.items():
            if found.why:
                whys.setdefault((found.outcome, found.why, method.replace("_", " ")), []).append(name)
    methods: dict[tuple[str, str, str], list[str]] = {}
    for (outcome, why, method), on in whys.items():
        methods.setdefault((outcome, why, _told(on)), []).append(method)
    lines = [
        f"- **{group}**: {', '.join(there)}."
        for group, names in GROUPS.items()
        if (there := [name for name in names if name in cells])
    ]
    held = sum(found.outcome == "right" for row in cells.values() for found in row.values())
    lines += ["", f"Of {sum(map(len, cells.values())):,} pairs {held:,} hold. The others:", ""]
    lines += [f"- {' and '.join(by)} {outcome} on {on}: {why}." for (outcome, why, on), by in sorted(methods.items())]
    said = ", ".join(name.replace("_", " ") for name in METHODS)
    text = PAGE.format(count=len(METHODS), methods=said, models=len(cells)).split("\n") + lines
    wrap = functools.partial(textwrap.fill, width=120, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(wrap(line) if line[:2] == "- " else line for line in text) + "\n"


def _told(on: list[str]) -> str:
    """These models, by the name of their group where they are all of it."""
    whole = [group for group, names in GROUPS.items() if set(names) <= set(on)]
    alone = [name for name in on if not any(name in GROUPS[group] for group in whole)]
    return ", ".join([*(f"all {group[0].lower()}{group[1:]}" for group in whole), *alone])


def main(asked: list[str]) -> None:
    """Print the page of these architectures, or of all."""
    torch.set_num_threads(1)
    t.utils.logging.set_verbosity_error()
    t.utils.logging.disable_progress_bar()
    names = {name.lower(): name for name in MODELS}
    if odd := [word for word in asked if word.lower() not in names]:
        sys.exit(f"no architecture {odd[0]!r}; there are {', '.join(MODELS)}")
    sys.stdout.write(page(dict(table([names[word.lower()] for word in asked] or [*MODELS]))))


if __name__ == "__main__":
    main(sys.argv[1:])
