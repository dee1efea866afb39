"""LongLoRA: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl._claims import Measured, at_least, at_most, equal, library, quoted, refused, shown
from refimpl._drawn import SCALES, worst
from refimpl._grouping import attentions
from refimpl._grouping import groups as groups_of
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab.texts import glosses
from refimpl._surgery import is_adapted, trainable
from refimpl._toys import IGNORED, Batches, accuracy, best, far, llama, loss, narrow, reloaded, tune
from refimpl.longlora import IN_FULL, LoRALinear, apply, attention, grouped, interpolate, load, merge, s2, save, shifted


def rolled(q: Tensor, k: Tensor, v: Tensor, *, G: int) -> Tensor:
    """Algorithm 1 as it is printed: the shifted half of the heads, with a last group that wraps around."""
    q, k, v = (t.roll(-G // 2, dims=2) for t in (q, k, v))
    return grouped(q, k, v, G=G).roll(G // 2, dims=2)


@exact
def claim_the_rolled_form_leaks(device: str = "cpu") -> list[Measured]:
    """Section 3.2, Algorithm 1: rolling shows the text's end to its first G/2 tokens; the others see the same."""
    G, (q, k, v) = 16, _qkv(64, device)
    changed = [t.clone() for t in (k, v)]
    for t in changed:
        t[:, :, -1] += 1
    leaks = [far(form(q, *changed, G=G)[:, :, :-1], form(q, k, v, G=G)[:, :, :-1]) for form in (rolled, shifted)]
    apart = far(rolled(q, k, v, G=G)[:, :, G // 2 :], shifted(q, k, v, G=G)[:, :, G // 2 :])
    return [
        at_least("rolled: the last token moves earlier outputs by", leaks[0], 0.1),
        equal("segments: the last token moves earlier outputs by", leaks[1], 0),
        at_most("the forms differ after the first G/2 tokens by", apart, 1e-12),
    ]


@exact
def claim_cost_is_linear_in_length(device: str = "cpu") -> list[Measured]:
    """Section 3.2: for a fixed group the number of pairs of tokens that attend to each other is linear in n."""
    G, counts = 16, {}
    for n in (64, 128, 256):
        q, k, _ = _qkv(n, device)
        eye = torch.eye(n, dtype=q.dtype, device=device).expand(2, 4, n, n)  # with v = I the output is the weights
        counts[n] = [int(form(q, k, eye, G=G)[0, 0].count_nonzero()) for form in (grouped, shifted)]
    group, half = G * (G + 1) // 2, G // 2 * (G // 2 + 1) // 2
    return [
        *(equal(f"pairs of {n} tokens", c[0], n // G * group) for n, c in counts.items()),
        *(equal(f"pairs of {n} tokens, shifted", c[1], (n // G - 1) * group + 2 * half) for n, c in counts.items()),
    ]


@exact
def claim_the_shift_carries_information_on(device: str = "cpu") -> list[Measured]:
    """Section 3.2: with the shift each layer reaches G/2 tokens further; without, no depth leaves the group."""
    G, reach = 16, {(L, shift): _reach(L, 16, shift, device) for L in (1, 2, 3, 4) for shift in (True, False)}
    return [
        *(equal(f"reach through {L} layers", reach[L, True], G - 1 + (L - 1) * G // 2) for L in (1, 2, 3, 4)),
        *(equal(f"reach through {L} layers, no shift", reach[L, False], G - 1) for L in (1, 4)),
    ]


@exact
def claim_dense_at_inference(device: str = "cpu") -> list[Measured]:
    """Section 3.2: the trained model attends densely; one group of all n is dense too, but for the shifted half."""
    q, k, v = _qkv(32, device)
    dense = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    base, ids = _base(device).double(), torch.arange(64, device=device).view(2, 32)
    model, expected = apply(copy.deepcopy(base), group=8), base(input_ids=ids).logits
    random = apply(copy.deepcopy(base), group=8).train()
    random.config.attention_dropout = 0.5
    for layer in attentions(random):
        vars(layer)["attention_dropout"] = 0.5
    once, twice = (random(input_ids=ids).logits for _ in range(2))
    odd = copy.deepcopy(base)
    odd.config.rope_parameters = {**odd.config.rope_parameters, "rope_type": "yarn"}
    merge(random)
    return [
        refused("a group that has no halves", lambda: s2(q, k, v, G=5), "take an even group"),
        refused("to lengthen what is turned in another way", lambda: apply(odd, context=64), "kind yarn"),
        equal("and what was refused, or is merged, is adapted", is_adapted(odd) or is_adapted(random), False),
        equal("settings of groups that are left in a merged model", hasattr(random.config, "s2_group"), False),
        at_most("one group differs from dense attention by", far(grouped(q, k, v, G=32), dense), 1e-12),
        at_least("the shifted half differs by", far(shifted(q, k, v, G=32), dense), 0.1),
        at_most("untrained, it differs from its base by", far(model.eval()(input_ids=ids).logits, expected), 1e-12),
        at_least("while training, by", far(model.train()(input_ids=ids).logits, expected), 1e-2),
        at_least("the base's dropout in its attention acts in the groups, by", far(once, twice), 1e-3),
    ]


@exact
def claim_padding_changes_nothing(device: str = "cpu") -> Measured:
    """Section 3.2, causal inside groups: padding on the right, in a batch and with shared key heads, is never seen."""
    model = apply(_base(device).double(), group=16).train()
    ids = torch.arange(96, device=device).view(2, 48) % 90
    mask = torch.ones(2, 64, dtype=torch.long, device=device)
    mask[:, 48:] = 0
    padded = model(input_ids=F.pad(ids, (0, 16)), attention_mask=mask).logits[:, :48]
    alone = torch.cat([model(input_ids=row[None]).logits for row in ids])
    return at_most("padded rows of a batch differ from rows alone by", far(padded, alone), 1e-12)


@exact
def claim_what_is_trained_and_merged(device: str = "cpu") -> list[Measured]:
    """Section 3.3: A, B, embeddings and norms learn and nothing else does; merged, a plain model with equal outputs."""
    base = _base(device).double()
    model = apply(copy.deepcopy(base), group=8, rank=4)
    count = 2 * 4 * ((64 + 64) * 2 + (64 + 32) * 2) + 96 * 64 + 5 * 64  # q, o and k, v of 2 layers; embeddings; norms
    tune(model, _recall(32, 32), 3, 1e-2)
    ids = torch.arange(64, device=device).view(2, 32)
    after = {name.replace(".base.", "."): p for name, p in model.named_parameters()}
    moved = [name for name, p in base.named_parameters() if not torch.equal(p, after[name])]
    expected = model(input_ids=ids).logits
    return [
        equal("trained numbers", trainable(model), count),
        equal("weights that moved and are neither embedding nor norm", sum(not _free(name) for name in moved), 0),
        equal("embeddings and norms that moved", sum(map(_free, moved)), 6),
        at_most("merged outputs differ by", far(merge(model)(input_ids=ids).logits, expected), 1e-12),
    ]


@exact
def claim_the_groups_of_any_model(device: str = "cpu") -> list[Measured]:
    """Section 3.2: each head attends as a mask written by hand says, whatever the heads, the keys' and the scale."""

    def gap(G: int, n: int, keys: int, queries: int, rows: int, scale: float, shift: bool) -> float:
        torch.manual_seed(G)
        H = 2 * keys * queries
        q = torch.randn(rows, H, n, 3, device=device, dtype=torch.float64)
        k, v = torch.randn(2, rows, 2 * keys, n, 3, device=device, dtype=torch.float64)
        config = SimpleNamespace(s2_group=G, s2_shift=shift)
        module = SimpleNamespace(training=True, config=config)
        ours, _ = attention(module, q, k, v, None, scaling=scale)
        by_hand = torch.zeros(rows, n, H, 3, device=device, dtype=torch.float64)
        for head in range(H):
            moved = G // 2 if shift and head >= H // 2 else 0
            sees = [[u <= t and (u + moved) // G == (t + moved) // G for u in range(n)] for t in range(n)]
            scores = scale * q[:, head] @ k[:, head // queries].mT
            weights = scores.masked_fill(~torch.tensor(sees, device=device), -torch.inf).softmax(-1)
            by_hand[:, :, head] = weights @ v[:, head // queries]
        as_mask = groups_of(n, H, G, shift).to(device)
        dense = F.scaled_dot_product_attention(q, k.repeat_interleave(queries, 1), v.repeat_interleave(queries, 1),
                                               attn_mask=as_mask, scale=scale).transpose(1, 2)  # fmt: skip
        return max(far(ours, by_hand), far(dense, by_hand))

    return [
        worst("outputs of a head differ from those by hand by", gap, 1e-12, G=(2, 4, 6, 10), n=range(1, 30),
              keys=range(1, 4), queries=range(1, 4), rows=range(1, 4), scale=SCALES, shift=(True, False)),
    ]  # fmt: skip


@exact
def claim_lengthening_twice(device: str = "cpu") -> list[Measured]:
    """Section 4.1: positions are pressed by the factor of the whole, in one step or two; merged they stay so."""
    base = _base(device)  # 32 positions
    once = interpolate(copy.deepcopy(base), 190)
    twice = interpolate(interpolate(copy.deepcopy(base), 90), 180)
    model = merge(apply(copy.deepcopy(base), context=90, group=8))
    ids = torch.arange(96, device=device)[None]
    dense = interpolate(copy.deepcopy(base), 90)
    factor = [m.config.rope_parameters["factor"] for m in (once, twice)]
    return [
        equal("factor for 190 positions, of 32", factor[0], 6),
        equal("factor for 90 and then 180", factor[1], 6),
        at_most("outputs differ by", far(twice(input_ids=ids).logits, once(input_ids=ids).logits), 1e-6),
        at_most("merged, in training too, it attends densely: outputs differ by",
                far(model.train()(input_ids=ids).logits, dense(input_ids=ids).logits), 1e-6),
    ]  # fmt: skip


@exact
def claim_defaults(device: str = "cpu") -> list[Measured]:
    """Authors' code, fine-tune.py: rank 8 and alpha 16 on q, k, v, o; embeddings and norms; section 4.1: a quarter."""
    model = apply(_base(device).double())
    layers = {name: m for name, m in model.named_modules() if isinstance(m, LoRALinear)}
    ids = torch.arange(64, device=device).view(2, 32)
    quarter = apply(_base(device).double(), group=8).train()
    layer: Any = layers["model.layers.0.self_attn.q_proj"]
    torch.manual_seed(0)
    A = LoRALinear(nn.Linear(400, 50).to(device), 100, 1.0).A
    in_full = {name.rpartition(".")[0].rpartition(".")[2] for name, p in model.named_parameters() if p.requires_grad}
    names = {name.rpartition(".")[2] for name in layers}
    half = narrow(apply(_base(device).bfloat16(), in_full=()))
    named = apply(_base(device), in_full=("gate_proj",)).named_parameters()
    others = sum(p.requires_grad and "gate_proj" not in name and name[-1] not in "AB" for name, p in named)
    whole = {"embed_tokens", "norm", "input_layernorm", "post_attention_layernorm"}
    return [
        equal("layers are q, k, v and o", names == {"q_proj", "k_proj", "v_proj", "o_proj"}, True),
        equal("trained in full are embeddings and norms", in_full - names == whole, True),
        equal("rank", len(layer.A), 8),
        equal("largest number of B at the start", layer.B.abs().max().item(), 0),
        equal("s, of alpha 16", layer.s, 2),
        half,
        equal("with gate_proj trained in full, what else is", others, 0),
        at_most("deviation of A off 1/sqrt(k), share", abs(A.std().item() * 400**0.5 - 1), 0.02),
        equal("groups of a quarter", far(model.train()(input_ids=ids).logits, quarter(input_ids=ids).logits), 0),
        reloaded(model.eval(), apply(_base(device).double()), save, load),
    ]


@parity
def claim_transformers_positions_agree(device: str = "cpu") -> list[Measured]:
    """Section 4.1: interpolated positions are transformers' linear scaling; position f m lies where m was."""
    base = _base(device)
    model = interpolate(copy.deepcopy(base), 100)  # 32 positions before, so f = 4
    theirs = type(base)(model.config).to(device).eval()
    theirs.load_state_dict(base.state_dict())
    ids, x = torch.arange(96, device=device)[None], torch.zeros(1, 1, 64, device=device)
    at = torch.arange(32, device=device)[None]
    angles = [m.model.rotary_emb(x, p)[0] for m, p in ((base, at), (model, 4 * at))]
    return [
        at_most("outputs differ by", far(model(input_ids=ids).logits, theirs(input_ids=ids).logits), 1e-6),
        at_most("cosines at f m and at m differ by", far(angles[1], angles[0]), 1e-6),
    ]


@parity
def claim_peft_agrees(device: str = "cpu") -> list[Measured]:
    """Section 3.3: peft's LoRA with embeddings and norms saved as modules has the same outputs and gradients."""
    peft = library("peft")
    ours = apply(_base(device), group=8, rank=4)
    in_full = ["embed_tokens", "input_layernorm", "post_attention_layernorm", "norm"]
    config = peft.LoraConfig(
        r=4, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], modules_to_save=in_full
    )
    theirs: Any = peft.get_peft_model(_base(device), config)
    theirs.base_model.model.config.s2_group, theirs.base_model.model.config.s2_shift = 8, True
    theirs.base_model.model.set_attn_implementation("s2")
    mine = {_as_peft(name): p for name, p in ours.named_parameters() if p.requires_grad}
    other = {name: p for name, p in theirs.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, p in mine.items():
            p.add_(torch.randn_like(p) / 10)
            other[name].copy_(p)
    ids = torch.arange(64, device=device).view(2, 32)
    outs = [model.train()(input_ids=ids, labels=ids) for model in (ours, theirs)]
    for out in outs:
        out.loss.backward()
    return [
        equal("trained tensors of one and not of the other", len(mine.keys() ^ other.keys()), 0),
        at_most("outputs differ by", far(outs[0].logits, outs[1].logits), 1e-6),
        at_most("gradients differ by", max(far(p.grad, other[name].grad) for name, p in mine.items()), 1e-5),
    ]


@direction
def claim_the_shift_teaches_recall_over_borders(device: str = "cpu") -> list[Measured]:
    """Section 3.2: without the shift nothing is learnt across the borders of groups; with it, recall improves."""
    base = tune(llama(96, 1, 32, device), _recall(32, 32), 300, 3e-3)

    def end(lr: float, shift: bool) -> list[float]:
        longer = [_longer(base, _recall(128, 32, 16, s), 32, lr, s, shift=shift) for s in range(3)]
        return [1 - accuracy(model, _recall(128, 32, 16, 99, 32)) for model in longer]

    wrong, stuck = (best(end(lr, shift) for lr in (1e-3, 1e-2)) for shift in (True, False))
    start = 1 - accuracy(interpolate(copy.deepcopy(base), 128), _recall(128, 32, 16, 99, 32))
    return [
        shown("wrong answers with shift, worst of 3 seeds", max(wrong), max(wrong) < start,
              f"under {start:.3f}, interpolated alone"),
        shown("without shift, best of 3 seeds", min(stuck), min(stuck) > max(wrong), "over that"),
    ]  # fmt: skip


@direction
def claim_norms_and_embeddings_matter(device: str = "cpu") -> list[Measured]:
    """Section 3.3, Table 2: to lengthen a context, LoRA alone ends worse than with trained norms and embeddings.

    It takes a stretch of more than four times, or texts with more to them than glosses: here LoRA alone ends as well.
    """
    text, held = (torch.tensor(list("\n".join(texts).encode("ascii", "ignore"))) for texts in glosses().texts())
    base, rows = tune(llama(128, device=device), _windows(text, 64, 16), 300, 1e-2), held[: 32 * 256].view(32, 256)

    def end(lr: float, **options: Any) -> list[float]:
        return [
            loss(_longer(base, _windows(text, 256, 2, s), 64, lr, s, **options), iter([(rows, rows)])) for s in range(3)
        ]

    alone, full = best(end(lr, in_full=()) for lr in (3e-3, 1e-2)), best(end(lr) for lr in (3e-3, 1e-2))
    start = loss(interpolate(copy.deepcopy(base), 256), iter([(rows, rows)]))
    more = [a - b for a, b in zip(alone, full, strict=True)]
    what = "nats a character at 4 times the length, worst of 3 seeds,"
    return [
        shown(f"{what} LoRA alone", max(alone), max(alone) < start, f"under {start:.3f}, interpolated alone"),
        shown(f"{what} and norms and embeddings", max(full), max(full) < start, f"under {start:.3f}"),
        shown("LoRA alone ends higher by, mean of 3 seeds", sum(more) / 3, min(more) > 0, "over 0 with every seed"),
    ]


@headline
def claim_long_contexts_on_one_machine() -> list[Measured]:
    """Abstract: what one machine of 8 A100 can do."""
    return [
        quoted("Llama 2 7B from a context of 4k to 100k", "abstract"),
        quoted("Llama 2 70B to 32k", "abstract"),
    ]


# --- texts with known answers -----------------------------------------------------

EIGHT, ASK, ANSWER, NOISE = 8, 64, 72, 80  # tokens: 8 key + value for a pair, 64 + key, 72 + value, noise


def _base(device: str, layers: int = 2) -> Any:
    return llama(96, layers, 32, device)


def _qkv(n: int, device: str) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(2, 4, n, 8, dtype=torch.float64).to(device) for _ in range(3)]


def _reach(layers: int, G: int, shift: bool, device: str) -> int:
    """How many tokens before itself the last output of the first row depends on."""
    model: Any = apply(_base(device, layers).double(), group=G, shift=shift).train()
    x = torch.randn(2, 6 * G, 64, dtype=torch.float64, device=device, requires_grad=True)
    (dx,) = torch.autograd.grad(model(inputs_embeds=x).logits[0, -1].square().sum(), x)
    row, at = dx.abs().amax(-1).nonzero(as_tuple=True)
    return 6 * G - 1 - int(at.min()) if not row.any() else -1


def _free(name: str) -> bool:
    return any(part in name for part in IN_FULL)


def _as_peft(name: str) -> str:
    """peft's name of a parameter of ours."""
    for ours, theirs in (("_proj.A", "_proj.lora_A.default.weight"), ("_proj.B", "_proj.lora_B.default.weight")):
        name = name.replace(ours, theirs)
    return "base_model.model." + (name.replace(".weight", ".modules_to_save.default.weight") if _free(name) else name)


def _recall(n: int, G: int, start: int = 0, seed: int = 0, rows: int = 0) -> Batches:
    """In each stretch of G tokens, the first at `start`, four pairs among noise; in its second half they are asked for.

    With start = G/2 every question is on the other side of a border between groups than its pair.
    """
    draw, rows = torch.Generator().manual_seed(seed), rows or 512 // n
    while True:
        x, y = torch.randint(NOISE, 96, (rows, n), generator=draw), torch.full((rows, n), IGNORED)
        for r, s in ((r, s) for r in range(rows) for s in range(start, n - G + 1, G)):
            keys, values = torch.randperm(EIGHT, generator=draw)[:4], torch.randint(EIGHT, (4,), generator=draw)
            x[r, s + torch.randperm(G // 2, generator=draw)[:4]] = EIGHT * keys + values
            at = s + G // 2 + 2 * torch.randperm(G // 4, generator=draw)[:4]
            x[r, at], x[r, at + 1], y[r, at + 1] = ASK + keys, ANSWER + values, ANSWER + values
        yield x, y


def _windows(text: Tensor, n: int, rows: int, seed: int = 0) -> Batches:
    draw = torch.Generator().manual_seed(seed)
    while True:
        x = torch.stack([text[i : i + n] for i in torch.randint(len(text) - n, (rows,), generator=draw).tolist()])
        yield x, x


def _longer(base: Any, rows: Batches, G: int, lr: float, seed: int, **options: Any) -> Any:
    """The base, lengthened to four times its context."""
    torch.manual_seed(seed)
    context = 4 * base.config.max_position_embeddings
    return tune(apply(copy.deepcopy(base), context, G, **options), rows, 40, lr)
