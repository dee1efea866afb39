"""The library in small: its file format, adapters side by side, and what is refused."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from models_support import logits, tiny
from torch import nn

from refimpl import _tuners
from refimpl import peft_library as lib
from refimpl._claims import ClaimFailed
from refimpl._lab import loop, models, tasks, texts
from refimpl._surgery import NoLayers, trainable
from refimpl.claims import peft_library as claims

PAPERS = Path(__file__).parent.parent / "papers"


@torch.no_grad()
def filled(model: nn.Module) -> nn.Module:
    for name, p in model.named_parameters():
        if "lora_" in name:
            nn.init.normal_(p, std=0.1)
    return model


def test_a_new_adapter_changes_nothing() -> None:
    model = tiny()
    before = logits(model)
    lib.apply(model)
    assert torch.equal(logits(model), before)
    assert lib.adapters(model) == ["default"]
    assert not any(p.requires_grad for name, p in model.named_parameters() if "lora_" not in name)


def test_the_output_head_is_not_among_all_linears() -> None:
    model = lib.apply(tiny())
    assert isinstance(model.lm_head, nn.Linear)
    assert isinstance(lib.apply(tiny(), ["lm_head"]).lm_head, lib.Tuned)


def test_a_later_adapter_waits_to_be_named() -> None:
    model = filled(lib.apply(tiny(), ["q_proj"]))
    before, count = logits(model), trainable(model)
    filled(lib.apply(model, ["q_proj", "o_proj"], "other", rank=3))
    assert trainable(model) == count
    assert lib.adapters(model) == ["default", "other"]
    lib.set_adapter(model, "other")
    assert trainable(model) == 3 * sum(
        sum(m.base_layer.weight.shape) for m in model.modules() if isinstance(m, lib.Tuned)
    )
    assert not torch.equal(logits(model), before)


def test_one_adapter_is_deleted_and_the_other_stays() -> None:
    model = filled(lib.apply(lib.apply(tiny(), ["q_proj"]), ["o_proj"], "other"))
    expected = logits(lib.set_adapter(model, "other"))
    lib.delete_adapter(model, "default")
    assert torch.equal(logits(model), expected)
    assert sum(isinstance(m, lib.Tuned) for m in model.modules()) == 5


def test_an_adapter_comes_back_from_disk_under_another_name(tmp_path: Path) -> None:
    first = filled(lib.apply(tiny(), r"model\.layers\.3\..*_proj", rank=3, alpha=5))
    lib.save(first, tmp_path / "adapter")
    second = lib.apply(tiny(), ["q_proj"])
    before = logits(second)
    lib.load(second, tmp_path / "adapter", "loaded")
    assert torch.equal(logits(second), before)
    assert torch.equal(logits(lib.set_adapter(second, "loaded")), logits(first))
    third = lib.apply(tiny(), r"model\.layers\.3\..*_proj", rank=3, alpha=1)
    assert torch.equal(logits(lib.load(third, tmp_path / "adapter")), logits(first))


def test_target_modules_are_as_short_as_they_can_be(tmp_path: Path) -> None:
    for targets, expected in ((["v_proj"], ["v_proj"]), (r".*\.0\..*v_proj", ["model.layers.0.self_attn.v_proj"])):
        folder = lib.save(lib.apply(tiny(), targets), tmp_path / "adapter")
        assert json.loads((folder / "adapter_config.json").read_text())["target_modules"] == expected


@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 3, 8), (0, 8)])
def test_the_layer_is_called_like_a_linear(shape: tuple[int, ...]) -> None:
    model = lib.apply(nn.Sequential(nn.Linear(8, 6).bfloat16()), ["0"], rank=2)
    y = model(torch.randn(shape).bfloat16())
    assert y.shape == (*shape[:-1], 6)
    assert y.dtype == torch.bfloat16
    assert model[0].lora_A["default"].dtype == torch.float32
    y.float().sum().backward()


def test_disabling_ends_where_the_block_fails() -> None:
    model = filled(lib.apply(tiny(), ["q_proj"]))
    expected = logits(model)
    with pytest.raises(RuntimeError), lib.disable_adapter(model):
        raise RuntimeError
    assert torch.equal(logits(model), expected)


def test_what_is_refused_says_what_to_do(tmp_path: Path) -> None:
    model = lib.apply(tiny(), ["q_proj"])
    with pytest.raises(ValueError, match="'default' is taken"):
        lib.apply(model)
    with pytest.raises(NoLayers, match=r"no Linear named qproj; there are .*q_proj"):
        lib.apply(model, ["qproj"], "other")
    with pytest.raises(ValueError, match=r"'\(q_proj' is no pattern: missing \)"):
        lib.apply(model, "(q_proj", "other")
    with pytest.raises(ValueError, match="no adapter 'other'; there are default"):
        lib.set_adapter(model, "other")
    with pytest.raises(ValueError, match="a rank is over 0"):
        lib.apply(tiny(), rank=0)
    lib.save(model, tmp_path / "adapter")
    with pytest.raises(ValueError, match="no Linear model"):
        lib.load(nn.Sequential(nn.Linear(4, 4)), tmp_path / "adapter")
    with pytest.raises(ValueError, match="load it under a new name"):
        lib.load(lib.apply(tiny(), ["o_proj"]), tmp_path / "adapter")
    with pytest.raises(ValueError, match="load it under a new name"):
        lib.load(lib.apply(tiny(), ["q_proj"], rank=3), tmp_path / "adapter")
    with pytest.raises(ValueError, match="save one there first"):
        lib.load(tiny(), tmp_path / "nothing")
    lib.merge_adapter(model)
    for change in (lib.set_adapter, lib.delete_adapter, lambda m, a: lib.save(m, tmp_path / "x", a)):
        with pytest.raises(ValueError, match="call unmerge_adapter first"):
            change(model, "default")
    with pytest.raises(ValueError, match="call unmerge_adapter first"):
        lib.apply(model, ["o_proj"], "other")


def test_a_base_in_8_bits_is_refused_whole() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = nn.Parameter(torch.zeros(4, 4, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match=r"need refimpl\.qlora"):
        lib.apply(model, ["0", "1"])
    assert not any(isinstance(m, lib.Tuned) for m in model)


def test_the_table_of_types_names_papers_of_the_catalog() -> None:
    for paper in {*(paper for paper, _, _ in _tuners.PAPERS), *claims.ABSENT, lib.PAPER}:
        assert (PAPERS / f"{paper}.md").is_file(), paper


def test_the_table_is_that_of_the_installed_version() -> None:
    peft = pytest.importorskip("peft")
    table = {tuner.name: tuner for tuner in _tuners.tuners()}
    assert set(table) <= {kind.value for kind in peft.PeftType}
    assert table["LORA"].config == "LoraConfig"
    assert set(table["LORA"].papers) == {"hu2021lora", "dettmers2023qlora", "xu2023qa"}
    assert table["IA3"].papers == ()


def test_the_demo_shows_the_table_those_of_papers_first() -> None:
    pytest.importorskip("peft")
    table = _tuners.table()["table"]
    papers = [row[2] for row in table["rows"]]
    assert len(papers) == len(_tuners.tuners())
    assert [bool(paper) for paper in papers] == [True] * 3 + [False] * (len(papers) - 3)


def test_a_name_that_is_gone_fails_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft")
    for row in (("hu2021lora", "BONE", ""), ("hu2021lora", "LORA", "use_gone")):
        monkeypatch.setattr(_tuners, "PAPERS", (row,))
        with pytest.raises(ClaimFailed, match=r"BONE|use_gone"):
            claims.claim_the_table_of_types_is_of_this_version()


def works(device: str, dtype: str, tolerance: float) -> None:
    """On a device: apply, train, the loss falls, the base keeps its bits, merged equals unmerged."""
    model, tokenizer = models.load("tiny", device, dtype)
    base = {name: t.clone() for name, t in model.state_dict().items()}
    torch.manual_seed(0)
    lib.apply(model)
    history = loop.train(model, tokenizer, tasks.get("python"), 8, 1e-2, 4, 48)
    assert sum(history.losses[-2:]) < sum(history.losses[:2])
    now = {name.replace(".base_layer", ""): t for name, t in model.state_dict().items()}
    assert all(torch.equal(now[name], t) for name, t in base.items())
    expected = logits(model)
    lib.merge_adapter(model)
    assert (logits(model) - expected).abs().max() < tolerance * expected.abs().max()
    lib.unmerge_adapter(model)
    assert (logits(model) - expected).abs().max() < tolerance * expected.abs().max()
    merged = lib.merge(copy.deepcopy(model))
    assert not any(isinstance(m, lib.Tuned) for m in merged.modules())
    assert (logits(merged) - expected).abs().max() < tolerance * expected.abs().max()


def test_it_trains_and_merges_on_tiny() -> None:
    works("cpu", "float32", 1e-4)


def test_the_demo_improves(tmp_path: Path) -> None:
    record = lib.demo(task=replace(texts.python(), rows=8), steps=12, out=tmp_path / "a")
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == pytest.approx(record["after"]["value"], abs=1e-3)


@pytest.mark.gpu
def test_gpu_trains_and_merges() -> None:
    works("cuda", "bfloat16", 5e-2)
