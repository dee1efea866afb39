"""What every method does to a model alike: which layers, in which forms, one method over another, and what is refused."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import IDS, gpt2, llama, logits
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    LongformerConfig,
    LongformerForSequenceClassification,
    XLMConfig,
    XLMForSequenceClassification,
)  # fmt: skip

from refimpl import (
    _targets,
    delta_tuning,
    llm_adapters,
    longlora,
    lora,
    peft_library,
    prefix_tuning,
    prompt_tuning,
    qa_lora,
    qlora,
    rosa,
    second_order_mask,
)  # fmt: skip
from refimpl._architectures import METHODS
from refimpl._layers import Adapted, Experts
from refimpl._surgery import NoLayers, freeze, layers, trainable
from refimpl._toys import far
from refimpl._zoo import MODELS, model_of

Apply = Callable[..., Any]
LINEAR: dict[str, tuple[Any, Apply]] = {  # methods whose update is one of a weight, each with the options of a test
    "lora": (lora, lambda model, targets: lora.apply(model, targets, rank=2)),
    "qlora": (qlora, lambda model, targets: qlora.apply(model, targets, rank=2)),
    "rosa": (rosa, lambda model, targets: rosa.apply(model, targets, rank=2, density=0.02)),
    "qa_lora": (qa_lora, lambda model, targets: qa_lora.apply(model, targets, rank=2, group=8)),
    "longlora": (longlora, lambda model, targets: longlora.apply(model, rank=2, targets=targets)),
    "delta_tuning": (delta_tuning, lambda model, targets: delta_tuning.apply(model, targets=targets, size=2)),
    "peft_library": (peft_library, lambda model, targets: peft_library.apply(model, targets, rank=2)),
}
EVERY = LINEAR | {
    "llm_adapters": (llm_adapters, lambda model, targets: llm_adapters.apply(model, targets=targets, b=2))
}
NAMES = ["q_proj", "down_proj"]


def stirred(model: Any) -> Any:
    """As after training: nothing that is trained is zero."""
    torch.manual_seed(3)
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p += 0.05 * torch.randn_like(p)
    return model


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("make", [nn.Linear, None], ids=["Linear", "Conv1D"])
def test_an_adapted_layer_has_what_models_read_of_a_linear(name: str, make: Any) -> None:
    model = llama() if make else gpt2()
    target = "down_proj" if make else "c_fc"
    base = next(layer for path, layer in layers(model).items() if path.endswith(target))
    shape = base.weight.shape if make else base.weight.T.shape
    _, apply = LINEAR[name]
    layer = next(m for m in stirred(apply(model, [target])).modules() if isinstance(m, Adapted))
    x = torch.randn(3, shape[1])
    assert (layer.out_features, layer.in_features) == tuple(layer.weight.shape) == tuple(shape)
    assert layer.weight.dtype == torch.float32
    assert far(nn.functional.linear(x, layer.weight, layer.bias), layer(x)) < 1e-5


@pytest.mark.parametrize("name", LINEAR)
def test_what_a_model_reads_of_a_weight_learns(name: str) -> None:
    """As Mamba, which multiplies by the weight of `dt_proj` itself."""
    module, apply = LINEAR[name]
    if name == "longlora":
        pytest.skip("there is no attention to cut")
    if name == "qa_lora":
        apply = lambda model, targets: qa_lora.apply(model, targets, rank=2, group=4)  # noqa: E731  # one of three, as a parameter
    model = stirred(apply(model_of("Mamba"), ["dt_proj"]))
    layer: Any = model.get_submodule("backbone.layers.1.mixer.dt_proj")
    model(input_ids=IDS, labels=IDS).loss.backward()
    learns = {p for p in layer.parameters() if p.requires_grad and p.numel()}
    assert learns
    assert all(p.grad is not None and p.grad.any() for p in learns)
    expected = layer.weight.detach()
    assert far(module.merge(model).get_submodule("backbone.layers.1.mixer.dt_proj").weight, expected) < 1e-6


def test_what_is_not_linear_is_refused_where_the_model_reads_the_weight() -> None:
    for refused in (
        lambda model: llm_adapters.apply(model, targets=["dt_proj"], b=2),
        lambda model: delta_tuning.apply(model, "addition", targets=["dt_proj"]),
    ):
        with pytest.raises(ValueError, match=r"reads the weight of backbone\.layers\.0\.mixer\.dt_proj.*leave it out"):
            refused(model_of("Mamba"))


@pytest.mark.parametrize("name", EVERY)
def test_each_target_that_is_not_there_is_named_and_nothing_is_changed(name: str) -> None:
    model = llama()
    kinds = [*map(type, model.modules())]
    with pytest.raises(NoLayers, match=r"named v_porj, x_proj; there are .*q_proj"):
        EVERY[name][1](model, ["q_proj", "x_proj", "v_porj"])
    assert [*map(type, model.modules())] == kinds
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("name", EVERY)
def test_a_second_application_is_refused_and_nothing_is_changed(name: str) -> None:
    model = stirred(EVERY[name][1](llama(), NAMES))
    expected, count = logits(model), trainable(model)
    for _, apply in EVERY.values():
        if apply is EVERY["longlora"][1] and name != "llm_adapters":
            continue  # it leaves layers with the update that they have
        with pytest.raises(ValueError, match=r"adapted already|is taken"):
            apply(model, NAMES)
    assert torch.equal(logits(model), expected)
    assert trainable(model) == count


@pytest.mark.parametrize("name", [name for name in LINEAR if name != "second_order_mask"])
def test_merging_over_tied_embeddings_is_refused(name: str) -> None:
    module, apply = LINEAR[name]
    model = llama()
    model.lm_head.weight = model.model.embed_tokens.weight
    stirred(apply(model, ["lm_head", "q_proj"]))
    expected = logits(model)
    with pytest.raises(ValueError, match=r"lm_head shares its weight with model\.embed_tokens.*leave it out"):
        module.merge(model)
    assert torch.equal(logits(model), expected)


@pytest.mark.parametrize("name", [*EVERY, "second_order_mask", "prompt_tuning", "prefix_tuning"])
def test_save_pretrained_is_refused_until_the_method_is_gone(name: str, tmp_path: Path) -> None:
    module, apply = EVERY.get(name, ({"second_order_mask": second_order_mask, "prompt_tuning": prompt_tuning,
                                      "prefix_tuning": prefix_tuning}.get(name), None))  # fmt: skip
    model: Any = copy.deepcopy(module.apply(llama()) if apply is None else apply(llama(), NAMES))
    with pytest.raises(ValueError, match="merge it first, or keep what was trained alone"):
        model.save_pretrained(tmp_path / "a")
    if name in LINEAR and name != "qa_lora":
        expected = logits(module.merge(stirred(model)))
        model.save_pretrained(tmp_path / "b")
        assert far(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "b")), expected) < 1e-5


@pytest.mark.parametrize("first", [name for name in EVERY if name != "longlora"])
@pytest.mark.parametrize("second", ["prompt", "prefix"])
def test_a_second_method_does_not_freeze_the_first(first: str, second: str) -> None:
    model = EVERY[first][1](llama(use_cache=True), NAMES)
    count = trainable(model)
    module: Any = prompt_tuning if second == "prompt" else prefix_tuning
    module.apply(model, 3)
    assert trainable(model) > count
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    stirred(model)(input_ids=IDS, labels=IDS).loss.backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if name in before)


@pytest.mark.parametrize("name", EVERY)
def test_a_layer_in_two_places_stays_one(name: str) -> None:
    module, apply = EVERY[name]
    base = llama()
    base.model.layers[1].mlp.down_proj = base.model.layers[0].mlp.down_proj
    model = stirred(apply(copy.deepcopy(base), NAMES))
    one, other = (model.get_submodule(f"model.layers.{at}.mlp.down_proj") for at in (0, 1))
    assert isinstance(one, Adapted)
    assert one is other
    if name in LINEAR:
        expected = logits(model)
        merged = module.merge(model)
        assert far(logits(merged), expected) < 1e-5
        assert merged.get_submodule("model.layers.1.mlp.down_proj") is merged.model.layers[0].mlp.down_proj


def test_a_delta_is_detached_from_both_places_of_a_layer() -> None:
    base = llama()
    base.model.layers[1].mlp.down_proj = base.model.layers[0].mlp.down_proj
    model = delta_tuning.apply(copy.deepcopy(base), "addition", NAMES)
    delta_tuning.detach(stirred(model), "addition")
    assert [*map(type, model.modules())] == [*map(type, base.modules())]
    assert torch.equal(logits(model), logits(base))


@pytest.mark.parametrize("name", [*LINEAR, "second_order_mask"])
def test_merging_a_copy_leaves_the_model_as_it_was(name: str) -> None:
    if name == "second_order_mask":
        module, model = second_order_mask, stirred(second_order_mask.apply(llama(), density=0.1))
    else:
        module, apply = LINEAR[name]
        model = stirred(apply(llama(), NAMES))
    expected, count = logits(model), trainable(model)
    assert far(logits(module.merge(copy.deepcopy(model))), expected) < 1e-5
    assert torch.equal(logits(model), expected)
    assert trainable(model) == count


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["qlora", "qa_lora"])
def test_a_quantised_model_that_is_cast_is_refused(name: str, dtype: torch.dtype) -> None:
    model = EVERY[name][1](llama(), NAMES).to(dtype)
    with pytest.raises(ValueError, match=r"were cast to torch\..*float16 with the model.*cast it before `apply`"):
        model(input_ids=IDS)


def test_longlora_over_qlora_keeps_one_update_a_layer() -> None:
    """The setting of long contexts in 4 bits: attention in groups, embeddings and norms in full, QLoRA's updates."""
    model = qlora.apply(llama(), rank=2)
    updates = trainable(model)
    longlora.apply(model, context=64, group=8)
    assert not any(isinstance(m, longlora.LoRALinear) for m in model.modules())
    whole = sum(p.numel() for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters())
    gains = sum(p.numel() for m in _targets.norms(model).values() for p in m.parameters())
    assert trainable(model) == updates + whole + gains
    ids = IDS
    stirred(model).train()(input_ids=ids, labels=ids).loss.backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    expected = logits(model.eval())
    assert far(logits(qlora.merge(longlora.merge(model))), expected) < 1e-5


def test_a_merged_model_is_frozen_by_the_next_method() -> None:
    model = longlora.merge(longlora.apply(llama(), rank=2))
    lora.apply(model, rank=2)
    assert trainable(model) == trainable(lora.apply(llama(), rank=2))


def test_the_new_head_of_a_classifier_is_trained_in_full() -> None:
    base = model_of("Bert")
    for name in ("lora", "qlora", "rosa"):
        model = LINEAR[name][1](copy.deepcopy(base), ["query"])
        assert all(p.requires_grad for p in model.classifier.parameters())
    assert not any("classifier" in path for path, m in qlora.apply(base).named_modules() if isinstance(m, Adapted))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", METHODS)
def test_a_model_with_what_is_no_number_is_refused_as_it_was(name: str, value: float) -> None:
    model = llama()
    nn.init.constant_(model.model.layers[1].mlp.down_proj.weight[1], value)
    before = [type(module) for module in model.modules()]
    with pytest.raises(ValueError, match=r"(model\.layers\.1\.mlp\.down_proj|for a few tokens) is NaN"):
        METHODS[name].apply(model)
    assert before == [type(module) for module in model.modules()]
    assert all(p.requires_grad for p in model.parameters())


def test_a_model_is_cut_into_groups_once() -> None:
    model = longlora.apply(llama(), rank=2)
    with pytest.raises(ValueError, match="in groups already; merge that"):
        longlora.apply(model, rank=3)
    longlora.apply(longlora.merge(model), rank=3)


@pytest.mark.parametrize("architecture", ["Mixtral", "Qwen3Moe", "GptOss"])
def test_the_experts_of_a_mixture_are_quantised_too(architecture: str) -> None:
    base = model_of(architecture)
    linear = sum(
        layer.numel() if isinstance(layer, Tensor) else layer.weight.numel() for layer in layers(base).values()
    )
    linear -= base.lm_head.weight.numel()
    model = qlora.apply(base, rank=2)
    packed = sum(m.base.W.numel() for m in model.modules() if isinstance(m, qlora.NF4Linear))
    assert 2 * packed == linear
    assert any(isinstance(m, Experts) for m in model.modules())


@pytest.mark.parametrize("architecture", ["Mixtral", "GptOss", "GPT2"])
def test_back_again_the_model_is_what_it_was(architecture: str) -> None:
    base = model_of(architecture)
    model = lora.merge(lora.apply(copy.deepcopy(base), "all-linear", rank=2))
    assert [*map(type, model.modules())] == [*map(type, base.modules())]
    assert all(torch.equal(p, q) for p, q in zip(model.state_dict().values(), base.state_dict().values(), strict=True))
    assert model.state_dict().keys() == base.state_dict().keys()
    trained = stirred(lora.apply(copy.deepcopy(base), "all-linear", rank=2))
    expected = logits(trained)
    merged = lora.merge(trained)
    assert far(logits(merged), expected) < 1e-4
    back = lora.unmerge(merged)
    assert far(logits(back), expected) < 1e-4


@pytest.mark.parametrize("architecture", MODELS)
def test_the_papers_settings_have_layers_in_every_model(architecture: str) -> None:
    model = model_of(architecture)
    for part in ("q", "k", "v", "o", "into", "out"):
        for target in _targets.of(model, part):
            assert any(_targets.matches(path, target) for path in layers(model)), (part, target)


def test_what_stands_side_by_side_is_adapted_side_by_side() -> None:
    """Longformer's global attention has queries, keys and values of its own; XLM's blocks are in two lists."""
    sizes = {
        "vocab_size": 90,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "attention_window": 4,
    }
    config = LongformerConfig(**sizes, intermediate_size=48, max_position_embeddings=64, num_labels=3)
    adapted = lora.apply(LongformerForSequenceClassification(config), rank=2)
    found = {path.rpartition(".")[2] for path, layer in layers(adapted).items() if isinstance(layer, Adapted)}
    assert found == {"query", "value", "query_global", "value_global"}
    xlm = XLMForSequenceClassification(XLMConfig(vocab_size=90, emb_dim=32, n_layers=2, n_heads=4))
    assert [len(paths) for paths in _targets.blocks(xlm)] == [2, 2]
    assert {name for name, p in lora.apply(xlm, rank=2).named_parameters() if p.requires_grad and "summary" in name}


@given(st.lists(st.sampled_from(["a", "b", "0", "12"]), min_size=1, max_size=5), st.integers(0, 4))
@settings(max_examples=60)
def test_the_end_of_a_path_names_it(parts: list[str], start: int) -> None:
    path, end = ".".join(parts), parts[min(start, len(parts) - 1) :]
    numbered = ["#" if part.isdigit() else part for part in end]
    assert _targets.matches(path, ".".join(end))
    assert _targets.matches(path, ".".join(numbered))
    assert _targets.matches(path, f"x.y|{'.'.join(end)}")
    assert not _targets.matches(path, f"z{'.'.join(end)}")
    assert not _targets.matches(path, f"c.{path}")


def test_freezing_leaves_what_another_method_has_put_there() -> None:
    model = lora.apply(llama(), rank=2)
    assert trainable(freeze(model)) == trainable(model) > 0
    assert trainable(freeze(llama())) == 0


class InGroups(nn.Linear):
    """As DeepSeek-V4's: half of the outputs are of one half of the inputs, and half of the other."""

    def forward(self, x: Tensor) -> Tensor:
        halves = zip(x.chunk(2, -1), self.weight.chunk(2), strict=True)
        return torch.cat([nn.functional.linear(part, W) for part, W in halves], dim=-1)


class Written(nn.Linear):
    """As Falcon's: the same product, written out."""

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T if self.bias is None else x @ self.weight.T + self.bias


@pytest.mark.parametrize("name", EVERY)
def test_a_linear_with_a_forward_of_its_own_is_tried(name: str) -> None:
    _, apply = EVERY[name]
    model = llama()
    model.model.layers[0].mlp.down_proj = InGroups(24, 32, bias=False)
    asked = [p.requires_grad for p in model.parameters()]
    with pytest.raises(ValueError, match=r"down_proj is a InGroups, which is more than its weight"):
        apply(model, ["down_proj"])
    assert [p.requires_grad for p in model.parameters()] == asked
    model.model.layers[0].mlp.down_proj = Written(48, 32)
    assert any(isinstance(m, Adapted) for m in apply(model, ["down_proj"]).modules())


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("qlora", "qa_lora")])  # they read the weights
def test_what_is_trained_lies_where_the_model_does(name: str) -> None:
    _, apply = EVERY[name]
    model = apply(llama().to("meta"), NAMES)
    assert trainable(model) > 0
    assert {p.device.type for p in model.parameters()} == {"meta"}


@pytest.mark.parametrize(
    "layer",
    [lora.LoRALinear, qlora.NF4Linear, qa_lora.QALoRALinear, qa_lora.GroupLinear],
    ids=lambda kind: kind.__name__,
)
def test_a_layer_by_itself_is_as_apply_makes_it(layer: type[Any]) -> None:
    of_apply = inspect.signature({"refimpl.lora": lora, "refimpl.qlora": qlora}.get(layer.__module__, qa_lora).apply)
    for name, own in inspect.signature(layer).parameters.items():
        assert own.default in (own.empty, getattr(of_apply.parameters.get(name), "default", own.empty))


@pytest.mark.parametrize("shape", [(2, 4, 4), (3, 5, 2)])
def test_weights_in_a_form_that_is_not_known_are_not_passed_over(shape: tuple[int, ...]) -> None:
    odd = nn.Module()
    odd.w = nn.Parameter(torch.zeros(shape))
    with pytest.raises(ValueError, match="odd keeps weights in a form that is not known here"):
        lora.apply(nn.ModuleDict({"odd": odd, "plain": nn.Linear(4, 4)}), "all-linear")
