"""What stands before a text, or beside it in a row, in models of many kinds: as tokens would, or refused in one line."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import transformers as t
from torch import Tensor
from torch.nn import functional as F

from refimpl import _targets, flan, longlora, lora, prefix_tuning, prompt_tuning
from refimpl._surgery import find
from refimpl._toys import far
from refimpl._zoo import MODELS, model_of

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers' own, on models this small
TOKENS = {"vocab_size": 96, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SMALL = {**TOKENS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
CLASSES = {**SMALL, "num_labels": 3, "max_position_embeddings": 64}
MORE: dict[str, tuple[str, dict[str, Any]]] = {
    "Mistral, short windows": ("MistralForCausalLM", {**SMALL, "num_key_value_heads": 2, "sliding_window": 6}),
    "MiniMax": ("MiniMaxForCausalLM", {**SMALL, "num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 2}),
    "Zamba2": ("Zamba2ForCausalLM", {
        **SMALL, "layers_block_type": ["mamba", "hybrid"], "mamba_headdim": 8, "mamba_d_state": 8, "mamba_ngroups": 1,
        "chunk_size": 8, "n_mamba_heads": 8,
    }),
    "XLNet": ("XLNetLMHeadModel", {**TOKENS, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}),
    "Llama, of classes": ("LlamaForSequenceClassification", CLASSES),
    "Gemma 3n": ("Gemma3nForCausalLM", {  # its last layers read the keys and values of earlier ones
        **SMALL, "num_hidden_layers": 4, "num_kv_shared_layers": 2, "num_key_value_heads": 2, "head_dim": 8,
        "layer_types": ["sliding_attention", "full_attention"] * 2, "activation_sparsity_pattern": [0.0] * 4,
        "altup_num_inputs": 2, "laurel_rank": 8, "vocab_size_per_layer_input": 96, "hidden_size_per_layer_input": 8,
    }),
    "BERT, a decoder": ("BertLMHeadModel", {**CLASSES, "is_decoder": True}),
    "BERT, of words": ("BertLMHeadModel", CLASSES),
    "RoFormer": ("RoFormerForCausalLM", {**CLASSES, "embedding_size": 32}),
    "CPM-Ant": ("CpmAntForCausalLM", {**TOKENS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                                      "dim_head": 8, "dim_ff": 48}),
}  # fmt: skip
BEFORE, TEXT = torch.tensor([31, 7, 92, 55, 18]), torch.tensor([[5, 41, 77, 8, 60, 33, 12], [90, 3, 21, 64, 9, 50, 17]])


def base_of(name: str) -> Any:
    if name in MODELS:
        return model_of(name)
    torch.manual_seed(0)
    kind, sizes = MORE[name]
    made: Any = getattr(t, kind)
    return made(made.config_class(**sizes)).eval()


def padded(left: int, right: int) -> dict[str, Tensor]:
    return {"input_ids": F.pad(TEXT, (left, right)), "attention_mask": F.pad(torch.ones_like(TEXT), (left, right))}


def expected_of(base: Any) -> Tensor:
    whole = torch.cat([BEFORE.expand(2, -1), TEXT], 1)
    found: Tensor = base(input_ids=whole).logits[:, len(BEFORE) :]
    return found


@torch.no_grad()
@pytest.mark.parametrize(("left", "right"), [(0, 0), (3, 0), (0, 3)])
@pytest.mark.parametrize(
    "name", ["Gemma2", "Bloom", "OPT", "Falcon", "Mamba", "Mpt", "Mistral, short windows", "RecurrentGemma"]
)
def test_a_prompt_of_the_embeddings_of_tokens_is_these_tokens(name: str, left: int, right: int) -> None:
    base = base_of(name)
    expected, model = expected_of(base), prompt_tuning.apply(copy.deepcopy(base), len(BEFORE))
    embed = base.get_input_embeddings()
    model.prompt.P.copy_(embed.weight[BEFORE] * getattr(embed, "embed_scale", 1.0))
    found = model(**padded(left, right), use_cache=False).logits[:, len(BEFORE) + left :]
    assert far(found[:, : TEXT.shape[1]], expected) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("left", [0, 4])
def test_an_encoder_reads_a_prompt_of_the_embeddings_of_tokens_as_these_tokens(left: int) -> None:
    base = base_of("T5")
    model = prompt_tuning.apply(copy.deepcopy(base), len(BEFORE))
    model.prompt.P.copy_(base.get_input_embeddings().weight[BEFORE])
    whole = torch.cat([BEFORE.expand(2, -1), TEXT], 1)
    expected = base(input_ids=whole, decoder_input_ids=TEXT[:, :3]).logits
    assert far(model(**padded(left, 0), decoder_input_ids=TEXT[:, :3]).logits, expected) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("name", ["Gemma2", "Bloom", "OPT", "Falcon", "Mpt", "Persimmon", "Gemma 3n"])
def test_a_prefix_that_tokens_left_is_these_tokens(name: str) -> None:
    base = base_of(name)
    model = prefix_tuning.apply(copy.deepcopy(base), len(BEFORE), mid=None, words=BEFORE)
    for left, right in ((0, 0), (0, 3), (3, 0)):
        if name == "Mpt" and left:
            with pytest.raises(ValueError, match="pad on the right"):
                model(**padded(left, right))
            continue
        found = model(**padded(left, right)).logits[:, left : left + TEXT.shape[1]]
        assert far(found, expected_of(base)) < 1e-4


@pytest.mark.parametrize("name", ["Mamba", "RecurrentGemma", "Lfm2", "MiniMax", "XLNet"])
def test_a_prefix_of_a_state_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"keep something else.*take another|encoders are left out"):
        prefix_tuning.apply(base_of(name), 4)


@pytest.mark.parametrize(
    ("name", "way"),
    [("BERT, a decoder", "on"), ("BERT, of words", "both ways"), ("XLNet", "both ways"), ("RoFormer", "both ways"),
     ("CPM-Ant", "both ways"), ("Albert", "both ways"), ("Gemma 3n", "on"), ("RecurrentGemma", "on"),
     ("Llama, of classes", "on"), ("Bart", "in pairs")],
)  # fmt: skip
def test_which_way_a_model_reads_is_tried(name: str, way: str) -> None:
    base = base_of(name)
    were = copy.deepcopy(base).state_dict()
    assert _targets.reads(base) == way
    assert all(torch.equal(tensor, were[key]) for key, tensor in base.state_dict().items())
    if way != "on":
        with pytest.raises(ValueError, match=r"encoders are left out"):
            prefix_tuning.apply(base, 4)


@pytest.mark.parametrize("name", ["CPM-Ant", "Llama"])
def test_a_prompt_is_refused_where_tokens_are_more_than_their_embeddings(name: str) -> None:
    base = base_of(name)
    if name == "Llama":  # as Gemma 3n's, which looks tokens up a second time
        base.register_forward_pre_hook(_also_looked_up, with_kwargs=True)
    asked = [p.requires_grad for p in base.parameters()]
    with pytest.raises(ValueError, match="does not do with embeddings what it does with their tokens"):
        prompt_tuning.apply(base, 4)
    assert [p.requires_grad for p in base.parameters()] == asked
    assert not hasattr(base, "prompt")


def _also_looked_up(model: Any, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    ids = given.pop("input_ids", None)
    if ids is not None:
        given["inputs_embeds"] = model.get_input_embeddings()(ids) * (1 + ids[..., None] / 96)
    return args, given


@torch.no_grad()
def test_a_prompt_moves_the_positions_behind_it_and_refuses_what_it_cannot_move() -> None:
    model = prompt_tuning.apply(base_of("BERT, of words"), 3)
    places = torch.arange(TEXT.shape[1]).expand_as(TEXT)
    assert far(model(input_ids=TEXT, position_ids=places).logits, model(input_ids=TEXT).logits) < 1e-6
    for name, value in (("perm_mask", torch.zeros(2, 7, 7)), ("langs", torch.zeros_like(TEXT))):
        with pytest.raises(ValueError, match=f"is given {name} of each token, and a prompt has none"):
            model(input_ids=TEXT, **{name: value})


@torch.no_grad()
@pytest.mark.parametrize("name", ["Llama", "Gemma3", "Mixtral", "GPT2", "OPT", "Falcon", "Mpt"])
def test_packed_examples_are_read_as_if_alone(name: str) -> None:
    base = base_of(name)
    model = flan.apply(copy.deepcopy(base)).eval()
    row, s = torch.cat([BEFORE, TEXT[0], torch.zeros(2).long()])[None], torch.tensor([[1] * 5 + [2] * 7 + [0] * 2])
    found = model(input_ids=row, attention_mask=s).logits
    assert far(found[:, :5], base(input_ids=BEFORE[None]).logits) < 1e-4
    assert far(found[:, 5:12], base(input_ids=TEXT[:1]).logits) < 1e-4


@pytest.mark.parametrize(
    "name", ["T5", "Bart", "Bert", "DebertaV2", "Bloom", "Mamba", "RecurrentGemma", "Llama, of classes"]
)
def test_where_packed_examples_would_see_each_other_they_are_refused(name: str) -> None:
    model = flan.apply(base_of(name))
    pair = {"labels": TEXT} if model.config.is_encoder_decoder else {}
    with pytest.raises(ValueError, match="give it one example a row"):
        model(input_ids=TEXT, attention_mask=torch.tensor([[1, 1, 1, 2, 2, 2, 0]] * 2), **pair)
    assert model(input_ids=TEXT, attention_mask=torch.ones_like(TEXT), **pair).logits.isfinite().all()


@pytest.mark.parametrize("name", ["Mpt", "XGLM"])
def test_groups_are_refused_where_a_mask_cannot_be_another_for_each_head(name: str) -> None:
    model = base_of(name)
    with pytest.raises(ValueError, match="masks of another kind"):
        longlora.apply(model)
    assert all(p.requires_grad for p in model.parameters())
    assert not any(layer._forward_pre_hooks for layer in model.modules())


@pytest.mark.parametrize("name", ["Persimmon", "Albert", "DebertaV2", "ModernBert", "XGLM"])
def test_the_papers_settings_have_layers(name: str) -> None:
    model = base_of(name)
    for part in ("q", "k", "v", "o", "into", "out"):
        assert find(model, _targets.of(model, part))


@pytest.mark.parametrize("name", ["Lfm2", "MiniMax", "Zamba2"])
def test_a_block_that_keeps_a_state_in_place_of_attention_learns_too(name: str) -> None:
    """By the projections into and out of that state, of which the papers' settings know nothing."""
    model = lora.apply(base_of(name), rank=2)
    model(input_ids=TEXT, labels=TEXT, use_cache=False).loss.backward()
    heard = [p for p, layer in model.named_modules() if isinstance(layer, lora.LoRALinear) and layer.B.grad.any()]
    assert {path.split(".")[2] for path in heard} == {"0", "1"}


@pytest.mark.parametrize("change", [prompt_tuning.apply])
def test_a_mask_of_pairs_is_refused(change: Any) -> None:
    model = change(base_of("Llama"))
    with pytest.raises(ValueError, match="4 dimensions says nothing of a prompt"):
        model(input_ids=TEXT, attention_mask=torch.ones(2, 1, 7, 7))
