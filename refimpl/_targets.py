"""Which layers a paper's setting means in which model: what each family of models calls them.

A target is the end of a layer's path (`q_proj`, `attn.c_proj`), where `#` stands for any number; or several of these
with `|` between them, of which at least one must be there. Where one layer holds queries, keys and values together,
it stands for each of the three, and gets one update for all.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from torch import nn

from refimpl._tried import looks_ahead

Part = Literal["q", "k", "v", "o", "into", "out"]  # attention's four; into the MLP's inner width, and out of it
ALL_LINEAR = "all-linear"  # as peft calls it: every layer but the head

_PARTS: tuple[Part, ...] = ("q", "k", "v", "o", "into", "out")
_LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj up_proj", "down_proj")
_OPT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
_BERT = ("query", "key", "value", "attention.output.dense", "intermediate.dense", "#.output.dense")
_NEOX = (*["query_key_value"] * 3, "attention.dense|self_attention.dense", "dense_h_to_4h", "dense_4h_to_h")
_GPT2 = (*["c_attn"] * 3, "attn.c_proj", "c_fc", "mlp.c_proj")
_T5 = ("q", "k", "v", "o", "wi|wi_0|wi_1", "wo")
_EXPERTS = (*_LLAMA[:4], "gate_up_proj|gate_proj|up_proj", "down_proj")
_OTHERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("gpt2", "gpt_bigcode"), _GPT2),
    **dict.fromkeys(("gpt_neox", "bloom", "falcon"), _NEOX),
    **dict.fromkeys(("opt", "bart", "mbart", "m2m_100", "pegasus"), _OPT),
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra"), _BERT),
    **dict.fromkeys(("t5", "mt5", "umt5", "longt5"), _T5),
    **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "gpt_oss", "phimoe"), _EXPERTS),
    **dict.fromkeys(("deepseek_v2", "deepseek_v3"), ("q_proj|q_b_proj", *["kv_b_proj"] * 2, *_EXPERTS[3:])),
    **dict.fromkeys(("persimmon", "fuyu"), (*["query_key_value"] * 3, "self_attn.dense", *_NEOX[4:])),
    "longformer": (*(f"{name} {name}_global" for name in _BERT[:3]), *_BERT[3:]),
    "albert": (*_BERT[:3], "attention.dense", "ffn", "ffn_output"),
    "deberta": (*["in_proj"] * 3, *_BERT[3:]),
    "deberta-v2": ("query_proj", "key_proj", "value_proj", *_BERT[3:]),
    "mpnet": ("attn.q", "attn.k", "attn.v", "attn.o", *_BERT[4:]),
    "modernbert": (*["Wqkv"] * 3, "attn.Wo", "mlp.Wi", "mlp.Wo"),
    "modernbert-decoder": (*_LLAMA[:3], "attn.Wo", "mlp.Wi", "mlp.Wo"),
    "funnel": ("q_head", "k_head", "v_head", "post_proj", "linear_1", "linear_2"),
    "prophetnet": ("query_proj", "key_proj", "value_proj", "out_proj", "intermediate", "output"),
    "ctrl": ("Wq", "Wk", "Wv", "multi_head_attention.dense", "ffn.0", "ffn.2"),
    "cpmant": ("project_q", "project_k", "project_v", "attention_out", "w_0|w_1", "w_out"),
    "nanochat": (*_LLAMA[:4], "fc1", "fc2"),
    "lfm2": (*_OPT[:4], "w1 w3", "w2"),
    "rwkv": (
        *("attention.receptance", "attention.key", "attention.value", "attention.output"),
        *("feed_forward.key", "feed_forward.value"),
    ),
    **dict.fromkeys(
        ("led", "bigbird_pegasus"),
        (
            *("q_proj|query|query_global", "k_proj|key|key_global", "v_proj|value|value_global"),
            *("out_proj|output.output|self_attn.output", "fc1", "fc2"),
        ),
    ),
    **dict.fromkeys(("distilbert", "xlm", "flaubert"), ("q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2")),
    "phi3": (*["qkv_proj"] * 3, "o_proj", "gate_up_proj", "down_proj"),
    "phi": (*_OPT[:3], "self_attn.dense", "fc1", "fc2"),
    "gptj": (*_OPT[:4], "fc_in", "fc_out"),
    "codegen": (*["qkv_proj"] * 3, "out_proj", "fc_in", "fc_out"),
    "gpt_neo": (*_OPT[:4], "c_fc", "c_proj"),
    "starcoder2": (*_LLAMA[:4], "c_fc", "c_proj"),
    "mpt": (*["Wqkv"] * 3, "attn.out_proj", "up_proj", "down_proj"),
    # no attention and no MLP: the projections into and out of its state stand for both
    **dict.fromkeys(("mamba", "mamba2"), ("in_proj", "in_proj", "in_proj", "out_proj", "in_proj", "out_proj")),
}

_FAMILIES = (_LLAMA, _EXPERTS, *_OTHERS.values())
# what a block has that keeps a state in place of attention: the projection into that state, and the one out of it
_INTO_STATE, _OUT_OF_STATE = "in_proj|in_proj_qkvz|in_proj_qkv|qkv_proj|linear_x", "out_proj|linear_out"


def of(model: nn.Module, *parts: Part) -> tuple[str, ...]:
    """The targets that are these parts of the model, each once.

    Of a model whose type is not known they are those of the first family that it has all of, or of Llama. Where only
    some blocks have such a part, the projections of a state stand for it in the others.
    """
    config: Any = getattr(model, "config", None)
    kind = getattr(config, "model_type", "")
    names = _OTHERS[kind] if kind in _OTHERS else next((one for one in _FAMILIES if _has(model, one)), _LLAMA)
    chosen = [(part, target) for part in parts for target in names[_PARTS.index(part)].split()]
    found = tuple(dict.fromkeys(_in_every_block(model, part, target) for part, target in chosen))
    if {*parts} & {*_PARTS[:4]}:
        _demand_all(model, found)
    return found


def _demand_all(model: nn.Module, targets: tuple[str, ...]) -> None:
    """Raise ValueError where the attention of some blocks has these layers, and that of others has none of them."""
    inside = {
        block: [path for path, module in model.named_modules() if path.startswith(block)]
        for block in blocks(model)
        if any(path.startswith(block) and type(m).__name__.endswith("Attention") for path, m in model.named_modules())
    }
    without = [b for b, paths in inside.items() if not any(matches(p, target) for p in paths for target in targets)]
    if without and len(without) < len(inside):
        names = ", ".join(sorted(targets))
        raise ValueError(f"the attention of {without[0][0][:-1]} has no layer named {names}; name the layers to adapt")


def _in_every_block(model: nn.Module, part: Part, target: str) -> str:
    """The target; with what stands for it in blocks that have none, where there are any with a state."""
    if not _is_hybrid(model):
        return target
    state = _OUT_OF_STATE if part in ("o", "out") else _INTO_STATE
    blocks: dict[str, list[str]] = {}
    for path in [*(path for path, _ in model.named_modules()), *(path for path, _ in model.named_parameters())]:
        if block := re.match(r"\D+\.\d+\.", path):
            blocks.setdefault(block.group(), []).append(path)
    without = [paths for paths in blocks.values() if not any(matches(path, target) for path in paths)]
    instead = len(without) < len(blocks) and any(matches(path, state) for paths in without for path in paths)
    return f"{target}|{state}" if instead else target


def _is_hybrid(model: nn.Module) -> bool:
    """Whether some blocks keep a state: by what transformers says of the model, or of each of its blocks."""
    kinds: list[str] = getattr(getattr(model, "config", None), "layer_types", None) or []
    return stateful(model) or any(not kind.endswith("attention") or kind.startswith("linear") for kind in kinds)


def blocks(model: nn.Module) -> list[tuple[str, ...]]:
    """The numbered parts of a model that are made of others and have weights: the paths of each, with a dot behind.

    What stands under one number in lists side by side, as XLM's attention and its MLP, is one block.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for path, module in model.named_modules():
        block = re.fullmatch(r"((?:\D+\.)?)[^.\d]+\.(\d+)\.", f"{path}.")
        if block and list(module.children()) and any(p.dim() > 1 for p in module.parameters()):
            found.setdefault((block[1], block[2]), []).append(f"{path}.")
    return [tuple(paths) for paths in found.values()]


def _has(model: nn.Module, names: tuple[str, ...]) -> bool:
    paths = [*(path for path, _ in model.named_modules()), *(path for path, _ in model.named_parameters())]
    return all(any(matches(path, target) for path in paths) for one in names for target in one.split())


def matches(path: str, target: str) -> bool:
    """Whether the path of a layer ends in the target, or in one of its alternatives."""
    there = path.split(".")[::-1]
    for one in target.split("|"):
        asked = one.split(".")[::-1]
        if len(asked) <= len(there) and all(
            a in (b, "#" if b.isdigit() else b) for a, b in zip(asked, there, strict=False)
        ):
            return True
    return False


def stateful(model: nn.Module) -> bool:
    """Whether some of its layers carry a state from token to token, which no mask keeps from what comes after."""
    return bool(getattr(model, "_is_stateful", False))


def norms(model: nn.Module) -> dict[str, nn.Module]:
    """The norms of a model, by path: layers called so, whose own numbers are all gains and biases."""
    return {
        path: module
        for path, module in model.named_modules()
        if "norm" in (kind := type(module).__name__.lower())
        and "gated" not in kind  # which is called with more than one input
        and (own := list(module.parameters(recurse=False)))
        and all(p.dim() == 1 for p in own)
    }


def reads(model: Any) -> Literal["on", "both ways", "in pairs"]:
    """Whether each token sees those before it, all of them, or a decoder sees what an encoder has read.

    It is tried on a few tokens: a decoder's configuration may leave it to read both ways, as BERT's does.
    """
    if getattr(model.config, "is_encoder_decoder", False):
        return "in pairs"
    if (ahead := looks_ahead(model)) is None:
        ahead = not (model.can_generate() or any(getattr(module, "is_causal", False) for module in model.modules()))
    return "both ways" if ahead else "on"


def head_of(model: nn.Module) -> list[nn.Module]:
    """The layers behind the last block, which no method takes for one of the model's Linears: the output embeddings,
    or the head of a classifier."""
    embeddings = getattr(model, "get_output_embeddings", lambda: None)()
    named = [getattr(model, name, None) for name in (*CLASSIFIERS, "lm_head")]
    return [module for module in (embeddings, *named) if isinstance(module, nn.Module)]


CLASSIFIERS = (  # drawn at random for a new task
    *("classifier", "pre_classifier", "score", "classification_head", "qa_outputs"),
    *("sequence_summary", "logits_proj", "multiple_choice_head"),
)
