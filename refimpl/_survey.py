"""The survey's table: each method's row on copies of one model, from one step on one batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from refimpl import _roster
from refimpl._lab import cost, loop, models, tasks
from refimpl._lab.environment import environment

ADDITIVE, SELECTIVE, REPARAMETRISED, HYBRID, FULL = "additive", "selective", "reparametrised", "hybrid", "all weights"

# Each way of adapting a model, its class, and what the survey says of it. Where the text is empty, the survey does not
# have the method, and the class is this project's reading of section 3.
SAID: dict[str, tuple[str, str]] = {
    "full": (FULL, "3.1: a gradient and two moments for each parameter"),
    "lomo": (FULL, ""),
    "lora": (REPARAMETRISED, "10.2: only the two matrices are trained, and are added to W afterwards"),
    "qlora": (REPARAMETRISED, ""),
    "qa_lora": (REPARAMETRISED, ""),
    "rosa": (HYBRID, ""),
    "second_order_mask": (SELECTIVE, "3.2, of sparse selection as such: impractical on contemporary hardware"),
    "llm_adapters_series": (ADDITIVE, "6.1: networks behind sub-layers, less than 4 % of the parameters"),
    "llm_adapters_parallel": (ADDITIVE, "3.1: a variation of where an adapter stands"),
    "prompt_tuning": (ADDITIVE, "7.1: incredibly parameter-efficient, at the cost of inference overhead"),
    "prefix_tuning": (ADDITIVE, "7.2: only the prefix is needed for inference"),
    "delta_tuning_specification": (SELECTIVE, "3.2: chosen by the type of the layer"),
    "longlora": (HYBRID, ""),
    "delta_tuning_addition": (ADDITIVE, "6.1: networks behind sub-layers, less than 4 % of the parameters"),
    "delta_tuning_reparametrisation": (REPARAMETRISED, "10.2: only the two matrices are trained"),
    "delta_tuning_all": (HYBRID, "11.5, S4: adapters, prefixes, biases and LoRA in one model"),
    "peft_library": (REPARAMETRISED, "10.2: only the two matrices are trained, and are added to W afterwards"),
}


def said_of(entry: _roster.Entry) -> str:
    """What the survey says of a method."""
    return SAID.get(entry.name, ("", ""))[1] or "not in version 1"


def ways() -> dict[str, _roster.Entry]:
    """The roster, and what else of this project adapts a model: the kinds of delta tuning, and PEFT's LoRA."""
    three = ("addition", "specification", "reparametrisation")
    kinds = {"addition": three[:1], "reparametrisation": three[2:], "all": three}
    more = [
        _roster.Entry(f"delta_tuning_{name}", f"Delta tuning: {name}", "delta_tuning", {"kinds": chosen}, "", 1e-2,
                      folds="addition" not in chosen)
        for name, chosen in kinds.items()
    ]  # fmt: skip
    more.append(_roster.Entry("peft_library", "PEFT's LoRA", "peft_library", {}, "", 1e-2, folds=True))
    return _roster.ENTRIES | {entry.name: entry for entry in more}


Classify = Callable[[Any, Callable[[Any], nn.Module]], Any]  # a base, and what adapts it: `peft_survey.Found`
COLUMNS = (
    "method", "class", "trained", "changed", "rank", "stored, kB", "weights, MB", "activations, MB", "gradients, MB",
    "moments, MB", "backward, % of full", "forward, + %", "merged, + %", "the survey, with its section",
)  # fmt: skip


def table(
    classify: Classify, model: str, task: str, batch: int, length: int, budget: int | None, seed: int,
    device: str, progress: loop.Progress | None,
) -> dict[str, Any]:  # fmt: skip
    """The record of the demo, a row for each method. Raises ValueError where a number is out of its range."""
    if batch < 1 or length < 8 or length % 8 or (budget or 0) < 0:
        raise ValueError(f"batch {batch}, length {length}, budget {budget}: take 1 or more, a multiple of 8, 0 or more")
    base, tokenizer = models.load(model, device)
    torch.manual_seed(seed)
    ids = next(iter(tasks.get(task).batches(tokenizer, length, batch, seed)))["input_ids"].to(base.device)
    numbers = _roster.default_budget(base) if budget is None else budget
    rows, entries = [], list(_roster.ENTRIES.values())
    with models.out_of_memory(f"for the survey's table on {model}"):
        full = cost.step(copy.deepcopy(base).requires_grad_(True), ids)
        for at, entry in enumerate(entries, start=1):
            rows.append([_rounded(value) for value in row(classify, entry, base, ids, numbers or None, full)])
            if progress is not None:
                progress(at, len(entries), full.loss)
    rho = rank_correlation([one[2] for one in rows], [sum(one[7:10]) for one in rows])
    said = f"about {numbers:,} trained numbers each, where a method has a size" if numbers else "each paper's setting"
    return {
        "method": "peft_survey", "model": model, "task": task, "seed": seed, "options": {"budget": numbers},
        "training": {"steps": 1, "batch": batch, "length": length},
        "table": {
            "caption": f"One step of {batch} rows of {length} tokens on {model}, {said}. Changed: of the base's "
            "numbers; rank: of the change of a matrix, the largest; backward: its operations against those of full "
            "fine-tuning; forward and merged: what a pass over the same tokens takes more than the base's. Rank "
            "correlation of "
            f"trained numbers with the bytes of activations, gradients and moments: {rho:.2f}.",
            "columns": list(COLUMNS),
            "rows": rows,
        },
        "environment": environment(str(base.device), "float32", seed),
    }  # fmt: skip


def stored(entry: _roster.Entry, model: nn.Module) -> int:
    """Bytes of what is saved of an adapted model."""
    kept = entry.finish(model)
    buffers = [b for name, b in kept.named_buffers() if name.rpartition(".")[2] in entry.buffers]
    return sum(t.nbytes for t in (*(p for p in kept.parameters() if p.requires_grad), *buffers))


@torch.no_grad()
def forward_cost(model: Any, ids: Tensor) -> int:
    """Operations of one pass over `ids`, as at inference."""
    return cost.operations(lambda: model.eval()(input_ids=ids))


def row(
    classify: Classify, entry: _roster.Entry, base: Any, ids: Tensor, budget: int | None, full: cost.Step
) -> list[Any]:
    """One method's row of the table, on copies of the base."""
    found = classify(base, lambda model: entry.adapt(model, budget).model)
    model = entry.adapt(copy.deepcopy(base), budget).model
    weights = sum(t.nbytes for t in (*model.parameters(), *model.buffers()))
    alone, adapted = forward_cost(base, ids), forward_cost(model, ids)
    step = cost.step(model, ids, entry.step(model))
    saved = stored(entry, copy.deepcopy(model))
    merged = entry.merge(model)
    return [
        entry.title, found.kind, found.trained, found.changed, found.rank or "-", saved / 1e3, weights / 1e6,
        *(size / 1e6 for size in (step.activations, step.gradients, step.moments)),
        100 * step.backward / full.backward, 100 * (adapted / alone - 1),
        "-" if merged is None else 100 * (forward_cost(merged, ids) / alone - 1), said_of(entry),
    ]  # fmt: skip


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's: the correlation of the ranks, where equals share the mean of theirs."""
    a, b = (torch.tensor(v, dtype=torch.float64) for v in (x, y))
    ranks = [(v[:, None] > v).sum(1) + ((v[:, None] == v).sum(1) - 1) / 2 for v in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks).double())[0, 1])


def _rounded(value: Any) -> Any:
    """Three digits, or the whole number; what is no fraction as it is."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.3g}") if abs(value) < 1000 else round(value)
