"""LoRA: the layer and its backward, folding, and saving in both formats."""

# ruff: noqa: N806 - the names are the paper's
from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from models_support import IDS, llama, logits
from torch import Tensor, nn
from torch.nn import functional as F

from refimpl import lora, qa_lora, qlora, rosa
from refimpl._lab import LabError, loop, models, texts
from refimpl._surgery import NoLayers, trainable
from refimpl._toys import far


def adapted(model: Any = None, rank: int = 3, alpha: float = 10.0) -> Any:
    """A model with LoRA as it is after training: no factor is zero."""
    model = lora.apply(llama() if model is None else model, lora.LINEARS, rank, alpha)
    for name, p in model.named_parameters():
        if name.endswith(".B"):
            nn.init.normal_(p, std=0.1)
    return model


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_is_its_equation(shape: tuple[int, ...], bias: bool) -> None:
    layer = lora.LoRALinear(nn.Linear(5, 7, bias=bias).double(), rank=2, alpha=3)
    nn.init.normal_(layer.B)
    x = torch.randn(shape, dtype=torch.float64)
    h = layer(x)
    assert h.shape == (*shape[:-1], 7)
    assert torch.allclose(h, layer.base(x) + 1.5 * x @ layer.A.T @ layer.B.T, atol=1e-12)


@pytest.mark.parametrize("rows", [3, 6])  # fewer and more than a side of W
@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_are_those_of_finite_differences(frozen: bool, rows: int) -> None:
    torch.manual_seed(0)
    x, W, b, A, B = (torch.randn(*s, dtype=torch.float64) for s in ((rows, 5), (4, 5), (4,), (2, 5), (4, 2)))
    trained = [x, A, B] if frozen else [x, W, b, A, B]
    for tensor in trained:
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(lambda *_: lora.LowRank.apply(x, W, b, A, B, 1.7), trained)


def test_a_gradient_of_a_strided_output_is_right() -> None:
    layer = lora.LoRALinear(nn.Linear(5, 7), rank=2, alpha=4)
    x = torch.randn(3, 4, 5, requires_grad=True)
    layer(x).transpose(0, 1).square().sum().backward()
    plain = x.detach().requires_grad_()
    layer.base(plain).square().sum().backward()
    assert torch.allclose(x.grad, plain.grad, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_factors_are_at_least_float32_and_outputs_are_of_the_base(dtype: torch.dtype) -> None:
    layer = lora.LoRALinear(nn.Linear(8, 6).to(dtype), rank=2, alpha=4)
    assert layer.A.dtype == layer.B.dtype == torch.promote_types(dtype, torch.float32)
    h = layer(torch.randn(3, 8, dtype=dtype))
    assert h.dtype == dtype
    h.sum().backward()
    assert layer.B.grad is not None
    assert layer.B.grad.dtype == layer.B.dtype


def test_the_two_ways_to_draw_a() -> None:
    torch.manual_seed(0)
    base = nn.Linear(256, 64)
    gaussian, uniform = lora.LoRALinear(base, 256, 1).A, lora.LoRALinear(base, 256, 1, init="kaiming").A
    assert gaussian.std().item() == pytest.approx(256**-0.5, rel=0.02)
    assert uniform.std().item() == pytest.approx((3 * 256) ** -0.5, rel=0.02)
    assert uniform.abs().max().item() <= 256**-0.5


def test_the_paper_s_targets_are_the_default() -> None:
    model = lora.apply(llama(), rank=2)
    assert trainable(model) == 2 * 2 * ((32 + 32) + (32 + 16))
    assert {name.rpartition(".")[2] for name in lora._layers(model)} == {"q_proj", "v_proj"}


def test_training_moves_the_factors_alone() -> None:
    model = adapted()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model(input_ids=IDS, labels=IDS).loss.backward()
    optimiser.step()
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {name for name, _ in model.named_parameters() if name.endswith((".A", ".B"))}


def test_checkpointing_changes_no_gradient() -> None:
    model = adapted()
    model.train()
    grads = []
    for _ in range(2):
        model.zero_grad()
        model(input_ids=IDS, labels=IDS).loss.backward()
        grads.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
        with pytest.warns(FutureWarning):  # transformers' older name
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    assert torch.equal(*grads)


def test_merging_and_back() -> None:
    base, model = llama(), adapted()
    expected, names = logits(model), [name for name, _ in base.named_modules()]
    lora.merge(model)
    assert far(logits(model), expected) < 1e-5
    assert [name for name, _ in model.named_modules()] == names
    assert model.state_dict().keys() == base.state_dict().keys()
    assert lora.merge(model) is model  # nothing is left to fold
    lora.unmerge(copy.deepcopy(model))
    lora.unmerge(model)
    assert far(logits(model), expected) < 1e-5
    for name, layer in lora._layers(model).items():
        assert torch.allclose(layer.base.weight, base.get_submodule(name).weight, atol=1e-6)


def test_a_tied_head_is_not_merged() -> None:
    model = llama()
    model.lm_head.weight = model.model.embed_tokens.weight
    adapted_head = lora.apply(model, ("lm_head", "q_proj"))
    before = logits(adapted_head)
    with pytest.raises(ValueError, match="lm_head shares its weight"):
        lora.merge(adapted_head)
    assert torch.equal(logits(adapted_head), before)
    assert len(lora._layers(adapted_head)) == 3


def test_saving_round_trip(tmp_path: Path) -> None:
    model = adapted()
    lora.save(model, tmp_path / "a")
    other = lora.apply(llama(), lora.LINEARS, rank=3, alpha=10)
    lora.load(other, tmp_path / "a")
    assert torch.equal(logits(other), logits(model))
    with pytest.raises(LabError, match="shape"):
        lora.load(lora.apply(llama(), lora.LINEARS, rank=4), tmp_path / "a")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by an old name
def test_peft_reads_what_we_write_and_we_read_what_peft_writes(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    for dtype, limit in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model = adapted(llama(dtype=dtype))
        lora.save_peft(model, tmp_path / "ours")
        theirs = peft.PeftModel.from_pretrained(llama(dtype=dtype), tmp_path / "ours")
        assert far(theirs(input_ids=IDS).logits, model(input_ids=IDS).logits) < limit
        ours = lora._layers(model)["model.layers.1.mlp.up_proj"]
        layer = theirs.get_submodule("base_model.model.model.layers.1.mlp.up_proj")
        assert torch.equal(layer.lora_A["default"].weight, ours.A)
        assert torch.equal(layer.lora_B["default"].weight, ours.B)
        theirs.save_pretrained(tmp_path / "theirs")
        back = lora.load_peft(llama(dtype=dtype), tmp_path / "theirs")
        assert torch.equal(logits(back), logits(model))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by an old name
def test_a_peft_adapter_of_our_making_trains_on(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    lora.save_peft(adapted(), tmp_path)
    theirs = peft.PeftModel.from_pretrained(llama(), tmp_path, is_trainable=True)
    assert sum(p.numel() for p in theirs.parameters() if p.requires_grad) == trainable(adapted())


def change(folder: Path, **entries: object) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"use_dora": True}, "uses use_dora"),
        ({"rank_pattern": {"q_proj": 2}}, "uses rank_pattern"),
        ({"bias": "all"}, "uses bias"),
        ({"init_lora_weights": "pissa"}, "uses init_lora_weights"),
        ({"alora_invocation_tokens": [7]}, "uses alora_invocation_tokens"),
        ({"something_of_next_year": 1}, "uses something_of_next_year"),
        ({"peft_type": "IA3"}, "IA3"),
        ({"r": "x"}, "no factors of the rank x"),
        ({"r": 10**9}, "no factors of the rank"),
        ({"lora_alpha": None}, "lora_alpha of None"),
        ({"lora_alpha": float("nan")}, "lora_alpha of nan"),
    ],
)
def test_an_adapter_that_is_more_than_lora_is_refused(tmp_path: Path, entries: dict[str, object], said: str) -> None:
    lora.save_peft(adapted(), tmp_path)
    change(tmp_path, **entries)
    with pytest.raises(ValueError, match=said):
        lora.load_peft(llama(), tmp_path)


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no adapter of peft's"):
        lora.load_peft(llama(), tmp_path)
    with pytest.raises(ValueError, match="apply it first"):
        lora.save_peft(llama(), tmp_path)


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    lora.save_peft(adapted(), tmp_path)
    model = llama()
    model.model.layers = model.model.layers[:1]
    with pytest.raises(ValueError, match="another model"):
        lora.load_peft(model, tmp_path)


def test_bad_input_says_what_to_do() -> None:
    with pytest.raises(NoLayers, match=r"no Linear named c_attn; there are .*q_proj"):
        lora.apply(llama(), ("c_attn",))
    with pytest.raises(ValueError, match="rank of 1 or more"):
        lora.apply(llama(), rank=0)
    with pytest.raises(ValueError, match="gaussian or kaiming"):
        lora.apply(llama(), init="zero")
    layer = nn.Linear(4, 4)
    layer.weight = nn.Parameter(torch.zeros(4, 4, dtype=torch.uint8), requires_grad=False)
    with pytest.raises(ValueError, match=r"refimpl\.qlora"):
        lora.apply(nn.Sequential(layer), ("0",))


def works(device: str, dtype: str, tolerance: float) -> None:
    """On a device: apply, train, the loss falls, the base keeps its bytes, merged equals unmerged."""
    model, tokenizer = models.load("tiny", device, dtype)
    torch.manual_seed(0)
    lora.apply(model, lora.LINEARS, rank=4)
    base = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
    history = loop.train(model, tokenizer, texts.python(), steps=8, lr=1e-2, batch=4, length=64)
    assert history.losses[-1] < history.losses[0]
    assert all(torch.equal(p, base[name]) for name, p in model.named_parameters() if name in base)
    expected = logits(model)
    assert far(logits(lora.merge(model)), expected) < tolerance
    assert not lora._layers(model)
    assert far(logits(lora.unmerge(model)), expected) < tolerance


def test_it_trains_and_merges_on_tiny() -> None:
    works("cpu", "float32", 1e-5)


def test_the_demo_improves_on_what_is_held_out(tmp_path: Path) -> None:
    record = lora.demo(task="python", steps=6, batch=4, length=64, out=tmp_path / "adapter", device="cpu")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == pytest.approx(record["after"]["value"], abs=1e-4)
    assert record["options"]["rank"] == 8
    assert (tmp_path / "adapter" / "adapter.safetensors").is_file()


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16", 5e-2)


def test_the_equation_holds_in_one_line() -> None:
    """The docstring's equation, whole, on a layer with a bias."""
    layer = lora.LoRALinear(nn.Linear(6, 4), rank=2, alpha=8)
    nn.init.normal_(layer.B)
    x = torch.randn(3, 6)
    W = layer.base.weight + (8 / 2) * layer.B @ layer.A
    assert torch.allclose(layer(x), F.linear(x, W, layer.base.bias), atol=1e-5)


def test_a_damaged_or_foreign_file_of_tensors_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    lora.save_peft(adapted(), tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file(tensors | {"base_model.model.lm_head.weight": torch.zeros(2)}, file)
    with pytest.raises(ValueError, match="other tensors than pairs"):
        lora.load_peft(llama(), tmp_path)
    lone = next(name for name in tensors if "lora_A" in name)
    save_file({name: tensor for name, tensor in tensors.items() if name != lone}, file)
    with pytest.raises(ValueError, match="other tensors than pairs"):
        lora.load_peft(llama(), tmp_path)
    save_file(tensors | {lone: torch.zeros(3, 5)}, file)
    with pytest.raises(ValueError, match="another shape"):
        lora.load_peft(llama(), tmp_path)
    file.write_bytes(b"not tensors")
    with pytest.raises(ValueError, match="no adapter of peft's"):
        lora.load_peft(llama(), tmp_path)


def test_a_second_method_on_top_is_refused_until_the_first_is_merged() -> None:
    model = adapted()
    for second in (lambda: lora.apply(model), lambda: rosa.apply(model), lambda: qlora.apply(model)):
        with pytest.raises(ValueError, match=r"\.q_proj is adapted already, by LoRALinear: merge that, or name other"):
            second()
    expected = logits(lora.merge(model))
    lora.apply(model)
    with pytest.raises(ValueError, match="adapted already, by LoRALinear"):
        lora.unmerge(model)
    assert torch.equal(logits(model), expected)


def test_a_single_name_is_a_target() -> None:
    model = lora.apply(llama(), "q_proj")
    assert {name.rpartition(".")[2] for name in lora._layers(model)} == {"q_proj"}
    assert len(lora._layers(lora.apply(llama(), "all-linear"))) == 2 * len(lora.LINEARS)
    with pytest.raises(NoLayers, match=r"no Linear to adapt; there are .*q_proj"):
        lora.apply(llama(), ())


class Twice(nn.Module):
    """One Linear in three places."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Sequential(), nn.Sequential()
        self.a.q = self.a.p = self.b.q = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.b.q(self.a.p(self.a.q(x)).tanh())
        return out


@pytest.mark.parametrize("method", [lora, rosa, qlora])
def test_a_layer_in_several_places_stays_one(method: Any) -> None:
    torch.manual_seed(0)
    model, x = Twice(), torch.randn(4, 8)
    method.apply(model, ("p", "q"), rank=2)
    assert model.a.q is model.a.p is model.b.q
    for p in model.parameters():
        if p.requires_grad:
            nn.init.normal_(p, std=0.1)
    expected = model(x)
    assert far(method.merge(model)(x), expected) < 1e-5
    assert type(model.a.p) is nn.Linear


def test_it_goes_on_under_autocast() -> None:
    model = adapted()
    model(input_ids=IDS, labels=IDS).loss.backward()
    wide = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(input_ids=IDS, labels=IDS).loss
    loss.backward()
    for p, expected in zip((p for p in model.parameters() if p.requires_grad), wide, strict=True):
        assert p.grad is not None
        assert p.grad.dtype == torch.float32
        assert far(p.grad, expected) < 0.1


@pytest.mark.parametrize(
    "wrap",
    [
        lambda base: lora.LoRALinear(base, rank=2, alpha=4),
        lambda base: rosa.RoSALinear(base, rank=2, alpha=4, density=0.5),
        lambda base: qlora.NF4Linear(base, rank=2),
        lambda base: qa_lora.GroupLinear(base, group=2),
    ],
    ids=["lora", "rosa", "qlora", "qa_lora"],
)
def test_what_comes_out_may_be_changed_in_place(wrap: Callable[[nn.Linear], nn.Module]) -> None:
    """As Falcon adds its residual."""
    x = torch.randn(2, 3, 6, requires_grad=True)
    h = wrap(nn.Linear(6, 4))(x)
    h += 1
    h.sum().backward()
    assert h.shape == (2, 3, 4)
    assert x.grad is not None


@pytest.mark.filterwarnings("ignore")  # peft's own
@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"target_modules": "all-linear"}, None),
        ({"target_modules": r".*\.(q|k)_proj"}, None),
        ({"exclude_modules": ["q_proj"]}, None),
        ({"init_lora_weights": "gaussian", "lora_dropout": 0.2}, None),
        ({"init_lora_weights": "olora"}, "uses init_lora_weights"),
        ({"use_rslora": True}, "uses use_rslora"),
        ({"alpha_pattern": {"q_proj": 32}}, "uses alpha_pattern"),
        ({"modules_to_save": ["lm_head"]}, "uses modules_to_save"),
        ({"layers_to_transform": [1]}, None),
        ({"exclude_modules": ["model.layers.0.self_attn.q_proj"]}, None),
    ],
)
def test_what_peft_wrote_is_read_right_or_refused(tmp_path: Path, options: Any, refused: str | None) -> None:
    peft = pytest.importorskip("peft")
    theirs = peft.get_peft_model(llama(), peft.LoraConfig(**{"target_modules": ["q_proj", "v_proj"], **options}))
    for name, p in theirs.named_parameters():
        if "lora_" in name:
            nn.init.normal_(p, std=0.1)
    theirs.save_pretrained(tmp_path)
    model = llama()
    if refused is None:
        reread = peft.PeftModel.from_pretrained(llama(), tmp_path).eval()
        assert far(logits(lora.load_peft(model, tmp_path)), logits(reread)) < 1e-5
        return
    with pytest.raises(ValueError, match=refused):
        lora.load_peft(model, tmp_path)
    assert not lora._layers(model)


@pytest.mark.parametrize("text", ["[]", "null", "[" * 100_000, '{"peft_type": '])
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    lora.save_peft(adapted(), tmp_path)
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(ValueError, match=r"only LORA can be read|save one there first|does not say its peft_type"):
        lora.load_peft(llama(), tmp_path)


@pytest.mark.filterwarnings("ignore")  # peft's own
def test_peft_reads_an_adapter_of_what_is_no_language_model(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    model, x = nn.Sequential(nn.Linear(8, 8), nn.Tanh()), torch.randn(3, 8)
    base = copy.deepcopy(model)
    nn.init.normal_(lora.apply(model, ("0",), rank=2)[0].B)
    lora.save_peft(model, tmp_path)
    assert far(peft.PeftModel.from_pretrained(base, tmp_path)(x), model(x)) < 1e-5
