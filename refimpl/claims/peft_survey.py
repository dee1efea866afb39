"""PEFT survey: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn

from refimpl import _roster, llm_adapters, lora
from refimpl._claims import Measured, at_least, at_most, equal, quoted, shown
from refimpl._kinds import direction, exact, headline
from refimpl._lab import cost, models
from refimpl._survey import (
    ADDITIVE,
    COLUMNS,
    FULL,
    HYBRID,
    REPARAMETRISED,
    SAID,
    SELECTIVE,
    forward_cost,
    rank_correlation,
    row,
    stored,
    ways,
)
from refimpl._toys import VOCABULARY, far, llama
from refimpl.peft_survey import Found, classify

ROWS, TOKENS = 4, 32
LENGTHS = (16, 32, 64)  # of the rows that `tiny` is given
Setting = tuple[str, dict[str, Any]]  # a method, and what is not as in its paper


@exact
def claim_every_method_has_its_class(device: str = "cpu") -> list[Measured]:
    """Sections 3 and 6 to 11: every method of this project that adapts a model is of the class that the survey says."""
    found = {name: _found(name, device) for name in ways()}
    by_survey = [name for name, (_, text) in SAID.items() if text]
    wrong = sorted(name for name, one in found.items() if one.kind != SAID.get(name, ("", ""))[0])
    theirs = [name for name in by_survey if name not in wrong]
    unlike = f" (not {', '.join(wrong)})" if wrong else ""
    return [
        equal(f"methods of the class that the survey's text puts them in{unlike}", len(theirs), len(by_survey)),
        equal(f"all methods, with those it does not have{unlike}", len(found) - len(wrong), len(ways())),
        equal("classes among them, with full fine-tuning", len({one.kind for one in found.values()}), 5),
    ]


@exact
def claim_additive_methods_leave_the_weights(device: str = "cpu") -> list[Measured]:
    """Section 3.1: extra parameters or layers are added and they alone are trained; no weight of the base does it."""
    rows = []
    for name in _of(ADDITIVE):
        base, entry = _base(device), ways()[name]
        model = _trained(entry, copy.deepcopy(base), device)
        were = {id(p): p for p in model.parameters() if not p.requires_grad}
        same = sum(any(torch.equal(p, q) for q in were.values() if q.shape == p.shape) for p in base.parameters())
        rows += [
            equal(f"{entry.title}: tensors of the base that are as they were", same, len(list(base.parameters()))),
            equal(f"{entry.title}: numbers of the base that change", _found(name, device).changed, 0),
        ]
    linear = classify(_base(device), _linear_adapter)
    return [*rows, equal("a parallel adapter without its nonlinearity is additive", linear.kind == ADDITIVE, False)]


@exact
def claim_selective_methods_change_what_they_train(device: str = "cpu") -> list[Measured]:
    """Section 3.2: a subset of the existing parameters is fine-tuned; as many change as are trained, and no more."""
    rows = []
    for name in _of(SELECTIVE):
        entry, base = ways()[name], _base(device)
        found, merged = _found(name, device), entry.merge(_trained(entry, copy.deepcopy(base), device))
        assert merged is not None
        moved = sum(int((p != q).sum()) for p, q in zip(merged.parameters(), base.parameters(), strict=True))
        rows += [
            equal(f"{entry.title}: numbers that can change", found.changed, found.trained),
            at_most(f"{entry.title}: numbers that a step with weight decay changes", moved, found.trained),
            at_least(f"{entry.title}: the same", moved, 1),
        ]
    return rows


@exact
def claim_reparametrised_methods_change_more_than_they_train(device: str = "cpu") -> list[Measured]:
    """Sections 3.3, 10.1 and 12: few trained numbers change many weights, by an update of low rank."""
    rows = []
    for name in _of(REPARAMETRISED):
        entry, base = ways()[name], _base(device)
        found = classify(base, functools.partial(_at_size, entry))
        options = entry.options(base, _SMALL)
        rank = options.get("rank", 8)
        rows += [
            at_least(f"{entry.title}: weights that change for each trained number", found.changed / found.trained, 2),
            at_most(f"{entry.title}: rank of the change of a weight", found.rank, rank),
        ]
    return rows


@exact
def claim_counts_are_of_all_layers(device: str = "cpu") -> list[Measured]:
    """Section 12: the rank is the largest of any weight's change, whichever comes first; equals share their rank."""
    found = {}
    rosa = _adapted(ways()["rosa"], device)
    own = sum(p.nbytes for p in rosa.parameters() if p.requires_grad)
    places = sum(b.nbytes for name, b in rosa.named_buffers() if name.endswith(".at"))
    for first, second in ((1, 3), (3, 1)):

        def adapt(model: nn.Module, first: int = first, second: int = second) -> nn.Module:
            lora.apply(model, "model.layers.0.self_attn.q_proj", rank=first)
            return lora.apply(model, "model.layers.1.self_attn.q_proj", rank=second)

        found[first] = classify(_base(device), adapt)
    return [
        equal("rank, of 1 and then 3", found[1].rank, 3),
        equal("rank, of 3 and then 1", found[3].rank, 3),
        equal("numbers trained", found[1].trained, (1 + 3) * (64 + 64)),
        equal("numbers that change", found[1].changed, 2 * 64 * 64),
        equal("and in a layer of 6 by 5 with a bias", classify(nn.Sequential(nn.Linear(6, 5)), _biased).changed, 6 * 5),
        equal("bytes stored of what trains numbers at chosen places", stored(ways()["rosa"], rosa), own + places),
        at_least("of which places", places, 1),
        at_most("correlation of ranks with equals, off 5/6", abs(rank_correlation([1, 1, 2, 3], [1, 2, 2, 4]) - 5 / 6),
                1e-12),
    ]  # fmt: skip


@exact
def claim_hybrid_methods_are_of_several_classes(device: str = "cpu") -> list[Measured]:
    """Section 3.4: ideas of several classes in one model; each of the parts is of one class."""
    rows = []
    for name in _of(HYBRID):
        classes = {*_found(name, device).parts.values()}
        rows.append(at_least(f"{ways()[name].title}: {' and '.join(sorted(classes))}, classes", len(classes), 2))
    return rows


@exact
def claim_inference_overhead_follows_from_the_class(device: str = "cpu") -> list[Measured]:
    """Sections 7.1, 8.2 and 10.2: what folds into the weights costs nothing at inference; adapters and prompts do."""
    base, ids = _base(device), _ids(device)
    alone, rows = forward_cost(base, ids), []
    full = cost.step(copy.deepcopy(base).requires_grad_(True), ids)
    table = {
        name: dict(zip(COLUMNS, row(classify, ways()[name], base, ids, None, full), strict=True))
        for name in ("full", "prompt_tuning")
    }
    longer = forward_cost(ways()["prompt_tuning"].adapt(copy.deepcopy(base)).model, ids)
    rows += [
        equal("in the table, backward of full fine-tuning, %", table["full"]["backward, % of full"], 100),
        at_most(
            "and what a prompt costs forward, off by",
            abs(table["prompt_tuning"]["forward, + %"] - 100 * (longer / alone - 1)),
            1e-9,
        ),
    ]
    for name, entry in ways().items():
        model = _trained(entry, copy.deepcopy(base), device)
        more, outputs = forward_cost(model, ids) / alone - 1, _logits(model, ids)
        merged = entry.merge(model)
        if _found(name, device).kind == ADDITIVE:
            rows.append(at_least(f"{entry.title}: operations more than the base's, share", more, 1e-3))
            rows.append(equal(f"{entry.title}: folds", merged is not None, False))
        elif merged is not None:
            rows += [
                equal(f"{entry.title}: operations more than the base's, merged", forward_cost(merged, ids) - alone, 0),
                equal(f"{entry.title}: modules more than the base's, merged", _modules(merged) - _modules(base), 0),
                at_most(f"{entry.title}: merged outputs differ by, relative", far(_logits(merged, ids), outputs), 1e-4),
            ]
    return rows


@exact
def claim_adam_keeps_three_bytes_for_each_trained_one(device: str = "cpu") -> list[Measured]:
    """Section 3.1: for every byte of trainable parameter Adam has one of gradient and two of moments; LOMO does not."""
    rows = []
    for entry in ways().values():
        model = _adapted(entry, device)
        trained = sum(p.nbytes for p in model.parameters() if p.requires_grad)
        step = cost.step(model, _ids(device), entry.step(model))
        if entry.own_step is not None:
            rows.append(at_most(f"{entry.title}: bytes of gradient at a time", step.gradients / trained, 0.5))
            rows.append(equal(f"{entry.title}: bytes of moments", step.moments, 0))
        else:
            rows.append(
                equal(f"{entry.title}: bytes of gradient and moments", step.gradients + step.moments, 3 * trained)
            )
    return rows


@exact
def claim_the_network_of_a_prefix_is_dropped(device: str = "cpu") -> list[Measured]:
    """Section 7.2: the network that makes the prefix is trained and then discarded; only the prefix is stored."""
    entry, base = ways()["prefix_tuning"], _base(device)
    model = _trained(entry, copy.deepcopy(base), device)
    trained, outputs = sum(p.nbytes for p in model.parameters() if p.requires_grad), _logits(model, _ids(device))
    kept = stored(entry, model)
    c = base.config
    prefix = entry.own["length"] * 2 * c.num_hidden_layers * c.num_key_value_heads * c.head_dim * 4
    return [
        equal("bytes that are stored", kept, prefix),
        at_least("bytes that are trained for each that is stored", trained / kept, 10),
        at_most("outputs without the network differ by, relative", far(_logits(model, _ids(device)), outputs), 1e-5),
    ]


@direction
def claim_few_parameters_are_not_little_memory(device: str = "cpu") -> list[Measured]:
    """Section 4: few trained parameters do not necessarily reduce memory; one step of `tiny` at three row lengths."""
    pairs: tuple[tuple[str, Setting, Setting, float], ...] = (
        ("LoRA against full fine-tuning", ("lora", {}), ("full", {}), 0.5),
        ("gains and biases against full fine-tuning", ("delta_tuning_specification", {}), ("full", {}), 0.5),
        ("a prompt of 10 against LoRA of rank 64", ("prompt_tuning", {"length": 10}), ("lora", {"rank": 64}), 0.9),
        ("LoRA of rank 1 against rank 64", ("lora", {"rank": 1}), ("lora", {"rank": 64}), 0.9),
    )
    rows = []
    for said, one, other, least in pairs:
        steps = [(_step(one, length, device), _step(other, length, device)) for length in LENGTHS]
        fewer = steps[0][1][0] / steps[0][0][0]
        share = min(few.activations / many.activations for (_, few), (_, many) in steps)
        what = f"{said}: {fewer:,.0f} times fewer parameters, and of the activations at least"
        rows.append(shown(what, share, share > least, f"over {least:g}"))
    return rows


@direction
def claim_trained_parameters_are_the_best_of_three_counts(device: str = "cpu") -> list[Measured]:
    """Section 12: of the three counts the trained parameters predict memory most reliably, and still imperfectly."""
    rows, found = [], [_tiny_found(name, device) for name in _roster.ENTRIES]
    counts = [[f.trained for f in found], [f.changed for f in found], [f.rank for f in found]]
    for length in LENGTHS:
        kept = [_step((name, {}), length, device)[1].kept for name in _roster.ENTRIES]
        trained, changed, rank = (rank_correlation(count, kept) for count in counts)
        said = f"{length} tokens, at each paper's setting: rank correlation of trained with what a step keeps"
        best = max(changed, rank) < trained < 0.99
        rows.append(
            shown(said, trained, best, f"more than of changed, {changed:.2f}, and rank, {rank:.2f}; under 0.99")
        )
    return rows


@direction
def claim_backward_pass_is_saved_in_part(device: str = "cpu") -> list[Measured]:
    """Section 4: efficiency in parameters is not efficiency in computation; the backward pass of one step of `tiny`."""
    rows = []
    for length in LENGTHS:
        full = _step(("full", {}), length, device)[1].backward
        names = [name for name, entry in _roster.ENTRIES.items() if SAID[name][0] != FULL and entry.own_step is None]
        shares = {name: _step((name, {}), length, device)[1].backward / full for name in names}
        name = min(shares, key=lambda name: shares[name])
        fewer = _step(("full", {}), length, device)[0] / _step((name, {}), length, device)[0]
        least = f"{ways()[name].title}, {fewer:.0f} times fewer parameters"
        said = f"{length} tokens: the least share of full of {len(names)} methods ({least})"
        rows.append(shown(said, shares[name], shares[name] > 0.4, "over 0.4 of the operations backward"))
    return rows


@headline
def claim_what_the_survey_reports() -> list[Measured]:
    """Sections 3.1, 7.1, 8.1, 9.1: numbers of the papers that it surveys."""
    return [
        quoted("training takes 12 to 20 times more GPU memory than the weights, depending on the setup", "section 3.1"),
        quoted("prompt tuning is comparable with full fine-tuning only at 10 billion parameters", "section 7.1"),
        quoted("ladder-side tuning: a third of full fine-tuning's memory, half of LoRA's, on T5-Base", "section 8.1"),
        quoted("BitFit updates about 0.05 % of the parameters", "section 9.1"),
    ]


# --- small models, and each method on them ----------------------------------------

_SMALL = 2048  # trained numbers, of the small Llama's 78,272


def _of(kind: str) -> list[str]:
    return [name for name, (said, _) in SAID.items() if said == kind]


@functools.cache
def _small(device: str) -> Any:
    model = llama(device=device)
    for p in model.parameters():
        p.requires_grad_(False)
        if p.dim() == 1:  # gains that are not all the same
            p += 0.1 * torch.randn_like(p)
    return model


def _base(device: str) -> Any:
    return copy.deepcopy(_small(device))


def _ids(device: str) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(VOCABULARY, (ROWS, TOKENS), generator=draw).to(device)


@functools.cache
def _found(name: str, device: str) -> Found:
    return classify(_small(device), lambda model: ways()[name].adapt(model).model)


def _adapted(entry: _roster.Entry, device: str) -> Any:
    torch.manual_seed(0)
    return entry.adapt(_base(device)).model


def _at_size(entry: _roster.Entry, model: nn.Module) -> nn.Module:
    return entry.adapt(model, _SMALL).model


def _trained(entry: _roster.Entry, base: Any, device: str) -> Any:
    """Adapted, and after three steps of AdamW with weight decay."""
    torch.manual_seed(0)
    model: Any = entry.adapt(base).model
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.1)
    model.train()
    for _ in range(3):
        optimiser.zero_grad()
        model(input_ids=_ids(device), labels=_ids(device)).loss.backward()
        optimiser.step()
    return model.eval()


def _biased(model: nn.Module) -> nn.Module:
    return lora.apply(model, "0", rank=2)


def _linear_adapter(model: nn.Module) -> nn.Module:
    return llm_adapters.apply(model, kind="parallel", f="identity", b=2)


@torch.no_grad()
def _logits(model: Any, ids: Tensor) -> Tensor:
    found: Tensor = model(input_ids=ids).logits[:, -ids.shape[1] :]
    return found


def _modules(model: nn.Module) -> int:
    return len(list(model.modules()))


@functools.cache
def _tiny(device: str) -> Any:
    return models.load("tiny", device)[0]


def _step(setting: Setting, length: int, device: str) -> tuple[int, cost.Step]:
    """Trained numbers, and one step on four rows, at the paper's setting but for these options."""
    name, options = setting
    return _cached_step(name, tuple(options.items()), length, device)


@functools.cache
def _cached_step(name: str, options: tuple[tuple[str, Any], ...], length: int, device: str) -> tuple[int, cost.Step]:
    entry, base = ways()[name], copy.deepcopy(_tiny(device))
    torch.manual_seed(0)
    chosen = entry.own | dict(options)
    model = entry.implementation().apply(base, **chosen) if options else entry.adapt(base).model
    ids = torch.randint(base.config.vocab_size, (ROWS, length)).to(device)
    return sum(p.numel() for p in model.parameters() if p.requires_grad), cost.step(model, ids, entry.step(model))


@functools.cache
def _tiny_found(name: str, device: str) -> Found:
    return classify(_tiny(device), lambda model: ways()[name].adapt(model).model)
